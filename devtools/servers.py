"""Which PostgreSQL: the one the developer names, else the embedded one."""

import os
import subprocess
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from . import postgres
from .console import Problem, say


@dataclass(frozen=True)
class Server:
    """How to reach a PostgreSQL server; an empty field means the client's default."""

    origin: str
    host: str = ""
    port: str = ""
    user: str = ""
    password: str = ""

    def environment(self):
        """The variables that PostgreSQL's own programs read."""
        values = {
            "PGHOST": self.host,
            "PGPORT": self.port,
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
        }
        return {name: value for name, value in values.items() if value}


def named(option=None, env=None):
    """The server that `--pg` or the usual variables name, or None."""
    env = os.environ if env is None else env
    if option:
        if "://" not in option:
            host, _, port = (
                option.partition(":") if option[:1] != "/" else (option, "", "")
            )
            user = env.get("PGUSER") or env.get("DB_USER") or ""
            password = env.get("PGPASSWORD") or env.get("DB_PASSWORD") or ""
            return Server(f"the given {host}", host, port, user, password)
        parts = urlsplit(option)
        if parts.scheme not in ("postgres", "postgresql"):
            raise Problem(
                f"--pg takes a host or postgresql://user@host:port, not {option}."
            )
        host = (
            unquote(parts.hostname or "") or parse_qs(parts.query).get("host", [""])[0]
        )
        return Server(
            f"the given {host or 'local server'}",
            host,
            str(parts.port or ""),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )

    def pick(*names):
        return next((env[name] for name in names if env.get(name)), "")

    host = pick("PGHOST", "DB_HOST")
    if not host:
        return None
    return Server(
        f"{host} from the environment",
        host,
        pick("PGPORT", "DB_PORT"),
        pick("PGUSER", "DB_USER"),
        pick("PGPASSWORD", "DB_PASSWORD"),
    )


def check(venv, server):
    """Refuse a named server that does not answer, before minutes of work."""
    if server.user == "postgres":
        raise Problem("Odoo refuses the role postgres: name another one.")
    done = subprocess.run(
        [postgres.program(venv, "psql"), "-XAtqw", "-d", "postgres", "-c", "SELECT 1"],
        env={**os.environ, "PGCONNECT_TIMEOUT": "10", **server.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise Problem(f"PostgreSQL, {server.origin}, does not answer: {message}")


def resolve(venv, option=None, quiet=False):
    """The server to use; one line says which."""
    server = named(option)
    if server is None:
        postgres.start(venv)
        host = str(postgres.socket_folder())
        server = Server("embedded", host, user=postgres.ROLE)
    else:
        check(venv, server)
    if not quiet:
        say(f"PostgreSQL: {server.origin}")
    return server
