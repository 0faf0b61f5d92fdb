from odoo import fields, models


class CustomerRulesetLimit(models.Model):
    """The lowest score that gives a category, frozen in a version."""

    _name = "customer.ruleset.limit"
    _inherit = ["customer.ruleset.part"]
    _description = "Category Limit of a Classification Rules Version"
    _order = "ruleset_id, minimum_score desc, id"
    _rec_name = "category_id"

    category_id = fields.Many2one(
        # cascade: a category that a version names goes only with its whole dimension
        "customer.category",
        required=True,
        index=True,
        ondelete="cascade",
    )
    minimum_score = fields.Float(digits=(4, 2), required=True)
    keep_score = fields.Float("Keep Down to", digits=(4, 2))
