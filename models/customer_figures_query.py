from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_scope import EVERYONE


class CustomerFigures(models.Model):
    """How the figures follow from the documents, and until when they hold."""

    _inherit = "customer.figures"

    @api.model
    def _get_query(self, company, as_of, scope=EVERYONE, settings=None):
        late = self._get_late_columns(company)
        return self._get_figures_query(company, as_of, scope, settings, late)

    @api.model
    def _get_update_query(self, company, as_of, scope, settings, late):
        columns = self._get_late_columns(company) | dict.fromkeys(late, SQL("NULL"))
        return self._get_figures_query(company, as_of, scope, settings, columns)

    @api.model
    def _get_late_columns(self, company):
        """Return SQL for what is worked out from other figures.

        Divisions and roots for every customer take as long as reading all documents;
        an update does them for rows that change only. The ``basis_hash`` says whether
        a row changes in what they follow from besides the columns of figures.
        """
        return {
            "revenue_change": SQL(
                """
                CASE WHEN revenue_previous > 0 AND is_comparable
                     THEN round(
                         100 * (revenue_window - revenue_previous) / revenue_previous,
                         2)
                END
                """
            ),
            "credited_share": SQL(
                """
                CASE WHEN invoiced_window > 0
                     THEN round(
                         100 * (invoiced_window - revenue_window) / invoiced_window, 2)
                     WHEN revenue_window < 0 THEN 100
                END
                """
            ),
            "average_ticket": SQL(
                "COALESCE(round(revenue_total / NULLIF(invoice_count, 0), %s), 0)",
                company.currency_id.decimal_places,
            ),
            "interval_mean": SQL(
                """
                CASE WHEN purchase_days > 1
                     THEN round(
                         (last_date - first_date)::numeric / (purchase_days - 1), 2)
                END
                """
            ),
            "interval_deviation": self._get_deviation_sql(),
            "active_months_share": SQL(
                """
                CASE WHEN purchase_days > 0
                     THEN round(
                         100.0 * length(replace(months::bit(13)::text, '0', ''))
                         / shared_months, 2)
                END
                """
            ),
        }

    @api.model
    def _get_figures_query(self, company, as_of, scope, settings, late):
        """Return SQL for the figures of ``company`` on a day, a row per customer.

        The documents come from their index in the order of customer and day, so that
        each customer is added up in passing. Each document is in one of four sums
        only, and what is said of purchase days comes from their list, once for a
        customer: a run of all customers takes little more than reading the index.

        :param dict late: SQL of the columns that follow from others, by name
        """
        settings = settings or company._get_customer_settings()
        # no further back than the calendar
        window = min(settings["window_days"], as_of.toordinal() - 1)
        month = as_of.replace(day=1)
        history_start = fields.Date.to_date(settings["history_start"])
        # the first day on which the history covers the whole period before
        comparable_from = history_start and fields.Date.add(
            history_start, days=2 * window - 1
        )
        return SQL(
            """
            WITH document AS NOT MATERIALIZED (%(documents)s),
            added AS (
                SELECT partner_id,
                       count(*) AS documents,
                       count(*) FILTER (WHERE is_purchase) AS invoices,
                       sum(amount) FILTER (
                           WHERE day > %(as_of)s - %(window)s AND is_purchase
                       ) AS invoiced,
                       sum(amount) FILTER (
                           WHERE day > %(as_of)s - %(window)s AND NOT is_purchase
                       ) AS credited,
                       sum(amount) FILTER (
                           WHERE day <= %(as_of)s - %(window)s
                             AND day > %(as_of)s - 2 * %(window)s
                       ) AS previous,
                       sum(amount) FILTER (
                           WHERE day <= %(as_of)s - 2 * %(window)s
                       ) AS earlier,
                       min(day) FILTER (
                           WHERE day > %(as_of)s - %(window)s
                       ) AS window_day,
                       min(day) FILTER (
                           WHERE day <= %(as_of)s - %(window)s
                             AND day > %(as_of)s - 2 * %(window)s
                       ) AS previous_day,
                       -- each day once, the first one first
                       array_agg(DISTINCT day) FILTER (WHERE is_purchase) AS days,
                       -- a bit for each month: no two of twelve are the same of a year
                       bit_or(1 << date_part('month', day)::integer) FILTER (
                           WHERE is_purchase AND day >= %(year_start)s
                       ) AS months
                  FROM document
                 WHERE day <= %(as_of)s
                 GROUP BY partner_id
            ),
            coming AS (
                SELECT partner_id, min(day) AS coming_day
                  FROM document
                 WHERE day > %(as_of)s
                 GROUP BY partner_id
            ),
            figure AS (
                SELECT partner_id,
                       COALESCE(invoiced, 0) + COALESCE(credited, 0)
                           + COALESCE(previous, 0) + COALESCE(earlier, 0)
                           AS revenue_total,
                       COALESCE(invoiced, 0) + COALESCE(credited, 0) AS revenue_window,
                       COALESCE(invoiced, 0) AS invoiced_window,
                       COALESCE(previous, 0) AS revenue_previous,
                       days[1] AS first_date,
                       days[cardinality(days)] AS last_date,
                       COALESCE(cardinality(days), 0) AS purchase_days,
                       COALESCE(
                           cardinality(days)
                           - width_bucket(%(as_of)s - %(window)s, days), 0
                       ) AS purchase_days_window,
                       COALESCE(invoices, 0)::integer AS invoice_count,
                       COALESCE(documents - invoices, 0)::integer AS refund_count,
                       days,
                       -- the first purchase day of the last twelve months
                       days[width_bucket(%(year_start)s - 1, days) + 1] AS year_day,
                       COALESCE(months, 0) AS months,
                       -- the calendar months that the active ones are a share of
                       CASE WHEN days[1] < %(year_start)s THEN 12
                            ELSE 1 + %(as_of_month)s
                                 - 12 * date_part('year', days[1])::integer
                                 - date_part('month', days[1])::integer
                       END AS shared_months,
                       %(is_comparable)s AS is_comparable,
                       window_day,
                       previous_day,
                       coming_day
                  FROM added
                  FULL JOIN coming USING (partner_id)
                 WHERE partner_id IN (%(customers)s)
            )
            SELECT partner_id,
                   revenue_total,
                   revenue_window,
                   invoiced_window,
                   revenue_previous,
                   %(revenue_change)s AS revenue_change,
                   %(credited_share)s AS credited_share,
                   first_date,
                   last_date,
                   purchase_days,
                   purchase_days_window,
                   invoice_count,
                   refund_count,
                   %(average_ticket)s AS average_ticket,
                   %(interval_mean)s AS interval_mean,
                   %(interval_deviation)s AS interval_deviation,
                   %(active_months_share)s AS active_months_share,
                   LEAST(
                       coming_day,
                       window_day + %(window)s,
                       previous_day + 2 * %(window)s,
                       -- one month more to share in, or one active month fewer
                       CASE WHEN first_date >= %(year_start)s THEN %(next_month)s
                            ELSE (date_trunc('month', year_day::timestamp)
                                  + interval '1 year')::date
                       END,
                       CASE WHEN COALESCE(previous_day, window_day) + %(window)s
                                 <= %(comparable_from)s
                             AND NOT %(is_comparable)s
                            THEN %(comparable_from)s
                       END
                   ) AS next_due,
                   hash_array_extended(
                       days,
                       months + (1 << 13) * shared_months
                           + (1 << 18) * is_comparable::integer
                           + (1 << 19) * %(decimals)s
                   )::float AS basis_hash,
                   days,
                   months,
                   shared_months,
                   is_comparable
              FROM figure
            """,
            documents=self._get_documents_query(
                company, scope, history_start, settings["receipts"]
            ),
            customers=company._get_customer_query(settings, scope),
            as_of=as_of,
            window=window,
            year_start=month - relativedelta(months=11),
            next_month=month + relativedelta(months=1),
            as_of_month=12 * as_of.year + as_of.month,
            is_comparable=not comparable_from or as_of >= comparable_from,
            comparable_from=SQL("%s::date", comparable_from or None),
            decimals=company.currency_id.decimal_places,
            **late,
        )

    @api.model
    def _get_documents_query(self, company, scope, history_start, with_receipts):
        """Return SQL that selects the counted documents of any day.

        It reads no column but those of the index: so the database needs that only.
        """
        counted = self._get_counted_condition(
            company, scope, history_start, with_receipts
        )
        return scope.with_documents(
            SQL(
                """
                SELECT move.commercial_partner_id AS partner_id,
                       move.invoice_date AS day,
                       move.move_type <> 'out_refund' AS is_purchase,
                       move.amount_untaxed_signed AS amount
                  FROM account_move AS move
                 WHERE %s
                """,
                counted,
            )
        )

    @api.model
    def _get_counted_condition(self, company, scope, history_start, with_receipts):
        """Return SQL telling whether the row ``move`` is a document that counts.

        It names state and types as the index does.
        """
        self.env["account.move"].flush_model(
            [
                "commercial_partner_id",
                "company_id",
                "state",
                "move_type",
                "invoice_date",
                "amount_untaxed_signed",
            ]
        )
        companies = company._get_customer_branches().ids
        conditions = [
            # one company keeps the order of the index
            SQL("move.company_id = %s", companies[0])
            if len(companies) == 1
            else SQL("move.company_id = ANY(%s)", companies),
            scope.on(SQL.identifier("move", "commercial_partner_id")),
        ]
        if not with_receipts:
            conditions.append(SQL("move.move_type <> 'out_receipt'"))
        if history_start:
            conditions.append(SQL("move.invoice_date >= %s", history_start))
        return SQL(
            """
            move.state = 'posted'
            AND move.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
            AND %s
            """,
            SQL(" AND ").join(conditions),
        )

    @api.model
    def _get_deviation_sql(self):
        """Return SQL for the sample standard deviation of the days between purchases.

        With n intervals of g days: √((n·Σg² − (Σg)²) / (n·(n − 1))), in whole numbers
        up to the root; Σg is the time from the first purchase to the last.
        """
        return SQL(
            """
            CASE WHEN purchase_days > 2 THEN (
                SELECT round(
                           sqrt(
                               ((purchase_days - 1) * sum(gap * gap)
                                - (last_date - first_date)::bigint
                                  * (last_date - first_date))::numeric
                               / ((purchase_days - 1)::bigint * (purchase_days - 2))
                           ), 2)
                  FROM (
                      SELECT (unnest(days[2:]) - unnest(days[:purchase_days - 1]))
                             ::bigint AS gap
                  ) AS gaps
            ) END
            """
        )
