from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from .customer_override import get_possible_operations
from .customer_rights import MANAGER_GROUP


class CustomerBulkLine(models.Model):
    """What a bulk change decides in one dimension."""

    _name = "customer.bulk.line"
    _description = "Decision of a Bulk Change"
    _order = "bulk_id, id"
    _rec_name = "dimension_id"

    bulk_id = fields.Many2one(
        "customer.bulk",
        string="Bulk Change",
        required=True,
        index=True,
        ondelete="cascade",
    )
    dimension_id = fields.Many2one(
        "customer.dimension",
        required=True,
        ondelete="cascade",
        domain=lambda self: self._get_dimension_domain(),
    )
    is_multiple = fields.Boolean(related="dimension_id.is_multiple")
    possible_operations = fields.Json(compute="_compute_possible_operations")
    operation = fields.Selection(
        [
            ("set", "Set a category"),
            ("none", "Explicitly none"),
            ("add", "Add a category"),
            ("exclude", "Exclude a category"),
            ("release", "Withdraw decisions by hand"),
        ],
        string="Decision",
        required=True,
        compute="_compute_operation",
        store=True,
        precompute=True,
        readonly=False,
        help="Set and none: for dimensions with one category per customer. Add and "
        "exclude: for those with several. Withdraw: the computed category shows again.",
    )
    category_id = fields.Many2one(
        "customer.category",
        ondelete="cascade",
        domain="[('dimension_id', '=', dimension_id)]",
        compute="_compute_category_id",
        store=True,
        precompute=True,
        readonly=False,
        help="Where decisions about several categories are withdrawn: only those about "
        "this one. Empty: all of the dimension.",
    )

    @api.model
    def _get_dimension_domain(self):
        """Return the domain of the dimensions that the user sets by hand."""
        domain = self.env["customer.dimension"]._get_visible_domain()
        if not self.env.user.has_group(MANAGER_GROUP):
            domain &= Domain("edit_group_ids", "=", False) | Domain(
                "edit_group_ids", "in", self.env.user.all_group_ids.ids
            )
        return list(domain)

    @api.depends("is_multiple")
    def _compute_possible_operations(self):
        for line in self:
            possible = get_possible_operations(line.dimension_id)
            line.possible_operations = [*possible, "release"]

    @api.depends("dimension_id")
    def _compute_operation(self):
        for line in self:
            if line.operation not in line.possible_operations:
                line.operation = line.possible_operations[0]

    @api.depends("operation", "dimension_id")
    def _compute_category_id(self):
        for line in self:
            category = line.category_id
            if (
                line.operation == "none"
                or (line.operation == "release" and not line.is_multiple)
                or category.dimension_id != line.dimension_id
            ):
                line.category_id = False

    @api.constrains("dimension_id", "operation", "category_id", "bulk_id")
    def _check_decision(self):
        for line in self:
            dimension = line.dimension_id
            if line.operation != "release" and line.is_multiple != (
                line.operation in ("add", "exclude")
            ):
                raise ValidationError(
                    self.env._(
                        "“%(dimension)s” allows several categories per customer: add "
                        "or exclude each of them.",
                        dimension=dimension.name,
                    )
                    if line.is_multiple
                    else self.env._(
                        "“%(dimension)s” allows one category per customer: set it, or "
                        "set none.",
                        dimension=dimension.name,
                    )
                )
            if line.category_id and line.category_id.dimension_id != dimension:
                raise ValidationError(
                    self.env._(
                        "“%(category)s” is no category of “%(dimension)s”.",
                        category=line.category_id.name,
                        dimension=dimension.name,
                    )
                )
            others = (line.bulk_id.line_ids - line).filtered(
                lambda other, line=line: other._overlaps(line)
            )
            if others:
                raise ValidationError(
                    self.env._(
                        "Two decisions are about the same of “%(dimension)s”; keep one "
                        "of them.",
                        dimension=dimension.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._check_changeable()
        return lines

    def write(self, vals):
        self._check_changeable()
        result = super().write(vals)
        self._check_changeable()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_applied(self):
        self._check_changeable()

    def _check_changeable(self):
        self.bulk_id._check_is_draft()
        self.bulk_id._forget_preview()

    def _overlaps(self, other):
        """Return whether this decision and another may be about the same thing."""
        if self.dimension_id != other.dimension_id:
            return False
        return (
            not self.is_multiple
            or not (self.category_id and other.category_id)
            or self.category_id == other.category_id
        )
