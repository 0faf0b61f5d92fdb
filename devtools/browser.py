"""A Chromium for browser tests and screenshots.

One on PATH wins. Else Debian's package is unpacked into the cache with what it needs
and this machine lacks, so neither root nor an installation is necessary. As a last
resort root installs the package.

Odoo takes the first `google-chrome` or `chromium` on PATH: a wrapper of these names in
`.sandbox/bin` adds the flags that keep Chromium off the network.
"""

import os
import shlex
import shutil
import subprocess

from .apt import Apt
from .console import Problem, run_logged, say, step
from .paths import LOGS, STATE, building, cache, locked, need_space, remove

BIN = STATE / "bin"
NAMES = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")

#: Chinese screenshots need a font that has the characters.
PACKAGES = ("chromium", "fonts-noto-cjk")

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def on_path():
    """A Chromium of the machine, not our own wrapper."""
    folders = [
        folder
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)
        if folder and not os.path.realpath(folder) == os.path.realpath(BIN)
    ]
    for name in NAMES:
        found = shutil.which(name, path=os.pathsep.join(folders))
        if found:
            return found
    return None


def _write_wrapper(lines):
    """Write the script under the names that Odoo looks for."""
    BIN.mkdir(parents=True, exist_ok=True)
    for name in NAMES[:2]:
        target = BIN / name
        temporary = target.with_suffix(".tmp")
        temporary.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n", encoding="utf-8")
        temporary.chmod(0o755)
        temporary.replace(target)


def _exec(program):
    return f'exec {shlex.quote(str(program))} {" ".join(FLAGS)} "$@"'


def _works():
    """Whether the wrapper starts a browser: a changed machine may lack a library."""
    try:
        done = subprocess.run(
            [BIN / "chromium", "--version"],
            capture_output=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _wrap_unpacked(prefix):
    libraries = sorted(
        {
            path.parent
            for path in prefix.glob("**/*.so*")
            if path.parent.name != "chromium"
        },
        key=lambda path: len(path.parts),
    )
    fonts = prefix / "fonts.conf"
    system = next(
        (
            path
            for path in ("/etc/fonts/fonts.conf", prefix / "etc/fonts/fonts.conf")
            if os.path.exists(path)
        ),
        "",
    )
    include = f'<include ignore_missing="yes">{system}</include>' if system else ""
    fonts.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n'
        f"<fontconfig>{include}<dir>{prefix}/usr/share/fonts</dir>"
        f"<cachedir>{prefix}/fonts-cache</cachedir></fontconfig>\n",
        encoding="utf-8",
    )
    path = os.pathsep.join(map(str, libraries))
    _write_wrapper(
        [
            f"LD_LIBRARY_PATH={shlex.quote(path)}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}",
            f"FONTCONFIG_FILE={shlex.quote(str(fonts))}",
            "export LD_LIBRARY_PATH FONTCONFIG_FILE",
            _exec(prefix / "usr/lib/chromium/chromium"),
        ]
    )


def _unpack(prefix):
    apt = Apt()
    with locked(cache() / "browser.lock"):
        title = "Chromium from Debian, 150 MB (once)"
        need_space(cache(), 900, title)
        with step(title) as current, building(prefix) as work:
            apt.unpack_into(apt.missing(PACKAGES, current), work, current)


def _install():
    with step("apt-get install chromium") as current:
        for command in (
            ["update"],
            ["install", "-y", "--no-install-recommends", *PACKAGES],
        ):
            code, _tail = run_logged(
                ["apt-get", *command],
                LOGS / "apt.log",
                current,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )
            if code:
                raise Problem("apt-get install chromium failed.")


def ensure(quiet=False):
    """Make `.sandbox/bin/chromium` work; returns it, or None without a browser."""
    origin = on_path()
    if origin:
        _write_wrapper([_exec(origin)])
    else:
        prefix = cache() / "chromium-debian"
        origin = "the Debian package chromium"
        try:
            if not prefix.is_dir():
                _unpack(prefix)
            _wrap_unpacked(prefix)
            if not _works():  # unpacked on another machine or before an upgrade
                remove(prefix)
                _unpack(prefix)
                _wrap_unpacked(prefix)
            if not _works():
                raise Problem("The unpacked Chromium does not start.")
        except Problem as problem:
            remove(BIN / NAMES[0])
            remove(BIN / NAMES[1])
            if os.geteuid() or not shutil.which("apt-get"):
                return _none(problem)
            try:
                _install()
            except Problem as other:
                return _none(other)
            return ensure(quiet) if on_path() else _none(problem)
    if not quiet:
        say(f"Browser: {origin}")
    return BIN / "chromium"


def _none(problem):
    say(
        "Browser: none, so browser tests are skipped; install chromium or "
        f"google-chrome. ({problem})"
    )
    return None
