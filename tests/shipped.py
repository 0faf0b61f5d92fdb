from odoo.fields import Command

from . import oracle
from .common import ClassificationCommon


class ShippedCommon(ClassificationCommon):
    """The dimensions as they ship, through the real engine.

    A test class names its dimensions, makes its customers and classifies them once;
    its tests then compare with tables made by hand.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        dimensions = cls.env["customer.dimension"].search([])
        cls.dimensions = {dimension.code: dimension for dimension in dimensions}
        cls.customers = {}
        cls.make_data()
        cls.Run.classify(companies=cls.env.company)

    @classmethod
    def make_data(cls):
        """Create the customers and what they bought."""
        raise NotImplementedError

    @classmethod
    def add(cls, name, *purchases, **values):
        """Create a customer with ``(days ago, amount)`` of each invoice.

        A credit note has a negative amount; a third element is the number of days ago
        that the invoice was due.
        """
        customer = cls.make_customer(name, **values)
        cls.customers[name] = customer
        cls.invoice(customer, *purchases)
        return customer

    @classmethod
    def invoice(cls, customer, *purchases):
        """Post the invoices and credit notes of a customer, and return them."""
        moves = cls.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice" if amount > 0 else "out_refund",
                    "partner_id": customer.id,
                    "invoice_date": oracle.days_before(cls.today, days_ago),
                    "invoice_date_due": oracle.days_before(
                        cls.today, due[0] if due else days_ago
                    ),
                    "invoice_payment_term_id": False,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": cls.product_a.id,
                                "price_unit": abs(amount),
                                "tax_ids": [],
                            }
                        )
                    ],
                }
                for days_ago, amount, *due in purchases
            ]
        )
        moves.action_post()
        return moves

    def decide(self, name, code, category):
        """Set a category of a customer by hand."""
        dimension = self.dimensions[code]
        return self.Override.create(
            {
                "partner_id": self.customers[name].id,
                "dimension_id": dimension.id,
                "category_id": dimension.category_ids.filtered(
                    lambda c: c.code == category
                ).id,
                "reason": "Because",
            }
        )

    def category_of(self, customer, code, company=None):
        """Return the names of the categories that the contact shows."""
        customer = customer.with_company(company or self.env.company)
        categories = customer[self.dimensions[code].partner_field_name]
        return ", ".join(categories.sorted("sequence").mapped("name"))

    def assert_categories(self, code, expected, company=None):
        """Compare the categories of all customers with a table.

        :param dict expected: names of customers by the name of their category; of
            several, their names in order. All others must have none.
        """
        actual = {}
        for name, customer in self.customers.items():
            category = self.category_of(customer, code, company)
            if category:
                actual.setdefault(category, []).append(name)
        self.assertEqual(actual, expected)
