from odoo import api, fields, models
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one


class CustomerComparisonRow(models.Model):
    """A customer whose category would be another one."""

    _name = "customer.comparison.row"
    _inherit = ["customer.rows.mixin"]
    _description = "Customer Who Would Change Category"
    _order = "comparison_id, revenue desc, id"
    _rec_name = "partner_id"
    _log_access = False

    partner_id = EngineMany2one()
    company_id = fields.Many2one(related="comparison_id.company_id")
    comparison_id = fields.Many2one(
        "customer.comparison", required=True, readonly=True, ondelete="cascade"
    )
    dimension_id = fields.Many2one(related="comparison_id.dimension_id")
    currency_id = fields.Many2one(related="company_id.currency_id")
    slot = fields.Integer(required=True, readonly=True, default=0)
    from_id = fields.Many2one("customer.category", readonly=True, ondelete="cascade")
    to_id = fields.Many2one("customer.category", readonly=True, ondelete="cascade")
    is_hidden = fields.Boolean(
        "Decided by Hand",
        readonly=True,
        help="People decided by hand, so nobody sees it until that ends.",
    )
    revenue = fields.Monetary("Net Revenue in Period", readonly=True)

    _cell_idx = models.Index("(comparison_id, from_id, to_id)")

    @api.model
    def _record(self, comparison):
        """Note who is in the temporary table ``customer_differing``."""
        self.env["customer.override"].flush_model()
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_comparison_row (
                    comparison_id, partner_id, slot, from_id, to_id, revenue, is_hidden
                )
                SELECT %(comparison)s, differing.customer_id, differing.customer_slot,
                       differing.former_category_id, differing.customer_category_id,
                       COALESCE(figures.revenue_window, 0),
                       EXISTS (
                           SELECT
                             FROM customer_override AS decided
                            WHERE decided.partner_id = differing.customer_id
                              AND decided.dimension_id = %(dimension)s
                              AND decided.company_id IS NOT DISTINCT FROM %(company)s
                              AND decided.slot = differing.customer_slot
                              AND (decided.date_end IS NULL
                                   OR decided.date_end >= %(today)s)
                       )
                  FROM pg_temp.customer_differing AS differing
                  LEFT JOIN customer_figures AS figures
                    ON figures.partner_id = differing.customer_id
                   AND figures.company_id = %(company)s
                 WHERE differing.former_category_id
                       IS DISTINCT FROM differing.customer_category_id
                 ORDER BY differing.customer_id
                RETURNING NULL
                """,
                comparison=comparison.id,
                company=comparison.company_id.id or None,
                dimension=comparison.dimension_id.id,
                today=comparison.as_of,
            )
        )
        self.invalidate_model()
