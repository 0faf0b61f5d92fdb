import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .customer_campaign_member import REASONS

#: The reasons that are told of each channel; others are a campaign's
TOLD = ("no_address", "invalid", "blacklisted", "bounced", "duplicate")
COUNTS = [
    "customer_count",
    "contact_count",
    "mail_count",
    "sms_count",
    "contacted_count",
    *(
        f"{channel}_{reason}_count"
        for channel in ("mail", "sms")
        for reason in TOLD
        # nobody counts what bounces of text messages
        if (channel, reason) != ("sms", "bounced")
    ),
]


def _reason(channel, reason):
    """Return the field with the number of customers blocked for a reason."""
    title = {"mail": "Email", "sms": "SMS"}[channel]
    return fields.Integer(
        f"{title}: {dict(REASONS)[reason]}", compute="_compute_counts"
    )


class CustomerAudience(models.Model):
    """How many an audience reaches, counted while its conditions are being entered.

    Each number is that of the rows of :meth:`_get_customers_query` and
    :meth:`_get_recipients_query`; how they are counted is in
    :meth:`_count_all`.
    """

    _inherit = "customer.audience"

    customer_count = fields.Integer("Customers", compute="_compute_counts")
    contact_count = fields.Integer(
        "Contacts",
        compute="_compute_counts",
        help="Of these customers, themselves included, who meet the conditions on the "
        "person.",
    )
    mail_count = fields.Integer(
        "Reachable by Email",
        compute="_compute_counts",
        help="Customers who are written to. Each address counts once.",
    )
    sms_count = fields.Integer(
        "Reachable by SMS",
        compute="_compute_counts",
        help="Customers who are written to. Each number counts once.",
    )
    contacted_days = fields.Integer(
        "Days of Contact",
        default=30,
        help="So far back, today included, it is counted who got a mailing.",
    )
    contacted_count = fields.Integer(
        "Written To Lately",
        compute="_compute_counts",
        help="Customers of whom any contact or address got a mailing in these days.",
    )
    mail_no_address_count = _reason("mail", "no_address")
    mail_invalid_count = _reason("mail", "invalid")
    mail_blacklisted_count = _reason("mail", "blacklisted")
    mail_bounced_count = _reason("mail", "bounced")
    mail_duplicate_count = _reason("mail", "duplicate")
    sms_no_address_count = _reason("sms", "no_address")
    sms_invalid_count = _reason("sms", "invalid")
    sms_blacklisted_count = _reason("sms", "blacklisted")
    sms_duplicate_count = _reason("sms", "duplicate")
    counts_error = fields.Char(
        compute="_compute_counts", help="Why nobody can be counted."
    )

    _contacted_days_valid = models.Constraint(
        "CHECK (contacted_days >= 0)", "Enter a number of days of zero or more."
    )

    @api.depends(
        "company_id",
        "all_category_ids",
        "any_category_ids",
        "none_category_ids",
        "domain",
        "change_ids.direction",
        "change_ids.category_id",
        "change_ids.days",
        "include_ids",
        "exclude_ids",
        "recipient",
        "recipient_type",
        "contact_domain",
        "contacted_days",
    )
    @api.depends_context("uid")
    def _compute_counts(self):
        # before the savepoints, which leave the cache alone: it has what is being
        # entered
        self.env.flush_all()
        for audience in self:
            counts, error = {}, False
            try:
                # a condition may be wrong; the database notices last
                with self.env.cr.savepoint(flush=False):
                    counts = audience._count_all()
            except (AccessError, UserError) as refused:
                error = str(refused)
            except psycopg2.OperationalError:
                raise
            except Exception as wrong:
                error = self.env._("A condition cannot be evaluated: %s", wrong)
            for name in COUNTS:
                audience[name] = counts.get(name, 0)
            audience.counts_error = error
