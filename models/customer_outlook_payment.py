from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate

from odoo import api, models
from odoo.tools import SQL

from .customer_receipt import PAID_FIGURES
from .customer_supposition import Supposition

#: So many open documents are tried one after the other, then all at once
MAX_DOCUMENTS = 20


@dataclass(frozen=True)
class Part:
    """What is open on one item of a document, or what is to be paid of it."""

    line_id: int
    move_id: int
    name: str
    due: object
    #: taxes included, in company currency
    amount: Decimal


@dataclass(frozen=True)
class Payment:
    """The least that has to be paid."""

    amount: Decimal
    #: the last day on which it suffices; None: as far as was looked
    until: object
    #: what it is to be paid on, the oldest due first
    parts: tuple


class CustomerOutlook(models.AbstractModel):
    """What would change if something that is open were paid.

    What is due first is paid first, and as much of the last document as it takes. As
    with purchases, every answer was tried on the engine's own query: with the amount
    it comes true, with one cent less it does not.
    """

    _inherit = "customer.outlook"

    @api.model
    def _reads_payments(self, case):
        figures = self.env["customer.payment.figures"]._fact_columns
        return not case.metrics.isdisjoint(figures)

    @api.model
    def _find_payments(self, case, verdict):
        """Return what is gained by paying what is open today, the next step first.

        :return: pairs of a category's id and a `Payment`
        """
        payable = self._get_payable(case, case.today)
        if not payable:
            return []

        def judge(day, amount):
            payments = self._pay(self._allot(payable, amount), day)
            return case.judge(day, present=verdict.present, payments=payments)

        sums = self._get_sums(payable)
        reached = [judge(case.today, amount) for amount in sums]
        result = []
        for category, level in case.get_payment_targets(verdict, reached):

            def is_there(found, category=category, level=level):
                if level is None:
                    return found.category_id == category
                return found.level >= level

            def suffices(amount, is_there=is_there):
                return is_there(judge(case.today, amount))

            amount = self._find_least(case, verdict, sums, suffices)
            until = case.today
            if case.metrics.isdisjoint(PAID_FIGURES):

                def suffices_on(day, amount=amount, is_there=is_there):
                    return is_there(judge(day, amount))

                after = judge(case.today, amount)
                until = self._find_deadline(case, suffices_on, [verdict, after])
            parts = tuple(self._allot(payable, amount))
            result.append((category, Payment(amount, until, parts)))
        return result

    @api.model
    def _find_averting_payment(self, case, change):
        """Return the least `Payment` before a loss that prevents it, or None."""
        last = change.day - timedelta(days=1)
        payable = self._get_payable(case, last)

        def suffices(amount):
            payments = self._pay(self._allot(payable, amount), last)
            # the night before sees it already, and ends the days of grace
            eve = case.judge(last, (), change.before.present, payments)
            found = case.judge(change.day, (), eve.present, payments)
            return case.is_averted(change, found)

        sums = self._get_sums(payable)
        amount = self._find_least(case, change.after, sums, suffices)
        if amount is None:
            return None
        return Payment(amount, last, tuple(self._allot(payable, amount)))

    @api.model
    def _find_least(self, case, verdict, sums, suffices):
        """Return an amount that suffices, of which a cent less does not, or None.

        :param verdict: from whose values the first guesses are made
        :param sums: of the documents, one more each time
        """
        low, unit = Decimal(0), case.get_unit()
        for high in sums:
            if suffices(high):
                break
            low = high
        else:
            return None
        for guess in self._guess_payments(case, verdict):
            if low < guess < high:
                if suffices(guess):
                    high = guess
                    break
                low = guess
        # most often a document has to be paid in full
        if high - unit > low and not suffices(high - unit):
            return high
        while high - low > unit:
            middle = low + ((high - low) / 2 / unit).to_integral_value() * unit
            if suffices(middle):
                high = middle
            else:
                low = middle
        return high

    @api.model
    def _guess_payments(self, case, verdict):
        """Return amounts, in their order, after which a limit may be met.

        They only save time, see ``_guess_amounts``.
        """
        guesses = set()
        for metric in ("open_amount", "overdue_amount"):
            value = verdict.criteria.get(metric, (None,))[0]
            if value is not None:
                guesses |= {
                    Decimal(str(value)) - limit for limit in case.get_limits(metric)
                }
        return sorted(guesses | {guess + case.get_unit() for guess in guesses})

    @api.model
    def _get_payable(self, case, day):
        """Return what is open on a day, the oldest due first, as a list of `Part`."""
        if not self._reads_payments(case):
            return []
        Payments = self.env["customer.payment.figures"]
        Payments._flush_read()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT item.line_id, item.move_id, move.name, item.due,
                       item.amount::text
                  FROM (%s) AS item
                  JOIN account_move AS move ON move.id = item.move_id
                 WHERE item.is_booked AND item.amount > 0
                 ORDER BY item.due, item.move_id, item.line_id
                """,
                Payments._get_item_query(
                    case.company, day, Supposition(case.partner.id)
                ),
            )
        )
        return [Part(*others, Decimal(amount)) for *others, amount in rows]

    @api.model
    def _get_sums(self, payable):
        sums = list(accumulate(part.amount for part in payable))
        return sums if len(sums) <= MAX_DOCUMENTS else [*sums[:MAX_DOCUMENTS], sums[-1]]

    @api.model
    def _allot(self, payable, amount):
        """Return what is paid of each with an amount."""
        result = []
        for part in payable:
            paid = min(part.amount, amount)
            if paid <= 0:
                break
            result.append(replace(part, amount=paid))
            amount -= paid
        return result

    @api.model
    def _pay(self, parts, day):
        """Return the payments of a day, as `Supposition` takes them."""
        return [(day, part.line_id, part.amount) for part in parts]
