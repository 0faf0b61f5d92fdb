import functools

from odoo import api, models
from odoo.fields import Domain


class CustomerCampaignRowsMixin(models.AbstractModel):
    """Rows about a campaign, visible only to those who may see that campaign.

    Sums are about all its customers, whether or not the user sees each of them; rows
    about single customers inherit ``customer.rows.mixin``, too.
    """

    _name = "customer.campaign.rows.mixin"
    _description = "Rows Visible With Their Campaign"

    #: The fields that name the campaigns a row is about
    _campaign_fields = ("campaign_id",)

    @api.model
    def _search(
        self,
        domain,
        offset=0,
        limit=None,
        order=None,
        *,
        active_test=True,
        bypass_access=False,
        **kwargs,
    ):
        if not (self.env.su or bypass_access):
            campaigns = self.env["customer.campaign"]._search(
                Domain.TRUE, active_test=False
            )
            domain = Domain(domain) & Domain.AND(
                Domain(name, "in", campaigns) for name in self._campaign_fields
            )
        return super()._search(
            domain,
            offset,
            limit,
            order,
            active_test=active_test,
            bypass_access=bypass_access,
            **kwargs,
        )

    def _check_access(self, operation):
        result = super()._check_access(operation)
        if self.env.su or not any(self._ids) or (result and result[0] == self):
            return result
        # sudo: only to learn which campaigns the rows are about
        named = self.sudo()
        campaigns = self.env["customer.campaign"].union(
            *(named[name].sudo(False) for name in self._campaign_fields)
        )
        hidden = campaigns - campaigns._filtered_access("read")
        forbidden = named.filtered(
            lambda row: any(row[name] in hidden for name in self._campaign_fields)
        ).sudo(False)
        if not forbidden:
            return result
        if result:
            return result[0] | forbidden, result[1]
        return forbidden, functools.partial(
            self.env["ir.rule"]._make_access_error, operation, forbidden
        )
