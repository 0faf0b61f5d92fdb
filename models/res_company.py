from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, ormcache

from .customer_engine_fields import get_engine_columns
from .customer_scope import EVERYONE

#: So many hours are night, from the hour of the nightly computation on
NIGHT_HOURS = 6
DEFAULT_POPULATION = "[('customer_rank', '>', 0)]"


class ResCompany(models.Model):
    """What counts for a company: who is a customer and what is revenue."""

    _inherit = "res.company"

    customer_window_days = fields.Integer(
        string="Period of Value (Days)",
        default=365,
        help="Net revenue and purchase days “in the period” cover this many days "
        "up to the day of computation.",
    )
    customer_history_start = fields.Date(
        string="History Starts On",
        help="Earlier invoices do not count. Enter the day you began to invoice "
        "with Odoo if opening balances were entered as invoices.",
    )
    customer_population_domain = fields.Char(
        string="Who Is a Customer",
        default=DEFAULT_POPULATION,
        required=True,
        help="Only contacts that match are classified. Own companies never are.",
    )
    customer_night_hour = fields.Integer(
        string="Hour of the Nightly Computation",
        default=1,
        help="The nightly computation begins at this hour, 0 to 23, where the company "
        "is.",
    )
    customer_include_receipts = fields.Boolean(
        string="Sales Receipts Count as Revenue",
    )
    customer_include_intercompany = fields.Boolean(
        string="Classify the Group's Other Companies",
        help="Invoices between companies of this database count as revenue, too.",
    )

    _customer_window_positive = models.Constraint(
        "CHECK (customer_window_days > 0)",
        "The period of value needs at least one day.",
    )

    _customer_night_hour_valid = models.Constraint(
        "CHECK (customer_night_hour BETWEEN 0 AND 23)",
        "The hour of the nightly computation is a number from 0 to 23.",
    )

    @api.constrains("customer_population_domain")
    def _check_customer_population_domain(self):
        for company in self:
            try:
                # The query must run: a wrong value is only noticed by the database
                with self.env.cr.savepoint():
                    self.env["res.partner"].search_count(
                        company._get_customer_domain(
                            company.customer_population_domain
                        ),
                        limit=1,
                    )
            except Exception as error:
                raise ValidationError(
                    self.env._(
                        "“Who is a customer” cannot be evaluated: %(error)s",
                        error=error,
                    )
                ) from error

    def unlink(self):
        """Remove the rows that link to these companies without a foreign key."""
        ids = self.ids
        result = super().unlink()
        for table, column in get_engine_columns(self.env, self._name):
            self.env.execute_query(
                SQL(
                    "DELETE FROM %s WHERE %s = ANY(%s)",
                    SQL.identifier(table),
                    SQL.identifier(column),
                    ids,
                )
            )
        return result

    def _get_customer_settings(self):
        """Return who is a customer and what counts, as a ruleset freezes it."""
        self.ensure_one()
        return {
            "window_days": self.customer_window_days,
            "history_start": fields.Date.to_string(self.customer_history_start)
            or False,
            "population": self.customer_population_domain,
            "receipts": self.customer_include_receipts,
            "intercompany": self.customer_include_intercompany,
        }

    @api.model
    def _get_customer_domain(self, population):
        """Return the domain of the contacts that are customers.

        Whoever has an order or an opportunity is one, too, where those apps are
        installed and the shipped domain was kept.
        """
        domain = Domain(literal_eval(population))
        partner_fields = self.env["res.partner"]._fields
        if population == DEFAULT_POPULATION:
            for field_name in ("sale_order_ids", "opportunity_ids"):
                if field_name in partner_fields:
                    domain |= Domain(field_name, "!=", False)
        return domain

    def _get_customer_query(self, settings, scope=EVERYONE):
        """Return SQL that selects the ids of the company's customers in a scope.

        Customers are commercial entities, archived ones included, but no company
        of the database, unless the setting lets the other ones in.
        """
        self.ensure_one()
        # Whose contact it is, is not for the user who starts a run to decide.
        Partner = self.env["res.partner"].sudo().with_company(self)
        query = Partner._search(
            self._get_customer_domain(settings["population"]),
            active_test=False,
            bypass_access=True,
        )
        Partner.flush_model(["commercial_partner_id"])
        query.add_where(
            SQL(
                """(res_partner.commercial_partner_id = res_partner.id) IS TRUE
                   AND NOT EXISTS (
                       SELECT
                         FROM res_company AS company
                        WHERE company.partner_id = res_partner.id
                          AND (company.id = ANY(%(own)s)
                               OR NOT %(include_intercompany)s)
                   )""",
                own=self._get_customer_branches().ids,
                include_intercompany=settings["intercompany"],
            )
        )
        if scope is not EVERYONE:
            query.add_where(scope.on(SQL.identifier("res_partner", "id")))
        return query.select()

    def _get_customer_difference_queries(self):
        """Return queries that select the ids of who became a customer unnoticed.

        And of who is none any more. Changes of contacts are noted; where other records
        decide who is a customer, such as orders, the customers are compared with those
        who have figures.
        """
        settings = self._get_customer_settings()
        if self._is_population_noted(settings["population"]):
            return []
        customers = self._get_customer_query(settings)
        return [
            SQL(
                """
                SELECT partner_id
                  FROM customer_figures
                 WHERE company_id = %s AND partner_id NOT IN (%s)
                """,
                self.id,
                customers,
            ),
            SQL(
                """
                SELECT customer.id
                  FROM (%(customers)s) AS customer (id)
                 WHERE NOT EXISTS (
                           SELECT
                             FROM customer_figures AS figures
                            WHERE figures.partner_id = customer.id
                              AND figures.company_id = %(company)s
                       )
                   AND EXISTS (
                           SELECT
                             FROM account_move AS move
                            WHERE move.commercial_partner_id = customer.id
                              AND move.company_id = ANY(%(companies)s)
                              AND move.state = 'posted'
                              AND move.move_type IN (
                                  'out_invoice', 'out_refund', 'out_receipt'
                              )
                       )
                """,
                customers=customers,
                company=self.id,
                companies=self._get_customer_branches().ids,
            ),
        ]

    @api.model
    def _is_population_noted(self, population):
        """Return whether only columns of the contacts decide who is a customer."""
        for condition in self._get_customer_domain(population).iter_conditions():
            field = self.env["res.partner"]._fields.get(condition.field_expr)
            if (
                not field
                or not field.store
                # the calendar moves those, and other records these
                or field.type in ("date", "datetime", "one2many", "many2many")
                or isinstance(condition.value, Domain)
                or condition.operator in ("child_of", "parent_of")
            ):
                return False
        return True

    def _get_customer_branches(self):
        """Return the company and its branches: their invoices count together."""
        # sudo: the branches belong to the company, whoever asks
        return self.sudo().browse(self._get_customer_branch_ids())

    @ormcache("tuple(self.ids)")
    def _get_customer_branch_ids(self):
        """Return the ids of these companies and their branches, archived ones, too.

        A run asks with each statement. Odoo clears the cache where companies come and
        go; where one belongs cannot change.
        """
        branches = self.sudo().with_context(active_test=False)
        return tuple(branches.search([("id", "child_of", self.ids)]).ids)

    @api.model
    def _get_customer_today_of_all(self):
        """Return today's date for what all companies share: that of the first one."""
        return self._get_first_company()._get_customer_today()

    def _get_first_company(self):
        """Return the company whose calendar holds for what all companies share."""
        # sudo: the first company need not be the user's
        return self.sudo().search([("parent_id", "=", False)], order="id", limit=1)

    def _get_customer_today(self):
        """Return today's date where the company is."""
        self.ensure_one()
        return fields.Date.context_today(self._in_customer_timezone())

    def _is_customer_night(self, only_first_hours=False):
        """Return whether the hour of the nightly computation has come today.

        :param bool only_first_hours: and not long ago
        """
        self.ensure_one()
        now = fields.Datetime.context_timestamp(
            self._in_customer_timezone(), fields.Datetime.now()
        )
        hours = now.hour - self.customer_night_hour
        return hours >= 0 and not (only_first_hours and hours >= NIGHT_HOURS)

    def _in_customer_timezone(self):
        # sudo: a branch's user may not see the root, nor everyone its contact
        return self.with_context(tz=self.sudo().partner_id.tz or "UTC")
