"""The commands of `./sandbox` and their options."""

import argparse
import os
import signal
import sys
import time
from functools import cached_property

from . import browser, databases, demo, i18n, lint, postgres, servers, source, testing
from . import odoo as odoo_tools
from .console import DISK_FULL, Problem, attend, on_terminate, say, start
from .paths import ADDON, ROOT, STATE, cache, remove
from .venv import Venv

DESCRIPTION = f"""\
The development environment of {ADDON}: makes everything it needs (Odoo 19, Python
packages, PostgreSQL, a browser) and runs it. The first call takes some minutes.

commands:
  demo      a database with real customers, classified, served at port 8069
            (--no-serve: end after the table; --port N; --new: load it again)
  test      install the addon into a new database and run all tests;
            further arguments go to pytest (-k NAME, tests/test_x.py, …)
  odoo      Odoo's own command line in this environment
  shell DB  Odoo's interactive shell on a database
  psql DB   PostgreSQL's shell on a database
  lint      check all files as the continuous integration does
  i18n      bring i18n/ up to date; fails while a message is untranslated
  bench     run the benchmarks
  prove     look for increments that differ from a full run: 3,000 random examples,
            then each seeded bug has to be found (--examples N, --seed N,
            --bugs TEXT: only those bugs; hours)
  browser   the browser of the tests, with these arguments (screenshots)
  stop      stop the embedded PostgreSQL
  clean     stop, then remove .sandbox/ (--downloads: and the download cache)
"""

EPILOG = """\
Odoo: --odoo PATH or ODOO_HOME, else an importable `odoo`, else the Debian package
odoo-19, else a clone of the public repository. PostgreSQL: --pg or PGHOST/DB_HOST (with
…PORT, …USER, …PASSWORD), else an embedded server. Browser: one on PATH, else Debian's.
State is in .sandbox/, downloads in ${XDG_CACHE_HOME:-~/.cache}/customer_classification.
"""


class Context:
    """The parts of the environment, each made when first asked for."""

    def __init__(self, options, quiet=False):
        self.options, self.quiet = options, quiet
        STATE.mkdir(exist_ok=True)

    @cached_property
    def venv(self):
        return Venv("venv", "requirements.txt", "Python environment (once)").ensure()

    @cached_property
    def odoo(self):
        return source.resolve(self.options.odoo, self.quiet)

    @cached_property
    def server(self):
        return servers.resolve(self.venv, self.options.pg, self.quiet)

    def ready(self):
        """Everything an Odoo process needs, and its configuration written."""
        odoo, _venv, server = self.odoo, self.venv, self.server
        odoo_tools.write_config(odoo, server)
        return self


def cmd_demo(options):
    return demo.run(Context(options), options)


def cmd_test(options):
    return testing.run(Context(options), options.arguments)


def cmd_odoo(options):
    return odoo_tools.pass_through(Context(options).ready(), options.arguments)


def cmd_shell(options):
    arguments = ["shell", "-d", options.database, "--no-http", *options.arguments]
    return odoo_tools.pass_through(Context(options).ready(), arguments)


def cmd_psql(options):
    context = Context(options, quiet=True)
    program = str(postgres.program(context.venv, "psql"))
    env = {**os.environ, **context.server.environment()}
    sys.stdout.flush()
    os.execve(program, [program, "-d", options.database, *options.arguments], env)


def cmd_lint(options):
    STATE.mkdir(exist_ok=True)
    return lint.run(options.arguments)


def cmd_i18n(options):
    return i18n.run(Context(options))


def cmd_bench(options):
    script = ROOT / "benchmarks" / "run.py"
    if not script.exists():
        raise Problem("There is no benchmarks/run.py in this checkout.")
    context = Context(options).ready()
    env = testing.environment(context)
    # The benchmarks start from a copy of this database, made in a second.
    env["SANDBOX_TEMPLATE"] = databases.template(context)
    command = [context.venv.python, script, *options.arguments]
    return attend(start(command, env=env, cwd=ROOT))


def cmd_prove(options):
    return testing.prove(Context(options), options)


def cmd_browser(options):
    program = browser.ensure()
    if program is None:
        return 1
    return attend(start([program, *options.arguments]))


def cmd_stop(_options):
    venv = Venv("venv", "requirements.txt", "Python environment")
    stopped = venv.python.exists() and postgres.stop(venv)
    say("PostgreSQL stopped." if stopped else "Nothing was running.")
    return 0


def cmd_clean(options):
    cmd_stop(options)
    remove(STATE)
    if STATE.exists():
        raise Problem(
            f"{STATE} cannot be removed completely: another user's files are in it."
        )
    say("Removed .sandbox/.")
    if options.downloads:
        remove(cache())
        say(f"Removed {cache()}.")
    return 0


def parser():
    root = argparse.ArgumentParser(
        prog="sandbox",
        usage="./sandbox [--odoo PATH] [--pg URI] COMMAND …",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = root.add_subparsers(
        dest="command", required=True, metavar="COMMAND", help=argparse.SUPPRESS
    )

    def add(name, function, **options):
        # `--help` of a command that only passes arguments on is the other program's.
        sub = commands.add_parser(name, allow_abbrev=False, **options)
        sub.set_defaults(function=function, rest=not options.get("add_help", True))
        return sub

    sub = add("demo", cmd_demo, description=demo.__doc__.split("\n\n")[0])
    sub.add_argument("--no-serve", action="store_true", help="end after the table")
    sub.add_argument("--new", action="store_true", help="load the data again")
    sub.add_argument("--port", type=int, default=odoo_tools.DEFAULT_PORT)
    for name, function in (
        ("test", cmd_test),
        ("odoo", cmd_odoo),
        ("lint", cmd_lint),
        ("bench", cmd_bench),
        ("browser", cmd_browser),
    ):
        add(name, function, add_help=False)
    for name, function in (("shell", cmd_shell), ("psql", cmd_psql)):
        add(name, function, add_help=False).add_argument("database", metavar="DB")
    add("i18n", cmd_i18n)
    sub = add("prove", cmd_prove, description=testing.prove.__doc__)
    sub.add_argument("--examples", type=int, default=3_000)
    sub.add_argument("--seed", type=int, default=1, help="of the first examples")
    sub.add_argument("--bugs", metavar="TEXT", help="only bugs named so; no examples")
    add("stop", cmd_stop)
    sub = add("clean", cmd_clean)
    sub.add_argument(
        "--downloads", action="store_true", help="remove the download cache too"
    )
    return root


def parse(arguments):
    """Options of ours, and the rest for the program that a command runs."""
    # These two may stand anywhere, also behind a command that passes arguments on.
    common = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    common.add_argument("--odoo")
    common.add_argument("--pg")
    options, arguments = common.parse_known_args(arguments)
    root = parser()
    options, rest = root.parse_known_args(arguments, options)
    if rest and not options.rest:
        root.error(f"unknown argument: {rest[0]}")
    options.arguments = rest
    return options


def main(arguments):
    if arguments in ([], ["help"]):
        arguments = ["--help"]
    options = parse(arguments)
    begin = time.monotonic()
    signal.signal(signal.SIGTERM, on_terminate)
    try:
        code = options.function(options) or 0
    except Problem as problem:
        say(f"sandbox: {problem}")
        return 1
    except OSError as error:
        if error.errno == 28:
            say(f"sandbox: {DISK_FULL}")
            return 1
        raise
    except KeyboardInterrupt:
        say("\nsandbox: interrupted; call it again to resume.")
        return 130
    if options.command in ("demo", "test", "lint", "bench", "prove"):
        # To the error stream: pytest's summary stays the last line of the output.
        print(
            f"sandbox {options.command}: {time.monotonic() - begin:.0f} s",
            file=sys.stderr,
        )
    return code
