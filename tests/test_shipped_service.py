from odoo.tests import tagged

from .shipped import ShippedCommon


@tagged("post_install", "-at_install")
class TestShippedService(ShippedCommon):
    """What the customer says, needs and costs."""

    dimension_codes = ("feedback", "needs", "service_cost")

    @classmethod
    def make_data(cls):
        cls.add("Nobody")
        cls.add("Nothing credited", (10, 1000))
        cls.add("4.99 %", (10, 10_000), (5, -499))
        cls.add("5 %", (10, 10_000), (5, -500))
        cls.add("19.99 %", (10, 10_000), (5, -1999))
        cls.add("20 %", (10, 10_000), (5, -2000))
        cls.add("Credited more than bought", (10, 100), (5, -500))
        cls.add("Credit note only", (400, 1000), (5, -10))
        cls.add("Credited before the period", (10, 100), (365, -90))
        cls.add("Bought before the period", (365, 1000))

    def test_service_cost(self):
        self.assert_categories(
            "service_cost",
            {
                "Low cost": [
                    "Nothing credited",
                    "4.99 %",
                    "Credited before the period",
                ],
                "Medium cost": ["5 %", "19.99 %"],
                "High cost": ["20 %", "Credited more than bought", "Credit note only"],
            },
        )

    def test_credited_share_is_searched_as_it_is_read(self):
        customers = self.env["res.partner"].browse(
            [customer.id for customer in self.customers.values()]
        )
        shares = {
            customer.name: customer.customer_credited_share for customer in customers
        }
        self.assertEqual(
            shares,
            {
                "Nobody": 0,
                "Nothing credited": 0,
                "4.99 %": 4.99,
                "5 %": 5,
                "19.99 %": 19.99,
                "20 %": 20,
                "Credited more than bought": 500,
                "Credit note only": 100,
                "Credited before the period": 0,
                "Bought before the period": 0,
            },
        )
        for operator in ("=", "!=", "<", "<=", ">", ">="):
            for limit in (0, 5):
                condition = ("customer_credited_share", operator, limit)
                with self.subTest(condition=condition):
                    self.assertEqual(
                        customers.search([("id", "in", customers.ids), condition]),
                        customers.filtered_domain([condition]),
                    )

    def test_feedback_and_needs_by_hand(self):
        self.assert_categories("feedback", {})
        self.assert_categories("needs", {})
        for code, category in (
            ("feedback", "promoter"),
            ("feedback", "suggestion"),
            ("needs", "technical"),
        ):
            self.decide("Nobody", code, category)
        self.classify()
        self.assert_categories("feedback", {"Promoter, Suggestion": ["Nobody"]})
        self.assert_categories("needs", {"Technical need": ["Nobody"]})
