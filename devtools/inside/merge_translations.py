"""Runs in Odoo's Python environment: brings the translations up to a fresh export.

    python merge_translations.py EXPORT I18N_FOLDER

The template and every .po file beside it get the messages of EXPORT, in its order; what
is translated stays, what nobody uses any more goes. Files whose messages are the same
are not written, so that a new date alone changes none. Prints the messages without a
translation; the exit code is 1 if there are any.
"""

import sys
from pathlib import Path

import polib


def messages(catalogue):
    """What makes two catalogues the same, apart from their dates."""
    return [
        (entry.msgid, entry.msgstr, entry.comment, entry.occurrences)
        for entry in catalogue
    ]


def merge(fresh, old):
    """Return `fresh` with the translations of `old`, and its header."""
    known = {entry.msgid: entry for entry in old if not entry.obsolete}
    # A view that is only indented anew keeps its translations, too
    unwrapped = {" ".join(msgid.split()): entry for msgid, entry in known.items()}
    merged = polib.POFile()
    merged.header = old.header
    merged.metadata = dict(old.metadata)
    for date in ("POT-Creation-Date", "PO-Revision-Date"):
        if date in fresh.metadata:
            merged.metadata[date] = fresh.metadata[date]
    for entry in fresh:
        before = known.get(entry.msgid) or unwrapped.get(" ".join(entry.msgid.split()))
        merged.append(
            polib.POEntry(
                msgid=entry.msgid,
                msgstr=before.msgstr if before else "",
                flags=list(before.flags) if before else [],
                comment=entry.comment,
                occurrences=entry.occurrences,
            )
        )
    return merged


def untranslated(catalogue):
    return [e.msgid for e in catalogue if not e.msgstr or e.fuzzy]


def write(catalogue, path):
    path.write_text(str(catalogue), encoding="utf-8")
    print(f"  written: {path.name} ({len(catalogue)} messages)")


def main(export, folder):
    fresh = polib.pofile(export)
    template = Path(folder) / f"{Path(export).stem}.pot"
    if not template.exists() or messages(polib.pofile(template)) != messages(fresh):
        write(fresh, template)
    missing = 0
    for path in sorted(Path(folder).glob("*.po")):
        old = polib.pofile(path)
        merged = merge(fresh, old)
        if messages(merged) != messages(old):
            write(merged, path)
        for msgid in untranslated(merged):
            print(f"  {path.name}: {msgid!r}")
            missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
