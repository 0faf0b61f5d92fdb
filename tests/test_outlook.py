import random
from datetime import timedelta
from decimal import Decimal

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from .common import ClassificationCommon

CENT = Decimal("0.01")


class OutlookCommon(ClassificationCommon):
    """What would change a category, tried with real invoices on real days.

    Recency scores 5 up to 50 days after the last purchase, then 4 up to 100, 3 up to
    200, 2 up to 300; purchase days and money score as below. Money counts twice.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Outlook = cls.env["customer.outlook"]
        cls.recency, cls.frequency, cls.monetary = cls.dimension.criterion_ids
        for criterion, cuts in (
            (cls.recency, (300, 200, 100, 50)),
            (cls.frequency, (2, 3, 4, 5)),
            (cls.monetary, (100, 500, 1000, 5000)),
        ):
            criterion.write(
                {
                    "cut_mode": "fixed",
                    **{f"cut_{n}": cut for n, cut in enumerate(cuts, 2)},
                }
            )
        cls.alpha = cls.make_customer("Alpha")

    def get_case(self):
        ruleset = self.Ruleset._get_in_force(self.dimension, self.env.company)
        return self.Outlook._get_case(ruleset, self.alpha)

    def get_name(self, verdict):
        return self.env["customer.category"].browse(verdict.category_id).name

    def look_ahead(self):
        """Return the case, the verdict of today, and what falls by itself."""
        case = self.get_case()
        verdict = case.judge(case.today)
        _rise, fall = self.Outlook._foresee(case, verdict)
        return case, verdict, fall

    def find_rise(self, name):
        case = self.get_case()
        verdict = case.judge(case.today)
        higher = case.get_higher_categories(verdict.level)
        level = next(
            level
            for level, category in higher
            if self.env["customer.category"].browse(category).name == name
        )
        return self.Outlook._find_rise(case, verdict, level)

    def tier_after(self, day, purchases=(), begin=None):
        """Return the tier that runs up to a day give; all is taken back.

        :param purchases: ``(day, amount)`` of invoices that are posted before
        :param begin: the day on which the days of grace begin
        """
        with self.env.cr.savepoint() as savepoint:
            for when, amount in purchases:
                self.post(self.alpha, float(amount), (self.today - when).days)
            days = {self.today, day, day - timedelta(days=1), begin or day}
            for each in sorted(days | {when for when, _amount in purchases}):
                if self.today <= each <= day:
                    with freeze_time(each):
                        self.classify()
            with freeze_time(day):
                tier = self.tier_of(self.alpha)
            savepoint.rollback()
        self.env.invalidate_all()
        return tier

    def spread(self, purchase, last, less=0):
        case = self.get_case()
        return self.Outlook._spread(case, purchase.amount - less, purchase.days, last)


@tagged("post_install", "-at_install")
class TestOutlook(OutlookCommon):
    """By hand: scores worked out on paper."""

    def test_exactly_the_amount_raises_and_a_cent_less_does_not(self):
        """R 5, F 4, M 2: 13 / 4 = 3.25 Silver; a purchase is the fifth: 14 / 4 = 3.5.

        So any invoice gives Gold; for Platinum at 4.5, 18 points, it takes M 4.
        """
        for days_ago in (10, 20, 30, 40):
            self.post(self.alpha, 50, days_ago)
        self.classify()
        self.assertEqual(self.tier_of(self.alpha), "Silver")
        self.assertEqual(self.find_rise("Gold").amount, CENT)
        purchase = self.find_rise("Platinum")
        self.assertEqual((purchase.amount, purchase.days), (Decimal(800), 1))
        self.assertEqual(self.tier_after(self.today, [(self.today, 800)]), "Platinum")
        self.assertEqual(self.tier_after(self.today, [(self.today, 799.99)]), "Gold")
        # the oldest of the 200 leaves the period 365 days after it was invoiced
        self.assertEqual(purchase.until, self.day(40 - 365 + 1))
        late = purchase.until + timedelta(days=1)
        for day, tier in ((purchase.until, "Platinum"), (late, "Gold")):
            self.assertEqual(self.tier_after(day, [(day, 800)]), tier)

    def test_several_purchases_where_no_amount_of_one_suffices(self):
        """R 5, F 2, M 5 make 17 of the 18 points of Platinum."""
        self.post(self.alpha, 1, 10)
        self.classify()
        purchase = self.find_rise("Platinum")
        # two more days make F 3; with M 5 18 points
        self.assertEqual((purchase.days, purchase.amount), (2, Decimal(4999)))
        last = self.today + timedelta(days=1)
        self.assertEqual(purchase.until, last)
        for less, tier in ((0, "Platinum"), (CENT, "Gold")):
            purchases = self.spread(purchase, last, less)
            self.assertEqual(self.tier_after(last, purchases), tier)

    def test_nothing_that_is_invoiced_suffices(self):
        self.get_metric("revenue_window").higher_is_better = False
        self.frequency.unlink()
        self.recency.unlink()
        self.monetary.write({f"cut_{n}": 600 - 100 * n for n in (2, 3, 4, 5)})
        self.post(self.alpha, 50000, 10)
        self.classify()
        self.assertEqual(self.tier_of(self.alpha), "Bronze")
        self.assertIsNone(self.find_rise("Silver"))

    def test_falls_on_that_very_day(self):
        """18 points until the last purchase is 51 days ago; then 17: Gold."""
        for days_ago in (10, 20, 30, 40):
            self.post(self.alpha, 300, days_ago)
        self.classify()
        # R 5, F 4, M 4: 17 points, 4.25
        self.assertEqual(self.tier_of(self.alpha), "Gold")
        case, _verdict, fall = self.look_ahead()
        # Gold needs 14 points: R 2, F 4, M 4 is 14; R 1 is not, 301 days after
        self.assertEqual(fall.day, self.day(10 - 301))
        self.assertEqual(self.get_name(fall.after), "Silver")
        self.assertEqual(self.tier_after(fall.day), "Silver")
        self.assertEqual(self.tier_after(fall.day - timedelta(days=1)), "Gold")
        stay = self.Outlook._find_stay(case, fall)
        self.assertEqual((stay.amount, stay.days), (CENT, 1))
        # R 5, F 5, M 4 make 18 points
        self.assertEqual(self.tier_after(fall.day, [(stay.until, CENT)]), "Platinum")

    def test_sum_that_leaves_the_period(self):
        self.recency.unlink()
        self.frequency.unlink()
        self.post(self.alpha, 1234.56, 300)
        self.post(self.alpha, 600, 10)
        self.classify()
        # M 4 is Gold; 600 alone are M 3, Silver
        case, _verdict, fall = self.look_ahead()
        self.assertEqual(fall.day, self.day(300 - 365))
        stay = self.Outlook._find_stay(case, fall)
        self.assertEqual((stay.amount, stay.days), (Decimal(400), 1))
        self.assertEqual(stay.until, fall.day - timedelta(days=1))
        for less, tier in ((0, "Gold"), (CENT, "Silver")):
            bought = [(stay.until, stay.amount - less)]
            self.assertEqual(self.tier_after(fall.day, bought), tier)

    def test_credit_note_that_leaves_the_period_raises(self):
        self.recency.unlink()
        self.frequency.unlink()
        self.post(self.alpha, -900, 300)
        self.post(self.alpha, 1500, 10)
        self.classify()
        case = self.get_case()
        rise, fall = self.Outlook._foresee(case, case.judge(case.today))
        self.assertEqual(self.get_name(rise.after), "Gold")
        self.assertEqual(rise.day, self.day(300 - 365))
        self.assertEqual(self.tier_after(rise.day), "Gold")
        self.assertEqual(self.tier_after(rise.day - timedelta(days=1)), "Silver")
        self.assertEqual(fall.day, self.day(10 - 365))
        self.assertFalse(fall.after.category_id)

    def test_invoice_of_a_day_to_come(self):
        self.recency.unlink()
        self.frequency.unlink()
        self.post(self.alpha, 600, 10)
        self.post(self.alpha, 600, -5)
        self.classify()
        case = self.get_case()
        rise, _fall = self.Outlook._foresee(case, case.judge(case.today))
        self.assertEqual((rise.day, self.get_name(rise.after)), (self.day(-5), "Gold"))

    def test_grace_and_the_score_to_keep(self):
        """M 5 falls to M 3 with the sum; Platinum is kept down to 4, 30 days more."""
        self.recency.unlink()
        self.frequency.unlink()
        self.platinum.keep_score = 4
        self.dimension.grace_days = 30
        self.post(self.alpha, 4500, 300)
        self.post(self.alpha, 600, 10)
        self.classify()
        self.assertEqual(self.tier_of(self.alpha), "Platinum")
        case, _verdict, fall = self.look_ahead()
        self.assertEqual(fall.day, self.day(300 - 365 - 30))
        self.assertEqual(self.get_name(fall.after), "Silver")
        stay = self.Outlook._find_stay(case, fall)
        # M 4, the score to keep, from 1000 on
        self.assertEqual(stay.amount, Decimal(400))
        begin = self.day(300 - 365)
        for less, tier in ((0, "Platinum"), (CENT, "Silver")):
            bought = [(stay.until, stay.amount - less)]
            self.assertEqual(self.tier_after(fall.day, bought, begin), tier)

    def test_nothing_is_written(self):
        self.post(self.alpha, 600, 10)
        self.classify()
        row = self.assignment_of(self.alpha)
        before = row.sudo().read()
        self.Outlook._describe(row)
        self.env.invalidate_all()
        self.assertEqual(row.sudo().read(), before)
        self.assertFalse(self.history_of(self.alpha))

    def test_other_currency(self):
        euro = self.setup_other_currency("EUR", rates=[(self.day(400), 0.5)])
        self.recency.unlink()
        self.frequency.unlink()
        self.post(self.alpha, 300, 10, currency_id=euro.id)  # 600 in company currency
        self.classify()
        purchase = self.find_rise("Gold")
        self.assertEqual(purchase.amount, Decimal(400))
        self.assertEqual(self.tier_after(self.today, [(self.today, 400)]), "Gold")

    def test_sentences(self):
        self.recency.unlink()
        self.frequency.unlink()
        self.post(self.alpha, 1234.56, 300)
        self.post(self.alpha, 600, 10)
        self.classify()
        row = self.assignment_of(self.alpha)
        day = fields.Date.to_string(self.day(300 - 365))
        user = self.make_user("outlook_user")
        user.lang = "en_US"
        shown = row.with_user(user).get_short_outlook()[row.id]
        date = self.day(300 - 365).strftime("%m/%d/%Y")
        self.assertEqual(
            shown,
            f"Becomes Silver on {date} unless $\xa0400.00 more are invoiced before",
            day,
        )
        lines = [line["text"] for line in row.with_user(user).get_outlook()]
        self.assertIn(f"Becomes Silver on {date} if nothing happens.", lines)


@tagged("post_install", "-at_install")
class TestOutlookRandom(OutlookCommon):
    """Whatever was invoiced: what is said comes true, to the cent and to the day."""

    def test_random(self):
        for seed in range(3):
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                self.try_random(random.Random(seed))
                savepoint.rollback()
            self.env.invalidate_all()

    def try_random(self, chance):
        self.dimension.grace_days = chance.choice((0, 0, 20))
        self.dimension.minimum_kept_share = chance.choice((1, 50))
        self.gold.keep_score = chance.choice((0, 3))
        for _n in range(chance.randint(1, 6)):
            amount = chance.randint(1, 200000) / 100
            days_ago = chance.randint(-20, 400)
            self.post(self.alpha, amount, days_ago)
            if chance.random() < 0.3:
                refunded = max(round(amount * chance.random(), 2), 0.01)
                self.post(self.alpha, -refunded, days_ago - chance.randint(0, 9))
        beta = self.make_customer("Beta")
        self.post(beta, 10, 1)  # or there may be nobody to compute a version for
        self.classify()
        case, verdict, fall = self.look_ahead()
        self.assertEqual(self.get_name(verdict), self.tier_of(self.alpha))
        if fall:
            name = self.get_name(fall.after)
            tiers = self.follow(fall.day)
            self.assertEqual(tiers[-1], name)
            self.assertEqual(tiers[-2], self.get_name(fall.before))
        for level, category in case.get_higher_categories(verdict.level):
            purchase = self.Outlook._find_rise(case, verdict, level)
            if not purchase:
                continue
            last = self.today + timedelta(days=purchase.days - 1)
            reached = self.tier_after(last, self.spread(purchase, last))
            self.assertGreaterEqual(self.get_rank(reached), level)
            if purchase.amount > CENT * purchase.days:
                missed = self.tier_after(last, self.spread(purchase, last, CENT))
                self.assertLess(self.get_rank(missed), level, category)

    def get_rank(self, name):
        names = ["Bronze", "Silver", "Gold", "Platinum"]
        return names.index(name) + 1 if name else 0

    def follow(self, day):
        """Return the tiers of every fifth day, and of the last ones, up to a day."""
        tiers = []
        with self.env.cr.savepoint() as savepoint:
            # a run each night sees the first day of a fall; so do these
            days = {self.today, day - timedelta(days=1), day}
            case = self.get_case()
            days |= {each for each in case.get_days() if each < day}
            passing = case.get_passing_days(case.judge(case.today), case.today)
            days |= {each for each in passing if each < day}
            for each in sorted(days):
                with freeze_time(each):
                    self.classify()
                    tiers.append(self.tier_of(self.alpha))
            savepoint.rollback()
        self.env.invalidate_all()
        return tiers
