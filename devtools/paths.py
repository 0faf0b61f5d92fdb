"""Where everything lives, and the stamps that make a second call fast.

State of one checkout is in its git-ignored `.sandbox/`; what several checkouts can
share (downloads) is in the cache folder. `./sandbox clean` removes the former only.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from pathlib import Path

from .console import Problem, say

ADDON = "customer_classification"
ROOT = Path(__file__).resolve().parent.parent
DEVTOOLS = ROOT / "devtools"
STATE = ROOT / ".sandbox"
LOGS = STATE / "log"
ADDONS = STATE / "addons"


def cache():
    """The download cache, shared by all checkouts of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / ADDON


def fingerprint(*parts):
    """A short stable key of strings and of the contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else str(part).encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


class Stamp:
    """A file that says a piece of work is done for exactly this key."""

    def __init__(self, path, key):
        self.path, self.key = Path(path), str(key)

    def valid(self):
        try:
            return self.path.read_text(encoding="utf-8") == self.key
        except (FileNotFoundError, NotADirectoryError):
            return False

    def write(self):
        """Write in one move, so that an interruption leaves no half stamp."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        temporary.write_text(self.key, encoding="utf-8")
        temporary.replace(self.path)


@contextlib.contextmanager
def building(target):
    """A temporary folder beside `target` that becomes `target` when all went well.

    Whatever fails inside, `target` is either absent or complete.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = target.with_name(f"{target.name}.part-{os.getpid()}")
    work.mkdir()
    try:
        yield work
        if target.exists():
            remove(target)
        work.rename(target)
    finally:
        # What interrupted calls left goes too.
        for leftover in target.parent.glob(f"{target.name}.part-*"):
            remove(leftover)


def remove(path):
    """Delete a folder or file if it is there."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def locked(path):
    """Hold `path` as a lock: two calls at once must not build the same thing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as handle:
        waiting = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    say("  waiting for another ./sandbox that prepares the same …")
                    waiting = True
                time.sleep(0.5)
        yield


def need_space(folder, megabytes, what):
    """Refuse early, with one sentence, what the disk cannot hold."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free // 2**20
    if free < megabytes:
        raise Problem(
            f"{what} needs {megabytes} MB in {folder}, only {free} MB are free: "
            "make room and call again."
        )


def link_addon():
    """The addon under its own name, whatever the checkout is called.

    A folder of links, one for each visible entry of the repository: a link to the
    repository itself would contain `.sandbox` and so itself, and Odoo's export of
    translations, which follows links, would never end.
    """
    addon = ADDONS / ADDON
    if addon.is_symlink():
        remove(addon)
    addon.mkdir(parents=True, exist_ok=True)
    wanted = {entry.name for entry in ROOT.iterdir() if not entry.name.startswith(".")}
    for link in addon.iterdir():
        if link.name not in wanted or not link.exists():
            remove(link)
    for name in wanted:
        if not (addon / name).exists():
            (addon / name).symlink_to(ROOT / name)
    return addon
