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
    def _get_secret_scores(self):
        """Return SQL for the ids of dimensions whose score follows from what is hidden.

        From the user, who counts also where code runs with more rights. A score of
        today is that of the version in force; another one may come any minute.

        :return: a query; None where the user may see every figure
        """
        codes = self.env["customer.metric"]._get_all_hidden_codes()
        if not codes:
            return None
        self.env["customer.ruleset"].flush_model(["state", "dimension_id"])
        self.env["customer.ruleset.criterion"].flush_model(["ruleset_id", "metric"])
        self.env["customer.dimension.criterion"].flush_model(
            ["dimension_id", "metric_id"]
        )
        return SQL(
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
            codes=sorted(codes),
        )

    def _is_score_secret(self):
        """Return whether the user may not be told the score of this dimension."""
        self.ensure_one()
        secret = self._get_secret_scores()
        if secret is None:
            return False
        query = SQL("SELECT %s IN (%s)", self.id, secret)
        return self.env.execute_query(query)[0][0]

    @api.model
    def _get_told_condition(self, dimension_id):
        """Return the SQL condition that the user may be told a row's score.

        :param SQL dimension_id: the column of the row's dimension
        """
        secret = self._get_secret_scores()
        if secret is None:
            return SQL("TRUE")
        return SQL("%s NOT IN (%s)", dimension_id, secret)


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
        own = SQL.identifier(alias, "dimension_id")
        is_told = self.env["customer.dimension"]._get_told_condition(own)
        return SQL("(CASE WHEN %s THEN %s END)", is_told, column)


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _join_customer_dimension(self, alias, query, field):
        if field.customer_dimension_part in SECRET_COLUMNS and not self.env.su:
            dimension = self.env["customer.dimension"]
            if dimension.browse(field.customer_dimension_id)._is_score_secret():
                return SQL("NULL::%s", SQL(field.column_type[1]))
        return super()._join_customer_dimension(alias, query, field)
