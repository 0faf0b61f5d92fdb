"""`./sandbox i18n`: export the messages to translate, and merge them into i18n/*.po."""

from . import databases, odoo
from .console import Problem, attend, say, start, step
from .paths import ADDON, DEVTOOLS, ROOT, STATE

DATABASE = "i18n"


def run(context):
    """Export from a new database; returns 1 if a message has no translation."""
    context.ready()
    databases.create_with_addon(context, DATABASE)
    export = STATE / f"{ADDON}.pot"
    with step("translations") as current:
        arguments = ["i18n", "export", "-d", DATABASE, "-o", export, ADDON]
        odoo.run(context, current, arguments, "i18n.log")
    script = DEVTOOLS / "inside" / "merge_translations.py"
    command = [context.venv.python, script, export, ROOT / "i18n"]
    if attend(start(command)):
        raise Problem("Translate the messages above in i18n/ and call again.")
    say("Every message is translated.")
    return 0
