from odoo import api, fields, models
from odoo.tools import SQL

from .customer_scope import EVERYONE

#: The columns of staging that the assignment takes over
SCORE_COLUMNS = (
    "score",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "grace_until",
)


class CustomerStaging(models.Model):
    """What a run would set: one row per customer that it would change.

    Applying, previewing and resuming read the same rows. A run of today stages
    only the differences to the assignments and consumes the rows as it applies
    them. A run as of a past date stages every classified customer and keeps the
    rows as its result.
    """

    _name = "customer.staging"
    _inherit = ["customer.rows.mixin"]
    _description = "Staged Classification"
    _order = "line_id, score desc, partner_id, id"
    _rec_name = "partner_id"
    _log_access = False  # written for every customer and removed minutes later

    line_id = fields.Many2one(
        "customer.classification.run.line",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    run_id = fields.Many2one(related="line_id.run_id")
    dimension_id = fields.Many2one(
        "customer.dimension", required=True, readonly=True, ondelete="cascade"
    )
    slot = fields.Integer(required=True, readonly=True, default=0)
    category_id = fields.Many2one(
        "customer.category",
        readonly=True,
        ondelete="cascade",
        help="Empty: the customer would have no category any more.",
    )
    ruleset_id = fields.Many2one(
        "customer.ruleset", string="Version", readonly=True, ondelete="cascade"
    )
    score = fields.Float(readonly=True, digits=(4, 2), aggregator="avg")
    recency_score = fields.Integer("R", readonly=True, aggregator="avg")
    frequency_score = fields.Integer("F", readonly=True, aggregator="avg")
    monetary_score = fields.Integer("M", readonly=True, aggregator="avg")
    grace_until = fields.Date("Kept Until", readonly=True)
    inputs = fields.Json(readonly=True)

    @api.model
    def _stage_changes(self, line, ruleset, figures, scope=EVERYONE):
        """Stage what differs from the assignments of the version's dimension.

        A customer who is none any more, or to whom nothing gives a category, is
        staged with no category.
        """
        judged, inputs = ruleset._get_judged(line.as_of, figures)
        self.env.execute_query(
            SQL(
                """
                WITH judged AS (%(judged)s),
                assigned AS (
                    SELECT *
                      FROM customer_assignment
                     WHERE company_id IS NOT DISTINCT FROM %(company)s
                       AND dimension_id = %(dimension)s
                       AND %(in_scope)s
                ),
                differing AS (
                    SELECT judged.*,
                           COALESCE(judged.partner_id, assigned.partner_id)
                               AS customer_id,
                           COALESCE(judged.slot, assigned.slot) AS customer_slot,
                           %(category)s AS customer_category_id
                      FROM judged
                      FULL JOIN assigned
                        ON assigned.partner_id = judged.partner_id
                       AND assigned.slot = judged.slot
                     WHERE (%(category)s, %(judged_scores)s)
                           IS DISTINCT FROM (assigned.category_id, %(assigned_scores)s)
                       AND (%(category)s IS NOT NULL
                            OR assigned.category_id IS NOT NULL)
                )
                INSERT INTO customer_staging (
                    line_id, company_id, dimension_id, slot, ruleset_id,
                    partner_id, category_id, inputs, %(score_columns)s
                )
                -- the inputs of what differs only: they take longer than the scores
                SELECT %(line)s, %(company)s, %(dimension)s, customer_slot,
                       %(ruleset)s, customer_id, customer_category_id,
                       CASE WHEN partner_id IS NULL
                            THEN jsonb_build_object(
                                'as_of', %(as_of)s, 'gone', %(gone)s
                            )
                            WHEN category_id IS NULL
                                 AND customer_category_id IS NOT NULL
                            THEN %(inputs)s || '{"default": true}'::jsonb
                            ELSE %(inputs)s
                       END,
                       %(scores)s
                  FROM differing
                """,
                judged=judged,
                inputs=inputs,
                category=self._get_category_sql(ruleset),
                gone={"score": "figures", "rule": "rules", "field": "field"}[
                    ruleset.method
                ],
                as_of=fields.Date.to_string(line.as_of),
                line=line.id,
                company=line.company_id.id or None,
                dimension=ruleset.dimension_id.id,
                ruleset=ruleset.id,
                in_scope=scope.on(SQL("partner_id")),
                score_columns=SQL(", ").join(map(SQL.identifier, SCORE_COLUMNS)),
                scores=self._get_scores(ruleset, "differing"),
                judged_scores=self._get_scores(ruleset, "judged"),
                assigned_scores=self._get_scores(ruleset, "assigned"),
            )
        )
        if ruleset.method == "rule":
            ruleset._explain_matches(line)

    @api.model
    def _stage_result(self, line, ruleset, figures):
        """Stage every customer to whom the version gives a category."""
        judged, inputs = ruleset._get_judged(line.as_of, figures)
        self.env.execute_query(
            SQL(
                """
                WITH judged AS (%(judged)s)
                INSERT INTO customer_staging (
                    line_id, company_id, dimension_id, slot, ruleset_id,
                    partner_id, category_id, inputs, %(score_columns)s
                )
                SELECT %(line)s, %(company)s, %(dimension)s, slot, %(ruleset)s,
                       partner_id, %(category)s, %(inputs)s, %(scores)s
                  FROM judged
                 WHERE %(category)s IS NOT NULL
                """,
                judged=judged,
                inputs=inputs,
                category=self._get_category_sql(ruleset),
                line=line.id,
                company=line.company_id.id or None,
                dimension=ruleset.dimension_id.id,
                ruleset=ruleset.id,
                score_columns=SQL(", ").join(map(SQL.identifier, SCORE_COLUMNS)),
                scores=self._get_scores(ruleset, "judged"),
            )
        )

    @api.model
    def _stage_withdrawal(self, line, dimensions, scope=EVERYONE):
        """Stage the end of every category of dimensions that compute none any more."""
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_staging (
                    line_id, company_id, dimension_id, slot, partner_id, inputs
                )
                SELECT %(line)s, company_id, dimension_id, slot, partner_id,
                       jsonb_build_object('as_of', %(as_of)s, 'gone', 'method')
                  FROM customer_assignment
                 WHERE company_id IS NOT DISTINCT FROM %(company)s
                   AND dimension_id = ANY(%(dimensions)s)
                   AND category_id IS NOT NULL
                   AND %(in_scope)s
                """,
                line=line.id,
                company=line.company_id.id or None,
                as_of=fields.Date.to_string(line.as_of),
                dimensions=dimensions.ids,
                in_scope=scope.on(SQL("partner_id")),
            )
        )

    @api.model
    def _get_category_sql(self, ruleset):
        """Return SQL for a judged customer's category, the default one included."""
        settings = ruleset._get_settings()
        if settings["multiple"] or not settings["default"]:
            return SQL("judged.category_id")
        return SQL(
            "CASE WHEN judged.partner_id IS NOT NULL "
            "THEN COALESCE(judged.category_id, %s) END",
            settings["default"],
        )

    @api.model
    def _get_scores(self, ruleset, table):
        """Return SQL for the columns of a score; there is none but in a scored one."""
        if ruleset.method != "score" and table != "assigned":
            return SQL(", ").join(
                SQL("NULL::%s", SQL(self._fields[name].column_type[1]))
                for name in SCORE_COLUMNS
            )
        return SQL(", ").join(SQL.identifier(table, name) for name in SCORE_COLUMNS)
