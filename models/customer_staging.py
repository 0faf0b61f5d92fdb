from odoo import api, fields, models
from odoo.tools import SQL

from .customer_dimension_criterion import AXIS_BY_METRIC
from .customer_figures import get_paying_condition

#: The columns of staging that the assignment takes over
SCORE_COLUMNS = ("score", "recency_score", "frequency_score", "monetary_score")
#: Digits of a score. It is rounded *before* it is compared with the limits, so
#: that the score people read is the one that decided.
SCORE_DIGITS = 2


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
    inputs = fields.Json(readonly=True)

    @api.model
    def _stage_changes(self, line, ruleset, figures, partners=None):
        """Stage what differs from the assignments of the version's dimension.

        A customer whose figures are gone, who pays no longer or is no commercial
        entity any more is staged with no category.
        """
        self.env.execute_query(
            SQL(
                """
                WITH judged AS (%(judged)s),
                assigned AS (
                    SELECT *
                      FROM customer_assignment
                     WHERE company_id = %(company)s
                       AND dimension_id = %(dimension)s
                       AND slot = 0
                       AND (%(every_partner)s OR partner_id = ANY(%(partners)s))
                ),
                differing AS (
                    SELECT judged.*,
                           COALESCE(judged.partner_id, assigned.partner_id)
                               AS customer_id
                      FROM judged
                      FULL JOIN assigned ON assigned.partner_id = judged.partner_id
                     WHERE (judged.category_id, %(judged_scores)s)
                           IS DISTINCT FROM (assigned.category_id, %(assigned_scores)s)
                       AND (judged.category_id IS NOT NULL
                            OR assigned.category_id IS NOT NULL)
                )
                INSERT INTO customer_staging (
                    line_id, company_id, dimension_id, slot, ruleset_id,
                    partner_id, category_id, inputs, %(score_columns)s
                )
                -- the inputs of what differs only: they take longer than the scores
                SELECT %(line)s, %(company)s, %(dimension)s, 0, %(ruleset)s,
                       customer_id, category_id,
                       CASE WHEN partner_id IS NULL
                            THEN jsonb_build_object(
                                'as_of', %(as_of)s, 'gone', 'figures'
                            )
                            ELSE %(inputs)s
                       END,
                       %(score_columns)s
                  FROM differing
                """,
                judged=self._get_judged(ruleset, line.as_of, figures),
                inputs=self._get_inputs(ruleset, line.as_of),
                as_of=fields.Date.to_string(line.as_of),
                line=line.id,
                company=line.company_id.id,
                dimension=ruleset.dimension_id.id,
                ruleset=ruleset.id,
                every_partner=partners is None,
                partners=partners or [],
                score_columns=SQL(", ").join(map(SQL.identifier, SCORE_COLUMNS)),
                judged_scores=self._get_score_columns("judged"),
                assigned_scores=self._get_score_columns("assigned"),
            )
        )

    @api.model
    def _stage_result(self, line, ruleset, figures):
        """Stage every customer to whom the version gives a category."""
        self.env.execute_query(
            SQL(
                """
                WITH judged AS (%(judged)s)
                INSERT INTO customer_staging (
                    line_id, company_id, dimension_id, slot, ruleset_id,
                    partner_id, category_id, inputs, %(score_columns)s
                )
                SELECT %(line)s, %(company)s, %(dimension)s, 0, %(ruleset)s,
                       partner_id, category_id, %(inputs)s, %(score_columns)s
                  FROM judged
                 WHERE category_id IS NOT NULL
                """,
                judged=self._get_judged(ruleset, line.as_of, figures),
                inputs=self._get_inputs(ruleset, line.as_of),
                line=line.id,
                company=line.company_id.id,
                dimension=ruleset.dimension_id.id,
                ruleset=ruleset.id,
                score_columns=SQL(", ").join(map(SQL.identifier, SCORE_COLUMNS)),
            )
        )

    @api.model
    def _stage_withdrawal(self, line, dimensions, partners=None):
        """Stage the end of every category of dimensions that have no score any more."""
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_staging (
                    line_id, company_id, dimension_id, slot, partner_id, inputs
                )
                SELECT %(line)s, company_id, dimension_id, slot, partner_id,
                       jsonb_build_object('as_of', %(as_of)s, 'gone', 'score')
                  FROM customer_assignment
                 WHERE company_id = %(company)s
                   AND dimension_id = ANY(%(dimensions)s)
                   AND category_id IS NOT NULL
                   AND (%(every_partner)s OR partner_id = ANY(%(partners)s))
                """,
                line=line.id,
                company=line.company_id.id,
                as_of=fields.Date.to_string(line.as_of),
                dimensions=dimensions.ids,
                every_partner=partners is None,
                partners=partners or [],
            )
        )

    @api.model
    def _get_judged(self, ruleset, as_of, figures):
        """Return SQL that scores each customer and names the category it earns.

        The score is the weighted mean of the scores 1 to 5 on each metric::

            score = sum(weight * metric score) / sum(weight)

        Who pays nothing has neither score nor category.
        """
        criteria = ruleset.criterion_ids
        axes = {AXIS_BY_METRIC[c.metric]: c for c in criteria}
        return SQL(
            """
            WITH known AS (
                SELECT figures.*, %(is_paying)s AS is_paying
                  FROM %(figures)s AS figures
            ),
            scored AS (
                SELECT figures.*,
                       CASE WHEN is_paying THEN %(recency)s END AS recency_score,
                       CASE WHEN is_paying THEN %(frequency)s END AS frequency_score,
                       CASE WHEN is_paying THEN %(monetary)s END AS monetary_score
                  FROM known AS figures
            ),
            -- materialized: or each use of a score would compute it anew
            weighted AS MATERIALIZED (
                SELECT scored.*,
                       round((%(weighted_sum)s) / %(weight_sum)s, %(digits)s) AS score
                  FROM scored
            )
            SELECT weighted.*, %(category)s AS category_id
              FROM weighted
            """,
            figures=figures,
            is_paying=get_paying_condition(ruleset.minimum_kept_share),
            **{
                axis: (
                    axes[axis]._get_score_sql(as_of)
                    if axis in axes
                    else SQL("NULL::integer")
                )
                for axis in ("recency", "frequency", "monetary")
            },
            weighted_sum=SQL(" + ").join(
                SQL("%s::numeric * %s", str(c.weight), SQL.identifier(f"{axis}_score"))
                for axis, c in axes.items()
            ),
            weight_sum=SQL(
                "%s::numeric", str(round(sum(criteria.mapped("weight")), 2))
            ),
            digits=SCORE_DIGITS,
            category=self._get_category_sql(ruleset),
        )

    @api.model
    def _get_inputs(self, ruleset, as_of):
        """Return SQL that explains a decision, over what :meth:`_get_judged` gives."""
        pairs = [
            SQL("'score', score::text"),
            SQL("'as_of', %s::text", fields.Date.to_string(as_of)),
            SQL("'revenue_window', revenue_window::text"),
            SQL("'invoiced_window', invoiced_window::text"),
            SQL("'last_date', last_date::text"),
            SQL("'purchase_days_window', purchase_days_window"),
        ]
        explained = {"revenue_window", "last_date", "purchase_days_window"}
        for criterion in ruleset.criterion_ids:
            axis = AXIS_BY_METRIC[criterion.metric]
            pairs.append(
                SQL("%s::text, %s", f"{axis}_score", SQL.identifier(f"{axis}_score"))
            )
            if criterion.metric not in explained:
                column = SQL.identifier(criterion.metric)
                pairs.append(SQL("%s::text, %s::text", criterion.metric, column))
        return SQL("jsonb_build_object(%s)", SQL(", ").join(pairs))

    @api.model
    def _get_category_sql(self, ruleset):
        """Return SQL for the category with the highest limit the score reaches."""
        branches = [
            SQL(
                "WHEN score >= %s::numeric THEN %s",
                str(limit.minimum_score),
                limit.category_id.id,
            )
            for limit in ruleset.limit_ids.sorted("minimum_score", reverse=True)
        ]
        if not branches:
            return SQL("NULL::integer")
        return SQL("CASE %s END", SQL(" ").join(branches))

    @api.model
    def _get_score_columns(self, table):
        return SQL(", ").join(SQL.identifier(table, name) for name in SCORE_COLUMNS)
