"""From 19.0.2.0.0: what the new code needs before it is loaded."""

from odoo.tools import SQL

#: The engine fills these for every customer: their links are checked no more
UNCHECKED_TABLES = ["customer_figures"]
#: The columns that linked to a record of Odoo's
UNCHECKED_COLUMNS = ["partner_id", "company_id"]


def migrate(cr, version):
    _drop_foreign_keys(cr)


def _drop_foreign_keys(cr):
    """Drop the checks of the engine's links, and Odoo's record of them."""
    cr.execute(
        SQL(
            """
            SELECT key.conrelid::regclass::text, key.conname
              FROM pg_constraint AS key
              JOIN pg_class AS checked ON checked.oid = key.conrelid
              JOIN pg_attribute AS link
                ON link.attrelid = key.conrelid
               AND link.attnum = key.conkey[1]
             WHERE key.contype = 'f'
               AND checked.relnamespace = current_schema::regnamespace
               AND checked.relname = ANY(%s)
               AND link.attname = ANY(%s)
            """,
            UNCHECKED_TABLES,
            UNCHECKED_COLUMNS,
        )
    )
    keys = cr.fetchall()
    for table, name in keys:
        cr.execute(
            SQL(
                "ALTER TABLE %s DROP CONSTRAINT %s",
                SQL.identifier(table),
                SQL.identifier(name),
            )
        )
    cr.execute(
        SQL(
            "DELETE FROM ir_model_constraint WHERE type = 'f' AND name = ANY(%s)",
            [name for _table, name in keys],
        )
    )
