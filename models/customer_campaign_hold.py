from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

ACTIVITY = "mail.mail_activity_data_warning"


class CustomerCampaign(models.Model):
    """A campaign is held when its message would have reached others than approved."""

    _inherit = "customer.campaign"

    extra_ids = fields.One2many(
        "customer.campaign.extra",
        "campaign_id",
        string="Extra Recipients",
        readonly=True,
        copy=False,
    )
    extra_count = fields.Integer(
        "Number of Extra Recipients",
        readonly=True,
        copy=False,
        help="So many contacts would have got the message without being approved.",
    )

    def write(self, vals):
        left = self.browse()
        if vals.get("state", "held") != "held":
            left = self.filtered(lambda campaign: campaign.state == "held")
        result = super().write(vals)
        # sudo: the difference is the addon's; the right to go on was checked
        left.sudo()._forget_hold()
        return result

    def action_open_extra(self):
        """Open the contacts that nobody approved."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_campaign_extra_action"
        )
        return {**action, "domain": [("campaign_id", "=", self.id)]}

    def action_restore_recipients(self):
        """Send to the approved customers only, whatever the message's filter says."""
        self.ensure_one()
        self._check_marketer()
        if self.state != "held":
            raise UserError(self.env._("This campaign is not held."))
        # sudo: the addon writes the state; the right to go on was checked
        self.sudo().write({"state": self._get_state_before(), "error": False})
        return self.mailing_id.action_put_in_queue()

    def action_queue(self):
        """Put the message of an approved campaign into the queue again."""
        self.ensure_one()
        self._check_marketer()
        return self.mailing_id.action_put_in_queue()

    def _get_state_before(self):
        return "running" if self.sent_on else "approved"

    def _hold_for_extra(self, contacts, count):
        """Keep whom the message would have reached without approval, and say so.

        :param set contacts: ids of the contacts who are extra
        :param int count: how many recipients there would have been
        """
        self.ensure_one()
        self._forget_hold()
        self._keep_extra(contacts)
        approved = len(self._get_approved_contacts(with_dropped=True))
        if contacts:
            error = self.env._(
                "Nothing was sent: the message would have reached %(count)s contacts, "
                "%(extra)s of them without approval. %(approved)s are approved.",
                count=count,
                extra=len(contacts),
                approved=approved,
            )
        else:
            error = self.env._(
                "Nothing was sent: the message would have reached %(count)s records "
                "that are no contacts. %(approved)s contacts are approved.",
                count=count,
                approved=approved,
            )
        self._hold(error, extra_count=len(contacts) or count)

    def _hold_for_error(self, error):
        """Say that the message could not be sent, and why."""
        self.ensure_one()
        self._hold(
            self.env._("The message could not be sent: %(error)s", error=error),
        )

    def _hold(self, error, extra_count=0):
        """Stop the campaign until its responsible decides."""
        self.write({"state": "held", "error": error, "extra_count": extra_count})
        told = self.with_context(lang=self.user_id.lang)
        told.message_post(body=error)
        told.activity_schedule(
            ACTIVITY,
            summary=told.env._("A campaign is held"),
            note=error,
            user_id=self.user_id.id,
        )

    def _keep_extra(self, contacts):
        """Write a row for each contact, with what it is to the campaign."""
        Extra = self.env["customer.campaign.extra"]
        self.env["customer.campaign.member"].flush_model()
        self.env["res.partner"].flush_model()
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_campaign_extra (
                    campaign_id, company_id, partner_id, address, reason
                )
                SELECT %(campaign)s,
                       %(company)s,
                       contact.id,
                       %(address)s,
                       CASE WHEN member.role IS NULL THEN 'stranger'
                            WHEN member.role = 'target' THEN 'other'
                            ELSE member.role
                       END
                  FROM res_partner AS contact
             LEFT JOIN customer_campaign_member AS member
                    ON member.partner_id = contact.commercial_partner_id
                   AND member.campaign_id = %(campaign)s
                 WHERE contact.id = ANY(%(contacts)s)
                 ORDER BY contact.id
                """,
                campaign=self.id,
                company=self.company_id.id,
                contacts=list(contacts),
                address=SQL("contact.phone_sanitized")
                if self.channel == "sms"
                else SQL("contact.email_normalized"),
            )
        )
        Extra.invalidate_model()
        self.invalidate_recordset(["extra_ids"])

    def _forget_hold(self):
        """Remove the difference, and the activities about it."""
        for campaign in self:
            campaign.extra_ids.unlink()
            campaign.extra_count = 0
            campaign.activity_unlink([ACTIVITY])
