from itertools import product

from odoo import api, models
from odoo.tools import SQL, float_round

from .customer_dimension_criterion import CUT_SCORES
from .customer_ruleset_score import SCORE_DIGITS

#: More combinations of points than these are not tried one by one
MAX_COMBINATIONS = 100_000


class CustomerLinter(models.AbstractModel):
    """What can be wrong with each way to feed a dimension."""

    _inherit = "customer.linter"

    # Rules

    @api.model
    def _check_rule(self, dimension, ruleset):
        findings = []
        for rule in dimension.rule_ids.filtered("active"):
            if rule.error:
                findings.append(
                    self._get_finding(
                        "error",
                        rule,
                        self.env._(
                            "The rule “%(rule)s” cannot be evaluated: %(error)s",
                            rule=rule.name,
                            error=rule.error,
                        ),
                    )
                )
            elif not rule.category_id.active:
                findings.append(
                    self._get_finding(
                        "warning",
                        rule,
                        self.env._(
                            "The rule “%(rule)s” does not count: its category "
                            "“%(category)s” is archived.",
                            rule=rule.name,
                            category=rule.category_id.name,
                        ),
                    )
                )
        if ruleset and not dimension.is_multiple:
            findings += self._check_order(ruleset)
        return findings

    @api.model
    def _check_order(self, ruleset):
        """Find rules that never decide, and customers that several rules match."""
        self._collect_every_match(ruleset)
        rules = {rule.position: rule for rule in ruleset.rule_ids}
        findings = []
        rows = self.env.execute_query(
            SQL(
                """
                SELECT position,
                       count(*) FILTER (WHERE position = first_position)
                  FROM (
                      SELECT position,
                             min(position) OVER (PARTITION BY partner_id)
                                 AS first_position
                        FROM pg_temp.customer_rule_found
                  ) AS ranked
                 GROUP BY position
                """
            )
        )
        decided = dict(rows)
        for position, rule in rules.items():
            place = rule.rule_id or ruleset.dimension_id
            if position not in decided:
                if not place or place._name != rule.rule_id._name or not place.error:
                    message = self.env._(
                        "The rule “%s” matches nobody.", self._get_name(rule)
                    )
                    findings.append(self._get_finding("info", place, message))
            elif not decided[position]:
                matched, earlier = self._get_shadow(position)
                findings.append(
                    self._get_finding(
                        "warning",
                        place,
                        self.env._(
                            "The rule “%(rule)s” never decides: everybody it matches "
                            "is caught before by %(earlier)s.",
                            rule=self._get_name(rule),
                            earlier=self._join(
                                self._get_name(rules[p]) for p in earlier
                            ),
                        ),
                        matched,
                    )
                )
        return findings + self._check_overlaps(ruleset, rules, decided)

    @api.model
    def _check_overlaps(self, ruleset, rules, decided):
        """Find customers whom rules for different categories match."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT one.position, other.position,
                       array_agg(one.partner_id ORDER BY one.partner_id)
                  FROM pg_temp.customer_rule_found AS one
                  JOIN pg_temp.customer_rule_found AS other
                    ON other.partner_id = one.partner_id
                   AND other.position > one.position
                 GROUP BY one.position, other.position
                 ORDER BY one.position, other.position
                """
            )
        )
        return [
            self._get_finding(
                "info",
                rules[later].rule_id or ruleset.dimension_id,
                self.env._(
                    "Both “%(first)s” and “%(second)s” match; the first one decides.",
                    first=self._get_name(rules[earlier]),
                    second=self._get_name(rules[later]),
                ),
                partner_ids,
            )
            for earlier, later, partner_ids in rows
            # one that never decides was reported already
            if decided.get(later)
            and rules[earlier].category_id != rules[later].category_id
        ]

    @api.model
    def _get_name(self, frozen):
        """Return what people call a frozen rule, in their language."""
        return frozen.rule_id.name or frozen.shown_name

    @api.model
    def _collect_every_match(self, ruleset):
        """Note whom each rule matches, those whom an earlier one caught included."""
        applicable = self.env["customer.population"]._get_applicable(
            ruleset._get_settings()
        )
        self.env.execute_query(SQL("DROP TABLE IF EXISTS pg_temp.customer_rule_found"))
        self.env.execute_query(
            SQL(
                """
                CREATE TEMPORARY TABLE customer_rule_found (
                    position integer, partner_id integer
                ) ON COMMIT DROP
                """
            )
        )
        for rule in ruleset.rule_ids.filtered(lambda r: not r.rule_id.error):
            self.env.execute_query(
                SQL(
                    """
                    INSERT INTO pg_temp.customer_rule_found
                    SELECT %s, partner_id
                      FROM (%s) AS customer
                     WHERE partner_id IN (%s)
                    """,
                    rule.position,
                    applicable,
                    ruleset._get_rule_query(rule)(),
                )
            )
        self.env.execute_query(SQL("ANALYZE pg_temp.customer_rule_found"))

    @api.model
    def _get_shadow(self, position):
        """Return whom a rule matches, and the rules that caught them before."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT found.partner_id, min(earlier.position)
                  FROM pg_temp.customer_rule_found AS found
                  JOIN pg_temp.customer_rule_found AS earlier
                    ON earlier.partner_id = found.partner_id
                 WHERE found.position = %s
                 GROUP BY found.partner_id
                 ORDER BY found.partner_id
                """,
                position,
            )
        )
        return [row[0] for row in rows], sorted({row[1] for row in rows})

    # Scores

    @api.model
    def _check_score(self, dimension, ruleset):
        limits = dimension.category_ids.filtered("minimum_score")
        if not limits:
            return [
                self._get_finding(
                    "error",
                    dimension,
                    self.env._(
                        "No category has a score from which it is given, so nobody "
                        "gets one."
                    ),
                )
            ]
        if not ruleset:
            return []
        reached = self._get_possible_categories(ruleset)
        return [
            self._get_finding(
                "warning",
                limit.category_id,
                self.env._(
                    "No score leads to “%(category)s”: with these weights and limits "
                    "a customer cannot get %(score)s points without reaching a better "
                    "category, or at all.",
                    category=limit.category_id.name,
                    score=f"{limit.minimum_score:g}",
                ),
            )
            for limit in ruleset.limit_ids
            if reached is not None and limit.category_id not in reached
        ]

    @api.model
    def _get_possible_categories(self, ruleset):
        """Return the categories that some combination of points gives.

        :return: None where there are too many combinations to try
        """
        points = [
            [1, *(s for s, cut in zip(CUT_SCORES, criterion.cuts, strict=True) if cut)]
            for criterion in ruleset.criterion_ids
        ]
        number = 1
        for possible in points:
            number *= len(possible)
        if number > MAX_COMBINATIONS:
            return None
        weights = ruleset.criterion_ids.mapped("weight")
        scores = {
            float_round(
                sum(w * p for w, p in zip(weights, combination, strict=True))
                / sum(weights),
                precision_digits=SCORE_DIGITS,
            )
            for combination in product(*points)
        }
        limits = ruleset.limit_ids.sorted("minimum_score", reverse=True)
        reached = self.env["customer.category"]
        for score in scores:
            earned = limits.filtered(lambda li, s=score: s >= li.minimum_score)[:1]
            reached |= earned.category_id
        return reached

    # Mirrored fields

    @api.model
    def _check_field(self, dimension, ruleset):
        return [
            self._get_finding(
                "error",
                dimension,
                self.env._(
                    "The mirrored field “%s” is gone, with the app that brought it.",
                    level.field_name,
                ),
            )
            for level in dimension.level_ids
            if not level.field_id
        ]

    @api.model
    def _join(self, names):
        return ", ".join(f"“{name}”" for name in names)
