"""The brake: what would change too many customers waits for a manager."""

from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import MANAGER, ClassificationCommon


class BrakeCommon(ClassificationCommon):
    """Ten customers, 100 to 1,000 of revenue; from 500 on they are Large.

    So 6 of them are Large and 4 Small, and a limit moved by 100 moves one customer.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dimension.active = False
        cls.size = cls.make_size("Brake size", "brake_size")
        cls.large, cls.small = cls.size.category_ids
        cls.customers = [cls.make_customer(f"Customer {n}") for n in range(1, 11)]
        cls.Hold = cls.env["customer.hold"]
        cls.post_all()

    @classmethod
    def post_all(cls):
        """Post an invoice for each: all at once, which takes a fraction of the time."""
        moves = cls.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": customer.id,
                    "invoice_date": cls.today - timedelta(days=10),
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": cls.product_a.id,
                                "price_unit": 100 * number,
                                "tax_ids": [],
                            }
                        )
                    ],
                }
                for number, customer in enumerate(cls.customers, 1)
            ]
        )
        moves.action_post()

    @classmethod
    def make_size(cls, name, code):
        dimension = cls.env["customer.dimension"].create(
            {
                "name": name,
                "code": code,
                "method": "score",
                "brake_share": 20,
                "category_ids": [
                    Command.create({"name": "Large", "minimum_score": 5}),
                    Command.create({"name": "Small", "minimum_score": 1}),
                ],
                "criterion_ids": [
                    Command.create(
                        {
                            "metric_id": cls.get_metric("revenue_window").id,
                            "weight": 1,
                            "cut_mode": "fixed",
                            **cls.get_cuts(500),
                        }
                    )
                ],
            }
        )
        return dimension

    @staticmethod
    def get_cuts(limit):
        return {"cut_2": 1, "cut_3": 2, "cut_4": 3, "cut_5": limit}

    def setUp(self):
        super().setUp()
        self.classify()
        self.assertEqual(self.get_large(), {5, 6, 7, 8, 9, 10})

    def set_limit(self, limit, dimension=None):
        (dimension or self.size).criterion_ids.write(self.get_cuts(limit))

    def get_large(self, company=None, dimension=None):
        """Return the numbers of the customers that the engine calls Large."""
        dimension = dimension or self.size
        rows = self.Assignment.search(
            [
                ("company_id", "=", (company or self.env.company).id),
                ("dimension_id", "=", dimension.id),
                ("category_id", "=", dimension.category_ids[0].id),
            ]
        )
        return {int(row.partner_id.name.split()[1]) for row in rows}

    def get_state(self):
        """Return all assignments, to compare them exactly."""
        rows = self.Assignment.search([("dimension_id", "=", self.size.id)])
        return {
            (r.partner_id.id, r.company_id.id): (
                r.category_id.id,
                r.score,
                r.grace_until,
            )
            for r in rows
        }

    def get_hold(self, **values):
        domain = [("dimension_id", "=", self.size.id), ("state", "=", "held")]
        domain += [(name, "=", value) for name, value in values.items()]
        return self.Hold.search(domain)

    def in_force(self):
        return self.Ruleset._get_in_force(self.size, self.env.company)

    def night(self):
        """Do what is pending, and the run of the night."""
        run = self.Run.sudo()._create_run(
            "cron",
            self.env.company,
            extents={self.env.company.id: "due", False: "due"},
        )
        self.env["customer.change"].sudo()._drain_to(run.line_ids)
        self.work(run)
        return run

    def minute(self):
        run = self.Run.sudo()._create_run(
            "changes",
            self.env.company,
            extents={self.env.company.id: "touched", False: "touched"},
        )
        self.env["customer.change"].sudo()._drain_to(run.line_ids)
        self.work(run)
        return run

    def work(self, run):
        for line in run.line_ids:
            line._process()
        run._close()
        self.assertEqual(run.state, "done", run.line_ids.mapped("error"))

    def do_requested(self):
        """Do the runs that were asked for."""
        runs = self.Run.sudo().search(
            [("state", "=", "running"), ("trigger", "in", ("request", "undo"))]
        )
        self.assertTrue(runs)
        for run in runs:
            self.work(run)
        return runs


@tagged("post_install", "-at_install")
class TestHeldVersion(BrakeCommon):
    def test_exactly_the_share_passes(self):
        self.set_limit(700)  # 5 and 6: two of ten
        self.classify()
        self.assertEqual(self.get_large(), {7, 8, 9, 10})
        self.assertEqual(self.in_force().version, 2)
        self.assertFalse(self.get_hold())

    def test_one_more_is_held_before_anything_is_written(self):
        before, history = self.get_state(), self.History.search_count([])
        self.set_limit(800)  # 5, 6 and 7: three of ten
        run = self.classify()
        hold = self.get_hold()
        self.assertEqual(
            (hold.kind, hold.moved_count, hold.classified_count, hold.moved_share),
            ("version", 3, 10, 30),
        )
        self.assertEqual(self.get_state(), before)
        self.assertEqual(self.History.search_count([]), history)
        self.assertEqual(self.in_force().version, 1)
        self.assertEqual(hold.ruleset_id.state, "held")
        self.assertIn("3 of 10", run.sudo().line_ids.held_note)
        self.assertFalse(self.size.has_pending_settings)
        self.assertEqual(self.size.held_version_id, hold)
        moves = hold.cell_ids.filtered("is_move")
        self.assertEqual(
            (moves.from_id, moves.to_id, moves.customer_count, moves.revenue),
            (self.large, self.small, 3, 500 + 600 + 700),
        )

    def test_one_customer_alone_is_never_held(self):
        self.size.brake_share = 5
        self.set_limit(600)
        self.classify()
        self.assertEqual(self.get_large(), {6, 7, 8, 9, 10})

    def test_without_brake(self):
        self.size.brake_share = 0
        self.set_limit(1000)
        self.classify()
        self.assertEqual(self.get_large(), {10})

    def test_first_version_passes(self):
        other = self.make_size("Second size", "second_size")
        self.classify()
        self.assertEqual(self.get_large(dimension=other), {5, 6, 7, 8, 9, 10})

    def test_kept_while_it_waits(self):
        """Every night the same: one record, one message, nothing counted again."""
        self.set_limit(800)
        self.classify()
        hold = self.get_hold()
        messages = hold.message_ids
        for _night in range(2):
            self.night()
        self.assertEqual(self.get_hold(), hold)
        self.assertEqual(hold.message_ids, messages)
        self.assertEqual(len(messages), 1)

    def test_approved(self):
        self.set_limit(800)
        self.classify()
        hold = self.get_hold()
        self.assertFalse(hold.comparison_id._get_matrix()["isPast"])
        hold.action_approve()
        self.assertEqual(self.get_large(), {5, 6, 7, 8, 9, 10}, "in the background")
        self.assertTrue(hold.comparison_id._get_matrix()["isPast"])
        [run] = self.do_requested()
        self.assertEqual(self.get_large(), {8, 9, 10})
        self.assertEqual(self.in_force(), hold.ruleset_id)
        self.assertEqual(self.in_force().version, 2)
        self.assertEqual((hold.state, hold.moved_count), ("approved", 3))
        self.assertFalse(run.sudo().line_ids.held_note)
        rows = self.History.search([("run_id", "=", run.id)])
        self.assertEqual(len(rows), 3)
        before = self.get_state()
        self.classify()
        self.assertEqual(self.get_state(), before, "as a run of all has it")

    def test_rejected_settings_are_not_tried_again(self):
        self.set_limit(800)
        self.classify()
        hold = self.get_hold()
        with self.assert_refused(UserError, "reason"):
            hold.action_reject(" ")
        hold.action_reject("By mistake")
        for _night in range(2):
            self.night()
        self.assertFalse(self.get_hold())
        self.assertEqual(self.in_force().version, 1)
        self.assertEqual(self.size.rejected_version_id, hold.ruleset_id)
        # other settings, and then the same again: that is a new question
        self.set_limit(600)
        self.night()
        self.assertEqual(self.get_large(), {6, 7, 8, 9, 10})
        self.set_limit(800)
        self.night()
        self.assertEqual(self.get_large(), {8, 9, 10}, "two of ten")
        self.assertFalse(self.size.rejected_version_id)

    def test_replaced_when_the_settings_change_again(self):
        self.set_limit(800)
        self.classify()
        first = self.get_hold()
        self.set_limit(900)
        with self.assert_refused(UserError, "changed after"):
            first.action_approve()
        self.night()
        second = self.get_hold()
        self.assertEqual(first.state, "replaced")
        self.assertEqual(second.moved_count, 4)
        self.set_limit(500)
        self.night()
        self.assertEqual(second.state, "replaced")
        self.assertFalse(self.get_hold())
        self.assertEqual(self.in_force().version, 1)

    def test_brake_off_lets_it_pass(self):
        self.set_limit(800)
        self.classify()
        hold = self.get_hold()
        self.size.brake_share = 0
        self.night()
        self.assertEqual(self.get_large(), {8, 9, 10})
        self.assertEqual(hold.state, "replaced")

    def test_increments_keep_the_version_in_force(self):
        self.set_limit(800)
        self.classify()
        self.post(self.customers[0], 450, 0)  # Customer 1 has 550: Large by version 1
        self.minute()
        self.assertEqual(self.get_large(), {1, 5, 6, 7, 8, 9, 10})
        before = self.get_state()
        self.classify()
        self.assertEqual(self.get_state(), before, "a run of all gives the same")

    def test_changed_period_suspends_the_dimension(self):
        """Figures of another period are not judged by the version in force."""
        before = self.get_state()
        self.env.company.customer_window_days = 5
        self.classify()
        self.assertTrue(self.get_hold(kind="version"))
        self.assertEqual(self.get_state(), before)
        self.post(self.customers[0], 450, 0)
        self.minute()
        self.assertEqual(self.get_state(), before)
        self.env.company.customer_window_days = 365
        self.classify()
        self.assertFalse(self.get_hold())
        self.assertEqual(self.get_large(), {1, 5, 6, 7, 8, 9, 10})

    def test_renewed_limits(self):
        """Rejected, they are not renewed before the rhythm is over."""
        self.size.criterion_ids.write(
            {"cut_mode": "share", "cut_5": 60, "cut_4": 70, "cut_3": 80, "cut_2": 90}
        )
        self.size.brake_share = 0
        self.classify()
        self.size.brake_share = 20
        version = self.in_force()
        for customer in self.customers[:3]:
            self.post(customer, 5000, 0)
        self.size.brake_share = 100
        self.minute()
        self.size.brake_share = 20
        version.sudo()._expire_cuts()
        self.night()
        hold = self.get_hold()
        self.assertEqual(hold.ruleset_id.origin, "refresh")
        hold.action_reject("Too early")
        self.assertEqual(version.refresh_on, self.today + timedelta(days=30))
        self.night()
        self.assertFalse(self.get_hold())
        self.assertFalse(self.size.rejected_version_id)

    def test_two_companies(self):
        other = self.setup_other_company(name="Other company")["company"]
        self.set_limit(800)
        self.classify()
        hold = self.get_hold()
        self.assertEqual(hold.company_id, self.env.company)
        manager = self.make_user("elsewhere", groups=MANAGER)
        manager.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        self.assertFalse(self.Hold.with_user(manager).search([]))
        with self.assert_refused(AccessError, ""):
            hold.with_user(manager).action_approve()

    def test_who_decides(self):
        self.set_limit(800)
        self.classify()
        hold = self.get_hold()
        outsider = self.make_user("outsider", groups=None)
        user = self.make_user("classifier")
        manager = self.make_user("manager", groups=MANAGER)
        for refused in (outsider, user):
            for call in (
                lambda h: h.action_approve(),
                lambda h: h.action_reject("No"),
                lambda h: h.action_compare(),
                lambda h: h.action_open_rejection(),
                lambda h: h.read(["state"]),
            ):
                with self.assert_refused(AccessError, ""):
                    call(hold.with_user(refused))
        with self.assert_refused(AccessError, ""):
            hold.with_user(manager).write({"state": "approved"})
        self.env["customer.hold.rejection"].with_user(manager).create(
            {"hold_id": hold.id, "reason": "No"}
        ).action_reject()
        self.assertEqual((hold.state, hold.decided_by_id), ("rejected", manager))
        with self.assert_refused(UserError, "any more"):
            hold.with_user(manager).action_approve()

    def test_managers_are_told(self):
        manager = self.make_user("manager", groups=MANAGER)
        elsewhere = self.make_user("elsewhere", groups=MANAGER)
        company = self.env["res.company"].create({"name": "Elsewhere"})
        elsewhere.write(
            {"company_ids": [Command.set(company.ids)], "company_id": company.id}
        )
        self.set_limit(800)
        self.classify()
        told = self.get_hold().message_ids.notified_partner_ids
        self.assertIn(manager.partner_id, told)
        self.assertNotIn(elsewhere.partner_id, told)


@tagged("post_install", "-at_install")
class TestHeldMovement(BrakeCommon):
    """What invoices change adds up per day."""

    def raise_revenue(self, *numbers):
        """Make Small customers Large."""
        for number in numbers:
            self.post(self.customers[number - 1], 1000, 0)

    def test_a_day_adds_up(self):
        self.raise_revenue(1)
        self.minute()
        self.raise_revenue(2)
        self.minute()
        self.assertEqual(self.get_large(), {1, 2, 5, 6, 7, 8, 9, 10}, "two of ten")
        self.assertFalse(self.get_hold())
        self.raise_revenue(3)
        run = self.minute()
        self.assertEqual(self.get_large(), {1, 2, 5, 6, 7, 8, 9, 10}, "a third is held")
        hold = self.get_hold()
        self.assertEqual(
            (hold.kind, hold.passed_count, hold.moved_count, hold.moved_share),
            ("data", 2, 1, 30),
        )
        self.assertIn("2 have changed", run.sudo().line_ids.held_note)
        self.assertEqual(hold.movement_ids.partner_id, self.customers[2])
        # and what follows, too
        self.raise_revenue(4)
        self.minute()
        self.assertEqual(hold.moved_count, 2)
        self.assertEqual(self.figures_of(self.customers[3]).revenue_window, 1400)

    def test_each_customer_counts_once(self):
        for amount in (1000, -1000, 1000):
            self.post(self.customers[0], amount, 0)
            self.minute()
        self.raise_revenue(2)
        self.minute()
        self.assertEqual(self.get_large(), {1, 2, 5, 6, 7, 8, 9, 10})
        self.assertFalse(self.get_hold())

    def test_another_day_begins_anew(self):
        self.raise_revenue(1, 2)
        self.minute()
        with freeze_time(self.today + timedelta(days=1)):
            self.raise_revenue(3, 4)
            self.night()
            self.assertEqual(self.get_large(), set(range(1, 11)))
            self.assertFalse(self.get_hold())

    def test_new_customers_are_no_movement(self):
        for number in range(11, 15):
            self.post(self.make_customer(f"Customer {number}"), 5000, 0)
        self.raise_revenue(1, 2)
        self.minute()
        self.assertEqual(self.get_large(), {1, 2, *range(5, 15)})
        self.assertFalse(self.get_hold())

    def test_approved_equals_a_full_run(self):
        self.raise_revenue(1, 2, 3)
        self.minute()
        self.assertEqual(self.get_large(), {5, 6, 7, 8, 9, 10})
        before = self.get_state()
        self.night()
        self.classify()
        self.assertEqual(self.get_state(), before, "held in every run")
        hold = self.get_hold()
        self.assertEqual(hold.moved_count, 3)
        hold.action_approve()
        self.minute()
        self.assertEqual(self.get_large(), {1, 2, 3, 5, 6, 7, 8, 9, 10})
        self.assertEqual((hold.state, hold.moved_count), ("approved", 3))
        self.assertFalse(hold.movement_ids)
        before = self.get_state()
        self.classify()
        self.assertEqual(self.get_state(), before)
        # the count of the day begins anew: 4 is one of ten
        self.raise_revenue(4)
        self.minute()
        self.assertEqual(self.get_large(), set(range(1, 11)))

    def test_who_would_not_change_any_more_does_not_wait(self):
        self.raise_revenue(1, 2, 3)
        self.minute()
        self.post(self.customers[0], -1000, 0)
        self.minute()
        hold = self.get_hold()
        self.assertEqual(
            hold.movement_ids.partner_id, self.customers[1] + self.customers[2]
        )
        hold.action_approve()
        self.minute()
        self.assertEqual(self.get_large(), {2, 3, 5, 6, 7, 8, 9, 10})

    def test_held_over_days(self):
        self.raise_revenue(1, 2, 3)
        self.minute()
        with freeze_time(self.today + timedelta(days=1)):
            self.night()
            self.assertEqual(self.get_large(), {5, 6, 7, 8, 9, 10})
            self.assertEqual(len(self.get_hold()), 1)
            self.raise_revenue(4)
            self.minute()
            self.assertEqual(self.get_large(), {5, 6, 7, 8, 9, 10})
            self.get_hold().action_approve()
            self.minute()
            self.assertEqual(self.get_large(), set(range(1, 11)))

    def test_rejected_for_the_day(self):
        self.size.brake_share = 30
        self.raise_revenue(1, 2, 3, 4)
        self.minute()
        hold = self.get_hold()
        hold.action_reject("Wrong import, being corrected")
        self.assertEqual(hold.state, "rejected")
        self.assertEqual(self.size.held_movement_id, hold)
        self.night()
        self.assertEqual(self.get_large(), {5, 6, 7, 8, 9, 10})
        self.post(self.customers[3], -1000, 0)
        self.minute()
        self.assertFalse(self.get_hold(), "no new question that day")
        with freeze_time(self.today + timedelta(days=1)):
            self.night()
            # three of ten now: allowed
            self.assertEqual(self.get_large(), {1, 2, 3, 5, 6, 7, 8, 9, 10})
            self.assertFalse(self.get_hold())
            self.assertFalse(
                self.env["customer.hold.customer"].search([("hold_id", "!=", False)])
            )

    def test_brake_off_lets_them_go(self):
        self.raise_revenue(1, 2, 3)
        self.minute()
        self.size.brake_share = 0
        self.minute()
        self.assertEqual(self.get_large(), {1, 2, 3, 5, 6, 7, 8, 9, 10})
        self.assertFalse(self.get_hold())

    def test_new_version_decides_about_all(self):
        self.raise_revenue(1, 2, 3)
        self.minute()
        hold = self.get_hold()
        self.set_limit(1050)  # 1 to 3 are Large with 1100 to 1300, 5 to 10 Small
        self.night()
        self.assertEqual(self.get_hold(kind="version").moved_count, 9)
        self.get_hold(kind="version").action_approve()
        self.do_requested()
        self.assertEqual(self.get_large(), {1, 2, 3})
        self.assertEqual(hold.state, "replaced")

    def test_dimension_that_computes_no_more(self):
        self.size.method = "manual"
        self.classify()
        self.assertEqual(self.get_large(), {5, 6, 7, 8, 9, 10})
        self.assertEqual(self.get_hold().moved_count, 10)
        self.get_hold().action_approve()
        self.minute()
        self.assertFalse(self.get_large())

    def test_check_knows_who_waits(self):
        self.raise_revenue(1, 2, 3)
        self.minute()
        check = self.env["customer.check"].sudo()._create_check("request")
        line = check.line_ids.filtered(lambda each: each.company_id == self.env.company)
        while line.state == "pending":
            line._do_next()
        self.assertEqual((line.difference_count, line.error), (0, False))
        self.assertEqual(line.waiting_count, 3)
