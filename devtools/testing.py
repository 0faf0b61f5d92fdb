"""`./sandbox test`: a new database, the addon installed, all tests with pytest-odoo.

The tooling's own tests (devtools/tests) run in the same session, so that one summary
at the end says whether everything is well.
"""

import os
from pathlib import Path

from . import browser, databases, odoo, postgres
from .console import attend, say, start
from .paths import ADDONS, DEVTOOLS, ROOT, STATE, link_addon

DATABASE = "test"
#: Examples of `./sandbox prove` in one transaction
PART = 100


def through_link(argument):
    """A path into the checkout, as pytest must see it: below the addon's name.

    `tests/test_x.py::TestX::test_y` keeps what follows the file.
    """
    name, colons, rest = argument.partition("::")
    path = Path(name)
    if argument.startswith("-") or not path.exists():
        return None
    try:
        inside = path.resolve().relative_to(ROOT)
    except ValueError:
        return None
    return f"{link_addon() / inside}{colons}{rest}"


def arguments_of(given):
    """pytest's arguments: paths mapped, and all tests where no path is given."""
    mapped = [(argument, through_link(argument)) for argument in given]
    arguments = [link or argument for argument, link in mapped]
    if not any(link for _argument, link in mapped):
        folders = [
            folder for folder in ("tests", "devtools/tests") if (ROOT / folder).is_dir()
        ]
        arguments += [str(link_addon() / folder) for folder in folders]
    return arguments


def environment(context):
    """Odoo's environment, with the browser and PostgreSQL's programs on PATH."""
    env = odoo.environment(context.odoo, context.server)
    folders = [browser.BIN, context.venv.bin, postgres.binaries(context.venv)]
    env["PATH"] = os.pathsep.join([*map(str, folders), env.get("PATH", os.defpath)])
    for name in ("HOST", "PORT", "USER", "PASSWORD"):
        # pytest-odoo takes these for the database's, as in a container.
        env.pop(name, None)
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    return env


def prove(context, options):
    """Look for increments that differ from a full run, and for seeded bugs."""
    path = [str(ROOT / "tests" / "test_increments.py"), "-s"]
    if options.bugs is None:
        done = 0
        while done < options.examples:
            # a part has a transaction of its own: one of hours leaves too much behind
            os.environ["PROVE_EXAMPLES"] = str(min(PART, options.examples - done))
            os.environ["PROVE_SEED"] = str(options.seed + done // PART)
            code = run(context, [*path, "-k", "TestIncrements"])
            if code:
                return code
            done += PART
            say(f"{min(done, options.examples)} examples, no difference")
    os.environ["PROVE_BUGS"] = options.bugs or ""
    return run(context, [*path, "-k", "TestSeededBugs"])


def run(context, given):
    """Prepare, then hand over to pytest; returns its exit code."""
    context.ready()
    browser.ensure()
    databases.create_with_addon(context, DATABASE)
    command = [context.venv.python, "-m", "pytest"]
    command += [f"--odoo-config={STATE / 'odoo.conf'}", f"--odoo-database={DATABASE}"]
    command += ["--odoo-http", f"--odoo-extra=http-port={odoo.free_port()}"]
    command += [
        f"--rootdir={ADDONS}",
        f"--confcutdir={ADDONS}",
        "-c",
        DEVTOOLS / "pytest.ini",
    ]
    command += ["-o", f"cache_dir={STATE / 'pytest_cache'}"]
    command += arguments_of(given)
    env = environment(context)
    # The test of the addon's life cycle starts from a copy of this database.
    env["SANDBOX_TEMPLATE"] = databases.template(context)
    say("▸ pytest")
    return attend(start(command, env=env, cwd=ADDONS))
