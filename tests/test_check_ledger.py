from odoo.tests import tagged

from .check_common import CheckCommon


@tagged("post_install", "-at_install")
class TestCheckLedger(CheckCommon):
    """The ledger is what is classified, plus what each reason keeps out."""

    def setUp(self):
        super().setUp()
        self.alpha, self.beta = map(self.make_customer, ("Alpha", "Beta"))
        self.post(self.alpha, 100.10, 10)
        self.post(self.alpha, -0.35, 5)
        self.post(self.beta, 2000, 3)

    def test_every_reason(self):
        company = self.env.company
        company.customer_history_start = self.day(1000)
        stranger = self.make_customer("Stranger", customer_rank=0)
        excluded = self.make_customer("Excluded")
        sister = self.setup_other_company(name="Sister")["company"]
        parent, child = map(self.make_customer, ("Parent", "Child"))
        archived = self.make_customer("Archived")
        self.post(archived, 64, 4)
        archived.active = False
        self.post(self.alpha, 1, 1001)
        self.post(self.beta, 2, -30)
        self.post(stranger, 4, 2)
        self.post(excluded, 8, 2)
        self.env["customer.exclusion"].create({"partner_id": excluded.id})
        self.post(sister.partner_id, 16, 2)
        self.post(child, 32, 2)
        child.parent_id = parent
        child.is_company = False
        self.post(self.beta, 128, 2, move_type="out_receipt")
        nobody = self.post(self.beta, 256, 2)
        undated = self.post(self.beta, 512, 2)
        draft = self.post(self.beta, 1024, 2, post=False)
        self.assertEqual(draft.state, "draft")
        self.sql(
            "UPDATE account_move SET commercial_partner_id = NULL WHERE id = %s",
            nobody.id,
        )
        self.sql(
            "UPDATE account_move SET invoice_date = NULL WHERE id = %s", undated.id
        )
        # nobody became a customer by what was posted
        stranger.customer_rank = 0
        self.run_night()
        check = self.check()
        self.assert_agrees(check)
        # 100.10 - 0.35 + 2000 + 64
        self.assertEqual(
            self.amounts_of(check),
            {
                "classified": "2163.75",
                "before_history": "1.00",
                "future": "2.00",
                "population": "4.00",
                "excluded": "8.00",
                "group": "16.00",
                "no_entity": "32.00",
                "receipt": "128.00",
                "no_customer": "256.00",
                "no_date": "512.00",
            },
        )
        line = self.line_of(check)
        self.assertEqual(f"{line.ledger_amount:.2f}", "3122.75")
        self.assertEqual(f"{line.explained_amount:.2f}", "959.00")
        self.assertEqual(f"{line.classified_amount:.2f}", "2163.75")
        self.assertFalse(line.unexplained_amount)
        self.assertEqual(sum(line.amount_ids.mapped("documents")), 13)

    def test_settings_that_let_more_count(self):
        company = self.env.company
        company.customer_include_receipts = True
        company.customer_include_intercompany = True
        sister = self.setup_other_company(name="Sister")["company"]
        self.post(sister.partner_id, 16, 2)
        sister.partner_id.customer_rank = 1
        self.post(self.beta, 128, 2, move_type="out_receipt")
        self.run_night()
        check = self.check()
        self.assert_agrees(check)
        self.assertEqual(self.amounts_of(check), {"classified": "2243.75"})

    def test_what_waits_is_counted(self):
        self.run_night()
        self.post(self.alpha, 50, 1)
        self.post(self.make_customer("Gamma"), 7, 1)
        check = self.check()
        self.assertEqual(check.result, "waiting")
        self.assertEqual(self.line_of(check).waiting_count, 2)
        self.assert_agrees(check)
        self.assertEqual(
            self.amounts_of(check), {"classified": "2099.75", "waiting": "57.00"}
        )
        self.run_night()
        check = self.check()
        self.assertEqual(check.result, "agrees")
        self.assertEqual(self.amounts_of(check), {"classified": "2156.75"})

    def test_documents_that_nobody_noted(self):
        self.run_night()
        invoice = self.env["account.move"].search(
            [("commercial_partner_id", "=", self.beta.id)]
        )
        self.sql("UPDATE account_move SET state = 'draft' WHERE id = %s", invoice.id)
        check = self.check()
        self.assertEqual(check.result, "differs")
        self.assertIn(
            ("Beta", "ledger", "value", "revenue_total", "2000.00", "0.00"),
            self.differences_of(check),
        )
        self.assertEqual(
            self.amounts_of(check),
            {"classified": "2099.75", "unexplained": "-2000.00"},
        )
        self.assertEqual(check.difference_count, 1)

    def test_opposite_differences_do_not_cancel_out(self):
        self.run_night()
        self.sql(
            "UPDATE customer_figures SET revenue_total = revenue_total"
            " + CASE partner_id WHEN %s THEN 5 ELSE -5 END WHERE company_id = %s",
            self.alpha.id,
            self.env.company.id,
        )
        check = self.check()
        self.assertFalse(self.line_of(check).unexplained_amount)
        self.assertEqual(check.difference_count, 2)

    def test_companies_currencies_and_branches(self):
        other = self.setup_other_company(
            name="Other", currency_id=self.env.ref("base.EUR").id
        )["company"]
        journal = self.env["account.journal"].search(
            [("company_id", "=", other.id), ("type", "=", "sale")], limit=1
        )
        self.post(self.alpha, 3000, 1, journal_id=journal.id)
        foreign = self.setup_other_currency("GBP", rates=[("2000-01-01", 2.0)])
        self.post(self.beta, 90, 1, currency_id=foreign.id)
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.env.company.id}
        )
        self.env.user.company_ids += branch
        self.cr.precommit.run()
        self.post(self.beta, 11, 1, company_id=branch.id)
        self.run_night()
        check = self.check()
        self.assert_agrees(check)
        # 90 pounds at two a dollar are 45
        self.assertEqual(self.amounts_of(check), {"classified": "2155.75"})
        self.assertEqual(self.amounts_of(check, other), {"classified": "3000.00"})
        self.assertFalse(self.line_of(check, branch))
