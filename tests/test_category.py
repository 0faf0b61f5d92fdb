from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import MANAGER, ClassificationCommon


@tagged("post_install", "-at_install")
class TestCategory(ClassificationCommon):
    """Categories as a tree, who holds them, and what archiving one asks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Category = cls.env["customer.category"]
        cls.region = cls.env["customer.dimension"].create({"name": "Region"})
        cls.china, cls.france = cls.Category.create(
            [
                {"name": name, "dimension_id": cls.region.id}
                for name in ("China", "France")
            ]
        )
        cls.guangdong = cls.make_part(cls.china, "Guangdong")
        cls.shenzhen = cls.make_part(cls.guangdong, "Shenzhen")
        cls.customers = [cls.make_customer(f"Customer {n}") for n in range(5)]

    @classmethod
    def make_part(cls, parent, name, **values):
        return cls.Category.create(
            {
                "name": name,
                "dimension_id": parent.dimension_id.id,
                "parent_id": parent.id,
                **values,
            }
        )

    @classmethod
    def assign(cls, partner, category, **values):
        """Give a category as the engine would have."""
        dimension = category.dimension_id
        return cls.Assignment.sudo().create(
            {
                "partner_id": partner.id,
                "company_id": cls.env.company.id,
                "dimension_id": dimension.id,
                "category_id": category.id,
                "since": "2024-03-01 08:00:00",
                **values,
            }
        )

    @classmethod
    def decide(cls, partner, category, **values):
        return cls.Override.create(
            {
                "partner_id": partner.id,
                "dimension_id": category.dimension_id.id,
                "category_id": category.id,
                "reason": "Because",
                **values,
            }
        )

    def count(self, category):
        category.invalidate_recordset(["customer_count"])
        return category.customer_count

    # The tree

    def test_path(self):
        self.assertEqual(self.shenzhen.complete_name, "China › Guangdong › Shenzhen")
        self.assertEqual(self.shenzhen.display_name, "Shenzhen")
        in_picker = self.shenzhen.with_context(formatted_display_name=True)
        self.assertEqual(in_picker.display_name, "China › Guangdong › Shenzhen")
        self.assertEqual(
            (self.china + self.guangdong + self.shenzhen).mapped("depth"), [0, 1, 2]
        )
        self.china.name = "中国"
        self.assertEqual(self.shenzhen.complete_name, "中国 › Guangdong › Shenzhen")

    def test_search_by_path(self):
        self.make_part(self.france, "Guangzhou-sur-Mer")
        for text, expected in (
            ("guang", ["Guangdong", "Guangzhou-sur-Mer"]),
            ("china › guang", ["Guangdong"]),
            ("China›Guangdong › Shen", ["Shenzhen"]),
            ("France › Shen", []),
        ):
            with self.subTest(text):
                found = self.Category.name_search(
                    text, [("dimension_id", "=", self.region.id)]
                )
                names = self.Category.browse([id_ for id_, _name in found])
                self.assertEqual(sorted(names.mapped("name")), expected)
        self.assertFalse(
            self.Category.search([("complete_name", "not ilike", "guang")])
            & self.guangdong
        )

    def test_parts_follow_what_they_belong_to(self):
        shanghai = self.make_part(self.china, "Shanghai")
        paris = self.make_part(self.france, "Paris")
        tree = self.china + self.guangdong + self.shenzhen + shanghai
        self.assertEqual(self.region.category_ids, tree + self.france + paris)
        # whatever number it gets, a part stays with what it belongs to
        shanghai.sequence = 0
        tree = self.china + shanghai + self.guangdong + self.shenzhen
        self.assertEqual(
            self.Category.search([("dimension_id", "=", self.region.id)]),
            tree + self.france + paris,
        )
        self.guangdong.parent_id = self.france
        self.assertEqual(
            self.Category.search([("dimension_id", "=", self.region.id)]).mapped(
                "name"
            ),
            ["China", "Shanghai", "France", "Guangdong", "Shenzhen", "Paris"],
        )

    def test_flat_lists_keep_their_numbers(self):
        dimension = self.env["customer.dimension"].create(
            {
                "name": "Size",
                "category_ids": [
                    Command.create({"name": "Large", "sequence": 7}),
                    Command.create({"name": "Medium"}),
                    Command.create({"name": "Small", "sequence": 3}),
                ],
            }
        )
        self.assertEqual(
            [
                (c.name, c.sequence)
                for c in self.Category.search([("dimension_id", "=", dimension.id)])
            ],
            [("Small", 3), ("Large", 7), ("Medium", 17)],
        )

    def test_tree_is_no_circle(self):
        with self.assert_refused(ValidationError, "part of itself"):
            self.china.parent_id = self.shenzhen
        with self.assert_refused(ValidationError, "part of itself"):
            self.china.parent_id = self.china

    def test_parent_of_another_dimension(self):
        with self.assert_refused(ValidationError, "belongs to another dimension"):
            self.france.parent_id = self.gold
        with self.assert_refused(ValidationError, "belongs to another dimension"):
            self.make_part(self.gold, "Golden", dimension_id=self.region.id)

    def test_search_contacts_by_the_wider_category(self):
        by_city, by_country, elsewhere = self.customers[:3]
        self.assign(by_city, self.shenzhen)
        self.decide(by_country, self.china)
        self.assign(elsewhere, self.france)
        name = self.region.partner_field_name
        Partner = self.env["res.partner"]
        self.assertEqual(
            Partner.search([(name, "child_of", self.china.id)]), by_city + by_country
        )
        self.assertEqual(Partner.search([(name, "=", self.china.id)]), by_country)
        action = self.china.action_open_customers()
        self.assertEqual(Partner.search(action["domain"]), by_city + by_country)

    # Who holds it

    def test_count_of_customers(self):
        one, two, three, four, five = self.customers
        self.assign(one, self.shenzhen)
        self.assign(two, self.shenzhen)
        self.decide(two, self.france)  # a decision outranks
        self.assign(three, self.guangdong)
        self.decide(three, self.france).operation = "none"
        self.decide(four, self.china)
        ended = self.decide(five, self.china)
        self.env.cr.execute(
            "UPDATE customer_override SET date_end = '2020-01-01' WHERE id = %s",
            [ended.id],
        )
        self.env.invalidate_all()
        self.assertEqual(
            [self.count(c) for c in (self.china, self.guangdong, self.shenzhen)],
            [2, 1, 1],
        )
        self.assertEqual(self.count(self.france), 1)
        # each count is that of the list it opens
        for category in self.region.category_ids:
            found = self.env["res.partner"].search_count(
                category.action_open_customers()["domain"]
            )
            self.assertEqual(self.count(category), found, category.name)
        one.active = False
        self.assertEqual(self.count(self.china), 1)

    def test_count_follows_the_company(self):
        other = self.env["res.company"].create({"name": "Other company"})
        self.assign(self.customers[0], self.france)
        self.assign(self.customers[1], self.france, company_id=other.id)
        self.assign(self.customers[2], self.france, company_id=other.id)
        self.assertEqual(self.count(self.france), 1)
        self.assertEqual(self.count(self.france.with_company(other)), 2)
        self.assertEqual(self.france._count_holders(), 3)

    def test_count_is_one_query_for_all(self):
        self.assign(self.customers[0], self.shenzhen)
        self.env.flush_all()
        taken = []
        ids = self.region.category_ids.ids
        for categories in (self.Category.browse(ids[:2]), self.Category.browse(ids)):
            for _warm in range(2):
                self.env.invalidate_all()
                start = self.env.cr.sql_log_count
                categories.mapped("customer_count")
                queries = self.env.cr.sql_log_count - start
            taken.append(queries)
        self.assertGreaterEqual(*taken)

    def test_user_counts_the_customers_they_see(self):
        user = self.make_user("counting")
        self.assign(self.customers[0], self.france)
        self.assign(self.customers[1], self.france)
        self.env["ir.rule"].create(
            {
                "name": "Not this one",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": [("id", "!=", self.customers[1].id)],
            }
        )
        self.assertEqual(self.count(self.france.with_user(user)), 1)
        self.assertEqual(self.count(self.france.sudo()), 2)

    # Archiving

    def test_archiving_says_how_many_and_asks(self):
        self.assign(self.customers[0], self.france)
        self.decide(self.customers[1], self.france)
        message = "Customers hold “France”: 2 of them. Use “Archive”"
        with self.assert_refused(UserError, message):
            self.france.active = False
        with self.assert_refused(UserError, message):
            self.region.write(
                {
                    "all_category_ids": [
                        Command.update(self.france.id, {"active": False})
                    ]
                }
            )
        action = self.france.action_archive()
        wizard = self.env[action["res_model"]].with_context(**action["context"])
        with Form(wizard) as form:
            self.assertEqual((form.computed_count, form.hand_count), (1, 1))
        self.assertTrue(self.france.active)

    def test_nobody_holds_it(self):
        action = self.shenzhen.action_archive()
        self.assertFalse(action)
        self.assertFalse(self.shenzhen.active)
        self.shenzhen.action_unarchive()
        self.assertTrue(self.shenzhen.active)

    def archive(self, category, decision, **values):
        # what refers to it was listed and confirmed before
        known = category.with_context(customer_usage_is_known=True)
        action = known.with_user(self.manager).action_archive()
        wizard = (
            self.env[action["res_model"]]
            .with_user(self.manager)
            .with_context(**action["context"])
            .create({"decision": decision, **values})
        )
        wizard.action_archive_categories()
        self.env.invalidate_all()

    @property
    def manager(self):
        return self.env["res.users"].search(
            [("login", "=", "archivist")]
        ) or self.make_user("archivist", groups=MANAGER)

    def test_archive_and_keep_decisions(self):
        assignment = self.assign(self.customers[0], self.gold)
        override = self.decide(self.customers[1], self.gold)
        self.dimension.default_category_id = self.gold
        self.post(self.customers[2], 100, 3)
        self.archive(self.gold, "keep")
        self.assertFalse(self.gold.active)
        self.assertFalse(self.dimension.default_category_id)
        self.assertEqual(override.category_id, self.gold)
        self.assertEqual(self.tier_of(self.customers[1]), "Gold")
        self.classify()
        self.assertFalse(assignment.category_id)
        self.assertEqual(self.tier_of(self.customers[1]), "Gold")
        self.gold.action_unarchive()
        self.assertTrue(self.gold.active)

    def test_archive_and_let_the_rules_decide(self):
        customer = self.customers[0]
        self.post(customer, 100, 3)  # alone: Bronze
        self.classify()
        override = self.decide(customer, self.gold)
        self.archive(self.gold, "withdraw")
        self.assertFalse(override.exists())
        self.assertEqual(self.tier_of(customer), "Bronze")
        last = self.history_of(customer)[-1]
        self.assertEqual(
            (last.event, last.old_category_id, last.new_category_id),
            ("withdrawn", self.gold, self.bronze),
        )
        self.assertEqual(last.user_id, self.manager)

    def test_archive_and_move(self):
        assignment = self.assign(self.customers[0], self.gold)
        override = self.decide(self.customers[1], self.gold)
        self.archive(self.gold, "merge", target_id=self.silver.id)
        self.assertEqual((assignment + assignment).category_id, self.silver)
        self.assertEqual(override.category_id, self.silver)
        self.assertEqual(self.gold.successor_id, self.silver)
        self.gold.action_unarchive()
        self.assertFalse(self.gold.successor_id)
        self.assertEqual(assignment.category_id, self.silver)
