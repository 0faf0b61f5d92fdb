"""Debian packages without installing them, and without being root.

apt-get runs with private folders, so the system's own package lists and sources are
neither read for suites nor changed. Only the mirror's address is taken from the
machine's apt sources, whichever of the two formats they use. apt verifies signatures
and checksums itself; packages are then unpacked, never configured.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from .aptsources import debian_archive, is_debian, machine_sources, stable_suite
from .console import DISK_FULL, Problem, run_logged
from .paths import LOGS, cache, locked

KEYRINGS = Path("/usr/share/keyrings")


class Apt:
    """apt-get with folders of its own, for one suite of this machine's Debian archive.

    One suite an instance: with two, apt would take each dependency from the newer one.
    """

    def __init__(self, suite=None):
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise Problem(
                "Debian packages need apt-get and dpkg, which are not on this machine."
            )
        self.archive = debian_archive(machine_sources()) if is_debian() else None
        if self.archive is None:
            raise Problem("This machine's apt sources name no Debian archive.")
        self.suite = suite or stable_suite(self.archive)
        self.folder = cache() / "apt" / self.suite
        self.log = LOGS / "apt.log"

    def _sources(self):
        text = f"Types: deb\nURIs: {self.archive.uri}\nSuites: {self.suite}\n"
        text += "Components: main\n"
        keyring = self.archive.signed_by or str(KEYRINGS / "debian-archive-keyring.gpg")
        return text + (f"Signed-By: {keyring}\n" if Path(keyring).exists() else "")

    def prepare(self, current, max_age_hours=12):
        """Write the private configuration; fetch the package lists when old."""
        for name in ("lists/partial", "cache/archives/partial", "sources"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        sources = self.folder / "sources" / "debian.sources"
        changed = (
            not sources.exists()
            or sources.read_text(encoding="utf-8") != self._sources()
        )
        sources.write_text(self._sources(), encoding="utf-8")
        (self.folder / "apt.conf").write_text(
            'Dir::Etc::sourcelist "/dev/null";\n'
            f'Dir::Etc::sourceparts "{self.folder}/sources";\n'
            f'Dir::State::Lists "{self.folder}/lists";\n'
            f'Dir::Cache "{self.folder}/cache";\n'
            # The cache may lie in a folder that apt's own service user cannot enter.
            'APT::Sandbox::User "";\n'
            'Acquire::Languages "none";\n'
            'Acquire::Retries "3";\n'
            'Acquire::http::Timeout "30";\n'
            # The machine's hooks belong to its own packages, and need root.
            "#clear APT::Update::Post-Invoke;\n"
            "#clear APT::Update::Post-Invoke-Success;\n",
            encoding="utf-8",
        )
        marker = self.folder / "updated"
        fresh = (
            marker.exists()
            and time.time() - marker.stat().st_mtime < max_age_hours * 3600
        )
        if changed or not fresh:
            self._run(["apt-get", "update", "--error-on=any"], current, "package lists")
            marker.touch()

    def environment(self):
        return {
            **os.environ,
            "APT_CONFIG": str(self.folder / "apt.conf"),
            "LC_ALL": "C.UTF-8",
        }

    def _run(self, command, current, detail, cwd=None):
        code, tail = run_logged(
            command,
            self.log,
            current,
            describe=lambda line: f"{detail}: {_without_host(line)}"[:100],
            env=self.environment(),
            cwd=cwd,
        )
        if code:
            raise Problem(explain(tail, self.log))

    def missing(self, packages, current):
        """`packages` and what they need, without what this machine has installed."""
        self.prepare(current)
        done = subprocess.run(
            ["apt-get", "install", "--simulate", "--no-install-recommends", *packages],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Problem(explain((done.stdout + done.stderr).splitlines(), self.log))
        return re.findall(r"^Inst (\S+)", done.stdout, re.M)

    def download(self, packages, folder, current):
        """Fetch packages into `folder`; apt checks each."""
        self.prepare(current)
        command = ["apt-get", "download", *packages]
        try:
            self._run(command, current, "fetching", cwd=folder)
        except Problem:
            # Stale lists name versions that the mirror has replaced meanwhile.
            (self.folder / "updated").unlink(missing_ok=True)
            self.prepare(current)
            self._run(command, current, "fetching", cwd=folder)

    def unpack(self, folder, prefix, current):
        """Unpack every package of `folder` into `prefix`."""
        packages = sorted(folder.glob("*.deb"))
        for number, package in enumerate(packages, 1):
            name = package.name.split("_")[0]
            code, tail = run_logged(
                ["dpkg-deb", "-x", package, prefix],
                self.log,
                current,
                describe=lambda line: "",
                env=self.environment(),
            )
            if code:
                raise Problem(explain(tail, self.log))
            current.progress(f"unpacked {name} ({number}/{len(packages)})")

    def unpack_into(self, packages, prefix, current):
        """Download `packages` and unpack them into the folder `prefix`."""
        with locked(self.folder / "lock"):
            debs = self.folder / "debs" / str(os.getpid())
            debs.mkdir(parents=True, exist_ok=True)
            try:
                self.download(packages, debs, current)
                self.unpack(debs, prefix, current)
            finally:
                shutil.rmtree(debs, ignore_errors=True)


def _without_host(line):
    return re.sub(r"[a-z+]+://\S+\s*", "", line.strip())


def explain(tail, log):
    """One sentence for what apt or dpkg complained about."""
    text = "\n".join(tail)
    if re.search(r"No space left on device|not have enough free space", text):
        return DISK_FULL
    if re.search(r"Hash Sum mismatch|unexpected size|checksum", text, re.I):
        return "A package's checksum is wrong, so it was not used: call again later."
    if re.search(r"NO_PUBKEY|not signed|GPG error|BADSIG", text):
        return "This machine's Debian keyring does not verify the package lists."
    if re.search(
        r"Temporary failure resolving|Could not (?:connect|resolve)|Unable to connect"
        r"|Network is unreachable|Connection (?:timed out|failed|refused)"
        r"|Failed to fetch",
        text,
    ):
        return "The Debian archive cannot be reached: check the network and call again."
    last = next((line for line in reversed(tail) if line.strip()), "no message")
    return f"apt failed ({_without_host(last)}); the full log is {log}."
