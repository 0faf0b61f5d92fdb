"""The Online Retail sample as documents: plain Python, no Odoo.

Source, authors, licence and traps of the file: README.md beside this module.
Quantities keep the sign of the file: negative on credit notes.
"""

import csv
import gzip
import hashlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

FILE = Path(__file__).with_name("online_retail_sample.csv.gz")
CENT = Decimal("0.01")

# Bought for tens of thousands of pounds and cancelled (nearly) all of it: any
# subset without them would hide the mistake of counting gross revenue.
TRAPS = ("12346", "16446")


@dataclass(frozen=True)
class Line:
    """One line of a document; ``unit_price`` in pounds, never negative."""

    stock_code: str
    description: str
    quantity: Decimal
    unit_price: Decimal

    @property
    def amount(self):
        """Signed amount in pounds, rounded to the cent as a ledger books it."""
        exact = self.quantity * self.unit_price
        return exact.quantize(CENT, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Document:
    """An invoice, or a credit note (``is_refund``), of one customer."""

    number: str
    date: date
    customer: str
    country: str
    is_refund: bool
    lines: list[Line] = field(default_factory=list)

    @property
    def amount(self):
        """Signed net amount in pounds: negative on a credit note."""
        return sum((line.amount for line in self.lines), Decimal())


def read_documents(customers=None):
    """Return the documents of the file in order of date and number.

    :param customers: only those customer numbers; all when None.
    """
    wanted = None if customers is None else set(customers)
    documents = {}
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if wanted is not None and row["customer"] not in wanted:
                continue
            number = row["invoice"]
            if number not in documents:
                documents[number] = Document(
                    number=number,
                    date=date.fromisoformat(row["date"]),
                    customer=row["customer"],
                    country=row["country"],
                    is_refund=number.startswith("C"),
                )
            documents[number].lines.append(
                Line(
                    stock_code=row["stock_code"],
                    description=row["description"],
                    quantity=Decimal(row["quantity"]),
                    unit_price=Decimal(row["unit_price"]),
                )
            )
    return sorted(documents.values(), key=lambda d: (d.date, d.number))


def net_by_customer(documents):
    """Return {customer: net amount in pounds}, credit notes subtracted."""
    totals = defaultdict(Decimal)
    for document in documents:
        totals[document.customer] += document.amount
    return dict(totals)


def shift_to(documents, last_day):
    """Return the documents moved in time so that the latest is on ``last_day``.

    All move by the same number of days: the gaps between purchases, on which
    recency and frequency rest, stay what they were.
    """
    documents = list(documents)
    if not documents:
        return documents
    days = last_day - max(document.date for document in documents)
    return [replace(document, date=document.date + days) for document in documents]


def pick_customers(documents, limit):
    """Return ``limit`` customer numbers: a varied and otherwise fair subset.

    The same documents and limit always give the same customers. First come the
    traps, then two of each kind that a small random sample may miss (largest,
    smallest, credit notes only, earliest and latest to start, gone longest,
    abroad). The rest is a random draw that looks only at the customer's
    number, so it is biased neither by size nor by time.
    """
    by_customer = defaultdict(list)
    for document in documents:
        by_customer[document.customer].append(document)
    # A hash, not random.sample: Python promises no stable sequence for that.
    draw = sorted(by_customer, key=_draw)
    picked = dict.fromkeys(c for c in TRAPS if c in by_customer)
    for kind in _kinds(by_customer, draw):
        picked.update(dict.fromkeys(kind[:2]))
    picked.update(dict.fromkeys(draw))
    return list(picked)[:limit]


def _draw(customer):
    """A stable pseudo-random key for a customer number."""
    return hashlib.sha256(customer.encode()).hexdigest()


def _kinds(by_customer, draw):
    """Yield one ordering of the customers for each kind worth showing."""
    net = {c: sum(d.amount for d in docs) for c, docs in by_customer.items()}
    first = {c: min(d.date for d in docs) for c, docs in by_customer.items()}
    last = {c: max(d.date for d in docs) for c, docs in by_customer.items()}
    buyers = [c for c in draw if net[c] > 0]
    yield sorted(buyers, key=net.get, reverse=True)
    yield sorted(buyers, key=net.get)
    yield [c for c in draw if all(d.is_refund for d in by_customer[c])]
    yield sorted(buyers, key=first.get)
    yield sorted(buyers, key=first.get, reverse=True)
    yield sorted(buyers, key=last.get)
    yield [c for c in buyers if by_customer[c][0].country != "United Kingdom"]
