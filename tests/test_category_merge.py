from datetime import datetime

from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import SQL, mute_logger

from .common import MANAGER, ClassificationCommon

EARLY = datetime(2023, 1, 15, 8)
LATE = datetime(2024, 6, 1, 8)


@tagged("post_install", "-at_install")
class TestCategoryMerge(ClassificationCommon):
    """Merging categories moves their customers and keeps the history."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Category = cls.env["customer.category"]
        cls.one, cls.two, cls.three = [
            cls.make_customer(name) for name in ("One", "Two", "Three")
        ]
        cls.interests = cls.env["customer.dimension"].create(
            {
                "name": "Interests",
                "is_multiple": True,
                "category_ids": [
                    Command.create({"name": name}) for name in ("A", "B", "C")
                ],
            }
        )
        cls.a, cls.b, cls.c = cls.interests.category_ids

    def assign(self, partner, category, since=EARLY, **values):
        dimension = category.dimension_id
        return self.Assignment.sudo().create(
            {
                "partner_id": partner.id,
                "company_id": self.env.company.id,
                "dimension_id": dimension.id,
                "slot": category.id if dimension.is_multiple else 0,
                "category_id": category.id,
                "since": since,
                **values,
            }
        )

    def decide(self, partner, category, **values):
        return self.Override.create(
            {
                "partner_id": partner.id,
                "dimension_id": category.dimension_id.id,
                "category_id": category.id,
                "reason": "Because",
                **values,
            }
        )

    def merge(self, sources, target):
        sources._merge_into(target)
        self.env.invalidate_all()

    def rows_of(self, dimension, company=None):
        """Return ``{(customer, slot's category): (category, since)}``."""
        rows = self.Assignment.search(
            [
                ("dimension_id", "=", dimension.id),
                ("company_id", "=", (company or self.env.company).id),
            ]
        )
        return {
            (row.partner_id.name, self.Category.browse(row.slot).name): (
                row.category_id.name,
                row.since,
            )
            for row in rows
        }

    def merged_of(self, partner):
        return [
            (row.old_category_id.name, row.new_category_id.name)
            for row in self.history_of(partner).filtered(lambda r: r.event == "merged")
        ]

    def test_one_category_per_customer(self):
        self.assign(self.one, self.gold)
        self.assign(self.two, self.platinum, since=LATE)
        override = self.decide(self.three, self.gold)
        decided_at = override.write_date
        self.merge(self.platinum + self.gold, self.silver)
        self.assertEqual(
            self.rows_of(self.dimension),
            {("One", False): ("Silver", EARLY), ("Two", False): ("Silver", LATE)},
        )
        self.assertEqual(
            (override.category_id, override.write_date, override.reason),
            (self.silver, decided_at, "Because"),
        )
        for partner, old in ((self.one, "Gold"), (self.two, "Platinum")):
            self.assertEqual(self.merged_of(partner), [(old, "Silver")])
            row = self.history_of(partner)
            self.assertEqual(row.user_id, self.env.user)
            self.assertIn("merged into “Silver”", row.explanation)
        self.assertEqual(self.history_of(self.one).old_since, EARLY)
        self.assertEqual(self.merged_of(self.three), [("Gold", "Silver")])
        self.assertEqual(self.tier_of(self.three), "Silver")
        for source in self.platinum + self.gold:
            self.assertFalse(source.active)
            self.assertEqual(source.successor_id, self.silver)
            self.assertEqual(source._get_successor(), self.silver)
        self.assertEqual(self.silver._get_successor(), self.silver)

    def test_ended_decision_is_recorded_as_it_was(self):
        override = self.decide(self.one, self.gold)
        self.env.cr.execute(
            "UPDATE customer_override SET date_end = '2020-01-01' WHERE id = %s",
            [override.id],
        )
        self.env.invalidate_all()
        self.merge(self.gold, self.silver)
        rows = self.history_of(self.one)
        self.assertEqual(rows.mapped("event"), ["set", "expired"])
        self.assertEqual(rows[-1].old_category_id, self.gold)

    def test_both_layers_of_a_customer(self):
        self.assign(self.one, self.bronze)
        self.decide(self.one, self.silver)
        self.merge(self.bronze, self.silver)
        self.assertEqual(self.merged_of(self.one), [("Bronze", "Silver")])
        self.assertEqual(self.tier_of(self.one), "Silver")

    def test_two_companies(self):
        other = self.env["res.company"].create({"name": "Other company"})
        self.assign(self.one, self.gold)
        self.assign(self.one, self.gold, company_id=other.id, since=LATE)
        self.assign(self.two, self.bronze, company_id=other.id)
        self.merge(self.gold, self.silver)
        self.assertEqual(
            self.rows_of(self.dimension), {("One", False): ("Silver", EARLY)}
        )
        self.assertEqual(
            self.rows_of(self.dimension, other),
            {("One", False): ("Silver", LATE), ("Two", False): ("Bronze", EARLY)},
        )
        history = self.History.sudo().search([("event", "=", "merged")])
        self.assertEqual(history.company_id, self.env.company + other)

    def test_several_categories_per_customer(self):
        self.assign(self.one, self.a, since=LATE)
        self.assign(self.two, self.a)
        self.assign(self.two, self.c, since=LATE)
        self.assign(self.three, self.a, since=LATE)
        self.assign(self.three, self.b)
        self.merge(self.a + self.b, self.c)
        self.assertEqual(
            self.rows_of(self.interests),
            {
                ("One", "C"): ("C", LATE),
                # the merged ones count as one: since the first of them
                ("Two", "C"): ("C", EARLY),
                ("Three", "C"): ("C", EARLY),
            },
        )
        self.assertCountEqual(self.merged_of(self.one), [("A", False), (False, "C")])
        self.assertEqual(self.merged_of(self.two), [("A", False)])
        self.assertCountEqual(
            self.merged_of(self.three), [("A", False), ("B", False), (False, "C")]
        )
        for row in self.History.search([("event", "=", "merged")]):
            category = row.old_category_id or row.new_category_id
            self.assertEqual(row.slot, category.id)

    def test_decisions_about_several_categories(self):
        """What customers hold stays: additions do, exclusions take nothing away."""
        far = self.today.replace(year=self.today.year + 3)
        added = self.decide(self.one, self.a)
        longer = self.decide(self.one, self.b, date_end=far)
        excluded = self.decide(self.two, self.a, operation="exclude")
        self.assign(self.two, self.a)
        harmful = self.decide(self.three, self.a, operation="exclude")
        self.assign(self.three, self.a)
        self.assign(self.three, self.b)
        field_name = self.interests.partner_field_name
        self.merge(self.a + self.b, self.c)
        # the one that holds longer remains; manual ones have no end at all
        self.assertEqual((added + longer).exists().category_id, self.c)
        self.assertEqual((added + longer).exists().mapped("slot"), [self.c.id])
        self.assertEqual((added + longer).exists(), added)
        self.assertEqual(
            (excluded.category_id, excluded.operation, excluded.slot),
            (self.c, "exclude", self.c.id),
        )
        self.assertFalse(harmful.exists())
        self.assertEqual(self.one[field_name], self.c)
        self.assertFalse(self.two[field_name])
        self.assertEqual(self.three[field_name], self.c)
        by_hand = self.history_of(self.one)
        self.assertCountEqual(
            self.merged_of(self.one), [("A", False), ("B", False), (False, "C")]
        )
        self.assertEqual(by_hand[:2].mapped("event"), ["add", "add"])

    def test_decision_about_the_target_wins(self):
        own = self.decide(self.one, self.c)
        other = self.decide(self.one, self.a)
        ended = self.decide(self.two, self.c)
        moved = self.decide(self.two, self.b)
        untouched = self.decide(self.three, self.c)
        for override in ended + untouched:
            self.env.cr.execute(
                "UPDATE customer_override SET date_end = '2020-01-01' WHERE id = %s",
                [override.id],
            )
        self.env.invalidate_all()
        self.merge(self.a + self.b, self.c)
        self.assertTrue(own.exists())
        self.assertFalse((other + ended).exists())
        self.assertEqual(moved.category_id, self.c)
        self.assertEqual(untouched.exists().category_id, self.c)
        self.assertEqual(self.merged_of(self.one), [("A", False)])

    def test_shared_by_all_companies(self):
        shared = self.env["customer.dimension"].create(
            {
                "name": "Nature",
                "is_shared": True,
                "category_ids": [
                    Command.create({"name": n}) for n in ("State", "Public")
                ],
            }
        )
        state, public = shared.category_ids
        assignment = self.assign(self.one, state, company_id=False)
        override = self.decide(self.two, state)
        self.assertFalse(override.company_id)
        self.assertEqual(state.customer_count, 2)
        self.merge(state, public)
        self.assertEqual((assignment.category_id, override.category_id), (public,) * 2)
        self.assertEqual(self.merged_of(self.one), [("State", "Public")])
        other = self.env["res.company"].create({"name": "Other company"})
        self.assertEqual(public.with_company(other).customer_count, 2)

    def test_category_that_a_customer_had_once(self):
        self.assign(self.one, self.a)
        once = self.assign(self.one, self.c)
        self.env.cr.execute(
            "UPDATE customer_assignment SET category_id = NULL WHERE id = %s", [once.id]
        )
        gone = self.assign(self.two, self.a)
        self.env.cr.execute(
            "UPDATE customer_assignment SET category_id = NULL WHERE id = %s", [gone.id]
        )
        self.env.invalidate_all()
        self.merge(self.a, self.c)
        self.assertEqual(self.rows_of(self.interests), {("One", "C"): ("C", EARLY)})
        self.assertCountEqual(self.merged_of(self.one), [("A", False), (False, "C")])
        self.assertFalse(self.merged_of(self.two))

    def test_rules_default_and_parts_move(self):
        region = self.env["customer.dimension"].create(
            {"name": "Region", "method": "rule"}
        )
        north, south, city = self.Category.create(
            [{"name": n, "dimension_id": region.id} for n in ("North", "South", "City")]
        )
        city.parent_id = north
        rules = self.env["customer.dimension.rule"].create(
            [
                {"name": n, "dimension_id": region.id, "category_id": north.id, **v}
                for n, v in (("Used", {}), ("Resting", {"active": False}))
            ]
        )
        region.default_category_id = north
        self.merge(north, south)
        self.assertEqual(rules.category_id, south)
        self.assertEqual(region.default_category_id, south)
        self.assertEqual(city.parent_id, south)
        # a second merge: whoever was merged before follows
        self.merge(south, city)
        self.assertEqual((north + south).successor_id, city)
        self.assertFalse(city.parent_id)

    def test_merge_into_a_part_of_a_part(self):
        top = self.Category.create({"name": "Top", "dimension_id": self.interests.id})
        middle, below, other = self.Category.create(
            [{"name": n, "dimension_id": self.interests.id} for n in "MBO"]
        )
        middle.parent_id = self.a
        self.a.parent_id = top
        below.parent_id = middle
        other.parent_id = self.a
        self.merge(self.a, below)
        self.assertEqual(below.parent_id, top)
        self.assertEqual((middle + other).parent_id, below)

    def test_mirrored_value_stands_for_the_successor(self):
        self.a.source_key = "res.country,1"
        self.merge(self.a, self.b)
        self.assertEqual(self.a.source_key, "res.country,1")
        self.assertFalse(self.b.source_key)
        [found] = self.Category.with_context(active_test=False).search(
            [("source_key", "=", "res.country,1")]
        )
        self.assertEqual(found._get_successor(), self.b)

    def test_limits(self):
        self.merge(self.silver, self.gold)
        self.assertEqual(self.gold.minimum_score, 2.25)
        self.merge(self.platinum, self.gold)
        self.assertEqual(self.gold.minimum_score, 2.25)
        with self.assert_refused(ValidationError, "“Gold” lies between"):
            self.silver.minimum_score = 4
            self.silver.action_unarchive()
            self.bronze._merge_into(self.silver)

    def test_next_run_agrees(self):
        """A customer whom only the merge moved stays; the version is a new one."""
        for partner, amount in ((self.one, 900), (self.two, 100), (self.three, 10)):
            self.post(partner, amount, 5)
        self.classify()
        version = self.dimension.active_ruleset_id
        limits = version.limit_ids.mapped("minimum_score")
        before = {row.partner_id: row.category_id for row in self.Assignment.search([])}
        self.assertIn(self.bronze, before.values())
        self.merge(self.bronze, self.silver)
        self.assertEqual(version.limit_ids.mapped("minimum_score"), limits)
        expected = {
            partner: self.silver if category == self.bronze else category
            for partner, category in before.items()
        }
        count = self.History.search_count([])
        self.classify()
        self.assertEqual(
            {row.partner_id: row.category_id for row in self.Assignment.search([])},
            expected,
        )
        self.assertEqual(self.History.search_count([]), count)
        self.assertGreater(self.dimension.active_ruleset_id.version, version.version)

    def test_refused(self):
        with self.assert_refused(ValidationError, "into itself"):
            self.a._merge_into(self.a)
        with self.assert_refused(ValidationError, "same dimension"):
            self.a._merge_into(self.gold)
        with self.assert_refused(ValidationError, "is archived"):
            self.b.active = False
            self.a._merge_into(self.b)
        with self.assertRaises(AccessError):
            self.a.with_user(self.make_user("merging"))._merge_into(self.c)

    def test_not_during_a_run(self):
        with self.registry.cursor() as cr:
            from ..models import customer_classification_run_line as lines

            cr.execute(
                SQL(
                    "SELECT pg_advisory_xact_lock(%s, %s)",
                    lines.LOCK_SPACE,
                    self.env.company.id,
                )
            )
            with self.assert_refused(UserError, "being classified just now"):
                self.a._merge_into(self.b)

    def test_wizard(self):
        self.assign(self.one, self.gold)
        self.assign(self.two, self.platinum)
        self.decide(self.two, self.gold)
        self.assign(self.three, self.silver)
        manager = self.make_user("merger", groups=MANAGER)
        action = (self.platinum + self.gold + self.silver).action_merge()
        Wizard = self.env[action["res_model"]].with_user(manager)
        form = Form(Wizard.with_context(**action["context"]))
        form.target_id = self.silver
        # the target itself does not move; of Two counts what holds
        self.assertEqual((form.computed_count, form.hand_count), (1, 1))
        wizard = form.save()
        wizard.action_merge()
        self.env.invalidate_all()
        self.assertEqual(
            [self.tier_of(p) for p in (self.one, self.two, self.three)], ["Silver"] * 3
        )
        self.assertEqual((self.platinum + self.gold).successor_id, self.silver)

    def test_merged_category_is_not_deleted(self):
        self.assign(self.one, self.gold)
        self.merge(self.gold, self.silver)
        with self.assert_refused(UserError, "hold or held"):
            self.gold.unlink()
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
            self.Category.create(
                {"name": "G", "code": "gold", "dimension_id": self.dimension.id}
            )
