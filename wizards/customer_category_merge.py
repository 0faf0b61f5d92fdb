from odoo import api, fields, models


class CustomerCategoryMerge(models.TransientModel):
    """Asks into which category others shall be merged, and says what that moves."""

    _name = "customer.category.merge"
    _description = "Merge Categories"

    category_ids = fields.Many2many(
        "customer.category",
        string="Merge",
        required=True,
        context={"active_test": False},
    )
    dimension_id = fields.Many2one(
        "customer.dimension", compute="_compute_dimension_id"
    )
    is_mixed = fields.Boolean(compute="_compute_dimension_id")
    target_id = fields.Many2one(
        "customer.category",
        string="Into",
        required=True,
        domain="[('dimension_id', '=', dimension_id)]",
        help="Keeps its name, and gets the customers, rules and limits of the others.",
    )
    computed_count = fields.Integer(
        "By Computation",
        compute="_compute_counts",
        help="Customers of all companies to whom a rule, score or field gave one of "
        "the merged categories.",
    )
    hand_count = fields.Integer(
        "By Hand",
        compute="_compute_counts",
        help="Customers of all companies to whom a person gave one of the merged "
        "categories.",
    )
    rule_count = fields.Integer("Rules", compute="_compute_counts")

    @api.depends("category_ids")
    def _compute_dimension_id(self):
        for wizard in self:
            dimensions = wizard.category_ids.dimension_id
            wizard.dimension_id = dimensions[:1]
            wizard.is_mixed = len(dimensions) > 1

    @api.depends("category_ids", "target_id")
    def _compute_counts(self):
        for wizard in self:
            sources = wizard._get_sources()
            wizard.computed_count = sources._count_holders(by_hand=False)
            wizard.hand_count = sources._count_holders(by_hand=True)
            # sudo: rules of other companies move, too
            wizard.rule_count = (
                self.env["customer.dimension.rule"]
                .sudo()
                .search_count([("category_id", "in", sources.ids)])
            )

    def _get_sources(self):
        """Return the categories that give way: the chosen target may be among them."""
        self.ensure_one()
        return self.category_ids._origin - self.target_id._origin

    def action_merge(self):
        self.ensure_one()
        sources = self._get_sources()
        if sources:
            sources._merge_into(self.target_id)
        return {"type": "ir.actions.client", "tag": "soft_reload"}
