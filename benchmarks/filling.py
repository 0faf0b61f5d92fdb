"""Customers and invoices, cloned in the database from one real posted invoice."""

from dataclasses import dataclass
from datetime import timedelta

import database

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL

YEARS = 3
USER_GROUPS = (
    "base.group_user",
    "base.group_partner_manager",
    "customer_classification.group_customer_classification_user",
)


@dataclass(frozen=True)
class Filled:
    """What is in the database, as ids and numbers."""

    customers: int
    first_customer_id: int
    invoice_id: int  # the real one
    user_id: int  # somebody who uses the classification

    def add_invoices(self, count, prefix):
        """Give ``count`` customers an invoice of today; return the customers' ids.

        :param str prefix: of the documents' numbers, another one each time
        """
        with database.environment() as env:
            env.execute_query(
                SQL(
                    """
                    CREATE TEMPORARY TABLE bench_chosen ON COMMIT DROP AS
                    SELECT row_number() OVER () - 1 AS number,
                           id AS customer, CURRENT_DATE AS day,
                           500.0 AS amount, FALSE AS is_refund
                      FROM (
                          SELECT id
                            FROM res_partner
                           WHERE id BETWEEN %(first)s AND %(last)s
                           ORDER BY random()
                           LIMIT %(count)s
                      ) AS drawn
                    """,
                    first=self.first_customer_id,
                    last=self.first_customer_id + self.customers - 1,
                    count=count,
                )
            )
            _insert_invoices(
                env, self.invoice_id, SQL("SELECT * FROM bench_chosen"), count, prefix
            )
            rows = env.execute_query(SQL("SELECT customer FROM bench_chosen"))
        return [customer for [customer] in rows]


def fill(customers, invoices):
    """Fill the database with so many customers and posted documents."""
    with database.environment() as env:
        env.execute_query(SQL("SELECT setseed(0.19)::text"))
        invoice = _post_one(env)
        first = _clone_customers(env, invoice.partner_id, customers)
        _clone_invoices(env, invoice, first, customers, invoices)
        user = env["res.users"].create(
            {
                "name": "Person",
                "login": "person",
                "group_ids": [Command.set([env.ref(name).id for name in USER_GROUPS])],
            }
        )
        filled = Filled(customers, first, invoice.id, user.id)
    database.analyse("res_partner", "account_move")
    return filled


def _post_one(env):
    """Return a real posted invoice, the pattern of all others."""
    env["account.chart.template"].try_loading("generic_coa", env.company)
    customer = env["res.partner"].create(
        {
            "name": "Pattern",
            "is_company": True,
            "email": "pattern@example.com",
            "city": "Springfield",
            "country_id": env.ref("base.us").id,
        }
    )
    invoice = env["account.move"].create(
        {
            "move_type": "out_invoice",
            "partner_id": customer.id,
            "invoice_date": fields.Date.today() - timedelta(days=YEARS * 365),
            "invoice_line_ids": [
                Command.create({"name": "Goods", "price_unit": 100, "tax_ids": []})
            ],
        }
    )
    invoice.action_post()
    env.flush_all()
    return invoice


def _reserve_ids(env, table, count):
    """Take ``count`` ids of a table's sequence; return the first."""
    name = f"{table}_id_seq"
    [[first]] = env.execute_query(SQL("SELECT nextval(%s)", name))
    env.execute_query(SQL("SELECT setval(%s, %s)", name, first + count - 1))
    return first


def _clone_customers(env, pattern, count):
    first = _reserve_ids(env, "res_partner", count)
    env.cr.execute(
        SQL(
            """
            INSERT INTO res_partner
            SELECT clone.*
              FROM res_partner AS pattern,
                   generate_series(0, %(count)s - 1) AS number,
                   jsonb_populate_record(pattern, jsonb_build_object(
                       'id', %(first)s + number,
                       'commercial_partner_id', %(first)s + number,
                       'name', 'Customer ' || number,
                       'complete_name', 'Customer ' || number,
                       'city', 'City ' || number %% 500,
                       'email', 'customer' || number || '@example.com'
                   )) AS clone
             WHERE pattern.id = %(pattern)s
            """,
            count=count,
            first=first,
            pattern=pattern.id,
        )
    )
    return first


def _clone_invoices(env, pattern, first_customer, customers, count):
    """Clone invoices of all sizes, some of them credit notes.

    * The customer: number ``customers * random²``, so that the best tenth has about
      a third of the documents, and few have none.
    * The day: evenly between three years ago and the customer's last purchase; four
      in ten customers stopped buying at some time.
    * The amount: lognormal, median 150; one document in 25 is a credit note.
    """
    env.cr.execute(
        SQL(
            """
            CREATE TEMPORARY TABLE bench_stopped AS
            SELECT number,
                   CASE WHEN random() < 0.6 THEN 0
                        ELSE (random() * 900)::integer END AS days_ago
              FROM generate_series(0, %(customers)s - 1) AS number;
            ALTER TABLE bench_stopped ADD PRIMARY KEY (number);
            ANALYZE bench_stopped
            """,
            customers=customers,
        )
    )
    chosen = SQL(
        """
        WITH drawn AS MATERIALIZED (
            SELECT number, floor(%(customers)s * random() ^ 2)::integer AS customer
              FROM generate_series(0, %(count)s - 1) AS number
        )
        SELECT drawn.number,
               %(first)s + drawn.customer AS customer,
               CURRENT_DATE - stopped.days_ago
                   - (random() * (%(days)s - stopped.days_ago))::integer AS day,
               round((150 * exp(1.2 * sqrt(-2 * ln(1 - random()))
                                * cos(2 * pi() * random())))::numeric, 2) AS amount,
               random() < 0.04 AS is_refund
          FROM drawn
          JOIN bench_stopped AS stopped ON stopped.number = drawn.customer
         ORDER BY drawn.number
        """,
        first=first_customer,
        days=YEARS * 365,
        customers=customers,
        count=count,
    )
    _insert_invoices(env, pattern.id, chosen, count, "BENCH")


def _insert_invoices(env, pattern_id, chosen, count, prefix):
    """Insert clones of an invoice.

    :param SQL chosen: selects ``number`` from 0, ``customer``, ``day``, ``amount``
        (without sign) and ``is_refund``
    :param count: how many rows those are
    :param str prefix: of the documents' numbers
    """
    env.cr.execute(
        SQL(
            """
            INSERT INTO account_move
            SELECT clone.*
              FROM (%(chosen)s) AS chosen,
                   account_move AS pattern,
                   jsonb_populate_record(pattern, jsonb_build_object(
                       'id', %(first)s + chosen.number,
                       'name', %(prefix)s || '/' || chosen.number,
                       'payment_reference', %(prefix)s || '/' || chosen.number,
                       'sequence_prefix', %(prefix)s || '/',
                       'sequence_number', chosen.number,
                       'move_type', CASE WHEN is_refund THEN 'out_refund'
                                         ELSE 'out_invoice' END,
                       'partner_id', customer,
                       'commercial_partner_id', customer,
                       'partner_shipping_id', customer,
                       'date', day,
                       'invoice_date', day,
                       'invoice_date_due', day + 30
                   ) || jsonb_build_object(
                       'amount_untaxed', amount,
                       'amount_total', amount,
                       'amount_residual', amount,
                       'amount_untaxed_signed', signed,
                       'amount_untaxed_in_currency_signed', signed,
                       'amount_total_signed', signed,
                       'amount_total_in_currency_signed', signed,
                       'amount_residual_signed', signed
                   )) AS clone
             WHERE pattern.id = %(pattern)s
            """,
            chosen=SQL(
                "SELECT *, CASE WHEN is_refund THEN -amount ELSE amount END AS signed"
                " FROM (%s) AS unsigned",
                chosen,
            ),
            first=_reserve_ids(env, "account_move", count),
            prefix=prefix,
            pattern=pattern_id,
        )
    )
