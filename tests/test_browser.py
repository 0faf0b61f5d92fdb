from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import HttpCase, tagged

from .common import MANAGER, USER, ClassificationCommon


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

    def test_timeline(self):
        """Gold today, Silver two days ago, both by hand; Bronze is computed."""
        user = self.make_user("tour_user")
        decision = {
            "partner_id": self.customer.id,
            "dimension_id": self.dimension.id,
            "category_id": self.silver.id,
            "reason": "For a trial",
        }
        with freeze_time(fields.Datetime.now() - timedelta(days=2)):
            override = self.Override.with_user(user).create(decision)
        override.write({"category_id": self.gold.id, "reason": "Framework contract"})
        self.start_tour(
            f"/odoo/contacts/{self.customer.id}",
            "customer_timeline",
            login="tour_user",
        )

    def test_receipt(self):
        customer = self.make_customer("Receipt Customer")
        self.post(customer, 100, 300)
        self.post(customer, -30, 290)
        self.classify()
        self.make_user("tour_user", f"{USER},account.group_account_readonly")
        self.start_tour(
            f"/odoo/contacts/{customer.id}",
            "customer_profile_receipt",
            login="tour_user",
        )

    def test_decide_by_keyboard(self):
        self.make_user("tour_user")
        Override = type(self.Override)
        make_room = Override._make_room

        reason = "not this reason"

        def refuse(records, vals_list):
            if vals_list[0]["reason"] == "refuse me":
                raise ValidationError(reason)
            return make_room(records, vals_list)

        self.patch(Override, "_make_room", refuse)
        before = self.customer.write_date
        self.start_tour(
            f"/odoo/contacts/{self.customer.id}",
            "customer_profile_keyboard",
            login="tour_user",
        )
        history = self.history_of(self.customer)
        self.assertEqual(history.mapped("event"), ["set", "none", "withdrawn"])
        self.assertEqual(set(history.mapped("reason")), {"Agreed by phone"})
        self.assertEqual(history[0].new_category_id, self.silver)
        self.customer.invalidate_recordset()
        self.assertEqual(self.customer.write_date, before, "the contact was saved")

    def test_several_categories(self):
        self.make_user("tour_user")
        needs = self.env["customer.dimension"].create(
            {
                "name": "Needs",
                "code": "test_needs",
                "method": "manual",
                "is_multiple": True,
                "category_ids": [
                    fields.Command.create({"name": name})
                    for name in ("Product", "Service", "Technical")
                ],
            }
        )
        self.start_tour(
            f"/odoo/contacts/{self.customer.id}",
            "customer_profile_several",
            login="tour_user",
        )
        decisions = self.Override.search([("dimension_id", "=", needs.id)])
        self.assertEqual(decisions.category_id.name, "Service")
        self.assertEqual(decisions.operation, "add")

    def test_chip_on_invoice(self):
        invoice = self.post(self.customer, 10, 1)
        self.make_user("tour_biller", groups=f"account.group_account_invoice,{USER}")
        self.start_tour(
            f"/odoo/m-account.move/{invoice.id}",
            "customer_chip_on_invoice",
            login="tour_biller",
        )

    def test_form_works_without_the_chip(self):
        """An error about the chip is nobody's concern but the chip's."""
        invoice = self.post(self.customer, 10, 1)
        self.make_user("tour_biller", groups=f"account.group_account_invoice,{USER}")

        asked, reason = [], "no chip today"

        def fail(records):
            asked.append(records.id)
            raise ValidationError(reason)

        self.patch(type(self.customer), "get_customer_chip", fail)
        self.start_tour(
            f"/odoo/m-account.move/{invoice.id}",
            "customer_chip_absent",
            login="tour_biller",
        )
        self.assertEqual(asked, self.customer.ids)

    def test_no_chip_without_rights(self):
        invoice = self.post(self.customer, 10, 1)
        self.make_user("tour_clerk", groups="account.group_account_invoice")

        asked = []
        self.patch(type(self.customer), "get_customer_chip", asked.append)
        self.start_tour(
            f"/odoo/m-account.move/{invoice.id}",
            "customer_chip_absent",
            login="tour_clerk",
        )
        self.assertFalse(asked)

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
