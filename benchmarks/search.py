"""What searching, grouping and the panel take with many dimensions."""

import database
from timing import Result, repeat

from odoo.tools import SQL

REPEATS = 7
PAGE = 80
#: As the customers' list of this addon narrows the contacts
CUSTOMERS = ["|", ("is_company", "=", True), ("parent_id", "=", False)]
PANEL_FIELD = "customer_category_ids"

#: The unit of the ratios; one process reads the table from beginning to end
PLAIN = SQL(
    """
    SELECT dimension_id, category_id, COUNT(*)
      FROM customer_assignment
     GROUP BY dimension_id, category_id
    """
)


def measure_plain(repeats):
    """Return the result of the plain aggregate of the assignments."""

    def aggregate():
        with database.environment() as env:
            for name in ("indexscan", "indexonlyscan", "bitmapscan"):
                env.cr.execute(SQL("SET LOCAL %s = off", SQL(f"enable_{name}")))
            env.cr.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            env.cr.execute(PLAIN)

    aggregate()  # fills the cache
    return Result("plain aggregate", repeat(aggregate, repeats))


def measure(user_id, dimensions, unit, repeats=REPEATS):
    """Return the results of what a user does in the list of customers."""
    results = []
    with database.environment(user_id) as env:
        for name, call in _get_calls(env, dimensions).items():
            call()  # fills caches
            times = repeat(call, repeats, env.invalidate_all)
            results.append(Result(name, times, unit))
    return results


def _get_calls(env, dimensions):
    """Return functions without arguments by what they do."""
    Partner = env["res.partner"]
    get = env["customer.dimension"].sudo().browse
    first, second = get(dimensions.flat[0]), get(dimensions.flat[1])
    tree, several = get(dimensions.tree), get(dimensions.several[0])
    one, two = first.category_ids[1].id, second.category_ids[0].id
    province = tree.category_ids.filtered("parent_id.parent_id")[0].parent_id.id
    every = get().search([])
    columns = {
        dimension.partner_field_name: {"fields": {"display_name": {}}}
        for dimension in every
    }

    def count(*conditions):
        return lambda: Partner.search_count([*CUSTOMERS, *conditions])

    def group(dimension):
        return lambda: Partner.formatted_read_group(
            CUSTOMERS, [dimension.partner_field_name], ["__count"]
        )

    def panel(*conditions, checked=None):
        others = every.filtered(lambda d: checked and d != first).ids
        return lambda: Partner.search_panel_select_multi_range(
            PANEL_FIELD,
            group_by="dimension_id",
            enable_counters=True,
            expand=True,
            limit=0,
            search_domain=[*CUSTOMERS, *conditions],
            group_domain={str(id_): [(PANEL_FIELD, "in", [checked])] for id_ in others},
        )

    return {
        "count of a category": count((first.partner_field_name, "=", one)),
        "count of a category, by the panel": count((PANEL_FIELD, "in", [one])),
        "count of two categories": count(
            (PANEL_FIELD, "in", [one]), (PANEL_FIELD, "in", [two])
        ),
        "count of a province with its cities": count(
            (tree.partner_field_name, "child_of", province)
        ),
        "count of one of several categories": count(
            (several.partner_field_name, "=", several.category_ids[0].id)
        ),
        "count of those set by hand": count(("customer_is_set_by_hand", "=", True)),
        "count of those changed lately": count(
            ("customer_category_changed", ">=", "today -7d")
        ),
        "sorted by category, 80 customers": lambda: Partner.search(
            CUSTOMERS, order=first.partner_field_name, limit=PAGE
        ),
        "groups by category": group(first),
        "groups by city": group(tree),
        "groups by several categories": group(several),
        "list of 80 with all dimensions": lambda: Partner.web_search_read(
            CUSTOMERS, columns, limit=PAGE
        ),
        "panel, all counts": panel(),
        "panel, one category checked": panel(checked=one),
        "panel, few customers": panel(("city", "=", "City 7")),
    }
