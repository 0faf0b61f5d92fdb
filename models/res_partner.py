from odoo import api, fields, models
from odoo.tools import SQL

from .customer_dimension_fields import SCORE_FIELDS
from .customer_rights import USER_GROUP

#: What the fields of the figures and the categories of a contact are made of
FIGURES_FIELD = "customer_figures_id"


def _figure(
    kind,
    name,
    string,
    model="customer.figures",
    groups=USER_GROUP,
    may_be_undefined=False,
    **kwargs,
):
    """Return a field of the contact that shows a figure.

    :param str name: the column, and the code of its metric
    :param str model: the model of facts that has it
    :param str groups: who may see it
    :param bool may_be_undefined: whether a number that is missing is not 0: the mean
        of nothing is none, and no comparison finds it
    """

    def search(partners, operator, value):
        if may_be_undefined:
            return partners._search_customer_number(f"customer_{name}", operator, value)
        return partners._search_customer_column(f"customer_{name}", operator, value)

    return kind(
        string=string,
        compute="_compute_customer_figures",
        search=search,
        compute_sudo=True,
        groups=groups,
        customer_figure=name,
        customer_figure_model=model,
        customer_figure_is_optional=may_be_undefined,
        **kwargs,
    )


def _money(name, string, **kwargs):
    return _figure(
        fields.Monetary, name, string, currency_field="customer_currency_id", **kwargs
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
        compute="_compute_customer_figures",
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
    customer_revenue_window = _money(
        "revenue_window",
        "Net Revenue in Period",
        help="Posted invoices less credit notes, without taxes, in company currency, "
        "of the days of the period of value.",
    )
    customer_revenue_total = _money(
        "revenue_total",
        "Net Revenue",
        help="Posted invoices less credit notes, without taxes, in company currency.",
    )
    customer_average_ticket = _money(
        "average_ticket",
        "Average Ticket",
        aggregator="avg",
        help="Net revenue divided by the number of invoices.",
    )
    customer_first_date = _figure(
        fields.Date,
        "first_date",
        "First Purchase",
        help="The day of the first posted invoice: since when this is a customer.",
    )
    customer_last_date = _figure(
        fields.Date,
        "last_date",
        "Last Purchase",
        help="The day of the latest posted invoice.",
    )
    customer_purchase_days = _figure(
        fields.Integer,
        "purchase_days",
        "Purchase Days",
        help="Days with at least one posted invoice. Two invoices on one day are one "
        "purchase; credit notes are none.",
    )
    customer_purchase_days_window = _figure(
        fields.Integer, "purchase_days_window", "Purchase Days in Period"
    )
    customer_invoice_count = _figure(fields.Integer, "invoice_count", "Posted Invoices")
    customer_refund_count = _figure(
        fields.Integer, "refund_count", "Posted Credit Notes"
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
        search="_search_customer_override_ids",
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
    def _compute_customer_figures(self):
        """Compute the field of every figure: the customer's one row of each kind."""
        customers = self._get_visible_customers()
        for model in self.env["customer.facts.mixin"]._get_models():
            facts = model.search(
                [
                    ("partner_id", "in", customers.ids),
                    ("company_id", "=", self.env.company.root_id.id),
                ]
            )
            by_partner = {row.partner_id: row for row in facts}
            names = self._get_customer_figure_fields(model)
            for partner in self:
                row = by_partner.get(partner.commercial_partner_id, model)
                if model._name == "customer.figures":
                    partner.customer_figures_id = row
                for field_name, name in names.items():
                    partner[field_name] = row[name]

    @api.model
    def _get_customer_figure_fields(self, model):
        """Return the name of the figure by the name of the field that shows it."""
        return {
            name: field.customer_figure
            for name, field in self._fields.items()
            if getattr(field, "customer_figure_model", None) == model._name
        }

    @api.model
    def _valid_field_parameter(self, field, name):
        return name in (
            "customer_figure",
            "customer_figure_model",
            "customer_figure_is_optional",
        ) or super()._valid_field_parameter(field, name)

    @api.depends("commercial_partner_id")
    @api.depends_context("company", "uid")
    def _compute_customer_rows(self):
        # no record rule holds for what is computed as superuser
        dimensions = self.env["customer.dimension"].search(
            self.env["customer.dimension"]._get_visible_domain()
        )
        domain = [
            ("partner_id", "in", self._get_visible_customers().ids),
            ("company_id", "in", [self.env.company.root_id.id, False]),
            ("dimension_id", "in", dimensions.ids),
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
        customers = self._get_visible_customers()
        by_part = {}
        for name, dimension_id in self._get_customer_dimension_fields().items():
            part = self._fields[name].customer_dimension_part
            by_part.setdefault(part, {})[name] = dimension_id
        categories = by_part.pop("category", {})
        held = self._get_customer_categories(categories.values(), customers)
        # their names at once, which a list would read column by column
        all_ids = {id_ for ids in held.values() for id_ in ids}
        self.env["customer.category"].browse(all_ids).fetch(["name", "color"])
        scores = self._get_customer_scores(
            {id_ for names in by_part.values() for id_ in names.values()}, customers
        )
        for partner in self:
            # a contact that is not saved yet shows none
            customer_id = partner._origin.commercial_partner_id.id
            for name, dimension_id in categories.items():
                ids = held.get((customer_id, dimension_id), [])
                is_several = self._fields[name].type == "many2many"
                partner[name] = ids if is_several else next(iter(ids), False)
            for part, names in by_part.items():
                for name, dimension_id in names.items():
                    row = scores.get((customer_id, dimension_id), {})
                    partner[name] = row.get(part)

    def _get_customer_categories(self, dimension_ids, customers):
        """Return lists of ids of categories, by ids of customer and dimension."""
        self.env["customer.assignment"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id, dimension_id,
                       array_agg(category_id ORDER BY category_id)
                  FROM (%s) AS held
                 WHERE partner_id = ANY(%s)
                 GROUP BY partner_id, dimension_id
                """,
                self._get_customer_categories_query(dimension_ids),
                customers.ids,
            )
        )
        return {tuple(key): ids for *key, ids in rows}

    def _get_customer_scores(self, dimension_ids, customers):
        """Return the rows of scores as dicts, by ids of customer and dimension."""
        get_facts = self.env["customer.dimension"]._get_field_facts
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT partner_id, dimension_id, %(columns)s
                  FROM customer_assignment
                 WHERE partner_id = ANY(%(customers)s)
                   AND dimension_id = ANY(%(dimensions)s)
                   AND company_id = %(company)s
                   AND %(is_told)s
                """,
                columns=SQL(", ").join(map(SQL.identifier, SCORE_FIELDS)),
                customers=customers.ids,
                dimensions=[id_ for id_ in dimension_ids if get_facts(id_)["active"]],
                company=self.env.company.root_id.id,
                is_told=self.env["customer.dimension"]._get_told_condition(
                    SQL("dimension_id")
                ),
            )
        )
        return {(row["partner_id"], row["dimension_id"]): row for row in rows}

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
    def _get_company_field_labels(self, names):
        """Return the labels of those fields whose value differs by company."""
        dimensions = self.env["customer.dimension"]
        aware = []
        for name in sorted(names & self._fields.keys()):
            field = self._fields[name]
            dimension_id = getattr(field, "customer_dimension_id", None)
            metric_id = getattr(field, "customer_metric_id", None)
            if dimension_id:
                is_aware = not dimensions._get_field_facts(dimension_id)["is_shared"]
            elif metric_id:
                is_aware = (
                    self.env["customer.metric"].browse(metric_id).is_company_aware
                )
            else:
                by_context = self.pool.field_depends_context[field]
                is_aware = field.company_dependent or "company" in by_context
            if is_aware:
                aware.append(name)
        labels = self.fields_get(aware, ["string"]) if aware else {}
        return [labels[name]["string"] for name in aware if name in labels]

    @api.model
    def _invalidate_customer_fields(self):
        """Forget what the contacts show after the tables behind it changed."""
        self.invalidate_model(
            [
                name
                for name in self._fields
                if name.startswith(("customer_figures", "customer_assignment"))
                or name in ("customer_override_ids", "customer_history_ids")
                or getattr(self._fields[name], "customer_figure", None)
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
