"""`./sandbox demo`: a database with real customers, classified, and Odoo serving it.

What is loaded is the business of the repository's `demo/load.py`: its `load(env)`
loads, classifies and prints the table. A second call finds the database complete and
only prints the table again (`summary(env)`), unless the sources changed.
"""

import sys
import threading
import time
import urllib.error
import urllib.request

from . import databases, odoo
from .console import Problem, attend, say, start, step
from .paths import ADDON, DEVTOOLS, LOGS, ROOT, STATE, Stamp, fingerprint

DATABASE = "demo"
LOADER = ROOT / "demo" / "load.py"

#: Folders whose content decides whether the demo database is up to date.
SOURCES = ("models", "wizards", "views", "security", "data", "demo", "i18n", "static")


def sources_key(context):
    """Changes with the addon, the demo data and the Odoo they run in."""
    files = [ROOT / "__manifest__.py", ROOT / "__init__.py", ROOT / "hooks.py"]
    for folder in SOURCES:
        files += sorted((ROOT / folder).rglob("*"))
    files = [
        path for path in files if path.is_file() and "__pycache__" not in path.parts
    ]
    names = [str(path.relative_to(ROOT)) for path in files]
    return fingerprint(context.odoo.key, context.server.origin, *names, *files)


def call_loader(context, function):
    """Run a function of demo/load.py inside Odoo, its output on the terminal."""
    log = LOGS / "demo-load.log"
    env = odoo.environment(context.odoo, context.server)
    script = DEVTOOLS / "inside" / "load_demo.py"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as errors:
        # Odoo logs to the error stream; what the loader prints is for the developer.
        process = start(
            [context.venv.python, script, DATABASE, function],
            env=env,
            cwd=STATE,
            stderr=errors,
        )
        finished = threading.Event()
        threading.Thread(target=_heartbeat, args=(finished,), daemon=True).start()
        try:
            code = attend(process)
        finally:
            finished.set()
    if code:
        tail = log.read_text(encoding="utf-8").splitlines()[-40:]
        raise Problem(f"Loading the demo data failed:\n{odoo.last_words(tail, log)}")


def _heartbeat(finished):
    begin = time.monotonic()
    while not finished.wait(10):
        say(f"  … {time.monotonic() - begin:.0f} s")


def prepare(context, renew):
    """Make the database unless a complete one of the same sources is there."""
    if not LOADER.exists():
        raise Problem("There is no demo/load.py in this checkout.")
    stamp = Stamp(STATE / "demo.stamp", sources_key(context))
    there = databases.sql(
        context, f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"
    )
    if there and stamp.valid() and not renew:
        say(f"The database {DATABASE} is complete already (--new makes it again).")
        call_loader(context, "summary")
        return
    stamp.path.unlink(missing_ok=True)
    databases.create_with_addon(context, DATABASE)
    with step("demo data"):
        call_loader(context, "load")
    stamp.write()


def serve(context, port):
    """Serve the demo until the developer interrupts."""
    url = f"http://127.0.0.1:{port}"
    log = LOGS / "demo-server.log"
    arguments = ["-d", DATABASE, f"--db-filter=^{DATABASE}$", f"--http-port={port}"]
    arguments += ["--max-cron-threads=1", f"--logfile={log}"]
    log.unlink(missing_ok=True)
    with step("Odoo's server"):
        process = start(
            odoo.command(context.venv, *arguments),
            env=odoo.environment(context.odoo, context.server),
            cwd=STATE,
            stdout=sys.stderr,
        )
        try:
            _wait_for(process, url, log)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    say(f"\nOdoo with {ADDON}: {url}/odoo   login: admin   password: admin")
    say("Ctrl-C ends it.")
    try:
        return attend(process)
    except KeyboardInterrupt:
        say("\nEnded; ./sandbox demo serves again, ./sandbox stop ends PostgreSQL.")
        return 0


def _wait_for(process, url, log):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/web/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    tail = log.read_text(encoding="utf-8").splitlines()[-40:] if log.exists() else []
    raise Problem(f"Odoo's server does not answer:\n{odoo.last_words(tail, log)}")


def check_port(port):
    if not odoo.port_is_free(port):
        raise Problem(f"Port {port} is busy: name another one with --port.")


def run(context, options):
    if not options.no_serve:
        check_port(options.port)  # before minutes of work, not after
    context.ready()
    prepare(context, options.new)
    if options.no_serve:
        return 0
    check_port(options.port)
    return serve(context, options.port)
