from datetime import datetime, timedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import SQL

from .metric_common import MetricCommon


@tagged("post_install", "-at_install")
class TestReadyMadeMetrics(MetricCommon):
    """The metrics that ship, on what an ordinary Odoo holds."""

    @classmethod
    def get_default_groups(cls):
        groups = super().get_default_groups()
        for name in (
            "sales_team.group_sale_manager",
            "survey.group_survey_manager",
            "point_of_sale.group_pos_manager",
        ):
            groups |= cls.env.ref(name, raise_if_not_found=False) or groups
        return groups

    def ready(self, code, app_model=None):
        if app_model and app_model not in self.env:
            self.skipTest(f"{app_model} is not installed")
        metric = self.env.ref(f"customer_classification.metric_{code}")
        self.assertTrue(metric.active)
        self.assertFalse(metric.is_waiting or metric.is_broken)
        return metric

    def test_activities(self):
        for days_ago in (1, 0, -5):
            self.alpha.activity_schedule(
                "mail.mail_activity_data_todo", date_deadline=self.day(days_ago)
            )
        done = self.beta.activity_schedule("mail.mail_activity_data_todo")
        done.action_done()
        self.update()
        values = self.values_of(self.ready("open_activities"))
        self.assertEqual(values["Alpha"], 3)
        self.assertNotIn("Beta", values)
        values = self.values_of(self.ready("overdue_activities"))
        self.assertEqual(values["Alpha"], 1)

    def test_sales_orders(self):
        metric = self.ready("sales_orders", "sale.order")
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {
                "name": self.day(400),
                "rate": 2.0,  # two euros for one unit of the company's currency
                "currency_id": euro.id,
                "company_id": self.env.company.id,
            }
        )
        pricelist = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": euro.id}
        )
        for days_ago, price, confirmed, values in (
            (10, 100, True, {}),
            (20, 50, True, {"pricelist_id": pricelist.id}),
            (5, 999, False, {}),
            (365, 999, True, {}),
        ):
            order = self.env["sale.order"].create(
                {
                    "partner_id": self.alpha.id,
                    "order_line": [
                        fields.Command.create(
                            {
                                "product_id": self.product_a.id,
                                "price_unit": price,
                                "tax_ids": False,
                            }
                        )
                    ],
                    **values,
                }
            )
            if confirmed:
                order.action_confirm()
            order.date_order = datetime.combine(
                self.day(days_ago), datetime.min.time()
            ) + timedelta(hours=12)
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 2})
        amount = self.values_of(self.ready("sales_amount"))
        self.assertEqual(amount, {"Alpha": 100 + 50 / 2})
        last = self.values_of(self.ready("last_sales_order"))
        self.assertEqual(last, {"Alpha": self.day(10)})

    def test_leads(self):
        metric = self.ready("open_opportunities", "crm.lead")
        Lead = self.env["crm.lead"]
        open_one, won, lost, lead = Lead.create(
            [
                {"name": name, "partner_id": self.alpha.id, "type": kind}
                for name, kind in (
                    ("Open", "opportunity"),
                    ("Won", "opportunity"),
                    ("Lost", "opportunity"),
                    ("Lead", "lead"),
                )
            ]
        )
        won.action_set_won()
        lost.action_set_lost()
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 1})
        self.assertEqual(self.values_of(self.ready("leads")), {"Alpha": 4})

    def test_survey_answers(self):
        metric = self.ready("survey_answers", "survey.user_input")
        survey = self.env["survey.survey"].create(
            {"title": "Satisfied?", "scoring_type": "scoring_without_answers"}
        )
        plain = self.env["survey.survey"].create({"title": "No score"})
        answers = self.env["survey.user_input"].create(
            [
                {
                    "survey_id": kind.id,
                    "partner_id": self.alpha.id,
                    "state": state,
                    "test_entry": is_test,
                }
                for kind, state, is_test in (
                    (survey, "done", False),
                    (survey, "done", False),
                    (plain, "done", False),
                    (survey, "in_progress", False),
                    (survey, "done", True),
                )
            ]
        )
        self.env.flush_all()
        for answer, score in zip(answers, (40, 90, 10, 10, 10), strict=True):
            self.env.execute_query(
                SQL(
                    "UPDATE survey_user_input SET scoring_percentage = %s "
                    "WHERE id = %s",
                    score,
                    answer.id,
                )
            )
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 3})
        self.assertEqual(self.values_of(self.ready("survey_score")), {"Alpha": 65})

    def test_point_of_sale(self):
        metric = self.ready("pos_orders", "pos.order")
        config = self.env["pos.config"].create({"name": "Counter"})
        session = self.env["pos.session"].create({"config_id": config.id})
        for days_ago, amount, state in (
            (3, 12.5, "paid"),
            (9, 7.5, "done"),
            (1, 99, "draft"),
            (365, 99, "paid"),
        ):
            self.env["pos.order"].create(
                {
                    "session_id": session.id,
                    "company_id": self.env.company.id,
                    "partner_id": self.alpha.id,
                    "date_order": datetime.combine(
                        self.day(days_ago), datetime.min.time()
                    ),
                    "amount_total": amount,
                    "amount_tax": 0,
                    "amount_paid": amount,
                    "amount_return": 0,
                    "state": state,
                }
            )
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 2})
        self.assertEqual(self.values_of(self.ready("pos_amount")), {"Alpha": 20})
        last = self.values_of(self.ready("last_pos_order"))
        self.assertEqual(last, {"Alpha": self.day(3)})

    def test_waiting_metric_appears_with_its_app(self):
        metric = self.Metric.create(
            {
                "name": "Later",
                "code": "later",
                "model_name": "not.yet",
                "partner_path": "partner_id",
                "value_type": "integer",
                "is_waiting": True,
                "active": False,
            }
        )
        self.Metric._activate_ready_made()
        self.assertTrue(metric.is_waiting)
        self.assertNotIn("x_met_later", self.env["res.partner"]._fields)
        self.env.execute_query(
            SQL(
                "UPDATE customer_metric SET model_name = %s WHERE id = %s",
                "account.analytic.line",
                metric.id,
            )
        )
        self.env.invalidate_all()
        # what Odoo does at the end of each installation
        app = self.env["ir.module.module"].search([("name", "=", "account")])
        app.sudo().write({"state": "installed"})
        self.assertTrue(metric.active)
        self.assertFalse(metric.is_waiting)
        self.assertIn("x_met_later", self.env["res.partner"]._fields)

    def test_metric_is_switched_off_with_its_app(self):
        metric = self.make_metric()
        self.add(self.alpha)
        self.update()
        self.env.execute_query(
            SQL(
                "UPDATE customer_metric SET model_name = 'gone.app' WHERE id = %s",
                metric.id,
            )
        )
        self.env.invalidate_all()
        app = self.env["ir.module.module"].search(
            [("state", "=", "uninstalled")], limit=1
        )
        app.sudo().write({"state": "uninstalled"})
        self.assertTrue(metric.is_broken)
        self.assertFalse(metric.value_ids)
