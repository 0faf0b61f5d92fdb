import random
from datetime import timedelta
from decimal import Decimal

from freezegun import freeze_time

from odoo.tests import tagged

from . import oracle
from .common import ClassificationCommon


class KeepCommon(ClassificationCommon):
    """Scores that fall with the days since the last purchase, by hand-worked steps.

    The amount always scores 5 with a weight of 7, the recency weighs 3::

        days ago     0-10   11-20   21-30   31-40   41-
        recency      5      4       3       2       1
        score        5.00   4.70    4.40    4.10    3.80
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        recency, frequency, monetary = cls.dimension.criterion_ids
        frequency.unlink()
        recency.write(
            {
                "weight": 3,
                "cut_mode": "fixed",
                **{f"cut_{score}": 60 - 10 * score for score in (2, 3, 4, 5)},
            }
        )
        monetary.write(
            {
                "weight": 7,
                "cut_mode": "fixed",
                **{f"cut_{score}": score for score in (2, 3, 4, 5)},
            }
        )
        cls.alpha = cls.make_customer("Alpha")

    def tiers_after(self, *days):
        """Compute on each of the days from today; return the tiers of Alpha."""
        tiers = []
        for day in days:
            with freeze_time(self.today + timedelta(days=day)):
                self.classify()
            tiers.append(self.tier_of(self.alpha))
        return tiers

    def until(self, customer=None):
        """Return in how many days from today the grace ends, or None."""
        grace_until = self.assignment_of(customer or self.alpha).grace_until
        return grace_until and (grace_until - self.today).days or None


@tagged("post_install", "-at_install")
class TestKeep(KeepCommon):
    """A category once entered is kept down to a score of its own."""

    def test_score_that_moves_around_the_limit_moves_nobody(self):
        self.platinum.keep_score = 4.2
        for days_ago in (0, -25, -50, -75):
            self.post(self.alpha, 100, days_ago)
        days = (0, 10, 20, 24, 25, 45, 49, 50, 74, 75, 105)
        self.assertEqual(self.tiers_after(*days), ["Platinum"] * len(days))
        self.assertFalse(self.history_of(self.alpha))
        # 31 days after the last purchase the score is 4.10
        self.assertEqual(self.tiers_after(106), ["Gold"])

    def test_without_a_limit_of_its_own_the_score_decides(self):
        for days_ago in (0, -25, -50):
            self.post(self.alpha, 100, days_ago)
        self.assertEqual(
            self.tiers_after(0, 20, 24, 25, 45, 49, 50),
            [
                "Platinum",
                "Platinum",
                "Gold",
                "Platinum",
                "Platinum",
                "Gold",
                "Platinum",
            ],
        )

    def test_keeping_is_not_entering(self):
        self.platinum.keep_score = 4.2
        self.post(self.alpha, 100, 25)  # 4.40
        self.assertEqual(self.tiers_after(0), ["Gold"])

    def test_exactly_the_score_to_keep(self):
        self.platinum.keep_score = 4.4
        self.post(self.alpha, 100, 0)
        self.assertEqual(self.tiers_after(0, 30, 31), ["Platinum", "Platinum", "Gold"])
        self.platinum.keep_score = 4.41
        self.post(self.alpha, 100, -31)
        self.assertEqual(self.tiers_after(31, 52), ["Platinum", "Gold"])

    def test_who_falls_deep_keeps_the_next_category_on_the_way(self):
        """Gold is entered at 4.30 and kept down to 4.00: 4.10 leaves Platinum only."""
        self.platinum.keep_score = 4.2
        self.gold.write({"minimum_score": 4.3, "keep_score": 4.0})
        self.post(self.alpha, 100, 0)
        beta = self.make_customer("Beta")
        self.post(beta, 100, 31)  # 4.10 without ever having had Gold
        self.assertEqual(self.tiers_after(0), ["Platinum"])
        self.assertEqual(self.tier_of(beta), "Silver")
        self.assertEqual(self.tiers_after(31, 40, 41), ["Gold", "Gold", "Silver"])
        [first, second] = self.history_of(self.alpha)
        self.assertIn("kept down to 4.00", first.explanation)
        self.assertNotIn("kept", second.explanation)

    def test_category_without_a_limit_any_more_is_not_kept(self):
        self.platinum.keep_score = 1
        self.post(self.alpha, 100, 0)
        self.assertEqual(self.tiers_after(0), ["Platinum"])
        # where its customers go, the next computation says
        self.platinum.with_context(customer_category_is_decided=True).active = False
        self.assertEqual(self.tiers_after(0), ["Gold"])

    def test_explanation_says_that_it_is_kept(self):
        self.platinum.keep_score = 4.2
        self.post(self.alpha, 100, 0)
        self.tiers_after(0)
        row = self.assignment_of(self.alpha)
        self.assertNotIn("ept", row.explanation)
        self.tiers_after(25)
        self.assertEqual(row.score, 4.4)
        self.assertIn(
            "Kept although the score fell below 4.50: it is kept down to 4.20",
            row.explanation,
        )

    def test_past_day_knows_no_category_before(self):
        self.platinum.keep_score = 4.2
        self.dimension.grace_days = 30
        self.post(self.alpha, 100, 0)
        self.assertEqual(self.tiers_after(0), ["Platinum"])
        with freeze_time(self.today + timedelta(days=60)):
            run = self.classify(as_of=self.today + timedelta(days=25))
        [row] = run.line_ids.staging_ids
        self.assertEqual((row.category_id, row.score), (self.gold, 4.4))


@tagged("post_install", "-at_install")
class TestGrace(KeepCommon):
    """A lower category comes when the days of grace are over, to the day."""

    def test_to_the_day(self):
        self.dimension.grace_days = 10
        self.post(self.alpha, 100, 0)
        # 21 days ago: 4.40, the limit is 4.50
        self.assertEqual(self.tiers_after(20, 21), ["Platinum"] * 2)
        self.assertEqual(self.until(), 31)
        self.assertEqual(self.tiers_after(30), ["Platinum"])
        self.assertEqual(self.until(), 31)
        self.assertFalse(self.history_of(self.alpha))
        self.assertEqual(self.tiers_after(31), ["Gold"])
        self.assertIsNone(self.until())
        [row] = self.history_of(self.alpha)
        self.assertIn("days of grace ended on", row.explanation)

    def test_recovery_clears_it(self):
        self.dimension.grace_days = 10
        self.post(self.alpha, 100, 0)
        self.tiers_after(0, 21)
        self.assertEqual(self.until(), 31)
        self.post(self.alpha, 100, -25)
        self.assertEqual(self.tiers_after(25), ["Platinum"])
        self.assertIsNone(self.until())
        # and the next fall has its own days: 21 days after the 25th
        self.assertEqual(self.tiers_after(46), ["Platinum"])
        self.assertEqual(self.until(), 56)
        self.assertFalse(self.history_of(self.alpha))

    def test_upgrade_at_once(self):
        self.dimension.grace_days = 10
        self.post(self.alpha, 100, 25)
        self.assertEqual(self.tiers_after(0), ["Gold"])
        self.post(self.alpha, 100, -1)
        self.assertEqual(self.tiers_after(1), ["Platinum"])

    def test_upgrade_during_grace(self):
        """Gold in grace, then Platinum: no grace is left."""
        self.dimension.grace_days = 10
        self.gold.minimum_score = 4.2
        self.post(self.alpha, 100, 25)
        self.assertEqual(self.tiers_after(0, 6), ["Gold", "Gold"])
        self.assertEqual(self.until(), 16)
        self.post(self.alpha, 100, -7)
        self.assertEqual(self.tiers_after(7), ["Platinum"])
        self.assertIsNone(self.until())

    def test_days_are_counted_from_the_computation_that_saw_the_fall(self):
        self.dimension.grace_days = 10
        self.post(self.alpha, 100, 0)
        self.assertEqual(self.tiers_after(0, 29), ["Platinum"] * 2)
        self.assertEqual(self.until(), 39)
        self.assertEqual(self.tiers_after(38, 39), ["Platinum", "Gold"])

    def test_no_score_any_more_is_a_fall_too(self):
        self.dimension.grace_days = 10
        self.post(self.alpha, 100, 355)
        self.assertEqual(self.tiers_after(0), ["Gold"])
        # 365 days after the purchase the period holds nothing
        self.assertEqual(self.tiers_after(9, 10, 19, 20), ["Gold"] * 3 + [False])
        [row] = self.history_of(self.alpha)
        self.assertFalse(row.new_category_id)

    def test_without_figures_the_category_ends_at_once(self):
        self.dimension.grace_days = 10
        move = self.post(self.alpha, 100, 0)
        self.assertEqual(self.tiers_after(0), ["Platinum"])
        move.button_draft()
        self.assertEqual(self.tiers_after(1), [False])
        self.assertIsNone(self.until())

    def test_without_figures_the_default_category_comes_at_once(self):
        self.dimension.write({"grace_days": 10, "default_category_id": self.bronze.id})
        move = self.post(self.alpha, 100, 0)
        self.assertEqual(self.tiers_after(0), ["Platinum"])
        move.button_draft()
        self.assertEqual(self.tiers_after(1), ["Bronze"])
        self.assertIsNone(self.until())

    def test_default_category_is_no_fall_from_itself(self):
        """Without a score Bronze is what follows Bronze: no grace begins."""
        self.dimension.write({"grace_days": 10, "default_category_id": self.bronze.id})
        self.post(self.alpha, 100, 360)
        self.assertEqual(self.tiers_after(0, 5, 15), ["Gold", "Gold", "Bronze"])
        self.assertEqual(self.tiers_after(16), ["Bronze"])
        self.assertIsNone(self.until())

    def test_after_keeping(self):
        """4.40 is kept and no fall; 4.10 is one."""
        self.dimension.grace_days = 5
        self.platinum.keep_score = 4.2
        self.post(self.alpha, 100, 0)
        self.assertEqual(self.tiers_after(0, 30), ["Platinum"] * 2)
        self.assertIsNone(self.until())
        self.assertEqual(self.tiers_after(31), ["Platinum"])
        self.assertEqual(self.until(), 36)
        self.assertEqual(self.tiers_after(35, 36), ["Platinum", "Gold"])

    def test_settings_take_effect_with_the_next_computation(self):
        self.post(self.alpha, 100, 0)
        self.tiers_after(0)
        self.dimension.grace_days = 10
        self.assertTrue(self.dimension.has_pending_settings)
        self.tiers_after(0)
        self.assertFalse(self.dimension.has_pending_settings)
        ruleset = self.Ruleset._get_in_force(self.dimension, self.env.company)
        self.assertEqual(ruleset.grace_days, 10)

    def test_explanation_says_until_when(self):
        self.dimension.grace_days = 10
        self.post(self.alpha, 100, 0)
        self.tiers_after(0, 21)
        row = self.assignment_of(self.alpha)
        until = (self.today + timedelta(days=31)).strftime("%m/%d/%Y")
        self.assertIn(f"the category ends on {until}", row.explanation)

    def test_longer_than_the_calendar(self):
        self.dimension.grace_days = 99_999_999
        self.post(self.alpha, 100, 0)
        self.assertEqual(self.tiers_after(0, 100), ["Platinum"] * 2)

    def test_second_run_of_a_day_changes_nothing(self):
        self.dimension.grace_days = 10
        self.platinum.keep_score = 4.2
        self.post(self.alpha, 100, 0)
        for day in (0, 25, 31, 40, 41):
            self.tiers_after(day)
            with freeze_time(self.today + timedelta(days=day)):
                run = self.classify()
                self.assertFalse(run.line_ids.staging_ids)
                before = self.assignment_of(self.alpha).read()
                self.classify(partners=self.alpha)
                self.assertEqual(self.assignment_of(self.alpha).read(), before)


@tagged("post_install", "-at_install")
class TestKeepingPopulation(KeepCommon):
    """Random customers over many days, against the oracle, by all and by few."""

    TIERS = (
        ("Platinum", "4.5", "4.2"),
        ("Gold", "4.3", "4"),
        ("Silver", "4.1", "4.1"),
    )

    def test_days_go_by(self):
        self.dimension.write({"grace_days": 5, "minimum_purchases": 2})
        for name, enter, keep in self.TIERS:
            category = self.dimension.category_ids.filtered(
                lambda c, name=name: c.name == name
            )
            category.write({"minimum_score": float(enter), "keep_score": float(keep)})
        self.bronze.minimum_score = 0
        generator = random.Random(7)
        customers = [self.alpha] + [self.make_customer(f"C{n}") for n in range(6)]
        for customer in customers:
            for day in generator.sample(range(-40, 90), 4):
                self.post(customer, 10, -day)
        expected = {customer.name: (None, None) for customer in customers}
        changes = 0
        for day in range(0, 110, 5):
            date = self.today + timedelta(days=day)
            before, expected = expected, self.follow(expected, date)
            changes += sum(before[name][0] != expected[name][0] for name in expected)
            few = generator.sample(customers, 3)
            with freeze_time(date):
                self.classify(partners=self.env["res.partner"].union(*few))
                self.assertEqual(
                    self.get_rows(few), {c.name: expected[c.name] for c in few}
                )
                self.classify()
            self.assertEqual(self.get_rows(customers), expected)
        self.assertGreater(changes, 15)

    def follow(self, present, day):
        figures = oracle.compute_figures(self.documents, day)
        result = {}
        for name, (tier, until) in present.items():
            own = figures.get(name)
            if not own:
                result[name] = (None, None)
                continue
            reached = None
            if oracle.is_paying(own, minimum_purchases=2):
                days_ago = (day - own.last_date).days
                recency = oracle.score(-days_ago, (-40, -30, -20, -10))
                reached = Decimal(3 * recency + 7 * 5) / 10
            result[name] = oracle.follow_tier(
                tier, until, reached, day, self.TIERS, grace_days=5
            )
        return result

    def get_rows(self, customers):
        rows = {c.name: self.assignment_of(c) for c in customers}
        return {
            name: (row.category_id.name or None, row.grace_until or None)
            for name, row in rows.items()
        }


@tagged("post_install", "-at_install")
class TestMinimumPurchases(ClassificationCommon):
    def test_fewer_purchase_days_give_no_score(self):
        self.dimension.minimum_purchases = 2
        twice, one_day, once, long_ago = (
            self.make_customer(name)
            for name in ("Twice", "One day", "Once", "Long ago")
        )
        for days_ago in (1, 2):
            self.post(twice, 10, days_ago)
            self.post(one_day, 10, 1)
        self.post(once, 900, 1)
        self.post(long_ago, 10, 10)
        self.post(long_ago, 10, 500)
        self.classify()
        self.assert_tiers(minimum_purchases=2)
        self.assertTrue(self.assignment_of(twice).category_id)
        for customer in (one_day, once, long_ago):
            self.assertFalse(self.assignment_of(customer))

    def test_lost_purchase_loses_the_category(self):
        self.dimension.minimum_purchases = 2
        alpha = self.make_customer("Alpha")
        self.post(alpha, 10, 1)
        self.post(alpha, 10, 360)
        self.classify()
        self.assertTrue(self.assignment_of(alpha).category_id)
        with freeze_time(self.today + timedelta(days=10)):
            self.classify()
        self.assertFalse(self.assignment_of(alpha).category_id)
        [row] = self.history_of(alpha)
        self.assertIn("Too few purchases", row.explanation)
        self.assertIn("1 purchase days in the period, 2 are needed", row.explanation)
