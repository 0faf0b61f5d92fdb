from odoo import api, fields, models
from odoo.tools import SQL


class CustomerOverride(models.Model):
    """Decisions by hand when categories are merged or archived."""

    _inherit = "customer.override"

    @api.model
    def _merge_categories(self, sources, target, reason):
        """Let decisions about one of ``sources`` be about ``target``; record it.

        Who made a decision, when and until when stays as it is: nobody decided anew.

        :param str reason: what the history says of it
        """
        # sudo: decisions of all companies and people move along
        every = self.sudo().search([("category_id", "in", (sources | target).ids)])
        every._record_ended()
        self.env.flush_all()
        in_force = self.sudo()._search(
            [("id", "in", every.ids), ("has_ended", "=", False)]
        )
        values = {
            "dimension": target.dimension_id.id,
            "sources": sources.ids,
            "target": target.id,
            "both": (sources | target).ids,
            "in_force": in_force.subselect(),
            "now": fields.Datetime.now(),
            "user": self.env.uid,
            "reason": reason,
        }
        if target.dimension_id.is_multiple:
            self._merge_several(values)
        else:
            self._merge_one(values)
        self.invalidate_model()

    @api.model
    def _merge_one(self, values):
        """Move the decisions where a customer has one category, and one decision."""
        self.env.execute_query(
            SQL(
                """
                WITH held AS (
                    SELECT id, category_id, id IN %(in_force)s AS is_in_force
                      FROM customer_override
                     WHERE category_id = ANY(%(sources)s)
                ),
                moved AS (
                    UPDATE customer_override AS override
                       SET category_id = %(target)s
                      FROM held
                     WHERE override.id = held.id
                 RETURNING override.*, held.category_id AS old_category_id, is_in_force
                )
                INSERT INTO customer_assignment_history (
                    partner_id, company_id, dimension_id, slot, event, date,
                    old_category_id, old_since, new_category_id, date_end,
                    user_id, reason, effect
                )
                SELECT partner_id, company_id, dimension_id, slot, 'merged', %(now)s,
                       old_category_id, write_date, category_id, date_end,
                       %(user)s, %(reason)s, 'decided'
                  FROM moved
                 WHERE is_in_force
                """,
                **values,
            )
        )

    @api.model
    def _merge_several(self, values):
        """Leave one decision for each customer where each category has its own.

        An added category stays added. An exclusion stays only where the customer
        has none of the merged categories: it must not take away what is held.
        """
        kept = [
            row[0]
            for row in self.env.execute_query(
                SQL(
                    """
                    WITH decided AS (
                        SELECT *
                          FROM customer_override
                         WHERE category_id = ANY(%(both)s)
                           AND id IN %(in_force)s
                    ),
                    held AS (
                        SELECT partner_id, company_id
                          FROM decided
                         WHERE operation = 'add'
                         UNION
                        SELECT partner_id, company_id
                          FROM customer_assignment AS assignment
                         WHERE dimension_id = %(dimension)s
                           AND category_id = ANY(%(both)s)
                           AND NOT EXISTS (
                               SELECT
                                 FROM decided
                                WHERE decided.partner_id = assignment.partner_id
                                  AND decided.company_id
                                      IS NOT DISTINCT FROM assignment.company_id
                                  AND decided.slot = assignment.slot
                           )
                    )
                    SELECT DISTINCT ON (decided.partner_id, decided.company_id)
                           decided.id
                      FROM decided
                      LEFT JOIN held
                        ON held.partner_id = decided.partner_id
                       AND held.company_id IS NOT DISTINCT FROM decided.company_id
                     WHERE decided.operation = 'add' OR held.partner_id IS NULL
                     ORDER BY decided.partner_id, decided.company_id,
                              decided.operation = 'add' DESC,
                              decided.slot = %(target)s DESC,
                              decided.date_end DESC NULLS FIRST,
                              decided.id
                    """,
                    **values,
                )
            )
        ]
        self._record_merge_of_several(values, kept)
        self.env.execute_query(
            SQL(
                """
                DELETE FROM customer_override AS override
                 WHERE category_id = ANY(%(both)s)
                   AND id <> ALL(%(kept)s)
                   AND (
                       category_id <> %(target)s
                       OR id IN %(in_force)s
                       -- one that has ended leaves its place to the kept one
                       OR EXISTS (
                           SELECT
                             FROM customer_override AS kept
                            WHERE kept.id = ANY(%(kept)s)
                              AND kept.partner_id = override.partner_id
                              AND kept.company_id
                                  IS NOT DISTINCT FROM override.company_id
                       )
                   )
                """,
                kept=kept,
                **values,
            )
        )
        self.env.execute_query(
            SQL(
                """
                UPDATE customer_override
                   SET category_id = %(target)s, slot = %(target)s
                 WHERE id = ANY(%(kept)s)
                """,
                kept=kept,
                **values,
            )
        )

    @api.model
    def _record_merge_of_several(self, values, kept):
        """Record which decisions end, and which begin to be about the successor."""
        self.env.execute_query(
            SQL(
                """
                WITH moved AS (
                    SELECT *, operation = 'add' AS is_added
                      FROM customer_override
                     WHERE category_id = ANY(%(both)s)
                       AND id IN %(in_force)s
                       AND NOT (slot = %(target)s AND id = ANY(%(kept)s))
                )
                INSERT INTO customer_assignment_history (
                    partner_id, company_id, dimension_id, slot, event, date,
                    old_category_id, old_since, new_category_id, date_end,
                    user_id, reason, effect
                )
                SELECT partner_id, company_id, dimension_id, slot, 'merged', %(now)s,
                       CASE WHEN is_added THEN category_id END, write_date,
                       NULL::integer, date_end, %(user)s, %(reason)s, 'released'
                  FROM moved
                 UNION ALL
                SELECT partner_id, company_id, dimension_id, %(target)s, 'merged',
                       %(now)s, NULL, NULL,
                       CASE WHEN is_added THEN %(target)s END, date_end,
                       %(user)s, %(reason)s, 'decided'
                  FROM moved
                 WHERE id = ANY(%(kept)s)
                """,
                kept=kept,
                **values,
            )
        )
