from odoo import fields, models


class CustomerCampaignExtra(models.Model):
    """A contact that the message would have reached though nobody approved that.

    These rows are why a campaign is held. They go when it goes on or back to draft.
    """

    _name = "customer.campaign.extra"
    _inherit = ["customer.rows.mixin"]
    _description = "Contact That a Campaign Did Not Approve"
    _order = "campaign_id desc, id"
    _rec_name = "partner_id"
    _log_access = False  # whoever enters a wrong condition gets all contacts

    partner_id = fields.Many2one(string="Contact", index=True)
    campaign_id = fields.Many2one(
        "customer.campaign",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    address = fields.Char(readonly=True)
    reason = fields.Selection(
        [
            ("stranger", "Not in the campaign"),
            ("other", "Another contact of a customer"),
            ("holdout", "Held out"),
            ("control", "Control group"),
            ("excluded", "Not reachable at approval"),
        ],
        string="Why Extra",
        required=True,
        readonly=True,
    )
