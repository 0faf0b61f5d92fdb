from odoo import fields, models


class MailingMailing(models.Model):
    """A mailing of a campaign goes to whom the campaign approved."""

    _inherit = "mailing.mailing"

    customer_campaign_id = fields.Many2one(
        "customer.campaign",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
