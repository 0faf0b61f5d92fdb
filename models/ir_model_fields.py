from odoo import fields, models


def delegate_search(method, field_name):
    """Return a field's search method: the model's one that serves several fields."""

    def search(model, operator, value):
        return getattr(model, method)(field_name, operator, value)

    return search


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
    customer_dimension_part = fields.Char(
        readonly=True,
        help="What of the dimension: its category, or a column with a score.",
    )

    customer_groups = fields.Char(
        readonly=True,
        help="External ids of the groups that see the field: like `groups` of a field "
        "in code, because fields are set up before the dimensions can be read.",
    )

    def _instanciate_attrs(self, field_data):
        """Give the fields of a dimension their compute and search methods.

        All of them share one compute, so that a list with many dimensions reads
        them in one query; none has a column.
        """
        attrs = super()._instanciate_attrs(field_data)
        dimension_id = field_data.get("customer_dimension_id")
        if attrs and dimension_id:
            attrs.update(
                compute="_compute_customer_categories",
                compute_sudo=True,
                depends_context=("company", "uid"),
                groups=field_data["customer_groups"],
                customer_dimension_id=dimension_id,
                customer_dimension_part=field_data["customer_dimension_part"],
            )
            attrs.pop("relation", None)  # a computed many2many has no table
            attrs["search"] = delegate_search(
                "_search_customer_category"
                if field_data["customer_dimension_part"] == "category"
                else "_search_customer_number",
                field_data["name"],
            )
        return attrs


class Base(models.AbstractModel):
    _inherit = "base"

    def _valid_field_parameter(self, field, name):
        return name in (
            "customer_dimension_id",
            "customer_dimension_part",
        ) or super()._valid_field_parameter(field, name)
