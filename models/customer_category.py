from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

#: Stands between a category and its part, in names and in what people type
PATH_SEPARATOR = "›"
#: Between the sequence numbers of two categories: room to put one between them
SEQUENCE_STEP = 10


class CustomerCategory(models.Model):
    """One possible answer of a dimension, such as "Gold"."""

    _name = "customer.category"
    _inherit = ["customer.code.mixin", "customer.engine.links.mixin"]
    _description = "Customer Category"
    _parent_store = True
    _order = "dimension_id, sequence, id"
    _rec_names_search = ["complete_name", "code"]
    _code_scope = "dimension_id"
    _code_fallback = "category"

    name = fields.Char(required=True, translate=True)
    parent_id = fields.Many2one(
        "customer.category",
        string="Part of",
        index=True,
        ondelete="restrict",
        domain="[('dimension_id', '=', dimension_id)]",
        help="The wider category, such as the country of a province. Searching for "
        "it with “child of” finds the customers of all its parts.",
    )
    parent_path = fields.Char(index=True)
    child_ids = fields.One2many("customer.category", "parent_id", string="Parts")
    complete_name = fields.Char(
        compute="_compute_complete_name",
        recursive=True,
        search="_search_complete_name",
    )
    depth = fields.Integer(
        compute="_compute_depth", help="How many wider categories it is part of."
    )
    source_key = fields.Char(
        readonly=True,
        copy=False,
        help="The value of the mirrored field that this category stands for.",
    )
    dimension_id = fields.Many2one(
        "customer.dimension", required=True, index=True, ondelete="cascade"
    )
    method = fields.Selection(related="dimension_id.method")
    sequence = fields.Integer(default=SEQUENCE_STEP)
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
    keep_score = fields.Float(
        string="Keep Down to",
        digits=(4, 2),
        aggregator=None,
        help="A customer who has the category keeps it while the score is at least "
        "this. 0: the same limit to enter and to keep.",
    )
    successor_id = fields.Many2one(
        "customer.category",
        string="Replaced by",
        readonly=True,
        ondelete="set null",
        copy=False,
        help="The category that this one was merged into.",
    )

    _code_unique = models.Constraint(
        "UNIQUE (dimension_id, code)",
        "Another category of this dimension already has this code.",
    )
    _score_valid = models.Constraint(
        "CHECK (minimum_score = 0 OR (minimum_score >= 1 AND minimum_score <= 5))",
        "A score runs from 1 to 5; enter 0 for a category that is only given by hand.",
    )

    _source_unique = models.UniqueIndex(
        "(dimension_id, source_key) WHERE source_key IS NOT NULL",
        "Another category stands for this value already.",
    )
    _keep_valid = models.Constraint(
        "CHECK (keep_score = 0 OR (keep_score >= 1 AND keep_score <= minimum_score))",
        "The score to keep a category lies between 1 and the score to enter it.",
    )

    @api.depends("name", "parent_id.complete_name")
    @api.depends_context("lang")
    def _compute_complete_name(self):
        for category in self:
            names = [category.parent_id.complete_name, category.name]
            category.complete_name = f" {PATH_SEPARATOR} ".join(filter(None, names))

    def _search_complete_name(self, operator, value):
        """Search by name, or by a path such as “China › Guang”."""
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        if not isinstance(value, str) or PATH_SEPARATOR not in value:
            return Domain("name", operator, value)
        above, _separator, name = value.rpartition(PATH_SEPARATOR)
        return Domain("name", operator, name.strip()) & Domain(
            "parent_id", "any", self._search_complete_name(operator, above.strip())
        )

    @api.depends("name", "complete_name", "dimension_id.name")
    @api.depends_context(
        "lang",
        "formatted_display_name",
        "customer_category_path",
        "customer_category_dimension",
    )
    def _compute_display_name(self):
        """Show the short name on customers, the path where one is chosen.

        With the dimension where categories of several are beside each other.
        """
        if self.env.context.get("customer_category_dimension"):
            for category in self:
                category.display_name = self.env._(
                    "%(dimension)s: %(category)s",
                    dimension=category.dimension_id.name,
                    category=category.complete_name,
                )
            return
        has_path = self.env.context.get(
            "formatted_display_name"
        ) or self.env.context.get("customer_category_path")
        for category in self:
            category.display_name = (
                category.complete_name if has_path else category.name
            )

    @api.model
    def _search_display_name(self, operator, value):
        """Find categories by their dimension, too, where it is shown."""
        domain = super()._search_display_name(operator, value)
        if (
            self.env.context.get("customer_category_dimension")
            and operator not in Domain.NEGATIVE_OPERATORS
            and isinstance(value, str)
        ):
            domain |= Domain("dimension_id.name", operator, value)
        return domain

    @api.depends("parent_path")
    def _compute_depth(self):
        for category in self:
            category.depth = max((category.parent_path or "").count("/") - 1, 0)

    @api.constrains("parent_id", "dimension_id")
    def _check_parent(self):
        for category in self:
            parent = category.parent_id
            if parent and parent.dimension_id != category.dimension_id:
                raise ValidationError(
                    self.env._(
                        "“%(parent)s” belongs to another dimension than "
                        "“%(category)s”.",
                        parent=parent.name,
                        category=category.name,
                    )
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
        if vals.get("parent_id"):
            self._check_no_part(vals["parent_id"])
        if "active" in vals:
            changed = self.filtered(lambda c: c.active != bool(vals["active"]))
            if vals["active"]:
                vals = {**vals, "successor_id": False}
            else:
                changed._prepare_archiving()
        result = super().write(vals)
        is_sorted_later = self.env.context.get("customer_category_is_sorted_later")
        if {"parent_id", "sequence"} & vals.keys() and not is_sorted_later:
            self.dimension_id._sort_categories()
        if {"name", "active", "sequence", "parent_id"} & vals.keys():
            self.dimension_id._clear_view_caches()
        return result

    @api.model_create_multi
    def create(self, vals_list):
        self._set_last(vals_list)
        categories = super().create(vals_list)
        if not self.env.context.get("customer_category_is_sorted_later"):
            categories.dimension_id._sort_categories()
        categories.dimension_id._clear_view_caches()
        return categories

    @api.model
    def _set_last(self, vals_list):
        """Put new categories that name no sequence behind those there are."""
        last = dict(
            self.with_context(active_test=False)._read_group(
                [("dimension_id", "in", [v.get("dimension_id") for v in vals_list])],
                ["dimension_id"],
                ["sequence:max"],
            )
        )
        last = {dimension.id: sequence for dimension, sequence in last.items()}
        for vals in vals_list:
            dimension_id = vals.get("dimension_id")
            vals.setdefault("sequence", last.get(dimension_id, 0) + SEQUENCE_STEP)
            last[dimension_id] = max(last.get(dimension_id, 0), vals["sequence"])

    def _check_no_part(self, parent_id):
        """Refuse a category as the wider one that is a part: no way would lead out.

        Before it is written: Odoo's own message names nothing.
        """
        parts = self.with_context(active_test=False).search(
            [("id", "child_of", self.ids), ("id", "=", parent_id)]
        )
        if parts:
            raise ValidationError(
                self.env._(
                    "“%(category)s” cannot be part of itself or of one of its parts.",
                    category=parts.name if parts in self else self[0].name,
                )
            )

    def _prepare_archiving(self):
        """Let nothing hang in the air: neither customers nor a default.

        :raise UserError: where customers hold the category and nobody said where
            they go
        """
        if not self.env.context.get("customer_category_is_decided"):
            self._check_unheld()
        self.dimension_id.filtered(
            lambda dimension: dimension.default_category_id in self
        ).default_category_id = False

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for model in (
            "customer.assignment",
            "customer.override",
            "customer.assignment.history",
            "customer.ruleset.limit",
            "customer.ruleset.rule",
        ):
            domain = [("category_id", "in", self.ids)]
            if model == "customer.assignment":
                # its index begins with the dimension
                domain.append(("dimension_id", "in", self.dimension_id.ids))
            if model == "customer.assignment.history":
                domain = [
                    "|",
                    ("old_category_id", "in", self.ids),
                    ("new_category_id", "in", self.ids),
                ]
            # sudo: what another company's customers hold counts, too
            if self.env[model].sudo().search_count(domain, limit=1):
                raise UserError(
                    self.env._(
                        "Customers hold or held this category, or a version of the "
                        "rules names it. Archive it, or merge it into another: that "
                        "keeps their history."
                    )
                )
        self._check_unused()

    def unlink(self):
        self.dimension_id._clear_view_caches()
        return super().unlink()

    def _get_limits(self):
        """Return ``[category id, score to enter, score to keep]``, best first."""
        scored = self.filtered(lambda c: c.active and c.minimum_score)
        return [
            [
                category.id,
                category.minimum_score,
                category.keep_score or category.minimum_score,
            ]
            for category in scored.sorted("minimum_score", reverse=True)
        ]
