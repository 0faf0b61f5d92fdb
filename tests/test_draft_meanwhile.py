from datetime import timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from .test_brake import BrakeCommon


@tagged("post_install", "-at_install")
class TestDraftMeanwhile(BrakeCommon):
    """Drafts whose dimension is another by the time that they are applied."""

    def make_draft(self, limit=None, **values):
        draft = self.env["customer.draft"].create(
            {"name": "Try", "dimension_id": self.size.id}
        )
        if limit:
            draft.criterion_ids.write(self.get_cuts(limit))
        draft.write(values)
        return draft

    def schedule(self, draft):
        draft.schedule_date = self.today + timedelta(days=3)
        draft.action_compare()
        draft.action_schedule()

    # What waits for a decision

    def assert_applied(self, draft):
        self.assertFalse(draft.message)
        self.assertEqual(draft.state, "applied")
        self.assertEqual(self.get_large(), {9, 10})
        self.assertFalse(self.get_hold())
        version = self.in_force()
        self.assertEqual((version.origin, version.draft_id), ("draft", draft))

    def test_version_that_waits_is_what_the_draft_tries(self):
        self.set_limit(900)
        self.classify()
        hold = self.get_hold()
        draft = self.make_draft()
        draft.action_compare()
        self.assertEqual(draft.comparison_ids.moved_count, 4)
        draft.action_apply()
        self.assert_applied(draft)
        self.assertEqual(hold.state, "replaced")

    def test_version_that_waits_came_after_the_draft(self):
        draft = self.make_draft(limit=900)
        draft.action_compare()
        self.set_limit(900)
        self.classify()
        draft.action_apply()
        self.assert_applied(draft)

    def test_version_that_was_rejected(self):
        self.set_limit(900)
        self.classify()
        self.get_hold().action_reject("Not now")
        draft = self.make_draft()
        draft.action_compare()
        draft.action_apply()
        self.assert_applied(draft)

    # A dimension that is not computed any more

    def test_archived_dimension(self):
        draft, scheduled = self.make_draft(limit=700), self.make_draft(limit=800)
        draft.action_compare()
        self.schedule(scheduled)
        self.size.active = False
        for action in (draft.action_compare, draft.action_apply):
            with self.assert_refused(UserError, "Unarchive it first"):
                action()
        with self.assert_refused(UserError, "Unarchive it first"):
            scheduled.sudo()._apply_as_scheduled()

    def test_dimension_set_by_hand_now(self):
        draft = self.make_draft(limit=700)
        self.size.method = "manual"
        for action in (draft.action_compare, draft.action_apply):
            with self.assert_refused(UserError, "There is nothing to try"):
                action()

    # Categories

    def make_category(self, score):
        return self.env["customer.category"].create(
            {
                "name": "Medium",
                "dimension_id": self.size.id,
                "minimum_score": score,
                "keep_score": score,
            }
        )

    def limits_of(self, draft):
        return {
            limit.category_id.name: (limit.minimum_score, limit.keep_score)
            for limit in draft.limit_ids
        }

    def test_new_category_is_taken_in(self):
        draft, scheduled = self.make_draft(limit=700), self.make_draft(limit=700)
        draft.action_compare()
        self.schedule(scheduled)
        medium = self.make_category(3)
        for one in (draft, scheduled):
            self.assertEqual(
                self.limits_of(one),
                {"Large": (5, 0), "Small": (1, 0), "Medium": (3, 3)},
            )
        self.assertTrue(draft.is_edited)
        draft.action_compare()
        draft.action_apply()
        self.assertEqual(draft.state, "applied")
        scheduled.sudo()._apply_as_scheduled()
        self.assertEqual((medium.minimum_score, medium.keep_score), (3, 3))
        late = self.make_category(4)
        self.assertNotIn(late, draft.limit_ids.category_id, "it was applied before")

    def test_new_category_where_the_draft_has_another(self):
        draft = self.make_draft()
        draft.limit_ids[0].minimum_score = 4
        self.make_category(4)
        self.assertEqual(
            self.limits_of(draft), {"Large": (4, 0), "Small": (1, 0), "Medium": (0, 0)}
        )
        draft.action_compare()

    def test_category_in_use_again(self):
        medium = self.make_category(3)
        medium.active = False
        draft = self.make_draft()
        self.assertNotIn("Medium", self.limits_of(draft))
        medium.active = True
        self.assertEqual(self.limits_of(draft)["Medium"], (3, 3))

    # The draft itself

    def test_archived_draft_does_not_take_effect(self):
        draft = self.make_draft(limit=700)
        self.schedule(draft)
        draft.action_archive()
        self.assertEqual(draft.state, "draft")
