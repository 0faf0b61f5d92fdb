"""One customer under a score: what the engine would say of invoices not yet there."""

from datetime import date, timedelta
from decimal import Decimal

from odoo import fields
from odoo.tools import SQL

from .customer_outlook_case import Case, Verdict
from .customer_supposition import Supposition

#: Figures that differ with the day of a purchase, whatever the others
INTERVAL_FIGURES = {"interval_mean", "interval_deviation"}


class ScoreCase(Case):
    """A customer judged by a score.

    It asks the engine's own query for one customer, on any day to come, with invoices
    that are only imagined. So what it says cannot differ from what a run would do, as
    long as the version is in force and nothing else happens. Custom metrics, and what
    follows from the lines of documents, do not change by an imagined invoice.
    """

    def __init__(self, ruleset, partner, today):
        super().__init__(ruleset, partner, today)
        self.metrics = set(ruleset.criterion_ids.mapped("metric"))
        self.is_steady = self.metrics.isdisjoint(INTERVAL_FIGURES)
        # what was prepared of whom the dimension applies to
        self.is_prepared, self.has_invoices, self.first_purchase = False, None, None
        self.levels = {
            category: level for level, category, *_scores in ruleset._get_levels()
        }

    # What the engine says

    def judge(self, day, purchases=(), present=None, payments=()):
        scope = Supposition(self.partner.id, purchases, present, payments)
        figures = SQL(
            "(%s)",
            self.env["customer.figures"]._get_query(
                self.company, day, scope, self.ruleset.company_settings
            ),
        )
        self._prepare_population(scope, day)
        judged, _inputs = self.ruleset._get_judged(day, figures, scope)
        rows = self.env.execute_query_dict(SQL("SELECT * FROM (%s) AS judged", judged))
        return self._get_verdict(rows[0]) if rows else Verdict()

    def _prepare_population(self, scope, day):
        """Say whether the dimension applies to the customer, as far as it matters."""
        if self.ruleset._is_about_buyers():
            return
        if not self.is_prepared:
            self.env["customer.population"]._prepare(
                self.company, self.ruleset.company_settings, scope
            )
            self.is_prepared = True
        has_invoices = self._has_invoices(scope, day)
        if has_invoices == self.has_invoices:
            return
        self.has_invoices = has_invoices
        self.env.execute_query(
            SQL(
                """
                UPDATE pg_temp.customer_population
                   SET has_invoices = %s
                RETURNING NULL
                """,
                has_invoices,
            )
        )

    def _has_invoices(self, scope, day):
        if self.first_purchase is None:
            settings = self.ruleset.company_settings
            query = self.env["customer.figures"]._get_documents_query(
                self.company,
                Supposition(self.partner.id),
                fields.Date.to_date(settings["history_start"]),
                settings["receipts"],
            )
            [[first]] = self.env.execute_query(
                SQL("SELECT min(day) FROM (%s) AS document WHERE is_purchase", query)
            )
            self.first_purchase = first or date.max
        days = [self.first_purchase, *(when for when, _amount in scope.purchases)]
        return min(days) <= day

    def _get_verdict(self, row):
        category_id = row["category_id"] or self.settings["default"] or 0
        return Verdict(
            category_id=category_id,
            level=self.get_level(category_id),
            grace_until=row["grace_until"],
            score=row["score"],
            revenue=row["revenue_window"] or 0,
            invoiced=row["invoiced_window"] or 0,
            criteria={
                criterion.metric: (row[f"value_{number}"], row[f"points_{number}"])
                for number, criterion in enumerate(self.ruleset.criterion_ids, 1)
            },
        )

    def get_level(self, category_id):
        return self.levels.get(category_id, 0)

    def get_higher_categories(self, level):
        return sorted(
            (own, category) for category, own in self.levels.items() if own > level
        )

    def is_kept(self, before, after):
        return after.level >= before.level

    def is_prevented(self, change, found):
        return self.is_kept(change.before, found)

    def get_limits(self, metric):
        return [
            Decimal(cut)
            for criterion in self.ruleset.criterion_ids
            if criterion.metric == metric
            for cut in criterion.cuts
            if cut is not None
        ]

    def get_payment_targets(self, verdict, reached):
        best = max((found.level for found in reached), default=0)
        higher = self.get_higher_categories(verdict.level)
        return [(category, own) for own, category in higher if own <= best][:1]

    def get_passing_days(self, verdict, day):
        days = set()
        if verdict.grace_until:
            days.add(verdict.grace_until)
        for criterion in self.ruleset.criterion_ids:
            value = verdict.criteria.get(criterion.metric, (None,))[0]
            if not value or criterion.value_type != "date":
                continue
            if criterion.cut_mode == "fixed":
                for cut in criterion.cuts:
                    passing = value + timedelta(days=int(float(cut)))
                    days |= {passing, passing + timedelta(days=1)}
        return {passing for passing in days if passing > day}
