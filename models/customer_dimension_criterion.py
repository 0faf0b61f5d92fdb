from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: The metrics a criterion can weigh, by the axis of RFM they belong to. Each
#: is the name of a column of ``customer.figures``.
METRICS_BY_AXIS = {
    "recency": ["last_date"],
    "frequency": ["purchase_days_window", "purchase_days", "invoice_count"],
    "monetary": ["revenue_window", "revenue_total", "average_ticket"],
}
AXIS_BY_METRIC = {
    metric: axis for axis, metrics in METRICS_BY_AXIS.items() for metric in metrics
}
#: The scores that have a lower bound of their own; everybody else scores 1.
CUT_SCORES = (2, 3, 4, 5)

METRIC_SELECTION = [
    ("last_date", "Last purchase"),
    ("purchase_days_window", "Purchase days in the period"),
    ("purchase_days", "Purchase days, all time"),
    ("invoice_count", "Invoices, all time"),
    ("revenue_window", "Net revenue in the period"),
    ("revenue_total", "Net revenue, all time"),
    ("average_ticket", "Average ticket"),
]
AXIS_SELECTION = [
    ("recency", "Recency"),
    ("frequency", "Frequency"),
    ("monetary", "Monetary value"),
]
CUT_MODE_SELECTION = [
    ("quantile", "Fifths of the customers"),
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
    _rec_names_search = ["metric"]

    dimension_id = fields.Many2one(
        "customer.dimension", required=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer(default=10)
    metric = fields.Selection(METRIC_SELECTION, required=True)
    axis = fields.Selection(AXIS_SELECTION, compute="_compute_axis", store=True)
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
        help="Fifths: the paying customers are divided into five parts, from 1 "
        "for the lowest to 5 for the highest; equal customers always score "
        "the same. Fixed: you set from which value each score is given.",
    )
    cut_2 = fields.Float("Score 2 from", digits=(16, 2))
    cut_3 = fields.Float("Score 3 from", digits=(16, 2))
    cut_4 = fields.Float("Score 4 from", digits=(16, 2))
    cut_5 = fields.Float(
        "Score 5 from",
        digits=(16, 2),
        help="For the last purchase: at most this many days ago.",
    )

    _weight_positive = models.Constraint(
        "CHECK (weight > 0)",
        "A criterion needs a weight above zero; remove it if it shall not count.",
    )
    _axis_unique = models.UniqueIndex(
        "(dimension_id, axis)",
        "A dimension weighs at most one metric each for recency, frequency and "
        "monetary value.",
    )

    @api.depends("metric")
    def _compute_axis(self):
        for criterion in self:
            criterion.axis = AXIS_BY_METRIC.get(criterion.metric)

    @api.depends("metric")
    @api.depends_context("lang")
    def _compute_display_name(self):
        labels = dict(self._fields["metric"]._description_selection(self.env))
        for criterion in self:
            criterion.display_name = labels.get(criterion.metric, "")

    @api.constrains("cut_mode", "metric", "cut_2", "cut_3", "cut_4", "cut_5")
    def _check_fixed_cuts(self):
        for criterion in self.filtered(lambda c: c.cut_mode == "fixed"):
            cuts = [criterion[f"cut_{score}"] for score in CUT_SCORES]
            if not any(cuts):
                raise ValidationError(
                    self.env._(
                        "%(criterion)s: enter the fixed limits, from which value each "
                        "score is given.",
                        criterion=criterion.display_name,
                    )
                )
            if criterion.metric == "last_date":
                if min(cuts) < 0 or sorted(cuts, reverse=True) != cuts:
                    raise ValidationError(
                        self.env._(
                            "Last purchase: enter days, fewer for each higher "
                            "score, for example 365, 180, 90 and 30."
                        )
                    )
            elif sorted(cuts) != cuts:
                raise ValidationError(
                    self.env._(
                        "%(criterion)s: the limits must rise from score 2 to 5.",
                        criterion=criterion.display_name,
                    )
                )

    def _get_settings(self):
        """Return what a ruleset freezes of each criterion, as a list of dicts."""
        return [
            {
                "metric": criterion.metric,
                "weight": criterion.weight,
                "cut_mode": criterion.cut_mode,
                "fixed_cuts": (
                    [criterion[f"cut_{score}"] for score in CUT_SCORES]
                    if criterion.cut_mode == "fixed"
                    else None
                ),
            }
            for criterion in self.sorted("metric")
        ]
