"""The commands of `./sandbox` and their options."""

import argparse
import os
import sys
from functools import cached_property

from . import odoo as odoo_tools
from . import postgres, source
from .console import Problem, say
from .paths import ADDON, STATE
from .venv import Venv


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
        return postgres.resolve(self.venv, self.options.pg, self.quiet)

    def ready(self):
        """Everything an Odoo process needs, and its configuration written."""
        odoo, _venv, server = self.odoo, self.venv, self.server
        odoo_tools.write_config(odoo, server)
        return self


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


def cmd_stop(options):
    venv = Venv("venv", "requirements.txt", "Python environment")
    stopped = venv.python.exists() and postgres.stop(venv)
    say("PostgreSQL stopped." if stopped else "Nothing was running.")
    return 0


def parser():
    root = argparse.ArgumentParser(
        prog="sandbox", description=f"The development environment of {ADDON}."
    )
    root.add_argument("--odoo", metavar="PATH", help="an Odoo 19 to use")
    root.add_argument("--pg", metavar="URI", help="a PostgreSQL server to use")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, function in (("odoo", cmd_odoo), ("stop", cmd_stop)):
        sub = commands.add_parser(name, add_help=False)
        sub.set_defaults(function=function)
    for name, function in (("shell", cmd_shell), ("psql", cmd_psql)):
        sub = commands.add_parser(name)
        sub.add_argument("database")
        sub.set_defaults(function=function)
    return root


def main(arguments):
    options, rest = parser().parse_known_args(arguments)
    options.arguments = rest
    try:
        return options.function(options) or 0
    except Problem as problem:
        say(f"sandbox: {problem}")
        return 1
    except KeyboardInterrupt:
        say("\nsandbox: interrupted; call it again to resume.")
        return 130
