from ast import literal_eval

from odoo import api, fields, models
from odoo.fields import Domain


class CustomerRulesetRule(models.Model):
    """A condition that gives a category, frozen in a version."""

    _name = "customer.ruleset.rule"
    _inherit = ["customer.ruleset.part"]
    _description = "Rule of a Classification Rules Version"
    _order = "ruleset_id, position, id"

    position = fields.Integer(
        required=True, help="From 1 on; the first that matches decides."
    )
    # in one language, whoever makes the version
    name = fields.Char(required=True)
    shown_name = fields.Char("Name in Your Language", compute="_compute_shown_name")
    domain = fields.Char("Condition", required=True)
    category_id = fields.Many2one(
        # cascade: a category that a version names goes only with its whole dimension
        "customer.category",
        required=True,
        index=True,
        ondelete="cascade",
    )
    rule_id = fields.Many2one(
        "customer.dimension.rule",
        string="Rule as Edited",
        index="btree_not_null",
        ondelete="set null",
    )

    @api.depends("name")
    @api.depends_context("lang")
    def _compute_shown_name(self):
        Rule = self.env["customer.dimension.rule"]
        for rule in self:
            rule.shown_name = Rule._get_shown_name(rule.name)

    def _get_domain(self):
        """Return the condition as a domain."""
        self.ensure_one()
        return Domain(literal_eval(self.domain.strip()))

    def _get_field_names(self):
        """Return the names of the contact's own fields that the condition reads."""
        return {
            condition.field_expr.split(".")[0]
            for condition in self._get_domain().iter_conditions()
        }
