import random
from collections import Counter
from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import new_test_user, tagged

from .common import MANAGER
from .test_rules import RulesCommon

DAYS = 24
COUNT = 9


@tagged("post_install", "-at_install")
class TestTimeTravel(RulesCommon):
    """What was shown on past days, against what was noted when it was shown."""

    def setUp(self):
        super().setUp()
        self.random = random.Random(20260711)
        self.volume = self.make_dimension(
            "volume",
            ["Big", "Middle", "Small"],
            [
                ("Big", [("customer_revenue_window", ">=", 1000)]),
                ("Middle", [("customer_revenue_window", ">=", 300)]),
                ("Small", [("customer_revenue_window", ">", 0)]),
            ],
        )
        self.traits = self.make_dimension(
            "traits",
            ["A", "B", "C"],
            [(name, [("city", "ilike", name)]) for name in "ABC"],
            is_multiple=True,
        )
        self.agreed = self.make_dimension("agreed", ["Yes", "No"], is_shared=True)
        self.dimensions = self.volume | self.traits | self.agreed
        self.customers = self.env["res.partner"].union(
            *(self.make_customer(f"Traveller {number}") for number in range(COUNT))
        )
        #: ``{day: {(dimension, id of the customer): set of names}}``
        self.noted = {}

    # What people and runs do

    def live(self, today, events):
        """One day: the nightly run, what happens by day, what is shown at its end."""
        with freeze_time(datetime.combine(today, datetime.min.time()).replace(hour=2)):
            self.classify()
        for hour, event in enumerate(events, 9):
            moment = datetime.combine(today, datetime.min.time()).replace(hour=hour)
            with freeze_time(moment):
                event()
                self.env.invalidate_all()
        end = datetime.combine(today, datetime.min.time()).replace(hour=23, minute=50)
        with freeze_time(end):
            self.env.invalidate_all()
            self.noted[today] = {
                (dimension.id, customer.id): names
                for customer in self.customers
                for dimension in self.dimensions
                if (
                    names := frozenset(
                        customer[dimension.partner_field_name].mapped("name")
                    )
                )
            }

    def some_event(self):
        kinds = [self.buy, self.move, self.decide, self.decide, self.end, self.shift]
        return self.random.choice(kinds)

    def buy(self):
        amount = self.random.choice([50, 250, 600, -200])
        customer = self.random.choice(self.customers[:-1])
        move = self.post(customer, amount, 0, post=False)
        move.invoice_date = fields.Date.today()
        move.action_post()
        self.classify()

    def move(self):
        customer = self.random.choice(self.customers)
        customer.city = "".join(self.random.sample("ABC", self.random.randint(0, 3)))
        self.classify(partners=customer)

    def decide(self):
        dimension = self.random.choice(self.dimensions)
        active = dimension.category_ids.filtered("active")
        category = self.random.choice(active)
        operation = self.random.choice(
            ["add", "exclude"] if dimension.is_multiple else ["set", "none"]
        )
        customer = self.random.choice(self.customers)
        decided = self.Override.search(
            [
                ("partner_id", "=", customer.id),
                ("dimension_id", "=", dimension.id),
                ("slot", "=", category.id if dimension.is_multiple else 0),
                ("is_in_force", "=", True),
            ]
        )
        if not decided:
            days = self.random.choice([0, 1, 2, 5])
            self.Override.create(
                {
                    "partner_id": customer.id,
                    "dimension_id": dimension.id,
                    "operation": operation,
                    "category_id": operation != "none" and category.id,
                    "reason": "As agreed",
                    "date_end": fields.Date.today() + timedelta(days=days),
                }
            )

    def get_decision(self):
        decisions = self.Override.search(
            [
                ("partner_id", "in", self.customers.ids),
                ("is_in_force", "=", True),
            ]
        )
        return decisions and self.random.choice(decisions)

    def end(self):
        decision = self.get_decision()
        if decision:
            decision.action_withdraw()

    def shift(self):
        """Another end, or another category, of a decision."""
        decision = self.get_decision()
        if not decision:
            return
        if decision.operation == "set" and self.random.random() < 0.5:
            categories = decision.dimension_id.category_ids.filtered("active")
            decision.category_id = self.random.choice(categories)
        else:
            decision.date_end = fields.Date.today() + timedelta(days=3)

    def merge_contacts(self, *positions):
        kept, *gone = (self.customers[position] for position in positions)
        gone = kept.browse().union(*gone)
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo()
        wizard.create(
            {
                "partner_ids": [fields.Command.set((gone + kept).ids)],
                "dst_partner_id": kept.id,
            }
        ).action_merge()
        self.customers -= gone
        self.assertFalse(gone.exists())

    def merge_categories(self, dimension, source, target):
        source = self.category(dimension, source)
        source._merge_into(self.category(dimension, target))

    def delete_customer(self):
        """Remove a customer without invoices, who was never shown from then on."""
        gone = self.customers[-1]
        self.customers -= gone
        for noted in self.noted.values():
            for key in [key for key in noted if key[1] == gone.id]:
                del noted[key]
        gone.unlink()

    def record(self):
        first = fields.Date.today() - timedelta(days=DAYS)
        special = {
            10: [lambda: self.merge_contacts(1, 4)],
            13: [lambda: self.merge_categories(self.traits, "A", "B")],
            15: [lambda: self.merge_categories(self.volume, "Middle", "Small")],
            17: [lambda: self.merge_contacts(0, 1, 2)],
        }
        for number in range(DAYS):
            events = [self.some_event() for _each in range(self.random.randint(0, 6))]
            if number == 20:
                self.delete_customer()
            events += special.get(number, [])
            self.live(first + timedelta(days=number), events)

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
