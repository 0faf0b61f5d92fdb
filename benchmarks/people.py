"""What people feel: lists, filters and groups of contacts, and saving during a run."""

import random
import time

import database
import psycopg2
from background import Background
from engine import unsettle
from timing import Result, repeat

REPEATS = 15
PAGE = 80
WARM_UP = 20
SAVES = 200
#: Small databases are computed before there are so many saves
MAXIMUM_RUNS = 30
#: Seconds between two saves of one busy person
PAUSE = 0.02


def measure_reading(filled):
    """Return results of calls on contacts by somebody who uses the classification.

    Each is compared with the same call on stored fields of the contact.
    """
    results = []
    with database.environment(filled.user_id) as env:
        Partner = env["res.partner"]
        gold = env.ref("customer_classification.category_gold").sudo()
        tier = gold.dimension_id.partner_field_name
        columns = {
            "complete_name": {},
            "email": {},
            "phone": {},
            "city": {},
            "country_id": {"fields": {"display_name": {}}},
        }
        ours = {
            tier: {"fields": {"display_name": {}}},
            "customer_revenue_window": {},
            "customer_last_date": {},
            "customer_purchase_days_window": {},
            "customer_currency_id": {"fields": {"display_name": {}}},
        }
        bought = [("customer_revenue_window", ">", 1000)]
        recent = [("customer_last_date", ">=", "today -90d")]

        def group(field_name):
            return Partner.formatted_read_group([], [field_name], ["__count"])

        def read_list(specification):
            return Partner.web_search_read([], specification, limit=PAGE)

        pairs = [
            (
                "filter by tier, 80 contacts",
                lambda: Partner.search([(tier, "=", gold.id)], limit=PAGE),
                lambda: Partner.search([("city", "=", "City 7")], limit=PAGE),
            ),
            (
                "count of a tier",
                lambda: Partner.search_count([(tier, "=", gold.id)]),
                lambda: Partner.search_count([("city", "=", "City 7")]),
            ),
            (
                "groups by tier, with counts",
                lambda: group(tier),
                lambda: group("country_id"),
            ),
            (
                "sorted by tier, 80 contacts",
                lambda: Partner.search([], order=tier, limit=PAGE),
                lambda: Partner.search([], order="country_id", limit=PAGE),
            ),
            (
                "sorted by revenue, 80 contacts",
                lambda: Partner.search(
                    [], order="customer_revenue_window desc", limit=PAGE
                ),
                lambda: Partner.search([], order="city desc", limit=PAGE),
            ),
            (
                "list of 80 with tier and figures",
                lambda: read_list({**columns, **ours}),
                lambda: read_list(columns),
            ),
            (
                "count of revenue above 1000",
                lambda: Partner.search_count(bought),
                lambda: Partner.search_count([("customer_rank", ">", 0)]),
            ),
            (
                "filter by last purchase, 80 contacts",
                lambda: Partner.search(recent, limit=PAGE),
                lambda: Partner.search([("customer_rank", ">", 0)], limit=PAGE),
            ),
        ]
        customer = Partner.browse(filled.first_customer_id)
        pairs.append(
            (
                "profile of a customer",
                customer.get_customer_profile,
                lambda: customer.web_read(columns),
            )
        )
        for name, with_ours, without in pairs:
            without(), with_ours()
            usual = Result(name, repeat(without, REPEATS, env.invalidate_all))
            times = repeat(with_ours, REPEATS, env.invalidate_all)
            note = f"stored fields {usual.best * 1000:.1f} ms"
            results.append(Result(name, times, usual, note))
    return results


def measure_saving(filled):
    """Return results of saving contacts, without and during full runs.

    The runs are in another process, as those of the scheduled action are.
    """
    chosen = random.Random(19)
    failures = []

    def save():
        """Save one contact in a transaction, as its form does."""
        partner_id = filled.first_customer_id + chosen.randrange(filled.customers)
        phone = f"+1 555 {chosen.randrange(10**6):06}"
        begin = time.perf_counter()
        try:
            with database.environment(filled.user_id) as env:
                env["res.partner"].browse(partner_id).web_save({"phone": phone}, {})
        except psycopg2.Error as error:
            failures.append(error)
        return time.perf_counter() - begin

    def save_while(go_on):
        times = []
        while go_on(len(times)):
            times.append(save())
            time.sleep(PAUSE)
        return times

    save_while(lambda number: number < WARM_UP)  # the first ones fill caches
    alone = save_while(lambda number: number < SAVES)
    during, runs = [], 0
    with Background() as background:
        while len(during) < SAVES and runs < MAXIMUM_RUNS:
            unsettle()
            background.start()
            during += save_while(lambda _number: not background.is_done())
            background.finish()
            runs += 1
    alone += save_while(lambda number: number < SAVES)  # again, as machines vary
    assert not failures, failures
    results = []
    for name, compared in (("median", "middle"), ("95th percentile", "late")):
        unit = Result(f"no run, {name}", alone, compared=compared)
        run = Result(f"during full runs, {name}", during, unit, compared=compared)
        for result in (unit, run):
            result.note = (
                f"{getattr(result, compared) * 1000:.1f} ms of {len(result.times)} "
                f"saves, slowest {max(result.times) * 1000:.0f} ms, none failed"
            )
            results.append(result)
    return results
