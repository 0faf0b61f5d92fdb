from odoo import fields, models
from odoo.fields import Domain

from .customer_rights import MARKETING_GROUP


class ResPartner(models.Model):
    """The campaigns that write to a contact, for the filter of their mailings."""

    _inherit = "res.partner"

    customer_campaign_ids = fields.Many2many(
        "customer.campaign",
        string="Written To by Campaigns",
        store=False,
        search="_search_customer_campaign_ids",
        groups=MARKETING_GROUP,
        help="Campaigns whose customers, as approved, are written to at this contact; "
        "those left out since are not among them.",
    )

    def _search_customer_campaign_ids(self, operator, value):
        """Find the contacts to whom campaigns write, whatever the audience is today."""
        if operator != "in":
            return NotImplemented
        campaigns = self.env["customer.campaign"]._search([("id", "in", list(value))])
        # sudo: which contacts of these campaigns the user sees, his search decides
        members = (
            self.env["customer.campaign.member"]
            .sudo()
            ._search(
                [
                    ("campaign_id", "in", campaigns),
                    ("role", "=", "target"),
                    ("dropped_reason", "=", False),
                    ("contact_id", "!=", False),
                ]
            )
        )
        return Domain("id", "in", members.subselect("contact_id"))
