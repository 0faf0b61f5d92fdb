from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL


class CustomerComparison(models.Model):
    """The matrix as people see it, and whether two are the same."""

    _inherit = "customer.comparison"

    matrix = fields.Json(
        compute="_compute_matrix",
        help="From which category to which: customers, revenue, and who is behind it.",
    )

    @api.depends("cell_ids.customer_count", "state", "after")
    @api.depends_context("lang")
    def _compute_matrix(self):
        for comparison in self:
            comparison.matrix = [comparison._get_matrix()]

    def _get_matrix(self):
        """Return all that the matrix shows, as plain data in the user's language."""
        self.ensure_one()
        self.check_access("read")
        cells = self.cell_ids
        categories = (cells.from_id | cells.to_id).with_context(active_test=False)
        order = self._get_order(categories)
        has_places = not self.dimension_id.is_multiple
        return {
            "id": self.id,
            "company": self.company_id.name or self.env._("All companies"),
            "currency": self.currency_id.id,
            "state": self.state,
            "isPast": self._has_happened(),
            "progress": self.progress,
            "error": self.error or "",
            "date": fields.Datetime.to_string(self.date_done) if self.date_done else "",
            "hasBrokenRules": self.has_broken_rules,
            "customers": self.customer_count,
            "moved": self.moved_count,
            "hidden": self.hidden_count,
            "share": self.moved_share,
            "categories": [
                {"id": category.id, "name": category.name, "color": category.color}
                for category in order
            ],
            "cells": [
                {
                    "from": cell.from_id.id,
                    "to": cell.to_id.id,
                    "customers": cell.customer_count,
                    "hidden": cell.hidden_count,
                    "revenue": cell.revenue,
                    "way": has_places and self._get_way(cell, order),
                }
                for cell in cells
            ],
        }

    def _has_happened(self):
        """Return whether the customers got the compared categories meanwhile."""
        return False

    def _get_order(self, categories):
        """Return the categories, the best first: by their limits, else by their order.

        The limits are those that the compared version has.
        """
        limits = self.ruleset_id.limit_ids
        scores = {limit.category_id: limit.minimum_score for limit in limits}
        return categories.sorted(lambda c: (-scores.get(c, 0), c.sequence, c.id))

    @api.model
    def _get_way(self, cell, order):
        """Return whether the way leads up or down, for a cell of who moves."""
        if not cell.is_move:
            return ""
        if not cell.from_id:
            return "first"
        if not cell.to_id:
            return "last"
        places = order.ids
        is_up = places.index(cell.to_id.id) < places.index(cell.from_id.id)
        return "up" if is_up else "down"

    def action_open_cell(self, from_id, to_id):
        """Open the customers who go from a category to another, or stay."""
        if not self.env["customer.comparison"].has_access("read"):
            raise AccessError(
                self.env._("Only managers of the customer classification may do this.")
            )
        return self._open_customers(from_id, to_id)

    # Whether two show the same

    def _get_digest(self):
        """Return a text that tells apart which customers a comparison moves."""
        [[digest]] = self.env.execute_query(
            SQL(
                """
                SELECT md5(string_agg(
                           concat_ws(':', partner_id, slot,
                                     COALESCE(from_id, 0), COALESCE(to_id, 0)),
                           ',' ORDER BY partner_id, slot))
                  FROM customer_comparison_row
                 WHERE comparison_id = %s
                """,
                self.id,
            )
        )
        return digest

    def _describe_differences(self, other):
        """Return what is another number in ``other``, as lines of text."""
        counts = [
            {(cell.from_id, cell.to_id): cell.customer_count for cell in it.cell_ids}
            for it in (self, other)
        ]
        none = self.env._("None")
        return [
            self.env._(
                "%(from)s → %(to)s: %(count)s (%(former)s before)",
                **{
                    "from": key[0].name or none,
                    "to": key[1].name or none,
                    "count": counts[1].get(key, 0),
                    "former": counts[0].get(key, 0),
                },
            )
            for key in {**counts[0], **counts[1]}
            if counts[0].get(key, 0) != counts[1].get(key, 0)
        ]
