from odoo import api, fields, models
from odoo.fields import Domain

#: Customers only: a contact shows the categories of its company
CUSTOMERS_ONLY = ["|", ("is_company", "=", True), ("parent_id", "=", False)]
#: The decisions that each kind of finding is about
DECISIONS = {
    "review": [("is_in_force", "=", True), ("is_review_due", "=", True)],
    "differs": [("is_in_force", "=", True), ("differs_long", "=", True)],
    "no_reason": [
        ("is_in_force", "=", True),
        ("dimension_id.method", "!=", "manual"),
        ("reason", "in", [False, ""]),
    ],
    "no_end": [
        ("is_in_force", "=", True),
        ("dimension_id.method", "!=", "manual"),
        ("date_end", "=", False),
    ],
    "no_customer": [("has_ended", "=", False), ("is_without_customer", "=", True)],
}


class CustomerQualityFinding(models.TransientModel):
    """What people should look at in the customers' categories, counted.

    One row for each kind of finding, dimension and company. The counts are those of
    the lists that the buttons open, and of what the user may see: a salesperson sees
    the findings about his own customers where he sees no others.
    """

    _name = "customer.quality.finding"
    _description = "Finding About the Customers' Categories"
    _order = "kind_order, dimension_id, company_id, id"
    _rec_name = "message"

    kind = fields.Selection(
        [
            ("missing", "Needed category missing"),
            ("contradiction", "Categories that do not go together"),
            ("review", "Due for review"),
            ("differs", "Set by hand, computed otherwise for long"),
            ("no_reason", "Set by hand without a reason"),
            ("no_end", "Set by hand without an end"),
            ("no_customer", "Set by hand for a contact that is no customer"),
        ],
        string="Finding",
        required=True,
        readonly=True,
    )
    kind_order = fields.Integer(readonly=True)
    dimension_id = fields.Many2one("customer.dimension", readonly=True)
    contradiction_id = fields.Many2one("customer.contradiction", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    message = fields.Char("What", readonly=True)
    customer_count = fields.Integer("Customers", readonly=True)
    decision_count = fields.Integer("Decisions", readonly=True)

    @api.model
    def action_check(self):
        """Count the findings in the user's companies and open them."""
        self.check_access("create")
        self.search([("create_uid", "=", self.env.uid)]).unlink()
        kinds = list(dict(self._fields["kind"].selection))
        self.create(
            [
                {**vals, "kind_order": kinds.index(vals["kind"])}
                for vals in self._get_findings()
            ]
        )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_quality_finding_action"
        )
        return {**action, "domain": [("create_uid", "=", self.env.uid)]}

    # Actions

    def action_open_customers(self):
        """Open the list of the customers, from where they can be changed at once."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.res_partner_action"
        )
        return {
            **action,
            "name": self.message,
            "display_name": self.message,
            "domain": list(self._get_customer_domain()),
            "context": self._get_customer_context(),
            "path": False,
        }

    def action_open_decisions(self):
        """Open the list of the decisions by hand that the finding is about."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_override_action"
        )
        return {
            **action,
            "name": self.message,
            "display_name": self.message,
            "domain": [
                *DECISIONS[self.kind],
                ("dimension_id", "=", self.dimension_id.id),
                ("company_id", "=", self.company_id.id),
            ],
            "context": {},
            "path": False,
        }

    def action_change_many(self):
        """Open a bulk change of the customers."""
        self.ensure_one()
        context = self._get_customer_context()
        bulk = self.env["customer.bulk"].with_context(
            **{name: value for name, value in context.items() if name != "active_test"}
        )
        return bulk._open_for(
            self._get_customer_domain(), active_test=context.get("active_test", True)
        )

    def _get_customer_domain(self):
        """Return the domain of the customers, as plain data."""
        self.ensure_one()
        if self.kind == "missing":
            found = ("customer_missing_dimension_ids", "in", self.dimension_id.ids)
        elif self.kind == "contradiction":
            found = ("customer_contradiction_ids", "in", self.contradiction_id.ids)
        else:
            found = (
                "customer_override_ids",
                "any",
                [
                    *DECISIONS[self.kind],
                    ("dimension_id", "=", self.dimension_id.id),
                ],
            )
        return [*CUSTOMERS_ONLY, found]

    def _get_customer_context(self):
        """Return the context of the list: what the contacts show differs by company."""
        self.ensure_one()
        context = {"res_partner_search_mode": "customer"}
        if self.kind in DECISIONS:
            # decisions about archived contacts count, too
            context["active_test"] = False
        if self.dimension_id:
            context["customer_bulk_dimension_id"] = self.dimension_id.id
        if self.company_id and self.company_id != self.env.company.root_id:
            own = self._get_companies().filtered(
                lambda company: company.root_id == self.company_id
            )
            context["allowed_company_ids"] = (own | self.env.companies).ids
        return context

    # What is found

    @api.model
    def _get_findings(self):
        """Return the values of all findings that are about anybody."""
        return [
            *self._find_customers(),
            *self._find_decisions(),
        ]

    @api.model
    def _find_customers(self):
        """Count who misses a category and whose categories do not go together."""
        companies = self._get_companies()
        findings = []
        for company in companies:
            Partner = self.env["res.partner"].with_company(company)
            owner = company.root_id.id if len(companies) > 1 else False
            counts = Partner._count_customers_to_look_at(
                Domain(CUSTOMERS_ONLY),
                Partner._get_needed_dimensions(),
                Partner._get_checked_contradictions(),
            )
            findings += [
                {
                    **self._get_customer_finding(record),
                    "company_id": owner,
                    "customer_count": count,
                }
                for record, count in counts.items()
                if count
            ]
        return findings

    @api.model
    def _get_customer_finding(self, record):
        """Return what is found about a dimension, or a contradiction."""
        if record._name == "customer.contradiction":
            return {
                "kind": "contradiction",
                "contradiction_id": record.id,
                "message": record.name,
            }
        return {
            "kind": "missing",
            "dimension_id": record.id,
            "message": self.env._(
                "%(dimension)s: needed category missing", dimension=record.name
            ),
        }

    @api.model
    def _find_decisions(self):
        """Count the decisions by hand that somebody should look at: a query a kind."""
        Partner = self.env["res.partner"]
        here = Domain(
            [
                ("dimension_id", "in", Partner._get_readable_dimension_ids()),
                (
                    "company_id",
                    "in",
                    [False, *(c.root_id.id for c in self._get_companies())],
                ),
            ]
        )
        findings = []
        for kind, domain in DECISIONS.items():
            groups = self.env["customer.override"]._read_group(
                Domain(domain) & here,
                ["dimension_id", "company_id"],
                ["__count", "partner_id:count_distinct"],
            )
            findings += [
                {
                    "kind": kind,
                    "dimension_id": dimension.id,
                    "company_id": company.id,
                    "message": self._get_decision_message(kind, dimension),
                    "decision_count": decisions,
                    "customer_count": customers,
                }
                for dimension, company, decisions, customers in groups
            ]
        return findings

    @api.model
    def _get_decision_message(self, kind, dimension):
        """Return what a finding about decisions is called."""
        name = dimension.name
        match kind:
            case "review":
                return self.env._(
                    "%(dimension)s: set by hand, due for review", dimension=name
                )
            case "differs":
                return self.env._(
                    "%(dimension)s: set by hand, computed otherwise for long",
                    dimension=name,
                )
            case "no_reason":
                return self.env._(
                    "%(dimension)s: set by hand without a reason", dimension=name
                )
            case "no_end":
                return self.env._(
                    "%(dimension)s: set by hand without an end", dimension=name
                )
        return self.env._(
            "%(dimension)s: set by hand for a contact that is no customer",
            dimension=name,
        )

    @api.model
    def _get_companies(self):
        """Return one of the user's active companies for each root company."""
        by_root = {}
        for company in self.env.companies:
            by_root.setdefault(company.root_id, company)
        return self.env["res.company"].union(*by_root.values())
