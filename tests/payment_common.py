from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal

from odoo import fields

from odoo.addons.customer_classification.models.customer_scope import EVERYONE

from . import payment_oracle
from .common import ClassificationCommon

#: The columns compared with the oracle's
COLUMNS = tuple(asdict(payment_oracle.Payments()))


class PaymentCommon(ClassificationCommon):
    """Invoices, and payments that are registered as people register them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Payments = cls.env["customer.payment.figures"]
        cls.bank = cls.company_data["default_journal_bank"]
        cls.receivable = cls.company_data["default_account_receivable"]
        cls.alpha = cls.make_customer("Alpha")
        cls.beta = cls.make_customer("Beta")

    def invoice(self, partner, amount, days_ago, due=None, **values):
        """Post an invoice due so many days ago; by default on its own day."""
        due = days_ago if due is None else due
        if "invoice_payment_term_id" not in values:
            values["invoice_date_due"] = self.day(due)
        return self.post(partner, amount, days_ago, **values)

    def make_term(self, *days):
        """Return payment terms with equal parts due after so many days."""
        shares = [round(100 / len(days), 2)] * (len(days) - 1)
        shares.append(100 - sum(shares))
        return self.env["account.payment.term"].create(
            {
                "name": "Instalments",
                "line_ids": [
                    fields.Command.create(
                        {"value": "percent", "value_amount": share, "nb_days": number}
                    )
                    for share, number in zip(shares, days, strict=True)
                ],
            }
        )

    def pay(self, invoices, days_ago, amount=None, **values):
        """Register a payment in Odoo's own dialog; return it."""
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=invoices.ids)
            .create({"payment_date": self.day(days_ago)})
        )
        if amount is not None:
            values = {"amount": amount, **values}
        for name, value in values.items():
            wizard[name] = value
        return wizard._create_payments()

    def prepay(self, partner, amount, days_ago, **values):
        """Post a payment that pays no invoice yet; return its receivable item."""
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound" if amount > 0 else "outbound",
                "partner_type": "customer",
                "partner_id": partner.id,
                "amount": abs(amount),
                "date": self.day(days_ago),
                "journal_id": self.bank.id,
                "payment_method_line_id": (
                    self.inbound_payment_method_line
                    if amount > 0
                    else self.outbound_payment_method_line
                ).id,
                **values,
            }
        )
        payment.action_post()
        return self.items(payment.move_id)

    def book(self, partner, amount, days_ago, journal=None):
        """Post an entry that the customer owes more by, or less; return its item."""
        move = self.env["account.move"].create(
            {
                "move_type": "entry",
                "date": self.day(days_ago),
                "journal_id": (journal or self.company_data["default_journal_misc"]).id,
                "line_ids": [
                    fields.Command.create(
                        {
                            "partner_id": partner.id,
                            "account_id": account.id,
                            "balance": balance,
                        }
                    )
                    for account, balance in (
                        (self.receivable, amount),
                        (self.company_data["default_account_expense"], -amount),
                    )
                ],
            }
        )
        move.action_post()
        return self.items(move)

    @staticmethod
    def items(moves):
        """Return the receivable items of entries."""
        return moves.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )

    def match(self, *items):
        """Match journal items with each other."""
        self.env["account.move.line"].union(*items).reconcile()

    def compute(self, as_of=None, company=None, scope=EVERYONE, **settings):
        """Return the figures of a day by customer, as the database has them."""
        company = company or self.env.company
        settings = {**company._get_customer_settings(), **settings}
        rows = self.env.execute_query_dict(
            self.Payments._get_query(company, as_of or self.today, scope, settings)
        )
        partners = self.env["res.partner"]
        return {
            partners.browse(row.pop("partner_id")): {
                name: Decimal(repr(value)) if isinstance(value, float) else value
                for name, value in row.items()
            }
            for row in rows
        }

    def expect(self, as_of=None, company=None, **kwargs):
        """Return what the oracle says of a day by customer."""
        company = company or self.env.company
        items = self.env["account.move.line"].search(
            [
                ("company_id", "child_of", company.id),
                ("account_id.account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
                ("partner_id", "!=", False),
            ]
        )
        return payment_oracle.compute(items, as_of or self.today, **kwargs)

    def assert_exact(self, as_of=None, company=None, computed=None, **kwargs):
        """Compare the figures of a day with the oracle's, every digit."""
        if computed is None:
            computed = self.compute(as_of, company, **kwargs)
        if "window_days" in kwargs:
            kwargs["window"] = kwargs.pop("window_days")
        expected = self.expect(as_of, company, **kwargs)
        nothing = asdict(payment_oracle.Payments())
        for customer in expected.keys() | computed.keys():
            row = computed.get(customer, nothing)
            wanted = expected.get(customer)
            self.assertEqual(
                {name: row[name] for name in COLUMNS},
                asdict(wanted) if wanted else nothing,
                (customer.name, as_of or self.today),
            )
        self.assertLessEqual(expected.keys(), computed.keys())
        return computed

    def days_from(self, first, last):
        """Yield the days from so many days ago to so many days ago."""
        for days_ago in range(first, last - 1, -1):
            yield self.today - timedelta(days=days_ago)
