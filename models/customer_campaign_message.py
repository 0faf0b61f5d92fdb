from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import is_html_empty

#: What a copy of a campaign takes over of its message
MESSAGE_FIELDS = (
    "subject",
    "preview",
    "body_arch",
    "body_html",
    "body_plaintext",
    "email_from",
    "reply_to",
    "mail_server_id",
    "attachment_ids",
    "sms_allow_unsubscribe",
    "keep_archives",
)


class CustomerCampaign(models.Model):
    """The message of a campaign: one of Odoo's mailings, a draft from the beginning."""

    _inherit = "customer.campaign"

    mailing_state = fields.Selection(
        related="mailing_id.state", string="Message", tracking=False
    )
    subject = fields.Char(related="mailing_id.subject", string="Subject of the Message")

    def action_edit_message(self):
        """Open the message in Odoo's own editor."""
        self.ensure_one()
        self._check_marketer()
        if not self.mailing_id and self.state == "draft":
            self._make_mailings()
        view = (
            "mass_mailing_sms.mailing_mailing_view_form_sms"
            if self.channel == "sms"
            else "mass_mailing.view_mail_mass_mailing_form"
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Message"),
            "res_model": "mailing.mailing",
            "res_id": self.mailing_id.id,
            "views": [[self.env.ref(view).id, "form"]],
        }

    def action_test_message(self):
        """Send the message to oneself, with Odoo's own dialog."""
        self.ensure_one()
        self._check_marketer()
        self._check_message()
        return self.mailing_id.action_test()

    def _make_mailings(self):
        """Give each campaign without a message its draft."""
        for campaign in self.filtered(lambda c: not c.mailing_id):
            if campaign.channel == "mail":
                campaign._get_sender()
            mailing = self.env["mailing.mailing"].create(
                {
                    "mailing_type": campaign.channel,
                    "subject": campaign.name,
                    "user_id": campaign.user_id.id,
                    "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
                    # nobody, before approval says whom
                    "mailing_domain": repr([("id", "in", [])]),
                    "customer_campaign_id": campaign.id,
                }
            )
            # sudo: the addon links them
            campaign.sudo().mailing_id = mailing
            if campaign.template_id:
                campaign._write_message(campaign.template_id)

    def _get_sender(self):
        """Return the address that messages come from, as Odoo chooses it.

        :raise UserError: if there is none
        """
        sender = self.env["mailing.mailing"].new({"mailing_type": "mail"}).email_from
        if not sender:
            raise UserError(
                self.env._(
                    "There is no address that the message could come from. Enter an "
                    "email address in your preferences."
                )
            )
        return sender

    def _write_message(self, template, lang=None):
        """Begin the message with a template.

        :param str lang: the language of the text; by default the user's
        """
        self.ensure_one()
        self._check_is_draft()
        values = template._get_message(self.company_id, lang or self.env.lang)
        self.mailing_id.write(values)

    def _update_mailings(self, vals):
        """Let the unsent messages follow what changed of their campaigns."""
        for campaign in self:
            mailing = campaign.mailing_id
            if mailing.state != "draft":
                continue
            values = {}
            if "channel" in vals and mailing.mailing_type != campaign.channel:
                values["mailing_type"] = campaign.channel
                if campaign.channel == "mail" and not mailing.email_from:
                    values["email_from"] = campaign._get_sender()
            if "user_id" in vals:
                values["user_id"] = campaign.user_id.id
            if "name" in vals and is_html_empty(mailing.body_arch):
                values["subject"] = campaign.name
            if values:
                mailing.write(values)

    def _copy_message(self, campaign):
        """Begin the message with that of another campaign."""
        self.ensure_one()
        if campaign.mailing_id:
            source = campaign.mailing_id.copy_data()[0]
            self.mailing_id.write(
                {name: source[name] for name in MESSAGE_FIELDS if name in source}
            )
