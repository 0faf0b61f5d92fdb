from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ClassificationCommon


@tagged("post_install", "-at_install")
class TestCron(ClassificationCommon):
    """The scheduled action, inside one test transaction."""

    def setUp(self):
        super().setUp()
        self.other = self.setup_other_company(name="Other company")["company"]
        self.journal = self.env["account.journal"].search(
            [("company_id", "=", self.other.id), ("type", "=", "sale")], limit=1
        )
        self.alpha = self.make_customer("Alpha")
        self.post(self.alpha, 10, 1)
        self.post(self.alpha, 20, 1, journal_id=self.journal.id)
        self.cron = self.env.ref("customer_classification.ir_cron_classify")

    def run_cron(self):
        """Run the scheduled action in the first hour of the night."""
        hour = fields.Datetime.now().hour
        self.env["res.company"].search([]).customer_night_hour = hour
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        return self.Run.sudo().search([("trigger", "=", "cron")])

    def test_classifies_every_company(self):
        run = self.run_cron()
        self.assertEqual(run.state, "done")
        self.assertLessEqual(self.env.company + self.other, run.line_ids.company_id)
        self.assertEqual(self.figures_of(self.alpha).revenue_total, 10)
        self.assertEqual(self.figures_of(self.alpha, self.other).revenue_total, 20)

    @mute_logger(
        "odoo.addons.customer_classification.models.customer_classification_run_line",
        "odoo.sql_db",
    )
    def test_failing_company_is_isolated(self):
        self.env.cr.execute(
            "UPDATE res_company SET customer_population_domain = %s WHERE id = %s",
            ["[('no_such_field', '=', 1)]", self.env.company.id],
        )
        self.env.invalidate_all()
        run = self.run_cron()
        self.assertEqual(run.state, "failed")
        states = {line.company_id: line.state for line in run.line_ids}
        self.assertEqual(states[self.env.company], "failed")
        self.assertEqual(states[self.other], "done")
        failed = run.line_ids.filtered(lambda line: line.state == "failed")
        self.assertIn("no_such_field", failed.error)
        self.assertEqual(self.figures_of(self.alpha, self.other).revenue_total, 20)
        self.assertFalse(self.figures_of(self.alpha))

    def test_takes_up_what_was_left(self):
        companies = self.env.company + self.other
        run = self.Run.sudo()._create_run("cron", companies)
        run.line_ids[0].state = "done"
        self.assertEqual(self.run_cron(), run)
        self.assertEqual(run.state, "done")
        self.assertFalse(self.figures_of(self.alpha), "its line was done before")
        self.assertTrue(self.figures_of(self.alpha, self.other))

    def test_run_that_only_lacked_its_end_is_not_taken_up(self):
        old = self.Run.sudo()._create_run("cron", self.env.company)
        old.line_ids.write({"state": "done", "as_of": self.day(1)})
        runs = self.run_cron()
        self.assertEqual(old.state, "done")
        self.assertEqual((runs - old).state, "done")
        self.assertTrue(self.figures_of(self.alpha), "the new run computed them")

    def test_switched_off_is_not_asked(self):
        self.cron.active = False
        triggers = self.env["ir.cron.trigger"].sudo()
        before = triggers.search_count([])
        with self.assert_refused(UserError, "switched off"):
            self.Run.action_recompute_now()
        self.assertEqual(triggers.search_count([]), before)

    def test_gives_up_a_run_of_a_former_day(self):
        old = self.Run.sudo()._create_run("cron", self.env.company)
        old.date_start = fields.Datetime.now() - timedelta(hours=30)
        old.line_ids.as_of = self.day(1)
        runs = self.run_cron()
        self.assertEqual(old.state, "interrupted")
        self.assertEqual((runs - old).state, "done")

    def test_once_a_day_where_the_company_is(self):
        company = self.env.company
        company.partner_id.tz = "Asia/Shanghai"  # eight hours ahead
        self.other.partner_id.tz = "America/New_York"  # five behind, in winter
        companies = company + self.other
        companies.customer_night_hour = 1

        def at_night(now):
            with freeze_time(now):
                return self.Run._get_companies_at_night() & companies

        self.assertFalse(at_night("2026-01-14 16:59"), "0:59 in Shanghai")
        self.assertEqual(at_night("2026-01-14 17:00"), company)
        with freeze_time("2026-01-14 17:00"):
            self.Run.sudo()._create_run("cron", company)
        self.assertFalse(at_night("2026-01-14 22:59"))
        self.assertFalse(at_night("2026-01-15 05:59"), "0:59 in New York")
        self.assertEqual(at_night("2026-01-15 06:00"), self.other)
        self.assertEqual(at_night("2026-01-15 17:00"), company, "the next day")
        # missed: made up for at any hour, but not the very first one
        self.assertEqual(at_night("2026-01-16 01:00"), company)
        self.assertFalse(at_night("2026-01-15 14:00"))
