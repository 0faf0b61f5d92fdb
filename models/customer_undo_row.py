from odoo import api, fields, models
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one
from .customer_override import DECISION_FIELDS


class CustomerUndoRow(models.Model):
    """What became of a customer when a run was taken back, and why."""

    _name = "customer.undo.row"
    _inherit = ["customer.rows.mixin"]
    _description = "Customer of an Undo"
    _order = "run_id, outcome desc, id"
    _rec_name = "partner_id"
    _log_access = False

    partner_id = EngineMany2one()
    company_id = EngineMany2one()
    run_id = fields.Many2one(
        "customer.classification.run",
        string="Undo",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    dimension_id = EngineMany2one(
        "customer.dimension", required=True, readonly=True, ondelete="cascade"
    )
    slot = fields.Integer(required=True, readonly=True, default=0)
    former_id = EngineMany2one(
        "customer.category", string="Before the Run", readonly=True, ondelete="cascade"
    )
    given_id = EngineMany2one(
        "customer.category", string="Given by It", readonly=True, ondelete="cascade"
    )
    outcome = fields.Selection(
        [
            ("restored", "Restored"),
            ("released", "Released"),
            ("decided", "Left: decided by hand"),
            ("changed", "Left: changed since"),
            ("no_former", "Left: had no category before"),
            ("archived", "Left: the former category is archived"),
            ("excluded", "Left: excluded from the classification"),
        ],
        required=True,
        readonly=True,
    )

    _run_partner_idx = models.Index("(run_id, partner_id)")

    @api.model
    def _pin(self, line, dimensions, scope):
        """Keep the former categories of customers, as decisions by hand.

        :param line: that of the undo
        :param list dimensions: ids
        """
        self.env.flush_all()
        self.env["customer.assignment.history"]._record_expired(
            line.company_id, line.as_of, scope, line.run_id
        )
        self._judge(line, dimensions, scope)
        self._remove_ended(line, scope)
        self._write_pins(line, scope)
        line.changed_count += self._count_restored(line, scope)
        self._invalidate(dimensions)

    @api.model
    def _judge(self, line, dimensions, scope):
        """Note for each customer what will become of it."""
        self.env.execute_query(
            SQL(
                """
                -- what the run did to each key: the first value before, the last after
                WITH changed AS (
                    SELECT DISTINCT ON (partner_id, dimension_id, slot)
                           partner_id, dimension_id, slot,
                           first_value(old_category_id) OVER first_first AS former_id,
                           first_value(new_category_id) OVER last_first AS given_id
                      FROM customer_assignment_history
                     WHERE run_id = %(run)s
                       AND event = 'run'
                       AND dimension_id = ANY(%(dimensions)s)
                       AND company_id IS NOT DISTINCT FROM %(company)s
                       AND %(in_scope)s
                    WINDOW first_first AS (
                               PARTITION BY partner_id, dimension_id, slot ORDER BY id
                           ),
                           last_first AS (
                               PARTITION BY partner_id, dimension_id, slot
                               ORDER BY id DESC
                           )
                )
                INSERT INTO customer_undo_row (
                    run_id, partner_id, company_id, dimension_id, slot, former_id,
                    given_id, outcome
                )
                SELECT %(undo)s, changed.partner_id, %(company)s, changed.dimension_id,
                       changed.slot, changed.former_id, changed.given_id,
                       CASE
                           WHEN decided.id IS NOT NULL THEN 'decided'
                           WHEN assignment.run_id IS DISTINCT FROM %(run)s
                                OR assignment.category_id
                                   IS DISTINCT FROM changed.given_id THEN 'changed'
                           WHEN excluded.id IS NOT NULL THEN 'excluded'
                           WHEN changed.slot = 0 AND changed.former_id IS NULL
                                THEN 'no_former'
                           WHEN former.id IS NULL AND changed.former_id IS NOT NULL
                                OR NOT former.active THEN 'archived'
                           ELSE 'restored'
                       END
                  FROM changed
                  LEFT JOIN customer_assignment AS assignment
                    ON assignment.partner_id = changed.partner_id
                   AND assignment.dimension_id = changed.dimension_id
                   AND assignment.company_id IS NOT DISTINCT FROM %(company)s
                   AND assignment.slot = changed.slot
                  LEFT JOIN customer_override AS decided
                    ON decided.partner_id = changed.partner_id
                   AND decided.dimension_id = changed.dimension_id
                   AND decided.company_id IS NOT DISTINCT FROM %(company)s
                   AND decided.slot = changed.slot
                   AND (decided.date_end IS NULL OR decided.date_end >= %(today)s)
                  LEFT JOIN customer_category AS former
                    ON former.id = changed.former_id
                  LEFT JOIN customer_exclusion AS excluded
                    ON excluded.partner_id = changed.partner_id
                 ORDER BY changed.partner_id
                """,
                undo=line.run_id.id,
                run=line.run_id.undone_run_id.id,
                company=line.company_id.id or None,
                dimensions=dimensions,
                in_scope=scope.on(SQL("partner_id")),
                today=line.as_of,
            )
        )

    @api.model
    def _remove_ended(self, line, scope):
        """Remove the decisions that ended, whose place pins take."""
        self.env.execute_query(
            SQL(
                """
                DELETE FROM customer_override AS ended
                 USING customer_undo_row AS row
                 WHERE row.run_id = %s
                   AND %s
                   AND row.outcome = 'restored'
                   AND ended.partner_id = row.partner_id
                   AND ended.dimension_id = row.dimension_id
                   AND ended.company_id IS NOT DISTINCT FROM row.company_id
                   AND ended.slot = row.slot
                """,
                line.run_id.id,
                scope.on(SQL.identifier("row", "partner_id")),
            )
        )

    @api.model
    def _write_pins(self, line, scope):
        """Write the decisions and their history.

        Where a customer can have several categories, one that the run removed is added
        again, and one that it added is excluded.
        """
        undone = line.run_id.undone_run_id
        user = line.run_id.user_id
        self.env.execute_query(
            SQL(
                """
                WITH pinned AS (
                    SELECT row.*,
                           CASE WHEN slot = 0 THEN 'set'
                                WHEN former_id IS NULL THEN 'exclude'
                                ELSE 'add'
                           END AS operation
                      FROM customer_undo_row AS row
                     WHERE run_id = %(undo)s
                       AND outcome = 'restored'
                       AND %(in_scope)s
                ),
                recorded AS (
                    INSERT INTO customer_assignment_history (
                        partner_id, company_id, dimension_id, slot, event, date,
                        old_category_id, old_since, new_category_id,
                        run_id, user_id, reason, is_to_publish, revenue
                    )
                    SELECT pinned.partner_id, pinned.company_id, pinned.dimension_id,
                           pinned.slot, pinned.operation, %(now)s,
                           assignment.category_id, assignment.since, pinned.former_id,
                           %(undo)s, %(user)s, %(reason)s, %(is_to_publish)s,
                           %(revenue)s
                      FROM pinned
                      LEFT JOIN customer_assignment AS assignment
                        ON assignment.partner_id = pinned.partner_id
                       AND assignment.dimension_id = pinned.dimension_id
                       AND assignment.company_id
                           IS NOT DISTINCT FROM pinned.company_id
                       AND assignment.slot = pinned.slot
                     ORDER BY pinned.partner_id
                )
                INSERT INTO customer_override (
                    partner_id, company_id, dimension_id, slot, operation, category_id,
                    reason, reviewed_on, origin, undone_run_id,
                    create_uid, create_date, write_uid, write_date
                )
                SELECT partner_id, company_id, dimension_id, slot, operation,
                       COALESCE(former_id, slot), %(reason)s, %(today)s, 'undo',
                       %(undone)s, %(user)s, %(now)s, %(user)s, %(now)s
                  FROM pinned
                 ORDER BY partner_id
                """,
                undo=line.run_id.id,
                in_scope=scope.on(SQL("partner_id")),
                now=fields.Datetime.now(),
                today=line.as_of,
                user=user.id,
                undone=undone.id,
                reason=self.with_context(lang=user.lang).env._(
                    "Run %s taken back", undone.id
                ),
                is_to_publish=self.env["customer.dimension"]._get_is_published(
                    SQL("pinned.dimension_id")
                ),
                revenue=self.env["customer.assignment.history"]._get_revenue_sql(
                    "pinned"
                ),
            )
        )

    @api.model
    def _count_restored(self, line, scope):
        [[count]] = self.env.execute_query(
            SQL(
                """
                SELECT count(*)
                  FROM customer_undo_row
                 WHERE run_id = %s AND %s AND outcome IN ('restored', 'released')
                """,
                line.run_id.id,
                scope.on(SQL("partner_id")),
            )
        )
        return count

    @api.model
    def _release(self, line, dimensions, scope):
        """Withdraw the pins of customers: the computed categories show again."""
        self.env.flush_all()
        self.env.execute_query(
            SQL(
                """
                WITH released AS (
                    DELETE FROM customer_override
                     WHERE undone_run_id = %(undone)s
                       AND origin = 'undo'
                       AND dimension_id = ANY(%(dimensions)s)
                       AND company_id IS NOT DISTINCT FROM %(company)s
                       AND %(in_scope)s
                    RETURNING *
                ),
                compared AS (
                    SELECT released.*,
                           CASE WHEN released.operation IN ('set', 'add')
                                THEN released.category_id
                           END AS kept_id,
                           assignment.category_id AS computed_id
                      FROM released
                      LEFT JOIN customer_assignment AS assignment
                        ON assignment.partner_id = released.partner_id
                       AND assignment.dimension_id = released.dimension_id
                       AND assignment.company_id
                           IS NOT DISTINCT FROM released.company_id
                       AND assignment.slot = released.slot
                ),
                recorded AS (
                    INSERT INTO customer_assignment_history (
                        partner_id, company_id, dimension_id, slot, event, date,
                        old_category_id, old_since, new_category_id,
                        run_id, user_id, reason, is_to_publish, revenue
                    )
                    SELECT partner_id, company_id, dimension_id, slot, 'withdrawn',
                           %(now)s, kept_id, write_date, computed_id,
                           %(undo)s, %(user)s, reason, %(is_to_publish)s, %(revenue)s
                      FROM compared
                     ORDER BY partner_id
                )
                INSERT INTO customer_undo_row (
                    run_id, partner_id, company_id, dimension_id, slot, former_id,
                    given_id, outcome
                )
                SELECT %(undo)s, partner_id, company_id, dimension_id, slot, kept_id,
                       computed_id, 'released'
                  FROM compared
                 ORDER BY partner_id
                """,
                undone=line.run_id.undone_run_id.id,
                undo=line.run_id.id,
                dimensions=dimensions,
                company=line.company_id.id or None,
                in_scope=scope.on(SQL("partner_id")),
                now=fields.Datetime.now(),
                user=line.run_id.user_id.id,
                is_to_publish=self.env["customer.dimension"]._get_is_published(
                    SQL("compared.dimension_id")
                ),
                revenue=self.env["customer.assignment.history"]._get_revenue_sql(
                    "compared"
                ),
            )
        )
        line.changed_count += self._count_restored(line, scope)
        self._invalidate(dimensions)

    @api.model
    def _invalidate(self, dimensions):
        for model in ("customer.override", "customer.assignment.history", self._name):
            self.env[model].invalidate_model()
        self.env["customer.classification.run"].invalidate_model(
            ["pin_count", "undo_row_count"]
        )
        self.env["res.partner"]._invalidate_customer_fields()
        told = (
            self.env["customer.dimension"]
            .browse(dimensions)
            .filtered(lambda d: d.publish_changes or d.notify_salesperson)
        )
        if told:
            self.env["customer.category.change"]._schedule_publication()


class CustomerOverride(models.Model):
    """A former category that is kept since a run was taken back."""

    _inherit = "customer.override"

    undone_run_id = fields.Many2one(
        "customer.classification.run",
        string="Keeps What Was Before",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            vals_list = [{**vals, "undone_run_id": False} for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            vals = {name: vals[name] for name in vals if name != "undone_run_id"}
        if DECISION_FIELDS & vals.keys():
            vals = {"undone_run_id": False, **vals}
        return super().write(vals)
