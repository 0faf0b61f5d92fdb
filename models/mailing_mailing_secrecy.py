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

    _name = "mailing.mailing"
    _inherit = ["mailing.mailing", "customer.hidden.mixin"]

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
        """Return those to audiences hidden from the user, and these audiences."""
        # sudo: whom a mailing is to, and which audiences there are
        texts = {mailing: mailing.sudo().mailing_domain or "" for mailing in self}
        if not any(name in text for text in texts.values() for name in AUDIENCE_FIELDS):
            return self.browse(), self.env["customer.audience"]
        every = self.env["customer.audience"].sudo().with_context(active_test=False)
        hidden = every.search([]).sudo(False)._get_hidden()
        named = {
            mailing: hidden.filtered(
                lambda audience, text=text: names_category(
                    text, AUDIENCE_FIELDS, audience
                )
            )
            for mailing, text in texts.items()
        }
        return self.filtered(named.get), every.browse().sudo(False).union(
            *named.values()
        )

    @api.model
    def _get_visible_domain(self):
        secret = self._get_secret()
        return super()._get_visible_domain() & Domain("id", "not in", secret.ids)

    def _get_hidden(self):
        campaigns = self._get_bound().customer_campaign_id.sudo(False)
        hidden = campaigns._get_hidden()
        naming, _audiences = self._filter_naming_hidden()
        return naming | self.filtered(
            # sudo: only to learn of which campaign it is
            lambda mailing: mailing.sudo().customer_campaign_id in hidden
        )

    def _get_hidden_error(self, operation="read"):
        # sudo: whom the first one is about; its name is no secret
        about = self._get_bound().customer_campaign_id.sudo(False)
        if not about:
            _naming, about = self[:1]._filter_naming_hidden()
        return about._get_hidden_error(operation)


class MailingTrace(models.Model):
    """Whom a message went to is there only for those who may see the message."""

    _name = "mailing.trace"
    _inherit = ["mailing.trace", "customer.hidden.mixin"]

    @api.model
    def _get_visible_domain(self):
        secret = self.env["mailing.mailing"]._get_secret()
        visible = super()._get_visible_domain()
        if secret:
            visible &= Domain("mass_mailing_id", "not in", secret.ids)
        return visible

    def _get_hidden(self):
        # sudo: only to learn of which mailing they are
        mailings = self.sudo().mass_mailing_id.sudo(False)
        unseen = mailings - mailings._filtered_access("read")
        return self.filtered(lambda trace: trace.sudo().mass_mailing_id in unseen)

    def _get_hidden_error(self, operation="read"):
        return AccessError(self.env._("You may not see whom this message went to."))
