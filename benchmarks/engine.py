"""What the computation takes, against a plain aggregate of the same documents."""

import random
import time
from datetime import timedelta
from functools import partial
from itertools import count

import calls
import database
from meters import Meter, count_written
from timing import Result, repeat

from odoo import fields
from odoo.tools import SQL

SHARES = (0.001, 0.01, 0.1)
#: The only dimension of the first measurements
SCORED = "value_tier"

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


def observe(name, unit, call, repeats, before=None):
    """Return the result of a call that runs the engine and returns the run.

    ``before`` runs before each call, untimed; what it returns is given to the call.
    """
    result = Result(name, [], unit)
    for _number in range(repeats):
        value = before() if before else None
        arguments = () if value is None else (value,)
        with database.environment() as env:
            with Meter(env.cr) as meter:
                run = call(env, *arguments)
            lines = run.line_ids
            assert set(lines.mapped("state")) == {"done"}, lines.mapped("error")
            result.counts = tuple(
                sum(lines.mapped(field))
                for field in ("figures_count", "created_count", "changed_count")
            )
        result.add(meter)
    written, created, changed = result.counts
    result.note = f"{written:,} facts, {created:,} new, {changed:,} other categories"
    return result


def keep_one_dimension():
    """Archive every dimension but the scored one, and the metrics it does not weigh.

    :return: the ids of the archived dimensions and of the archived metrics
    """
    with database.environment() as env:
        dimensions = env["customer.dimension"].search([])
        others = dimensions.filtered(lambda dimension: dimension.code != SCORED)
        others.active = False
        weighed = (dimensions - others).criterion_ids.metric_id
        metrics = env["customer.metric"].search([("id", "not in", weighed.ids)])
        metrics.active = False
        return others.ids, metrics.ids


def restore(metric_ids):
    """Have the archived metrics computed again."""
    with database.environment() as env:
        env["customer.metric"].browse(metric_ids).active = True


def measure_full(unit, repeats):
    """Yield the results of runs of everybody, each when it is there."""
    yield observe("first full run", unit, calls.full, repeats, calls.forget)
    check_sums()
    analyse()
    yield observe(
        "first full run, assignments exist",
        unit,
        calls.full,
        repeats,
        lambda: calls.forget(assignments=False),
    )
    analyse()
    yield observe("full run again", unit, calls.full, repeats)
    yield observe("the same in one transaction", unit, calls.classify, 1)


def measure_nights(filled, unit, repeats):
    """Yield the results of runs of those who changed, each when it is there."""
    begin = int(time.time())  # a database may be measured more than once
    prefixes = (f"LATER{begin}N{number}" for number in count(1))

    def touch(share, as_usual):
        number = max(int(filled.customers * share), 1)
        return lambda: filled.add_invoices(number, next(prefixes), as_usual) and None

    def touch_one():
        [customer] = filled.add_invoices(1, next(prefixes))
        return customer

    before = count_written()
    result = observe("night, nothing to do", unit, calls.night, repeats)
    yield result
    check_nothing_written(before, count_written())
    for share in SHARES:
        name = f"night, {share:.1%} noted, nothing differs"
        yield observe(name, unit, calls.night, repeats, partial(note, filled, share))
    for who, as_usual in (("who buy often", True), ("whoever they are", False)):
        for share in SHARES:
            name = f"night, {share:.1%} bought, {who}"
            yield observe(name, unit, calls.night, repeats, touch(share, as_usual))
    check_sums()
    with calls.days_later(1):
        result = observe("the next night", unit, calls.night, 1)
        result.note += ": due by the calendar"
        yield result
    with calls.days_later(2):
        yield observe("the night after it", unit, calls.night, 1)
    with database.environment() as env:  # back to today
        calls.full(env)
    yield observe(
        "one customer bought",
        unit,
        lambda env, _customer: calls.minute(env),
        3 * repeats,
        touch_one,
    )
    check_sums()
    past = fields.Date.today() - timedelta(days=365)
    result = observe(
        "as of a year ago",
        unit,
        lambda env: calls.classify(env, as_of=past),
        1,
    )
    result.note = f"{_forget_past():,} customers in the result"
    yield result


def measure_dimensions(ids, unit, repeats):
    """Yield two results for each dimension more: of its first run, and of the next.

    What a run takes longer than one without the dimension.

    :param ids: the dimensions', in the order in which they join
    """
    analyse()
    base = observe("", unit, calls.full, repeats).best
    for dimension_id in ids:
        with database.environment() as env:
            dimension = env["customer.dimension"].browse(dimension_id)
            dimension.active = True
            computed = env["customer.dimension"]._get_computed
            if dimension not in computed(False) | computed(True):
                continue
            name = dimension.with_context(lang="en_US").name
        first = observe(f"{name}, first", unit, calls.full, 1)
        analyse()
        again = observe(f"{name}, again", unit, calls.full, repeats)
        total = again.best
        first.times = [max(first.best - base, 0)]
        again.times = [max(total - base, 0)]
        base = total
        yield first
        yield again


def measure_all(unit, repeats):
    """Yield the results of runs of all dimensions that are not archived."""
    analyse()
    yield observe("full run again", unit, calls.full, repeats)
    yield observe("night, nothing to do", unit, calls.night, repeats)
    yield observe("first full run", unit, calls.full, 1, calls.forget)
    analyse()


def measure_version(unit):
    """Yield the result of a run in which a new version changes every category.

    It takes effect for all customers of a company at once, in one transaction.
    """
    with database.environment() as env:
        dimension = env["customer.dimension"].search([("code", "=", SCORED)])
        usual = dimension.read(["brake_share", "grace_days"])[0]
        # nobody asks before so many customers change
        dimension.write({"brake_share": 0, "grace_days": usual["grace_days"] + 1})
    unsettle()
    yield observe("a new version changes everybody", unit, calls.full, 1)
    with database.environment() as env:
        env["customer.dimension"].browse(usual.pop("id")).write(usual)
        calls.full(env)
    analyse()


def note(filled, share):
    """Note customers as edited invoices do: without a change to their figures."""
    first = filled.first_customer_id
    everybody = range(first, first + filled.customers)
    some = random.sample(everybody, max(int(filled.customers * share), 1))
    with database.environment() as env:
        env.execute_query(
            SQL(
                """
                INSERT INTO customer_change (partner_id, company_id)
                SELECT partner_id, company_id
                  FROM customer_figures
                 WHERE partner_id = ANY(%s)
                RETURNING id
                """,
                some,
            )
        )


def unsettle():
    """Make every computed category wrong, so that a run writes all of them."""
    with database.environment() as env:
        env.execute_query(SQL("UPDATE customer_assignment SET category_id = NULL"))
    database.analyse("customer_assignment")


def analyse():
    """Do what autovacuum would have done by the next night."""
    with database.environment() as env:
        tables = [*calls.get_fact_tables(env), "customer_metric_value"]
    tables += ["customer_assignment", "customer_staging", "customer_hold_customer"]
    database.analyse(*tables, "customer_change", "customer_classification_scope")


def check_nothing_written(before, after):
    """Compare the numbers of rows ever written: only the run's own may differ."""
    written = {
        table: number - before.get(table, 0)
        for table, number in after.items()
        if number != before.get(table, 0) and table not in calls.OWN_TABLES
    }
    assert not written, f"A night with nothing to do wrote {written}"


def check_sums():
    """Compare the figures with a plain aggregate: sums and numbers of documents."""
    figures = SQL(
        """
        SELECT partner_id, company_id, invoice_count + refund_count, revenue_total
          FROM customer_figures
        """
    )
    plain = SQL(
        """
        SELECT commercial_partner_id, company_id, count(*), sum(amount_untaxed_signed)
          FROM account_move
         WHERE state = 'posted' AND move_type IN ('out_invoice', 'out_refund')
         GROUP BY commercial_partner_id, company_id
        """
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


def _forget_past():
    """Remove results as of the past; return how many customers were in them."""
    with database.environment() as env:
        number = env["customer.staging"].search_count([])
        env["customer.classification.run"].search([("as_of", "!=", False)]).unlink()
    return number
