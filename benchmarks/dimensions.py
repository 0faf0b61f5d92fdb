"""Many dimensions and their categories, written in the database as the engine would."""

from dataclasses import dataclass

import database

from odoo.fields import Command
from odoo.tools import SQL

#: Exclusive dimensions with few categories
FLAT = 12
CATEGORIES = 6
#: The tree: provinces, and cities of each
PROVINCES = 30
CITIES = 10
#: One decision by hand among so many categories, one changed category among so many
DECIDED = 100
CHANGED = 20
#: Customers of a salesperson who sees no others: one in so many
OWN = 20


@dataclass(frozen=True)
class Dimensions:
    """The dimensions by what is special about them, as ids."""

    flat: list
    tree: int
    shared: int
    several: list
    assignments: int
    salesperson_id: int


def fill_dimensions(filled):
    """Put 16 dimensions in place of the shipped ones, with a category for everybody.

    Twelve with six categories each; a tree of a country, 30 provinces and 300 cities;
    one that all companies share; two that allow several categories, of which a customer
    has one or two of eight.
    """
    with database.environment() as env:
        found = _find_dimensions(env)
        if found:
            return found
        env["customer.dimension"].search([]).active = False
        flat = [
            _create(env, f"Flat {number}", f"flat_{number}", CATEGORIES)
            for number in range(FLAT)
        ]
        tree = _create_tree(env)
        shared = _create(env, "Shared", "shared", CATEGORIES, is_shared=True)
        several = [
            _create(env, f"Several {number}", f"several_{number}", 8, is_multiple=True)
            for number in range(2)
        ]
        for dimension in [*flat, tree, shared]:
            _assign(env, filled, dimension)
        for dimension in several:
            _assign(env, filled, dimension, 0)
            _assign(env, filled, dimension, 4, 2)
        _decide(env, filled)
        _change(env, filled)
        [[assignments]] = env.execute_query(
            SQL("SELECT count(*) FROM customer_assignment")
        )
        result = Dimensions(
            [dimension.id for dimension in flat],
            tree.id,
            shared.id,
            [dimension.id for dimension in several],
            assignments,
            _create_salesperson(env, filled),
        )
    database.analyse(
        "customer_assignment",
        "customer_override",
        "customer_assignment_history",
        "res_partner",
    )
    return result


def _find_dimensions(env):
    """Return what an earlier call filled, or None."""
    Dimension = env["customer.dimension"].with_context(active_test=False)
    salesperson = env["res.users"].search([("login", "=", "salesperson")])
    if not salesperson:
        return None
    Dimension.search([]).active = False

    def find(code):
        dimensions = Dimension.search([("code", "=like", f"bench_{code}%")], order="id")
        dimensions.active = True
        return dimensions.ids

    [[assignments]] = env.execute_query(SQL("SELECT count(*) FROM customer_assignment"))
    [tree], [shared] = find("area"), find("shared")
    return Dimensions(
        find("flat"), tree, shared, find("several"), assignments, salesperson.id
    )


def _create(env, name, code, count, **values):
    return env["customer.dimension"].create(
        {
            "name": name,
            "code": f"bench_{code}",
            "category_ids": [
                Command.create({"name": f"{name} {number}", "color": number % 11})
                for number in range(count)
            ],
            **values,
        }
    )


def _create_tree(env):
    dimension = _create(env, "Area", "area", 1)
    country = dimension.category_ids
    provinces = env["customer.category"].create(
        [
            {
                "name": f"Province {number}",
                "dimension_id": dimension.id,
                "parent_id": country.id,
            }
            for number in range(PROVINCES)
        ]
    )
    env["customer.category"].create(
        [
            {
                "name": f"City {province.name} {number}",
                "dimension_id": dimension.id,
                "parent_id": province.id,
            }
            for province in provinces
            for number in range(CITIES)
        ]
    )
    return dimension


def _assign(env, filled, dimension, offset=0, every=1):
    """Give customers one of the dimension's narrowest categories.

    The smaller its number, the more customers a category has.

    :param int offset: where several are allowed, one of the four from this on
    :param int every: one customer in so many
    """
    categories = dimension.category_ids.filtered(lambda c: not c.child_ids)
    if dimension.is_multiple:
        categories = categories[offset : offset + 4]
    env.execute_query(
        SQL(
            """
            INSERT INTO customer_assignment (
                partner_id, company_id, dimension_id, slot, category_id, since, inputs
            )
            SELECT %(first)s + number, %(company)s, %(dimension)s,
                   CASE WHEN %(several)s THEN category ELSE 0 END, category,
                   now() AT TIME ZONE 'UTC' - random() * INTERVAL '700 days',
                   '{"as_of": "2025-01-01", "rule": 1, "name": "A rule"}'::jsonb
              FROM generate_series(0, %(customers)s - 1) AS number,
                   LATERAL (
                       SELECT (%(categories)s)[
                           1 + floor(%(count)s * random() ^ 2 + number * 0)::integer
                       ] AS category
                   ) AS drawn
             WHERE number %% %(every)s = 0
            """,
            first=filled.first_customer_id,
            customers=filled.customers,
            company=None if dimension.is_shared else env.company.id,
            dimension=dimension.id,
            several=dimension.is_multiple,
            categories=categories.ids,
            count=len(categories),
            every=every,
        )
    )


def _decide(env, filled):
    """Let people decide otherwise about some of the categories."""
    env.execute_query(
        SQL(
            """
            INSERT INTO customer_override (
                partner_id, company_id, dimension_id, slot, operation, category_id,
                reason, origin, date_end, reviewed_on,
                create_uid, create_date, write_uid, write_date
            )
            SELECT decided.partner_id, decided.company_id, decided.dimension_id,
                   decided.slot,
                   CASE WHEN decided.slot = 0 THEN 'set' ELSE 'exclude' END,
                   CASE WHEN decided.slot = 0 THEN (
                       SELECT max(id)
                         FROM customer_category
                        WHERE dimension_id = decided.dimension_id
                   ) ELSE decided.slot END,
                   'Known', 'hand', CURRENT_DATE + 100, CURRENT_DATE - 100,
                   1, now(), 1, now()
              FROM customer_assignment AS decided
             WHERE decided.partner_id >= %(first)s
               AND decided.id %% %(decided)s = 0
            """,
            first=filled.first_customer_id,
            decided=DECIDED,
        )
    )


def _change(env, filled):
    """Record that some categories were others before."""
    env.execute_query(
        SQL(
            """
            INSERT INTO customer_assignment_history (
                partner_id, company_id, dimension_id, slot, event, date,
                new_category_id
            )
            SELECT partner_id, company_id, dimension_id, slot, 'run', since, category_id
              FROM customer_assignment
             WHERE partner_id >= %(first)s
               AND id %% %(changed)s = 0
            """,
            first=filled.first_customer_id,
            changed=CHANGED,
        )
    )


def _create_salesperson(env, filled):
    """Return the id of a user who sees their own customers only."""
    group = env["res.groups"].create({"name": "Own customers only"})
    user = env["res.users"].browse(filled.user_id)
    salesperson = user.copy(
        {
            "name": "Salesperson",
            "login": "salesperson",
            "group_ids": [
                Command.set(
                    [
                        env.ref("base.group_user").id,
                        env.ref(
                            "customer_classification.group_customer_classification_user"
                        ).id,
                        group.id,
                    ]
                )
            ],
        }
    )
    env["ir.rule"].create(
        {
            "name": "Own customers only",
            "model_id": env["ir.model"]._get("res.partner").id,
            "groups": [Command.set(group.ids)],
            "domain_force": "[('user_id', '=', user.id)]",
        }
    )
    env.flush_all()
    env.execute_query(
        SQL(
            """
            UPDATE res_partner
               SET user_id = %(user)s
             WHERE id BETWEEN %(first)s AND %(last)s
               AND id %% %(own)s = 0
            """,
            user=salesperson.id,
            first=filled.first_customer_id,
            last=filled.first_customer_id + filled.customers - 1,
            own=OWN,
        )
    )
    return salesperson.id
