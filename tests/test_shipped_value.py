from odoo.tests import tagged

from .shipped import ShippedCommon


@tagged("post_install", "-at_install")
class TestShippedValue(ShippedCommon):
    """How often and how long the customer has been buying."""

    dimension_codes = ("frequency", "loyalty")

    @classmethod
    def make_data(cls):
        two_years = 730
        cls.add("Nobody")
        cls.add("12 days", *((30 * month, 100) for month in range(12)))
        cls.add("12 days, one before the period", (365, 100), *cls.days(11))
        cls.add("12 invoices on 11 days", (1, 100), *cls.days(11))
        cls.add("4 days", *cls.days(4))
        cls.add("4 days, two years", (two_years, 100), *cls.days(4))
        cls.add("4 days, a day short of it", (two_years - 1, 100), *cls.days(4))
        cls.add("3 days, two years", (two_years, 100), *cls.days(3))
        cls.add("3 days and a credit note", *cls.days(3), (20, -50))
        cls.add("First day of the period", (364, 100))
        cls.add("Day before the period", (365, 100))
        cls.add("Credit note only", (1, -100))

    @staticmethod
    def days(number):
        """Return a purchase of 100 on each of the last days."""
        return [(days_ago, 100) for days_ago in range(1, number + 1)]

    def test_frequency(self):
        self.assert_categories(
            "frequency",
            {
                "High frequency": ["12 days"],
                "Medium frequency": [
                    "12 days, one before the period",
                    "12 invoices on 11 days",
                    "4 days",
                    "4 days, two years",
                    "4 days, a day short of it",
                ],
                "Low frequency": [
                    "3 days, two years",
                    "3 days and a credit note",
                    "First day of the period",
                ],
            },
        )

    def test_loyalty(self):
        self.assert_categories(
            "loyalty",
            {
                "Regular": [
                    "12 days",
                    "12 days, one before the period",
                    "12 invoices on 11 days",
                    "4 days",
                    "4 days, a day short of it",
                ],
                "Loyal": ["4 days, two years"],
                "Occasional": [
                    "3 days, two years",
                    "3 days and a credit note",
                    "First day of the period",
                    "Day before the period",
                ],
            },
        )


@tagged("post_install", "-at_install")
class TestShippedSpending(ShippedCommon):
    """How much the customer buys, compared with the others: shares of 1,000."""

    dimension_codes = ("spending",)

    @classmethod
    def make_data(cls):
        cls.add("Nobody")
        cls.add("500", (1, 500))
        cls.add("290, in all 79 %", (1, 300), (2, -10))
        cls.add("100, crosses 80 %", (1, 100))
        cls.add("60, in all 95 %", (364, 60))
        cls.add("49", (1, 49))
        cls.add("1", (1, 1))
        cls.add("Returned everything", (2, 400), (1, -400))
        cls.add("Before the period", (365, 5000))

    def test_spending(self):
        self.assert_categories(
            "spending",
            {
                "High spending": ["500", "290, in all 79 %", "100, crosses 80 %"],
                "Medium spending": ["60, in all 95 %"],
                "Low spending": ["49", "1"],
            },
        )
