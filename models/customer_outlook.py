import heapq
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from odoo import api, models

from .customer_outlook_case import Verdict
from .customer_outlook_rules import RuleCase, SlotCase
from .customer_outlook_score import ScoreCase

#: No more days than these are looked at, nor purchases counted up
MAX_DAYS = 400
MAX_PURCHASES = 40
#: So many days to come are tried to say until when an amount suffices
MAX_DEADLINES = 40
#: More than anybody buys for, in units of money
GREAT_AMOUNT = Decimal(10) ** 12


@dataclass(frozen=True)
class Change:
    """A category that comes by itself."""

    #: the first day of it
    day: object
    before: Verdict
    after: Verdict


@dataclass(frozen=True)
class Purchase:
    """The least that has to be invoiced."""

    #: without taxes, in company currency, on all days together
    amount: Decimal
    #: on how many different days
    days: int
    #: the last day on which the last of it suffices; None: as far as was looked
    until: object


class CustomerOutlook(models.AbstractModel):
    """On which day a category changes by itself, and what would change it.

    Every answer was tried on the engine's own query: with the amount the customer has
    the category, with one cent less not; on the day it falls, and on none before.
    """

    _name = "customer.outlook"
    _description = "What Would Change a Category"

    @api.model
    def _get_case(self, ruleset, partner, slot=0):
        """Return how to ask what would be of a customer under a version.

        :param int slot: of the assignment: which category, where one has several
        """
        today = ruleset.company_id._get_customer_today()
        if slot:
            return SlotCase(ruleset, partner, today, slot)
        kind = RuleCase if ruleset.method == "rule" else ScoreCase
        return kind(ruleset, partner, today)

    # The calendar

    @api.model
    def _foresee(self, case, verdict, until=None):
        """Return the first rise and the first fall that come by themselves.

        :param verdict: the one of today
        :param date until: no day after it is looked at; None: as far as needed
        :return: pair of `Change`; None for what does not come
        """
        rise = None
        for change in self._follow(case, verdict, until):
            if not case.is_kept(verdict, change.after):
                return rise, change
            if change.after.level > verdict.level and not rise:
                rise = change
        return rise, None

    @api.model
    def _follow(self, case, verdict, until=None):
        """Yield the changes of category from today on, as nightly runs make them."""
        queue = sorted(case.get_days() | case.get_passing_days(verdict, case.today))
        seen = set()
        while queue and len(seen) < MAX_DAYS:
            day = heapq.heappop(queue)
            if until and day > until:
                return
            if day in seen:
                continue
            seen.add(day)
            after = case.judge(day, present=verdict.present)
            for passing in case.get_passing_days(after, day) - seen:
                heapq.heappush(queue, passing)
            if after.category_id != verdict.category_id:
                yield Change(day, verdict, after)
            verdict = after

    # The way up, and to stay

    @api.model
    def _find_rise(self, case, verdict, level):
        """Return the least `Purchase` that gives a higher level, or None."""

        def reaches(day, purchases):
            found = case.judge(day, purchases, verdict.present)
            return found.level >= level

        for count in self._get_counts(case, reaches, MAX_PURCHASES):
            last = case.today + timedelta(days=count - 1)
            if reaches(last, ()):
                return None  # it comes by itself, not by what is bought
            amount = self._find_amount(case, reaches, count, last)
            if amount is not None:
                until = last
                if count == 1 and case.is_steady:
                    until = self._find_deadline(
                        case,
                        lambda day, amount=amount: reaches(day, [(day, amount)]),
                        [verdict],
                    )
                return Purchase(amount, count, until)
        return None

    @api.model
    def _find_stay(self, case, change):
        """Return the least `Purchase` before a fall that prevents it, or None."""
        last = change.day - timedelta(days=1)
        days = (last - case.today).days + 1

        def reaches(day, purchases):
            # the night before the fall sees it already, and ends the days of grace
            eve = case.judge(day, purchases, change.before.present)
            found = case.judge(change.day, purchases, eve.present)
            return case.is_prevented(change, found)

        for count in self._get_counts(case, reaches, min(days, MAX_PURCHASES), last):
            amount = self._find_amount(case, reaches, count, last)
            if amount is not None:
                return Purchase(amount, count, last)
        return None

    @api.model
    def _get_counts(self, case, reaches, most, last=None):
        """Return on how many days to try, or nothing where the most are too few.

        :param date last: the last of the days; None: they begin today
        """
        day = last or case.today + timedelta(days=most - 1)
        if not reaches(day, self._spread(case, GREAT_AMOUNT, most, day)):
            return []
        return range(1, most + 1)

    @api.model
    def _find_amount(self, case, reaches, count, last):
        """Return the least amount on ``count`` days in a row, or None.

        :param reaches: a function of a day and purchases
        :param date last: the last of the days
        """

        def suffices(amount):
            return reaches(last, self._spread(case, amount, count, last))

        unit = case.get_unit()
        least = unit * count
        if not suffices(GREAT_AMOUNT):
            return None
        if suffices(least):
            return least
        # below it does not suffice, above it does
        low, high = least, GREAT_AMOUNT
        for guess in self._guess_amounts(case, count, last):
            if low < guess < high:
                if suffices(guess):
                    high = guess
                else:
                    low = guess
            if low < guess - unit and high == guess:
                if suffices(guess - unit):
                    high = guess - unit
                else:
                    return guess
        while high - low > unit:
            middle = low + ((high - low) / 2 / unit).to_integral_value() * unit
            if suffices(middle):
                high = middle
            else:
                low = middle
        return high

    @api.model
    def _guess_amounts(self, case, count, last):
        """Return amounts at which points may change, in the order to be tried.

        They only save time: whatever they are, the amount that is found is the least.
        """
        unit = case.get_unit()
        bare = case.judge(last, self._spread(case, unit * count, count, last))
        guesses = set()
        if case.ruleset.method == "score":
            guesses = self._guess_paying(case, bare, unit * count)
        for criterion in case.ruleset.criterion_ids:
            if criterion.value_type != "monetary":
                continue
            value = bare.criteria.get(criterion.metric, (None,))[0] or 0
            guesses |= {
                Decimal(cut) - Decimal(str(value)) + unit * count
                for cut in criterion.cuts
                if cut is not None
            }
        guesses = {
            (guess / unit).to_integral_value(ROUND_CEILING) * unit for guess in guesses
        }
        ordered = sorted(guess for guess in guesses if guess > unit * count)
        # the middle one first, so that each try leaves half of them
        result = []
        parts = [ordered]
        while parts:
            part = parts.pop(0)
            if part:
                middle = len(part) // 2
                result.append(part[middle])
                parts += [part[:middle], part[middle + 1 :]]
        return result

    @api.model
    def _guess_paying(self, case, bare, least):
        """Return amounts from which on the customer may be a paying one."""
        revenue = Decimal(str(bare.revenue))
        kept = Decimal(str(case.settings["minimum_kept_share"]))
        guesses = {least - revenue + case.get_unit()}
        if kept < 100:
            invoiced = Decimal(str(bare.invoiced))
            guesses.add(least + (invoiced * kept - revenue * 100) / (100 - kept))
        return guesses

    @api.model
    def _spread(self, case, amount, count, last):
        """Return purchases on ``count`` days in a row that come to an amount."""
        unit = case.get_unit()
        days = [last - timedelta(days=number) for number in range(count)]
        first = amount - unit * (count - 1)
        return [(day, unit if n else first) for n, day in enumerate(days)]

    @api.model
    def _find_deadline(self, case, suffices, verdicts):
        """Return the last day on which it still suffices, or None.

        :param suffices: a function of the day on which something is done
        :param verdicts: whose values limits counted in days pass
        """
        days = case.get_days()
        for verdict in verdicts:
            days |= case.get_passing_days(verdict, case.today)
        days = sorted(days)
        for day in days[:MAX_DEADLINES]:
            if not suffices(day):
                return day - timedelta(days=1)
        # further than that nobody looked
        return days[MAX_DEADLINES] - timedelta(days=1) if days[MAX_DEADLINES:] else None
