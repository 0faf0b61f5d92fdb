import random
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from odoo.addons.customer_classification.models.customer_scope import Scope

from .payment_common import COLUMNS, PaymentCommon


@tagged("post_install", "-at_install")
class TestRandomPayments(PaymentCommon):
    """Whatever was posted and matched, on whichever day: what the oracle says."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro = cls.setup_other_currency(
            "EUR",
            rates=[
                (cls.today - timedelta(days=d), 0.5 + d / 90) for d in (120, 60, 30, 9)
            ],
        )
        cls.terms = cls.env["account.payment.term"].create(
            {
                "name": "Instalments",
                "line_ids": [
                    fields.Command.create(
                        {"value": "percent", "value_amount": share, "nb_days": days}
                    )
                    for share, days in ((50, 5), (30, 25), (20, 60))
                ],
            }
        )
        cls.contact = cls.env["res.partner"].create(
            {"name": "Clerk", "parent_id": cls.alpha.id}
        )

    def do_something(self, chance):
        """Post, pay, credit or match at random; dates from 100 days ago to 20 ahead."""
        partner = chance.choice((self.alpha, self.alpha, self.beta, self.contact))
        days_ago = chance.randint(-20, 100)
        amount = chance.randint(1, 50000) / 100
        moves = self.env["account.move"].search(
            [
                ("move_type", "in", ["out_invoice", "out_receipt", "out_refund"]),
                ("payment_state", "in", ["not_paid", "partial"]),
                ("state", "=", "posted"),
                ("company_id", "=", self.env.company.id),
            ]
        )
        values = {}
        if chance.random() < 0.3:
            values["currency_id"] = self.euro.id
        what = chance.random()
        if what < 0.45 or not moves:
            if chance.random() < 0.4:
                values["invoice_payment_term_id"] = self.terms.id
            if chance.random() < 0.15:
                values["move_type"] = "out_receipt"
            due = days_ago - chance.randint(0, 40)
            self.invoice(partner, amount, days_ago, due, **values)
        elif what < 0.55:
            self.post(partner, -amount, days_ago, **values)
        elif what < 0.8:
            move = moves[chance.randrange(len(moves))]
            paid = None
            if chance.random() < 0.5:
                paid = max(round(move.amount_residual * chance.random() * 1.4, 2), 0.01)
            if chance.random() < 0.3:
                values = {"currency_id": (move.currency_id or self.euro).id}
            self.pay(move, chance.randint(-15, 90), paid, **values)
        elif what < 0.9:
            self.prepay(partner, chance.choice((1, 1, 1, -1)) * amount, days_ago)
        else:
            self.book(partner, chance.choice((1, -1)) * amount, days_ago)
        if chance.random() < 0.4:
            self.match_some(chance)

    def match_some(self, chance):
        items = self.env["account.move.line"].search(
            [
                ("account_id", "=", self.receivable.id),
                ("reconciled", "=", False),
                ("parent_state", "=", "posted"),
                ("company_id", "=", self.env.company.id),
            ]
        )
        debits = items.filtered(lambda item: item.amount_residual > 0)
        credits = items.filtered(lambda item: item.amount_residual < 0)
        if debits and credits:
            self.match(
                debits[chance.randrange(len(debits))],
                credits[chance.randrange(len(credits))],
            )

    def assert_always_exact(self, first, last, window):
        """Compare each day with the oracle, and with what the day before promised."""
        former = {}
        for day in self.days_from(first, last):
            computed = self.compute(day, window_days=window)
            self.assert_exact(day, computed=computed, window_days=window)
            for customer, row in former.items():
                if not row["next_due"] or row["next_due"] > day:
                    now = computed.get(customer)
                    self.assertTrue(now, "a row that was not due is gone")
                    self.assertEqual(
                        {name: now[name] for name in COLUMNS},
                        {name: row[name] for name in COLUMNS},
                        (customer.name, day),
                    )
                else:
                    self.assertGreaterEqual(row["next_due"], day)
            for customer in computed.keys() - former.keys():
                # it was not announced by a row, so there must have been nothing
                self.assertFalse(former and self.is_known_before(customer, day))
            former = computed
        return former

    def is_known_before(self, customer, day):
        """Whether anything of the customer exists that could have been announced."""
        yesterday = self.compute(day - timedelta(days=1))
        return customer in yesterday

    def test_every_day(self):
        chance = random.Random(1)
        for window in (30, 365):
            for _step in range(12):
                self.do_something(chance)
            self.assert_always_exact(40, -45, window)

    def test_scopes_are_parts_of_the_whole(self):
        chance = random.Random(7)
        for _step in range(20):
            self.do_something(chance)
        whole = self.compute()
        parts = {}
        for customer in self.alpha + self.beta:
            parts |= self.compute(scope=Scope.of(customer.ids))
        self.assertEqual(parts, whole)
        ids = sorted((self.alpha + self.beta).ids)
        self.assertEqual(self.compute(scope=Scope.between(ids[0], ids[-1])), whole)
