from odoo import api, models
from odoo.fields import Domain


class CustomerCampaignRowsMixin(models.AbstractModel):
    """Rows about a campaign, visible only to those who may see that campaign.

    Sums are about all its customers, whether or not the user sees each of them; rows
    about single customers inherit ``customer.rows.mixin``, too.
    """

    _name = "customer.campaign.rows.mixin"
    _inherit = ["customer.hidden.mixin"]
    _description = "Rows Visible With Their Campaign"

    #: The fields that name the campaigns a row is about
    _campaign_fields = ("campaign_id",)

    @api.model
    def _get_visible_domain(self):
        campaigns = self.env["customer.campaign"]._search(
            Domain.TRUE, active_test=False
        )
        return super()._get_visible_domain() & Domain.AND(
            Domain(name, "in", campaigns) for name in self._campaign_fields
        )

    def _get_hidden(self):
        # sudo: only to learn which campaigns the rows are about
        named = self.sudo()
        campaigns = self.env["customer.campaign"].union(
            *(named[name].sudo(False) for name in self._campaign_fields)
        )
        hidden = campaigns - campaigns._filtered_access("read")
        return super()._get_hidden() | named.filtered(
            lambda row: any(row[name] in hidden for name in self._campaign_fields)
        ).sudo(False)
