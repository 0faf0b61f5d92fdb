"""The database of the benchmarks: a copy of the sandbox's template, with the addon."""

import os
from contextlib import contextmanager

import odoo
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.sql_db import close_db, db_connect
from odoo.tools import SQL

NAME = "bench"
ADDON = "customer_classification"


@contextmanager
def autocommit(name=NAME):
    """Yield a cursor for what cannot run inside a transaction."""
    connection = db_connect(name)
    with connection.cursor() as cursor:
        cursor.connection.autocommit = True
        try:
            yield cursor
        finally:
            cursor.connection.autocommit = False


def create():
    """Make the database, in place of one that was left, and install the addon."""
    odoo.tools.config.parse_config(
        ["-d", NAME, "--no-http", "--log-level=error"], setup_logging=True
    )
    drop()
    with autocommit("postgres") as cursor:
        cursor.execute(
            SQL(
                "CREATE DATABASE %s TEMPLATE %s",
                SQL.identifier(NAME),
                SQL.identifier(os.environ["SANDBOX_TEMPLATE"]),
            )
        )
    Registry.new(NAME, update_module=True, install_modules=[ADDON])


def drop():
    """Remove the database."""
    Registry.delete(NAME)
    close_db(NAME)
    with autocommit("postgres") as cursor:
        cursor.execute(
            SQL("DROP DATABASE IF EXISTS %s WITH (FORCE)", SQL.identifier(NAME))
        )


@contextmanager
def environment(uid=SUPERUSER_ID):
    """Yield an environment with a transaction of its own; it commits in the end."""
    with Registry(NAME).cursor() as cursor:
        yield api.Environment(cursor, uid, {})


def analyse(*tables):
    """Do what autovacuum would have done by the time people use the data."""
    with autocommit() as cursor:
        for table in tables:
            cursor.execute(SQL("VACUUM ANALYZE %s", SQL.identifier(table)))
