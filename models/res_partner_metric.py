from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from .customer_metric_update import COUNTED_MEASURES


class ResPartner(models.Model):
    """The contact shows the values of its customer's custom metrics.

    Each metric is a field of the contact, computed from ``customer.metric.value`` in
    the active company, and searched, sorted, grouped and summed as a joined row.
    """

    _inherit = "res.partner"

    @api.depends("commercial_partner_id")
    def _compute_customer_metrics(self):
        """Compute the field of every metric, all with one query."""
        metric_fields = self._get_customer_metric_fields()
        customers = self._get_visible_customers()
        self.env["customer.metric.value"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id, metric_id, value, value_date, value_ref
                  FROM customer_metric_value
                 WHERE partner_id = ANY(%s)
                   AND (company_id = %s OR company_id IS NULL)
                """,
                customers.ids,
                self.env.company.root_id.id,
            )
        )
        values = defaultdict(dict)
        for partner, metric, *found in rows:
            values[metric][partner] = found
        for name, field in metric_fields.items():
            column = {"date": 1, "many2one": 2}.get(field.type, 0)
            found = values[field.customer_metric_id]
            own = {partner: row[column] for partner, row in found.items()}
            if field.type == "many2one":
                records = self.env[field.comodel_name].browse(own.values()).exists()
                own = {p: id_ for p, id_ in own.items() if id_ in records._ids}
            for partner in self:
                partner[name] = own.get(partner.commercial_partner_id._origin.id)

    @api.model
    def _get_customer_metric_fields(self):
        """Return the fields of the metrics by name."""
        return {
            name: field
            for name, field in self._fields.items()
            if getattr(field, "customer_metric_id", None)
        }

    @api.model
    def _invalidate_customer_fields(self):
        self.invalidate_model(list(self._get_customer_metric_fields()))
        return super()._invalidate_customer_fields()

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        """Label each metric's field with the metric's name, translated."""
        result = super().fields_get(allfields, attributes)
        shown = self._get_customer_metric_fields()
        shown = {name: shown[name] for name in shown.keys() & result.keys()}
        if shown:
            # sudo: the label of a field is no secret to whoever sees the field
            metrics = self.env["customer.metric"].sudo().with_context(active_test=False)
            for name, field in shown.items():
                metric = metrics.browse(field.customer_metric_id)
                for attribute, text in (
                    ("string", metric.name),
                    ("help", metric.description),
                ):
                    if text and (not attributes or attribute in attributes):
                        result[name][attribute] = text
        return result

    def _field_to_sql(self, alias, field_expr, query=None):
        field = self._fields.get(field_expr)
        if not getattr(field, "customer_metric_id", None):
            return super()._field_to_sql(alias, field_expr, query)
        # Odoo checks no access to a field that a method searches
        self._check_field_access(field, "read")
        row = self._join_customer_metric(alias, query, field)
        if field.type == "date":
            return SQL.identifier(row, "value_date")
        if field.type == "many2one":
            # a record that was deleted since is none
            record = query.make_alias(alias, f"{field.name}__record")
            query.add_join(
                "LEFT JOIN",
                record,
                self.env[field.comodel_name]._table,
                SQL(
                    "%s = %s",
                    SQL.identifier(record, "id"),
                    SQL.identifier(row, "value_ref"),
                ),
            )
            return SQL.identifier(record, "id")
        value = SQL.identifier(row, "value")
        if field.customer_metric_measure in COUNTED_MEASURES:
            value = SQL("COALESCE(%s, 0)", value)
        if field.type == "integer":
            value = SQL("%s::bigint", value)
        return value

    def _join_customer_metric(self, alias, query, field):
        """Join the metric's row of the contact's customer in the active company.

        A metric has rows of companies or one of none, never both.

        :return: the alias of the joined table
        """
        row = query.make_alias(alias, f"{field.name}__value")
        commercial = self._fields["commercial_partner_id"]
        conditions = [
            SQL(
                "%s = %s",
                SQL.identifier(row, "partner_id"),
                SQL.identifier(alias, "commercial_partner_id", to_flush=commercial),
            ),
            SQL("%s = %s", SQL.identifier(row, "metric_id"), field.customer_metric_id),
            SQL(
                "COALESCE(%s, 0) IN (0, %s)",
                SQL.identifier(row, "company_id"),
                self.env.company.root_id.id,
            ),
        ]
        if not self.env.su:
            conditions.append(self._get_visible_condition(alias))
        query.add_join(
            "LEFT JOIN", row, "customer_metric_value", SQL(" AND ").join(conditions)
        )
        return row
