from datetime import timedelta
from decimal import Decimal

from odoo import fields
from odoo.tests import tagged
from odoo.tools import SQL

from odoo.addons.customer_classification.models.customer_scope import Scope

from .payment_common import PaymentCommon


@tagged("post_install", "-at_install")
class TestPaymentFigures(PaymentCommon):
    """Worked by hand: what each way to settle an invoice says about the customer."""

    def assert_row(self, customer, as_of=None, **expected):
        row = self.compute(as_of).get(customer, {})
        for name, value in expected.items():
            if isinstance(value, str):
                value = Decimal(value)
            self.assertEqual(row.get(name), value, name)
        self.assert_exact(as_of)

    def test_paid_late_and_early(self):
        """Means are weighted by the amount; early is not late."""
        late = self.invoice(self.alpha, 300, 100, due=70)
        early = self.invoice(self.alpha, 100, 50, due=20)
        self.pay(late, 58)  # 42 days, 12 late
        self.pay(early, 40)  # 10 days, 20 early
        self.assert_row(
            self.alpha,
            paid_amount="400",
            days_to_pay="34.00",  # (300 * 42 + 100 * 10) / 400
            days_late="9.00",  # 300 * 12 / 400
            late_share="75.00",
            worst_delay=12,
            open_amount="0",
            overdue_amount="0",
            overdue_invoices=0,
            oldest_overdue_date=None,
        )

    def test_nothing_paid(self):
        self.invoice(self.alpha, 300, 10, due=-20)
        self.assert_row(
            self.alpha,
            paid_amount="0",
            days_to_pay=None,
            days_late=None,
            late_share=None,
            worst_delay=None,
            open_amount="300",
            overdue_amount="0",
        )

    def test_digits(self):
        """Thirds are rounded, from exact sums."""
        for amount, days in ((0.1, 1), (0.2, 2), (0.3, 2)):
            self.pay(self.invoice(self.alpha, amount, 10), 10 - days)
        self.assert_row(self.alpha, days_to_pay="1.83", days_late="1.83")

    def test_parts_have_their_own_due_dates(self):
        move = self.invoice(
            self.alpha, 100, 60, invoice_payment_term_id=self.make_term(10, 40, 90).id
        )
        self.pay(move, 15, amount=50)  # 33.33 and 16.67: 35 and 5 days late
        self.assert_row(
            self.alpha,
            paid_amount="50",
            days_to_pay="45.00",
            days_late="25.00",  # (33.33 * 35 + 16.67 * 5) / 50 = 25.000
            worst_delay=35,
            open_amount="50",
            overdue_amount="16.66",
            overdue_invoices=1,
            oldest_overdue_date=self.day(20),
        )

    def test_boundary_days(self):
        """Due today is not overdue, paid on the due date is not late."""
        self.invoice(self.alpha, 10, 30, due=0)
        self.assert_row(self.alpha, overdue_amount="0", overdue_invoices=0)
        tomorrow = self.today + timedelta(days=1)
        self.assert_row(
            self.alpha, tomorrow, overdue_amount="10", oldest_overdue_date=self.today
        )
        self.pay(self.invoice(self.beta, 10, 364, due=364), 364)
        self.pay(self.invoice(self.beta, 90, 366, due=365), 364)
        self.assert_row(self.beta, days_late="0.90", late_share="90.00", worst_delay=1)
        # the oldest day of the period is today's of a year ago, plus one
        self.assertNotIn(self.beta, self.compute(tomorrow))

    def test_credit_note_is_no_payment(self):
        move = self.invoice(self.alpha, 100, 60, due=30)
        refund = self.post(self.alpha, -40, 10)
        self.match(self.items(move), self.items(refund))
        self.assert_row(
            self.alpha, days_to_pay=None, open_amount="60", overdue_amount="60"
        )

    def test_credit_note_not_matched(self):
        self.invoice(self.alpha, 100, 60, due=30)
        self.post(self.alpha, -40, 10)
        self.assert_row(self.alpha, open_amount="60", overdue_amount="100")

    def test_refund_paid_back(self):
        refund = self.post(self.alpha, -40, 30)
        self.pay(refund, 5)
        self.invoice(self.alpha, 10, 1)
        self.assert_row(self.alpha, paid_amount="0", days_to_pay=None, open_amount="10")

    def test_write_off_is_no_payment(self):
        move = self.invoice(self.alpha, 100, 60, due=30)
        self.pay(move, 40, amount=70)
        self.match(self.items(move), self.book(self.alpha, -30, 2))
        self.assert_row(
            self.alpha,
            paid_amount="70",
            days_to_pay="20.00",
            worst_delay=0,
            open_amount="0",
        )

    def test_discount_in_the_payment(self):
        """What a payment settles by a discount in its own entry, it paid."""
        move = self.invoice(self.alpha, 100, 60, due=30)
        self.pay(
            move,
            40,
            amount=98,
            payment_difference_handling="reconcile",
            writeoff_account_id=self.company_data["default_account_expense"].id,
        )
        self.assert_row(
            self.alpha, paid_amount="100", days_to_pay="20.00", open_amount="0"
        )

    def test_overpaid_and_prepaid(self):
        move = self.invoice(self.alpha, 100, 60, due=30)
        self.match(self.items(move), self.prepay(self.alpha, 120, 80))
        self.assert_row(
            self.alpha,
            paid_amount="100",
            days_to_pay="0.00",  # paid before the invoice
            open_amount="-20",
            overdue_amount="0",
        )

    def test_paid_twice_the_other_is_overdue(self):
        """Money on account lowers what is open, not what is overdue."""
        self.invoice(self.alpha, 100, 60, due=30)
        self.prepay(self.alpha, 70, 5)
        self.assert_row(
            self.alpha, open_amount="30", overdue_amount="100", paid_amount="0"
        )

    def test_bank_statement(self):
        """A statement line pays, without any payment record."""
        move = self.invoice(self.alpha, 100, 60, due=30)
        line = self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.bank.id,
                "date": self.day(25),
                "payment_ref": "transfer",
                "partner_id": self.alpha.id,
                "amount": 100,
            }
        )
        _liquidity, suspense, _other = line._seek_for_lines()
        suspense.write({"account_id": self.receivable.id})
        self.match(self.items(move), suspense)
        self.assert_row(
            self.alpha, paid_amount="100", days_to_pay="35.00", worst_delay=5
        )

    def test_payment_in_another_currency(self):
        """Amounts are the ledger's, and exchange differences pay nothing."""
        euro = self.setup_other_currency(
            "EUR",
            rates=[(self.day(100), 2.0), (self.day(20), 4.0), (self.day(10), 1.0)],
        )
        for days_ago in (15, 5):  # a loss first, then a gain
            move = self.invoice(self.alpha, 100, 50, due=20, currency_id=euro.id)
            self.pay(move, days_ago, currency_id=euro.id)
        moves = self.env["account.move"].search(
            [("line_ids.matched_debit_ids.exchange_move_id", "!=", False)]
        )
        self.assertTrue(moves)
        row = self.compute()[self.alpha]
        self.assertEqual(row["open_amount"], 0)
        self.assertEqual(row["worst_delay"], 15)
        self.assert_exact()

    def test_third_party_pays(self):
        """The behaviour is that of the invoice's customer."""
        move = self.invoice(self.alpha, 100, 60, due=30)
        self.match(self.items(move), self.prepay(self.beta, 100, 25))
        self.assert_row(self.alpha, days_to_pay="35.00")
        self.assertNotIn(self.beta, self.compute())

    def test_payment_of_a_contact(self):
        """What a company's contact paid on account counts for the company."""
        contact = self.env["res.partner"].create(
            {"name": "Clerk", "parent_id": self.alpha.id}
        )
        self.invoice(contact, 100, 60, due=30)
        self.prepay(contact, 30, 5)
        self.assert_row(self.alpha, open_amount="70")
        computed = self.compute(scope=Scope.of(self.alpha.ids))
        self.assertEqual(computed, self.compute())

    def test_sales_receipt(self):
        receipt = self.invoice(self.alpha, 100, 60, due=30, move_type="out_receipt")
        self.assert_row(self.alpha, overdue_invoices=1, overdue_amount="100")
        self.pay(receipt, 20)
        self.assert_row(self.alpha, days_to_pay="40.00", days_late="10.00")

    def test_vendor_bills_do_not_count(self):
        bill = self.invoice(self.alpha, 100, 60, due=30, move_type="in_invoice")
        bill.button_draft() if bill.state == "posted" else None
        self.assertNotIn(self.alpha, self.compute())

    def test_opening_balance(self):
        """An invoice from before the history is owed; how it is paid says nothing."""
        self.pay(self.invoice(self.alpha, 100, 200, due=170), 50, amount=60)
        start = self.day(150)
        settings = {"history_start": fields.Date.to_string(start)}
        row = self.compute(**settings)[self.alpha]
        self.assertEqual((row["paid_amount"], row["open_amount"]), (0, 40))
        self.assert_exact(computed=self.compute(**settings), history_start=start)

    def test_future_entries(self):
        """What is dated in the future does not count yet."""
        move = self.invoice(self.alpha, 100, 60, due=30)
        self.pay(move, -5)
        self.assertEqual(self.items(move).amount_residual, 0)
        self.assert_row(
            self.alpha, open_amount="100", overdue_amount="100", days_to_pay=None
        )
        then = self.today + timedelta(days=5)
        self.assert_row(self.alpha, then, open_amount="0", days_to_pay="65.00")
        self.assertEqual(self.compute()[self.alpha]["next_due"], then)
        other = self.make_customer("Paid by another")
        debt = self.items(self.invoice(other, 10, 60, due=30))
        self.match(debt, self.prepay(self.alpha, 10, -5))
        self.assertEqual(self.compute()[other]["next_due"], then)
        self.invoice(self.beta, 50, -7, due=-9)
        row = self.compute()[self.beta]
        self.assertEqual(row["open_amount"], 0)
        self.assertEqual(row["next_due"], self.today + timedelta(days=7))

    def test_overdue_parts_and_invoices(self):
        """Half of an invoice overdue, the other half not for years."""
        self.invoice(
            self.alpha, 100, 30, invoice_payment_term_id=self.make_term(10, 1000).id
        )
        self.invoice(self.alpha, 70, 60, due=40)
        self.invoice(self.alpha, 30, 5, due=0)
        self.post(self.alpha, -20, 5)
        self.invoice(self.alpha, 999, 60, post=False)
        self.assert_row(
            self.alpha,
            overdue_invoices=2,
            overdue_amount="120",
            oldest_overdue_date=self.day(40),
            open_amount="180",
        )

    def test_bounced_payment(self):
        move = self.invoice(self.alpha, 100, 60, due=30)
        payment = self.pay(move, 20)
        payment.action_draft()
        self.assert_row(self.alpha, days_to_pay="40.00", open_amount="0")
        payment.action_cancel()
        self.assert_row(self.alpha, days_to_pay=None, overdue_amount="100")

    def test_drafts_do_not_count(self):
        self.invoice(self.alpha, 100, 60, due=30, post=False)
        self.assertNotIn(self.alpha, self.compute())

    def test_nobody_else(self):
        """Only customers have a row, whoever else has items."""
        self.invoice(self.make_customer("Vendor"), 100, 60).partner_id.customer_rank = 0
        self.assertFalse(self.compute())

    def test_stored(self):
        """Only what differs is written, and what is settled for long is removed."""
        settings = self.env.company._get_customer_settings()
        move = self.invoice(self.alpha, 100, 60, due=30)
        self.invoice(self.beta, 50, 60, due=30)

        def update(day):
            return self.Payments._update(self.env.company, day, settings=settings)

        self.assertEqual(update(self.today), 2)
        self.assertEqual(update(self.today), 0)
        self.pay(move, 20)
        self.assertEqual(update(self.today), 1)
        row = self.Payments.search([("partner_id", "=", self.alpha.id)])
        self.assertEqual(row.days_to_pay, 40)
        self.assertEqual(row.next_due, self.day(20) + timedelta(days=365))
        self.assertEqual(update(row.next_due), 1)
        self.assertFalse(row.exists())

    def test_contact_shows_them(self):
        self.pay(self.invoice(self.alpha, 100, 60, due=30), 20)
        self.invoice(self.beta, 70, 120, due=100)
        self.classify()
        self.assertEqual(self.alpha.customer_days_to_pay, 40)
        self.assertEqual(self.alpha.customer_worst_delay, 10)
        self.assertEqual(self.beta.customer_overdue_amount, 70)
        self.assertEqual(self.beta.customer_oldest_overdue_date, self.day(100))
        self.assertEqual(self.beta.customer_days_overdue, 100)
        Partner = self.env["res.partner"]
        both = [("id", "in", (self.alpha + self.beta).ids)]
        for condition, found in (
            (("customer_overdue_amount", ">", 0), self.beta),
            (("customer_overdue_amount", "=", 0), self.alpha),
            (("customer_days_overdue", ">", 90), self.beta),
            # who has paid nothing is not fast
            (("customer_days_to_pay", "<", 50), self.alpha),
            (("customer_days_to_pay", "=", False), self.beta),
            (("customer_worst_delay", "<=", 0), Partner),
        ):
            self.assertEqual(Partner.search([*both, condition]), found, condition)
        self.assertEqual(
            Partner.search(both, order="customer_days_late desc"),
            self.alpha + self.beta,
        )

    def test_score_by_payment(self):
        """A criterion may be a figure of any facts; today's and a past day's."""
        figures = self.env["customer.metric"]._join_by_code(
            self.Figures._get_stored(self.env.company),
            ["revenue_window", "days_to_pay", "open_amount"],
            self.env.company,
        )
        self.pay(self.invoice(self.alpha, 100, 60, due=30), 20)
        self.pay(self.invoice(self.beta, 50, 60, due=30), 600)
        self.classify()

        def read(source):
            return self.env.execute_query(
                SQL(
                    "SELECT partner_id, days_to_pay, open_amount FROM %s AS f"
                    " ORDER BY partner_id",
                    source,
                )
            )

        self.assertEqual(
            read(figures), [(self.alpha.id, 40, 0), (self.beta.id, None, 0)]
        )
        day = self.day(30)
        past = self.env["customer.metric"]._join_by_code(
            self.Figures._get_computed(self.env.company, day),
            ["days_to_pay", "open_amount"],
            self.env.company,
            day,
        )
        self.assertEqual(
            read(past), [(self.alpha.id, None, 100), (self.beta.id, None, 0)]
        )
