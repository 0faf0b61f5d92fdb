from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CustomerDraftRule(models.Model):
    """A rule as a draft tries it; the same as in a dimension in all else."""

    _name = "customer.draft.rule"
    _inherit = ["customer.draft.part", "customer.dimension.rule"]
    _description = "Classification Rule of a Draft"
    _order = "draft_id, sequence, id"
    _code_scope = "draft_id"

    dimension_id = fields.Many2one(
        related="draft_id.dimension_id", store=False, required=False, index=False
    )
    origin_id = fields.Many2one(
        "customer.dimension.rule",
        string="Rule of the Dimension",
        index="btree_not_null",
        ondelete="set null",
        help="Empty: applying the draft creates the rule.",
    )

    _code_unique = models.Constraint(
        "UNIQUE (draft_id, code)",
        "Another rule of this dimension already has this code.",
    )

    @api.constrains("domain", "draft_id")
    def _check_own_dimension(self):
        for rule in self:
            if rule.dimension_id.partner_field_name in rule._get_field_names():
                raise ValidationError(
                    self.env._(
                        "The rule “%(rule)s” reads the category that it shall give.",
                        rule=rule.name,
                    )
                )

    def _get_settings(self, company):
        """Return the same as of the dimension's rules, named by those."""
        rules = super()._get_settings(company)
        return [
            {**rule, "rule": self.browse(rule["rule"]).origin_id.id} for rule in rules
        ]

    def _take_over_names(self):
        """Call the rules as those of the dimension they come from, in each language."""
        for rule in self.filtered("origin_id"):
            rule._set_names(rule.origin_id._get_names())
