"""What the machine's own apt sources say: where the Debian archive is, who signs it.

Only read, never changed; both of apt's formats. Addresses of mirrors are nowhere in
this repository, they come from here.
"""

import re
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path("/etc/apt")


@dataclass(frozen=True)
class Source:
    """One archive of packages: where it is, which suites, and whose key signs it."""

    uri: str
    suites: tuple
    components: tuple
    signed_by: str = ""


def parse_deb822(text):
    """Sources of a `.sources` file: paragraphs of `Field: value`."""
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        fields, name = {}, None
        for line in paragraph.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t":  # a continued value, such as an inline key
                if name:
                    fields[name] += "\n" + line
                continue
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        signed_by = fields.get("signed-by", "").strip()
        found += [
            Source(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                signed_by if signed_by.startswith("/") else "",
            )
            for uri in fields.get("uris", "").split()
        ]
    return found


def parse_list(text):
    """Sources of a `.list` file: lines `deb [options] uri suite components`."""
    found = []
    for line in text.splitlines():
        match = re.match(
            r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)",
            line.split("#", 1)[0].strip(),
        )
        if not match:
            continue
        options, uri, suite, components = match.groups()
        signed_by = re.search(r"signed-by=(/\S+)", options or "", re.I)
        found.append(
            Source(
                uri,
                (suite,),
                tuple(components.split()),
                signed_by.group(1) if signed_by else "",
            )
        )
    return found


def machine_sources(folder=SOURCES):
    """All enabled binary sources of this machine, in apt's own reading order."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    found = []
    for path in files:
        if not path.is_file() or path.suffix not in (".list", ".sources"):
            continue
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found += parse_deb822(text) if path.suffix == ".sources" else parse_list(text)
    return found


def debian_archive(sources):
    """The source of the Debian archive itself, or None.

    Neither the security archive nor third parties' archives carry unstable.
    """
    for source in sources:
        path = re.sub(r"^[a-z+:]+//[^/]*", "", source.uri).rstrip("/")
        suite = (source.suites or ("",))[0]
        if (
            path.endswith("/debian")
            and "main" in source.components
            and suite[-1:] not in ("", "/")
        ):
            return source
    return None


def is_debian(os_release="/etc/os-release"):
    """Whether this is Debian itself: its derivatives' mirrors have no `sid`."""
    try:
        text = Path(os_release).read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r'^ID="?debian"?$', text, re.M) is not None


def stable_suite(archive):
    """The release this machine runs, or `stable` where it follows a moving one."""
    suite = archive.suites[0].split("-")[0]  # bookworm, bookworm-updates, …
    return (
        "stable" if suite in ("sid", "unstable", "testing", "experimental") else suite
    )
