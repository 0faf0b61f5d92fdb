from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Domain


class MailingMailing(models.Model):
    """The message of a campaign is there only for those who may see its customers.

    It lists whom it goes to, and its traces whom it went to: from that, everybody who
    may send mailings would learn what the audience asks about, such as who pays late.
    """

    _inherit = "mailing.mailing"

    @api.model
    def _get_secret(self):
        """Return the mailings that tell something hidden from the user, as superuser.

        They are sought among all: no record rule can say it.
        """
        # sudo: all of them, to be looked at with the user's rights
        every = self.env["customer.campaign"].sudo().with_context(active_test=False)
        every = every.search(
            [("audience_id", "!=", False), ("mailing_id", "!=", False)]
        )
        hidden = every.sudo(False)._get_hidden().sudo()
        mailings = self.sudo().with_context(active_test=False)
        return mailings.search([("customer_campaign_id", "in", hidden.ids)])

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
            domain = Domain(domain) & Domain("id", "not in", self._get_secret().ids)
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
        campaigns = self._get_bound().customer_campaign_id.sudo(False)
        hidden = campaigns._get_hidden()
        if not hidden:
            return result
        secret = self.filtered(
            # sudo: only to learn of which campaign it is
            lambda mailing: mailing.sudo().customer_campaign_id in hidden
        )
        if result:
            # the rules forbid some mailings, their campaigns others
            return result[0] | secret, result[1]
        return secret, hidden._get_hidden_error


class MailingTrace(models.Model):
    """Whom a message went to is there only for those who may see the message."""

    _inherit = "mailing.trace"

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
            secret = self.env["mailing.mailing"]._get_secret()
            if secret:
                domain = Domain(domain) & Domain(
                    "mass_mailing_id", "not in", secret.ids
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
        # sudo: only to learn of which mailing they are
        mailings = self.sudo().mass_mailing_id.sudo(False)
        unseen = mailings - mailings._filtered_access("read")
        if not unseen:
            return result
        secret = self.filtered(lambda trace: trace.sudo().mass_mailing_id in unseen)
        if result:
            return result[0] | secret, result[1]
        return secret, lambda: AccessError(
            self.env._("You may not see whom this message went to.")
        )
