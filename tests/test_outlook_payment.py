import random
from datetime import timedelta
from decimal import Decimal

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.customer_classification.models.customer_supposition import Supposition

from .common import MANAGER
from .payment_common import COLUMNS, PaymentCommon

CENT = Decimal("0.01")


class OutlookPaymentCommon(PaymentCommon):
    """What would change if something were paid, tried with real payments."""

    dimension_codes = ("value_tier", "payment")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Outlook = cls.env["customer.outlook"]
        cls.payment = cls.env.ref("customer_classification.dimension_payment")

    def get_case(self, dimension):
        ruleset = self.Ruleset._get_in_force(dimension, self.env.company)
        return self.Outlook._get_case(ruleset, self.alpha)

    def get_name(self, category_id):
        return self.env["customer.category"].browse(category_id).name

    def find_payments(self, dimension):
        """Return the payments that lead on, by the name of the category."""
        case = self.get_case(dimension)
        found = self.Outlook._find_payments(case, case.judge(case.today))
        return {self.get_name(category): payment for category, payment in found}

    def look_ahead(self, dimension):
        case = self.get_case(dimension)
        _rise, fall = self.Outlook._foresee(case, case.judge(case.today))
        return case, fall

    def category_after(self, dimension, day, payments=()):
        """Return the category that nightly runs up to a day give; all is taken back.

        :param payments: ``(day, documents, amount)``: what is due first is paid first
        """
        with self.env.cr.savepoint() as savepoint:
            days = {self.today, day - timedelta(days=1), day}
            for paid_on, moves, amount in payments:
                self.pay_oldest(moves, amount, paid_on)
                days.add(paid_on)
            for each in sorted(days):
                if self.today <= each <= day:
                    with freeze_time(each):
                        self.classify()
            with freeze_time(day):
                name = self.alpha[dimension.partner_field_name].name
            savepoint.rollback()
        self.env.invalidate_all()
        return name

    def pay_oldest(self, moves, amount, day):
        """Register payments: as a clerk does, the oldest due first."""
        for move in moves.sorted(lambda m: (m.invoice_date_due, m.id)):
            paid = min(amount, Decimal(str(move.amount_residual)))
            if paid > 0:
                self.pay(move, (self.today - day).days, float(paid))
                amount -= paid


@tagged("post_install", "-at_install")
class TestOutlookPayment(OutlookPaymentCommon):
    """By hand: late is who has something overdue, doubtful for more than 90 days."""

    def test_exactly_what_is_overdue(self):
        overdue = self.invoice(self.alpha, 300, 40, due=10)
        later = self.invoice(self.alpha, 200, 20, due=-5)
        self.classify()
        payments = self.find_payments(self.payment)
        self.assertEqual(payments.keys(), {"Prompt payer"})
        payment = payments["Prompt payer"]
        self.assertEqual(payment.amount, 300)
        self.assertEqual(
            [(part.move_id, part.amount) for part in payment.parts], [(overdue.id, 300)]
        )
        both = overdue | later
        for amount, name in ((300, "Prompt payer"), (300 - CENT, "Late payer")):
            paid = [(self.today, both, Decimal(amount))]
            self.assertEqual(self.category_after(self.payment, self.today, paid), name)
        # the other one is overdue on the day after it is due
        self.assertEqual(payment.until, self.day(-5))
        late = payment.until + timedelta(days=1)
        for day, name in ((payment.until, "Prompt payer"), (late, "Late payer")):
            paid = [(day, both, Decimal(300))]
            self.assertEqual(self.category_after(self.payment, day, paid), name)

    def test_step_by_step(self):
        """Doubtful: the oldest makes Late of it, both make Prompt."""
        oldest = self.invoice(self.alpha, 100, 150, due=100)
        other = self.invoice(self.alpha, 50, 60, due=30)
        self.classify()
        payments = self.find_payments(self.payment)
        self.assertEqual(
            [(name, payment.amount) for name, payment in payments.items()],
            [("Late payer", 100), ("Prompt payer", 150)],
        )
        # the other one is overdue for more than 90 days from the 91st on
        until = payments["Late payer"].until
        self.assertEqual(until, self.day(30 - 90))
        for day, name in (
            (until, "Late payer"),
            (until + timedelta(days=1), "Doubtful payer"),
        ):
            paid = [(day, oldest | other, Decimal(100))]
            self.assertEqual(self.category_after(self.payment, day, paid), name)

    def test_falls_on_that_very_day_unless_paid(self):
        move = self.invoice(self.alpha, 300, 20, due=-5)
        self.classify()
        case, fall = self.look_ahead(self.payment)
        self.assertEqual(fall.day, self.day(-6))
        self.assertEqual(self.get_name(fall.after.category_id), "Late payer")
        eve = fall.day - timedelta(days=1)
        self.assertEqual(self.category_after(self.payment, eve), "Prompt payer")
        self.assertEqual(self.category_after(self.payment, fall.day), "Late payer")
        self.assertFalse(self.Outlook._find_stay(case, fall))
        payment = self.Outlook._find_averting_payment(case, fall)
        self.assertEqual((payment.amount, payment.until), (300, eve))
        for amount, name in ((300, "Prompt payer"), (300 - CENT, "Late payer")):
            paid = [(eve, move, Decimal(amount))]
            self.assertEqual(self.category_after(self.payment, fall.day, paid), name)

    def test_part_of_a_document(self):
        """Overdue more than 500 is Bronze, up to 500 Platinum: 400 of 900."""
        self.dimension.criterion_ids[1:].unlink()
        self.dimension.criterion_ids.write(
            {
                "metric_id": self.get_metric("overdue_amount").id,
                "cut_mode": "fixed",
                **{f"cut_{n}": 504 - n + 1 for n in (2, 3, 4, 5)},
            }
        )
        first = self.invoice(self.alpha, 300, 40, due=20)
        second = self.invoice(self.alpha, 600, 30, due=10)
        self.classify()
        payment = next(iter(self.find_payments(self.dimension).values()))
        case = self.get_case(self.dimension)
        before = case.judge(case.today)
        self.assertEqual(len(payment.parts), 2)
        self.assertEqual(payment.parts[0].amount, 300)
        self.assertEqual(payment.parts[1].amount, payment.amount - 300)
        names = []
        for less in (0, CENT):
            paid = [(self.today, first | second, payment.amount - less)]
            names.append(self.category_after(self.dimension, self.today, paid))
        self.assertEqual(names[1], self.get_name(before.category_id))
        self.assertNotEqual(names[0], names[1])

    def test_what_payments_of_the_past_decide_is_said(self):
        self.dimension.criterion_ids[1:].unlink()
        self.dimension.criterion_ids.write(
            {
                "metric_id": self.get_metric("worst_delay").id,
                "cut_mode": "fixed",
                **{f"cut_{n}": 50 - 10 * n for n in (2, 3, 4, 5)},
            }
        )
        self.pay(self.invoice(self.alpha, 300, 100, due=90), 20)  # 70 days late
        self.classify()
        row = self.assignment_of(self.alpha)
        user = self.make_user("outlook_payment")
        user.lang = "en_US"
        lines = [line["text"] for line in row.with_user(user).get_outlook()]
        self.assertIn(
            "Worst delay (days) follows from all payments of the period: it changes as "
            "further invoices are paid, for the better where that is by their due "
            "date.",
            lines,
        )
        leaving = self.day(20 - 365).strftime("%m/%d/%Y")
        self.assertIn(
            f"The oldest of those payments no longer counts from {leaving} on.", lines
        )

    def test_sentences(self):
        move = self.invoice(self.alpha, 300, 20, due=-5)
        self.classify()
        row = self.Assignment.search(
            [
                ("partner_id", "=", self.alpha.id),
                ("dimension_id", "=", self.payment.id),
            ]
        )
        accountant = self.make_user(
            "outlook_accountant", f"{MANAGER},account.group_account_readonly"
        )
        user = self.make_user("outlook_payment")
        (accountant | user).lang = "en_US"
        day, eve = (self.day(n).strftime("%m/%d/%Y") for n in (-6, -5))
        self.assertEqual(
            row.with_user(user).get_short_outlook()[row.id],
            f"Becomes Late payer on {day} unless $\xa0300.00 are paid before",
        )
        to_prevent = (
            f"To prevent that: $\xa0300.00 paid by {eve}, the oldest due first."
        )
        [line] = [
            line
            for line in row.with_user(accountant).get_outlook()
            if line["text"] == to_prevent
        ]
        self.assertEqual(
            line["documents"],
            [
                {
                    "move_id": move.id,
                    "name": move.name,
                    "text": f"due {eve}: $\xa0300.00",
                }
            ],
        )
        # who may not open the invoice is told the amount only
        [line] = [
            line
            for line in row.with_user(user).get_outlook()
            if line["text"] == to_prevent
        ]
        self.assertEqual(
            line["documents"],
            [
                {
                    "move_id": False,
                    "name": "1 documents that you may not open",
                    "text": "$\xa0300.00",
                }
            ],
        )


@tagged("post_install", "-at_install")
class TestOutlookPaymentRandom(OutlookPaymentCommon):
    """Whatever is open: imagined payments are as good as real ones, to the cent."""

    def make_world(self, chance):
        """Post some invoices, some paid in part, a credit and a prepayment."""
        moves = self.env["account.move"]
        for _n in range(chance.randint(1, 5)):
            days_ago = chance.randint(1, 150)
            values = {}
            if chance.random() < 0.3:
                values["invoice_payment_term_id"] = self.make_term(10, 40).id
            move = self.invoice(
                self.alpha,
                chance.randint(100, 90000) / 100,
                days_ago,
                days_ago - chance.randint(0, 60),
                **values,
            )
            if chance.random() < 0.4:
                paid = round(move.amount_total * chance.choice((0.2, 0.5, 1)), 2)
                self.pay(move, chance.randint(0, days_ago), paid)
            moves |= move
        if chance.random() < 0.3:
            self.prepay(self.alpha, chance.randint(1, 9000) / 100, 3)
        return moves

    def test_imagined_payments_count_as_real_ones(self):
        for seed in range(4):
            chance = random.Random(seed)
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                self.try_imagined(chance, self.make_world(chance))
                savepoint.rollback()
            self.env.invalidate_all()

    def try_imagined(self, chance, moves):
        items = self.items(moves).filtered("amount_residual")
        if not items:
            return
        item = items[chance.randrange(len(items))]
        paid_on = self.today + timedelta(days=chance.randint(0, 40))
        amount = round(item.amount_residual * chance.choice((0.3, 1)), 2) or 0.01
        scope = Supposition(
            self.alpha.id, payments=[(paid_on, item.id, Decimal(str(amount)))]
        )
        days = [self.today, paid_on, self.day(-50), paid_on + timedelta(days=366)]
        imagined = [self.compute(day, scope=scope).get(self.alpha) for day in days]
        # as the bank statement does: with this very item
        payment = self.prepay(self.alpha, amount, (self.today - paid_on).days)
        self.match(item, payment)
        for day, row in zip(days, imagined, strict=True):
            real = self.compute(day)[self.alpha]
            self.assertEqual(
                {name: row[name] for name in COLUMNS},
                # before the day of the payment nothing is known of it
                {name: real[name] for name in COLUMNS},
                day,
            )

    def test_random(self):
        tried = 0
        for seed in range(3):
            chance = random.Random(seed)
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                tried += self.try_random(chance)
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertGreater(tried, 2)

    def try_random(self, chance):
        recency, frequency, monetary = self.dimension.criterion_ids
        for criterion, code, cuts in (
            (recency, "overdue_amount", (800, 400, 100, 0)),
            (frequency, "open_amount", (900, 600, 300, 50)),
            (monetary, "late_share", (80, 60, 40, 20)),
        ):
            criterion.write(
                {
                    "metric_id": self.get_metric(code).id,
                    "cut_mode": "fixed",
                    **{f"cut_{n}": cut for n, cut in enumerate(cuts, 2)},
                }
            )
        moves = self.make_world(chance)
        self.classify()
        tried = 0
        for dimension in (self.dimension, self.payment):
            case = self.get_case(dimension)
            verdict = case.judge(case.today)
            self.check_fall(dimension, case, verdict)
            for category, payment in self.Outlook._find_payments(case, verdict):
                self.check_payment(dimension, category, payment, moves)
                tried += 1
        return tried

    def check_fall(self, dimension, case, verdict):
        shown = self.alpha[dimension.partner_field_name]
        self.assertEqual(shown.id or 0, verdict.category_id)
        _rise, fall = self.Outlook._foresee(case, verdict)
        if fall:
            eve = fall.day - timedelta(days=1)
            for day, expected in ((eve, fall.before), (fall.day, fall.after)):
                self.assertEqual(
                    self.category_after(dimension, day) or False,
                    self.get_name(expected.category_id),
                )

    def check_payment(self, dimension, category, payment, moves):
        paid = sum(part.amount for part in payment.parts)
        self.assertEqual(paid, payment.amount)
        paid = [(self.today, moves, payment.amount)]
        reached = self.category_after(dimension, self.today, paid)
        less = [(self.today, moves, payment.amount - CENT)]
        missed = self.category_after(dimension, self.today, less)
        if dimension == self.payment:
            self.assertEqual(reached, self.get_name(category))
            self.assertNotEqual(missed, self.get_name(category))
        else:
            names = dimension.category_ids.mapped("name")  # the best first
            self.assertLessEqual(
                names.index(reached), names.index(self.get_name(category))
            )
            missed_rank = names.index(missed) if missed else len(names)
            self.assertGreater(missed_rank, names.index(self.get_name(category)))
