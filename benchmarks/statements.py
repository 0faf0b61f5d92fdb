"""Where the time of a run goes: the statements of the addon, by their methods."""

import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass

from odoo.sql_db import Cursor

PACKAGE = "customer_classification"


@dataclass
class Statement:
    """All executions of the statements of one method."""

    calls: int = 0
    seconds: float = 0.0
    rows: int = 0
    slowest: float = 0.0
    sql: str = ""


@contextmanager
def recorded():
    """Yield a dict of :class:`Statement` by name, filled while the context lasts.

    ``other`` is Odoo's own work; the time of commits is counted as ``commit``.
    """
    found = defaultdict(Statement)
    execute, commit = Cursor.execute, Cursor.commit

    def note(name, begin, rows=0, sql=""):
        seconds = time.perf_counter() - begin
        statement = found[name]
        statement.calls += 1
        statement.seconds += seconds
        statement.rows += max(rows, 0)
        if seconds >= statement.slowest:
            statement.slowest, statement.sql = seconds, sql

    def timed_execute(self, query, params=None, log_exceptions=True):
        begin = time.perf_counter()
        result = execute(self, query, params, log_exceptions)
        sql = self._obj.query
        note(_get_caller(), begin, self.rowcount, sql)
        return result

    def timed_commit(self):
        begin = time.perf_counter()
        result = commit(self)
        note("commit", begin)
        return result

    Cursor.execute, Cursor.commit = timed_execute, timed_commit
    try:
        yield found
    finally:
        Cursor.execute, Cursor.commit = execute, commit


def print_statements(title, found, total, unit):
    """Print the statements, those that take longest first.

    :param total: seconds of everything
    :param unit: seconds of the plain aggregate
    """
    print(f"\n### {title}: {total:.1f} s, {total / unit:.2f} plain aggregates\n")
    print("| statement | calls | rows | seconds | slowest | ÷ plain |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    rest = total
    for name, one in sorted(found.items(), key=lambda item: -item[1].seconds):
        rest -= one.seconds
        if one.seconds >= total / 500:
            print(
                f"| {name} | {one.calls:,} | {one.rows:,} | {one.seconds:.2f} "
                f"| {one.slowest:.2f} | {one.seconds / unit:.3f} |"
            )
    print(f"| Python and what is shorter | | | {rest:.2f} | | {rest / unit:.3f} |")


def _get_caller():
    """Return file and method of the addon that the statement is from."""
    frame = sys._getframe(2)
    while frame:
        code = frame.f_code
        if f"/{PACKAGE}/models/" in code.co_filename:
            file = code.co_filename.rpartition("/")[2].removesuffix(".py")
            return f"{file}.{code.co_name}:{frame.f_lineno}"
        frame = frame.f_back
    return "other"
