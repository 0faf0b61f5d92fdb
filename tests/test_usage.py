from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import MANAGER, ClassificationCommon


@tagged("post_install", "-at_install")
class TestUsage(ClassificationCommon):
    """Everything that refers to a dimension, category or metric is found."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.area = cls.env["customer.dimension"].create(
            {
                "name": "Area",
                "code": "zone",
                "category_ids": [
                    Command.create({"name": "North"}),
                    Command.create({"name": "South"}),
                ],
            }
        )
        cls.north, cls.south = cls.area.category_ids
        cls.other = cls.env["customer.dimension"].create(
            {
                "name": "Other",
                "code": "other",
                "method": "rule",
                "category_ids": [Command.create({"name": "A"})],
            }
        )
        cls.partner_model = cls.env["ir.model"]._get("res.partner")

    def places(self, record):
        """Return the places that use a record: models and names of fields."""
        return {(place._name, field.name) for place, field in record._get_usages()}

    def make_places(self, domain):
        """Create one of each that keeps a domain on contacts."""
        sudo = self.env(su=True)
        text = str(domain)
        self.env["customer.dimension.rule"].create(
            {
                "name": "Reads",
                "dimension_id": self.other.id,
                "category_id": self.other.category_ids.id,
                "domain": text,
            }
        )
        sudo["ir.filters"].create(
            {"name": "Mine", "model_id": "res.partner", "domain": text}
        )
        mailing = sudo["mailing.mailing"].create(
            {
                "subject": "Hello",
                "mailing_model_id": self.partner_model.id,
                "mailing_domain": text,
            }
        )
        sudo["mailing.filter"].create(
            {
                "name": "Saved",
                "mailing_model_id": mailing.mailing_model_id.id,
                "mailing_domain": text,
            }
        )
        sudo["ir.rule"].create(
            {
                "name": "Only those",
                "model_id": self.partner_model.id,
                "domain_force": text,
                "groups": [Command.link(self.env.ref("base.group_portal").id)],
            }
        )
        self.env.company.sudo().customer_population_domain = text

    def test_each_domain_is_found(self):
        self.assertEqual(self.places(self.area), set())
        self.make_places([("x_cls_zone_id", "in", self.north.ids)])
        expected = {
            ("customer.dimension.rule", "domain"),
            ("ir.filters", "domain"),
            ("mailing.mailing", "mailing_domain"),
            ("mailing.filter", "mailing_domain"),
            ("ir.rule", "domain_force"),
            ("res.company", "customer_population_domain"),
        }
        self.assertEqual(self.places(self.area), expected)
        self.assertEqual(self.places(self.north), expected)
        self.assertEqual(self.places(self.south), set())
        self.assertEqual(self.area.usage_count, 6)

    def test_other_places(self):
        sudo = self.env(su=True)
        name = "x_cls_zone_id"
        sudo["ir.filters"].create(
            {
                "name": "Grouped",
                "model_id": "res.partner",
                "context": str({"group_by": [name]}),
            }
        )
        sudo["ir.actions.server"].create(
            {
                "name": "Code",
                "model_id": self.partner_model.id,
                "state": "code",
                "code": f"action = record.{name}",
            }
        )
        sudo["ir.exports"].create(
            {
                "name": "List",
                "resource": "res.partner",
                "export_fields": [Command.create({"name": f"{name}/name"})],
            }
        )
        sudo["ir.ui.view"].create(
            {
                "name": "own",
                "model": "res.partner",
                "type": "list",
                "arch": f'<list><field name="{name}"/></list>',
            }
        )
        sudo["ir.model.fields"].create(
            {
                "name": "x_area_name",
                "model_id": self.partner_model.id,
                "ttype": "char",
                "field_description": "Area's name",
                "related": f"{name}.name",
                "store": False,
            }
        )
        self.assertEqual(
            self.places(self.area),
            {
                ("ir.filters", "context"),
                ("ir.actions.server", "code"),
                ("ir.exports.line", "name"),
                ("ir.ui.view", "arch_db"),
                ("ir.model.fields", "related"),
            },
        )

    def test_similar_names_do_not_count(self):
        self.env["customer.dimension"].create({"name": "B", "code": "zone_id_two"})
        self.env["ir.filters"].sudo().create(
            {
                "name": "Similar",
                "model_id": "res.partner",
                "domain": "[('x_cls_zone_id_two_id', '!=', False)]",
            }
        )
        self.assertFalse(self.places(self.area))

    def test_category_by_id_and_code(self):
        cases = {
            "[('x_cls_zone_id', '=', %d)]": True,
            "[('x_cls_zone_id', 'child_of', [%d])]": True,
            "[('parent_id.x_cls_zone_id.id', '!=', %d)]": True,
            "[('x_cls_zone_id', 'any', [('id', 'in', [%d])])]": True,
            "[('x_cls_zone_id.code', '=', 'north')]": True,
            "[('x_cls_zone_id.code', '=', 'south')]": False,
            "[('x_cls_zone_id', '!=', False), ('color', '=', %d)]": False,
            "[('x_cls_zone_id', '=', %d), ('write_uid', '=', uid)]": True,
        }
        for domain, expected in cases.items():
            if "%d" in domain:
                domain = domain % self.north.id
            with self.subTest(domain):
                filter_ = (
                    self.env["ir.filters"]
                    .sudo()
                    .create({"name": "F", "model_id": "res.partner", "domain": domain})
                )
                self.assertEqual(bool(self.north._get_usages()), expected)
                self.assertTrue(self.area._get_usages())
                filter_.unlink()

    def test_records_that_refer_to_a_category(self):
        self.env["customer.category"].create(
            {"name": "Far", "dimension_id": self.area.id, "parent_id": self.north.id}
        )
        self.area.default_category_id = self.north
        self.env["customer.dimension.rule"].create(
            {
                "name": "All",
                "dimension_id": self.area.id,
                "category_id": self.north.id,
            }
        )
        self.assertEqual(
            self.places(self.north),
            {
                ("customer.category", "parent_id"),
                ("customer.dimension", "default_category_id"),
                ("customer.dimension.rule", "category_id"),
            },
        )
        self.assertFalse(self.places(self.area))

    def test_deleting_is_refused_by_name(self):
        self.make_places([("x_cls_zone_id", "in", self.north.ids)])
        for record in (self.area, self.north):
            with self.assert_refused(UserError, "Reads”.*“Mine”|“Mine”.*Reads”"):
                record.unlink()
        self.assertIn("x_cls_zone_id", self.env["res.partner"]._fields)
        self.south.unlink()
        self.assertFalse(self.south.exists())

    def test_fields_that_would_vanish_are_protected(self):
        self.env["ir.filters"].sudo().create(
            {
                "name": "Mine",
                "model_id": "res.partner",
                "domain": "[('x_cls_value_tier_recency', '=', 5)]",
            }
        )
        with self.assert_refused(UserError, "“Mine”"):
            self.dimension.method = "manual"

    def test_archiving_asks_with_the_list(self):
        self.assertFalse(self.south.action_archive())
        self.assertFalse(self.south.active)
        self.make_places([("x_cls_zone_id", "in", self.north.ids)])
        for record in (self.north, self.area):
            action = record.action_archive()
            self.assertTrue(record.active)
            wizard = self.env[action["res_model"]].browse(action["res_id"])
            self.assertEqual(
                set(wizard.line_ids.mapped("res_model")),
                {place for place, _field in self.places(record)},
            )
            wizard.action_confirm()
            self.assertFalse(record.active)

    def test_list(self):
        self.make_places([("x_cls_zone_id", "in", self.north.ids)])
        action = self.area.action_show_usages()
        lines = self.env["customer.usage.line"].search(action["domain"])
        self.assertEqual(len(lines), 6)
        line = lines.filtered(lambda one: one.res_model == "customer.dimension.rule")
        self.assertEqual((line.name, line.purpose), ("Other: Reads", "Condition"))
        opened = line.action_open()
        self.assertEqual(
            (opened["res_model"], opened["res_id"]),
            ("customer.dimension.rule", self.other.rule_ids.id),
        )
        manager = self.make_user("usage_manager", MANAGER)
        lines = self.env["customer.usage.line"].with_user(manager)
        lines = lines._create_for(self.area.with_user(manager))
        self.assertEqual(len(lines), 6)
        rule = lines.filtered(lambda one: one.res_model == "ir.rule")
        with self.assertRaises(AccessError):
            rule.action_open()

    def test_metric(self):
        metric = self.env["customer.metric"].create(
            {
                "name": "Visits",
                "code": "visits",
                "model_name": "account.move",
                "partner_path": "partner_id",
                "company_path": "company_id",
            }
        )
        self.assertEqual(metric.usage_count, 0)
        self.make_places([("x_met_visits", ">", 2)])
        metric.invalidate_recordset()
        self.assertEqual(metric.usage_count, 6)
        with self.assert_refused(UserError, "“Visits” .*“Mine”"):
            metric.unlink()
        wizard = metric.action_archive()
        self.assertTrue(metric.active)
        self.env[wizard["res_model"]].browse(wizard["res_id"]).action_confirm()
        self.assertFalse(metric.active)

    def test_form_warns(self):
        self.make_places([("x_cls_zone_id", "in", self.north.ids)])
        result = self.area.onchange({"method": "rule"}, ["method"], {"method": {}})
        self.assertIn("Reads", result["warning"]["message"])
        with Form(self.south) as form:
            form.name = "Down"
