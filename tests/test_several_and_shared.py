from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .test_rules import RulesCommon


@tagged("post_install", "-at_install")
class TestSeveralCategories(RulesCommon):
    def test_all_matches_give_their_categories(self):
        both, one = self.make_customer("Both ab"), self.make_customer("One a")
        none = self.make_customer("None")
        dimension = self.make_dimension(
            "several",
            ["A", "B"],
            [
                ("A", [("name", "ilike", " a")]),
                ("B", [("name", "ilike", "ab")]),
                ("B", [("name", "=", "Both ab")]),
            ],
            is_multiple=True,
        )
        a, b = dimension.category_ids
        self.classify()
        self.assertEqual(self.shown(both, dimension), ["A", "B"])
        self.assertEqual(self.shown(one, dimension), ["A"])
        self.assertEqual(self.shown(none, dimension), [])
        company = self.env.company
        self.assertEqual(
            {key: name for key, name in self.rows(dimension).items() if key[0] in both},
            {(both, company, a.id): "A", (both, company, b.id): "B"},
        )
        name = dimension.partner_field_name
        mine = [("id", "in", (both + one + none).ids)]
        search = self.env["res.partner"].search
        self.assertEqual(search([*mine, (name, "=", a.id)]), both + one)
        self.assertEqual(search([*mine, (name, "in", (a + b).ids)]), both + one)
        self.assertEqual(search([*mine, (name, "not in", b.ids)]), one + none)
        self.assertEqual(search([*mine, (name, "=", False)]), none)
        self.assertEqual(search([*mine, (name, "!=", False)]), both + one)
        self.assertEqual(search([*mine, (name, "any", [("name", "=", "B")])]), both)

    def test_a_lost_category_leaves_the_others(self):
        customer = self.make_customer("Both")
        dimension = self.make_dimension(
            "several",
            ["A", "B"],
            [("A", []), ("B", [("name", "=", "Both")])],
            is_multiple=True,
        )
        self.classify()
        customer.name = "Not any more"
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["A"])
        [lost] = self.history_of(customer)
        self.assertEqual(
            (lost.old_category_id.name, lost.slot),
            ("B", self.category(dimension, "B").id),
        )
        self.assertFalse(lost.new_category_id)

    def test_a_further_category_is_history(self):
        """The first computation leaves none, what comes to it later does."""
        customer = self.make_customer("One")
        dimension = self.make_dimension(
            "several",
            ["A", "B", "C"],
            [("A", []), ("B", []), ("C", [("name", "=", "More")])],
            is_multiple=True,
        )
        self.classify()
        self.assertFalse(self.history_of(customer))
        customer.name = "More"
        self.classify()
        [gained] = self.history_of(customer)
        self.assertFalse(gained.old_category_id)
        self.assertEqual(gained.new_category_id, self.category(dimension, "C"))

    def test_added_and_excluded_by_hand(self):
        customer = self.make_customer("Customer")
        dimension = self.make_dimension(
            "several", ["A", "B", "C"], [("A", []), ("B", [])], is_multiple=True
        )
        a, b, c = dimension.category_ids
        self.classify()
        for operation, category in (("exclude", a), ("add", c)):
            self.Override.create(
                {
                    "partner_id": customer.id,
                    "dimension_id": dimension.id,
                    "operation": operation,
                    "category_id": category.id,
                    "reason": "Told so",
                }
            )
        self.assertEqual(self.shown(customer, dimension), ["B", "C"])
        name = dimension.partner_field_name
        search = self.env["res.partner"].search
        self.assertNotIn(customer, search([(name, "=", a.id)]))
        self.assertIn(customer, search([(name, "=", c.id)]))
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["B", "C"])
        excluded = self.Override.search([("operation", "=", "exclude")])
        excluded.action_withdraw()
        self.assertEqual(set(self.shown(customer, dimension)), {"A", "B", "C"})
        events = self.history_of(customer).mapped("event")
        self.assertEqual(events, ["exclude", "add", "withdrawn"])

    def test_default_only_without_any(self):
        one, none = self.make_customer("One"), self.make_customer("None")
        dimension = self.make_dimension(
            "several", ["A", "Else"], [("A", [("name", "=", "One")])], is_multiple=True
        )
        dimension.default_category_id = self.category(dimension, "Else")
        self.classify()
        self.assertEqual(self.shown(one, dimension), ["A"])
        self.assertEqual(self.shown(none, dimension), ["Else"])

    def test_operations_fit_the_dimension(self):
        customer = self.make_customer("Customer")
        several = self.make_dimension("several", ["A"], is_multiple=True)
        single = self.make_dimension("single", ["B"])
        for dimension, operation, message in (
            (several, "set", "add or exclude"),
            (single, "add", "one category per customer"),
        ):
            with self.assert_refused(ValidationError, message):
                self.Override.create(
                    {
                        "partner_id": customer.id,
                        "dimension_id": dimension.id,
                        "operation": operation,
                        "category_id": dimension.category_ids.id,
                    }
                )


@tagged("post_install", "-at_install")
class TestShared(RulesCommon):
    def test_one_category_for_all_companies(self):
        other = self.setup_other_company()["company"]
        customer = self.make_customer("Everywhere")
        dimension = self.make_dimension(
            "common", ["A", "B"], [("A", [])], is_shared=True
        )
        run = self.classify(companies=self.env.company + other)
        self.assertEqual(run.line_ids.company_id, self.env.company + other)
        self.assertEqual(len(run.line_ids), 3)
        empty = self.env["res.company"]
        rows = {k: v for k, v in self.rows(dimension).items() if k[0] == customer}
        self.assertEqual(rows, {(customer, empty, 0): "A"})
        self.assertEqual(self.shown(customer, dimension), ["A"])
        self.assertEqual(self.shown(customer, dimension, other), ["A"])
        decision = self.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": dimension.id,
                "category_id": self.category(dimension, "B").id,
                "reason": "Known here",
            }
        )
        self.assertFalse(decision.company_id)
        self.assertEqual(self.shown(customer, dimension, other), ["B"])
        # a dimension of a company may read it
        reader = self.make_dimension(
            "reader",
            ["R"],
            [("R", [(dimension.partner_field_name, "=", decision.category_id.id)])],
        )
        self.classify(companies=other)
        self.assertEqual(self.shown(customer, reader, other), ["R"])
        self.assertEqual(self.shown(customer, reader), [])

    def test_second_run_changes_nothing(self):
        self.make_customer("Same")
        self.make_dimension("common", ["A"], [("A", [])], is_shared=True)
        self.classify()
        run = self.classify()
        self.assertEqual((run.created_count, run.changed_count), (0, 0))

    def test_end_of_a_decision_without_any_computed_one(self):
        customer = self.make_customer("Customer")
        dimension = self.make_dimension("common", ["A"], is_shared=True)
        decision = self.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": dimension.id,
                "category_id": dimension.category_ids.id,
                "date_end": self.today,
            }
        )
        self.env.cr.execute(
            "UPDATE customer_override SET date_end = %s WHERE id = %s",
            [self.day(1), decision.id],
        )
        self.env.invalidate_all()
        self.classify()
        self.assertEqual(self.shown(customer, dimension), [])
        self.assertEqual(self.history_of(customer)[-1].event, "expired")

    def test_reads_nothing_of_a_company(self):
        local = self.make_dimension("local", ["L"])
        common = self.make_dimension("common", ["A"], is_shared=True)
        for field_name in (
            "customer_revenue_window",
            "property_payment_term_id",
            local.partner_field_name,
        ):
            with (
                self.subTest(field_name),
                self.assert_refused(ValidationError, "differs by company"),
            ):
                self.add_rules(common, [("A", [(field_name, "!=", False)])])

    def test_shape_is_fixed_once_used(self):
        dimension = self.make_dimension("used", ["A"], [("A", [])])
        dimension.is_multiple = True
        self.assertEqual(dimension.partner_field_name, "x_cls_used_ids")
        self.assertIn("x_cls_used_ids", self.env["res.partner"]._fields)
        self.assertNotIn("x_cls_used_id", self.env["res.partner"]._fields)
        dimension.is_multiple = False
        self.make_customer("Customer")
        self.classify()
        for name in ("is_multiple", "is_shared"):
            with self.assert_refused(UserError, "is in use"):
                dimension[name] = True
