from odoo import api, models

#: How a category came about where a person decided, by the operation of the decision
SOURCE_BY_OPERATION = {
    "set": "manual",
    "add": "manual",
    "none": "none",
    "exclude": "none",
}


class ResPartner(models.Model):
    """What the Classification page and the chip beside a customer's name show.

    Plain data for the browser, read with the user's own rights: of a customer or a
    dimension that the user may not see, nothing is in it.
    """

    _inherit = "res.partner"

    def get_customer_profile(self):
        """Return every dimension of the contact's customer, for the form's page.

        A contact shows the categories of the company behind it.

        :return: dict of the ``company`` and the ``customer`` the categories are of,
            what the page has to explain, and ``groups`` of dimensions, each with its
            ``entries``; see :meth:`_get_profile_dimension` and
            :meth:`_get_profile_entry`
        :raise AccessError: for who may not see the contact or any dimension
        """
        self.ensure_one()
        self.check_access("read")
        Dimension = self.env["customer.dimension"]
        company = self.env.company.root_id
        customer = self._get_visible_customers()
        return {
            "company": {"id": company.id, "name": company.sudo().name},
            "show_company": len(self.env.companies.root_id) > 1,
            "customer": customer and {"id": customer.id, "name": customer.display_name},
            "is_contact": self != self.commercial_partner_id,
            "has_invoices": customer._has_customer_invoices(),
            "can_configure": Dimension.has_access("create"),
            "groups": customer
            and customer._get_profile_groups(self._get_profile_dimensions())
            or [],
        }

    def get_customer_chip(self):
        """Return the category of the main dimension, for the chip beside the name.

        :return: dict of the ``name`` and ``color`` of the category, the name of the
            ``dimension``, the ``company`` where several are active, and ``why``;
            False where the customer has none or the user may not see it
        """
        self.ensure_one()
        dimension = self._get_profile_dimensions().filtered("is_main")
        customer = self._get_visible_customers()
        if not (dimension and customer and self.has_access("read")):
            return False
        for entry in customer._get_profile_entries(dimension)[dimension]:
            if entry["category_id"]:
                company = self.env.company.root_id
                names_company = (
                    not dimension.is_shared and self.env.companies.root_id > company
                )
                return {
                    "name": entry["name"],
                    "color": entry["color"],
                    "dimension": dimension.name,
                    "company": names_company and company.sudo().name,
                    "why": entry["why"],
                }
        return False

    @api.model
    def _get_profile_dimensions(self):
        """Return the dimensions whose categories the user may see.

        Managers also see dimensions that they only configure.
        """
        Dimension = self.env["customer.dimension"]
        return Dimension._get_shown().filtered_domain(Dimension._get_visible_domain())

    def _has_customer_invoices(self):
        """Whether posted invoices or credit notes count for this customer."""
        figures = self.customer_figures_id
        return bool(figures.invoice_count or figures.refund_count)

    def _get_profile_groups(self, dimensions):
        """Return the dimensions that concern this customer, in their groups."""
        entries = self._get_profile_entries(dimensions)
        by_group = {}
        for dimension in dimensions:
            is_concerned = self._is_concerned_by(dimension)
            if is_concerned or entries[dimension]:
                by_group.setdefault(dimension.group_id, []).append(
                    self._get_profile_dimension(
                        dimension, entries[dimension], is_concerned
                    )
                )
        groups = dimensions.group_id.sorted()
        no_group = groups.browse()
        return [
            {
                "id": group.id,
                "name": group.name or (bool(groups) and self.env._("Other")),
                "dimensions": by_group[group],
            }
            for group in [*groups, no_group]
            if group in by_group
        ]

    def _is_concerned_by(self, dimension):
        """Whether the dimension applies to customers such as this one."""
        kind = "company" if self.is_company else "person"
        invoices = "with" if self._has_customer_invoices() else "without"
        return dimension.applies_to in ("all", kind) and (
            dimension.applies_invoices in ("all", invoices)
        )

    def _get_profile_dimension(self, dimension, entries, is_concerned):
        """Return what the page shows of a dimension.

        :param list entries: of this customer, as :meth:`_get_profile_entry` makes them
        :param bool is_concerned: whether the dimension applies to this customer
        """
        Override = self.env["customer.override"]
        return {
            "id": dimension.id,
            "code": dimension.code,
            "name": dimension.name,
            "description": dimension.description,
            "icon": dimension.icon,
            "color": dimension.color,
            "is_multiple": dimension.is_multiple,
            "is_shared": dimension.is_shared,
            "is_required": dimension.is_required,
            "is_missing": is_concerned
            and dimension.is_required
            and not any(entry["category_id"] for entry in entries),
            "can_edit": dimension.user_may_edit,
            "method": dimension.method,
            # until when a new decision holds unless the person says otherwise
            "date_end": Override.new({"dimension_id": dimension.id}).date_end,
            "entries": entries,
        }

    def _get_profile_entries(self, dimensions):
        """Return the entries of this customer by dimension: one query a table.

        One entry is one category in effect or one decision; a dimension without
        either has none.
        """
        self.ensure_one()
        domain = [
            ("partner_id", "=", self.id),
            ("dimension_id", "in", dimensions.ids),
            ("company_id", "in", [self.env.company.root_id.id, False]),
        ]
        assignments = self.env["customer.assignment"].search(domain)
        overrides = self.env["customer.override"].search(
            [*domain, ("is_in_force", "=", True)]
        )
        computed = {(row.dimension_id, row.slot): row for row in assignments}
        decided = {(row.dimension_id, row.slot): row for row in overrides}
        entries = {dimension: [] for dimension in dimensions}
        for key in decided | computed:
            assignment = computed.get(key, assignments.browse())
            override = decided.get(key, overrides.browse())
            if override or assignment.category_id:
                entries[key[0]].append(self._get_profile_entry(assignment, override))
        return entries

    def _get_profile_entry(self, assignment, override):
        """Return what the page shows of one category or decision.

        :param assignment: what the engine says, or nothing
        :param override: what a person decided, or nothing; it outranks the former
        """
        category = (override or assignment).category_id
        # sudo: who decided is said even where that user is of another company
        user = override.write_uid.sudo().name
        return {
            "key": (override or assignment).slot,
            "category_id": category.id,
            "name": category.name,
            "path": category.complete_name,
            "color": category.color,
            "source": SOURCE_BY_OPERATION.get(override.operation)
            or self._get_computed_source(assignment),
            "operation": override.operation,
            "since": override.write_date if override else assignment.since,
            "until": override.date_end,
            "review_date": override.review_date,
            "override_id": override.id,
            "assignment_id": assignment.id,
            "by": user,
            "reason": override.reason,
            "why": override.reason if override else assignment.explanation,
            "computed": bool(override and assignment.category_id)
            and {
                "name": assignment.category_id.complete_name,
                "color": assignment.category_id.color,
                "why": assignment.explanation,
            },
        }

    @api.model
    def _get_computed_source(self, assignment):
        """Return how the engine came to the category, as its inputs tell."""
        inputs = assignment._get_inputs()
        if inputs.get("default"):
            return "default"
        if "position" in inputs:
            return "rule"
        return "field" if "fields" in inputs else "score"
