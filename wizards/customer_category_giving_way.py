from odoo import api, fields, models


class CustomerCategoryGivingWay(models.AbstractModel):
    """What a wizard tells of categories that give way: whom and what they leave."""

    _name = "customer.category.giving.way"
    _description = "Categories That Give Way"

    category_ids = fields.Many2many("customer.category", required=True)
    dimension_id = fields.Many2one(
        "customer.dimension", compute="_compute_dimension_id"
    )
    is_mixed = fields.Boolean(compute="_compute_dimension_id")
    computed_count = fields.Integer(
        "By Computation",
        compute="_compute_counts",
        help="Customers of all companies to whom a rule, score or field gave one of "
        "these categories.",
    )
    hand_count = fields.Integer(
        "By Hand",
        compute="_compute_counts",
        help="Customers of all companies to whom a person gave one of these "
        "categories.",
    )
    rule_count = fields.Integer("Rules", compute="_compute_counts")

    @api.depends("category_ids")
    def _compute_dimension_id(self):
        for wizard in self:
            dimensions = wizard.category_ids.dimension_id
            wizard.dimension_id = dimensions[:1]
            wizard.is_mixed = len(dimensions) > 1

    @api.depends("category_ids")
    def _compute_counts(self):
        for wizard in self:
            categories = wizard._get_giving_way()
            wizard.computed_count = categories._count_holders(by_hand=False)
            wizard.hand_count = categories._count_holders(by_hand=True)
            # sudo: rules of other companies are concerned, too
            wizard.rule_count = (
                self.env["customer.dimension.rule"]
                .sudo()
                .search_count([("category_id", "in", categories.ids)])
            )

    def _get_giving_way(self):
        """Return the categories that give way."""
        self.ensure_one()
        return self.category_ids._origin
