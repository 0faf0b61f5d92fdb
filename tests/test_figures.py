from datetime import timedelta
from decimal import Decimal

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from . import oracle
from .common import ClassificationCommon


@tagged("post_install", "-at_install")
class TestFigures(ClassificationCommon):
    """The figures equal what plain Python makes of the same documents."""

    def test_every_figure_of_a_mixed_ledger(self):
        alpha, beta = self.make_customer("Alpha"), self.make_customer("Beta")
        self.post(alpha, 100.10, 400)  # before the period
        self.post(alpha, 200.20, 364)  # its first day
        self.post(alpha, 300.30, 30)
        self.post(alpha, 40.04, 30)  # the same day: one purchase
        self.post(alpha, -50.55, 10)
        self.post(beta, 999.99, 0)
        self.classify()
        self.assert_figures()

    def test_first_and_last_day_of_the_period(self):
        alpha = self.make_customer("Alpha")
        self.post(alpha, 1, 365)
        self.post(alpha, 10, 364)
        self.post(alpha, 100, 0)
        self.classify()
        self.assertEqual(self.figures_of(alpha).revenue_window, 110)
        self.assertEqual(self.figures_of(alpha).revenue_total, 111)

    def test_period_is_configurable(self):
        alpha = self.make_customer("Alpha")
        self.post(alpha, 10, 45)
        self.post(alpha, 5, 20)
        self.env.company.customer_window_days = 30
        self.classify()
        self.assert_figures(window=30)
        self.assertEqual(self.figures_of(alpha).revenue_window, 5)

    def test_full_cancellation(self):
        alpha, beta = self.make_customer("Alpha"), self.make_customer("Beta")
        self.post(alpha, 77183.60, 20)
        self.post(alpha, -77183.60, 20)
        self.post(beta, 10, 5)
        self.classify()
        self.assert_figures()
        self.assertFalse(self.assignment_of(alpha))
        self.assertTrue(self.assignment_of(beta).category_id)

    def test_credit_notes_only(self):
        alpha = self.make_customer("Alpha")
        self.post(alpha, -25, 20)
        self.classify()
        self.assert_figures()
        figures = self.figures_of(alpha)
        self.assertEqual((figures.invoice_count, figures.refund_count), (0, 1))
        self.assertFalse(figures.last_date)
        self.assertFalse(self.assignment_of(alpha))

    def test_drafts_and_cancelled_ignored(self):
        alpha = self.make_customer("Alpha")
        self.post(alpha, 10, 3)
        self.post(alpha, 1000, 3, post=False)
        self.post(alpha, 2000, 3, post=False).button_cancel()
        self.classify()
        self.assert_figures()

    def test_vendor_bills_and_payments_are_no_revenue(self):
        alpha = self.make_customer("Alpha")
        invoice = self.post(alpha, 10, 3)
        bill = self._create_invoice_one_line(
            move_type="in_invoice",
            partner_id=alpha,
            invoice_date=self.today,
            price_unit=500,
            post=True,
        )
        self.assertEqual(bill.state, "posted")
        self._register_payment(invoice)
        self.classify()
        self.assert_figures()

    def test_receipts_by_setting(self):
        alpha = self.make_customer("Alpha")
        self.post(alpha, 10, 3)
        receipt = self.post(alpha, 5, 2, move_type="out_receipt")
        self.assertEqual(receipt.move_type, "out_receipt")
        counted = list(self.documents)
        self.classify()
        self.assert_figures(documents=counted[:1])
        self.env.company.customer_include_receipts = True
        self.classify()
        self.assert_figures(documents=counted)

    def test_contacts_roll_up_once(self):
        alpha = self.make_customer("Alpha")
        child = self.make_customer("Child", parent_id=alpha.id, is_company=False)
        grandchild = self.make_customer("Grand", parent_id=child.id, is_company=False)
        archived = self.make_customer("Gone", parent_id=alpha.id, is_company=False)
        self.post(alpha, 1, 4)
        self.post(child, 20, 3, counts_for="Alpha")
        self.post(grandchild, 300, 2, counts_for="Alpha")
        self.post(archived, 4000, 1, counts_for="Alpha")
        archived.active = False
        self.classify()
        self.assert_figures()
        self.assertEqual(self.figures_of(alpha).revenue_total, 4321)

    def test_archived_customer_keeps_its_figures(self):
        alpha = self.make_customer("Alpha")
        self.post(alpha, 10, 4)
        alpha.active = False
        self.classify()
        self.assert_figures()

    def test_value_stays_with_the_billed_company(self):
        alpha, beta = self.make_customer("Alpha"), self.make_customer("Beta")
        contact = self.make_customer("Contact", parent_id=alpha.id, is_company=False)
        self.post(contact, 100, 9, counts_for="Alpha")
        contact.parent_id = beta
        self.post(contact, 7, 8, counts_for="Beta")
        self.classify()
        self.assert_figures()

    def test_no_longer_commercial_entity_is_closed(self):
        alpha, beta = self.make_customer("Alpha"), self.make_customer("Beta")
        single = self.make_customer("Single", is_company=False)
        self.post(single, 100, 9)
        self.post(alpha, 100, 9)
        self.classify()
        tier = self.assignment_of(single).category_id
        self.assertTrue(tier)
        single.parent_id = beta
        self.classify()
        self.assertFalse(self.figures_of(single))
        self.assertFalse(self.assignment_of(single).category_id)
        [row] = self.history_of(single)
        self.assertEqual((row.old_category_id, row.new_category_id.id), (tier, False))

    def test_foreign_currency_counts_at_the_ledgers_amount(self):
        foreign = self.setup_other_currency(
            "EUR",
            rates=[("1900-01-01", 1.0), (self.day(20), 0.877), (self.day(5), 0.93)],
        )
        alpha = self.make_customer("Alpha")
        for amount, days_ago, rate in ((100.01, 10, "0.877"), (77.77, 2, "0.93")):
            move = self.post(alpha, amount, days_ago, currency_id=foreign.id)
            converted = (Decimal(str(amount)) / Decimal(rate)).quantize(Decimal("0.01"))
            # the rate is the test's own; the ledger must have used it
            self.assertEqual(f"{move.amount_untaxed_signed:.2f}", str(converted))
            posted = self.documents.pop()
            self.documents.append(oracle.Document("Alpha", posted.day, converted))
        self.classify()
        self.assert_figures()

    def test_two_companies_share_a_customer(self):
        other = self.setup_other_company(name="Other company")["company"]
        alpha, beta = self.make_customer("Alpha"), self.make_customer("Beta")
        big = [self.make_customer(f"Big {number}") for number in range(5)]
        for partner in big:
            self.post(partner, 5000, 1)
        self.post(alpha, 10, 300)
        here = list(self.documents)
        self.documents.clear()
        journal = self.env["account.journal"].search(
            [("company_id", "=", other.id), ("type", "=", "sale")], limit=1
        )
        for partner, amount, days_ago in ((alpha, 9000, 1), (alpha, 8000, 9)):
            self.post(partner, amount, days_ago, journal_id=journal.id)
        for number in range(5):
            partner = self.make_customer(f"Small {number}")
            self.post(partner, 1 + number, 200, journal_id=journal.id)
        self.post(beta, 3, 250, journal_id=journal.id)
        there = list(self.documents)
        self.classify(companies=self.env.company + other)
        self.assert_figures(documents=here)
        self.assert_figures(company=other, documents=there)
        self.assertEqual(self.assignment_of(alpha).category_id, self.bronze)
        self.assertEqual(self.assignment_of(alpha, other).category_id, self.platinum)
        self.assertEqual(self.tier_of(alpha), "Bronze")
        self.assertEqual(self.tier_of(alpha, other), "Platinum")

    def test_branches_count_with_their_root(self):
        company = self.env.company
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": company.id}
        )
        self.env.user.company_ids += branch
        alpha = self.make_customer("Alpha")
        self.post(alpha, 10, 3)
        journal = self.company_data["default_journal_sale"]
        receivable = self.company_data["default_account_receivable"]
        alpha.with_company(branch).property_account_receivable_id = receivable
        move = self.post(alpha, 5, 2, company_id=branch.id, journal_id=journal.id)
        self.assertEqual(move.company_id, branch)
        self.classify(companies=branch)
        self.assert_figures()
        self.assertFalse(self.Figures.search([("company_id", "=", branch.id)]))
        self.assertEqual(self.tier_of(alpha, branch), self.tier_of(alpha, company))

    def test_history_starts_on(self):
        alpha = self.make_customer("Alpha")
        self.post(alpha, 1000, 100)
        self.post(alpha, 10, 3)
        self.env.company.customer_history_start = self.day(50)
        self.classify()
        self.assert_figures(documents=self.documents[1:])

    def test_future_invoice_counts_from_its_day_on(self):
        alpha = self.make_customer("Alpha")
        self.post(alpha, 10, 3)
        self.post(alpha, 500, -2)
        self.classify()
        self.assert_figures()
        self.assertEqual(self.figures_of(alpha).revenue_total, 10)
        later = self.today + timedelta(days=2)
        with freeze_time(later):
            self.classify()
        self.assert_figures(as_of=later)
        self.assertEqual(self.figures_of(alpha).revenue_total, 510)

    def test_day_is_the_companys(self):
        alpha = self.make_customer("Alpha")
        self.env.company.partner_id.tz = "Pacific/Kiritimati"  # UTC+14
        self.post(alpha, 10, -1)
        with freeze_time(f"{self.today} 09:00:00"):  # still the day before there
            self.classify()
            self.assertEqual(self.figures_of(alpha).invoice_count, 0)
        with freeze_time(f"{self.today} 11:00:00"):
            self.classify()
            self.assertEqual(self.figures_of(alpha).revenue_total, 10)

    def test_reset_to_draft_restores_the_former_value(self):
        alpha, beta = self.make_customer("Alpha"), self.make_customer("Beta")
        self.post(alpha, 10, 30)
        self.post(beta, 20, 20)
        self.classify()
        before = self.assert_figures()
        move = self.post(alpha, 5000, 1)
        self.classify()
        self.assertEqual(self.figures_of(alpha).revenue_total, 5010)
        move.button_draft()
        self.documents.pop()
        self.classify()
        self.assertEqual(self.assert_figures(), before)

    def test_last_invoice_reset_to_draft_removes_the_row(self):
        alpha = self.make_customer("Alpha")
        move = self.post(alpha, 10, 30)
        self.classify()
        self.assertTrue(self.figures_of(alpha))
        move.button_draft()
        self.classify()
        self.assertFalse(self.figures_of(alpha))
        self.assertFalse(self.assignment_of(alpha).category_id)

    def test_population_domain(self):
        alpha = self.make_customer("Alpha", ref="keep")
        beta = self.make_customer("Beta")
        self.post(alpha, 10, 3)
        self.post(beta, 20, 3)
        self.env.company.customer_population_domain = "[('ref', '=', 'keep')]"
        self.classify()
        self.assert_figures(documents=self.documents[:1])

    def test_population_domain_must_work(self):
        for broken in ("[('no_such_field', '=', 1)]", "no domain", "[('id', '=')]"):
            with (
                self.subTest(broken),
                self.assert_refused(ValidationError, "Who is a customer"),
            ):
                self.env.company.customer_population_domain = broken

    def test_own_companies_are_no_customers(self):
        other = self.setup_other_company(name="Other company")["company"]
        self.post(self.env.company.partner_id, 10, 3)
        self.post(other.partner_id, 20, 2)
        self.classify()
        self.assertFalse(
            self.Figures.search([("company_id", "=", self.env.company.id)])
        )
        self.env.company.customer_include_intercompany = True
        self.classify()
        self.assert_figures(documents=self.documents[1:])

    def test_average_ticket(self):
        alpha = self.make_customer("Alpha")
        for amount in (100, 100, -1):  # 199 / 2 invoices
            self.post(alpha, amount, 3)
        self.classify()
        self.assertEqual(self.figures_of(alpha).average_ticket, 99.5)

    def test_sum_equals_the_list_behind_it(self):
        for number in range(4):
            partner = self.make_customer(f"Customer {number}")
            self.post(partner, 33.33 * (number + 1), number)
            self.post(partner, -0.07, number)
        self.classify()
        ledger = self.env["account.move"].search(
            [("company_id", "=", self.env.company.id), ("state", "=", "posted")]
        )
        figures = self.Figures.search([("company_id", "=", self.env.company.id)])
        self.assertAlmostEqual(
            sum(figures.mapped("revenue_total")),
            sum(ledger.mapped("amount_untaxed_signed")),
            places=2,
        )
        self.assertEqual(
            fields.Date.to_string(max(figures.mapped("last_date"))),
            fields.Date.to_string(self.today),
        )
