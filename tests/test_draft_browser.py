from odoo.tests import HttpCase, tagged

from .common import MANAGER, ClassificationCommon


@tagged("post_install", "-at_install")
class TestDraftBrowser(ClassificationCommon, HttpCase):
    """A manager tries other rules, in a real browser."""

    def test_try_compare_and_apply(self):
        customer, other = map(self.make_customer, ("Tour Customer", "Other"))
        self.post(customer, 10, 1)
        for days_ago in (1, 2):
            self.post(other, 10, days_ago)
        self.classify()
        self.make_user("draft_tour", MANAGER)
        self.start_tour(
            "/odoo/action-customer_classification.customer_dimension_action"
            f"/{self.dimension.id}",
            "customer_classification_draft",
            login="draft_tour",
        )
        self.assertEqual(self.dimension.minimum_purchases, 2)
        self.assertFalse(self.tier_of(customer))
        self.assertTrue(self.tier_of(other))
        [draft] = self.env["customer.draft"].search([])
        self.assertEqual(
            self.Ruleset._get_in_force(self.dimension, self.env.company).draft_id,
            draft,
        )
