"""Post documents as real invoices, with partners, products and payments.

For ``./sandbox demo`` and for tests that want a real ledger::

    moves = post_documents(env, company, read_documents())

Everything goes through Odoo's own ``create``, ``action_post`` and ``reconcile``.
"""

from collections import Counter, defaultdict
from itertools import groupby

from odoo.fields import Command
from odoo.tools import SQL

from . import catalogue
from .payments import plan_settlements

# Large enough to share the work per batch, small enough to keep the cache small
BATCH_LINES = 1000
BATCH_PAYMENTS = 100


def create_partners(env, documents, **values):
    """Return {customer number: partner}, creating a company for each new number.

    :param values: further values of new partners, such as ``company_id``
    """
    countries = {document.customer: document.country for document in documents}
    Partner = env["res.partner"].with_context(tracking_disable=True)
    found = Partner.search([("ref", "in", list(countries)), ("is_company", "=", True)])
    partners = {partner.ref: partner for partner in found}
    country_ids = {
        country.code: country.id for country in env["res.country"].search([])
    }
    created = Partner.create(
        [
            {
                "name": catalogue.company_name(customer),
                "ref": customer,
                "is_company": True,
                "customer_rank": 1,
                "email": f"accounts@customer-{customer}.example",
                "country_id": country_ids.get(catalogue.COUNTRY_CODES.get(country)),
                "comment": f"Fictional name. The purchases are those of customer "
                f"{customer} of the public Online Retail data set.",
                **values,
            }
            for customer, country in countries.items()
            if customer not in partners
        ]
    )
    return partners | {partner.ref: partner for partner in created}


def create_products(env, documents):
    """Return {stock code: product}, creating those that are new.

    A product is called what the file calls it most often, at its usual price.
    """
    names, prices = defaultdict(Counter), defaultdict(Counter)
    for document in documents:
        for line in document.lines:
            names[line.stock_code][line.description] += 1
            prices[line.stock_code][line.unit_price] += 1
    Product = env["product.product"].with_context(tracking_disable=True)
    found = Product.search([("default_code", "in", list(names))])
    products = {product.default_code: product for product in found}
    categories = _create_categories(env)
    values = []
    for code in names.keys() - products.keys():
        name = names[code].most_common(1)[0][0]
        values.append(
            {
                "name": name,
                "default_code": code,
                "type": "service" if code in catalogue.SERVICES else "consu",
                "list_price": float(prices[code].most_common(1)[0][0]),
                "categ_id": categories[catalogue.product_category(code, name)].id,
                "taxes_id": [Command.clear()],
                "supplier_taxes_id": [Command.clear()],
            }
        )
    values.sort(key=lambda vals: vals["default_code"])
    created = Product.create(values)
    return products | {product.default_code: product for product in created}


def _create_categories(env):
    """Return {name: product category} for the guessed categories."""
    names = [name for name, _words in catalogue.CATEGORIES] + ["Charges", "Other gifts"]
    Category = env["product.category"]
    found = Category.search([("name", "in", names), ("parent_id", "=", False)])
    missing = [name for name in names if name not in found.mapped("name")]
    created = Category.create([{"name": name} for name in missing])
    return {category.name: category for category in found | created}


def post_documents(
    env, company, documents, partners=None, merge_lines=False, progress=None
):
    """Post customer invoices and credit notes, without taxes, in company currency.

    A document's number in the file becomes the reference of its invoice. The amounts
    are taken as amounts of the company's currency, which needs two decimals.

    :param partners: {customer number: partner}; made by :func:`create_partners` if None
    :param merge_lines: one line per document with its exact total and without product,
        several times faster
    :param progress: called with the documents posted and the documents in total
    :return: the posted ``account.move`` records, in the order of the documents
    """
    env = env(context={**env.context, "tracking_disable": True})
    env = env["res.company"].with_company(company).env
    documents = list(documents)
    if partners is None:
        partners = create_partners(env, documents)
    products = {} if merge_lines else create_products(env, documents)
    journal = env["account.journal"].search(
        [("type", "=", "sale"), ("company_id", "=", company.id)], limit=1
    )
    shared = {
        "company_id": company.id,
        "currency_id": company.currency_id.id,
        "journal_id": journal.id,
    }
    Move = env["account.move"]
    done = Move.browse()
    for batch in _batches(documents, merge_lines):
        moves = Move.create(
            [
                {
                    **shared,
                    "move_type": "out_refund" if document.is_refund else "out_invoice",
                    "partner_id": partners[document.customer].id,
                    "invoice_date": document.date,
                    "ref": document.number,
                    "invoice_line_ids": [
                        Command.create(values)
                        for values in _line_values(document, products, journal)
                    ],
                }
                for document in batch
            ]
        )
        if not done:
            _update_statistics(env)
        moves.action_post()
        env.flush_all()
        env.invalidate_all()
        done += moves
        if progress:
            progress(len(done), len(documents))
    return done


def _batches(documents, merge_lines):
    """Yield lists of consecutive documents of about BATCH_LINES lines each."""
    lines_before, numbered = 0, []
    for document in documents:
        numbered.append((lines_before // BATCH_LINES, document))
        # A document costs about as much as three lines.
        lines_before += 3 + (1 if merge_lines else len(document.lines))
    for _number, batch in groupby(numbered, key=lambda pair: pair[0]):
        yield [document for _number, document in batch]


def _line_values(document, products, journal):
    """Return the values of the invoice lines of a document.

    The balance is given along with quantity and price: Odoo accepts that, and else
    derives the very same value by one write per line, at twice the time. An analytic
    distribution is given as none: Odoo would search one for each line.
    """
    sign = -1 if document.is_refund else 1
    if products:
        lines = [
            (line.description, sign * line.quantity, line.unit_price, line.amount)
            for line in document.lines
        ]
    else:
        lines = [(document.number, 1, sign * document.amount, document.amount)]
    for index, (name, quantity, price, amount) in enumerate(lines):
        values = {
            "name": name,
            "quantity": float(quantity),
            "price_unit": float(price),
            "balance": float(-amount),
            "amount_currency": float(-amount),
            "account_id": journal.default_account_id.id,
            "tax_ids": [Command.clear()],
            "analytic_distribution": False,
        }
        if products:
            values["product_id"] = products[document.lines[index].stock_code].id
        yield values


def _update_statistics(env):
    """Tell PostgreSQL that the ledger is no longer empty.

    It learns that by itself a minute after a commit. Until then it takes the tables
    for empty, and Odoo's query for the payment state of 100 invoices can run for many
    minutes (seen) instead of milliseconds.
    """
    for table in ("account_move", "account_move_line", "account_partial_reconcile"):
        env.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))


def pay_documents(env, company, documents, moves, last_day, progress=None):
    """Register and reconcile the payments of :func:`payments.plan_settlements`.

    :param moves: the posted moves, in the order of the documents
    :param last_day: no payment is later
    :return: the payments
    """
    env = env(context={**env.context, "tracking_disable": True})
    env = env["res.company"].with_company(company).env
    documents = list(documents)
    move_ids = {
        document.number: move.id
        for document, move in zip(documents, moves, strict=True)
    }
    journal = env["account.journal"].search(
        [("type", "=", "bank"), ("company_id", "=", company.id)], limit=1
    )
    settlements = plan_settlements(documents, last_day)
    payments = env["account.payment"].browse()
    for start in range(0, len(settlements), BATCH_PAYMENTS):
        batch = settlements[start : start + BATCH_PAYMENTS]
        settled = [
            env["account.move"].browse(move_ids[d.number] for d in settlement.documents)
            for settlement in batch
        ]
        payments += _settle(env, journal, batch, settled)
        env.flush_all()
        env.invalidate_all()
        if progress:
            progress(start + len(batch), len(settlements))
    return payments


def _settle(env, journal, settlements, settled):
    """Pay and reconcile a batch of settlements.

    :param settled: the moves of each settlement
    """
    payable = [(s, moves) for s, moves in zip(settlements, settled, strict=True)]
    transfers = [(s, moves) for s, moves in payable if s.amount]
    payments = env["account.payment"].create(
        [
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": moves[0].commercial_partner_id.id,
                "journal_id": journal.id,
                "currency_id": moves[0].currency_id.id,
                "amount": float(settlement.amount),
                "date": settlement.day,
                "memo": ", ".join(moves.mapped("name")),
                "invoice_ids": [Command.set(moves.ids)],
            }
            for settlement, moves in transfers
        ]
    )
    payments.action_post()
    payment_moves = {
        id(settlement): payment.move_id
        for (settlement, _moves), payment in zip(transfers, payments, strict=True)
    }
    # One plan for all: Odoo then writes the matchings of the batch at once.
    env["account.move.line"]._reconcile_plan(
        [
            (moves | payment_moves.get(id(settlement), moves)).line_ids.filtered(
                lambda line: line.account_id.account_type == "asset_receivable"
            )
            for settlement, moves in payable
        ]
    )
    return payments
