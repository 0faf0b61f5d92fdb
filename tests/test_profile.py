from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import MANAGER, ClassificationCommon


@tagged("post_install", "-at_install")
class TestProfile(ClassificationCommon):
    """What the Classification page and the chip beside the name are told."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Dimension = cls.env["customer.dimension"]
        cls.Dimension.search([("id", "!=", cls.dimension.id)]).active = False
        cls.dimension.write({"is_main": True, "group_id": False})
        cls.user = cls.make_user("profile_user")
        cls.customer = cls.make_customer("Alpha")

    def setUp(self):
        super().setUp()
        self.post(self.customer, 10, 1)
        self.classify()

    def make_dimension(self, code, names=("One", "Two"), **values):
        return self.Dimension.create(
            {
                "name": code.title(),
                "code": code,
                "category_ids": [
                    fields.Command.create({"name": name, "color": color})
                    for color, name in enumerate(names, 1)
                ],
                **values,
            }
        )

    def decide(self, dimension, category=None, partner=None, **values):
        return self.Override.create(
            {
                "partner_id": (partner or self.customer).id,
                "dimension_id": dimension.id,
                "category_id": category and category.id,
                "reason": "Because",
                **values,
            }
        )

    def profile_of(self, partner=None, user=None, **context):
        partner = (partner or self.customer).with_user(user or self.user)
        return partner.with_context(**context).get_customer_profile()

    def shown(self, partner=None, user=None, **context):
        """Return the dimensions of the profile by code."""
        profile = self.profile_of(partner, user, **context)
        return {
            dimension["code"]: dimension
            for group in profile["groups"]
            for dimension in group["dimensions"]
        }

    def test_computed_category(self):
        profile = self.profile_of()
        self.assertEqual(profile["customer"], {"id": self.customer.id, "name": "Alpha"})
        self.assertFalse(profile["is_contact"])
        self.assertTrue(profile["has_invoices"])
        self.assertFalse(profile["can_configure"])
        [entry] = self.shown()["value_tier"]["entries"]
        row = self.assignment_of(self.customer)
        self.assertEqual(entry["category_id"], self.bronze.id)
        self.assertEqual(entry["color"], self.bronze.color)
        self.assertEqual(entry["source"], "score")
        self.assertEqual(entry["since"], row.since)
        self.assertEqual(entry["why"], row.explanation)
        self.assertFalse(entry["override_id"] or entry["until"] or entry["by"])

    def test_decided_category(self):
        decision = self.decide(
            self.dimension, self.gold, date_end=self.day(-10), reason="Contract"
        )
        [entry] = self.shown()["value_tier"]["entries"]
        self.assertEqual(entry["category_id"], self.gold.id)
        self.assertEqual(entry["source"], "manual")
        self.assertEqual(entry["override_id"], decision.id)
        self.assertEqual(entry["until"], self.day(-10))
        self.assertEqual(entry["by"], self.env.user.name)
        self.assertEqual(entry["reason"], "Contract")
        self.assertEqual(entry["computed"]["name"], "Bronze")
        self.assertIn("of 5", entry["computed"]["why"])
        # withdrawn, the score shows again
        decision.unlink()
        [entry] = self.shown()["value_tier"]["entries"]
        self.assertEqual(entry["category_id"], self.bronze.id)

    def test_decided_none(self):
        self.decide(self.dimension, operation="none")
        [entry] = self.shown()["value_tier"]["entries"]
        self.assertEqual(entry["source"], "none")
        self.assertFalse(entry["category_id"])
        self.assertEqual(entry["computed"]["name"], "Bronze")

    def test_category_that_is_gone(self):
        """The engine keeps a row without category; the page shows nothing of it."""
        self.post(self.customer, -10, 0)
        self.classify()
        self.assertTrue(self.assignment_of(self.customer))
        self.assertEqual(self.shown()["value_tier"]["entries"], [])

    def test_several_categories(self):
        needs = self.make_dimension("test_needs", is_multiple=True)
        one, two = needs.category_ids
        self.decide(needs, one, operation="add")
        self.decide(needs, two, operation="exclude")
        entries = self.shown()["test_needs"]["entries"]
        self.assertEqual(
            {(e["category_id"], e["source"], e["operation"]) for e in entries},
            {(one.id, "manual", "add"), (two.id, "none", "exclude")},
        )

    def test_sources_of_computed_categories(self):
        self.customer.country_id = self.env.ref("base.cn")
        by_rule = self.make_dimension("test_by_rule")
        rule = {"name": "Companies", "domain": "[('is_company', '=', True)]"}
        rule["category_id"] = by_rule.category_ids[0].id
        by_rule.write({"method": "rule", "rule_ids": [fields.Command.create(rule)]})
        by_default = self.make_dimension("test_by_default")
        by_default.default_category_id = by_default.category_ids[1]
        rule["category_id"] = by_default.category_ids[0].id
        rule["domain"] = "[('is_company', '=', False)]"
        by_default.write({"method": "rule", "rule_ids": [fields.Command.create(rule)]})
        country = self.env["ir.model.fields"]._get("res.partner", "country_id")
        self.make_dimension(
            "test_by_field",
            names=(),
            method="field",
            level_ids=[fields.Command.create({"field_id": country.id})],
        )
        self.classify()
        shown = self.shown()
        for code, source, name, why in (
            ("test_by_rule", "rule", "One", "Companies"),
            ("test_by_default", "default", "Two", "default category"),
            ("test_by_field", "field", "China", "Country"),
            ("value_tier", "score", "Bronze", "of 5"),
        ):
            [entry] = shown[code]["entries"]
            self.assertEqual((entry["source"], entry["name"]), (source, name), code)
            self.assertIn(why, entry["why"])

    def test_tree(self):
        region = self.make_dimension("test_area", ("China",))
        china = region.category_ids
        zhejiang = self.env["customer.category"].create(
            {"name": "Zhejiang", "dimension_id": region.id, "parent_id": china.id}
        )
        self.decide(region, zhejiang)
        [entry] = self.shown()["test_area"]["entries"]
        self.assertEqual(entry["name"], "Zhejiang")
        self.assertEqual(entry["path"], "China › Zhejiang")

    def test_groups_in_order(self):
        Group = self.env["customer.dimension.group"]
        last = Group.create({"name": "Last", "sequence": 1002})
        first = Group.create({"name": "First", "sequence": 1001})
        self.make_dimension("test_aaa", group_id=last.id)
        self.make_dimension("test_bbb", group_id=first.id)
        self.assertEqual(
            [
                (group["name"], [d["code"] for d in group["dimensions"]])
                for group in self.profile_of()["groups"]
            ],
            [
                ("First", ["test_bbb"]),
                ("Last", ["test_aaa"]),
                ("Other", ["value_tier"]),
            ],
        )

    def test_contact_shows_its_company(self):
        contact = self.env["res.partner"].create(
            {"name": "Kim", "parent_id": self.customer.id}
        )
        profile = self.profile_of(contact)
        self.assertTrue(profile["is_contact"])
        self.assertEqual(profile["customer"]["id"], self.customer.id)
        [entry] = self.shown(contact)["value_tier"]["entries"]
        self.assertEqual(entry["category_id"], self.bronze.id)
        chip = contact.with_user(self.user).get_customer_chip()
        self.assertEqual(chip["name"], "Bronze")

    def test_archived_customer(self):
        self.customer.active = False
        [entry] = self.shown()["value_tier"]["entries"]
        self.assertEqual(entry["category_id"], self.bronze.id)

    def test_customer_without_anything(self):
        newcomer = self.make_customer("New")
        profile = self.profile_of(newcomer)
        self.assertFalse(profile["has_invoices"])
        self.assertFalse(self.shown(newcomer)["value_tier"]["entries"])
        self.assertIs(newcomer.with_user(self.user).get_customer_chip(), False)

    def test_no_dimension(self):
        self.dimension.active = False
        profile = self.profile_of(user=self.make_user("boss", groups=MANAGER))
        self.assertEqual(profile["groups"], [])
        self.assertTrue(profile["can_configure"])
        self.assertIs(self.customer.with_user(self.user).get_customer_chip(), False)

    def test_required_and_not_applicable(self):
        self.make_dimension("test_needed", is_required=True)
        self.make_dimension("test_persons", is_required=True, applies_to="person")
        self.make_dimension("test_prospects", applies_invoices="without")
        shown = self.shown()
        self.assertTrue(shown["test_needed"]["is_missing"])
        self.assertFalse(shown["value_tier"]["is_missing"])
        self.assertNotIn("test_persons", shown)
        self.assertNotIn("test_prospects", shown)
        newcomer = self.make_customer("New", is_company=False)
        self.assertLessEqual(
            {"test_persons", "test_prospects"}, self.shown(newcomer).keys()
        )
        # what was decided nevertheless must not be out of sight
        dimension = self.Dimension.search([("code", "=", "test_persons")])
        self.decide(dimension, dimension.category_ids[0])
        self.assertFalse(self.shown()["test_persons"]["is_missing"])

    def test_companies(self):
        """Each company has its own categories; some dimensions are shared."""
        other = self.env["res.company"].create({"name": "Other company"})
        self.user.company_ids += other
        shared = self.make_dimension("test_shared", is_shared=True)
        self.decide(shared, shared.category_ids[0])
        self.decide(self.dimension, self.gold, company_id=other.id)
        both = [other.id, self.env.company.id]
        profile = self.profile_of(allowed_company_ids=both)
        self.assertTrue(profile["show_company"])
        self.assertEqual(profile["company"], {"id": other.id, "name": other.name})
        for company_ids, category in (
            (both, self.gold),
            (both[::-1], self.bronze),
            (self.env.company.ids, self.bronze),
        ):
            shown = self.shown(allowed_company_ids=company_ids)
            [entry] = shown["value_tier"]["entries"]
            self.assertEqual(entry["category_id"], category.id, company_ids)
            [entry] = shown["test_shared"]["entries"]
            self.assertEqual(entry["category_id"], shared.category_ids[0].id)
            chip = (
                self.customer.with_user(self.user)
                .with_context(allowed_company_ids=company_ids)
                .get_customer_chip()
            )
            self.assertEqual(chip["name"], category.name)
            self.assertEqual(bool(chip["company"]), len(company_ids) > 1)
        alone = self.profile_of(allowed_company_ids=self.env.company.ids)
        self.assertFalse(alone["show_company"])

    def test_who_may_read(self):
        clerk = self.make_user("clerk", groups=None)
        portal = new_test_user(self.env, "door", groups="base.group_portal")
        for user in (clerk, portal):
            with self.assertRaises(AccessError):
                self.profile_of(user=user)
            with self.assertRaises(AccessError):
                self.customer.with_user(user).get_customer_chip()

    def test_hidden_and_fixed_dimensions(self):
        """Who may not see a dimension finds no trace of it; who may not set it by
        hand finds no pencil. That holds for the managers who configure it, too."""
        group = self.env["res.groups"].create({"name": "Insiders"})
        insider = self.make_user("insider")
        (insider + self.env.user).group_ids += group
        boss = self.make_user("boss", groups=MANAGER)
        secret = self.make_dimension("test_secret", view_group_ids=group.ids)
        fixed = self.make_dimension("test_fixed", edit_group_ids=group.ids)
        for dimension in secret + fixed:
            self.decide(dimension, dimension.category_ids[0])
        for user, sees, edits in (
            (self.user, False, False),
            (insider, True, True),
            (boss, False, True),
        ):
            shown = self.shown(user=user)
            self.assertEqual("test_secret" in shown, sees, user.login)
            self.assertEqual(shown["test_fixed"]["can_edit"], edits, user.login)
            self.assertEqual(len(shown["test_fixed"]["entries"]), 1)
        # neither beside the name
        secret.is_main = True
        self.assertFalse(self.customer.with_user(self.user).get_customer_chip())
        chip = self.customer.with_user(insider).get_customer_chip()
        self.assertEqual(chip["name"], "One")

    def test_hidden_customer(self):
        """Who sees the contact and not its company learns nothing of the company."""
        contact = self.env["res.partner"].create(
            {"name": "Kim", "parent_id": self.customer.id}
        )
        group = self.env["res.groups"].create({"name": "Not Alpha"})
        self.env["ir.rule"].create(
            {
                "name": "Not Alpha",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "groups": [fields.Command.link(group.id)],
                "domain_force": f"[('id', '!=', {self.customer.id})]",
            }
        )
        self.user.group_ids += group
        with self.assertRaises(AccessError):
            self.profile_of()
        profile = self.profile_of(contact)
        self.assertFalse(profile["customer"])
        self.assertEqual(profile["groups"], [])
        self.assertIs(contact.with_user(self.user).get_customer_chip(), False)

    def test_review(self):
        needs = self.make_dimension("test_needs", review_days=30)
        self.decide(needs, needs.category_ids[0])
        [entry] = self.shown()["test_needs"]["entries"]
        self.assertEqual(entry["review_date"], self.day(-30))

    def test_number_of_statements(self):
        """Twelve more dimensions take no more statements."""

        def count():
            self.env.invalidate_all()
            self.env.flush_all()
            before = self.cr.sql_log_count
            self.profile_of()
            return self.cr.sql_log_count - before

        def add(*numbers):
            for number in numbers:
                by_hand = self.make_dimension(f"test_hand_{number}")
                self.decide(by_hand, by_hand.category_ids[0])
                by_rule = self.make_dimension(f"test_rule_{number}")
                rule = {"name": "All", "category_id": by_rule.category_ids[0].id}
                rules = [fields.Command.create(rule)]
                by_rule.write({"method": "rule", "rule_ids": rules})
            self.classify()
            count()

        add(0)
        few = count()
        add(*range(1, 7))
        self.assertEqual(len(self.shown()), 15)
        self.assertLessEqual(count(), few)
        self.assertLess(few, 40)
