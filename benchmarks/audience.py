"""What counting an audience takes while its conditions are being entered."""

import calls
import database
from timing import Result, repeat

from odoo.fields import Command
from odoo.tools import SQL

REPEATS = 7
SUBJECT = "Benchmark of audiences"
#: Mailings of two years, each to so many customers
MAILINGS, DAYS = 12, 730
#: One address in so many is on the blacklist, bounced, or is shared with another
BLACKLISTED, BOUNCED, SHARED = 50, 40, 30


def fill_addresses(filled):
    """Give the customers phone numbers, and mailings that they got before."""
    last = filled.first_customer_id + filled.customers - 1
    with database.environment() as env:
        env.cr.execute(
            SQL(
                """
                UPDATE res_partner
                   SET phone = '+1202' || lpad((id %% 10000000)::text, 7, '0'),
                       phone_sanitized =
                           '+1202' || lpad((id %% 10000000)::text, 7, '0'),
                       message_bounce = (id %% %(bounced)s = 0)::integer,
                       email_normalized = CASE WHEN id %% %(shared)s = 0
                                          THEN 'office@example.com'
                                          ELSE email_normalized END
                 WHERE id BETWEEN %(first)s AND %(last)s
                """,
                first=filled.first_customer_id,
                last=last,
                bounced=BOUNCED,
                shared=SHARED,
            )
        )
        env.cr.execute(
            SQL(
                """
                INSERT INTO mail_blacklist (email, active)
                SELECT DISTINCT email_normalized, TRUE
                  FROM res_partner
                 WHERE id BETWEEN %s AND %s AND id %% %s = 1
                    ON CONFLICT DO NOTHING
                """,
                filled.first_customer_id,
                last,
                BLACKLISTED,
            )
        )
        # the person whom each customer's invoices name, where it has one
        env.cr.execute(
            SQL(
                """
                UPDATE account_move AS move
                   SET partner_id = person.id
                  FROM res_partner AS person
                 WHERE person.commercial_partner_id = move.commercial_partner_id
                   AND person.id <> person.commercial_partner_id
                   AND person.commercial_partner_id BETWEEN %s AND %s
                   AND move.id %% 2 = 0
                """,
                filled.first_customer_id,
                last,
            )
        )
        env["mailing.mailing"].search([("subject", "=", SUBJECT)]).unlink()
        mailing = env["mailing.mailing"].create(
            {
                "subject": SUBJECT,
                "mailing_model_id": env["ir.model"]._get_id("res.partner"),
            }
        )
        env.cr.execute(
            SQL(
                """
                INSERT INTO mailing_trace (
                    mass_mailing_id, model, res_id, email, trace_type, trace_status,
                    sent_datetime
                )
                SELECT %(mailing)s, 'res.partner', id, email_normalized, 'mail', 'sent',
                       now() AT TIME ZONE 'UTC'
                       - (id %% 10 + number) * INTERVAL '1 day' * %(gap)s
                  FROM res_partner, generate_series(0, %(mailings)s - 1) AS number
                 WHERE id BETWEEN %(first)s AND %(last)s
                """,
                mailing=mailing.id,
                mailings=MAILINGS,
                gap=DAYS / (MAILINGS + 10),
                first=filled.first_customer_id,
                last=last,
            )
        )
    database.analyse("res_partner", "account_move", "mail_blacklist", "mailing_trace")


def measure(filled, dimensions):
    """Return results of counting audiences, each as its form does."""
    with database.environment() as env:
        user = env["res.users"].browse(filled.user_id)
        user.email = "marketer@example.com"  # the sender of messages
        user.group_ids |= env.ref(
            "customer_classification.group_customer_classification_marketing"
        )
    results = []
    with database.environment(filled.user_id) as env:
        count = repeat(
            lambda: env["res.partner"].search_count([("customer_rank", ">", 0)]),
            REPEATS,
        )
        unit = Result("count of the customers", count)
        results.append(unit)
        other = _create_other(env, dimensions)
        for name, values in _get_audiences(env, dimensions, other).items():
            audience = env["customer.audience"].create({"name": name, **values})
            env.flush_all()

            def read(audience=audience):
                return audience.customer_count

            read()  # fills caches
            times = repeat(read, REPEATS, audience.invalidate_recordset)
            note = (
                f"{audience.customer_count:,} customers, "
                f"{audience.mail_count:,} by e-mail"
            )
            results.append(Result(name, times, unit, note))
        times = repeat(other.action_open_overlap, REPEATS, env.invalidate_all)
        note = f"with {len(results) - 1} others"
        results.append(Result("overlap of one category", times, unit, note))
        env.cr.rollback()
    return results


def compute_figures():
    """Have the figures of all customers, which other measurements leave out."""
    with database.environment() as env:
        metrics = env["customer.metric"].with_context(active_test=False)
        metrics.search([("kind", "=", "figure")]).active = True
        calls.full(env)
    database.analyse("customer_figures")


def _create_other(env, dimensions):
    """Return an audience with one category of several that customers have."""
    categories = env["customer.dimension"].sudo().browse(dimensions.several[1])
    return env["customer.audience"].create(
        {"name": "Other", "all_category_ids": categories.category_ids[0].ids}
    )


def _get_audiences(env, dimensions, other):
    """Return the values of audiences by what is special about them.

    :param other: an audience that one of them leaves out
    """
    get = env["customer.dimension"].sudo().browse
    first, second = (get(id_).category_ids for id_ in dimensions.flat[:2])
    several = get(dimensions.several[0]).category_ids
    province = get(dimensions.tree).category_ids.filtered("parent_id.parent_id")[0]
    rich = "[('customer_revenue_window', '>=', 1000)]"

    def of(categories):
        return [Command.set(categories.ids)]

    became = [Command.create({"category_id": first[0].id, "days": 30})]
    return {
        "everybody": {},
        "everybody, to the customer itself": {"recipient": "customer"},
        "one category": {"all_category_ids": of(first[1])},
        "two categories and none of a third": {
            "all_category_ids": of(first[0] + second[0]),
            "none_category_ids": of(several[0]),
        },
        "any of a province and two others": {
            "any_category_ids": of(province.parent_id + several[1] + second[2]),
        },
        "a condition on figures": {"domain": rich},
        "a condition on the contact": {"domain": "[('name', 'ilike', '7')]"},
        "one category, without another audience": {
            "all_category_ids": of(first[2]),
            "exclude_ids": [Command.set(other.ids)],
        },
        "became, in the last 30 days": {"change_ids": became},
        "all kinds together": {
            "all_category_ids": of(second[0]),
            "none_category_ids": of(several[0]),
            "domain": rich,
            "change_ids": became,
        },
    }
