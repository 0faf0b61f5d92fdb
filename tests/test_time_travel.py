from collections import Counter
from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import new_test_user, tagged

from .common import MANAGER
from .time_travel_common import DAYS, TimeTravelCommon


@tagged("post_install", "-at_install")
class TestTimeTravel(TimeTravelCommon):
    """What was shown on past days, against what was noted when it was shown."""

    # What is asked afterwards

    def ask(self, day):
        return {
            (dimension["id"], customer.id): frozenset(
                category["name"] for category in dimension["categories"]
            )
            for customer in self.customers
            for dimension in customer.get_customer_shown_on(day)["dimensions"]
        }

    def count(self, day):
        return {
            (dimension.id, self.Category.browse(category_id).name): count
            for dimension in self.dimensions
            for category_id, count in dimension._get_distribution(
                self.env.company, day
            ).items()
        }

    def assert_past(self, first=None):
        """Compare every noted day with what the history tells of it."""
        alive = set(self.customers.ids)
        for day, noted in self.noted.items():
            if first and day < first:
                continue
            with self.subTest(day=day):
                self.assertEqual(
                    self.ask(day),
                    {key: names for key, names in noted.items() if key[1] in alive},
                )
                self.assertEqual(
                    self.count(day),
                    Counter(
                        (dimension_id, name)
                        for (dimension_id, _customer_id), names in noted.items()
                        for name in names
                    ),
                )

    def test_every_past_day(self):
        self.record()
        events = Counter(self.History.search([]).mapped("event"))
        for event in ("run", "set", "none", "add", "exclude", "withdrawn", "expired"):
            self.assertTrue(events[event], f"the story lacks “{event}”")
        self.assertTrue(events["merged"] and events["moved"])
        self.assertGreater(len({str(noted) for noted in self.noted.values()}), DAYS / 2)
        self.assert_past()
        day = min(self.noted) - timedelta(days=1)
        self.assertFalse(self.ask(day))
        self.assertFalse(self.count(day))

    def test_past_days_after_the_clearing(self):
        """What is kept tells all days from then on; what is shown keeps its origin."""
        self.record()
        company = self.env.company
        first = sorted(self.noted)[12]
        origins = self.get_origins()
        retention = (
            self.env["customer.history.retention"]
            .sudo()
            .create({"company_id": company.id, "complete_since": first})
        )
        # the day of what all companies share follows another company here
        self.patch(type(company), "_get_first_company", lambda _self: company)
        before = self.History.search_count([])
        old = [("date", "<", fields.Datetime.to_datetime(first))]
        was_old = self.History.search_count(old)
        retention._clear_step()
        retention._clear_step()
        self.assertTrue(retention.is_done)
        total = sum(self.env["customer.history.total"].search([]).mapped("count"))
        self.assertEqual(self.History.search_count([]), before - total)
        self.assertGreater(total, 10)
        self.assertLess(total, was_old, "what is shown lost its origin")
        self.assert_past(first)
        self.assertEqual(self.get_origins(), origins)
        [told] = {
            dimension["complete_since"]
            for dimension in self.customers[0].get_customer_shown_on(
                first - timedelta(days=1)
            )["dimensions"]
        }
        self.assertEqual(told, fields.Date.to_string(first))
        timeline = self.customers[0].get_customer_timeline()
        self.assertEqual(timeline["timezone"], self.env.company.partner_id.tz or "UTC")
        self.assertEqual(timeline["complete_since"], fields.Date.to_string(first))

    def get_origins(self):
        """Return the last change of each layer of each customer and category."""
        rows = self.History.search([("partner_id", "!=", False)], order="date, id")
        return {
            (
                row.partner_id,
                row.dimension_id,
                row.slot,
                row._get_effect() == "computed",
            ): row.id
            for row in rows
            if row._get_effect() and not row.former_partner_id
        }

    def test_midnight_is_where_the_company_is(self):
        customer = self.customers[0]
        company = self.env.company
        company.partner_id.tz = "Asia/Shanghai"
        agreed = self.agreed.copy({"code": "own_agreed", "is_shared": False})
        yes = agreed.category_ids[0]
        with freeze_time("2026-03-01 15:59:59"):  # a second before midnight there
            self.Override.create(
                {
                    "partner_id": customer.id,
                    "dimension_id": agreed.id,
                    "category_id": yes.id,
                }
            )
        with freeze_time("2026-03-02 16:00:00"):  # midnight after 2 March
            self.Override.search([("dimension_id", "=", agreed.id)]).action_withdraw()
        days = {day: f"2026-03-0{day}" for day in (1, 2, 3)}
        with freeze_time("2026-03-10"):
            counts = {
                day: agreed._get_distribution(company, fields.Date.to_date(text))
                for day, text in days.items()
            }
        self.assertEqual(counts, {1: {yes.id: 1}, 2: {yes.id: 1}, 3: {}})

    def test_who_may_see(self):
        """Neither a hidden dimension nor a hidden customer is told about."""
        customer, hidden = self.customers[:2]
        group = self.env["res.groups"].create({"name": "Few"})
        for partner in customer, hidden:
            self.Override.create(
                {
                    "partner_id": partner.id,
                    "dimension_id": self.agreed.id,
                    "category_id": self.agreed.category_ids[0].id,
                }
            )
        user = self.make_user("timeline_user")
        self.env["ir.rule"].create(
            {
                "name": "not this one",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {hidden.id})]",
            }
        )
        today = fields.Date.today()
        seen = customer.with_user(user)
        self.assertEqual(len(seen.get_customer_timeline()["days"]), 1)
        self.assertEqual(len(seen.get_customer_shown_on(today)["dimensions"]), 1)
        yes = self.agreed.category_ids[0].id
        own = self.agreed.with_user(user)
        self.assertEqual(own._get_distribution(self.env.company, today), {yes: 1})
        self.agreed.view_group_ids = group
        self.env.invalidate_all()
        self.assertFalse(seen.get_customer_timeline()["days"])
        self.assertFalse(seen.get_customer_shown_on(today)["dimensions"])
        for model in ("customer.movement", "customer.history.total"):
            rows = self.env[model].with_user(self.make_user(f"m{model}", MANAGER))
            self.assertFalse(rows.search([("dimension_id", "=", self.agreed.id)]))
        portal = new_test_user(self.env, "timeline_portal", groups="base.group_portal")
        for method in ("get_customer_timeline", "get_customer_shown_on"):
            with self.assert_refused(Exception, ""):
                args = [today] if method.endswith("on") else []
                getattr(customer.with_user(portal), method)(*args)
