from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from . import oracle
from .common import ClassificationCommon


@tagged("post_install", "-at_install")
class TestScore(ClassificationCommon):
    """Scores, cut points and tiers equal an independent computation."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Uneven on purpose: many equal values, some gaps, a few big customers.
        cls.plan = [
            # (days ago of each purchase, amount of each)
            ([1, 30, 60, 90, 120, 150], 900),
            ([2, 40, 80, 200], 2500),
            ([5, 6], 75),
            ([9], 20),
            ([9], 20),
            ([9], 20),
            ([30, 31, 32], 20),
            ([70], 1200),
            ([100, 300], 640),
            ([200], 5),
            ([363], 99.99),
            ([400], 10000),
        ]

    def post_plan(self):
        customers = []
        for number, (days, amount) in enumerate(self.plan):
            customer = self.make_customer(f"Customer {number:02}")
            customers.append(customer)
            for days_ago in days:
                self.post(customer, amount, days_ago)
        return customers

    def set_limits(self, criterion, *cuts):
        """Give the criterion fixed limits, of the scores 2 to 5."""
        limits = {f"cut_{score}": cut for score, cut in enumerate(cuts, 2)}
        criterion.write({"cut_mode": "fixed", **limits})

    def test_tiers_equal_the_oracle(self):
        self.post_plan()
        self.classify()
        self.assert_tiers()

    def test_scores_of_a_hand_worked_example(self):
        """Five customers with distinct values get one score each on every metric.

        Weighted 1:1:2, the best in all three scores 5, the next 4, and so on.
        """
        customers = [self.make_customer(f"Customer {rank}") for rank in range(1, 6)]
        for rank, customer in enumerate(customers, 1):
            for purchase in range(rank):
                self.post(customer, 10 * rank, 50 - 10 * rank + purchase * 60)
        self.classify()
        self.assertEqual(
            [
                (row.recency_score, row.frequency_score, row.monetary_score, row.score)
                for row in map(self.assignment_of, customers)
            ],
            [(rank, rank, rank, rank) for rank in range(1, 6)],
        )
        self.assertEqual(
            [self.tier_of(customer) for customer in customers],
            ["Bronze", "Bronze", "Silver", "Gold", "Platinum"],
        )

    def test_equal_customers_get_equal_tiers(self):
        customers = [self.make_customer(f"Customer {number}") for number in range(7)]
        for customer in customers:
            self.post(customer, 50, 10)
        self.classify()
        rows = self.assignment_of(customers[0])
        for customer in customers:
            rows |= self.assignment_of(customer)
        self.assertEqual(len(rows), 7)
        self.assertEqual(set(rows.mapped("score")), {1.0})
        self.assert_tiers()

    def test_weights_and_limits_of_the_administrator(self):
        self.post_plan()
        recency, frequency, monetary = self.dimension.criterion_ids
        recency.weight, frequency.weight, monetary.weight = 5, 3, 1.5
        self.platinum.minimum_score = 4.01
        self.gold.minimum_score = 3.0
        self.silver.minimum_score = 2.99
        self.bronze.minimum_score = 2.5
        self.classify()
        tiers = [
            ("Platinum", "4.01"),
            ("Gold", "3"),
            ("Silver", "2.99"),
            ("Bronze", "2.5"),
        ]
        figures = oracle.compute_figures(self.documents, self.today)
        expected = {
            customer: result
            for customer, result in oracle.compute_tiers(
                figures, weights=(10, 6, 3), tiers=tiers
            ).items()
            if result[-1]
        }
        rows = self.Assignment.search([("company_id", "=", self.env.company.id)])
        self.assertEqual(
            {row.partner_id.name: row.category_id.name for row in rows},
            {customer: result[-1] for customer, result in expected.items()},
        )
        # the limits must matter, or the test says nothing
        self.assertLess(len(expected), len(oracle.compute_tiers(figures)))

    def test_category_without_limit_is_never_computed(self):
        vip = self.env["customer.category"].create(
            {"name": "VIP", "dimension_id": self.dimension.id}
        )
        self.post_plan()
        self.classify()
        self.assert_tiers()
        self.assertFalse(self.Assignment.search([("category_id", "=", vip.id)]))

    def test_fixed_limits(self):
        recency, frequency, monetary = self.dimension.criterion_ids
        frequency.unlink()
        self.set_limits(recency, 300, 90, 30, 9)
        self.set_limits(monetary, 50, 100, 100, 1000.01)
        cases = {
            # days ago, amount: recency score, monetary score
            (9, 49.99): (5, 1),
            (10, 50): (4, 2),
            (30, 100): (4, 4),
            (31, 1000): (3, 4),
            (90, 1000.01): (3, 5),
            (91, 99.99): (2, 2),
            (300, 5000): (2, 5),
            (301, 1): (1, 1),
        }
        customers = {}
        for days_ago, amount in cases:
            customer = self.make_customer(f"{days_ago} {amount}")
            self.post(customer, amount, days_ago)
            customers[days_ago, amount] = customer
        self.classify()
        for case, (recency_score, monetary_score) in cases.items():
            with self.subTest(case):
                row = self.assignment_of(customers[case])
                self.assertEqual(row.recency_score, recency_score)
                self.assertEqual(row.monetary_score, monetary_score)
                self.assertFalse(row.frequency_score)
                # weights 1 and 2
                self.assertAlmostEqual(
                    row.score, round((recency_score + 2 * monetary_score) / 3, 2)
                )

    def test_fixed_limits_are_entered(self):
        for criterion in self.dimension.criterion_ids:
            with (
                self.subTest(criterion.metric_id.code),
                self.assert_refused(ValidationError, "enter the fixed limits"),
            ):
                criterion.cut_mode = "fixed"

    def test_fixed_age_moves_with_the_day(self):
        recency, frequency, monetary = self.dimension.criterion_ids
        (frequency + monetary).unlink()
        self.set_limits(recency, 40, 30, 20, 10)
        customer = self.make_customer("Alpha")
        self.post(customer, 10, 10)
        self.classify()
        self.assertEqual(self.assignment_of(customer).recency_score, 5)
        with freeze_time(self.today + timedelta(days=1)):
            self.classify()
        self.assertEqual(self.assignment_of(customer).recency_score, 4)

    def test_score_is_rounded_before_it_is_compared(self):
        """(5 + 4 + 4) / 3 = 4.333… reaches a limit of 4.33."""
        recency, frequency, monetary = self.dimension.criterion_ids
        monetary.weight = 1
        self.set_limits(recency, 40, 30, 20, 10)
        self.set_limits(frequency, 0, 0, 1, 9)
        self.set_limits(monetary, 1, 1, 1, 900)
        self.platinum.minimum_score = 4.33
        customer = self.make_customer("Alpha")
        self.post(customer, 10, 1)
        self.classify()
        self.assertEqual(self.tier_of(customer), "Platinum")
        self.platinum.minimum_score = 4.34
        self.classify()
        self.assertEqual(self.tier_of(customer), "Gold")

    def test_who_returned_practically_everything_pays_nothing(self):
        alpha, beta = self.make_customer("Alpha"), self.make_customer("Beta")
        self.post(alpha, 10000, 9)
        self.post(alpha, -9900.01, 8)  # 0.9999 % kept
        self.post(beta, 10000, 9)
        self.post(beta, -9900, 8)  # exactly 1 %
        self.classify()
        self.assert_tiers()
        self.assertFalse(self.assignment_of(alpha))
        self.assertTrue(self.assignment_of(beta).category_id)
        self.dimension.minimum_kept_share = 0
        self.classify()
        self.assertTrue(self.assignment_of(alpha).category_id)

    def test_who_stops_buying_falls_without_a_new_invoice(self):
        customers = self.post_plan()
        best = customers[0]
        self.classify()
        tiers = [self.tier_of(best)]
        for days in (120, 240, 300, 370):
            day = self.today + timedelta(days=days)
            with freeze_time(day):
                self.classify()
                tiers.append(self.tier_of(best))
                figures = oracle.compute_figures(self.documents, day)
                expected = oracle.compute_tiers(figures)
                rows = self.Assignment.search([("category_id", "!=", False)])
                self.assertEqual(
                    {row.partner_id.name: row.category_id.name for row in rows},
                    {customer: result[-1] for customer, result in expected.items()},
                )
        self.assertEqual(tiers[0], "Platinum")
        self.assertFalse(tiers[-1])

    def test_cut_points_are_frozen_between_renewals(self):
        """A newcomer moves nobody else until the fifths are renewed."""
        many = [self.make_customer(f"Customer {number:02}") for number in range(30)]
        for number, customer in enumerate(many):
            self.post(customer, 100 + number, 40 + number)
        self.classify()
        frozen = oracle.paying_cuts(oracle.compute_figures(self.documents, self.today))
        first = self.Ruleset._get_in_force(self.dimension, self.env.company)
        for number in range(12):
            newcomer = self.make_customer(f"Newcomer {number:02}")
            self.post(newcomer, 5000, 1)
        next_day = self.today + timedelta(days=1)
        with freeze_time(next_day):
            self.classify()
        self.assert_scores_on(next_day, cuts=frozen)
        self.assertEqual(
            self.Ruleset._get_in_force(self.dimension, self.env.company), first
        )
        renewal = self.today + timedelta(days=self.dimension.refresh_days)
        with freeze_time(renewal):
            self.classify()
        self.assert_scores_on(renewal)
        second = self.Ruleset._get_in_force(self.dimension, self.env.company)
        self.assertEqual((second.version, second.origin), (2, "refresh"))
        self.assertEqual((first.state, second.state), ("superseded", "active"))

    def assert_scores_on(self, day, cuts=None):
        figures = oracle.compute_figures(self.documents, day)
        expected = oracle.compute_tiers(figures, cuts=cuts)
        rows = self.Assignment.search([("category_id", "!=", False)])
        self.assertEqual(
            {row.partner_id.name: f"{row.score:.2f}" for row in rows},
            {customer: f"{result[0]:.2f}" for customer, result in expected.items()},
        )

    def test_few_customers_renew_every_day(self):
        self.post_plan()
        self.classify()
        day = self.today + timedelta(days=1)
        with freeze_time(day):
            self.post(self.make_customer("Newcomer"), 4000, -1)
            self.classify()
        self.assert_scores_on(day)
