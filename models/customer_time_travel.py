from datetime import datetime, time, timedelta

import pytz

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL


class CustomerDimension(models.Model):
    """What was shown on a past day, from the history.

    A day is asked for as it ended where the company is: what a person saw just before
    midnight. It is told backwards from today: the computed category of a customer is
    the one that the first later change replaced, or today's if there is none; and the
    last decision before that moment outranks it as long as it held.

    What *today's* ledger says about a past day is another question; a run answers it,
    see ``customer.past.distribution``.
    """

    _inherit = "customer.dimension"

    def _get_shown_query(self, company, day, condition=None):
        """Return SQL with a row for each customer and category shown as ``day`` ended.

        Its columns: ``identity_id``, the contact of that time, ``partner_id``, whom it
        became by merging contacts, ``slot``, ``category_id`` and ``is_by_hand``.

        Customers who were deleted, or whose profile was erased, are in it no more.

        :param company: whose categories; of a dimension that all share, any
        :param SQL condition: on ``partner_id``; whose rows, everybody's by default
        """
        self.ensure_one()
        for model in ("customer.assignment", "customer.assignment.history"):
            self.env[model].flush_model()
        History = self.env["customer.assignment.history"]
        owner = company.root_id.browse() if self.is_shared else company.root_id
        return SQL(
            """
            WITH history AS NOT MATERIALIZED (
                SELECT *, %(identity)s AS identity_id, %(effect)s AS layer
                  FROM customer_assignment_history AS row
                 WHERE dimension_id = %(dimension)s
                   AND %(belongs)s
                   AND %(condition)s
                   AND partner_id IS NOT NULL
            ),
            later AS (
                SELECT DISTINCT ON (identity_id, slot)
                       identity_id, partner_id, slot, old_category_id, old_since
                  FROM history
                 WHERE date >= %(moment)s AND layer = 'computed'
                 ORDER BY identity_id, slot, date, id
            ),
            computed AS (
                SELECT identity_id, partner_id, slot, old_category_id AS category_id
                  FROM later
                 WHERE old_since < %(moment)s AND old_category_id IS NOT NULL
                 UNION ALL
                SELECT partner_id, partner_id, slot, category_id
                  FROM customer_assignment AS assignment
                 WHERE dimension_id = %(dimension)s
                   AND %(belongs)s
                   AND %(condition)s
                   AND since < %(moment)s
                   AND category_id IS NOT NULL
                   AND NOT EXISTS (
                       SELECT
                         FROM later
                        WHERE later.identity_id = assignment.partner_id
                          AND later.slot = assignment.slot
                   )
            ),
            last_by_hand AS (
                SELECT DISTINCT ON (identity_id, slot) *
                  FROM history
                 WHERE date < %(moment)s
                   AND event <> 'run'
                   AND layer IN ('decided', 'released')
                 ORDER BY identity_id, slot, date DESC, id DESC
            ),
            decided AS (
                SELECT identity_id, partner_id, slot, new_category_id AS category_id
                  FROM last_by_hand
                 WHERE layer = 'decided' AND (date_end IS NULL OR date_end >= %(day)s)
            )
            SELECT identity_id, partner_id, slot, category_id, FALSE AS is_by_hand
              FROM computed
             WHERE NOT EXISTS (
                   SELECT
                     FROM decided
                    WHERE decided.identity_id = computed.identity_id
                      AND decided.slot = computed.slot
                   )
             UNION ALL
            SELECT identity_id, partner_id, slot, category_id, TRUE
              FROM decided
             WHERE category_id IS NOT NULL
            """,
            identity=History._get_identity_sql("row"),
            effect=History._get_effect_sql("row"),
            dimension=self.id,
            belongs=SQL("company_id = %s", owner.id)
            if owner
            else SQL("company_id IS NULL"),
            condition=condition or SQL("TRUE"),
            day=day,
            moment=self._get_end_of_day(company, day),
        )

    def _get_end_of_day(self, company, day):
        """Return the moment at which ``day`` ends for the dimension, in UTC."""
        self.ensure_one()
        owner = company.root_id
        if self.is_shared:
            owner = company._get_first_company()
        zone = pytz.timezone(owner._in_customer_timezone().env.context["tz"])
        midnight = datetime.combine(day + timedelta(days=1), time.min)
        return zone.localize(midnight).astimezone(pytz.utc).replace(tzinfo=None)

    def _get_distribution(self, company, day):
        """Return the number of customers by id of the category shown as ``day`` ended.

        Of those whom the user may see.
        """
        visible = self.env["res.partner"]._search(Domain.TRUE, active_test=False)
        condition = SQL("partner_id IN %s", visible.subselect())
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT category_id, count(DISTINCT identity_id)
                      FROM (%s) AS shown
                     GROUP BY category_id
                    """,
                    self._get_shown_query(
                        company, day, None if self.env.su else condition
                    ),
                )
            )
        )

    def _get_complete_since(self, company):
        """Return the first day whose end the history tells, or False for all of it."""
        self.ensure_one()
        return self.env["customer.history.total"]._get_complete_since(self, company)
