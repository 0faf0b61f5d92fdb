"""Undo: versions taken back, and runs whose changes are taken back by pins."""

from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import MANAGER
from .test_brake import BrakeCommon

UNDO = "odoo.addons.customer_classification.models.customer_run_undo"


@tagged("post_install", "-at_install")
class TestRunReverted(BrakeCommon):
    """Customers 1 and 2 rise, 9 falls; then the run is taken back."""

    def setUp(self):
        super().setUp()
        self.size.brake_share = 0
        self.before = self.get_shown()
        self.move(1, 1000)
        self.move(2, 1000)
        self.move(9, -800)
        self.run = self.classify()
        self.assertEqual(self.get_large(), {1, 2, 5, 6, 7, 8, 10})

    def move(self, number, amount):
        self.post(self.customers[number - 1], amount, 0)

    def get_shown(self):
        """Return the category in effect by customer."""
        name = self.size.partner_field_name
        return {customer: customer[name] for customer in self.customers}

    def revert(self, run=None, user=None):
        action = (run or self.run).with_user(user or self.env.user)
        action = action.action_open_reversal()
        wizard = self.env[action["res_model"]].with_user(user or self.env.user)
        wizard = wizard.browse(action["res_id"])
        return self.Run.browse(wizard.action_revert()["res_id"]), wizard

    def get_outcomes(self, undo):
        rows = self.env["customer.undo.row"].search([("run_id", "=", undo.id)])
        return {int(r.partner_id.name.split()[1]): r.outcome for r in rows}

    def test_restores_exactly(self):
        undo, wizard = self.revert()
        self.assertEqual(
            (wizard.line_ids.changed_count, wizard.line_ids.present_count), (3, 3)
        )
        self.assertEqual(self.get_shown(), self.before)
        self.assertEqual(self.get_outcomes(undo), dict.fromkeys((1, 2, 9), "restored"))
        self.assertEqual((undo.state, undo.trigger), ("done", "undo"))
        self.assertEqual((undo.undone_run_id, undo.changed_count), (self.run, 3))
        pins = self.Override.search([("undone_run_id", "=", self.run.id)])
        self.assertEqual(set(pins.mapped("origin")), {"undo"})
        self.assertEqual(set(pins.mapped("date_end")), {False})
        self.assertEqual(set(pins.mapped("reason")), {f"Run {self.run.id} taken back"})
        # pins are inputs of later runs
        self.classify()
        self.assertEqual(self.get_shown(), self.before)

    def test_history_is_added_to(self):
        count = self.History.search_count([])
        undo, _wizard = self.revert()
        rows = self.History.search([("run_id", "=", undo.id)])
        self.assertEqual(self.History.search_count([]), count + 3)
        by_customer = {row.partner_id: row for row in rows}
        row = by_customer[self.customers[0]]
        self.assertEqual(
            (row.event, row.old_category_id, row.new_category_id, row.user_id),
            ("set", self.large, self.small, self.env.user),
        )

    def test_what_is_left_and_why(self):
        self.move(1, -1000)
        self.classify()  # changed since
        self.decide(2, self.large)
        lost = self.customers[3]
        self.move(4, -400)
        gone = self.classify()
        self.assertFalse(self.assignment_in_size(lost).category_id)
        undo, _wizard = self.revert()
        self.assertEqual(
            self.get_outcomes(undo), {1: "changed", 2: "decided", 9: "restored"}
        )
        self.move(4, 400)
        back = self.classify()
        undo, _wizard = self.revert(back)
        self.assertEqual(self.get_outcomes(undo), {4: "no_former"})
        self.assertEqual(self.get_outcomes(self.revert(gone)[0]), {4: "changed"})

    def test_archived_former_category(self):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE customer_category SET active = FALSE WHERE id = %s",
            [self.small.id],
        )
        self.env.invalidate_all()
        undo, _wizard = self.revert()
        self.assertEqual(
            self.get_outcomes(undo), {1: "archived", 2: "archived", 9: "restored"}
        )

    def test_ended_decision_gives_way(self):
        with freeze_time(self.today - timedelta(days=30)):
            self.decide(1, self.large, date_end=self.today - timedelta(days=9))
        undo, _wizard = self.revert()
        self.assertEqual(self.get_outcomes(undo)[1], "restored")
        self.assertEqual(self.get_shown(), self.before)

    def decide(self, number, category, **values):
        return self.Override.create(
            {
                "partner_id": self.customers[number - 1].id,
                "dimension_id": self.size.id,
                "category_id": category.id,
                "reason": "Because",
                **values,
            }
        )

    def assignment_in_size(self, customer):
        return self.Assignment.search(
            [("partner_id", "=", customer.id), ("dimension_id", "=", self.size.id)]
        )

    def test_released(self):
        computed = self.get_shown()
        self.revert()
        self.assertEqual(self.run.pin_count, 3)
        # one by hand from the list, one made somebody's own, the rest by one button
        pins = {p.partner_id: p for p in self.Override.search([])}
        pins[self.customers[0]].action_withdraw()
        pins[self.customers[1]].write({"reason": "I want it so"})
        self.assertEqual(self.run.pin_count, 1)
        release = self.Run.browse(self.run.action_release_pins()["res_id"])
        self.assertTrue(release.is_release)
        self.assertEqual(self.get_outcomes(release), {9: "released"})
        self.assertEqual(self.run.pin_count, 0)
        kept = {**computed, self.customers[1]: self.small}
        self.assertEqual(self.get_shown(), kept)
        row = self.History.search([("run_id", "=", release.id)])
        self.assertEqual(
            (row.event, row.old_category_id, row.new_category_id),
            ("withdrawn", self.large, self.small),
        )
        with self.assert_refused(UserError, "Nothing of this run"):
            self.run.action_release_pins()

    def test_many_in_the_background(self):
        self.enterContext(patch(f"{UNDO}.FEW_CUSTOMERS", 1))
        self.enterContext(patch(f"{UNDO}.CHUNK_SIZE", 1))
        undo, _wizard = self.revert()
        self.assertEqual(undo.state, "running")
        line = undo.sudo().line_ids
        line._do_next()  # and here it was interrupted
        self.assertEqual(self.run.pin_count, 1)
        self.work(undo.sudo())
        self.assertEqual(self.get_shown(), self.before)
        self.assertEqual(undo.changed_count, 3)

    def test_several_categories(self):
        """What was added is excluded, what was removed is added again."""
        several = self.env["customer.dimension"].create(
            {
                "name": "Several",
                "code": "several_marks",
                "is_multiple": True,
                "category_ids": [
                    Command.create({"name": name}) for name in ("Ghent", "Bruges")
                ],
            }
        )
        ghent, bruges = several.category_ids
        several.rule_ids = [
            Command.create(
                {
                    "name": category.name,
                    "category_id": category.id,
                    "domain": str([("city", "=", category.name)]),
                }
            )
            for category in several.category_ids
        ]
        several.method = "rule"
        customer = self.customers[0]
        customer.city = "Ghent"
        self.classify()
        customer.city = "Bruges"
        run = self.classify()
        name = several.partner_field_name
        self.assertEqual(customer[name], bruges)
        self.revert(run)
        self.assertEqual(customer[name], ghent)
        pins = self.Override.search([("undone_run_id", "=", run.id)])
        self.assertEqual(
            {(pin.operation, pin.category_id) for pin in pins},
            {("add", ghent), ("exclude", bruges)},
        )

    def test_who_may(self):
        outsider = self.make_user("outsider", groups=None)
        user = self.make_user("classifier")
        manager = self.make_user("manager", groups=MANAGER)
        for refused in (outsider, user):
            for name in ("action_open_reversal", "action_release_pins"):
                with self.assert_refused(AccessError, ""):
                    getattr(self.run.with_user(refused), name)()
        undo, _wizard = self.revert(user=manager)
        self.assertEqual(undo.user_id, manager)
        with self.assert_refused(UserError, "has ended and changed"):
            undo.with_user(manager).action_open_reversal()
        # nobody may say that a decision of the own is an undo's
        mine = self.Override.with_user(user).create(
            {
                "partner_id": self.customers[4].id,
                "dimension_id": self.size.id,
                "category_id": self.small.id,
                "reason": "Because",
                "origin": "undo",
                "undone_run_id": self.run.id,
            }
        )
        self.assertEqual((mine.origin, mine.undone_run_id.id), ("hand", False))

    def test_two_companies(self):
        """A manager takes back only what the run did in the own companies."""
        other = self.setup_other_company(name="Other company")["company"]
        self.env.user.company_ids += other
        both = self.env(context={"allowed_company_ids": (self.env.company + other).ids})
        self.post_elsewhere(other)
        self.Run.with_env(both).classify()
        self.post_elsewhere(other, amount=1000)
        self.move(3, 1000)
        run = self.Run.with_env(both).classify()
        self.assertEqual(self.get_large(other), {1})
        self.assertIn(3, self.get_large())
        manager = self.make_user("manager", groups=MANAGER)
        undo, _wizard = self.revert(self.Run.browse(run.id), manager)
        pins = self.Override.sudo().search([("undone_run_id", "=", run.id)])
        self.assertEqual(pins.company_id, self.env.company)
        self.assertEqual(pins.partner_id, self.customers[2])
        self.assertEqual(undo.company_ids, self.env.company)

    def post_elsewhere(self, company, amount=100):
        env = self.env(context={"allowed_company_ids": company.ids})
        move = env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customers[0].id,
                "invoice_date": self.today,
                "invoice_line_ids": [
                    Command.create({"name": "It", "price_unit": amount, "tax_ids": []})
                ],
            }
        )
        move.action_post()


@tagged("post_install", "-at_install")
class TestVersionTakenBack(BrakeCommon):
    def setUp(self):
        super().setUp()
        self.first = self.in_force()
        self.before = self.get_state()

    def change(self, limit=700):
        self.set_limit(limit)
        self.classify()
        self.assertEqual(self.in_force().version, self.first.version + 1)
        return self.in_force()

    def test_restores_exactly_with_the_settings(self):
        second = self.change()
        self.assertEqual(self.get_large(), {7, 8, 9, 10})
        self.assertTrue(second.can_be_taken_back)
        run = self.Run.browse(second.action_take_back()["res_id"])
        self.assertEqual(self.size.criterion_ids.cut_5, 500)
        self.assertEqual(self.in_force(), second, "in the background")
        self.do_requested()
        self.assertEqual(self.get_state(), self.before)
        self.assertEqual(self.in_force(), self.first)
        self.assertEqual((self.first.state, second.state), ("active", "taken_back"))
        self.assertEqual((run.trigger, run.undone_ruleset_id), ("undo", second))
        rows = self.History.search([("run_id", "=", run.id)])
        self.assertEqual(
            {(r.partner_id.name, r.old_category_id, r.new_category_id) for r in rows},
            {(f"Customer {n}", self.small, self.large) for n in (5, 6)},
        )
        self.assertTrue(all(rows.mapped("inputs")))
        self.assertFalse(self.size.has_pending_settings)
        self.night()
        self.assertEqual(self.in_force(), self.first)
        # the next version has a number of its own
        self.set_limit(600)
        self.classify()
        self.assertEqual(self.in_force().version, 3)
        self.assertEqual(self.in_force()._get_former(), self.first)

    def test_more_than_the_brake_allows(self):
        """Taking back is a manager's decision already."""
        self.size.brake_share = 0
        second = self.change(1000)
        self.size.brake_share = 20
        second.action_take_back()
        self.do_requested()
        self.assertEqual(self.get_state(), self.before)
        self.assertFalse(self.get_hold())

    def test_category_kept_before_is_kept_again(self):
        """Customer 5 was Large by the limit to keep it; by now it would not be."""
        self.size.brake_share = 0
        self.large.keep_score = 4
        self.size.criterion_ids.write({"cut_4": 300})
        self.size.grace_days = 10
        self.classify()
        first = self.in_force()
        # from 1,000 to 500 points fall from 5 to 4 at most: kept
        self.post(self.customers[4], -100, 0)  # 400: score 4
        self.classify()
        self.assertIn(5, self.get_large())
        self.post(self.customers[5], -500, 0)  # 100: score 2, in grace
        self.classify()
        self.assertIn(6, self.get_large())
        before = self.get_state()
        grace = before[self.customers[5].id, self.env.company.id][2]
        self.assertEqual(grace, self.today + timedelta(days=10))
        self.large.keep_score = 0
        self.size.grace_days = 0
        self.classify()
        second = self.in_force()
        self.assertEqual(self.get_large(), {7, 8, 9, 10})
        second.action_take_back()
        self.do_requested()
        self.assertEqual(self.in_force(), first)
        self.assertEqual(self.get_state(), before)

    def test_who_had_no_category_has_none_again(self):
        self.size.brake_share = 0
        self.large.keep_score = 3
        self.small.minimum_score = 2
        self.post(self.customers[0], -100, 0)  # 0: no score
        self.classify()
        self.assertNotIn(
            self.small.id,
            [self.get_state().get((self.customers[0].id, self.env.company.id), [0])[0]],
        )
        before = self.get_state()
        self.size.default_category_id = self.large
        self.classify()
        self.assertIn(1, self.get_large())
        self.in_force().action_take_back()
        self.do_requested()
        self.assertEqual(self.get_state(), before)

    def test_renewed_limits(self):
        """The former limits come back, and the next renewal is postponed."""
        self.size.brake_share = 0
        self.size.criterion_ids.write(
            {"cut_mode": "share", "cut_5": 60, "cut_4": 70, "cut_3": 80, "cut_2": 90}
        )
        self.classify()
        first, before, cuts = self.in_force(), self.get_state(), None
        cuts = first._get_cuts()
        self.post(self.customers[0], 90000, 0)
        self.classify()
        before = self.get_state()
        first.sudo()._expire_cuts()
        self.classify()
        second = self.in_force()
        self.assertEqual(second.origin, "refresh")
        self.assertNotEqual(second._get_cuts(), cuts)
        second.action_take_back()
        self.do_requested()
        self.assertEqual(self.in_force(), first)
        self.assertEqual(first._get_cuts(), cuts)
        self.assertEqual(first.refresh_on, self.today + timedelta(days=30))
        self.assertEqual(self.get_state(), before)
        self.night()
        self.assertEqual(self.in_force(), first)

    def test_settings_that_change_meanwhile_win(self):
        second = self.change()
        second.action_take_back()
        self.set_limit(600)
        self.do_requested()
        self.assertEqual(self.get_large(), {6, 7, 8, 9, 10})
        self.assertEqual(self.in_force().version, 3)
        self.assertFalse(self.first.is_wanted)

    def test_what_cannot_be_taken_back(self):
        with self.assert_refused(UserError, "Only the version in force"):
            self.first.action_take_back()
        self.change()
        with self.assert_refused(UserError, "Only the version in force"):
            self.first.action_take_back()

    def test_rejected_settings_brought_back(self):
        self.set_limit(900)
        self.classify()
        self.get_hold().action_reject("By mistake")
        self.assertTrue(self.size.rejected_version_id)
        self.size.action_bring_settings_back()
        self.assertEqual(self.size.criterion_ids.cut_5, 500)
        self.night()
        self.assertFalse(self.size.rejected_version_id)
        self.assertFalse(self.size.has_pending_settings)
        self.assertEqual(self.get_state(), self.before)

    def test_who_may(self):
        second = self.change()
        for groups in (
            None,
            "customer_classification.group_customer_classification_user",
        ):
            user = self.make_user(f"user_{bool(groups)}", groups=groups)
            with self.assert_refused(AccessError, ""):
                second.with_user(user).action_take_back()
            with self.assert_refused(AccessError, ""):
                self.size.with_user(user).action_bring_settings_back()
        manager = self.make_user("manager", groups=MANAGER)
        run = self.Run.browse(second.with_user(manager).action_take_back()["res_id"])
        self.assertEqual(run.user_id, manager)
