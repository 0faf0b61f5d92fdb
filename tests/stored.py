"""What runs leave in the database, to be compared exactly."""

from collections import namedtuple

from odoo.tools import SQL

Row = namedtuple("Row", ["table", "company", "partner", "values"])


def take(env, companies=None):
    """Return all that runs leave, as a set of rows.

    :param list companies: ids; None for all
    """
    env.flush_all()
    rows = set()
    for model in env["customer.facts.mixin"]._get_models():
        columns = SQL(", ").join(map(SQL.identifier, model._fact_columns))
        rows |= select(env, model._table, columns)
    rows |= select(
        env,
        "customer_assignment",
        SQL(
            """dimension_id, slot, category_id, score, recency_score, frequency_score,
               monetary_score, grace_until, since, inputs::text,
               (SELECT version FROM customer_ruleset WHERE id = ruleset_id)"""
        ),
    )
    rows |= select(
        env,
        "customer_assignment_history",
        SQL(
            """dimension_id, slot, event, date, old_category_id, old_since,
               new_category_id, date_end, inputs::text"""
        ),
    )
    return {row for row in rows if companies is None or row.company in companies}


def select(env, table, columns):
    query = SQL(
        "SELECT company_id, partner_id, (%s)::text FROM %s",
        SQL("ROW(%s)", columns),
        SQL.identifier(table),
    )
    return {Row(table, *row) for row in env.execute_query(query)}


def rehearse(env, companies):
    """Return what a run of all customers would leave; take it back."""
    with env.cr.savepoint() as savepoint:
        env["customer.classification.run"].classify(companies)
        rows = take(env, companies)
        savepoint.close(rollback=True)
    env.invalidate_all()
    return rows
