"""Which Odoo 19 is used. The first of these that is there:

1. `--odoo PATH` or `ODOO_HOME`: a checkout or an install of the developer's own
2. a Python package `odoo` that this Python can import
3. the Debian package odoo-19, unpacked into the cache
4. a shallow clone of the public repository, branch 19.0, in the cache
"""

import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .apt import Apt
from .console import DISK_FULL, Problem, run_logged, say, step
from .paths import LOGS, STATE, building, cache, fingerprint, locked, need_space, remove

SERIES = "19.0"
REPOSITORY = "https://github.com/odoo/odoo.git"

#: Files that the Debian package links to instead of carrying them. Without jquery and
#: underscore every page answers 500.
LINKED = (
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-inconsolata",
    "fonts-ocr-b",
)

#: From the machine's stable suite: unstable's 7.x moved the files the links name.
LINKED_STABLE = ("fonts-font-awesome",)

#: Debian leaves this one out; while it is missing every page logs a console error,
#: which fails browser tests.
PLACEHOLDER = "odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js"


@dataclass(frozen=True)
class Odoo:
    """An Odoo to run: what goes on Python's path, where its addons are."""

    origin: str
    library: Path  # the folder that holds the package `odoo`
    addons: tuple  # folders of addons
    version: str

    @property
    def key(self):
        """Another Odoo has another key: databases of one do not fit another."""
        return fingerprint(self.version, self.origin, str(self.library))


def read_version(library):
    """The version in `odoo/release.py`, without importing it."""
    try:
        text = (library / "odoo" / "release.py").read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(r"^version_info\s*=\s*\((\d+),\s*(\d+)", text, re.M)
    return ".".join(match.groups()) if match else None


def locate(path):
    """The library folder below `path`, for each of the layouts people have."""
    candidates = [path, path.parent, path / "usr/lib/python3/dist-packages"]
    candidates += sorted(path.glob("lib/python3*/site-packages"))
    for library in candidates:
        if read_version(library):
            return library
    return None


def describe(library, origin):
    """The Odoo in the folder `library`; refuses other series."""
    version = read_version(library)
    if version != SERIES:
        raise Problem(f"{origin} is Odoo {version}, this addon needs {SERIES}.")
    addons = [library / "odoo" / "addons", library / "addons"]
    addons = [
        folder
        for folder in addons
        if (folder / "base").is_dir() or (folder / "web").is_dir()
    ]
    return Odoo(origin, library, tuple(addons), version)


def given(option):
    """Order 1: what the developer names."""
    name = option or os.environ.get("ODOO_HOME")
    if not name:
        return None
    library = locate(Path(name).expanduser().resolve())
    if library is None:
        raise Problem(f"There is no Odoo in {name}: expected odoo/release.py there.")
    return describe(library, f"the given {name}")


def importable():
    """Order 2: an `odoo` that this Python already finds, if it is of our series."""
    spec = importlib.util.find_spec("odoo")
    for place in (spec and spec.submodule_search_locations) or ():
        package = Path(place).resolve()
        if read_version(package.parent) != SERIES:
            continue
        # The package alone goes on the path: its neighbours in site-packages would
        # shadow the locked requirements.
        library = STATE / "lib"
        library.mkdir(parents=True, exist_ok=True)
        link = library / "odoo"
        if not (link.is_symlink() and link.resolve() == package):
            remove(link)
            link.symlink_to(package)
        return describe(library, f"the installed {package}")
    return None


def debian():
    """Order 3: Debian's package, unpacked. It is in the unstable suite only."""
    prefix = cache() / "odoo-debian"
    if not prefix.is_dir():
        unstable, stable = (
            Apt("sid"),
            Apt(),
        )  # says why where there is no Debian archive
        with locked(cache() / "odoo.lock"):
            if not prefix.is_dir():
                title = "Odoo 19 from Debian, 130 MB (once)"
                need_space(cache(), 2000, title)
                with step(title) as current, building(prefix) as work:
                    unstable.unpack_into(("odoo-19", *LINKED), work, current)
                    stable.unpack_into(LINKED_STABLE, work, current)
                    placeholder = work / "usr/lib/python3/dist-packages" / PLACEHOLDER
                    placeholder.parent.mkdir(parents=True, exist_ok=True)
                    placeholder.touch()
    return describe(locate(prefix), "the Debian package odoo-19")


def clone():
    """Order 4: the public repository."""
    target = cache() / "odoo-git"
    if not target.is_dir():
        if not shutil.which("git"):
            raise Problem("git is not on this machine.")
        need_space(cache(), 4000, "Odoo 19 from its repository")
        title = "Odoo 19 from its public repository (once)"
        with (
            locked(cache() / "odoo.lock"),
            step(title) as current,
            building(target) as work,
        ):
            code, tail = run_logged(
                [
                    "git",
                    "clone",
                    "--progress",
                    "--depth",
                    "1",
                    "-b",
                    SERIES,
                    REPOSITORY,
                    work,
                ],
                LOGS / "git.log",
                current,
                env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
            )
            if code:
                raise Problem(explain(tail))
    return describe(target, "a clone of the public repository")


def explain(tail):
    """One sentence for what git complained about."""
    text = "\n".join(tail)
    if "No space left on device" in text:
        return DISK_FULL
    if re.search(
        r"Could not resolve|Failed to connect|unable to access|timed out", text
    ):
        return "Odoo's public repository cannot be reached."
    return f"git clone failed ({tail[-1] if tail else 'no message'})."


def resolve(option=None, quiet=False):
    """The Odoo to use; one line says which."""
    reasons = []
    found = given(option) or importable()
    for way in () if found else (debian, clone):
        try:
            found = way()
            break
        except Problem as problem:
            if "make room" in str(problem):
                raise  # a clone would need even more
            reasons.append(str(problem))
    if found is None:
        told = " ".join(f"({i}) {reason}" for i, reason in enumerate(reasons, 1))
        raise Problem(
            f"No Odoo 19 here; name one with --odoo PATH or ODOO_HOME. {told}"
        )
    if not quiet:
        say(f"Odoo {found.version}: {found.origin}")
    return found
