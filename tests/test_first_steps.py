from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common import MANAGER
from .test_linter import WRITTEN
from .test_rules import RulesCommon


@tagged("post_install", "-at_install")
class TestFirstSteps(RulesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Page = cls.env["customer.first.steps"]
        cls.manager = cls.make_user("first_manager", MANAGER)

    def setUp(self):
        super().setUp()
        self.buyer = self.make_customer("Buyer", ref="FIRST1")
        self.late = self.make_customer("Late", ref="FIRST2")
        self.never = self.make_customer("Never", ref="FIRST3")
        self.post(self.buyer, 300, 10)
        self.post(self.late, 200, 100)
        self.rule_dimension = self.make_dimension(
            "life",
            ["Now", "Then"],
            [
                ("Now", [("customer_last_date", ">=", "today -50d")]),
                ("Then", [("customer_last_date", "!=", False)]),
            ],
        )

    def open_page(self, user=None, **values):
        page = self.Page.with_user(user or self.manager).browse(
            self.Page.with_user(user or self.manager).action_open()["res_id"]
        )
        page.write({"population_domain": "[('ref', '=like', 'FIRST%')]", **values})
        return page

    def get_preview(self, page):
        return {
            (line.dimension_id.code, line.category): (line.count, line.revenue)
            for line in page.line_ids
        }

    def test_preview_is_what_a_run_gives(self):
        page = self.open_page()
        page.action_preview()
        preview = self.get_preview(page)
        self.assertEqual(
            preview, {("life", "Now"): (1, 300.0), ("life", "Then"): (1, 200.0)}
        )
        self.assertFalse(page.problem)
        page.action_switch_on()
        self.classify()
        held = {}
        for partner in self.buyer + self.late + self.never:
            for name in self.shown(partner, self.rule_dimension):
                held.setdefault(name, []).append(partner.name)
        self.assertEqual(held, {"Now": ["Buyer"], "Then": ["Late"]})

    def test_settings_of_the_page_count(self):
        page = self.open_page(history_start=self.day(50))
        page.action_preview()
        self.assertEqual(self.get_preview(page), {("life", "Now"): (1, 300.0)})
        page.write({"history_start": False, "window_days": 20})
        page.action_preview()
        # the older purchase is one, but not in the period
        self.assertEqual(
            self.get_preview(page),
            {("life", "Now"): (1, 300.0), ("life", "Then"): (1, 0.0)},
        )

    def test_preview_writes_nothing(self):
        page = self.open_page(history_start=self.day(50))
        tables = [*WRITTEN, "customer_dimension", "res_company"]

        def read_tables():
            self.env.flush_all()
            result = {}
            for table in tables:
                self.env.cr.execute(f"SELECT * FROM {table} ORDER BY id")
                result[table] = self.env.cr.fetchall()
            return result

        before = read_tables()
        page.action_preview()
        self.assertEqual(read_tables(), before)
        self.assertFalse(self.env.company.customer_history_start)

    def test_dimensions_are_switched(self):
        page = self.open_page()
        row = page.dimension_ids.filtered(
            lambda r: r.dimension_id == self.rule_dimension
        )
        tier = page.dimension_ids.filtered(lambda r: r.dimension_id == self.dimension)
        row.is_on, tier.is_on = False, True
        page.action_preview()
        self.assertEqual(set(page.line_ids.dimension_id.mapped("code")), {"value_tier"})
        page.action_switch_on()
        self.assertFalse(self.rule_dimension.active)
        self.assertTrue(self.dimension.active)
        page.dimension_ids.is_on = False
        with self.assert_refused(UserError, "at least one"):
            page.action_preview()

    def test_bad_condition(self):
        page = self.open_page(population_domain="[('no_such_field', '=', 1)]")
        with self.assert_refused(ValidationError, "cannot be evaluated"):
            page.action_preview()

    def test_broken_rule_is_told(self):
        self.env.cr.execute(
            "UPDATE customer_dimension_rule SET domain = %s WHERE id = %s",
            ["[('gone', '=', 1)]", self.rule_dimension.rule_ids[0].id],
        )
        self.env.invalidate_all()
        page = self.open_page()
        page.action_preview()
        self.assertIn("gone", page.problem)

    def test_opening_balances_are_noticed(self):
        other = self.setup_other_company()["company"]
        page = self.Page.with_company(other).create({})
        self.assertIn("No posted", page.history_hint)
        self.assertFalse(page.opening_day)
        for number in range(20):
            # five on one day, 15 one by one: a quarter of all
            self.post(self.buyer, 10, 300 if number < 5 else 200 - number)
        page = self.Page.create({})
        self.assertEqual(page.opening_day, self.day(300))
        self.assertIn("22 posted", page.history_hint)

    def test_who_may(self):
        user = self.make_user("first_user")
        with self.assertRaises(AccessError):
            self.Page.with_user(user).action_open()
        other = self.setup_other_company()["company"]
        page = self.open_page()
        page.sudo().company_id = other
        for action in ("action_preview", "action_switch_on"):
            with self.assert_refused(AccessError, "this company"):
                getattr(page, action)()

    def test_form(self):
        with Form(self.Page.with_user(self.manager)) as form:
            self.assertEqual(form.window_days, 365)
