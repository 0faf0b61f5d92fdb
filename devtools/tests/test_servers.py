"""Which PostgreSQL is named, and what the tools' complaints become."""

import pytest

from devtools import apt, cli, odoo, testing, venv
from devtools.console import Problem
from devtools.servers import named


def test_nothing_named():
    assert named(None, {}) is None
    assert named(None, {"PGUSER": "me"}) is None


def test_uri_and_host():
    server = named("postgresql://me:p%40ss@db.example:5433", {})
    assert (server.host, server.port) == ("db.example", "5433")
    assert (server.user, server.password) == ("me", "p@ss")
    assert named("postgresql:///?host=/run/pg", {}).host == "/run/pg"
    server = named("db.example:5433", {"PGUSER": "me", "PGPASSWORD": "x"})
    assert (server.host, server.port, server.user) == ("db.example", "5433", "me")
    assert named("/run/pg", {}).host == "/run/pg"
    with pytest.raises(Problem, match="--pg takes"):
        named("mysql://db.example", {})


def test_environment():
    env = {"DB_HOST": "a.example", "DB_PORT": "1", "DB_USER": "u", "DB_PASSWORD": "p"}
    server = named(None, env)
    assert server.environment() == {
        "PGHOST": "a.example",
        "PGPORT": "1",
        "PGUSER": "u",
        "PGPASSWORD": "p",
    }
    assert named(None, {**env, "PGHOST": "b.example"}).host == "b.example"
    assert named("c.example", env).host == "c.example"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("E: Write error - write (28: No space left on device)", "disk is full"),
        ("E: Failed to fetch x  Hash Sum mismatch", "checksum is wrong"),
        ("E: Failed to fetch x  Temporary failure resolving 'y'", "cannot be reached"),
        ("W: GPG error: x InRelease: NO_PUBKEY 1", "keyring does not verify"),
        ("E: Version lock of http://m.example/x odd", "apt failed"),
    ],
)
def test_apt_sentences(line, sentence):
    told = apt.explain(["Reading package lists...", line], "apt.log")
    assert sentence in told
    assert "m.example" not in told


def test_pip_sentences():
    told = venv.explain(["ERROR: THESE PACKAGES DO NOT MATCH THE HASHES …"], "x.log")
    assert "checksum is wrong" in told
    assert "disk is full" in venv.explain(["OSError: No space left on device"], "x.log")


LOG = """\
2026-01-01 10:00:00,000 1 INFO test odoo.modules: Loading module a (1/2)
2026-01-01 10:00:00,000 1 WARNING test odoo.models: two fields have the same label
2026-01-01 10:00:00,000 1 ERROR test odoo.registry: Failed to load registry
Traceback (most recent call last):
  File "x.py", line 1, in f
    raise ValueError("no")
ValueError: no
2026-01-01 10:00:00,000 1 INFO ? odoo.service: Initiating shutdown
""".splitlines()


def test_complaints_of_odoo():
    assert odoo.complaints(LOG) == [
        "WARNING odoo.models: two fields have the same label",
        "ERROR odoo.registry: Failed to load registry",
        "    ValueError: no",
    ]
    assert odoo.complaints(LOG[:1]) == []
    assert odoo.progress_of(LOG[0]) == "module a (1/2)"


def test_paths_of_tests_go_through_the_link():
    file = __file__ + "::test_x"
    (path,) = [arg for arg in testing.arguments_of(["-k", "x", file]) if "::" in arg]
    assert path.endswith(
        "/addons/customer_classification/devtools/tests/test_servers.py::test_x"
    )


def test_options_may_stand_behind_the_command():
    options = cli.parse(["odoo", "-d", "x", "--odoo", "/o", "--stop-after-init"])
    assert options.odoo == "/o"
    assert options.arguments == ["-d", "x", "--stop-after-init"]
    assert cli.parse(["--pg", "h", "test", "-k", "a"]).arguments == ["-k", "a"]
    assert cli.parse(["test", "--help"]).arguments == ["--help"]
    assert cli.parse(["demo", "--no-serve"]).no_serve
    with pytest.raises(SystemExit):
        cli.parse(["demo", "--unknown"])


def test_free_port():
    port = odoo.free_port()
    assert odoo.port_is_free(port)
