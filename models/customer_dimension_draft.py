from odoo import fields, models
from odoo.tools import format_date


class CustomerDimension(models.Model):
    """The way from a dimension to its drafts."""

    _inherit = "customer.dimension"

    draft_ids = fields.One2many("customer.draft", "dimension_id", string="Drafts")
    draft_count = fields.Integer(
        "Number of Drafts", compute="_compute_draft_count", compute_sudo=False
    )

    def _compute_draft_count(self):
        Draft = self.env["customer.draft"]
        counts = {}
        if Draft.has_access("read"):
            counts = dict(
                Draft._read_group(
                    [("dimension_id", "in", self.ids)], ["dimension_id"], ["__count"]
                )
            )
        for dimension in self:
            dimension.draft_count = counts.get(dimension._origin, 0)

    def action_try_changes(self):
        """Open a new draft of the dimension, which has today's settings."""
        self.ensure_one()
        today = self.env.company.root_id._get_customer_today()
        draft = self.env["customer.draft"].create(
            {
                "name": self.env._(
                    "%(dimension)s, %(date)s",
                    dimension=self.name,
                    date=format_date(self.env, today),
                ),
                "dimension_id": self.id,
            }
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": draft._name,
            "res_id": draft.id,
            "views": [[False, "form"]],
        }

    def action_open_drafts(self):
        """Open the drafts of the dimension."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_draft_action"
        )
        return {
            **action,
            "domain": [("dimension_id", "=", self.id)],
            "context": {"default_dimension_id": self.id},
        }
