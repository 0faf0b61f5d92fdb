from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import SQL

from .metric_common import MetricCommon


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

    def test_overdue_edges(self):
        """Due before today, whichever the day of the record."""
        metric = self.make_metric(overdue_path="date")
        for days_ago in (-1, 0, 1, 500):
            self.add(self.alpha, days_ago)
        self.add(self.beta, 0)
        self.update()
        self.assertEqual(self.values_of(metric), {"Alpha": 2})

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
        for record in (self.alpha, self.alpha, self.beta, template):
            record.activity_schedule("mail.mail_activity_data_todo")
        other = template.activity_ids
        self.env.flush_all()
        self.env.execute_query(
            SQL(
                "UPDATE mail_activity SET res_id = %s WHERE id = %s",
                self.alpha.id,
                other.id,
            )
        )
        self.env.invalidate_all()
        self.update()
        values = self.values_of(metric)
        self.assertEqual((values["Alpha"], values["Beta"]), (2, 1))

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
        different = self.make_metric(
            "different", measure="distinct", reference_path="product_id.categ_id"
        )
        self.update()
        self.assertEqual(self.values_of(different), {"Alpha": 2, "Beta": 2, "Gamma": 2})
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
