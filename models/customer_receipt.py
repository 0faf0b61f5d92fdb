from datetime import date, timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_product_figures import CustomerProductFigures
from .customer_scope import Scope

#: Figures of purchases only: invoices and sales receipts, no credit notes
PURCHASE_FIGURES = {
    "invoiced_window",
    "invoice_count",
    "first_date",
    "last_date",
    "purchase_days",
    "purchase_days_window",
    "interval_mean",
    "interval_deviation",
    "active_months_share",
}
#: Figures of the period of value
WINDOW_FIGURES = {
    "revenue_window",
    "invoiced_window",
    "purchase_days_window",
    "credited_share",
}
#: Figures of the lines of those documents
LINE_FIGURES = set(CustomerProductFigures._fact_columns)
#: Figures of the payments of the period; the others of payments are of what is owed
PAID_FIGURES = {
    "paid_amount",
    "days_to_pay",
    "days_late",
    "late_share",
    "worst_delay",
}


class CustomerReceipt(models.AbstractModel):
    """The exact documents behind a figure, as the engine counts them.

    Which documents count, and from which day on, is what
    ``customer.figures._get_counted_condition`` says, so the sum is the figure.
    """

    _name = "customer.receipt"
    _description = "Documents Behind a Figure"

    @api.model
    def _has_rows(self, code):
        """Return whether there are documents behind what a code names."""
        return self.env["customer.facts.mixin"]._get_model_of(code) is not None

    @api.model
    def _get_rows(self, code, company, partner, as_of, settings):
        """Return the rows behind the built-in figure ``code``, the oldest first.

        Each is a dict: ``move_id``, ``day``, ``amount`` (a ``Decimal`` in company
        currency, negative for a credit note) and what the figure's model adds.

        :param company: a root company; its branches count with it
        :param date as_of: the last day that counts
        :param dict settings: what counts, as ``_get_customer_settings`` returns it
        """
        figures = self.env["customer.facts.mixin"]._get_model_of(code)
        if figures._name == "customer.payment.figures":
            return self._get_payment_rows(code, company, partner, as_of, settings)
        # what is said of lines is said of the documents of the period
        return self._get_document_rows(code, company, partner, as_of, settings)

    # Invoices and credit notes

    @api.model
    def _get_document_rows(self, code, company, partner, as_of, settings):
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT move.id AS move_id,
                       move.name,
                       move.move_type,
                       move.invoice_date AS day,
                       move.amount_untaxed_signed::text AS amount
                  FROM account_move AS move
                 WHERE %(counted)s AND move.invoice_date <= %(as_of)s
                   AND move.invoice_date > %(after)s
                   AND %(is_of_figure)s
                 ORDER BY move.invoice_date, move.id
                """,
                counted=self.env["customer.figures"]._get_counted_condition(
                    company,
                    Scope.of(partner.ids),
                    fields.Date.to_date(settings["history_start"]),
                    settings["receipts"],
                ),
                as_of=as_of,
                after=self._get_day_before(code, as_of, settings),
                is_of_figure=self._get_figure_condition(code, as_of, settings),
            )
        )
        for row in rows:
            row["amount"] = Decimal(row["amount"])
        if code in ("first_date", "last_date") and rows:
            # the documents of that day
            day = rows[0 if code == "first_date" else -1]["day"]
            rows = [row for row in rows if row["day"] == day]
        return rows

    @api.model
    def _get_day_before(self, code, as_of, settings):
        """Return the day after which documents count for a figure."""
        if code == "active_months_share":
            return as_of.replace(day=1) - relativedelta(months=11, days=1)
        # no further back than the calendar
        past = as_of.toordinal() - 1
        window = min(settings["window_days"], past)
        if code in WINDOW_FIGURES | LINE_FIGURES:
            return as_of - timedelta(days=window)
        if code in ("revenue_previous", "revenue_change"):
            return as_of - timedelta(days=min(2 * window, past))
        return date.min

    @api.model
    def _get_figure_condition(self, code, as_of, settings):
        """Return SQL for what else the row ``move`` has to be."""
        if code in PURCHASE_FIGURES:
            return SQL("move.move_type <> 'out_refund'")
        if code == "refund_count":
            return SQL("move.move_type = 'out_refund'")
        if code == "revenue_previous":
            window = min(settings["window_days"], as_of.toordinal() - 1)
            return SQL("move.invoice_date <= %s::date - %s", as_of, window)
        return SQL("TRUE")

    # Payments and what is open

    @api.model
    def _get_payment_rows(self, code, company, partner, as_of, settings):
        Payments = self.env["customer.payment.figures"]
        Payments._flush_read()
        scope = Scope.of(partner.ids)
        if code in PAID_FIGURES:
            window = min(settings["window_days"], as_of.toordinal() - 1)
            query = SQL(
                """
                SELECT paid.invoice_id AS move_id, paid.payment_id, paid.day,
                       paid.amount::text AS amount, paid.days_to_pay, paid.days_late,
                       move.name, payment.name AS payment_name, move.move_type
                  FROM (%s) AS paid
                  JOIN account_move AS move ON move.id = paid.invoice_id
                  JOIN account_move AS payment ON payment.id = paid.payment_id
                 ORDER BY paid.day, paid.payment_id, paid.invoice_id
                """,
                Payments._get_paid_query(company, as_of, scope, settings, window),
            )
        else:
            query = SQL(
                """
                SELECT item.move_id, item.due AS day, item.amount::text AS amount,
                       item.is_overdue, move.name, move.move_type
                  FROM (%s) AS item
                  JOIN account_move AS move ON move.id = item.move_id
                 WHERE item.is_booked AND (%s OR item.is_overdue) AND item.amount <> 0
                 ORDER BY item.due, item.move_id
                """,
                Payments._get_item_query(company, as_of, scope),
                code == "open_amount",
            )
        rows = self.env.execute_query_dict(query)
        for row in rows:
            row["amount"] = Decimal(row["amount"])
        return rows
