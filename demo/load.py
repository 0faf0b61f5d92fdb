"""Fill a database with the demo: the job of ``./sandbox demo``.

``load`` gets the superuser's environment of a database with the addon installed.
"""

import time
from datetime import timedelta

from odoo import fields
from odoo.fields import Command

from . import loader, online_retail
from .report import tier_table

# As many as load in about 80 seconds on a core
CUSTOMERS = 130
COMPANY_NAME = "Gift Warehouse Demo"
CURRENCY = "GBP"
LANGUAGE = "zh_CN"
# An external id on the company marks a database that is loaded completely. It must
# not be the addon's own: Odoo would delete the company along with the addon.
MARK = "__customer_demo__.company"
INVOICES = "account.group_account_invoice"
USER = "customer_classification.group_customer_classification_payment"
MARKETING = "customer_classification.group_customer_classification_marketing"
MANAGER = "customer_classification.group_customer_classification_manager"
# Login, which is the password too, name, groups
LOGINS = (
    ("sales", "Sam Sales (demo)", ("base.group_partner_manager",)),
    ("user", "Una User (demo)", ("base.group_partner_manager", INVOICES, USER)),
    ("marketer", "Mia Marketer (demo)", ("base.group_partner_manager", MARKETING)),
    (
        "manager",
        "Max Manager (demo)",
        ("base.group_partner_manager", INVOICES, MANAGER),
    ),
)


def load(env, customers=CUSTOMERS):
    """Load the demo once, classify its customers and print the tiers.

    Commits. On a loaded database it only classifies and prints again.

    :param customers: how many customers of the file to load
    """
    company = env.ref(MARK, raise_if_not_found=False)
    if company:
        print(f"Demo data is loaded already: company {company.name}.")
    else:
        company = env.company
        with Step("company, logins"):
            _set_up_company(env, company)
            _create_logins(env, company)
        with Step("Simplified Chinese"):
            _install_language(env)
        _load_documents(env, company, customers)
        env["ir.model.data"]._update_xmlids([{"xml_id": MARK, "record": company}])
        env.cr.commit()
    with Step("classification"):
        env["customer.classification.run"].classify(companies=company)
        env.cr.commit()
    summary(env)


def summary(env):
    """Print the tiers of a loaded database, and who can log in."""
    company = env.ref(MARK)
    print(f"\n{company.name}\n{tier_table(env, company)}\n")
    logins = ", ".join(f"{login}/{login}" for login, _name, _groups in LOGINS)
    print(f"More logins: {logins}", flush=True)


def _load_documents(env, company, customers):
    """Post the documents and payments of a subset, the last of them yesterday."""
    documents = online_retail.read_documents()
    picked = set(online_retail.pick_customers(documents, customers))
    yesterday = fields.Date.context_today(company) - timedelta(days=1)
    # Shifted before the choice, so that recency does not depend on the subset
    shifted = online_retail.shift_to(documents, yesterday)
    documents = [document for document in shifted if document.customer in picked]
    term = env.ref("account.account_payment_term_30days", raise_if_not_found=False)
    with Step(f"{len(picked)} customers, products"):
        partners = loader.create_partners(
            env, documents, property_payment_term_id=term.id if term else False
        )
        loader.create_products(env, documents)
    lines = sum(len(document.lines) for document in documents)
    with Step(f"{len(documents):,} invoices and credit notes, {lines:,} lines") as say:
        moves = loader.post_documents(
            env, company, documents, partners=partners, progress=say
        )
    with Step("payments") as say:
        loader.pay_documents(env, company, documents, moves, yesterday, progress=say)


def _set_up_company(env, company):
    """Name the company, in pounds and with a chart of accounts."""
    currency = env.ref(f"base.{CURRENCY}")
    currency.active = True
    company.write({"name": COMPANY_NAME, "currency_id": currency.id})
    if not company.chart_template:
        env["account.chart.template"].try_loading(
            "generic_coa", company, install_demo=False
        )


def _create_logins(env, company):
    """Create the users to try the demo with; the password is the login."""
    Users = env["res.users"].with_context(no_reset_password=True)
    for login, name, names in LOGINS:
        groups = [env.ref(xmlid) for xmlid in ("base.group_user", *names)]
        Users.create(
            {
                "name": name,
                "login": login,
                "password": login,
                "email": f"{login}@demo.example",
                "company_id": company.id,
                "company_ids": [Command.set(company.ids)],
                "group_ids": [Command.set([group.id for group in groups])],
            }
        )


def _install_language(env):
    """Offer Simplified Chinese, with the terms of all installed modules."""
    language = env["res.lang"].with_context(active_test=False)
    language = language.search([("code", "=", LANGUAGE)])
    if not language.active:
        env["base.language.install"].create(
            {"lang_ids": [Command.set(language.ids)]}
        ).lang_install()


class Step:
    """Prints what is done, how far it is, and how long it took."""

    def __init__(self, title):
        self.title = title

    def __enter__(self):
        self.start = self.reported = time.monotonic()
        return self.progress

    def progress(self, done, total):
        """Report now and then, so that nobody thinks it hangs."""
        if time.monotonic() - self.reported >= 10 and done < total:
            self.reported = time.monotonic()
            print(f"    {self.title}: {done:,} of {total:,}", flush=True)

    def __exit__(self, kind, value, trace):
        if kind is None:
            seconds = time.monotonic() - self.start
            print(f"    {self.title}: {seconds:.1f} s", flush=True)
