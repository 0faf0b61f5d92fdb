from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL


class CustomerMetric(models.Model):
    """The field on the contact that shows a metric's values, and who uses it."""

    _inherit = "customer.metric"

    def _check_deletable(self):
        """Refuse to delete what ships, and what a filter or mailing names."""
        shipped = self._get_external_ids()
        for metric in self:
            if metric.kind == "figure" or any(
                name.startswith("customer_classification.")
                for name in shipped[metric.id]
            ):
                raise UserError(
                    self.env._(
                        "“%(metric)s” comes with the addon. Archive it instead: it "
                        "would be back after the next upgrade.",
                        metric=metric.name,
                    )
                )
            metric._check_unused()

    def _get_value_domain(self):
        return [
            ("metric_id", "in", self.ids),
            ("company_id", "in", [False, self.env.company.root_id.id]),
        ]

    def _remove_values(self):
        """Forget the values: of an archived metric, or of another company's."""
        self.env.execute_query(
            SQL("DELETE FROM customer_metric_value WHERE metric_id = ANY(%s)", self.ids)
        )
        self.env["customer.metric.value"].invalidate_model()
        self.env["res.partner"]._invalidate_customer_fields()

    def _create_partner_fields(self):
        """Create or adapt the contact's field of each custom metric.

        A metric that waits for its app has none yet.
        """
        # sudo: an administrator of the classification need not be one of Odoo
        Field = self.env["ir.model.fields"].sudo()
        partner_model = self.env["ir.model"].sudo()._get("res.partner")
        existing = Field.search([("customer_metric_id", "in", self.ids)]).grouped(
            "customer_metric_id"
        )
        vals_list = []
        for metric in self:
            if metric.kind != "custom" or metric.is_waiting:
                continue
            if metric.value_type == "reference" and metric.relation not in self.env:
                continue
            field = existing.get(metric.sudo())
            if field:
                if field.customer_metric_measure != metric.measure:
                    field.customer_metric_measure = metric.measure
                continue
            vals_list.append(
                {
                    "name": metric.partner_field_name,
                    "model_id": partner_model.id,
                    "ttype": {"reference": "many2one", "monetary": "float"}.get(
                        metric.value_type, metric.value_type
                    ),
                    "relation": metric.relation,
                    "on_delete": "set null",
                    "store": False,
                    "readonly": True,
                    "copied": False,
                    # The people's label comes from `res.partner.fields_get`; the
                    # stored one must be unique, or Odoo logs a warning.
                    "field_description": f"Metric: {metric.code}",
                    "customer_metric_id": metric.id,
                    "customer_metric_measure": metric.measure,
                }
            )
        if vals_list:
            Field.create(vals_list)
            self.env["customer.dimension"]._clear_view_caches()

    def _remove_partner_fields(self):
        """Remove the contact's fields of these metrics."""
        # sudo: an administrator of the classification need not be one of Odoo
        self.env["ir.model.fields"].sudo().search(
            [("customer_metric_id", "in", self.ids)]
        ).unlink()
        self.env["customer.dimension"]._clear_view_caches()
