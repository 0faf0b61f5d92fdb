"""Timing of calls, and tables of the results."""

import gc
import time
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass
class Result:
    """Repeated times of one thing, in seconds.

    ``unit`` is what the ratio is taken to; ``note`` says what was counted.
    """

    name: str
    times: list
    unit: "Result | None" = None
    note: str = ""
    scale: float = 1.0  # of a sample to all customers
    compared: str = "best"  # or "middle" or "late"
    wal: int | None = None  # bytes, of the last
    memory: list | None = None  # peak bytes of this process and of the server's
    step: float | None = None  # seconds of the longest transaction

    def add(self, meter):
        """Take over what a meter measured."""
        self.times.append(meter.seconds)
        self.step = max(self.step or 0, meter.step)
        self.wal = meter.wal
        self.memory = meter.memory

    @property
    def best(self):
        return min(self.times) * self.scale

    @property
    def middle(self):
        return median(self.times) * self.scale

    @property
    def late(self):
        """The 95th percentile."""
        return quantiles(self.times, n=20, method="inclusive")[-1] * self.scale

    @property
    def ratio(self):
        """Of the best times, which neighbours on the machine disturb least."""
        unit = self.unit or self
        return getattr(self, self.compared) / getattr(unit, self.compared)

    def as_dict(self):
        return {
            "name": self.name,
            "min_s": self.best,
            "median_s": self.middle,
            "repeats": len(self.times),
            "ratio": self.ratio,
            "wal_bytes": self.wal,
            "memory_bytes": self.memory,
            "step_s": self.step,
            "note": self.note,
        }


def repeat(function, repeats, before=None):
    """Return the times of ``repeats`` calls of ``function``.

    ``before`` runs before each call, untimed; what it returns is the argument.
    """
    times = []
    for _number in range(repeats):
        value = before() if before else None
        arguments = () if value is None else (value,)
        gc.collect()
        begin = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - begin)
    return times


def print_table(title, results, unit_name, costs=False, digits=3):
    """Print results as a table in Markdown, each row as soon as it is there.

    :param results: an iterable
    :param str unit_name: what the ratios are to
    :param bool costs: whether to show the longest step, WAL and memory, too
    :return: the results
    """
    headings = ["", "min ms", "median ms", unit_name]
    if costs:
        headings += ["step ms", "WAL MB", "Odoo MB", "server MB"]
    widths = [36, *(max(len(heading), 11) for heading in headings[1:])]
    print(f"\n### {title}\n")
    _print_row([*headings, ""], widths)
    lines = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    _print_row([*lines, "---"], widths)
    done = []
    for result in results:
        done.append(result)
        cells = [
            f"{result.best * 1000:,.1f}",
            f"{result.middle * 1000:,.1f}",
            f"{result.ratio:,.{digits}f}",
        ]
        if costs:
            cells.append("" if result.step is None else f"{result.step * 1000:,.1f}")
            cells += map(_format_megabytes, [result.wal, *(result.memory or [])])
            cells += [""] * (len(headings) - 1 - len(cells))
        _print_row([result.name, *cells, result.note], widths)
    return done


def _print_row(cells, widths):
    name, *numbers, note = cells
    texts = [name.ljust(widths[0])]
    texts += (
        cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)
    )
    print(f"| {' | '.join(texts)} | {note} |", flush=True)


def _format_megabytes(size):
    return "" if size is None else f"{size / 1e6:,.1f}"
