from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from .customer_usage import names_category
from .mailing_audience import AUDIENCE_FIELDS


class MailingMailing(models.Model):
    """A message to an audience is there only for those who may see whom it is about.

    That of a campaign lists whom it goes to; any other names the audience. Its traces
    say whom it went to: from that, everybody who may send mailings would learn what the
    audience asks about, such as who pays late.
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
        naming = mailings.search([("mailing_domain", "ilike", "audience_ids")])
        return (
            mailings.search([("customer_campaign_id", "in", hidden.ids)])
            | naming.sudo(False)._filter_naming_hidden()[0].sudo()
        )

    def _filter_naming_hidden(self):
        """Return those to an audience hidden from the user, and these audiences."""
        # sudo: whom a mailing is to, and which audiences there are
        texts = {mailing: mailing.sudo().mailing_domain or "" for mailing in self}
        if not any(name in text for text in texts.values() for name in AUDIENCE_FIELDS):
            return self.browse(), self.env["customer.audience"]
        every = self.env["customer.audience"].sudo().with_context(active_test=False)
        hidden = every.search([]).sudo(False)._get_hidden()
        naming = self.filtered(
            lambda mailing: any(
                names_category(texts[mailing], AUDIENCE_FIELDS, audience)
                for audience in hidden
            )
        )
        return naming, hidden

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
        secret, audiences = self._filter_naming_hidden()
        if not (hidden or secret):
            return result
        secret |= self.filtered(
            # sudo: only to learn of which campaign it is
            lambda mailing: mailing.sudo().customer_campaign_id in hidden
        )
        if result:
            # the rules forbid some mailings, whom they are about others
            return result[0] | secret, result[1]
        return secret, (hidden or audiences)._get_hidden_error


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
