from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_figures import FIGURE_COLUMNS

USER_GROUP = "customer_classification.group_customer_classification_user"
#: What the fields of the figures and the categories of a contact are made of
FIGURES_FIELD = "customer_figures_id"
FIGURE_PATHS = {f"{FIGURES_FIELD}.{name}": name for name in FIGURE_COLUMNS}


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
        related=f"{FIGURES_FIELD}.company_id.currency_id",
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
            ("company_id", "=", self.env.company.root_id.id),
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
        """Compute the field of every dimension: the category in effect today."""
        field_names = list(self._get_customer_dimension_fields())
        query = self._origin._as_query(ordered=False)
        columns = [self._field_to_sql(self._table, name, query) for name in field_names]
        rows = self.env.execute_query(
            query.select(SQL.identifier(self._table, "id"), *columns)
        )
        values = {row[0]: row[1:] for row in rows}
        customers = self._get_visible_customers()
        for partner in self:
            row = [False] * len(field_names)
            if partner.commercial_partner_id in customers:
                row = values.get(partner._origin.id, row)
            for name, value in zip(field_names, row, strict=True):
                partner[name] = value

    def _get_visible_customers(self):
        """Return the customers of these contacts that the user may see.

        The fields are computed as superuser. Who sees a contact but not the company
        behind it shall not learn that company's revenue by it.
        """
        customers = self.commercial_partner_id
        others = customers - self
        hidden = others - others.sudo(False)._filtered_access("read")
        return customers - hidden

    # Search, group and sort

    def _search_customer_figures_id(self, operator, value):
        return self._search_joined(FIGURES_FIELD, operator, value)

    def _search_customer_category(self, field_name, operator, value):
        """Search method of the field of every dimension."""
        return self._search_joined(field_name, operator, value)

    def _search_customer_is_set_by_hand(self, operator, value):
        if operator != "in":
            return NotImplemented
        # Odoo checks no access to a field that a method searches
        self._check_field_access(self._fields["customer_is_set_by_hand"], "read")
        # sudo: the rows of customers the user may not see are no result anyway
        decided = (
            self.env["customer.override"]
            .sudo()
            ._search(
                [
                    ("company_id", "=", self.env.company.root_id.id),
                    ("is_in_force", "=", True),
                ]
            )
        )
        domain = Domain("commercial_partner_id", "in", decided.subselect("partner_id"))
        return domain if True in value else ~domain

    def _search_joined(self, field_name, operator, value):
        """Return the domain ``field_name operator value`` of a joined many2one."""
        comodel = self.env[self._fields[field_name].comodel_name]
        if operator in ("any", "any!", "child_of", "parent_of"):
            if operator in ("any", "any!"):
                domain, is_sudo = value, operator == "any!"
            else:
                if comodel._parent_name not in comodel._fields:
                    operator = "in"  # no hierarchy: each has only itself below
                    value = [value] if isinstance(value, int) else value
                domain, is_sudo = Domain("id", operator, value), False
            if isinstance(domain, Domain):
                ids = (
                    comodel.sudo(is_sudo or self.env.su)
                    .with_context(active_test=False)
                    ._search(domain)
                )
            else:
                ids = domain  # already a query
            return Domain.custom(
                to_sql=lambda model, alias, query: SQL(
                    "(%(column)s IS NOT NULL AND %(column)s IN %(ids)s)",
                    column=model._field_to_sql(alias, field_name, query),
                    ids=ids.subselect(),
                )
            )
        if operator != "in":
            return NotImplemented
        ids = [id_ for id_ in value if id_]
        with_none = len(ids) < len(value)

        def to_sql(model, alias, query):
            column = model._field_to_sql(alias, field_name, query)
            # `IS NOT NULL` makes the condition false, and not unknown, for those
            # without: its negation finds them
            has_one = SQL("(%s IS NOT NULL AND %s = ANY(%s))", column, column, ids)
            if not with_none:
                return has_one
            return SQL("(%s IS NULL OR %s)", column, has_one)

        return Domain.custom(to_sql=to_sql)

    def _field_to_sql(self, alias, field_expr, query=None):
        field = self._fields.get(field_expr)
        if getattr(field, "groups", None) == USER_GROUP:
            # Odoo checks no access to a related field that is read as superuser:
            # anybody could sort and sum by the figures
            self._check_field_access(field, "read")
        dimension_id = getattr(field, "customer_dimension_id", None)
        if dimension_id:
            return self._join_customer_category(alias, query, field.name, dimension_id)
        if field_expr == FIGURES_FIELD:
            figures = self._join_customer_rows(
                alias, query, "customer.figures", "customer_figures"
            )
            return SQL.identifier(figures, "id")
        if field and field.related in FIGURE_PATHS:
            # Not by the way of Odoo, which follows the path as superuser
            figures = self._join_customer_rows(
                alias, query, "customer.figures", "customer_figures"
            )
            return SQL.identifier(figures, FIGURE_PATHS[field.related])
        return super()._field_to_sql(alias, field_expr, query)

    def _join_customer_category(self, alias, query, field_name, dimension_id):
        """Return SQL for the category in effect today: a decision, or the score's."""
        key = [("dimension_id", dimension_id), ("slot", 0)]
        assignment = self._join_customer_rows(
            alias, query, "customer.assignment", f"{field_name}__assignment", key
        )
        override = self._join_customer_rows(
            alias,
            query,
            "customer.override",
            f"{field_name}__override",
            key,
            in_force_on=self.env.company.root_id._get_customer_today(),
        )
        category = self.env["customer.override"]._fields["category_id"]
        return SQL(
            """CASE WHEN %(is_decided)s IS NOT NULL
                    THEN %(decided)s ELSE %(computed)s END""",
            is_decided=SQL.identifier(override, "id"),
            decided=SQL.identifier(override, "category_id", to_flush=category),
            computed=SQL.identifier(assignment, "category_id"),
        )

    def _join_customer_rows(
        self, alias, query, model_name, link, key=(), in_force_on=None
    ):
        """Join the row of the contact's customer in the active company.

        :param str link: names the join; not a field's name, whose own join to the
            comodel has that alias
        :param key: pairs of column and value that identify the row besides
        :param date in_force_on: only a decision that holds on this day
        :return: the alias of the joined table
        """
        model = self.env[model_name]
        row = query.make_alias(alias, link)
        conditions = [
            SQL(
                "%s = %s",
                SQL.identifier(row, "partner_id"),
                SQL.identifier(
                    alias,
                    "commercial_partner_id",
                    to_flush=self._fields["commercial_partner_id"],
                ),
            )
        ]
        if not self.env.su:
            conditions.append(self._get_visible_condition(alias))
        for column, value in [("company_id", self.env.company.root_id.id), *key]:
            conditions.append(SQL("%s = %s", SQL.identifier(row, column), value))
        if in_force_on:
            date_end = model._fields["date_end"]
            conditions.append(
                SQL(
                    "%s >= %s",
                    SQL.identifier(row, "date_end", to_flush=date_end),
                    in_force_on,
                )
            )
        query.add_join("LEFT JOIN", row, model._table, SQL(" AND ").join(conditions))
        return row

    def _get_visible_condition(self, alias):
        """Return SQL that leaves out contacts of a customer the user may not see."""
        visible = self.env["res.partner"]._search(Domain.TRUE, active_test=False)
        customer = SQL.identifier(alias, "commercial_partner_id")
        return SQL(
            # most contacts are customers themselves, and in the query already
            "(%(customer)s = %(contact)s OR %(customer)s IN %(visible)s)",
            customer=customer,
            contact=SQL.identifier(alias, "id"),
            visible=visible.subselect(),
        )

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
            self.env["customer.dimension"].sudo().with_context(active_test=False)
        )
        return {d.partner_field_name: d.name for d in dimensions.search([])}

    # Actions

    def action_set_customer_category(self):
        """Open a new decision by hand, about the first dimension that has none."""
        self.ensure_one()
        dimensions = self.env["customer.dimension"]._get_shown()
        decided = self.customer_override_ids
        undecided = dimensions - decided.dimension_id
        if decided and not undecided:
            return decided[0].action_change()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Set by Hand"),
            "res_model": "customer.override",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_partner_id": self.commercial_partner_id.id,
                "default_dimension_id": undecided[:1].id,
            },
        }
