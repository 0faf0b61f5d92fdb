"""Seeded bugs: each is a slip that the machine has to find.

A bug replaces a piece of the statements that the engine sends to the database, in each
of them that contains it, or is a statement of its own. White space does not matter.
"""

from contextlib import contextmanager
from functools import cache
from unittest.mock import patch

from odoo.tests.test_cursor import TestCursor
from odoo.tools import SQL


class Bug:
    """A slip in a statement.

    :param str old: what is in the statement
    :param str new: what is in its place
    :param str within: what else the statement contains
    """

    def __init__(self, old, new, within=""):
        self.old, self.new, self.within = map(self.normalize, (old, new, within))
        self.count = 0
        #: Examples that had the bug
        self.examples = 0

    @staticmethod
    @cache
    def normalize(text):
        """Return the text on one line, without comments."""
        lines = [line.partition("--")[0] for line in text.split("\n")]
        return " ".join(" ".join(lines).split())

    def prepare(self, env):
        """Change the database for the length of an example."""
        self.examples += 1

    def is_in(self, code):
        """Return whether a normalized statement can have the bug."""
        return self.old in code and self.within in code

    @contextmanager
    def seeded(self):
        """Let each statement have the bug."""
        execute = TestCursor.execute

        def wrapper(cursor, query, *args, **kwargs):
            code = self.normalize(query.code) if isinstance(query, SQL) else ""
            if code and self.is_in(code):
                self.count += 1
                code = code.replace(self.old, self.new)
                return execute(cursor, code, query.params or None)
            return execute(cursor, query, *args, **kwargs)

        with patch.object(TestCursor, "execute", wrapper):
            yield


class TriggerBug(Bug):
    """A slip in the functions that note what changed.

    :param str old: what is in the definition of functions
    :param list names: of the triggers; none for those whose function contains ``old``
    """

    def __init__(self, old="", new="", names=()):
        super().__init__(old, new)
        self.names = names

    def prepare(self, env):
        super().prepare(env)
        for name in self.names:
            table = name.rpartition("_")[0].removeprefix("customer_change_")
            env.cr.execute(
                SQL("DROP TRIGGER %s ON %s", *map(SQL.identifier, (name, table)))
            )
            self.count += 1
        if self.names:
            return
        env.cr.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc"
            " WHERE proname LIKE 'customer\\_change\\_%'"
        )
        for [definition] in env.cr.fetchall():
            code = self.normalize(definition)
            if self.old in code:
                self.count += 1
                # in a machine's test mode the cursor wraps the real one
                cursor = getattr(env.cr, "_cursor", env.cr)
                cursor._obj.execute(code.replace(self.old, self.new))

    @contextmanager
    def seeded(self):
        yield


@contextmanager
def noted():
    """Yield the set of the statements, normalized, that come within the context."""
    execute, codes, known = TestCursor.execute, set(), set()

    def wrapper(cursor, query, *args, **kwargs):
        if isinstance(query, SQL) and query.code not in known:
            known.add(query.code)
            codes.add(Bug.normalize(query.code))
        return execute(cursor, query, *args, **kwargs)

    with patch.object(TestCursor, "execute", wrapper):
        yield codes


#: By what is wrong
BUGS = {
    "Due a day late: the period of value": Bug(
        "window_day + %s,", "window_day + %s + 1,"
    ),
    "Due a day late: the period before": Bug(
        "previous_day + 2 * %s,", "previous_day + 2 * %s + 1,"
    ),
    "Due a day late: an invoice dated in the future": Bug(
        "LEAST( coming_day,", "LEAST( coming_day + 1,"
    ),
    "Due a day late: the end of the month": Bug(
        "CASE WHEN first_date >= %s THEN %s ELSE",
        "CASE WHEN first_date >= %s THEN %s + 1 ELSE",
    ),
    "Due a month late: an active month is a year ago": Bug(
        "interval '1 year')::date", "interval '13 months')::date"
    ),
    "Never due: an invoice becomes overdue": Bug(
        """min(due) FILTER (WHERE is_booked AND amount > 0 AND due >= %s) + 1""",
        """min(due) FILTER (WHERE is_booked AND amount > 0 AND due >= %s
                                  AND FALSE) + 1""",
    ),
    "Never due: a payment dated in the future": Bug(
        "min(day) FILTER (WHERE NOT is_booked)", "NULL::date"
    ),
    "Looked at a day late: who is due": Bug("next_due <= %s", "next_due < %s"),
    "Looked at a day late: whose grace is over": Bug(
        "grace_until <= %s", "grace_until < %s"
    ),
    "Not looked at: who passes a limit in days": Bug(
        ") <> (", ") AND FALSE AND (", "SELECT partner_id FROM"
    ),
    "Few customers: the period a day shorter": Bug(
        "WHERE day > %s - %s AND is_purchase",
        "WHERE day > %s - %s + 1 AND is_purchase",
        '"commercial_partner_id" = ANY(',
    ),
    "Few customers: rows without documents stay": Bug(
        "OR computed.partner_id IS NULL OR",
        "OR computed.partner_id IS NOT NULL AND",
        "AND partner_id = ANY(",
    ),
    "Compared without the days of the purchases": Bug(
        '"stored"."basis_hash"', '"computed"."basis_hash"'
    ),
    "Queue: the branches' changes are dropped": Bug(
        "OR line.company_id = branch.root_id", "OR line.company_id = drained.company_id"
    ),
    "Queue: a contact without its commercial entity": Bug(
        "SELECT commercial_partner_id FROM res_partner WHERE id = concerned.partner_id",
        "SELECT id FROM res_partner WHERE id = concerned.partner_id",
    ),
    "Queue: more is deleted than was read": Bug(
        "FROM drained LEFT JOIN branch",
        """FROM (SELECT *
                   FROM drained
                  WHERE partner_id IS DISTINCT FROM (
                            SELECT max(partner_id)
                              FROM drained
                            HAVING count(DISTINCT partner_id) > 1
                        )) AS drained
           LEFT JOIN branch""",
    ),
    "Scope: the last of a chunk is followed by a gap": Bug(
        "WHERE line_id = %s AND partner_id > %s ORDER BY partner_id LIMIT %s",
        "WHERE line_id = %s AND partner_id > %s + 4 ORDER BY partner_id LIMIT %s",
    ),
    "Scope: what a failed run left is lost": Bug(
        "AND (line.state IN ('failed', 'stopped') OR run.state = 'interrupted')",
        "AND FALSE",
    ),
    "Trigger: without the former customer": TriggerBug(
        "SELECT -1 AS sign, * FROM old_rows UNION ALL"
        " SELECT 1 AS sign, * FROM new_rows",
        "SELECT 1 AS sign, * FROM new_rows",
    ),
    "Trigger: without deleted documents": TriggerBug(
        names=[
            "customer_change_account_move_delete",
            "customer_change_account_move_line_delete",
        ]
    ),
    "Trigger: without the amount": TriggerBug("amount_untaxed_signed,", ""),
    "Trigger: without the day": TriggerBug(
        "invoice_date, invoice_date_due,", "invoice_date_due,"
    ),
    "Trigger: without changes of contacts": TriggerBug(
        names=["customer_change_res_partner_update"]
    ),
}
