"""What is owed and how it was paid, worked out in plain Python from journal items.

Nothing here imports the addon: the tests compare the two. What counts is told apart
by other marks than the addon's: an invoice by the type of its document, a payment by
what made its entry, what is open by the matches up to the day and not by the stored
residual.
"""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal


@dataclass
class Payments:
    paid_amount: Decimal = Decimal(0)
    days_to_pay: Decimal | None = None
    days_late: Decimal | None = None
    late_share: Decimal | None = None
    worst_delay: int | None = None
    open_amount: Decimal = Decimal(0)
    overdue_amount: Decimal = Decimal(0)
    overdue_invoices: int = 0
    oldest_overdue_date: date | None = None


def exact(amount):
    """Return money as a decimal to the cent."""
    return Decimal(str(amount)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def compute(items, as_of, window=365, history_start=None):
    """Return the payment figures by customer.

    :param items: the journal items on receivable accounts of one company in posted
        entries, those with a partner
    """
    result = {}
    paid = {}
    overdue = {}
    for item in items:
        customer = item.partner_id.commercial_partner_id
        if item.date <= as_of:
            due = item.date_maturity or item.date
            residual = exact(item.balance)
            for match in item.matched_credit_ids:
                if match.max_date <= as_of:
                    residual -= exact(match.amount)
            for match in item.matched_debit_ids:
                if match.max_date <= as_of:
                    residual += exact(match.amount)
            if residual:
                figures = result.setdefault(customer, Payments())
                figures.open_amount += residual
                if residual > 0 and due < as_of:
                    figures.overdue_amount += residual
                    overdue.setdefault(customer, []).append((due, item.move_id))
        if item.move_id.move_type in ("out_invoice", "out_receipt"):
            for match in item.matched_credit_ids:
                payment = match.credit_move_id
                if (
                    match.max_date <= as_of
                    and (as_of - payment.date).days < window
                    and _is_payment(payment)
                    and (not history_start or item.invoice_date >= history_start)
                ):
                    paid.setdefault(customer, []).append(
                        (
                            exact(match.amount),
                            max((payment.date - item.invoice_date).days, 0),
                            max((payment.date - item.date_maturity).days, 0),
                        )
                    )
    for customer, rows in paid.items():
        figures = result.setdefault(customer, Payments())
        total = sum(amount for amount, _days, _late in rows)
        figures.paid_amount = total
        figures.days_to_pay = exact(sum(a * days for a, days, _late in rows) / total)
        figures.days_late = exact(sum(a * late for a, _days, late in rows) / total)
        late_amount = sum((a for a, _days, late in rows if late), Decimal(0))
        figures.late_share = exact(100 * late_amount / total)
        figures.worst_delay = max(late for _amount, _days, late in rows)
    for customer, rows in overdue.items():
        figures = result[customer]
        figures.oldest_overdue_date = min(due for due, _move in rows)
        figures.overdue_invoices = len(
            {
                move
                for _due, move in rows
                if move.move_type in ("out_invoice", "out_receipt")
            }
        )
    return result


def _is_payment(item):
    move = item.move_id
    return bool(
        move.origin_payment_id
        or move.statement_line_id
        or move.journal_id.type in ("bank", "cash", "credit")
    )
