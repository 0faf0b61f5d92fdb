from odoo import api, fields, models
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one
from .customer_product_figures import SHARE_DIGITS


class CustomerProductShare(models.Model):
    """What share of a customer's revenue each product category has.

    One row for a customer, company and product category with revenue in the period of
    value, counted as in ``customer.product.figures``. The rows of a customer without a
    category are what was invoiced without a product, or with one without a category:
    so the revenue adds up to the customer's. Only the engine writes them.
    """

    _name = "customer.product.share"
    _inherit = ["customer.rows.mixin"]
    _description = "Customer Share of Product Category"
    _order = "revenue desc, id"
    _rec_name = "category_id"
    _log_access = False  # narrow rows, several for every customer

    partner_id = EngineMany2one()
    company_id = EngineMany2one(required=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    category_id = EngineMany2one(
        "product.category",
        string="Product Category",
        readonly=True,
        help="The category that the product has today. Empty: lines without a product, "
        "and products without a category.",
    )
    revenue = fields.Monetary(
        "Net Revenue in Period",
        readonly=True,
        help="Posted invoices less credit notes of the period of value, without taxes, "
        "in company currency.",
    )
    share = fields.Float(
        "Share (%)",
        digits=(16, SHARE_DIGITS),
        readonly=True,
        aggregator=None,
        help="Of the revenue of all the customer's categories with a positive one. A "
        "category of which more was returned than bought has 0.",
    )
    is_main = fields.Boolean(
        "Main Category",
        readonly=True,
        help="The category with the customer's highest revenue.",
    )

    # An expression: PostgreSQL 13 takes two NULLs for different
    _key_unique = models.UniqueIndex(
        "(partner_id, company_id, (COALESCE(category_id, 0)))"
    )
    _company_category_idx = models.Index("(company_id, category_id)")

    @api.model
    def _update_from(self, computed, company, scope):
        """Bring the rows of ``company`` up to date; touch no other row.

        :param SQL computed: a table expression, as
            ``customer.product.figures._get_category_query`` describes it
        :param Scope scope: whose rows
        :return: the number of rows written or removed
        """
        [[written]] = self.env.execute_query(
            SQL(
                """
                WITH weighed AS (
                    SELECT partner_id, category_id, revenue,
                           sum(revenue) FILTER (WHERE revenue > 0)
                               OVER (PARTITION BY partner_id) AS positive,
                           row_number() OVER (
                               PARTITION BY partner_id
                               ORDER BY category_id IS NULL, revenue DESC, category_id
                           ) AS place
                      FROM %(computed)s AS category
                     WHERE revenue <> 0
                ),
                computed AS MATERIALIZED (
                    SELECT partner_id, category_id, revenue,
                           CASE WHEN revenue > 0
                                THEN round(100 * revenue / positive, %(digits)s)
                                ELSE 0
                           END AS share,
                           revenue > 0 AND category_id IS NOT NULL AND place = 1
                               AS is_main
                      FROM weighed
                ),
                stored AS MATERIALIZED (
                    SELECT *
                      FROM customer_product_share
                     WHERE company_id = %(company)s
                       AND %(in_scope)s
                ),
                removed AS (
                    DELETE FROM customer_product_share
                     WHERE id IN (
                         SELECT stored.id
                           FROM stored
                           LEFT JOIN computed
                             ON computed.partner_id = stored.partner_id
                            AND COALESCE(computed.category_id, 0)
                                = COALESCE(stored.category_id, 0)
                          WHERE computed.partner_id IS NULL
                     )
                    RETURNING 1
                ),
                -- joining first writes only what differs, and locks nothing else
                changed AS (
                    SELECT computed.*
                      FROM computed
                      LEFT JOIN stored
                        ON stored.partner_id = computed.partner_id
                       AND COALESCE(stored.category_id, 0)
                           = COALESCE(computed.category_id, 0)
                     WHERE stored.id IS NULL
                        OR (stored.revenue, stored.share, stored.is_main)
                           IS DISTINCT FROM
                           (computed.revenue, computed.share, computed.is_main)
                ),
                written AS (
                    INSERT INTO customer_product_share (
                        partner_id, company_id, category_id, revenue, share, is_main
                    )
                    SELECT partner_id, %(company)s, category_id, revenue, share, is_main
                      FROM changed
                     ORDER BY partner_id, category_id
                    ON CONFLICT (partner_id, company_id, (COALESCE(category_id, 0)))
                    DO UPDATE SET (revenue, share, is_main)
                        = ROW(excluded.revenue, excluded.share, excluded.is_main)
                    RETURNING 1
                )
                SELECT (SELECT count(*) FROM removed) + (SELECT count(*) FROM written)
                """,
                computed=computed,
                digits=SHARE_DIGITS,
                company=company.id,
                in_scope=scope.on(SQL("partner_id")),
            )
        )
        if written:
            self.invalidate_model()
        return written

    @api.model
    def _remove(self, company):
        """Remove the rows of ``company``, which nobody wants any more."""
        self._delete(SQL("company_id = %s", company.id))

    @api.model
    def _remove_merged(self, partners):
        """Remove the rows of customers that are one with another now."""
        self._delete(SQL("partner_id = ANY(%s)", partners.ids))

    @api.model
    def _delete(self, condition):
        self.env.execute_query(
            SQL("DELETE FROM customer_product_share WHERE %s", condition)
        )
        self.invalidate_model()
