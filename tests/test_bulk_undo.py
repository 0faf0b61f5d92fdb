from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .bulk_common import BulkCommon
from .common import MANAGER


@tagged("post_install", "-at_install")
class TestBulkUndo(BulkCommon):
    """A bulk change that is taken back."""

    def setUp(self):
        super().setUp()
        self.other = self.make_user("bulk_other")
        self.interests = self.make_dimension(
            "Interests", ["Wine", "Tea"], is_multiple=True
        )
        self.wine, self.tea = self.interests.category_ids
        self.region = self.make_dimension("Region", ["North"], is_shared=True)
        # decided before: by others, with an end, several, or not at all
        first, second, third = self.customers[:3]
        self.decide(first, self.silver, user=self.other, date_end=self.day(-5))
        self.decide(second, self.wine)
        self.decide(second, self.tea, user=self.other)
        self.decide(third, self.region.category_ids, user=self.other)
        self.env.flush_all()
        # long ago
        self.env.cr.execute(
            "UPDATE customer_override SET create_date = %(then)s, write_date = %(then)s"
            " WHERE partner_id = ANY(%(partners)s)",
            {
                "then": fields.Datetime.to_datetime(self.day(20)),
                "partners": self.customers.ids,
            },
        )
        self.env.invalidate_all()
        self.before = self.take_decisions(self.customers)

    def change(self):
        """Apply a bulk change with every kind of effect."""
        bulk = self.make_bulk(
            self.customers,
            ("set", self.gold),
            ("release", self.interests),
            ("none", self.region),
            decided_policy="all",
            include_same=True,
        )
        bulk.action_preview()
        bulk.action_apply()
        self.assertEqual(bulk.state, "done")
        self.assertNotEqual(self.take_decisions(self.customers), self.before)
        return bulk

    def undo(self, bulk, user=None):
        action = bulk.with_user(user or self.user).action_undo()
        undo = self.Bulk.with_user(user or self.user).browse(action["res_id"])
        self.assertEqual((undo.kind, undo.state), ("undo", "draft"))
        return undo

    def test_restores_exactly(self):
        bulk = self.change()
        undo = self.undo(bulk)
        self.assertEqual(undo.pending_count, bulk.done_count)
        changed = self.take_decisions(self.customers)
        undo.action_apply()
        self.assertEqual(self.take_decisions(self.customers), self.before)
        self.assertEqual((bulk.state, bulk.undone_by_id), ("undone", undo))
        self.assertFalse(bulk.may_undo)
        # and is recorded
        rows = self.History.search([("bulk_id", "=", undo.id)], order="id")
        self.assertEqual(len(rows), undo.done_count)
        self.assertEqual(rows.user_id, self.user)
        self.assertEqual(set(rows.mapped("reason")), {f"Undo of “{bulk.name}”"})
        [of_first] = rows.filtered(
            lambda r: (
                (r.partner_id, r.dimension_id) == (self.customers[0], self.dimension)
            )
        )
        self.assertEqual(
            (of_first.event, of_first.old_category_id, of_first.new_category_id),
            ("set", self.gold, self.silver),
        )
        # an undo can be undone, and so on
        redo = self.undo(undo)
        redo.action_apply()
        self.assertEqual(self.take_decisions(self.customers), changed)
        self.assertEqual((bulk.state, undo.state), ("done", "undone"))
        self.undo(bulk).action_apply()
        self.assertEqual(self.take_decisions(self.customers), self.before)

    def test_what_changed_since_stays(self):
        bulk = self.change()
        first, second, third, fourth = self.customers[:4]
        # changed, decided anew after the release, withdrawn, confirmed
        self.decision_of(first).with_user(self.other).write(
            {"category_id": self.bronze.id}
        )
        self.decide(second, self.tea, user=self.other, reason="Told me")
        self.decision_of(third).with_user(self.other).action_withdraw()
        undo = self.undo(bulk)
        rows = {
            (row.partner_id, row.dimension_id, row.slot): row.outcome
            for row in self.env["customer.bulk.row"].search([("bulk_id", "=", undo.id)])
        }
        expected = {
            (first, self.dimension, 0): "since",
            (second, self.interests, self.tea.id): "since",
            (second, self.interests, self.wine.id): "pending",
            (third, self.dimension, 0): "ended_since",
            (fourth, self.dimension, 0): "pending",
        }
        self.assertEqual({key: rows[key] for key in expected}, expected)
        undo.action_apply()
        self.assertEqual(self.decision_of(first).category_id, self.bronze)
        self.assertFalse(self.decision_of(third))
        self.assertFalse(self.decision_of(fourth))
        self.assertEqual(
            sorted(self.decision_of(second, self.interests).mapped("reason")),
            ["Known for long", "Told me"],
        )
        kept = {
            (cell.dimension_id, cell.outcome): cell.count for cell in undo.skip_cell_ids
        }
        self.assertEqual(
            kept,
            {
                (self.dimension, "since"): 1,
                (self.interests, "since"): 1,
                (self.dimension, "ended_since"): 1,
            },
        )

    def test_former_decision_that_has_ended(self):
        bulk = self.make_bulk(
            self.customers[0], ("set", self.gold), decided_policy="all"
        )
        bulk.action_preview()
        bulk.action_apply()
        row = self.env["customer.bulk.row"].search([("bulk_id", "=", bulk.id)])
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE customer_bulk_row SET former = former || %s::jsonb WHERE id = %s",
            ['{"date_end": "%s"}' % self.day(1), row.id],
        )
        self.env.invalidate_all()
        undo = self.undo(bulk)
        undo.action_apply()
        self.assertFalse(self.decision_of(self.customers[0]))
        self.assertEqual(self.history_of(self.customers[0])[-1].event, "withdrawn")

    def test_who_may_undo(self):
        bulk = self.change()
        with self.assert_refused(UserError, "nothing here that you could undo"):
            bulk.sudo().with_user(self.other).sudo(False).action_undo()
        manager = self.make_user("bulk_manager", groups=MANAGER)
        undo = self.undo(bulk, manager)
        self.assertEqual(undo.user_id, manager)
        undo.action_apply()
        self.assertEqual(self.take_decisions(self.customers), self.before)

    def test_stopped_one_can_be_undone(self):
        bulk = self.make_bulk(self.customers, ("set", self.gold), decided_policy="all")
        bulk.action_preview()
        bulk.sudo().state = "running"
        bulk.sudo()._apply_next(2)
        bulk.action_stop()
        self.assertEqual(bulk.done_count, 2)
        self.undo(bulk).action_apply()
        self.assertEqual(self.take_decisions(self.customers), self.before)
