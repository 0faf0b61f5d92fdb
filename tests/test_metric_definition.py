from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import SQL, mute_logger

from .common import MANAGER
from .metric_common import MetricCommon

ISOLATION_LOG = "odoo.addons.customer_classification.models.customer_metric_update"


@tagged("post_install", "-at_install")
class TestMetricDefinition(MetricCommon):
    """A wrong definition is refused where it is made, or isolated where it breaks."""

    def test_broken_metric_is_isolated(self):
        broken = self.make_metric("broken")
        sound = self.make_metric("sound")
        self.add(self.alpha)
        self.update()
        # a field that is gone by now, as after another app's upgrade
        self.env.execute_query(
            SQL(
                "UPDATE customer_metric SET domain = %s WHERE id = %s",
                "[('x_gone', '=', 1)]",
                broken.id,
            )
        )
        self.env.invalidate_all()
        self.add(self.alpha)
        with self.assertLogs(ISOLATION_LOG, "WARNING"):
            self.update()
        self.assertTrue(broken.is_broken and broken.active)
        self.assertIn("x_gone", broken.error)
        self.assertFalse(sound.is_broken or sound.error)
        self.assertEqual(self.values_of(sound), {"Alpha": 2})
        self.assertEqual(self.values_of(broken), {"Alpha": 1})
        with mute_logger(ISOLATION_LOG):
            self.classify()  # nothing else breaks
        # mended: it goes on
        broken.domain = "[('name', '=', 'Counted')]"
        self.assertFalse(broken.is_broken or broken.error)
        self.update()
        self.assertEqual(self.values_of(broken), {"Alpha": 2})

    def test_code_is_proposed_from_the_name(self):
        with Form(self.Metric) as form:
            form.name = "Orders à la carte"
            form.model_id = self.env["ir.model"]._get("account.analytic.line")
            form.partner_path = "partner_id"
        metric = form.record
        self.assertEqual(metric.code, "orders_a_la_carte")
        self.assertEqual(metric.partner_field_name, "x_met_orders_a_la_carte")
        metric.name = "Another name"
        self.assertEqual(metric.code, "orders_a_la_carte")
        values = {"model_name": "account.analytic.line", "partner_path": "partner_id"}
        for name, code in (
            ("Orders à la carte", "orders_a_la_carte_2"),
            ("Last date", "last_date_2"),  # a built-in figure has the first
        ):
            self.assertEqual(self.Metric.create({"name": name, **values}).code, code)
        unnamed = self.Metric.create({"name": "大额订单", **values})
        self.assertRegex(unnamed.code, r"^metric_[0-9]+$")

    def test_error_of_the_database_is_isolated(self):
        broken = self.make_metric("broken", measure="sum", measure_path="unit_amount")
        self.env.execute_query(
            SQL(
                "UPDATE customer_metric SET domain = %s WHERE id = %s",
                r"[('name', '=like', 'C\\')]",  # only the database knows it to be wrong
                broken.id,
            )
        )
        self.env.invalidate_all()
        sound = self.make_metric("sound")
        self.add(self.alpha)
        with mute_logger(ISOLATION_LOG, "odoo.sql_db"):
            self.update()
        self.assertTrue(broken.is_broken)
        self.assertEqual(self.values_of(sound), {"Alpha": 1})
        self.env.execute_query(
            SQL("UPDATE customer_metric SET domain = '[]' WHERE id = %s", broken.id)
        )
        self.env.invalidate_all()
        self.update()
        self.assertFalse(broken.is_broken or broken.error)  # by itself

    def test_conflict_is_no_fault_of_the_metric(self):
        """The run is done again then: a metric is not switched off by a colleague."""
        metric = self.make_metric()
        with (
            patch.object(
                type(self.Metric),
                "_update_own_values",
                side_effect=SerializationFailure,
            ),
            self.assertRaises(SerializationFailure),
        ):
            self.update()
        self.assertFalse(metric.is_broken)

    def test_form(self):
        """Choosing the records proposes the rest."""
        self.add(self.alpha, 3, 2.5)
        with Form(self.Metric) as form:
            form.name = "Hours"
            form.code = "hours"
            form.model_id = self.env["ir.model"]._get("res.partner.bank")
            form.model_id = self.env["ir.model"]._get("account.analytic.line")
            form.measure = "sum"
            form.measure_path = "unit_amount"
        metric = form.record
        self.assertEqual(
            (metric.model_name, metric.partner_path, metric.company_path),
            ("account.analytic.line", "partner_id", "company_id"),
        )
        self.assertEqual(metric.value_type, "float")
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 2.5})
        with Form(metric) as form:
            form.window_days = 2
            form.date_path = "date"
        self.update()
        self.assertEqual(self.values_of(metric), {})

    def test_model_gone(self):
        metric = self.make_metric()
        sound = self.make_metric("sound")
        self.add(self.alpha)
        self.update()
        self.env.execute_query(
            SQL(
                "UPDATE customer_metric SET model_name = 'gone.app' WHERE id = %s",
                metric.id,
            )
        )
        self.env.invalidate_all()
        self.update()
        self.assertTrue(metric.is_broken and metric.active)
        self.assertIn("gone.app", metric.error)
        self.assertEqual(self.values_of(metric), {})
        self.assertEqual(self.values_of(sound), {"Alpha": 1})
        self.assertEqual(self.alpha.x_met_counted, 0)
        self.assertFalse(self.env["res.partner"].search([("x_met_counted", ">", 0)]))
        self.assertFalse(metric.model_id)
        self.assertEqual(metric.value_type, "integer")
        metric.name = "Still editable"
        metric.active = False
        self.classify()

    def test_mistakes_are_named(self):
        for values, message in (
            ({"model_name": False}, "choose what is counted"),
            ({"model_name": "no.such"}, "not installed"),
            ({"model_name": "res.config.settings"}, "cannot be counted"),
            ({"model_name": "customer.assignment"}, "cannot be counted"),
            ({"partner_path": False}, "Customer is not usable. It is missing"),
            ({"partner_path": "nobody"}, "Customer .* no field “nobody”"),
            ({"partner_path": "company_id"}, "Customer .* contact"),
            ({"partner_path": "name.partner_id"}, "no single record"),
            ({"domain": "[('nothing', '=', 1)]"}, "Only Those"),
            ({"domain": "[('date', '=', 'x')]"}, "Only Those"),
            ({"domain": "[('date'"}, "Only Those"),
            ({"measure": "sum"}, "Of the Field"),
            ({"measure": "sum", "measure_path": "name"}, "Of the Field .* number"),
            ({"measure": "sum", "measure_path": "date"}, "Of the Field .* number"),
            ({"measure": "sum", "measure_path": "x.y"}, "Of the Field .* “x”"),
            ({"measure": "main"}, "Named Record is not usable"),
            (
                {"measure": "main", "reference_path": "date"},
                "Named Record .* no record",
            ),
            ({"measure": "last_date"}, "Date is not usable"),
            ({"window_days": 30}, "Date is not usable"),
            ({"date_path": "name"}, "Date .* no date"),
            ({"overdue_path": "name"}, "Due Date .* no date"),
            ({"company_path": "partner_id"}, "Company .* company"),
            (
                {
                    "measure": "sum",
                    "measure_path": "amount",
                    "is_company_aware": False,
                },
                "currency",
            ),
            (
                {
                    "model_name": "account.move",
                    "domain": "[]",
                    "measure": "sum",
                    "measure_path": "amount_total",
                },
                "currency of each document",
            ),
            ({"code": "Bad"}, "not usable"),
            ({"code": "revenue_total"}, "already|built-in"),
            ({"code": "partner_id"}, "built-in"),
        ):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assert_refused(Exception, message),
            ):
                self.make_metric(**{"code": "wrong", **values})
        self.assertFalse(self.Metric.search([("code", "=", "wrong")]))

    def test_no_metric_of_the_classification(self):
        """It would depend on itself: through the contact, however deep, and back."""
        other = self.make_metric("other")
        tier = self.dimension.partner_field_name
        for domain in (
            f"[('partner_id.{tier}', '!=', False)]",
            f"[('partner_id', 'any', [('{tier}.name', '=', 'Gold')])]",
            f"['|', ('id', '=', 1), '!', ('partner_id.parent_id.{tier}', '=', 1)]",
            f"[('partner_id.{other.partner_field_name}', '>', 3)]",
            "[('partner_id.customer_revenue_total', '>', 3)]",
        ):
            with (
                self.subTest(domain),
                self.assert_refused(ValidationError, "how customers are classified"),
            ):
                self.make_metric(domain=domain)
        with self.assert_refused(ValidationError, "Value tier"):
            self.make_metric(domain=f"[('partner_id.{tier}', '!=', False)]")
        with self.assert_refused(ValidationError, "classified"):
            self.make_metric(measure="main", reference_path=f"partner_id.{tier}")

    def test_nobody_counts_what_they_may_not_read(self):
        manager = self.make_user("manager_only", groups=MANAGER)
        values = {
            "name": "Lines",
            "code": "lines",
            "model_name": "account.move.line",
            "partner_path": "partner_id",
        }
        with self.assert_refused(AccessError, "not allowed"):
            self.Metric.with_user(manager).create(values)
        metric = self.Metric.with_user(manager).create(
            {**values, "model_name": "res.partner", "partner_path": "parent_id"}
        )
        self.assertEqual(metric.value_type, "integer")
        with self.assert_refused(UserError, "not allowed|not usable"):
            metric.domain = "[('invoice_ids.amount_total', '>', 1000)]"

    def test_built_in_metrics(self):
        figures = self.Metric.search([("kind", "=", "figure")])
        facts = self.env["customer.facts.mixin"]
        for figure in figures:
            self.assertIsNotNone(facts._get_model_of(figure.code), figure.code)
        self.assertGreaterEqual(len(figures), 10)
        metric = self.env.ref("customer_classification.metric_last_date")
        self.assertEqual(metric.partner_field_name, "customer_last_date")
        with self.assert_refused(UserError, "built in"):
            metric.measure = "sum"
        with self.assert_refused(UserError, "comes with the addon"):
            metric.unlink()
        with self.assert_refused(UserError, "cannot be changed"):
            metric.code = "latest"
        with self.assert_refused(UserError, "duplicated"):
            metric.copy()
        metric.name = "Latest purchase"
        ready = self.env.ref("customer_classification.metric_open_activities")
        with self.assert_refused(UserError, "comes with the addon"):
            ready.unlink()
        self.assertEqual(ready.copy().code, "open_activities_2")

    def test_another_kind_of_value_is_another_metric(self):
        metric = self.make_metric()
        metric.write({"measure": "distinct_days", "date_path": "date"})
        with self.assert_refused(UserError, "another kind"):
            metric.measure = "last_date"
        self.assertEqual(metric.measure, "distinct_days")
