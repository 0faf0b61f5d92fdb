from odoo import api, fields, models
from odoo.fields import Domain

from .customer_rights import USER_GROUP


class ResPartner(models.Model):
    """What is wrong with a customer's categories, one finding at a time.

    Each field names what it is about, so that a list of contacts, a filter or an
    automation rule can ask for exactly one dimension or contradiction. Only what the
    user may see counts, in the active company.
    """

    _inherit = "res.partner"

    customer_missing_dimension_ids = fields.Many2many(
        "customer.dimension",
        string="Needed Categories Missing",
        compute="_compute_customer_quality",
        search="_search_customer_missing_dimension_ids",
        groups=USER_GROUP,
        help="Dimensions that need a category for every customer, apply to this one, "
        "and have none.",
    )
    customer_contradiction_ids = fields.Many2many(
        "customer.contradiction",
        string="Contradictions",
        compute="_compute_customer_quality",
        search="_search_customer_contradiction_ids",
        groups=USER_GROUP,
        help="Categories of this customer that do not go together.",
    )

    # Computes

    @api.depends("commercial_partner_id")
    @api.depends_context("company", "uid")
    def _compute_customer_quality(self):
        for name, candidates in (
            ("customer_missing_dimension_ids", self._get_needed_dimensions()),
            ("customer_contradiction_ids", self._get_checked_contradictions()),
        ):
            candidates = candidates.sudo(self.env.su)
            found = {
                candidate: self.with_context(active_test=False).search(
                    [("id", "in", self.ids), (name, "in", candidate.ids)]
                )
                for candidate in candidates
            }
            for partner in self:
                partner[name] = candidates.filtered(
                    lambda c, p=partner, found=found: p._origin in found[c]
                )

    @api.model
    def _invalidate_customer_fields(self):
        self.invalidate_model(
            ["customer_missing_dimension_ids", "customer_contradiction_ids"]
        )
        return super()._invalidate_customer_fields()

    # Searches

    def _search_customer_missing_dimension_ids(self, operator, value):
        return self._search_customer_quality(
            "customer_missing_dimension_ids",
            self._get_needed_dimensions(),
            self._search_customer_gaps,
            operator,
            value,
        )

    def _search_customer_contradiction_ids(self, operator, value):
        return self._search_customer_quality(
            "customer_contradiction_ids",
            self._get_checked_contradictions(),
            self._search_customer_contradictions,
            operator,
            value,
        )

    def _search_customer_quality(self, name, candidates, search, operator, value):
        """Return the domain ``name operator value``.

        :param candidates: the records that count
        :param search: function of some of them, that returns the domain of the
            contacts that any of them is about
        """
        # Odoo checks no access to a field that a method searches
        self._check_field_access(self._fields[name], "read")
        if operator == "in":
            ids = {id_ for id_ in value if id_}
            found = search(candidates.filtered(lambda c: c.id in ids))
            if len(ids) < len(value):
                found |= ~search(candidates)
            return found
        if operator in ("any", "any!") and isinstance(value, Domain):
            wanted = candidates.sudo(self.env.su).filtered_domain(value)
            return search(wanted.sudo())
        return NotImplemented

    def _search_customer_contradictions(self, contradictions):
        """Return the domain of the customers whom one of these is about."""
        found = Domain.OR(c._get_customer_domain() for c in contradictions)
        return found & self._search_customers()

    @api.model
    def _get_checked_contradictions(self):
        """Return the contradictions that count here and that the user may see.

        As superuser: each says of its conditions only what the user may know.
        """
        readable = set(self._get_readable_dimension_ids())
        # sudo: the readable dimensions decide
        contradictions = (
            self.env["customer.contradiction"]
            .sudo()
            .search([("company_id", "in", [False, self.env.company.root_id.id])])
        )
        return contradictions.filtered(
            lambda c: (
                c.condition_ids and set(c.condition_ids.dimension_id.ids) <= readable
            )
        )

    def _search_customer_override_ids(self, operator, value):
        """Search by a condition on the decisions in force."""
        # Odoo checks no access to a field that a method searches
        self._check_field_access(self._fields["customer_override_ids"], "read")
        if operator in ("any", "any!") and isinstance(value, Domain):
            domain, with_none = value, False
        elif operator == "in":
            ids = [id_ for id_ in value if id_]
            domain, with_none = Domain("id", "in", ids), len(ids) < len(value)
        else:
            return NotImplemented
        found = self._search_customers_decided(domain)
        if with_none:
            found |= ~self._search_customers_decided(Domain.TRUE)
        return found

    def _search_customers_decided(self, domain):
        """Return the domain of the contacts whose customer has such a decision."""
        here = Domain(
            [
                ("dimension_id", "in", self._get_readable_dimension_ids()),
                ("company_id", "in", [self.env.company.root_id.id, False]),
                ("is_in_force", "=", True),
            ]
        )
        # with the user's rights: the condition may lead to any other record
        decisions = self.env["customer.override"]._search(domain & here)
        return self._search_visible_customers(decisions.subselect("partner_id"))
