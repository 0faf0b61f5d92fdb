"""Creating databases quickly.

Installing the modules the addon depends on takes most of the time, and they change
with Odoo only. They are installed once into a template; each database starts as a copy
of it, so only the addon itself is installed anew.
"""

import ast
import os
import shutil
import subprocess

from . import odoo, postgres
from .console import Problem, step
from .paths import ADDON, ROOT, STATE, fingerprint, locked


def dependencies():
    """The modules that the addon's manifest names."""
    try:
        text = (ROOT / "__manifest__.py").read_text(encoding="utf-8")
        return sorted(ast.literal_eval(text)["depends"])
    except FileNotFoundError:
        raise Problem(f"There is no __manifest__.py in {ROOT}.") from None
    except (SyntaxError, ValueError, KeyError) as error:
        raise Problem(f"__manifest__.py cannot be read: {error}.") from None


def sql(context, statement, database="postgres"):
    """Run a statement with psql; returns the lines of its answer."""
    done = subprocess.run(
        [postgres.program(context.venv, "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1"]
        + ["-d", database, "-c", statement],
        env={**os.environ, **context.server.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = (done.stderr.strip().splitlines() or ["no message"])[0]
        if "No space left" in done.stderr:
            message = "the disk is full"
        raise Problem(f"PostgreSQL ({context.server.origin}): {message}")
    return done.stdout.splitlines()


def filestore(database):
    return odoo.DATA / "filestore" / database


def drop(context, database):
    """Remove a database and its files, also while a forgotten server still uses it."""
    if sql(context, f"SELECT 1 FROM pg_database WHERE datname = '{database}'"):
        sql(context, f'ALTER DATABASE "{database}" IS_TEMPLATE false')
        sql(
            context,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{database}' AND pid <> pg_backend_pid()",
        )
        sql(context, f'DROP DATABASE IF EXISTS "{database}"')
    shutil.rmtree(filestore(database), ignore_errors=True)


def template(context):
    """The name of the template database, made when it is missing or of another Odoo."""
    wanted = dependencies()
    mine = f"cc_template_{fingerprint(str(STATE))[:8]}_"
    name = mine + fingerprint(context.odoo.key, *wanted)[:8]
    with locked(STATE / "template.lock"):
        # The flag IS_TEMPLATE is set last: it tells a complete one.
        rows = sql(
            context,
            "SELECT datname || ' ' || datistemplate FROM pg_database"
            f" WHERE datname LIKE '{mine}%'",
        )
        known = dict(row.split() for row in rows)
        if known.get(name) == "true" and filestore(name).is_dir():
            return name
        for old in known:
            drop(context, old)
        with step(f"template database with {', '.join(wanted)} (once)") as current:
            create(context, name, "template0")
            arguments = [
                "-d",
                name,
                "-i",
                ",".join(wanted),
                "--stop-after-init",
                "--no-http",
            ]
            odoo.run(context, current, arguments, "template.log")
            filestore(name).mkdir(parents=True, exist_ok=True)
            sql(context, f'ALTER DATABASE "{name}" IS_TEMPLATE true')
    return name


def create(context, database, source):
    """Make `database` as a copy of `source`, files included."""
    drop(context, database)
    options = f'TEMPLATE "{source}"'
    if source == "template0":
        options += " ENCODING 'UTF8' LC_COLLATE 'C'"  # what Odoo itself asks for
    sql(context, f'CREATE DATABASE "{database}" {options}')
    if filestore(source).is_dir():
        # Odoo never changes a stored file, so the copies can share them.
        shutil.copytree(filestore(source), filestore(database), copy_function=_share)


def _share(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def create_with_addon(context, database):
    """A new database with the addon installed; refuses an install that warns."""
    source = template(context)
    with step(f"database {database} with {ADDON}") as current:
        create(context, database, source)
        arguments = ["-d", database, "-i", ADDON, "--stop-after-init", "--no-http"]
        log = f"install-{database}.log"
        lines = odoo.run(context, current, arguments, log)
        found = odoo.complaints(lines)
        if found:
            shown = "\n".join(f"    {line[:300]}" for line in found[:10])
            raise Problem(
                f"Installing the addon must leave no warning, it left:\n{shown}"
            )
