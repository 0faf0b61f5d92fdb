from odoo import SUPERUSER_ID
from odoo.tools import SQL

from .common import ClassificationCommon


class CheckCommon(ClassificationCommon):
    """Runs and checks of the scheduled actions, and changes that nobody notes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Check = cls.env["customer.check"].sudo()

    def run_cron(self, name):
        with self.enter_registry_test_mode():
            self.env.ref(f"customer_classification.{name}").method_direct_trigger()
        self.env.invalidate_all()

    def run_night(self):
        """Let the work of a night be done, also a second time on a day."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            Run = self.env(cr=cr, user=SUPERUSER_ID)["customer.classification.run"]
            run = Run._cron_create("cron", Run._get_all_companies())
            run._cron_work()
            self.assertEqual(run.state, "done")
        self.env.invalidate_all()

    def run_check_cron(self):
        """Run the scheduled action as often as it takes: it has little time."""
        self.run_cron("ir_cron_check")
        for _time in range(10):
            if not self.Check.search_count([("state", "=", "running")]):
                break
            self.run_cron("ir_cron_check")

    def check(self):
        """Check as if somebody had asked for it; return the check."""
        check = self.Check._create_check("request")
        self.run_check_cron()
        self.assertEqual(check.state, "done")
        self.assertFalse(any(check.line_ids.mapped("error")))
        return check

    def check_scheduled(self):
        before = self.Check.search([])
        before.date_start = "2020-01-01"
        self.run_check_cron()
        check = self.Check.search([]) - before
        self.assertEqual(check.state, "done")
        self.assertFalse(any(check.line_ids.mapped("error")))
        return check

    def sql(self, query, *args, **kwargs):
        """Write as a program would that switched the triggers off."""
        self.env.flush_all()
        self.env.cr.execute("SET LOCAL customer_classification.capture = 'off'")
        self.env.cr.execute(SQL(query, *args, **kwargs))
        self.env.cr.execute("SET LOCAL customer_classification.capture = 'on'")
        self.env.invalidate_all()

    def line_of(self, check, company=None):
        company = company or self.env.company
        return check.line_ids.filtered(lambda line: line.company_id == company)

    def amounts_of(self, check, company=None):
        """Return the amounts of a company as text by reason."""
        line = self.line_of(check, company)
        return {row.reason: f"{row.amount:.2f}" for row in line.amount_ids}

    def differences_of(self, check):
        """Return what was found: customer, what, stored and recomputed."""
        return sorted(
            (
                row.partner_id.name,
                row.subject,
                row.kind,
                row.field_name,
                row.stored_value,
                row.computed_value,
            )
            for row in check.difference_ids
        )

    def assert_agrees(self, check):
        self.assertEqual(self.differences_of(check), [])
        self.assertIn(check.result, ("agrees", "waiting"))
