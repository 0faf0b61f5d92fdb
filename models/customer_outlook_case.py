"""One customer under one version of the rules: what the engine would say, and when."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from odoo import fields
from odoo.tools import SQL

from .customer_supposition import Supposition

#: Figures about the period before the present one
PREVIOUS_FIGURES = {"revenue_previous", "revenue_change"}
#: Figures that change with the calendar month
MONTH_FIGURES = {"active_months_share"}


@dataclass(frozen=True)
class Verdict:
    """What the engine says of the customer on a day."""

    category_id: int = 0
    level: int = 0
    grace_until: object = None
    score: object = None
    #: value and points by metric, in the order of the criteria
    criteria: dict = field(default_factory=dict)
    #: net revenue and what was invoiced in the period
    revenue: float = 0
    invoiced: float = 0

    @property
    def present(self):
        """What is stored of it, for the days after."""
        return self.category_id, self.grace_until


class Case:
    """A customer judged by a version: when something can change by itself."""

    #: Whether a purchase on a day is as good as one on the day before, as long as
    #: nothing else changes; the days between purchases differ with it.
    is_steady = True

    def __init__(self, ruleset, partner, today):
        self.env = ruleset.env
        self.ruleset = ruleset
        self.partner = partner
        self.company = ruleset.company_id
        self.settings = ruleset._get_settings()
        self.today = today
        # no further back than the calendar; what companies share has no period
        window = (ruleset.company_settings or {}).get("window_days", 1)
        self.window = min(window, today.toordinal() - 1)
        #: what the verdict reads, by the metrics' codes
        self.metrics = set()

    def judge(self, day, purchases=(), present=None, payments=()):
        """Return the verdict on a day.

        :param purchases: invoices that are only imagined, see `Supposition`
        :param payments: payments that are only imagined, see there, too
        :param present: ``(category id, grace until)`` that the engine meets on the day
        """
        raise NotImplementedError

    def get_higher_categories(self, level):
        """Return pairs of level and category above a level, the next one first."""
        raise NotImplementedError

    def is_kept(self, before, after):
        """Return whether a verdict is no loss against another."""
        raise NotImplementedError

    def is_prevented(self, change, found):
        """Return whether a verdict of the day of a loss shows that it did not come."""
        raise NotImplementedError

    def is_averted(self, change, found):
        """Return whether a payment that gives a verdict keeps a loss from coming.

        What comes instead may be another category than the present one.
        """
        return self.is_prevented(change, found)

    def get_limits(self, metric):
        """Return the numbers that the values of a metric are compared with."""
        raise NotImplementedError

    def get_payment_targets(self, verdict, reached):
        """Return category and level of what payments lead up to, the next one first.

        :param reached: the verdicts after more and more is paid
        """
        raise NotImplementedError

    def get_passing_days(self, verdict, day):
        """Return the days on which limits counted in days pass the values of a day."""
        raise NotImplementedError

    # Days on which something can change by itself

    def get_days(self):
        """Return the days to come on which a figure can change though nothing happens.

        Some more do no harm; one that is missing would.
        """
        documents = self._get_document_days()
        metrics = self.metrics
        spans = [0, self.window]
        if metrics & PREVIOUS_FIGURES:
            spans.append(2 * self.window)
        days = {day + timedelta(days=span) for day in documents for span in spans}
        if documents and metrics & PREVIOUS_FIGURES:
            start = fields.Date.to_date(self.ruleset.company_settings["history_start"])
            if start:
                days.add(start + timedelta(days=2 * self.window - 1))
        if documents and metrics & MONTH_FIGURES:
            days |= self._get_month_starts(max(documents))
        days |= self._get_payment_days(metrics)
        return {day for day in days if day > self.today}

    def _get_document_days(self):
        settings = self.ruleset.company_settings
        query = self.env["customer.figures"]._get_documents_query(
            self.company,
            Supposition(self.partner.id),
            fields.Date.to_date(settings["history_start"]),
            settings["receipts"],
        )
        rows = self.env.execute_query(
            SQL("SELECT DISTINCT day FROM (%s) AS document", query)
        )
        return [day for [day] in rows]

    def _get_month_starts(self, last):
        """Return the first days of months until the last purchase is a year ago."""
        day, days = self.today.replace(day=1), set()
        while day <= last + timedelta(days=366):
            day = (day + timedelta(days=31)).replace(day=1)
            days.add(day)
        return days

    def _get_payment_days(self, metrics):
        """Return the days that the payment figures say they are due, one by one."""
        Payments = self.env["customer.payment.figures"]
        days, day = set(), self.today
        if metrics.isdisjoint(Payments._fact_columns):
            return days
        while day and len(days) < 400:
            rows = self.env.execute_query(
                SQL(
                    "SELECT next_due FROM (%s) AS figures",
                    Payments._get_query(
                        self.company,
                        day,
                        Supposition(self.partner.id),
                        self.ruleset.company_settings,
                    ),
                )
            )
            due = rows[0][0] if rows else None
            # it may name the day itself
            day = due and max(due, day + timedelta(days=1))
            if day:
                days.add(day)
        return days

    # Money

    def get_unit(self):
        """Return the smallest amount of the company's currency."""
        return Decimal(str(self.company.currency_id.rounding))
