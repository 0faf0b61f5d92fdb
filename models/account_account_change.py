from odoo import models


class AccountAccount(models.Model):
    """Which accounts are receivable decides whose entries count."""

    _inherit = "account.account"

    def write(self, vals):
        former = self.mapped("account_type") if "account_type" in vals else []
        result = super().write(vals)
        if "account_type" in vals:
            types = {*former, vals["account_type"]}
            if "asset_receivable" in types and len(types) > 1:
                self.env["customer.change"]._mark_everything()
        return result
