from odoo.tests import tagged

from .common import ClassificationCommon


@tagged("post_install", "-at_install")
class TestOverrideOrigin(ClassificationCommon):
    """Each decision by hand says how it came about."""

    def setUp(self):
        super().setUp()
        self.user = self.make_user("origin_user")
        self.customer = self.make_customer("Origin Customer", ref="ORIGIN-1")
        self.Own = self.Override.with_user(self.user)
        self.values = {
            "partner_id": self.customer.id,
            "dimension_id": self.dimension.id,
            "category_id": self.gold.id,
            "reason": "Agreed",
        }

    def test_by_hand(self):
        override = self.Own.create({**self.values, "origin": "undo"})
        self.assertEqual(override.origin, "hand", "nobody claims another origin")
        override.write({"origin": "bulk", "reason": "Agreed by phone"})
        self.assertEqual(override.origin, "hand")

    def test_import(self):
        line = ["ORIGIN-1", "value_tier", "gold", "Agreed"]
        columns = ["partner_id", "dimension_id", "category_id", "reason"]
        self.Own.load(columns, [line])
        override = self.Override.search([("partner_id", "=", self.customer.id)])
        self.assertEqual(override.origin, "import")
        override.with_user(self.user).reason = "Corrected"
        self.assertEqual(override.origin, "hand")
        self.Own.load(columns, [line])
        self.assertEqual((override.origin, override.reason), ("import", "Agreed"))

    def test_who_changes_a_decision_makes_it_the_own(self):
        bulk = self.env["customer.bulk"].sudo().create({"name": "Many"})
        override = self.Override.sudo().create(
            {**self.values, "origin": "bulk", "bulk_id": bulk.id}
        )
        self.assertEqual((override.origin, override.bulk_id), ("bulk", bulk))
        own = override.with_user(self.user)
        own.action_confirm()
        self.assertEqual((override.origin, override.bulk_id), ("bulk", bulk))
        own.category_id = self.silver
        self.assertEqual(override.origin, "hand")
        self.assertFalse(override.bulk_id)
