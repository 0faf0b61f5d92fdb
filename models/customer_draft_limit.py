from odoo import api, fields, models
from odoo.tools import SQL


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

    @api.model
    def _take_in(self, categories):
        """Add categories that the drafts of their dimension do not know, as they are.

        Else applying such a draft would take away their limits, which nobody saw. One
        that begins where another does in a draft is not given by its score.
        """
        self.flush_model()
        categories.flush_recordset()
        self.env.execute_query(
            SQL(
                """
                WITH taken AS (
                    SELECT draft.id AS draft_id, category.id AS category_id,
                           category.sequence, category.keep_score,
                           CASE WHEN NOT EXISTS (
                               SELECT
                                 FROM customer_draft_limit AS other
                                WHERE other.draft_id = draft.id
                                  AND other.minimum_score = category.minimum_score
                           ) THEN category.minimum_score ELSE 0 END AS minimum_score
                      FROM customer_category AS category
                      JOIN customer_draft AS draft USING (dimension_id)
                     WHERE category.id = ANY(%(ids)s)
                       AND draft.state <> 'applied'
                )
                INSERT INTO customer_draft_limit (
                    draft_id, category_id, sequence, minimum_score, keep_score,
                    create_uid, create_date, write_uid, write_date
                )
                SELECT draft_id, category_id, sequence, minimum_score,
                       CASE WHEN minimum_score > 0 THEN keep_score ELSE 0 END,
                       %(user)s, %(now)s, %(user)s, %(now)s
                  FROM taken
                ON CONFLICT (draft_id, category_id) DO NOTHING
                RETURNING NULL
                """,
                ids=categories.ids,
                user=self.env.uid,
                now=fields.Datetime.now(),
            )
        )
        self.env["customer.draft"].invalidate_model()
        self.invalidate_model()


class CustomerCategory(models.Model):
    _inherit = "customer.category"

    @api.model_create_multi
    def create(self, vals_list):
        categories = super().create(vals_list)
        self.env["customer.draft.limit"]._take_in(categories)
        return categories

    def write(self, vals):
        result = super().write(vals)
        if vals.get("active"):
            self.env["customer.draft.limit"]._take_in(self)
        return result
