from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class CustomerAssignment(models.Model):
    """Who would stay where a comparison says that others move."""

    _inherit = "customer.assignment"

    moving_comparison_id = fields.Many2one(
        "customer.comparison",
        string="Would Change by Comparison",
        compute="_compute_moving_comparison_id",
        search="_search_moving_comparison_id",
        help="To search by: the customers that a comparison moves out of the category.",
    )

    def _compute_moving_comparison_id(self):
        self.moving_comparison_id = False

    def _search_moving_comparison_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        ids = [id_ for id_ in value if id_]

        def get_condition(_model, alias, _query):
            return SQL(
                """EXISTS (
                    SELECT
                      FROM customer_comparison_row AS moving
                     WHERE moving.comparison_id = ANY(%(ids)s)
                       AND moving.partner_id = %(partner)s
                       AND moving.slot = %(slot)s
                )""",
                ids=ids,
                partner=SQL.identifier(alias, "partner_id"),
                slot=SQL.identifier(alias, "slot"),
            )

        return Domain.custom(to_sql=get_condition)
