from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import ClassificationCommon


@tagged("post_install", "-at_install")
class TestOverride(ClassificationCommon):
    """A person's decision outranks the computed category until it ends."""

    def setUp(self):
        super().setUp()
        self.alpha, self.beta = self.make_customer("Alpha"), self.make_customer("Beta")
        self.post(self.alpha, 10, 1)
        self.post(self.beta, 20, 2)
        self.classify()
        self.computed = self.assignment_of(self.alpha).category_id
        self.assertEqual(self.computed, self.bronze)

    def decide(self, **values):
        return self.Override.create(
            {
                "partner_id": self.alpha.id,
                "dimension_id": self.dimension.id,
                "category_id": self.gold.id,
                "reason": "Framework contract",
                "date_end": self.today + timedelta(days=10),
                **values,
            }
        )

    def test_no_review_in_the_future(self):
        decision = self.decide()
        self.assertEqual(decision.reviewed_on, self.today)
        with self.assertRaisesRegex(ValidationError, "on a later day"):
            decision.reviewed_on = self.today + timedelta(days=2)

    def events(self):
        return [
            (row.event, row.old_category_id.name, row.new_category_id.name)
            for row in self.history_of(self.alpha)
        ]

    def test_outranks_until_its_last_day(self):
        decision = self.decide()
        self.assertEqual(self.tier_of(self.alpha), "Gold")
        self.assertEqual(self.assignment_of(self.alpha).category_id, self.computed)
        self.assertEqual(decision.computed_category_id, self.computed)
        with freeze_time(decision.date_end):
            self.env.invalidate_all()
            self.assertEqual(self.tier_of(self.alpha), "Gold")
            self.assertTrue(decision.is_in_force)
        with freeze_time(decision.date_end + timedelta(days=1)):
            self.env.invalidate_all()
            self.assertEqual(self.tier_of(self.alpha), "Bronze")
            self.assertFalse(decision.is_in_force)

    def test_survives_a_run(self):
        self.decide()
        for _purchase in range(3):
            self.post(self.alpha, 9000, 0)
        self.dimension.action_renew_cut_points()
        self.classify()
        self.assertEqual(self.tier_of(self.alpha), "Gold")
        self.assertNotEqual(self.assignment_of(self.alpha).category_id, self.bronze)

    def test_explicitly_none(self):
        decision = self.decide(operation="none", category_id=False)
        self.assertFalse(self.tier_of(self.alpha))
        self.assertEqual(self.events(), [("none", "Bronze", False)])
        decision.action_withdraw()
        self.assertEqual(self.tier_of(self.alpha), "Bronze")

    def test_customer_without_computed_category(self):
        gamma = self.make_customer("Gamma")
        self.decide(partner_id=gamma.id)
        self.assertEqual(self.tier_of(gamma), "Gold")
        self.classify()
        self.assertEqual(self.tier_of(gamma), "Gold")

    def test_history_of_a_decisions_life(self):
        decision = self.decide()
        decision.category_id = self.platinum
        with self.subTest("what the rows say"):
            first, second = self.history_of(self.alpha)
            self.assertEqual(first.user_id, self.env.user)
            self.assertEqual(first.reason, "Framework contract")
            self.assertEqual(first.date_end, decision.date_end)
            self.assertFalse(first.run_id)
            self.assertEqual(second.new_category_id, self.platinum)
        decision.action_withdraw()
        self.assertEqual(
            self.events(),
            [
                ("set", "Bronze", "Gold"),
                ("set", "Gold", "Platinum"),
                ("withdrawn", "Platinum", "Bronze"),
            ],
        )
        self.assertEqual(self.tier_of(self.alpha), "Bronze")

    def test_end_is_recorded_once(self):
        decision = self.decide()
        with freeze_time(decision.date_end + timedelta(days=1)):
            run = self.classify()
            self.classify()
            self.assertEqual(
                self.events(),
                [("set", "Bronze", "Gold"), ("expired", "Gold", "Bronze")],
            )
            self.assertEqual(self.history_of(self.alpha)[-1].run_id, run)

    def test_new_decision_after_an_ended_one(self):
        decision = self.decide()
        later = decision.date_end + timedelta(days=5)
        with freeze_time(later):
            self.env.invalidate_all()
            self.decide(category_id=self.silver.id, date_end=later)
            self.assertEqual(self.tier_of(self.alpha), "Silver")
            self.classify()
        self.assertEqual(
            self.events(),
            [
                ("set", "Bronze", "Gold"),
                ("expired", "Gold", "Bronze"),
                ("set", "Bronze", "Silver"),
            ],
        )

    def test_extended_decision_ends_anew(self):
        decision = self.decide()
        later = decision.date_end + timedelta(days=3)
        with freeze_time(later):
            self.classify()
            decision.date_end = later
            self.assertEqual(self.tier_of(self.alpha), "Gold")
        with freeze_time(later + timedelta(days=1)):
            self.classify()
        self.assertEqual(
            [event for event, _old, _new in self.events()],
            ["set", "expired", "set", "expired"],
        )

    def test_ended_decision_changes_only_with_a_new_end(self):
        decision = self.decide()
        later = decision.date_end + timedelta(days=1)
        with freeze_time(later):
            self.env.invalidate_all()
            for values in (
                {"category_id": self.silver.id},
                {"operation": "none"},
                {"reason": "Too late"},
            ):
                with (
                    self.subTest(values),
                    self.assert_refused(ValidationError, "before it begins"),
                ):
                    decision.write(values)
            self.assertEqual(self.events(), [("set", "Bronze", "Gold")])
            decision.write({"category_id": self.silver.id, "date_end": later})
            self.assertEqual(self.tier_of(self.alpha), "Silver")
        self.assertEqual(
            self.events(),
            [
                ("set", "Bronze", "Gold"),
                ("expired", "Gold", "Bronze"),
                ("set", "Bronze", "Silver"),
            ],
        )

    def test_deleting_an_ended_decision_records_its_end(self):
        decision = self.decide()
        with freeze_time(decision.date_end + timedelta(days=1)):
            self.env.invalidate_all()
            decision.unlink()
        self.assertEqual(
            self.events(),
            [("set", "Bronze", "Gold"), ("expired", "Gold", "Bronze")],
        )

    def test_other_dimension_takes_the_category_back(self):
        other = self.env["customer.dimension"].create(
            {
                "name": "Other",
                "code": "other",
                "category_ids": [Command.create({"name": "One"})],
            }
        )
        form = Form(self.Override.with_context(default_partner_id=self.alpha.id))
        form.dimension_id = self.dimension
        form.category_id = self.silver
        form.dimension_id = other
        self.assertFalse(form.category_id)
        form.category_id = other.category_ids
        form.reason = "Asked by the customer"
        self.assertEqual(form.save().category_id, other.category_ids)

    def test_contact_decides_for_its_company(self):
        contact = self.make_customer(
            "Contact", parent_id=self.alpha.id, is_company=False
        )
        decision = self.decide(partner_id=contact.id)
        self.assertEqual(decision.partner_id, self.alpha)
        self.assertEqual(self.tier_of(contact), "Gold")
        decision.action_withdraw()
        decision = self.Override.with_context(default_partner_id=contact.id).create(
            {
                "dimension_id": self.dimension.id,
                "category_id": self.silver.id,
                "reason": "Named by the context",
            }
        )
        self.assertEqual(decision.partner_id, self.alpha)

    @mute_logger("odoo.sql_db")
    def test_refused_input(self):
        other = self.env["customer.dimension"].create(
            {"name": "Other", "code": "other"}
        )
        strange = self.env["customer.category"].create(
            {"name": "Strange", "dimension_id": other.id}
        )
        with self.assert_refused(ValidationError, "is no category of"):
            self.decide(category_id=strange.id)
        with self.assert_refused(ValidationError, "before it begins"):
            self.decide(date_end=self.day(1))
        decision = self.decide()
        with self.assert_refused(ValidationError, "in force already"):
            self.decide(category_id=self.silver.id)
        with self.assert_refused(ValidationError, "stays with its customer"):
            decision.partner_id = self.beta
        with self.assert_refused(ValidationError, "before it begins"):
            decision.date_end = self.day(1)

    def test_on_the_form(self):
        form = Form(
            self.Override.with_context(
                default_partner_id=self.alpha.id,
                default_dimension_id=self.dimension.id,
            )
        )
        self.assertEqual(form.computed_category_id, self.bronze)
        form.category_id = self.silver
        form.reason = "Asked by the customer"
        decision = form.save()
        self.assertEqual(decision.partner_id, self.alpha)
        self.assertEqual(self.alpha.customer_override_ids, decision)

    def test_one_of_several_on_the_form(self):
        several = self.env["customer.dimension"].create(
            {
                "name": "Interests",
                "code": "form_interests",
                "is_multiple": True,
                "category_ids": [Command.create({"name": n}) for n in ("Art", "Golf")],
            }
        )
        art, golf = several.category_ids
        for operation, category in (("add", art), ("exclude", golf)):
            form = Form(self.Override)
            form.partner_id = self.alpha
            self.assertEqual(form.possible_operations, ["set", "none"])
            form.dimension_id = several
            self.assertEqual(form.possible_operations, ["add", "exclude"])
            form.operation = operation
            with self.assertRaisesRegex(AssertionError, "category_id is a required"):
                form.save()
            form.category_id = category
            decision = form.save()
            self.assertEqual(
                (decision.operation, decision.slot), (operation, category.id)
            )
        self.assertEqual(self.alpha[several.partner_field_name], art)

    def test_withdrawn_on_its_page(self):
        decision = self.decide()
        action = decision.action_withdraw_and_leave()
        self.assertFalse(decision.exists())
        self.assertEqual(
            (action["res_model"], action["target"]), ("customer.override", "main")
        )

    def test_used_category_is_kept(self):
        self.decide()
        with self.assert_refused(UserError, "Archive it, or merge"):
            self.gold.unlink()
        with self.assert_refused(UserError, "Archive it instead"):
            self.dimension.unlink()

    def test_history_cannot_be_changed(self):
        self.decide()
        with self.assert_refused(UserError, "cannot be changed"):
            self.history_of(self.alpha).sudo().reason = "Something else"
