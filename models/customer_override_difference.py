from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class CustomerDimension(models.Model):
    _inherit = "customer.dimension"

    difference_days = fields.Integer(
        "Decisions Differ for Long After (Days)",
        default=90,
        help="A decision by hand that has said something else than the computation "
        "for this many days is listed for a second look. 0: never.",
    )

    _difference_days_valid = models.Constraint(
        "CHECK (difference_days >= 0)",
        "A number of days cannot be negative.",
    )


class CustomerOverride(models.Model):
    """Decisions that say something else than the computation, and since when.

    They differ since the later of two days: when a person last made or confirmed the
    decision, and when the computed category began. A dimension that only people feed
    computes nothing that a decision could differ from.
    """

    _inherit = "customer.override"

    differs_since = fields.Date(
        compute="_compute_differs_since",
        help="Since this day the decision has said something else than the "
        "computation.",
    )
    differs_long = fields.Boolean(
        "Differs for Long",
        compute="_compute_differs_since",
        search="_search_differs_long",
        help="The decision has said something else than the computation for as many "
        "days as its dimension's settings name, or more.",
    )

    @api.depends("partner_id", "operation", "category_id", "date_end", "reviewed_on")
    def _compute_differs_since(self):
        rows = self.env.execute_query(
            SQL(
                "SELECT id, since, is_long FROM (%s) AS differing WHERE id = ANY(%s)",
                self._get_differing_query(),
                self._origin.ids,
            )
        )
        differing = {id_: (since, is_long) for id_, since, is_long in rows}
        for override in self:
            override.differs_since, override.differs_long = differing.get(
                override._origin.id, (False, False)
            )

    def _search_differs_long(self, operator, value):
        if operator != "in":
            return NotImplemented
        found = Domain(
            "id",
            "in",
            SQL(
                "(SELECT id FROM (%s) AS differing WHERE is_long)",
                self._get_differing_query(),
            ),
        )
        return found if True in value else ~found

    @api.model
    def _get_differing_query(self):
        """Return SQL with the decisions in force that differ from the computation.

        Its columns: ``id``, ``since``, and whether that ``is_long`` ago.
        """
        for model in ("customer.override", "customer.assignment", "customer.dimension"):
            self.env[model].flush_model()
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        owners = SQL(", ").join(
            SQL("(%s::integer, %s::date, %s)", company_id or None, today, timezone)
            for company_id, today, timezone in self._get_owner_days()
        )
        return SQL(
            """
            SELECT differing.id,
                   GREATEST(differing.decided_on, differing.computed_on) AS since,
                   -- day by day: few decisions are old enough, and only those are
                   -- compared with the computation
                   differing.difference_days > 0
                       AND differing.decided_on
                           <= differing.today - differing.difference_days
                       AND COALESCE(
                           differing.computed_on
                               <= differing.today - differing.difference_days,
                           TRUE
                       ) AS is_long
              FROM (
                  SELECT decided.id,
                         dimension.difference_days,
                         owner.today,
                         COALESCE(decided.reviewed_on, decided.create_date::date)
                             AS decided_on,
                         (computed.since AT TIME ZONE 'UTC'
                                         AT TIME ZONE owner.timezone)::date
                             AS computed_on
                    FROM customer_override AS decided
                    JOIN (VALUES %(owners)s) AS owner (company_id, today, timezone)
                      ON owner.company_id IS NOT DISTINCT FROM decided.company_id
                    JOIN customer_dimension AS dimension
                      ON dimension.id = decided.dimension_id
                     AND dimension.active
                     AND dimension.method <> 'manual'
                    JOIN res_partner AS customer
                      ON customer.id = decided.partner_id
                     -- a comparison alone would let the database expect next to none
                     AND CASE WHEN customer.commercial_partner_id = customer.id
                              THEN TRUE
                         END
                    LEFT JOIN customer_assignment AS computed
                      ON computed.partner_id = decided.partner_id
                     AND computed.dimension_id = decided.dimension_id
                     AND computed.company_id IS NOT DISTINCT FROM decided.company_id
                     AND computed.slot = decided.slot
                   WHERE (decided.date_end IS NULL OR decided.date_end >= owner.today)
                     AND computed.category_id IS DISTINCT FROM
                         CASE WHEN decided.operation IN ('set', 'add')
                              THEN decided.category_id
                         END
              ) AS differing
            """,
            owners=owners,
        )
