import re

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .mailing_audience import AUDIENCE_FIELDS
from .mailing_mailing_send import QUEUE

NAMES_AUDIENCE = re.compile(rf"\b({'|'.join(sorted(AUDIENCE_FIELDS))})\b")
#: Who gets an ordinary mailing
RECIPIENT_FIELDS = {
    "contact_list_ids",
    "mailing_domain",
    "mailing_filter_id",
    "mailing_model_id",
}


class ResCompany(models.Model):
    _inherit = "res.company"

    customer_mailing_share_limit = fields.Float(
        "Ask Above (%)",
        default=50.0,
        help="A message of a campaign or to an audience that would reach more than "
        "this share of all contacts with an address needs a second confirmation. 0: "
        "never ask.",
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

    Mailings of campaigns and those to audiences are asked about. The confirmation is
    for the number of recipients that was shown and for what was approved until then:
    approving anew, or more recipients, needs another one.
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

    def write(self, vals):
        state = vals.get("state")
        is_queue = self.env.su or self.env.context.get(QUEUE)
        if state == "in_queue" or (state == "sending" and not is_queue):
            self._get_asked()._check_share()
        result = super().write(vals)
        if RECIPIENT_FIELDS & vals.keys():
            # what was confirmed was about others
            self._get_asked().filtered("customer_confirmed_on")._write_approved(
                {
                    "customer_confirmed_by_id": False,
                    "customer_confirmed_on": False,
                    "customer_confirmed_count": 0,
                }
            )
        return result

    def action_put_in_queue(self):
        """Ask first where a message would reach a large share of all contacts."""
        self._get_bound()._check_approved()
        for mailing in self._get_asked():
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
        # sudo: whoever may send the mailing may confirm it
        self.sudo()._write_approved(
            {
                "customer_confirmed_by_id": self.env.uid,
                "customer_confirmed_on": fields.Datetime.now(),
                "customer_confirmed_count": count,
            }
        )

    def _get_asked(self):
        """Return those that are of campaigns or to audiences, as superuser."""
        # sudo: whoever may send mailings need not see campaigns, but is bound by them
        return self.sudo().filtered(
            lambda mailing: (
                mailing.customer_campaign_id
                or NAMES_AUDIENCE.search(mailing.mailing_domain or "")
            )
        )

    def _get_share(self):
        """Return how many contacts get a message, of how many with an address."""
        campaign = self._get_bound().customer_campaign_id
        if campaign:
            count = len(campaign._get_approved_contacts(without_sent=True))
        else:
            # sudo: as the queue, which sends to all of them
            count = len(self.sudo()._get_remaining_recipients())
        return count, self._get_share_company()._count_addresses(self.mailing_type)

    def _get_share_company(self):
        """Return the company whose contacts the mailing goes to."""
        mailing = self.sudo()  # sudo: as for _get_asked
        company = mailing.user_id.company_id or self.env.company
        return mailing.customer_campaign_id.company_id or company.root_id

    def _get_unconfirmed_count(self):
        """Return how many recipients need a second confirmation; 0: none does."""
        limit = self._get_share_company().customer_mailing_share_limit
        if not limit:
            return 0
        count, total = self._get_share()
        if count * 100 <= limit * total:
            return 0
        approved_on = self._get_bound().customer_campaign_id.approved_on
        confirmed_on = self.customer_confirmed_on
        is_confirmed = (
            confirmed_on
            and not (approved_on and confirmed_on < approved_on)
            and count <= self.customer_confirmed_count
        )
        return 0 if is_confirmed else count

    def _get_share_problem(self):
        """Return that a second confirmation is missing, in words, or nothing."""
        count = self._get_unconfirmed_count()
        return count and self.env._(
            "Writing to %(count)s contacts needs a second confirmation, which “Send” "
            "asks for.",
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
