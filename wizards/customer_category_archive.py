from odoo import fields, models
from odoo.exceptions import ValidationError


class CustomerCategoryArchive(models.TransientModel):
    """Asks where the customers of a category go before it is archived."""

    _name = "customer.category.archive"
    _inherit = ["customer.category.giving.way"]
    _description = "Archive Categories"

    category_ids = fields.Many2many(string="Archive", readonly=True)
    decision = fields.Selection(
        [
            ("merge", "Move them to another category"),
            ("withdraw", "Let the next computation decide, about all of them"),
            ("keep", "Keep what people decided, compute the others anew"),
        ],
        string="Their Customers",
        required=True,
        default="keep",
    )
    target_id = fields.Many2one(
        "customer.category",
        string="Move to",
        domain="[('dimension_id', '=', dimension_id), ('id', 'not in', category_ids)]",
    )

    def action_archive_categories(self):
        self.ensure_one()
        if self.decision == "merge":
            if not self.target_id:
                raise ValidationError(
                    self.env._("Choose the category to which the customers move.")
                )
            self.category_ids._merge_into(self.target_id)
        else:
            if self.decision == "withdraw":
                self._withdraw_decisions()
            self.category_ids.with_context(customer_category_is_decided=True).write(
                {"active": False}
            )
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _withdraw_decisions(self):
        """Withdraw what people decided in favour of the categories."""
        # sudo: other companies' decisions, and those about customers of others, too
        decisions = self.env["customer.override"].sudo()
        decisions.search(
            [
                ("category_id", "in", self.category_ids.ids),
                ("operation", "in", ["set", "add"]),
            ]
        ).unlink()
