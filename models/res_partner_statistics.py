from odoo import api, models
from odoo.tools import SQL

STATISTICS = SQL.identifier("res_partner_customer_entity")


class ResPartner(models.Model):
    """Tells the database how many contacts are commercial entities.

    It takes two columns of a row to be equal once in 200 rows, and then looks up the
    invoices of each of the "few" customers one by one. Compared ``IS TRUE``, with
    statistics of that expression, it knows better.
    """

    _inherit = "res.partner"

    def init(self):
        """Create the statistics; they are renewed along with those of the columns."""
        if self.env.cr._cnx.server_version < 140000:
            return  # older servers know no statistics of expressions
        self.env.execute_query(
            SQL(
                """
                CREATE STATISTICS IF NOT EXISTS %s
                    ON (commercial_partner_id = id) FROM res_partner
                """,
                STATISTICS,
            )
        )
        self.env.execute_query(SQL("ANALYZE res_partner"))

    @api.model
    def _remove_customer_statistics(self):
        self.env.execute_query(SQL("DROP STATISTICS IF EXISTS %s", STATISTICS))
