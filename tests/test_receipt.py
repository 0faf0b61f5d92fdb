import random
from datetime import timedelta
from decimal import Decimal

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import MANAGER, USER, ClassificationCommon
from .payment_common import PaymentCommon


@tagged("post_install", "-at_install")
class TestReceipt(ClassificationCommon):
    """The documents that are shown come to the number that is shown."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Receipt = cls.env["customer.receipt"]
        cls.alpha = cls.make_customer("Alpha")

    def rows_of(self, code, as_of=None, partner=None, company=None):
        company = company or self.env.company
        return self.Receipt._get_rows(
            code,
            company,
            partner or self.alpha,
            as_of or self.today,
            company._get_customer_settings(),
        )

    def check(self, as_of=None):
        """Compare what the rows give with the figures of the day."""
        as_of = as_of or self.today
        figures = self.Figures.browse()
        [row] = self.env.execute_query_dict(
            figures._get_query(self.env.company, as_of)
        ) or [{}]
        for code in (
            "revenue_total",
            "revenue_window",
            "invoiced_window",
            "revenue_previous",
        ):
            total = sum((r["amount"] for r in self.rows_of(code, as_of)), Decimal(0))
            self.assertEqual(f"{total:.2f}", f"{row.get(code, 0):.2f}", (code, as_of))
        for code in ("invoice_count", "refund_count"):
            self.assertEqual(len(self.rows_of(code, as_of)), row.get(code, 0), code)
        for code in ("purchase_days", "purchase_days_window"):
            days = {r["day"] for r in self.rows_of(code, as_of)}
            self.assertEqual(len(days), row.get(code, 0), code)
        for code in ("first_date", "last_date"):
            days = {r["day"] for r in self.rows_of(code, as_of)}
            self.assertEqual(days, {row[code]} if row.get(code) else set(), code)

    def test_random(self):
        chance = random.Random(5)
        euro = self.setup_other_currency("EUR", rates=[(self.day(900), 0.7)])
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.env.company.id}
        )
        self.env.user.company_ids |= branch
        for _n in range(25):
            values = {}
            if chance.random() < 0.3:
                values["currency_id"] = euro.id
            amount = chance.randint(1, 100000) / 100 * chance.choice((1, 1, 1, -1))
            if amount > 0 and chance.random() < 0.2:
                values["move_type"] = "out_receipt"
            self.post(self.alpha, amount, chance.randint(-30, 800), **values)
        company = self.env.company
        for settings in (
            {},
            {"customer_include_receipts": True},
            {"customer_window_days": 40},
            {"customer_history_start": self.day(300)},
        ):
            company.write(settings)
            for days_ago in (-40, 0, 1, 200, 700):
                with self.subTest(settings=settings, days_ago=days_ago):
                    self.check(self.day(days_ago))

    def test_first_and_last_day_of_the_period(self):
        for days_ago in (364, 365, 729, 730):
            self.post(self.alpha, 2 ** (days_ago % 7), days_ago)
        self.check()
        self.assertEqual(
            [r["day"] for r in self.rows_of("revenue_window")], [self.day(364)]
        )
        self.assertEqual(
            [r["day"] for r in self.rows_of("revenue_previous")],
            [self.day(729), self.day(365)],
        )

    def test_page(self):
        self.post(self.alpha, 1234.56, 20)
        self.post(self.alpha, -34.56, 10)
        self.classify()
        row = self.assignment_of(self.alpha)
        manager = self.make_user(
            "receipt_manager", f"{MANAGER},account.group_account_readonly"
        )
        manager.lang = "en_US"
        row = row.with_user(manager)
        receipt = row.get_receipt()
        by_code = {line["code"]: line for line in receipt["criteria"]}
        self.assertEqual(by_code["revenue_window"]["today"], "$\xa01,200.00")
        self.assertEqual(by_code["revenue_window"]["decided"], "$\xa01,200.00")
        self.assertEqual(receipt["versions"][0]["id"], row.ruleset_id.id)
        self.assertTrue(by_code["revenue_window"]["has_rows"])
        rows = row.get_receipt_rows("revenue_window", True)
        self.assertEqual(
            [(r["amount"], r["running"]) for r in rows["rows"]],
            [("$\xa01,234.56", "$\xa01,234.56"), ("$\xa0-34.56", "$\xa01,200.00")],
        )
        self.assertEqual(rows["total"], "$\xa01,200.00")
        self.assertFalse(rows["unseen"])
        self.assertFalse(rows["changed"])

    def test_then_and_now(self):
        """What was posted for that day afterwards is told apart."""
        self.post(self.alpha, 100, 20)
        self.classify()
        row = self.assignment_of(self.alpha)
        self.post(self.alpha, 50, 30)
        rows = row.get_receipt_rows("revenue_window", False)
        self.assertIn("150.00", rows["total"])
        self.assertIn("-50.00", rows["changed"]["amount"])
        self.assertIn("100.00", rows["changed"]["total"])
        with freeze_time(self.today + timedelta(days=346)):
            rows = row.get_receipt_rows("revenue_window", True)
            self.assertEqual(rows["rows"], [])
        self.assertEqual(len(row.get_receipt_rows("revenue_window", False)["rows"]), 2)

    def test_documents_that_may_not_be_opened_are_in_the_sum(self):
        self.post(self.alpha, 100, 20)
        self.classify()
        row = self.assignment_of(self.alpha).with_user(self.make_user("receipt_user"))
        rows = row.get_receipt_rows("revenue_window", True)
        self.assertEqual(rows["rows"], [])
        self.assertIn("100.00", rows["unseen"]["amount"])
        self.assertIn("100.00", rows["total"])

    def test_margin_is_not_told_to_who_may_not_see_it(self):
        self.dimension.criterion_ids[1].metric_id = self.get_metric("margin_window")
        self.product_a.standard_price = 3.25
        self.post(self.alpha, 10, 20)
        self.classify()
        row = self.assignment_of(self.alpha)
        self.assertIn("6.75", row.explanation)
        user = self.make_user("receipt_user")
        own = row.with_user(user)
        receipt = own.get_receipt()
        line = receipt["criteria"][1]
        self.assertEqual(
            line, {"code": "margin_window", "name": line["name"], "is_hidden": True}
        )
        self.assertTrue(receipt["is_secret"])
        self.assertNotIn("6.75", str(receipt))
        self.assertNotIn("points", str(receipt["criteria"]))
        self.assertFalse(receipt["score"])
        self.assertFalse(receipt["levels"])
        self.assertFalse(own.get_outlook())
        self.assertFalse(own.get_short_outlook())
        self.assertNotIn("6.75", own.explanation)
        self.assertNotIn("6.75", str(self.alpha.with_user(user).get_customer_profile()))
        with self.assert_refused(AccessError, "may not see this figure"):
            own.get_receipt_rows("margin_window", True)
        with self.assert_refused(AccessError, "inputs"):
            own.read(["inputs"])
        manager = row.with_user(self.make_user("receipt_manager", MANAGER))
        self.assertIn("6.75", str(manager.get_receipt()))
        self.assertIn("6.75", manager.explanation)

    def test_margin_in_a_rule_is_not_told_either(self):
        self.dimension.method = "rule"
        self.dimension.rule_ids = [
            fields.Command.create(
                {
                    "name": "Worth it",
                    "domain": "[('customer_margin_window', '>', 5)]",
                    "category_id": self.gold.id,
                }
            )
        ]
        self.product_a.standard_price = 3.25
        self.post(self.alpha, 10, 20)
        self.classify()
        self.assertEqual(self.tier_of(self.alpha), "Gold")
        row = self.assignment_of(self.alpha).with_user(self.make_user("receipt_user"))
        self.assertIn("Margin", row.explanation)
        self.assertNotIn("6.75", row.explanation)
        receipt = row.get_receipt()
        self.assertNotIn("6.75", str(receipt))
        self.assertNotIn("is_met", receipt["rules"][0]["conditions"][0])
        self.assertFalse(row.get_outlook())

    def test_change_is_told_without_the_margin(self):
        """A related field is read as superuser; the user is still who counts."""
        self.dimension.criterion_ids[1].metric_id = self.get_metric("margin_window")
        self.product_a.standard_price = 3.25
        self.post(self.alpha, 10, 20)
        self.classify()
        row = self.assignment_of(self.alpha)
        user = self.make_user("receipt_user")
        self.assertNotIn("6.75", row.with_user(user).sudo().explanation)

    def test_customer_of_somebody_else(self):
        self.post(self.alpha, 10, 20)
        self.classify()
        row = self.assignment_of(self.alpha)
        self.env["ir.rule"].create(
            {
                "name": "not Alpha",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {self.alpha.id})]",
                "groups": [fields.Command.link(self.env.ref(USER).id)],
            }
        )
        row = row.with_user(self.make_user("receipt_user"))
        for method in ("get_receipt", "get_outlook", "get_short_outlook"):
            with self.assert_refused(AccessError, "."):
                getattr(row, method)()
        with self.assert_refused(AccessError, "."):
            row.get_receipt_rows("revenue_window", True)

    def test_other_company(self):
        other = self.setup_other_company()["company"]
        self.post(self.alpha, 10, 20)
        self.classify()
        row = self.assignment_of(self.alpha)
        user = self.make_user("receipt_user")
        user.write({"company_id": other.id, "company_ids": [(6, 0, other.ids)]})
        with self.assert_refused(AccessError, "."):
            row.with_user(user).get_receipt()

    def test_limit_that_alone_would_suffice(self):
        recency, frequency, monetary = self.dimension.criterion_ids
        for criterion, cuts in (
            (recency, (300, 200, 100, 50)),
            (frequency, (2, 3, 4, 5)),
            (monetary, (100, 500, 1000, 5000)),
        ):
            values = {f"cut_{n}": cut for n, cut in enumerate(cuts, 2)}
            criterion.write({"cut_mode": "fixed", **values})
        for days_ago in (10, 20, 30, 40):
            self.post(self.alpha, 50, days_ago)
        self.classify()  # R 5, F 4, M 2: 13 of the 14 points of Gold
        lines = {
            line["code"]: line
            for line in self.assignment_of(self.alpha).get_receipt()["criteria"]
        }
        self.assertFalse(lines["last_date"]["alone"])
        self.assertEqual(lines["purchase_days_window"]["alone"]["points"], 5)
        self.assertEqual(lines["purchase_days_window"]["alone"]["missing"], "1")
        self.assertEqual(lines["revenue_window"]["alone"]["points"], 3)
        self.assertIn("300.00", lines["revenue_window"]["alone"]["missing"])


@tagged("post_install", "-at_install")
class TestPaymentReceipt(PaymentCommon):
    """The payments and open items that are shown come to the number that is shown."""

    def test_sums(self):
        chance = random.Random(8)
        for _n in range(12):
            days_ago = chance.randint(10, 90)
            amount = chance.randint(100, 50000) / 100
            move = self.invoice(
                self.alpha, amount, days_ago, days_ago - chance.randint(0, 40)
            )
            if chance.random() < 0.7:
                paid = round(amount * chance.choice((1, 0.5)), 2)
                self.pay(move, chance.randint(0, days_ago), paid)
        company = self.env.company
        Payments = self.env["customer.payment.figures"]
        Receipt = self.env["customer.receipt"]
        settings = company._get_customer_settings()
        for days_ago in (-30, 0, 20):
            day = self.day(days_ago)
            [row] = self.env.execute_query_dict(Payments._get_query(company, day))
            for code in ("paid_amount", "open_amount", "overdue_amount"):
                rows = Receipt._get_rows(code, company, self.alpha, day, settings)
                total = sum((r["amount"] for r in rows), Decimal(0))
                self.assertEqual(f"{total:.2f}", f"{row[code]:.2f}", (code, days_ago))
