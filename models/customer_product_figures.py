from datetime import date

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one
from .customer_product_cost import COST, COST_JOINS, PRODUCTS
from .customer_scope import EVERYONE

#: Who may see what follows from costs
MARGIN_GROUPS = "customer_classification.group_customer_classification_manager"
#: Digits kept of a percentage
SHARE_DIGITS = 2


class CustomerProductFigures(models.Model):
    """What a customer buys: discount, margin and main product category.

    They come from the lines of the documents that count in ``customer.figures``, of
    the days of the period of value only. Sections, notes, taxes and rounding are no
    lines of products; a line need not name a product.

    * Revenue is the line's balance in the ledger: company currency, without taxes,
      discount deducted, credit notes negative.
    * Undiscounted, a line is worth its revenue divided by (1 - discount), or, if all
      of it is discount, its quantity times its price, at the document's rate. Odoo
      says the same in electronic invoices.
    * Cost is the quantity, in the product's unit, times the cost on the product today
      in the company of the document, as in Odoo's Invoice Analysis. A line without a
      product, or whose product has no cost there, is unknown, and not free.
    * The category is the one that the product has today.

    Costs and categories of products change without a document. Who bought such a
    product follows with the next night, see ``customer.product.seen``.
    """

    _name = "customer.product.figures"
    _inherit = ["customer.facts.mixin"]
    _description = "Customer Product Figures"
    _order = "partner_id, id"
    _log_access = False

    _fact_columns = (
        "discount_share",
        "margin_window",
        "margin_share",
        "costed_share",
        "main_product_category_id",
        "main_product_share",
        "next_due",
    )

    discount_share = fields.Float(
        "Discount (%)",
        digits=(16, SHARE_DIGITS),
        readonly=True,
        aggregator="avg",
        help="How much of the value before discount was given as discount on lines, in "
        "the period of value. Credit notes are deducted from both.",
    )
    margin_window = fields.Monetary(
        "Margin in Period",
        readonly=True,
        groups=MARGIN_GROUPS,
        help="Net revenue in the period of value less the cost of what was sold. Lines "
        "of a product without a cost, or without a product, do not count. The cost is "
        "the one on the product today.",
    )
    margin_share = fields.Float(
        "Margin (%)",
        digits=(16, SHARE_DIGITS),
        readonly=True,
        aggregator="avg",
        groups=MARGIN_GROUPS,
        help="The margin in percent of the net revenue of the lines with a known cost.",
    )
    costed_share = fields.Float(
        "Known Cost (%)",
        digits=(16, SHARE_DIGITS),
        readonly=True,
        aggregator="avg",
        groups=MARGIN_GROUPS,
        help="How much of the value of all lines is of lines with a known cost, so how "
        "far the margin can be trusted. Credit notes count like invoices here.",
    )
    main_product_category_id = EngineMany2one(
        "product.category",
        readonly=True,
        help="The product category with the highest net revenue in the period of "
        "value.",
    )
    main_product_share = fields.Float(
        "Share of Main Category (%)",
        digits=(16, SHARE_DIGITS),
        readonly=True,
        aggregator="avg",
        help="The net revenue of the main product category, in percent of that of all "
        "categories with a positive one. What has no category counts as one more.",
    )

    # Whose rows may differ

    @api.model
    def _get_due_queries(self, company, as_of):
        """Add who bought a product whose cost or category is another one by now."""
        queries = super()._get_due_queries(company, as_of)
        self._flush_lines()
        bought = SQL(
            """
            SELECT move.commercial_partner_id
              FROM account_move_line AS entry
              JOIN account_move AS move ON move.id = entry.move_id
             WHERE entry.product_id IN (%(products)s)
               AND entry.display_type = 'product'
               AND move.state = 'posted'
               AND move.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
               AND move.company_id = ANY(%(companies)s)
               AND move.invoice_date > %(as_of)s - %(window)s
               AND move.commercial_partner_id IS NOT NULL
            """,
            as_of=as_of,
            # no further back than the calendar
            window=min(company.customer_window_days, as_of.toordinal() - 1),
            products=self.env["customer.product.seen"]._get_changed_query(company),
            companies=company._get_customer_branches().ids,
        )
        return [*queries, bought]

    @api.model
    def _remember(self, company):
        self.env["customer.product.seen"]._update(company)

    @api.model
    def _remove(self, company):
        self.env["customer.product.share"]._remove(company)
        return super()._remove(company)

    # What is computed

    @api.model
    def _get_query(self, company, as_of, scope=EVERYONE, settings=None):
        lines = self._get_category_query(company, as_of, scope, settings)
        return self._get_summary(SQL("(%s)", lines), company)

    @api.model
    def _update(self, company, as_of, scope=EVERYONE, settings=None):
        """Read the lines once, for the figures and for the shares of categories."""
        self.env.execute_query(
            SQL("DROP TABLE IF EXISTS pg_temp.customer_product_computed")
        )
        self.env.execute_query(
            SQL(
                "CREATE TEMPORARY TABLE customer_product_computed ON COMMIT DROP AS %s",
                self._get_category_query(company, as_of, scope, settings),
            )
        )
        self.env.execute_query(SQL("ANALYZE pg_temp.customer_product_computed"))
        written = self.env["customer.product.share"]._update_from(
            SQL("pg_temp.customer_product_computed"), company, scope
        )
        return written + super()._update(company, as_of, scope, settings)

    @api.model
    def _get_update_query(self, company, as_of, scope, settings, late):
        read = SQL(
            "(SELECT * FROM pg_temp.customer_product_computed WHERE %s)",
            scope.on(SQL("partner_id")),
        )
        return self._get_summary(read, company)

    @api.model
    def _get_category_query(self, company, as_of, scope=EVERYONE, settings=None):
        """Return SQL for the sums of each customer and product category.

        Its columns: ``partner_id``, ``category_id``, ``revenue``, ``undiscounted``,
        ``volume`` (the value of lines whatever their sign), ``costed_revenue``,
        ``costed_volume``, ``cost``, and ``due``, the first day on which one of them
        can change with no new event. The parameters are those of :meth:`_get_query`.
        """
        settings = settings or company._get_customer_settings()
        types = ["out_invoice", "out_refund"]
        if settings["receipts"]:
            types.append("out_receipt")
        self._flush_lines()
        return SQL(
            """
            WITH document AS (
                SELECT move.id,
                       move.commercial_partner_id AS partner_id,
                       move.invoice_date AS day,
                       CASE WHEN move.move_type = 'out_refund' THEN -1 ELSE 1 END
                           AS sign
                  FROM account_move AS move
                 WHERE move.state = 'posted'
                   AND move.move_type = ANY(%(types)s)
                   AND move.company_id = ANY(%(companies)s)
                   AND move.invoice_date > %(as_of)s - %(window)s
                   AND move.invoice_date >= %(history_start)s::date
                   AND move.commercial_partner_id IN (%(customers)s)
                   AND %(in_scope)s
            ),
            product AS (%(products)s),
            -- a document dated in the future has no line yet, but a day to come
            line AS (
                SELECT document.partner_id,
                       product.category_id,
                       CASE WHEN document.day > %(as_of)s THEN document.day
                            ELSE document.day + %(window)s
                       END AS due,
                       -entry.balance AS revenue,
                       CASE COALESCE(entry.discount, 0)
                            WHEN 0 THEN -entry.balance
                            WHEN 100 THEN (
                                SELECT round(
                                           document.sign * entry.quantity
                                           * entry.price_unit
                                           / COALESCE(
                                               NULLIF(move.invoice_currency_rate, 0)
                                               ::numeric, 1),
                                           %(decimals)s
                                       )
                                  FROM account_move AS move
                                 WHERE move.id = document.id
                            )
                            ELSE -entry.balance / (1 - entry.discount / 100)
                       END AS undiscounted,
                       %(cost)s AS cost
                  FROM document
                  LEFT JOIN account_move_line AS entry
                    ON entry.move_id = document.id
                   AND entry.display_type = 'product'
                   AND document.day <= %(as_of)s
                  %(cost_joins)s
            )
            SELECT partner_id,
                   category_id,
                   COALESCE(sum(revenue), 0) AS revenue,
                   COALESCE(sum(undiscounted), 0) AS undiscounted,
                   COALESCE(sum(abs(revenue)), 0) AS volume,
                   sum(revenue) FILTER (WHERE cost IS NOT NULL) AS costed_revenue,
                   COALESCE(sum(abs(revenue)) FILTER (WHERE cost IS NOT NULL), 0)
                       AS costed_volume,
                   sum(cost) AS cost,
                   min(due) AS due
              FROM line
             GROUP BY partner_id, category_id
            """,
            as_of=as_of,
            # no further back than the calendar
            window=min(settings["window_days"], as_of.toordinal() - 1),
            types=types,
            companies=company._get_customer_branches().ids,
            history_start=settings["history_start"] or date.min,
            customers=company._get_customer_query(settings),
            in_scope=scope.on(SQL.identifier("move", "commercial_partner_id")),
            decimals=company.currency_id.decimal_places,
            products=PRODUCTS,
            cost_joins=COST_JOINS,
            cost=COST,
        )

    @api.model
    def _get_summary(self, categories, company):
        """Return SQL for the facts, from the sums of each customer and category.

        :param SQL categories: a table expression, see :meth:`_get_category_query`
        """
        return SQL(
            """
            WITH summed AS (
                SELECT partner_id,
                       sum(revenue) AS revenue,
                       sum(undiscounted) AS undiscounted,
                       sum(volume) AS volume,
                       sum(costed_revenue) AS costed_revenue,
                       sum(costed_volume) AS costed_volume,
                       sum(cost) AS cost,
                       sum(revenue) FILTER (WHERE revenue > 0) AS positive,
                       max(revenue) FILTER (
                           WHERE revenue > 0 AND category_id IS NOT NULL
                       ) AS main_revenue,
                       min(due) AS next_due
                  FROM %(categories)s AS category
                 GROUP BY partner_id
            ),
            -- of categories with the same revenue, the first one created
            main AS (
                SELECT partner_id, min(category_id) AS category_id
                  FROM summed
                  JOIN %(categories)s AS category USING (partner_id)
                 WHERE category.revenue = summed.main_revenue
                 GROUP BY partner_id
            )
            SELECT summed.partner_id,
                   CASE WHEN undiscounted > 0 THEN round(
                       100 * (undiscounted - revenue) / undiscounted, %(digits)s
                   ) END AS discount_share,
                   round(costed_revenue - cost, %(decimals)s) AS margin_window,
                   CASE WHEN costed_revenue > 0 THEN round(
                       100 * (costed_revenue - cost) / costed_revenue, %(digits)s
                   ) END AS margin_share,
                   round(100 * costed_volume / NULLIF(volume, 0), %(digits)s)
                       AS costed_share,
                   main.category_id AS main_product_category_id,
                   round(100 * main_revenue / positive, %(digits)s)
                       AS main_product_share,
                   next_due
              FROM summed
              LEFT JOIN main ON main.partner_id = summed.partner_id
            """,
            categories=categories,
            digits=SHARE_DIGITS,
            decimals=company.currency_id.decimal_places,
        )

    @api.model
    def _flush_lines(self):
        """Write down what the query reads."""
        for model_name, names in (
            (
                "account.move",
                [
                    "commercial_partner_id",
                    "company_id",
                    "state",
                    "move_type",
                    "invoice_date",
                    "invoice_currency_rate",
                ],
            ),
            (
                "account.move.line",
                [
                    "move_id",
                    "display_type",
                    "company_id",
                    "product_id",
                    "product_uom_id",
                    "quantity",
                    "price_unit",
                    "discount",
                    "balance",
                ],
            ),
            ("product.product", ["product_tmpl_id", "standard_price"]),
            ("product.template", ["categ_id", "uom_id"]),
            ("uom.uom", ["factor"]),
        ):
            self.env[model_name].flush_model(names)
