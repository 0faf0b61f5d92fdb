from odoo import api, fields, models
from odoo.tools import SQL


class CustomerComparisonCell(models.Model):
    """How many customers would go from one category to another, or stay."""

    _name = "customer.comparison.cell"
    _description = "Cell of a Comparison"
    _order = "comparison_id, id"
    _log_access = False

    comparison_id = fields.Many2one(
        "customer.comparison",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    dimension_id = fields.Many2one(related="comparison_id.dimension_id")
    company_id = fields.Many2one(related="comparison_id.company_id")
    currency_id = fields.Many2one(related="company_id.currency_id")
    from_id = fields.Many2one("customer.category", readonly=True, ondelete="cascade")
    to_id = fields.Many2one("customer.category", readonly=True, ondelete="cascade")
    is_move = fields.Boolean("Would Change", compute="_compute_is_move")
    customer_count = fields.Integer("Customers", required=True, readonly=True)
    hidden_count = fields.Integer(
        "Decided by Hand",
        required=True,
        readonly=True,
        help="People decided by hand, so nobody sees it until that ends.",
    )
    revenue = fields.Monetary(
        "Net Revenue in Period",
        readonly=True,
        help="Of these customers, as it is today.",
    )

    _key_unique = models.UniqueIndex(
        "(comparison_id, COALESCE(from_id, 0), COALESCE(to_id, 0))"
    )

    @api.depends("from_id", "to_id")
    def _compute_is_move(self):
        for cell in self:
            cell.is_move = cell.from_id != cell.to_id

    @api.model
    def _record(self, comparison, scope):
        """Count the customers of a range, those who stay as well.

        Who would change is in the temporary table ``customer_differing``. The revenue
        is the stored one: as people see it today, whatever period is tried.
        """
        self.env["customer.override"].flush_model()
        self.env.execute_query(
            SQL(
                """
                WITH compared AS (
                    SELECT customer_id AS partner_id,
                           customer_slot AS slot,
                           former_category_id AS from_id,
                           customer_category_id AS to_id
                      FROM pg_temp.customer_differing
                     WHERE former_category_id IS DISTINCT FROM customer_category_id
                     UNION ALL
                    SELECT partner_id, slot, category_id, category_id
                      FROM customer_assignment AS staying
                     WHERE company_id IS NOT DISTINCT FROM %(company)s
                       AND dimension_id = %(dimension)s
                       AND category_id IS NOT NULL
                       AND %(in_scope)s
                       AND NOT EXISTS (
                           SELECT
                             FROM pg_temp.customer_differing AS differing
                            WHERE differing.customer_id = staying.partner_id
                              AND differing.customer_slot = staying.slot
                              AND differing.former_category_id
                                  IS DISTINCT FROM differing.customer_category_id
                       )
                ),
                decided AS (
                    SELECT partner_id, slot
                      FROM customer_override
                     WHERE company_id IS NOT DISTINCT FROM %(company)s
                       AND dimension_id = %(dimension)s
                       AND (date_end IS NULL OR date_end >= %(today)s)
                       AND %(in_scope)s
                )
                INSERT INTO customer_comparison_cell (
                    comparison_id, from_id, to_id,
                    customer_count, hidden_count, revenue
                )
                SELECT %(comparison)s, compared.from_id, compared.to_id,
                       count(*), count(decided.partner_id),
                       COALESCE(sum(figures.revenue_window), 0)
                  FROM compared
                  LEFT JOIN decided
                    ON decided.partner_id = compared.partner_id
                   AND decided.slot = compared.slot
                  LEFT JOIN customer_figures AS figures
                    ON figures.partner_id = compared.partner_id
                   AND figures.company_id = %(company)s
                 GROUP BY compared.from_id, compared.to_id
                ON CONFLICT (
                    comparison_id, COALESCE(from_id, 0), COALESCE(to_id, 0)
                )
                DO UPDATE
                   SET customer_count = customer_comparison_cell.customer_count
                           + excluded.customer_count,
                       hidden_count = customer_comparison_cell.hidden_count
                           + excluded.hidden_count,
                       revenue = customer_comparison_cell.revenue + excluded.revenue
                RETURNING NULL
                """,
                comparison=comparison.id,
                company=comparison.company_id.id or None,
                dimension=comparison.dimension_id.id,
                in_scope=scope.on(SQL("partner_id")),
                today=comparison.as_of,
            )
        )
        self.invalidate_model()
        comparison.invalidate_recordset(["cell_ids"])

    def action_open_customers(self):
        """Open the customers of this cell."""
        self.ensure_one()
        return self.comparison_id._open_customers(self.from_id.id, self.to_id.id)
