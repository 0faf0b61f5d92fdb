from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: The scores that have a lower bound of their own; everybody else scores 1.
CUT_SCORES = (2, 3, 4, 5)
CUT_FIELDS = tuple(f"cut_{score}" for score in CUT_SCORES)

AXIS_SELECTION = [
    ("recency", "Recency"),
    ("frequency", "Frequency"),
    ("monetary", "Monetary value"),
]
CUT_MODE_SELECTION = [
    ("quantile", "Fifths of the customers"),
    ("share", "Cumulated share (ABC)"),
    ("fixed", "Fixed limits"),
]


class CustomerDimensionCriterion(models.Model):
    """One weighted metric of a scored dimension, as the administrator edits it.

    The engine never reads it: each run freezes the criteria, with their cut
    points, into a :class:`customer.ruleset`.
    """

    _name = "customer.dimension.criterion"
    _description = "Scoring Criterion"
    _order = "sequence, id"
    _rec_name = "metric_id"

    dimension_id = fields.Many2one(
        "customer.dimension", required=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer(default=10)
    metric_id = fields.Many2one(
        "customer.metric",
        required=True,
        index=True,
        ondelete="cascade",  # who deletes a metric is told about its criteria first
        domain=[("value_type", "!=", "reference"), ("is_broken", "=", False)],
    )
    axis = fields.Selection(related="metric_id.axis", store=True)
    weight = fields.Float(
        default=1.0,
        digits=(6, 2),
        required=True,
        help="How much this criterion counts in the score, relative to the others.",
    )
    cut_mode = fields.Selection(
        CUT_MODE_SELECTION,
        string="Limits",
        required=True,
        default="quantile",
        help="Fifths: the customers are divided into five parts, from 1 for the "
        "worst to 5 for the best; equal customers always score the same. "
        "Cumulated share: the best customers who together make up the first so many "
        "percent of the sum; the one who crosses the limit, and all who equal that "
        "one, belong to the better part. Fixed: you set from which value each score "
        "is given.",
    )
    cut_unit = fields.Char("Meaning of the Limits", compute="_compute_cut_unit")
    cut_5 = fields.Float("Score 5", digits=(16, 2))
    cut_4 = fields.Float("Score 4", digits=(16, 2))
    cut_3 = fields.Float("Score 3", digits=(16, 2))
    cut_2 = fields.Float("Score 2", digits=(16, 2))

    _weight_positive = models.Constraint(
        "CHECK (weight > 0)",
        "A criterion needs a weight above zero; remove it if it shall not count.",
    )
    _axis_unique = models.UniqueIndex(
        "(dimension_id, axis)",
        "A dimension weighs at most one metric each for recency, frequency and "
        "monetary value.",
    )
    _metric_unique = models.UniqueIndex(
        "(dimension_id, metric_id)", "A dimension weighs each metric once."
    )

    @api.depends("metric_id", "cut_mode")
    @api.depends_context("lang")
    def _compute_cut_unit(self):
        for criterion in self:
            criterion.cut_unit = criterion._get_cut_unit()

    def _get_cut_unit(self):
        """Return what the entered limits mean, or False where none are entered."""
        if not self.metric_id or self.cut_mode == "quantile":
            return False
        if self.cut_mode == "share":
            return self.env._("up to this % of the sum, best first")
        is_higher = self.metric_id.higher_is_better
        if self.metric_id.value_type == "date":
            if is_higher:
                return self.env._("at most so many days ago")
            return self.env._("at least so many days ago")
        return self.env._("at least") if is_higher else self.env._("at most")

    @api.constrains("metric_id")
    def _check_metric(self):
        for criterion in self:
            if criterion.metric_id.value_type == "reference":
                raise ValidationError(
                    self.env._(
                        "“%(metric)s” is a record; a score needs a number or a date.",
                        metric=criterion.metric_id.name,
                    )
                )

    @api.constrains("cut_mode", "metric_id", "cut_2", "cut_3", "cut_4", "cut_5")
    def _check_cuts(self):
        for criterion in self:
            cuts = [criterion[f"cut_{score}"] for score in CUT_SCORES]
            if criterion.cut_mode == "fixed":
                criterion._check_fixed_cuts(cuts)
            elif criterion.cut_mode == "share":
                criterion._check_summable()
                criterion._check_shares(cuts)

    def _check_fixed_cuts(self, cuts):
        """Refuse limits that contradict each other.

        :param list cuts: of the scores 2 to 5
        """
        if not any(cuts):
            raise ValidationError(
                self.env._(
                    "%(criterion)s: enter the fixed limits, from which value each "
                    "score is given.",
                    criterion=self.display_name,
                )
            )
        is_date = self.metric_id.value_type == "date"
        # the age of a recent date is low
        is_rising = self.metric_id.higher_is_better != is_date
        if is_date and min(cuts) < 0:
            raise ValidationError(
                self.env._(
                    "%(criterion)s: enter days, zero or more.",
                    criterion=self.display_name,
                )
            )
        if sorted(cuts, reverse=not is_rising) == cuts:
            return
        if is_rising:
            raise ValidationError(
                self.env._(
                    "%(criterion)s: the limits must rise from score 2 to 5.",
                    criterion=self.display_name,
                )
            )
        raise ValidationError(
            self.env._(
                "%(criterion)s: the limits must fall from score 2 to 5, for example "
                "365, 180, 90 and 30.",
                criterion=self.display_name,
            )
        )

    def _check_shares(self, cuts):
        """Refuse percentages that contradict each other; 0 is a score not given.

        :param list cuts: of the scores 2 to 5
        """
        shares = [cut for cut in cuts if cut]
        if (
            not shares
            or min(shares) < 0
            or max(shares) > 100
            or sorted(shares, reverse=True) != shares
        ):
            raise ValidationError(
                self.env._(
                    "%(criterion)s: enter percentages of the sum that rise from score "
                    "5 to 2, for example 80 for score 5 and 95 for score 3; 0 for a "
                    "score that is not given.",
                    criterion=self.display_name,
                )
            )

    def _check_summable(self):
        """Refuse a metric whose values of all customers have no meaningful sum."""
        metric = self.metric_id
        if metric.higher_is_better and metric._is_summable():
            return
        raise ValidationError(
            self.env._(
                "%(criterion)s: a cumulated share needs amounts or counts that add up "
                "and of which more is better. Choose fifths or fixed limits.",
                criterion=self.display_name,
            )
        )

    # What the engine takes

    def _get_settings(self):
        """Return what a ruleset freezes of each criterion, as a list of dicts."""
        return [
            {
                "metric": criterion.metric_id.code,
                "axis": criterion.metric_id.axis,
                "type": criterion.metric_id.value_type,
                "higher": criterion.metric_id.higher_is_better,
                "weight": criterion.weight,
                "cut_mode": criterion.cut_mode,
                "limits": (
                    [criterion[f"cut_{score}"] for score in CUT_SCORES]
                    if criterion.cut_mode != "quantile"
                    else None
                ),
            }
            for criterion in self.sorted(lambda c: c.metric_id.code)
        ]

    def _check_computable(self):
        """Refuse to compute with limits that a metric does not allow any more.

        A metric may have been changed since the criterion was saved.

        :raise ValidationError: naming the criterion
        """
        self._check_metric()
        self._check_cuts()
