"""Python environments with locked requirements, below `.sandbox/`."""

import shutil
import sys

from .console import DISK_FULL, Problem, run_logged, step
from .paths import DEVTOOLS, LOGS, STATE, Stamp, fingerprint, locked, need_space


class Venv:
    """A virtual environment that holds exactly one lock file's packages."""

    def __init__(self, name, lock, title):
        self.folder = STATE / name
        self.lock = DEVTOOLS / lock
        self.title = title
        self.stamp = Stamp(
            self.folder / "complete",
            fingerprint(self.lock, sys.version, str(self.folder)),
        )

    @property
    def bin(self):
        return self.folder / "bin"

    @property
    def python(self):
        return self.bin / "python"

    def ensure(self):
        """Make it if it is missing, incomplete, or of another lock file."""
        if self.stamp.valid():
            return self
        with locked(STATE / f"{self.folder.name}.lock"):
            if self.stamp.valid():
                return self
            need_space(STATE, 900, self.title)
            with step(f"{self.title} (Python {sys.version.split()[0]})") as current:
                self._make(current)
        return self

    def _make(self, current):
        log = LOGS / f"{self.folder.name}.log"
        # A venv holds absolute paths, so it is made in place; the stamp, written
        # last, tells a complete one. The working folder is not the caller's, because
        # `-m` puts it on Python's path and devtools has a module called venv.
        STATE.mkdir(exist_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        code, tail = run_logged(
            [sys.executable, "-m", "venv", self.folder], log, current, cwd=STATE
        )
        if code:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise Problem(
                "Python's venv module does not work here (on Debian: apt-get install "
                f"python3-venv); the log is {log}."
            )
        command = [self.python, "-m", "pip", "install", "--disable-pip-version-check"]
        command += ["--no-input", "--progress-bar", "off"]
        command += ["--require-hashes", "-r", self.lock]
        code, tail = run_logged(command, log, current, describe=_pip_detail, cwd=STATE)
        if code:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise Problem(explain(tail, log))
        self.stamp.write()


def _pip_detail(line):
    words = line.split()
    if words[:1] in (["Collecting"], ["Downloading"], ["Building"], ["Installing"]):
        return " ".join(words[:3])[:80]
    return None


def explain(tail, log):
    """One sentence for what pip complained about."""
    text = "\n".join(tail)
    if "No space left on device" in text:
        return DISK_FULL
    if (
        "DO NOT MATCH THE HASHES" in text
        or "hash" in text.lower()
        and "mismatch" in text.lower()
    ):
        return (
            "A Python package's checksum is wrong, so it was not installed: call again."
        )
    if (
        "connection" in text.lower()
        or "Temporary failure" in text
        or "timed out" in text
    ):
        return "The Python package index cannot be reached: check the network."
    errors = [line for line in tail if line.startswith("ERROR")]
    return (
        f"pip failed ({(errors or tail or ['no message'])[-1]}); the full log is {log}."
    )
