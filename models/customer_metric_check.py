from odoo import models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_metric_query import DAY_TYPES, NUMERIC_TYPES

#: What a metric counts is the cause of a classification, and not its result
RESULT_MODELS = {
    "customer.assignment",
    "customer.assignment.history",
    "customer.metric.value",
    "customer.override",
    "customer.staging",
}


def is_classification_field(model, field):
    """Return whether a field of the contact shows how the customer is classified."""
    return model._name == "res.partner" and bool(
        getattr(field, "customer_dimension_id", None)
        or getattr(field, "customer_metric_id", None)
        or (
            field.name.startswith("customer_")
            and field._module == "customer_classification"
        )
    )


class CustomerMetric(models.Model):
    """What a metric's paths lead to, and what is wrong with a definition."""

    _inherit = "customer.metric"

    # Paths

    def _follow(self, name, model, query):
        """Follow the path in the field ``name`` of the metric.

        :return: the model with the last field, that field, and SQL for its value
        """
        if not self[name]:
            raise self._get_error(name, self.env._("It is missing."))
        return self._follow_path(name, self[name], model, query)

    def _follow_path(self, name, path, model, query):
        alias = model._table
        *steps, last = path.split(".")
        for step in steps:
            field = self._get_path_field(name, model, step)
            if field.type != "many2one":
                raise self._get_error(
                    name,
                    self.env._(
                        "“%(field)s” leads to no single record.",
                        field=field.get_description(self.env, ["string"])["string"],
                    ),
                )
            try:
                model, alias = field.join(model, alias, query)
            except ValueError as error:
                raise self._get_error(name, error) from error
            model.check_access("read")
        field = self._get_path_field(name, model, last)
        try:
            return model, field, model._field_to_sql(alias, last, query)
        except ValueError as error:
            raise self._get_error(name, error) from error

    def _get_path_field(self, name, model, field_name):
        field = model._fields.get(field_name)
        if field is None:
            raise self._get_error(
                name, self.env._("There is no field “%s”.", field_name)
            )
        if is_classification_field(model, field):
            raise self._get_classification_error(field)
        return field

    def _find_field(self, path):
        """Return the last field of a path, or None where the path leads nowhere."""
        model, field = self.env[self.model_name], None
        for field_name in (path or "").split("."):
            field = model is not None and model._fields.get(field_name)
            if not field:
                return None
            model = self.env.get(field.comodel_name)
        return field

    def _get_value_type(self):
        """Return the kind of value and, for a record, its model."""
        if self.measure in ("count", "distinct_days", "distinct"):
            return "integer", False
        if self.measure == "last_date":
            return "date", False
        if self.measure == "main":
            field = self._find_field(self.reference_path)
            return "reference", field and field.comodel_name
        field = self._find_field(self.measure_path)
        if not field:
            return False, False
        if field.type in DAY_TYPES:
            return "date", False
        if field.type == "integer" and self.measure == "average":
            return "float", False
        return field.type in NUMERIC_TYPES and field.type, False

    # Validation

    def _validate(self):
        """Run the definition once, so that a mistake is named when it is made.

        It runs with the rights of who defines it: nobody counts by a metric what they
        may not read.

        :raise ValidationError: naming the part that is wrong
        """
        self.ensure_one()
        self._check_model()
        company = self.env.company.root_id if self.is_company_aware else None
        env = self.env(
            su=False,  # Odoo checks a new record as superuser
            context={
                "allowed_company_ids": self.env.companies.ids,
                "lang": self.env.lang,
                "tz": self._get_timezone(company),
            },
        )
        model = env[self.model_name]
        model.check_access("read")
        domain = self._get_domain()
        self._check_domain_fields(model, domain)
        as_of = (company or self.env.company.root_id)._get_customer_today()
        self._try("domain", lambda: list(model._search(domain, limit=1)))
        self._try(
            "measure_path",
            lambda: self.env.execute_query(
                SQL("%s LIMIT 1", self._get_query(company, as_of, env=env))
            ),
        )

    def _try(self, name, run):
        """Do ``run``, and say that the part ``name`` is wrong where it cannot be."""
        self.env.flush_all()
        try:
            with self.env.cr.savepoint(flush=False):
                run()
        except ValidationError:
            raise
        except Exception as error:
            raise self._get_error(name, error) from error

    def _check_model(self):
        model = self.env.get(self.model_name)
        if model is None:
            raise ValidationError(
                self.env._("“%(metric)s”: choose what is counted.", metric=self.name)
                if not self.model_name
                else self._get_missing_message()
            )
        if model._abstract or model._transient or self.model_name in RESULT_MODELS:
            raise ValidationError(
                self.env._(
                    "“%(metric)s”: records of “%(model)s” cannot be counted.",
                    metric=self.name,
                    model=model._description,
                )
            )
        if not self.measure:
            raise self._get_error("measure", self.env._("It is missing."))

    def _check_domain_fields(self, model, domain):
        """Refuse a domain that asks how a customer is classified: a cycle."""
        for condition in domain.iter_conditions():
            comodel = model
            for field_name in condition.field_expr.split("."):
                field = comodel is not None and comodel._fields.get(field_name)
                if not field:
                    break  # a property, or a mistake that the search will report
                if is_classification_field(comodel, field):
                    raise self._get_classification_error(field)
                comodel = self.env.get(field.comodel_name)
            if "any" in condition.operator and comodel is not None:
                self._check_domain_fields(comodel, Domain(condition.value))

    def _get_classification_error(self, field):
        label = field.name
        if field.name in self.env["res.partner"]._fields:
            described = self.env["res.partner"].fields_get([field.name], ["string"])
            label = described.get(field.name, {}).get("string", label)
        return ValidationError(
            self.env._(
                "“%(metric)s” counts what happened, so it cannot depend on how "
                "customers are classified: remove “%(field)s”.",
                metric=self.name,
                field=label,
            )
        )

    def _get_missing_message(self):
        return self.env._(
            "“%(metric)s” counts records of “%(model)s”, which is not installed. "
            "Install its app, or archive the metric.",
            metric=self.name,
            model=self.model_name,
        )

    def _get_error(self, name, reason):
        """Return the error that the part ``name`` of the definition is wrong."""
        return ValidationError(
            self.env._(
                "“%(metric)s”: %(part)s is not usable. %(reason)s",
                metric=self.name,
                part=self._fields[name].get_description(self.env, ["string"])["string"],
                reason=reason,
            )
        )
