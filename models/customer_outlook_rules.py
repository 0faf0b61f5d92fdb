"""One customer under rules: which condition holds on a day, with what was bought."""

from datetime import timedelta
from decimal import Decimal

from odoo import fields
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_outlook_case import Case, Verdict
from .customer_supposition import Supposition
from .res_partner_days import DAYS_SINCE

NUMBERS = ("integer", "float", "monetary")
COMPARISONS = {
    "<": lambda value, other: value < other,
    "<=": lambda value, other: value <= other,
    ">": lambda value, other: value > other,
    ">=": lambda value, other: value >= other,
}


class RuleCase(Case):
    """A customer judged by rules, of whom the first that matches decides.

    Figures of documents and payments, and days since one of their dates, are those of
    the day that is asked about. What else a condition reads stays as it is today.
    """

    is_steady = True

    def __init__(self, ruleset, partner, today):
        super().__init__(ruleset, partner, today)
        self.Partner = self.env["customer.population"]._get_partners(self.company)
        self.rules = list(ruleset.rule_ids.sorted("position"))
        self.domains = {rule: rule._get_domain() for rule in self.rules}
        self.truths = {}
        conditions = [c for d in self.domains.values() for c in d.iter_conditions()]
        # what each condition compares: a figure's code, and whether in days since
        self.figures = {
            condition: figure
            for condition in conditions
            if (figure := self._get_figure(condition))
        }
        self.metrics = {code for code, _in_days in self.figures.values()}

    def judge(self, day, purchases=(), present=None, payments=()):
        facts = self._get_facts(day, purchases, payments)
        if not self._is_applicable(facts):
            return Verdict()
        rule = next((r for r in self.rules if self.matches(r, day, facts)), None)
        category = rule.category_id.id if rule else self.settings["default"] or 0
        return Verdict(
            category_id=category,
            level=self._get_rule_level(rule),
            criteria={code: (facts.get(code), None) for code in self.metrics},
        )

    def _get_rule_level(self, rule):
        return len(self.rules) + 1 - rule.position if rule else 0

    def get_higher_categories(self, level):
        """Return level and category of the rules before, the next one first.

        But for those of categories that are worse, where they are ranked.
        """
        rules = {self._get_rule_level(rule): rule for rule in self.rules}
        present = rules[level].category_id if level else None
        return [
            (own, rule.category_id.id)
            for own, rule in sorted(rules.items())
            if own > level
            and rule.category_id != present
            and not (present and self._is_worse(rule.category_id.id, present.id))
        ]

    def get_limits(self, metric):
        return [
            Decimal(str(condition.value))
            for condition, (code, in_days) in self.figures.items()
            if code == metric and not in_days and condition.operator in COMPARISONS
        ]

    def matches(self, rule, day, facts):
        """Return whether the customer meets a rule on a day.

        :param dict facts: of the day, see `_get_facts`
        """
        result = self.domains[rule].map_conditions(
            lambda condition: Domain(self.holds(condition, day, facts))
        )
        return result.is_true()

    def matches_today(self, rule):
        """Return whether the customer meets a rule as the database has it now."""
        result = self.domains[rule].map_conditions(
            lambda condition: Domain(self.holds_today(condition))
        )
        return result.is_true()

    def holds(self, condition, day, facts):
        """Return whether one condition of a rule holds on a day."""
        figure = self.figures.get(condition)
        if not figure:
            return self.holds_today(condition)
        code, in_days = figure
        value = facts.get(code)
        if in_days and value is not None:
            value = (day - value).days
        return self._compare(condition, value)

    def holds_today(self, condition):
        """Ask the database, once for a condition."""
        if condition not in self.truths:
            domain = Domain(condition) & Domain("id", "=", self.partner.id)
            query = self.Partner._search(domain, bypass_access=True)
            self.truths[condition] = bool(self.env.execute_query(query.select()))
        return self.truths[condition]

    def _compare(self, condition, value):
        """Compare as a search for the contact's field does."""
        field = self.Partner._fields[condition.field_expr]
        operator, wanted = condition.operator, condition.value
        is_negative = operator in ("!=", "not in")
        is_undefined = condition.field_expr in DAYS_SINCE or getattr(
            field, "customer_figure_is_optional", False
        )
        is_number = field.type in NUMBERS
        if is_number and value is None and not is_undefined:
            value = 0
        if is_number and value is not None:
            value = float(value)
        if operator in COMPARISONS:
            wanted = wanted if is_number else fields.Date.to_date(wanted)
            return value is not None and COMPARISONS[operator](value, wanted)
        among = wanted if operator in ("in", "not in") else [wanted]
        nothing = [None] if is_undefined or not is_number else [None, 0]
        known = [other for other in among if other is not False]
        if not is_number:
            known = [fields.Date.to_date(other) for other in known]
        with_none = len(known) < len(among)
        found = value in known or with_none and value in nothing
        return found != is_negative

    def _get_figure(self, condition):
        """Return the figure a condition compares, or None where it is another thing."""
        name, in_days = condition.field_expr, False
        if name in DAYS_SINCE:
            name, in_days = DAYS_SINCE[name], True
        field = self.Partner._fields.get(name)
        code = getattr(field, "customer_figure", None)
        models = ("customer.figures", "customer.payment.figures")
        if not code or field.customer_figure_model not in models:
            return None
        values = condition.value
        values = values if condition.operator in ("in", "not in") else [values]
        shown = self.Partner._fields[condition.field_expr]
        for value in values:
            if shown.type in NUMBERS and not isinstance(value, int | float):
                return None  # as an empty value does, where 0 stands for it
            # “today -90d” and the like stay with the database
            if shown.type == "date" and value is not False and not is_fixed_day(value):
                return None
        return code, in_days

    def _get_facts(self, day, purchases, payments):
        """Return the figures of a day by name; none where there is no document."""
        scope = Supposition(self.partner.id, purchases, payments=payments)
        facts = {}
        for model in self.env["customer.facts.mixin"]._get_models():
            is_read = not self.metrics.isdisjoint(model._fact_columns)
            if model._name == "customer.figures" or is_read:
                query = model._get_query(
                    self.company, day, scope, self.ruleset.company_settings
                )
                for row in self.env.execute_query_dict(
                    SQL("SELECT * FROM (%s) AS figures", query)
                ):
                    facts |= row
        return facts

    def _is_applicable(self, facts):
        kind = "company" if self.partner.is_company else "person"
        invoices = "with" if facts.get("invoice_count") else "without"
        return self.settings["applies_to"] in ("all", kind) and (
            self.settings["applies_invoices"] in ("all", invoices)
        )

    def is_kept(self, before, after):
        # rules have an order, and yet none of their categories is the better one
        return after.category_id == before.category_id

    def is_prevented(self, change, found):
        # a rule before the present one is as good
        return (
            found.level >= change.before.level
            and found.category_id != change.after.category_id
        )

    def is_averted(self, change, found):
        return found.category_id not in (
            0,
            change.after.category_id,
        ) and not self._is_worse(found.category_id, change.before.category_id)

    def get_payment_targets(self, verdict, reached):
        categories = dict.fromkeys(found.category_id for found in reached)
        return [
            (category, None)
            for category in categories
            if category not in (0, verdict.category_id)
            and not self._is_worse(category, verdict.category_id)
        ]

    def _is_worse(self, category_id, than_id):
        """Return whether a category comes after another where they are ranked."""
        if not (than_id and self.ruleset.dimension_id.is_ranked):
            return False
        Category = self.env["customer.category"]
        own, than = Category.browse(category_id), Category.browse(than_id)
        return (own.sequence, own.id) > (than.sequence, than.id)

    def get_passing_days(self, verdict, day):
        days = set()
        for condition, (code, in_days) in self.figures.items():
            value = verdict.criteria.get(code, (None,))[0]
            if not in_days or value is None:
                continue
            wanted = condition.value
            several = condition.operator in ("in", "not in")
            for count in wanted if several else [wanted]:
                passing = value + timedelta(days=int(count))
                days |= {passing, passing + timedelta(days=1)}
        return {passing for passing in days if passing > day}


class SlotCase(RuleCase):
    """One category under rules that may give several: whether any of its rules match.

    The default category is the customer's where no rule matches at all.
    """

    def __init__(self, ruleset, partner, today, category_id):
        super().__init__(ruleset, partner, today)
        self.category_id = category_id

    def judge(self, day, purchases=(), present=None, payments=()):
        facts = self._get_facts(day, purchases, payments)
        if not self._is_applicable(facts):
            return Verdict()
        given = {
            rule.category_id.id for rule in self.rules if self.matches(rule, day, facts)
        } or {self.settings["default"]}
        is_given = self.category_id in given
        return Verdict(
            category_id=self.category_id if is_given else 0,
            level=int(is_given),
            criteria={code: (facts.get(code), None) for code in self.metrics},
        )

    def get_higher_categories(self, level):
        return [] if level else [(1, self.category_id)]


def is_fixed_day(value):
    """Return whether a value is a day, and none such as “today -90d”."""
    try:
        return bool(fields.Date.to_date(value))
    except (TypeError, ValueError):
        return False
