from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .customer_bulk_preview import get_kept
from .customer_staging import WORK_MEMORY


class CustomerBulk(models.Model):
    """Taking a bulk change back: the former decisions return.

    An undo is a bulk change of its own, with a preview, rows and history. Where
    somebody decided since, that decision stays, and is listed. An undo can be undone.
    """

    _inherit = "customer.bulk"

    def action_undo(self):
        """Show what taking this bulk change back would do."""
        self.ensure_one()
        if not self.may_undo or not self.done_count:
            raise UserError(self.env._("There is nothing here that you could undo."))
        undo = self.search(
            [
                ("undo_of_id", "=", self.id),
                ("state", "in", ("draft", "running")),
                ("user_id", "=", self.env.uid),
            ],
            limit=1,
        )
        # sudo: the addon writes it; the right to undo was checked
        undo = undo or self.sudo().create(self._get_undo_values())
        if undo.state == "draft":
            undo._preview_undo()
        return undo.sudo(False)._open()

    def _get_undo_values(self):
        text = self.env._("Undo of “%(name)s”", name=self.name)
        return {
            "name": text,
            "reason": text,
            "kind": "undo",
            "undo_of_id": self.id,
            "company_id": self.company_id.id,
            "validity": "open",
        }

    def _preview_undo(self):
        """Write the rows of an undo anew, and sum them up."""
        self.env.flush_all()
        self.env.execute_query(
            SQL("DELETE FROM customer_bulk_row WHERE bulk_id = %s", self.id)
        )
        self.env.execute_query(SQL("SET LOCAL work_mem = %s", WORK_MEMORY))
        self.env.execute_query(self._get_undo_query())
        # sudo: the addon writes what it worked out
        self.sudo().is_previewed = True
        self._renew_cells()

    def _get_undo_query(self):
        """Return the statement that writes a row for each one that was done.

        What was written is found by its id and time of writing, and by what it says of
        its origin: whoever decided since wrote later, and made it the own. A former
        decision that has ended by now leaves the computed category.
        """
        return SQL(
            """
            WITH done AS (
                SELECT done.*,
                       CASE WHEN done.company_id IS NULL THEN %(shared_today)s
                            ELSE %(today)s END::date AS today
                  FROM customer_bulk_row AS done
                 WHERE bulk_id = %(undone)s AND outcome = 'done'
            ),
            compared AS (
                SELECT done.*,
                       decided.id AS decided_id,
                       visible.id AS visible_id,
                       %(kept)s AS current,
                       CASE WHEN decided.id IS NULL THEN computed.category_id
                            WHEN decided.operation IN ('set', 'add')
                            THEN decided.category_id END AS effective_id,
                       computed.category_id AS computed_id,
                       CASE WHEN (former ->> 'date_end' IS NULL
                                  OR (former ->> 'date_end')::date >= today)
                             AND (former ->> 'category_id' IS NULL OR EXISTS (
                                 SELECT
                                   FROM customer_category AS category
                                  WHERE category.id
                                        = (former ->> 'category_id')::integer
                             ))
                            THEN former END AS valid
                  FROM done
                  LEFT JOIN customer_override AS decided
                    ON decided.partner_id = done.partner_id
                   AND decided.dimension_id = done.dimension_id
                   AND decided.company_id IS NOT DISTINCT FROM done.company_id
                   AND decided.slot = done.slot
                   AND (decided.date_end IS NULL OR decided.date_end >= today)
                  LEFT JOIN (
                       SELECT id FROM res_partner WHERE id IN %(visible)s
                  ) AS visible ON visible.id = done.partner_id
                  LEFT JOIN customer_assignment AS computed
                    ON computed.partner_id = done.partner_id
                   AND computed.dimension_id = done.dimension_id
                   AND computed.company_id IS NOT DISTINCT FROM done.company_id
                   AND computed.slot = done.slot
            )
            INSERT INTO customer_bulk_row (
                bulk_id, line_id, partner_id, company_id, dimension_id, slot, outcome,
                old_category_id, new_category_id, former, wanted
            )
            SELECT %(undo)s, line_id, partner_id, company_id, dimension_id, slot,
                   CASE WHEN decided_id IS NULL AND override_id IS NOT NULL
                        THEN 'ended_since'
                        WHEN (current ->> 'id')::integer
                             IS DISTINCT FROM override_id
                          OR (current ->> 'write_date')::timestamp
                             IS DISTINCT FROM written_at
                          OR CASE WHEN %(is_redo)s THEN current IS DISTINCT FROM wanted
                                  ELSE decided_id IS NOT NULL
                                   AND (current ->> 'bulk_id')::integer
                                       IS DISTINCT FROM %(undone)s
                             END
                        THEN 'since'
                        WHEN current IS NULL AND valid IS NULL THEN 'ended'
                        WHEN visible_id IS NULL THEN 'hidden'
                        ELSE 'pending'
                   END,
                   effective_id,
                   CASE WHEN valid IS NULL THEN computed_id
                        WHEN valid ->> 'operation' IN ('set', 'add')
                        THEN (valid ->> 'category_id')::integer END,
                   current, valid
              FROM compared
             ORDER BY id
            """,
            undo=self.id,
            is_redo=self.undo_of_id.kind == "undo",
            undone=self.undo_of_id.id,
            today=self._get_today(),
            shared_today=self._get_today(is_shared=True),
            kept=get_kept("decided"),
            visible=self._get_visible_partners(),
        )

    def _finish(self):
        """Note at what was undone that it was; what an undo undid holds again."""
        result = super()._finish()
        undone = self.undo_of_id
        if undone and self.state == "done":
            # sudo: the addon writes the states
            undone.sudo().write({"state": "undone", "undone_by_id": self.id})
            if undone.undo_of_id:
                undone.undo_of_id.sudo().write({"state": "done", "undone_by_id": False})
        return result
