from odoo import fields, models


class CustomerDraftLimit(models.Model):
    """The score that gives a category, as a draft tries it."""

    _name = "customer.draft.limit"
    _inherit = ["customer.draft.part"]
    _description = "Category Limit of a Draft"
    _order = "draft_id, sequence, id"
    _rec_name = "category_id"

    category_id = fields.Many2one(
        "customer.category",
        required=True,
        index=True,
        ondelete="cascade",  # who deletes a category is asked about drafts first
    )
    sequence = fields.Integer(related="category_id.sequence", store=True)
    minimum_score = fields.Float(
        "From Score",
        digits=(4, 2),
        help="The category is given from this score on. 0: not by the score.",
    )
    keep_score = fields.Float(
        "Keep Down to",
        digits=(4, 2),
        help="Who has the category keeps it down to this score. 0: down to the score "
        "that gives it.",
    )

    _category_unique = models.UniqueIndex(
        "(draft_id, category_id)", "A category has one limit."
    )

    _score_valid = models.Constraint(
        "CHECK (minimum_score = 0 OR (minimum_score >= 1 AND minimum_score <= 5))",
        "A score runs from 1 to 5; enter 0 for a category that is only given by hand.",
    )
    _keep_valid = models.Constraint(
        "CHECK (keep_score = 0 OR (keep_score >= 1 AND keep_score <= minimum_score))",
        "The score to keep a category lies between 1 and the score to enter it.",
    )

    def _get_limits(self):
        """Return ``[category id, score to enter, score to keep]``, best first."""
        scored = self.filtered(lambda limit: limit.category_id.active)
        return [
            [
                limit.category_id.id,
                limit.minimum_score,
                limit.keep_score or limit.minimum_score,
            ]
            for limit in scored.filtered("minimum_score").sorted(
                "minimum_score", reverse=True
            )
        ]
