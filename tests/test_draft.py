from ast import literal_eval
from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import format_date

from ..models import customer_comparison
from .common import MANAGER
from .test_comparison import ComparisonCommon


class DraftCommon(ComparisonCommon):
    @classmethod
    def make_ruled(cls, **values):
        dimension = cls.env["customer.dimension"].create(
            {
                "name": "Ruled",
                "method": "rule",
                "category_ids": [
                    Command.create({"name": name}) for name in ("Big", "Small", "Rest")
                ],
                **values,
            }
        )
        big, small, rest = dimension.category_ids
        field = "ref" if dimension.is_shared else "customer_revenue_total"
        values = ("A", "B") if dimension.is_shared else (900, 300)
        operator = "=" if dimension.is_shared else ">"
        dimension.write(
            {
                "default_category_id": rest.id,
                "rule_ids": [
                    Command.create(
                        {
                            "name": category.name,
                            "category_id": category.id,
                            "domain": str([(field, operator, value)]),
                        }
                    )
                    for category, value in zip((big, small), values, strict=True)
                ],
            }
        )
        return dimension

    def make_draft(self, dimension=None, **values):
        dimension = dimension or self.dimension
        draft = self.env["customer.draft"].create(
            {"name": "Try", "dimension_id": dimension.id}
        )
        draft.write(values)
        return draft

    def set_limit(self, draft, category, score):
        draft.limit_ids.filtered(
            lambda limit: limit.category_id == category
        ).minimum_score = score

    def in_force(self, dimension=None, company=None):
        return self.Ruleset._get_in_force(
            dimension or self.dimension,
            self.env.company if company is None else company,
        )

    def assert_applied(self, draft, before, dimension=None, company=None):
        """Compare what the draft has shown with what it did."""
        self.assertFalse(draft.message)
        self.assertEqual(draft.state, "applied")
        company = self.env.company if company is None else company
        [comparison] = draft.comparison_ids.filtered(lambda c: c.company_id == company)
        self.assert_as_shown(comparison.sudo(), before, dimension, company)
        version = self.in_force(dimension, company)
        self.assertEqual((version.origin, version.draft_id), ("draft", draft))


@tagged("post_install", "-at_install")
class TestDraft(DraftCommon):
    """Other rules, tried and applied."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.post_random(20, seed=11)
        cls.Run.classify(companies=cls.env.company)

    def test_begins_with_the_settings_of_today(self):
        draft = self.make_draft()
        self.assertEqual(draft._get_settings(self.env.company), self.get_settings())
        draft.action_compare()
        self.assertEqual(draft.comparison_ids.moved_count, 0)
        self.assertFalse(draft.is_edited)
        self.assertFalse(draft.is_outdated)

    def test_applied_exactly_as_shown(self):
        before = self.get_assigned()
        draft = self.make_draft(minimum_purchases=2, grace_days=0)
        draft.criterion_ids[2].weight = 6
        self.set_limit(draft, self.gold, 2.8)
        draft.action_compare()
        self.assertTrue(draft.comparison_ids.moved_count)
        self.assertEqual(self.get_assigned(), before)
        self.assertFalse(self.dimension.has_pending_settings)
        draft.action_apply()
        self.assert_applied(draft, before)
        self.assertEqual(self.gold.minimum_score, 2.8)
        self.assertEqual(draft._get_settings(self.env.company), self.get_settings())

    def test_fixed_cut_points(self):
        before = self.get_assigned()
        draft = self.make_draft()
        revenue = draft.criterion_ids.filtered(lambda c: c.axis == "monetary")
        revenue.write(
            {"cut_mode": "fixed", "cut_2": 20, "cut_3": 40, "cut_4": 60, "cut_5": 80}
        )
        draft.action_compare()
        self.assertTrue(draft.comparison_ids.moved_count)
        draft.action_apply()
        self.assert_applied(draft, before)

    def test_other_period(self):
        before = self.get_assigned()
        draft = self.make_draft(window_days=90)
        draft.action_compare()
        self.assertTrue(draft.comparison_ids.moved_count)
        draft.action_apply()
        self.assert_applied(draft, before)
        self.assertEqual(self.env.company.customer_window_days, 90)

    def test_limits_taken_anew(self):
        self.post_random(8, seed=12)
        self.classify()
        before = self.get_assigned()
        draft = self.make_draft(is_renewed=True)
        draft.action_compare()
        self.assertTrue(draft.comparison_ids.moved_count)
        draft.action_apply()
        self.assert_applied(draft, before)

    def test_invoice_in_between(self):
        before = self.get_assigned()
        draft = self.make_draft(minimum_purchases=2)
        draft.action_compare()
        customer = self.make_customer("In Between")
        for days_ago in (3, 5):
            self.post(customer, 5000, days_ago)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertTrue(draft.is_outdated)
        draft.action_apply()
        self.assertEqual(draft.state, "draft")
        self.assertIn("Nothing was applied", draft.message)
        self.assertRegex(draft.message, r"None → \w+: 1 \(0 before\)")
        self.assertEqual(self.get_assigned(), before)
        self.assertFalse(self.dimension.has_pending_settings)
        draft.action_apply()
        self.assert_applied(draft, before)
        self.assertTrue(self.tier_of(customer))

    def test_what_a_run_would_do_otherwise_is_taken_back(self):
        before = self.get_assigned()
        draft = self.make_draft(minimum_purchases=2)
        draft.action_compare()
        self.patch(type(self.Comparison), "_is_done_by", lambda comparison, run: False)
        draft.action_apply()
        self.assertEqual(draft.state, "draft")
        self.assertIn("Recompute Now", draft.message)
        self.assertEqual(self.get_assigned(), before)
        self.assertEqual(self.dimension.minimum_purchases, 0)

    def test_edited_since(self):
        draft = self.make_draft()
        with self.assert_refused(UserError, "Compare the draft first"):
            draft.action_apply()
        draft.action_compare()
        draft.criterion_ids[0].weight = 4
        self.assertTrue(draft.is_edited)
        with self.assert_refused(UserError, "Compare the draft first"):
            draft.action_apply()

    def test_nothing_is_written(self):
        draft = self.make_draft(window_days=90, minimum_purchases=3)
        before = self.get_state()
        draft.action_compare()
        self.assertEqual(self.get_state(), before)

    def test_applied_one_is_fixed(self):
        draft = self.make_draft(minimum_purchases=2)
        draft.action_compare()
        draft.action_apply()
        for record, values in (
            (draft, {"grace_days": 3}),
            (draft.criterion_ids[0], {"weight": 9}),
            (draft.limit_ids[0], {"minimum_score": 1}),
        ):
            with self.assert_refused(UserError, "cannot change"):
                record.write(values)
        again = draft.copy()
        self.assertEqual((again.state, again.name), ("draft", "Try (copy)"))
        self.assertEqual(again._get_settings(self.env.company), self.get_settings())
        again.grace_days = 3

    def test_by_hand_and_mirrored(self):
        for method in ("manual", "field"):
            dimension = self.env["customer.dimension"].create(
                {
                    "name": method,
                    "method": method,
                    "level_ids": [
                        Command.create({"field_choice": "country_id"})
                        for _level in range(method == "field")
                    ],
                }
            )
            with self.assert_refused(ValidationError, "nothing to try"):
                self.make_draft(dimension)

    def test_many_customers_in_the_background(self):
        self.patch(customer_comparison, "FEW_CONTACTS", 0)
        before = self.get_assigned()
        draft = self.make_draft(minimum_purchases=2)
        draft.action_compare()
        self.assertTrue(draft.is_comparing)
        with self.assert_refused(UserError, "Compare the draft first"):
            draft.action_apply()
        self.go_on(draft)
        self.assertFalse(draft.is_comparing)
        draft.action_apply()
        self.assertEqual(draft.state, "applying")
        self.go_on(draft)
        self.assertEqual(draft.state, "applied")
        self.assertEqual(self.get_assigned(), before, "the nightly action comes next")
        self.assertTrue(self.Run.search([("trigger", "=", "request")]))
        self.classify()
        self.assert_applied(draft, before)

    def test_invoice_in_between_in_the_background(self):
        self.patch(customer_comparison, "FEW_CONTACTS", 0)
        draft = self.make_draft(minimum_purchases=2)
        draft.action_compare()
        self.go_on(draft)
        customer = self.make_customer("In Between")
        for days_ago in (3, 5):
            self.post(customer, 5000, days_ago)
        draft.action_apply()
        self.go_on(draft)
        self.assertEqual(draft.state, "draft")
        self.assertIn("Nothing was applied", draft.message)
        self.assertEqual(self.dimension.minimum_purchases, 0)

    def go_on(self, draft):
        """Do what the scheduled action does, without its commits."""
        self.env.flush_all()
        comparisons = draft.sudo().comparison_ids
        for comparison in comparisons.filtered(lambda c: c.state == "pending"):
            while comparison._do_step():
                pass
        self.env.invalidate_all()

    # On a day to come

    def schedule(self, days, **values):
        draft = self.make_draft(
            schedule_date=self.today + timedelta(days=days), **values
        )
        draft.action_compare()
        draft.action_schedule()
        return draft

    def apply_due(self, moment):
        with freeze_time(moment):
            due = self.env["customer.draft"].search([("state", "=", "scheduled")])
            for draft in due.filtered(lambda d: d._is_due()):
                draft.sudo()._apply_as_scheduled()

    def test_scheduled_in_the_time_zone_of_the_company(self):
        self.env.company.partner_id.tz = "Asia/Shanghai"
        self.env.company.customer_night_hour = 1
        draft = self.schedule(3, minimum_purchases=2)
        day = self.today + timedelta(days=3)
        eve = day - timedelta(days=1)
        for moment, state in (
            (f"{eve} 16:59:00", "scheduled"),  # 00:59 there: before its night begins
            (f"{eve} 17:01:00", "applied"),  # 01:01 there
        ):
            self.apply_due(moment)
            self.assertEqual(draft.state, state, moment)
        self.assertEqual(self.dimension.minimum_purchases, 2)

    def test_scheduled_far_in_the_west(self):
        self.env.company.partner_id.tz = "America/Los_Angeles"
        draft = self.schedule(3, minimum_purchases=2)
        day = self.today + timedelta(days=3)
        self.apply_due(f"{day} 06:00:00")  # still the day before there
        self.assertEqual(draft.state, "scheduled")
        self.apply_due(f"{day} 12:00:00")
        self.assertEqual(draft.state, "applied")

    def test_day_that_has_begun(self):
        draft = self.make_draft(schedule_date=self.today)
        draft.action_compare()
        day = format_date(self.env, self.today)
        with self.assert_refused(UserError, f"{day} has begun already"):
            draft.action_schedule()
        draft.schedule_date = False
        with self.assert_refused(UserError, "Enter the day"):
            draft.action_schedule()

    def test_taken_back(self):
        draft = self.schedule(3, minimum_purchases=2)
        with self.assert_refused(UserError, "cannot change"):
            draft.grace_days = 2
        draft.action_take_back()
        draft.grace_days = 2
        self.apply_due(self.today + timedelta(days=4))
        self.assertEqual(self.dimension.minimum_purchases, 0)

    def test_author_learns_of_a_failure(self):
        author = self.make_user("draft_author", MANAGER)
        draft = self.schedule(3, minimum_purchases=2).sudo()
        draft.user_id = author
        draft._report_failure(UserError("no way"))
        self.assertEqual(draft.state, "draft")
        self.assertIn("no way", draft.message)
        self.assertIn(author.partner_id, draft.message_ids[0].partner_ids)


@tagged("post_install", "-at_install")
class TestDraftOfRules(DraftCommon):
    """Rules of one dimension, of one company or all."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.post_random(10, seed=21)
        cls.ruled = cls.make_ruled()
        cls.Run.classify(companies=cls.env.company)

    def test_changed_new_and_removed_rules(self):
        before = self.get_assigned(self.ruled)
        big, small, _rest = self.ruled.category_ids
        draft = self.make_draft(self.ruled)
        first, second = draft.rule_ids
        first.domain = "[('customer_revenue_total', '>', 1200)]"
        second.unlink()
        draft.rule_ids = [
            Command.create(
                {
                    "name": "Often",
                    "category_id": small.id,
                    "domain": "[('customer_purchase_days', '>', 2)]",
                    "sequence": 1,
                }
            )
        ]
        draft.action_compare()
        self.assertTrue(draft.comparison_ids.moved_count)
        draft.action_apply()
        self.assert_applied(draft, before, self.ruled)
        self.assertEqual(self.ruled.rule_ids.mapped("name"), ["Often", "Big"])
        self.assertEqual(self.ruled.rule_ids.category_id, small | big)
        self.assertEqual(
            draft._get_settings(self.env.company),
            self.ruled._get_settings(self.env.company),
        )

    def test_names_in_every_language(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        rule = self.ruled.rule_ids[0]
        rule.with_context(lang="zh_CN").name = "大客户"
        draft = (
            self.env["customer.draft"]
            .with_context(lang="zh_CN")
            .create({"name": "试", "dimension_id": self.ruled.id})
        )
        self.assertEqual(draft.rule_ids[0].name, "大客户")
        self.assertEqual(
            draft._get_settings(self.env.company),
            self.ruled._get_settings(self.env.company),
        )

    def test_rule_that_reads_its_own_category(self):
        draft = self.make_draft(self.ruled)
        name = self.ruled.partner_field_name
        with self.assert_refused(ValidationError, "reads the category"):
            draft.rule_ids[0].domain = f"[('{name}', '!=', False)]"

    def test_shared_dimension(self):
        for number, ref in enumerate("AABBCC"):
            self.make_customer(f"Contact {number}", ref=ref)
        shared = self.make_ruled(is_shared=True)
        self.classify()
        company = self.env["res.company"]
        before = self.get_assigned(shared, company)
        draft = self.make_draft(shared)
        draft.rule_ids[0].domain = "[('ref', 'in', ['A', 'C'])]"
        draft.action_compare()
        self.assertEqual(draft.comparison_ids.moved_count, 2)
        draft.action_apply()
        self.assert_applied(draft, before, shared, company)


@tagged("post_install", "-at_install")
class TestAppliedSettings(DraftCommon):
    """Frozen settings become the configuration again."""

    def assert_round_trip(self, dimension, company, change):
        before = dimension._get_settings(company)
        change()
        self.assertNotEqual(dimension._get_settings(company), before)
        dimension._apply_settings(before, company)
        self.assertEqual(dimension._get_settings(company), before)

    def test_score(self):
        def change():
            recency, frequency, monetary = self.dimension.criterion_ids
            frequency.unlink()
            recency.weight = 7
            monetary.write(
                {"cut_mode": "fixed", "cut_2": 1, "cut_3": 2, "cut_4": 3, "cut_5": 4}
            )
            self.dimension.write(
                {
                    "grace_days": 9,
                    "minimum_purchases": 3,
                    "minimum_kept_share": 4,
                    "applies_to": "company",
                    "default_category_id": self.bronze.id,
                }
            )
            gold, silver = self.gold.minimum_score, self.silver.minimum_score
            self.silver.minimum_score = 1.3
            self.gold.write({"minimum_score": silver, "keep_score": silver - 0.1})
            self.silver.minimum_score = gold
            self.bronze.minimum_score = 0
            self.env.company.write(
                {"customer_window_days": 30, "customer_include_receipts": True}
            )

        self.assert_round_trip(self.dimension, self.env.company, change)

    def test_rules(self):
        dimension = self.make_ruled()

        def change():
            first, second = dimension.rule_ids
            first.write({"domain": "[]", "name": "All", "sequence": 50})
            second.active = False
            dimension.category_ids[1].sequence = 0
            dimension.rule_ids = [
                Command.create({"name": "N", "category_id": second.category_id.id})
            ]

        self.assert_round_trip(dimension, self.env.company, change)

    def test_mirrored_fields(self):
        dimension = self.env["customer.dimension"].create(
            {
                "name": "Place",
                "method": "field",
                "level_ids": [
                    Command.create({"field_choice": "country_id", "sequence": 1}),
                    Command.create({"field_choice": "state_id", "sequence": 2}),
                ],
            }
        )

        def change():
            dimension.level_ids[0].unlink()

        self.assert_round_trip(dimension, self.env.company, change)

    def test_metric_that_was_deleted(self):
        settings = self.get_settings()
        settings["criteria"][0]["metric"] = "gone"
        with self.assert_refused(UserError, "a metric that was deleted: gone"):
            self.dimension._apply_settings(settings, self.env.company)


@tagged("post_install", "-at_install")
class TestDraftAccess(DraftCommon):
    """Managers try and apply; nobody what concerns companies they may not see."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.post_random(8, seed=31)
        cls.Run.classify(companies=cls.env.company)
        cls.manager = cls.make_user("draft_manager", MANAGER)

    def test_manager(self):
        draft = self.make_draft(minimum_purchases=2).with_user(self.manager)
        draft.action_compare()
        self.assertTrue(draft.matrix[0]["moved"])
        [cell] = [c for c in draft.matrix[0]["cells"] if c["way"]][:1]
        action = draft.comparison_ids.action_open_cell(cell["from"], cell["to"])
        found = self.env[action["res_model"]].with_user(self.manager)
        self.assertEqual(found.search_count(action["domain"]), cell["customers"])
        customer = found.search(action["domain"], limit=1)
        opened = customer.action_open_customer()
        self.assertEqual(
            (opened["res_model"], opened["res_id"]),
            ("res.partner", customer.partner_id.id),
        )
        self.assertFalse(draft.matrix[0]["isPast"], "nothing happened yet")
        draft.action_apply()
        self.assertEqual(draft.state, "applied")
        self.assertTrue(draft.matrix[0]["isPast"])

    def test_versions_listed_are_those_that_count(self):
        """A comparison has a version without a number, which is nobody's business."""
        draft = self.make_draft(minimum_purchases=2)
        draft.action_compare()
        [tried] = draft.comparison_ids.ruleset_id
        self.assertEqual(tried.state, "draft")
        self.assertNotIn(tried, self.dimension.ruleset_ids)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_ruleset_action"
        )
        listed = self.env["customer.ruleset"].search(literal_eval(action["domain"]))
        self.assertNotIn(tried, listed)
        self.assertIn(self.dimension.active_ruleset_id, listed)

    def test_period_is_for_administrators(self):
        draft = self.make_draft(window_days=50).with_user(self.manager)
        draft.action_compare()
        with self.assert_refused(AccessError, "Period of Value"):
            draft.action_apply()

    def test_user(self):
        draft = self.make_draft()
        user = self.make_user("draft_user")
        with self.assert_refused(AccessError, "Only managers"):
            draft.with_user(user).action_compare()
        with self.assert_refused(AccessError, "not allowed"):
            draft.with_user(user).read(["name"])

    def test_company_that_the_manager_may_not_see(self):
        other = self.setup_other_company()["company"]
        moved = self.make_customer("Elsewhere")
        self.dimension.flush_recordset()
        self.env["customer.draft"].invalidate_model()
        self.post_in(other, moved)
        self.classify(companies=other)
        draft = self.make_draft(minimum_purchases=2).with_user(self.manager)
        draft.action_compare()
        self.assertEqual(draft.comparison_ids.company_id, self.env.company)
        self.assertEqual(draft.hidden_company_count, 1)
        with self.assert_refused(AccessError, "1 companies that you may not see"):
            draft.action_apply()

    def post_in(self, company, partner):
        self.env["account.move"].with_company(company).create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_date": self.today,
                "invoice_line_ids": [
                    Command.create({"name": "x", "price_unit": 10, "tax_ids": []})
                ],
            }
        ).action_post()

    def test_every_company_of_the_user(self):
        other = self.setup_other_company()["company"]
        self.post_in(other, self.make_customer("Elsewhere"))
        self.classify(companies=other)
        draft = self.make_draft(minimum_purchases=2)
        before = self.get_assigned(company=other)
        draft.action_compare()
        companies = draft.sudo().comparison_ids.company_id
        self.assertEqual(companies, self.env.user.company_ids & companies)
        self.assertIn(other, companies)
        draft.action_apply()
        self.assertEqual(draft.state, "applied", draft.message)
        self.assertTrue(before)
        self.assertFalse(self.get_assigned(company=other), "bought once only")
