import logging

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: Standing campaigns of these states go on
GOING_ON = ("approved", "running")


class CustomerCampaign(models.Model):
    """Standing campaigns: whoever comes into the audience is written to, once.

    A customer who has a row is known: leaving the audience and coming back changes
    nothing. Those who were in it before a campaign that greets only newcomers have
    rows, too, that say so; these go with them, so that they are greeted when they come
    back.
    """

    _inherit = "customer.campaign"

    @api.model
    def _cron_follow(self):
        """Take the newcomers of all standing campaigns in, each by itself.

        One that fails says so and does not stop the others.
        """
        domain = [("is_standing", "=", True), ("state", "in", GOING_ON)]
        campaigns = self.search(domain, order="id")
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=len(campaigns))
        for campaign in campaigns:
            try:
                campaign._follow()
            except psycopg2.OperationalError:
                self.env.cr.rollback()  # someone else wrote there: next time again
            except Exception as error:
                self.env.cr.rollback()
                campaign._note_failure(error)
            if not commit_progress(1):
                return

    def _follow(self):
        """Freeze the newcomers, with the day's categories, and write to them."""
        self.ensure_one()
        # what the approver may see is what was approved
        campaign = self.with_user(self.approved_by_id).with_context(
            allowed_company_ids=self.company_id.ids,
            lang=self.approved_by_id.lang,
            tz=self.approved_by_id.tz,
        )
        if not (campaign.env.su or campaign.approved_by_id.active):
            raise UserError(
                self.env._(
                    "Who approved it has left: take it back to draft, or make a copy "
                    "and approve that."
                )
            )
        campaign._check_marketer()
        customers = campaign._get_customers_query()
        self._forget_who_left(customers)
        before = self._count_members().get(("target", None), 0)
        campaign._freeze(self._get_unknown_query(customers))
        is_new = self._count_members().get(("target", None), 0) > before
        if self.error:
            self.error = False
        # one that waits for its time, or is being sent, takes them along
        if is_new and self.mailing_id.state in ("draft", "done"):
            if self.mailing_id.action_put_in_queue():
                # a dialog, which nobody is here to answer
                self._note_failure(UserError(self.mailing_id._get_share_problem()))

    def _get_unknown_query(self, customers):
        """Return SQL that selects those of the customers who have no row yet."""
        return SQL(
            """
            SELECT id
              FROM (%(customers)s) AS customer (id)
             WHERE id NOT IN (
                   SELECT partner_id
                     FROM customer_campaign_member
                    WHERE campaign_id = %(campaign)s
                   )
            """,
            customers=customers,
            campaign=self.id,
        )

    def _mark_present(self):
        """Give those a row who are in the audience before the campaign begins."""
        self.ensure_one()
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_campaign_member (
                    campaign_id, company_id, partner_id, role, reason, category_ids
                )
                SELECT %(campaign)s, %(company)s, id, 'excluded', 'present', '[]'
                  FROM (%(customers)s) AS customer (id)
                """,
                campaign=self.id,
                company=self.company_id.id,
                customers=self._get_customers_query(),
            )
        )
        self._forget_members()

    def _forget_who_left(self, customers):
        """Remove the rows of those who were there before the campaign and left."""
        self.env.execute_query(
            SQL(
                """
                DELETE FROM customer_campaign_member
                 WHERE campaign_id = %(campaign)s
                   AND reason = 'present'
                   AND partner_id NOT IN (%(customers)s)
                """,
                campaign=self.id,
                customers=customers,
            )
        )

    def _note_failure(self, error):
        """Say on the campaign why its newcomers could not be taken in."""
        if not isinstance(error, UserError):
            _logger.error("Campaign %s could not go on", self.id, exc_info=error)
        message = str(error)
        if self.error == message:
            return
        self.error = message
        self.with_context(lang=self.user_id.lang).activity_schedule(
            "mail.mail_activity_data_warning",
            fields.Date.context_today(self),
            summary=self.with_context(lang=self.user_id.lang).env._(
                "The standing campaign could not go on"
            ),
            note=message,
            user_id=self.user_id.id,
        )
