from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common import MANAGER, USER, ClassificationCommon

#: Models with rows about customers: nobody outside the groups sees them
ROWS = ("customer.assignment", "customer.override", "customer.assignment.history")
#: What a dimension consists of: managers see it, too
PARTS = ("customer.dimension", "customer.category", "customer.dimension.rule")


@tagged("post_install", "-at_install")
class TestDimensionAccess(ClassificationCommon):
    """Who sees a dimension and who sets its categories, for each kind of user."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.viewers = cls.env["res.groups"].create({"name": "Viewers"})
        cls.editors = cls.env["res.groups"].create(
            {"name": "Editors", "implied_ids": [Command.link(cls.viewers.id)]}
        )
        cls.user = cls.make_user("plain_user")
        cls.manager = cls.make_user("plain_manager", groups=MANAGER)
        cls.viewer = cls.make_user("viewer")
        cls.viewer.group_ids += cls.viewers
        cls.editor = cls.make_user("editor")
        cls.editor.group_ids += cls.editors
        cls.portal = new_test_user(cls.env, "portal_user", groups="base.group_portal")
        cls.secret = cls.env["customer.dimension"].create(
            {
                "name": "Solvency",
                "view_group_ids": [Command.set(cls.viewers.ids)],
                "edit_group_ids": [Command.set(cls.editors.ids)],
                "category_ids": [Command.create({"name": "Good"})],
            }
        )
        cls.good = cls.secret.category_ids
        cls.env["customer.dimension.rule"].create(
            {
                "name": "Everybody",
                "dimension_id": cls.secret.id,
                "category_id": cls.good.id,
            }
        )
        cls.alpha = cls.make_customer("Alpha")
        cls.beta = cls.make_customer("Beta")
        cls.decision = cls.Override.with_user(cls.editor).create(
            cls.values_for(cls.alpha)
        )
        cls.Assignment.sudo().create(
            {
                "partner_id": cls.alpha.id,
                "company_id": cls.env.company.id,
                "dimension_id": cls.secret.id,
                "category_id": cls.good.id,
                "since": "2024-03-01",
            }
        )

    @classmethod
    def values_for(cls, partner, **values):
        return {
            "partner_id": partner.id,
            "dimension_id": cls.good.dimension_id.id,
            "category_id": cls.good.id,
            "reason": "Because",
            **values,
        }

    def sees(self, user, model):
        path = "id" if model == "customer.dimension" else "dimension_id"
        return bool(
            self.env[model].with_user(user).search_count([(path, "=", self.secret.id)])
        )

    def test_rows_of_customers(self):
        for model in ROWS:
            record = (
                self.env[model].sudo().search([("dimension_id", "=", self.secret.id)])
            )
            self.assertTrue(record)
            for user, expected in (
                (self.viewer, True),
                (self.editor, True),
                (self.user, False),
                (self.manager, False),
            ):
                with self.subTest(model, user=user.login):
                    self.assertEqual(self.sees(user, model), expected)
                    if expected:
                        self.assertTrue(record.with_user(user).read(["slot"]))
                    else:
                        with self.assertRaises(AccessError):
                            record.with_user(user).read(["slot"])
            with self.subTest(model), self.assertRaises(AccessError):
                self.sees(self.portal, model)

    def test_parts_of_the_dimension(self):
        for model in PARTS:
            for user, expected in (
                (self.viewer, True),
                (self.user, False),
                (self.manager, True),
            ):
                with self.subTest(model, user=user.login):
                    self.assertEqual(self.sees(user, model), expected)
            with self.subTest(model), self.assertRaises(AccessError):
                self.sees(self.portal, model)

    def test_other_dimensions_are_open(self):
        for user in (self.user, self.viewer, self.manager):
            with self.subTest(user.login):
                self.assertIn(
                    self.dimension,
                    self.env["customer.dimension"].with_user(user).search([]),
                )

    def test_contact_shows_only_what_the_user_may_see(self):
        name = self.secret.partner_field_name
        for user, expected in (
            (self.viewer, True),
            (self.user, False),
            (self.manager, False),
        ):
            partner = self.alpha.with_user(user)
            with self.subTest(user.login):
                self.assertEqual(name in partner.fields_get(), expected)
                shown = partner.read(
                    [
                        "customer_override_ids",
                        "customer_assignment_ids",
                        "customer_history_ids",
                        "customer_is_set_by_hand",
                    ]
                )[0]
                del shown["id"]
                self.assertEqual(set(map(bool, shown.values())), {expected})
                if not expected:
                    with self.assertRaises(AccessError):
                        partner.search([(name, "!=", False)])

    def test_who_sets_it(self):
        Override = self.Override
        for user in (self.viewer, self.user, self.manager, self.portal):
            with (
                self.subTest(user.login),
                self.assert_refused(AccessError, ".+"),
            ):
                Override.with_user(user).create(self.values_for(self.beta))
        for user in (self.viewer, self.user, self.manager):
            with self.subTest(user.login):
                own = self.decision.with_user(user)
                with self.assert_refused(AccessError, ".+"):
                    own.reason = "Another"
                with self.assert_refused(AccessError, ".+"):
                    own.unlink()
        with self.assert_refused(AccessError, "“Solvency” is not set by you"):
            self.decision.with_user(self.viewer).reason = "Another"
        made = Override.with_user(self.editor).create(self.values_for(self.beta))
        made.reason = "Another"
        made.unlink()
        self.assertFalse(made.exists())

    def test_managers_set_what_they_see(self):
        self.manager.group_ids += self.viewers
        made = self.Override.with_user(self.manager).create(self.values_for(self.beta))
        self.assertEqual(made.category_id, self.good)

    def test_user_may_edit(self):
        for user, secret, tier in (
            (self.user, False, True),
            (self.viewer, False, True),
            (self.editor, True, True),
            (self.manager, False, True),
        ):
            with self.subTest(user.login):
                dimensions = (self.secret + self.dimension).with_user(user)
                self.assertEqual([d.user_may_edit for d in dimensions], [secret, tier])

    def test_members_who_no_longer_are(self):
        self.assertTrue(self.sees(self.viewer, "customer.assignment"))
        self.viewer.group_ids -= self.viewers
        self.assertFalse(self.sees(self.viewer, "customer.assignment"))
        self.secret.view_group_ids = False
        self.assertTrue(self.sees(self.viewer, "customer.assignment"))
        self.assertIn(
            self.secret.partner_field_name,
            self.alpha.with_user(self.viewer).fields_get(),
        )

    def test_run_of_a_manager_leaves_nobody_out(self):
        self.post(self.alpha, 100, 3)
        self.Run.with_user(self.manager).classify()
        self.assertTrue(self.decision.exists())
        self.assertTrue(self.assignment_of(self.alpha).category_id)

    def test_rules_of_other_companies(self):
        other = self.env["res.company"].create({"name": "Other company"})
        rules = self.env["customer.dimension.rule"].create(
            [
                {
                    "name": name,
                    "dimension_id": self.dimension.id,
                    "category_id": self.gold.id,
                    "company_id": company and company.id,
                }
                for name, company in (
                    ("All", False),
                    ("Own", self.env.company),
                    ("Other", other),
                )
            ]
        )
        for user in (self.user, self.manager):
            with self.subTest(user.login):
                seen = (
                    self.env["customer.dimension.rule"]
                    .with_user(user)
                    .search([("dimension_id", "=", self.dimension.id)])
                )
                self.assertEqual(seen, rules[:2])

    def test_groups_are_those_of_the_classification(self):
        """Without the app's own group a member of a named group sees nothing."""
        stranger = self.make_user("stranger", groups="")
        stranger.group_ids += self.editors
        self.assertFalse(stranger.has_group(USER))
        for model in (*ROWS, *PARTS):
            with self.subTest(model), self.assertRaises(AccessError):
                self.sees(stranger, model)
