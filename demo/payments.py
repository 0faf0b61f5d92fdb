"""When customers pay: made up, deterministic, plain Python.

The file has no payments. Every customer gets a way of paying from its number: prompt,
late or slow. Customers pay on Fridays, several invoices at once, and deduct their
credit notes.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

FRIDAY = 4
# Days from invoice to payment, by the last digit of the customer number
PROMPT, LATE, SLOW = range(12, 29), range(38, 70), range(95, 130)
KINDS = (PROMPT,) * 6 + (LATE,) * 3 + (SLOW,)


@dataclass
class Settlement:
    """Documents of one customer that are settled on one day.

    ``amount`` is what the customer transfers, in the currency of the documents; 0 where
    credit notes cover the invoices.
    """

    customer: str
    day: date
    documents: list
    amount: Decimal


def plan_settlements(documents, last_day):
    """Return the settlements up to ``last_day``, in order of day and customer.

    What would be paid later stays open. Credit notes reduce the next payment; those
    beyond the invoices stay open too.
    """
    by_customer = defaultdict(list)
    for document in documents:
        by_customer[document.customer].append(document)
    settlements = []
    for customer, own in sorted(by_customer.items()):
        settlements += _plan_customer(customer, own, last_day)
    return sorted(settlements, key=lambda s: (s.day, s.customer))


def _plan_customer(customer, documents, last_day):
    """Return the settlements of one customer."""
    settlements, invoices, credit_notes = _match_cancellations(customer, documents)
    due = defaultdict(list)
    for invoice in invoices:
        day = _payment_day(invoice)
        if day <= last_day and invoice.amount > 0:
            due[day].append(invoice)
    left = {note.number: -note.amount for note in credit_notes}
    for day, paid in sorted(due.items()):
        amount = sum(invoice.amount for invoice in paid)
        deducted = []
        for note in credit_notes:
            if note.date <= day and left[note.number] and amount:
                part = min(left[note.number], amount)
                left[note.number] -= part
                amount -= part
                deducted.append(note)
        settlements.append(Settlement(customer, day, [*paid, *deducted], amount))
    return settlements


def _match_cancellations(customer, documents):
    """Split off the credit notes that cancel one earlier invoice in full.

    :return: their settlements, the other invoices, the other credit notes
    """
    invoices = [d for d in documents if not d.is_refund]
    settlements, credit_notes = [], []
    for note in (d for d in documents if d.is_refund):
        cancelled = next(
            (
                invoice
                for invoice in invoices
                if invoice.amount == -note.amount
                and invoice.date <= note.date < _payment_day(invoice)
            ),
            None,
        )
        if cancelled:
            invoices.remove(cancelled)
            settlements.append(
                Settlement(customer, note.date, [cancelled, note], Decimal())
            )
        else:
            credit_notes.append(note)
    return settlements, invoices, credit_notes


def _payment_day(invoice):
    """Return the Friday on which the customer pays ``invoice``."""
    days = KINDS[int(invoice.customer) % len(KINDS)]
    # The number scatters the days within the customer's habit.
    day = invoice.date + timedelta(days=days[int(invoice.number[-4:]) % len(days)])
    return day + timedelta(days=(FRIDAY - day.weekday()) % 7)
