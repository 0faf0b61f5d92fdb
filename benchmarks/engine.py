"""What the computation takes, against a plain aggregate of the same invoices."""

from datetime import timedelta
from itertools import count

import database
from timing import Result, repeat

from odoo import fields
from odoo.tools import SQL

SCOPED = 100
CHANGED_SHARE = 0.005
SAMPLE = 100
TABLES = ("customer_figures", "customer_assignment", "customer_staging")

#: The unit of all ratios; one process reads the table from beginning to end
PLAIN = SQL(
    """
    SELECT commercial_partner_id, max(invoice_date) AS last_date,
           count(*) AS documents, sum(amount_untaxed_signed) AS revenue
      FROM account_move
     WHERE state = 'posted' AND move_type IN ('out_invoice', 'out_refund')
     GROUP BY commercial_partner_id
    """
)


def measure_plain(repeats):
    """Return the result of the plain aggregate."""

    def aggregate():
        with database.environment() as env:
            for name in ("indexscan", "indexonlyscan", "bitmapscan"):
                env.cr.execute(SQL("SET LOCAL %s = off", SQL(f"enable_{name}")))
            env.cr.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            # All columns are used, so that none is left out
            env.cr.execute(
                SQL(
                    "SELECT count(*), max(last_date), sum(documents), sum(revenue)"
                    " FROM (%s) AS plain",
                    PLAIN,
                )
            )

    aggregate()  # fills the cache
    return Result("plain aggregate", repeat(aggregate, repeats))


def measure(filled, unit, repeats):
    """Return the results of the runs."""
    prefixes = (f"LATER{number}" for number in count(1))
    runs = []

    def classify(**arguments):
        with database.environment() as env:
            run = env["customer.classification.run"].classify(**arguments)
            runs.append(
                (
                    sum(run.line_ids.mapped("figures_count")),
                    run.created_count,
                    run.changed_count,
                )
            )

    def add_invoices():
        filled.add_invoices(changed, next(prefixes))

    def add_scoped():
        return filled.add_invoices(SCOPED, next(prefixes))

    def result(name, times):
        figures, created, moved = runs[-1]
        note = f"{figures:,} figures, {created:,} new, {moved:,} other categories"
        return Result(name, times, unit, note)

    changed = max(int(filled.customers * CHANGED_SHARE), 1)
    classify()
    check_sums()
    results = [result("first run", repeat(classify, repeats, _forget))]
    database.analyse(*TABLES)
    results.append(result("again, nothing changed", repeat(classify, repeats)))
    assert runs[-1] == (0, 0, 0), runs[-1]
    results.append(
        result(
            f"{CHANGED_SHARE:.1%} of customers bought",
            repeat(classify, repeats, add_invoices),
        )
    )
    assert runs[-1][0] == changed, runs[-1]
    results.append(
        result(
            f"only {SCOPED} customers, who bought",
            repeat(lambda ids: classify(partners=ids), repeats, add_scoped),
        )
    )
    check_sums()
    past = fields.Date.today() - timedelta(days=365)
    results.append(
        Result(
            "as of a year ago",
            repeat(lambda: classify(as_of=past), repeats, _forget_past),
            unit,
            f"{_count_staged():,} customers in the result",
        )
    )
    _forget_past()
    return results


def _forget():
    """Empty what runs write, so that the next is the first."""
    with database.environment() as env:
        env.execute_query(
            SQL(
                "TRUNCATE customer_figures, customer_ruleset,"
                " customer_classification_run CASCADE"
            )
        )


def _forget_past():
    with database.environment() as env:
        env["customer.classification.run"].search([("as_of", "!=", False)]).unlink()


def _count_staged():
    with database.environment() as env:
        return env["customer.staging"].search_count([])


def check_sums():
    """Compare the figures with the plain aggregate: sums and numbers of documents."""
    figures = SQL(
        """
        SELECT partner_id, invoice_count + refund_count, revenue_total
          FROM customer_figures
        """
    )
    plain = SQL(
        "SELECT commercial_partner_id, documents, revenue FROM (%s) AS plain", PLAIN
    )
    with database.environment() as env:
        rows = env.execute_query(
            SQL(
                "((%(a)s) EXCEPT (%(b)s)) UNION ALL ((%(b)s) EXCEPT (%(a)s)) LIMIT 5",
                a=figures,
                b=plain,
            )
        )
    assert not rows, f"The figures differ from the plain aggregate: {rows}"


def measure_usual(filled, unit, repeats):
    """Return the results of a loop over the customers, as most addons do it.

    For each customer of a sample one ``_read_group`` of its invoices and one
    ``write`` of a stored field of the contact; scaled to all customers.
    """
    with database.environment() as env:
        env["ir.model.fields"].create(
            {
                "name": "x_bench_tier",
                "field_description": "Tier of the benchmark",
                "model_id": env["ir.model"]._get_id("res.partner"),
                "ttype": "char",
            }
        )
    sample = min(SAMPLE, filled.customers)
    step = filled.customers // sample
    ids = [filled.first_customer_id + number * step for number in range(sample)]

    def read():
        with database.environment() as env:
            for partner_id in ids:
                env["account.move"]._read_group(
                    [
                        ("commercial_partner_id", "=", partner_id),
                        ("state", "=", "posted"),
                        ("move_type", "in", ("out_invoice", "out_refund")),
                    ],
                    [],
                    ["amount_untaxed_signed:sum", "invoice_date:max", "__count"],
                )

    def write(tier):
        with database.environment() as env:
            for customer in env["res.partner"].browse(ids):
                customer.write({"x_bench_tier": tier})
                env.flush_all()

    tiers = (f"Tier {number}" for number in count(1))  # another one each time
    return [
        Result(
            name,
            times,
            unit,
            f"{sample} customers, scaled",
            scale=filled.customers / sample,
        )
        for name, times in (
            ("one query a customer", repeat(read, repeats)),
            ("one write a customer", repeat(write, repeats, lambda: next(tiers))),
        )
    ]
