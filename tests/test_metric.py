from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .common import MANAGER, ClassificationCommon

ISOLATION_LOG = "odoo.addons.customer_classification.models.customer_metric_update"


class MetricCommon(ClassificationCommon):
    """Analytic lines as the records that are counted: plain, with all kinds of fields.

    :attr:`lines` keeps what was created, for the expected values in plain Python.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Metric = cls.env["customer.metric"]
        cls.Value = cls.env["customer.metric.value"]
        cls.alpha = cls.make_customer("Alpha")
        cls.beta = cls.make_customer("Beta")
        cls.gamma = cls.make_customer("Gamma")
        cls.lines = cls.env["account.analytic.line"]

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref(
            "analytic.group_analytic_accounting"
        )

    def add(self, partner, days_ago=0, quantity=0.0, amount=0.0, **values):
        line = self.env["account.analytic.line"].create(
            {
                "name": "Counted",
                "partner_id": partner.id,
                "date": self.day(days_ago),
                "unit_amount": quantity,
                "amount": amount,
                "company_id": self.env.company.id,
                **values,
            }
        )
        self.lines |= line
        return line

    def make_metric(self, code="counted", **values):
        return self.Metric.create(
            {
                "name": code.capitalize(),
                "code": code,
                "model_name": "account.analytic.line",
                "partner_path": "partner_id",
                "domain": "[('name', '=', 'Counted')]",
                **values,
            }
        )

    def update(self, company=None, partners=None):
        """Update all metrics, of the company and of none."""
        company = company or self.env.company
        partners = partners and partners.ids
        return self.Metric._update_values(
            company, self.today, partners
        ) + self.Metric._update_values(None, self.today, partners)

    def values_of(self, metric, company=None):
        """Return the stored values of a metric by the customer's name."""
        company = company or self.env.company
        rows = self.Value.search(
            [
                ("metric_id", "=", metric.id),
                ("company_id", "=", company.id if metric.is_company_aware else False),
            ]
        )
        column = metric._get_value_column()
        return {row.partner_id.name: row[column] for row in rows}


@tagged("post_install", "-at_install")
class TestMetric(MetricCommon):
    """A metric counts what happened, for each customer, as its definition says."""

    def test_each_measure(self):
        """Against plain Python over the raw records."""
        for partner, days_ago, quantity, amount in (
            (self.alpha, 3, 1.5, 100.10),
            (self.alpha, 3, 2.25, 200.20),
            (self.alpha, 90, -4, -50.05),
            (self.beta, 10, 0.1, 0.1),
            (self.beta, 20, 0.2, 0.2),
            (self.beta, 21, 0.3, 0.3),
        ):
            self.add(partner, days_ago, quantity, amount)
        groups = defaultdict(list)
        for line in self.lines:
            groups[line.partner_id.name].append(line)

        def exact(value):
            return Decimal(str(value))

        expected = {
            ("count", False): lambda rows: len(rows),
            ("sum", "unit_amount"): lambda rows: sum(
                exact(r.unit_amount) for r in rows
            ),
            ("sum", "amount"): lambda rows: sum(exact(r.amount) for r in rows),
            ("average", "unit_amount"): lambda rows: round(
                sum(exact(r.unit_amount) for r in rows) / len(rows), 6
            ),
            ("average", "amount"): lambda rows: round(
                sum(exact(r.amount) for r in rows) / len(rows), 2
            ),
            ("minimum", "amount"): lambda rows: min(exact(r.amount) for r in rows),
            ("maximum", "unit_amount"): lambda rows: max(
                exact(r.unit_amount) for r in rows
            ),
            ("minimum", "date"): lambda rows: min(r.date for r in rows),
            ("maximum", "date"): lambda rows: max(r.date for r in rows),
            ("last_date", False): lambda rows: max(r.date for r in rows),
            ("distinct_days", False): lambda rows: len({r.date for r in rows}),
        }
        metrics = {
            key: self.make_metric(
                f"m{number}",
                measure=key[0],
                measure_path=key[1],
                date_path="date" if key[0] in ("last_date", "distinct_days") else False,
            )
            for number, key in enumerate(expected)
        }
        self.update()
        for key, compute in expected.items():
            with self.subTest(key):
                values = self.values_of(metrics[key])
                self.assertEqual(set(values), {"Alpha", "Beta"})
                for name, value in values.items():
                    if isinstance(value, float):
                        value = exact(value)
                    self.assertEqual(value, compute(groups[name]))
        self.assertEqual(
            [metrics[key].value_type for key in expected],
            ["integer", "float", "monetary", "float", "monetary", "monetary", "float"]
            + ["date", "date", "date", "integer"],
        )

    def test_window_edges(self):
        metric = self.make_metric(date_path="date", window_days=30)
        for days_ago in (-1, 0, 29, 30, 31):
            self.add(self.alpha, days_ago)
        self.add(self.beta, 30)
        self.add(self.gamma, -1)
        self.update()
        # of 30 days up to today: today and the 29 before it
        self.assertEqual(self.values_of(metric), {"Alpha": 2})
        metric.window_days = 0
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 4, "Beta": 1})
        metric.date_path = False
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 5, "Beta": 1, "Gamma": 1})
        metric.write({"date_path": "date", "window_days": 10**9})
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 4, "Beta": 1})

    def test_day_is_where_the_company_is(self):
        """20:00 UTC is the next day in Shanghai, 8 hours ahead."""
        metric = self.make_metric(measure="last_date", date_path="create_date")
        count = self.make_metric("recent", date_path="create_date", window_days=1)
        line = self.add(self.alpha)
        yesterday = datetime.combine(self.day(1), datetime.min.time())
        self.env.execute_query(
            SQL(
                "UPDATE account_analytic_line SET create_date = %s WHERE id = %s",
                yesterday + timedelta(hours=20),
                line.id,
            )
        )
        for timezone, day, found in (
            ("UTC", self.day(1), {}),
            ("Asia/Shanghai", self.today, {"Alpha": 1}),
        ):
            with self.subTest(timezone):
                self.env.company.partner_id.tz = timezone
                self.update()
                self.assertEqual(self.values_of(metric), {"Alpha": day})
                self.assertEqual(self.values_of(count), found)

    def test_only_what_differs_is_written(self):
        metric = self.make_metric(measure="sum", measure_path="unit_amount")
        self.add(self.alpha, quantity=0.1)
        self.add(self.alpha, quantity=0.2)
        last = self.add(self.beta, quantity=5)
        self.update()
        rows = self.Value.search([("metric_id", "=", metric.id)])
        self.assertEqual(self.update(), 0)
        self.add(self.alpha, quantity=1)
        last.unlink()
        self.assertEqual(self.update(), 2)
        self.assertEqual(self.values_of(metric), {"Alpha": 1.3})
        self.assertEqual(rows.exists().partner_id, self.alpha)

    def test_few_customers(self):
        metric = self.make_metric()
        for partner in (self.alpha, self.beta):
            self.add(partner)
        self.update()
        gone, _more = self.lines[0], self.add(self.beta)
        gone.unlink()
        self.update(partners=self.beta)
        self.assertEqual(self.values_of(metric), {"Alpha": 1, "Beta": 2})
        self.update(partners=self.alpha)
        self.assertEqual(self.values_of(metric), {"Beta": 2})

    def test_children_count_for_the_commercial_entity(self):
        metric = self.make_metric()
        child = self.env["res.partner"].create(
            {"name": "Child", "parent_id": self.alpha.id}
        )
        self.add(self.alpha)
        self.add(child)
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 2})

    def test_document_of_a_commercial_entity_stays_with_it(self):
        """As the figures do: value does not follow a contact to another company."""
        own = {"model_name": "account.move", "domain": "[('state', '=', 'posted')]"}
        billed = self.make_metric("billed", partner_path="commercial_partner_id", **own)
        line_path = "move_id.commercial_partner_id"
        lines = self.make_metric(
            "lines",
            model_name="account.move.line",
            partner_path=line_path,
            domain="[('display_type', '=', 'product'), "
            "('parent_state', '=', 'posted')]",
        )
        today = self.make_metric("today", partner_path="partner_id", **own)
        person = self.env["res.partner"].create(
            {"name": "Person", "parent_id": self.alpha.id}
        )
        self.post(person, 10, 3)
        self.update()
        for metric in billed + lines + today:
            self.assertEqual(self.values_of(metric), {"Alpha": 1})
        person.parent_id = self.beta
        self.update()
        self.assertEqual(self.values_of(billed), {"Alpha": 1})
        self.assertEqual(self.values_of(lines), {"Alpha": 1})
        self.assertEqual(self.values_of(today), {"Beta": 1})
        # who is no commercial entity any more has no row
        self.alpha.write({"is_company": False, "parent_id": self.gamma.id})
        self.update()
        self.assertEqual(self.values_of(billed), {})

    def test_archived_customer_counts(self):
        metric = self.make_metric()
        self.add(self.alpha)
        self.alpha.active = False
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 1})

    def test_many2one_reference(self):
        """Only the records of a contact count, not another model's with the same id."""
        metric = self.make_metric(
            "tasks",
            model_name="mail.activity",
            partner_path="res_id",
            domain="[]",
            is_company_aware=False,
        )
        template = self.product_a.product_tmpl_id
        same_id = self.env["res.partner"].browse(template.id).exists()
        for record in (self.alpha, self.alpha, self.beta, template):
            record.activity_schedule("mail.mail_activity_data_todo")
        self.update()
        values = self.values_of(metric)
        self.assertEqual((values["Alpha"], values["Beta"]), (2, 1))
        self.assertFalse(same_id and same_id.name in values)

    def test_relative_dates_and_children_in_the_domain(self):
        metric = self.make_metric(domain="[('date', '>=', 'today -5d')]")
        for days_ago in (4, 5, 6):
            self.add(self.alpha, days_ago)
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 2})

    def test_main_with_ties(self):
        first, second, third = self.env["product.category"].create(
            [{"name": name} for name in ("First", "Second", "Third")]
        )
        products = {
            category: self.env["product.product"].create(
                {"name": category.name, "categ_id": category.id}
            )
            for category in (first, second, third)
        }
        for partner, category, quantity in (
            (self.alpha, first, 2),
            (self.alpha, second, 1.5),
            (self.alpha, second, 1.5),
            (self.beta, third, 4),
            (self.beta, second, 4),
            (self.gamma, first, 1),
            (self.gamma, first, -1),
            (self.gamma, third, -5),
        ):
            self.add(partner, quantity=quantity, product_id=products[category].id)
        self.add(self.beta, quantity=99)  # no category
        metric = self.make_metric(
            measure="main",
            measure_path="unit_amount",
            reference_path="product_id.categ_id",
        )
        often = self.make_metric(
            "often", measure="main", reference_path="product_id.categ_id"
        )
        self.update()
        self.assertEqual(metric.relation, "product.category")
        # the smallest id of equals; who sent everything back has none
        self.assertEqual(
            self.values_of(metric), {"Alpha": second.id, "Beta": second.id}
        )
        self.assertEqual(
            self.values_of(often),
            {"Alpha": second.id, "Beta": second.id, "Gamma": first.id},
        )

    def test_number_of_statements(self):
        """As many for 100 customers as for one."""
        for number in range(3):
            self.make_metric(f"m{number}", date_path="date", window_days=30)
        partners = self.env["res.partner"].create(
            [{"name": f"Many {number}", "is_company": True} for number in range(100)]
        )
        counts = []
        for some in (partners[:1], partners[1:2], partners):
            for partner in some:
                self.add(partner)
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self.update()
            counts.append(self.env.cr.sql_log_count - start)
        self.assertEqual(counts[1], counts[2])  # the first one fills caches
        metrics = self.Metric.search_count([("kind", "=", "custom")])
        # a savepoint, the statement, the release; and what is read once
        self.assertLess(counts[2], 6 * metrics + 40)

    def test_run_updates_the_values(self):
        metric = self.make_metric()
        shared = self.make_metric("shared", is_company_aware=False)
        self.add(self.alpha)
        self.post(self.beta, 10, 3)
        self.classify()
        self.assertEqual(self.values_of(metric), {"Alpha": 1})
        self.assertEqual(self.values_of(shared), {"Alpha": 1})

    # What fails

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

    # What is refused, and why

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
            ({"measure": "main"}, "Record is not usable"),
            ({"measure": "main", "reference_path": "date"}, "Record .* no record"),
            ({"measure": "last_date"}, "Date is not usable"),
            ({"window_days": 30}, "Date is not usable"),
            ({"date_path": "name"}, "Date .* no date"),
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
        self.assertEqual(
            set(figures.mapped("code")),
            set(self.Figures._fields) & set(figures.mapped("code")),
        )
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
        ready = self.env.ref("customer_classification.metric_open_amount")
        with self.assert_refused(UserError, "comes with the addon"):
            ready.unlink()
        self.assertEqual(ready.copy().code, "open_amount_2")

    def test_another_kind_of_value_is_another_metric(self):
        metric = self.make_metric()
        metric.write({"measure": "distinct_days", "date_path": "date"})
        with self.assert_refused(UserError, "another kind"):
            metric.measure = "last_date"
        self.assertEqual(metric.measure, "distinct_days")

    def test_preview(self):
        metric = self.make_metric(measure="sum", measure_path="amount")
        self.add(self.alpha, amount=1234.5)
        self.add(self.beta, amount=2000)
        action = metric.action_preview()
        preview = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(preview.count, 2)
        self.assertEqual(preview.line_ids.partner_id, self.beta + self.alpha)
        self.assertIn("1,234.50", preview.line_ids[1].display_value)
        self.assertFalse(self.values_of(metric))


@tagged("post_install", "-at_install")
class TestMetricCompanies(MetricCommon):
    """Values of a company-aware metric are each company's own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.here = cls.env.company
        cls.there = cls.setup_other_company(name="Other company")["company"]
        cls.branch = cls.env["res.company"].create(
            {"name": "Branch", "parent_id": cls.there.id}
        )

    def test_companies_and_branches(self):
        metric = self.make_metric()
        shared = self.make_metric("shared", is_company_aware=False)
        for company, count in ((self.here, 1), (self.there, 2), (self.branch, 4)):
            for _number in range(count):
                self.add(self.alpha, company_id=company.id)
        for company in (self.here, self.there):
            self.update(company)
        self.assertEqual(self.values_of(metric, self.here), {"Alpha": 1})
        self.assertEqual(self.values_of(metric, self.there), {"Alpha": 6})
        self.assertEqual(self.values_of(shared), {"Alpha": 7})
        for company, value in (
            (self.here, 1),
            (self.there, 6),
            (self.branch, 6),
        ):
            partner = self.alpha.with_company(company)
            self.assertEqual((partner.x_met_counted, partner.x_met_shared), (value, 7))
            for name, number in (("x_met_counted", value), ("x_met_shared", 7)):
                found = partner.search([(name, "=", number)])
                self.assertEqual(found, self.alpha)
        metric.is_company_aware = False
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 7})
        self.assertEqual(len(metric.value_ids), 1)

    def test_records_without_a_company_count_everywhere(self):
        metric = self.make_metric(
            "banks", model_name="res.partner.bank", domain="[('active', '=', True)]"
        )
        for number, company in enumerate((self.here, self.there, False)):
            account = self.env["res.partner.bank"].create(
                {"acc_number": f"00{number}", "partner_id": self.alpha.id}
            )
            self.env.execute_query(
                SQL(
                    "UPDATE res_partner_bank SET company_id = %s WHERE id = %s",
                    company.id if company else None,
                    account.id,
                )
            )
        for company in (self.here, self.there):
            self.update(company)
            self.assertEqual(self.values_of(metric, company), {"Alpha": 2})

    def test_run_of_two_companies(self):
        metric = self.make_metric()
        self.add(self.alpha, company_id=self.there.id)
        self.classify(companies=self.here + self.there)
        self.assertEqual(self.values_of(metric, self.here), {})
        self.assertEqual(self.values_of(metric, self.there), {"Alpha": 1})

    def test_value_of_another_company_is_no_business(self):
        metric = self.make_metric()
        shared = self.make_metric("shared", is_company_aware=False)
        self.add(self.alpha, company_id=self.there.id)
        for company in (self.here, self.there):
            self.update(company)
        user = self.make_user("user_here")
        rows = self.Value.with_user(user).search(
            [("metric_id", "in", (metric + shared).ids)]
        )
        self.assertEqual(rows.metric_id, shared)
        with self.assertRaises(AccessError):
            metric.value_ids.with_user(user).read(["value"])


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

    def test_overdue(self):
        terms = self.env["account.payment.term"].create(
            {
                "name": "Half in ten days",
                "line_ids": [
                    fields.Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": days}
                    )
                    for days in (10, 1000)
                ],
            }
        )
        # half of it overdue since 20 days, the other not for years
        self.post(self.alpha, 100, 30, invoice_payment_term_id=terms.id)
        self.post(self.alpha, 70, 60, invoice_date_due=self.day(40))
        self.post(self.alpha, 30, 5, invoice_date_due=self.day(0))
        self.post(self.alpha, -20, 5)
        self.post(self.alpha, 999, 60, post=False)
        paid = self.post(self.beta, 50, 60, invoice_date_due=self.day(40))
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=paid.ids
        ).create({})._create_payments()
        self.update()
        for code, expected in (
            ("overdue_invoices", {"Alpha": 2}),
            ("overdue_amount", {"Alpha": 120}),
            ("oldest_overdue_date", {"Alpha": self.day(40)}),
            ("open_amount", {"Alpha": 180}),
        ):
            with self.subTest(code):
                self.assertEqual(self.values_of(self.ready(code)), expected)

    def test_main_product_category(self):
        """By net revenue: credit notes count against their category."""
        first, second = self.env["product.category"].create(
            [{"name": name} for name in ("First", "Second")]
        )
        products = [
            self.env["product.product"].create(
                {"name": category.name, "categ_id": category.id, "taxes_id": False}
            )
            for category in (first, second)
        ]
        for amount, days_ago, product in (
            (100, 10, products[0]),
            (80, 20, products[1]),
            (-50, 5, products[0]),
            (5000, 365, products[0]),
        ):
            move = self.post(self.alpha, amount, days_ago, post=False)
            move.invoice_line_ids.write({"product_id": product.id})
            move.invoice_line_ids.write({"price_unit": abs(amount), "tax_ids": False})
            move.action_post()
        self.update()
        metric = self.ready("main_product_category")
        self.assertEqual(self.values_of(metric), {"Alpha": second.id})
        self.assertEqual(self.alpha.x_met_main_product_category, second)

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
