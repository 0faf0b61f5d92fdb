"""The upgrade from 19.0.3.0.0: runs name their companies."""

from odoo.modules import load_script
from odoo.tests import tagged
from odoo.tools import SQL

from .common import ClassificationCommon

ADDON = "customer_classification"
SCRIPT = f"{ADDON}/migrations/19.0.4.0.0/post-runs.py"


@tagged("post_install", "-at_install")
class TestMigrationRuns(ClassificationCommon):
    def migrate(self):
        load_script(SCRIPT, "post_runs").migrate(self.env.cr, "19.0.3.0.0")
        self.env.invalidate_all()

    def test_runs_name_the_companies_of_their_lines(self):
        other = self.env["res.company"].create({"name": "Other"})
        both = self.Run.sudo().classify(companies=self.env.company + other)
        one = self.Run.sudo().classify(companies=other)
        expected = [both.company_ids, one.company_ids]
        self.assertEqual(expected, [self.env.company + other, other])
        self.env.flush_all()
        self.env.cr.execute(
            SQL("DELETE FROM customer_classification_run_res_company_rel")
        )
        for _repeated in range(2):
            self.migrate()
            self.assertEqual([both.company_ids, one.company_ids], expected)

    def test_rule_reads_them_unless_somebody_changed_it(self):
        rule = self.env.ref(f"{ADDON}.customer_classification_run_rule_company")
        shipped = rule.domain_force
        for domain, expected in (
            ('[("line_ids.company_id", "parent_of", company_ids)]', shipped),
            ("[(0, '=', 1)]", "[(0, '=', 1)]"),
        ):
            rule.domain_force = domain
            self.migrate()
            self.assertEqual(
                rule.domain_force.replace("'", '"'), expected.replace("'", '"')
            )
