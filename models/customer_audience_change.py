from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_audience_query import CUSTOMER


class CustomerAudienceChange(models.Model):
    """A change of categories that customers of an audience went through lately.

    What counts is the category in effect: a decision by hand outranks the computed one
    as long as it holds. Who became something has it now, and did not have it at some
    moment of these days or just before them; who ceased to be something had it then,
    and has it no more. Parts of a category count as the category.
    """

    _name = "customer.audience.change"
    _description = "Change That an Audience Asks For"
    _order = "audience_id, id"
    _rec_name = "category_id"

    audience_id = fields.Many2one(
        "customer.audience", required=True, index=True, ondelete="cascade"
    )
    direction = fields.Selection(
        [("became", "Became"), ("left", "Ceased to be")],
        required=True,
        default="became",
        help="Became: the customer has the category today. Ceased to be: had it, and "
        "does not have it today.",
    )
    category_id = fields.Many2one(
        "customer.category", required=True, index=True, ondelete="restrict"
    )
    days = fields.Integer(
        "In the Last (Days)", required=True, default=30, help="Today included."
    )

    _days_positive = models.Constraint(
        "CHECK (days > 0)", "Enter a number of days of one or more."
    )

    @api.constrains("category_id", "audience_id")
    def _check_category_visible(self):
        # Odoo checks constraints as superuser; what counts is what the user may see
        self.audience_id.sudo(False)._check_conditions_visible()

    def _get_condition(self, Partner):
        """Return SQL for whether a customer went through the change.

        :param Partner: the contacts, in the company whose categories count
        """
        self.ensure_one()
        category = self.category_id._origin
        if not category or self.days <= 0:
            return SQL("TRUE")  # a line that is just being entered
        has_it = category._get_held_condition(Partner)
        moments = self._get_moments_query(Partner)
        if self.direction == "left":
            return SQL(
                """(NOT %s AND %s IN (
                    SELECT partner_id FROM (%s) AS moment WHERE moment.has_it
                ))""",
                has_it,
                CUSTOMER,
                moments,
            )
        return SQL(
            """(%s AND %s IN (
                SELECT partner_id FROM (%s) AS moment WHERE NOT moment.has_it
            ))""",
            has_it,
            CUSTOMER,
            moments,
        )

    def _get_moments_query(self, Partner):
        """Return SQL with what customers had at each moment when it may have changed.

        Of those customers of whom anything changed in these days: just before them,
        and at each change. Its columns: ``partner_id``, ``date`` and ``has_it``.

        The layers are those that :meth:`customer.dimension._get_shown_query` tells a
        past day from, told here for many moments at a time. Of a merged contact, the
        history before counts as that of the remaining one.
        """
        for model in (
            "customer.assignment",
            "customer.assignment.history",
            "customer.override",
        ):
            self.env[model].flush_model()
        # sudo: the checks of the audience said already that the user sees it
        dimension = self.category_id._origin.sudo().dimension_id
        company = Partner.env.company.root_id
        owner = Partner._get_customer_owner({"is_shared": dimension.is_shared})
        calendar = owner or company._get_first_company()
        today = calendar._get_customer_today()
        before = today - timedelta(days=self.days)
        History = self.env["customer.assignment.history"]
        return SQL(
            """
            WITH changed AS (
                SELECT partner_id
                  FROM customer_assignment_history
                 WHERE dimension_id = %(dimension)s AND %(belongs)s
                   AND date >= %(start)s
                 UNION
                SELECT partner_id
                  FROM customer_assignment
                 WHERE dimension_id = %(dimension)s AND %(belongs)s
                   AND since >= %(start)s
                 UNION
                SELECT partner_id
                  FROM customer_override
                 WHERE dimension_id = %(dimension)s AND %(belongs)s
                   AND date_end >= %(before)s AND date_end < %(today)s
            ),
            history AS (
                SELECT *, %(identity)s AS identity_id, %(effect)s AS layer
                  FROM customer_assignment_history AS row
                 WHERE dimension_id = %(dimension)s AND %(belongs)s
                   AND slot = ANY(%(slots)s)
                   AND partner_id IN (SELECT partner_id FROM changed)
            ),
            computed_row AS (
                SELECT identity_id, partner_id, slot, old_category_id AS category_id,
                       old_since AS date_from, date AS date_to, id
                  FROM history
                 WHERE layer = 'computed' AND date >= %(start)s
                 UNION ALL
                SELECT partner_id, partner_id, slot, category_id,
                       since, 'infinity'::timestamp, NULL
                  FROM customer_assignment
                 WHERE dimension_id = %(dimension)s AND %(belongs)s
                   AND slot = ANY(%(slots)s)
                   AND partner_id IN (SELECT partner_id FROM changed)
            ),
            computed AS (
                SELECT identity_id, partner_id, slot, category_id, date_to,
                       -- merging categories puts the beginning back
                       GREATEST(
                           date_from,
                           LAG(date_to) OVER (
                               PARTITION BY identity_id, slot ORDER BY date_to, id
                           )
                       ) AS date_from
                  FROM computed_row
            ),
            by_hand AS (
                SELECT identity_id, partner_id, slot, layer,
                       new_category_id AS category_id, date AS date_from,
                       LEAST(
                           LEAD(date) OVER (
                               PARTITION BY identity_id, slot ORDER BY date, id
                           ),
                           (date_end + 1)::timestamp AT TIME ZONE %(timezone)s
                           AT TIME ZONE 'UTC',
                           'infinity'::timestamp
                       ) AS date_to
                  FROM history
                 WHERE event <> 'run' AND layer IN ('decided', 'released')
            ),
            decided AS (
                SELECT * FROM by_hand
                 WHERE layer = 'decided' AND date_to >= %(start)s
            ),
            moment AS (
                SELECT partner_id, %(start)s::timestamp - interval '1 us' AS date
                  FROM changed
                 UNION
                SELECT partner_id, date
                  FROM history
                 WHERE date >= %(start)s
                 UNION
                SELECT partner_id, date_from FROM computed WHERE date_from >= %(start)s
                 UNION
                SELECT partner_id, date_to FROM decided WHERE date_to <= %(now)s
            ),
            shown AS (
                SELECT moment.partner_id, moment.date
                  FROM moment
                  JOIN computed
                    ON computed.partner_id = moment.partner_id
                   AND computed.category_id = ANY(%(categories)s)
                   AND computed.date_from <= moment.date
                   AND computed.date_to > moment.date
                  LEFT JOIN decided
                    ON decided.identity_id = computed.identity_id
                   AND decided.slot = computed.slot
                   AND decided.date_from <= moment.date
                   AND decided.date_to > moment.date
                 WHERE decided.identity_id IS NULL
                 UNION
                SELECT moment.partner_id, moment.date
                  FROM moment
                  JOIN decided
                    ON decided.partner_id = moment.partner_id
                   AND decided.category_id = ANY(%(categories)s)
                   AND decided.date_from <= moment.date
                   AND decided.date_to > moment.date
            )
            SELECT moment.partner_id, moment.date, shown.date IS NOT NULL AS has_it
              FROM moment
              LEFT JOIN shown
                ON shown.partner_id = moment.partner_id AND shown.date = moment.date
            """,
            dimension=dimension.id,
            belongs=SQL("company_id = %s", owner.id)
            if owner
            else SQL("company_id IS NULL"),
            start=dimension._get_end_of_day(company, before),
            before=before,
            today=today,
            now=fields.Datetime.now(),
            timezone=calendar._in_customer_timezone().env.context["tz"],
            identity=History._get_identity_sql("row"),
            effect=History._get_effect_sql("row"),
            slots=self._get_slots(dimension),
            categories=self.category_id._origin._get_with_parts().ids,
        )

    def _get_slots(self, dimension):
        """Return the slots of the rows that can say whether a customer has it."""
        if not dimension.is_multiple:
            return [0]
        return self.category_id._origin._get_with_parts().ids
