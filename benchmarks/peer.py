"""The usual ways, to compare with: a loop in Python, and a synchronised list."""

import subprocess
import sys
import tempfile
import zipfile
from itertools import count
from pathlib import Path

import calls
import database
from timing import Result, repeat

import odoo
from odoo.fields import Command

SAMPLE = 100
#: Customers among whom the mailing list of the other addon is synchronised
LISTED = 10_000
#: From PyPI, the second needs the first
PACKAGES = ("odoo-addon-mass-mailing-partner", "odoo-addon-mass-mailing-list-dynamic")
VERSION = ">=19.0a0,<20"
MODULE = "mass_mailing_list_dynamic"


def measure_usual(filled, unit, repeats):
    """Return the results of a loop over the customers, as most addons do it.

    For each customer of a sample one ``_read_group`` of its invoices and one
    ``write`` of a stored field of the contact; scaled to all customers.
    """
    with database.environment() as env:
        env["ir.model.fields"].create(
            {
                "name": "x_bench_tier",
                "field_description": "Tier of the benchmark",
                "model_id": env["ir.model"]._get_id("res.partner"),
                "ttype": "char",
            }
        )
    sample = min(SAMPLE, filled.customers)
    step = filled.customers // sample
    ids = [filled.first_customer_id + number * step for number in range(sample)]

    def read():
        with database.environment() as env:
            for partner_id in ids:
                env["account.move"]._read_group(
                    [
                        ("commercial_partner_id", "=", partner_id),
                        ("state", "=", "posted"),
                        ("move_type", "in", ("out_invoice", "out_refund")),
                    ],
                    [],
                    ["amount_untaxed_signed:sum", "invoice_date:max", "__count"],
                )

    def write(tier):
        with database.environment() as env:
            for customer in env["res.partner"].browse(ids):
                customer.write({"x_bench_tier": tier})
                env.flush_all()

    tiers = (f"Tier {number}" for number in count(1))  # another one each time
    return [
        Result(
            name,
            times,
            unit,
            f"{sample} customers, scaled",
            scale=filled.customers / sample,
        )
        for name, times in (
            ("one query a customer", repeat(read, repeats)),
            ("one write a customer", repeat(write, repeats, lambda: next(tiers))),
        )
    ]


def measure_dynamic_list(filled):
    """Return results of membership by a condition, ours and the other addon's.

    Ours is a dimension of one category with one rule; the other one is a mailing list
    of contacts that fulfil the same condition.
    """
    with tempfile.TemporaryDirectory() as folder:
        if not _download(folder):
            print("\nThe other addon cannot be downloaded: left out.", flush=True)
            return []
        odoo.tools.config["addons_path"] = [
            *odoo.tools.config["addons_path"],
            f"{folder}/odoo/addons",
        ]
        odoo.modules.module.initialize_sys_path()
        database.install(MODULE)
        last = filled.first_customer_id + min(LISTED, filled.customers) - 1
        domain = [
            ("is_company", "=", True),
            ("id", ">=", filled.first_customer_id),
            ("id", "<=", last),
            ("city", "!=", "City 7"),
            ("email", "!=", False),
        ]
        lists = _measure_list(domain)
        return [
            *lists,
            *_measure_followed(domain, lists),
            *_measure_followed([], lists),
            *_measure_rule(domain, lists),
        ]


def _download(folder):
    """Put the packages into a folder; return whether they are to be had."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--pre"]
        + ["--dest", folder, *(f"{package}{VERSION}" for package in PACKAGES)],
        check=False,
        capture_output=True,
    )
    for wheel in Path(folder).glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder)
    return not done.returncode


def _measure_list(domain):
    """Return results of the mailing list."""
    with database.environment() as env:
        mailing_list = env["mailing.list"].create(
            {
                "name": "Benchmark",
                "dynamic": True,
                "sync_method": "full",
                "sync_domain": str(domain),
            }
        )

    def synchronise():
        with database.environment() as env:
            env["mailing.list"].browse(mailing_list.id).action_sync()

    first, again = repeat(synchronise, 1), repeat(synchronise, 1)
    with database.environment() as env:
        members = len(env["mailing.list"].browse(mailing_list.id).contact_ids)
    note = f"{members:,} members"
    return [
        Result("mailing list, first", first, note=note),
        Result("mailing list, again", again, note=note),
    ]


def _measure_followed(domain, lists):
    """Return results of a mailing list that follows an audience of ours."""
    with database.environment() as env:
        user = env.ref("base.user_admin")
        audience = env["customer.audience"].create(
            {"name": "Benchmark", "domain": str(domain), "user_id": user.id}
        )
        audience = audience.with_user(user)
        mailing_list = audience.env["mailing.list"].create(
            {"name": "Benchmark", "customer_audience_id": audience.id}
        )

    def update():
        with database.environment() as env:
            env["mailing.list"].browse(mailing_list.id)._update_from_audience()

    first, again = repeat(update, 1), repeat(update, 1)
    with database.environment() as env:
        members = env["mailing.list"].browse(mailing_list.id).contact_count
    note = f"{members:,} members"
    return [
        Result("a list that follows an audience, first", first, lists[0], note),
        Result("a list that follows an audience, again", again, lists[1], note),
    ]


def _measure_rule(domain, lists):
    """Return results of a dimension of one rule, compared with those of the list."""
    with database.environment() as env:
        env["customer.dimension"].search([]).active = False
        calls.classify(env)  # ends what the others gave
        dimension = env["customer.dimension"].create(
            {
                "name": "Benchmark",
                "code": "bench_rule",
                "method": "rule",
                "category_ids": [Command.create({"name": "Member"})],
            }
        )
        dimension.rule_ids = [
            Command.create(
                {
                    "name": "Members",
                    "domain": str(domain),
                    "category_id": dimension.category_ids.id,
                }
            )
        ]
        company, category = env.company.id, dimension.category_ids.id

    def classify():
        with database.environment() as env:
            run = calls.classify(env, companies=[company])
            assert run.state == "done", run.line_ids.mapped("error")

    first, again = repeat(classify, 1), repeat(classify, 1)
    with database.environment() as env:
        members = env["customer.assignment"].search_count(
            [("category_id", "=", category)]
        )
    note = f"{members:,} members; all customers are looked at"
    return [
        Result("a rule of ours, first", first, lists[0], note),
        Result("a rule of ours, again", again, lists[1], note),
    ]
