from odoo import api, models
from odoo.tools import SQL

from .customer_scope import EVERYONE


class CustomerPopulation(models.AbstractModel):
    """The customers that a run judges, for the length of a transaction.

    Rules and mirrored fields are about every customer, also those who never bought.
    Who is one is worked out once for each step of a run, into a temporary table
    that all dimensions read.
    """

    _name = "customer.population"
    _description = "Customers That a Run Judges"

    @api.model
    def _prepare(self, company, settings, scope=EVERYONE):
        """Work out the customers of ``company``; the next call replaces them.

        :param company: an empty recordset for those of any company
        :param dict settings: what counts, as ``_get_customer_settings`` returns it
        :param Scope scope: whom the step is about
        """
        if company:
            customers = company._get_customer_query(settings)
        else:
            # sudo: what all companies share is about the customers of all
            roots = company.sudo().search([("parent_id", "=", False)])
            customers = SQL(" UNION ").join(
                root._get_customer_query(root._get_customer_settings())
                for root in roots
            )
        self.env["res.partner"].flush_model(["is_company"])
        self.env.execute_query(SQL("DROP TABLE IF EXISTS pg_temp.customer_population"))
        self.env.execute_query(
            SQL(
                """
                CREATE TEMPORARY TABLE customer_population ON COMMIT DROP AS
                SELECT partner.id AS partner_id,
                       COALESCE(partner.is_company, FALSE) AS is_company,
                       EXISTS (
                           SELECT
                             FROM customer_figures AS figures
                            WHERE figures.partner_id = partner.id
                              AND (%(every_company)s
                                   OR figures.company_id = %(company)s)
                              AND figures.invoice_count > 0
                       ) AS has_invoices
                  FROM res_partner AS partner
                 WHERE partner.id IN (%(customers)s)
                   AND %(in_scope)s
                """,
                every_company=not company,
                company=company.id or None,
                customers=customers,
                in_scope=scope.on(SQL.identifier("partner", "id")),
            )
        )
        self.env.execute_query(
            SQL("CREATE UNIQUE INDEX ON pg_temp.customer_population (partner_id)")
        )
        self.env.execute_query(SQL("ANALYZE pg_temp.customer_population"))

    @api.model
    def _get_applicable(self, settings, scope=EVERYONE):
        """Return SQL that selects the ids of those a dimension applies to.

        :param dict settings: what a ruleset froze of the dimension
        :param Scope scope: whom of the prepared ones
        """
        conditions = [scope.on(SQL("partner_id"))]
        if settings["applies_to"] != "all":
            is_company = settings["applies_to"] == "company"
            conditions.append(SQL("is_company = %s", is_company))
        if settings["applies_invoices"] != "all":
            has_invoices = settings["applies_invoices"] == "with"
            conditions.append(SQL("has_invoices = %s", has_invoices))
        return SQL(
            "SELECT partner_id FROM pg_temp.customer_population WHERE %s",
            SQL(" AND ").join(conditions),
        )

    @api.model
    def _get_partners(self, company):
        """Return the contacts as the engine reads them: all, in the company."""
        # sudo: whose contact it is, is not for the user who starts a run to decide
        Partner = self.env["res.partner"].sudo().with_context(active_test=False)
        if company:
            timezone = company.sudo().partner_id.tz or "UTC"
            Partner = Partner.with_company(company).with_context(tz=timezone)
        return Partner
