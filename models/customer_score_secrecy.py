"""Whoever may not see a figure is not told a score that it is part of.

From the total, or from the points of all other figures, those of the hidden one would
follow. The category itself is shown: it is what the dimension is there to say.
"""

from odoo import api, fields, models
from odoo.tools import SQL

#: What is left out of rows about customers
SECRET_COLUMNS = {"score", "recency_score", "frequency_score", "monetary_score"}


class CustomerMetric(models.Model):
    _inherit = "customer.metric"

    @api.model
    def _get_all_hidden_codes(self):
        """Return the codes of all metrics whose values the user may not see."""
        result = set()
        for name, field in self.env["res.partner"]._fields.items():
            code = getattr(field, "customer_figure", None)
            if getattr(field, "customer_metric_id", None):
                code = name.removeprefix("x_met_")
            if code and self._is_hidden_field(name):
                result.add(code)
        return result


class CustomerDimension(models.Model):
    _inherit = "customer.dimension"

    @api.model
    def _get_secret_score_ids(self):
        """Return the ids of dimensions whose score follows from what is hidden.

        From the user, who counts also where code runs with more rights. A score of
        today is that of the version in force; another one may come any minute.
        """
        codes = self.env["customer.metric"]._get_all_hidden_codes()
        if not codes:
            return []
        self.env["customer.ruleset"].flush_model(["state", "dimension_id"])
        self.env["customer.ruleset.criterion"].flush_model()
        self.env["customer.dimension.criterion"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT version.dimension_id
                  FROM customer_ruleset AS version
                  JOIN customer_ruleset_criterion AS criterion
                    ON criterion.ruleset_id = version.id
                 WHERE version.state = 'active' AND criterion.metric = ANY(%(codes)s)
                 UNION
                SELECT criterion.dimension_id
                  FROM customer_dimension_criterion AS criterion
                  JOIN customer_metric AS metric ON metric.id = criterion.metric_id
                 WHERE metric.code = ANY(%(codes)s)
                """,
                codes=list(codes),
            )
        )
        return [dimension_id for [dimension_id] in rows]


class CustomerAssignment(models.Model):
    _inherit = "customer.assignment"

    # not read along with other columns, which code may do with more rights
    score = fields.Float(prefetch=False)
    recency_score = fields.Integer(prefetch=False)
    frequency_score = fields.Integer(prefetch=False)
    monetary_score = fields.Integer(prefetch=False)

    def _field_to_sql(self, alias, field_expr, query=None):
        """Show, find, sort and group no score that would tell a hidden figure."""
        column = super()._field_to_sql(alias, field_expr, query)
        if self.env.su or field_expr not in SECRET_COLUMNS:
            return column
        secret_ids = self.env["customer.dimension"]._get_secret_score_ids()
        if not secret_ids:
            return column
        return SQL(
            "(CASE WHEN %s <> ALL(%s) THEN %s END)",
            SQL.identifier(alias, "dimension_id"),
            secret_ids,
            column,
        )


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _get_customer_scores(self, dimension_ids, customers):
        secret_ids = self.env["customer.dimension"]._get_secret_score_ids()
        return super()._get_customer_scores(
            set(dimension_ids) - set(secret_ids), customers
        )

    def _join_customer_dimension(self, alias, query, field):
        if field.customer_dimension_part in SECRET_COLUMNS and not self.env.su:
            dimension_id = field.customer_dimension_id
            if dimension_id in self.env["customer.dimension"]._get_secret_score_ids():
                return SQL("NULL::%s", SQL(field.column_type[1]))
        return super()._join_customer_dimension(alias, query, field)
