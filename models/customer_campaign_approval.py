from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .customer_staging import WORK_MEMORY


class CustomerCampaign(models.Model):
    """Approval: from here on the campaign is about the customers of this moment."""

    _inherit = "customer.campaign"

    def action_approve(self):
        """Freeze the customers, and put the message into the queue."""
        self.ensure_one()
        self._check_marketer()
        self._check_is_draft()
        self._check_message()
        return self._approve()

    def _approve(self):
        """Freeze and queue what was checked.

        :return: what the queue asks for, such as a dialog, or None
        :raise UserError: where nobody would be written to, or a colleague approves
        """
        self.lock_for_update()
        self.invalidate_recordset(["state"])
        self._check_is_draft()
        if self.is_standing and not self.includes_present:
            self._mark_present()
        else:
            self._freeze(self._get_customers_query())
            self._check_somebody()
        # sudo: the addon writes the state; the right to approve was checked
        self.sudo().write(
            {
                "state": "approved",
                "error": False,
                "approved_by_id": self.env.uid,
                "approved_on": fields.Datetime.now(),
                "asked": self.audience_id._get_asked() if self.audience_id else False,
                "utm_campaign_id": self._get_utm_campaign().id,
            }
        )
        self.message_post(body=self._describe_members())
        return self._schedule_mailing()

    def _freeze(self, customers):
        """Write a row for each of the customers: what becomes of it, and why.

        :param SQL customers: a query that selects ids of customers
        """
        self.ensure_one()
        Member = self.env["customer.campaign.member"]
        Member.flush_model()
        self.env.execute_query(SQL("SET LOCAL work_mem = %s", WORK_MEMORY))
        self.env.execute_query(
            SQL(
                """
                WITH cohort AS MATERIALIZED (
                    %(cohort)s
                ),
                held AS (
                    SELECT held.partner_id,
                           jsonb_agg(held.category_id ORDER BY held.category_id)
                               AS category_ids
                      FROM (%(categories)s) AS held
                     WHERE held.partner_id IN (SELECT partner_id FROM cohort)
                     GROUP BY held.partner_id
                )
                INSERT INTO customer_campaign_member (
                    campaign_id, company_id, partner_id, contact_id, address, role,
                    reason, category_ids, date_start
                )
                SELECT %(campaign)s, %(company)s, cohort.partner_id, cohort.contact_id,
                       cohort.address, cohort.role, cohort.reason,
                       COALESCE(held.category_ids, '[]'), %(day)s
                  FROM cohort
                  LEFT JOIN held ON held.partner_id = cohort.partner_id
                 -- a newcomer of a standing campaign waits until the gap has passed
                 WHERE NOT %(is_standing)s
                    OR cohort.reason IS DISTINCT FROM 'capped'
                 ORDER BY cohort.partner_id
                """,
                cohort=self._get_cohort_query(customers),
                categories=self._get_categories_query(),
                campaign=self.id,
                company=self.company_id.id,
                day=self._get_planned_day(),
                is_standing=bool(self.is_standing),
            )
        )
        self._forget_members()

    def _get_categories_query(self):
        """Return SQL with the customers' categories in effect, of all dimensions.

        Also of those that the user does not see: what is frozen is for everybody, and
        shown to each as far as allowed.
        """
        # sudo: see above
        Dimension = self.env["customer.dimension"].sudo()
        dimensions = Dimension.search([("active", "=", True)])
        Partner = self.env["res.partner"].sudo().with_company(self.company_id)
        return Partner._get_customer_categories_query(dimensions.ids)

    def _forget_members(self):
        """Read anew what was written by SQL."""
        self.env["customer.campaign.member"].invalidate_model()
        self.invalidate_recordset()

    def _check_message(self):
        """Refuse an empty message."""
        self.ensure_one()
        mailing = self.mailing_id
        is_empty = not mailing or (
            not (mailing.body_plaintext or "").strip()
            if self.channel == "sms"
            else mailing.is_body_empty or not (mailing.subject or "").strip()
        )
        if is_empty:
            raise UserError(
                self.env._("There is no message yet: write it with “Edit Message”.")
            )
        if self.schedule_date and self.schedule_date < fields.Datetime.now():
            raise UserError(
                self.env._(
                    "The time to send it has passed: enter a later one, or none to "
                    "send it at once."
                )
            )

    def _check_somebody(self):
        """Refuse a campaign that would write to nobody.

        :raise UserError: saying why
        """
        numbers = self._count_members()
        if numbers.get(("target", None)) or (self.is_standing and not numbers):
            return
        raise UserError(
            self.env._(
                "Nobody would be written to. %(why)s",
                why=self._describe_numbers(numbers)
                or self.env._("There is no customer in it."),
            )
        )

    # Its place in Odoo's mailings

    def _get_utm_campaign(self):
        """Return Odoo's campaign that links, orders and traces are counted by."""
        self.ensure_one()
        return self.utm_campaign_id or self.env["utm.campaign"].create(
            {"title": self.name, "user_id": self.user_id.id}
        )

    def _schedule_mailing(self):
        """Put the message into Odoo's queue, for its time.

        :return: what the queue asks for, such as a dialog
        """
        self.ensure_one()
        self.mailing_id.write(
            {
                "campaign_id": self.utm_campaign_id.id,
                "schedule_type": "scheduled" if self.schedule_date else "now",
                "schedule_date": self.schedule_date,
            }
        )
        return self.mailing_id.action_put_in_queue()

    # Back

    def action_cancel(self):
        """Take the message out of the queue; nobody is written to any more."""
        self._check_marketer()
        for campaign in self:
            if campaign.state not in ("draft", "approved", "held"):
                raise UserError(
                    self.env._("What was sent cannot be cancelled; close it instead.")
                )
            campaign._unqueue()
            # sudo: the addon writes the state; the right to cancel was checked
            campaign.sudo().state = "cancelled"

    def action_draft(self):
        """Take an unsent campaign back to draft: it is about no customers then."""
        self._check_marketer()
        for campaign in self:
            if campaign.state == "draft":
                continue
            if campaign._is_sent():
                raise UserError(
                    self.env._(
                        "Customers were written to already. Make a copy to write again."
                    )
                )
            campaign._unqueue()
            # sudo: the addon writes members and states; the right was checked
            campaign.sudo().member_ids.unlink()
            campaign.sudo().write(
                {
                    "state": "draft",
                    "error": False,
                    "approved_by_id": False,
                    "approved_on": False,
                    "asked": False,
                }
            )
            campaign._forget_members()

    def action_close(self):
        """End a campaign that was sent; a standing one writes to nobody new."""
        self._check_marketer()
        for campaign in self:
            if campaign.state not in ("running", "approved", "held"):
                raise UserError(self.env._("Only what was sent can be closed."))
            if not campaign._is_sent():
                raise UserError(
                    self.env._("Nobody was written to yet: cancel it instead.")
                )
            campaign._unqueue()
            # sudo: the addon writes the state; the right to close was checked
            campaign.sudo().state = "done"

    def _unqueue(self):
        """Take the message out of Odoo's queue."""
        self.ensure_one()
        if self.mailing_id.state == "in_queue":
            self.mailing_id.action_cancel()

    def _is_sent(self):
        """Return whether somebody was written to, or is this moment."""
        self.ensure_one()
        # sudo: whether there is one
        return self.mailing_id.state in ("sending", "done") or bool(
            self.env["mailing.trace"]
            .sudo()
            .search_count([("mass_mailing_id", "=", self.mailing_id.id)], limit=1)
            if self.mailing_id
            else False
        )
