"""Odoo in this environment: its configuration, command line and log."""

import os
import re
import socket

from .console import Problem, attend, run_logged, start
from .paths import ADDONS, LOGS, STATE, link_addon

DEFAULT_PORT = 8069
DATA = STATE / "data"

#: An Odoo log line: time, process, level, database, logger, message.
LINE = re.compile(
    r"^\d{4}-\d\d-\d\d [\d:,]+ \d+ (?P<level>[A-Z]+) (?P<db>\S+) "
    r"(?P<logger>[\w.]+): (?P<message>.*)"
)


def write_config(odoo, server):
    """The configuration file all Odoo processes of this checkout share."""
    link_addon()
    DATA.mkdir(parents=True, exist_ok=True)
    options = {
        "addons_path": ",".join(str(path) for path in (*odoo.addons, ADDONS)),
        "data_dir": DATA,
        "db_host": server.host,
        "db_port": server.port,
        "db_user": server.user,
        "db_password": server.password,
        "admin_passwd": "admin",
        "without_demo": "True",
        "list_db": "True",
        "max_cron_threads": "0",
        "http_interface": "127.0.0.1",
    }
    path = STATE / "odoo.conf"
    text = "[options]\n" + "".join(
        f"{name} = {value}\n" for name, value in options.items() if value
    )
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        temporary = path.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o600)  # it may hold a password
        temporary.replace(path)
    return path


def environment(odoo, server, extra_path=()):
    """The variables of a process that imports this Odoo."""
    env = {**os.environ, **server.environment()}
    env.pop("PYTHONHOME", None)
    env["PYTHONPATH"] = os.pathsep.join([str(odoo.library), *map(str, extra_path)])
    env["ODOO_RC"] = str(STATE / "odoo.conf")
    env["PYTHONUNBUFFERED"] = "1"
    return env


def command(venv, *arguments):
    """Odoo's own command line with our configuration.

    Started through Python: not every layout of Odoo has an executable.
    """
    run = "import sys; sys.argv[0] = 'odoo'; from odoo.cli import main; main()"
    return [venv.python, "-c", run, *arguments]


def progress_of(line):
    """What a line of Odoo's log says about how far it is."""
    match = LINE.match(line)
    if not match:
        return None
    message = match["message"]
    loading = re.match(r"Loading module (\S+) \((\d+)/(\d+)\)", message)
    if loading:
        return "module {} ({}/{})".format(*loading.groups())
    return None


def complaints(lines):
    """What Odoo warns of or fails with; of a traceback only its last line."""
    found, complaining, last = [], False, ""
    for line in [*lines, ""]:
        match = LINE.match(line)
        if complaining and last and (match or not line):
            found.append(f"    {last.strip()}")
            last = ""
        if match:
            complaining = match["level"] in ("WARNING", "ERROR", "CRITICAL")
            if complaining:
                found.append(
                    f"{match['level']} {match['logger']}: {match['message'].strip()}"
                )
        elif complaining and line[:1].strip():  # unindented: the exception itself
            last = line if not line.startswith("Traceback") else last
    return found


def last_words(tail, log):
    """What to show when Odoo failed: its complaints, or else its last lines."""
    lines = complaints(tail) or [line for line in tail if line.strip()][-5:]
    return "\n".join(
        [*(f"    {line[:300]}" for line in lines[-8:]), f"    full log: {log}"]
    )


def run(context, title, arguments, log_name):
    """Run Odoo's command line with its log in a file; returns the log's new lines."""
    log = LOGS / log_name
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("", encoding="utf-8")
    code, tail = run_logged(
        command(context.venv, *arguments),
        log,
        title,
        describe=progress_of,
        env=environment(context.odoo, context.server),
        cwd=STATE,
    )
    if code:
        raise Problem(f"Odoo failed (exit code {code}):\n{last_words(tail, log)}")
    return log.read_text(encoding="utf-8").splitlines()


def pass_through(context, arguments, cwd=None):
    """Run Odoo in the foreground; the terminal is its own."""
    return attend(
        start(
            command(context.venv, *arguments),
            env=environment(context.odoo, context.server),
            cwd=cwd,
        )
    )


def port_is_free(port):
    """Whether this machine's loopback accepts a server on `port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    """A port no one uses right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
