from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .bulk_common import DECISION, ENTRY, BulkCommon

SCHEDULE = "odoo.addons.customer_classification.models.customer_bulk_schedule"


@tagged("post_install", "-at_install")
class TestBulk(BulkCommon):
    """Decisions about many customers at a time."""

    def setUp(self):
        super().setUp()
        # two computed Bronze, the others without invoices
        self.post(self.customers[0], 10, 400)
        self.post(self.customers[0], 10, 1)
        self.post(self.customers[1], 10, 1)
        self.classify()
        self.computed = {c: self.tier_of(c) for c in self.customers}

    def test_preview_equals_result(self):
        other = self.make_user("bulk_other")
        mine = self.decide(self.customers[2], self.silver)
        others = self.decide(self.customers[3], self.silver, user=other)
        self.decide(self.customers[4], self.gold, user=other)
        bulk = self.make_bulk(self.customers, ("set", self.gold))
        before = self.take_decisions(self.customers)
        bulk.action_preview()
        self.assertEqual(self.take_decisions(self.customers), before)
        computed = self.computed
        expected = {
            self.customers[0]: ("pending", computed[self.customers[0]], "Gold"),
            self.customers[1]: ("pending", computed[self.customers[1]], "Gold"),
            self.customers[2]: ("pending", "Silver", "Gold"),
            self.customers[3]: ("decided", "Silver", "Gold"),
            self.customers[4]: ("same", "Gold", "Gold"),
            self.customers[5]: ("pending", False, "Gold"),
        }
        self.assertEqual(self.rows_of(bulk), expected)
        self.assertEqual((bulk.pending_count, bulk.skipped_count), (4, 2))
        self.assertEqual(sum(bulk.change_cell_ids.mapped("count")), 4)
        self.assertEqual(
            {cell.outcome: cell.count for cell in bulk.skip_cell_ids},
            {"decided": 1, "same": 1},
        )
        bulk.action_apply()
        self.assertEqual(bulk.state, "done")
        self.assertEqual(
            self.rows_of(bulk),
            {
                customer: ("done" if row[0] == "pending" else row[0], *row[1:])
                for customer, row in expected.items()
            },
        )
        for customer in self.customers:
            tier = "Silver" if customer == self.customers[3] else "Gold"
            self.assertEqual(self.tier_of(customer), tier)
        self.assertEqual(others.write_uid, other)
        self.assertEqual((mine.origin, mine.bulk_id), ("bulk", bulk))
        self.assertEqual(self.History.search_count([("bulk_id", "=", bulk.id)]), 4)

    def test_same_effect_as_single_decisions(self):
        """Each effect is that of the same decision on a twin."""
        interests = self.make_dimension(
            "Interests", ["Wine", "Tea"], is_multiple=True, publish_changes=True
        )
        wine, tea = interests.category_ids
        shared = self.make_dimension("Region", ["North", "South"], is_shared=True)
        north, south = shared.category_ids
        one, twin = self.customers[0], self.customers[2]
        for days, amount in ((400, 10), (1, 10)):
            self.post(twin, amount, days)
        self.classify()
        for customer in (one, twin):
            self.decide(customer, wine)
            self.decide(customer, south)
        last = self.History.search([], limit=1, order="id desc").id
        bulk = self.make_bulk(
            one,
            ("none", self.dimension),
            ("release", wine),
            ("exclude", tea),
            ("set", north),
            validity="until",
            date_end=self.day(-30),
        )
        # a customer without it is not excluded from it, unless that is asked for
        bulk.include_same = True
        bulk.action_preview()
        bulk.action_apply()
        Own = self.Override.with_user(self.user)
        common = {
            "partner_id": twin.id,
            "reason": "Agreed",
            "date_end": self.day(-30),
        }
        Own.create({**common, "dimension_id": self.dimension.id, "operation": "none"})
        withdrawn = self.decision_of(twin, interests).with_user(self.user)
        withdrawn.action_withdraw()
        Own.create(
            {
                **common,
                "dimension_id": interests.id,
                "operation": "exclude",
                "category_id": tea.id,
            }
        )
        changed = self.decision_of(twin, shared).with_user(self.user)
        changed.write(
            {"category_id": north.id, "reason": "Agreed", "date_end": self.day(-30)}
        )
        decisions = {
            customer: self.Override.search(
                [("partner_id", "=", customer.id)], order="dimension_id, slot"
            )
            for customer in (one, twin)
        }
        self.assertEqual(len(decisions[one]), 3)
        self.assertEqual(
            self.describe(decisions[one], (*DECISION, "reviewed_on", "create_uid")),
            self.describe(decisions[twin], (*DECISION, "reviewed_on", "create_uid")),
        )
        entries = {}
        for customer in (one, twin):
            rows = self.History.search(
                [("partner_id", "=", customer.id), ("id", ">", last)],
                order="dimension_id, slot",
            )
            self.assertEqual(len(rows), 4)
            names = [name for name in ENTRY if name not in ("old_since", "reason")]
            entries[customer] = self.describe(rows, names)
            self.assertEqual(
                {row.old_since or False for row in rows if row.event == "withdrawn"},
                {row.old_since for row in rows if row.event == "withdrawn"} - {None},
            )
        self.assertEqual(entries[one], entries[twin])
        self.assertEqual(sum(entry[-1] for entry in entries[one]), 2, "to publish")

    def test_already_so(self):
        first = self.customers[0]
        computed = self.assignment_of(first).category_id
        bulk = self.make_bulk(first, ("set", computed))
        bulk.action_preview()
        self.assertEqual(self.rows_of(bulk)[first][0], "same")
        with self.assert_refused(UserError, "Nothing would change"):
            bulk.action_apply()
        bulk.include_same = True
        self.assertFalse(bulk.is_previewed, "the preview is not true any more")
        with self.assert_refused(UserError, "Look at the preview first"):
            bulk.action_apply()
        bulk.action_preview()
        bulk.action_apply()
        self.assertEqual(self.decision_of(first).category_id, computed)

    def test_policies(self):
        other = self.make_user("bulk_other")
        mine, others = self.customers[:2]
        self.decide(mine, self.silver)
        self.decide(others, self.silver, user=other)
        for policy, expected in (
            ("keep", ["decided", "decided"]),
            ("own", ["pending", "decided"]),
            ("all", ["pending", "pending"]),
        ):
            for line in (("set", self.gold), ("release", self.dimension)):
                with self.subTest(policy, line=line[0]):
                    bulk = self.make_bulk(mine + others, line, decided_policy=policy)
                    bulk.action_preview()
                    rows = self.rows_of(bulk)
                    self.assertEqual([rows[mine][0], rows[others][0]], expected)

    def test_not_applicable(self):
        person = self.env["res.partner"].create({"name": "Person"})
        firms = self.make_dimension("Form", ["Ltd"], applies_to="company")
        buyers = self.make_dimension("Buys", ["Yes"], applies_invoices="with")
        bulk = self.make_bulk(person + self.customers[0], ("set", firms.category_ids))
        bulk.action_preview()
        rows = self.rows_of(bulk)
        self.assertEqual(rows[person][0], "not_applicable")
        self.assertEqual(rows[self.customers[0]][0], "pending")
        bulk = self.make_bulk(
            self.customers[0] + self.customers[5], ("set", buyers.category_ids)
        )
        bulk.action_preview()
        rows = self.rows_of(bulk)
        self.assertEqual(rows[self.customers[0]][0], "pending")
        self.assertEqual(rows[self.customers[5]][0], "not_applicable")

    def test_excluded(self):
        customer = self.customers[0]
        self.env["customer.exclusion"].create({"partner_id": customer.id})
        bulk = self.make_bulk(customer, ("set", self.gold))
        bulk.action_preview()
        self.assertEqual(self.rows_of(bulk)[customer][0], "excluded")

    def test_contacts_stand_for_their_customer(self):
        customer = self.customers[0]
        contacts = self.env["res.partner"].create(
            [{"name": name, "parent_id": customer.id} for name in ("Ann", "Bob")]
        )
        bulk = self.make_bulk(contacts, ("set", self.gold))
        bulk.action_preview()
        self.assertEqual(list(self.rows_of(bulk)), [customer])
        self.assertEqual((bulk.target_count, bulk.pending_count), (2, 1))

    def test_decided_meanwhile(self):
        """Whom somebody decided about between preview and applying is left alone."""
        other = self.make_user("bulk_other")
        kept, changed, left = self.customers[:3]
        self.decide(changed, self.silver)
        bulk = self.make_bulk(self.customers[:3], ("set", self.gold))
        bulk.action_preview()
        self.decide(kept, self.bronze, user=other)
        self.decision_of(changed).with_user(other).category_id = self.platinum
        bulk.action_apply()
        rows = self.rows_of(bulk)
        self.assertEqual(rows[kept][0], "meanwhile")
        self.assertEqual(rows[changed][0], "meanwhile")
        self.assertEqual(rows[left][0], "done")
        self.assertEqual(self.decision_of(kept).category_id, self.bronze)
        self.assertEqual(self.decision_of(changed).category_id, self.platinum)
        self.assertEqual(bulk.done_count, 1)

    def test_replaces_what_has_ended(self):
        customer = self.customers[0]
        decision = self.decide(customer, self.silver)
        self.env.cr.execute(
            "UPDATE customer_override SET date_end = %s WHERE id = %s",
            [self.day(1), decision.id],
        )
        self.env.invalidate_all()
        bulk = self.make_bulk(customer, ("set", self.gold))
        bulk.action_preview()
        self.assertEqual(
            self.rows_of(bulk)[customer],
            ("pending", self.computed[customer], "Gold"),
        )
        bulk.action_apply()
        self.assertEqual(self.tier_of(customer), "Gold")
        self.assertEqual(
            self.history_of(customer).mapped("event"), ["set", "expired", "set"]
        )

    def test_how_long_it_holds(self):
        manual = self.make_dimension("Trust", ["Yes"])
        lines = (("set", self.gold), ("set", manual.category_ids))
        year = fields.Date.add(self.today, days=365)
        for number, (validity, day, expected) in enumerate(
            (
                ("usual", False, (year, False)),
                ("open", False, (False, False)),
                ("until", self.day(-9), (self.day(-9), self.day(-9))),
            )
        ):
            with self.subTest(validity):
                customer = self.customers[number]
                bulk = self.make_bulk(customer, *lines, validity=validity, date_end=day)
                bulk.action_preview()
                bulk.action_apply()
                ends = (
                    self.decision_of(customer).date_end,
                    self.decision_of(customer, manual).date_end,
                )
                self.assertEqual(ends, expected)

    def test_refused(self):
        with self.assert_refused(UserError, "Nobody is chosen"):
            self.make_bulk(self.customers[:0], ("set", self.gold)).action_preview()
        with self.assert_refused(UserError, "at least one decision"):
            self.make_bulk(self.customers).action_preview()
        bulk = self.make_bulk(self.customers, ("set", self.gold), reason=False)
        with self.assert_refused(UserError, "give the reason"):
            bulk.action_preview()
        bulk = self.make_bulk(
            self.customers, ("set", self.gold), validity="until", date_end=self.day(1)
        )
        with self.assert_refused(UserError, "end before it begins"):
            bulk.action_preview()
        with self.assert_refused(ValidationError, "one category per customer"):
            self.make_bulk(self.customers, ("add", self.gold))
        with self.assert_refused(ValidationError, "keep one"):
            self.make_bulk(self.customers, ("set", self.gold), ("none", self.dimension))
        bulk = self.make_bulk(self.customers, ("set", self.dimension))
        with self.assert_refused(UserError, "Choose the category for “Value tier”"):
            bulk.action_preview()

    def test_applied_is_not_changed(self):
        bulk = self.make_bulk(self.customers, ("set", self.gold))
        bulk.action_preview()
        bulk.action_apply()
        for change in (
            lambda: bulk.write({"decided_policy": "all"}),
            lambda: bulk.line_ids.write({"category_id": self.silver.id}),
            bulk.line_ids.unlink,
            bulk.unlink,
            bulk.action_preview,
            bulk.action_apply,
        ):
            with self.assert_refused(UserError, "applied already"):
                change()
        bulk.name = "Key accounts"

    def test_in_the_background(self):
        with patch(f"{SCHEDULE}.IMMEDIATE_ROWS", 2), patch(f"{SCHEDULE}.STEP_ROWS", 2):
            bulk = self.make_bulk(self.customers, ("set", self.gold))
            bulk.action_preview()
            bulk.action_apply()
            self.assertEqual(bulk.state, "running")
            self.assertFalse(bulk.done_count)
            bulk.sudo()._apply_next(2)
            bulk.invalidate_recordset()
            self.assertEqual((bulk.done_count, bulk.pending_count), (2, 4))
            self.assertAlmostEqual(bulk.progress, 100 * 2 / 6)
            bulk.action_stop()
            self.assertEqual(bulk.state, "stopped")
            cron = self.env.ref("customer_classification.ir_cron_bulk")
            with self.enter_registry_test_mode():
                cron.method_direct_trigger()
            bulk.invalidate_recordset()
            self.assertEqual((bulk.state, bulk.done_count), ("stopped", 2))
            bulk.action_resume()
            with self.enter_registry_test_mode():
                cron.method_direct_trigger()
        bulk.invalidate_recordset()
        self.assertEqual((bulk.state, bulk.done_count), ("done", 6))
        self.assertEqual(self.History.search_count([("bulk_id", "=", bulk.id)]), 6)

    def test_all_that_match_the_search(self):
        """A list names no more ids than Odoo's limit; the search names the others."""
        self.env["ir.config_parameter"].sudo().set_param("web.active_ids_limit", "2")
        domain = [("id", "in", self.customers.ids)]
        for ids, expected in (
            (self.customers[:1].ids, 1),
            (self.customers[:2].ids, len(self.customers)),
        ):
            Bulk = self.Bulk.with_user(self.user).with_context(
                active_ids=ids, active_domain=domain
            )
            action = Bulk.action_open_for_active()
            bulk = self.Bulk.browse(action["res_id"])
            self.assertEqual(bulk.target_count, expected)

    def test_list_about_a_dimension(self):
        Bulk = self.Bulk.with_user(self.user).with_context(
            active_ids=self.customers.ids, customer_bulk_dimension_id=self.dimension.id
        )
        bulk = self.Bulk.browse(Bulk.action_open_for_active()["res_id"])
        self.assertEqual(bulk.line_ids.dimension_id, self.dimension)
        self.assertEqual(bulk.line_ids.operation, "set")

    def test_planned_reviews_end(self):
        self.dimension.write({"review_days": 1, "plan_reviews": True})
        changed, kept = self.customers[:2]
        activities = {}
        for customer in (changed, kept):
            decision = self.decide(customer, self.silver)
            activities[customer] = customer.activity_schedule(
                "mail.mail_activity_data_todo", user_id=self.user.id
            )
            activities[customer].sudo().customer_override_id = decision
        bulk = self.make_bulk(changed, ("release", self.dimension))
        bulk.action_preview()
        bulk.action_apply()
        self.assertFalse(self.decision_of(changed))
        self.assertFalse(activities[changed].exists().active)
        self.assertTrue(activities[kept].active)

    def test_mirrored_tags_follow(self):
        self.dimension.mirror_company_id = self.env.company
        self.dimension.mirror_tags = True
        bulk = self.make_bulk(self.customers, ("set", self.gold))
        bulk.action_preview()
        bulk.action_apply()
        self.assertEqual(self.customers.category_id, self.gold.mirror_tag_id)

    def test_old_drafts_go(self):
        draft = self.make_bulk(self.customers, ("set", self.gold))
        done = self.make_bulk(self.customers, ("set", self.gold))
        done.action_preview()
        done.action_apply()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE customer_bulk SET write_date = write_date - interval '8 days'"
        )
        self.env.invalidate_all()
        self.Bulk.sudo()._gc_drafts()
        self.assertFalse(draft.exists())
        self.assertTrue(done.exists())
