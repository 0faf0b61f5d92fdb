from odoo.fields import Command
from odoo.tests import tagged

from . import oracle
from .shipped import ShippedCommon


@tagged("post_install", "-at_install")
class TestShippedBehaviour(ShippedCommon):
    """What the customer does: life cycle, purchases and inquiries."""

    dimension_codes = ("lifecycle", "behaviour")

    @classmethod
    def make_data(cls):
        cls.add("Nobody")
        cls.add("Credit note only", (10, -100))
        cls.add("From tomorrow", (-1, 100))
        cls.add("90 days", (90, 100))
        cls.add("91 days", (91, 100))
        cls.add("180 days", (180, 100))
        cls.add("181 days", (181, 100))
        cls.add("365 days", (365, 100))
        cls.add("366 days", (366, 100))
        cls.add("Old, back 10 days ago", (800, 100), (10, 100))
        cls.add("Old, credited 10 days ago", (800, 100), (10, -100))
        draft = cls.add("Draft")
        cls.invoice(draft, (10, 100)).button_draft()

    def test_lifecycle(self):
        self.assert_categories(
            "lifecycle",
            {
                "Prospect": ["Nobody", "Credit note only", "From tomorrow", "Draft"],
                "New customer": ["90 days"],
                "Active customer": ["91 days", "180 days", "Old, back 10 days ago"],
                "At risk": ["181 days", "365 days"],
                "Lost customer": ["366 days", "Old, credited 10 days ago"],
            },
        )

    def test_lifecycle_in_another_company(self):
        """Whoever buys from one company may be a prospect of the other."""
        other = self.env["res.company"].create({"name": "Other"})
        self.env.user.company_ids |= other
        self.Run.classify(companies=other)
        self.assert_categories(
            "lifecycle", {"Prospect": list(self.customers)}, company=other
        )
        self.test_lifecycle()

    def test_behaviour(self):
        self.assert_categories(
            "behaviour",
            {
                "Purchasing": [
                    "90 days",
                    "91 days",
                    "180 days",
                    "Old, back 10 days ago",
                ],
                "Dormant": [
                    "181 days",
                    "365 days",
                    "366 days",
                    "Old, credited 10 days ago",
                ],
            },
        )

    def test_complaining_is_added_by_hand(self):
        self.decide("90 days", "behaviour", "complaining")
        self.classify()
        self.assertEqual(
            self.category_of(self.customers["90 days"], "behaviour"),
            "Purchasing, Complaining",
        )


@tagged("post_install", "-at_install")
class TestShippedPayment(ShippedCommon):
    """How the customer pays."""

    dimension_codes = ("payment",)

    @classmethod
    def make_data(cls):
        cls.add("Nobody")
        cls.add("Due tomorrow", (200, 100, -1))
        cls.add("Due today", (200, 100, 0))
        cls.add("Due yesterday", (200, 100, 1))
        cls.add("Due 90 days ago", (200, 100, 90))
        cls.add("Due 91 days ago", (200, 100, 91))
        cls.add("Both", (200, 100, 91), (100, 100, 5))
        paid = cls.add("Paid late")
        cls.pay(cls.invoice(paid, (200, 100, 150)))
        partly = cls.add("Paid in part")
        cls.pay(cls.invoice(partly, (200, 100, 150)), amount=99)
        recovered = cls.add("Old paid, new one due")
        cls.pay(cls.invoice(recovered, (200, 100, 150)))
        cls.invoice(recovered, (20, 100, 2))
        credited = cls.add("Credited")
        lines = cls.invoice(credited, (200, 100, 150), (100, -100)).line_ids
        lines.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        ).reconcile()

    @classmethod
    def pay(cls, invoice, **values):
        cls.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create(values)._create_payments()

    def test_payment(self):
        self.assert_categories(
            "payment",
            {
                "Prompt payer": ["Due tomorrow", "Due today", "Paid late", "Credited"],
                "Late payer": [
                    "Due yesterday",
                    "Due 90 days ago",
                    "Old paid, new one due",
                ],
                "Doubtful payer": ["Due 91 days ago", "Both", "Paid in part"],
            },
        )


@tagged("post_install", "-at_install")
class TestShippedPreference(ShippedCommon):
    """What the customer buys most of."""

    dimension_codes = ("product_preference",)

    @classmethod
    def make_data(cls):
        cls.tea, cls.pots = cls.env["product.product"].create(
            [
                {
                    "name": name,
                    "categ_id": cls.env["product.category"].create({"name": name}).id,
                    "property_account_income_id": cls.company_data[
                        "default_account_revenue"
                    ].id,
                }
                for name in ("Tea", "Pots")
            ]
        )
        cls.add("Nobody")
        cls.trade(cls.add("More tea"), (1, {cls.tea: 60, cls.pots: 40}))
        cls.trade(cls.add("More pots in all"), (9, {cls.tea: 60}), (1, {cls.pots: 70}))
        cls.trade(
            cls.add("Returned the pots"),
            (9, {cls.tea: 60, cls.pots: 70}),
            (1, {cls.pots: -20}),
        )
        cls.trade(
            cls.add("Pots a year ago"), (365, {cls.pots: 900}), (364, {cls.tea: 1})
        )
        cls.trade(cls.add("Only long ago"), (365, {cls.pots: 900}))

    @classmethod
    def trade(cls, customer, *documents):
        """Post documents with the amount of each product."""
        for days_ago, amounts in documents:
            is_refund = min(amounts.values()) < 0
            cls.env["account.move"].create(
                {
                    "move_type": "out_refund" if is_refund else "out_invoice",
                    "partner_id": customer.id,
                    "invoice_date": oracle.days_before(cls.today, days_ago),
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "price_unit": abs(amount),
                                "tax_ids": [],
                            }
                        )
                        for product, amount in amounts.items()
                    ],
                }
            ).action_post()

    def test_product_preference(self):
        self.assert_categories(
            "product_preference",
            {
                "Tea": ["More tea", "Returned the pots", "Pots a year ago"],
                "Pots": ["More pots in all"],
            },
        )
