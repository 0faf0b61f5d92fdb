from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: Types of the contact's fields whose values can become categories
LEVEL_TYPES = ("many2one", "selection", "char")


class CustomerDimensionLevel(models.Model):
    """A field of the contact whose values a dimension mirrors as categories.

    With several levels the categories form a tree, such as country › state › city:
    each value of the second field becomes a category below that of the first.
    """

    _name = "customer.dimension.level"
    _description = "Mirrored Field of a Dimension"
    _order = "dimension_id, sequence, id"
    _rec_name = "field_id"

    dimension_id = fields.Many2one(
        "customer.dimension", required=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer(default=10)
    field_id = fields.Many2one(
        "ir.model.fields",
        string="Mirrored Field",
        ondelete="set null",
        domain=[
            ("model", "=", "res.partner"),
            ("ttype", "in", LEVEL_TYPES),
            ("customer_dimension_id", "=", False),
        ],
        help="A many2one, selection or text field. Each value that a customer has "
        "becomes a category.",
    )
    field_choice = fields.Selection(
        "_get_field_choices",
        string="Field of the Contact",
        compute="_compute_field_choice",
        inverse="_inverse_field_choice",
        help="A many2one, selection or text field. Each value that a customer has "
        "becomes a category.",
    )
    field_name = fields.Char(
        string="Technical Name",
        compute="_compute_field_name",
        store=True,
        help="Kept when the app that brought the field is removed.",
    )

    @api.depends("field_id")
    def _compute_field_name(self):
        for level in self.filtered("field_id"):
            level.field_name = level.field_id.name

    @api.depends("field_name")
    def _compute_field_choice(self):
        usable = dict(self._get_field_choices())
        for level in self:
            level.field_choice = level.field_name in usable and level.field_name

    def _inverse_field_choice(self):
        # sudo: an administrator of the classification need not be one of Odoo
        Fields = self.env["ir.model.fields"].sudo()
        for level in self.filtered("field_choice"):
            level.field_id = Fields._get("res.partner", level.field_choice)

    @api.model
    def _get_field_choices(self):
        """Return name and label of the contact's fields that can be mirrored."""
        Partner = self.env["res.partner"]
        described = Partner.fields_get(attributes=["string", "type", "store"])
        return sorted(
            (
                (name, description["string"])
                for name, description in described.items()
                if description["type"] in LEVEL_TYPES
                and description["store"]
                and not Partner._fields[name].company_dependent
                and not getattr(Partner._fields[name], "customer_dimension_id", None)
            ),
            key=lambda choice: choice[1],
        )

    @api.constrains("field_id", "dimension_id")
    def _check_field(self):
        self.dimension_id._check_shared()
        Partner = self.env["res.partner"]
        for level in self.filtered("field_id"):
            field = Partner._fields.get(level.field_id.name)
            if (
                level.field_id.model != "res.partner"
                or level.field_id.ttype not in LEVEL_TYPES
                or level.field_id.customer_dimension_id
                or field is None
                or not self._has_column(field)
            ):
                raise ValidationError(
                    self.env._(
                        "“%(field)s” cannot be mirrored: choose a many2one, selection "
                        "or text field of the contact that can be searched.",
                        field=level.field_id.field_description,
                    )
                )

    def _has_column(self, field):
        """Return whether the database can read the field's value."""
        Partner = self.env["res.partner"].sudo()  # sudo: as the engine reads it
        try:
            Partner._field_to_sql("res_partner", field.name, Partner._search([]))
        except ValueError:
            return False
        return True
