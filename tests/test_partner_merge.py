import dataclasses
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from . import oracle
from .common import ClassificationCommon

KEYED_MODELS = ("customer.figures", "customer.assignment", "customer.override")


@tagged("post_install", "-at_install")
class TestPartnerMerge(ClassificationCommon):
    """Merged contacts become one customer, with the history of all."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kept = cls.make_customer("Kept")
        cls.gone = cls.make_customer("Gone")
        cls.also_gone = cls.make_customer("Also gone")
        cls.bystander = cls.make_customer("Bystander")

    def merge(self, sources):
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo()
        wizard.create(
            {
                "partner_ids": [fields.Command.set((sources + self.kept).ids)],
                "dst_partner_id": self.kept.id,
            }
        ).action_merge()
        self.assertFalse(sources.exists())
        self.assertTrue(self.kept.exists())
        names = {"Gone", "Also gone"}
        self.documents = [
            dataclasses.replace(d, customer="Kept") if d.customer in names else d
            for d in self.documents
        ]

    def decide(self, partner, category, days=10, **values):
        return self.Override.create(
            {
                "partner_id": partner.id,
                "dimension_id": self.dimension.id,
                "category_id": category.id,
                "reason": f"About {partner.name}",
                "date_end": self.today + timedelta(days=days),
                **values,
            }
        )

    def rows_of(self, model, partner):
        return self.env[model].sudo().search([("partner_id", "in", partner.ids)])

    def get_merged(self):
        """Return what the merge says gave way to what, computed categories first."""
        rows = self.history_of(self.kept).filtered(lambda row: row.event == "merged")
        return [(row.old_category_id.name, row.new_category_id.name) for row in rows]

    def assert_one_row_each(self, companies=None):
        companies = companies or self.env.company
        for model in KEYED_MODELS:
            rows = self.rows_of(model, self.kept)
            with self.subTest(model):
                self.assertEqual(
                    sorted(rows.mapped("company_id.id")), sorted(companies.ids)
                )

    def assert_exact_after_next_run(self):
        self.classify()
        self.assert_figures()
        rows = self.rows_of("customer.assignment", self.kept)
        self.assertLessEqual(len(rows), 1)

    def test_rows_on_both_sides(self):
        self.post(self.kept, 10, 100)
        self.post(self.gone, 5000, 5)
        self.post(self.bystander, 70, 50)
        self.classify()
        for partner, category in ((self.kept, self.silver), (self.gone, self.gold)):
            self.decide(partner, category)
        kept_rows = [self.rows_of(model, self.kept) for model in KEYED_MODELS]
        before = self.rows_of("customer.assignment.history", self.kept + self.gone)
        self.assertEqual(len(before), 2)
        self.merge(self.gone)
        self.assert_one_row_each()
        for model, rows in zip(KEYED_MODELS, kept_rows, strict=True):
            self.assertEqual(self.rows_of(model, self.kept), rows)
        self.assertEqual(self.tier_of(self.kept), "Silver")
        after = self.rows_of("customer.assignment.history", self.kept)
        self.assertLessEqual(before, after)
        self.assertEqual(set(before.mapped("reason")), {"About Kept", "About Gone"})
        # Gone scored 4, 1 and 4, weighted 1:1:2 thus 3.25; Kept 1 each
        self.assertEqual(self.get_merged(), [("Silver", "Bronze"), ("Gold", "Silver")])
        self.assert_exact_after_next_run()
        self.assertEqual(self.figures_of(self.kept).revenue_total, 5010)
        self.assertEqual(self.tier_of(self.kept), "Silver")

    def test_rows_of_the_removed_contact_only(self):
        self.post(self.gone, 5000, 5)
        self.post(self.bystander, 70, 50)
        self.classify()
        tier = self.assignment_of(self.gone).category_id
        since = self.assignment_of(self.gone).since
        rows = [self.rows_of(model, self.gone) for model in KEYED_MODELS[:2]]
        self.assertTrue(tier)
        self.merge(self.gone)
        for model, expected in zip(KEYED_MODELS[:2], rows, strict=True):
            self.assertEqual(self.rows_of(model, self.kept), expected)
        self.assertEqual(self.tier_of(self.kept), tier.name)
        changes = self.History.search_count([])
        self.assert_exact_after_next_run()
        self.assertEqual(self.assignment_of(self.kept).since, since)
        self.assertEqual(self.History.search_count([]), changes)

    def test_rows_of_the_kept_contact_only(self):
        self.post(self.kept, 5000, 5)
        self.classify()
        self.decide(self.kept, self.silver)
        rows = [self.rows_of(model, self.kept) for model in KEYED_MODELS]
        self.merge(self.gone + self.also_gone)
        for model, expected in zip(KEYED_MODELS, rows, strict=True):
            self.assertEqual(self.rows_of(model, self.kept), expected)
        self.assert_exact_after_next_run()

    def test_no_rows_at_all(self):
        self.post(self.bystander, 70, 50)
        self.classify()
        self.merge(self.gone + self.also_gone)
        self.assertFalse(self.rows_of("customer.figures", self.kept))
        self.assert_exact_after_next_run()

    def test_two_removed_contacts(self):
        for partner, amount in ((self.gone, 20), (self.also_gone, 3000)):
            self.post(partner, amount, 5)
        self.classify()
        self.decide(self.gone, self.gold, days=40)
        self.decide(self.also_gone, self.silver, days=90)
        self.merge(self.gone + self.also_gone)
        self.assert_one_row_each()
        [override] = self.rows_of("customer.override", self.kept)
        self.assertEqual(
            override.reason, "About Also gone", "the one that holds longest"
        )
        self.assertEqual(override.date_end, self.today + timedelta(days=90))
        self.assertEqual(len(self.history_of(self.kept)), 4)
        # of the two decisions one gave way, and the other came along
        self.assertEqual(self.get_merged(), [("Gold", "Silver"), (False, "Silver")])
        self.assert_exact_after_next_run()
        self.assertEqual(self.figures_of(self.kept).revenue_total, 3020)
        self.assertEqual(self.tier_of(self.kept), "Silver")

    def test_decision_of_the_kept_contact_wins(self):
        self.decide(self.kept, self.bronze, days=1)
        self.decide(self.gone, self.gold, days=300)
        self.merge(self.gone)
        self.assertEqual(self.tier_of(self.kept), "Bronze")

    def test_ended_decision_of_the_kept_contact_does_not_win(self):
        ended = self.decide(self.kept, self.bronze)
        self.env.cr.execute(
            "UPDATE customer_override SET date_end = %s WHERE id = %s",
            [self.day(3), ended.id],
        )
        self.env.invalidate_all()
        self.assertFalse(self.tier_of(self.kept))
        self.decide(self.gone, self.gold)
        self.merge(self.gone)
        self.assertEqual(self.tier_of(self.kept), "Gold")
        self.assertEqual(len(self.rows_of("customer.override", self.kept)), 1)

    def test_history_of_everybody_is_kept(self):
        move = self.post(self.gone, 100, 5)
        self.post(self.also_gone, 7, 8)
        self.post(self.kept, 1, 9)
        self.classify()
        move.button_draft()
        self.documents.pop(0)
        self.classify()
        [row] = self.history_of(self.gone)
        self.assertEqual((row.event, row.new_category_id.id), ("run", False))
        self.decide(self.also_gone, self.gold).action_withdraw()
        self.decide(self.kept, self.silver)
        before = {
            (row.id, row.event, row.date, row.old_category_id, row.new_category_id)
            for row in self.rows_of(
                "customer.assignment.history", self.kept + self.gone + self.also_gone
            )
        }
        self.assertEqual(len(before), 4)
        self.merge(self.gone + self.also_gone)
        self.assertEqual(
            {
                (row.id, row.event, row.date, row.old_category_id, row.new_category_id)
                for row in self.history_of(self.kept)
            },
            before,
        )
        self.assert_exact_after_next_run()

    def test_two_companies(self):
        here = self.env.company
        there = self.setup_other_company(name="Other company")["company"]
        journal = self.env["account.journal"].search(
            [("company_id", "=", there.id), ("type", "=", "sale")], limit=1
        )
        # figures of Kept here only, of Gone in both companies
        self.post(self.kept, 10, 30)
        self.post(self.gone, 20, 20)
        in_here = list(self.documents)
        self.documents.clear()
        self.post(self.gone, 4000, 3, journal_id=journal.id)
        in_there = list(self.documents)
        self.classify(companies=here + there)
        self.decide(self.kept, self.silver)
        self.decide(self.gone, self.bronze)
        self.decide(self.gone, self.gold, company_id=there.id)
        self.documents = in_here + in_there
        self.merge(self.gone)
        self.assert_one_row_each(here + there)
        self.assertEqual(self.tier_of(self.kept, here), "Silver")
        self.assertEqual(self.tier_of(self.kept, there), "Gold")
        self.assertEqual(self.figures_of(self.kept, there).revenue_total, 4000)
        self.assertEqual(len(self.history_of(self.kept)), 6)
        # computed: Gone 3, 1 and 3, thus 2.5; by hand: what gave way here, and what
        # came along there
        self.assertEqual(
            self.get_merged(),
            [("Silver", "Bronze"), ("Bronze", "Silver"), (False, "Gold")],
        )
        self.classify(companies=here + there)
        self.assert_figures(here, self.documents[:2])
        self.assert_figures(there, self.documents[2:])
        self.assertEqual(self.figures_of(self.kept, here).revenue_total, 30)

    def test_result_of_a_past_date_and_run_of_few_customers(self):
        self.post(self.kept, 10, 30)
        self.post(self.gone, 20, 20)
        few = self.classify(partners=self.kept + self.gone)
        past = self.classify(as_of=self.day(5))
        self.assertEqual(len(past.staging_ids), 2)
        self.merge(self.gone)
        self.env.invalidate_all()
        self.assertEqual(few.partner_ids, self.kept)
        self.assertEqual(past.staging_ids.partner_id, self.kept)
        self.assert_exact_after_next_run()

    def test_tiers_follow_with_the_next_version(self):
        for number in range(9):
            self.post(self.make_customer(f"Other {number}"), 10 * (number + 1), number)
        self.post(self.kept, 15, 200)
        self.post(self.gone, 95, 1)
        self.classify()
        self.merge(self.gone)
        self.dimension.action_renew_cut_points()
        self.classify()
        self.assert_figures()
        self.assert_tiers()
        figures = oracle.compute_figures(self.documents, self.today)
        self.assertEqual(figures["Kept"].invoice_count, 2)
