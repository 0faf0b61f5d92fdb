"""What Odoo calls when the addon leaves a database."""

from odoo.tools import SQL

#: Tables that refer to categories, which Odoo deletes before it drops any table
REFERRING_TABLES = (
    "customer_staging",
    "customer_assignment_history",
    "customer_override",
    "customer_assignment",
    "customer_ruleset_limit",
)


def uninstall_hook(env):
    """Remove what Odoo would stumble over or leave behind.

    The fields of the dimensions on ``res.partner`` are custom fields: without the
    code that computes them they would stay, broken. Rows that refer to categories
    would stop Odoo from deleting those, with errors in the log.
    """
    dimensions = env["customer.dimension"].with_context(active_test=False).search([])
    dimensions._remove_partner_fields()
    for table in REFERRING_TABLES:
        env.execute_query(SQL("DELETE FROM %s", SQL.identifier(table)))
