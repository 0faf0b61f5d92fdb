from odoo import api, fields, models


class CustomerRulesetPart(models.AbstractModel):
    """A row of a version: it changes only while the version is a draft."""

    _name = "customer.ruleset.part"
    _description = "Part of a Classification Rules Version"

    ruleset_id = fields.Many2one(
        "customer.ruleset", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="ruleset_id.company_id")

    @api.model_create_multi
    def create(self, vals_list):
        parts = super().create(vals_list)
        parts.ruleset_id._check_draft()
        return parts

    def write(self, vals):
        self.ruleset_id._check_draft()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self):
        self.ruleset_id._check_draft()
