from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from .common import MANAGER
from .test_rules import RulesCommon

#: Tables that a check must leave as they are
WRITTEN = (
    "customer_assignment",
    "customer_assignment_history",
    "customer_category",
    "customer_classification_run",
    "customer_figures",
    "customer_metric_value",
    "customer_ruleset",
    "customer_staging",
)


@tagged("post_install", "-at_install")
class TestLinter(RulesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # so that the customers of other tests' data do not count
        cls.env.company.customer_population_domain = "[('ref', '=like', 'LINT%')]"
        cls.partners = cls.env["res.partner"].union(
            *(cls.make_customer(f"L{n}", ref=f"LINT{n}") for n in range(6))
        )

    def check(self, *dimensions):
        findings = self.env["customer.linter"]._check(
            self.env.company, self.Dimension.union(*dimensions)
        )
        return {
            (f["severity"], f["message"]): [
                self.env["res.partner"].browse(id_).name for id_ in f["partner_ids"]
            ]
            for f in findings
        }

    def find(self, findings, text):
        return [
            (severity, names)
            for (severity, message), names in findings.items()
            if text in message
        ]

    def test_gap(self):
        dimension = self.make_dimension(
            "gap", ["A"], [("A", [("name", "in", ["L0", "L1", "L2", "L3"])])]
        )
        found = self.find(self.check(dimension), "left without a category")
        self.assertEqual(found, [("info", ["L4", "L5"])])
        dimension.is_required = True
        found = self.find(self.check(dimension), "left without a category")
        self.assertEqual(found, [("warning", ["L4", "L5"])])
        dimension.default_category_id = dimension.category_ids
        self.assertFalse(self.find(self.check(dimension), "left without"))

    def test_overlap_and_rule_that_never_decides(self):
        dimension = self.make_dimension(
            "over",
            ["A", "B", "C"],
            [
                ("A", [("name", "in", ["L0", "L1", "L2"])]),
                ("B", [("name", "in", ["L2", "L3"])]),
                ("C", [("name", "in", ["L1", "L3"])]),
                ("C", [("name", "=", "nobody at all")]),
            ],
        )
        a, b, c, nobody = dimension.rule_ids.mapped("name")
        findings = self.check(dimension)
        self.assertEqual(
            self.find(findings, "the first one decides"), [("info", ["L2"])]
        )
        self.assertEqual(
            self.find(findings, f"“{c}” never decides"), [("warning", ["L1", "L3"])]
        )
        self.assertEqual(
            self.find(findings, f"is caught before by “{a}”, “{b}”"),
            [("warning", ["L1", "L3"])],
        )
        self.assertEqual(
            self.find(findings, f"“{nobody}” matches nobody"), [("info", [])]
        )
        self.assertEqual(self.find(findings, "is in “C”"), [("info", [])])
        self.assertFalse(self.find(findings, f"“{b}” never decides"))

    def test_several_categories_overlap_by_intent(self):
        dimension = self.make_dimension(
            "several", ["A", "B"], [("A", []), ("B", [])], is_multiple=True
        )
        self.assertEqual(self.check(dimension), {})

    def test_unreachable_and_empty_categories(self):
        dimension = self.make_dimension("hand", ["A", "B"], [("A", [])])
        findings = self.check(dimension)
        self.assertEqual(self.find(findings, "Only people give “B”"), [("info", [])])
        # said once
        self.assertFalse(self.find(findings, "No customer is in “B”"))
        self.assertFalse(self.find(findings, "“A”"))

    def test_broken_rule(self):
        dimension = self.make_dimension("broken", ["A", "B"], [("A", []), ("B", [])])
        self.env.cr.execute(
            "UPDATE customer_dimension_rule SET domain = %s WHERE id = %s",
            ["[('gone', '=', 1)]", dimension.rule_ids[0].id],
        )
        self.env.invalidate_all()
        found = self.find(self.check(dimension), "cannot be evaluated")
        self.assertEqual(found, [("error", [])])

    def test_rule_of_an_archived_category(self):
        dimension = self.make_dimension("arch", ["A", "B"], [("A", []), ("B", [])])
        self.env.cr.execute(
            "UPDATE customer_category SET active = FALSE WHERE id = %s",
            dimension.category_ids[:1].ids,
        )
        self.env.invalidate_all()
        found = self.find(self.check(dimension), "is archived")
        self.assertEqual(found, [("warning", [])])

    def test_no_categories(self):
        dimension = self.make_dimension("none", [])
        self.assertEqual(
            self.check(dimension), {("error", "There are no categories yet."): []}
        )

    def test_score_that_no_customer_can_reach(self):
        """Two fifths of equal weight give 1, 1.5, … 5: nothing from 4.75 to 4.99."""
        for number, partner in enumerate(self.partners):
            for _purchase in range(number + 1):
                self.post(partner, 100 * (number + 1), number * 20 + _purchase)
        self.dimension.write(
            {
                "active": True,
                "criterion_ids": [Command.delete(self.dimension.criterion_ids[-1].id)],
            }
        )
        self.platinum.minimum_score = 5
        self.gold.minimum_score = 4.75
        findings = self.check(self.dimension)
        self.assertEqual(self.find(findings, "No score leads to"), [("warning", [])])
        self.assertEqual(self.find(findings, "leads to “Gold”"), [("warning", [])])
        self.gold.minimum_score = 4.5
        self.assertFalse(self.find(self.check(self.dimension), "No score leads to"))
        self.dimension.category_ids.write({"minimum_score": 0})
        found = self.find(self.check(self.dimension), "nobody gets one")
        self.assertEqual(found, [("error", [])])

    def test_nothing_stays(self):
        self.make_dimension("stay", ["A"], [("A", [])])
        field = self.env["ir.model.fields"]._get("res.partner", "industry_id")
        self.partners[0].industry_id = self.env["res.partner.industry"].create(
            {"name": "Made in the test"}
        )
        self.Dimension.create(
            {
                "name": "Mirror",
                "code": "mirror",
                "method": "field",
                "level_ids": [Command.create({"field_id": field.id})],
            }
        )

        def read_tables():
            self.env.flush_all()
            result = {}
            for table in WRITTEN:
                self.env.cr.execute(f"SELECT * FROM {table} ORDER BY id")
                result[table] = self.env.cr.fetchall()
            return result

        before = read_tables()
        self.check(*self.Dimension.search([]))
        self.assertEqual(read_tables(), before)

    def test_statements_do_not_grow_with_customers(self):
        dimension = self.make_dimension(
            "many", ["A", "B"], [("A", [("name", "like", "7")]), ("B", [])]
        )

        def create(count):
            self.env["res.partner"].create(
                [{"name": f"M{n}", "ref": f"LINT{n:04}"} for n in range(count)]
            )
            self.env.flush_all()

        def count_statements():
            self.check(dimension)  # fills the caches
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.env["customer.linter"]._check(self.env.company, dimension)
            return self.env.cr.sql_log_count - before

        create(10)
        few = count_statements()
        create(300)
        self.assertLessEqual(count_statements(), few)

    def test_page(self):
        dimension = self.make_dimension("page", ["A"], [("A", [("name", "=", "L0")])])
        manager = self.make_user("lint_manager", MANAGER)
        Finding = self.env["customer.linter.finding"]
        action = Finding.with_user(manager).action_check()
        findings = Finding.with_user(manager).search(action["domain"])
        [gap] = findings.filtered(lambda f: "left without" in f.message)
        self.assertEqual((gap.count, gap.example_id.name), (5, "L1"))
        self.assertEqual(gap.action_open()["res_id"], dimension.id)
        listed = self.env["res.partner"].search(gap.action_open_customers()["domain"])
        self.assertEqual(listed, self.partners[1:])
        with self.assertRaises(AccessError):
            Finding.with_user(self.make_user("lint_user")).action_check()
