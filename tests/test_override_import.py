from datetime import timedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import file_path, mute_logger

from ..models.customer_import_references import ImportReferences
from .common import ClassificationCommon

HEADER = ["partner_id", "dimension_id", "category_id", "reason", "date_end"]


@tagged("post_install", "-at_install")
class TestOverrideImport(ClassificationCommon):
    """Categories set by people, imported by reference."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alpha = cls.make_customer("Alpha", ref="A-1")
        cls.beta = cls.make_customer("Beta", ref="B-1")
        cls.user = cls.make_user("importer")
        cls.until = fields.Date.to_string(cls.today + timedelta(days=100))

    def load(self, lines, header=None, **context):
        model = self.Override.with_user(self.user).with_context(**context)
        return model.load(header or HEADER, [list(line) for line in lines])

    def line(
        self, customer, category="Gold", reason="Contract", dimension="value_tier"
    ):
        return [customer, dimension, category, reason, self.until]

    def decisions(self):
        return [
            (decision.partner_id.name, decision.category_id.name, decision.reason)
            for decision in self.Override.search(
                [("dimension_id", "=", self.dimension.id)], order="id"
            )
        ]

    def assert_imported(self, result, created=0, changed=0, unchanged=0):
        self.assertTrue(result["ids"], result["messages"])
        [message] = result["messages"]
        self.assertEqual(message["type"], "info")
        self.assertEqual(
            message["message"],
            f"New decisions: {created}. Decisions changed: {changed}. "
            f"Unchanged: {unchanged}.",
        )

    def assert_error(self, line, message, field):
        result = self.load([self.line("B-1"), line])
        self.assertFalse(result["ids"])
        [error] = result["messages"]
        self.assertEqual((error["type"], error["field"]), ("error", field))
        self.assertEqual((error["record"], error["rows"]), (1, {"from": 1, "to": 1}))
        self.assertIn(message, error["message"])
        self.assertFalse(self.decisions(), "all lines or none")

    def test_by_reference_name_and_external_id(self):
        gamma = self.make_customer("Gamma")
        self.env["ir.model.data"].create(
            {
                "module": "__import__",
                "name": "customer_gamma",
                "model": "res.partner",
                "res_id": gamma.id,
            }
        )
        result = self.load(
            [
                self.line("A-1", "Gold"),
                self.line("Beta", "silver", dimension="Value tier"),
                self.line("__import__.customer_gamma", "Bronze"),
            ]
        )
        self.assert_imported(result, created=3)
        self.assertEqual(
            self.decisions(),
            [
                ("Alpha", "Gold", "Contract"),
                ("Beta", "Silver", "Contract"),
                ("Gamma", "Bronze", "Contract"),
            ],
        )
        decision = self.Override.browse(result["ids"][0])
        self.assertEqual(fields.Date.to_string(decision.date_end), self.until)
        self.assertEqual(decision.company_id, self.env.company)
        self.assertEqual(self.tier_of(self.alpha), "Gold")

    def test_standard_reference_columns(self):
        result = self.load(
            [
                [
                    str(self.alpha.id),
                    "customer_classification.category_gold",
                    "Why not",
                ],
            ],
            ["partner_id/.id", "category_id/id", "reason"],
            default_dimension_id=self.dimension.id,
        )
        self.assert_imported(result, created=1)
        self.assertEqual(self.decisions(), [("Alpha", "Gold", "Why not")])

    def test_again_changes_instead_of_failing(self):
        lines = [self.line("A-1"), self.line("B-1", "Silver")]
        self.assert_imported(self.load(lines), created=2)
        history = len(self.history_of(self.alpha + self.beta))
        self.assert_imported(self.load(lines), unchanged=2)
        self.assertEqual(len(self.history_of(self.alpha + self.beta)), history)
        lines = [self.line("A-1", "Platinum"), self.line("B-1", "Silver")]
        self.assert_imported(self.load(lines), changed=1, unchanged=1)
        self.assertEqual(
            self.decisions(),
            [("Alpha", "Platinum", "Contract"), ("Beta", "Silver", "Contract")],
        )
        last = self.history_of(self.alpha)[-1]
        self.assertEqual((last.event, last.user_id), ("set", self.user))

    def history_of(self, partner):
        return self.History.search([("partner_id", "in", partner.ids)], order="id")

    def test_ended_decision_gives_way(self):
        decision = self.Override.create(
            {
                "partner_id": self.alpha.id,
                "dimension_id": self.dimension.id,
                "category_id": self.silver.id,
                "reason": "Old",
                "date_end": self.today,
            }
        )
        decision.flush_recordset()
        self.env.cr.execute(
            "UPDATE customer_override SET date_end = %s WHERE id = %s",
            [self.today - timedelta(days=1), decision.id],
        )
        self.env.invalidate_all()
        self.assert_imported(self.load([self.line("A-1")]), created=1)
        self.assertEqual(self.decisions(), [("Alpha", "Gold", "Contract")])

    def test_contact_counts_for_its_company(self):
        self.make_customer(
            "Carla Contact", parent_id=self.alpha.id, is_company=False, ref="C-9"
        )
        self.assert_imported(self.load([self.line("C-9")]), created=1)
        self.assertEqual(self.decisions(), [("Alpha", "Gold", "Contract")])

    def test_same_name_within_one_customer_is_clear(self):
        self.make_customer("Alpha", parent_id=self.alpha.id, is_company=False)
        self.assert_imported(self.load([self.line("Alpha")]), created=1)

    def test_unclear_references(self):
        self.make_customer("Twin", ref="T-1")
        self.make_customer("Twin", ref="T-2")
        for line, message, field in (
            (self.line("X-9"), "exact name “X-9”", "partner_id"),
            (self.line("Alph"), "exact name “Alph”", "partner_id"),
            (self.line("Twin"), "“Twin” may mean several", "partner_id"),
            (self.line("A-1", dimension="tier"), "dimension “tier”", "dimension_id"),
            (self.line("A-1", "Golden"), "“Golden” is no category", "category_id"),
            (self.line("B-1", "Silver"), "An earlier line decides", "partner_id"),
        ):
            with self.subTest(message):
                self.assert_error(line, message, field)

    def test_several_errors_at_once(self):
        result = self.load([self.line("X-1"), self.line("A-1", "No"), self.line("B-1")])
        self.assertEqual([m["record"] for m in result["messages"]], [0, 1])

    def test_hidden_customer_is_unknown(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.make_customer("Hidden", ref="H-1", company_id=other.id)
        self.assert_error(self.line("H-1"), "you may not see", "partner_id")

    @mute_logger("odoo.sql_db")
    def test_company(self):
        other = self.env["res.company"].create({"name": "Second company"})
        header = [*HEADER, "company_id"]
        line = [*self.line("A-1"), "Second company"]
        result = self.load([line], header)
        self.assertFalse(result["ids"], "not a company of the user")
        self.user.company_ids += other
        result = self.load(
            [line], header, allowed_company_ids=[self.env.company.id, other.id]
        )
        self.assert_imported(result, created=1)
        self.assertEqual(self.Override.sudo().search([]).company_id, other)

    def test_several_categories(self):
        needs = self.env["customer.dimension"].create(
            {"name": "Wishes", "code": "wishes", "is_multiple": True, "is_shared": True}
        )
        self.env["customer.category"].create(
            [{"name": name, "dimension_id": needs.id} for name in ("One", "Two")]
        )
        lines = [["A-1", "wishes", name, "", ""] for name in ("One", "Two")]
        self.assert_imported(self.load(lines), created=2)
        self.assert_imported(self.load(lines), unchanged=2)
        held = self.alpha[needs.partner_field_name]
        self.assertEqual(set(held.mapped("name")), {"One", "Two"})

    def test_complete_name(self):
        region = self.env["customer.dimension"].create(
            {"name": "Place", "code": "place"}
        )
        Category = self.env["customer.category"]
        north, south = Category.create(
            [{"name": name, "dimension_id": region.id} for name in ("North", "South")]
        )
        centers = Category.create(
            [
                {"name": "Center", "dimension_id": region.id, "parent_id": part.id}
                for part in (north, south)
            ]
        )
        self.assert_error(
            ["A-1", "place", "Center", "", ""], "may mean several", "category_id"
        )
        result = self.load([["A-1", "place", "South › Center", "", ""]])
        self.assert_imported(result, created=1)
        self.assertEqual(self.Override.browse(result["ids"]).category_id, centers[1])

    def test_other_constraints_name_the_line(self):
        result = self.load([self.line("A-1"), self.line("B-1", reason="")])
        self.assertFalse(result["ids"])
        self.assertIn("give the reason", str(result["messages"]))
        self.assertFalse(self.decisions())

    def test_many_lines_take_few_queries(self):
        customers = [
            self.make_customer(f"Many {number}", ref=f"M-{number}")
            for number in range(40)
        ]
        lines = [self.line(customer.ref) for customer in customers]
        counts = []
        for number in (4, 4, 40):  # the first one fills the caches
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            references = ImportReferences(self.env, [[name] for name in HEADER])
            found, _messages = references.find(lines[:number])
            self.Override._find_imported(references, found)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts[1:], "as many for 40 lines as for 4")


@tagged("post_install", "-at_install")
class TestImportWizard(ClassificationCommon):
    """The same through Odoo's import dialog, in English and Chinese."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("zh_CN")
        cls.env["ir.module.module"]._load_module_terms(
            ["customer_classification"], ["zh_CN"]
        )
        cls.alpha = cls.make_customer("Alpha", ref="A-1")
        cls.user = cls.make_user("importer", groups=cls.get_user_groups())

    @staticmethod
    def get_user_groups():
        return "customer_classification.group_customer_classification_user"

    def run_import(self, content, lang):
        if "base_import.import" not in self.env:
            self.skipTest("The import is not installed")
        options = {
            "quoting": '"',
            "separator": ",",
            "has_headers": True,
            "date_format": "%Y-%m-%d",
        }
        wizard = (
            self.env["base_import.import"]
            .with_user(self.user)
            .with_context(lang=lang)
            .create(
                {
                    "res_model": "customer.override",
                    "file": content.encode(),
                    "file_name": "decisions.csv",
                    "file_type": "text/csv",
                }
            )
        )
        preview = wizard.parse_preview(dict(options))
        self.assertNotIn("error", preview)
        matches = preview["matches"]
        paths = [
            "/".join(matches[index]) if index in matches else False
            for index in range(len(preview["headers"]))
        ]
        self.assertNotIn(False, paths, "every column is recognized")
        return wizard.execute_import(paths, preview["headers"], dict(options))

    def assert_gold(self, result):
        self.assertFalse(result["messages"])
        self.assertTrue(result["ids"])
        self.assertEqual(self.tier_of(self.alpha), "Gold")

    def test_english(self):
        result = self.run_import(
            "Customer,Dimension,Category,Reason,Holds Until\n"
            f"A-1,Value tier,Gold,Contract,{self.today + timedelta(days=9)}\n",
            "en_US",
        )
        self.assert_gold(result)
        [values] = self.env.cr.precommit.data["bus.bus.values"]
        self.assertIn("New decisions: 1", values["message"])

    def test_chinese(self):
        for header in ("客户,分类维度,类别,原因,有效期至",):
            result = self.run_import(
                f"{header}\nA-1,value_tier,金牌,合同,{self.today}\n"
                if self.gold.with_context(lang="zh_CN").name == "金牌"
                else f"{header}\nA-1,value_tier,gold,合同,{self.today}\n",
                "zh_CN",
            )
            self.assert_gold(result)

    def test_errors_reach_the_dialog(self):
        result = self.run_import(
            "Customer,Dimension,Category,Reason\nNobody,value_tier,Gold,Contract\n",
            "en_US",
        )
        self.assertFalse(result["ids"])
        self.assertIn("Nobody", result["messages"][0]["message"])

    def test_templates(self):
        for lang, suffix in (("en_US", ""), ("zh_CN", "_zh_CN")):
            [template] = self.Override.with_context(lang=lang).get_import_templates()
            path = f"customer_classification/static/xls/customer_override{suffix}.xlsx"
            self.assertEqual(template["template"], f"/{path}")
            self.assertTrue(file_path(path))
