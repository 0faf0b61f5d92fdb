"""Posted documents with their journal items and payments, inserted in the database.

Two steps: what there shall be is drawn into temporary tables, then inserted as copies
of real rows.
"""

import columns
from loading import clone, reserve_ids
from patterns import YEARS

from odoo.tools import SQL

TABLES = (
    "account_move",
    "account_move_line",
    "account_payment",
    "account_full_reconcile",
    "account_partial_reconcile",
)
#: Percent of the documents in company currency; the others are in one of the others
OWN_CURRENCY = 85
REFUNDS = 4
TERMS = 30  # days
RECENT = 90  # days that tell who buys often
#: Columns by which documents are paid together
TOGETHER = ("customer", "company", "currency_id", "sign", "paid_day")


def draw(env, filled, count, paid):
    """Draw documents of all sizes and years, and their payments.

    * The customer: number ``customers * random³``, so that the best tenth has almost
      half of the documents, the first one a shop counter's, and one in 25 has none.
    * The day: evenly between three years ago and the customer's last purchase.
    * The amount: lognormal, and so is the customer's factor; median 150.
    * Paid on terms of 30 days, as late as the customer pays, all of a month at once.
    """
    drawn = SQL(
        """
        SELECT floor(%(customers)s * random() ^ 3)::integer AS customer,
               random() AS moment,
               (150 * exp(random_normal()))::numeric AS amount,
               random() * 100 < %(refunds)s AS is_refund,
               random() * 100 AS currency,
               random() AS elsewhere,
               random() AS paid
          FROM generate_series(1, %(count)s)
        """,
        customers=filled.customers,
        refunds=REFUNDS,
        count=count,
    )
    day = SQL(
        "(CURRENT_DATE - habit.days_ago - (moment * (%s - habit.days_ago))::integer)",
        YEARS * 365,
    )
    _draw(env, filled, drawn, day, paid)


def draw_today(env, filled, count, as_usual=False):
    """Draw an invoice of today, not paid, for each of so many customers.

    :param bool as_usual: whoever bought more often in the last days is the more likely
        to buy today; else each customer is as likely as any other, and buys for 500
    """
    chosen = SQL("SELECT number, 500.0 AS amount FROM bench_customer ORDER BY random()")
    if as_usual:
        # weighted, without replacement: Efraimidis and Spirakis, 2006
        chosen = SQL(
            """
            SELECT commercial_partner_id - %(first)s AS number,
                   (150 * exp(random_normal()))::numeric AS amount
              FROM account_move
             WHERE state = 'posted'
               AND move_type = 'out_invoice'
               AND invoice_date > CURRENT_DATE - %(days)s
               AND commercial_partner_id BETWEEN %(first)s AND %(last)s
             GROUP BY commercial_partner_id
             ORDER BY -ln(1 - random()) / count(*)
            """,
            first=filled.first_customer_id,
            last=filled.first_customer_id + filled.customers - 1,
            days=RECENT,
        )
    drawn = SQL(
        """
        SELECT number AS customer, 0 AS moment, amount,
               FALSE AS is_refund, 0 AS currency, 1 AS elsewhere, 1 AS paid
          FROM (%s LIMIT %s) AS chosen
        """,
        chosen,
        count,
    )
    _draw(env, filled, drawn, SQL("CURRENT_DATE"), 0)


def forget(env):
    """Remove the temporary tables."""
    env.cr.execute(
        "DROP TABLE bench_customer, bench_document, bench_payment, bench_pattern"
    )


def _draw(env, filled, drawn, day, paid):
    patterns = filled.patterns
    env.cr.execute(
        SQL(
            """
            CREATE TEMPORARY TABLE bench_pattern (
                company smallint, company_id integer, company_currency_id integer,
                invoice_id integer, receivable_id integer, product_line_id integer,
                payment_id integer, payment_move_id integer, payment_line_id integer,
                partial_id integer, full_id integer
            );
            INSERT INTO bench_pattern VALUES %s;
            ANALYZE bench_pattern
            """,
            SQL(", ").join(
                SQL("%s", (number, *vars(pattern).values()))
                for number, pattern in enumerate(patterns.companies)
            ),
        )
    )
    env.cr.execute(
        SQL(
            """
            CREATE TEMPORARY TABLE bench_document AS
            WITH rates AS MATERIALIZED (
                SELECT *
                  FROM unnest(%(rate_companies)s, %(rate_currencies)s, %(years)s,
                              %(rates)s::numeric[])
                       AS rate(company, currency_id, year, rate)
            ),
            drawn AS MATERIALIZED (%(drawn)s),
            placed AS (
                SELECT drawn.*,
                       habit.number, habit.factor, habit.delay,
                       (CASE WHEN elsewhere < 0.3 AND habit.number %% 10 = 3
                             THEN habit.company + 1 ELSE habit.company END
                        %% %(companies)s)::smallint AS chosen_company,
                       %(day)s AS day
                  FROM drawn
                  JOIN bench_customer AS habit ON habit.number = drawn.customer
            ),
            billed AS (
                SELECT placed.*,
                       (%(currencies)s)[1 + (
                           chosen_company
                           + CASE WHEN currency < %(own)s THEN 0
                                  ELSE 1 + (currency * 1000)::integer %% 2 END
                       ) %% %(companies)s] AS currency_id
                  FROM placed
            ),
            priced AS (
                SELECT billed.*,
                       rates.rate,
                       round(amount * factor::numeric * rates.rate, 2) AS price,
                       -- all that a customer pays in a month is paid together
                       date_trunc(
                           'month', day + greatest(%(terms)s + delay, 1)
                       )::date + 27 AS paid_day
                  FROM billed
                  JOIN rates
                    ON rates.company = chosen_company
                   AND rates.currency_id = billed.currency_id
                   AND rates.year = extract(year FROM day)
            )
            SELECT row_number() OVER (ORDER BY day) - 1 AS number,
                   %(first)s + priced.number AS customer,
                   chosen_company AS company,
                   currency_id,
                   rate,
                   day,
                   day + %(terms)s AS due,
                   CASE WHEN is_refund THEN -1 ELSE 1 END::smallint AS sign,
                   price,
                   round(price / rate, 2) AS value,
                   (moment * 1e6)::integer AS product,
                   greatest(paid_day, day) AS paid_day,
                   paid < 0.98 AND greatest(paid_day, day) <= CURRENT_DATE AS is_paid,
                   paid < 0.98 AND greatest(paid_day, day) <= CURRENT_DATE
                       AND priced.number %% 100 < %(paid)s AS has_payment
              FROM priced;
            ANALYZE bench_document;

            CREATE TEMPORARY TABLE bench_payment AS
            SELECT row_number() OVER () - 1 AS number,
                   %(together)s,
                   sum(price) AS price,
                   sum(value) AS value
              FROM bench_document
             WHERE has_payment
             GROUP BY %(together)s;
            ANALYZE bench_payment
            """,
            drawn=drawn,
            day=day,
            rate_companies=[row[0] for row in patterns.rates],
            rate_currencies=[row[1] for row in patterns.rates],
            years=[row[2] for row in patterns.rates],
            rates=[row[3] for row in patterns.rates],
            currencies=patterns.currencies,
            companies=len(patterns.companies),
            own=OWN_CURRENCY,
            terms=TERMS,
            first=filled.first_customer_id,
            paid=paid,
            together=SQL(", ").join(map(SQL.identifier, TOGETHER)),
        )
    )


def insert(env, filled, prefix, lines=True, done=lambda text: None):
    """Insert what was drawn.

    :param str prefix: of the documents' numbers, another one each time
    :param bool lines: whether documents have a product line, too
    :param done: called with what was inserted
    """
    [[documents, payments]] = env.execute_query(
        SQL(
            "SELECT (SELECT count(*) FROM bench_document),"
            " (SELECT count(*) FROM bench_payment)"
        )
    )
    ids = {
        "prefix": prefix,
        "narration": columns.NARRATION,
        "move": reserve_ids(env, "account_move", documents),
        "payment_move": reserve_ids(env, "account_move", payments),
        "receivable": reserve_ids(env, "account_move_line", documents),
        "payment_line": reserve_ids(env, "account_move_line", payments),
        "product_line": reserve_ids(env, "account_move_line", lines and documents),
        "payment": reserve_ids(env, "account_payment", payments),
        "full": reserve_ids(env, "account_full_reconcile", payments),
        "partial": reserve_ids(env, "account_partial_reconcile", documents),
        "products": filled.patterns.products,
        "product_count": len(filled.patterns.products),
    }

    def copy(what, table, column, source, **values):
        rows = clone(
            env,
            table,
            SQL("SELECT %s AS pattern_id, %s", SQL.identifier(column), source),
            [getattr(pattern, column) for pattern in filled.patterns.companies],
            {name: SQL(value, **ids) for name, value in values.items()},
        )
        done(f"{rows:,} {what}")

    document = SQL("* FROM bench_document JOIN bench_pattern USING (company)")
    settled = SQL(
        """document.*, bench_pattern.*, payment.number AS payment
           FROM bench_document AS document
           JOIN bench_pattern USING (company)
           LEFT JOIN bench_payment AS payment
             ON document.has_payment AND %s""",
        SQL(" AND ").join(
            SQL("payment.%(name)s = document.%(name)s", name=SQL.identifier(name))
            for name in TOGETHER
        ),
    )
    payment = SQL("* FROM bench_payment JOIN bench_pattern USING (company)")
    copy("documents", "account_move", "invoice_id", document, **columns.MOVE)
    copy(
        "open items",
        "account_move_line",
        "receivable_id",
        settled,
        **columns.RECEIVABLE,
    )
    if lines:
        copy(
            "product lines",
            "account_move_line",
            "product_line_id",
            document,
            **columns.PRODUCT_LINE,
        )
    if payments:
        copy(
            "payment moves",
            "account_move",
            "payment_move_id",
            payment,
            **columns.PAYMENT_MOVE,
        )
        copy("payments", "account_payment", "payment_id", payment, **columns.PAYMENT)
        copy(
            "payments' items",
            "account_move_line",
            "payment_line_id",
            payment,
            **columns.PAYMENT_LINE,
        )
        copy("full", "account_full_reconcile", "full_id", payment, **columns.FULL)
        settled = SQL("%s WHERE payment.number IS NOT NULL", settled)
        copy(
            "reconciled",
            "account_partial_reconcile",
            "partial_id",
            settled,
            **columns.PARTIAL,
        )
