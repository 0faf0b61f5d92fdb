"""Installation, use, upgrade and removal of the addon, on a database of its own.

What the addon brings into a database leaves it again, and no step leaves a warning or
an error in the log.
"""

import importlib.util
import os
import sys
from collections import Counter
from configparser import ConfigParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from devtools import databases, odoo
from devtools.console import run_logged, step
from devtools.paths import ADDON, ADDONS, DEVTOOLS, LOGS, STATE
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


def odoo_command(context, option):
    arguments = ["-d", DATABASE, option, ADDON, "--stop-after-init", "--no-http"]
    return odoo.command(context.venv, *arguments)


def script(context, function, *arguments):
    lifecycle = INSIDE / "lifecycle.py"
    return [context.venv.python, lifecycle, DATABASE, function, *arguments]


def sent(title):
    """What a step that ran the mailing queue printed."""
    lines = (LOGS / f"lifecycle-{title}.log").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(("MAILING", "RECEIVED"))]


def addons_without_ours():
    """The folders of Odoo's addons, without the one that holds this addon."""
    config = ConfigParser()
    config.read(STATE / "odoo.conf")
    folders = config["options"]["addons_path"].split(",")
    return ",".join(folder for folder in folders if folder != str(ADDONS))


def test_nothing_is_left(context, database):
    before = take_snapshot(context)
    complaints = {"install": run(context, "install", odoo_command(context, "-i"))}
    installed = take_snapshot(context)
    complaints["use"] = run(context, "use", script(context, "use"))
    complaints["upgrade"] = run(context, "upgrade", odoo_command(context, "-u"))
    complaints["uninstall"] = run(context, "uninstall", script(context, "uninstall"))
    after = take_snapshot(context)
    complaints["ask_mailing"] = run(context, "ask", script(context, "ask_mailing"))

    complaints["send"] = run(context, "send", script(context, "send"))

    # Otherwise the snapshot sees nothing, and the last comparison means nothing
    assert len(installed - before) > 500
    assert complaints == dict.fromkeys(complaints, [])
    assert {"left": sorted(after - before), "lost": sorted(before - after)} == {
        "left": [],
        "lost": [],
    }
    # the queue goes on, and what cannot be sent any more waits for somebody
    assert sent("send") == [
        "MAILING Spring draft",
        "MAILING By tier done",
        "MAILING Speaks of the tier draft",
        "MAILING Of others done",
        "MAILING Waits in the queue done",
        "RECEIVED "
        + " ".join(f"customer{number}@example.com" for number in (*"001223345",)),
    ]


def test_mailings_go_on_without_the_code(context, database):
    """A server that lacks the addon sends a campaign to those who were approved."""
    assert run(context, "install", odoo_command(context, "-i")) == []
    assert run(context, "approve", script(context, "approve")) == []
    run(context, "without", script(context, "send", addons_without_ours()))
    assert sent("without") == [
        "MAILING Spring done",
        "MAILING Of others done",
        "RECEIVED customer0@example.com customer1@example.com customer2@example.com "
        "customer3@example.com",
    ]
