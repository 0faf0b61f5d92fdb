import logging

import psycopg2

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_scope import EVERYONE
from .customer_statistics import renew_statistics

_logger = logging.getLogger(__name__)

#: Measures of which a customer without any record has 0, and not nothing
COUNTED_MEASURES = ("count", "sum", "distinct_days", "distinct")


class CustomerMetric(models.Model):
    """How the values of custom metrics are kept up to date and handed on."""

    _inherit = "customer.metric"

    @api.model
    def _update_values(self, company, as_of, scope=EVERYONE):
        """Bring the values of all active custom metrics up to date.

        One statement for each metric, which writes only what differs. A metric that
        cannot be computed is switched off with a message, keeps the values it has,
        and is tried again the next time; the others go on.

        :param company: a root company, or None for the metrics that are the same in
            every company
        :param date as_of: today, where the company is
        :param Scope scope: whose values
        :return: the number of rows written or removed
        """
        self._activate_ready_made()
        written = 0
        for metric in self._get_updated(company):
            written += metric._update_one(company, as_of, scope)
        return written

    @api.model
    def _get_updated(self, company):
        """Return the active custom metrics of a company, or of none in particular."""
        # sudo: who starts a run need not be allowed to configure metrics
        return self.sudo().search(
            [("kind", "=", "custom"), ("is_company_aware", "=", bool(company))]
        )

    def _update_one(self, company, as_of, scope=EVERYONE):
        """Bring the values of one metric up to date, see :meth:`_update_values`."""
        self.env.flush_all()
        written = self._update_isolated(company, as_of, scope)
        renew_statistics(self.env, "customer_metric_value", written)
        self.env["customer.metric.value"].invalidate_model()
        self.env["res.partner"]._invalidate_customer_fields()
        return written

    def _update_isolated(self, company, as_of, scope):
        """Update one metric; switch it off where that fails."""
        if self.model_name not in self.env:
            self._switch_off(self._get_missing_message())
            self._remove_values()
            return 0
        try:
            with self.env.cr.savepoint(flush=False):
                written = self._update_own_values(company, as_of, scope)
        except psycopg2.OperationalError:
            raise  # someone else's write came between: no fault of the metric
        except Exception as error:
            _logger.warning("Metric %s is switched off", self.code, exc_info=True)
            self._switch_off(str(error))
            return 0
        if self.is_broken:
            self.write({"is_broken": False, "error": False})
            self._create_partner_fields()
        return written

    def _switch_off(self, message):
        if not self.is_broken or self.error != message:
            self.write({"is_broken": True, "error": message})

    def _update_own_values(self, company, as_of, scope):
        """Write the values of one metric that differ, and remove those that are gone.

        :return: the number of rows written or removed
        """
        [[written]] = self.env.execute_query(
            SQL(
                """
                WITH computed AS MATERIALIZED (%(query)s),
                stored AS MATERIALIZED (
                    SELECT *
                      FROM customer_metric_value
                     WHERE metric_id = %(metric)s
                       AND company_id IS NOT DISTINCT FROM %(company)s::integer
                       AND %(in_scope)s
                ),
                removed AS (
                    DELETE FROM customer_metric_value
                     WHERE id IN (
                         SELECT stored.id
                           FROM stored
                           LEFT JOIN computed USING (partner_id)
                          WHERE computed.partner_id IS NULL
                     )
                    RETURNING 1
                ),
                -- joining first writes only what differs, and locks nothing else
                changed AS (
                    SELECT computed.*
                      FROM computed
                      LEFT JOIN stored USING (partner_id)
                     WHERE stored.id IS NULL
                        OR (stored.value, stored.value_date, stored.value_ref)
                           IS DISTINCT FROM
                           (computed.value, computed.value_date, computed.value_ref)
                ),
                written AS (
                    INSERT INTO customer_metric_value (
                        partner_id, company_id, metric_id, value, value_date, value_ref
                    )
                    SELECT partner_id, %(company)s, %(metric)s,
                           value, value_date, value_ref
                      FROM changed
                     ORDER BY partner_id
                    ON CONFLICT (partner_id, metric_id, (COALESCE(company_id, 0)))
                    DO UPDATE SET (value, value_date, value_ref)
                        = ROW(excluded.value, excluded.value_date, excluded.value_ref)
                    RETURNING 1
                )
                SELECT (SELECT count(*) FROM removed) + (SELECT count(*) FROM written)
                """,
                query=self._get_query(company, as_of, scope),
                company=company.id if company else None,
                metric=self.id,
                in_scope=scope.on(SQL("partner_id")),
            )
        )
        return written

    @api.model
    def join_values(self, figures, metrics, company, as_of=None, scope=EVERYONE):
        """Return ``figures`` with one more column for each of ``metrics``.

        A customer without a value has 0 in what is counted or summed, and NULL in
        what is a mean, a date or a record.

        :param SQL figures: a table expression with a column ``partner_id``
        :param metrics: custom metrics; each column has the name of its code
        :param company: the root company whose values are wanted
        :param date as_of: a past day, of which the values are computed; None for
            those of today that are stored
        :param Scope scope: whose values are wanted, at least
        :return: a table expression
        """
        columns, joins = [SQL("figures.*")], []
        for metric in metrics:
            row = f"metric_{metric.id}"
            value = SQL.identifier(row, metric._get_value_column())
            if metric.measure in COUNTED_MEASURES:
                value = SQL("COALESCE(%s, 0)", value)
            columns.append(SQL("%s AS %s", value, SQL.identifier(metric.code)))
            if as_of:
                owner = company if metric.is_company_aware else None
                joins.append(
                    SQL(
                        "LEFT JOIN (%(query)s) AS %(row)s"
                        " ON %(row)s.partner_id = figures.partner_id",
                        query=metric._get_query(owner, as_of, scope),
                        row=SQL.identifier(row),
                    )
                )
                continue
            joins.append(
                SQL(
                    """
                    LEFT JOIN customer_metric_value AS %(row)s
                      ON %(row)s.partner_id = figures.partner_id
                     AND %(row)s.metric_id = %(metric)s
                     AND COALESCE(%(row)s.company_id, 0) = %(company)s
                     AND %(in_scope)s
                    """,
                    row=SQL.identifier(row),
                    metric=metric.id,
                    company=company.id if metric.is_company_aware else 0,
                    in_scope=scope.on(SQL.identifier(row, "partner_id")),
                )
            )
        return SQL(
            "(SELECT %(columns)s FROM %(figures)s AS figures %(joins)s)",
            columns=SQL(", ").join(columns),
            figures=figures,
            joins=SQL(" ").join(joins),
        )

    def _get_value_column(self):
        return {"date": "value_date", "reference": "value_ref"}.get(
            self.value_type, "value"
        )

    # Ready-made metrics come and go with their apps

    @api.model
    def _activate_ready_made(self):
        """Let the ready-made metrics appear whose app is installed by now."""
        # sudo: who installs an app need not be allowed to configure metrics
        waiting = self.sudo().search(
            [("is_waiting", "=", True), ("active", "in", [True, False])]
        )
        there = waiting.filtered(lambda metric: metric.model_name in self.env)
        if there:
            there.write({"active": True, "is_waiting": False})
        self.env["customer.dimension.rule"]._activate_waiting()

    @api.model
    def _switch_off_missing(self):
        """Switch off the metrics whose model has left the database."""
        # sudo: who removes an app need not be allowed to configure metrics
        metrics = self.sudo().search(
            [("kind", "=", "custom"), ("is_broken", "=", False)]
        )
        models = (
            self.env["ir.model"]
            .sudo()
            .search(Domain("model", "in", metrics.mapped("model_name")))
        )
        missing = metrics.filtered(
            lambda metric: metric.model_name not in models.mapped("model")
        )
        for metric in missing:
            metric._switch_off(metric._get_missing_message())
        missing._remove_values()
