"""The benchmarks behind ``./sandbox bench``; see README.md beside it.

Nothing here fails because something is slow: the output is a table. It fails where the
figures differ from a plain aggregate of the invoices, where a night with nothing to do
writes anything, and where a save of a contact fails.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import audience
import calls
import campaign
import database
import engine
import filling
import meters
import peer
import people
import posting
import search
import statements
from dimensions import fill_dimensions
from timing import print_table

#: What can be measured, in the order in which it is
PARTS = (
    "runs",
    "nights",
    "version",
    "dimensions",
    "posting",
    "reading",
    "saving",
    "many",
    "audience",
    "lists",
    "statements",
)
#: What is measured only when it is asked for
ON_DEMAND = ("lists", "statements")


def parse():
    parser = argparse.ArgumentParser(
        prog="sandbox bench", description=__doc__.split("\n\n")[0], allow_abbrev=False
    )
    add = parser.add_argument
    add("--customers", type=int, default=10_000, metavar="N")
    add("--documents", type=int, metavar="N", help="ten for each customer by default")
    add("--repeats", type=int, default=3, metavar="N", help="of each run")
    add("--part", action="append", choices=PARTS, help="only this; may be repeated")
    add("--peer", action="store_true", help="the usual ways, too")
    add("--json", type=Path, metavar="FILE", help="write it there, too")
    add("--database", default=database.DEFAULT, metavar="NAME")
    add("--keep", action="store_true", help="keep the database, to measure it again")
    add("--fill", action="store_true", help="only make and keep the database")
    add("--no-lines", action="store_true", help="no product lines: less space")
    add("--paid", type=int, default=100, metavar="PERCENT", help="with real payments")
    options = parser.parse_args()
    options.documents = options.documents or 10 * options.customers
    if options.customers < 1000 or options.documents < 1:
        parser.error("at least 1000 customers and one document are needed")
    return options


def main():
    options = parse()
    if "SANDBOX_TEMPLATE" not in os.environ:
        sys.exit("Call it as ./sandbox bench.")
    database.use(options.database)
    filled = find_filled(options)
    is_new = filled is None
    tables = {}
    try:
        filled = filled or fill(options)
        if not options.fill:
            with database.durable():
                for name, results in measure(filled, options):
                    tables[name] = [result.as_dict() for result in results]
    finally:
        if options.json:
            write_json(options.json, options, tables)
        if is_new and not (options.keep or options.fill):
            database.drop()


def find_filled(options):
    """Return what a former call left in the database, or None to make it anew."""
    if not database.exists():
        return None
    filled = filling.load()
    if filled and filled.customers == options.customers:
        print_size(filled, "filled before")
        return filled
    if options.database != database.DEFAULT:
        size = f"{filled.customers} customers" if filled else "no benchmarks"
        sys.exit(f"The database {options.database} has {size}: choose another name.")
    return None


def fill(options):
    begin = time.monotonic()
    database.create()
    filled = filling.fill(
        options.customers,
        options.documents,
        not options.no_lines,
        options.paid,
        lambda text: print(f"  {text}", flush=True),
    )
    print_size(filled, f"filled in {time.monotonic() - begin:.0f} s")
    return filled


def print_size(filled, how):
    print(
        f"{filled.customers:,} customers, {filled.documents:,} posted documents, "
        f"{os.cpu_count()} cores; {how}; load average {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def write_json(path, options, tables):
    size = {"customers": options.customers, "documents": options.documents}
    content = {**size, "cores": os.cpu_count(), **tables}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def measure(filled, options):
    """Measure everything, printing rows as they come; yield name and results."""
    parts = options.part or [part for part in PARTS if part not in ON_DEMAND]
    plain = engine.measure_plain(max(options.repeats, 3))
    others, metrics = engine.keep_one_dimension()

    def table(title, results, unit_name="÷ plain", **arguments):
        return title, print_table(title, results, unit_name, **arguments)

    if "runs" in parts:
        results = engine.measure_full(plain, options.repeats)
        yield table("Runs", [plain], costs=True)
        yield table("Runs of everybody", results, costs=True)
    elif "statements" in parts:
        print_statements(filled, plain)
    else:
        with database.environment() as env:
            calls.full(env)
        engine.analyse()
    if "nights" in parts:
        results = engine.measure_nights(filled, plain, options.repeats)
        yield table("Nights", results, costs=True)
        print_space()
    if "version" in parts:
        yield table("A new version", engine.measure_version(plain), costs=True)
    if "posting" in parts:
        yield table("Posting", posting.measure_posting(filled), "÷ without")
    if "saving" in parts:
        yield table("Saving a contact", people.measure_saving(filled), "÷ no run")
    if "dimensions" in parts:
        results = engine.measure_dimensions(others, plain, options.repeats)
        yield table("Each dimension more", results, costs=True)
        engine.restore(metrics)
        again = engine.measure_all(plain, options.repeats)
        yield table("Runs of all dimensions", again, costs=True)
        print_space()
    if "reading" in parts:
        results = people.measure_reading(filled)
        yield table("Reading contacts", results, "÷ stored")
    if "many" in parts or "audience" in parts:
        yield from measure_filled_dimensions(filled, parts, table)
    # Last, since they add fields to the contact and rewrite contacts
    if options.peer or "lists" in parts:
        yield table("Lists", peer.measure_dynamic_list(filled), "÷ list")
    if options.peer:
        yield table("The usual loop", [plain, *peer.measure_usual(filled, plain, 1)])


def measure_filled_dimensions(filled, parts, table):
    """Measure what has to do with many dimensions."""
    dimensions = fill_dimensions(filled)
    if "many" in parts:
        yield from measure_many(filled, dimensions, table)
    if "audience" in parts:
        audience.compute_figures()
        audience.fill_addresses(filled)
        results = audience.measure(filled, dimensions)
        yield table("Counts of an audience", results, "÷ count")
        results = campaign.measure(filled, results[0])
        yield table("A campaign to everybody", results, "÷ count")


def measure_many(filled, dimensions, table):
    """Measure the list of customers with many dimensions."""
    unit = search.measure_plain(5)
    print(f"\n{dimensions.assignments:,} assignments in 16 dimensions more", flush=True)
    everyone = search.measure(filled.user_id, dimensions, unit)
    yield table("Many dimensions, all customers", [unit, *everyone])
    own = search.measure(dimensions.salesperson_id, dimensions, unit)
    yield table("Many dimensions, own customers only", [unit, *own])


def print_statements(filled, plain):
    """Print where the time of full runs and of nights goes."""
    calls.forget()
    prefix = f"STATEMENT{int(time.time())}N"
    for title, call, bought in (
        ("Statements of a first full run", calls.full, None),
        ("Statements of a full run again", calls.full, None),
        ("Statements of a night, 1 % bought, who buy often", calls.night, True),
        ("Statements of a night, 1 % bought, whoever they are", calls.night, False),
    ):
        if bought is not None:
            filled.add_invoices(filled.customers // 100, f"{prefix}{bought}", bought)
        with statements.recorded() as found, database.environment() as env:
            begin = time.perf_counter()
            call(env)
            env.cr.commit()
            seconds = time.perf_counter() - begin
        statements.print_statements(title, found, seconds, plain.best)
        engine.analyse()


def print_space():
    print(f"\n### Space\n\n| {'':40} |       rows |  table MB | indexes MB |")
    print(f"| {'-' * 40} | ---------: | --------: | ---------: |")
    for name, rows, table, indexes in meters.measure_space():
        print(
            f"| {name:40} | {rows:10,} | {table / 1e6:9,.1f} | {indexes / 1e6:10,.1f} |"
        )


if __name__ == "__main__":
    main()
