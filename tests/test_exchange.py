import re

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from ..models.customer_exchange import ExchangeError
from .common import MANAGER, ClassificationCommon


def file_of(*lines):
    """Return a file whose second line is the first of ``lines``."""
    return "\n".join(
        [
            '<customer-classification version="1">',
            *lines,
            "</customer-classification>",
        ]
    )


@tagged("post_install", "-at_install")
class TestExchange(ClassificationCommon):
    """The configuration leaves for a file and comes back as it was."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("zh_CN")
        cls.Exchange = cls.env["customer.classification.exchange"]
        cls.Dimension = cls.env["customer.dimension"]
        cls.Category = cls.env["customer.category"]
        cls.Rule = cls.env["customer.dimension.rule"]
        cls.team = cls.env["res.groups"].create({"name": "Board"})
        cls.tag = cls.env["res.partner.category"].create({"name": "Fair"})
        cls.group = cls.env["customer.dimension.group"].create({"name": "Potential"})
        cls.region = cls.Dimension.create(
            {
                "name": "Area",
                "code": "zone",
                "group_id": cls.group.id,
                "description": "Where they are.\nRoughly <50 km & more.",
                "view_group_ids": [Command.set(cls.team.ids)],
                "category_ids": [
                    Command.create({"name": "North", "color": 3}),
                    Command.create({"name": "South & West"}),
                ],
            }
        )
        cls.north, cls.south = cls.region.category_ids
        cls.coast = cls.Category.create(
            {
                "name": "Coast",
                "dimension_id": cls.region.id,
                "parent_id": cls.north.id,
                "active": False,
            }
        )
        cls.region.update_field_translations("name", {"zh_CN": "片区"})
        cls.north.update_field_translations("name", {"zh_CN": "北方"})
        cls.potential = cls.Dimension.create(
            {
                "name": "Potential",
                "code": "potential",
                "method": "rule",
                "is_multiple": True,
                "category_ids": [
                    Command.create({"name": "High"}),
                    Command.create({"name": "Low"}),
                ],
            }
        )
        cls.high, cls.low = cls.potential.category_ids
        cls.potential.default_category_id = cls.low
        cls.rule = cls.Rule.create(
            {
                "name": "Good place",
                "dimension_id": cls.potential.id,
                "category_id": cls.high.id,
                "company_id": cls.env.company.id,
                "domain": str(
                    [
                        "|",
                        ("x_cls_zone_id", "child_of", [cls.north.id]),
                        ("category_id", "any", [("id", "=", cls.tag.id)]),
                        ("country_id", "!=", cls.env.ref("base.cn").id),
                        ("country_id", "!=", False),
                        ("name", "not ilike", 'the "last" <one>'),
                    ]
                ),
            }
        )
        cls.Rule.create(
            [
                {
                    "name": name,
                    "dimension_id": cls.potential.id,
                    "category_id": cls.low.id,
                    "sequence": 10,
                    "active": name != "Off",
                }
                for name in ("Zulu", "Alpha", "Off")
            ]
        )

    def export(self, **kwargs):
        return self.Exchange.export_configuration(**kwargs)

    def import_(self, content):
        return self.Exchange.import_configuration(content)

    def assert_nothing(self, report):
        self.assertEqual(report["lines"], [])
        self.assertEqual(
            (report["created"], report["changed"], report["removed"]), (0, 0, 0)
        )

    def assert_broken(self, content, *expected):
        """Expect the file to be refused with these lines and words, and no change."""
        before = self.export(with_companies=True)
        with self.assertRaises(ExchangeError) as caught:
            self.import_(content)
        problems = caught.exception.problems
        self.assertEqual([line for line, _text in problems], [e[0] for e in expected])
        for (line, text), (_line, words) in zip(problems, expected, strict=True):
            self.assertRegex(text, words)
            self.assertRegex(str(caught.exception), f"(?m)^Line {line}: .*{words}")
        self.env.invalidate_all()
        self.assertEqual(self.export(with_companies=True), before)

    # There and back

    def test_twice_changes_nothing(self):
        content = self.export(with_companies=True)
        self.assertEqual(self.export(with_companies=True), content)
        self.assert_nothing(self.Exchange.preview_configuration(content))
        self.assert_nothing(self.import_(content))

    def test_round_trip(self):
        """What was deleted and changed comes back, so that the file is the same."""
        content = self.export(with_companies=True)
        self.region.with_context(lang=None).write(
            {"name": "X", "icon": "fa-flag", "view_group_ids": [Command.clear()]}
        )
        self.region.update_field_translations("name", {"zh_CN": "别的"})
        self.group.name = "Else"
        self.coast.write({"parent_id": self.south.id, "active": True})
        self.potential.unlink()
        self.dimension.criterion_ids.filtered(
            lambda criterion: criterion.axis == "monetary"
        ).unlink()
        self.dimension.write(
            {
                "criterion_ids": [
                    Command.create({"metric_id": self.get_metric("revenue_total").id})
                ],
                "refresh_days": 7,
            }
        )
        # limits that change places
        self.platinum.minimum_score = 4.6
        self.gold.minimum_score, self.platinum.minimum_score = 4.5, 3.5
        # and categories that change places
        self.north.sequence, self.south.sequence = 30, 20
        self.env.company.customer_window_days = 90
        changed = self.export(with_companies=True)
        self.assertNotEqual(changed, content)
        preview = self.Exchange.preview_configuration(content)
        self.assertEqual(preview["problems"], [])
        self.assertEqual(self.export(with_companies=True), changed)
        report = self.import_(content)
        self.assertEqual(self.export(with_companies=True), content)
        for key in ("created", "changed", "removed"):
            self.assertEqual(report[key], preview[key])
        self.assertEqual(
            # the dimension, two categories, four rules, a criterion
            (report["created"], report["removed"]),
            (8, 1),
        )
        self.assert_nothing(self.import_(content))
        potential = self.Dimension.search([("code", "=", "potential")])
        self.assertEqual(
            potential.rule_ids.mapped("name"), ["Good place", "Zulu", "Alpha"]
        )
        self.assertIn("x_cls_potential_ids", self.env["res.partner"]._fields)

    def test_what_is_not_mentioned_stays(self):
        self.north.color = 5
        report = self.import_(
            file_of(
                '<dimension code="zone">',
                '  <category code="north"><name>Top</name></category>',
                "</dimension>",
            )
        )
        self.assertEqual((report["created"], report["changed"]), (0, 1))
        self.assertEqual((self.north.name, self.north.color), ("Top", 5))
        self.assertEqual(self.region.category_ids, self.north + self.south)
        self.assertEqual(self.north.with_context(lang="zh_CN").name, "北方")
        self.assertEqual(
            report["lines"],
            [
                {
                    "action": "change",
                    "tag": "category",
                    "key": "north",
                    "name": "North",
                    "dimension": "Area",
                    "line": 3,
                    "fields": ["Name"],
                }
            ],
        )

    def test_the_file_orders_its_categories(self):
        """Those that it does not name keep their places."""
        self.Category.create({"name": "Abroad", "dimension_id": self.region.id})
        content = file_of(
            '<dimension code="zone">',
            '  <category code="abroad"/>',
            '  <category code="east"><name>East</name></category>',
            '  <category code="north"/>',
            "</dimension>",
        )
        preview = self.Exchange.preview_configuration(content)
        report = self.import_(content)
        self.assertEqual((report["created"], report["changed"]), (1, 1))
        self.assertEqual(preview["changed"], 1)
        self.region.invalidate_recordset()
        self.assertEqual(
            self.region.category_ids.mapped("code"),
            ["abroad", "south_west", "east", "north"],
        )
        self.assert_nothing(self.import_(content))

    def test_only_some_dimensions(self):
        content = self.export(dimensions=self.region)
        self.assertEqual(re.findall('<dimension code="([a-z_]+)"', content), ["zone"])

    def test_other_rules_are_archived_where_the_file_says_so(self):
        content = file_of(
            '<dimension code="potential" other_rules="archive">',
            '  <rule code="mine" category="high">',
            "    <name>Mine</name>",
            "    <domain>[]</domain>",
            "  </rule>",
            "</dimension>",
        )
        report = self.import_(content)
        self.assertEqual((report["created"], report["changed"]), (1, 3))
        self.assertEqual(self.potential.rule_ids.mapped("name"), ["Mine"])
        self.assert_nothing(self.import_(content))

    def test_rules_may_swap_who_reads_whom(self):
        """A cycle between the first and the last step is none in the end."""
        dimension = self.Dimension.create(
            {
                "name": "Other",
                "code": "other",
                "method": "rule",
                "category_ids": [Command.create({"name": "A"})],
            }
        )
        category = dimension.category_ids
        rule = self.Rule.create(
            {
                "name": "Reads",
                "dimension_id": dimension.id,
                "category_id": category.id,
                "domain": f"[('x_cls_potential_ids', 'in', {self.high.ids})]",
            }
        )
        content = self.export()
        rule.domain = "[]"
        self.rule.domain = f"[('x_cls_other_id', '=', {category.id})]"
        self.import_(content)
        self.assertEqual(self.export(), content)
        self.assert_broken(
            file_of(
                '<dimension code="potential">',
                '<rule code="good_place">',
                '<domain>[("x_cls_other_id", "=", category("other", "a"))]</domain>',
                "</rule>",
                "</dimension>",
            ),
            (2, "circle"),
        )

    def test_mirrored_values_have_portable_keys(self):
        china = self.env.ref("base.cn")
        field = self.env["ir.model.fields"]._get("res.partner", "country_id")
        dimension = self.Dimension.create(
            {
                "name": "Country",
                "code": "land",
                "method": "field",
                "level_ids": [Command.create({"field_id": field.id})],
            }
        )
        category = self.Category.create(
            {
                "name": "China",
                "dimension_id": dimension.id,
                "source_key": f'["{china.id}"]',
            }
        )
        content = self.export()
        self.assertIn("ref:base.cn", content)
        self.assertIn('<level field="country_id"', content)
        self.assert_nothing(self.import_(content))
        category.source_key = '["0"]'
        self.import_(content)
        self.assertEqual(category.source_key, f'["{china.id}"]')

    def test_metrics(self):
        metric = self.env["customer.metric"].create(
            {
                "name": "Letters",
                "code": "letters",
                "model_name": "account.move",
                "partner_path": "partner_id",
                "company_path": "company_id",
                "domain": str(
                    [("journal_id", "=", self.company_data["default_journal_sale"].id)]
                ),
                "date_path": "invoice_date",
                "window_days": 30,
            }
        )
        self.rule.domain = "[('x_met_letters', '>', 3)]"
        content = self.export()
        self.assertRegex(content, r'\("journal_id", "=", ref\("[\w.]+"\)\)')
        self.rule.domain = "[]"
        metric.unlink()
        self.assertNotIn("x_met_letters", self.env["res.partner"]._fields)
        report = self.import_(content)
        self.assertEqual((report["created"], report["changed"]), (1, 1))
        self.assertEqual(self.export(), content)
        self.assert_broken(
            file_of('<metric code="letters" model_name="no.such"/>'),
            (2, "no.such|model"),
        )

    # Names instead of ids

    def test_references_are_portable(self):
        content = self.export()
        rule = re.search('<rule code="good_place".*?</rule>', content, re.S)[0]
        condition = re.sub('"[^"]*"', "", rule.partition("<domain>")[2])
        self.assertFalse(re.search("[0-9]", condition), condition)
        self.assertIn('category("zone", "north")', content)
        self.assertIn('ref("base.cn")', content)
        self.assertRegex(content, r'ref\("__export__\.res_partner_category_\d+_\w+"\)')
        self.assertIn(f'company="{self.env.company.name}"', content)
        self.assertRegex(content, r'view_group="__export__\.res_groups_\d+')
        self.assertIn('<name lang="zh_CN">片区</name>', content)
        self.assertIn("[CDATA[Where they are.\nRoughly <50 km & more.]]", content)

    def test_references_follow_another_database(self):
        """The same file means another category once that one has the name."""
        content = self.export()
        self.rule.unlink()
        self.north.code = "former"
        self.env.flush_all()
        new = self.Category.create(
            {"name": "New", "code": "north", "dimension_id": self.region.id}
        )
        self.import_(content)
        rule = self.potential.rule_ids.filtered(lambda r: r.code == "good_place")
        self.assertIn(f"('x_cls_zone_id', 'child_of', [{new.id}])", rule.domain)

    def test_translations(self):
        self.import_(
            file_of(
                '<dimension code="zone">',
                "  <name>District</name>",
                '  <name lang="zh_CN">地区</name>',
                '  <name lang="fr_FR">Région</name>',
                '  <category code="east">',
                "    <name>East</name>",
                '    <name lang="zh_CN">东方</name>',
                "    <description>",
                "        Where the sun",
                "        rises.",
                "    </description>",
                "  </category>",
                "</dimension>",
            )
        )
        east = self.region.category_ids.filtered(lambda c: c.code == "east")
        for record, english, chinese in (
            (self.region, "District", "地区"),
            (east, "East", "东方"),
        ):
            self.assertEqual(record.with_context(lang="en_US").name, english)
            self.assertEqual(record.with_context(lang="zh_CN").name, chinese)
        self.assertEqual(east.description, "Where the sun\nrises.")

    def test_a_chinese_user_writes_the_same(self):
        content = file_of(
            '<dimension code="new"><name>New</name><name lang="zh_CN">新</name>',
            '<category code="a"><name>A</name></category></dimension>',
        )
        self.Exchange.with_context(lang="zh_CN").import_configuration(content)
        dimension = self.Dimension.search([("code", "=", "new")])
        self.assertEqual(dimension.with_context(lang="en_US").name, "New")
        self.assertEqual(dimension.with_context(lang="zh_CN").name, "新")
        exported = self.Exchange.with_context(lang="zh_CN").export_configuration()
        self.assert_nothing(self.import_(exported))

    def test_codes(self):
        names = ["重要客户", "一般客户", "Régulier & fidèle", "North", "!"]
        categories = self.Category.create(
            [{"name": name, "dimension_id": self.region.id} for name in names]
        )
        self.assertEqual(
            categories.mapped("code"),
            ["category_1", "category_2", "regulier_fidele", "north_2", "category_3"],
        )
        self.assertEqual(self.group.code, "potential")
        self.assertEqual(self.rule.code, "good_place")
        self.north.code = False  # as older categories have none
        self.assertIn('code="north"', self.export())

    # What is wrong

    def test_syntax(self):
        self.assert_broken("<a>\n<b>\n</a>", (3, "not well formed"))
        self.assert_broken("", (1, "not well formed"))
        self.assert_broken("<odoo/>", (1, "begins with"))
        self.assert_broken('<customer-classification version="2"/>', (1, "begins with"))

    def test_entities_are_refused(self):
        self.assert_broken(
            '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n'
            '<customer-classification version="1">&x;</customer-classification>',
            (2, "document type"),
        )

    def test_vocabulary(self):
        self.assert_broken(
            file_of(
                "<banana/>",
                '<dimension code="zone" colour="3">',
                "  text",
                '  <category color="3"/>',
                '  <category code="north"><rule code="x"/></category>',
                "</dimension>",
                '<dimension code="zone"/>',
                '<dimension code="potential" other_rules="forget">',
                '  <rule code="zulu" category="missing"/>',
                "</dimension>",
            ),
            (2, "<banana> is unknown within <customer-classification>"),
            (3, "no attribute “colour”"),
            (3, "“text” stands where no text"),
            (5, "needs the attribute “code”"),
            (6, "<rule> is unknown within <category>"),
            (8, "twice, first on line 3"),
            (9, "“other_rules” with the value “forget”"),
            (10, "has no category “missing”"),
        )

    def test_values_and_references(self):
        """All problems are shown, not only the first."""
        self.assert_broken(
            file_of(
                '<dimension code="zone" sequence="ten"/>',
                '<dimension code="potential" method="magic">',
                '  <category code="high" active="yes"/>',
                '  <category code="new"/>',
                '  <rule code="good_place" category="missing"/>',
                '  <rule code="zulu" company="Nowhere Ltd"/>',
                '  <rule code="alpha"><domain>[("name", "=", </domain></rule>',
                '  <rule code="off">',
                '    <domain>[("country_id", "=", ref("base.atlantis"))]</domain>',
                "  </rule>",
                '  <rule code="a"><name>A</name><domain>',
                '   [("x_cls_zone_id", "=", category("zone", "moon"))]',
                "  </domain></rule>",
                '  <criterion metric="luck"/>',
                "</dimension>",
                '<company name="Nowhere Ltd" window_days="30"/>',
            ),
            (2, "“sequence” is a number, not “ten”"),
            (3, "“method” is one of manual, field, rule, score, not “magic”"),
            (17, "no company “Nowhere Ltd”"),
        )
        self.assert_broken(
            file_of(
                '<dimension code="potential">',
                '  <category code="high" active="yes"/>',
                '  <category code="new"/>',
                '  <rule code="good_place" category="missing"/>',
                '  <rule code="zulu" company="Nowhere Ltd"/>',
                '  <rule code="alpha"><domain>[("name", "=", </domain></rule>',
                '  <rule code="off">',
                '    <domain>[("country_id", "=", ref("base.atlantis"))]</domain>',
                "  </rule>",
                '  <rule code="a"><name>A</name><domain>',
                '   [("x_cls_zone_id", "=", category("zone", "moon"))]',
                "  </domain></rule>",
                '  <criterion metric="luck"/>',
                "</dimension>",
            ),
            (3, "“active” is “true” or “false”"),
            (4, "“new” does not exist yet, so it needs “name”"),
            (5, "has no category “missing”"),
            (6, "no .* “Nowhere Ltd”"),
            (7, "cannot be read"),
            (8, "“base.atlantis”"),
            (11, "“zone” has no category “moon”"),
            (14, "no Customer Metric “luck”"),
        )

    def test_what_the_models_refuse(self):
        self.assert_broken(
            file_of(
                '<group code="g1"><name>Same</name></group>',
                '<group code="g2"><name>Same</name></group>',
                '<dimension code="Bad Code"><name>Bad</name></dimension>',
                '<dimension code="zone" method="score"/>',
                '<dimension code="value_tier">',
                '  <category code="gold" minimum_score="7"/>',
                "</dimension>",
                '<dimension code="potential">',
                '  <rule code="zulu">',
                '    <domain>[("no_such_field", "=", 1)]</domain>',
                "  </rule>",
                "</dimension>",
            ),
            (3, "Another group already has this name"),
            (4, "not usable"),
            (5, "add at least one criterion"),
            (7, "A score runs from 1 to 5"),
            (10, "cannot be evaluated"),
        )
        self.assert_broken(
            file_of(
                '<dimension code="value_tier">',
                '  <category code="gold" minimum_score="4.5"/>',
                "</dimension>",
            ),
            (2, "start at the same score"),
        )

    def test_new_dimension_of_a_broken_file_leaves_no_field(self):
        self.assert_broken(
            file_of(
                '<dimension code="ghost"><name>Ghost</name></dimension>',
                '<dimension code="zone" method="score"/>',
            ),
            (3, "criterion"),
        )
        self.assertNotIn("x_cls_ghost_id", self.env["res.partner"]._fields)
        self.env["res.partner"].search([], limit=1).read()

    def test_fixed_once_used(self):
        customer = self.make_customer("Alpha")
        self.env.user.group_ids += self.team
        self.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": self.region.id,
                "category_id": self.south.id,
                "reason": "Because",
            }
        )
        self.assert_broken(
            file_of('<dimension code="zone" is_multiple="true"/>'),
            (2, "“Area” is in use"),
        )

    # Who may

    def test_rights(self):
        content = self.export()
        user = self.make_user("exchange_user")
        for call in (
            lambda exchange: exchange.export_configuration(),
            lambda exchange: exchange.preview_configuration(content),
            lambda exchange: exchange.import_configuration(content),
        ):
            with self.assertRaisesRegex(AccessError, "Only managers"):
                call(self.Exchange.with_user(user))
        manager = self.make_user("exchange_manager", MANAGER)
        self.assert_nothing(
            self.Exchange.with_user(manager).import_configuration(content)
        )

    def test_settings_of_the_company_need_its_administrator(self):
        content = file_of(f'<company name="{self.env.company.name}" window_days="30"/>')
        manager = self.make_user("exchange_manager", MANAGER)
        with self.assert_refused(ExchangeError, "Line 2: .*not allowed to modify"):
            self.Exchange.with_user(manager).import_configuration(content)
        admin = self.make_user("exchange_admin", f"{MANAGER},base.group_erp_manager")
        self.Exchange.with_user(admin).import_configuration(content)
        self.assertEqual(self.env.company.customer_window_days, 30)

    # In the wizard

    def test_wizard(self):
        Wizard = self.env["customer.exchange.wizard"]
        wizard = Wizard.create({"operation": "export"})
        wizard.action_export()
        content = wizard.with_context(bin_size=False).export_file
        self.south.name = "Down"
        wizard = Wizard.create({"operation": "import", "import_file": content})
        wizard.action_preview()
        self.assertEqual(
            [(line.dimension, line.name, line.action) for line in wizard.line_ids],
            [("Area", "Down", "change")],
        )
        self.assertEqual(self.south.name, "Down")
        wizard.action_import()
        self.assertEqual(self.south.name, "South & West")
        self.assertEqual(wizard.state, "done")
