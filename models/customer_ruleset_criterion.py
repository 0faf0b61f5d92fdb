from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from odoo import api, fields, models
from odoo.tools import SQL, format_date, formatLang

from .customer_dimension_criterion import (
    AXIS_SELECTION,
    CUT_MODE_SELECTION,
    CUT_SCORES,
)
from .customer_figures import get_scored_condition

#: No whole number of the database reaches it
GREAT_NUMBER = 2**31
VALUE_TYPES = [
    ("integer", "Whole number"),
    ("float", "Number"),
    ("monetary", "Amount"),
    ("date", "Date"),
]


class CustomerRulesetCriterion(models.Model):
    """One frozen criterion of a version: a metric, its weight, its cut points.

    A customer's score on the metric is the highest whose cut point the value
    reaches, else 1, so that equal values always get equal scores (unlike ``ntile``,
    which splits them). Where less is better, a value reaches what it does not exceed.
    Cut points are values, whether an administrator entered them or they were taken
    from the customers that get a score, and stay until they are taken anew:

    * Fifths: the values that follow the 20th, 40th, 60th and 80th percentile,
      from the worst on: at most a fifth of the customers, and everybody who ties
      with its best, scores 1.
    * Cumulated share (ABC): from the best customer on, a score is reached by who is
      needed to make up its share of the sum: those before whom, equal ones left out,
      less than the share has been reached. So the customer who crosses the limit,
      and all who equal that one, belong to the better score. Only values above zero
      are summed; zero and less score 1.
    """

    _name = "customer.ruleset.criterion"
    _inherit = ["customer.ruleset.part"]
    _description = "Criterion of a Classification Rules Version"
    _order = "ruleset_id, id"
    _rec_name = "metric"

    metric = fields.Char(
        "Metric Code",
        required=True,
        help="A column of the figures, or a metric's code.",
    )
    metric_name = fields.Char("Metric", compute="_compute_metric_name")
    value_type = fields.Selection(VALUE_TYPES, required=True)
    axis = fields.Selection(AXIS_SELECTION)
    higher_is_better = fields.Boolean()
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

    @api.depends("metric")
    @api.depends_context("lang")
    def _compute_metric_name(self):
        metrics = self.env["customer.metric"]._get_by_code(self.mapped("metric"))
        for criterion in self:
            # a metric that was deleted left its code
            metric = metrics.get(criterion.metric)
            criterion.metric_name = metric.name if metric else criterion.metric

    @api.depends("cuts", "value_type", "cut_mode", "higher_is_better")
    @api.depends_context("lang")
    def _compute_cut_labels(self):
        for criterion in self:
            for score, cut in zip(CUT_SCORES, criterion.cuts, strict=True):
                criterion[f"cut_{score}"] = criterion._format_cut(cut)

    def _format_cut(self, cut):
        if cut is None:
            return "–"
        if self.value_type == "date" and self.cut_mode == "fixed":
            days = int(float(cut))
            if self.higher_is_better:
                return self.env._("%(days)s days ago or less", days=days)
            return self.env._("%(days)s days ago or more", days=days)
        value = self._format_value(self.value_type, cut, self.company_id.currency_id)
        return value if self.higher_is_better else self.env._("%s or less", value)

    @api.model
    def _format_value(self, value_type, value, currency):
        """Return the value of a metric for people.

        :param str value: as PostgreSQL writes it, or None
        """
        if value is None:
            return "–"
        if value_type == "date":
            return format_date(self.env, value)
        if value_type == "monetary":
            amount = currency.round(float(value))
            return formatLang(self.env, amount, currency_obj=currency)
        digits = 0 if value_type == "integer" else 2
        return formatLang(self.env, float(value), digits=digits)

    # Cut points

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
                cuts[metric] = [str(cut) for cut in criterion["limits"]]
            elif reused.get(metric):
                cuts[metric] = reused[metric]
            else:
                values = SQL(
                    """
                    SELECT %(column)s AS value
                      FROM %(figures)s AS figures
                     WHERE %(is_scored)s
                    """,
                    column=SQL.identifier("figures", metric),
                    figures=figures,
                    is_scored=get_scored_condition(
                        settings["minimum_kept_share"], settings["minimum_purchases"]
                    ),
                )
                compute = {
                    "quantile": self._compute_quantile_cuts,
                    "share": self._compute_share_cuts,
                }[criterion["cut_mode"]]
                cuts[metric] = compute(criterion, values)
        return cuts

    @api.model
    def _compute_quantile_cuts(self, criterion, values):
        """Return where the upper four fifths of ``values`` begin, from the worst on.

        Equal values are counted before they are sorted: most metrics have few.
        """
        is_higher = criterion["higher"]
        [cuts] = self.env.execute_query(
            SQL(
                """
                WITH step AS (
                    SELECT value, count(*) AS customers
                      FROM (%(values)s) AS scored
                     WHERE value IS NOT NULL
                     GROUP BY value
                ),
                cumulated AS (
                    SELECT sum(customers) OVER sorted AS reached,
                           sum(customers) OVER () AS total,
                           lead(value) OVER sorted AS following
                      FROM step
                    WINDOW sorted AS (ORDER BY value %(direction)s)
                )
                SELECT %(cuts)s FROM cumulated
                """,
                values=values,
                direction=SQL("ASC" if is_higher else "DESC"),
                cuts=SQL(", ").join(
                    SQL(
                        "%s(following) FILTER (WHERE 5 * reached >= %s * total)::text",
                        SQL("min" if is_higher else "max"),
                        fifth,
                    )
                    for fifth, _score in enumerate(CUT_SCORES, 1)
                ),
            )
        )
        return list(cuts)

    @api.model
    def _compute_share_cuts(self, criterion, values):
        """Return the lowest values needed to make up each cumulated share."""
        [cuts] = self.env.execute_query(
            SQL(
                """
                WITH scored AS (%(values)s),
                -- equal values are one step: nobody of them is better than another
                step AS (
                    SELECT value::numeric AS value, sum(value::numeric) AS amount
                      FROM scored
                     WHERE value > 0
                     GROUP BY value
                ),
                cumulated AS (
                    SELECT value,
                           sum(amount) OVER (ORDER BY value DESC) - amount AS before,
                           sum(amount) OVER () AS total
                      FROM step
                )
                SELECT %(cuts)s
                  FROM cumulated
                """,
                values=values,
                cuts=SQL(", ").join(
                    SQL(
                        "min(value) FILTER (WHERE before * 100 < total * %s::numeric)"
                        "::text",
                        str(share),
                    )
                    for share in criterion["limits"]
                ),
            )
        )
        return list(cuts)

    # Scores

    def _get_points_sql(self, column, as_of):
        """Return the score from 1 to 5 as SQL over a column with the metric's value.

        No value reaches no cut point, but for a date of which longer ago is better:
        never is longest ago.
        """
        self.ensure_one()
        value = SQL.identifier(column)
        if self.value_type == "date" and not self.higher_is_better:
            value = SQL("COALESCE(%s, '-infinity'::date)", value)
        branches = [
            SQL(
                "WHEN %(value)s %(reaches)s %(cut)s THEN %(score)s",
                value=value,
                reaches=SQL(">=" if self.higher_is_better else "<="),
                cut=self._get_cut_sql(cut, as_of),
                score=score,
            )
            for score, cut in zip(CUT_SCORES, self.cuts, strict=True)
            if cut is not None
        ]
        if not branches:
            return SQL("1")
        return SQL("CASE %s ELSE 1 END", SQL(" ").join(branches[::-1]))

    def _get_passed_queries(self, last, as_of):
        """Return queries that select the customers whose score the calendar changes.

        Limits in days before the present day move with it; all others stay. No figure
        is due because of them: it is the same as before.

        :param date last: the day before, of which the scores are
        """
        queries = []
        for criterion in self:
            if criterion.value_type != "date" or criterion.cut_mode != "fixed":
                continue
            facts = self.env["customer.facts.mixin"]._get_model_of(criterion.metric)
            for cut in criterion.cuts:
                queries.append(
                    SQL(
                        """
                        SELECT partner_id
                          FROM %(facts)s
                         WHERE company_id = %(company)s
                           AND (%(value)s %(reaches)s %(before)s)
                               <> (%(value)s %(reaches)s %(now)s)
                        """,
                        facts=SQL.identifier(facts._table),
                        company=criterion.company_id.id,
                        value=SQL.identifier(criterion.metric),
                        reaches=SQL(">=" if criterion.higher_is_better else "<="),
                        before=criterion._get_cut_sql(cut, last),
                        now=criterion._get_cut_sql(cut, as_of),
                    )
                )
        return queries

    def _get_cut_sql(self, cut, as_of):
        if self.value_type == "integer" and abs(Decimal(cut)) < GREAT_NUMBER:
            # of whole numbers, which the database compares in a fraction of the time
            rounding = ROUND_CEILING if self.higher_is_better else ROUND_FLOOR
            return SQL("%s", int(Decimal(cut).to_integral_value(rounding)))
        if self.value_type != "date":
            return SQL("%s::numeric", cut)
        if self.cut_mode == "fixed":
            # no further back than the calendar
            days = min(int(float(cut)), as_of.toordinal() - 1)
            return SQL("%s::date", fields.Date.subtract(as_of, days=days))
        return SQL("%s::date", cut)
