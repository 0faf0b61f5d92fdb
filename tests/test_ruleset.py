import psycopg2

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ClassificationCommon


@tagged("post_install", "-at_install")
class TestRuleset(ClassificationCommon):
    """Versions: frozen, made only when something differs, in order."""

    def setUp(self):
        super().setUp()
        for number in range(6):
            self.post(self.make_customer(f"Customer {number}"), 10 + number, number)
        self.classify()
        self.ruleset = self.Ruleset._get_in_force(self.dimension, self.env.company)

    def in_force(self):
        return self.Ruleset._get_in_force(self.dimension, self.env.company)

    def test_first_version(self):
        self.assertEqual((self.ruleset.version, self.ruleset.origin), (1, "first"))
        self.assertFalse(self.dimension.has_pending_settings)

    def test_changed_setting_makes_a_version_with_the_same_cut_points(self):
        cuts = self.ruleset._get_cuts()
        self.post(self.make_customer("Big"), 9000, 1)
        self.dimension.criterion_ids[0].weight = 3
        self.assertTrue(self.dimension.has_pending_settings)
        self.assertEqual(self.in_force(), self.ruleset, "nothing before the next run")
        self.classify()
        second = self.in_force()
        self.assertEqual((second.version, second.origin), (2, "settings"))
        self.assertEqual(second._get_cuts(), cuts)
        self.assertFalse(self.dimension.has_pending_settings)

    def test_changed_period_takes_new_cut_points(self):
        self.env.company.customer_window_days = 3
        self.classify()
        revenue = self.in_force().criterion_ids[2]
        # the three customers of the last three days bought for 10, 11 and 12
        self.assertEqual(revenue.cuts, ["11.00", "12.00", "12.00", None])

    def test_changed_start_of_history_takes_new_cut_points(self):
        self.env.company.customer_history_start = self.day(2)
        self.classify()
        revenue = self.in_force().criterion_ids[2]
        # the customers of the last two days and today bought for 10, 11 and 12
        self.assertEqual(revenue.cuts, ["11.00", "12.00", "12.00", None])
        self.assertEqual(self.in_force().origin, "settings")

    def test_order_of_criteria_makes_no_version(self):
        self.dimension.criterion_ids[0].sequence = 99
        self.assertFalse(self.dimension.has_pending_settings)
        self.classify()
        self.assertEqual(self.in_force(), self.ruleset)

    def test_retired_dimension_gives_no_category(self):
        name = self.dimension.partner_field_name
        Partner = self.env["res.partner"]
        self.assertEqual(Partner.search_count([(name, "!=", False)]), 6)
        self.dimension.active = False
        self.env.invalidate_all()
        customer = self.Assignment.search([], limit=1).partner_id
        self.assertFalse(Partner.search([(name, "!=", False)]))
        self.assertFalse(customer[name])
        self.assertFalse(customer.customer_assignment_ids)
        self.dimension.active = True
        self.env.invalidate_all()
        self.assertEqual(Partner.search_count([(name, "!=", False)]), 6)

    def test_dimension_that_a_filter_names_is_kept(self):
        dimension = self.env["customer.dimension"].create({"name": "T", "code": "t"})
        domain = f"[('{dimension.partner_field_name}', '!=', False)]"
        saved = self.env["ir.filters"].create(
            {"name": "Named", "model_id": "res.partner", "domain": domain}
        )
        with self.assert_refused(UserError, "used by Filters “Named”"):
            dimension.unlink()
        saved.unlink()
        dimension.unlink()
        self.assertFalse(dimension.exists())

    def test_renew_on_demand(self):
        self.post(self.make_customer("Big"), 9000, 1)
        self.classify()
        self.assertEqual(self.in_force(), self.ruleset)
        self.dimension.action_renew_cut_points()
        self.classify()
        self.assertEqual(
            (self.in_force().version, self.in_force().origin), (2, "refresh")
        )

    def test_run_of_few_customers_keeps_the_version(self):
        """A new one would leave all other customers with the old."""
        self.dimension.criterion_ids[0].weight = 3
        customer = self.Assignment.search([], limit=1).partner_id
        self.classify(partners=customer)
        self.assertEqual(self.in_force(), self.ruleset)
        self.classify()
        self.assertNotEqual(self.in_force(), self.ruleset)

    def test_frozen(self):
        ruleset = self.ruleset.sudo()  # whoever has the rights, code included
        for record, values in (
            (ruleset, {"window_days": 1}),
            (ruleset, {"criterion_ids": [Command.clear()]}),
            (ruleset.criterion_ids[0], {"weight": 9}),
            (ruleset.criterion_ids[0], {"cuts": [None] * 4}),
            (ruleset.limit_ids[0], {"minimum_score": 1}),
        ):
            with (
                self.subTest(record=record),
                self.assert_refused(UserError, "cannot change"),
            ):
                record.write(values)
        for part in (ruleset, ruleset.limit_ids[0], ruleset.criterion_ids[0]):
            with self.assert_refused(UserError, "cannot change"):
                part.unlink()
        with self.assert_refused(UserError, "cannot change"):
            ruleset.criterion_ids[0].copy()

    def test_fed_by_hand_again_withdraws_the_computed_categories(self):
        rows = self.Assignment.search([("category_id", "!=", False)])
        self.assertEqual(len(rows), 6)
        self.dimension.method = "manual"
        self.classify()
        self.assertFalse(any(rows.mapped("category_id")))
        self.assertEqual(len(self.History.search([("new_category_id", "=", False)])), 6)

    def test_score_that_lost_its_criteria_stops_no_run(self):
        rows = self.Assignment.search([("category_id", "!=", False)])
        self.dimension.criterion_ids.unlink()  # as a program may do
        self.assertEqual(self.classify().changed_count, len(rows))
        self.assertFalse(any(rows.mapped("category_id")))

    def test_limits_that_change_places_in_one_save(self):
        platinum, gold = self.platinum, self.gold
        self.dimension.write(
            {
                "category_ids": [
                    Command.update(platinum.id, {"minimum_score": gold.minimum_score}),
                    Command.update(gold.id, {"minimum_score": platinum.minimum_score}),
                ]
            }
        )
        self.assertEqual((platinum.minimum_score, gold.minimum_score), (3.5, 4.5))
        with self.assert_refused(ValidationError, "start at the same score"):
            self.dimension.write(
                {"category_ids": [Command.update(gold.id, {"minimum_score": 3.5})]}
            )

    def test_archived_category_gives_its_limit_free(self):
        silver, gold = self.silver, self.gold
        # where its customers go, the next computation says
        self.dimension.with_context(customer_category_is_decided=True).write(
            {
                "all_category_ids": [
                    Command.update(silver.id, {"active": False}),
                    Command.update(gold.id, {"minimum_score": silver.minimum_score}),
                ]
            }
        )
        self.assertIn(silver, self.dimension.all_category_ids)
        self.assertNotIn(silver, self.dimension.category_ids)
        self.classify()
        self.assertNotIn(silver, self.in_force().limit_ids.category_id)
        with self.assert_refused(ValidationError, "start at the same score"):
            self.dimension.write(
                {"all_category_ids": [Command.update(silver.id, {"active": True})]}
            )
        with self.assert_refused(ValidationError, "start at the same score"):
            silver.active = True

    def test_age_and_period_longer_than_the_calendar(self):
        self.env.company.customer_window_days = 99_999_999
        self.dimension.criterion_ids[0].write(
            {
                "cut_mode": "fixed",
                "cut_2": 99_999_999,
                "cut_3": 30,
                "cut_4": 20,
                "cut_5": 10,
            }
        )
        self.classify()
        rows = self.Figures.search([("company_id", "=", self.env.company.id)])
        self.assertTrue(rows)
        self.assertEqual(rows.mapped("revenue_window"), rows.mapped("revenue_total"))

    def test_configuration_is_checked(self):
        with self.assert_refused(ValidationError, "at least one"):
            self.dimension.write({"criterion_ids": [Command.clear()]})
        for values in ({"minimum_kept_share": 101}, {"refresh_days": -1}):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.CheckViolation),
                self.env.cr.savepoint(),
            ):
                self.dimension.write(values)
                self.dimension.flush_recordset()
        with self.assert_refused(ValidationError, "start at the same score"):
            self.gold.minimum_score = self.silver.minimum_score
        with self.assert_refused(ValidationError, "must rise"):
            self.dimension.criterion_ids[2].write(
                {"cut_mode": "fixed", "cut_2": 9, "cut_3": 8, "cut_4": 10, "cut_5": 11}
            )
        with self.assert_refused(ValidationError, "must fall from score 2 to 5"):
            self.dimension.criterion_ids[0].write(
                {"cut_mode": "fixed", "cut_2": 9, "cut_3": 18, "cut_4": 20, "cut_5": 30}
            )
