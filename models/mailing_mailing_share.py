from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class ResCompany(models.Model):
    _inherit = "res.company"

    customer_mailing_share_limit = fields.Float(
        "Ask Above (%)",
        default=50.0,
        help="A message of a campaign that would reach more than this share of all "
        "contacts with an address needs a second confirmation. 0: never ask.",
    )

    _customer_mailing_share_limit_valid = models.Constraint(
        "CHECK (customer_mailing_share_limit BETWEEN 0 AND 100)",
        "The share above which to ask is a percentage from 0 to 100.",
    )

    def _count_addresses(self, channel):
        """Return how many contacts of the company, or of none, have an address.

        :param str channel: ``mail`` or ``sms``
        """
        self.ensure_one()
        column = {"mail": "email_normalized", "sms": "phone_sanitized"}[channel]
        self.env["res.partner"].flush_model(["active", "company_id", column])
        [[count]] = self.env.execute_query(
            SQL(
                """
                SELECT count(*)
                  FROM res_partner
                 WHERE active
                   AND %s != ''
                   AND (company_id IS NULL OR company_id = ANY(%s))
                """,
                SQL.identifier(column),
                self._get_customer_branches().ids,
            )
        )
        return count


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    customer_mailing_share_limit = fields.Float(
        related="company_id.root_id.customer_mailing_share_limit", readonly=False
    )


class CustomerCampaign(models.Model):
    _inherit = "customer.campaign"

    customer_confirmed_by_id = fields.Many2one(
        related="mailing_id.customer_confirmed_by_id",
        string="Large Mailing Confirmed By",
    )


class MailingMailing(models.Model):
    """A second confirmation where a message would reach a large share of all contacts.

    It is for the number of recipients that was shown and for what was approved until
    then: approving anew, or more recipients, needs another one.
    """

    _inherit = "mailing.mailing"

    customer_confirmed_by_id = fields.Many2one(
        "res.users",
        string="Confirmed By",
        readonly=True,
        copy=False,
        ondelete="set null",
        help="Who confirmed that so many contacts shall be written to.",
    )
    customer_confirmed_on = fields.Datetime("Confirmed On", readonly=True, copy=False)
    customer_confirmed_count = fields.Integer(
        "Confirmed Recipients", readonly=True, copy=False
    )

    def action_put_in_queue(self):
        """Ask first where a message would reach a large share of all contacts."""
        for mailing in self._get_bound():
            mailing._check_approved()
            if mailing._get_unconfirmed_count():
                return mailing.with_env(self.env)._open_confirmation()
        return super().action_put_in_queue()

    def _open_confirmation(self):
        wizard = self.env["customer.mailing.confirmation"].create(
            {"mailing_id": self.id}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Write to So Many?"),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "views": [[False, "form"]],
            "target": "new",
            "context": {"dialog_size": "medium"},
        }

    def _confirm_share(self, count):
        """Note that the user wants so many contacts written to."""
        self._get_bound()._write_approved(
            {
                "customer_confirmed_by_id": self.env.uid,
                "customer_confirmed_on": fields.Datetime.now(),
                "customer_confirmed_count": count,
            }
        )

    def _get_share(self):
        """Return how many contacts get a message, of how many with an address."""
        campaign = self._get_bound().customer_campaign_id
        count = len(campaign._get_approved_contacts(without_sent=True))
        return count, campaign.company_id._count_addresses(campaign.channel)

    def _get_unconfirmed_count(self):
        """Return how many recipients need a second confirmation; 0: none does."""
        campaign = self._get_bound().customer_campaign_id
        limit = campaign.company_id.customer_mailing_share_limit
        if not limit:
            return 0
        count, total = self._get_share()
        if count * 100 <= limit * total:
            return 0
        confirmed_on = self.customer_confirmed_on
        is_confirmed = (
            confirmed_on
            and confirmed_on >= (campaign.approved_on or confirmed_on)
            and count <= self.customer_confirmed_count
        )
        return 0 if is_confirmed else count

    def _get_share_problem(self):
        """Return that a second confirmation is missing, in words, or nothing."""
        count = self._get_unconfirmed_count()
        return count and self.env._(
            "Writing to %(count)s contacts needs a second confirmation: send the "
            "message from its campaign.",
            count=count,
        )

    def _check_share(self):
        """Refuse to write to so many contacts without a second confirmation.

        :raise UserError: telling where to confirm
        """
        for mailing in self:
            problem = mailing._get_share_problem()
            if problem:
                raise UserError(problem)
