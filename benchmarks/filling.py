"""Customers and documents of a chosen number, made in the database."""

import json
import time
from dataclasses import asdict, dataclass

import database
import documents
from loading import bulk, clone, reserve_ids
from patterns import COMPANIES, YEARS, Pattern, Patterns, create_patterns

from odoo.tools import SQL

#: One customer in so many is a person's company: it has a contact
CONTACTS = 5
TABLES = ("res_partner", *documents.TABLES)
#: Where a database says what it was filled with
PARAMETER = "customer_classification.bench"


@dataclass(frozen=True)
class Filled:
    """What is in the database, as ids and numbers."""

    customers: int
    documents: int
    first_customer_id: int
    patterns: Patterns

    @property
    def user_id(self):
        """Somebody who uses the classification."""
        return self.patterns.user_id

    @property
    def invoice_id(self):
        """A real posted invoice of the main company."""
        return self.patterns.companies[0].invoice_id

    def add_invoices(self, count, prefix, as_usual=False):
        """Give ``count`` customers an invoice of today; return the customers' ids.

        :param str prefix: of the documents' numbers, another one each time
        :param bool as_usual: those who buy often, rather than any customer
        """
        with database.environment() as env:
            draw_customers(env, self.customers)
            documents.draw_today(env, self, count, as_usual)
            documents.insert(env, self, prefix)
            rows = env.execute_query(SQL("SELECT customer FROM bench_document"))
            documents.forget(env)
        return [customer for [customer] in rows]


def fill(customers, count, lines=True, paid=100, say=print):
    """Fill the database with so many customers and posted documents.

    :param bool lines: whether documents have a product line, too
    :param int paid: percent of the customers whose payments exist as journal entries
    :param say: called with what was done, and how long it took
    """
    begin = time.monotonic()

    def done(text):
        nonlocal begin
        say(f"{text}: {time.monotonic() - begin:.0f} s")
        begin = time.monotonic()

    with database.environment() as env:
        patterns = create_patterns(env)
    with database.environment() as env:
        env.execute_query(SQL("SELECT setseed(0.19)::text"))
        with bulk(env, TABLES):
            first = _insert_customers(env, patterns, customers)
            filled = Filled(customers, count, first, patterns)
            draw_customers(env, customers)
            done(f"{customers:,} customers")
            documents.draw(env, filled, count, paid)
            done("documents drawn")
            documents.insert(env, filled, "BENCH", lines, done)
            documents.forget(env)
            env.cr.commit()
        done("indexes")
    with database.environment() as env:
        env["ir.config_parameter"].set_param(PARAMETER, json.dumps(asdict(filled)))
    database.analyse(*TABLES)
    done("vacuum")
    return filled


def load():
    """Return what an earlier :func:`fill` left in the database, or None."""
    with database.environment() as env:
        text = env["ir.config_parameter"].get_param(PARAMETER)
    if not text:
        return None
    values = json.loads(text)
    patterns = values.pop("patterns")
    companies = [Pattern(**pattern) for pattern in patterns.pop("companies")]
    return Filled(patterns=Patterns(companies=companies, **patterns), **values)


def draw_customers(env, customers):
    """Draw each customer's habits, into the temporary table bench_customer.

    * The company: 80, 15 and 5 percent of them; one in ten buys from the next, too.
    * Four in ten stopped buying at some time.
    * Their documents' amounts and delays of payment differ, lognormally.
    """
    limits, total = [], 0
    for _name, _currency, share in COMPANIES[:-1]:
        total += share
        limits.append(total)
    env.cr.execute(
        SQL(
            """
            CREATE TEMPORARY TABLE bench_customer AS
            SELECT number,
                   width_bucket(number * 7919::bigint %% 100, %(limits)s)::smallint
                       AS company,
                   CASE WHEN random() < 0.6 THEN 0
                        ELSE (random() * %(days)s * 0.8)::integer END AS days_ago,
                   exp(0.8 * random_normal()) AS factor,
                   (15 * exp(random_normal()) - 15)::integer AS delay
              FROM generate_series(0, %(customers)s - 1) AS number;
            ANALYZE bench_customer
            """,
            limits=limits,
            days=YEARS * 365,
            customers=customers,
        )
    )


def _insert_customers(env, patterns, count):
    """Insert the customers, and a contact of one in ten; return the first's id."""
    first = reserve_ids(env, "res_partner", count)
    clone(
        env,
        "res_partner",
        SQL(
            "SELECT %s AS pattern_id, number FROM generate_series(0, %s - 1) AS number",
            patterns.customer_id,
            count,
        ),
        [patterns.customer_id],
        {
            "id": SQL("%s + number", first),
            "commercial_partner_id": SQL("%s + number", first),
            "name": SQL("'Customer ' || number"),
            "complete_name": SQL("'Customer ' || number"),
            "city": SQL("'City ' || number %% 500"),
            "email": SQL("'customer' || number || '@example.com'"),
            "email_normalized": SQL("'customer' || number || '@example.com'"),
        },
    )
    contacts = reserve_ids(env, "res_partner", count // CONTACTS)
    clone(
        env,
        "res_partner",
        SQL(
            "SELECT %s AS pattern_id, number FROM generate_series(0, %s - 1) AS number",
            patterns.contact_id,
            count // CONTACTS,
        ),
        [patterns.contact_id],
        {
            "id": SQL("%s + number", contacts),
            "parent_id": SQL("%s + number * %s", first, CONTACTS),
            "commercial_partner_id": SQL("%s + number * %s", first, CONTACTS),
            "name": SQL("'Person ' || number"),
            "complete_name": SQL(
                "'Customer ' || number * %s || ', Person ' || number", CONTACTS
            ),
            "city": SQL("'City ' || number %% 500"),
            "email": SQL("'person' || number || '@example.com'"),
            "email_normalized": SQL("'person' || number || '@example.com'"),
        },
    )
    return first
