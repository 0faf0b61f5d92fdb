from datetime import date

from odoo import fields, models
from odoo.tools import SQL

from .customer_figures import get_scored_condition

#: A score has two digits, and so have weights and limits. It is rounded *before* it is
#: compared with the limits, so that the score people read is the one that decided. All
#: is computed in hundredths: whole numbers take the database a fraction of the time.
SCORE_DIGITS = 2
HUNDREDTHS = 10**SCORE_DIGITS
#: Figures that explain a decision, whatever was weighed
EXPLAINING_FIGURES = (
    "revenue_window",
    "invoiced_window",
    "last_date",
    "purchase_days_window",
)


def _get_hundredths(value):
    return round(value * HUNDREDTHS)


class CustomerRuleset(models.Model):
    """How a version with a score judges each customer.

    The score is the weighted mean of the scores 1 to 5 on each metric::

        score = sum(weight * metric score) / sum(weight)

    Categories are levels, the higher the better. A customer *earns* the highest
    level whose limit the score reaches. For the levels up to the one the customer
    has now, the limit is the score to keep it: a score that moves around a limit
    moves nobody. Who earns less than the present level keeps that one until the days
    of grace are over, and keeps it if the score recovers in time; an upgrade comes
    at once.

    All of it follows from the figures, the version and the present row of the
    customer, so a run of few customers and one of all give the same.
    """

    _inherit = "customer.ruleset"

    def _get_score_judged(self, as_of, figures, scope):
        """Return SQL that scores each customer and names the category it gets.

        Its columns: ``partner_id``, ``slot``, ``category_id``, ``grace_until``, the
        scores, and what :meth:`_get_score_inputs` explains. Who pays nothing or
        bought too rarely has neither score nor category.

        :param date as_of: the day of the computation
        :param SQL figures: a table expression with the figures of those in the scope
        :param Scope scope: whom the step is about
        :raise UserError: where a metric cannot be used
        """
        self.ensure_one()
        figures = self.env["customer.metric"]._join_by_code(
            figures,
            self.criterion_ids.mapped("metric"),
            self.company_id,
            as_of if self.origin == "as_of" or scope.is_supposed else None,
            scope,
        )
        criteria = list(enumerate(self.criterion_ids, 1))
        axes = {c.axis: SQL.identifier(f"points_{n}") for n, c in criteria if c.axis}
        return SQL(
            """
            -- OFFSET 0: or each use of what a step computes would compute it anew
            WITH known AS (
                SELECT figures.partner_id,
                       %(explaining)s,
                       %(values)s,
                       %(is_scored)s AS is_scored
                  FROM %(figures)s AS figures
                OFFSET 0
            ),
            pointed AS (
                SELECT known.*, %(points)s
                  FROM known
                OFFSET 0
            ),
            weighted AS (
                SELECT pointed.*,
                       -- rounded half up
                       ((2 * %(hundredths)s * (%(weighted_sum)s) + %(weight_sum)s)
                           / (2 * %(weight_sum)s))::integer AS score_hundredths
                  FROM pointed
                OFFSET 0
            ),
            %(levelled)s
            SELECT levelled.*,
                   score_hundredths * 0.01 AS score,
                   0 AS slot,
                   CASE WHEN is_graced THEN present_id ELSE earned_id END
                       AS category_id,
                   CASE WHEN is_graced
                        THEN COALESCE(present_until, %(grace_end)s)
                   END AS grace_until,
                   %(recency)s AS recency_score,
                   %(frequency)s AS frequency_score,
                   %(monetary)s AS monetary_score
              FROM levelled
            """,
            explaining=SQL(", ").join(
                SQL.identifier("figures", name) for name in EXPLAINING_FIGURES
            ),
            values=SQL(", ").join(
                SQL(
                    "%s AS %s",
                    SQL.identifier("figures", criterion.metric),
                    SQL.identifier(f"value_{number}"),
                )
                for number, criterion in criteria
            ),
            is_scored=get_scored_condition(
                self.minimum_kept_share, self.minimum_purchases
            ),
            figures=figures,
            points=SQL(", ").join(
                SQL(
                    "CASE WHEN is_scored THEN %s END AS %s",
                    criterion._get_points_sql(f"value_{number}", as_of),
                    SQL.identifier(f"points_{number}"),
                )
                for number, criterion in criteria
            ),
            weighted_sum=SQL(" + ").join(
                SQL(
                    "%s::bigint * %s",
                    _get_hundredths(criterion.weight),
                    SQL.identifier(f"points_{number}"),
                )
                for number, criterion in criteria
            ),
            weight_sum=sum(_get_hundredths(c.weight) for c in self.criterion_ids),
            hundredths=HUNDREDTHS,
            levelled=self._get_levelled(as_of, scope),
            grace_end=self._get_grace_end(as_of),
            **{
                axis: axes.get(axis, SQL("NULL::integer"))
                for axis in ("recency", "frequency", "monetary")
            },
        )

    def _get_levelled(self, as_of, scope):
        """Return CTEs, the last named ``levelled``: earned, present, and grace."""
        if not self._is_inert():
            return SQL(
                """
                levelled AS (
                    SELECT weighted.*,
                           %(earned)s AS earned_id,
                           NULL::integer AS present_id,
                           NULL::date AS present_until,
                           FALSE AS is_graced
                      FROM weighted
                    OFFSET 0
                )
                """,
                earned=self._get_category_sql(self._get_level_sql(SQL("0"))),
            )
        return SQL(
            """
            present AS (
                SELECT partner_id,
                       category_id AS present_id,
                       grace_until AS present_until,
                       %(present_level)s AS present_level
                  FROM %(assignments)s
                 WHERE company_id = %(company)s
                   AND dimension_id = %(dimension)s
                   AND slot = 0
                   AND %(in_scope)s
            ),
            earned AS (
                SELECT weighted.*,
                       present.present_id,
                       present.present_until,
                       COALESCE(present.present_level, 0) AS present_level,
                       %(earned_level)s AS earned_level
                  FROM weighted
                  LEFT JOIN present ON present.partner_id = weighted.partner_id
                OFFSET 0
            ),
            levelled AS (
                SELECT earned.*,
                       %(earned)s AS earned_id,
                       (%(grace_days)s > 0
                        -- who has no figures any more is no customer
                        AND revenue_window IS NOT NULL
                        -- without a score the default category may come next
                        AND COALESCE(NULLIF(earned_level, 0), %(default_level)s)
                            < present_level
                        AND %(as_of)s < COALESCE(present_until, %(grace_end)s))
                           AS is_graced
                  FROM earned
                OFFSET 0
            )
            """,
            present_level=self._get_present_level_sql(),
            assignments=scope.get_assignments(self),
            company=self.company_id.id,
            dimension=self.dimension_id.id,
            in_scope=scope.on(SQL("partner_id")),
            earned_level=self._get_level_sql(SQL("COALESCE(present_level, 0)")),
            earned=self._get_category_sql(SQL("earned_level")),
            grace_days=self.grace_days,
            default_level=self._get_default_level(),
            as_of=as_of,
            grace_end=self._get_grace_end(as_of),
        )

    # Levels: the categories by their limits, the lowest is 1; 0 is none

    def _is_inert(self):
        """Return whether the present category counts; never for a past day."""
        self.ensure_one()
        return self.origin != "as_of" and bool(
            self.grace_days
            or any(keep < enter for _n, _id, enter, keep in self._get_levels())
        )

    def _get_levels(self):
        """Return ``(level, category id, score to enter, to keep)``, the best first."""
        levels = [
            (
                level,
                limit.category_id.id,
                limit.minimum_score,
                limit.keep_score or limit.minimum_score,
            )
            for level, limit in enumerate(self.limit_ids.sorted("minimum_score"), 1)
        ]
        return levels[::-1]

    def _get_default_level(self):
        default = self._get_settings().get("default")
        levels = {category: level for level, category, *_scores in self._get_levels()}
        return levels.get(default, 0)

    def _get_present_level_sql(self):
        return self._get_case(
            SQL("WHEN category_id = %s THEN %s", category, level)
            for level, category, *_scores in self._get_levels()
        )

    def _get_level_sql(self, present_level):
        """Return SQL for the level that a score earns.

        :param SQL present_level: up to this level the scores to keep one count
        """
        return self._get_case(
            SQL(
                "WHEN score_hundredths >= CASE WHEN %(present)s >= %(level)s"
                " THEN %(keep)s ELSE %(enter)s END THEN %(level)s",
                present=present_level,
                level=level,
                keep=_get_hundredths(keep),
                enter=_get_hundredths(enter),
            )
            for level, _category, enter, keep in self._get_levels()
        )

    def _get_category_sql(self, level):
        """Return SQL for the category of a level; NULL for level 0."""
        branches = [
            SQL("WHEN %s THEN %s", number, category)
            for number, category, *_scores in self._get_levels()
        ]
        if not branches:
            return SQL("NULL::integer")
        return SQL("CASE %s %s END", level, SQL(" ").join(branches))

    def _get_case(self, branches):
        """Return SQL of the first branch that holds, 0 where none does."""
        branches = list(branches)
        if not branches:
            return SQL("0")
        return SQL("CASE %s ELSE 0 END", SQL(" ").join(branches))

    def _get_grace_end(self, as_of):
        """Return the first day without grace, as SQL, for a fall seen on ``as_of``."""
        # no further ahead than the calendar
        days = min(self.grace_days, date.max.toordinal() - as_of.toordinal())
        return SQL("%s::date", fields.Date.add(as_of, days=days))
