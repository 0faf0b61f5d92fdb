"""What the database knows of tables that the engine fills."""

from odoo.tools import SQL

#: Rows that are too few to matter
FEW_ROWS = 5_000


def renew_statistics(env, table, written):
    """Renew the database's statistics of a table into which much was just written.

    Autovacuum does it later, or, worse, before the commit, when the table looks empty:
    the database then compares each row with all. Much is a third of its rows: in
    between, what is known is scaled by the table's size.

    :param str table: its name
    :param int written: the number of rows
    """
    if written < FEW_ROWS:
        return
    [[known]] = env.execute_query(
        SQL("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", table)
    )
    if 2 * written >= known:
        env.execute_query(SQL("ANALYZE %s", SQL.identifier(table)))
