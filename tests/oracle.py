"""What the addon should compute, worked out in plain Python from raw documents.

Nothing here imports the addon or reads the database: the tests compare the two.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise


@dataclass(frozen=True)
class Document:
    """A posted invoice, or a credit note where the amount is negative."""

    customer: str
    day: date
    amount: Decimal
    is_refund: bool = False


@dataclass
class Figures:
    revenue_total: Decimal = Decimal(0)
    revenue_window: Decimal = Decimal(0)
    invoiced_window: Decimal = Decimal(0)
    first_date: date | None = None
    last_date: date | None = None
    purchase_days: int = 0
    purchase_days_window: int = 0
    invoice_count: int = 0
    refund_count: int = 0
    average_ticket: Decimal = Decimal(0)
    revenue_previous: Decimal = Decimal(0)
    revenue_change: Decimal | None = None
    credited_share: Decimal | None = None
    interval_mean: Decimal | None = None
    interval_deviation: Decimal | None = None
    active_months_share: Decimal | None = None


def compute_figures(documents, as_of, window=365, history_start=date.min):
    """Return the figures by customer, from the documents up to a day.

    Who has later documents only has figures of nothing.
    """
    by_customer = defaultdict(list)
    for document in documents:
        if document.day >= history_start:
            by_customer[document.customer].append(document)
    result = {}
    for customer, known in by_customer.items():
        figures = result[customer] = Figures()
        own = [d for d in known if d.day <= as_of]
        purchases = [d for d in own if not d.is_refund]
        recent = [d for d in own if (as_of - d.day).days < window]
        recent_purchases = [d for d in recent if not d.is_refund]
        figures.revenue_total = sum((d.amount for d in own), Decimal(0))
        figures.revenue_window = sum((d.amount for d in recent), Decimal(0))
        figures.invoiced_window = sum((d.amount for d in recent_purchases), Decimal(0))
        figures.invoice_count = len(purchases)
        figures.refund_count = len(own) - len(purchases)
        figures.purchase_days = len({d.day for d in purchases})
        figures.purchase_days_window = len({d.day for d in recent_purchases})
        if purchases:
            figures.first_date = min(d.day for d in purchases)
            figures.last_date = max(d.day for d in purchases)
            figures.average_ticket = _round(figures.revenue_total / len(purchases))
        _compute_shares(figures, own, as_of, window, history_start)
        _compute_rhythm(figures, sorted({d.day for d in purchases}), as_of)
    return result


def _compute_shares(figures, own, as_of, window, history_start):
    """Complete figures by what compares sums of money."""
    before = [d for d in own if window <= (as_of - d.day).days < 2 * window]
    figures.revenue_previous = sum((d.amount for d in before), Decimal(0))
    is_known = (as_of - history_start).days >= 2 * window - 1
    if figures.revenue_previous > 0 and is_known:
        gained = figures.revenue_window - figures.revenue_previous
        figures.revenue_change = _round(100 * gained / figures.revenue_previous)
    if figures.invoiced_window > 0:
        credited = figures.invoiced_window - figures.revenue_window
        figures.credited_share = _round(100 * credited / figures.invoiced_window)
    elif figures.revenue_window < 0:
        figures.credited_share = Decimal(100)


def _compute_rhythm(figures, days, as_of):
    """Complete figures by what follows from the purchase days."""
    between = [(later - day).days for day, later in pairwise(days)]
    if between:
        figures.interval_mean = _round(Decimal(sum(between)) / len(between))
    if len(between) > 1:
        mean = Fraction(sum(between), len(between))
        variance = sum((n - mean) ** 2 for n in between) / (len(between) - 1)
        figures.interval_deviation = _round(
            (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt()
        )
    if days:
        month = as_of.year * 12 + as_of.month
        months = {day.year * 12 + day.month for day in days}
        counted = range(max(month - 11, min(months)), month + 1)
        active = sum(1 for each in counted if each in months)
        figures.active_months_share = _round(Decimal(100 * active) / len(counted))


def _round(value):
    """Return an amount or a percentage to the cent, halves away from zero."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def is_paying(figures, minimum_kept_share=1, minimum_purchases=0):
    """Return whether a customer gets a score."""
    return (
        figures.purchase_days_window >= minimum_purchases
        and figures.revenue_window > 0
        and figures.revenue_window * 100
        >= figures.invoiced_window * Decimal(minimum_kept_share)
    )


def compute_cuts(values):
    """Return where the scores 2 to 5 begin, for a list of all customers' values.

    Sorted, the customer at place ``ceil(n * k / 5)`` and everybody equal to him is
    still in the lower fifths; the next higher value begins the score.
    """
    ordered = sorted(values)
    cuts = []
    for fifth in range(1, 5):
        place = -(-len(ordered) * fifth // 5)  # ceiling of a whole-number fraction
        last_below = ordered[place - 1]
        higher = [value for value in ordered if value > last_below]
        cuts.append(higher[0] if higher else None)
    return cuts


def compute_share_cuts(values, shares):
    """Return where the scores 2 to 5 begin, for a list of all customers' values.

    One after the other, from the best on, joins as long as those before did not make
    up the share of the sum; so the one who crosses it still joins.

    :param list shares: percentages of the scores 2 to 5; 0 for one nobody gets
    """
    positive = sorted((value for value in values if value > 0), reverse=True)
    cuts = []
    for share in shares:
        before, joined = 0, []
        for value in positive:
            if before >= Decimal(share) * sum(positive) / 100:
                break
            joined.append(value)
            before += value
        cuts.append(joined[-1] if joined else None)
    return cuts


def score(value, cuts):
    reached = [s for s, cut in enumerate(cuts, 2) if cut is not None and value >= cut]
    return max(reached, default=1)


def follow_tier(present, until, reached, day, tiers, grace_days):
    """Return the tier on a day, and until when it is only a grace.

    :param present: name of the tier until now, or None
    :param until: the day the grace ends, as it was until now, or None
    :param Decimal reached: the score, or None
    :param tiers: ``(name, score to enter, score to keep)``, best first
    """
    names = [name for name, _enter, _keep in tiers] + [None]
    place = names.index(present)
    earned = None
    if reached is not None:
        earned = next(
            (
                name
                for other, (name, enter, keep) in enumerate(tiers)
                if reached >= Decimal(keep if other >= place else enter)
            ),
            None,
        )
    if names.index(earned) <= place or not grace_days:
        return earned, None
    until = until or day + timedelta(days=grace_days)
    return (present, until) if day < until else (earned, None)


TIERS = (("Platinum", "4.5"), ("Gold", "3.5"), ("Silver", "2.25"), ("Bronze", "1"))


def compute_tiers(
    figures_by_customer, weights=(1, 1, 2), cuts=None, tiers=TIERS, minimum_purchases=0
):
    """Return (score, R, F, M, tier) by paying customer, as the addon ships it."""
    paying = {
        c: f
        for c, f in figures_by_customer.items()
        if is_paying(f, minimum_purchases=minimum_purchases)
    }
    if not paying:
        return {}
    if cuts is None:
        cuts = paying_cuts(paying)
    result = {}
    for customer, figures in paying.items():
        scores = (
            score(figures.last_date, cuts[0]),
            score(figures.purchase_days_window, cuts[1]),
            score(figures.revenue_window, cuts[2]),
        )
        mean = Fraction(
            sum(w * s for w, s in zip(weights, scores, strict=True)), sum(weights)
        )
        rounded = (Decimal(mean.numerator) / Decimal(mean.denominator)).quantize(
            Decimal("0.01"), ROUND_HALF_UP
        )
        tier = next((name for name, least in tiers if rounded >= Decimal(least)), None)
        result[customer] = (rounded, *scores, tier)
    return result


def paying_cuts(paying):
    return [
        compute_cuts([f.last_date for f in paying.values()]),
        compute_cuts([f.purchase_days_window for f in paying.values()]),
        compute_cuts([f.revenue_window for f in paying.values()]),
    ]


def days_before(day, number):
    return day - timedelta(days=number)
