from odoo.tests import tagged

from .common import MANAGER, ClassificationCommon


@tagged("post_install", "-at_install")
class TestScoreSecrecy(ClassificationCommon):
    """From a score no figure can be told that the user may not see."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.recency, cls.frequency, cls.monetary = cls.dimension.criterion_ids
        cls.frequency.metric_id = cls.get_metric("margin_window")
        for criterion, cuts in (
            (cls.recency, (300, 200, 100, 50)),
            (cls.frequency, (1, 2, 3, 4)),
            (cls.monetary, (100, 500, 1000, 5000)),
        ):
            values = {f"cut_{n}": cut for n, cut in enumerate(cuts, 2)}
            criterion.write({"cut_mode": "fixed", **values})
        cls.product_a.standard_price = 3.25
        cls.alpha = cls.make_customer("Alpha")
        cls.beta = cls.make_customer("Beta")
        cls.user = cls.make_user("secrecy_user")
        cls.manager = cls.make_user("secrecy_manager", MANAGER)
        (cls.user | cls.manager).lang = "en_US"

    def setUp(self):
        super().setUp()
        self.post(self.alpha, 10, 20)  # R 5, margin 6.75: 5, M 1: 12 of 4
        self.post(self.beta, 2000, 250)  # R 2, M 4, margin 1996.75: 5
        self.classify()

    def test_explanation(self):
        row = self.assignment_of(self.alpha)
        self.assertIn("Score 3.00 of 5", row.with_user(self.manager).explanation)
        explanation = row.with_user(self.user).explanation
        self.assertIn("By score: ", explanation)
        self.assertNotIn("3.00", explanation)
        profile = str(self.alpha.with_user(self.user).get_customer_profile())
        self.assertNotIn("3.0", profile)
        self.assertNotIn(
            "3.0", str(self.alpha.with_user(self.user).get_customer_chip())
        )

    def test_kept(self):
        """How far below the limit the score is, is not told either."""
        self.platinum.keep_score = 3.3
        self.post(self.alpha, 5000, 2)  # R 5, margin 5, M 5
        self.classify()
        self.assertEqual(self.tier_of(self.alpha), "Platinum")
        self.post(self.alpha, -4600, 1)  # M 2: 3.5
        self.classify()
        self.assertEqual(self.tier_of(self.alpha), "Platinum")
        row = self.assignment_of(self.alpha)
        self.assertIn("fell below 4.50", row.with_user(self.manager).explanation)
        explanation = row.with_user(self.user).explanation
        self.assertIn("fell below the limit to enter", explanation)
        for secret in ("4.50", "3.30", "3.50"):
            self.assertNotIn(secret, explanation)
            self.assertNotIn(secret, str(row.with_user(self.user).get_receipt()))

    def test_assignments_of_others_are_as_they_were(self):
        rows = self.Assignment.with_user(self.manager).search_read(
            [("dimension_id", "=", self.dimension.id)], ["score", "recency_score"]
        )
        self.assertEqual({row["score"] for row in rows}, {3.0, 3.75})

    def test_read(self):
        rows = self.Assignment.with_user(self.user).search_read(
            [("dimension_id", "=", self.dimension.id)],
            ["score", "recency_score", "frequency_score", "monetary_score"],
        )
        self.assertEqual(len(rows), 2)
        for row in rows:
            for name in ("score", "recency_score", "frequency_score", "monetary_score"):
                self.assertFalse(row[name], name)

    def test_read_after_more_rights(self):
        """What code read with more rights is not left for the user."""
        row = self.assignment_of(self.alpha)
        self.env.invalidate_all()
        self.assertTrue(row.sudo().category_id)
        self.assertFalse(row.with_user(self.user).score)

    def test_search_group_and_sort(self):
        Assignment = self.Assignment.with_user(self.user)
        own = [("dimension_id", "=", self.dimension.id)]
        self.assertFalse(Assignment.search([*own, ("score", ">", 1)]))
        [(score, total, count)] = Assignment._read_group(
            own, ["recency_score"], ["score:sum", "__count"]
        )
        self.assertFalse(score)
        self.assertFalse(total)
        self.assertEqual(count, 2)
        orders = [
            Assignment.search(own, order=f"score {way}, id").ids
            for way in ("asc", "desc")
        ]
        self.assertEqual(*orders)

    def test_contact(self):
        Partner = self.env["res.partner"].with_user(self.user)
        name = f"x_cls_{self.dimension.code}_score"
        both = [("id", "in", (self.alpha | self.beta).ids)]
        self.assertEqual({row[name] for row in Partner.search_read(both, [name])}, {0})
        self.assertFalse(Partner.search([*both, (name, ">", 1)]))
        orders = [
            Partner.search(both, order=f"{name} {way}, id").ids
            for way in ("asc", "desc")
        ]
        self.assertEqual(*orders)
        shown = Partner.with_user(self.manager).search_read(both, [name])
        self.assertEqual({row[name] for row in shown}, {3.0, 3.75})

    def test_nothing_hidden(self):
        """Without the margin, everybody sees the score."""
        self.frequency.metric_id = self.get_metric("purchase_days_window")
        gamma = self.make_customer("Gamma")
        self.post(gamma, 10, 20)
        self.classify()
        row = self.assignment_of(gamma).with_user(self.user)
        self.assertTrue(row.score)
        self.assertIn("of 5", row.explanation)
        self.assertTrue(row.get_receipt()["score"])
        # what was decided by the margin still tells nothing of it
        former = self.assignment_of(self.alpha).with_user(self.user)
        self.assertNotIn("of 5", former.explanation)
        self.assertFalse(former.get_receipt()["score"])
