import functools

from odoo import api, models
from odoo.tools import format_date, formatLang


class CustomerAssignmentHistory(models.Model):
    """How a decision by a score is told to people."""

    _inherit = "customer.assignment.history"

    @api.model
    def _explain_score(self, inputs, currency):
        """Say which figures decided, and what was kept although the score fell.

        :param dict inputs: as ``customer.ruleset`` builds them
        """
        explanation = (
            self._explain_points(inputs, currency)
            if inputs.get("score")
            else self._explain_missing_score(inputs, currency)
        )
        if inputs.get("kept"):
            Metric = self.env["customer.metric"]
            is_secret = bool(Metric._get_hidden_codes(inputs.get("criteria", ())))
            explanation = self._join_sentences(
                explanation, self._explain_kept(*inputs["kept"], is_secret)
            )
        if inputs.get("grace_until"):
            explanation = self._join_sentences(
                explanation, self._explain_grace(inputs["grace_until"])
            )
        if inputs.get("grace_over"):
            explanation = self._join_sentences(
                explanation,
                self.env._(
                    "The days of grace ended on %s",
                    format_date(self.env, inputs["grace_over"]),
                ),
            )
        return explanation

    @api.model
    def _explain_points(self, inputs, currency):
        criteria = inputs.get("criteria", {})
        known = self.env["customer.metric"]._get_by_code(list(criteria))
        hidden = known.keys() & self.env["customer.metric"]._get_hidden_codes(known)
        parts = [
            self._explain_criterion(metric, *criteria[code], currency, hidden)
            for code, metric in known.items()
        ]
        # metrics that were deleted since then left their codes
        parts += [
            self._explain_value(code, value or "–", score, hidden)
            for code, (value, score) in criteria.items()
            if code not in known
        ]
        values = {
            "parts": functools.reduce(self._join_parts, parts or [""]),
            "date": format_date(self.env, inputs["as_of"]),
        }
        if hidden:
            return self.env._("By score: %(parts)s (as of %(date)s)", **values)
        return self.env._(
            "Score %(score)s of 5: %(parts)s (as of %(date)s)",
            score=self._format_score(inputs["score"]),
            **values,
        )

    @api.model
    def _explain_criterion(self, metric, value, score, currency, hidden):
        """Say the value and points of a metric, as far as the user may see it.

        From the points of all others, or the score, would follow those of a hidden one.

        :param set hidden: the codes of the metrics that the user may not see
        """
        if metric.code in hidden:
            return metric.name
        value = self.env["customer.ruleset.criterion"]._format_value(
            metric.value_type, value, currency
        )
        return self._explain_value(metric.name, value, score, hidden)

    @api.model
    def _explain_value(self, name, value, score, hidden):
        if hidden:
            return self.env._("%(metric)s %(value)s", metric=name, value=value)
        return self.env._(
            "%(metric)s %(value)s (%(score)s)", metric=name, value=value, score=score
        )

    @api.model
    def _explain_missing_score(self, inputs, currency):
        needed = inputs.get("minimum_purchases", 0)
        if (inputs["purchase_days_window"] or 0) < needed:
            return self.env._(
                "Too few purchases for a score: %(days)s purchase days in the period, "
                "%(needed)s are needed (as of %(date)s)",
                days=inputs["purchase_days_window"],
                needed=needed,
                date=format_date(self.env, inputs["as_of"]),
            )
        return self.env._(
            "No paying customer: net revenue %(revenue)s of %(invoiced)s invoiced "
            "in the period (as of %(date)s)",
            revenue=self._format_amount(inputs["revenue_window"], currency),
            invoiced=self._format_amount(inputs["invoiced_window"], currency),
            date=format_date(self.env, inputs["as_of"]),
        )

    @api.model
    def _explain_kept(self, enter, keep, is_secret=False):
        """Say between which limits the score is, unless it is not to be told."""
        if is_secret:
            return self.env._("Kept although the score fell below the limit to enter")
        return self.env._(
            "Kept although the score fell below %(enter)s: it is kept down to %(keep)s",
            enter=self._format_score(enter),
            keep=self._format_score(keep),
        )

    @api.model
    def _explain_grace(self, grace_until):
        return self.env._(
            "The score no longer suffices: the category ends on %s unless the score "
            "recovers",
            format_date(self.env, grace_until),
        )

    @api.model
    def _format_score(self, score):
        return formatLang(self.env, float(score), digits=2)

    @api.model
    def _join_sentences(self, explanation, addition):
        return self.env._(
            "%(explanation)s. %(addition)s", explanation=explanation, addition=addition
        )

    @api.model
    def _join_parts(self, parts, part):
        # A term of its own: Odoo exports no source that is punctuation only
        return self.env._("%(list)s, %(item)s", list=parts, item=part)

    @api.model
    def _format_amount(self, value, currency):
        return self.env["customer.ruleset.criterion"]._format_value(
            "monetary", value, currency
        )


class CustomerAssignment(models.Model):
    """Why a computed category holds *today*, though it was given long ago."""

    _inherit = "customer.assignment"

    def _explain_held(self):
        """Return, by row, why the category holds although the score fell, if so.

        The scores follow the invoices while the category stays, so this follows from
        the row and the limits of the version in force.
        """
        History = self.env["customer.assignment.history"]
        limits = self._get_limits_in_force()
        result = {}
        for row in self.filtered("category_id"):
            enter, keep = limits.get((row.company_id, row.category_id), (0, 0))
            if row.grace_until:
                result[row] = History._explain_grace(row.grace_until)
            elif row.score and row.score < enter:
                if not row._get_inputs().get("kept"):
                    result[row] = History._explain_kept(
                        enter, keep, row.dimension_id._is_score_secret()
                    )
        return result

    def _get_limits_in_force(self):
        """Return ``(score to enter, score to keep)`` by company and category."""
        rulesets = self.env["customer.ruleset"].search(
            [
                ("state", "=", "active"),
                ("method", "=", "score"),
                ("dimension_id", "in", self.dimension_id.ids),
                ("company_id", "in", self.company_id.ids),
            ]
        )
        return {
            (limit.company_id, limit.category_id): (
                limit.minimum_score,
                limit.keep_score or limit.minimum_score,
            )
            for limit in rulesets.limit_ids
        }
