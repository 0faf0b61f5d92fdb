"""The benchmarks behind ``./sandbox bench``; see README.md beside it.

Nothing here fails because something is slow: the output is a table. It fails where the
figures differ from a plain aggregate of the invoices.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import database
import engine
import people
import search
from dimensions import fill_dimensions
from filling import fill
from timing import print_table


def parse():
    parser = argparse.ArgumentParser(
        prog="sandbox bench", description=__doc__.split("\n\n")[0], allow_abbrev=False
    )
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--invoices", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5, help="of each run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it there, too")
    parser.add_argument("--keep", action="store_true", help="keep the database bench")
    options = parser.parse_args()
    if options.customers < engine.SCOPED or options.invoices < 1:
        parser.error(f"at least {engine.SCOPED} customers and one invoice are needed")
    return options


def main():
    options = parse()
    if "SANDBOX_TEMPLATE" not in os.environ:
        sys.exit("Call it as ./sandbox bench.")
    begin = time.monotonic()
    database.create()
    try:
        filled = fill(options.customers, options.invoices)
        print(
            f"{options.customers:,} customers, {options.invoices:,} posted documents, "
            f"{os.cpu_count()} cores; filled in {time.monotonic() - begin:.0f} s",
            flush=True,
        )
        tables = measure(filled, options.repeats)
    finally:
        if not options.keep:
            database.drop()
    if options.json:
        options.json.write_text(
            json.dumps(
                {
                    "customers": options.customers,
                    "invoices": options.invoices,
                    "cores": os.cpu_count(),
                    **{
                        name: [result.as_dict() for result in results]
                        for name, results in tables.items()
                    },
                },
                indent=2,
            )
            + "\n",
            encoding="utf-8",
        )


def measure(filled, repeats):
    """Measure everything, printing each table when it is complete."""
    plain = engine.measure_plain(3 * repeats)
    runs = [plain, *engine.measure(filled, plain, repeats)]
    print_table("Runs", runs, "÷ plain")
    reading = people.measure_reading(filled)
    print_table("Reading contacts", reading, "÷ stored")
    saving = people.measure_saving(filled)
    print_table("Saving a contact", saving, "÷ no run")
    dimensions = fill_dimensions(filled)
    unit = search.measure_plain(3 * repeats)
    print(f"\n{dimensions.assignments:,} assignments in 16 dimensions more", flush=True)
    everyone = [unit, *search.measure(filled.user_id, dimensions, unit)]
    print_table("Many dimensions, all customers", everyone, "÷ plain")
    own = [unit, *search.measure(dimensions.salesperson_id, dimensions, unit)]
    print_table("Many dimensions, own customers only", own, "÷ plain")
    # Last, since it adds a field to the contact and rewrites contacts
    usual = engine.measure_usual(filled, plain, 3)
    print_table("The usual loop", usual, "÷ plain")
    return {
        "runs": runs,
        "reading": reading,
        "saving": saving,
        "everyone": everyone,
        "own": own,
        "usual": usual,
    }


if __name__ == "__main__":
    main()
