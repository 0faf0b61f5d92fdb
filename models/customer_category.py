from odoo import api, fields, models
from odoo.exceptions import UserError


class CustomerCategory(models.Model):
    """One possible answer of a dimension, such as "Gold"."""

    _name = "customer.category"
    _description = "Customer Category"
    _order = "dimension_id, sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(help="Short technical name for integrations.")
    dimension_id = fields.Many2one(
        "customer.dimension", required=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    color = fields.Integer(aggregator=None)
    description = fields.Text(translate=True)
    minimum_score = fields.Float(
        string="From Score",
        digits=(4, 2),
        aggregator=None,
        help="The lowest score, from 1 to 5, that gives this category. 0: never "
        "given by the score, only by hand.",
    )

    _code_unique = models.Constraint(
        "UNIQUE (dimension_id, code)",
        "Another category of this dimension already has this code.",
    )
    _score_valid = models.Constraint(
        "CHECK (minimum_score = 0 OR (minimum_score >= 1 AND minimum_score <= 5))",
        "A score runs from 1 to 5; enter 0 for a category that is only given by hand.",
    )

    @api.constrains("minimum_score", "dimension_id", "active")
    def _check_distinct_limits(self):
        # Limits may change places: the dimension's form saves them one by one
        if not self.env.context.get("customer_dimension_is_saving"):
            self.dimension_id._check_distinct_limits()

    def write(self, vals):
        if "dimension_id" in vals and any(
            category.dimension_id.id != vals["dimension_id"] for category in self
        ):
            raise UserError(
                self.env._(
                    "A category cannot move to another dimension; create it there."
                )
            )
        result = super().write(vals)
        if {"name", "active", "sequence"} & vals.keys():
            self.dimension_id._clear_view_caches()
        return result

    @api.model_create_multi
    def create(self, vals_list):
        categories = super().create(vals_list)
        categories.dimension_id._clear_view_caches()
        return categories

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for model in (
            "customer.assignment",
            "customer.override",
            "customer.ruleset.limit",
        ):
            # sudo: what another company's customers hold counts, too
            if (
                self.env[model]
                .sudo()
                .search_count([("category_id", "in", self.ids)], limit=1)
            ):
                raise UserError(
                    self.env._(
                        "Customers hold this category, or a version of the rules "
                        "names it. Archive it instead: that keeps their history."
                    )
                )

    def unlink(self):
        self.dimension_id._clear_view_caches()
        return super().unlink()

    def _get_limits(self):
        """Return ``[category id, lowest score]`` of the scored ones, best first."""
        scored = self.filtered(lambda c: c.active and c.minimum_score)
        return [
            [category.id, category.minimum_score]
            for category in scored.sorted("minimum_score", reverse=True)
        ]
