from odoo import fields, models
from odoo.tools import SQL

#: What Odoo calls it when it finds out itself, as late as it writes a message
CANCEL_REASONS = {
    "mail_bl": "blacklisted",
    "mail_optout": "blacklisted",
    "mail_email_invalid": "invalid",
    "mail_email_missing": "no_address",
    "mail_dup": "duplicate",
    "sms_blacklist": "blacklisted",
    "sms_optout": "blacklisted",
    "sms_number_format": "invalid",
    "sms_number_missing": "no_address",
    "sms_duplicate": "duplicate",
}


class CustomerCampaign(models.Model):
    """What becomes of the approved customers at sending, and of the campaign.

    Whoever was approved is written to or counted as dropped, with the reason. The
    numbers always add up: approved = sent + dropped.
    """

    _inherit = "customer.campaign"

    delivery_summary = fields.Char("Delivery", compute="_compute_delivery_summary")
    waiting_count = fields.Integer(
        compute="_compute_delivery_summary",
        help="Approved customers for whom no message was made yet.",
    )

    def _compute_delivery_summary(self):
        for campaign in self:
            counts = campaign._count_delivered() if campaign._origin.id else {}
            campaign.delivery_summary = bool(counts) and campaign._describe(counts)
            campaign.waiting_count = counts.get("waiting", 0)

    def _count_delivered(self):
        """Return the numbers of approved customers, by what became of them.

        It is the reason why they were dropped, ``sent``, or ``waiting``. How many they
        are is for everybody who sees the campaign; who, only those who may see them.
        """
        self.ensure_one()
        self.env["customer.campaign.member"].flush_model()
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT CASE WHEN dropped_reason IS NOT NULL THEN dropped_reason
                                WHEN %s THEN 'sent'
                                ELSE 'waiting'
                           END AS outcome,
                           count(*)
                      FROM customer_campaign_member AS member
                     WHERE campaign_id = %s AND role = 'target'
                     GROUP BY outcome
                    """,
                    self._is_sent_sql(),
                    self._origin.id,
                )
            )
        )

    def _describe(self, counts):
        """Return “Approved 120, sent 117: 2 opted out, 1 archived”."""
        approved, sent = sum(counts.values()), counts.get("sent", 0)
        if self.sent_on:
            text = self.env._(
                "Approved %(approved)s, sent %(sent)s", approved=approved, sent=sent
            )
        else:
            text = self.env._("Approved %(approved)s", approved=approved)
        Member = self.env["customer.campaign.member"]
        labels = Member._fields["dropped_reason"]._description_selection(self.env)
        others = [
            f"{counts[reason]} {label[:1].lower()}{label[1:]}"
            for reason, label in labels
            if counts.get(reason)
        ]
        if self.sent_on and counts.get("waiting"):
            others.append(self.env._("%(count)s waiting", count=counts["waiting"]))
        if others:
            others = self.env._(", ").join(others)
            text = self.env._("%(numbers)s: %(others)s", numbers=text, others=others)
        return text

    def _get_sending_problem(self, mailing):
        """Return why a mailing of this campaign must not be sent, or nothing."""
        self.ensure_one()
        if self.mailing_id != mailing:
            return self.env._(
                "This message was copied from the campaign “%(campaign)s” and is not "
                "what was approved. Create another campaign.",
                campaign=self.name,
            )
        if self.state == "held":
            return self.env._(
                "The campaign “%(campaign)s” is held. Open it to see why and to go on.",
                campaign=self.name,
            )
        if self.state not in ("approved", "running"):
            return self.env._(
                "The campaign “%(campaign)s” is not approved. Approve it there: that "
                "sends its message.",
                campaign=self.name,
            )
        return None

    def _get_approved_contacts(self, with_dropped=False, without_sent=False):
        """Return the ids of the contacts that were approved to be written to.

        :param bool with_dropped: and of those dropped since
        :param bool without_sent: but not of those whom a message was made for
        """
        self.ensure_one()
        conditions = [SQL("TRUE")]
        if not with_dropped:
            conditions.append(SQL("member.dropped_reason IS NULL"))
        if without_sent:
            conditions.append(SQL("NOT %s", self._is_sent_sql()))
        self.env["customer.campaign.member"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT member.contact_id
                  FROM customer_campaign_member AS member
                 WHERE member.campaign_id = %s
                   AND member.role = 'target'
                   AND member.contact_id IS NOT NULL
                   AND %s
                """,
                self.id,
                SQL(" AND ").join(conditions),
            )
        )
        return {contact for [contact] in rows}

    def _is_sent_sql(self):
        """Return a condition on ``member``: whether Odoo made a message for it."""
        self.env["mailing.trace"].flush_model()
        return SQL(
            """EXISTS (
                   SELECT
                     FROM mailing_trace AS trace
                    WHERE trace.mass_mailing_id = %s
                      AND trace.model = 'res.partner'
                      AND trace.res_id = member.contact_id
                      AND trace.is_test_trace IS NOT TRUE
               )""",
            self.mailing_id.id,
        )

    def _note_sent(self, previous):
        """Count who was left out, and let the time run in which purchases count.

        It runs for all customers of the campaign, those held out as well, from the day
        on which the message went out where the company is. Not anew for those who were
        in it when a message went out before.

        :param datetime previous: when that was the last time
        """
        self.ensure_one()
        self._drop_cancelled()
        today = self.company_id._get_customer_today()
        self.env.execute_query(
            SQL(
                """
                UPDATE customer_campaign_member
                   SET date_start = %(today)s
                 WHERE campaign_id = %(campaign)s
                   AND date_start IS DISTINCT FROM %(today)s
                   AND (date_start > %(previous)s::date) IS NOT FALSE
                """,
                today=today,
                campaign=self.id,
                previous=self._get_day(previous) if previous else None,
            )
        )
        self.env["customer.campaign.member"].invalidate_model()
        self.invalidate_recordset(["delivery_summary"])
        if self.state == "approved":
            self.write({"state": "running", "sent_on": fields.Datetime.now()})
            self._message_log(body=self.delivery_summary)

    def _get_day(self, moment):
        """Return the day of a moment where the company is."""
        here = self.company_id._in_customer_timezone()
        return fields.Datetime.context_timestamp(here, moment).date()

    def _drop_cancelled(self):
        """Drop those whom Odoo itself left out: it looks again at the last moment."""
        self.ensure_one()
        reasons = list(CANCEL_REASONS.items())
        self.env["mailing.trace"].flush_model()
        self.env["customer.campaign.member"].flush_model()
        self.env.execute_query(
            SQL(
                """
                WITH meaning (failure_type, reason) AS (VALUES %(meanings)s)
                UPDATE customer_campaign_member AS member
                   SET dropped_reason = meaning.reason
                  FROM mailing_trace AS trace
                  JOIN meaning ON meaning.failure_type = trace.failure_type
                 WHERE member.campaign_id = %(campaign)s
                   AND member.role = 'target'
                   AND member.dropped_reason IS NULL
                   AND trace.mass_mailing_id = %(mailing)s
                   AND trace.model = 'res.partner'
                   AND trace.res_id = member.contact_id
                   AND trace.trace_status = 'cancel'
                """,
                meanings=SQL(", ").join(SQL("%s", pair) for pair in reasons),
                campaign=self.id,
                mailing=self.mailing_id.id,
            )
        )
        self.env["customer.campaign.member"].invalidate_model(["dropped_reason"])
