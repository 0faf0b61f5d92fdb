from odoo import api, fields, models


class CustomerMailingConfirmation(models.TransientModel):
    """The second question, before a message reaches a large share of all contacts."""

    _name = "customer.mailing.confirmation"
    _description = "Confirmation of a Large Mailing"

    mailing_id = fields.Many2one(
        "mailing.mailing", required=True, readonly=True, ondelete="cascade"
    )
    # stored: what was shown is what is confirmed
    count = fields.Integer("Recipients", compute="_compute_share", store=True)
    total = fields.Integer(
        "Contacts With an Address", compute="_compute_share", store=True
    )
    share = fields.Float(
        "Share (%)", digits=(5, 1), compute="_compute_share", store=True
    )
    limit = fields.Float(
        "Ask Above (%)", digits=(5, 1), compute="_compute_share", store=True
    )

    @api.depends("mailing_id")
    def _compute_share(self):
        for wizard in self:
            mailing = wizard.mailing_id
            wizard.count, wizard.total = mailing._get_share()
            wizard.share = 100 * wizard.count / wizard.total if wizard.total else 0
            wizard.limit = mailing._get_share_company().customer_mailing_share_limit

    def action_confirm(self):
        """Put the message into the queue, for as many as were shown."""
        self.ensure_one()
        self.mailing_id.check_access("write")
        self.mailing_id._confirm_share(self.count)
        self.mailing_id.action_put_in_queue()
        return {"type": "ir.actions.act_window_close"}
