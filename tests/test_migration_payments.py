"""The upgrade from 19.0.2.0.0: metrics of payments are built-in figures."""

from odoo.modules import load_script
from odoo.tests import tagged
from odoo.tools import SQL

from .metric_common import MetricCommon

PATH = "customer_classification/migrations/19.0.3.0.0"


def migrate(env, stage):
    """Run the script of a stage, whose name Python cannot import."""
    env.flush_all()
    script = load_script(f"{PATH}/{stage}-migration.py", f"{stage}_payments")
    script.migrate(env.cr, "19.0.2.0.0")
    env.invalidate_all()


@tagged("post_install", "-at_install")
class TestPaymentMigration(MetricCommon):
    """The same records and conditions, in the new form; nothing is lost."""

    def restore_metric(self, code):
        """Put a metric back into the former release's form; return it."""
        metric = self.get_metric(code)
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE customer_metric
                   SET kind = 'custom', model_name = 'account.move.line',
                       partner_path = 'partner_id', measure = 'sum',
                       measure_path = 'amount_residual', company_path = 'company_id',
                       domain = %s
                 WHERE id = %s
                """,
                "[('account_id.account_type', '=', 'asset_receivable')]",
                metric.id,
            )
        )
        self.env.invalidate_all()
        metric._create_partner_fields()
        self.assertIn(f"x_met_{code}", self.env["res.partner"]._fields)
        return metric

    def test_shipped_metrics_become_figures(self):
        metric = self.restore_metric("open_amount")
        self.post(self.alpha, 100, 20)
        self.update()
        self.assertTrue(metric.value_ids)
        saved = self.env["ir.filters"].create(
            {
                "name": "Who owes",
                "model_id": "res.partner",
                "domain": "['|', ('x_met_open_amount', '>', 5),"
                " ('child_ids.x_met_open_amount', '>', 5)]",
                "context": "{'group_by': ['x_met_open_amount_of_mine']}",
                "sort": '["x_met_open_amount desc"]',
            }
        )
        dimension = self.env.ref("customer_classification.dimension_payment")
        dimension.active = True
        rule = dimension.rule_ids[0]
        rule.domain = "[('x_met_open_amount', '>', 1000000)]"
        self.dimension.criterion_ids[0].metric_id = metric
        self.env.company.customer_population_domain = (
            "['|', ('customer_rank', '>', 0), ('x_met_open_amount', '>', 0)]"
        )
        mailing = self.env["mailing.mailing"].create(
            {
                "subject": "Please pay",
                "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
                "mailing_domain": "[('x_met_open_amount', '>', 7)]",
            }
        )
        self.classify()
        frozen = self.Ruleset._get_in_force(dimension, self.env.company)
        scored = self.Ruleset._get_in_force(self.dimension, self.env.company)
        self.assertIn("x_met_open_amount", frozen.rule_ids[0].domain)
        migrate(self.env, "post")

        self.assertEqual(metric.kind, "figure")
        self.assertEqual(metric, self.get_metric("open_amount"))
        self.assertEqual(metric.partner_field_name, "customer_open_amount")
        self.assertFalse(metric.value_ids)
        self.assertNotIn("x_met_open_amount", self.env["res.partner"]._fields)
        self.assertEqual(
            saved.domain,
            "['|', ('customer_open_amount', '>', 5),"
            " ('child_ids.customer_open_amount', '>', 5)]",
        )
        self.assertEqual(saved.context, "{'group_by': ['x_met_open_amount_of_mine']}")
        self.assertEqual(saved.sort, '["customer_open_amount desc"]')
        condition = "[('customer_open_amount', '>', 1000000)]"
        self.assertEqual(rule.domain, condition)
        self.assertEqual(frozen.rule_ids[0].domain, condition)
        self.assertEqual(mailing.mailing_domain, "[('customer_open_amount', '>', 7)]")
        population = self.env.company.customer_population_domain
        self.assertIn("('customer_open_amount', '>', 0)", population)
        self.assertEqual(scored.company_settings["population"], population)
        self.classify()
        for version in (frozen, scored):
            self.assertEqual(
                self.Ruleset._get_in_force(version.dimension_id, self.env.company),
                version,
            )
        migrate(self.env, "post")  # again: nothing more to do
        self.assertEqual(saved.sort, '["customer_open_amount desc"]')

    def test_own_metric_makes_room(self):
        """Somebody's own metric has the code of a figure: both are there after."""
        metric = self.make_metric("early")
        self.dimension.criterion_ids[0].metric_id = metric
        self.post(self.alpha, 100, 20)
        self.add(self.alpha)
        self.classify()
        scored = self.Ruleset._get_in_force(self.dimension, self.env.company)
        saved = self.env["ir.filters"].create(
            {
                "name": "F",
                "model_id": "res.partner",
                "domain": "[('x_met_early','=',1)]",
            }
        )
        rename = self.env.cr.execute
        self.env.flush_all()
        rename("DELETE FROM customer_metric WHERE code = 'paid_amount'")
        for query in (
            "UPDATE customer_metric SET code = 'paid_amount' WHERE code = 'early'",
            "UPDATE customer_ruleset_criterion SET metric = 'paid_amount'"
            " WHERE metric = 'early'",
            "UPDATE customer_ruleset SET settings = replace("
            "settings::text, '\"early\"', '\"paid_amount\"')::jsonb",
            "UPDATE customer_assignment SET inputs = replace("
            "inputs::text, '\"early\"', '\"paid_amount\"')::jsonb",
            "UPDATE ir_filters SET domain = replace(domain, 'early', 'paid_amount')",
            "UPDATE ir_model_fields SET name = 'x_met_paid_amount'"
            " WHERE name = 'x_met_early'",
        ):
            rename(query)
        self.env.invalidate_all()
        migrate(self.env, "pre")
        migrate(self.env, "post")
        code = f"paid_amount_{metric.id}"
        self.assertEqual(metric.code, code)
        self.assertEqual(saved.domain, f"[('x_met_{code}','=',1)]")
        self.assertIn(code, scored.criterion_ids.mapped("metric"))
        self.assertIn(code, [c["metric"] for c in scored.settings["criteria"]])
        assignment = self.assignment_of(self.alpha)
        inputs = assignment.ruleset_id._expand_inputs(assignment.inputs)
        self.assertIn(code, inputs["criteria"])
        self.assertFalse(self.dimension.has_pending_settings)
