import json
import re

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .customer_rights import MARKETING_GROUP

#: States of a campaign in which its message is what was approved
APPROVED_STATES = ("approved", "held", "running")
#: What is approved with a campaign: the message, its sender and its recipients
APPROVED_FIELDS = frozenset(
    {
        "ab_testing_enabled",
        "ab_testing_pc",
        "attachment_ids",
        "body_arch",
        "body_html",
        "body_plaintext",
        "contact_list_ids",
        "customer_campaign_id",
        "email_from",
        "mailing_domain",
        "mailing_filter_id",
        "mailing_model_id",
        "mailing_type",
        "preview",
        "reply_to",
        "reply_to_mode",
        "sms_allow_unsubscribe",
        "sms_template_id",
        "subject",
        "use_exclusion_list",
    }
)
#: What :meth:`_list_approved` writes
ID_LIST = re.compile(r'\[\["id","in",\[[0-9,]*\]\]\]')
#: Written by the addon only
ADDON_FIELDS = frozenset(
    {
        "customer_campaign_id",
        "customer_confirmed_by_id",
        "customer_confirmed_on",
        "customer_confirmed_count",
    }
)


class MailingMailing(models.Model):
    """A mailing of a campaign is what was approved, until it is sent.

    Its domain lists the ids of the approved contacts. It needs no code of this addon
    and no company: the mailing queue reads it though the addon were missing.
    """

    _inherit = "mailing.mailing"

    customer_campaign_id = fields.Many2one(
        "customer.campaign",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups=MARKETING_GROUP,
    )
    is_of_customer_campaign = fields.Boolean(
        compute="_compute_is_of_customer_campaign",
        # whoever may send mailings need not see campaigns, but is bound by them
        compute_sudo=True,
    )

    @api.depends("customer_campaign_id")
    def _compute_is_of_customer_campaign(self):
        for mailing in self:
            mailing.is_of_customer_campaign = bool(mailing.customer_campaign_id)

    @api.model_create_multi
    def create(self, vals_list):
        mailings = super().create(vals_list)
        if not self.env.su and any(mailings.mapped("customer_confirmed_on")):
            self._refuse_entered()
        return mailings

    def write(self, vals):
        if not self.env.su and ADDON_FIELDS & vals.keys():
            self._refuse_entered()
        bound = self._get_bound()
        if bound:
            bound._check_as_approved(vals)
            if vals.get("state") == "in_queue":
                bound._check_approved()
                bound._list_approved()
        previous = {mailing: mailing.sent_date for mailing in bound}
        result = super().write(vals)
        if bound and vals.get("state") == "done":
            bound._note_sent(previous)
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_approved(self):
        for mailing in self._get_bound():
            campaign = mailing.customer_campaign_id
            if campaign.state not in ("draft", "cancelled"):
                raise UserError(
                    self.env._(
                        "This message belongs to the campaign “%(campaign)s”, whose "
                        "result is told by it. Archive it instead.",
                        campaign=campaign.name,
                    )
                )

    def action_open_customer_campaign(self):
        """Open the campaign of the mailing."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "customer.campaign",
            "res_id": self.customer_campaign_id.id,
            "views": [[False, "form"]],
        }

    def _refuse_entered(self):
        """Refuse what only the addon writes, or nobody could rely on it.

        :raise AccessError: always
        """
        raise AccessError(
            self.env._(
                "Which campaign a mailing is of, and who confirmed it, is not entered "
                "by hand."
            )
        )

    def _get_bound(self):
        """Return those of these mailings that are of a campaign, as superuser."""
        # sudo: whoever may send mailings need not see campaigns, but is bound by them
        return self.sudo().filtered("customer_campaign_id")

    def _write_approved(self, vals):
        """Write what belongs to the approval itself, which :meth:`write` refuses."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    def _parse_mailing_domain(self):
        """Read the list of approved ids fast: it is JSON as well as Python."""
        domain = self.mailing_domain or ""
        if self._get_bound() and ID_LIST.fullmatch(domain):
            return json.loads(domain)
        return super()._parse_mailing_domain()

    def _list_approved(self):
        """Let the domain list the approved contacts that can still be written to."""
        partners = self.env["ir.model"]._get_id("res.partner")
        for mailing in self:
            contacts = mailing.customer_campaign_id._get_approved_contacts()
            domain = json.dumps([["id", "in", sorted(contacts)]], separators=(",", ":"))
            values = {"mailing_model_id": partners}
            if mailing.contact_list_ids:
                values["contact_list_ids"] = [fields.Command.clear()]
            if mailing.mailing_filter_id:
                values["mailing_filter_id"] = False
            mailing._write_approved(values)
            # on its own: it would be computed from what was just written
            if mailing.mailing_domain != domain:
                mailing._write_approved({"mailing_domain": domain})

    def _check_as_approved(self, vals):
        """Refuse to change what was approved: the message and whom it goes to.

        Approval is not taken back silently: a mailing that is due would not be sent,
        and nobody would know why.

        :raise UserError: telling to set the campaign back to draft
        """
        names = APPROVED_FIELDS & vals.keys()
        for mailing in self if names else ():
            campaign = mailing.customer_campaign_id
            if campaign.state in APPROVED_STATES and any(
                mailing._is_changed(name, vals[name]) for name in names
            ):
                raise UserError(
                    self.env._(
                        "This message is that of the campaign “%(campaign)s”, and what "
                        "was approved is what is sent. To change it, set the campaign "
                        "back to draft and approve it again.",
                        campaign=campaign.name,
                    )
                )

    def _is_changed(self, name, value):
        """Return whether a field would have another value, as the field keeps it."""
        field = self._fields[name]
        kept = field.convert_to_record(field.convert_to_cache(value, self), self)
        return kept != self[name]

    def _check_approved(self):
        """Refuse to send the mailings of campaigns that are not approved.

        :raise UserError: telling what to do
        """
        for mailing in self:
            problem = mailing.customer_campaign_id._get_sending_problem(mailing)
            if problem:
                raise UserError(problem)
