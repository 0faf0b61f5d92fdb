from datetime import date, timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import MANAGER
from .test_rules import RulesCommon

#: When, who, to which category; None: the decision is withdrawn
STORY = [
    ("2026-01-10", "One", "Bronze"),
    ("2026-01-11", "Two", "Gold"),
    ("2026-01-12", "Three", "Gold"),
    ("2026-02-10", "One", "Gold"),
    ("2026-02-11", "Two", "Silver"),
    ("2026-02-12", "Three", "Gold"),  # with another reason only
    ("2026-03-10", "One", None),
    ("2026-03-11", "Two", "Gone"),
    ("2026-03-12", "Three", "Bronze"),
]


class MovementCommon(RulesCommon):
    """Customers who rose, fell and left on known days."""

    def setUp(self):
        super().setUp()
        self.Movement = self.env["customer.movement"]
        self.rank = self.make_dimension("rank", ["Gold", "Silver", "Bronze", "Gone"])
        for number, category in enumerate(self.rank.category_ids):
            category.sequence = number
        self.rank.is_ranked = True
        self.category(self.rank, "Gone").is_lost = True

    def tell(self):
        for day, name, category_name in STORY:
            customer = self.env["res.partner"].search(
                [("name", "=", name)]
            ) or self.make_customer(name)
            key = [
                ("partner_id", "=", customer.id),
                ("dimension_id", "=", self.rank.id),
            ]
            decision = self.Override.search(key)
            category = category_name and self.category(self.rank, category_name)
            with freeze_time(f"{day} 12:00"):
                if not category:
                    decision.action_withdraw()
                elif decision:
                    decision.write({"category_id": category.id, "reason": day})
                else:
                    self.Override.create(
                        {
                            "partner_id": customer.id,
                            "dimension_id": self.rank.id,
                            "category_id": category.id,
                        }
                    )

    def count(self, *domain):
        groups = self.Movement._read_group(
            [("dimension_id", "=", self.rank.id), *domain],
            ["date:month", "direction"],
            ["__count"],
        )
        return {(month.month, direction): count for month, direction, count in groups}


@tagged("post_install", "-at_install")
class TestMovement(MovementCommon):
    """Who rose, fell and left, against what was worked out by hand."""

    def test_months_and_directions(self):
        self.tell()
        expected = {
            (1, "entered"): 3,
            (2, "up"): 1,
            (2, "down"): 1,
            (2, "same"): 1,
            (3, "left"): 2,  # to none, and to the category that counts as lost
            (3, "down"): 1,
        }
        self.assertEqual(self.count(), expected)
        self.rank.is_ranked = False
        self.env.flush_all()
        self.assertEqual(
            self.count(("direction", "in", ("up", "down", "side"))),
            {(2, "side"): 2, (3, "side"): 1},
        )
        three = self.Movement.search([("partner_id.name", "=", "Three")], order="id")
        self.assertEqual(
            [(row.old_category_id.name, row.new_category_id.name) for row in three],
            [(False, "Gold"), ("Gold", "Gold"), ("Gold", "Bronze")],
        )
        self.assertEqual(three[1].explanation, "2026-02-12")

    def test_events_in_the_readers_language(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        event = self.env["ir.model.fields.selection"].search(
            [
                ("field_id.model", "=", "customer.assignment.history"),
                ("field_id.name", "=", "event"),
                ("value", "=", "set"),
            ]
        )
        event.update_field_translations("name", {"zh_CN": "人工设定"})
        self.env.registry.clear_cache()
        for model in ("customer.movement", "customer.history.total"):
            with self.subTest(model):
                fields = (
                    self.env[model].with_context(lang="zh_CN").fields_get(["event"])
                )
                self.assertIn(("set", "人工设定"), fields["event"]["selection"])

    def test_revenue_and_what_nobody_saw(self):
        tier = self.dimension
        tier.active = True
        customer, other = self.make_customer("Riser"), self.make_customer("Other")
        self.post(customer, 10, 100)
        self.post(other, 100, 50)
        self.classify()
        self.assertFalse(self.Movement.search([("partner_id", "=", customer.id)]))
        invoice = self.post(customer, 5000, 0)
        self.classify()
        [rise] = self.Movement.search([("partner_id", "=", customer.id)])
        self.assertEqual((rise.direction, rise.revenue), ("up", 5010))
        self.assertEqual(rise.currency_id, self.env.company.currency_id)
        self.assertFalse(rise.is_hidden)
        self.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": tier.id,
                "category_id": self.silver.id,
                "reason": "As agreed",
            }
        )
        invoice.button_draft()
        self.classify()
        fall, decision, _rise = self.Movement.search(
            [("partner_id", "=", customer.id)], order="id desc"
        )
        self.assertEqual((fall.event, fall.is_hidden), ("run", True))
        self.assertEqual((fall.direction, fall.revenue), ("down", 10))
        self.assertEqual((decision.event, decision.is_hidden), ("set", False))
        self.assertEqual(decision.revenue, 5010, "as it was when it was decided")
        self.assertEqual(self.tier_of(customer), "Silver")

    def make_ruled(self):
        rules = [(name, [("ref", "=", name)]) for name in ("A", "B")]
        self.make_dimension("letter", ["A", "B"], rules)

    def test_revenue_where_rules_decide(self):
        self.make_ruled()
        customer = self.make_customer("Leaver", ref="B")
        self.post(customer, 700, 364)
        self.classify()
        self.post(customer, -40, 1)
        customer.ref = "A"
        self.classify()
        customer.ref = "B"
        with freeze_time(self.today + timedelta(days=2)):
            self.classify()  # the invoice is of 366 days ago
        moves = self.Movement.search([("partner_id", "=", customer.id)], order="id")
        self.assertEqual(moves.mapped("revenue"), [660, -40])
        self.assertEqual(moves.mapped("has_revenue"), [True, True])

    def test_revenue_that_nobody_knows(self):
        """Empty, and not 0."""
        self.make_ruled()
        customer = self.make_customer("No Invoice", ref="A")
        self.classify()
        customer.ref = "B"
        self.classify()
        [move] = self.Movement.search([("partner_id", "=", customer.id)])
        [(revenue,)] = self.Movement._read_group(
            [("id", "=", move.id)], [], ["revenue:array_agg"]
        )
        self.assertEqual(revenue, [None])
        self.assertFalse(move.has_revenue)

    def test_other_companies_and_customers_stay_hidden(self):
        self.tell()
        two = self.env["res.partner"].search([("name", "=", "Two")])
        user = self.make_user("movement_user")
        rows = self.Movement.with_user(user)
        mine = [("dimension_id", "=", self.rank.id)]
        self.assertEqual(rows.search_count(mine), 9)
        self.env["ir.rule"].create(
            {
                "name": "not this one",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {two.id})]",
            }
        )
        self.assertEqual(rows.search_count(mine), 6)
        self.assertFalse(rows.search([*mine, ("new_category_id.name", "=", "Gone")]))
        other = self.env["res.company"].create({"name": "Other company"})
        user.write({"company_id": other.id, "company_ids": [(6, 0, other.ids)]})
        self.assertFalse(rows.search_count(mine))


@tagged("post_install", "-at_install")
class TestRetention(MovementCommon):
    def setUp(self):
        super().setUp()
        self.Retention = self.env["customer.history.retention"].sudo()

    def clear(self, now):
        cron = self.env.ref("customer_classification.ir_cron_clear_history").sudo()
        with freeze_time(now), self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def test_totals_in_place_of_old_entries(self):
        self.tell()
        own = [("dimension_id", "=", self.rank.id)]
        self.clear("2026-07-15")
        self.assertEqual(self.History.search_count(own), 9, "0 keeps all")
        self.env.company.customer_history_months = 4
        self.clear("2026-07-15")  # all of March stays
        totals = self.env["customer.history.total"].search(own, order="month, id")
        self.assertEqual(
            {
                (row.month, row.old_category_id.name, row.new_category_id.name): (
                    row.count
                )
                for row in totals
            },
            {
                (date(2026, 1, 1), False, "Bronze"): 1,
                (date(2026, 1, 1), False, "Gold"): 2,
                (date(2026, 2, 1), "Bronze", "Gold"): 1,
                (date(2026, 2, 1), "Gold", "Silver"): 1,
                (date(2026, 2, 1), "Gold", "Gold"): 1,
            },
        )
        self.assertEqual(self.count(), {(3, "left"): 2, (3, "down"): 1})
        retention = self.Retention.search([("company_id", "=", self.env.company.id)])
        self.assertEqual(retention.complete_since, date(2026, 3, 1))
        self.clear("2026-08-15")  # March could go, but is the origin of what is shown
        self.assertEqual(self.History.search_count(own), 3)
        self.assertEqual(retention.complete_since, date(2026, 4, 1))
        shown = {
            row.partner_id.name: row.category_id.name
            for row in self.Override.search(own)
        }
        self.assertEqual(shown, {"Two": "Gone", "Three": "Bronze"})

    def test_a_few_months_are_needed(self):
        with self.assert_refused(ValidationError, "4 months or more"):
            self.env.company.customer_history_months = 1

    def test_only_managers_read_the_totals(self):
        self.tell()
        self.env.company.customer_history_months = 4
        self.clear("2026-07-15")
        Total = self.env["customer.history.total"]
        self.assertFalse(Total.with_user(self.make_user("reader")).has_access("read"))
        manager = self.make_user("counter", MANAGER)
        self.assertTrue(Total.with_user(manager).search([]))
        other = self.env["res.company"].create({"name": "Other company"})
        manager.write({"company_id": other.id, "company_ids": [(6, 0, other.ids)]})
        self.assertFalse(Total.with_user(manager).search([]))


@tagged("post_install", "-at_install")
class TestPastDistribution(MovementCommon):
    def past(self, day, **values):
        past = self.env["customer.past.distribution"].create(
            {"dimension_id": self.rank.id, "day": day, **values}
        )
        past.action_show()
        return past

    def lines(self, past):
        return {
            line.category_id.name: (line.shown_count, line.today_count)
            for line in past.line_ids
        }

    def test_numbers_and_the_lists_behind_them(self):
        self.tell()
        past = self.past("2026-02-10")
        self.assertEqual(
            self.lines(past),
            {"Gold": (3, 0), "Silver": (0, 0), "Bronze": (0, 1), "Gone": (0, 1)},
        )
        gold, _silver, bronze, _gone = past.line_ids
        action = gold.action_open_shown()
        found = self.env["res.partner"].search(action["domain"])
        self.assertEqual(set(found.mapped("name")), {"One", "Two", "Three"})
        action = bronze.action_open_today()
        found = self.env["res.partner"].search(action["domain"])
        self.assertEqual(found.mapped("name"), ["Three"])
        stranger = self.make_user("past_stranger")
        with self.assert_refused(Exception, ""):
            found.with_user(stranger).search([("customer_past_line_id", "=", gold.id)])
        self.assertFalse(past.with_user(stranger).search([]))

    def test_users_see_what_they_may(self):
        self.tell()
        two = self.env["res.partner"].search([("name", "=", "Two")])
        user = self.make_user("past_user")
        self.env["ir.rule"].create(
            {
                "name": "not this one",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {two.id})]",
            }
        )
        past = self.env["customer.past.distribution"].with_user(user)
        past = past.create({"dimension_id": self.rank.id, "day": "2026-02-10"})
        past.action_show()
        self.assertEqual(past.line_ids[0].shown_count, 2)
        self.assertFalse(past.can_run)
        with self.assert_refused(Exception, "managers"):
            past.action_ask_ledger()
        group = self.env["res.groups"].create({"name": "Few"})
        self.rank.view_group_ids = group
        self.env.invalidate_all()
        with self.assert_refused(Exception, ""):
            past.action_show()

    def test_the_ledger_is_asked_apart(self):
        tier = self.dimension
        tier.active = True
        customer = self.make_customer("Ledger")
        self.post(customer, 100, 40)
        self.classify()
        day = self.day(10)
        past = self.past(day, dimension_id=tier.id)
        self.assertFalse(any(past.line_ids.mapped("shown_count")))
        self.assertTrue(past.is_nobody_shown)
        self.assertEqual(sum(past.line_ids.mapped("today_count")), 1)
        history = self.History.search_count([])
        past.action_ask_ledger()
        self.assertEqual(past.run_state, "running")
        self.assertFalse(past.is_ledger_counted, "no numbers that look like an answer")
        with self.enter_registry_test_mode():
            self.env.ref(
                "customer_classification.ir_cron_classify"
            ).sudo().method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(past.run_state, "done")
        self.assertFalse(past.is_ledger_counted)
        past.action_show()
        self.assertTrue(past.is_ledger_counted)
        told = past.line_ids.filtered("ledger_count")
        self.assertEqual(sum(told.mapped("ledger_count")), 1)
        self.assertFalse(any(past.line_ids.mapped("shown_count")))
        action = told.action_open_ledger()
        staged = self.env["customer.staging"].search(action["domain"])
        self.assertEqual(staged.partner_id, customer)
        self.assertEqual(self.History.search_count([]), history, "nothing changed")
        self.assertEqual(fields.Date.to_date(past.run_id.as_of), day)
