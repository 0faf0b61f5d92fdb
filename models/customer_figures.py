from datetime import date

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_scope import EVERYONE


def get_paying_condition(minimum_kept_share):
    """Return SQL telling whether the row ``figures`` is of a paying customer.

    Paying means a net revenue above zero in the period, and at least
    ``minimum_kept_share`` percent of what was invoiced in it: a customer who
    bought for tens of thousands and returned all but a few cents is none.
    """
    return SQL(
        """(figures.revenue_window > 0
            AND figures.revenue_window * 100
                >= figures.invoiced_window * %(share)s::numeric)""",
        share=str(minimum_kept_share),
    )


def get_scored_condition(minimum_kept_share, minimum_purchases):
    """Return SQL telling whether the row ``figures`` is of a customer to be scored.

    That is a paying one with at least ``minimum_purchases`` purchase days in the
    period.
    """
    return SQL(
        "(%s AND figures.purchase_days_window >= %s)",
        get_paying_condition(minimum_kept_share),
        minimum_purchases,
    )


class CustomerFigures(models.Model):
    """What a customer bought from a company, one narrow row for both.

    * The customer is the commercial entity *on the document*: its value stays
      with the billed company when a contact moves on.
    * Branches count with their root company.
    * Money is the ledger's own amount in company currency, without taxes.
    * Credit notes reduce money, not the number of purchases.
    * A day is a day where the company is; a document dated later than that day
      does not count yet.

    The rows are written by the engine only. A customer without any counted
    document has none.
    """

    _name = "customer.figures"
    _inherit = ["customer.facts.mixin"]
    _description = "Customer Figures"
    _order = "revenue_window desc, id"
    _log_access = False

    _fact_columns = (
        "revenue_total",
        "revenue_window",
        "invoiced_window",
        "first_date",
        "last_date",
        "purchase_days",
        "purchase_days_window",
        "invoice_count",
        "refund_count",
        "average_ticket",
        "next_due",
    )

    revenue_total = fields.Monetary(
        "Net Revenue",
        readonly=True,
        help="Posted invoices less credit notes, without taxes, in company currency.",
    )
    revenue_window = fields.Monetary(
        "Net Revenue in Period",
        readonly=True,
        help="The same, of the days of the period of value only.",
    )
    invoiced_window = fields.Monetary(
        "Invoiced in Period",
        readonly=True,
        help="Posted invoices of the period, credit notes not deducted.",
    )
    first_date = fields.Date("First Purchase", readonly=True)
    last_date = fields.Date("Last Purchase", readonly=True)
    purchase_days = fields.Integer(
        readonly=True,
        help="Days with at least one posted invoice. Two invoices on one day are one "
        "purchase; credit notes are none.",
    )
    purchase_days_window = fields.Integer("Purchase Days in Period", readonly=True)
    invoice_count = fields.Integer("Invoices", readonly=True)
    refund_count = fields.Integer("Credit Notes", readonly=True)
    average_ticket = fields.Monetary(
        readonly=True,
        aggregator="avg",
        help="Net revenue divided by the number of invoices.",
    )

    @api.model
    def _get_query(self, company, as_of, scope=EVERYONE, settings=None):
        settings = settings or company._get_customer_settings()
        types = ["out_invoice", "out_refund"]
        if settings["receipts"]:
            types.append("out_receipt")
        self.env["account.move"].flush_model(
            [
                "commercial_partner_id",
                "company_id",
                "state",
                "move_type",
                "invoice_date",
                "amount_untaxed_signed",
            ]
        )
        return SQL(
            """
            WITH document AS (
                SELECT move.commercial_partner_id AS partner_id,
                       move.invoice_date AS day,
                       move.move_type <> 'out_refund' AS is_purchase,
                       move.invoice_date > %(as_of)s - %(window)s AS in_window,
                       move.amount_untaxed_signed AS amount
                  FROM account_move AS move
                 WHERE move.state = 'posted'
                   AND move.move_type = ANY(%(types)s)
                   AND move.company_id = ANY(%(companies)s)
                   AND move.invoice_date <= %(as_of)s
                   AND move.invoice_date >= %(history_start)s::date
                   AND move.commercial_partner_id IN (%(customers)s)
                   AND %(in_scope)s
            ),
            summed AS (
                SELECT partner_id,
                       sum(amount) AS revenue_total,
                       COALESCE(sum(amount) FILTER (WHERE in_window), 0)
                           AS revenue_window,
                       COALESCE(
                           sum(amount) FILTER (WHERE in_window AND is_purchase), 0
                       ) AS invoiced_window,
                       min(day) FILTER (WHERE is_purchase) AS first_date,
                       max(day) FILTER (WHERE is_purchase) AS last_date,
                       count(DISTINCT day) FILTER (WHERE is_purchase)
                           AS purchase_days,
                       count(DISTINCT day) FILTER (WHERE is_purchase AND in_window)
                           AS purchase_days_window,
                       count(*) FILTER (WHERE is_purchase) AS invoice_count,
                       count(*) FILTER (WHERE NOT is_purchase) AS refund_count
                  FROM document
                 GROUP BY partner_id
            )
            SELECT partner_id,
                   revenue_total,
                   revenue_window,
                   invoiced_window,
                   first_date,
                   last_date,
                   purchase_days::integer,
                   purchase_days_window::integer,
                   invoice_count::integer,
                   refund_count::integer,
                   COALESCE(
                       round(revenue_total / NULLIF(invoice_count, 0), %(decimals)s),
                       0
                   ) AS average_ticket,
                   NULL::date AS next_due
              FROM summed
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
        )

    @api.model
    def _count_scored(self, figures, minimum_kept_share, minimum_purchases):
        """Return how many customers of ``figures`` get a score.

        :param SQL figures: a table expression
        """
        [[scored]] = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM %(figures)s AS figures WHERE %(is_scored)s",
                figures=figures,
                is_scored=get_scored_condition(minimum_kept_share, minimum_purchases),
            )
        )
        return scored

    @api.model
    def _get_computed(self, company, as_of):
        """Return a table expression with the figures of a day, computed now.

        They are computed once, into a temporary table, because cut points and
        scores read them several times; the next call replaces it.
        """
        table = SQL("pg_temp.customer_figures_computed")
        self.env.execute_query(SQL("DROP TABLE IF EXISTS %s", table))
        self.env.execute_query(
            SQL(
                "CREATE TEMPORARY TABLE customer_figures_computed ON COMMIT DROP AS %s",
                self._get_query(company, as_of),
            )
        )
        self.env.execute_query(SQL("ANALYZE %s", table))
        return table

    @api.model
    def _get_restricted(self, figures, scope):
        """Return a table expression with the rows of few customers.

        :param SQL figures: a table expression
        :param Scope scope: whose figures
        """
        return SQL(
            "(SELECT * FROM %s AS figures WHERE %s)",
            figures,
            scope.on(SQL("partner_id")),
        )

    @api.model
    def _is_wanted(self):
        return True  # who has none is no buyer; everything else builds on them
