from odoo import api, fields, models
from odoo.tools import SQL

from .customer_category import SEQUENCE_STEP

#: Of a proposed code: room for a number behind it
MAX_LENGTH = 36


class CustomerDimension(models.Model):
    """What helps the administrator who edits a dimension."""

    _inherit = "customer.dimension"

    code = fields.Char(
        compute="_compute_code", store=True, readonly=False, precompute=True
    )
    sequence = fields.Integer(default=lambda self: self._get_last_sequence())
    is_used = fields.Boolean(
        "In Use",
        compute="_compute_is_used",
        help="Customers are or were classified by this dimension, so whether it "
        "allows several categories and whether companies share it is fixed.",
    )
    category_count = fields.Integer(
        "Number of Categories", compute="_compute_category_count"
    )

    @api.model
    def _get_last_sequence(self):
        """Return the number of a new dimension: behind those there are."""
        # sudo: dimensions that are hidden from the user have their places, too
        last = self.sudo().search([], order="sequence desc", limit=1)
        return last.sequence + SEQUENCE_STEP

    @api.depends("name")
    def _compute_code(self):
        """Propose a code from the name; one that is there stays."""
        for dimension in self:
            dimension.code = dimension.code or (
                dimension.name and dimension._propose_code(dimension.name)
            )

    @api.model
    def _propose_code(self, name):
        """Return a free code for ``name``: its ASCII letters, or ``dimension_N``."""
        code = self.env["customer.code.mixin"]._slugify(name).lstrip("0123456789_")
        code = code[:MAX_LENGTH].rstrip("_")
        # sudo: codes of dimensions that are hidden from the user are taken, too
        taken = set(
            self.sudo().with_context(active_test=False).search([]).mapped("code")
        )
        if code and code not in taken:
            return code
        prefix, number = (code, 2) if code else ("dimension", len(taken) + 1)
        while f"{prefix}_{number}" in taken:
            number += 1
        return f"{prefix}_{number}"

    def _compute_is_used(self):
        used = self._get_used()
        for dimension in self:
            dimension.is_used = dimension._origin in used

    @api.depends("category_ids")
    def _compute_category_count(self):
        counts = dict(
            self.env["customer.category"]._read_group(
                [("dimension_id", "in", self.ids)], ["dimension_id"], ["__count"]
            )
        )
        for dimension in self:
            dimension.category_count = counts.get(dimension._origin, 0)

    def _get_used(self):
        """Return the dimensions by which customers are or were classified."""
        used = self.browse()
        for model in (
            "customer.assignment",
            "customer.override",
            "customer.assignment.history",
        ):
            # sudo: what another company's customers hold counts, too
            rows = self.env[model].sudo()
            used |= self._origin.filtered(
                lambda dimension, rows=rows: rows.search_count(
                    [("dimension_id", "=", dimension.id)], limit=1
                )
            )
        return used

    def _sort_categories(self):
        """Number the categories of a tree so that parts follow what they belong to.

        The order is one number, as in a flat list: lists, pickers and filters show
        the tree without knowing it. Within a category its parts keep their order.
        """
        Category = self.env["customer.category"]
        Category.flush_model(["dimension_id", "parent_id", "sequence"])
        self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE trees AS (
                    SELECT DISTINCT dimension_id
                      FROM customer_category
                     WHERE dimension_id = ANY(%(dimensions)s)
                       AND parent_id IS NOT NULL
                ),
                walked AS (
                    SELECT id, ARRAY[sequence, id] AS path
                      FROM customer_category
                      JOIN trees USING (dimension_id)
                     WHERE parent_id IS NULL
                     UNION ALL
                    SELECT part.id, walked.path || ARRAY[part.sequence, part.id]
                      FROM walked
                      JOIN customer_category AS part ON part.parent_id = walked.id
                ),
                numbered AS (
                    SELECT id,
                           %(step)s * row_number() OVER (
                               PARTITION BY dimension_id ORDER BY path
                           ) AS sequence
                      FROM walked
                      JOIN customer_category USING (id)
                )
                UPDATE customer_category AS category
                   SET sequence = numbered.sequence
                  FROM numbered
                 WHERE category.id = numbered.id
                   AND category.sequence IS DISTINCT FROM numbered.sequence
                """,
                dimensions=self.ids,
                step=SEQUENCE_STEP,
            )
        )
        Category.invalidate_model(["sequence"])

    def copy(self, default=None):
        copies = super().copy(default)
        for dimension, copied in zip(self, copies, strict=True):
            # copied in their order, so each has the same place as its original
            twins = dict(
                zip(
                    dimension.category_ids.sorted("id").ids,
                    copied.category_ids.sorted("id").ids,
                    strict=False,
                )
            )
            for rule in dimension.rule_ids:
                if rule.category_id.id in twins:
                    rule.copy(
                        {
                            "dimension_id": copied.id,
                            "category_id": twins[rule.category_id.id],
                        }
                    )
        return copies

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        for dimension, vals in zip(self, vals_list, strict=True):
            if not (default and "name" in default):
                vals["name"] = self.env._("%s (copy)", dimension.name)
            if not (default and "code" in default):
                vals["code"] = self.env["customer.code.mixin"]._get_copy_code(dimension)
        return vals_list

    def action_renew_cut_points(self):
        """Ask the next computation to take the limits from its customers anew."""
        self.ruleset_ids.filtered(lambda r: r.state == "active").sudo()._expire_cuts()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "The next computation takes fifths and cumulated shares from the "
                    "customers of that day."
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
