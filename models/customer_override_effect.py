from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class CustomerOverride(models.Model):
    """Which decisions hold today, and which rest.

    A decision whose last day has passed has ended. One about a contact that became
    part of another customer rests: that customer's categories show instead, and the
    decision holds again should the contact become a customer of its own again.
    """

    _inherit = "customer.override"

    has_ended = fields.Boolean(
        compute="_compute_has_ended",
        search="_search_has_ended",
        help="The last day of the decision has passed.",
    )
    is_without_customer = fields.Boolean(
        "Contact Is No Customer of Its Own",
        compute="_compute_is_without_customer",
        search="_search_is_without_customer",
        help="The contact belongs to another customer, whose categories it shows. The "
        "decision has no effect as long as that is so.",
    )
    is_in_force = fields.Boolean(
        compute="_compute_is_in_force", search="_search_is_in_force"
    )

    @api.depends("date_end", "company_id")
    def _compute_has_ended(self):
        for override in self:
            override.has_ended = bool(
                override.date_end and override.date_end < override._get_today()
            )

    def _search_has_ended(self, operator, value):
        if operator != "in":
            return NotImplemented
        domain = Domain.OR(
            [("company_id", "=", company_id), ("date_end", "<", today)]
            for company_id, today, _timezone in self._get_owner_days()
        )
        return domain if True in value else ~domain

    @api.depends("partner_id.commercial_partner_id")
    def _compute_is_without_customer(self):
        for override in self:
            # sudo: whose contact it is, the user need not see
            contact = override.sudo().partner_id
            override.is_without_customer = contact.commercial_partner_id != contact

    def _search_is_without_customer(self, operator, value):
        if operator != "in":
            return NotImplemented
        found = Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                """EXISTS (
                    SELECT
                      FROM res_partner AS contact
                     WHERE contact.id = %s
                       AND %s IS DISTINCT FROM contact.id
                )""",
                SQL.identifier(
                    alias, "partner_id", to_flush=model._fields["partner_id"]
                ),
                SQL.identifier(
                    "contact",
                    "commercial_partner_id",
                    to_flush=self.env["res.partner"]._fields["commercial_partner_id"],
                ),
            )
        )
        return found if True in value else ~found

    @api.depends("has_ended", "is_without_customer")
    def _compute_is_in_force(self):
        for override in self:
            override.is_in_force = not (
                override.has_ended or override.is_without_customer
            )

    def _search_is_in_force(self, operator, value):
        if operator != "in":
            return NotImplemented
        domain = Domain("has_ended", "=", False) & Domain(
            "is_without_customer", "=", False
        )
        return domain if True in value else ~domain

    def _get_today(self):
        """Return the day it is for the decision."""
        self.ensure_one()
        company = self.company_id
        if company:
            return company._get_customer_today()
        return company._get_customer_today_of_all()

    @api.model
    def _get_owner_days(self):
        """Return what day it is, and the time zone, for each company's decisions.

        :return: list of tuples of the company's id, the day and the time zone's name;
            the id is False for what all companies share
        """
        # sudo: which companies exist is not what this is about
        Company = self.env["res.company"].sudo()
        companies = Company.search([("parent_id", "=", False)], order="id")
        days = [
            (company.id, company._get_customer_today(), company.partner_id.tz or "UTC")
            for company in companies
        ]
        # what they share follows the first one
        return [(False, *days[0][1:]), *days]
