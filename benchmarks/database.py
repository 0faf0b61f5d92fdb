"""The database of the benchmarks: a copy of the sandbox's template, with the addon."""

import os
from contextlib import contextmanager

import odoo
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.sql_db import close_db, db_connect
from odoo.tools import SQL

DEFAULT = NAME = "bench"
ADDON = "customer_classification"


@contextmanager
def autocommit(name=None):
    """Yield a cursor for what cannot run inside a transaction."""
    connection = db_connect(name or NAME)
    with connection.cursor() as cursor:
        cursor.connection.autocommit = True
        try:
            yield cursor
        finally:
            cursor.connection.autocommit = False


def use(name):
    """Set Odoo up for a database."""
    global NAME  # noqa: PLW0603 (there is one database in a process)
    NAME = name
    odoo.tools.config.parse_config(
        ["-d", NAME, "--no-http", "--log-level=error"], setup_logging=True
    )


def create():
    """Make the database, in place of one that was left, and install the addon."""
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


def exists():
    """Return whether there is such a database."""
    with autocommit("postgres") as cursor:
        cursor.execute(SQL("SELECT FROM pg_database WHERE datname = %s", NAME))
        return bool(cursor.rowcount)


def install(*modules):
    """Install more modules."""
    close()
    Registry.new(NAME, update_module=True, install_modules=modules)


def close():
    """Forget the registry and close all connections."""
    Registry.delete(NAME)
    close_db(NAME)


def drop():
    """Remove the database."""
    close()
    with autocommit("postgres") as cursor:
        cursor.execute(
            SQL("DROP DATABASE IF EXISTS %s WITH (FORCE)", SQL.identifier(NAME))
        )


@contextmanager
def durable():
    """Let the server write as it does where data matter, for as long as this lasts.

    The sandbox's own server survives no power cut, which makes writing cheaper.
    """
    names = ("fsync", "full_page_writes", "synchronous_commit")
    with autocommit("postgres") as cursor:
        cursor.execute(
            SQL(
                """
                SELECT name FROM pg_settings
                 WHERE name = ANY(%s) AND setting = 'off' AND %s
                """,
                list(names),
                SQL("(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"),
            )
        )
        switched = [name for [name] in cursor.fetchall()]
        _alter_system(cursor, switched, "on")
    try:
        yield
    finally:
        with autocommit("postgres") as cursor:
            _alter_system(cursor, switched, "off")


def _alter_system(cursor, names, value):
    for name in names:
        cursor.execute(SQL("ALTER SYSTEM SET %s = %s", SQL.identifier(name), value))
    if names:
        cursor.execute("SELECT pg_reload_conf()")


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
