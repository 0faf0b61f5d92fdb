from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date, formatLang

from .customer_outlook_score import ScoreCase
from .customer_ruleset_score import HUNDREDTHS


class CustomerAssignment(models.Model):
    """The receipt of a category: the figures, the documents, the limits, the version.

    What was kept when the category was given stands beside what is true today. Figures
    that the user may not see are named only, and then nothing is said about points and
    what would change them, from which they could be worked out.
    """

    _inherit = "customer.assignment"

    def get_receipt(self):
        """Return why the category holds, for the page behind “Why?”.

        :return: dict: what is shown, as text in the user's language
        :raise AccessError: for who may not see the customer or the dimension
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: versions and figures, of which hidden ones are left out below
        own = self.sudo()
        inputs = own._get_inputs()
        ruleset = own._get_ruleset_in_force()
        is_secret = own._has_hidden_figures(ruleset | own.ruleset_id)
        receipt = {
            "customer": own.partner_id.display_name,
            "dimension": own.dimension_id.name,
            "category": own.category_id.complete_name,
            "color": own.category_id.color,
            "method": own.dimension_id.method,
            "decided_on": inputs.get("as_of") and own._format_day(inputs["as_of"]),
            "today": own._format_day(own._get_today()),
            "why": self.explanation,
            "versions": own._get_versions(ruleset),
            "is_secret": is_secret,
            "criteria": [],
            "levels": [],
            "rules": [],
            "score": False,
        }
        if ruleset.method == "score" and own.company_id:
            receipt |= own._get_score_receipt(ruleset, inputs, is_secret)
        elif ruleset.method == "rule":
            receipt["rules"] = own._get_rule_receipt(ruleset)
        return receipt

    def get_outlook(self):
        """Return what changes the category by itself, and what would change it.

        :return: list of dicts with a sentence as ``text`` and the ``documents`` it is
            about; none where it follows from figures that the user may not see
        :raise AccessError: for who may not see the customer or the dimension
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: what decides may be hidden from the user, who is told nothing then
        own = self.sudo()
        ruleset = own._get_ruleset_in_force()
        if not ruleset or own._has_hidden_figures(ruleset):
            return []
        try:
            return self.env["customer.outlook"].sudo()._describe(own)
        except UserError as error:
            # a metric that is switched off: nothing can be computed until then
            return [{"text": str(error), "documents": []}]

    def get_short_outlook(self):
        """Return on which day each category changes by itself, and what prevents it.

        :return: a sentence by the id of the assignment; none where nothing comes, or
            where the user is not to know
        """
        self.check_access("read")
        result = {}
        for row in self.sudo():  # sudo: see above
            try:
                if row._follows_calendar():
                    result[row.id] = self.env["customer.outlook"]._describe_short(row)
            except UserError:
                continue  # said where the user asks for the reasons
        return result

    def _follows_calendar(self):
        """Return whether a day can be told, and the user may know."""
        ruleset = self._get_ruleset_in_force()
        return (
            bool(self.company_id)
            and ruleset.method in ("score", "rule")
            and not self._has_hidden_figures(ruleset)
        )

    def get_receipt_rows(self, code, is_today):
        """Return the documents behind a figure of the receipt.

        :param str code: of the metric
        :param bool is_today: as of today; else, as of the day of the decision
        :return: dict of ``rows``, their ``total``, and what they do not explain
        :raise AccessError: for who may not see the customer or the figure
        """
        self.ensure_one()
        self.check_access("read")
        if self.env["customer.metric"]._get_hidden_codes([code]):
            raise AccessError(self.env._("You may not see this figure."))
        own = self.sudo()  # sudo: which documents may be seen is asked for each
        ruleset = own._get_ruleset_in_force() if is_today else own.ruleset_id
        inputs = own._get_inputs()
        as_of = own._get_today() if is_today else inputs["as_of"]
        return self.env["customer.receipt"]._describe(
            code,
            own.company_id,
            own.partner_id,
            fields.Date.to_date(as_of),
            ruleset.company_settings,
            None if is_today else inputs.get("criteria", {}).get(code, [None])[0],
        )

    def action_show_records(self, code):
        """Open the records behind a custom metric of the receipt, as of today.

        :param str code: of the metric
        :raise AccessError: for who may not see the customer, the metric or any of
            such records
        """
        self.ensure_one()
        self.check_access("read")
        metrics = self.env["customer.metric"]._get_by_code([code])
        own = self.sudo()  # sudo: the names of the customer and the company
        return metrics[code]._get_records_action(own.company_id, own.partner_id)

    # What is in force, and what is hidden

    def _get_ruleset_in_force(self):
        """Return the version in force of the dimension, or the one that decided."""
        in_force = self.env["customer.ruleset"]._get_in_force(
            self.dimension_id, self.company_id
        )
        return in_force or self.ruleset_id

    def _get_today(self):
        if self.company_id:
            return self.company_id._get_customer_today()
        return self.company_id._get_customer_today_of_all()

    def _has_hidden_figures(self, rulesets):
        Metric = self.env["customer.metric"]
        if Metric._get_hidden_codes(rulesets.criterion_ids.mapped("metric")):
            return True
        names = set().union(*(r._get_field_names() for r in rulesets.rule_ids))
        return any(Metric._is_hidden_field(name) for name in names)

    def _get_versions(self, ruleset):
        """Return the version that decided, and the one in force if it is another."""
        versions = [(self.ruleset_id, False), (ruleset, True)]
        if self.ruleset_id == ruleset:
            versions = versions[1:]
        return [
            {"id": version.id, "name": version.display_name, "is_in_force": is_in_force}
            for version, is_in_force in versions
            if version
        ]

    # A score

    def _get_score_receipt(self, ruleset, inputs, is_secret):
        case = ScoreCase(ruleset, self.partner_id, self._get_today())
        verdict = case.judge(case.today)
        decided = inputs.get("criteria", {})
        Metric = self.env["customer.metric"]
        metrics = Metric._get_by_code(ruleset.criterion_ids.mapped("metric"))
        hidden = Metric._get_hidden_codes(metrics)
        criteria = []
        for criterion in ruleset.criterion_ids:
            code = criterion.metric
            metric = metrics.get(code)
            line = {
                "code": code,
                "name": metric.name if metric else code,
                "is_hidden": code in hidden,
            }
            if code not in hidden:
                line |= self._get_criterion_receipt(
                    criterion, decided.get(code), verdict.criteria.get(code), is_secret
                )
                line["has_rows"] = self.env["customer.receipt"]._has_rows(code)
                line["has_records"] = bool(metric) and metric._has_records()
                if not is_secret:
                    line["alone"] = self._get_alone(case, verdict, criterion)
            criteria.append(line)
        if is_secret:
            # the total, and how far it is from the limits, would tell the hidden part
            return {"criteria": criteria}
        return {
            "criteria": criteria,
            "score": verdict.score is not None
            and {
                "today": self._format_number(verdict.score),
                "decided": inputs.get("score") and self._format_number(inputs["score"]),
            },
            "levels": [
                {
                    "name": limit.category_id.name,
                    "color": limit.category_id.color,
                    "enter": self._format_number(limit.minimum_score),
                    "keep": bool(limit.keep_score)
                    and limit.keep_score < limit.minimum_score
                    and self._format_number(limit.keep_score),
                    "is_present": limit.category_id == self.category_id,
                }
                for limit in ruleset.limit_ids.sorted("minimum_score", reverse=True)
            ],
        }

    def _get_criterion_receipt(self, criterion, decided, today, is_secret):
        """Return the value then and now, the points, and the limits around it."""
        currency = self.company_id.currency_id
        value, points = today or (None, None)
        line = {
            "today": criterion._format_value(criterion.value_type, value, currency),
            "decided": decided
            and criterion._format_value(criterion.value_type, decided[0], currency),
        }
        if is_secret:
            return line
        return line | {
            "weight": self._format_number(criterion.weight),
            "points": points,
            "decided_points": decided and decided[1],
            "cuts": [
                {
                    "points": score,
                    "limit": criterion[f"cut_{score}"],
                    "is_reached": bool(points and points >= score),
                }
                for score, cut in enumerate(criterion.cuts, 2)
                if cut is not None
            ],
        }

    def _get_alone(self, case, verdict, criterion):
        """Return which limit of one criterion, the others as they are, would suffice.

        For the next category up; False where no points on it do.
        """
        higher = case.get_higher_categories(verdict.level)
        if not higher or verdict.score is None:
            return False
        wanted = next(
            enter
            for _level, category, enter, _keep in case.ruleset._get_levels()
            if category == higher[0][1]
        )
        criteria = case.ruleset.criterion_ids
        weights = {c.metric: round(c.weight * HUNDREDTHS) for c in criteria}
        for points, cut in enumerate(criterion.cuts, 2):
            if cut is None or points <= verdict.criteria[criterion.metric][1]:
                continue
            summed = sum(
                weights[code] * (points if code == criterion.metric else own)
                for code, (_value, own) in verdict.criteria.items()
            )
            total = sum(weights.values())
            # rounded half up, as the engine does
            score = (2 * HUNDREDTHS * summed + total) // (2 * total)
            if score >= round(wanted * HUNDREDTHS):
                return {
                    "points": points,
                    "limit": criterion[f"cut_{points}"],
                    "missing": self._get_missing(criterion, cut, verdict),
                }
        return False

    def _get_missing(self, criterion, cut, verdict):
        """Return by how much a number fails a limit, or False for a date."""
        value = verdict.criteria[criterion.metric][0]
        if criterion.value_type == "date":
            return False
        missing = abs(Decimal(cut) - Decimal(str(value or 0)))
        return criterion._format_value(
            criterion.value_type, str(missing), self.company_id.currency_id
        )

    def _format_day(self, day):
        return format_date(self.env, day)

    def _format_number(self, number):
        return formatLang(self.env, float(number), digits=2)
