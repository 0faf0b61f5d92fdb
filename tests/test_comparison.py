import random
from collections import Counter
from contextlib import closing, contextmanager
from decimal import Decimal

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL

from ..models import customer_run_plan
from . import oracle
from .common import ClassificationCommon

#: What classifies customers, and what is known about them
TABLES = (
    "customer_assignment",
    "customer_assignment_history",
    "customer_figures",
    "customer_staging",
    "customer_override",
    "customer_classification_run",
    "customer_dimension",
    "customer_dimension_criterion",
    "customer_dimension_rule",
    "customer_category",
    "customer_change",
)


class ComparisonCommon(ClassificationCommon):
    """Compares settings with today, and with what a run then really does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Comparison = cls.env["customer.comparison"].sudo()

    @classmethod
    def post_random(cls, count, seed):
        """Post one to four invoices, some credited, of each of new customers.

        :return: what was posted, for the oracle
        """
        chance = random.Random(seed)
        vals_list, documents = [], []
        for number in range(count):
            customer = cls.make_customer(f"Random {seed}-{number}")
            amounts = [
                chance.choice([10, 50, 100, 400, 900])
                for _invoice in range(chance.randint(1, 4))
            ]
            if chance.random() < 0.2:
                amounts.append(-5)
            for amount in amounts:
                day = oracle.days_before(cls.today, chance.randint(0, 500))
                documents.append(
                    oracle.Document(customer.name, day, Decimal(amount), amount < 0)
                )
                vals_list.append(
                    {
                        "move_type": "out_invoice" if amount > 0 else "out_refund",
                        "partner_id": customer.id,
                        "invoice_date": day,
                        "invoice_line_ids": [
                            Command.create(
                                {
                                    "name": "x",
                                    "price_unit": abs(amount),
                                    "tax_ids": [],
                                }
                            )
                        ],
                    }
                )
        cls.env["account.move"].create(vals_list).action_post()
        return documents

    def get_settings(self, company=None, **values):
        """Return today's settings of the dimension with other values."""
        company = self.env.company if company is None else company
        return {**self.dimension._get_settings(company), **values}

    def compare(self, settings, company=None, **kwargs):
        company = self.env.company if company is None else company
        return self.Comparison._compare_settings(
            self.dimension, company, settings, **kwargs
        )

    def get_assigned(self, dimension=None, company=None):
        """Return the computed categories as sets of pairs of customer and slot."""
        dimension = dimension or self.dimension
        company = self.env.company if company is None else company
        return {
            (row.partner_id.id, row.slot): row.category_id
            for row in self.Assignment.search(
                [
                    ("dimension_id", "=", dimension.id),
                    ("company_id", "=", company.id),
                    ("category_id", "!=", False),
                ]
            )
        }

    def count_changes(self, before, after):
        """Return how many customers went from one category to another, or stayed."""
        none = self.env["customer.category"]
        return Counter(
            (before.get(key, none), after.get(key, none))
            for key in before.keys() | after.keys()
        )

    def get_matrix(self, comparison):
        return Counter(
            {
                (cell.from_id, cell.to_id): cell.customer_count
                for cell in comparison.cell_ids
            }
        )

    def assert_as_shown(self, comparison, before, dimension=None, company=None):
        """Compare a matrix, and who is behind it, with what a run did meanwhile."""
        after = self.get_assigned(dimension, company)
        self.assertEqual(self.get_matrix(comparison), self.count_changes(before, after))
        none = self.env["customer.category"]
        self.assertEqual(
            {
                (row.partner_id.id, row.slot): (row.from_id, row.to_id)
                for row in comparison.row_ids
            },
            {
                key: (before.get(key, none), after.get(key, none))
                for key in before.keys() | after.keys()
                if before.get(key) != after.get(key)
            },
        )

    @contextmanager
    def taken_back(self):
        """Take back what the block changes."""
        with closing(self.env.cr.savepoint()):
            yield
        self.env.invalidate_all()

    def get_state(self):
        """Return the content of all that a comparison must not touch."""
        self.env.flush_all()
        return {
            table: self.env.execute_query(
                SQL("SELECT * FROM %s ORDER BY id", SQL.identifier(table))
            )
            for table in TABLES
        } | {
            "versions": self.env.execute_query(
                SQL("SELECT * FROM customer_ruleset WHERE state <> 'draft' ORDER BY id")
            )
        }


@tagged("post_install", "-at_install")
class TestComparison(ComparisonCommon):
    """The matrix is exactly what the next run does with these settings."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.documents += cls.post_random(25, seed=5)
        cls.Run.classify(companies=cls.env.company)

    def test_same_settings_move_nobody(self):
        before = self.get_assigned()
        comparison = self.compare(self.get_settings())
        self.assertEqual(comparison.state, "done")
        self.assertFalse(comparison.row_ids)
        self.assertEqual(comparison.moved_count, 0)
        self.assertEqual(
            self.get_matrix(comparison),
            Counter((category, category) for category in before.values()),
        )

    def test_other_weights_and_limits(self):
        before = self.get_assigned()
        with self.taken_back():
            self.dimension.criterion_ids[2].weight = 5
            self.gold.minimum_score = 2.2
            settings = self.get_settings()
        comparison = self.compare(settings)
        self.assertTrue(comparison.moved_count)
        self.dimension.criterion_ids[2].weight = 5
        self.gold.minimum_score = 2.2
        self.classify()
        self.assert_as_shown(comparison, before)
        weights = [int(c.weight) for c in self.dimension.criterion_ids]
        figures = oracle.compute_figures(self.documents, self.today)
        tiers = oracle.compute_tiers(
            figures,
            weights=weights,
            tiers=[
                (category.name, str(category.minimum_score))
                for category in self.dimension.category_ids.sorted("minimum_score")
            ][::-1],
        )
        self.assertEqual(
            Counter(tier[-1] for tier in tiers.values()),
            Counter(category.name for category in self.get_assigned().values()),
        )

    def test_other_period(self):
        before = self.get_assigned()
        settings = self.get_settings()
        settings["company"] = {**settings["company"], "window_days": 60}
        comparison = self.compare(settings)
        self.assertTrue(comparison.moved_count)
        self.env.company.customer_window_days = 60
        self.classify()
        self.assert_as_shown(comparison, before)

    def test_invoices_that_wait_for_the_next_run(self):
        before = self.get_assigned()
        self.post_random(5, seed=6)
        comparison = self.compare(self.get_settings())
        self.assertTrue(comparison.moved_count)
        self.classify()
        self.assert_as_shown(comparison, before)

    def test_nothing_is_written(self):
        self.post_random(3, seed=7)
        settings = self.get_settings()
        settings["company"] = {**settings["company"], "window_days": 60}
        self.env.company.flush_recordset()
        before = self.get_state()
        self.assertTrue(self.compare(settings).moved_count)
        self.assertEqual(self.get_state(), before)

    def test_revenue_and_decisions_by_hand(self):
        [customer] = self.Assignment.search(
            [("category_id", "!=", self.bronze.id)], limit=1
        ).partner_id
        self.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": self.dimension.id,
                "category_id": self.bronze.id,
                "reason": "Agreed",
            }
        )
        present = self.assignment_of(customer).category_id
        with self.taken_back():
            for category in self.dimension.category_ids - self.bronze:
                category.minimum_score = 0
            settings = self.get_settings()
        comparison = self.compare(settings)
        [row] = comparison.row_ids.filtered(lambda r: r.partner_id == customer)
        self.assertTrue(row.is_hidden)
        [cell] = comparison.cell_ids.filtered(
            lambda c: c.from_id == present and c.is_move
        )
        self.assertEqual((cell.to_id, cell.hidden_count), (self.bronze, 1))
        of_cell = comparison.row_ids.filtered(lambda r: r.from_id == present)
        self.assertEqual(
            f"{cell.revenue:.2f}",
            f"{sum(self.figures_of(r.partner_id).revenue_window for r in of_cell):.2f}",
        )

    def test_version_that_is_no_draft_of_anybody(self):
        """As a run asks that has made a version and not put it in force yet."""
        before = self.get_assigned()
        settings = self.get_settings(minimum_purchases=2)
        ruleset = self.Ruleset.sudo()._propose(
            self.dimension, self.env.company, settings, self.today
        )
        comparison = self.Comparison._compare(ruleset)
        self.assertTrue(comparison.moved_count)
        self.dimension.minimum_purchases = 2
        self.classify()
        self.assert_as_shown(comparison, before)
        self.assertEqual(
            self.Ruleset._get_in_force(self.dimension, self.env.company)._get_cuts(),
            ruleset._get_cuts(),
        )

    def test_ranges_give_the_same(self):
        settings = self.get_settings(minimum_purchases=2)
        whole = self.compare(settings)
        self.patch(customer_run_plan, "RANGE_SIZE", 3)
        parts = self.compare(settings)
        self.assertEqual(self.get_matrix(parts), self.get_matrix(whole))
        self.assertEqual(
            {(r.partner_id, r.from_id, r.to_id) for r in parts.row_ids},
            {(r.partner_id, r.from_id, r.to_id) for r in whole.row_ids},
        )

    def test_limits_taken_anew(self):
        before = self.get_assigned()
        self.post_random(10, seed=8)
        comparison = self.compare(self.get_settings(), is_renewed=True)
        self.dimension.action_renew_cut_points()
        self.classify()
        self.assert_as_shown(comparison, before)

    def test_customers_behind_each_cell(self):
        comparison = self.compare(self.get_settings(minimum_purchases=2))
        self.assertTrue(comparison.moved_count)
        for cell in comparison.cell_ids:
            action = cell.action_open_customers()
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(len(found), cell.customer_count)
            if cell.is_move:
                self.assertEqual(
                    (found.from_id, found.to_id), (cell.from_id, cell.to_id)
                )
            else:
                self.assertEqual(found.category_id, cell.from_id)

    def test_outdated(self):
        comparison = self.compare(self.get_settings())
        self.assertFalse(comparison._is_outdated())
        self.post(self.make_customer("New"), 10, 0)
        self.env.flush_all()
        self.assertTrue(comparison._is_outdated())


@tagged("post_install", "-at_install")
class TestComparisonOfRules(ComparisonCommon):
    """Rules, of one company or of all, one or several categories."""

    def make_dimension(self, **values):
        return self.env["customer.dimension"].create(
            {
                "name": "Ruled",
                "code": "test_ruled",
                "method": "rule",
                "category_ids": [
                    Command.create({"name": name}) for name in ("Big", "Small", "Rest")
                ],
                **values,
            }
        )

    def set_rules(self, dimension, *rules):
        big, small, rest = dimension.category_ids
        dimension.rule_ids.unlink()
        dimension.rule_ids = [
            Command.create({"name": domain, "domain": domain, "category_id": c.id})
            for c, domain in zip((big, small), rules, strict=False)
        ]
        dimension.default_category_id = rest

    def compare_rules(self, dimension, company, *rules):
        before = self.get_assigned(dimension, company)
        self.set_rules(dimension, *rules)
        settings = dimension._get_settings(company)
        comparison = self.Comparison._compare_settings(dimension, company, settings)
        self.assertTrue(comparison.moved_count)
        self.classify()
        self.assert_as_shown(comparison, before, dimension, company)
        return comparison

    def test_rules_about_figures(self):
        self.post_random(12, seed=3)
        dimension = self.make_dimension()
        self.set_rules(dimension, "[('customer_revenue_total', '>', 500)]")
        self.classify()
        self.post_random(4, seed=4)
        self.compare_rules(
            dimension,
            self.env.company,
            "[('customer_revenue_total', '>', 300)]",
            "[('customer_revenue_total', '>', 100)]",
        )

    def test_several_categories(self):
        self.post_random(8, seed=3)
        dimension = self.make_dimension(is_multiple=True)
        self.set_rules(dimension, "[('customer_revenue_total', '>', 500)]")
        self.classify()
        self.compare_rules(
            dimension,
            self.env.company,
            "[('customer_revenue_total', '>', 300)]",
            "[('customer_purchase_days', '>', 1)]",
        )

    def test_shared_dimension(self):
        for number in range(6):
            self.make_customer(f"Contact {number}", ref=f"R{number}")
        dimension = self.make_dimension(is_shared=True)
        self.set_rules(dimension, "[('ref', 'in', ['R0', 'R1'])]")
        self.classify()
        comparison = self.compare_rules(
            dimension,
            self.env["res.company"],
            "[('ref', 'in', ['R1', 'R2', 'R3'])]",
        )
        self.assertFalse(comparison.currency_id)

    def test_rule_that_cannot_be_evaluated(self):
        for number in range(4):
            self.make_customer(f"Contact {number}", ref=f"R{number}")
        dimension = self.make_dimension()
        self.set_rules(dimension, "[('ref', '=', 'R0')]", "[('ref', '=', 'R1')]")
        self.classify()
        settings = dimension._get_settings(self.env.company)
        settings["rules"][1]["domain"] = "[('no_such_field', '=', 1)]"
        settings["rules"][1]["rule"] = False
        comparison = self.Comparison._compare_settings(
            dimension, self.env.company, settings
        )
        self.assertTrue(comparison.has_broken_rules)
        self.assertFalse(comparison.moved_count, "who was there stays")
        self.assertFalse(any(dimension.rule_ids.mapped("error")))
