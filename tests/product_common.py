from decimal import Decimal

from odoo.fields import Command

from odoo.addons.customer_classification.models.customer_scope import EVERYONE

from . import oracle_product
from .common import ClassificationCommon

FIGURES = (
    "discount_share",
    "margin_window",
    "margin_share",
    "costed_share",
    "main_product_category_id",
    "main_product_share",
)
PERCENTAGES = ("discount_share", "margin_share", "costed_share", "main_product_share")


class ProductCommon(ClassificationCommon):
    """Invoices of several products in the test's own company.

    :attr:`lines` keeps what was typed and what the ledger made of it, :attr:`costs` and
    :attr:`categories` what is true of the products today: for the oracle.
    """

    dimension_codes = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ProductFigures = cls.env["customer.product.figures"]
        cls.Share = cls.env["customer.product.share"]
        cls.lines, cls.costs, cls.categories, cls.products = [], {}, {}, {}
        cls.tea_group, cls.pot_group = cls.env["product.category"].create(
            [{"name": "Teas"}, {"name": "Pots"}]
        )
        cls.make_product("Tea", 4, cls.tea_group)
        cls.make_product("Green tea", 5, cls.tea_group)
        cls.make_product("Pot", 20, cls.pot_group)
        cls.make_product("Gift", 0, cls.pot_group)  # its cost is not known
        cls.make_product("Sample", 0, cls.tea_group)
        cls.make_product("Loose", 3, cls.env["product.category"])
        cls.alpha, cls.beta = cls.make_customer("Alpha"), cls.make_customer("Beta")

    def setUp(self):
        super().setUp()
        self.lines = list(self.lines)
        self.costs = dict(self.costs)
        self.categories = dict(self.categories)

    @classmethod
    def make_product(cls, name, cost, category):
        cls.products[name] = cls.env["product.product"].create(
            {
                "name": name,
                "standard_price": cost,
                "categ_id": category.id,
                "taxes_id": [],
                "property_account_income_id": cls.company_data[
                    "default_account_revenue"
                ].id,
            }
        )
        cls.costs[name] = Decimal(str(cost))
        cls.categories[name] = (category.id, category.name or None)

    def trade(self, partner, days_ago, *items, refund=False, rate=1, **values):
        """Post a document; an item is a dict of ``product``, ``quantity``, ``price``,
        ``discount`` and ``unit``, all but the price optional.
        """
        move = self.env["account.move"].create(
            {
                "move_type": "out_refund" if refund else "out_invoice",
                "partner_id": partner.id,
                "invoice_date": self.day(days_ago),
                "invoice_line_ids": [
                    Command.create(self._get_line_values(item)) for item in items
                ],
                **values,
            }
        )
        move.action_post()
        posted = move.invoice_line_ids.sorted("id")
        for item, line in zip(items, posted, strict=True):
            if "display_type" not in item:
                self._note(partner, days_ago, item, line, refund, rate)
        return move

    def _get_line_values(self, item):
        if "display_type" in item:
            return item
        product = self.products.get(item.get("product"), self.env["product.product"])
        values = {
            "name": item.get("product") or "Text",
            "product_id": product.id,
            "quantity": item.get("quantity", 1),
            "price_unit": item["price"],
            "discount": item.get("discount", 0),
            "tax_ids": [],
        }
        if not product:
            values["account_id"] = self.company_data["default_account_revenue"].id
        if "unit" in item:
            values["product_uom_id"] = item["unit"].id
        return values

    def _note(self, partner, days_ago, item, line, refund, rate):
        """Keep a line for the oracle, and check that the ledger agrees with it."""
        quantity = Decimal(str(item.get("quantity", 1)))
        price, rate = Decimal(str(item["price"])), Decimal(str(rate))
        discount = Decimal(str(item.get("discount", 0)))
        typed = quantity * price * (100 - discount) / 100 * (-1 if refund else 1)
        expected = oracle_product.ledger_amount(typed, rate)
        self.assertAlmostEqual(-line.balance, float(expected), delta=0.011)
        self.lines.append(
            oracle_product.Line(
                partner.name,
                line.move_id.invoice_date,
                refund,
                Decimal(f"{-line.balance:.2f}"),
                quantity,
                price,
                discount,
                rate,
                item.get("product"),
                Decimal(str(item["unit"].factor)) if "unit" in item else Decimal(1),
            )
        )

    # What is stored, and what should be

    def update(self, company=None, as_of=None, scope=EVERYONE):
        return self.ProductFigures._update(
            company or self.env.company, as_of or self.today, scope
        )

    def get_figures(self, company=None):
        """Return the stored figures by customer, empty ones as None."""
        company = company or self.env.company
        columns = ", ".join(FIGURES)
        self.env.cr.execute(
            f"SELECT partner_id, {columns} FROM customer_product_figures"  # noqa: S608
            " WHERE company_id = %s",
            [company.id],
        )
        return {
            self.env["res.partner"].browse(row["partner_id"]).name: self._name(row)
            for row in self.env.cr.dictfetchall()
        }

    def _name(self, row):
        """Return figures as the oracle writes them."""
        category = self.env["product.category"].browse(row["main_product_category_id"])
        values = {
            name: None if row[name] is None else f"{row[name]:.2f}"
            for name in FIGURES
            if name != "main_product_category_id"
        }
        return {**values, "main_product_category_id": category.name or None}

    def get_shares(self, company=None):
        """Return the stored shares by customer and name of the category."""
        rows = self.Share.search(
            [("company_id", "=", (company or self.env.company).id)]
        )
        result = {}
        for row in rows:
            result.setdefault(row.partner_id.name, {})[row.category_id.name or None] = (
                f"{row.revenue:.2f}",
                f"{row.share:.2f}",
                row.is_main,
            )
        return result

    def assert_products(self, company=None, lines=None, costs=None, window=365):
        """Compare every figure and share of the company with the oracle's."""
        lines = self.lines if lines is None else lines
        expected = oracle_product.compute_figures(
            lines, self.today, costs or self.costs, self.categories, window
        )
        self.assertEqual(self.get_figures(company), expected)
        recent = oracle_product.in_period(lines, self.today, window)
        shares = {}
        for customer in {line.customer for line in recent}:
            own = [line for line in recent if line.customer == customer]
            if found := oracle_product.compute_shares(own, self.categories):
                shares[customer] = found
        self.assertEqual(self.get_shares(company), shares)
        return expected
