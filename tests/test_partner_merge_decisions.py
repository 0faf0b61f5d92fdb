from datetime import timedelta

from odoo import Command, fields
from odoo.tests import freeze_time, tagged

from .common import USER, ClassificationCommon


@tagged("post_install", "-at_install")
class TestPartnerMergeDecisions(ClassificationCommon):
    """Decisions by hand of merged contacts: one holds, and all are remembered."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Partner = cls.env["res.partner"]
        cls.left = cls.make_customer("Left")
        cls.right = cls.make_customer("Right")
        cls.third = cls.make_customer("Third")

    def merge(self, kept, *gone):
        self.env["base.partner.merge.automatic.wizard"].sudo().create(
            {
                "partner_ids": [
                    Command.set((kept + self.Partner.union(*gone)).ids),
                ],
                "dst_partner_id": kept.id,
            }
        ).action_merge()
        self.env.invalidate_all()

    def decide(self, partner, category, days=10, **values):
        return self.Override.create(
            {
                "partner_id": partner.id,
                "dimension_id": category.dimension_id.id,
                "category_id": category.id,
                "reason": f"About {partner.name}",
                "date_end": days and self.today + timedelta(days=days),
                **values,
            }
        )

    def set_end(self, decision, date):
        """Let a decision end on a day that nobody could enter any more."""
        self.env.cr.execute(
            "UPDATE customer_override SET date_end = %s WHERE id = %s",
            [date, decision.id],
        )
        self.env.invalidate_all()

    def decisions_of(self, partner):
        return self.Override.search([("partner_id", "=", partner.id)])

    def merged_of(self, partner):
        return self.history_of(partner).filtered(lambda row: row.event == "merged")

    def notes_of(self, partner):
        messages = partner.message_ids.filtered(lambda m: "set by hand" in m.body)
        return [str(message.body) for message in messages]

    def make_several(self):
        return self.env["customer.dimension"].create(
            {
                "name": "Interests",
                "code": "merge_interests",
                "is_multiple": True,
                "category_ids": [Command.create({"name": n}) for n in ("Art", "Golf")],
            }
        )

    def test_in_both_directions(self):
        for kept, gone, tier in (
            (self.left, self.right, "Gold"),
            (self.right, self.left, "Silver"),
        ):
            with self.subTest(kept.name), self.env.cr.savepoint() as savepoint:
                self.decide(self.left, self.gold, days=5)
                self.decide(self.right, self.silver, days=50)
                name, gone_name = kept.name, gone.name
                self.merge(kept, gone)
                self.assertEqual(self.tier_of(kept), tier)
                self.assertEqual(self.decisions_of(kept).reason, f"About {name}")
                rows = self.history_of(kept)
                self.assertEqual(rows.mapped("event"), ["set", "set", "merged"])
                self.assertEqual(
                    set(rows[:2].mapped("reason")), {"About Left", "About Right"}
                )
                [row] = self.merged_of(kept)
                self.assertEqual(row.new_category_id.name, tier)
                self.assertEqual(
                    row.reason,
                    f"Contacts merged: the decision about “{name}” holds, and not the "
                    f"one about “{gone_name}”, because the former is the contact that "
                    f"remains.",
                )
                self.assertEqual(row.explanation, row.reason)
                [note] = self.notes_of(kept)
                self.assertIn(row.reason, note)
                self.assertIn("Value tier", note)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_three_at_once(self):
        self.decide(self.right, self.gold, days=20)
        self.decide(self.third, self.silver, days=None)
        self.merge(self.left, self.right, self.third)
        [decision] = self.decisions_of(self.left)
        self.assertEqual(
            (decision.category_id, decision.date_end), (self.silver, False)
        )
        lost, came = self.merged_of(self.left)
        self.assertEqual(
            (lost.old_category_id, lost.new_category_id), (self.gold, self.silver)
        )
        self.assertIn("because it lasts longer", lost.reason)
        self.assertEqual(
            (came.old_category_id.id, came.new_category_id), (False, self.silver)
        )
        self.assertIn("none was in force about “Left”", came.reason)
        self.assertEqual(self.tier_of(self.left), "Silver")

    def test_one_after_the_other(self):
        self.decide(self.left, self.gold)
        self.decide(self.right, self.silver, days=30)
        self.decide(self.third, self.bronze, days=60)
        self.merge(self.left, self.right)
        self.merge(self.left, self.third)
        self.assertEqual(self.tier_of(self.left), "Gold")
        self.assertEqual(
            self.merged_of(self.left).mapped("old_category_id.name"),
            ["Silver", "Bronze"],
        )
        self.assertEqual(len(self.history_of(self.left)), 5)

    def test_made_first_wins_among_equals(self):
        first = self.decide(self.third, self.gold)
        self.decide(self.right, self.silver)
        self.merge(self.left, self.right, self.third)
        self.assertEqual(self.decisions_of(self.left), first)
        self.assertIn("because it was made first", self.merged_of(self.left)[0].reason)

    def test_same_category_is_told_too(self):
        self.decide(self.left, self.gold, days=3)
        self.decide(self.right, self.gold, days=300)
        self.merge(self.left, self.right)
        [row] = self.merged_of(self.left)
        self.assertEqual(row.date_end, self.today + timedelta(days=3))

    def test_comes_along_over_a_computed_category(self):
        self.post(self.left, 10, 100)
        self.post(self.third, 5000, 1)
        self.classify()
        self.assertEqual(self.tier_of(self.left), "Bronze")
        since = self.assignment_of(self.left).since
        self.decide(self.right, self.gold)
        self.merge(self.left, self.right)
        [row] = self.merged_of(self.left)
        self.assertEqual(
            (row.old_category_id, row.old_since, row.new_category_id),
            (self.bronze, since, self.gold),
        )
        self.classify()
        self.assertEqual(self.tier_of(self.left), "Gold", "no run takes it away")

    def test_added_and_excluded(self):
        art, golf = self.make_several().category_ids
        self.decide(self.left, art, operation="exclude")
        self.decide(self.right, art, operation="add")
        self.decide(self.right, golf, operation="add")
        self.merge(self.left, self.right)
        held = self.left[golf.dimension_id.partner_field_name]
        self.assertEqual(held, golf)
        rows = self.merged_of(self.left)
        self.assertEqual(
            [(row.old_category_id.name, row.new_category_id.name) for row in rows],
            [("Art", False), (False, "Golf")],
        )

    def test_explicitly_none_is_a_decision(self):
        self.decide(self.left, self.gold, operation="none", category_id=False)
        self.decide(self.right, self.gold)
        self.merge(self.left, self.right)
        self.assertFalse(self.tier_of(self.left))
        [row] = self.merged_of(self.left)
        self.assertEqual(
            (row.old_category_id, row.new_category_id.id), (self.gold, False)
        )

    def test_ended_ones_give_way_and_are_recorded(self):
        ended = self.decide(self.left, self.bronze)
        self.set_end(ended, self.day(3))
        self.decide(self.right, self.gold)
        self.merge(self.left, self.right)
        self.assertEqual(self.tier_of(self.left), "Gold")
        events = self.history_of(self.left).mapped("event")
        self.assertEqual(sorted(events), ["expired", "merged", "set", "set"])
        self.assertIn(
            "none was in force about “Left”", self.merged_of(self.left).reason
        )

    def test_two_that_have_ended(self):
        for partner, category, days in (
            (self.left, self.bronze, 3),
            (self.right, self.gold, 2),
            (self.third, self.silver, 2),
        ):
            self.set_end(self.decide(partner, category), self.day(days))
        self.merge(self.left, self.right, self.third)
        self.assertFalse(self.tier_of(self.left))
        self.assertLessEqual(len(self.decisions_of(self.left)), 1)
        rows = self.history_of(self.left)
        ended = rows.filtered(lambda row: row.event == "expired")
        self.assertEqual(
            set(ended.mapped("old_category_id.name")), {"Bronze", "Gold", "Silver"}
        )
        # each in the history of the contact that it was about
        self.assertEqual(
            {row.former_name or "Left" for row in ended}, {"Left", "Right", "Third"}
        )
        self.assertFalse(self.merged_of(self.left))

    def test_end_of_another_ends_nothing(self):
        """The remaining contact's decision holds on, also as seen from later."""
        with freeze_time("2025-06-10 12:00:00"):
            self.set_end(self.decide(self.right, self.silver), "2025-06-09")
            self.decide(self.left, self.gold, date_end="2025-07-01")
            self.merge(self.left, self.right)
        with freeze_time("2025-06-12 12:00:00"):
            shown = self.dimension._get_distribution(
                self.env.company, fields.Date.to_date("2025-06-11")
            )
        self.assertEqual(shown, {self.gold.id: 1})

    def test_day_of_the_company(self):
        """In Auckland the day is over when the database has not noticed."""
        self.env.company.partner_id.tz = "Pacific/Auckland"
        with freeze_time("2025-06-10 15:00:00"):
            kept = self.decide(self.left, self.bronze, date_end="2025-06-11")
            self.set_end(kept, "2025-06-10")
            self.decide(self.right, self.gold, date_end="2025-07-01")
            # 3 a.m. of the 11th there
            self.merge(self.left, self.right)
            self.assertEqual(self.tier_of(self.left), "Gold")

    def test_different_companies(self):
        here = self.env.company
        there = self.setup_other_company(name="Other company")["company"]
        self.decide(self.left, self.gold)
        self.decide(self.left, self.bronze, company_id=there.id)
        self.decide(self.right, self.silver, days=90)
        self.merge(self.right, self.left)
        self.assertEqual(self.tier_of(self.right, here), "Silver")
        self.assertEqual(self.tier_of(self.right, there), "Bronze")
        lost, came = self.merged_of(self.right)
        self.assertEqual((lost.company_id, came.company_id), (here, there))
        self.assertEqual(lost.old_category_id, self.gold)

    def test_restricted_dimension_is_not_told_to_everybody(self):
        group = self.env["res.groups"].create({"name": "Few"})
        self.env.user.group_ids |= group
        # the field's groups outlive the test's transaction
        self.addCleanup(self.dimension.write, {"view_group_ids": [Command.clear()]})
        self.dimension.view_group_ids = group
        self.decide(self.left, self.gold)
        self.decide(self.right, self.silver)
        self.merge(self.left, self.right)
        self.assertFalse(self.notes_of(self.left))
        self.assertTrue(self.merged_of(self.left).reason)

    def test_nothing_to_tell(self):
        self.decide(self.left, self.gold)
        self.merge(self.left, self.right)
        self.assertFalse(self.notes_of(self.left))
        self.assertEqual(self.history_of(self.left).mapped("event"), ["set"])


@tagged("post_install", "-at_install")
class TestDecisionsAreKept(ClassificationCommon):
    """Nobody's decision is lost, and none pretends to hold that does not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alpha = cls.make_customer("Alpha")
        cls.group = cls.make_customer("Group")
        cls.decision = cls.Override.create(
            {
                "partner_id": cls.alpha.id,
                "dimension_id": cls.dimension.id,
                "category_id": cls.gold.id,
                "reason": "Because",
            }
        )

    def search(self, **values):
        return self.Override.search([(n, "=", v) for n, v in values.items()])

    def test_contact_of_another_customer(self):
        self.assertEqual(self.search(is_in_force=True), self.decision)
        self.alpha.write({"is_company": False, "parent_id": self.group.id})
        self.env.invalidate_all()
        self.assertTrue(self.decision.is_without_customer)
        self.assertFalse(self.decision.is_in_force)
        self.assertFalse(self.search(is_in_force=True))
        self.assertEqual(self.search(is_in_force=False), self.decision)
        self.assertEqual(self.search(is_without_customer=True), self.decision)
        self.assertEqual(self.search(has_ended=False), self.decision)
        self.assertFalse(self.tier_of(self.alpha))
        self.assertFalse(self.alpha.customer_is_set_by_hand)
        self.classify()
        self.assertTrue(self.decision.exists(), "it rests, and is not lost")
        self.alpha.write({"is_company": True, "parent_id": False})
        self.env.invalidate_all()
        self.assertEqual(self.search(is_in_force=True), self.decision)
        self.assertFalse(self.search(is_without_customer=True))
        self.assertEqual(self.tier_of(self.alpha), "Gold")

    def test_resting_one_gives_way_in_a_merge(self):
        beta = self.make_customer("Beta")
        other = self.decision.create(
            {
                "partner_id": beta.id,
                "dimension_id": self.dimension.id,
                "category_id": self.silver.id,
                "reason": "Other",
                "date_end": self.today,
            }
        )
        self.alpha.write({"is_company": False, "parent_id": self.group.id})
        target = self.make_customer("Target")
        self.env["base.partner.merge.automatic.wizard"].sudo()._merge(
            (self.alpha + beta + target).ids, target
        )
        self.env.invalidate_all()
        self.assertEqual(self.search(partner_id=target.id), other)
        reasons = " ".join(r.reason for r in self.history_of(target) if r.reason)
        self.assertIn("who was no customer of its own", reasons)

    def test_category_merge_keeps_a_resting_one(self):
        several = self.env["customer.dimension"].create(
            {
                "name": "Interests",
                "code": "kept_interests",
                "is_multiple": True,
                "category_ids": [
                    fields.Command.create({"name": n}) for n in ("Art", "Golf")
                ],
            }
        )
        art, golf = several.category_ids
        decision = self.decision.create(
            {
                "partner_id": self.alpha.id,
                "dimension_id": several.id,
                "category_id": art.id,
                "operation": "add",
            }
        )
        self.alpha.write({"is_company": False, "parent_id": self.group.id})
        art._merge_into(golf)
        self.env.invalidate_all()
        self.assertEqual(decision.exists().category_id, golf)

    def test_archived_and_back(self):
        user = self.make_user("kept_user", groups=f"{USER},base.group_partner_manager")
        for record in (self.alpha, self.dimension, self.gold, user):
            with self.subTest(record._name):
                record.with_context(customer_category_is_decided=True).active = False
                self.classify()
                record.active = True
                self.classify()
                self.env.invalidate_all()
                self.assertTrue(self.decision.exists())
                self.assertEqual(self.tier_of(self.alpha), "Gold")
