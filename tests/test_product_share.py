from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.customer_classification.models.customer_scope import Scope

from .common import MANAGER, USER
from .product_common import ProductCommon

MARGINS = ("margin_window", "margin_share", "costed_share")


@tagged("post_install", "-at_install")
class TestProductsShown(ProductCommon):
    """Who sees what customers buy, where, and how it is searched."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = cls.make_user("product_user", USER)
        cls.manager = cls.make_user("product_manager", MANAGER)

    def setUp(self):
        super().setUp()
        self.trade(
            self.alpha,
            9,
            {"product": "Tea", "price": 10, "discount": 50},
            {"product": "Pot", "price": 40},
        )
        self.trade(self.beta, 9, {"product": "Gift", "price": 100})
        self.gamma = self.make_customer("Gamma")
        self.update()

    def test_contact_shows_the_figures(self):
        child = self.make_customer("Child", parent_id=self.alpha.id, is_company=False)
        for partner in (self.alpha, child):
            self.assertEqual(partner.customer_discount_share, 10)
            self.assertEqual(partner.customer_margin_window, 45 - 4 - 20)
            self.assertEqual(partner.customer_margin_share, 46.67)
            self.assertEqual(partner.customer_costed_share, 100)
            self.assertEqual(partner.customer_main_product_category_id, self.pot_group)
            self.assertEqual(partner.customer_main_product_share, 88.89)
        self.assertFalse(self.gamma.customer_main_product_category_id)
        form = Form(self.alpha)
        self.assertEqual(form.customer_main_product_category_id, self.pot_group)

    def test_search_group_and_sort(self):
        Partner = self.env["res.partner"]
        mine = [("id", "in", (self.alpha | self.beta | self.gamma).ids)]

        def search(*condition):
            return Partner.search([*mine, condition])

        name = "customer_main_product_category_id"
        self.assertEqual(search(name, "=", self.pot_group.id), self.alpha | self.beta)
        self.assertEqual(search(name, "=", False), self.gamma)
        self.assertEqual(search(name, "!=", self.pot_group.id), self.gamma)
        self.assertEqual(search(name, "ilike", "pots"), self.alpha | self.beta)
        self.assertEqual(search(name, "child_of", self.tea_group.id), Partner)
        self.assertEqual(search("customer_margin_share", ">", 40), self.alpha)
        # whose cost is not known has no low margin
        self.assertEqual(search("customer_margin_share", "<", 40), Partner)
        self.assertEqual(
            search("customer_margin_share", "=", False), self.beta | self.gamma
        )
        self.assertEqual(
            search("customer_discount_share", "<=", 10).mapped("name"),
            [
                "Alpha",
                "Beta",
            ],
        )
        groups = dict(Partner._read_group(mine, [name], ["__count"]))
        self.assertEqual(groups, {self.pot_group: 2, self.env["product.category"]: 1})
        self.assertEqual(
            Partner.search(mine, order="customer_main_product_share desc").mapped(
                "name"
            ),
            ["Beta", "Alpha", "Gamma"],
        )

    def test_costs_are_for_managers(self):
        rows = self.ProductFigures.search([("partner_id", "=", self.alpha.id)])
        self.assertEqual(self.alpha.with_user(self.manager).customer_margin_window, 21)
        self.assertEqual(rows.with_user(self.manager).margin_window, 21)
        partner = self.alpha.with_user(self.user)
        self.assertEqual(partner.customer_discount_share, 10)
        self.assertEqual(partner.customer_main_product_category_id, self.pot_group)
        for name in MARGINS:
            for record, field in ((partner, f"customer_{name}"), (rows, name)):
                record = record.with_user(self.user)
                Model = record.browse()
                self.assertNotIn(field, Model.fields_get())
                for call in (
                    lambda r=record, f=field: r.read([f]),
                    lambda m=Model, f=field: m.search([(f, ">", 1)]),
                    lambda m=Model, f=field: m.search([], order=f),
                    lambda m=Model, f=field: m._read_group([], [], [f"{f}:sum"]),
                ):
                    with self.subTest(field), self.assertRaises(AccessError):
                        call()

    def test_others_see_nothing(self):
        outsider = self.make_user("product_outsider", "")
        portal = new_test_user(self.env, "product_portal", "base.group_portal")
        for user in (outsider, portal):
            for model in (self.Share, self.ProductFigures):
                with self.assertRaises(AccessError):
                    model.with_user(user).search([])
            self.assertFalse(
                {"customer_discount_share", "customer_main_product_category_id"}
                & self.env["res.partner"].with_user(user).fields_get().keys()
            )

    def test_rows_follow_customer_and_company(self):
        other = self.setup_other_company(name="Other company")["company"]
        stranger = new_test_user(
            self.env,
            "product_stranger",
            f"base.group_user,{MANAGER}",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        self.assertFalse(self.Share.with_user(stranger).search([]))
        self.assertFalse(self.ProductFigures.with_user(stranger).search([]))
        self.assertEqual(
            self.Share.with_user(self.user).search([]).partner_id,
            self.alpha | self.beta,
        )
        self.env["ir.rule"].create(
            {
                "name": "Not Alpha",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": repr([("id", "!=", self.alpha.id)]),
            }
        )
        self.assertEqual(
            self.Share.with_user(self.user).search([]).partner_id, self.beta
        )
        self.assertEqual(
            self.ProductFigures.with_user(self.user).search([]).partner_id, self.beta
        )

    def test_nobody_but_the_engine_writes(self):
        for rows in (self.Share.search([]), self.ProductFigures.search([])):
            rows = rows.with_user(self.manager)
            for call in (
                lambda r=rows: r.write({"company_id": self.env.company.id}),
                lambda r=rows: r.unlink(),
                lambda r=rows: r.create({}),
            ):
                with self.assertRaises(AccessError):
                    call()

    def test_link_from_the_contact(self):
        action = self.alpha.with_user(self.user).action_show_customer_products()
        rows = self.Share.with_user(self.user).search(action["domain"])
        self.assertEqual(rows.category_id, self.tea_group | self.pot_group)
        self.assertEqual(rows.filtered("is_main").category_id, self.pot_group)

    def test_merged_customers_wait_for_the_next_computation(self):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.alpha | self.beta).ids, self.alpha)
        mains = self.Share.search(
            [("partner_id", "=", self.alpha.id), ("is_main", "=", True)]
        )
        self.assertEqual(len(mains), 1)
        self.update(scope=Scope.of(self.alpha.ids))
        self.assertEqual(
            self.get_shares()["Alpha"],
            {"Pots": ("140.00", "96.55", True), "Teas": ("5.00", "3.45", False)},
        )

    def test_deleted_contact_leaves_nothing_behind(self):
        lost = self.make_customer("Lost")
        ids = lost.ids
        self.env.cr.execute(
            "INSERT INTO customer_product_share (partner_id, company_id, revenue)"
            " VALUES (%s, %s, 1)",
            [lost.id, self.env.company.id],
        )
        lost.unlink()
        self.assertFalse(self.Share.search([("partner_id", "in", ids)]))


@tagged("post_install", "-at_install")
class TestProductsInRuns(ProductCommon):
    """Runs bring up to date the rows of those for whom something changed."""

    def setUp(self):
        super().setUp()
        self.trade(self.alpha, 9, {"product": "Tea", "price": 10})
        self.trade(self.beta, 9, {"product": "Pot", "price": 40})
        self.classify()

    def get_noted(self):
        """Return the customers whom a run of the night would look at for products."""
        rows = []
        for query in self.ProductFigures._get_due_queries(self.env.company, self.today):
            rows += self.env.execute_query(query)
        return self.env["res.partner"].browse({id_ for [id_] in rows})

    def test_full_run(self):
        self.assert_products()
        self.assertFalse(self.get_noted())

    def test_changed_products_note_their_customers(self):
        other = self.setup_other_company(name="Other company")["company"]
        self.products["Tea"].with_company(other).standard_price = 9
        self.assertFalse(self.get_noted(), "it has no cost here but its own")
        self.products["Tea"].standard_price = 9
        self.assertEqual(self.get_noted(), self.alpha)
        self.products["Pot"].categ_id = self.tea_group
        self.assertEqual(self.get_noted(), self.alpha | self.beta)
        self.ProductFigures._remember(self.env.company)
        self.assertFalse(self.get_noted())

    def run_night(self):
        """Do what a night does; return how many rows of facts it wrote."""
        run = self.Run.sudo()._create_run(
            "cron", self.env.company, extents={self.env.company.id: "due"}
        )
        self.env["customer.change"]._drain_to(run.line_ids)
        line = run.line_ids.filtered("company_id")
        line._process()
        self.assertEqual(line.state, "done")
        return line.figures_count

    def test_night(self):
        self.run_night()
        self.assertFalse(self.run_night(), "nothing happened since")
        self.trade(self.alpha, 1, {"product": "Gift", "price": 100})
        self.products["Pot"].standard_price = self.costs["Pot"] = 5
        self.assertTrue(self.run_night())
        self.assert_products()
        self.assertFalse(self.run_night())

    def test_sold_long_ago_notes_nobody(self):
        self.trade(self.alpha, 400, {"product": "Gift", "price": 10})
        self.products["Gift"].standard_price = 9
        self.assertFalse(self.get_noted())

    def test_nobody_wants_them(self):
        metrics = self.env["customer.metric"].search(
            [("code", "in", self.ProductFigures._fact_columns)]
        )
        self.assertEqual(len(metrics), 6)
        metrics.active = False
        self.classify()
        self.assertFalse(self.get_figures())
        self.assertFalse(self.get_shares())
        metrics.active = True
        self.classify()
        self.assert_products()
