from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import MANAGER, ClassificationCommon


@tagged("post_install", "-at_install")
class TestConfiguration(ClassificationCommon):
    """What an administrator meets on the pages of a dimension."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("configuring", groups=MANAGER)
        cls.Dimension = cls.env["customer.dimension"].with_user(cls.manager)
        cls.alpha = cls.make_customer("Alpha")

    def test_code_is_proposed(self):
        every = self.Dimension.with_context(active_test=False)
        number = every.search_count([])
        for name, code in (
            ("Spending power", "spending_power"),
            ("Région d'été", "region_d_ete"),
            ("2024 plan (b)", "plan_b"),
            ("Spending  POWER!", "spending_power_2"),
            ("A" * 60, "a" * 36),
            ("客户性质", f"dimension_{number + 6}"),
            ("2024", f"dimension_{number + 7}"),
            ("产品 ABC", "abc"),
        ):
            with self.subTest(name):
                self.assertEqual(self.Dimension.create({"name": name}).code, code)

    def test_code_stays(self):
        dimension = self.Dimension.create({"name": "Spending power", "code": "power"})
        self.assertEqual(dimension.code, "power")
        dimension.name = "Purchase amount"
        self.assertEqual(dimension.code, "power")

    def test_dimension_from_its_form(self):
        with Form(self.Dimension) as form:
            form.name = "Spending power"
            self.assertEqual(form.code, "spending_power")
            for name in ("High", "Low"):
                with form.all_category_ids.new() as line:
                    line.name = name
        dimension = form.record
        self.assertEqual(dimension.category_ids.mapped("name"), ["High", "Low"])
        self.assertIn("x_cls_spending_power_id", self.env["res.partner"]._fields)
        self.assertIn(
            "x_cls_spending_power_id",
            self.alpha.with_user(self.manager).fields_get(),
        )

    def test_what_is_fixed_once_used(self):
        dimension = self.Dimension.create(
            {"name": "Size", "category_ids": [Command.create({"name": "Large"})]}
        )
        self.assertFalse(dimension.is_used)
        dimension.is_multiple = True
        dimension.is_multiple = False
        self.Override.create(
            {
                "partner_id": self.alpha.id,
                "dimension_id": dimension.id,
                "category_id": dimension.category_ids.id,
                "reason": "Because",
            }
        )
        dimension.invalidate_recordset()
        self.assertTrue(dimension.is_used)
        with (
            self.assertRaisesRegex(AssertionError, "readonly"),
            Form(dimension) as form,
        ):
            form.is_multiple = True
        with self.assert_refused(UserError, "is in use"):
            dimension.is_shared = True

    def test_mirrored_field_is_chosen_by_its_label(self):
        choices = dict(self.env["customer.dimension.level"]._get_field_choices())
        for name in ("country_id", "state_id", "city", "industry_id", "lang"):
            self.assertIn(name, choices)
        for name in (
            "x_cls_value_tier_id",  # of a dimension
            "comment",  # too long
            "credit_limit",  # a number
            "child_ids",  # several values
            "property_account_receivable_id",  # of each company its own
        ):
            self.assertNotIn(name, choices)
        with Form(self.Dimension) as form:
            form.name = "Region"
            form.method = "field"
            for name in ("country_id", "state_id"):
                with form.level_ids.new() as line:
                    line.field_choice = name
        levels = form.record.level_ids
        self.assertEqual(levels.mapped("field_name"), ["country_id", "state_id"])
        self.assertEqual(
            levels.sudo().field_id.mapped("name"), ["country_id", "state_id"]
        )
        levels[0].field_choice = "industry_id"
        self.assertEqual(levels[0].field_name, "industry_id")

    def test_customers_who_meet_a_rule(self):
        self.alpha.city = "Hangzhou"
        self.make_customer("Beta", city="Hangzhou", customer_rank=0)
        self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.alpha.id, "city": "Hangzhou"}
        )
        dimension = self.Dimension.create(
            {
                "name": "Near",
                "method": "rule",
                "category_ids": [Command.create({"name": "Local"})],
            }
        )
        rule = (
            self.env["customer.dimension.rule"]
            .with_user(self.manager)
            .create(
                {
                    "name": "Same town",
                    "dimension_id": dimension.id,
                    "category_id": dimension.category_ids.id,
                    "domain": "[('city', '=', 'Hangzhou')]",
                }
            )
        )
        self.assertEqual(rule.match_count, 1)
        found = self.env["res.partner"].search(rule.action_open_matches()["domain"])
        self.assertEqual(found, self.alpha)
        draft = rule.new({"domain": "[('no_such_field', '=', 1)]"})
        self.assertEqual(draft.match_count, 0)

    def test_new_dimension_stands_last(self):
        dimension = self.Dimension.create({"name": "Spending power"})
        self.assertEqual(self.Dimension.search([])[-1], dimension)

    def test_number_of_categories(self):
        self.assertEqual(self.dimension.category_count, 4)

    def test_every_view_of_the_configuration_opens(self):
        """As a manager of the classification who administers nothing else."""
        for model, views in (
            ("customer.dimension", ("list", "form", "search")),
            ("customer.dimension.group", ("list",)),
            ("customer.dimension.rule", ("list", "form")),
            ("customer.category", ("list", "form", "search")),
            ("customer.category.merge", ("form",)),
            ("customer.category.archive", ("form",)),
        ):
            for view in views:
                with self.subTest(model, view=view):
                    Model = self.env[model].with_user(self.manager)
                    self.assertIn("arch", Model.get_view(view_type=view))
