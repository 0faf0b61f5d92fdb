from odoo import api, fields, models
from odoo.tools import SQL

USER_GROUP = "customer_classification.group_customer_classification_user"
#: What the fields of the figures and the categories of a contact are made of
FIGURES_FIELD = "customer_figures_id"


def _figure(name, **kwargs):
    """Return a field of the contact that shows the figure ``name``."""
    return getattr(fields, kwargs.pop("type"))(
        related=f"{FIGURES_FIELD}.{name}",
        compute_sudo=True,
        groups=USER_GROUP,
        **kwargs,
    )


class ResPartner(models.Model):
    """The contact shows its customer's categories and figures; it stores none.

    ``res.partner`` is the widest and busiest table of a database. Categories and
    figures live in narrow tables of their own, one row for a commercial entity and
    company; the fields here join them, so that people can search, group and sort
    by them as by any stored field. They follow the active company.
    """

    _inherit = "res.partner"

    customer_figures_id = fields.Many2one(
        "customer.figures",
        string="Figures",
        compute="_compute_customer_figures_id",
        search="_search_customer_figures_id",
        compute_sudo=True,
        groups=USER_GROUP,
    )
    customer_currency_id = fields.Many2one(
        "res.currency",
        string="Currency of the Figures",
        compute="_compute_customer_currency_id",
        compute_sudo=True,
        groups=USER_GROUP,
    )
    customer_revenue_window = _figure(
        "revenue_window", type="Monetary", currency_field="customer_currency_id"
    )
    customer_revenue_total = _figure(
        "revenue_total", type="Monetary", currency_field="customer_currency_id"
    )
    customer_average_ticket = _figure(
        "average_ticket", type="Monetary", currency_field="customer_currency_id"
    )
    customer_first_date = _figure("first_date", type="Date")
    customer_last_date = _figure("last_date", type="Date")
    customer_purchase_days = _figure("purchase_days", type="Integer")
    customer_purchase_days_window = _figure("purchase_days_window", type="Integer")
    customer_invoice_count = _figure(
        "invoice_count", type="Integer", string="Posted Invoices"
    )
    customer_refund_count = _figure(
        "refund_count", type="Integer", string="Posted Credit Notes"
    )
    customer_assignment_ids = fields.Many2many(
        "customer.assignment",
        string="Computed Categories",
        compute="_compute_customer_rows",
        compute_sudo=True,
        groups=USER_GROUP,
    )
    customer_override_ids = fields.Many2many(
        "customer.override",
        string="Decisions by Hand",
        compute="_compute_customer_rows",
        compute_sudo=True,
        groups=USER_GROUP,
    )
    customer_is_set_by_hand = fields.Boolean(
        "Category Set by Hand",
        compute="_compute_customer_rows",
        search="_search_customer_is_set_by_hand",
        compute_sudo=True,
        groups=USER_GROUP,
    )
    customer_history_ids = fields.Many2many(
        "customer.assignment.history",
        string="Classification History",
        compute="_compute_customer_rows",
        compute_sudo=True,
        groups=USER_GROUP,
    )

    # Computes

    @api.depends_context("company")
    def _compute_customer_currency_id(self):
        self.customer_currency_id = self.env.company.root_id.currency_id

    @api.depends("commercial_partner_id")
    @api.depends_context("company", "uid")
    def _compute_customer_figures_id(self):
        customers = self._get_visible_customers()
        figures = self.env["customer.figures"].search(
            [
                ("partner_id", "in", customers.ids),
                ("company_id", "=", self.env.company.root_id.id),
            ]
        )
        by_partner = {row.partner_id: row for row in figures}
        for partner in self:
            partner.customer_figures_id = by_partner.get(partner.commercial_partner_id)

    @api.depends("commercial_partner_id")
    @api.depends_context("company", "uid")
    def _compute_customer_rows(self):
        domain = [
            ("partner_id", "in", self._get_visible_customers().ids),
            ("company_id", "in", [self.env.company.root_id.id, False]),
            ("dimension_id.active", "=", True),
        ]
        for field_name, rows in (
            ("customer_assignment_ids", self.env["customer.assignment"].search(domain)),
            (
                "customer_override_ids",
                self.env["customer.override"].search(
                    [*domain, ("is_in_force", "=", True)]
                ),
            ),
            (
                "customer_history_ids",
                self.env["customer.assignment.history"].search(domain),
            ),
        ):
            by_partner = rows.grouped("partner_id")
            for partner in self:
                partner[field_name] = by_partner.get(partner.commercial_partner_id)
        for partner in self:
            partner.customer_is_set_by_hand = bool(partner.customer_override_ids)

    @api.depends("commercial_partner_id")
    def _compute_customer_categories(self):
        """Compute the fields of every dimension: what is in effect today."""
        by_name = self._get_customer_dimension_fields()
        several = [n for n in by_name if self._fields[n].type == "many2many"]
        single = [n for n in by_name if n not in several]
        query = self._origin._as_query(ordered=False)
        columns = [self._field_to_sql(self._table, name, query) for name in single]
        rows = self.env.execute_query(
            query.select(SQL.identifier(self._table, "id"), *columns)
        )
        values = {row[0]: row[1:] for row in rows}
        customers = self._get_visible_customers()
        held = {
            name: self._get_customer_categories(by_name[name], customers)
            for name in several
        }
        for partner in self:
            row = [False] * len(single)
            customer = partner.commercial_partner_id
            if customer in customers:
                row = values.get(partner._origin.id, row)
            for name, value in zip(single, row, strict=True):
                partner[name] = value
            for name in several:
                partner[name] = held[name].get(customer.id, [])

    def _get_customer_categories(self, dimension_id, customers):
        """Return lists of ids of categories by id of the customer."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id, array_agg(category_id)
                  FROM (%s) AS held
                 WHERE partner_id = ANY(%s)
                 GROUP BY partner_id
                """,
                self._get_customer_categories_query(dimension_id),
                customers.ids,
            )
        )
        return dict(rows)

    def _get_visible_customers(self):
        """Return the customers of these contacts that the user may see.

        The fields are computed as superuser. Who sees a contact but not the company
        behind it shall not learn that company's revenue by it.
        """
        customers = self.commercial_partner_id
        others = customers - self
        hidden = others - others.sudo(False)._filtered_access("read")
        return customers - hidden

    # The dimensions' fields

    @api.model
    def _get_customer_dimension_fields(self):
        """Return the id of the dimension by the name of its field."""
        return {
            name: field.customer_dimension_id
            for name, field in self._fields.items()
            if getattr(field, "customer_dimension_id", None)
        }

    @api.model
    def _invalidate_customer_fields(self):
        """Forget what the contacts show after the tables behind it changed."""
        self.invalidate_model(
            [
                name
                for name in self._fields
                if name.startswith(("customer_figures", "customer_assignment"))
                or name in ("customer_override_ids", "customer_history_ids")
                or self._fields[name].related
                and self._fields[name].related.startswith(FIGURES_FIELD)
            ]
            + list(self._get_customer_dimension_fields())
        )

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        """Label each dimension's field with the dimension's name, translated."""
        result = super().fields_get(allfields, attributes)
        shown = self._get_customer_dimension_fields().keys() & result.keys()
        if shown and (not attributes or "string" in attributes):
            names = self._get_customer_dimension_names()
            for field_name in shown:
                if field_name in names:
                    result[field_name]["string"] = names[field_name]
        return result

    @api.model
    def _get_customer_dimension_names(self):
        # sudo: the label of a field is no secret to whoever sees the field
        dimensions = (
            self.env["customer.dimension"]
            .sudo()
            .with_context(active_test=False)
            .search([])
        )
        names = {d.partner_field_name: d.name for d in dimensions}
        labels = {
            "score": self.env._("score"),
            "recency_score": self.env._("recency score"),
            "frequency_score": self.env._("frequency score"),
            "monetary_score": self.env._("monetary score"),
        }
        for name, dimension_id in self._get_customer_dimension_fields().items():
            label = labels.get(self._fields[name].customer_dimension_part)
            if label:
                names[name] = self.env._(
                    "%(dimension)s: %(part)s",
                    dimension=dimensions.browse(dimension_id).name,
                    part=label,
                )
        return names
