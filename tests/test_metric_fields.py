from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .metric_common import MetricCommon


@tagged("post_install", "-at_install")
class TestMetricFields(MetricCommon):
    """Each custom metric is a field of the contact like any other."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Partner = cls.env["res.partner"]
        cls.child = cls.Partner.create({"name": "Child", "parent_id": cls.alpha.id})
        cls.all = cls.alpha + cls.beta + cls.gamma

    def search(self, *domain, order=None):
        return self.Partner.search(
            [("id", "in", self.all.ids), *domain], order=order
        ).mapped("name")

    def fill(self):
        """Alpha 5, Beta -2 and Gamma nothing; the latest of each 3 and 10 days ago."""
        for partner, days_ago, quantity in (
            (self.alpha, 3, 4),
            (self.alpha, 40, 1),
            (self.beta, 10, -2),
        ):
            self.add(partner, days_ago, quantity)
        metrics = (
            self.make_metric("orders")
            + self.make_metric("volume", measure="sum", measure_path="unit_amount")
            + self.make_metric("mean", measure="average", measure_path="unit_amount")
            + self.make_metric("latest", measure="last_date", date_path="date")
        )
        self.update()
        return metrics

    def test_search_as_an_ordinary_number(self):
        self.fill()
        for domain, expected in (
            (("x_met_orders", "=", 0), ["Gamma"]),
            (("x_met_orders", "=", False), ["Gamma"]),
            (("x_met_orders", "!=", 0), ["Alpha", "Beta"]),
            (("x_met_orders", "!=", False), ["Alpha", "Beta"]),
            (("x_met_orders", ">", 0), ["Alpha", "Beta"]),
            (("x_met_orders", "<", 1), ["Gamma"]),
            (("x_met_orders", "in", [0, 2]), ["Alpha", "Gamma"]),
            (("x_met_orders", "not in", [0, 2]), ["Beta"]),
            (("x_met_volume", "=", 5), ["Alpha"]),
            (("x_met_volume", "<", 0), ["Beta"]),
            (("x_met_volume", ">=", 0), ["Alpha", "Gamma"]),
            (("x_met_volume", "!=", 5), ["Beta", "Gamma"]),
            (("x_met_mean", "!=", 2.5), ["Beta", "Gamma"]),
            (("x_met_mean", ">", 2), ["Alpha"]),
            (("x_met_latest", "=", False), ["Gamma"]),
            (("x_met_latest", "!=", False), ["Alpha", "Beta"]),
            (("x_met_latest", ">", self.day(4)), ["Alpha"]),
            (("x_met_latest", "<", "today -5d"), ["Beta"]),
            (("x_met_latest", "!=", self.day(3)), ["Beta", "Gamma"]),
        ):
            with self.subTest(domain):
                self.assertEqual(self.search(domain, order="name"), expected)
                everybody = ["Alpha", "Beta", "Gamma"]
                self.assertEqual(
                    self.search("!", domain, order="name"),
                    [name for name in everybody if name not in expected],
                )

    def test_values_sort_group_and_sum(self):
        self.fill()
        names = ["x_met_orders", "x_met_volume", "x_met_mean", "x_met_latest"]
        for partner, expected in (
            (self.alpha, [2, 5.0, 2.5, self.day(3)]),
            (self.beta, [1, -2.0, -2.0, self.day(10)]),
            (self.gamma, [0, 0.0, 0.0, False]),
            (self.child, [2, 5.0, 2.5, self.day(3)]),
        ):
            self.assertEqual([partner[name] for name in names], expected)
        for order, expected in (
            ("x_met_orders", ["Gamma", "Beta", "Alpha"]),
            ("x_met_orders desc", ["Alpha", "Beta", "Gamma"]),
            ("x_met_volume", ["Beta", "Gamma", "Alpha"]),
            ("x_met_latest", ["Beta", "Alpha", "Gamma"]),
            ("x_met_latest desc", ["Alpha", "Beta", "Gamma"]),
        ):
            with self.subTest(order):
                self.assertEqual(self.search(order=order), expected)
        domain = [("id", "in", (self.all + self.child).ids)]
        self.assertEqual(
            self.Partner._read_group(domain, ["x_met_orders"], ["id:recordset"]),
            [(0, self.gamma), (1, self.beta), (2, self.alpha + self.child)],
        )
        # a customer's value counts once, not again with each of its contacts
        self.assertEqual(
            self.Partner._read_group(
                domain, [], ["x_met_orders:sum", "x_met_volume:sum", "x_met_mean:avg"]
            ),
            [(3, 3.0, 0.25)],
        )
        groups = dict(
            self.Partner._read_group(domain, ["x_met_latest:day"], ["__count"])
        )
        self.assertEqual(groups, {self.day(10): 1, self.day(3): 2, False: 1})

    def test_record(self):
        category = self.env["product.category"].create({"name": "Main"})
        product = self.env["product.product"].create(
            {"name": "Main", "categ_id": category.id}
        )
        metric = self.make_metric(
            "favourite", measure="main", reference_path="product_id.categ_id"
        )
        self.add(self.alpha, product_id=product.id)
        self.update()
        name = metric.partner_field_name
        self.assertEqual(self.alpha[name], category)
        for domain, expected in (
            ((name, "=", category.id), ["Alpha"]),
            ((name, "!=", category.id), ["Beta", "Gamma"]),
            ((name, "=", False), ["Beta", "Gamma"]),
            ((f"{name}.name", "=", "Main"), ["Alpha"]),
            ((name, "child_of", category.id), ["Alpha"]),
        ):
            with self.subTest(domain):
                self.assertEqual(self.search(domain, order="name"), expected)
        self.assertEqual(self.search(order=name)[0], "Alpha")
        domain = [("id", "in", self.all.ids)]
        groups = self.Partner._read_group(domain, [name], ["__count"])
        self.assertEqual(dict(groups)[category], 1)
        # deleted since the last computation: none
        self.lines.unlink()
        product.unlink()
        category.unlink()
        self.env.invalidate_all()
        self.assertFalse(self.alpha[name])
        self.assertFalse(self.search((name, "!=", False)))
        self.assertEqual(
            self.Partner._read_group(domain, [name], ["__count"]),
            [(self.env["product.category"], 3)],
        )

    def test_usable_the_same_minute(self):
        self.add(self.alpha)
        metric = self.make_metric("fresh")
        self.assertEqual(metric.partner_field_name, "x_met_fresh")
        self.assertEqual(self.search(("x_met_fresh", ">", 0)), [])
        self.update()
        self.assertEqual(self.search(("x_met_fresh", ">", 0)), ["Alpha"])
        self.assertEqual(metric.value_count, 1)
        self.assertEqual(
            self.Value.search(metric.action_show_values()["domain"]).partner_id,
            self.alpha,
        )

    def test_join_values(self):
        metrics = self.fill()
        figures = SQL(
            "(SELECT id AS partner_id, name FROM res_partner WHERE id = ANY(%s))",
            self.all.ids,
        )
        joined = self.Metric.join_values(figures, metrics, self.env.company)
        rows = self.env.execute_query(
            SQL(
                "SELECT name, orders, volume, mean, latest FROM %s AS joined "
                "ORDER BY name",
                joined,
            )
        )
        self.assertEqual(
            rows,
            [
                ("Alpha", 2, 5, 2.5, self.day(3)),
                ("Beta", 1, -2, -2, self.day(10)),
                ("Gamma", 0, 0, None, None),
            ],
        )
        none = self.Metric.join_values(figures, self.Metric, self.env.company)
        self.assertEqual(
            len(self.env.execute_query(SQL("SELECT * FROM %s AS joined", none))), 3
        )

    def test_label_follows_the_name_in_each_language(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        metric = self.make_metric("visits", description="All visits")

        def describe(lang):
            partner = self.Partner.with_context(lang=lang)
            return partner.fields_get(["x_met_visits"], ["string", "help"])[
                "x_met_visits"
            ]

        metric.with_context(lang="zh_CN").name = "拜访次数"
        self.assertEqual(describe("zh_CN")["string"], "拜访次数")
        self.assertEqual(describe("en_US")["string"], "Visits")
        self.assertEqual(describe("en_US")["help"], "All visits")

    def test_archived_metric_keeps_its_field(self):
        metric = self.fill()[0]
        metric.active = False
        self.assertEqual(self.search(("x_met_orders", ">", 0)), [])
        self.assertEqual(self.alpha.x_met_orders, 0)
        self.update()
        self.assertFalse(metric.value_ids)
        metric.active = True
        self.update()
        self.assertEqual(self.alpha.x_met_orders, 2)

    def test_deleted_metric_takes_its_field_along(self):
        metric = self.make_metric("passing")
        self.add(self.alpha)
        self.update()
        field = self.env["ir.model.fields"]._get("res.partner", "x_met_passing")
        metric.unlink()
        self.assertFalse(field.exists())
        self.assertNotIn("x_met_passing", self.Partner._fields)
        self.make_metric("passing")  # the code is free again

    def test_used_metric_is_not_deleted(self):
        metric = self.make_metric("orders")
        longer = self.make_metric("orders_2")
        saved = self.env["ir.filters"].create(
            {
                "name": "Buyers",
                "model_id": "res.partner",
                "domain": "[('x_met_orders', '>', 3)]",
                "user_ids": [fields.Command.clear()],
            }
        )
        with self.assert_refused(UserError, "Buyers"):
            metric.unlink()
        self.assertIn("x_met_orders", self.Partner._fields)
        saved.write({"domain": "[]", "context": "{'group_by': ['x_met_orders']}"})
        with self.assert_refused(UserError, "Buyers"):
            metric.unlink()
        saved.write({"context": "{}", "domain": "[('x_met_orders_2', '>', 3)]"})
        metric.unlink()
        self.env["mailing.mailing"].create(
            {
                "subject": "To buyers",
                "mailing_model_id": self.env["ir.model"]._get("res.partner").id,
                "mailing_domain": "[('x_met_orders_2', '>', 3)]",
            }
        )
        with self.assert_refused(UserError, "To buyers"):
            saved.unlink()
            longer.unlink()

    def test_merged_contacts(self):
        metrics = self.fill()
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo()
        wizard.create(
            {
                "partner_ids": [fields.Command.set((self.alpha + self.beta).ids)],
                "dst_partner_id": self.alpha.id,
            }
        ).action_merge()
        self.assertFalse(self.beta.exists())
        self.assertEqual(self.alpha.x_met_orders, 2)
        self.update()
        self.assertEqual(self.values_of(metrics[0]), {"Alpha": 3})
        self.assertEqual(self.values_of(metrics[1]), {"Alpha": 3.0})

    def test_number_of_statements(self):
        self.fill()
        partners = self.Partner.create([{"name": f"P {i}"} for i in range(200)])
        counts = []
        for some in (partners[:5], partners):
            self.env.flush_all()
            self.env.invalidate_all()
            some.fetch(["commercial_partner_id"])
            start = self.env.cr.sql_log_count
            some.mapped("x_met_orders")
            some.mapped("x_met_latest")
            counts.append(self.env.cr.sql_log_count - start)
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[1], 8)


@tagged("post_install", "-at_install")
class TestMetricAccess(MetricCommon):
    """Values show only to those who see their customer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.limit = cls.env["res.groups"].create({"name": "Own customers only"})
        cls.env["ir.rule"].create(
            {
                "name": "Own customers",
                "model_id": cls.env["ir.model"]._get("res.partner").id,
                "groups": [fields.Command.link(cls.limit.id)],
                "domain_force": "['|', ('user_id', '=', user.id), "
                "('id', '=', user.partner_id.id)]",
            }
        )
        cls.user = cls.make_user("plain_user")
        cls.seller = cls.make_user("seller_only")
        cls.seller.group_ids += cls.limit
        cls.alpha.user_id = cls.seller

    def setUp(self):
        super().setUp()
        self.metric = self.make_metric("orders")
        for partner in (self.alpha, self.beta, self.beta):
            self.add(partner)
        self.update()

    def test_user_reads_but_configures_nothing(self):
        metric = self.metric.with_user(self.user)
        self.assertEqual(metric.name, "Orders")
        self.assertEqual(self.beta.with_user(self.user).x_met_orders, 2)
        for call in (
            lambda: metric.write({"name": "Mine"}),
            lambda: metric.copy(),
            lambda: metric.unlink(),
            lambda: metric.action_preview(),
            lambda: metric.value_ids.write({"value": 9}),
            lambda: metric.value_ids.unlink(),
            lambda: self.Value.with_user(self.user).create(
                {"partner_id": self.alpha.id, "metric_id": metric.id}
            ),
        ):
            with self.assert_refused(AccessError, ""):
                call()

    def test_seller_sees_own_customers_only(self):
        Partner = self.env["res.partner"].with_user(self.seller)
        Value = self.Value.with_user(self.seller)
        mine = [("metric_id", "=", self.metric.id)]
        self.assertEqual(Value.search(mine).partner_id.sudo(), self.alpha)
        self.assertEqual(self.metric.with_user(self.seller).value_count, 1)
        with self.assertRaises(AccessError):
            self.metric.value_ids.with_user(self.seller).read(["value"])
        self.assertEqual(Partner.search([("x_met_orders", ">", 0)]), self.alpha)
        self.assertEqual(Partner._read_group([], [], ["x_met_orders:sum"]), [(1,)])
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.beta.id, "user_id": self.seller.id}
        )
        self.assertEqual(contact.x_met_orders, 2)
        contact = Partner.browse(contact.id)
        self.assertEqual(contact.x_met_orders, 0)
        self.assertFalse(Partner.search([("x_met_orders", "=", 2)]))
        order = Partner.search([("id", "!=", 0)], order="x_met_orders desc", limit=1)
        self.assertEqual(order, self.alpha)

    @mute_logger("odoo.models")
    def test_others_see_nothing(self):
        """Neither a portal user nor an employee without the group."""
        portal = new_test_user(self.env, "metric_portal", groups="base.group_portal")
        employee = self.make_user("metric_employee", groups=None)
        for user in (portal, employee):
            with self.subTest(user.login):
                partner = user.partner_id.with_user(user)
                self.assertNotIn("x_met_orders", partner.fields_get())
                for call in (
                    lambda p=partner: p.read(["x_met_orders"]),
                    lambda p=partner: p.search([("x_met_orders", ">", 0)]),
                    lambda p=partner: p.search([], order="x_met_orders"),
                    lambda p=partner: p._read_group([], ["x_met_orders"], []),
                    lambda p=partner: p._read_group([], [], ["x_met_orders:sum"]),
                    lambda u=user: self.Value.with_user(u).search([]),
                    lambda u=user: self.Metric.with_user(u).search([]),
                ):
                    with self.assertRaises(AccessError):
                        call()
