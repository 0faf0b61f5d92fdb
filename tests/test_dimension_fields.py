import itertools
import logging

from lxml import etree
from psycopg2.errors import UniqueViolation

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger
from odoo.tools.safe_eval import safe_eval

from .common import ClassificationCommon


@tagged("post_install", "-at_install")
class TestDimensionFields(ClassificationCommon):
    """Each dimension has a field on the contact, which its administrator shapes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Partner = cls.env["res.partner"]
        cls.Dimension = cls.env["customer.dimension"]
        cls.field_name = cls.dimension.partner_field_name
        cls.customer = cls.make_customer("Alpha")

    def make_dimension(self, **values):
        return self.Dimension.create({"name": "Region", "code": "zone", **values})

    def get_arch(self, view_type, lang=None):
        return etree.fromstring(
            self.Partner.with_context(lang=lang).get_views([(False, view_type)])[
                "views"
            ][view_type]["arch"]
        )

    def get_label(self, field_name, lang=None):
        partner = self.Partner.with_context(lang=lang)
        return partner.fields_get([field_name], ["string"])[field_name]["string"]

    def test_new_dimension_shows_everywhere(self):
        for view_type in ("form", "list", "kanban", "search"):
            arch = self.get_arch(view_type)
            self.assertFalse(arch.xpath("//field[@name='x_cls_zone_id']"))
        dimension = self.make_dimension(show_as_badge=True)
        north = self.env["customer.category"].create(
            {"name": "North", "dimension_id": dimension.id}
        )
        self.assertEqual(dimension.partner_field_name, "x_cls_zone_id")
        field = self.Partner._fields["x_cls_zone_id"]
        self.assertEqual((field.store, field.readonly), (False, True))
        for view_type in ("form", "list", "kanban", "search"):
            with self.subTest(view_type):
                arch = self.get_arch(view_type)
                for name in ("x_cls_zone_id", self.field_name):
                    self.assertEqual(len(arch.xpath(f"//field[@name='{name}']")), 1)
        search = self.get_arch("search")
        self.assertTrue(search.xpath(f"//filter[@name='x_cls_zone_id_{north.id}']"))
        self.assertTrue(search.xpath("//filter[@name='x_cls_zone_id_none']"))
        self.assertTrue(search.xpath("//filter[@name='group_x_cls_zone_id']"))
        self.Override.create(
            {
                "partner_id": self.customer.id,
                "dimension_id": dimension.id,
                "category_id": north.id,
                "reason": "Because",
            }
        )
        self.assertEqual(self.customer.x_cls_zone_id, north)
        self.assertFalse(self.customer[self.field_name])
        found = self.Partner.search(
            [("x_cls_zone_id", "=", north.id), (self.field_name, "=", False)]
        )
        self.assertEqual(found, self.customer)

    def test_filters_of_the_search_view_work(self):
        category = self.dimension.category_ids[0]
        self.Override.create(
            {
                "partner_id": self.customer.id,
                "dimension_id": self.dimension.id,
                "category_id": category.id,
                "reason": "Because",
            }
        )
        name = f"{self.field_name}_{category.id}"
        [node] = self.get_arch("search").xpath(f"//filter[@name='{name}']")
        self.assertEqual(node.get("string"), "Platinum (Value tier)")
        domain = safe_eval(node.get("domain"))
        self.assertEqual(self.Partner.search(domain), self.customer)

    def test_label_follows_the_name_in_each_language(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        dimension = self.dimension
        for name, lang in (("Worth", "en_US"), ("客户价值", "zh_CN")):
            dimension.with_context(lang=lang).name = name
        for name, lang in (("Worth", "en_US"), ("客户价值", "zh_CN")):
            with self.subTest(lang):
                self.assertEqual(self.get_label(self.field_name, lang), name)
                models = self.Partner.with_context(lang=lang).get_views(
                    [(False, "list")]
                )["models"]
                described = models["res.partner"]["fields"][self.field_name]
                self.assertEqual(described["string"], name)
                search = self.get_arch("search", lang)
                [group] = search.xpath(f"//filter[@name='group_{self.field_name}']")
                self.assertEqual(group.get("string"), name)
        dimension.with_context(lang="zh_CN").name = "分级"
        self.assertEqual(self.get_label(self.field_name, "zh_CN"), "分级")
        self.assertEqual(self.get_label(self.field_name, "en_US"), "Worth")
        [group] = self.get_arch("search", "zh_CN").xpath(
            f"//filter[@name='group_{self.field_name}']"
        )
        self.assertEqual(group.get("string"), "分级")

    def test_renamed_category_changes_its_filter(self):
        self.get_arch("search")
        self.platinum.name = "Diamond"
        [node] = self.get_arch("search").xpath(
            f"//filter[@name='{self.field_name}_{self.platinum.id}']"
        )
        self.assertEqual(node.get("string"), "Diamond (Value tier)")

    def test_archived_dimension_keeps_its_field(self):
        dimension = self.make_dimension()
        self.assertTrue(self.get_arch("list").xpath("//field[@name='x_cls_zone_id']"))
        dimension.active = False
        for view_type in ("form", "list", "kanban", "search"):
            with self.subTest(view_type):
                arch = self.get_arch(view_type)
                self.assertFalse(arch.xpath("//field[@name='x_cls_zone_id']"))
                self.assertTrue(arch.xpath(f"//field[@name='{self.field_name}']"))
        self.assertIn("x_cls_zone_id", self.Partner._fields)
        self.assertEqual(self.get_label("x_cls_zone_id"), "Region")
        # what a saved filter names still works
        self.assertFalse(self.Partner.search([("x_cls_zone_id", "!=", False)]))
        dimension.active = True
        self.assertTrue(self.get_arch("list").xpath("//field[@name='x_cls_zone_id']"))

    def test_deleted_dimension_takes_its_field_along(self):
        dimension = self.make_dimension()
        field = self.env["ir.model.fields"]._get("res.partner", "x_cls_zone_id")
        self.assertEqual(field.customer_dimension_id, dimension)
        dimension.unlink()
        self.assertNotIn("x_cls_zone_id", self.Partner._fields)
        self.assertFalse(field.exists())
        self.assertFalse(self.get_arch("list").xpath("//field[@name='x_cls_zone_id']"))
        self.make_dimension()  # the code is free again
        self.assertIn("x_cls_zone_id", self.Partner._fields)

    def test_used_dimension_is_not_deleted(self):
        self.post(self.customer, 10, 3)
        self.classify()
        with self.assertRaisesRegex(UserError, "Archive"):
            self.dimension.unlink()
        self.assertIn(self.field_name, self.Partner._fields)

    def test_scored_dimension_that_gave_nobody_a_category_is_deleted(self):
        self.post(self.customer, 10, 3)
        dimension = self.env["customer.dimension"].create(
            {
                "name": "Strict",
                "code": "strict",
                "method": "score",
                "criterion_ids": [
                    Command.create({"metric_id": self.get_metric("revenue_total").id})
                ],
                "category_ids": [Command.create({"name": "A", "minimum_score": 5})],
            }
        )
        self.classify()
        self.assertTrue(dimension.active_ruleset_id.limit_ids)
        dimension.unlink()
        self.assertFalse(dimension.exists())

    def test_code(self):
        for code in ("Region", "1region", "re gion", "región", "re-gion", "", "a" * 41):
            with self.subTest(code), self.assertRaises(ValidationError):
                self.make_dimension(code=code)
        dimension = self.make_dimension(code="r2_d2")
        self.assertIn("x_cls_r2_d2_id", self.Partner._fields)
        with self.assertRaisesRegex(UserError, "cannot be changed"):
            dimension.code = "c3po"
        dimension.write({"code": "r2_d2", "name": "Droid"})
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
            self.make_dimension(code="r2_d2")
        self.assertEqual(dimension.copy().code, "r2_d2_2")

    def test_same_name_twice_logs_nothing(self):
        with self.assertNoLogs("odoo", logging.WARNING):
            self.make_dimension(name="Industry")
            self.make_dimension(name="Industry", code="another")
            self.env.registry._setup_models__(self.env.cr, ["res.partner"])
            self.Partner.fields_get()

    def test_nothing_computed_is_stored_on_the_contact(self):
        """Only what people type in about the customer has columns."""
        self.env.cr.execute(
            """SELECT column_name FROM information_schema.columns
                WHERE table_name = 'res_partner'"""
        )
        columns = {name for [name] in self.env.cr.fetchall()}
        added = {
            name
            for name in self.Partner._fields
            if name.startswith(("customer_", "x_cls_")) and name != "customer_rank"
        }
        self.assertGreaterEqual(len(added), 16)
        self.assertEqual(
            columns & added,
            {"customer_employee_count", "customer_turnover", "customer_district"},
        )
        self.assertFalse({c for c in columns if c.startswith("x_cls")})
        before = self.customer.mapped("write_date")
        self.classify()
        self.env.invalidate_all()
        self.assertEqual(self.customer.mapped("write_date"), before)

    def test_number_of_queries(self):
        partners = self.Partner.create(
            [
                {"name": f"Many {number}", "is_company": True, "customer_rank": 1}
                for number in range(200)
            ]
        )
        self.env.flush_all()
        counts = []
        for number, names in itertools.product(
            (10, 200), ([self.field_name], ["customer_revenue_window"])
        ):
            some = partners[:number]
            for _warm in range(2):
                self.env.invalidate_all()
                start = self.env.cr.sql_log_count
                some.fetch(["commercial_partner_id"])
                some.mapped(names[0])
                taken = self.env.cr.sql_log_count - start
            counts.append(taken)
        self.assertEqual(counts[:2], counts[2:])
        self.assertLessEqual(max(counts), 8)

    def test_new_contact(self):
        self.post(self.customer, 10, 3)
        self.classify()
        tier = self.assignment_of(self.customer).category_id
        self.assertTrue(tier)
        with Form(self.Partner) as form:
            form.name = "New"
        self.assertFalse(form.record[self.field_name])
        new = self.Partner.new({"name": "Newer", "parent_id": self.customer.id})
        self.assertFalse(new[self.field_name])
        self.assertFalse(self.Partner.new({"name": "None"})[self.field_name])
        edited = self.Partner.new(origin=self.customer)
        self.assertEqual(edited[self.field_name]._origin, tier)
