import random
from decimal import Decimal
from itertools import pairwise

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL

from . import oracle
from .common import ClassificationCommon


def get_values(values):
    """Return SQL with a row for each value, as the cut points are taken from."""
    if not values:
        return SQL("SELECT 1 AS value WHERE FALSE")
    rows = SQL(", ").join(SQL("(%s::numeric)", str(value)) for value in values)
    return SQL("SELECT value FROM (VALUES %s) AS given (value)", rows)


@tagged("post_install", "-at_install")
class TestCutPoints(TransactionCase):
    """Cut points of given values: hand-worked, and against the oracle."""

    def take(self, mode, values, higher=True, limits=None):
        criterion = {"higher": higher, "limits": limits}
        Criterion = self.env["customer.ruleset.criterion"]
        compute = {
            "share": Criterion._compute_share_cuts,
            "quantile": Criterion._compute_quantile_cuts,
        }[mode]
        return [
            cut and Decimal(cut).normalize()
            for cut in compute(criterion, get_values(values))
        ]

    def take_shares(self, values, *shares):
        """Return the cut points for percentages in the order of the scores 5 to 2."""
        return self.take("share", values, limits=list(shares)[::-1])[::-1]

    def test_share_of_a_hand_worked_example(self):
        """Of 100: 50 is half, the next 20 make 70, 15 more 85, 10 more 95."""
        values = [5, 50, 10, 15, 20]
        # 50 alone has not 80 %, nor have 50 + 20; the 15 crosses the limit
        self.assertEqual(self.take_shares(values, 80, 95, 0, 0), [15, 10, None, None])
        # exactly reached: who comes next is not needed any more
        self.assertEqual(self.take_shares(values, 50, 70, 85, 95), [50, 20, 15, 10])
        self.assertEqual(
            self.take_shares(values, 50.01, 70.01, 85.01, 95.01), [20, 15, 10, 5]
        )
        self.assertEqual(self.take_shares(values, 100, 0, 0, 0)[0], 5)
        self.assertEqual(self.take_shares(values, 0.01, 0, 0, 0)[0], 50)

    def test_equal_values_at_the_limit_belong_together(self):
        """The first 20 of three crosses the limit of 60 %, so all three belong."""
        values = [40, 20, 20, 20]
        self.assertEqual(self.take_shares(values, 60, 80, 0, 0), [20, 20, None, None])
        self.assertEqual(self.take_shares(values, 40, 41, 0, 0), [40, 20, None, None])

    def test_zero_and_less_make_up_nothing(self):
        values = [60, 40, 0, 0, -500]
        self.assertEqual(self.take_shares(values, 60, 100, 0, 0), [60, 40, None, None])
        self.assertEqual(self.take_shares([0, -1], 80, 95, 100, 100), [None] * 4)
        self.assertEqual(self.take_shares([], 80, 95, 100, 100), [None] * 4)

    def test_fifths_from_the_other_end(self):
        """Of ten values each fifth has two; where less is better, 1 and 2 score 5."""
        values = list(range(1, 11))
        self.assertEqual(self.take("quantile", values), [3, 5, 7, 9])
        self.assertEqual(self.take("quantile", values, higher=False), [8, 6, 4, 2])
        self.assertEqual(self.take("quantile", [7] * 9, higher=False), [None] * 4)
        self.assertEqual(self.take("quantile", [], higher=False), [None] * 4)

    def test_random_populations_equal_the_oracle(self):
        generator = random.Random(20)
        for _population in range(60):
            values = [
                Decimal(
                    generator.choice([-3, 0, 1, 1, 2, 2.5, 5, 80, 999.99])
                ).quantize(Decimal("0.01"))
                for _customer in range(generator.randint(1, 25))
            ]
            shares = sorted(generator.choices(range(1, 101), k=4), reverse=True)
            if generator.random() < 0.5:
                shares[generator.randrange(4)] = 0
            with self.subTest(values=values, shares=shares):
                self.assertEqual(
                    self.take("share", values, limits=shares),
                    oracle.compute_share_cuts(values, shares),
                )
                self.assertEqual(
                    self.take("quantile", values), oracle.compute_cuts(values)
                )
                self.assertEqual(
                    self.take("quantile", values, higher=False),
                    [
                        None if cut is None else -cut
                        for cut in oracle.compute_cuts([-value for value in values])
                    ],
                )


@tagged("post_install", "-at_install")
class TestShare(ClassificationCommon):
    """ABC by runs: A makes up the first 80 % of the revenue, B up to 95 %."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dimension.criterion_ids[:2].unlink()
        cls.criterion = cls.dimension.criterion_ids
        cls.criterion.write({"cut_mode": "share", "cut_5": 80, "cut_3": 95})

    def test_customers_by_cumulated_share(self):
        amounts = [500, 150, 150, 100, 50, 30, 20]
        customers = [self.make_customer(f"Customer {n}") for n in range(len(amounts))]
        for customer, amount in zip(customers, amounts, strict=True):
            self.post(customer, amount, 5)
        self.classify()
        # 500 + 150 + 150 make 80 % exactly; + 100 + 50 make 95 % exactly
        self.assertEqual(
            [self.assignment_of(customer).monetary_score for customer in customers],
            [5, 5, 5, 3, 3, 1, 1],
        )
        ruleset = self.Ruleset._get_in_force(self.dimension, self.env.company)
        self.assertEqual(ruleset.criterion_ids.cuts, [None, "50.00", None, "150.00"])

    def test_limits_stay_until_they_are_renewed(self):
        self.test_customers_by_cumulated_share()
        first = self.Ruleset._get_in_force(self.dimension, self.env.company)
        self.post(self.make_customer("Big"), 100_000, 1)
        self.dimension.criterion_ids.weight = 7  # a new version with the same limits
        self.classify()
        second = self.Ruleset._get_in_force(self.dimension, self.env.company)
        self.assertNotEqual(second, first)
        self.assertEqual(second._get_cuts(), first._get_cuts())
        self.dimension.action_renew_cut_points()
        self.classify()
        third = self.Ruleset._get_in_force(self.dimension, self.env.company)
        self.assertEqual(
            third.criterion_ids.cuts, [None, "100000.00", None, "100000.00"]
        )

    def test_changed_percentage_takes_new_limits(self):
        self.test_customers_by_cumulated_share()
        self.criterion.cut_5 = 50
        self.assertTrue(self.dimension.has_pending_settings)
        self.classify()
        ruleset = self.Ruleset._get_in_force(self.dimension, self.env.company)
        self.assertEqual(ruleset.criterion_ids.cuts, [None, "50.00", None, "500.00"])

    def test_who_gets_no_score_makes_up_nothing(self):
        """Returned revenue, and too few purchases, are not part of the sum."""
        self.dimension.minimum_purchases = 2
        alpha, beta = self.make_customer("Alpha"), self.make_customer("Beta")
        once = self.make_customer("Once")
        for days_ago in (3, 4):
            self.post(alpha, 40, days_ago)  # 80 of 100
            self.post(beta, 10, days_ago)
        self.post(once, 9999, 3)
        self.post(self.make_customer("Returned"), -5, 3)
        self.classify()
        self.assertEqual(self.assignment_of(alpha).monetary_score, 5)
        self.assertEqual(self.assignment_of(beta).monetary_score, 3)
        self.assertFalse(self.assignment_of(once).category_id)

    def test_percentages_are_checked(self):
        for cuts in ((80, 70, 0, 0), (0, 0, 0, 0), (80, 0, 101, 0), (-1, 80, 95, 100)):
            limits = {f"cut_{5 - place}": cut for place, cut in enumerate(cuts)}
            with (
                self.subTest(cuts),
                self.assert_refused(ValidationError, "rise from score 5 to 2"),
            ):
                self.criterion.write(limits)
        for refused in self.get_not_summable():
            with (
                self.subTest(refused),
                self.assert_refused(ValidationError, "add up"),
            ):
                self.dimension.write({"criterion_ids": [Command.create(refused)]})

    def get_not_summable(self):
        share = {"cut_mode": "share", "cut_5": 80}
        return [
            {**share, "metric_id": self.get_metric(code).id}
            for code in ("last_date", "average_ticket", "overdue_amount")
        ]

    def test_scores_fall_with_the_amount(self):
        """Whoever has more never scores less, whatever the percentages."""
        generator = random.Random(4)
        for _try in range(3):
            amounts = [generator.choice([1, 5, 5, 30, 90, 400]) for _n in range(6)]
            customers = [self.make_customer(f"C{_try} {n}") for n in range(6)]
            for customer, amount in zip(customers, sorted(amounts), strict=True):
                self.post(customer, amount, 2)
            self.dimension.action_renew_cut_points()
            self.classify()
            scores = [self.assignment_of(c).monetary_score for c in customers]
            self.assertTrue(all(low <= high for low, high in pairwise(scores)), scores)
            figures = oracle.compute_figures(self.documents, self.today)
            revenue = {name: f.revenue_window for name, f in figures.items()}
            cuts = oracle.compute_share_cuts(list(revenue.values()), [0, 95, 0, 80])
            self.assertEqual(
                scores, [oracle.score(revenue[c.name], cuts) for c in customers]
            )
