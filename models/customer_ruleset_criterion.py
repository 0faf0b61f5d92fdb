from odoo import api, fields, models
from odoo.tools import SQL, format_date, formatLang

from .customer_dimension_criterion import (
    AXIS_BY_METRIC,
    CUT_MODE_SELECTION,
    CUT_SCORES,
    METRIC_SELECTION,
)
from .customer_figures import get_paying_condition


class CustomerRulesetCriterion(models.Model):
    """One frozen criterion of a version: a metric, its weight, its cut points.

    A customer's score on the metric is 1 plus the number of cut points the value
    reaches, so that equal values always get equal scores (unlike ``ntile``, which
    splits them). Cut points taken from the customers are the values that follow
    the 20th, 40th, 60th and 80th percentile: at most a fifth of the customers, and
    everybody who ties with its best, scores 1.
    """

    _name = "customer.ruleset.criterion"
    _inherit = ["customer.ruleset.part"]
    _description = "Criterion of a Classification Rules Version"
    _order = "ruleset_id, id"
    _rec_name = "metric"

    metric = fields.Selection(METRIC_SELECTION, required=True)
    weight = fields.Float(digits=(6, 2), required=True)
    cut_mode = fields.Selection(CUT_MODE_SELECTION, string="Limits", required=True)
    cuts = fields.Json(
        required=True,
        help="Where the scores 2, 3, 4 and 5 begin: amounts and counts as text (no "
        "digit may get lost), dates as YYYY-MM-DD, ages of fixed limits in days, "
        "null where no customer can reach the score.",
    )
    cut_2 = fields.Char("Score 2 From", compute="_compute_cut_labels")
    cut_3 = fields.Char("Score 3 From", compute="_compute_cut_labels")
    cut_4 = fields.Char("Score 4 From", compute="_compute_cut_labels")
    cut_5 = fields.Char("Score 5 From", compute="_compute_cut_labels")

    @api.depends("cuts", "metric", "cut_mode")
    @api.depends_context("lang")
    def _compute_cut_labels(self):
        for criterion in self:
            for score, cut in zip(CUT_SCORES, criterion.cuts, strict=True):
                criterion[f"cut_{score}"] = criterion._format_cut(cut)

    def _format_cut(self, cut):
        if cut is None:
            return "–"
        if self.metric == "last_date":
            if self.cut_mode == "fixed":
                return self.env._("%(days)s days ago or less", days=int(float(cut)))
            return format_date(self.env, cut)
        if AXIS_BY_METRIC[self.metric] == "monetary":
            currency = self.company_id.currency_id
            return formatLang(self.env, float(cut), currency_obj=currency)
        return formatLang(self.env, float(cut), digits=0)

    @api.model
    def _compute_cuts(self, settings, figures, reused):
        """Return the four cut points of each criterion of ``settings``, by metric.

        :param dict settings: as ``customer.dimension._get_settings`` returns them
        :param SQL figures: a table expression with the company's figures
        :param dict reused: cut points by metric to take over instead of computing
        """
        cuts = {}
        for criterion in settings["criteria"]:
            metric = criterion["metric"]
            if criterion["cut_mode"] == "fixed":
                cuts[metric] = [str(cut) for cut in criterion["fixed_cuts"]]
            elif reused.get(metric):
                cuts[metric] = reused[metric]
            else:
                cuts[metric] = self._compute_quantile_cuts(metric, settings, figures)
        return cuts

    @api.model
    def _compute_quantile_cuts(self, metric, settings, figures):
        """Return where the upper four fifths of the paying customers begin."""
        rows = self.env.execute_query(
            SQL(
                """
                WITH paying AS (
                    SELECT %(column)s AS value
                      FROM %(figures)s AS figures
                     WHERE %(is_paying)s
                ),
                percentile AS (
                    SELECT unnest(
                               percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8])
                               WITHIN GROUP (ORDER BY value)
                           ) AS value
                      FROM paying
                )
                SELECT percentile.value,
                       (SELECT min(paying.value)
                          FROM paying
                         WHERE paying.value > percentile.value)::text AS cut
                  FROM percentile
                 ORDER BY percentile.value
                """,
                column=SQL.identifier("figures", metric),
                figures=figures,
                is_paying=get_paying_condition(settings["minimum_kept_share"]),
            )
        )
        return [cut for _percentile, cut in rows] or [None] * len(CUT_SCORES)

    def _get_score_sql(self, as_of):
        """Return the score from 1 to 5 as SQL over a table named ``figures``."""
        self.ensure_one()
        column = SQL.identifier("figures", self.metric)
        reached = [
            SQL(
                "COALESCE(%(value)s >= %(cut)s, FALSE)::integer",
                value=column,
                cut=self._get_cut_sql(cut, as_of),
            )
            for cut in self.cuts
            if cut is not None
        ]
        return SQL(" + ").join([SQL("1"), *reached])

    def _get_cut_sql(self, cut, as_of):
        if self.metric != "last_date":
            return SQL("%s::numeric", cut)
        if self.cut_mode == "fixed":
            # no further back than the calendar
            days = min(int(float(cut)), as_of.toordinal() - 1)
            return SQL("%s::date", fields.Date.subtract(as_of, days=days))
        return SQL("%s::date", cut)
