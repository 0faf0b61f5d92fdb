from odoo import fields, models

from .ir_model_fields import delegate_search

#: How the values of several customers are put together, where not by their sum
AGGREGATORS = {"average": "avg", "minimum": "min", "maximum": "max"}


class IrModelFields(models.Model):
    """The fields of the contact that show the values of custom metrics."""

    _inherit = "ir.model.fields"

    customer_metric_id = fields.Many2one(
        "customer.metric",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
        help="The metric whose value this field of the contact shows.",
    )
    customer_metric_measure = fields.Char(
        readonly=True,
        help="How the metric measures: known here, because fields are set up before "
        "the metrics can be read.",
    )

    def _instanciate_attrs(self, field_data):
        """Give the field of a metric its compute and search methods.

        All of them share one compute, so that a list with many metrics reads them in
        one query; none has a column.
        """
        attrs = super()._instanciate_attrs(field_data)
        if not (attrs and field_data.get("customer_metric_id")):
            return attrs
        measure = field_data["customer_metric_measure"]
        attrs.update(
            compute="_compute_customer_metrics",
            search=delegate_search("_search_customer_column", field_data["name"]),
            compute_sudo=True,
            depends_context=("company", "uid"),
            groups="customer_classification.group_customer_classification_user",
            customer_metric_id=field_data["customer_metric_id"],
            customer_metric_measure=measure,
        )
        if field_data["ttype"] in ("integer", "float"):
            attrs["aggregator"] = AGGREGATORS.get(measure, "sum")
        if field_data["ttype"] == "float":
            attrs["digits"] = (16, 2)
        return attrs


class Base(models.AbstractModel):
    _inherit = "base"

    def _valid_field_parameter(self, field, name):
        return name in (
            "customer_metric_id",
            "customer_metric_measure",
        ) or super()._valid_field_parameter(field, name)
