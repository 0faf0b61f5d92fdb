from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from . import oracle
from .common import ClassificationCommon

TABLES = (
    "customer_figures",
    "customer_assignment",
    "customer_assignment_history",
    "customer_override",
    "customer_staging",
    "customer_ruleset",
    "customer_ruleset_criterion",
    "customer_ruleset_limit",
    "customer_dimension",
    "customer_category",
    "res_partner",
)


@tagged("post_install", "-at_install")
class TestRun(ClassificationCommon):
    """What a run writes, and what it leaves alone."""

    def post_some(self):
        customers = [self.make_customer(f"Customer {number}") for number in range(8)]
        for number, customer in enumerate(customers):
            for purchase in range(number + 1):
                self.post(customer, 10.5 * (number + 1), 5 + number + 25 * purchase)
        return customers

    def count_writes(self):
        """Return how many rows this transaction wrote so far, by table.

        PostgreSQL itself counts inserted, updated and deleted rows.
        """
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT relname, n_tup_ins + n_tup_upd + n_tup_del
              FROM pg_stat_xact_user_tables
             WHERE relname = ANY(%s)
            """,
            [list(TABLES)],
        )
        return dict(self.env.cr.fetchall())

    def test_second_run_writes_nothing(self):
        customers = self.post_some()
        self.Override.create(
            {
                "partner_id": customers[0].id,
                "dimension_id": self.dimension.id,
                "category_id": self.gold.id,
                "reason": "Framework contract",
            }
        )
        before = self.count_writes()
        first = self.classify()
        between = self.count_writes()
        self.assertGreaterEqual(
            between["customer_figures"] - before["customer_figures"], 8
        )
        self.assertEqual(first.created_count, 8)
        second = self.classify()
        self.assertEqual(self.count_writes(), between)
        self.assertEqual((second.created_count, second.changed_count), (0, 0))

    def test_second_run_writes_nothing_after_everybody_left(self):
        self.post_some()
        self.classify()
        with freeze_time(self.today + timedelta(days=800)):
            self.classify()
            self.assertFalse(self.Assignment.search([("category_id", "!=", False)]))
            between = self.count_writes()
            self.classify()
        self.assertEqual(self.count_writes(), between)

    def test_one_changed_customer_writes_one_row_each(self):
        customers = self.post_some()
        self.classify()
        before = self.count_writes()
        self.post(customers[0], 9999, 0)
        written = self.count_writes()["customer_figures"]
        self.classify(partners=customers[0])
        after = self.count_writes()
        self.assertEqual(after["customer_figures"] - written, 1)
        self.assertEqual(
            after["customer_assignment"] - before["customer_assignment"], 1
        )

    def test_first_category_is_its_own_origin(self):
        [customer, *_others] = self.post_some()
        run = self.classify()
        row = self.assignment_of(customer)
        self.assertEqual(row.run_id, run)
        self.assertEqual(row.ruleset_id.state, "active")
        self.assertLessEqual(run.date_start, row.since)
        self.assertLessEqual(row.since, run.date_end)
        self.assertFalse(self.history_of(customer))

    def test_each_later_change_leaves_one_row(self):
        customers = self.post_some()
        worst = customers[0]
        first = self.classify()
        before = self.assignment_of(worst)
        old, old_since = before.category_id, before.since
        for _purchase in range(9):
            self.post(worst, 5000, 0)
        second = self.classify(partners=worst)
        [row] = self.history_of(worst)
        self.assertEqual(row.event, "run")
        self.assertEqual(row.old_category_id, old)
        self.assertEqual(row.old_since, old_since)
        self.assertEqual(row.new_category_id, self.assignment_of(worst).category_id)
        self.assertNotEqual(row.new_category_id, old)
        self.assertEqual(row.run_id, second)
        self.assertNotEqual(first, second)
        self.assertEqual(row.user_id, self.env.user)
        self.assertEqual(row.ruleset_id.dimension_id, self.dimension)
        figures = oracle.compute_figures(self.documents, self.today)[worst.name]
        inputs = row.ruleset_id._expand_inputs(row.inputs)
        values = {metric: value for metric, (value, _) in inputs["criteria"].items()}
        self.assertEqual(Decimal(values["revenue_window"]), figures.revenue_window)
        self.assertEqual(values["last_date"], str(figures.last_date))
        self.assertEqual(
            int(values["purchase_days_window"]), figures.purchase_days_window
        )
        self.assertEqual(inputs["as_of"], str(self.today))
        self.assertIn("of 5", row.explanation)

    def test_leaving_and_coming_back_are_changes(self):
        alpha = self.make_customer("Alpha")
        self.post(alpha, 10, 360)
        self.classify()
        with freeze_time(self.today + timedelta(days=30)):
            self.classify()
            self.assertFalse(self.assignment_of(alpha).category_id)
            self.post(alpha, 10, -30)
            self.classify()
        self.assertTrue(self.assignment_of(alpha).category_id)
        self.assertEqual(
            [
                (row.old_category_id.name, row.new_category_id.name)
                for row in self.history_of(alpha)
            ],
            [("Bronze", False), (False, "Bronze")],
        )

    def test_changed_score_without_changed_tier_keeps_the_origin(self):
        recency, frequency, monetary = self.dimension.criterion_ids
        (frequency + monetary).unlink()
        recency.write(
            {"cut_mode": "fixed", "cut_2": 90, "cut_3": 60, "cut_4": 30, "cut_5": 10}
        )
        self.silver.minimum_score = 2
        self.gold.minimum_score = 4.2
        alpha = self.make_customer("Alpha")
        self.post(alpha, 10, 70)
        run = self.classify()
        row = self.assignment_of(alpha)
        self.assertEqual((row.score, row.category_id), (2, self.silver))
        inputs = row.inputs
        self.post(alpha, 10, 20)
        self.classify()
        self.assertEqual((row.score, row.category_id), (4, self.silver))
        self.assertEqual((row.run_id, row.inputs), (run, inputs))
        self.assertFalse(self.history_of(alpha))

    def test_no_invoices_at_all(self):
        self.make_customer("Alpha")
        run = self.classify()
        self.assertEqual((run.state, run.created_count), ("done", 0))
        for model in (self.Figures, self.Assignment, self.Ruleset, self.History):
            self.assertFalse(model.search([]))

    def test_company_without_invoices(self):
        other = self.setup_other_company(name="Idle company")["company"]
        self.post_some()
        run = self.classify(companies=self.env.company + other)
        self.assertEqual(run.line_ids.mapped("state"), ["done", "done"])
        self.assertFalse(self.Assignment.search([("company_id", "=", other.id)]))
        self.assert_tiers()

    def test_few_customers(self):
        customers = self.post_some()
        self.classify(partners=customers[0] + customers[3])
        self.assertEqual(
            self.Figures.search([]).partner_id, customers[0] + customers[3]
        )
        # the fifths are those of everybody, as in a full run
        expected = oracle.compute_tiers(
            oracle.compute_figures(self.documents, self.today)
        )
        for customer in customers[0], customers[3]:
            row = self.assignment_of(customer)
            self.assertEqual(row.category_id.name, expected[customer.name][-1])
        self.classify()
        self.assert_tiers()

    def test_few_customers_named_by_their_contacts(self):
        alpha, *_others = self.post_some()
        contact = self.make_customer("Contact", parent_id=alpha.id, is_company=False)
        run = self.classify(partners=contact)
        self.assertEqual(run.partner_ids, alpha)
        self.assertTrue(self.assignment_of(alpha))

    def test_few_customers_are_judged_as_all_others(self):
        """A changed period waits for the full run: 30 days would make all Bronze."""
        customers = self.post_some()
        self.classify()
        best = customers[-1]
        before = self.assignment_of(best).score, self.figures_of(best).revenue_window
        self.env.company.customer_window_days = 30
        self.classify(partners=best)
        after = self.assignment_of(best).score, self.figures_of(best).revenue_window
        self.assertEqual(after, before)
        self.classify()
        self.assert_figures(window=30)

    def test_below_the_lowest_category_nothing_is_staged(self):
        self.post_some()
        self.bronze.minimum_score = 2
        self.classify()
        unplaced = self.Figures.search([]).partner_id - (
            self.Assignment.search([]).partner_id
        )
        self.assertTrue(unplaced)
        before = self.count_writes()
        self.classify()
        self.assertEqual(self.count_writes(), before)

    def test_reason_where_the_figures_are_gone(self):
        alpha = self.make_customer("Alpha")
        move = self.post(alpha, 10, 1)
        self.classify()
        move.button_draft()
        self.classify()
        [row] = self.history_of(alpha)
        self.assertFalse(row.new_category_id)
        self.assertEqual(row.inputs, {"as_of": str(self.today), "gone": "figures"})
        self.assertIn("No invoice counts any more", row.explanation)

    def test_as_of_a_past_day(self):
        self.post_some()
        day = self.day(60)
        before = self.count_writes()
        run = self.classify(as_of=day)
        after = self.count_writes()
        for table in (
            "customer_assignment",
            "customer_figures",
            "customer_assignment_history",
        ):
            self.assertEqual(after.get(table), before.get(table))
        expected = oracle.compute_tiers(oracle.compute_figures(self.documents, day))
        self.assertTrue(expected)
        self.assertEqual(
            {
                row.partner_id.name: (f"{row.score:.2f}", row.category_id.name)
                for row in run.staging_ids
            },
            {
                customer: (f"{result[0]:.2f}", result[-1])
                for customer, result in expected.items()
            },
        )
        self.assertEqual(run.staging_ids.ruleset_id.state, "draft")
        self.assertFalse(self.Ruleset._get_in_force(self.dimension, self.env.company))
        action = run.action_open_result()
        self.assertEqual(
            self.env["customer.staging"].search(action["domain"]), run.staging_ids
        )

    def test_as_of_a_past_day_for_few_customers(self):
        customers = self.post_some()
        run = self.classify(as_of=self.day(60), partners=customers[6])
        everybody = oracle.compute_tiers(
            oracle.compute_figures(self.documents, self.day(60))
        )
        [row] = run.staging_ids
        self.assertEqual(row.partner_id, customers[6])
        self.assertEqual(row.category_id.name, everybody[customers[6].name][-1])

    def test_as_of_a_past_day_changes_nothing_in_force(self):
        self.post_some()
        self.classify()
        rows = {row: row.category_id for row in self.Assignment.search([])}
        ruleset = self.Ruleset._get_in_force(self.dimension, self.env.company)
        self.classify(as_of=self.day(60))
        self.assertEqual(
            {row: row.category_id for row in self.Assignment.search([])}, rows
        )
        self.assertEqual(
            self.Ruleset._get_in_force(self.dimension, self.env.company), ruleset
        )

    def test_as_of_today_is_a_run_of_today(self):
        self.post_some()
        self.classify(as_of=fields.Date.to_string(self.today))
        self.assert_tiers()

    def test_bad_arguments(self):
        for arguments, message in (
            ({"as_of": self.today + timedelta(days=1)}, "has not come yet"),
            ({"as_of": "yesterday"}, "year-month-day"),
            ({"companies": []}, "at least one existing company"),
            ({"companies": [0]}, "at least one existing company"),
            ({"partners": []}, "at least one existing customer"),
            ({"partners": [0]}, "at least one existing customer"),
        ):
            with self.subTest(arguments), self.assert_refused(UserError, message):
                self.classify(**arguments)

    def test_old_results_are_removed(self):
        self.post_some()
        run = self.classify(as_of=self.day(60))
        current = self.classify()
        nobody = self.classify(as_of=self.day(5000))
        self.assertFalse(nobody.staging_ids)
        drafts = self.Ruleset.search([("state", "=", "draft")])
        self.assertEqual(len(drafts), 2)
        self.Run.sudo()._gc_results()
        self.assertEqual(drafts.exists(), drafts)
        self.assertTrue(run.exists() and nobody.exists())
        with freeze_time(self.today + timedelta(days=31)):
            self.Run.sudo()._gc_results()
        self.assertFalse(run.exists() or nobody.exists() or drafts.exists())
        self.assertTrue(current.exists())
        self.assert_tiers()

    def test_found_by_text(self):
        self.post_some()
        run = self.classify()
        ruleset = self.Ruleset._get_in_force(self.dimension, self.env.company)
        for record, text in (
            (run, str(run.id)),
            (ruleset, self.dimension.name),
            (ruleset.criterion_ids[0], "last_date"),
            (ruleset.limit_ids[0], "Platinum"),
            (self.dimension.criterion_ids[0], "Last purchase"),
        ):
            with self.subTest(record._name), self.assertNoLogs(level="WARNING"):
                self.assertIn(record.id, dict(record.name_search(text, limit=None)))
                self.assertFalse(record.name_search("no such text"))

    def test_chunks_give_the_same_result(self):
        self.post_some()
        module = "odoo.addons.customer_classification.models"
        for name, constant in (
            ("customer_run_jobs", "CHUNK_SIZE"),
            ("customer_run_plan", "RANGE_SIZE"),
        ):
            patcher = patch(f"{module}.{name}.{constant}", 3)
            patcher.start()
            self.addCleanup(patcher.stop)
        run = self.classify()
        self.assertEqual(run.created_count, 8)
        self.assert_tiers()
        self.assertFalse(self.env["customer.staging"].search([]))
