from odoo import fields, models


class CustomerDimensionGroup(models.Model):
    """Keeps dimensions that are read together together on the customer's form."""

    _name = "customer.dimension.group"
    _inherit = ["customer.code.mixin"]
    _description = "Group of Classification Dimensions"
    _order = "sequence, id"
    _code_fallback = "group"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    dimension_ids = fields.One2many(
        "customer.dimension", "group_id", string="Dimensions"
    )

    _name_unique = models.Constraint(
        "UNIQUE (name)", "Another group already has this name."
    )
    _code_unique = models.Constraint(
        "UNIQUE (code)", "Another group already has this code."
    )
