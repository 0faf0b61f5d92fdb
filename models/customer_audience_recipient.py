from odoo import fields, models
from odoo.tools import SQL

from .customer_campaign_member import REASONS


class CustomerAudienceRecipient(models.Model):
    """Who would be written to today, for each customer of an audience.

    Nothing is stored: the rows are those of the audience's queries, for the audience
    and the channel that the context names, with the rights of whoever reads them. So
    they are searched, grouped and exported like any others.
    """

    _name = "customer.audience.recipient"
    _description = "Recipient of an Audience"
    _auto = False
    _log_access = False
    _order = "partner_id, id"
    _rec_name = "partner_id"

    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    contact_id = fields.Many2one("res.partner", string="Written To", readonly=True)
    address = fields.Char(readonly=True)
    blocked = fields.Selection(
        REASONS,
        string="Why Not",
        readonly=True,
        help="Why nobody can be written to for this customer.",
    )

    @property
    def _table_query(self):
        audience_id = self.env.context.get("customer_audience_id")
        audience = self.env["customer.audience"].browse(audience_id or []).exists()
        if not audience:
            return SQL(
                """
                SELECT NULL::integer AS id, NULL::integer AS partner_id,
                       NULL::integer AS contact_id, NULL::varchar AS address,
                       NULL::varchar AS blocked
                 WHERE FALSE
                """
            )
        audience.check_access("read")
        channel = self.env.context.get("customer_channel") or "mail"
        return SQL(
            "SELECT partner_id AS id, * FROM (%s) AS recipient",
            audience._get_recipients_query(
                audience._get_customers_query(), channel, audience._get_policy()
            ),
        )

    def action_open_contact(self):
        """Open who is written to, or the customer where nobody is."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": (self.contact_id or self.partner_id).id,
            "views": [[False, "form"]],
        }


class CustomerAudience(models.Model):
    _inherit = "customer.audience"

    def action_open_customers(self):
        """Open the customers of the audience."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.res_partner_action"
        )
        return {
            **action,
            "name": self.name,
            "display_name": self.name,
            "domain": [("customer_audience_ids", "in", self.ids)],
            "context": {"res_partner_search_mode": "customer"},
            "path": False,
        }

    def action_open_recipients(self):
        """Open who would be written to by e-mail, and why the others would not."""
        return self._open_recipients(self.env._("Recipients by Email"), "mail")

    def action_open_sms_recipients(self):
        """Open who would be written to by SMS, and why the others would not."""
        return self._open_recipients(self.env._("Recipients by SMS"), "sms")

    def _open_recipients(self, title, channel):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_audience_recipient_action"
        )
        return {
            **action,
            "name": title,
            "display_name": title,
            "context": {"customer_audience_id": self.id, "customer_channel": channel},
        }
