from odoo import api, fields, models
from odoo.tools import SQL


class CustomerAssignment(models.Model):
    """Computed categories when categories are merged."""

    _inherit = "customer.assignment"

    @api.model
    def _merge_categories(self, sources, target, reason):
        """Give ``target`` to all who have one of ``sources``; record it.

        The merged categories count as one: a customer has ``target`` since the day
        on which the first of them was given.

        :param str reason: what the history says of it
        """
        values = {
            "dimension": target.dimension_id.id,
            "sources": sources.ids,
            "target": target.id,
            "now": fields.Datetime.now(),
            "user": self.env.uid,
            "reason": reason,
        }
        if target.dimension_id.is_multiple:
            query = self._get_merge_of_several(values)
        else:
            query = self._get_merge_of_one(values)
        self.env.execute_query(query)
        self.invalidate_model()

    @api.model
    def _get_merge_of_one(self, values):
        """Return the statement where a customer has one category."""
        return SQL(
            """
            WITH held AS (
                SELECT id, category_id, since
                  FROM customer_assignment
                 WHERE dimension_id = %(dimension)s
                   AND category_id = ANY(%(sources)s)
            ),
            moved AS (
                UPDATE customer_assignment AS assignment
                   SET category_id = %(target)s
                  FROM held
                 WHERE assignment.id = held.id
             RETURNING assignment.*, held.category_id AS old_category_id
            )
            INSERT INTO customer_assignment_history (
                partner_id, company_id, dimension_id, slot, event, date,
                old_category_id, old_since, new_category_id, user_id, reason, effect
            )
            SELECT partner_id, company_id, dimension_id, slot, 'merged', %(now)s,
                   old_category_id, since, category_id, %(user)s, %(reason)s,
                   'computed'
              FROM moved
            """,
            **values,
        )

    @api.model
    def _get_merge_of_several(self, values):
        """Return the statement where each category has a row of its own.

        The rows of the merged ones end; one row of their successor remains.
        """
        return SQL(
            """
            WITH held AS (
                SELECT *
                  FROM customer_assignment
                 WHERE dimension_id = %(dimension)s
                   AND slot = ANY(%(sources)s)
                   AND category_id IS NOT NULL
            ),
            first_held AS (
                SELECT DISTINCT ON (partner_id, company_id) *
                  FROM held
                 ORDER BY partner_id, company_id, since, id
            ),
            joined AS (
                SELECT first_held.*,
                       kept.id AS kept_id,
                       kept.since AS kept_since,
                       kept.category_id IS NOT NULL AS has_target
                  FROM first_held
                  LEFT JOIN customer_assignment AS kept
                    ON kept.partner_id = first_held.partner_id
                   AND kept.dimension_id = first_held.dimension_id
                   AND kept.company_id IS NOT DISTINCT FROM first_held.company_id
                   AND kept.slot = %(target)s
            ),
            recorded AS (
                INSERT INTO customer_assignment_history (
                    partner_id, company_id, dimension_id, slot, event, date,
                    old_category_id, old_since, new_category_id, user_id, reason,
                    effect
                )
                SELECT partner_id, company_id, dimension_id, slot, 'merged', %(now)s,
                       category_id, since, NULL::integer, %(user)s, %(reason)s,
                       'computed'
                  FROM held
                 UNION ALL
                -- also where it stays: from when it really was the successor
                SELECT partner_id, company_id, dimension_id, %(target)s,
                       CASE WHEN has_target THEN 'moved' ELSE 'merged' END, %(now)s,
                       CASE WHEN has_target THEN %(target)s END,
                       CASE WHEN has_target THEN kept_since END,
                       %(target)s, %(user)s, %(reason)s, 'computed'
                  FROM joined
                 WHERE NOT has_target OR since < kept_since
            ),
            renewed AS (
                UPDATE customer_assignment AS kept
                   SET category_id = %(target)s,
                       since = CASE WHEN has_target
                                    THEN LEAST(kept.since, joined.since)
                                    ELSE joined.since
                               END
                  FROM joined
                 WHERE kept.id = joined.kept_id
            ),
            added AS (
                INSERT INTO customer_assignment (
                    partner_id, company_id, dimension_id, slot, category_id,
                    since, run_id, ruleset_id, inputs
                )
                SELECT partner_id, company_id, dimension_id, %(target)s, %(target)s,
                       since, run_id, ruleset_id, inputs
                  FROM joined
                 WHERE kept_id IS NULL
            )
            DELETE FROM customer_assignment
             WHERE dimension_id = %(dimension)s
               AND slot = ANY(%(sources)s)
            """,
            **values,
        )
