from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL


class CustomerCategory(models.Model):
    """Who holds a category today, and what happens when it is archived."""

    _inherit = "customer.category"

    customer_count = fields.Integer(
        "Customers",
        compute="_compute_customer_count",
        help="Customers who have the category today in the active company, those of "
        "its parts included.",
    )

    @api.depends_context("company", "uid")
    def _compute_customer_count(self):
        """Count the customers of all categories in one query."""
        parts = self.search([("id", "child_of", self.ids)])
        visible = self.env["res.partner"]._search(Domain.TRUE)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT whole.id, count(DISTINCT holder.partner_id)
                  FROM (%(holders)s) AS holder
                  JOIN customer_category AS held ON held.id = holder.category_id
                  JOIN customer_category AS whole
                    ON held.parent_path LIKE whole.parent_path || '%%'
                 WHERE whole.id = ANY(%(wholes)s)
                   AND holder.partner_id IN %(visible)s
                   AND COALESCE(holder.company_id, %(company)s) = %(company)s
                 GROUP BY whole.id
                """,
                holders=parts._get_holders(),
                wholes=self.ids,
                visible=visible.subselect(),
                company=self.env.company.root_id.id,
            )
        )
        counts = dict(rows)
        for category in self:
            category.customer_count = counts.get(category._origin.id, 0)

    def action_open_customers(self):
        """Open the customers who have the category or one of its parts."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.res_partner_action"
        )
        return {
            **action,
            "name": self.complete_name,
            "display_name": self.complete_name,
            "domain": [(self.dimension_id.partner_field_name, "child_of", self.id)],
            "context": {"res_partner_search_mode": "customer"},
            "path": False,
        }

    def action_archive(self):
        """Archive; where customers hold one of them, ask first where they go."""
        if self._count_holders():
            return self._get_wizard_action("customer.category.archive")
        return super().action_archive()

    def action_merge(self):
        """Ask into which category these shall be merged."""
        return self._get_wizard_action("customer.category.merge")

    def _get_wizard_action(self, model):
        return {
            "type": "ir.actions.act_window",
            "name": self.env[model]._description,
            "res_model": model,
            # the client's own Archive asks for the action itself, so it needs the
            # views by name
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_category_ids": self.ids},
        }

    def _check_unheld(self):
        """Refuse to go on where customers of any company hold one of the categories.

        :raise UserError: with the number, and what to do
        """
        for category in self:
            count = category._count_holders()
            if count:
                raise UserError(
                    self.env._(
                        "Customers hold “%(category)s”: %(count)s of them. Use "
                        "“Archive” or “Merge” of the category, which ask where they "
                        "go.",
                        category=category.name,
                        count=count,
                    )
                )

    def _count_holders(self, by_hand=None):
        """Return how many customers of all companies hold one of the categories.

        :param bool by_hand: only those to whom a person gave it, or only those to
            whom nobody did
        """
        [[count]] = self.env.execute_query(
            SQL(
                """
                SELECT count(DISTINCT partner_id)
                  FROM (%(holders)s) AS holder
                 WHERE %(both)s OR is_by_hand = %(by_hand)s
                """,
                holders=self._get_holders(),
                both=by_hand is None,
                by_hand=bool(by_hand),
            )
        )
        return count

    def _get_holders(self):
        """Return SQL for who holds one of the categories today, in all companies.

        Its columns: ``category_id``, ``partner_id``, ``company_id``, ``is_by_hand``.
        """
        Override = self.env["customer.override"]
        Override.flush_model()
        # sudo: the callers restrict the rows to what the user may see
        in_force = Override.sudo()._search(
            [
                ("dimension_id", "in", self.dimension_id.ids),
                ("is_in_force", "=", True),
            ]
        )
        return SQL(
            """
            WITH decided AS (
                SELECT * FROM customer_override WHERE id IN %(in_force)s
            )
            SELECT category_id, partner_id, company_id, FALSE AS is_by_hand
              FROM customer_assignment AS assignment
             WHERE dimension_id = ANY(%(dimensions)s)
               AND category_id = ANY(%(categories)s)
               AND NOT EXISTS (
                   SELECT FROM decided
                    WHERE decided.partner_id = assignment.partner_id
                      AND decided.dimension_id = assignment.dimension_id
                      AND decided.slot = assignment.slot
                      AND decided.company_id IS NOT DISTINCT FROM assignment.company_id
               )
             UNION ALL
            SELECT category_id, partner_id, company_id, TRUE
              FROM decided
             WHERE category_id = ANY(%(categories)s)
               AND operation IN ('set', 'add')
            """,
            in_force=in_force.subselect(),
            dimensions=self.dimension_id.ids,
            categories=self.ids,
        )
