from odoo import fields, models


class CustomerHoldRejection(models.TransientModel):
    """Asks why something held shall not happen."""

    _name = "customer.hold.rejection"
    _description = "Rejection of a Held Change"

    hold_id = fields.Many2one("customer.hold", required=True, ondelete="cascade")
    kind = fields.Selection(related="hold_id.kind")
    reason = fields.Char(
        required=True, help="Your colleagues and your later self will ask."
    )

    def action_reject(self):
        """Reject for this reason."""
        self.ensure_one()
        return self.hold_id.action_reject(self.reason)
