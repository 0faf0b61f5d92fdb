from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common import ClassificationCommon


class RulesCommon(ClassificationCommon):
    """Dimensions of the test's own, fed by rules and by fields of the contact."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Dimension = cls.env["customer.dimension"]
        cls.Category = cls.env["customer.category"]
        # only what a test makes itself is computed
        cls.Dimension.search([]).active = False

    def make_dimension(self, code, categories, rules=(), **values):
        """Create a dimension; ``rules`` are pairs of category name and domain."""
        dimension = self.Dimension.create(
            {
                "name": code.replace("_", " ").title(),
                "code": code,
                "category_ids": [Command.create({"name": name}) for name in categories],
                **values,
            }
        )
        if rules:
            self.add_rules(dimension, rules)
        return dimension

    def add_rules(self, dimension, rules):
        by_name = {c.name: c.id for c in dimension.category_ids}
        dimension.write(
            {
                "method": "rule",
                "rule_ids": [
                    Command.create(
                        {
                            "name": f"{name} by {domain}",
                            "sequence": number,
                            "category_id": by_name[name],
                            "domain": str(domain),
                        }
                    )
                    for number, (name, domain) in enumerate(rules)
                ],
            }
        )

    def category(self, dimension, name):
        return dimension.category_ids.filtered(lambda c: c.name == name)

    def shown(self, partner, dimension, company=None):
        """Return the names of the categories in effect, as the contact shows them."""
        partner = partner.with_company(company or self.env.company)
        return partner[dimension.partner_field_name].mapped("name")

    def rows(self, dimension):
        return {
            (row.partner_id, row.company_id, row.slot): row.category_id.name
            for row in self.Assignment.search([("dimension_id", "=", dimension.id)])
        }


@tagged("post_install", "-at_install")
class TestRules(RulesCommon):
    def test_first_match_wins(self):
        big, small, none = (self.make_customer(name) for name in ("Big", "Small", "No"))
        self.post(big, 900, 10)
        self.post(small, 100, 10)
        dimension = self.make_dimension(
            "volume",
            ["High", "Low"],
            [
                ("High", [("customer_revenue_window", ">=", 500)]),
                ("Low", [("customer_revenue_window", ">", 0)]),
            ],
        )
        self.classify()
        self.assertEqual(self.shown(big, dimension), ["High"])
        self.assertEqual(self.shown(small, dimension), ["Low"])
        self.assertEqual(self.shown(none, dimension), [])
        row = self.Assignment.search([("partner_id", "=", big.id)])
        self.assertIn("High by", row.explanation)
        self.assertIn("900.00", row.explanation)
        self.assertEqual(row.ruleset_id.rule_ids.mapped("position"), [1, 2])

    def test_order_of_the_rules_decides(self):
        customer = self.make_customer("Both")
        dimension = self.make_dimension("both", ["A", "B"], [("A", []), ("B", [])])
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["A"])
        dimension.rule_ids[0].sequence = 99
        self.assertTrue(dimension.has_pending_settings)
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["B"])
        self.assertFalse(dimension.has_pending_settings)
        [moved] = self.history_of(customer)
        self.assertEqual(
            (moved.old_category_id.name, moved.new_category_id.name), ("A", "B")
        )

    def test_language_makes_no_version(self):
        """Rules have names in each language; the frozen ones are the same for all."""
        self.env["res.lang"]._activate_lang("zh_CN")
        dimension = self.make_dimension("read", ["A"], [("A", [])])
        dimension.rule_ids.name = "Everybody"
        dimension.rule_ids.with_context(lang="zh_CN").name = "所有客户"
        self.classify()
        version = dimension.active_ruleset_id
        chinese = self.Run.with_context(lang="zh_CN")
        chinese.classify(companies=self.env.company)
        self.assertEqual(dimension.active_ruleset_id, version)
        self.assertFalse(dimension.with_context(lang="zh_CN").has_pending_settings)

    def test_reason_in_the_readers_language(self):
        """What a rule decided names it as the reader knows it, not as it is frozen."""
        self.env["res.lang"]._activate_lang("zh_CN")
        customer = self.make_customer("Reader")
        dimension = self.make_dimension("read", ["A"], [("A", [])])
        rule = dimension.rule_ids
        rule.name = "Everybody"
        self.classify()
        row = self.Assignment.search([("partner_id", "=", customer.id)])
        chinese = row.with_context(lang="zh_CN")
        self.assertIn("Everybody", chinese.explanation)

        rule.with_context(lang="zh_CN").name = "所有客户"
        self.env.invalidate_all()
        self.assertIn("Everybody", row.explanation)
        self.assertIn("所有客户", chinese.explanation)
        [frozen] = dimension.active_ruleset_id.rule_ids
        self.assertEqual(frozen.with_context(lang="zh_CN").shown_name, "所有客户")
        self.assertEqual(frozen.name, "Everybody")

        # as the dialog of translations writes it
        rule.update_field_translations("name", {"zh_CN": "每位客户"})
        self.env.invalidate_all()
        self.assertIn("每位客户", chinese.explanation)

    def test_reason_of_rules_called_the_same(self):
        """Whose translation it was, nobody knows: the frozen name remains."""
        self.env["res.lang"]._activate_lang("zh_CN")
        customer = self.make_customer("Reader")
        dimension = self.make_dimension("read", ["A", "B"], [("A", []), ("B", [])])
        dimension.rule_ids.name = "The same"
        for rule, name in zip(dimension.rule_ids, ["甲", "乙"], strict=True):
            rule.with_context(lang="zh_CN").name = name
        self.classify()
        row = self.Assignment.search([("partner_id", "=", customer.id)])
        self.assertIn("The same", row.with_context(lang="zh_CN").explanation)

    def test_default_category(self):
        customer, other = self.make_customer("In"), self.make_customer("Out")
        dimension = self.make_dimension(
            "def", ["A", "Else"], [("A", [("name", "=", "In")])]
        )
        dimension.default_category_id = self.category(dimension, "Else")
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["A"])
        self.assertEqual(self.shown(other, dimension), ["Else"])
        row = self.Assignment.search([("partner_id", "=", other.id)])
        self.assertIn("default category", row.explanation)

    def test_default_category_of_a_score(self):
        buyer, other = self.make_customer("Buyer"), self.make_customer("Other")
        self.post(buyer, 100, 5)
        self.dimension.active = True
        self.dimension.default_category_id = self.bronze
        self.classify()
        # the one buyer has no customer below him: fifths of one give score 1
        self.assertEqual(self.tier_of(buyer), "Bronze")
        self.assertEqual(self.tier_of(other), "Bronze")
        row = self.assignment_of(other)
        self.assertFalse(row.score)
        self.assertIn("default category", row.explanation)

    def test_applies_to(self):
        company = self.make_customer("Company")
        person = self.make_customer("Person", is_company=False)
        buyer = self.make_customer("Buyer")
        self.post(buyer, 100, 5)
        cases = [
            ({"applies_to": "company"}, {company, buyer}),
            ({"applies_to": "person"}, {person}),
            ({"applies_invoices": "with"}, {buyer}),
            ({"applies_to": "company", "applies_invoices": "without"}, {company}),
        ]
        for number, (values, expected) in enumerate(cases):
            dimension = self.make_dimension(
                f"applies_{number}", ["A"], [("A", [])], **values
            )
            with self.subTest(values):
                self.classify()
                holders = {partner for partner, _company, _slot in self.rows(dimension)}
                everyone = {company, person, buyer}
                self.assertEqual(holders & everyone, expected)

    def test_limits_come_from_those_it_applies_to(self):
        """The fifths of five companies do not move with hundred rich individuals."""
        companies = [self.make_customer(f"Company {n}") for n in range(5)]
        for number, company in enumerate(companies):
            self.post(company, 100 * (number + 1), 10)
        for number in range(5):
            person = self.make_customer(f"Person {number}", is_company=False)
            self.post(person, 10_000 * (number + 1), 10)
        self.dimension.write({"active": True, "applies_to": "company"})
        self.classify()
        criteria = self.dimension.active_ruleset_id.criterion_ids
        [money] = criteria.filtered(lambda c: c.axis == "monetary")
        self.assertEqual(
            [float(cut) for cut in money.cuts], [200.0, 300.0, 400.0, 500.0]
        )

    def test_no_customer_any_more(self):
        customer = self.make_customer("Gone")
        dimension = self.make_dimension("any", ["A"], [("A", [])])
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["A"])
        customer.customer_rank = 0
        self.classify()
        self.assertEqual(self.shown(customer, dimension), [])
        [lost] = self.history_of(customer)
        self.assertFalse(lost.new_category_id)
        self.assertIn("No rule matches", lost.explanation)

    def test_archived_customer_is_classified(self):
        customer = self.make_customer("Archived", active=False)
        dimension = self.make_dimension("any", ["A"], [("A", [])])
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["A"])

    def test_dimension_reads_another(self):
        """The one that reads comes later, whatever the order of the dimensions."""
        customer = self.make_customer("Reader")
        last = self.make_dimension("last", ["Z"], sequence=1)
        first = self.make_dimension("first", ["A"], [("A", [])], sequence=2)
        self.add_rules(
            last,
            [("Z", [(first.partner_field_name, "=", first.category_ids.id)])],
        )
        self.classify()
        self.assertEqual(self.shown(customer, first), ["A"])
        self.assertEqual(self.shown(customer, last), ["Z"])

    def test_decision_by_hand_is_what_others_read(self):
        customer = self.make_customer("Decided")
        first = self.make_dimension("first", ["A", "B"], [("A", [])])
        last = self.make_dimension("last", ["Z"])
        by_hand = self.category(first, "B")
        self.add_rules(last, [("Z", [(first.partner_field_name, "=", by_hand.id)])])
        self.classify()
        self.assertEqual(self.shown(customer, last), [])
        self.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": first.id,
                "category_id": by_hand.id,
                "reason": "Seen there",
            }
        )
        self.classify()
        self.assertEqual(self.shown(customer, last), ["Z"])

    def test_cycle_is_refused_with_its_path(self):
        one = self.make_dimension("one", ["A"])
        two = self.make_dimension("two", ["B"])
        three = self.make_dimension("three", ["C"])
        self.add_rules(one, [("A", [(two.partner_field_name, "!=", False)])])
        self.add_rules(two, [("B", [(three.partner_field_name, "!=", False)])])
        with self.assert_refused(ValidationError, "Three → One → Two → Three"):
            self.add_rules(three, [("C", [(one.partner_field_name, "!=", False)])])
        with self.assert_refused(ValidationError, "Three → Three"):
            self.add_rules(three, [("C", [(three.partner_field_name, "=", False)])])
        # nested in a path and in "any", too
        with self.assert_refused(ValidationError, "Three → One → Two → Three"):
            self.add_rules(
                three,
                [("C", [("parent_id", "any", [(one.partner_field_name, "=", False)])])],
            )

    def test_bad_condition_is_refused(self):
        dimension = self.make_dimension("bad", ["A"])
        for domain in ("[('no_such_field', '=', 1)]", "[('id', '=', 'x')", "hello"):
            with self.subTest(domain), self.assert_refused(ValidationError, "A by"):
                self.add_rules(dimension, [("A", domain)])

    def test_broken_rule_is_reported_and_isolated(self):
        kept, other = self.make_customer("Kept"), self.make_customer("Other")
        dimension = self.make_dimension(
            "iso",
            ["A", "B"],
            [("A", [("name", "=", "Kept")]), ("B", [])],
        )
        second = self.make_dimension("fine", ["X"], [("X", [])])
        self.classify()
        rule = dimension.rule_ids[0]
        # as if an app that brought a field had been removed
        self.env.cr.execute(
            "UPDATE customer_dimension_rule SET domain = %s WHERE id = %s",
            ["[('field_of_a_removed_app', '=', True)]", rule.id],
        )
        self.env.invalidate_all()
        newcomer = self.make_customer("Newcomer")
        run = self.classify()
        self.assertEqual(run.state, "done")
        self.assertIn("field_of_a_removed_app", run.line_ids.warning)
        self.assertIn("field_of_a_removed_app", rule.error)
        self.assertEqual(self.shown(kept, dimension), ["A"])
        self.assertEqual(self.shown(other, dimension), ["B"])
        self.assertEqual(self.shown(newcomer, dimension), ["B"])
        self.assertEqual(self.shown(newcomer, second), ["X"])
        rule.domain = "[('name', '=', 'Newcomer')]"
        run = self.classify()
        self.assertFalse(rule.error)
        self.assertFalse(run.line_ids.warning)
        self.assertEqual(self.shown(newcomer, dimension), ["A"])
        self.assertEqual(self.shown(kept, dimension), ["B"])

    def test_failing_dimension_does_not_stop_the_others(self):
        customer = self.make_customer("Lucky")
        bad = self.make_dimension("bad", ["A"], [("A", [])], sequence=1)
        good = self.make_dimension("good", ["B"], [("B", [])], sequence=2)
        # a default that the frozen rules cannot name
        self.patch(
            type(self.env["customer.dimension"]),
            "_get_settings",
            self._failing_settings(bad),
        )
        with self.assertLogs("odoo.addons.customer_classification", "ERROR"):
            run = self.classify()
        self.assertEqual(run.state, "failed")
        self.assertIn("Bad", run.line_ids.error)
        self.assertEqual(self.shown(customer, good), ["B"])

    def _failing_settings(self, bad):
        original = type(self.env["customer.dimension"])._get_settings

        def get_settings(dimension, company):
            if dimension == bad:
                raise ZeroDivisionError("division by zero")
            return original(dimension, company)

        return get_settings

    def test_rules_of_one_company(self):
        other = self.setup_other_company()["company"]
        customer = self.make_customer("Everywhere")
        dimension = self.make_dimension("local", ["A", "B"], [("A", []), ("B", [])])
        dimension.rule_ids[0].company_id = other
        self.classify(companies=self.env.company + other)
        self.assertEqual(self.shown(customer, dimension), ["B"])
        self.assertEqual(self.shown(customer, dimension, other), ["A"])

    def test_calendar_moves_customers(self):
        customer = self.make_customer("Buyer")
        self.post(customer, 10, 30)
        dimension = self.make_dimension(
            "fresh",
            ["New", "Old"],
            [("New", [("customer_first_date", ">=", "today -30d")]), ("Old", [])],
        )
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["New"])
        dimension.rule_ids[0].domain = "[('customer_first_date', '>=', 'today -29d')]"
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["Old"])

    def test_second_run_changes_nothing(self):
        self.make_customer("Same")
        dimension = self.make_dimension("same", ["A"], [("A", [])])
        self.classify()
        before = self.Assignment.search_read([("dimension_id", "=", dimension.id)])
        run = self.classify()
        self.assertEqual((run.created_count, run.changed_count), (0, 0))
        self.assertEqual(
            self.Assignment.search_read([("dimension_id", "=", dimension.id)]), before
        )

    def test_statements_do_not_grow_with_customers(self):
        """30 rules: the same number of statements for 600 customers and for 1,000."""
        dimension = self.make_dimension(
            "many",
            [f"C{number}" for number in range(30)],
            [
                (f"C{number}", [("name", "=like", f"%x{number:02}")])
                for number in range(30)
            ],
        )

        def create(count):
            self.env["res.partner"].create(
                [
                    {"name": f"N{number}x{number % 30:02}", "customer_rank": 1}
                    for number in range(count)
                ]
            )
            self.env.flush_all()

        def count_statements():
            before = self.env.cr.sql_log_count
            self.classify()
            return self.env.cr.sql_log_count - before

        create(30)
        count_statements()  # fills the caches and makes the version
        create(600)
        few = count_statements()
        create(1000)
        many = count_statements()
        self.assertLessEqual(many, few)
        self.assertEqual(len(self.rows(dimension)), 1630)


@tagged("post_install", "-at_install")
class TestCopies(RulesCommon):
    def test_copied_rules_give_the_copied_categories(self):
        dimension = self.make_dimension(
            "origin", ["A", "B"], [("B", [("name", "=", "Bee")]), ("A", [])]
        )
        copied = dimension.copy()
        self.assertFalse(copied.category_ids & dimension.category_ids)
        self.assertEqual(
            copied.rule_ids.mapped(lambda r: (r.category_id.name, r.domain)),
            dimension.rule_ids.mapped(lambda r: (r.category_id.name, r.domain)),
        )
        self.assertEqual(copied.rule_ids.category_id.dimension_id, copied)
        bee = self.make_customer("Bee")
        self.classify()
        self.assertEqual(self.shown(bee, copied), ["B"])

    def test_no_decision_in_an_archived_dimension(self):
        dimension = self.make_dimension("past", ["A"])
        dimension.active = False
        with self.assert_refused(ValidationError, "is archived"):
            self.Override.create(
                {
                    "partner_id": self.make_customer("Late").id,
                    "dimension_id": dimension.id,
                    "category_id": dimension.category_ids.id,
                }
            )

    def test_condition_that_computes(self):
        dimension = self.make_dimension("computes", ["A"])
        with self.assert_refused(ValidationError, "plain values only"):
            self.add_rules(dimension, [("A", "[('create_date', '>', now())]")])
