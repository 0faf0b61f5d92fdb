"""What the product figures should be, worked out in plain Python.

Everything is a fraction until the last step: no sum depends on its order, and no
rounding comes before the end.
"""

from collections import defaultdict
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import NamedTuple


class Line(NamedTuple):
    """A line as it was typed, and what the ledger made of it."""

    customer: str
    day: object
    is_refund: bool
    revenue: (
        Decimal  # in company currency, positive on an invoice, negative on a refund
    )
    quantity: Decimal = Decimal(1)
    price: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    rate: Decimal = Decimal(1)
    product: str | None = None
    units: Decimal = Decimal(1)  # how many of the product's unit one of the line's is


def rounded(value, digits=2):
    """Return a fraction as text with ``digits`` decimals, halves away from zero."""
    if value is None:
        return None
    scaled = abs(Fraction(value)) * 10**digits
    whole = int(scaled + Fraction(1, 2))
    sign = "-" if value < 0 and whole else ""
    return f"{sign}{Decimal(whole).scaleb(-digits):.{digits}f}"


def ledger_amount(amount, rate=1):
    """Return an amount in document currency in company currency, to the cent."""
    cent = Decimal("0.01")
    amount = Decimal(amount).quantize(cent, ROUND_HALF_UP)
    return (amount / Decimal(rate)).quantize(cent, ROUND_HALF_UP)


def in_period(lines, as_of, window):
    return [
        line for line in lines if as_of - timedelta(days=window) < line.day <= as_of
    ]


def undiscounted(line):
    if line.discount == 100:
        sign = -1 if line.is_refund else 1
        value = Decimal(line.quantity * line.price / line.rate)
        return sign * Fraction(value.quantize(Decimal("0.01"), ROUND_HALF_UP))
    return Fraction(line.revenue) / (1 - Fraction(line.discount) / 100)


def cost(line, costs):
    """Return the cost of a line, or None where none is known."""
    price = costs.get(line.product, 0)
    if not price > 0:
        return None
    sign = -1 if line.is_refund else 1
    return sign * Fraction(line.quantity) * Fraction(line.units) * Fraction(price)


def compute_figures(lines, as_of, costs, categories, window=365):
    """Return the figures of each customer with a line in the period, by its name.

    :param dict costs: the cost of each product, by its name
    :param dict categories: the order and name of each product's category, by its name
    """
    by_customer = defaultdict(list)
    for line in in_period(lines, as_of, window):
        by_customer[line.customer].append(line)
    return {
        customer: _summarize(own, costs, categories)
        for customer, own in by_customer.items()
    }


def _summarize(lines, costs, categories):
    revenue = sum(Fraction(line.revenue) for line in lines)
    before = sum(undiscounted(line) for line in lines)
    known = [line for line in lines if cost(line, costs) is not None]
    known_revenue = sum(Fraction(line.revenue) for line in known)
    margin = known_revenue - sum(cost(line, costs) for line in known)
    volume = sum(abs(Fraction(line.revenue)) for line in lines)
    known_volume = sum(abs(Fraction(line.revenue)) for line in known)
    shares = compute_shares(lines, categories)
    main = next((c for c, (_r, _s, is_main) in shares.items() if is_main), None)
    return {
        "discount_share": rounded(100 * (before - revenue) / before)
        if before > 0
        else None,
        "margin_window": rounded(margin) if known else None,
        "margin_share": rounded(100 * margin / known_revenue)
        if known and known_revenue > 0
        else None,
        "costed_share": rounded(100 * known_volume / volume) if volume else None,
        "main_product_category_id": main,
        "main_product_share": shares[main][1] if main else None,
    }


def compute_shares(lines, categories):
    """Return revenue, share and whether it is the main one, by category's name.

    The name of no category is None.
    """
    revenue = defaultdict(Fraction)
    order = {}
    for line in lines:
        place, name = categories.get(line.product, (0, None))
        order[name] = place
        revenue[name] += Fraction(line.revenue)
    positive = sum(value for value in revenue.values() if value > 0)
    candidates = [name for name in revenue if name and revenue[name] > 0]
    main = min(candidates, key=lambda n: (-revenue[n], order[n]), default=None)
    return {
        name: (
            rounded(value),
            rounded(100 * value / positive if value > 0 else 0),
            name is not None and name == main,
        )
        for name, value in revenue.items()
        if value
    }
