"""From 19.0.5.0.0: the database checks fewer links of rows that runs write."""

from odoo.tools import SQL

#: Columns that are foreign keys no more, by table
UNCHECKED = {
    "customer_assignment_history": [
        "company_id",
        "dimension_id",
        "new_category_id",
        "old_category_id",
        "partner_id",
        "ruleset_id",
        "run_id",
    ],
    "customer_classification_scope": ["line_id"],
}


def migrate(cr, version):
    """Drop the checks, and Odoo's record of them."""
    for table, columns in UNCHECKED.items():
        cr.execute(
            SQL(
                """
                SELECT key.conname
                  FROM pg_constraint AS key
                  JOIN pg_class AS checked ON checked.oid = key.conrelid
                  JOIN pg_attribute AS link
                    ON link.attrelid = checked.oid AND link.attnum = key.conkey[1]
                 WHERE key.contype = 'f'
                   AND checked.relnamespace = current_schema::regnamespace
                   AND checked.relname = %s
                   AND link.attname = ANY(%s)
                """,
                table,
                columns,
            )
        )
        names = [name for [name] in cr.fetchall()]
        for name in names:
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
                names,
            )
        )
