"""The real rows that all others are copies of, made and posted by Odoo."""

from dataclasses import dataclass
from datetime import date, timedelta

from odoo import fields
from odoo.fields import Command

YEARS = 3
#: Companies with their currencies and shares of the customers in percent
COMPANIES = [("Main", "USD", 80), ("Second", "EUR", 15), ("Third", "GBP", 5)]
#: Of the first currency for one of each other
PRICES = {"USD": 1.0, "EUR": 1.1, "GBP": 1.25}
CATEGORIES = 8
PRODUCTS = 48
USER_GROUPS = (
    "base.group_user",
    "base.group_partner_manager",
    "customer_classification.group_customer_classification_user",
)


@dataclass(frozen=True)
class Pattern:
    """Ids of one company's real rows."""

    company_id: int
    currency_id: int
    invoice_id: int
    receivable_id: int  # the journal item of the invoice
    product_line_id: int
    payment_id: int
    payment_move_id: int
    payment_line_id: int
    partial_id: int
    full_id: int


@dataclass(frozen=True)
class Patterns:
    """Everything that there is but customers and documents."""

    companies: list
    currencies: list  # ids
    rates: list  # (company's number, currency, year, units per company currency)
    products: list
    customer_id: int
    contact_id: int
    user_id: int


def create_patterns(env):
    """Return the patterns, in a database without any accounting."""
    currencies = _activate_currencies(env)
    companies = _create_companies(env, currencies)
    rates = _create_rates(env, companies, currencies)
    products = _create_products(env, companies)
    customer = env["res.partner"].create(
        {
            "name": "Pattern",
            "is_company": True,
            "email": "pattern@example.com",
            "city": "Springfield",
            "country_id": env.ref("base.us").id,
        }
    )
    contact = env["res.partner"].create(
        {"name": "Person", "parent_id": customer.id, "email": "person@example.com"}
    )
    user = env["res.users"].create(
        {
            "name": "Person",
            "login": "person",
            "company_ids": [Command.set(companies.ids)],
            "group_ids": [Command.set([env.ref(name).id for name in USER_GROUPS])],
        }
    )
    patterns = Patterns(
        [_create_pattern(env, company, customer, products[0]) for company in companies],
        currencies.ids,
        rates,
        products.ids,
        customer.id,
        contact.id,
        user.id,
    )
    env.flush_all()
    return patterns


def _activate_currencies(env):
    currencies = env["res.currency"]
    for name in PRICES:
        currencies |= currencies.with_context(active_test=False).search(
            [("name", "=", name)]
        )
    currencies.active = True
    return currencies


def _create_companies(env, currencies):
    companies = env.company
    for (name, _currency, _share), currency in zip(
        COMPANIES[1:], currencies[1:], strict=True
    ):
        companies |= env["res.company"].create(
            # without a country: that would install its localisation
            {"name": name, "currency_id": currency.id}
        )
    env.user.company_ids |= companies
    for company, currency in zip(companies, currencies, strict=True):
        env["account.chart.template"].try_loading(
            "generic_coa", company, install_demo=False
        )
        # The chart sets the country's
        company.currency_id = currency
    return companies


def _create_rates(env, companies, currencies):
    """Let the other currencies' prices rise by two percent every year."""
    this_year = fields.Date.today().year
    rates = []
    for number, company in enumerate(companies):
        own = PRICES[company.currency_id.name]
        for currency in currencies:
            for year in range(this_year - YEARS - 1, this_year + 1):
                rate = 1.0
                if currency != company.currency_id:
                    growth = 1.02 ** (year - this_year)
                    rate = round(own / (PRICES[currency.name] * growth), 6)
                    env["res.currency.rate"].create(
                        {
                            "currency_id": currency.id,
                            "company_id": company.id,
                            "name": date(year, 1, 1),
                            "rate": rate,
                        }
                    )
                rates.append((number, currency.id, year, rate))
    return rates


def _create_products(env, companies):
    categories = env["product.category"].create(
        [{"name": f"Category {number}"} for number in range(CATEGORIES)]
    )
    products = env["product.product"].create(
        [
            {
                "name": f"Product {number}",
                "type": "service",
                "categ_id": categories[number % CATEGORIES].id,
                "list_price": 100,
            }
            for number in range(PRODUCTS)
        ]
    )
    for company in companies:
        for number, product in enumerate(products.with_company(company)):
            product.standard_price = 40 + number
    return products


def _create_pattern(env, company, customer, product):
    """Return one company's: an invoice that is paid."""
    env = env(context={**env.context, "allowed_company_ids": company.ids})
    invoice = env["account.move"].create(
        {
            "move_type": "out_invoice",
            "partner_id": customer.id,
            "invoice_date": fields.Date.today() - timedelta(days=YEARS * 365),
            "invoice_line_ids": [
                Command.create(
                    {"product_id": product.id, "price_unit": 100, "tax_ids": []}
                )
            ],
        }
    )
    invoice.action_post()
    # Without such an account a payment has no journal entry
    bank = env["account.journal"].search(
        [("type", "=", "bank"), ("company_id", "=", company.id)], limit=1
    )
    bank.inbound_payment_method_line_ids.payment_account_id = env[
        "account.account"
    ].create(
        {
            "name": "Outstanding Receipts",
            "code": "101999",
            "account_type": "asset_current",
            "reconcile": True,
        }
    )
    wizard = env["account.payment.register"].with_context(
        active_model="account.move", active_ids=invoice.ids
    )
    payment = wizard.create({})._create_payments()
    env.flush_all()
    receivable = invoice.line_ids.filtered(
        lambda line: line.account_id.account_type == "asset_receivable"
    )
    partial = receivable.matched_credit_ids
    return Pattern(
        company.id,
        company.currency_id.id,
        invoice.id,
        receivable.id,
        (invoice.line_ids - receivable).id,
        payment.id,
        payment.move_id.id,
        partial.credit_move_id.id,
        partial.id,
        partial.full_reconcile_id.id,
    )
