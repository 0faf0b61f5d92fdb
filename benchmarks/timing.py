"""Timing of calls, and tables of the results."""

import gc
import time
from dataclasses import dataclass
from statistics import median


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
    compared: str = "best"  # or "middle"

    @property
    def best(self):
        return min(self.times) * self.scale

    @property
    def middle(self):
        return median(self.times) * self.scale

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


def print_table(title, results, unit_name, digits=2):
    """Print the results as a table in Markdown, times in milliseconds."""
    print(f"\n### {title}\n")
    rows = [("", "min ms", "median ms", unit_name, "")]
    for result in results:
        rows.append(
            (
                result.name,
                f"{result.best * 1000:,.1f}",
                f"{result.middle * 1000:,.1f}",
                f"{result.ratio:,.{digits}f}",
                result.note,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [
            cell.ljust(width) if i in (0, 4) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("| " + " | ".join(cells) + " |")
        if not number:
            lines = [
                "-" * width if i in (0, 4) else "-" * (width - 1) + ":"
                for i, width in enumerate(widths)
            ]
            print("| " + " | ".join(lines) + " |", flush=True)
