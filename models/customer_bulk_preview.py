from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_override import DEFAULT_DAYS
from .customer_staging import WORK_MEMORY

#: The columns of a decision that an undo brings back
KEPT_COLUMNS = (
    "id",
    "operation",
    "category_id",
    "reason",
    "date_end",
    "reviewed_on",
    "origin",
    "bulk_id",
    "create_uid",
    "create_date",
    "write_uid",
    "write_date",
)


def get_kept(alias):
    """Return SQL for a decision as JSON, or NULL where there is none.

    :param str alias: of ``customer_override`` in the query
    """
    pairs = SQL(", ").join(
        SQL("%s::text, %s", name, SQL.identifier(alias, name)) for name in KEPT_COLUMNS
    )
    return SQL(
        "CASE WHEN %s IS NOT NULL THEN jsonb_build_object(%s) END",
        SQL.identifier(alias, "id"),
        pairs,
    )


class CustomerBulk(models.Model):
    """What a bulk change would do, customer by customer. Nothing of it is decided."""

    _inherit = "customer.bulk"

    def action_preview(self):
        """Work out what would change, and who is skipped and why."""
        self.ensure_one()
        self.check_access("write")
        self._check_is_draft()
        self._find_references()
        self._check_complete()
        self._preview()
        return True

    def _check_complete(self):
        """Refuse what a single decision would refuse, too."""
        if not self.target_count:
            raise UserError(
                self.env._(
                    "Nobody is chosen: select contacts in a list, or enter references."
                )
            )
        if not self.line_ids:
            raise UserError(self.env._("Enter at least one decision."))
        for line in self.line_ids:
            dimension = line.dimension_id
            if not dimension.active:
                raise UserError(
                    self.env._(
                        "“%(dimension)s” is archived, so nothing is decided by it.",
                        dimension=dimension.name,
                    )
                )
            if line.operation in ("set", "add", "exclude") and not line.category_id:
                raise UserError(
                    self.env._(
                        "Choose the category for “%(dimension)s”.",
                        dimension=dimension.name,
                    )
                )
            if (
                line.operation != "release"
                and dimension.method != "manual"
                and not (self.reason or "").strip()
            ):
                raise UserError(
                    self.env._(
                        "“%(dimension)s” is computed: give the reason to decide "
                        "otherwise.",
                        dimension=dimension.name,
                    )
                )
        if self.validity == "until" and self.date_end < self._get_today():
            raise UserError(
                self.env._(
                    "The decision would end before it begins: choose today or a "
                    "later day. To end one now, withdraw it."
                )
            )

    def _preview(self):
        """Write the rows of the preview anew, and sum them up."""
        self._forget_preview()
        self.env.flush_all()
        # all customers are joined in memory
        self.env.execute_query(SQL("SET LOCAL work_mem = %s", WORK_MEMORY))
        self.env.execute_query(self._get_preview_query())
        # sudo: the addon writes what it worked out; who asked may change the draft
        self.sudo().is_previewed = True
        self._renew_cells()

    def _get_today(self, is_shared=False):
        """Return the day it is for decisions of the company, or of all companies."""
        if is_shared:
            return self.env["res.company"]._get_customer_today_of_all()
        return self.company_id._get_customer_today()

    def _get_date_end(self, line):
        """Return the last day of a line's decisions, or None."""
        if self.validity == "until":
            return self.date_end
        if self.validity == "open" or line.dimension_id.method == "manual":
            return None
        return fields.Date.add(
            self._get_today(line.dimension_id.is_shared), days=DEFAULT_DAYS
        )

    def _get_visible_partners(self):
        """Return SQL that selects the contacts that whoever made the change may see."""
        Partner = self.env["res.partner"].with_user(self.user_id)
        if self.env.user != self.user_id:
            # in the background: all companies of the user
            companies = self.user_id.company_ids.ids
            Partner = Partner.with_context(allowed_company_ids=companies)
        return Partner._search(Domain.TRUE, active_test=False).subselect()

    def _get_lines_sql(self):
        """Return SQL for the lines as rows, with what the user may and the dates."""
        return SQL(" UNION ALL ").join(
            SQL(
                """
                SELECT %(id)s::integer AS line_id,
                       %(dimension)s::integer AS dimension_id,
                       %(company)s::integer AS company_id,
                       %(operation)s::text AS operation,
                       %(category)s::integer AS category_id,
                       %(slot)s::integer AS slot,
                       %(is_any_slot)s::boolean AS is_any_slot,
                       %(applies_to)s::text AS applies_to,
                       %(applies_invoices)s::text AS applies_invoices,
                       %(may_edit)s::boolean AS may_edit,
                       %(today)s::date AS today,
                       %(date_end)s::date AS date_end
                """,
                id=line.id,
                dimension=line.dimension_id.id,
                company=None if line.dimension_id.is_shared else self.company_id.id,
                operation=line.operation,
                category=line.category_id.id or None,
                slot=line.is_multiple and line.category_id.id or 0,
                is_any_slot=line.is_multiple and not line.category_id,
                applies_to=line.dimension_id.applies_to,
                applies_invoices=line.dimension_id.applies_invoices,
                may_edit=line.dimension_id.with_user(self.user_id).user_may_edit,
                today=self._get_today(line.dimension_id.is_shared),
                date_end=self._get_date_end(line),
            )
            for line in self.line_ids
        )

    def _get_preview_query(self):
        """Return the statement that writes a row for each customer and decision.

        Contacts stand for their commercial entity. The first reason to skip a customer
        counts.
        """
        return SQL(
            """
            WITH lines AS (%(lines)s),
            customers AS (
                SELECT COALESCE(customer.id, min(contact.id)) AS partner_id,
                       customer.id IS NULL AS is_hidden,
                       bool_or(COALESCE(customer.is_company, FALSE)) AS is_company
                  FROM customer_bulk_target AS target
                  JOIN res_partner AS contact ON contact.id = target.partner_id
                  LEFT JOIN res_partner AS customer
                    ON customer.id = contact.commercial_partner_id
                   AND customer.id IN %(visible)s
                 WHERE target.bulk_id = %(bulk)s
                   AND contact.id IN %(visible)s
                 GROUP BY customer.id,
                          CASE WHEN customer.id IS NULL THEN contact.id END
            ),
            keyed AS (
                SELECT line.*, customers.*,
                       COALESCE(decided.slot, line.slot) AS key_slot,
                       decided.id AS decided_id,
                       decided.operation AS decided_operation,
                       decided.category_id AS decided_category_id,
                       decided.write_uid AS decided_by,
                       %(kept)s AS former
                  FROM customers
                 CROSS JOIN lines AS line
                  LEFT JOIN customer_override AS decided
                    ON decided.partner_id = customers.partner_id
                   AND decided.dimension_id = line.dimension_id
                   AND decided.company_id IS NOT DISTINCT FROM line.company_id
                   AND (decided.slot = line.slot OR line.is_any_slot)
                   AND (decided.date_end IS NULL OR decided.date_end >= line.today)
            ),
            effects AS (
                SELECT keyed.*,
                       CASE WHEN decided_id IS NULL THEN computed.category_id
                            WHEN decided_operation IN ('set', 'add')
                            THEN decided_category_id
                       END AS old_category_id,
                       CASE WHEN operation IN ('set', 'add') THEN keyed.category_id
                            WHEN operation = 'release' THEN computed.category_id
                       END AS new_category_id
                  FROM keyed
                  LEFT JOIN customer_assignment AS computed
                    ON computed.partner_id = keyed.partner_id
                   AND computed.dimension_id = keyed.dimension_id
                   AND computed.company_id IS NOT DISTINCT FROM keyed.company_id
                   AND computed.slot = keyed.key_slot
            ),
            judged AS (
                SELECT effects.*,
                       CASE
                       WHEN NOT may_edit THEN 'permission'
                       WHEN is_hidden THEN 'hidden'
                       WHEN operation = 'release' AND decided_id IS NULL THEN 'same'
                       WHEN EXISTS (
                            SELECT
                              FROM customer_exclusion AS excluded
                             WHERE excluded.partner_id = effects.partner_id
                            ) AND operation <> 'release' THEN 'excluded'
                       WHEN operation <> 'release' AND NOT (
                                applies_to = 'all'
                                OR (applies_to = 'company') = is_company
                            ) THEN 'not_applicable'
                       WHEN operation <> 'release' AND applies_invoices <> 'all'
                            AND (applies_invoices = 'with') <> EXISTS (
                                SELECT
                                  FROM customer_figures AS figures
                                 WHERE figures.partner_id = effects.partner_id
                                   AND (figures.company_id = effects.company_id
                                        OR effects.company_id IS NULL)
                                   AND figures.invoice_count + figures.refund_count > 0
                            ) THEN 'not_applicable'
                       WHEN NOT %(include_same)s AND operation <> 'release' AND (
                                decided_id IS NOT NULL
                                AND decided_operation = operation
                                AND decided_category_id IS NOT DISTINCT FROM category_id
                                OR decided_id IS NULL
                                AND operation <> 'exclude'
                                AND old_category_id IS NOT DISTINCT FROM new_category_id
                                OR decided_id IS NULL
                                AND operation = 'exclude'
                                AND old_category_id IS NULL
                            ) THEN 'same'
                       WHEN decided_id IS NOT NULL AND (
                                %(policy)s = 'keep'
                                OR %(policy)s = 'own' AND decided_by <> %(user)s
                            ) THEN 'decided'
                       ELSE 'pending'
                       END AS outcome
                  FROM effects
            )
            INSERT INTO customer_bulk_row (
                bulk_id, line_id, partner_id, company_id, dimension_id, slot, outcome,
                old_category_id, new_category_id, former
            )
            SELECT %(bulk)s, line_id, partner_id, company_id, dimension_id, key_slot,
                   outcome, old_category_id, new_category_id,
                   CASE WHEN outcome IN ('pending', 'decided') THEN former END
              FROM judged
             ORDER BY partner_id, line_id, key_slot
            """,
            lines=self._get_lines_sql(),
            bulk=self.id,
            visible=self._get_visible_partners(),
            kept=get_kept("decided"),
            include_same=self.include_same,
            policy=self.decided_policy,
            user=self.user_id.id,
        )

    def _renew_cells(self):
        """Sum up the rows, by where they come from and go to, or why they stay."""
        self.env.execute_query(
            SQL("DELETE FROM customer_bulk_cell WHERE bulk_id = %s", self.id)
        )
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_bulk_cell (
                    bulk_id, dimension_id, outcome, old_category_id, new_category_id,
                    count
                )
                SELECT bulk_id, dimension_id, outcome, old_id, new_id, count(*)
                  FROM (
                      SELECT bulk_id, dimension_id, outcome,
                             CASE WHEN outcome IN ('pending', 'done')
                                  THEN old_category_id END AS old_id,
                             CASE WHEN outcome IN ('pending', 'done')
                                  THEN new_category_id END AS new_id
                        FROM customer_bulk_row
                       WHERE bulk_id = %s
                  ) AS rows
                 GROUP BY bulk_id, dimension_id, outcome, old_id, new_id
                """,
                self.id,
            )
        )
        self.env["customer.bulk.row"].invalidate_model()
        self.env["customer.bulk.cell"].invalidate_model()
        self.invalidate_recordset()
