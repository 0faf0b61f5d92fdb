from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_rights import USER_GROUP


class ResPartner(models.Model):
    """What the shipped dimensions need to know that Odoo's contact does not say.

    The first three are typed in by people and stored. The last one follows from the
    address, differs by company, and is nothing but SQL: one definition for reading,
    searching and grouping.
    """

    _inherit = "res.partner"

    customer_employee_count = fields.Integer(
        "Employees",
        groups=USER_GROUP,
        help="How many people work there. 0: not known.",
    )
    customer_turnover = fields.Monetary(
        "Yearly Turnover",
        currency_field="customer_currency_id",
        groups=USER_GROUP,
        help="What the customer sells in a year, in the currency of your company. "
        "0: not known.",
    )
    customer_district = fields.Char(
        "District", groups=USER_GROUP, help="The part of the city or county."
    )
    customer_location = fields.Selection(
        [
            ("local", "Same city"),
            ("domestic", "Same country, another city"),
            ("international", "Another country"),
        ],
        string="Location",
        compute="_compute_customer_location",
        search="_search_customer_location",
        compute_sudo=True,
        groups=USER_GROUP,
        help="The address compared with that of your company. Where your company's "
        "address names no city, the state or province is compared. Empty: the country "
        "is not known.",
    )

    @api.depends("country_id", "state_id", "city")
    @api.depends_context("company")
    def _compute_customer_location(self):
        self._read_sql_field("customer_location")

    def _read_sql_field(self, field_name):
        """Assign what SQL says of a field, for all contacts in one query."""
        query = self._origin._as_query(ordered=False)
        column = self._field_to_sql(self._table, field_name, query)
        values = dict(
            self.env.execute_query(
                query.select(SQL.identifier(self._table, "id"), column)
            )
        )
        for partner in self:
            partner[field_name] = values.get(partner._origin.id)

    def _search_customer_location(self, operator, value):
        if operator != "in":
            return NotImplemented
        known = [location for location in value if location]
        with_unknown = len(known) < len(value)

        def to_sql(model, alias, query):
            column = model._field_to_sql(alias, "customer_location", query)
            # never unknown, so that the negation finds the others
            return SQL(
                """(COALESCE(%(column)s = ANY(%(known)s), FALSE)
                    OR %(with_unknown)s AND %(column)s IS NULL)""",
                column=column,
                known=known,
                with_unknown=with_unknown,
            )

        return Domain.custom(to_sql=to_sql)

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr == "customer_location":
            self._check_field_access(self._fields[field_expr], "read")
            return self._get_location_sql(alias)
        return super()._field_to_sql(alias, field_expr, query)

    def _get_location_sql(self, alias):
        """Return SQL that compares the address with that of the active company."""
        # sudo: where the own company is, is no secret
        home = self.env.company.root_id.sudo().partner_id
        country, state, city = (
            SQL.identifier(alias, name, to_flush=self._fields[name])
            for name in ("country_id", "state_id", "city")
        )
        home_city = (home.city or "").strip()
        if home_city:
            is_local = SQL(
                "%s = %s",
                self._get_city_sql(city),
                self._get_city_sql(SQL("%s", home_city)),
            )
        else:
            is_local = SQL("%s = %s", state, home.state_id.id or None)
        return SQL(
            """CASE WHEN %(country)s IS NULL OR %(home_country)s::integer IS NULL
                    THEN NULL
                    WHEN %(country)s <> %(home_country)s THEN 'international'
                    WHEN %(is_local)s THEN 'local'
                    ELSE 'domestic' END""",
            country=country,
            home_country=home.country_id.id or None,
            is_local=is_local,
        )

    @api.model
    def _get_city_sql(self, city):
        """Return SQL for a city's name to compare.

        Capitals and surrounding blanks do not count; nor does the word for city
        that many Chinese addresses end with, and as many leave out.
        """
        return SQL("rtrim(lower(btrim(%s)), '市')", city)
