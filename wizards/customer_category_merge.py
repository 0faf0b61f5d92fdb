from odoo import api, fields, models


class CustomerCategoryMerge(models.TransientModel):
    """Asks into which category others shall be merged, and says what that moves."""

    _name = "customer.category.merge"
    _inherit = ["customer.category.giving.way"]
    _description = "Merge Categories"

    category_ids = fields.Many2many(string="Merge", context={"active_test": False})
    target_id = fields.Many2one(
        "customer.category",
        string="Into",
        required=True,
        domain="[('dimension_id', '=', dimension_id)]",
        help="Keeps its name, and gets the customers, rules and limits of the others.",
    )

    @api.depends("target_id")
    def _compute_counts(self):
        return super()._compute_counts()

    def _get_giving_way(self):
        """Return the categories that give way: the chosen target may be among them."""
        self.ensure_one()
        return self.category_ids._origin - self.target_id._origin

    def action_merge(self):
        self.ensure_one()
        sources = self._get_giving_way()
        if sources:
            sources._merge_into(self.target_id)
        return {"type": "ir.actions.client", "tag": "soft_reload"}
