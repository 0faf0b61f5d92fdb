import re

from markupsafe import Markup, escape

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import is_html_empty
from odoo.tools.rendering_tools import INLINE_TEMPLATE_REGEX

#: Where a message names who is written to
PLACEHOLDER = re.compile(r"<t\s[^>]*?t-out=[^>]*?(?:/>|>.*?</t>)", re.DOTALL)


class CustomerCampaignTemplate(models.Model):
    """A message to begin a campaign with.

    It is copied into the campaign's message and edited there; it says for which
    strategy and for customers of which categories it is meant.
    """

    _name = "customer.campaign.template"
    _description = "Campaign Template"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    strategy = fields.Selection(
        lambda self: self.env["customer.campaign"]._get_strategies(),
        required=True,
        default="maintain",
    )
    channel = fields.Selection(
        [("mail", "Email"), ("sms", "SMS")], required=True, default="mail"
    )
    category_ids = fields.Many2many(
        "customer.category",
        string="Meant For",
        help="Customers of these categories; empty: for all.",
    )
    # of whom the placeholders are
    model_name = fields.Char(compute="_compute_model_name")
    subject = fields.Char(translate=True)
    body = fields.Html(
        translate=True,
        sanitize="email_outgoing",
        help="The customer's name comes with the placeholder of its field.",
    )
    text = fields.Text(
        "SMS",
        translate=True,
        help="“{{ object.name }}” becomes the name of who is written to.",
    )

    def _compute_model_name(self):
        self.model_name = "res.partner"

    @api.constrains("channel", "subject", "body", "text")
    def _check_content(self):
        for template in self:
            is_empty = (
                not (template.text or "").strip()
                if template.channel == "sms"
                else not template.subject or is_html_empty(template.body)
            )
            if is_empty:
                raise ValidationError(
                    self.env._(
                        "“%(name)s” has no message yet: an e-mail needs a subject and "
                        "a text, an SMS its text.",
                        name=template.name,
                    )
                )

    def _get_message(self, company, lang):
        """Return what a mailing made from the template holds, in a language.

        :param company: who writes
        """
        self.ensure_one()
        template = self.with_context(lang=lang)
        if self.channel == "sms":
            return {
                "subject": template.name,
                "body_plaintext": template.text,
                "sms_allow_unsubscribe": True,
            }
        body = Markup(
            self.env["ir.qweb"]
            .with_context(lang=lang)
            ._render(
                "customer_classification.campaign_message",
                {"body": template.body, "company": company.sudo()},
            )
        )
        return {"subject": template.subject, "body_arch": body, "body_html": body}

    def _render_preview(self, company, lang):
        """Return what a message made from the template looks like."""
        self.ensure_one()
        message = self._get_message(company, lang)
        name = self.with_context(lang=lang).env._("[name]")
        body = message.get("body_html")
        return self.env["ir.qweb"]._render(
            "customer_classification.campaign_message_preview",
            {
                "channel": self.channel,
                "subject": message["subject"],
                "body": Markup(PLACEHOLDER.sub(escape(name), body)) if body else False,
                "text": INLINE_TEMPLATE_REGEX.sub(
                    name, message.get("body_plaintext") or ""
                ),
            },
        )

    @api.model
    def _find(self, strategy, channel, categories):
        """Return the template to propose: one for these categories, or for everybody.

        :param str strategy: or None for any
        """
        domain = Domain("channel", "=", channel)
        if strategy:
            domain &= Domain("strategy", "=", strategy)
        found = self.search(domain)
        fitting = found.filtered(lambda template: template.category_ids & categories)
        if fitting or not strategy:
            return fitting[:1]
        return (found.filtered(lambda template: not template.category_ids) or found)[:1]

    @api.model
    def _link_shipped(self, *names):
        """Return the commands that link shipped categories, as far as they exist.

        :param names: their external ids in this addon
        """
        found = (
            self.env.ref(f"customer_classification.{name}", raise_if_not_found=False)
            for name in names
        )
        return [fields.Command.set([category.id for category in found if category])]
