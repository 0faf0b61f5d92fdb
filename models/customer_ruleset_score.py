from odoo import fields, models
from odoo.tools import SQL

from .customer_dimension_criterion import AXIS_BY_METRIC
from .customer_figures import get_paying_condition

#: Digits of a score. It is rounded *before* it is compared with the limits, so
#: that the score people read is the one that decided.
SCORE_DIGITS = 2


class CustomerRuleset(models.Model):
    """How a version with a score judges each customer."""

    _inherit = "customer.ruleset"

    def _get_score_judged(self, as_of, figures):
        """Return SQL that scores each customer and names the category it earns.

        The score is the weighted mean of the scores 1 to 5 on each metric::

            score = sum(weight * metric score) / sum(weight)

        Who pays nothing has neither score nor category.
        """
        criteria = self.criterion_ids
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
            SELECT weighted.*,
                   0 AS slot,
                   %(category)s AS category_id,
                   NULL::date AS grace_until
              FROM weighted
            """,
            figures=figures,
            is_paying=get_paying_condition(self.minimum_kept_share),
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
            category=self._get_category_sql(),
        )

    def _get_score_inputs(self, as_of):
        """Return SQL that explains a decision, over a row of the former."""
        pairs = [
            SQL("'score', score::text"),
            SQL("'as_of', %s::text", fields.Date.to_string(as_of)),
            SQL("'revenue_window', revenue_window::text"),
            SQL("'invoiced_window', invoiced_window::text"),
            SQL("'last_date', last_date::text"),
            SQL("'purchase_days_window', purchase_days_window"),
        ]
        explained = {"revenue_window", "last_date", "purchase_days_window"}
        for criterion in self.criterion_ids:
            axis = AXIS_BY_METRIC[criterion.metric]
            pairs.append(
                SQL("%s::text, %s", f"{axis}_score", SQL.identifier(f"{axis}_score"))
            )
            if criterion.metric not in explained:
                column = SQL.identifier(criterion.metric)
                pairs.append(SQL("%s::text, %s::text", criterion.metric, column))
        return SQL("jsonb_build_object(%s)", SQL(", ").join(pairs))

    def _get_category_sql(self):
        """Return SQL for the category with the highest limit the score reaches."""
        branches = [
            SQL(
                "WHEN score >= %s::numeric THEN %s",
                str(limit.minimum_score),
                limit.category_id.id,
            )
            for limit in self.limit_ids.sorted("minimum_score", reverse=True)
        ]
        if not branches:
            return SQL("NULL::integer")
        return SQL("CASE %s END", SQL(" ").join(branches))
