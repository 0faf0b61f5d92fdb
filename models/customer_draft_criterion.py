from odoo import fields, models


class CustomerDraftCriterion(models.Model):
    """A criterion as a draft tries it; the same as in a dimension in all else."""

    _name = "customer.draft.criterion"
    _inherit = ["customer.draft.part", "customer.dimension.criterion"]
    _description = "Scoring Criterion of a Draft"
    _order = "draft_id, sequence, id"

    dimension_id = fields.Many2one(
        related="draft_id.dimension_id", store=False, required=False, index=False
    )

    _axis_unique = models.UniqueIndex(
        "(draft_id, axis)",
        "A dimension weighs at most one metric each for recency, frequency and "
        "monetary value.",
    )
    _metric_unique = models.UniqueIndex(
        "(draft_id, metric_id)", "A dimension weighs each metric once."
    )
