# Only the scheduled action commits, in the method that says so in its name.
# pylint: disable=invalid-commit
from datetime import datetime, time

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

#: Rows of the history that a step looks at
STEP = 20000
#: What was published of a change is kept so long and names its row
MINIMUM_MONTHS = 4


class ResCompany(models.Model):
    _inherit = "res.company"

    customer_history_months = fields.Integer(
        "Keep the History (Months)",
        help="Older changes of category are counted by month and removed. 0: all are "
        "kept.",
    )

    @api.constrains("customer_history_months")
    def _check_customer_history_months(self):
        for company in self:
            months = company.customer_history_months
            if months and months < MINIMUM_MONTHS:
                raise ValidationError(
                    self.env._(
                        "Keep the history for %s months or more, or enter 0 to keep "
                        "all of it.",
                        MINIMUM_MONTHS,
                    )
                )


class CustomerHistoryRetention(models.Model):
    """From when on a company's history is complete, and how far its clearing got.

    What all companies share follows the first company, as its day does.
    """

    _name = "customer.history.retention"
    _description = "Clearing of the History"
    _log_access = False
    _rec_name = "company_id"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade"
    )
    complete_since = fields.Date(required=True, readonly=True)
    position = fields.Integer(
        readonly=True, help="The last entry that the clearing looked at."
    )
    is_done = fields.Boolean(readonly=True)

    _company_unique = models.UniqueIndex("(company_id)")

    @api.model
    def _cron_clear(self):
        """Count and remove what is older than the companies keep, step by step."""
        commit_progress = self.env["ir.cron"]._commit_progress
        companies = self._get_companies_to_clear()
        time_left = commit_progress(remaining=len(companies))
        for company in companies:
            retention = self._begin(company)
            while time_left > 0 and not retention.is_done:
                retention._clear_step()
                time_left = commit_progress()
            if not retention.is_done:
                return
            time_left = commit_progress(1)

    @api.model
    def _get_companies_to_clear(self):
        """Return the companies with history that is older than they keep."""
        companies = self.env["res.company"].search(
            [("parent_id", "=", False), ("customer_history_months", ">", 0)]
        )
        return companies.filtered(
            lambda company: (
                not self.search_count(
                    [
                        ("company_id", "=", company.id),
                        ("complete_since", ">=", self._get_horizon(company)),
                        ("is_done", "=", True),
                    ],
                    limit=1,
                )
            )
        )

    @api.model
    def _get_horizon(self, company):
        """Return the first day of which a company keeps every change."""
        today = company._get_customer_today()
        months = company.customer_history_months
        return fields.Date.start_of(fields.Date.subtract(today, months=months), "month")

    @api.model
    def _begin(self, company):
        """Return what says how far the clearing of a company got."""
        horizon = self._get_horizon(company)
        retention = self.search([("company_id", "=", company.id)])
        if not retention:
            retention = self.create(
                {"company_id": company.id, "complete_since": horizon}
            )
        elif retention.complete_since < horizon:
            retention.write(
                {"complete_since": horizon, "position": 0, "is_done": False}
            )
        return retention

    def _clear_step(self):
        """Count and remove what may go of the next entries.

        What stays of each customer and category: the last computed change and the
        last decision, because what is shown now comes from them.
        """
        self.ensure_one()
        company = self.company_id
        self.env["customer.assignment.history"].flush_model()
        [[last]] = self.env.execute_query(
            SQL(
                """
                SELECT max(id)
                  FROM (
                      SELECT id
                        FROM customer_assignment_history
                       WHERE id > %s
                       ORDER BY id
                       LIMIT %s
                  ) AS next
                """,
                self.position,
                STEP,
            )
        )
        if last is None:
            self.is_done = True
            return
        self.env.execute_query(self._get_clearing(company, last))
        self.position = last
        self.env["customer.assignment.history"].invalidate_model()
        self.env["customer.history.total"].invalidate_model()

    def _get_clearing(self, company, last):
        """Return the statement that clears the entries up to ``last``."""
        History = self.env["customer.assignment.history"]
        zone = company._in_customer_timezone().env.context["tz"]
        begin = datetime.combine(self.complete_since, time.min)
        begin = pytz.timezone(zone).localize(begin).astimezone(pytz.utc)
        belongs = SQL("row.company_id = %s", company.id)
        if company == self.env["res.company"]._get_first_company():
            belongs = SQL("(%s OR row.company_id IS NULL)", belongs)
        return SQL(
            """
            WITH removed AS (
                DELETE FROM customer_assignment_history AS row
                 WHERE row.id > %(position)s
                   AND row.id <= %(last)s
                   AND row.date < %(begin)s
                   AND %(belongs)s
                   AND row.is_to_publish IS NOT TRUE
                   AND (
                       row.partner_id IS NULL
                       OR %(layer)s IS NULL
                       OR EXISTS (
                           SELECT
                             FROM customer_assignment_history AS newer
                            WHERE newer.partner_id = row.partner_id
                              AND newer.dimension_id = row.dimension_id
                              AND newer.company_id IS NOT DISTINCT FROM row.company_id
                              AND newer.slot = row.slot
                              AND %(newer_identity)s = %(identity)s
                              AND (%(newer_layer)s = 'computed')
                                  = (%(layer)s = 'computed')
                              AND (newer.date, newer.id) > (row.date, row.id)
                       )
                   )
             RETURNING *
            )
            INSERT INTO customer_history_total AS total (
                company_id, dimension_id, month, event,
                old_category_id, new_category_id, is_hidden, count
            )
            SELECT company_id, dimension_id,
                   date_trunc(
                       'month', date AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s
                   )::date AS month,
                   event, old_category_id, new_category_id,
                   COALESCE(is_hidden, FALSE), count(*)
              FROM removed
             GROUP BY 1, 2, 3, 4, 5, 6, 7
            ON CONFLICT (
                dimension_id, COALESCE(company_id, 0), month, event,
                COALESCE(old_category_id, 0), COALESCE(new_category_id, 0), is_hidden
            )
            DO UPDATE SET count = total.count + excluded.count
            """,
            position=self.position,
            last=last,
            begin=begin.replace(tzinfo=None),
            belongs=belongs,
            layer=History._get_effect_sql("row"),
            newer_layer=History._get_effect_sql("newer"),
            identity=History._get_identity_sql("row"),
            newer_identity=History._get_identity_sql("newer"),
            zone=zone,
        )
