from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


class CustomerContradiction(models.Model):
    """Categories that do not go together, such as a key account who never bought.

    Nothing changes a category because of it: the page “Data Quality” counts the
    customers who meet all the conditions, for people to look at.
    """

    _name = "customer.contradiction"
    _description = "Contradiction Between Categories"
    _order = "sequence, id"

    name = fields.Char(
        "What Does Not Go Together",
        required=True,
        translate=True,
        help="What people read when a customer is found, as a sentence.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        domain="[('parent_id', '=', False)]",
        ondelete="cascade",
        index="btree_not_null",
        help="Only in this company. Empty: in all of them.",
    )
    condition_ids = fields.One2many(
        "customer.contradiction.condition",
        "contradiction_id",
        string="Conditions",
        copy=True,
        help="A customer who meets all of them is found.",
    )

    condition_summary = fields.Char(
        "All of These", compute="_compute_condition_summary"
    )

    @api.depends(
        "condition_ids.dimension_id.name",
        "condition_ids.operator",
        "condition_ids.category_ids.name",
    )
    @api.depends_context("lang")
    def _compute_condition_summary(self):
        for contradiction in self:
            contradiction.condition_summary = "; ".join(
                condition._describe() for condition in contradiction.condition_ids
            )

    @api.constrains("condition_ids")
    def _check_conditions(self):
        for contradiction in self:
            if len(contradiction.condition_ids) < 2:
                raise ValidationError(
                    self.env._(
                        "“%(name)s” needs two conditions or more: a single category "
                        "contradicts nothing.",
                        name=contradiction.name,
                    )
                )

    @api.constrains("company_id")
    def _check_company_is_root(self):
        for contradiction in self:
            if contradiction.company_id.parent_id:
                raise ValidationError(
                    self.env._(
                        "Customers are classified for a company with all its branches: "
                        "choose the company itself."
                    )
                )

    def _get_customer_domain(self):
        """Return the domain of the contacts that meet all conditions."""
        self.ensure_one()
        return Domain.AND(c._get_customer_domain() for c in self.condition_ids)


class CustomerContradictionCondition(models.Model):
    """One of the conditions that do not go together."""

    _name = "customer.contradiction.condition"
    _description = "Condition of a Contradiction"
    _order = "contradiction_id, sequence, id"
    _rec_name = "contradiction_id"

    contradiction_id = fields.Many2one(
        "customer.contradiction", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="contradiction_id.company_id")
    sequence = fields.Integer(default=10)
    dimension_id = fields.Many2one(
        "customer.dimension", required=True, index=True, ondelete="cascade"
    )
    operator = fields.Selection(
        [("any", "is one of"), ("none", "is none of")],
        string="Category",
        required=True,
        default="any",
    )
    category_ids = fields.Many2many(
        "customer.category",
        "customer_contradiction_category_rel",
        "condition_id",
        "category_id",
        string="Categories",
        domain="[('dimension_id', '=', dimension_id)]",
        help="A category with parts stands for its parts, too.",
    )

    @api.constrains("category_ids", "dimension_id")
    def _check_categories(self):
        for condition in self:
            if not condition.category_ids:
                raise ValidationError(
                    self.env._(
                        "Choose the categories of “%(dimension)s” that the condition "
                        "is about.",
                        dimension=condition.dimension_id.name,
                    )
                )
            stray = condition.category_ids.filtered(
                lambda category, c=condition: category.dimension_id != c.dimension_id
            )
            if stray:
                raise ValidationError(
                    self.env._(
                        "“%(category)s” is no category of “%(dimension)s”.",
                        category=stray[0].name,
                        dimension=condition.dimension_id.name,
                    )
                )

    @api.onchange("dimension_id")
    def _onchange_dimension_id(self):
        for condition in self:
            condition.category_ids = condition.category_ids.filtered(
                lambda category, c=condition: category.dimension_id == c.dimension_id
            )

    def _describe(self):
        """Return the condition as a phrase."""
        self.ensure_one()
        values = {
            "dimension": self.dimension_id.name or "",
            "categories": ", ".join(c.name or "" for c in self.category_ids),
        }
        if self.operator == "none":
            return self.env._("%(dimension)s is none of %(categories)s", **values)
        if len(self.category_ids) > 1:
            return self.env._("%(dimension)s is one of %(categories)s", **values)
        return self.env._("%(dimension)s is %(categories)s", **values)

    def _get_categories(self):
        """Return the categories that the condition is about, with their parts."""
        self.ensure_one()
        Category = self.env["customer.category"].with_context(active_test=False)
        return Category.search([("id", "child_of", self.category_ids.ids)])

    def _get_customer_domain(self):
        """Return the domain of the contacts that meet the condition."""
        self.ensure_one()
        name = self.dimension_id.partner_field_name
        held = Domain(name, "child_of", self.category_ids.ids)
        return held if self.operator == "any" else ~held


class CustomerCategory(models.Model):
    _inherit = "customer.category"

    def _merge_rules(self, target):
        """Let contradictions name the successor, too."""
        # sudo: contradictions of other companies name the category, too
        conditions = (
            self.env["customer.contradiction.condition"]
            .sudo()
            .search([("category_ids", "in", self.ids)])
        )
        for condition in conditions:
            condition.category_ids = condition.category_ids - self | target
        return super()._merge_rules(target)
