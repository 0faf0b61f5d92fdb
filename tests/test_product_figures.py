import random
from datetime import timedelta

from odoo.tests import tagged

from odoo.addons.customer_classification.models.customer_scope import Scope

from .product_common import FIGURES, ProductCommon


@tagged("post_install", "-at_install")
class TestProductFigures(ProductCommon):
    """What customers buy equals what plain Python makes of the same lines."""

    def figures_of_alpha(self):
        return self.get_figures()["Alpha"]

    def test_worked_by_hand(self):
        self.trade(
            self.alpha,
            30,
            {"product": "Tea", "quantity": 10, "price": 10, "discount": 10},  # 90
            {"product": "Pot", "quantity": 2, "price": 30},  # 60
            {"price": 50},  # a text line: 50
        )
        self.trade(self.alpha, 5, {"product": "Pot", "price": 30}, refund=True)  # -30
        self.update()
        self.assertEqual(
            self.figures_of_alpha(),
            {
                # 10 of 100 + 60 + 50 - 30 = 180
                "discount_share": "5.56",
                # 90 - 40 for the tea, 30 - 20 for the pot that was kept
                "margin_window": "60.00",
                # of 90 + 30
                "margin_share": "50.00",
                # 90 + 60 + 30 of 90 + 60 + 50 + 30
                "costed_share": "78.26",
                "main_product_category_id": "Teas",
                # 90 of 90 + 30 + 50
                "main_product_share": "52.94",
            },
        )
        self.assertEqual(
            self.get_shares(),
            {
                "Alpha": {
                    "Teas": ("90.00", "52.94", True),
                    "Pots": ("30.00", "17.65", False),
                    None: ("50.00", "29.41", False),
                }
            },
        )
        self.assert_products()

    def test_first_and_last_day_of_the_period(self):
        for days_ago, price in ((365, 1000), (364, 100), (0, 10), (-1, 1)):
            self.trade(self.alpha, days_ago, {"product": "Tea", "price": price})
        self.trade(self.beta, 365, {"product": "Tea", "price": 5})
        self.update()
        self.assertEqual(
            self.get_shares(), {"Alpha": {"Teas": ("110.00", "100.00", True)}}
        )
        self.assertNotIn("Beta", self.get_figures())

    def test_period_and_start_of_history(self):
        self.trade(self.alpha, 45, {"product": "Pot", "price": 90})
        self.trade(self.alpha, 20, {"product": "Tea", "price": 5})
        self.env.company.customer_window_days = 30
        self.update()
        self.assert_products(window=30)
        self.env.company.customer_window_days = 365
        self.env.company.customer_history_start = self.day(20)
        self.update()
        self.assert_products(lines=self.lines[1:])

    def test_sections_notes_and_taxes_do_not_count(self):
        self.trade(
            self.alpha,
            3,
            {"display_type": "line_section", "name": "Section"},
            {"product": "Tea", "price": 10},
            {"display_type": "line_note", "name": "Note"},
        )
        move = self.trade(self.beta, 3, {"product": "Tea", "price": 10})
        move.button_draft()
        move.invoice_line_ids.tax_ids = self.tax_sale_a
        move.action_post()
        self.assertGreater(move.amount_tax, 0)
        self.update()
        self.assert_products()

    def test_free_lines(self):
        self.trade(
            self.alpha,
            3,
            {"product": "Tea", "quantity": 3, "price": 7.5, "discount": 100},
            {"product": "Tea", "quantity": 1, "price": 0},
            {"product": "Tea", "quantity": 1, "price": 27.5},
        )
        self.trade(self.beta, 3, {"product": "Tea", "price": 0})
        self.update()
        figures = self.assert_products()
        # 22.50 of 50; the tea given away costs as much as the one sold
        self.assertEqual(figures["Alpha"]["discount_share"], "45.00")
        self.assertEqual(figures["Alpha"]["margin_window"], "7.50")
        self.assertIsNone(figures["Beta"]["discount_share"])
        self.assertEqual(figures["Beta"]["margin_window"], "-4.00")

    def test_credit_notes_take_the_discount_back(self):
        line = {"product": "Tea", "quantity": 4, "price": 25, "discount": 20}
        self.trade(self.alpha, 9, line, {"product": "Pot", "price": 100})
        self.trade(self.alpha, 8, line, refund=True)
        self.trade(self.beta, 9, line)
        self.trade(self.beta, 8, {**line, "quantity": 5}, refund=True)
        self.update()
        figures = self.assert_products()
        self.assertEqual(figures["Alpha"]["discount_share"], "0.00")
        self.assertEqual(figures["Alpha"]["margin_window"], "80.00")
        for name in ("discount_share", "margin_share", "main_product_category_id"):
            self.assertIsNone(figures["Beta"][name], name)
        self.assertEqual(self.get_shares()["Beta"]["Teas"], ("-20.00", "0.00", False))

    def test_surcharge_and_more_than_all(self):
        self.trade(self.alpha, 9, {"product": "Tea", "price": 100, "discount": -10})
        self.trade(
            self.beta,
            9,
            {"product": "Tea", "price": 100, "discount": 150},
            {"product": "Tea", "price": 100},
        )
        self.update()
        figures = self.assert_products()
        self.assertEqual(figures["Alpha"]["discount_share"], "-10.00")
        self.assertEqual(figures["Beta"]["discount_share"], "75.00")

    def test_unknown_costs_are_not_free(self):
        self.trade(self.alpha, 9, {"product": "Gift", "price": 100}, {"price": 30})
        self.trade(
            self.beta,
            9,
            {"product": "Gift", "price": 60},
            {"product": "Pot", "price": 40},
        )
        self.update()
        figures = self.assert_products()
        self.assertIsNone(figures["Alpha"]["margin_window"])
        self.assertEqual(figures["Alpha"]["costed_share"], "0.00")
        self.assertEqual(figures["Beta"]["margin_window"], "20.00")
        self.assertEqual(figures["Beta"]["costed_share"], "40.00")

    def test_margin_equals_the_invoice_analysis(self):
        """Odoo's own report, where all costs are known."""
        dozen = self.env.ref("uom.product_uom_dozen")
        euro = self.setup_other_currency("EUR", rates=[("1900-01-01", 0.8)])
        self.trade(
            self.alpha,
            9,
            {"product": "Tea", "price": 90, "unit": dozen, "discount": 12.5},
            {"product": "Pot", "quantity": 3, "price": 29.99},
        )
        self.trade(
            self.alpha,
            4,
            {"product": "Green tea", "quantity": 7, "price": 5.55},
            rate=0.8,
            currency_id=euro.id,
        )
        self.trade(self.alpha, 2, {"product": "Pot", "price": 28.5}, refund=True)
        self.update()
        self.assert_products()
        [[margin]] = self.env["account.invoice.report"]._read_group(
            [("commercial_partner_id", "=", self.alpha.id), ("state", "=", "posted")],
            [],
            ["price_margin:sum"],
        )
        self.assertEqual(self.figures_of_alpha()["margin_window"], f"{margin:.2f}")

    def test_costs_and_categories_of_today(self):
        self.trade(
            self.alpha,
            30,
            {"product": "Tea", "quantity": 5, "price": 10},
            {"product": "Pot", "price": 40},
        )
        self.update()
        self.assert_products()
        self.products["Tea"].standard_price = self.costs["Tea"] = 9
        self.products["Pot"].standard_price = self.costs["Pot"] = 0
        self.products["Tea"].categ_id = self.pot_group
        self.categories["Tea"] = self.categories["Pot"]
        self.products["Green tea"].categ_id = False
        self.update()
        figures = self.assert_products()
        self.assertEqual(figures["Alpha"]["margin_window"], "5.00")
        self.assertEqual(figures["Alpha"]["main_product_category_id"], "Pots")
        self.assertEqual(figures["Alpha"]["main_product_share"], "100.00")

    def test_equal_categories(self):
        """The one created first, whatever the lines' order."""
        self.trade(
            self.alpha,
            30,
            {"product": "Pot", "price": 40},
            {"product": "Tea", "price": 40},
            {"price": 90},
        )
        self.update()
        figures = self.assert_products()
        self.assertEqual(figures["Alpha"]["main_product_category_id"], "Teas")

    def test_companies_with_costs_of_their_own(self):
        other = self.setup_other_company(name="Other company")["company"]
        product = self.products["Tea"].with_company(other)
        self.trade(self.alpha, 9, {"product": "Tea", "price": 10})
        here = list(self.lines)
        self.lines.clear()
        journal = self.env["account.journal"].search(
            [("company_id", "=", other.id), ("type", "=", "sale")], limit=1
        )
        product.property_account_income_id = journal.default_account_id
        self.trade(
            self.alpha, 5, {"product": "Tea", "price": 100}, journal_id=journal.id
        )
        self.update()
        self.update(other)
        self.assert_products(lines=here)
        self.assertEqual(self.figures_of_alpha()["margin_window"], "6.00")
        self.assert_products(other, costs={"Tea": 0})
        product.standard_price = 70
        self.update(other)
        figures = self.assert_products(other, costs={"Tea": 70})
        self.assertEqual(figures["Alpha"]["margin_window"], "30.00")
        self.assertEqual(self.figures_of_alpha()["margin_window"], "6.00")

    def test_branches_count_with_their_company(self):
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.env.company.id}
        )
        self.env.user.company_ids += branch
        self.env["account.chart.template"].try_loading(
            "generic_coa", branch, install_demo=False
        )
        self.trade(self.alpha, 5, {"product": "Tea", "price": 10})
        move = self.trade(
            self.alpha, 5, {"product": "Tea", "price": 100}, company_id=branch.id
        )
        self.assertEqual(move.company_id, branch)
        self.update()
        # the product has no cost in the branch
        self.assertEqual(self.figures_of_alpha()["margin_window"], "6.00")
        self.assertEqual(self.figures_of_alpha()["costed_share"], "9.09")
        self.products["Tea"].with_company(branch).standard_price = 60
        self.update()
        self.assertEqual(self.figures_of_alpha()["margin_window"], "46.00")
        self.assertEqual(self.get_shares()["Alpha"]["Teas"][0], "110.00")

    def test_random_documents(self):
        """All kinds of lines at once, for everybody and for some, in any order."""
        randomly = random.Random(20)
        dozen = self.env.ref("uom.product_uom_dozen")
        euro = self.setup_other_currency("EUR", rates=[("1900-01-01", 0.877)])
        customers = [self.make_customer(f"Customer {n}") for n in range(6)]
        for _number in range(45):
            items = []
            for _line in range(randomly.randint(1, 4)):
                item = {
                    "quantity": randomly.choice([1, 2, 3.5, -1, 12]),
                    "price": randomly.choice([0, 1, 9.99, 25, 130.45]),
                    "discount": randomly.choice([0, 0, 5, 33.33, 100, 12.5]),
                }
                name = randomly.choice([None, *self.products])
                if name:
                    item["product"] = name
                    if randomly.random() < 0.2:
                        item["unit"] = dozen
                items.append(item)
            total = sum(
                i["quantity"] * i["price"] * (1 - i["discount"] / 100) for i in items
            )
            if total < 0:  # Odoo posts no negative document
                continue
            foreign = {"rate": 0.877, "currency_id": euro.id}
            self.trade(
                randomly.choice(customers),
                randomly.choice([-3, 0, 1, 30, 200, 364, 365, 400]),
                *items,
                refund=randomly.random() < 0.25,
                **(foreign if randomly.random() < 0.3 else {}),
            )
        self.env.company.customer_window_days = 300
        self.update()
        self.products["Gift"].standard_price = self.costs["Gift"] = 11
        self.products["Loose"].categ_id = self.tea_group
        self.categories["Loose"] = self.categories["Tea"]
        self.env.company.customer_window_days = 365
        # some of the rows are there, others not; the rest follows customer by customer
        for customer in customers[:3]:
            self.update(scope=Scope.of(customer.ids))
        ids = sorted(c.id for c in customers[3:])
        self.update(scope=Scope.between(ids[0], ids[-1]))
        self.assertFalse(self.update(), "nothing differs from the run of everybody")
        self.assertEqual(len(self.assert_products()), 6)

    def test_only_what_differs_is_written(self):
        self.trade(self.alpha, 9, {"product": "Tea", "price": 10}, {"price": 3})
        self.trade(self.beta, 9, {"product": "Pot", "price": 90})

        def get_versions():
            rows = []
            for table in ("customer_product_figures", "customer_product_share"):
                self.env.cr.execute(f"SELECT ctid, * FROM {table} ORDER BY id")  # noqa: S608
                rows.append(self.env.cr.fetchall())
            return rows

        self.update()
        before = get_versions()
        self.assertFalse(self.update())
        self.assertEqual(get_versions(), before)
        self.trade(self.beta, 8, {"product": "Tea", "price": 900})
        self.update(scope=Scope.of(self.alpha.ids))
        self.assertEqual(get_versions(), before)
        self.update(scope=Scope.of(self.beta.ids))
        after = get_versions()
        for rows, old in zip(after, before, strict=True):
            self.assertTrue({r for r in old if self.alpha.id in r} <= set(rows))
        self.assert_products()

    def test_rows_go_with_their_reason(self):
        move = self.trade(self.alpha, 9, {"product": "Tea", "price": 10})
        self.trade(self.beta, 9, {"product": "Tea", "price": 10})
        self.update()
        move.button_draft()
        self.update()
        self.assertEqual(set(self.get_figures()), {"Beta"})
        self.assertEqual(set(self.get_shares()), {"Beta"})

    def test_deleted_category_leaves_nothing_behind(self):
        extra = self.env["product.category"].create({"name": "Extra"})
        self.products["Tea"].categ_id = extra
        self.trade(
            self.alpha,
            9,
            {"product": "Tea", "price": 10},
            {"product": "Pot", "price": 1},
        )
        self.update()
        self.assertEqual(self.alpha.customer_main_product_category_id, extra)
        self.products["Tea"].categ_id = self.pot_group
        extra.unlink()
        self.assertFalse(self.alpha.customer_main_product_category_id)
        self.assertEqual(set(self.get_shares()["Alpha"]), {"Pots"})

    def test_past_days(self):
        """A day's query says what a run on that day would have kept."""
        self.trade(self.alpha, 30, {"product": "Tea", "price": 10})
        self.trade(self.alpha, 10, {"product": "Pot", "price": 90})
        [row] = self.env.execute_query_dict(
            self.ProductFigures._get_query(self.env.company, self.day(20))
        )
        self.assertEqual(row["main_product_category_id"], self.tea_group.id)
        self.assertEqual(f"{row['margin_window']:.2f}", "6.00")


@tagged("post_install", "-at_install")
class TestProductDueDays(ProductCommon):
    """A row is the same until the day before ``next_due``."""

    def get_rows(self, as_of):
        rows = self.env.execute_query_dict(
            self.ProductFigures._get_query(self.env.company, as_of)
        )
        return {
            row["partner_id"]: (
                tuple(row[name] for name in FIGURES),
                row["next_due"],
            )
            for row in rows
        }

    def test_nothing_changes_before_it_is_due(self):
        self.env.company.customer_window_days = 7
        randomly = random.Random(4)
        for number in range(12):
            customer = self.make_customer(f"Customer {number}")
            for _document in range(randomly.randint(1, 3)):
                self.trade(
                    customer,
                    randomly.randint(-6, 8),
                    {
                        "product": randomly.choice(list(self.products)),
                        "price": randomly.randint(1, 99),
                        "discount": randomly.choice([0, 10]),
                    },
                )
        days = [self.today + timedelta(days=n) for n in range(-2, 18)]
        by_day = {day: self.get_rows(day) for day in days}
        changes = 0
        for day, rows in by_day.items():
            for partner, (figures, due) in rows.items():
                self.assertGreater(due, day)
                for later in days:
                    if day < later < due:
                        self.assertEqual(by_day[later][partner][0], figures)
                if due in by_day:
                    changes += by_day[due].get(partner, (None,))[0] != figures
            for partner in by_day.get(day + timedelta(days=1), {}):
                self.assertIn(partner, rows, "nobody comes in without being due")
        self.assertGreater(changes, 20)
