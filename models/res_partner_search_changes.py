from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_rights import USER_GROUP

#: The comparisons of a date, and their opposites
COMPARISONS = {
    ">": (SQL(">"), SQL("<=")),
    ">=": (SQL(">="), SQL("<")),
    "<": (SQL("<"), SQL(">=")),
    "<=": (SQL("<="), SQL(">")),
}


class ResPartner(models.Model):
    """Find the customers that somebody should look at.

    Those without a category that every customer needs, those with a decision that is
    due for review, those with any decision by hand, and those with a category that
    changed lately. Only dimensions that the user may see count.
    """

    _inherit = "res.partner"

    customer_is_category_missing = fields.Boolean(
        "Category Missing",
        compute="_compute_customer_flags",
        search="_search_customer_is_category_missing",
        groups=USER_GROUP,
        help="A dimension needs a category for every customer, applies to this one, "
        "and has none.",
    )
    customer_is_review_due = fields.Boolean(
        "Category Review Due",
        compute="_compute_customer_flags",
        search="_search_customer_is_review_due",
        groups=USER_GROUP,
        help="A category set by hand was not reviewed for as long as its dimension "
        "allows.",
    )
    customer_category_changed = fields.Datetime(
        "Category Changed",
        compute="_compute_customer_category_changed",
        search="_search_customer_category_changed",
        groups=USER_GROUP,
        help="When a category was last computed anew or decided by hand.",
    )

    # Computes

    @api.depends("commercial_partner_id")
    @api.depends_context("company", "uid")
    def _compute_customer_flags(self):
        Partner = self.with_context(active_test=False)
        for name in ("customer_is_category_missing", "customer_is_review_due"):
            found = Partner.search([("id", "in", self.ids), (name, "=", True)])
            for partner in self:
                partner[name] = partner._origin in found

    @api.depends("commercial_partner_id")
    @api.depends_context("company", "uid")
    def _compute_customer_category_changed(self):
        rows = self.env.execute_query(
            SQL(
                "SELECT partner_id, MAX(date) FROM (%s) AS change GROUP BY partner_id",
                self._get_customer_changes_query(
                    SQL("partner_id = ANY(%s)", self._get_visible_customers().ids)
                ),
            )
        )
        changed = dict(rows)
        for partner in self:
            customer = partner._origin.commercial_partner_id
            partner.customer_category_changed = changed.get(customer.id, False)

    @api.model
    def _invalidate_customer_fields(self):
        self.invalidate_model(
            [
                "customer_is_category_missing",
                "customer_is_review_due",
                "customer_category_changed",
            ]
        )
        return super()._invalidate_customer_fields()

    # Searches

    def _search_customer_is_set_by_hand(self, operator, value):
        if operator != "in":
            return NotImplemented
        return self._search_customer_decisions("customer_is_set_by_hand", value)

    def _search_customer_is_review_due(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = self.env.company.root_id._get_customer_today()
        return self._search_customer_decisions(
            "customer_is_review_due", value, Domain("review_date", "<=", today)
        )

    def _search_customer_decisions(self, field_name, value, domain=Domain.TRUE):
        """Return the contacts whose customers have a decision in force, or none.

        :param value: what the field is searched for
        :param domain: of the decisions
        """
        # Odoo checks no access to a field that a method searches
        self._check_field_access(self._fields[field_name], "read")
        domain &= Domain(
            [
                ("dimension_id", "in", self._get_readable_dimension_ids()),
                ("company_id", "in", [self.env.company.root_id.id, False]),
                ("is_in_force", "=", True),
            ]
        )
        # sudo: the decisions about customers the user may not see are left out below
        decisions = self.env["customer.override"].sudo()._search(domain)
        found = self._search_visible_customers(decisions.subselect("partner_id"))
        return found if True in value else ~found

    def _search_customer_is_category_missing(self, operator, value):
        if operator != "in":
            return NotImplemented
        # Odoo checks no access to a field that a method searches
        self._check_field_access(self._fields["customer_is_category_missing"], "read")
        found = self._search_customer_gaps(self._get_needed_dimensions())
        return found if True in value else ~found

    @api.model
    def _get_needed_dimensions(self):
        """Return the dimensions of which every customer needs a category.

        Those that the user may see; as superuser.
        """
        # sudo: whether a dimension needs a category is no secret
        dimensions = self.env["customer.dimension"].sudo()
        dimensions = dimensions.browse(self._get_readable_dimension_ids())
        return dimensions.filtered("is_required")

    def _search_customer_gaps(self, dimensions):
        """Return the domain of the customers without a category of any of these."""
        missing = Domain.OR(self._get_customer_gap(d) for d in dimensions)
        return missing & self._search_customers()

    def _search_customers(self):
        """Return the domain of the contacts of the active company's customers."""
        # sudo: who is a customer is for the company to say, also to a branch's user
        company = self.env.company.root_id.sudo()
        customers = company._get_customer_query(company._get_customer_settings())
        return self._search_visible_customers(customers)

    @api.model
    def _get_customer_gap(self, dimension):
        """Return the domain of the contacts without a category of the dimension.

        Of those it applies to.
        """
        domain = Domain(dimension.partner_field_name, "=", False)
        if dimension.applies_to != "all":
            domain &= Domain(
                "commercial_partner_id",
                "any!",
                [("is_company", "=", dimension.applies_to == "company")],
            )
        if dimension.applies_invoices != "all":
            invoiced = self._get_invoiced_customers(dimension)
            operator = "in" if dimension.applies_invoices == "with" else "not in"
            domain &= Domain("commercial_partner_id", operator, invoiced)
        return domain

    @api.model
    def _get_invoiced_customers(self, dimension):
        """Return SQL for the ids of those with invoices, as the dimension counts."""
        return SQL(
            """
            (SELECT partner_id
               FROM customer_figures
              WHERE invoice_count > 0 AND (%s OR company_id = %s))
            """,
            dimension.is_shared,
            self.env.company.root_id.id,
        )

    def _search_customer_category_changed(self, operator, value):
        # Odoo checks no access to a field that a method searches
        self._check_field_access(self._fields["customer_category_changed"], "read")
        if operator == "in":
            name = "customer_category_changed"
            return Domain.OR(
                Domain(name, ">=", moment) & Domain(name, "<=", moment)
                if moment
                else ~self._search_any_change()
                for moment in value
            )
        if operator not in COMPARISONS:
            return NotImplemented
        wanted, opposite = COMPARISONS[operator]
        if operator in (">", ">="):
            return self._search_customer_changes(SQL("date %s %s", wanted, value))
        # the last change was earlier: there was one, and none since
        later = self._search_customer_changes(SQL("date %s %s", opposite, value))
        return self._search_any_change() & ~later

    def _search_customer_changes(self, condition):
        """Return the domain of contacts with a change that meets the condition."""
        changes = self._get_customer_changes_query(condition)
        return self._search_visible_customers(
            SQL("SELECT partner_id FROM (%s) AS change", changes)
        )

    def _search_any_change(self):
        """Return the domain of contacts of which any change is known.

        Contact by contact, because that is asked of the few that the rest of a domain
        leaves.
        """

        def to_sql(model, alias, query):
            customer = SQL.identifier(
                alias,
                "commercial_partner_id",
                to_flush=model._fields["commercial_partner_id"],
            )
            changes = model._get_customer_changes_query(
                SQL("partner_id = %s", customer)
            )
            visible = model.env.su or model._get_visible_condition(alias)
            return SQL("(EXISTS (%s) AND %s)", changes, visible)

        return Domain.custom(to_sql=to_sql)

    def _search_visible_customers(self, customers):
        """Return the domain of the contacts of some customers, as the user may see.

        :param SQL customers: selects their ids
        """
        return Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "(%(customer)s IN (%(customers)s) AND %(visible)s)",
                customer=SQL.identifier(
                    alias,
                    "commercial_partner_id",
                    to_flush=model._fields["commercial_partner_id"],
                ),
                customers=customers,
                visible=model.env.su or model._get_visible_condition(alias),
            )
        )

    @api.model
    def _get_readable_dimension_ids(self):
        return list(self._get_readable_dimension_fields().values())

    @api.model
    def _get_customer_changes_query(self, condition):
        """Return SQL with customers and the moments a category of theirs changed.

        The first category of a dimension has no row of history: the assignment says
        since when it holds.

        :param SQL condition: on ``partner_id`` and ``date``
        """
        for model in ("customer.assignment", "customer.assignment.history"):
            self.env[model].flush_model()
        return SQL(
            """
            SELECT partner_id, date
              FROM (
                  SELECT partner_id, dimension_id, company_id, date
                    FROM customer_assignment_history
                   UNION ALL
                  SELECT partner_id, dimension_id, company_id, since
                    FROM customer_assignment
              ) AS change(partner_id, dimension_id, company_id, date)
             WHERE dimension_id = ANY(%(dimensions)s)
               AND (company_id = %(company)s OR company_id IS NULL)
               AND %(condition)s
            """,
            dimensions=self._get_readable_dimension_ids(),
            company=self.env.company.root_id.id,
            condition=condition,
        )
