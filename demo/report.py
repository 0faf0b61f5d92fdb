"""The table of tiers that ``./sandbox demo`` prints."""

from collections import defaultdict
from datetime import timedelta
from unicodedata import east_asian_width

from odoo import fields

DIMENSION = "customer_classification.dimension_value_tier"


def tier_table(env, company):
    """Return the computed tiers of a company as text, checked against the ledger.

    A line per tier: customers, net revenue in the period of value (posted invoices
    less credit notes, in company currency) and its share of the whole.
    """
    dimension = env.ref(DIMENSION)
    figures = env["customer.figures"].search([("company_id", "=", company.id)])
    assignments = env["customer.assignment"].search(
        [("company_id", "=", company.id), ("dimension_id", "=", dimension.id)]
    )
    tiers = {row.partner_id: row.category_id for row in assignments}
    customers, revenue = defaultdict(int), defaultdict(float)
    for row in figures:
        tier = tiers.get(row.partner_id, dimension.category_ids.browse())
        customers[tier] += 1
        revenue[tier] += row.revenue_window
    total = sum(revenue.values())

    def cells(label, count, amount):
        share = f"{amount / total:.1%}" if total else "-"
        return (label, f"{count:,}", f"{amount:,.2f}", share)

    none = dimension.category_ids.browse()
    days = company.customer_window_days
    rows = [
        (
            dimension.name,
            "customers",
            f"net revenue, {days} days, {company.currency_id.name}",
            "share",
        ),
        *(cells(t.name, customers[t], revenue[t]) for t in dimension.category_ids),
        cells("(no tier)", customers[none], revenue[none]),
        cells("total", len(figures), total),
    ]
    ledger = ledger_revenue(env, company, days)
    difference = company.currency_id.round(total - ledger)
    verdict = (
        f"off by {difference:,.2f}!" if difference else "the total equals the ledger"
    )
    note = f"Net revenue of the same days in the ledger: {ledger:,.2f} - {verdict}."
    return "\n".join([*align(rows), note])


def ledger_revenue(env, company, days):
    """Return the net revenue of the last ``days`` days, summed from the invoices."""
    today = fields.Date.context_today(company)
    [[amount]] = env["account.move"]._read_group(
        [
            ("company_id", "=", company.id),
            ("state", "=", "posted"),
            ("move_type", "in", ("out_invoice", "out_refund")),
            ("invoice_date", ">", today - timedelta(days=days)),
            ("invoice_date", "<=", today),
        ],
        aggregates=["amount_untaxed_signed:sum"],
    )
    return amount


def align(rows):
    """Return the lines of a table: the first column left, the others right.

    The first row is the head and the last one the total, both ruled off.
    """
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *others = (
            " " * (width - _width(cell))
            for cell, width in zip(row, widths, strict=True)
        )
        right = (pad + cell for pad, cell in zip(others, row[1:], strict=True))
        lines.append("  ".join([row[0] + first, *right]))
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]


def _width(text):
    """Columns that a text takes in a terminal: two for each Chinese character."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)
