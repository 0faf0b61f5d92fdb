from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import MANAGER, ClassificationCommon

#: Models of rows that are visible with their customer only
#: Rows of facts besides those that documents of the ordinary tests give
FACT_MODELS = (
    "customer.payment.figures",
    "customer.product.figures",
    "customer.product.share",
    "customer.metric.value",
)
ROW_MODELS = (
    "customer.figures",
    "customer.assignment",
    "customer.override",
    "customer.assignment.history",
    *FACT_MODELS,
)


@tagged("post_install", "-at_install")
class TestVisibility(ClassificationCommon):
    """Rows show only to those who see their customer, and work in their company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.limit = cls.env["res.groups"].create({"name": "Own customers only"})
        # base has rules for all users (global) and for portal users only; a rule of
        # a group thus restricts the users of this group
        cls.env["ir.rule"].create(
            {
                "name": "Own customers",
                "model_id": cls.env["ir.model"]._get("res.partner").id,
                "groups": [fields.Command.link(cls.limit.id)],
                "domain_force": "['|', ('user_id', '=', user.id), "
                "('id', '=', user.partner_id.id)]",
            }
        )
        cls.seller = cls.make_user("seller")
        cls.limited_manager = cls.make_user("limited_manager", groups=MANAGER)
        (cls.seller + cls.limited_manager).group_ids += cls.limit
        cls.mine = cls.make_customer("Mine", user_id=cls.seller.id)
        cls.hidden = cls.make_customer("Hidden", user_id=cls.limited_manager.id)

    def setUp(self):
        super().setUp()
        self.post(self.mine, 100, 20)
        self.post(self.hidden, 7000, 10)
        self.classify()
        self.decide(self.mine)
        self.decide(self.hidden)
        for model in FACT_MODELS:
            for partner in self.mine + self.hidden:
                self.note_fact(model, partner)

    def note_fact(self, model, partner):
        values = {"partner_id": partner.id, "company_id": self.env.company.id}
        if model == "customer.metric.value":
            values["metric_id"] = self.get_metric("open_amount").id
        # sudo: only the engine writes them
        self.env[model].sudo().search([("partner_id", "=", partner.id)]).unlink()
        self.env[model].sudo().create(values)

    def decide(self, partner, env=None, **values):
        return (env or self.env)["customer.override"].create(
            {
                "partner_id": partner.id,
                "dimension_id": self.dimension.id,
                "category_id": self.gold.id,
                "reason": "Because",
                **values,
            }
        )

    def rows_of(self, model, partner):
        return self.env[model].sudo().search([("partner_id", "=", partner.id)])

    def test_every_way_to_list_rows(self):
        for model in ROW_MODELS:
            mine, hidden = (self.rows_of(model, p) for p in (self.mine, self.hidden))
            self.assertTrue(mine and hidden, model)
            Model = self.env[model].with_user(self.seller)
            with self.subTest(model):
                self.assertEqual(Model.search([]), mine)
                self.assertEqual(Model.search_count([]), len(mine))
                self.assertEqual(
                    Model.web_search_read([], {"partner_id": {}})["records"],
                    mine.web_read({"partner_id": {}}),
                )
                self.assertEqual(
                    Model._read_group([], ["partner_id"], ["__count"]),
                    [(self.mine, len(mine))],
                )
                self.assertEqual(Model._read_group([], [], ["__count"]), [(len(mine),)])
                self.assertEqual(
                    [row["id"] for row in Model.search_read([], ["partner_id"])],
                    mine.ids,
                )
                self.assertFalse(Model.search([("partner_id", "=", self.hidden.id)]))
                self.assertFalse(Model.search([("partner_id.name", "=", "Hidden")]))
                self.assertFalse(Model.search(["!", ("id", "in", mine.ids)]))
                self.assertFalse(Model.name_search("Hidden"))

    def test_every_way_to_read_a_row_by_its_id(self):
        for model in ROW_MODELS:
            mine, hidden = (
                self.rows_of(model, p).with_user(self.seller)
                for p in (self.mine, self.hidden)
            )
            with self.subTest(model):
                self.assertEqual(len(mine.read(["partner_id"])), len(mine))
                for row in (hidden, mine + hidden):
                    for call in (
                        lambda r=row: r.read(["partner_id"]),
                        lambda r=row: (
                            r.web_read({"dimension_id": {}})
                            if "dimension_id" in r
                            else r.web_read({"company_id": {}})
                        ),
                        lambda r=row: r.mapped("company_id"),
                        lambda r=row: r.mapped("display_name"),
                        lambda r=row: r.check_access("read"),
                    ):
                        with self.assertRaises(AccessError):
                            call()
                self.assertEqual((mine + hidden)._filtered_access("read"), mine)

    def test_rows_forbidden_for_two_reasons(self):
        """A row of another company must not distract from a hidden customer."""
        other = self.env["res.company"].create({"name": "Other company"})
        elsewhere = self.decide(self.mine, company_id=other.id)
        mine, hidden = (
            self.rows_of("customer.override", p) for p in (self.mine, self.hidden)
        )
        self.assertIn(elsewhere, mine)
        rows = (mine + hidden).with_user(self.seller)
        self.assertEqual(rows._filtered_access("read"), mine - elsewhere)

    def test_sums_leak_nothing(self):
        Figures = self.env["customer.figures"].with_user(self.seller)
        self.assertEqual(
            Figures._read_group([], ["company_id"], ["revenue_total:sum"]),
            [(self.env.company, 100.0)],
        )
        self.assertEqual(
            Figures.formatted_read_group([], [], ["revenue_total:sum", "__count"]),
            [
                {
                    "revenue_total:sum": 100.0,
                    "__count": 1,
                    "__extra_domain": [(1, "=", 1)],
                }
            ],
        )
        Assignment = self.env["customer.assignment"].with_user(self.seller)
        # two customers: one has the score 1 and one a higher one on every metric
        tier = self.assignment_of(self.mine).category_id
        self.assertNotEqual(self.assignment_of(self.hidden).category_id, tier)
        self.assertEqual(
            Assignment._read_group([], ["category_id"], ["__count"]), [(tier, 1)]
        )
        Partner = self.env["res.partner"].with_user(self.seller)
        self.assertEqual(
            Partner._read_group(
                [("customer_figures_id", "!=", False)],
                [self.dimension.partner_field_name],
                ["customer_revenue_total:sum", "__count"],
            ),
            [(self.gold, 100.0, 1)],
        )

    def test_decisions_on_hidden_customers(self):
        env = self.env(user=self.seller)
        override = self.rows_of("customer.override", self.hidden)
        own = override.with_user(self.seller)
        with self.assertRaises(AccessError):
            own.category_id = self.silver
        with self.assertRaises(AccessError):
            own.action_withdraw()
        override.unlink()
        history = self.rows_of("customer.assignment.history", self.hidden)
        with self.assertRaises(AccessError):
            self.decide(self.hidden, env)
        self.assertFalse(self.rows_of("customer.override", self.hidden))
        self.assertEqual(
            self.rows_of("customer.assignment.history", self.hidden), history
        )
        own = self.rows_of("customer.override", self.mine).with_user(self.seller)
        own.category_id = self.silver
        own.action_withdraw()
        self.assertFalse(self.rows_of("customer.override", self.mine))

    def test_decision_through_a_visible_contact_of_a_hidden_customer(self):
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.hidden.id, "user_id": self.seller.id}
        )
        self.rows_of("customer.override", self.hidden).unlink()
        contact.with_user(self.seller).read(["name"])
        with self.assertRaises(AccessError):
            self.decide(contact, self.env(user=self.seller))

    def test_visible_contact_of_a_hidden_customer_shows_nothing(self):
        """Not the company's revenue nor tier: read, searched, sorted or summed."""
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.hidden.id, "user_id": self.seller.id}
        )
        tier = self.dimension.partner_field_name
        self.assertEqual(contact.customer_revenue_total, 7000)
        self.assertEqual(contact[tier], self.gold)
        Partner = self.env["res.partner"].with_user(self.seller)
        mine, contact = Partner.browse((self.mine + contact).ids)
        self.assertEqual(mine.customer_revenue_total, 100)
        self.assertEqual(mine[tier], self.gold)
        said = {"customer_rank", "customer_currency_id"}  # not by the hidden customer
        for name in Partner.fields_get():
            if name.startswith(("customer_", "x_cls_")) and name not in said:
                self.assertFalse(contact[name], name)
        self.assertEqual(Partner.search([(tier, "=", self.gold.id)]), mine)
        self.assertEqual(Partner.search([("customer_figures_id", "!=", False)]), mine)
        self.assertFalse(Partner.search([("customer_revenue_total", ">", 5000)]))
        self.assertFalse(Partner.search([("id", "=", contact.id), (tier, "!=", False)]))
        self.assertEqual(
            Partner._read_group([], [], ["customer_revenue_total:sum"]), [(100,)]
        )
        groups = dict(Partner._read_group([], [tier], ["id:recordset"]))
        self.assertEqual(groups[self.gold.with_user(self.seller)], mine)
        self.assertEqual(
            Partner.search([], order="customer_revenue_total", limit=1), mine
        )

    def test_results_of_past_dates(self):
        run = self.classify(as_of=self.day(5))
        staged = run.staging_ids
        self.assertEqual(staged.partner_id, self.mine + self.hidden)
        own = run.with_user(self.limited_manager)
        self.assertEqual(own.staging_ids.partner_id, self.hidden)
        self.assertEqual(own.line_ids.staging_ids.partner_id, self.hidden)
        self.assertEqual(own.staged_count, 1)
        self.assertEqual(
            self.env["customer.staging"]
            .with_user(self.limited_manager)
            .search([])
            .partner_id,
            self.hidden,
        )
        visible = staged.filtered(lambda row: row.partner_id == self.hidden)
        self.assertEqual(
            staged.with_user(self.limited_manager)._filtered_access("read"), visible
        )
        with self.assertRaises(AccessError):
            (staged - visible).with_user(self.limited_manager).read(["score"])

    def test_limited_manager_classifies_own_customers_only_by_name(self):
        Run = self.Run.with_user(self.limited_manager)
        with self.assertRaises(AccessError):
            Run.classify(partners=self.mine.ids)
        run = Run.classify(partners=self.hidden.ids)
        self.assertEqual(run.sudo().partner_ids, self.hidden)
        run = self.classify(partners=self.mine)
        self.env.invalidate_all()
        self.assertFalse(run.with_user(self.limited_manager).partner_ids)

    def test_archived_customers_stay_visible(self):
        self.mine.active = False
        for model in ROW_MODELS:
            with self.subTest(model):
                self.assertEqual(
                    self.env[model].with_user(self.seller).search([]),
                    self.rows_of(model, self.mine),
                )


@tagged("post_install", "-at_install")
class TestCompanies(ClassificationCommon):
    """Each company has its own rows, which its users and its branches' users see."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.here = cls.env.company
        cls.there = cls.setup_other_company(name="Other company")["company"]
        cls.branch = cls.env["res.company"].create(
            {"name": "Branch", "parent_id": cls.there.id}
        )
        cls.user_here = cls.make_user("user_here", groups=MANAGER)
        cls.user_there = cls.make_user("user_there")
        cls.user_branch = cls.make_user("user_branch", groups=MANAGER)
        for user, company in (
            (cls.user_there, cls.there),
            (cls.user_branch, cls.branch),
        ):
            user.write(
                {
                    "company_id": company.id,
                    "company_ids": [fields.Command.set(company.ids)],
                }
            )
        cls.user_both = cls.make_user("user_both")
        cls.user_both.company_ids += cls.there
        cls.alpha = cls.make_customer("Alpha")

    def setUp(self):
        super().setUp()
        journal = self.env["account.journal"].search(
            [("company_id", "=", self.there.id), ("type", "=", "sale")], limit=1
        )
        self.post(self.alpha, 100, 20)
        self.post(self.alpha, 3, 10, journal_id=journal.id)
        self.classify(companies=self.here + self.there)
        for company in self.here + self.there:
            self.env["customer.override"].with_company(company).create(
                {
                    "partner_id": self.alpha.id,
                    "dimension_id": self.dimension.id,
                    "category_id": (
                        self.gold if company == self.here else self.silver
                    ).id,
                    "reason": "Because",
                }
            )
            # sudo: only the engine writes them
            self.env["customer.metric.value"].sudo().create(
                {
                    "partner_id": self.alpha.id,
                    "company_id": company.id,
                    "metric_id": self.get_metric("open_amount").id,
                }
            )

    def test_rows_of_the_users_companies(self):
        self.classify(companies=self.here + self.there, as_of=self.day(1))
        for user, companies in (
            (self.user_here, self.here),
            (self.user_there, self.there),
            (self.user_branch, self.there),
        ):
            models = [*ROW_MODELS, "customer.ruleset"]
            if user.has_group(MANAGER):
                models += ["customer.staging", "customer.classification.run.line"]
            for model in models:
                with self.subTest(model, user=user.login):
                    rows = self.env[model].with_user(user).search([])
                    self.assertEqual(rows.sudo().company_id, companies)
                    everything = (
                        self.env[model]
                        .sudo()
                        .search([("company_id", "in", (self.here + self.there).ids)])
                    )
                    forbidden = (everything - rows.sudo()).with_user(user)
                    self.assertTrue(forbidden)
                    with self.assertRaises(AccessError):
                        forbidden[0].read(["company_id"])

    def test_runs_of_other_companies(self):
        run = self.classify(companies=self.there)
        self.assertNotIn(run, self.Run.with_user(self.user_here).search([]))
        with self.assertRaises(AccessError):
            run.with_user(self.user_here).read(["state"])
        self.assertIn(run, self.Run.with_user(self.user_branch).search([]))

    def test_contact_follows_the_active_company(self):
        field_name = self.dimension.partner_field_name
        for user, company, tier, revenue in (
            (self.user_here, self.here, self.gold, 100),
            (self.user_there, self.there, self.silver, 3),
            (self.user_branch, self.branch, self.silver, 3),
            (self.user_both, self.here, self.gold, 100),
            (self.user_both, self.there, self.silver, 3),
        ):
            with self.subTest(user=user.login, company=company.name):
                partner = self.alpha.with_user(user).with_company(company)
                self.assertEqual(partner[field_name], tier)
                self.assertEqual(partner.customer_revenue_total, revenue)
                self.assertEqual(partner.customer_override_ids.category_id, tier)
                self.assertEqual(partner.customer_history_ids.new_category_id, tier)
                self.assertEqual(len(partner.customer_assignment_ids), 1)
                self.assertEqual(
                    partner.search([(field_name, "=", tier.id)]), self.alpha
                )
                other = (self.gold + self.silver) - tier
                self.assertFalse(partner.search([(field_name, "=", other.id)]))

    def test_no_decision_for_another_company(self):
        self.rows = self.Override.search([("partner_id", "=", self.alpha.id)])
        self.rows.unlink()
        values = {
            "partner_id": self.alpha.id,
            "dimension_id": self.dimension.id,
            "category_id": self.gold.id,
            "reason": "Because",
        }
        Override = self.Override.with_user(self.user_here)
        with self.assertRaises(AccessError):
            Override.create({**values, "company_id": self.there.id})
        self.assertEqual(Override.create(values).company_id, self.here)
        Override = self.Override.with_user(self.user_branch)
        self.assertEqual(Override.create(values).company_id, self.there)
