import random
from datetime import timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from .test_outlook import OutlookCommon


@tagged("post_install", "-at_install")
class TestOutlookRules(OutlookCommon):
    """Rules that read figures and days: when the next one matches."""

    dimension_codes = ("lifecycle", "frequency", "payment", "loyalty", "service_cost")

    def get_case_of(self, dimension):
        ruleset = self.Ruleset._get_in_force(dimension, self.env.company)
        return self.Outlook._get_case(ruleset, self.alpha)

    def category_on(self, dimension, day):
        with self.env.cr.savepoint() as savepoint, freeze_time(day):
            self.classify()
            name = self.alpha[dimension.partner_field_name].name
            savepoint.rollback()
        self.env.invalidate_all()
        return name

    def test_as_the_engine(self):
        """On random days, whatever ships: what it says is what a run gives."""
        chance = random.Random(3)
        dimensions = self.env["customer.dimension"].search(
            [("method", "=", "rule"), ("is_multiple", "=", False)]
        )
        self.assertTrue(dimensions)
        for _n in range(5):
            self.post(self.alpha, chance.randint(1, 9999) / 10, chance.randint(0, 300))
        self.classify()
        for days_ahead in (0, 61, 181, 400):
            day = self.today + timedelta(days=days_ahead)
            for dimension in dimensions:
                verdict = self.get_case_of(dimension).judge(day)
                self.assertEqual(
                    self.get_name(verdict),
                    self.category_on(dimension, day),
                    (dimension.code, days_ahead),
                )

    def test_lifecycle(self):
        """Active up to 180 days after the last purchase, then at risk."""
        dimension = self.env.ref("customer_classification.dimension_lifecycle")
        self.post(self.alpha, 10, 400)
        self.post(self.alpha, 10, 30)
        self.classify()
        case = self.get_case_of(dimension)
        verdict = case.judge(case.today)
        _rise, fall = self.Outlook._foresee(case, verdict)
        self.assertEqual(fall.day, self.day(30 - 181))
        eve = fall.day - timedelta(days=1)
        self.assertEqual(self.category_on(dimension, eve), self.get_name(fall.before))
        self.assertEqual(
            self.category_on(dimension, fall.day), self.get_name(fall.after)
        )
        stay = self.Outlook._find_stay(case, fall)
        self.assertEqual((stay.days, float(stay.amount)), (1, 0.01))
