import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one
from .customer_scope import EVERYONE

#: Of a step's transaction: enough for its customers. More is not taken by what needs
#: less, and Odoo's usual 4 MB would go to files.
WORK_MEMORY = "64MB"

#: The columns of staging that the assignment takes over
SCORE_COLUMNS = (
    "score",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "grace_until",
)


class CustomerStaging(models.Model):
    """What a run would set: one row per customer that it would change.

    Applying, previewing and resuming read the same rows. A run of today stages
    only the differences to the assignments and consumes the rows as it applies
    them. A run as of a past date stages every classified customer and keeps the
    rows as its result.
    """

    _name = "customer.staging"
    _inherit = ["customer.rows.mixin"]
    _description = "Staged Classification"
    _order = "line_id, score desc, partner_id, id"
    _rec_name = "partner_id"
    _log_access = False  # written for every customer and removed minutes later

    partner_id = EngineMany2one()
    company_id = EngineMany2one()
    line_id = EngineMany2one(
        "customer.classification.run.line",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    run_id = fields.Many2one(related="line_id.run_id")
    dimension_id = EngineMany2one(
        "customer.dimension", required=True, readonly=True, ondelete="cascade"
    )
    slot = fields.Integer(required=True, readonly=True, default=0)
    category_id = EngineMany2one(
        "customer.category",
        readonly=True,
        ondelete="cascade",
        help="Empty: the customer would have no category any more.",
    )
    former_category_id = EngineMany2one(
        "customer.category",
        string="Former Category",
        readonly=True,
        ondelete="cascade",
        help="The category at the time of staging, which the brake counts by.",
    )
    ruleset_id = EngineMany2one(
        "customer.ruleset", string="Version", readonly=True, ondelete="cascade"
    )
    score = fields.Float(readonly=True, digits=(4, 2), aggregator="avg")
    recency_score = fields.Integer("R", readonly=True, aggregator="avg")
    frequency_score = fields.Integer("F", readonly=True, aggregator="avg")
    monetary_score = fields.Integer("M", readonly=True, aggregator="avg")
    grace_until = fields.Date("Kept Until", readonly=True)
    inputs = fields.Json(readonly=True)

    # In this order they are applied
    _line_partner_idx = models.Index("(line_id, partner_id)")

    @api.model
    def _stage_changes(self, line, ruleset, figures, scope=EVERYONE):
        """Stage what differs from the assignments of the version's dimension.

        A customer who is none any more, or to whom nothing gives a category, is
        staged with no category. The first category of a customer in the dimension is
        assigned at once: nobody is asked about it, and it leaves no history.

        :param SQL figures: a table expression with the figures of those in the scope
        :param Scope scope: whom the step is about; of nobody else anything is read
        """
        # a step's rows are joined and sorted in memory
        self.env.execute_query(SQL("SET LOCAL work_mem = %s", WORK_MEMORY))
        if ruleset.method == "rule":
            parts = self._collect_differing(line, ruleset, scope)
        else:
            judged, inputs = ruleset._get_judged(line.as_of, figures, scope)
            differing = self._get_differing(ruleset, judged, scope)
            parts = [(differing, self._get_inputs(line, ruleset, inputs))]
        created = sum(
            self._write_differing(line, ruleset, differing, inputs)
            for differing, inputs in parts
        )
        self.env["customer.assignment"]._after_creation(line, created)

    @api.model
    def _collect_differing(self, line, ruleset, scope):
        """Note what differs by rules in a temporary table; return it rule by rule.

        Several statements read it, each of which explains the decisions of a rule.

        :return: pairs of SQL with differing rows, and SQL that explains such a row
        """
        if self._create_differing_by_rules(ruleset, scope):
            ruleset.rule_ids.rule_id.filtered("error").error = False
        inputs = ruleset._get_matched_inputs(line.as_of)
        return ruleset._get_explained(
            SQL("pg_temp.customer_differing"),
            self._get_inputs(line, ruleset, inputs),
            line.as_of,
        )

    @api.model
    def _create_differing_by_rules(self, ruleset, scope):
        """Note what differs by rules in a temporary table.

        :return: whether every rule could be evaluated
        """
        try:
            with self.env.cr.savepoint(flush=False):
                judged = ruleset._get_matched_judged(scope)
                self._create_differing(ruleset, judged, scope)
        except psycopg2.OperationalError:
            raise  # another transaction came between: the step is repeated
        except Exception:
            judged = ruleset._get_matched_judged(scope, one_by_one=True)
            self._create_differing(ruleset, judged, scope)
            return False
        return True

    @api.model
    def _create_differing(self, ruleset, judged, scope):
        """Note the rows of :meth:`_get_differing` in a temporary table."""
        table = SQL("pg_temp.customer_differing")
        self.env.execute_query(SQL("DROP TABLE IF EXISTS %s", table))
        self.env.execute_query(
            SQL(
                "CREATE TEMPORARY TABLE customer_differing ON COMMIT DROP AS %s",
                self._get_differing(ruleset, judged, scope),
            )
        )
        self.env.execute_query(SQL("ANALYZE %s", table))

    @api.model
    def _get_differing(self, ruleset, judged, scope):
        """Return SQL with the judged customers whose assignment is another one.

        And those who have one and are not judged. Besides the columns of ``judged``
        the rows have ``customer_id``, ``customer_slot``, ``customer_category_id``, the
        ``former_category_id``, and ``is_first``: the customer has no row in the
        dimension yet.
        """
        is_first = SQL("assigned.partner_id IS NULL")
        if ruleset._get_settings()["multiple"]:
            is_first = SQL(
                """judged.partner_id IS NOT NULL AND NOT EXISTS (
                    SELECT FROM assigned AS other
                     WHERE other.partner_id = judged.partner_id
                )"""
            )
        return SQL(
            """
            WITH judged AS (%(judged)s),
            assigned AS (
                SELECT partner_id, slot, category_id, %(score_columns)s
                  FROM customer_assignment
                 WHERE company_id IS NOT DISTINCT FROM %(company)s
                   AND dimension_id = %(dimension)s
                   AND %(in_scope)s
            )
            SELECT judged.*,
                   COALESCE(judged.partner_id, assigned.partner_id) AS customer_id,
                   COALESCE(judged.slot, assigned.slot) AS customer_slot,
                   %(category)s AS customer_category_id,
                   assigned.category_id AS former_category_id,
                   %(is_first)s AS is_first
              FROM judged
              FULL JOIN assigned
                ON assigned.partner_id = judged.partner_id
               AND assigned.slot = judged.slot
             WHERE (%(category)s, %(judged_scores)s)
                   IS DISTINCT FROM (assigned.category_id, %(assigned_scores)s)
               AND (%(category)s IS NOT NULL OR assigned.category_id IS NOT NULL)
            """,
            judged=judged,
            company=ruleset.company_id.id or None,
            dimension=ruleset.dimension_id.id,
            in_scope=scope.on(SQL("partner_id")),
            category=self._get_category_sql(ruleset),
            is_first=is_first,
            score_columns=SQL(", ").join(map(SQL.identifier, SCORE_COLUMNS)),
            judged_scores=self._get_scores(ruleset, "judged"),
            assigned_scores=self._get_scores(ruleset, "assigned"),
        )

    @api.model
    def _get_inputs(self, line, ruleset, inputs):
        """Return SQL that explains a differing row, judged or not.

        :param SQL inputs: explains a judged one
        """
        return SQL(
            """
            CASE WHEN partner_id IS NULL
                 THEN jsonb_build_object('as_of', %(as_of)s, 'gone', %(gone)s)
                 WHEN category_id IS NULL AND customer_category_id IS NOT NULL
                 THEN %(inputs)s || '{"default": true}'::jsonb
                 ELSE %(inputs)s
            END
            """,
            as_of=fields.Date.to_string(line.as_of),
            gone={"score": "figures", "rule": "rules", "field": "field"}[
                ruleset.method
            ],
            inputs=inputs,
        )

    @api.model
    def _write_differing(self, line, ruleset, differing, inputs):
        """Assign the first categories among ``differing`` rows, and stage the others.

        :return: the number of first categories
        """
        try:
            with self.env.cr.savepoint(flush=False):
                return self._execute_writing(line, ruleset, differing, inputs, SQL())
        except psycopg2.errors.UniqueViolation:
            # Someone merged contacts meanwhile: so it is a serialization failure, and
            # the step is repeated. At once it would make each row a third slower.
            conflict = SQL("ON CONFLICT DO NOTHING")
            return self._execute_writing(line, ruleset, differing, inputs, conflict)

    @api.model
    def _execute_writing(self, line, ruleset, differing, inputs, conflict):
        """Write the rows; return how many were assigned at once."""
        self.env.cr.execute(
            SQL(
                """
                WITH differing AS MATERIALIZED (%(differing)s),
                -- whose contact was deleted while its category was being written
                orphaned AS (
                    SELECT customer_id
                      FROM differing
                     WHERE partner_id IS NULL
                       AND NOT EXISTS (
                           SELECT
                             FROM res_partner AS partner
                            WHERE partner.id = differing.customer_id
                       )
                ),
                removed AS (
                    DELETE FROM customer_assignment
                     WHERE partner_id IN (SELECT customer_id FROM orphaned)
                ),
                staged AS (
                    INSERT INTO customer_staging (
                        line_id, company_id, dimension_id, slot, ruleset_id,
                        partner_id, category_id, former_category_id, inputs,
                        %(score_columns)s
                    )
                    SELECT %(line)s, %(company)s, %(dimension)s, customer_slot,
                           %(ruleset)s, customer_id, customer_category_id,
                           former_category_id, %(inputs)s, %(scores)s
                      FROM differing
                     WHERE NOT is_first
                       AND customer_id NOT IN (SELECT customer_id FROM orphaned)
                     ORDER BY customer_id
                )
                INSERT INTO customer_assignment (
                    company_id, dimension_id, slot, ruleset_id, partner_id,
                    category_id, inputs, since, run_id, %(score_columns)s
                )
                SELECT %(company)s, %(dimension)s, customer_slot, %(ruleset)s,
                       customer_id, customer_category_id, %(inputs)s, %(now)s, %(run)s,
                       %(scores)s
                  FROM differing
                 WHERE is_first
                 ORDER BY customer_id
                %(conflict)s
                """,
                differing=differing,
                inputs=inputs,
                line=line.id,
                company=line.company_id.id or None,
                dimension=ruleset.dimension_id.id,
                ruleset=ruleset.id,
                now=fields.Datetime.now(),
                run=line.run_id.id,
                score_columns=SQL(", ").join(map(SQL.identifier, SCORE_COLUMNS)),
                scores=self._get_scores(ruleset, "differing"),
                conflict=conflict,
            )
        )
        return self.env.cr.rowcount

    @api.model
    def _stage_result(self, line, ruleset, figures):
        """Stage every customer to whom the version gives a category."""
        judged, inputs = ruleset._get_judged(line.as_of, figures)
        self.env.execute_query(
            SQL(
                """
                WITH judged AS (%(judged)s)
                INSERT INTO customer_staging (
                    line_id, company_id, dimension_id, slot, ruleset_id,
                    partner_id, category_id, inputs, %(score_columns)s
                )
                SELECT %(line)s, %(company)s, %(dimension)s, slot, %(ruleset)s,
                       partner_id, %(category)s, %(inputs)s, %(scores)s
                  FROM judged
                 WHERE %(category)s IS NOT NULL
                """,
                judged=judged,
                inputs=inputs,
                category=self._get_category_sql(ruleset),
                line=line.id,
                company=line.company_id.id or None,
                dimension=ruleset.dimension_id.id,
                ruleset=ruleset.id,
                score_columns=SQL(", ").join(map(SQL.identifier, SCORE_COLUMNS)),
                scores=self._get_scores(ruleset, "judged"),
            )
        )

    @api.model
    def _stage_withdrawal(self, line, dimensions, scope=EVERYONE):
        """Stage the end of every category of dimensions that compute none any more."""
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_staging (
                    line_id, company_id, dimension_id, slot, partner_id,
                    former_category_id, inputs
                )
                SELECT %(line)s, company_id, dimension_id, slot, partner_id,
                       category_id,
                       jsonb_build_object('as_of', %(as_of)s, 'gone', 'method')
                  FROM customer_assignment
                 WHERE company_id IS NOT DISTINCT FROM %(company)s
                   AND dimension_id = ANY(%(dimensions)s)
                   AND category_id IS NOT NULL
                   AND EXISTS (
                       SELECT
                         FROM res_partner AS partner
                        WHERE partner.id = customer_assignment.partner_id
                   )
                   AND %(in_scope)s
                """,
                line=line.id,
                company=line.company_id.id or None,
                as_of=fields.Date.to_string(line.as_of),
                dimensions=dimensions.ids,
                in_scope=scope.on(SQL("partner_id")),
            )
        )

    @api.model
    def _get_category_sql(self, ruleset):
        """Return SQL for a judged customer's category, the default one included."""
        settings = ruleset._get_settings()
        if settings["multiple"] or not settings["default"]:
            return SQL("judged.category_id")
        return SQL(
            "CASE WHEN judged.partner_id IS NOT NULL "
            "THEN COALESCE(judged.category_id, %s) END",
            settings["default"],
        )

    @api.model
    def _get_scores(self, ruleset, table):
        """Return SQL for the columns of a score; there is none but in a scored one."""
        if ruleset.method != "score" and table != "assigned":
            return SQL(", ").join(
                SQL("NULL::%s", SQL(self._fields[name].column_type[1]))
                for name in SCORE_COLUMNS
            )
        return SQL(", ").join(SQL.identifier(table, name) for name in SCORE_COLUMNS)
