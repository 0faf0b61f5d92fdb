from datetime import date

from odoo import api, models
from odoo.tools import SQL

from .customer_scope import EVERYONE


class CustomerPaymentFigures(models.Model):
    """What if: payments that are only imagined count as registered ones do."""

    _inherit = "customer.payment.figures"

    @api.model
    def _get_paid_query(self, company, as_of, scope, settings, window):
        paid = super()._get_paid_query(company, as_of, scope, settings, window)
        if not self._has_imagined(scope):
            return paid
        return SQL(
            """
            %(paid)s
            UNION ALL
            SELECT line.partner_id,
                   line.move_id,
                   NULL,
                   payment.day,
                   payment.amount,
                   GREATEST(payment.day - line.invoice_date, 0),
                   GREATEST(
                       payment.day - COALESCE(line.date_maturity, line.date), 0
                   )
              FROM %(payments)s
              JOIN account_move_line AS line ON line.id = payment.line_id
             WHERE payment.day <= %(as_of)s
               AND payment.day > %(as_of)s - %(window)s
               AND line.invoice_date >= %(history_start)s::date
               AND %(is_invoice)s
            """,
            paid=paid,
            payments=scope.get_payments(),
            as_of=as_of,
            window=window,
            history_start=settings["history_start"] or date.min,
            is_invoice=self._get_invoice_condition(company, "line"),
        )

    @api.model
    def _get_item_query(self, company, as_of, scope):
        items = super()._get_item_query(company, as_of, scope)
        if not self._has_imagined(scope):
            return items
        return SQL(
            """
            SELECT item.line_id, partner_id, move_id, item.day, due, is_invoice,
                   is_booked,
                   is_overdue AND item.amount > COALESCE(settled.amount, 0)
                       AS is_overdue,
                   item.amount - COALESCE(settled.amount, 0) AS amount,
                   matched_on
              FROM (%(items)s) AS item
              LEFT JOIN (
                   SELECT line_id, sum(amount) AS amount
                     FROM %(payments)s
                    WHERE day <= %(as_of)s
                    GROUP BY line_id
                   ) AS settled ON settled.line_id = item.line_id
            """,
            items=items,
            payments=scope.get_payments(),
            as_of=as_of,
        )

    @api.model
    def _has_imagined(self, scope):
        return scope is not EVERYONE and scope.is_supposed and bool(scope.payments)
