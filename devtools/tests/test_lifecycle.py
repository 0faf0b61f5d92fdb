"""Installation, use, upgrade and removal of the addon, on a database of its own.

What the addon brings into a database leaves it again, and no step leaves a warning or
an error in the log.
"""

import importlib.util
import os
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from devtools import databases, odoo
from devtools.console import run_logged, step
from devtools.paths import ADDON, DEVTOOLS, LOGS, STATE
from devtools.servers import Server

DATABASE = "lifecycle"
INSIDE = DEVTOOLS / "inside"

pytestmark = pytest.mark.skipif(
    "SANDBOX_TEMPLATE" not in os.environ,
    reason="needs the databases of ./sandbox test",
)


@pytest.fixture
def context():
    """The environment of these tests, in the form that the tooling expects."""
    release = Path(importlib.util.find_spec("odoo.release").origin)
    folder = Path(sys.prefix)
    return SimpleNamespace(
        venv=SimpleNamespace(folder=folder, python=folder / "bin" / "python"),
        # Its address is in the variables that PostgreSQL's programs read
        server=Server("the tests' server"),
        odoo=SimpleNamespace(library=release.parents[1]),
    )


@pytest.fixture
def database(context):
    databases.create(context, DATABASE, os.environ["SANDBOX_TEMPLATE"])
    yield DATABASE
    databases.drop(context, DATABASE)


def take_snapshot(context):
    """What the database consists of: lines, each with the number of its kind."""
    query = (INSIDE / "lifecycle_snapshot.sql").read_text(encoding="utf-8")
    return Counter(databases.sql(context, query, DATABASE))


def run(context, title, command):
    """Run one step of the life; returns what Odoo's log complains about."""
    log = LOGS / f"lifecycle-{title}.log"
    log.unlink(missing_ok=True)
    env = odoo.environment(context.odoo, context.server)
    with step(title) as current:
        code, tail = run_logged(command, log, current, env=env, cwd=STATE)
    assert code == 0, "\n".join(tail)
    return odoo.complaints(log.read_text(encoding="utf-8").splitlines())


def test_nothing_is_left(context, database):
    def odoo_command(option):
        arguments = ["-d", database, option, ADDON, "--stop-after-init", "--no-http"]
        return odoo.command(context.venv, *arguments)

    def script(function):
        return [context.venv.python, INSIDE / "lifecycle.py", database, function]

    before = take_snapshot(context)
    complaints = {"install": run(context, "install", odoo_command("-i"))}
    installed = take_snapshot(context)
    complaints["use"] = run(context, "use", script("use"))
    complaints["upgrade"] = run(context, "upgrade", odoo_command("-u"))
    complaints["uninstall"] = run(context, "uninstall", script("uninstall"))
    after = take_snapshot(context)
    complaints["ask_mailing"] = run(context, "ask", script("ask_mailing"))

    # Otherwise the snapshot sees nothing, and the last comparison means nothing
    assert len(installed - before) > 500
    assert complaints == dict.fromkeys(complaints, [])
    assert {"left": sorted(after - before), "lost": sorted(before - after)} == {
        "left": [],
        "lost": [],
    }
