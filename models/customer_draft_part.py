from odoo import api, fields, models


class CustomerDraftPart(models.AbstractModel):
    """A row of a draft: it changes only while the draft may."""

    _name = "customer.draft.part"
    _description = "Part of a Draft"

    draft_id = fields.Many2one(
        "customer.draft", required=True, index=True, ondelete="cascade"
    )

    @api.model_create_multi
    def create(self, vals_list):
        parts = super().create(vals_list)
        parts.draft_id._check_editable()
        return parts

    def write(self, vals):
        # a rule that comes of the draft is noted while that is applied
        if vals.keys() - {"origin_id"}:
            self.draft_id._check_editable()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_fixed(self):
        self.draft_id._check_editable()
