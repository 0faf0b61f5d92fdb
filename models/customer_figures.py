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

    The rows are written by the engine only. A customer without any document that
    counts, today or later, has none.
    """

    _name = "customer.figures"
    _inherit = ["customer.facts.mixin"]
    _description = "Customer Figures"
    _order = "revenue_window desc, id"
    _log_access = False

    _is_split = True
    _late_columns = (
        "revenue_change",
        "credited_share",
        "average_ticket",
        "interval_mean",
        "interval_deviation",
        "active_months_share",
    )
    _fact_columns = (
        "revenue_total",
        "revenue_window",
        "invoiced_window",
        "revenue_previous",
        "revenue_change",
        "credited_share",
        "first_date",
        "last_date",
        "purchase_days",
        "purchase_days_window",
        "invoice_count",
        "refund_count",
        "average_ticket",
        "interval_mean",
        "interval_deviation",
        "active_months_share",
        "next_due",
        "basis_hash",
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
    revenue_previous = fields.Monetary(
        "Net Revenue in Period Before",
        readonly=True,
        help="Net revenue of the period of the same length before the period of value.",
    )
    revenue_change = fields.Float(
        "Change of Revenue (%)",
        digits=(16, 2),
        readonly=True,
        aggregator=None,
        help="Net revenue in the period, against that of the period before. No value "
        "where there was none above zero then, or where your history does not reach "
        "back to all of it.",
    )
    credited_share = fields.Float(
        "Credited in Period (%)",
        digits=(16, 2),
        readonly=True,
        aggregator=None,
        help="Credit notes as a share of what was invoiced in the period of value. "
        "100 where there are only credit notes.",
    )
    first_date = fields.Date(
        "First Purchase",
        readonly=True,
        help="The day of the first posted invoice: since when this is a customer.",
    )
    last_date = fields.Date(
        "Last Purchase", readonly=True, help="The day of the latest posted invoice."
    )
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
    interval_mean = fields.Float(
        "Days Between Purchases",
        digits=(16, 2),
        readonly=True,
        aggregator="avg",
        help="The mean number of days from one purchase day to the next, all time. "
        "No value with fewer than two purchase days.",
    )
    interval_deviation = fields.Float(
        "Deviation of Days Between Purchases",
        digits=(16, 2),
        readonly=True,
        aggregator=None,
        help="How far the days between purchases are from their mean (sample standard "
        "deviation): the lower, the more regular. No value with fewer than three "
        "purchase days.",
    )
    basis_hash = fields.Float(
        "Basis",
        readonly=True,
        help="Differs where the list of purchase days differs, or what else the "
        "figures follow from.",
    )
    active_months_share = fields.Float(
        "Active Months (%)",
        digits=(16, 2),
        readonly=True,
        aggregator="avg",
        help="Of the last twelve calendar months, this one included, those with a "
        "purchase. Months before the first purchase do not count. No value without any "
        "purchase.",
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
        self._create_temporary(
            "customer_figures_computed",
            [self._get_query(company, as_of, part) for part in self._split(EVERYONE)],
        )
        table = SQL("pg_temp.customer_figures_computed")
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
