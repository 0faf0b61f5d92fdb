from odoo import fields, models


class IrModelFields(models.Model):
    _inherit = "ir.model.fields"

    customer_dimension_id = fields.Many2one(
        "customer.dimension",
        string="Classification Dimension",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
        help="The dimension whose category this field of the contact shows.",
    )

    def _instanciate_attrs(self, field_data):
        """Give the field of a dimension its compute and search methods.

        All of them share one compute, so that a list with many dimensions reads
        them in one query; none has a column.
        """
        attrs = super()._instanciate_attrs(field_data)
        dimension_id = field_data.get("customer_dimension_id")
        if attrs and dimension_id:

            def search(model, operator, value):
                return model._search_customer_category(
                    field_data["name"], operator, value
                )

            attrs.update(
                compute="_compute_customer_categories",
                search=search,
                compute_sudo=True,
                depends_context=("company", "uid"),
                groups="customer_classification.group_customer_classification_user",
                customer_dimension_id=dimension_id,
            )
        return attrs


class Base(models.AbstractModel):
    _inherit = "base"

    def _valid_field_parameter(self, field, name):
        return name == "customer_dimension_id" or super()._valid_field_parameter(
            field, name
        )
