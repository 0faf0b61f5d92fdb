from datetime import timedelta
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ClassificationCommon

RUN_LOG = "odoo.addons.customer_classification.models.customer_classification_run_line"


@tagged("post_install", "-at_install")
class TestScoreMetric(ClassificationCommon):
    """Any metric can be weighed: built in or custom, better high or better low."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.recency, cls.frequency, cls.monetary = cls.dimension.criterion_ids
        cls.tickets = cls.make_metric("tickets", higher_is_better=False)
        cls.customers = [cls.make_customer(f"Customer {n}") for n in range(6)]

    def setUp(self):
        super().setUp()
        for number, customer in enumerate(self.customers):
            self.post(customer, 100 * (number + 1), 10)

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref(
            "analytic.group_analytic_accounting"
        )

    @classmethod
    def make_metric(cls, code, **values):
        """Create a metric over analytic lines, of which this test makes some."""
        return cls.env["customer.metric"].create(
            {
                "name": code.capitalize(),
                "code": code,
                "model_name": "account.analytic.line",
                "partner_path": "partner_id",
                "domain": f"[('name', '=', '{code}')]",
                "date_path": "date",
                **values,
            }
        )

    def add(self, customer, days_ago=0, number=1, name="tickets", **values):
        for _line in range(number):
            self.env["account.analytic.line"].create(
                {
                    "name": name,
                    "partner_id": customer.id,
                    "date": self.day(days_ago),
                    "company_id": self.env.company.id,
                    **values,
                }
            )

    def weigh(self, *criteria):
        """Replace the criteria of the dimension."""
        self.dimension.write(
            {
                "criterion_ids": [
                    Command.clear(),
                    *(
                        Command.create({**values, "metric_id": metric.id})
                        for metric, values in criteria
                    ),
                ]
            }
        )

    @staticmethod
    def limits(*cuts):
        """Return the values of fixed limits, of the scores 2 to 5."""
        return {
            "cut_mode": "fixed",
            **{f"cut_{score}": cut for score, cut in enumerate(cuts, 2)},
        }

    def scores(self):
        return [self.assignment_of(customer).score for customer in self.customers]

    def test_fewer_is_better_by_fixed_limits(self):
        """At most 6 tickets score 2, 4 score 3, 2 score 4, none scores 5."""
        limits = self.limits(6, 4, 2, 0)
        self.weigh((self.tickets, limits))
        for customer, number in zip(self.customers, (7, 6, 4, 3, 2, 0), strict=True):
            self.add(customer, number=number)
        self.classify()
        self.assertEqual(self.scores(), [1, 2, 3, 3, 4, 5])
        row = self.assignment_of(self.customers[4])
        self.assertIn("Tickets 2 (4)", row.explanation)
        self.assertFalse(row.frequency_score)

    def test_fewer_is_better_by_fifths(self):
        """Of 9, 5, 3, 2, 2, 0 the fifths begin, from the worst on, below 5, 3 and 2."""
        self.weigh((self.tickets, {}))
        for customer, number in zip(self.customers, (9, 5, 3, 2, 2, 0), strict=True):
            self.add(customer, number=number)
        self.classify()
        ruleset = self.Ruleset._get_in_force(self.dimension, self.env.company)
        # places 2, 3, 4 and 5 of six: 5, 3, 2 and 2; what is better than each
        self.assertEqual(ruleset.criterion_ids.cuts, ["3", "2", "0", "0"])
        self.assertEqual(self.scores(), [1, 1, 2, 3, 3, 5])

    def test_weighed_with_the_axes(self):
        """Revenue 100 to 600 scores 1 1 2 3 4 5 by fifths, tickets 5 or 1."""
        self.weigh(
            (self.get_metric("revenue_window"), {"weight": 3}),
            (self.tickets, self.limits(0.5, 0, 0, 0)),
        )
        self.add(self.customers[5], number=4)
        self.classify()
        self.assertEqual(
            self.scores(),
            # three times the revenue's, once the tickets'
            [8 / 4, 8 / 4, 11 / 4, 14 / 4, 17 / 4, 16 / 4],
        )
        row = self.assignment_of(self.customers[5])
        self.assertEqual(row.monetary_score, 5)
        criteria = row.ruleset_id._expand_inputs(row.inputs)["criteria"]
        self.assertEqual(criteria["tickets"], ["4", 1])
        self.assertEqual(criteria["revenue_window"], ["600.00", 5])

    def test_dates(self):
        """A visit is better recent, a complaint better long ago, best never."""
        visit = self.make_metric("visit", measure="last_date")
        complaint = self.make_metric(
            "complaint", measure="last_date", higher_is_better=False
        )
        self.weigh(
            (
                visit,
                self.limits(40, 30, 20, 10),
            ),
        )
        days = (41, 40, 20, 11, 10)  # and the last customer never
        for customer, days_ago in zip(self.customers[:5], days, strict=True):
            self.add(customer, days_ago, name="visit")
            self.add(customer, days_ago, name="complaint")
        self.classify()
        self.assertEqual(self.scores(), [1, 2, 4, 4, 5, 1])
        self.weigh(
            (
                complaint,
                self.limits(10, 20, 40, 41),
            ),
        )
        self.classify()
        self.assertEqual(self.scores(), [5, 4, 3, 2, 2, 5])
        with self.assert_refused(ValidationError, "must rise"):
            self.dimension.criterion_ids.cut_5 = 1

    def test_no_mean_is_no_point(self):
        """Nobody knows the mean of nothing, so it does not count as the best."""
        mean = self.make_metric(
            "mean",
            measure="average",
            measure_path="unit_amount",
            higher_is_better=False,
        )
        self.weigh(
            (
                mean,
                self.limits(9, 7, 5, 3),
            )
        )
        self.add(self.customers[0], name="mean", unit_amount=2)
        self.classify()
        self.assertEqual(self.scores(), [5, 1, 1, 1, 1, 1])
        self.assertIn("Mean – (1)", self.assignment_of(self.customers[1]).explanation)

    def test_share_of_a_custom_metric(self):
        self.tickets.higher_is_better = True
        self.weigh((self.tickets, {"cut_mode": "share", "cut_5": 60, "cut_4": 90}))
        for customer, number in zip(self.customers, (6, 3, 1, 0, 0, 0), strict=True):
            self.add(customer, number=number)
        self.classify()
        # 6 of 10 are 60 % exactly, 9 are 90 % exactly
        self.assertEqual(self.scores(), [5, 4, 1, 1, 1, 1])

    def test_direction_is_part_of_the_version(self):
        self.weigh((self.tickets, {}))
        for number, customer in enumerate(self.customers):
            self.add(customer, number=number)
        self.classify()
        first = self.Ruleset._get_in_force(self.dimension, self.env.company)
        self.assertEqual(self.scores(), [5, 4, 3, 2, 1, 1])
        self.tickets.higher_is_better = True
        self.assertTrue(self.dimension.has_pending_settings)
        self.classify()
        self.assertEqual(self.scores(), [1, 1, 2, 3, 4, 5])
        self.assertFalse(first.criterion_ids.higher_is_better)

    def test_metric_that_cannot_be_used_leaves_the_categories(self):
        self.weigh((self.tickets, {}), (self.get_metric("revenue_window"), {}))
        self.classify()
        before = self.Assignment.search([]).read()
        self.assertTrue(before)
        self.post(self.customers[0], 9999, 1)
        for unusable in ({"active": False}, {"is_broken": True, "error": "Gone"}):
            self.tickets.write({"active": True, "is_broken": False})
            self.tickets.write(unusable)
            for partners in (None, self.customers[0]):
                with (
                    self.subTest(unusable, partners=partners),
                    mute_logger(RUN_LOG),
                    # the metric would be tried again
                    self.patch_update(),
                ):
                    run = self.classify(partners=partners)
                    self.assertIn("“Tickets” is archived", run.line_ids.error)
                    self.assertEqual(self.Assignment.search([]).read(), before)
        self.tickets.write({"active": True, "is_broken": False})
        self.assertFalse(self.classify().line_ids.error)
        self.assertNotEqual(self.Assignment.search([]).read(), before)

    def patch_update(self):
        Metric = self.env.registry["customer.metric"]
        return patch.object(Metric, "_update_one", lambda *args, **kwargs: 0)

    def test_limits_that_a_changed_metric_does_not_allow(self):
        self.tickets.higher_is_better = True
        self.weigh((self.tickets, {"cut_mode": "share", "cut_5": 60}))
        self.classify()
        self.tickets.higher_is_better = False
        self.assertTrue(self.dimension.has_pending_settings)
        with mute_logger(RUN_LOG):
            self.assertIn("needs amounts or counts", self.classify().line_ids.error)

    def test_past_day_counts_what_was_then(self):
        self.weigh(
            (
                self.tickets,
                self.limits(4, 3, 1, 0),
            )
        )
        self.add(self.customers[0], days_ago=30)
        self.add(self.customers[0], days_ago=3, number=9)
        self.post(self.customers[0], 10, 60)
        self.classify()
        self.assertEqual(self.assignment_of(self.customers[0]).score, 1)
        run = self.classify(as_of=self.day(20))
        [row] = run.line_ids.staging_ids
        self.assertEqual(row.score, 4)
        with freeze_time(self.today + timedelta(days=1)):
            self.assertFalse(self.classify().line_ids.error)

    def test_metric_is_weighed_once_and_one_for_an_axis(self):
        for metric in (self.tickets, self.get_metric("revenue_total")):
            with (
                self.subTest(metric.code),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.UniqueViolation),
                self.env.cr.savepoint(),
            ):
                self.dimension.write(
                    {
                        "criterion_ids": [
                            Command.create({"metric_id": metric.id}),
                            Command.create({"metric_id": self.tickets.id}),
                        ]
                    }
                )
        with self.assert_refused(ValidationError, "needs a number or a date"):
            self.weigh((self.get_metric("main_product_category_id"), {}))

    def test_metric_in_use_is_not_deleted(self):
        self.weigh((self.tickets, {}))
        self.classify()
        with self.assert_refused(UserError, "Scoring Criterion “.*Tickets”"):
            self.tickets.unlink()

    def test_explanation_outlives_the_metric(self):
        self.weigh((self.tickets, {}))
        self.add(self.customers[0], number=3)
        self.classify()
        row = self.assignment_of(self.customers[0])
        self.assertIn("Tickets 3 (1)", row.explanation)
        self.dimension.criterion_ids = [
            Command.create({"metric_id": self.get_metric("revenue_total").id})
        ]
        self.dimension.criterion_ids[0].unlink()
        self.tickets.unlink()
        row.invalidate_recordset()
        self.assertIn("tickets 3 (1)", row.explanation)
