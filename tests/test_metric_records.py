from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import USER
from .metric_common import MetricCommon

ANALYTIC = "analytic.group_analytic_accounting"


@tagged("post_install", "-at_install")
class TestMetricRecords(MetricCommon):
    """The records that are listed come to the number that is shown."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact = cls.env["res.partner"].create(
            {"name": "Contact", "parent_id": cls.alpha.id}
        )
        cls.user = cls.make_user("records_user", f"{USER},{ANALYTIC}")
        cls.user.lang = "en_US"

    def value_of(self, metric, partner):
        return self.Value.search(
            [("metric_id", "=", metric.id), ("partner_id", "=", partner.id)]
        )

    def line_of(self, row, metric):
        """Return what the receipt says of a metric."""
        lines = row.get_receipt()["criteria"]
        return next(line for line in lines if line["code"] == metric.code)

    def list_of(self, action, user=None):
        """Return what the action lists for the user."""
        model = self.env[action["res_model"]].with_user(user or self.env.user)
        return model.search(action["domain"]).sudo(False)

    def test_each_filter(self):
        """Against plain Python: domain, period, contacts, overdue, company."""
        other = self.setup_other_company()["company"]
        counted = [
            self.add(self.alpha, 3, 2),
            self.add(self.contact, 10, 3),
            self.add(self.alpha, 29, 4),
        ]
        self.add(self.beta, 3, 2)
        self.add(self.alpha, 30, 2)
        self.add(self.alpha, -1, 2)
        self.add(self.alpha, 3, 2, name="Not counted")
        self.add(self.alpha, 3, 2, company_id=other.id)
        metric = self.make_metric(
            measure="sum",
            measure_path="unit_amount",
            date_path="date",
            window_days=30,
        )
        self.update()
        row = self.value_of(metric, self.alpha)
        action = row.action_show_records()
        listed = self.list_of(action)
        self.assertEqual(set(listed.ids), {line.id for line in counted})
        self.assertEqual(sum(listed.mapped("unit_amount")), row.value)
        self.assertEqual(action["name"], "Counted: Alpha")

    def test_overdue(self):
        late = self.add(self.alpha, 1)
        self.add(self.alpha, 0)
        metric = self.make_metric(overdue_path="date")
        self.update()
        action = self.value_of(metric, self.alpha).action_show_records()
        self.assertEqual(self.list_of(action).ids, late.ids)

    def test_same_in_every_company(self):
        other = self.setup_other_company()["company"]
        lines = self.add(self.alpha, 3) | self.add(self.alpha, 3, company_id=other.id)
        metric = self.make_metric(is_company_aware=False, company_path=False)
        self.update()
        row = self.value_of(metric, self.alpha)
        self.assertEqual(row.value, 2)
        self.env.user.company_ids |= other
        row = row.with_context(allowed_company_ids=[self.env.company.id, other.id])
        action = row.action_show_records()
        self.assertEqual(action["domain"], [("id", "in", lines.ids)])

    def test_what_the_user_may_not_open_is_counted_only(self):
        mine, others = self.add(self.alpha, 3), self.add(self.alpha, 4, amount=7)
        self.env["ir.rule"].create(
            {
                "name": "cheap ones",
                "model_id": self.env["ir.model"]._get_id("account.analytic.line"),
                "domain_force": "[('amount', '=', 0)]",
                "groups": [fields.Command.link(self.env.ref(ANALYTIC).id)],
            }
        )
        metric = self.make_metric()
        self.update()
        row = self.value_of(metric, self.alpha).with_user(self.user)
        self.assertEqual(row.value, 2)
        action = row.action_show_records()
        self.assertEqual(action["domain"], [("id", "in", mine.ids)])
        self.assertNotIn(others.id, action["domain"][0][2])
        self.assertEqual(action["name"], "Counted: Alpha (and 1 that you may not open)")

    def test_without_access_to_the_model(self):
        self.add(self.alpha, 3)
        metric = self.make_metric()
        self.update()
        row = self.value_of(metric, self.alpha).with_user(self.make_user("records_no"))
        with self.assert_refused(AccessError, "You may not open the records"):
            row.action_show_records()

    def test_customer_of_somebody_else(self):
        self.add(self.alpha, 3)
        metric = self.make_metric()
        self.update()
        row = self.value_of(metric, self.alpha)
        self.env["ir.rule"].create(
            {
                "name": "not Alpha",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {self.alpha.id})]",
                "groups": [fields.Command.link(self.env.ref(USER).id)],
            }
        )
        with self.assert_refused(AccessError, "."):
            row.with_user(self.user).action_show_records()

    def test_receipt_of_a_score(self):
        lines = self.add(self.alpha, 3) | self.add(self.alpha, 4)
        metric = self.make_metric()
        self.dimension.criterion_ids[1].write(
            {"metric_id": metric.id, "cut_mode": "fixed", "cut_5": 4, "cut_4": 3}
            | {"cut_3": 2, "cut_2": 1}
        )
        self.post(self.alpha, 10, 20)
        self.classify()
        row = self.assignment_of(self.alpha).with_user(self.user)
        line = self.line_of(row, metric)
        self.assertTrue(line["has_records"])
        self.assertFalse(line["has_rows"])
        action = row.action_show_records(metric.code)
        self.assertEqual(self.list_of(action, self.user), lines.with_user(self.user))
        texts = [said["text"] for said in row.get_outlook()]
        self.assertIn("Also decides, and is taken as it is today: Counted.", texts)
        row = row.with_user(self.make_user("records_no"))
        self.assertFalse(self.line_of(row, metric)["has_records"])
        with self.assert_refused(AccessError, "You may not open the records"):
            row.action_show_records(metric.code)

    def test_receipt_of_rules(self):
        self.add(self.alpha, 3)
        metric = self.make_metric()
        self.dimension.method = "rule"
        self.dimension.rule_ids = [
            fields.Command.create(
                {
                    "name": "Some",
                    "domain": f"[('{metric.partner_field_name}', '>', 0)]",
                    "category_id": self.gold.id,
                }
            )
        ]
        self.classify()
        row = self.assignment_of(self.alpha).with_user(self.user)
        [condition] = row.get_receipt()["rules"][0]["conditions"]
        self.assertEqual(condition["metric"], metric.code)
        self.assertEqual(len(self.list_of(row.action_show_records(metric.code))), 1)
        texts = [said["text"] for said in row.get_outlook()]
        self.assertIn("Also decides, and is taken as it is today: Counted.", texts)
