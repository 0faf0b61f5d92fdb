from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .check_common import CheckCommon
from .common import MANAGER

SCHEDULE_LOGGER = "odoo.addons.customer_classification.models.customer_check_schedule"


@tagged("post_install", "-at_install")
class TestCheck(CheckCommon):
    """What is stored equals a computation anew; what differs is found and repaired."""

    def setUp(self):
        super().setUp()
        self.alpha, self.beta, self.gamma = map(
            self.make_customer, ("Alpha", "Beta", "Gamma")
        )
        for number, customer in enumerate((self.alpha, self.beta, self.gamma), 1):
            self.post(customer, 100 * number, 10 * number)
        self.run_night()

    def assert_repaired(self, check, names):
        self.assertEqual(check.result, "repaired")
        self.assertEqual(
            set(check.difference_ids.partner_id.mapped("name")), set(names)
        )
        self.assertEqual(set(check.difference_ids.mapped("state")), {"repaired"})
        self.assertEqual(check.difference_count, len(names))
        self.assertEqual(check.remaining_count, 0)
        self.assertEqual(check.run_id.state, "done")
        self.assert_figures()
        self.assert_tiers()
        after = self.check()
        self.assert_agrees(after)
        self.assertEqual(after.result, "agrees")

    # Nothing is wrong

    def test_nothing_is_wrong(self):
        self.Override.create(
            {
                "partner_id": self.alpha.id,
                "dimension_id": self.dimension.id,
                "category_id": self.gold.id,
                "reason": "Because",
            }
        )
        self.beta.active = False
        self.env["customer.exclusion"].create({"partner_id": self.gamma.id})
        self.run_night()
        check = self.check()
        self.assertEqual(check.result, "agrees")
        self.assertEqual(self.line_of(check).compared_count, 2)
        self.assertFalse(self.line_of(check).note)

    def test_nothing_is_left_of_a_check(self):
        def everything():
            self.env.flush_all()
            self.env.cr.execute(
                """
                SELECT (SELECT json_agg(f ORDER BY id) FROM customer_figures f),
                       (SELECT json_agg(a ORDER BY id) FROM customer_assignment a),
                       (SELECT json_agg(h ORDER BY id)
                          FROM customer_assignment_history h),
                       (SELECT count(*) FROM customer_classification_run),
                       (SELECT count(*) FROM customer_staging),
                       (SELECT count(*) FROM customer_ruleset)
                """
            )
            return self.env.cr.fetchall()

        self.sql("UPDATE customer_figures SET revenue_window = 1")
        self.sql("UPDATE customer_assignment SET score = 1")
        before = everything()
        self.assertEqual(self.check().result, "differs")
        self.assertEqual(everything(), before)

    def test_changes_wait(self):
        self.post(self.alpha, 5000, 1)
        self.beta.customer_rank = 0
        check = self.check()
        self.assertEqual(check.result, "waiting")
        self.assertEqual(self.line_of(check).waiting_count, 2)

    def test_taken_over_changes_wait(self):
        self.post(self.alpha, 5000, 1)
        run = self.Run.sudo()._create_run(
            "changes", self.env.company, extents={self.env.company.id: "touched"}
        )
        self.env["customer.change"].sudo()._drain_to(run.line_ids)
        check = self.check()
        self.assertEqual(check.result, "waiting")
        self.assertEqual(self.line_of(check).waiting_count, 1)

    def test_changed_settings_wait(self):
        self.env.company.customer_window_days = 5
        self.sql("UPDATE customer_assignment SET score = 1")
        check = self.check()
        self.assertEqual(self.line_of(check).result, "waiting")
        self.assertIn("changed settings", self.line_of(check).note)
        self.run_night()
        self.assertEqual(self.check().result, "agrees")

    def test_full_run_that_did_not_end_is_to_be_done(self):
        run = self.Run.sudo()._create_run("request", self.env.company)
        run.line_ids.state = "stopped"
        run._close()
        self.sql("UPDATE customer_assignment SET score = 1")
        self.assertEqual(self.line_of(self.check()).result, "waiting")

    def test_limits_that_the_calendar_moves_wait(self):
        criterion = self.dimension.criterion_ids.filtered(
            lambda c: c.metric_id.code == "last_date"
        )
        criterion.write(
            {"cut_mode": "fixed", "cut_2": 100, "cut_3": 60, "cut_4": 31, "cut_5": 10}
        )
        self.run_night()
        before = self.assignment_of(self.gamma).recency_score
        with freeze_time(fields.Datetime.now() + timedelta(days=2)):
            # Gamma bought 30 days before the night, and Alpha 10
            check = self.check()
            self.assertEqual(check.result, "waiting")
            self.assertGreaterEqual(self.line_of(check).waiting_count, 2)
            self.run_night()
            self.assertEqual(self.check().result, "agrees")
        after = self.assignment_of(self.gamma).recency_score
        self.assertEqual((before, after), (4, 3))

    def test_waits_for_a_run(self):
        run = self.Run.sudo()._create_run("request", self.env.company)
        check = self.Check._create_check("request")
        self.run_cron("ir_cron_check")
        self.assertEqual(check.state, "running")
        run.line_ids.state = "done"
        self.run_cron("ir_cron_check")
        self.assertEqual(check.state, "done")

    # Something is wrong

    def test_figure_is_wrong(self):
        self.sql(
            "UPDATE customer_figures SET purchase_days = 7 WHERE partner_id = %s",
            self.alpha.id,
        )
        check = self.check_scheduled()
        self.assertEqual(
            self.differences_of(check),
            [("Alpha", "figures", "value", "purchase_days", "7", "1")],
        )
        self.assert_repaired(check, ["Alpha"])

    def test_wrong_figure_makes_no_right_category_differ(self):
        self.sql(
            "UPDATE customer_figures SET revenue_window = 0.01 WHERE partner_id = %s",
            self.gamma.id,
        )
        check = self.check()
        self.assertEqual(
            self.differences_of(check),
            [("Gamma", "figures", "value", "revenue_window", "0.01", "300.00")],
        )

    def test_row_of_figures_is_missing(self):
        self.sql("DELETE FROM customer_figures WHERE partner_id = %s", self.beta.id)
        check = self.check_scheduled()
        self.assertEqual(
            self.differences_of(check),
            [
                ("Beta", "figures", "missing", "revenue_total", False, "200.00"),
                ("Beta", "ledger", "value", "revenue_total", "0", "200.00"),
            ],
        )
        self.assert_repaired(check, ["Beta"])

    def test_row_of_figures_is_too_many(self):
        stranger = self.make_customer("Stranger", customer_rank=0)
        self.run_night()
        self.sql(
            "INSERT INTO customer_figures (partner_id, company_id, revenue_total)"
            " VALUES (%s, %s, 12)",
            stranger.id,
            self.env.company.id,
        )
        check = self.check_scheduled()
        self.assertIn(
            ("Stranger", "figures", "surplus", "revenue_total", "12", False),
            self.differences_of(check),
        )
        self.assert_repaired(check, ["Stranger"])

    def test_category_is_wrong(self):
        stored = self.assignment_of(self.alpha).category_id
        wrong = (self.dimension.category_ids - stored)[0]
        self.sql(
            "UPDATE customer_assignment SET category_id = %s WHERE partner_id = %s",
            wrong.id,
            self.alpha.id,
        )
        check = self.check_scheduled()
        [row] = check.difference_ids
        self.assertEqual(row.dimension_id, self.dimension)
        self.assertEqual(
            (row.what, row.stored, row.computed),
            (self.dimension.name, wrong.display_name, stored.display_name),
        )
        self.assert_repaired(check, ["Alpha"])

    def test_score_is_wrong(self):
        self.sql(
            "UPDATE customer_assignment SET monetary_score = 0 WHERE partner_id = %s",
            self.alpha.id,
        )
        check = self.check_scheduled()
        [row] = check.difference_ids
        self.assertEqual((row.field_name, row.stored), ("monetary_score", "0"))
        self.assert_repaired(check, ["Alpha"])

    def test_category_is_missing(self):
        self.sql("DELETE FROM customer_assignment WHERE partner_id = %s", self.beta.id)
        check = self.check_scheduled()
        [row] = check.difference_ids
        self.assertEqual((row.kind, row.subject), ("missing", "category"))
        self.assert_repaired(check, ["Beta"])

    def test_category_is_too_many(self):
        stranger = self.make_customer("Stranger")
        self.run_night()
        self.sql(
            "INSERT INTO customer_assignment"
            " (partner_id, company_id, dimension_id, slot, category_id, since)"
            " VALUES (%s, %s, %s, 0, %s, now())",
            stranger.id,
            self.env.company.id,
            self.dimension.id,
            self.gold.id,
        )
        check = self.check_scheduled()
        [row] = check.difference_ids
        self.assertEqual((row.kind, row.partner_id), ("surplus", stranger))
        self.assert_repaired(check, ["Stranger"])

    def test_row_of_a_contact_that_is_gone(self):
        gone = self.make_customer("Gone")
        self.post(gone, 10, 3)
        self.run_night()
        self.sql(
            "UPDATE customer_figures SET partner_id = 2000000000 WHERE partner_id = %s",
            gone.id,
        )
        self.sql(
            "INSERT INTO customer_assignment"
            " (partner_id, company_id, dimension_id, slot, category_id, since)"
            " VALUES (2000000001, %s, %s, 0, %s, now())",
            self.env.company.id,
            self.dimension.id,
            self.gold.id,
        )
        check = self.check_scheduled()
        self.assertEqual(check.result, "repaired")
        rows = check.difference_ids
        self.assertLessEqual(
            {2000000000, 2000000001}, set(rows.mapped("contact_number"))
        )
        self.assertFalse(
            rows.filtered(lambda r: r.contact_number > 1999999999).partner_id
        )
        gone = [("partner_id", ">", 1999999999)]
        self.assertFalse(self.Figures.search(gone))
        self.assertFalse(self.Assignment.search(gone))
        self.assert_figures()
        self.assertEqual(self.check().result, "agrees")

    def test_only_named_once(self):
        """A customer who differs in several ways is one customer."""
        self.sql(
            "UPDATE customer_figures SET revenue_total = 1, purchase_days = 9"
            " WHERE partner_id = %s",
            self.alpha.id,
        )
        self.sql(
            "UPDATE customer_assignment SET score = 1 WHERE partner_id = %s",
            self.alpha.id,
        )
        check = self.check()
        self.assertEqual(check.difference_count, 1)
        self.assertEqual(len(check.difference_ids), 4)

    def test_more_than_are_listed(self):
        path = "odoo.addons.customer_classification.models"
        self.sql("UPDATE customer_figures SET purchase_days = 9")
        with (
            patch(f"{path}.customer_check_difference.MAX_LISTED", 2),
            patch(f"{path}.customer_check_recompute.MAX_LISTED", 2),
        ):
            check = self.check_scheduled()
        self.assertEqual(check.difference_count, 3)
        self.assertEqual(len(check.difference_ids), 2)
        self.assertEqual(check.result, "repaired")
        self.assert_figures()

    # What is left out

    def test_what_other_records_decide_is_left_to_the_night(self):
        region = self.env.ref("customer_classification.dimension_industry")
        region.active = True
        by_tag = self.env["customer.dimension"].create(
            {
                "name": "By tag",
                "method": "rule",
                "category_ids": [fields.Command.create({"name": "Tagged"})],
            }
        )
        self.env["customer.dimension.rule"].create(
            {
                "name": "Tagged",
                "dimension_id": by_tag.id,
                "category_id": by_tag.category_ids.id,
                "domain": "[('category_id.name', '=', 'Tag')]",
            }
        )
        self.run_night()
        self.sql("DELETE FROM customer_assignment WHERE dimension_id = %s", by_tag.id)
        check = self.check()
        self.assertEqual(check.result, "agrees")
        self.assertIn("By tag", self.line_of(check).note)
        self.assertNotIn(region.name, self.line_of(check).note)

    def test_rule_about_contacts_is_compared(self):
        by_city = self.env["customer.dimension"].create(
            {
                "name": "By city",
                "method": "rule",
                "category_ids": [fields.Command.create({"name": "Here"})],
            }
        )
        self.env["customer.dimension.rule"].create(
            {
                "name": "Here",
                "dimension_id": by_city.id,
                "category_id": by_city.category_ids.id,
                "domain": "[('city', '=', 'Here')]",
            }
        )
        self.alpha.city = "Here"
        self.run_night()
        self.assertEqual(self.check().result, "agrees")
        self.sql("DELETE FROM customer_assignment WHERE dimension_id = %s", by_city.id)
        check = self.check()
        self.assertEqual(check.difference_ids.partner_id, self.alpha)
        self.assertEqual(check.difference_ids.dimension_id, by_city)

    # Repair

    def test_asked_for_is_repaired_when_asked(self):
        self.sql("UPDATE customer_figures SET purchase_days = 9")
        check = self.check()
        self.assertEqual(check.result, "differs")
        self.assertEqual(self.figures_of(self.alpha).purchase_days, 9)
        check.action_repair()
        self.run_cron("ir_cron_check")
        self.assert_repaired(check, ["Alpha", "Beta", "Gamma"])
        with self.assert_refused(UserError, "nothing to repair"):
            check.action_repair()

    @mute_logger(SCHEDULE_LOGGER)
    def test_what_comes_back_is_reported(self):
        manager = self.make_user("check_manager", groups=MANAGER)
        Facts = self.registry["customer.figures"]
        self.sql("UPDATE customer_figures SET purchase_days = 9")
        with (
            patch.object(Facts, "_update", lambda *args: 0),
            self.assertLogs(SCHEDULE_LOGGER, "ERROR") as logs,
        ):
            check = self.check_scheduled()
        self.assertEqual(check.result, "remaining")
        self.assertEqual(check.remaining_count, 3)
        self.assertEqual(set(check.difference_ids.mapped("state")), {"remaining"})
        self.assertIn("came back", logs.output[0])
        message = check.message_ids.filtered(lambda m: m.partner_ids)
        self.assertIn(manager.partner_id, message.partner_ids)

    @mute_logger(SCHEDULE_LOGGER)
    def test_what_differs_again_later_is_reported(self):
        for _time in range(2):
            self.sql(
                "UPDATE customer_figures SET purchase_days = 9 WHERE partner_id = %s",
                self.alpha.id,
            )
            check = self.check_scheduled()
        self.assertEqual(check.result, "remaining")
        self.assertTrue(check.difference_ids.is_recurring)
        self.assertEqual(check.difference_ids.state, "repaired")
        self.assert_figures()

    # Samples, steps and failures

    def test_samples_come_round(self):
        self.env["ir.config_parameter"].set_param(
            "customer_classification.check_sample", "1"
        )
        self.sql("UPDATE customer_figures SET purchase_days = 9")
        customers = self.env["res.partner"].search_count(
            [("is_company", "=", True), ("active", "in", [True, False])]
        )
        found = self.env["res.partner"]
        Check = self.registry["customer.check"]
        with patch.object(
            Check, "_finish_phase", lambda check: check.write({"state": "done"})
        ):
            for _check in range(customers + 50):
                check = self.check_scheduled()
                self.assertLessEqual(check.difference_count, 1)
                found |= check.difference_ids.partner_id
                if len(found) == 3:
                    break
        self.assertEqual(found, self.alpha + self.beta + self.gamma)

    def test_takes_several_steps(self):
        self.sql("UPDATE customer_figures SET purchase_days = 9")
        plan = "odoo.addons.customer_classification.models.customer_run_plan"
        with patch(f"{plan}.RANGE_SIZE", 2):
            check = self.check()
        self.assertEqual(check.difference_count, 3)
        self.assertEqual(self.line_of(check).compared_count, 3)
        self.assertEqual(self.amounts_of(check), {"classified": "600.00"})

    @mute_logger(SCHEDULE_LOGGER)
    def test_failing_company_is_isolated(self):
        Line = self.registry["customer.check.line"]
        original = Line._compare_ledger

        def fail(line, scope):
            if line.company_id != self.env.company:
                raise ValueError("Something")
            return original(line, scope)

        check = self.Check._create_check("request")
        with patch.object(Line, "_compare_ledger", fail):
            self.run_cron("ir_cron_check")
        self.assertEqual(check.result, "failed")
        self.assertEqual(self.line_of(check).result, "agrees")
        self.assertIn("Something", (check.line_ids - self.line_of(check))[0].error)

    def test_old_checks_are_removed(self):
        good = self.check()
        self.sql("UPDATE customer_figures SET purchase_days = 9")
        bad = self.check()
        (good + bad).date_start = "2020-01-01"
        self.Check._gc_agreeing()
        self.assertFalse(good.exists())
        self.assertTrue(bad.exists())

    # Who may do what

    def test_who_may_check(self):
        with self.assert_refused(AccessError, "managers"):
            self.env["customer.check"].with_user(
                self.make_user("check_user")
            ).action_check_now()
        manager = self.make_user("check_manager", groups=MANAGER)
        Check = self.env["customer.check"].with_user(manager)
        action = Check.action_check_now()
        self.assertEqual(Check.action_check_now()["res_id"], action["res_id"])
        self.run_cron("ir_cron_check")
        check = Check.browse(action["res_id"])
        self.assertEqual(check.result, "agrees")
        self.assertEqual(check.user_id, manager)

    def test_other_companies_stay_hidden(self):
        other = self.setup_other_company(name="Other")["company"]
        journal = self.env["account.journal"].search(
            [("company_id", "=", other.id), ("type", "=", "sale")], limit=1
        )
        self.post(self.alpha, 3000, 1, journal_id=journal.id)
        self.run_night()
        self.sql(
            "UPDATE customer_figures SET purchase_days = 9 WHERE company_id = %s",
            other.id,
        )
        check = self.check()
        manager = self.make_user("check_manager", groups=MANAGER)
        self.env.invalidate_all()
        seen = self.env["customer.check"].with_user(manager).browse(check.id)
        self.assertEqual(seen.result, "agrees")
        self.assertEqual(seen.line_ids.company_id, self.env.company)
        self.assertFalse(seen.difference_ids)
        self.env.invalidate_all()
        self.assertEqual(check.result, "differs")
