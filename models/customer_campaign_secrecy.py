import functools

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.orm.models import NO_ACCESS


class CustomerCampaign(models.Model):
    """A campaign is there only for those who may see all that chose its customers.

    Whoever sees who was written to learns what the audience asks about. That is noted
    at approval: the audience may ask about something else later.
    """

    _name = "customer.campaign"
    _inherit = ["customer.campaign", "customer.hidden.mixin"]

    asked = fields.Json(
        readonly=True,
        copy=False,
        groups=NO_ACCESS,
        help="The dimensions and fields that chose the customers, as approved.",
    )

    @api.model
    def _get_visible_domain(self):
        # sudo: all of them, to be looked at with the user's rights
        every = self.sudo().with_context(active_test=False)
        every = every.search([("audience_id", "!=", False)])
        hidden = every.sudo(False)._get_hidden()
        return super()._get_visible_domain() & Domain("id", "not in", hidden.ids)

    def _get_hidden_error(self, operation="read"):
        return AccessError(
            self.env._(
                "The customers of “%(campaign)s” were chosen by something that you may "
                "not see. Ask its responsible or a manager of the customer "
                "classification.",
                # sudo: the name is no secret, and says what this is about
                campaign=self.sudo()[0].name or self.env._("This campaign"),
            )
        )

    def _get_hidden(self):
        """Return the campaigns that tell something hidden from the user."""
        if self.env.su:
            return self.browse()
        Audience = self.env["customer.audience"]
        is_hidden = functools.cache(
            lambda audience: audience._has_hidden_conditions() if audience else False
        )

        def tells(campaign):
            # sudo: what the user may not see is what is looked for
            campaign = campaign.sudo()
            audience = campaign.audience_id._origin.sudo(False)
            return is_hidden(audience) or (
                campaign.asked and Audience._is_hidden(campaign.asked)
            )

        return self.filtered(tells)


class CustomerCampaignMember(models.Model):
    """The customers of a campaign are there only for those who see the campaign."""

    _inherit = "customer.campaign.member"

    @api.model
    def _get_visible_domain(self):
        campaigns = self.env["customer.campaign"]._search([], active_test=False)
        return super()._get_visible_domain() & Domain("campaign_id", "in", campaigns)

    def _get_hidden(self):
        hidden = super()._get_hidden()
        # sudo: only to learn which campaigns the rows are of
        campaigns = self.sudo().campaign_id.sudo(False)
        unseen = campaigns - campaigns._filtered_access("read")
        return hidden | self.sudo().filtered(
            lambda member: member.campaign_id in unseen
        ).sudo(False)
