from odoo import api, fields, models
from odoo.tools import SQL


class CustomerAssignmentHistory(models.Model):
    """What a customer was worth when the category changed.

    Kept whatever decided, rules and people too: a customer who was lost is told with
    what was lost.
    """

    _inherit = "customer.assignment.history"

    currency_id = fields.Many2one(related="company_id.currency_id")
    revenue = fields.Monetary(
        "Revenue at That Time",
        readonly=True,
        help="The net revenue in the period, as it was computed when this changed. "
        "Empty where none was known.",
    )

    @api.model
    def _get_revenue_sql(self, alias):
        """Return SQL for the stored net revenue of a customer's company, or NULL.

        :param str alias: of rows with the columns of an assignment's key
        """
        return SQL(
            """
            (SELECT figures.revenue_window
               FROM customer_figures AS figures
              WHERE figures.partner_id = %(alias)s.partner_id
                AND figures.company_id = %(alias)s.company_id)
            """,
            alias=SQL.identifier(alias),
        )

    @api.model
    def _get_revenue(self, partner, company):
        """Return the same as values of a new row: none where it is unknown."""
        # sudo: noted for those who may see it
        figures = self.env["customer.figures"].sudo()
        figures = figures.search(
            [("partner_id", "=", partner.id), ("company_id", "=", company.id)]
        )
        return {"revenue": figures.revenue_window} if figures else {}
