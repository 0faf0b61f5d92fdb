from odoo import fields
from odoo.tests import HttpCase, tagged

from .common import MANAGER, ClassificationCommon


@tagged("post_install", "-at_install")
class TestBrowser(ClassificationCommon, HttpCase):
    """People at work, in a real browser."""

    def setUp(self):
        super().setUp()
        self.customer = self.make_customer("Tour Customer")
        self.post(self.customer, 10, 1)
        self.classify()
        self.assertEqual(self.tier_of(self.customer), "Bronze")

    def test_decide_by_hand(self):
        self.make_user("tour_user")
        self.start_tour(
            "/odoo/classified-customers",
            "customer_classification_by_hand",
            login="tour_user",
        )
        self.assertEqual(
            self.history_of(self.customer).mapped("event"), ["set", "withdrawn"]
        )
        self.assertEqual(self.history_of(self.customer)[0].reason, "Framework contract")

    def test_configure(self):
        self.make_user("tour_manager", groups=MANAGER)
        cron = self.env.ref("customer_classification.ir_cron_classify")
        triggers = self.env["ir.cron.trigger"].sudo()
        before = triggers.search([("cron_id", "=", cron.id)])
        self.start_tour(
            f"/odoo/customer-dimensions/{self.dimension.id}",
            "customer_classification_configure",
            login="tour_manager",
        )
        self.assertEqual(self.gold.minimum_score, 3.75)
        new = triggers.search([("cron_id", "=", cron.id)]) - before
        self.assertEqual(len(new), 1)
        self.assertLessEqual(new.call_at, fields.Datetime.now())
