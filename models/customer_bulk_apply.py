from odoo import fields, models
from odoo.tools import SQL

from .customer_bulk_preview import KEPT_COLUMNS, get_kept
from .customer_scope import Scope

#: Types of the kept columns that JSON keeps as text or number
KEPT_TYPES = {
    "date_end": "date",
    "reviewed_on": "date",
    "create_date": "timestamp",
    "write_date": "timestamp",
    "operation": "varchar",
    "reason": "varchar",
    "origin": "varchar",
}


class CustomerBulk(models.Model):
    """Doing what the rows of a bulk change say, some at a time.

    One statement has the effect of as many single decisions: it writes, changes or
    removes the decisions, records each in the history, marks what is to be published,
    and notes in the rows what became of them. It reads the decisions again; where one
    is not what the preview saw, the customer is left alone.
    """

    _inherit = "customer.bulk"

    def _apply_next(self, limit):
        """Apply the next pending rows.

        :param int limit: how many
        :return: how many there were
        """
        self.ensure_one()
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id, partner_id, company_id, dimension_id
                  FROM customer_bulk_row
                 WHERE bulk_id = %s AND outcome = 'pending'
                 ORDER BY id
                 LIMIT %s
                   FOR UPDATE
                """,
                self.id,
                limit,
            )
        )
        if not rows:
            return 0
        ids, partner_ids, company_ids, dimension_ids = (
            set(column) for column in zip(*rows, strict=True)
        )
        dimensions = self.env["customer.dimension"].browse(dimension_ids)
        dimensions.with_user(self.user_id)._check_may_edit()
        scope = Scope.of(sorted(partner_ids))
        History = self.env["customer.assignment.history"]
        for company in map(self.env["res.company"].browse, company_ids):
            today = self._get_today(is_shared=not company)
            History._record_expired(company, today, scope)
        planned = self._get_planned_reviews(sorted(ids))
        self.env.execute_query(self._get_apply_query(sorted(ids)))
        for model in (
            "customer.override",
            "customer.assignment.history",
            "customer.bulk.row",
        ):
            self.env[model].invalidate_model()
        self._close_planned_reviews(planned)
        # sudo: the tags are the addon's; who decides need not manage them
        dimensions.sudo().filtered("mirror_tags")._update_mirror(scope)
        if dimensions.sudo().filtered(
            lambda d: d.publish_changes or d.notify_salesperson
        ):
            self.env["customer.category.change"]._schedule_publication()
        self.env["res.partner"]._invalidate_customer_fields()
        return len(rows)

    def _get_planned_reviews(self, ids):
        """Return the activities to review what is decided, as ids by id of the row."""
        self.env["mail.activity"].flush_model()
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT row.id, array_agg(activity.id)
                      FROM customer_bulk_row AS row
                      JOIN mail_activity AS activity
                        ON activity.customer_override_id = (row.former ->> 'id')::int4
                     WHERE row.id = ANY(%s)
                       AND activity.active
                     GROUP BY row.id
                    """,
                    ids,
                )
            )
        )

    def _close_planned_reviews(self, planned):
        """Mark as done the reviews of decisions that are other ones now."""
        rows = self.env["customer.bulk.row"].browse(planned)
        # sudo: they may be planned for others, and end with the decision
        done = rows.sudo().filtered(lambda row: row.outcome == "done")
        activities = self.env["mail.activity"].sudo()
        activities = activities.browse(sum((planned[row.id] for row in done), []))
        activities.invalidate_recordset()
        if activities:
            activities.with_context(customer_review_is_known=True).action_feedback(
                feedback=self.env._(
                    "The category set by hand was confirmed or changed."
                )
            )

    def _get_apply_query(self, ids):
        """Return the statement that applies the rows with these ids."""
        return SQL(
            """
            WITH targets AS (%(targets)s),
            compared AS (
                SELECT targets.*,
                       decided.id AS current_id,
                       decided.create_uid AS current_create_uid,
                       decided.create_date AS current_create_date,
                       decided.is_in_force,
                       decided.date_end AS current_date_end,
                       CASE WHEN decided.is_in_force THEN
                            CASE WHEN decided.operation IN ('set', 'add')
                                 THEN decided.category_id END
                            ELSE computed.category_id
                       END AS effective_id,
                       CASE WHEN decided.is_in_force THEN decided.write_date
                            ELSE computed.since END AS effective_since,
                       computed.category_id AS computed_id,
                       CASE WHEN decided.is_in_force THEN decided.reason
                       END AS current_reason,
                       former IS NOT DISTINCT FROM
                           CASE WHEN decided.is_in_force THEN %(kept)s END
                       AND EXISTS (
                           SELECT
                             FROM res_partner AS customer
                            WHERE customer.id = targets.partner_id
                              AND customer.commercial_partner_id = customer.id
                              AND customer.id IN %(visible)s
                       )
                       AND (t_operation IS NULL OR NOT EXISTS (
                           SELECT
                             FROM customer_exclusion AS excluded
                            WHERE excluded.partner_id = targets.partner_id
                       )) AS is_as_seen
                  FROM targets
                  LEFT JOIN LATERAL (
                       SELECT override.*,
                              (date_end IS NULL
                               OR date_end >= CASE WHEN company_id IS NULL
                                                   THEN %(shared_today)s
                                                   ELSE %(today)s END::date)
                                  AS is_in_force
                         FROM customer_override AS override
                        WHERE override.partner_id = targets.partner_id
                          AND override.dimension_id = targets.dimension_id
                          AND override.company_id
                              IS NOT DISTINCT FROM targets.company_id
                          AND override.slot = targets.slot
                       ) AS decided ON TRUE
                  LEFT JOIN customer_assignment AS computed
                    ON computed.partner_id = targets.partner_id
                   AND computed.dimension_id = targets.dimension_id
                   AND computed.company_id IS NOT DISTINCT FROM targets.company_id
                   AND computed.slot = targets.slot
            ),
            removed AS (
                DELETE FROM customer_override AS override
                 USING compared
                 WHERE override.id = compared.current_id
                   AND compared.is_as_seen
                   AND compared.t_operation IS NULL
            ),
            written AS (
                INSERT INTO customer_override (
                    id, partner_id, company_id, dimension_id, slot, operation,
                    category_id, reason, date_end, reviewed_on, origin, bulk_id,
                    create_uid, create_date, write_uid, write_date
                )
                SELECT COALESCE(t_id, current_id, nextval(%(sequence)s)), partner_id,
                       company_id, dimension_id, slot, t_operation,
                       t_category_id, t_reason, t_date_end, t_reviewed_on, t_origin,
                       t_bulk_id,
                       COALESCE(t_create_uid, current_create_uid, t_write_uid),
                       COALESCE(t_create_date, current_create_date, t_write_date),
                       t_write_uid, t_write_date
                  FROM compared
                 WHERE is_as_seen AND t_operation IS NOT NULL
                 ORDER BY partner_id, dimension_id, slot
                ON CONFLICT (partner_id, dimension_id, COALESCE(company_id, 0), slot)
                DO UPDATE
                   SET operation = excluded.operation,
                       category_id = excluded.category_id,
                       reason = excluded.reason,
                       date_end = excluded.date_end,
                       reviewed_on = excluded.reviewed_on,
                       origin = excluded.origin,
                       bulk_id = excluded.bulk_id,
                       create_uid = excluded.create_uid,
                       create_date = excluded.create_date,
                       write_uid = excluded.write_uid,
                       write_date = excluded.write_date
             RETURNING id, partner_id, company_id, dimension_id, slot, write_date
            ),
            recorded AS (
                INSERT INTO customer_assignment_history (
                    partner_id, company_id, dimension_id, slot, event, date,
                    old_category_id, old_since, new_category_id, date_end, user_id,
                    reason, bulk_id, is_to_publish, revenue
                )
                SELECT partner_id, company_id, dimension_id, slot,
                       COALESCE(t_operation, 'withdrawn'), %(second)s,
                       effective_id, effective_since,
                       CASE WHEN t_operation IS NULL THEN computed_id
                            WHEN t_operation IN ('set', 'add') THEN t_category_id
                       END,
                       CASE WHEN t_operation IS NULL THEN current_date_end
                            ELSE t_date_end END,
                       %(user)s, COALESCE(%(reason)s, t_reason, current_reason),
                       %(bulk)s, %(is_to_publish)s, %(revenue)s
                  FROM compared
                 WHERE is_as_seen
            )
            UPDATE customer_bulk_row AS row
               SET outcome = CASE WHEN is_as_seen THEN 'done' ELSE 'meanwhile' END,
                   override_id = written.id,
                   written_at = written.write_date,
                   old_category_id = CASE WHEN is_as_seen THEN effective_id
                                          ELSE old_category_id END,
                   new_category_id = CASE WHEN is_as_seen AND t_operation IS NULL
                                          THEN computed_id
                                          ELSE new_category_id END
              FROM compared
              LEFT JOIN written
                ON written.partner_id = compared.partner_id
               AND written.dimension_id = compared.dimension_id
               AND written.company_id IS NOT DISTINCT FROM compared.company_id
               AND written.slot = compared.slot
             WHERE row.id = compared.row_id
            """,
            targets=self._get_targets_sql(ids),
            kept=get_kept("decided"),
            visible=self._get_visible_partners(),
            today=self._get_today(),
            shared_today=self._get_today(is_shared=True),
            sequence=f"{self.env['customer.override']._table}_id_seq",
            second=fields.Datetime.now(),
            user=self.user_id.id,
            reason=(self.reason or "").strip() or None,
            bulk=self.id,
            is_to_publish=self.env["customer.dimension"]._get_is_published(
                SQL("compared.dimension_id")
            ),
            revenue=self.env["customer.assignment.history"]._get_revenue_sql(
                "compared"
            ),
        )

    def _get_targets_sql(self, ids):
        """Return SQL for the rows with the decision that each shall have (``t_…``).

        No operation: none shall be left.
        """
        rows = SQL(
            "SELECT * FROM customer_bulk_row WHERE id = ANY(%s) ORDER BY id", ids
        )
        if self.kind == "undo":
            wanted = SQL(", ").join(
                SQL(
                    "(wanted ->> %(name)s)::%(type)s AS %(alias)s",
                    name=name,
                    type=SQL.identifier(KEPT_TYPES.get(name, "int4")),
                    alias=SQL.identifier(f"t_{name}"),
                )
                for name in KEPT_COLUMNS
            )
            return SQL(
                """SELECT id AS row_id, partner_id, company_id, dimension_id, slot,
                          former, %s
                     FROM (%s) AS rows""",
                wanted,
                rows,
            )
        return SQL(
            """
            SELECT rows.id AS row_id, partner_id, rows.company_id, rows.dimension_id,
                   rows.slot, former,
                   NULL::integer AS t_id,
                   NULLIF(line.operation, 'release') AS t_operation,
                   line.category_id AS t_category_id,
                   %(reason)s::varchar AS t_reason,
                   line.date_end AS t_date_end,
                   line.today AS t_reviewed_on,
                   'bulk'::varchar AS t_origin,
                   %(bulk)s::integer AS t_bulk_id,
                   NULL::integer AS t_create_uid,
                   NULL::timestamp AS t_create_date,
                   %(user)s::integer AS t_write_uid,
                   %(now)s::timestamp AS t_write_date
              FROM (%(rows)s) AS rows
              JOIN (%(lines)s) AS line USING (line_id)
            """,
            reason=(self.reason or "").strip() or None,
            bulk=self.id,
            user=self.user_id.id,
            now=self.env.cr.now(),
            rows=rows,
            lines=self._get_lines_sql(),
        )
