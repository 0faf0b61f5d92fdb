from odoo import models


class IrModuleModule(models.Model):
    _inherit = "ir.module.module"

    def write(self, vals):
        """Let metrics come and go with the apps whose records they count."""
        result = super().write(vals)
        if vals.get("state") == "installed":
            self.env["customer.metric"]._activate_ready_made()
        elif vals.get("state") == "uninstalled" and not any(
            module.name == "customer_classification" for module in self
        ):
            self.env["customer.metric"]._switch_off_missing()
        return result
