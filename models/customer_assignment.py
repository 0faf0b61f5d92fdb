from odoo import api, fields, models
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one
from .customer_rights import MANAGER_GROUP
from .customer_staging import SCORE_COLUMNS
from .customer_statistics import renew_statistics


class CustomerAssignment(models.Model):
    """The category the engine computed for a customer. Only the engine writes it.

    ``since``, ``run_id``, ``ruleset_id`` and ``inputs`` say when and why the
    category was given, and stay as they are while it holds; the scores follow the
    invoices. No row: the customer never had a category. A row without category:
    it had one once.
    """

    _name = "customer.assignment"
    _inherit = ["customer.rows.mixin"]
    _description = "Computed Category"
    _order = "dimension_id, score desc, id"
    _rec_name = "partner_id"
    _log_access = False  # a narrow row, one for each customer and dimension

    partner_id = EngineMany2one()
    company_id = EngineMany2one()
    dimension_id = EngineMany2one(
        "customer.dimension", required=True, readonly=True, ondelete="cascade"
    )
    slot = fields.Integer(
        required=True,
        readonly=True,
        default=0,
        help="0, or the category's id where a customer may have several.",
    )
    category_id = EngineMany2one(
        "customer.category", readonly=True, ondelete="restrict"
    )
    score = fields.Float(
        readonly=True,
        digits=(4, 2),
        aggregator="avg",
        help="Weighted mean of the scores 1 to 5.",
    )
    recency_score = fields.Integer("R", readonly=True, aggregator="avg")
    frequency_score = fields.Integer("F", readonly=True, aggregator="avg")
    monetary_score = fields.Integer("M", readonly=True, aggregator="avg")
    grace_until = fields.Date(
        "Kept Until",
        readonly=True,
        help="The score fell below the limit of the category; unless it recovers, the "
        "category ends on this day.",
    )
    since = fields.Datetime(required=True, readonly=True)
    run_id = EngineMany2one(
        "customer.classification.run",
        string="Given By",
        readonly=True,
        ondelete="set null",
    )
    ruleset_id = EngineMany2one(
        # restrict: a version that was in force goes only with its whole dimension
        "customer.ruleset",
        string="Version",
        readonly=True,
        ondelete="restrict",
    )
    # it holds every figure that decided; the explanation leaves out what is hidden
    inputs = fields.Json(readonly=True, groups=MANAGER_GROUP)
    explanation = fields.Char(compute="_compute_explanation")

    # Each index takes about as long as the row itself: no others, please.
    # An expression, because a unique index takes two rows without company for
    # different ones (NULLS NOT DISTINCT needs PostgreSQL 15)
    _key_unique = models.UniqueIndex(
        "(partner_id, dimension_id, COALESCE(company_id, 0), slot)"
    )
    # Searches, groups and the panel of the contacts read nothing but this index
    _category_idx = models.Index(
        "(dimension_id, company_id, category_id) INCLUDE (partner_id, slot)"
    )
    _since_idx = models.Index("(since)")
    # few rows: those whose days of grace run
    _grace_idx = models.Index("(grace_until) WHERE grace_until IS NOT NULL")

    @api.depends("inputs", "category_id", "score", "grace_until")
    @api.depends_context("lang", "uid")
    def _compute_explanation(self):
        History = self.env["customer.assignment.history"]
        held = self._explain_held()
        for assignment in self:
            explanation = History._explain(
                assignment._get_inputs(),
                assignment.company_id.currency_id,
            )
            if explanation and assignment in held:
                explanation = History._join_sentences(explanation, held[assignment])
            assignment.explanation = explanation

    def _get_inputs(self):
        """Return what decided, see ``customer.ruleset._expand_inputs``."""
        # sudo: whoever is told leaves out what the user may not see
        return self.ruleset_id._expand_inputs(self.sudo().inputs)

    @api.model
    def _after_creation(self, line, created):
        """Let everybody know of rows that were created without having been staged.

        :param line: counts them
        """
        if created:
            renew_statistics(self.env, self._table, created)
            line.created_count += created
            self.invalidate_model()
            self.env["res.partner"]._invalidate_customer_fields()

    @api.model
    def _apply_staged(self, line, limit):
        """Apply the next ``limit`` staged rows of ``line`` and consume them.

        A few more, so that the rows of a customer stay together.

        One statement, in the order of the customers: history of what changes,
        changed rows, new rows. It reads the assignments again, so that a row
        staged before an interruption does no harm.

        :return: dict with the number of rows ``staged``, ``created`` and ``changed``
        """
        [counts] = self.env.execute_query_dict(self._get_apply_query(line, limit))
        renew_statistics(self.env, self._table, counts["created"])
        self.invalidate_model()
        self.env["customer.staging"].invalidate_model()
        self.env["customer.assignment.history"].invalidate_model()
        self.env["res.partner"]._invalidate_customer_fields()
        return counts

    @api.model
    def _get_apply_query(self, line, limit):
        """Return the statement of :meth:`_apply_staged`, its counts as one row."""
        return SQL(
            """
            -- up to the customer of the last row, and not by the rows' ids:
            -- no join that an empty table's statistics could spoil
            WITH staged AS (
                DELETE FROM customer_staging
                 WHERE line_id = %(line)s
                   AND partner_id <= (
                       SELECT max(partner_id)
                         FROM (
                             SELECT partner_id
                               FROM customer_staging
                              WHERE line_id = %(line)s
                              ORDER BY partner_id
                              LIMIT %(limit)s
                         ) AS next
                   )
                RETURNING *
            ),
            compared AS (
                -- one row a key: merging contacts may have left two
                SELECT DISTINCT ON (
                           staged.partner_id, staged.company_id,
                           staged.dimension_id, staged.slot
                       )
                       staged.*,
                       assignment.id AS assignment_id,
                       assignment.category_id AS old_category_id,
                       assignment.since AS old_since,
                       assignment.grace_until AS old_grace_until,
                       assignment.category_id IS DISTINCT FROM staged.category_id
                           AS is_change
                  FROM staged
                  LEFT JOIN customer_assignment AS assignment
                    ON assignment.partner_id = staged.partner_id
                   AND assignment.dimension_id = staged.dimension_id
                   AND assignment.company_id IS NOT DISTINCT FROM staged.company_id
                   AND assignment.slot = staged.slot
                 ORDER BY staged.partner_id, staged.company_id,
                          staged.dimension_id, staged.slot, staged.id
            ),
            recorded AS (
                INSERT INTO customer_assignment_history (
                    partner_id, company_id, dimension_id, slot, event, date,
                    old_category_id, old_since, old_grace_until, new_category_id,
                    run_id, ruleset_id, user_id, inputs, is_to_publish, is_hidden,
                    revenue
                )
                SELECT partner_id, company_id, dimension_id, slot, 'run', %(now)s,
                       old_category_id, old_since, old_grace_until, category_id,
                       %(run)s, ruleset_id, %(user)s, inputs, %(is_to_publish)s,
                       %(is_hidden)s, %(revenue)s
                  FROM compared
                 WHERE is_change
                   AND (assignment_id IS NOT NULL
                        -- one more category of a customer who has or had others
                        OR slot <> 0 AND EXISTS (
                            SELECT
                              FROM customer_assignment AS other
                             WHERE other.partner_id = compared.partner_id
                               AND other.dimension_id = compared.dimension_id
                               AND other.company_id
                                   IS NOT DISTINCT FROM compared.company_id
                        ))
            ),
            -- Rows are found by their key, without a join, too. And a row that
            -- another run created meanwhile is a serialization failure, which is
            -- retried, and not a broken key.
            rescored AS (
                INSERT INTO customer_assignment (
                    partner_id, company_id, dimension_id, slot, since,
                    %(score_columns)s
                )
                SELECT partner_id, company_id, dimension_id, slot, old_since,
                       %(score_columns)s
                  FROM compared
                 WHERE assignment_id IS NOT NULL AND NOT is_change
                ON CONFLICT (partner_id, dimension_id, COALESCE(company_id, 0), slot)
                DO UPDATE SET (%(score_columns)s) = ROW(%(excluded_scores)s)
            ),
            given AS (
                INSERT INTO customer_assignment (
                    partner_id, company_id, dimension_id, slot, category_id,
                    since, run_id, ruleset_id, inputs, %(score_columns)s
                )
                SELECT partner_id, company_id, dimension_id, slot, category_id,
                       %(now)s, %(run)s, ruleset_id, inputs, %(score_columns)s
                  FROM compared
                 WHERE is_change
                ON CONFLICT (partner_id, dimension_id, COALESCE(company_id, 0), slot)
                DO UPDATE
                   SET category_id = excluded.category_id,
                       since = excluded.since,
                       run_id = excluded.run_id,
                       ruleset_id = excluded.ruleset_id,
                       inputs = excluded.inputs,
                       (%(score_columns)s) = ROW(%(excluded_scores)s)
            )
            SELECT (SELECT count(*) FROM staged) AS staged,
                   count(*) FILTER (WHERE is_change AND assignment_id IS NULL)
                       AS created,
                   count(*) FILTER (WHERE is_change AND assignment_id IS NOT NULL)
                       AS changed
              FROM compared
            """,
            line=line.id,
            limit=limit,
            now=fields.Datetime.now(),
            run=line.run_id.id,
            user=self.env.uid,
            is_to_publish=self.env["customer.dimension"]._get_is_published(
                SQL("compared.dimension_id")
            ),
            is_hidden=self.env["customer.assignment.history"]._get_is_hidden_sql(
                "compared", line.as_of
            ),
            revenue=self.env["customer.assignment.history"]._get_revenue_sql(
                "compared"
            ),
            score_columns=SQL(", ").join(map(SQL.identifier, SCORE_COLUMNS)),
            excluded_scores=SQL(", ").join(
                SQL.identifier("excluded", name) for name in SCORE_COLUMNS
            ),
        )
