from datetime import datetime, time, timedelta

import pytz

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Traces of messages that did not arrive
LOST = ("bounce", "error", "cancel")


class CustomerCampaign(models.Model):
    """Who becomes what in a campaign: written to, held out, left alone, or why not.

    Preview, approval and standing campaigns read the same rows. Whoever cannot be
    reached, or was written to lately, is excluded first; chance then decides among the
    others, so that those written to and those held out are alike.

    Chance is a number from 0 to less than 1 for each customer: the first 52 bits of
    the SHA-256 digest of "seed:id of the customer", as a fraction. Below the share, the
    customer is held out. It is the same on every machine at any time, and a larger
    share only adds customers.
    """

    _inherit = "customer.campaign"

    def _get_customers_query(self):
        """Return SQL that selects the ids of those whom the campaign is about today.

        As the user may see them.
        """
        self.ensure_one()
        if self.audience_id:
            return self.audience_id._get_customers_query()
        return self._get_chosen_customers_query()

    def _get_cohort_query(self, customers):
        """Return SQL with a row for each of the customers: what becomes of it.

        Its columns: ``partner_id``, ``contact_id``, ``address``, ``role`` and
        ``reason``, as ``customer.campaign.member`` has them.

        :param SQL customers: a query that selects ids of customers
        """
        self.ensure_one()
        company = self.company_id.sudo()  # sudo: chance is no secret of the settings
        return SQL(
            """
            WITH recipient AS MATERIALIZED (
                %(recipients)s
            ),
            capped AS MATERIALIZED (
                %(capped)s
            ),
            judged AS (
                SELECT partner_id, contact_id, address,
                       CASE WHEN blocked IS NOT NULL THEN blocked
                            WHEN %(taken)s THEN 'duplicate'
                            WHEN partner_id IN (SELECT partner_id FROM capped)
                            THEN 'capped' END AS reason,
                       %(is_control)s AS is_control,
                       %(is_holdout)s AS is_holdout
                  FROM recipient
            )
            SELECT partner_id, contact_id, address,
                   CASE WHEN reason IS NOT NULL THEN 'excluded'
                        WHEN is_control THEN 'control'
                        WHEN is_holdout THEN 'holdout'
                        ELSE 'target' END AS role,
                   reason
              FROM judged
            """,
            recipients=self._get_campaign_recipients_query(customers),
            capped=self._get_capped_query(
                SQL("SELECT partner_id, address FROM recipient WHERE blocked IS NULL")
            ),
            taken=self._get_taken_condition(),
            is_control=self._get_chance_condition(
                company.customer_control_seed, company.customer_control_share
            ),
            is_holdout=self._get_chance_condition(
                self.holdout_seed, self.holdout_share
            ),
        )

    def _get_campaign_recipients_query(self, customers):
        """Return SQL with a row for each customer: who is written to, or why nobody."""
        self.ensure_one()
        return self.env["customer.audience"]._get_recipients_query(
            customers, self.channel, self._get_recipient_policy()
        )

    def _get_recipient_policy(self):
        """Return who is written to for a customer, as the audience says.

        Of chosen contacts, the best person among those that were chosen, or any of a
        customer that was chosen itself.
        """
        company = {"company": self.company_id._origin}
        if self.audience_id:
            names = ("recipient", "recipient_type", "contact_domain")
            return company | {name: self.audience_id[name] for name in names}
        chosen = self._get_chosen().subselect("partner_id")
        contacts = Domain("id", "in", chosen) | Domain(
            "commercial_partner_id", "in", chosen
        )
        return company | {"recipient": "best", "contact_domain": contacts}

    def _get_taken_condition(self):
        """Return SQL for addresses to which the campaign has written already.

        A standing campaign may find the same address at a second customer later.
        """
        if not self._origin.id:
            return SQL("FALSE")
        return SQL(
            """address IN (
                SELECT address
                  FROM customer_campaign_member
                 WHERE campaign_id = %s AND role = 'target' AND address IS NOT NULL
            )""",
            self._origin.id,
        )

    def _get_chance_condition(self, seed, share):
        """Return SQL for whom chance takes.

        :param str seed: decides with the customer's id
        :param float share: how many of them, in percent
        """
        if not seed or not share:
            return SQL("FALSE")
        return SQL(
            """('x' || left(
                encode(sha256(convert_to(%s || ':' || partner_id, 'UTF8')), 'hex'), 13
            ))::bit(52)::bigint / 4503599627370496::double precision < %s""",
            seed,
            share / 100,
        )

    # The days between messages

    def _get_capped_query(self, rows, day=None):
        """Return SQL that selects ids of customers who were written to lately.

        A message counts that did not get lost, of any campaign and mailing, to any
        contact of the customer or to the address. One that was sent on a day stands in
        the way on this day and so many less one that follow it, where the company is.

        :param SQL rows: a query with the columns ``partner_id`` and ``address``
        :param date day: on which the campaign is sent; by default as planned
        """
        self.ensure_one()
        if self.gap_days <= 0:
            return SQL("SELECT NULL::integer AS partner_id WHERE FALSE")
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        return SQL(
            """
            WITH lately AS MATERIALIZED (%(lately)s)
            SELECT partner_id
              FROM (%(rows)s) AS asked
             WHERE partner_id IN (
                       SELECT contact.commercial_partner_id
                         FROM lately
                         JOIN res_partner AS contact
                           ON lately.model = 'res.partner'
                          AND contact.id = lately.res_id
                   )
                OR address IN (SELECT email FROM lately WHERE email IS NOT NULL)
                OR address IN (
                       SELECT sms_number FROM lately WHERE sms_number IS NOT NULL
                   )
            """,
            lately=self._get_lately_query(day or self._get_planned_day()),
            rows=rows,
        )

    def _get_lately_query(self, day):
        """Return SQL with what was sent in the days before ``day`` that count.

        Its columns: ``model``, ``res_id``, ``email`` and ``sms_number``.
        """
        self.env["mailing.trace"].flush_model()
        return SQL(
            """
            SELECT model, res_id, email, sms_number
              FROM mailing_trace
             WHERE sent_datetime >= %(since)s
               AND trace_status <> ALL(%(lost)s)
               AND is_test_trace IS NOT TRUE
               AND mass_mailing_id IS DISTINCT FROM %(own)s
            """,
            since=self._get_start_of_day(day - timedelta(days=self.gap_days - 1)),
            lost=list(LOST),
            own=self.mailing_id._origin.id or None,
        )

    def _get_planned_day(self):
        """Return the day on which the campaign is to be sent, where the company is."""
        self.ensure_one()
        today = self._get_today()
        if not self.schedule_date:
            return today
        planned = fields.Datetime.context_timestamp(
            self.company_id._in_customer_timezone(), self.schedule_date
        )
        return max(planned.date(), today)

    def _get_start_of_day(self, day):
        """Return the moment at which a day begins where the company is, in UTC."""
        zone = pytz.timezone(self.company_id._in_customer_timezone().env.context["tz"])
        begin = zone.localize(datetime.combine(day, time.min))
        return begin.astimezone(pytz.utc).replace(tzinfo=None)
