from ast import literal_eval

from odoo import SUPERUSER_ID, models
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_scope import EVERYONE

NUMERIC_TYPES = ("integer", "float", "monetary")
DAY_TYPES = ("date", "datetime")
#: The contact that a record leads to
CUSTOMER_ALIAS = "metric_customer"
#: Digits kept of a mean that is no money, so that equal data give equal values
MEAN_DIGITS = 6


class CustomerMetric(models.Model):
    """How a metric becomes SQL.

    The records come from Odoo's own search, with the metric's domain, in the
    company's context and as superuser: the value is the same whoever starts the
    computation. Each path is followed with joins along its many2ones.
    """

    _inherit = "customer.metric"

    def _get_query(self, company, as_of, scope=EVERYONE, env=None):
        """Return SQL for the values on a day, one row for each customer that has one.

        Its columns: ``partner_id``, ``value``, ``value_date``, ``value_ref``.

        :param company: a root company, or None where the metric is not company-aware
        :param date as_of: the last day that counts, where the metric names a date
        :param Scope scope: whose values
        :param env: whose rights apply; None for the superuser
        :raise ValidationError: naming the part of the definition that is wrong
        """
        model, query = self._get_counted(company, as_of, scope, env)
        day = self._get_day("date_path", model, query)
        records = query.select(
            SQL(
                "%s AS partner_id",
                SQL.identifier(CUSTOMER_ALIAS, "commercial_partner_id"),
            ),
            SQL("%s AS day", day),
            SQL("%s AS measured", self._get_measured(model, query, company)),
            SQL("%s AS reference", self._get_reference(model, query)),
        )
        return self._get_aggregated(records, company)

    def _get_counted(self, company, as_of, scope=EVERYONE, env=None):
        """Return the model, and the query for the records that count on a day.

        The parameters are those of :meth:`_get_query`.
        """
        self.ensure_one()
        env = env or self._get_query_env(company)
        model = env[self.model_name]
        query = model._search(self._get_domain(), bypass_access=env.su)
        self._join_customer(model, query, scope)
        if self.is_company_aware:
            self._restrict_company(model, query, company)
        day = self._get_day("date_path", model, query)
        if self.date_path:
            query.add_where(SQL("%s <= %s", day, as_of))
            if self.window_days:
                # no further back than the calendar
                window = min(self.window_days, as_of.toordinal() - 1)
                query.add_where(SQL("%s > %s::date - %s", day, as_of, window))
        if self.overdue_path:
            due = self._get_day("overdue_path", model, query)
            query.add_where(SQL("%s < %s", due, as_of))
        return model, query

    def _get_aggregated(self, records, company):
        """Return SQL that makes one row of each customer's ``records``."""
        if self.measure == "main":
            weight = SQL("sum(measured)") if self.measure_path else SQL("count(*)")
            return SQL(
                """
                SELECT DISTINCT ON (partner_id)
                       partner_id,
                       NULL::numeric AS value,
                       NULL::date AS value_date,
                       reference AS value_ref
                  FROM (
                      SELECT partner_id, reference, %(weight)s AS weight
                        FROM (%(records)s) AS record
                       WHERE reference IS NOT NULL
                       GROUP BY partner_id, reference
                      HAVING %(weight)s > 0
                  ) AS weighed
                 ORDER BY partner_id, weight DESC, reference
                """,
                weight=weight,
                records=records,
            )
        value = {
            "count": SQL("count(*)"),
            "sum": SQL("sum(measured)"),
            "average": SQL("round(avg(measured), %s)", self._get_digits(company)),
            "minimum": SQL("min(measured)"),
            "maximum": SQL("max(measured)"),
            "last_date": SQL("max(day)"),
            "distinct_days": SQL("count(DISTINCT day)"),
            "distinct": SQL("count(DISTINCT reference)"),
        }[self.measure]
        is_date = self.value_type == "date"
        return SQL(
            """
            SELECT partner_id,
                   %(number)s::numeric AS value,
                   %(date)s::date AS value_date,
                   NULL::integer AS value_ref
              FROM (%(records)s) AS record
             GROUP BY partner_id
            HAVING %(value)s IS NOT NULL
            """,
            value=value,
            number=SQL("NULL") if is_date else value,
            date=value if is_date else SQL("NULL"),
            records=records,
        )

    def _get_digits(self, company):
        if self.value_type == "monetary" and company:
            return company.currency_id.decimal_places
        return MEAN_DIGITS

    # The parts of the query

    def _get_query_env(self, company):
        """Return the superuser's environment in the company, its branches included."""
        companies = (
            self.env["res.company"]
            .sudo()
            .search([("active", "in", [True, False])], order="id")
        )
        if company:
            companies = company.sudo() | company._get_customer_branches()
        context = {
            "allowed_company_ids": companies.ids,
            "tz": self._get_timezone(companies[0]),
        }
        # whose contact or document it is, is not for the user who starts a run
        return self.env(user=SUPERUSER_ID, su=True, context=context)

    def _get_timezone(self, company):
        # sudo: a branch's user may not see the root, nor everyone its contact
        return (company or self.env.company).sudo().partner_id.tz or "UTC"

    def _get_domain(self):
        try:
            return Domain(literal_eval(self.domain or "[]"))
        except (ValueError, SyntaxError, TypeError) as error:
            raise self._get_error("domain", error) from error

    def _join_customer(self, model, query, scope):
        """Join the contact of each record; its commercial entity is the customer.

        A document that names the commercial entity itself stays with that one.
        """
        _model, field, sql = self._follow("partner_path", model, query)
        if field.type == "many2one_reference":
            *steps, _last = self.partner_path.split(".")
            model_path = ".".join([*steps, field.model_field])
            _model, _field, model_sql = self._follow_path(
                "partner_path", model_path, model, query
            )
            query.add_where(SQL("%s = 'res.partner'", model_sql))
        elif field.type != "many2one" or field.comodel_name != "res.partner":
            raise self._get_error(
                "partner_path", self.env._("It does not lead to a contact.")
            )
        # execute_query flushes what it knows to be read
        commercial = self.env["res.partner"]._fields["commercial_partner_id"]
        entity = SQL.identifier(
            CUSTOMER_ALIAS, "commercial_partner_id", to_flush=commercial
        )
        query.add_join(
            "JOIN",
            CUSTOMER_ALIAS,
            "res_partner",
            SQL("%s = %s", SQL.identifier(CUSTOMER_ALIAS, "id"), sql),
        )
        if self.partner_path.split(".")[-1] == "commercial_partner_id":
            query.add_where(
                SQL("(%s = %s) IS TRUE", entity, SQL.identifier(CUSTOMER_ALIAS, "id"))
            )
        else:
            query.add_where(SQL("%s IS NOT NULL", entity))
        query.add_where(scope.on(entity))

    def _restrict_company(self, model, query, company):
        """Leave the records of the company and its branches, and those of none."""
        _model, field, sql = self._follow("company_path", model, query)
        if field.type != "many2one" or field.comodel_name != "res.company":
            raise self._get_error(
                "company_path", self.env._("It does not lead to a company.")
            )
        query.add_where(
            SQL(
                "(%(company)s = ANY(%(companies)s) OR %(company)s IS NULL)",
                company=sql,
                companies=company._get_customer_branches().ids,
            )
        )

    def _get_day(self, name, model, query):
        """Return SQL for the day in the company's time zone that a path leads to."""
        if not self[name]:
            if self.window_days or self.measure in ("last_date", "distinct_days"):
                raise self._get_error(name, self.env._("The metric needs a date."))
            return SQL("NULL::date")
        _model, field, sql = self._follow(name, model, query)
        if field.type not in DAY_TYPES:
            raise self._get_error(name, self.env._("It is no date."))
        return self._to_day(model.env, field, sql)

    def _to_day(self, env, field, sql):
        if field.type == "date":
            return sql
        return SQL(
            "(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)::date", sql, env.context["tz"]
        )

    def _get_measured(self, model, query, company):
        """Return SQL for the number or day that is summed or compared."""
        if self.measure not in ("sum", "average", "minimum", "maximum", "main"):
            return SQL("NULL::numeric")
        if not self.measure_path:
            if self.measure == "main":
                return SQL("NULL::numeric")
            raise self._get_error(
                "measure_path", self.env._("Choose what is summed or compared.")
            )
        owner, field, sql = self._follow("measure_path", model, query)
        if field.type in DAY_TYPES and self.measure in ("minimum", "maximum"):
            return self._to_day(model.env, field, sql)
        if field.type not in NUMERIC_TYPES or field.name == "id":
            raise self._get_error("measure_path", self.env._("It is no number."))
        # exact: the sum of floating-point numbers depends on their order
        sql = SQL("%s::numeric", sql)
        if field.type == "monetary":
            sql = self._to_company_currency(owner, field, sql, model, query, company)
        return sql

    def _to_company_currency(self, owner, field, sql, model, query, company):
        """Return SQL for an amount in company currency.

        Odoo keeps the rate of the day on documents, such as an order, whose amounts
        are in another currency. Other such amounts cannot be added.
        """
        if not self.is_company_aware:
            raise self._get_error(
                "measure_path",
                self.env._(
                    "Amounts are in the currency of a company: let each company have "
                    "a value of its own."
                ),
            )
        currency = owner._fields[field.get_currency_field(owner)]
        if currency.name.startswith("company_currency") or (
            currency.related and currency.related.endswith("company_id.currency_id")
        ):
            return sql
        rate = owner._fields.get("currency_rate")
        if rate is None or not rate.store:
            raise self._get_error(
                "measure_path",
                self.env._(
                    "These amounts are in the currency of each document and cannot be "
                    "added up. Choose an amount in company currency."
                ),
            )
        *steps, _last = self.measure_path.split(".")
        rate_path = ".".join([*steps, "currency_rate"])
        _owner, _field, rate_sql = self._follow_path(
            "measure_path", rate_path, model, query
        )
        return SQL(
            "round(%s / COALESCE(NULLIF(%s::numeric, 0), 1), %s)",
            sql,
            rate_sql,
            company.currency_id.decimal_places,
        )

    def _get_reference(self, model, query):
        """Return SQL for the record that is weighed or counted, as its id."""
        if self.measure not in ("main", "distinct"):
            return SQL("NULL::integer")
        if not self.reference_path:
            raise self._get_error(
                "reference_path", self.env._("Choose which record is looked for.")
            )
        _model, field, sql = self._follow("reference_path", model, query)
        if field.type != "many2one":
            raise self._get_error("reference_path", self.env._("It is no record."))
        return sql
