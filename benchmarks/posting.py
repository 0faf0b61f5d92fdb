"""What an invoice costs its user more because of what is attached to its tables."""

import time
from contextlib import contextmanager

import database
from timing import Result

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL

#: Invoices posted in a row, and how often with and without in turn
BLOCK = 10
TURNS = 12


def measure_posting(filled):
    """Return results of posting invoices, without and with triggers and indexes.

    Both in turn, block by block. What is taken away is everything that this addon
    attaches to the tables of invoices; all of it is there again in the end.
    """
    attached = _find_triggers(), _find_indexes()
    times = {False: [], True: []}
    _post(filled, BLOCK)  # the first ones fill caches
    for _turn in range(TURNS):
        with _detached(*attached):
            times[False] += _post(filled, BLOCK)
        times[True] += _post(filled, BLOCK)
    triggers, indexes = map(len, attached)
    without = Result(
        "posting an invoice, without",
        times[False],
        compared="middle",
        note=f"{len(times[False])} invoices each",
    )
    return [
        without,
        Result(
            "posting an invoice, with",
            times[True],
            without,
            f"{triggers} triggers, {indexes} indexes",
            compared="middle",
        ),
    ]


def _post(filled, count):
    """Return the seconds of posting each of so many invoices, the commit included."""
    company_id = filled.patterns.companies[0].company_id
    times = []
    for number in range(count):
        with database.environment() as env:
            invoice = env["account.move"].create(
                {
                    "move_type": "out_invoice",
                    "company_id": company_id,
                    "partner_id": filled.first_customer_id + number,
                    "invoice_date": fields.Date.today(),
                    "invoice_line_ids": [
                        Command.create(
                            {"product_id": product, "price_unit": 100, "tax_ids": []}
                        )
                        for product in filled.patterns.products[:5]
                    ],
                }
            )
        with database.environment() as env:
            invoice = env["account.move"].browse(invoice.id)
            begin = time.perf_counter()
            invoice.action_post()
            env.cr.commit()
            times.append(time.perf_counter() - begin)
    return times


@contextmanager
def _detached(triggers, indexes):
    with database.environment() as env:
        for table, name in triggers:
            env.execute_query(_switch(table, name, SQL("DISABLE")))
        for name, _definition, _comment in indexes:
            env.execute_query(SQL("DROP INDEX %s", SQL.identifier(name)))
    try:
        yield
    finally:
        with database.environment() as env:
            for table, name in triggers:
                env.execute_query(_switch(table, name, SQL("ENABLE")))
            for name, definition, comment in indexes:
                env.execute_query(SQL(definition.replace("%", "%%")))
                if comment is not None:
                    env.execute_query(
                        SQL("COMMENT ON INDEX %s IS %s", SQL.identifier(name), comment)
                    )


def _switch(table, name, verb):
    return SQL(
        "ALTER TABLE %s %s TRIGGER %s",
        SQL.identifier(table),
        verb,
        SQL.identifier(name),
    )


def _find_triggers():
    """Return table and name of this addon's triggers on the tables of others."""
    with database.environment() as env:
        return env.execute_query(
            SQL(
                """
                SELECT class.relname, trigger.tgname
                  FROM pg_trigger AS trigger
                  JOIN pg_class AS class ON class.oid = trigger.tgrelid
                 WHERE NOT trigger.tgisinternal
                   AND class.relname LIKE 'account%%'
                   AND trigger.tgname LIKE 'customer%%'
                """
            )
        )


def _find_indexes():
    """Return name, definition and comment of this addon's indexes on others' tables."""
    with database.environment() as env:
        names = [
            row.full_name(env[model])
            for model in ("account.move", "account.move.line")
            for row in env[model]._table_objects.values()
            if row._module == database.ADDON
        ]
        return env.execute_query(
            SQL(
                """
                SELECT relname, pg_get_indexdef(oid), obj_description(oid, 'pg_class')
                  FROM pg_class
                 WHERE relkind = 'i' AND relname = ANY(%s)
                """,
                names,
            )
        )
