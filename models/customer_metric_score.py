from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .customer_metric_update import COUNTED_MEASURES
from .customer_scope import EVERYONE


class CustomerMetric(models.Model):
    """What a score needs of metrics; it knows them by their codes."""

    _inherit = "customer.metric"

    def _is_summable(self):
        """Return whether the values of all customers add up to something."""
        self.ensure_one()
        if self.value_type in ("date", "reference"):
            return False
        if self.kind == "figure":
            model = self.env["customer.facts.mixin"]._get_model_of(self.code)
            return model is not None and model._fields[self.code].aggregator == "sum"
        return self.measure in COUNTED_MEASURES

    @api.model
    def _get_by_code(self, codes):
        """Return the metrics that still exist by code, in their order."""
        # sudo: what decided is no secret to who may read the decision
        metrics = self.sudo().with_context(active_test=False)
        return {
            metric.code: metric for metric in metrics.search([("code", "in", codes)])
        }

    @api.model
    def _join_by_code(self, figures, codes, company, as_of=None, scope=EVERYONE):
        """Return ``figures`` with a column for each of the metrics, see `join_values`.

        :param list codes: of built-in metrics, too; most are columns already
        :raise UserError: where one of them has no values that can be relied upon
        """
        metrics = self._get_by_code(codes)
        for code in codes:
            metric = metrics.get(code)
            if not metric or not metric.active or metric.is_broken:
                raise UserError(
                    self.env._(
                        "The metric “%s” is archived, switched off or deleted, so the "
                        "score cannot be computed; customers keep their categories. "
                        "Repair the metric, or remove it from the criteria.",
                        metric.name if metric else code,
                    )
                )
        metrics = self.union(*metrics.values())
        custom = metrics.filtered(lambda m: m.kind == "custom")
        figures = self._join_facts(figures, metrics - custom, company, as_of, scope)
        if not custom:
            return figures
        # nothing says how a custom metric will be on a day to come
        day = None if scope.is_supposed else as_of
        return self.join_values(figures, custom, company, day, scope)

    @api.model
    def _join_facts(self, figures, metrics, company, as_of=None, scope=EVERYONE):
        """Return ``figures`` with the built-in metrics that other facts hold.

        A customer without a row there has 0 in what is a sum or a count, and NULL in
        what is a mean, an extreme or a date.

        :param SQL figures: a table expression with the columns of ``customer.figures``
        """
        columns, joins = [SQL("figures.*")], []
        for model in self.env["customer.facts.mixin"]._get_models():
            if model._name == "customer.figures":
                continue
            own = metrics.filtered(lambda m: m.code in model._fact_columns)  # noqa: B023
            if not own:
                continue
            table = model._get_stored(company, scope)
            if as_of:
                table = SQL("(%s)", model._get_query(company, as_of, scope))
            row = SQL.identifier(model._table)
            joins.append(
                SQL(
                    "LEFT JOIN %(table)s AS %(row)s"
                    " ON %(row)s.partner_id = figures.partner_id",
                    table=table,
                    row=row,
                )
            )
            for metric in own:
                value = SQL.identifier(model._table, metric.code)
                if metric._is_summable():
                    value = SQL("COALESCE(%s, 0)", value)
                columns.append(SQL("%s AS %s", value, SQL.identifier(metric.code)))
        if not joins:
            return figures
        return SQL(
            "(SELECT %(columns)s FROM %(figures)s AS figures %(joins)s)",
            columns=SQL(", ").join(columns),
            figures=figures,
            joins=SQL(" ").join(joins),
        )
