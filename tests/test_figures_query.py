from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from odoo.addons.customer_classification.models.customer_facts_mixin import (
    CustomerFactsMixin,
)
from odoo.addons.customer_classification.models.customer_scope import EVERYONE, Scope

from .common import ClassificationCommon

INDEX = "account_move_customer_figures_idx"


@tagged("post_install", "-at_install")
class TestFiguresQuery(ClassificationCommon):
    """How the figures are read and written, whatever they are."""

    def setUp(self):
        super().setUp()
        self.customers = [self.make_customer(f"Customer {n}") for n in range(6)]
        for number, customer in enumerate(self.customers):
            self.post(customer, 100 + number, 400 - number)
            self.post(customer, 10 + number, number)
        self.ids = [customer.id for customer in self.customers]

    def test_documents_are_read_from_the_index_alone(self):
        # so few rows could as well be read in any other way
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute("SET LOCAL enable_bitmapscan = off")
        others = self.env.execute_query(
            SQL(
                """SELECT indexname FROM pg_indexes
                    WHERE tablename = 'account_move'
                      AND indexname NOT IN (%s, 'account_move_pkey')""",
                INDEX,
            )
        )
        for [name] in others:
            self.env.cr.execute(SQL("DROP INDEX %s", SQL.identifier(name)))
        for name, scope in (
            ("all", EVERYONE),
            ("few", Scope.of(self.ids[:2])),
            ("range", Scope.between(self.ids[0], self.ids[3])),
        ):
            with self.subTest(name):
                query = self.Figures._get_query(self.env.company, self.today, scope)
                lines = self.env.execute_query(SQL("EXPLAIN %s", query))
                plan = "\n".join(line for [line] in lines)
                self.assertRegex(plan, f"Index Only Scan using {INDEX} on account_move")
                self.assertNotIn("Index Scan using account_move_customer", plan)

    def test_parts_make_up_the_whole(self):
        first, _second, third, *_others = self.ids
        parts = EVERYONE.split([third, first, first, 0])
        self.assertEqual(
            [(part.first, part.last) for part in parts],
            [(1, first), (first + 1, third), (third + 1, 2**31 - 1)],
        )
        within = Scope.between(first + 1, third).split([first, third - 1, third])
        self.assertEqual(
            [(part.first, part.last) for part in within],
            [(first + 1, third - 1), (third, third)],
        )
        with patch.object(CustomerFactsMixin, "_split", lambda _model, _scope: parts):
            self.classify()
            self.assert_figures()
            # and what is gone is removed, in whichever part it is
            for customer in self.customers[1:4]:
                moves = self.env["account.move"].search(
                    [("partner_id", "=", customer.id)]
                )
                moves.button_draft()
            gone = {"Customer 1", "Customer 2", "Customer 3"}
            self.documents = [d for d in self.documents if d.customer not in gone]
            self.classify()
            self.assert_figures()

    def test_deviation_follows_a_day_in_the_middle(self):
        """Of the columns that are compared, only the hash of the days differs."""
        customer = self.customers[0]
        move = self.post(customer, 5, 200)
        self.documents.pop()
        for days_ago in (200, 150):
            move.button_draft()
            move.invoice_date = self.day(days_ago)
            move.action_post()
            self.classify()
            # 400, `days_ago` and 0 days ago: two gaps
            gaps = (400 - days_ago, days_ago)
            mean = sum(gaps) / 2
            deviation = sum((gap - mean) ** 2 for gap in gaps) ** 0.5
            figures = self.figures_of(customer)
            self.assertEqual(figures.interval_mean, 200)
            self.assertAlmostEqual(figures.interval_deviation, deviation, 2)

    def test_what_is_worked_out_late_follows_the_settings(self):
        """Nothing differs but that the history covers the period before, or not."""
        customer = self.customers[0]  # who bought for 100 before, and for 10 lately
        self.post(customer, 10, 330)  # and is due when that month is a year ago
        self.env.company.customer_history_start = self.day(500)
        self.classify()
        before = self.figures_of(customer)
        self.assertEqual(before.revenue_change, 0)
        [former] = before.read(["revenue_window", "next_due"])
        self.env.company.customer_history_start = False
        self.classify()
        figures = self.figures_of(customer)
        self.assertEqual(figures.read(["revenue_window", "next_due"]), [former])
        self.assertEqual(figures.revenue_change, -80)

    def test_nothing_is_written_where_nothing_changed(self):
        self.classify()
        company, day = self.env.company, self.today
        self.assertEqual(self.Figures._update(company, day), 0)
        self.post(self.customers[2], 7, 0)
        self.assertEqual(self.Figures._update(company, day, Scope.of(self.ids[:2])), 0)
        self.assertEqual(self.Figures._update(company, day), 1)

    def test_rows_of_a_deleted_company_are_removed(self):
        company = self.env["res.company"].create({"name": "Short-lived"})
        self.Figures.sudo().create(
            {"partner_id": self.ids[0], "company_id": company.id, "invoice_count": 1}
        )
        self.env.flush_all()
        id_ = company.id
        company.unlink()
        self.assertFalse(self.Figures.search([("company_id", "=", id_)]))
        self.assertFalse(
            self.env.execute_query(
                SQL(
                    """SELECT conname FROM pg_constraint
                        WHERE contype = 'f'
                          AND conrelid = 'customer_figures'::regclass"""
                )
            )
        )
