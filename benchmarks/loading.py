"""Loading millions of rows in minutes: copies of real rows, without what slows it."""

from contextlib import contextmanager

import psycopg2

from odoo.tools import SQL

#: Of this session only, and only while it loads
SETTINGS = {
    "work_mem": "256MB",
    "maintenance_work_mem": "512MB",
    "customer_classification.capture": "off",
}


def clone(env, table, source, pattern_ids, values):
    """Insert a copy of a real row for each row of ``source``; return how many.

    :param SQL source: selects ``pattern_id``, the id of the row to copy, and whatever
        ``values`` read
    :param pattern_ids: all ids that ``pattern_id`` can have
    :param dict values: SQL by column; the other columns are the copied row's
    """
    columns = [
        name
        for [name] in env.execute_query(
            SQL(
                """
                SELECT attname
                  FROM pg_attribute
                 WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
                 ORDER BY attnum
                """,
                table,
            )
        )
    ]
    unknown = set(values).difference(columns)
    assert not unknown, f"No columns of {table}: {unknown}"
    env.cr.execute(
        SQL(
            """
            INSERT INTO %(table)s (%(columns)s)
            SELECT %(values)s
              FROM (%(source)s) AS source
              JOIN (SELECT * FROM %(table)s WHERE id = ANY(%(patterns)s)) AS pattern
                ON pattern.id = source.pattern_id
            """,
            table=SQL.identifier(table),
            columns=SQL(", ").join(map(SQL.identifier, columns)),
            values=SQL(", ").join(
                values.get(name) or SQL.identifier("pattern", name) for name in columns
            ),
            source=source,
            patterns=list(pattern_ids),
        )
    )
    return env.cr.rowcount


def reserve_ids(env, table, count):
    """Take ``count`` ids of a table's sequence; return the first."""
    if not count:
        return 0
    name = f"{table}_id_seq"
    [[first]] = env.execute_query(SQL("SELECT nextval(%s)", name))
    env.execute_query(SQL("SELECT setval(%s, %s)", name, first + count - 1))
    return first


@contextmanager
def bulk(env, tables):
    """Insert into ``tables`` without indexes, triggers and checks of foreign keys.

    The indexes are made anew in the end, with their comments, by which Odoo tells
    whether they are up to date. It commits.
    """
    for name, value in SETTINGS.items():
        env.cr.execute(SQL("SELECT set_config(%s, %s, false)", name, value))
    try:
        with env.cr.savepoint(flush=False):
            env.cr.execute("SET session_replication_role = replica")
    except psycopg2.errors.InsufficientPrivilege:
        pass  # slower: every row is checked
    indexes = [index for table in tables for index in _get_indexes(env, table)]
    for name, _definition, _comment in indexes:
        env.cr.execute(SQL("DROP INDEX %s", SQL.identifier(name)))
    env.cr.commit()
    yield
    env.cr.commit()
    for name, definition, comment in indexes:
        env.cr.execute(SQL(definition.replace("%", "%%")))
        if comment is not None:
            env.cr.execute(
                SQL("COMMENT ON INDEX %s IS %s", SQL.identifier(name), comment)
            )
        env.cr.commit()
    env.cr.execute("RESET session_replication_role")
    for name in SETTINGS:
        env.cr.execute(SQL("RESET %s", SQL(name)))
    env.cr.commit()


def _get_indexes(env, table):
    """Return names, definitions and comments of indexes that are no constraint's."""
    return env.execute_query(
        SQL(
            """
            SELECT class.relname, pg_get_indexdef(class.oid),
                   obj_description(class.oid, 'pg_class')
              FROM pg_index AS index
              JOIN pg_class AS class ON class.oid = index.indexrelid
             WHERE index.indrelid = %s::regclass
               AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = class.oid)
             ORDER BY class.relname
            """,
            table,
        )
    )
