from odoo import models

from .customer_rights import USER_GROUP


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    def session_info(self):
        """Tell the browser who sees categories, so that it need not ask."""
        result = super().session_info()
        result["groups"][USER_GROUP] = self.env.user.has_group(USER_GROUP)
        return result
