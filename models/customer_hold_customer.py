from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one
from .customer_staging import WORK_MEMORY

#: Days that is kept who changed on a day
KEEP_DAYS = 2


class CustomerHoldCustomer(models.Model):
    """Who changed category on a day by computation, and who is held instead.

    What changes by invoices, payments and contacts adds up per dimension, company and
    day: each customer counts once. The step of a run that would exceed the share of
    the dimension is held, and all that follows it: the customers keep their category
    and are noted here, so that none is lost. A new version is no such movement; it is
    counted by itself before it takes effect.
    """

    _name = "customer.hold.customer"
    _inherit = ["customer.rows.mixin"]
    _description = "Customer Who Waits or Has Changed"
    _order = "hold_id, partner_id, id"
    _rec_name = "partner_id"
    _log_access = False  # narrow rows, one for each customer who changes

    partner_id = EngineMany2one()
    company_id = EngineMany2one()
    dimension_id = EngineMany2one(
        "customer.dimension", required=True, readonly=True, ondelete="cascade"
    )
    day = fields.Date(required=True, readonly=True)
    hold_id = EngineMany2one(
        "customer.hold",
        readonly=True,
        ondelete="cascade",
        help="Empty: the customer changed on that day.",
    )

    _day_idx = models.Index(
        "(dimension_id, company_id, day, partner_id) WHERE hold_id IS NULL"
    )
    _hold_idx = models.Index("(hold_id, partner_id) WHERE hold_id IS NOT NULL")

    # A step of a run

    @api.model
    def _restrain(self, line, dimension, scope):
        """Count whom the staged rows of a step would change; hold them if too many.

        Rows of customers who are held are not staged any more.
        """
        company, Hold = line.company_id, self.env["customer.hold"]
        moving, new, is_noted = self._count_staged(line, dimension, scope)
        hold = Hold._get_blocking(dimension, company, line.as_of)
        if new and not hold:
            passed = self._count_moved(dimension, company, line.as_of)
            if Hold._is_too_much(dimension, company, passed + new):
                hold = Hold._hold(
                    line,
                    dimension,
                    kind="data",
                    classified_count=Hold._count_classified(dimension, company),
                    passed_count=passed,
                    counted=new,
                )
        if moving or is_noted:
            self._note(line, dimension, scope, hold)

    @api.model
    def _count_staged(self, line, dimension, scope):
        """Return how many would move, how many of them for the first time that day.

        And whether anybody in the scope was held before.
        """
        [counts] = self.env.execute_query(
            SQL(
                """
                WITH moving AS (%(moving)s)
                SELECT count(*),
                       -- IN, and not EXISTS: read once, whatever statistics say
                       count(*) FILTER (
                           WHERE partner_id NOT IN (
                               SELECT moved.partner_id
                                 FROM customer_hold_customer AS moved
                                WHERE moved.dimension_id = %(dimension)s
                                  AND %(in_company)s
                                  AND moved.day = %(day)s
                                  AND moved.hold_id IS NULL
                           )
                       ),
                       EXISTS (
                           SELECT
                             FROM customer_hold AS earlier
                             JOIN customer_hold_customer AS noted
                               ON noted.hold_id = earlier.id
                            WHERE earlier.dimension_id = %(dimension)s
                              AND %(earlier_in_company)s
                              AND %(in_scope)s
                       )
                  FROM moving
                """,
                moving=self._get_moving(line, dimension),
                dimension=dimension.id,
                in_company=self._get_company_condition("moved", line.company_id),
                earlier_in_company=self._get_company_condition(
                    "earlier", line.company_id
                ),
                in_scope=scope.on(SQL.identifier("noted", "partner_id")),
                day=line.as_of,
            )
        )
        return counts

    @api.model
    def _get_moving(self, line, dimension):
        """Return SQL with the customers who have a category and would get another.

        Those approved before are left out: they may.
        """
        return SQL(
            """
            SELECT DISTINCT staged.partner_id
              FROM customer_staging AS staged
             WHERE staged.line_id = %(line)s
               AND staged.dimension_id = %(dimension)s
               AND staged.former_category_id IS DISTINCT FROM staged.category_id
               AND %(is_classified)s
               AND staged.partner_id NOT IN (
                   SELECT noted.partner_id
                     FROM customer_hold_customer AS noted
                     JOIN customer_hold AS hold ON hold.id = noted.hold_id
                    WHERE hold.dimension_id = %(dimension)s
                      AND %(in_company)s
                      AND hold.state = 'approved'
               )
            """,
            line=line.id,
            dimension=dimension.id,
            is_classified=(
                SQL(
                    """EXISTS (
                        SELECT
                          FROM customer_assignment AS classified
                         WHERE classified.partner_id = staged.partner_id
                           AND classified.dimension_id = staged.dimension_id
                           AND classified.company_id
                               IS NOT DISTINCT FROM staged.company_id
                           AND classified.category_id IS NOT NULL
                    )"""
                )
                if dimension.is_multiple
                else SQL("staged.former_category_id IS NOT NULL")
            ),
            in_company=self._get_company_condition("hold", line.company_id),
        )

    @api.model
    def _note(self, line, dimension, scope, hold):
        """Note who moves or, where something is held, who is held: not staged any more.

        Who waited for a decision that was taken meanwhile is judged now, and forgotten;
        so is who waits, but would not change any more.
        """
        company = line.company_id
        self.env.execute_query(
            SQL(
                """
                -- all of it sees the rows as they were before
                WITH moving AS MATERIALIZED (%(moving)s),
                forgotten AS (
                    DELETE FROM customer_hold_customer AS noted
                     USING customer_hold AS earlier
                     WHERE earlier.id = noted.hold_id
                       AND earlier.dimension_id = %(dimension)s
                       AND %(earlier_in_company)s
                       AND %(in_scope)s
                       AND (earlier.id IS DISTINCT FROM %(hold)s
                            OR noted.partner_id NOT IN (SELECT partner_id FROM moving))
                ),
                held AS (
                    DELETE FROM customer_staging
                     WHERE line_id = %(line)s
                       AND dimension_id = %(dimension)s
                       AND %(hold)s IS NOT NULL
                       -- IS TRUE: looked up in a hash table. A join would compare
                       -- each with all, since the tables look empty
                       AND (partner_id IN (SELECT partner_id FROM moving)) IS TRUE
                )
                INSERT INTO customer_hold_customer (
                    partner_id, company_id, dimension_id, day, hold_id
                )
                SELECT partner_id, %(company)s, %(dimension)s, %(day)s, %(hold)s
                  FROM moving
                 WHERE partner_id NOT IN (
                     SELECT noted.partner_id
                       FROM customer_hold_customer AS noted
                      WHERE %(is_same)s
                 )
                """,
                moving=self._get_moving(line, dimension),
                line=line.id,
                dimension=dimension.id,
                company=company.id or None,
                earlier_in_company=self._get_company_condition("earlier", company),
                in_scope=scope.on(SQL.identifier("noted", "partner_id")),
                day=line.as_of,
                hold=SQL("%s::integer", hold.id or None),
                is_same=(
                    SQL("noted.hold_id = %s", hold.id)
                    if hold
                    else SQL(
                        """noted.hold_id IS NULL
                           AND noted.dimension_id = %s AND %s AND noted.day = %s""",
                        dimension.id,
                        self._get_company_condition("noted", company),
                        line.as_of,
                    )
                ),
            )
        )
        self.env["customer.staging"].invalidate_model()
        self.invalidate_model()
        hold.invalidate_recordset(["moved_count", "moved_share"])

    # What is counted

    @api.model
    def _count_moving(self, line, ruleset, figures, scope):
        """Return how many customers with a category would get another by a version.

        :param SQL figures: a table expression with the figures of those in the scope
        """
        self.env.execute_query(SQL("SET LOCAL work_mem = %s", WORK_MEMORY))
        Staging = self.env["customer.staging"]
        if ruleset.method == "rule":
            Staging._create_differing_by_rules(ruleset, scope)
        else:
            judged, _inputs = ruleset._get_judged(line.as_of, figures, scope)
            Staging._create_differing(ruleset, judged, scope)
        [[count]] = self.env.execute_query(
            SQL(
                """
                SELECT count(DISTINCT differing.customer_id)
                  FROM pg_temp.customer_differing AS differing
                 WHERE former_category_id IS DISTINCT FROM customer_category_id
                   AND EXISTS (
                       SELECT
                         FROM customer_assignment AS classified
                        WHERE classified.partner_id = differing.customer_id
                          AND classified.dimension_id = %s
                          AND classified.company_id IS NOT DISTINCT FROM %s
                          AND classified.category_id IS NOT NULL
                   )
                """,
                ruleset.dimension_id.id,
                line.company_id.id or None,
            )
        )
        return count

    @api.model
    def _count_moved(self, dimension, company, day):
        """Return how many customers changed by computation on a day."""
        [[count]] = self.env.execute_query(
            SQL(
                """
                SELECT count(DISTINCT partner_id)
                  FROM customer_hold_customer AS moved
                 WHERE dimension_id = %s AND %s AND day = %s AND hold_id IS NULL
                """,
                dimension.id,
                self._get_company_condition("moved", company),
                day,
            )
        )
        return count

    @api.model
    def _count_held(self, holds):
        """Return by the id of what is held how many customers wait."""
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT hold_id, count(DISTINCT partner_id)
                      FROM customer_hold_customer
                     WHERE hold_id = ANY(%s)
                     GROUP BY hold_id
                    """,
                    holds.ids,
                )
            )
        )

    # Those who were held

    @api.model
    def _release(self, hold):
        """Have those who waited looked at again, and let the day's count begin anew."""
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_change (partner_id, company_id)
                SELECT DISTINCT partner_id, company_id
                  FROM customer_hold_customer
                 WHERE hold_id = %s
                """,
                hold.id,
            )
        )
        self.env.execute_query(
            SQL(
                """
                DELETE FROM customer_hold_customer AS moved
                 WHERE dimension_id = %s AND %s AND hold_id IS NULL
                """,
                hold.dimension_id.id,
                self._get_company_condition("moved", hold.company_id),
            )
        )
        self.invalidate_model()

    @api.model
    def _forget(self, dimension, company):
        """Forget who waited: a new version has decided about everybody."""
        self.env.execute_query(
            SQL(
                """
                DELETE FROM customer_hold_customer AS noted
                 WHERE dimension_id = %s AND %s AND hold_id IS NOT NULL
                """,
                dimension.id,
                self._get_company_condition("noted", company),
            )
        )
        self.invalidate_model()

    @api.model
    def _get_noted_query(self, company):
        """Return a query for the ids of those who wait, or are to be looked at."""
        return SQL(
            """
            SELECT noted.partner_id
              FROM customer_hold AS hold
              JOIN customer_hold_customer AS noted ON noted.hold_id = hold.id
             WHERE %s
            """,
            self._get_company_condition("hold", company),
        )

    @api.model
    def _get_released_query(self, company, day):
        """Return a query for the ids of those whose waiting is over.

        Besides those whom a decision put into the queue: whom a run held while the
        decision was being taken, and who had to wait for another day only.
        """
        return SQL(
            """
            SELECT noted.partner_id
              FROM customer_hold AS hold
              JOIN customer_hold_customer AS noted ON noted.hold_id = hold.id
             WHERE %s
               AND hold.state <> 'held'
               AND (hold.state <> 'rejected' OR hold.decided_day < %s)
            """,
            self._get_company_condition("hold", company),
            day,
        )

    @api.model
    def _get_company_condition(self, table, company):
        if company:
            return SQL("%s = %s", SQL.identifier(table, "company_id"), company.id)
        return SQL("%s IS NULL", SQL.identifier(table, "company_id"))

    @api.autovacuum
    def _gc_moved(self):
        """Forget who changed on former days."""
        oldest = fields.Date.today() - timedelta(days=KEEP_DAYS)
        self.env.execute_query(
            SQL(
                "DELETE FROM customer_hold_customer WHERE hold_id IS NULL AND day < %s",
                oldest,
            )
        )
        self.invalidate_model()
