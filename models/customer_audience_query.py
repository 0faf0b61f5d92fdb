from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

CUSTOMER = SQL.identifier("res_partner", "id")


class CustomerAudience(models.Model):
    """Whom an audience is about, as one query.

    It is read with the rights of whoever asks, and in the audience's company whichever
    is active; the calendar is that company's.
    """

    _inherit = "customer.audience"

    def _get_customers_query(self):
        """Return SQL that selects the ids of the audience's customers.

        They are active commercial entities that are customers of the company, meet the
        conditions on this day, and are visible to the user. As superuser: all.

        :raise AccessError: where a condition is hidden from the user
        :raise ValidationError: where audiences name each other in a circle
        """
        self.ensure_one()
        self._check_conditions_visible()
        self._check_cycle()
        return self._get_query_of_conditions()

    def _get_query_of_conditions(self):
        """Return the SQL of :meth:`_get_customers_query` without its checks."""
        Partner = self._get_partners_of(self.company_id)
        query = Partner._search(self._get_customer_domain(Partner.env.company))
        for condition in self._get_customer_conditions(Partner):
            query.add_where(condition)
        return query.select()

    @api.model
    def _get_partners_of(self, company):
        """Return the contacts as an audience of ``company`` reads them.

        Nothing of the context remains that would show more or fewer, or another day.
        """
        company = company._origin
        allowed = company
        if not self.env.su:
            # sudo: the companies are the user's own, the root of theirs need not be
            branches = self.env.user.sudo().company_ids.filtered(
                lambda branch: branch.root_id == company
            )
            allowed = (company & branches) | branches or company
        context = {
            "allowed_company_ids": allowed.ids,
            "lang": self.env.lang or self.env.user.lang,
            "tz": company.sudo().partner_id.tz or "UTC",
        }
        return self.env(context=context)["res.partner"]

    @api.model
    def _get_company_domain(self, company):
        """Return the domain of the contacts that the company may write to."""
        branches = company.root_id._get_customer_branches()
        return Domain("company_id", "in", [False, *branches.ids])

    def _get_customer_domain(self, company):
        return (
            self._parse_domain(self.domain)
            & self._get_company_domain(company)
            & Domain("active", "=", True)
        )

    def _get_customer_conditions(self, Partner):
        """Yield SQL conditions on ``res_partner``, all of which hold."""
        # sudo: what the company counts as its customers, a branch's user need not see
        company = self.company_id._origin.sudo()
        population = company._get_customer_query(company._get_customer_settings())
        yield SQL("%s IN (%s)", CUSTOMER, population)
        # sudo: read whole, as who may not see one of them is refused
        audience = self.sudo()
        for category in audience.all_category_ids._origin:
            yield category._get_held_condition(Partner)
        if any_of := audience.any_category_ids._origin:
            yield any_of._get_held_condition(Partner)
        if none_of := audience.none_category_ids._origin:
            yield SQL("NOT %s", none_of._get_held_condition(Partner))
        for change in audience.change_ids:
            yield change._get_condition(Partner)
        if included := audience.include_ids._origin.sudo(self.env.su):
            yield included._get_membership_condition()
        if excluded := audience.exclude_ids._origin.sudo(self.env.su):
            yield SQL("NOT %s", excluded._get_membership_condition())

    def _get_membership_condition(self):
        """Return SQL for whether a customer belongs to one of these audiences."""
        return SQL(
            "EXISTS (SELECT FROM (%s) AS other (id) WHERE other.id = %s)",
            SQL(" UNION ALL ").join(
                SQL("(%s)", other._get_query_of_conditions()) for other in self
            ),
            CUSTOMER,
        )

    # Audiences that name each other

    @api.constrains("include_ids", "exclude_ids")
    def _check_cycle(self):
        for audience in self:
            circle = audience._find_circle()
            if circle:
                raise ValidationError(
                    self.env._(
                        "These audiences refer to each other in a circle, so none of "
                        "them says who belongs to it: %(circle)s. Take one out.",
                        # sudo: part of the circle may be other people's
                        circle=" → ".join(f"“{one.name}”" for one in circle.sudo()),
                    )
                )

    def _find_circle(self):
        """Return the audiences on the way from this one back to it, both ends told."""

        def follow(audience, path):
            # sudo: other people's audiences lead back to this one, too
            others = audience.sudo().include_ids | audience.sudo().exclude_ids
            for other in others._origin:
                if other == target:
                    return [*path, other]
                if other not in seen:
                    seen.add(other)
                    if found := follow(other, [*path, other]):
                        return found
            return None

        self.ensure_one()
        target = self._origin.sudo()
        seen = set()
        found = follow(self, [target])
        # not a recordset's union: that would tell the first one only once
        return self.browse([one.id for one in found]) if found else self.browse()


class CustomerCategory(models.Model):
    _inherit = "customer.category"

    def _get_with_parts(self):
        """Return these categories, their parts, and what was merged into any of them.

        Archived ones, too: customers may hold them.
        """
        # sudo: which categories belong together is no secret
        Category = self.sudo().with_context(active_test=False)
        result = Category.search([("id", "child_of", self.ids)])
        merged = result
        while merged:
            merged = Category.search([("successor_id", "in", merged.ids)]) - result
            result |= merged
        return result

    def _get_held_condition(self, Partner):
        """Return SQL for whether a customer has one of these categories today.

        :param Partner: the contacts, in the company whose categories count
        """
        return SQL(
            """
            EXISTS (
                SELECT
                  FROM (%(held)s) AS held
                 WHERE held.partner_id = %(customer)s
                   AND held.category_id = ANY(%(categories)s)
            )
            """,
            held=Partner._get_customer_categories_query(self.sudo().dimension_id.ids),
            customer=CUSTOMER,
            categories=self._get_with_parts().ids,
        )
