from datetime import timedelta

from odoo import Command, fields
from odoo.tests import freeze_time, tagged

from .common import ClassificationCommon


@tagged("post_install", "-at_install")
class TestPartnerAttention(ClassificationCommon):
    """Finding the customers that somebody should look at."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Partner = cls.env["res.partner"]
        cls.env["customer.dimension"].search([]).active = False
        cls.needed = cls.make_dimension("needed", is_required=True)
        cls.optional = cls.make_dimension("optional")
        cls.customers = cls.Partner.union(
            *(cls.make_customer(f"Attention {number}") for number in range(3))
        )
        cls.first, cls.second, cls.third = cls.customers
        cls.person = cls.make_customer("Attention person", is_company=False)
        cls.vendor = cls.make_customer("Attention vendor", customer_rank=0)
        cls.every = cls.customers | cls.person | cls.vendor

    @classmethod
    def make_dimension(cls, code, **values):
        return cls.env["customer.dimension"].create(
            {
                "name": code.title(),
                "code": f"attention_{code}",
                "category_ids": [Command.create({"name": f"{code} {i}"}) for i in "ab"],
                **values,
            }
        )

    def decide(self, customer, category, **values):
        return self.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": category.dimension_id.id,
                "category_id": category.id,
                "reason": "Because",
                **values,
            }
        )

    def assert_found(self, field_name, expected, model=None):
        """Expect who is found, who is not, and what the field shows."""
        model = self.Partner if model is None else model
        domain = [("id", "in", self.every.ids)]
        found = model.search([*domain, (field_name, "=", True)]).sudo()
        self.assertEqual(set(found), set(expected))
        rest = model.search([*domain, (field_name, "=", False)]).sudo()
        self.assertEqual(set(rest), set(self.every - expected))
        self.env.invalidate_all()
        shown = model.browse(self.every.ids).filtered(field_name).sudo()
        self.assertEqual(set(shown), set(expected))

    def test_missing(self):
        name = "customer_is_category_missing"
        self.assert_found(name, self.customers | self.person)
        self.decide(self.first, self.needed.category_ids[0])
        self.decide(self.second, self.optional.category_ids[0])
        self.assert_found(name, self.second | self.third | self.person)
        self.needed.applies_to = "company"
        self.assert_found(name, self.second | self.third)
        self.needed.applies_to = "person"
        self.assert_found(name, self.person)
        self.needed.write({"applies_to": "all", "applies_invoices": "with"})
        self.assert_found(name, self.Partner)
        self.post(self.third, 100, 5)
        self.classify()
        self.assert_found(name, self.third)
        self.needed.applies_invoices = "without"
        self.assert_found(name, self.second | self.person)
        self.needed.active = False
        self.assert_found(name, self.Partner)

    def test_missing_of_several(self):
        name = "customer_is_category_missing"
        several = self.make_dimension("several", is_required=True, is_multiple=True)
        self.needed.is_required = False
        self.decide(self.first, several.category_ids[0])
        self.decide(self.second, several.category_ids[0], operation="exclude")
        self.assert_found(name, self.second | self.third | self.person)

    def test_set_by_hand(self):
        name = "customer_is_set_by_hand"
        self.decide(self.first, self.needed.category_ids[0])
        ended = self.decide(self.second, self.optional.category_ids[0])
        ended.date_end = self.today
        self.assert_found(name, self.first | self.second)
        with freeze_time(self.today + timedelta(days=2)):
            self.assert_found(name, self.first)
        self.needed.active = False
        self.assert_found(name, self.second)

    def test_review_due(self):
        name = "customer_is_review_due"
        self.needed.review_days = 30
        self.optional.review_days = 90
        self.decide(self.first, self.needed.category_ids[0])
        self.decide(self.second, self.optional.category_ids[0])
        unlimited = self.make_dimension("unlimited")
        self.decide(self.third, unlimited.category_ids[0])
        for days, expected in (
            (29, self.Partner),
            (30, self.first),
            (89, self.first),
            (90, self.first | self.second),
        ):
            with self.subTest(days), freeze_time(self.today + timedelta(days=days)):
                self.assert_found(name, expected)
        with freeze_time(self.today + timedelta(days=100)):
            self.Override.search([("partner_id", "=", self.first.id)]).action_confirm()
            self.assert_found(name, self.second)

    def test_changed(self):
        name = "customer_category_changed"
        moments = {
            self.first: "2025-03-10 10:00:00",
            self.second: "2025-04-20 10:00:00",
        }
        for customer, moment in moments.items():
            self.Assignment.sudo().create(
                {
                    "partner_id": customer.id,
                    "dimension_id": self.needed.id,
                    "company_id": self.env.company.id,
                    "category_id": self.needed.category_ids[0].id,
                    "since": moment,
                }
            )
        with freeze_time("2025-04-25 09:00:00"):
            self.decide(self.first, self.optional.category_ids[0])
        self.env.invalidate_all()
        self.assertEqual(
            self.first[name], fields.Datetime.to_datetime("2025-04-25 09:00:00")
        )
        self.assertEqual(
            self.second[name], fields.Datetime.to_datetime(moments[self.second])
        )
        self.assertFalse(self.third[name])

        def search(*domain):
            found = self.Partner.search([("id", "in", self.every.ids), *domain])
            return found - self.vendor

        march = [(name, ">=", "2025-03-01"), (name, "<", "2025-04-01")]
        april = [(name, ">=", "2025-04-01"), (name, "<", "2025-05-01")]
        self.assertFalse(search(*march), "the first one changed again later")
        self.assertEqual(search(*april), self.first | self.second)
        self.assertEqual(search((name, "<=", moments[self.second])), self.second)
        self.assertEqual(search((name, ">", moments[self.second])), self.first)
        self.assertEqual(search((name, "=", moments[self.second])), self.second)
        self.assertEqual(search((name, "=", False)), self.third | self.person)
        self.assertEqual(search((name, "!=", False)), self.first | self.second)

    def test_only_what_the_user_may_see(self):
        self.decide(self.first, self.needed.category_ids[0])
        self.needed.review_days = 1
        group = self.env["res.groups"].create({"name": "Secret"})
        self.needed.view_group_ids = group
        user = self.make_user("attention_user")
        model = self.Partner.with_user(user).with_company(self.env.company)
        with freeze_time(self.today + timedelta(days=9)):
            for name in (
                "customer_is_category_missing",
                "customer_is_set_by_hand",
                "customer_is_review_due",
                "customer_category_changed",
            ):
                with self.subTest(name):
                    domain = [("id", "in", self.every.ids), (name, "!=", False)]
                    self.assertFalse(model.search(domain))
        user.group_ids |= group
        self.env.invalidate_all()
        self.assert_found("customer_is_set_by_hand", self.first, model)
