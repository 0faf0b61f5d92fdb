from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from .audience_common import AudienceCommon
from .time_travel_common import TimeTravelCommon


class ChangesCommon(AudienceCommon):
    def ask(self, category, direction, days):
        audience = self.make_audience(
            f"{direction} {category.name} in {days}",
            change_ids=[
                Command.create(
                    {
                        "category_id": category.id,
                        "direction": direction,
                        "days": days,
                    }
                )
            ],
        )
        return self.found(audience)


@tagged("post_install", "-at_install")
class TestAudienceChangeStory(TimeTravelCommon, ChangesCommon):
    """Weeks of changes of every kind, against what was noted at each moment."""

    def setUp(self):
        super().setUp()
        self.company.customer_population_domain = "[('name', 'like', 'Traveller')]"
        #: ``[(moment, {id of the customer: names of its categories})]``
        self.states = []
        #: by the id of a merged contact, whom it became
        self.became = {}

    def live(self, today, events):
        with freeze_time(datetime.combine(today, datetime.min.time())):
            self.env.invalidate_all()
            self.after()  # decisions that ended at midnight
        return super().live(today, events)

    def after(self):
        self.states.append(
            (
                fields.Datetime.now(),
                {
                    customer.id: {
                        (dimension.id, name)
                        for dimension in self.dimensions
                        for name in customer[dimension.partner_field_name].mapped(
                            "name"
                        )
                    }
                    for customer in self.customers
                },
            )
        )

    def merge_contacts(self, *positions):
        before = self.customers
        kept = self.customers[positions[0]]
        result = super().merge_contacts(*positions)
        self.became |= {gone.id: kept.id for gone in before - self.customers}
        return result

    def get_heir(self, customer_id):
        while customer_id in self.became:
            customer_id = self.became[customer_id]
        return customer_id

    def get_states(self, dimension, names):
        """Return ``[(moment, ids of the customers who had one of the names)]``."""
        wanted = {(dimension.id, name) for name in names}
        return [
            (moment, {self.get_heir(id_) for id_, has in state.items() if has & wanted})
            for moment, state in self.states
        ]

    def test_story(self):
        self.record()
        midnight = datetime.combine(fields.Date.today(), datetime.min.time())
        for moment in (midnight, datetime.now().replace(microsecond=0)):
            with freeze_time(moment):
                self.env.invalidate_all()
                self.after()
        merged = {"B": {"A"}, "Small": {"Middle"}}
        everybody = set(self.customers.ids)
        sizes = []
        for dimension in self.dimensions:
            for category in dimension.category_ids.filtered("active"):
                names = {category.name} | merged.get(category.name, set())
                states = self.get_states(dimension, names)
                now = states[-1][1]
                for days in (1, 2, 3, 5, 8, 12, 13, 20, 23, 24, 25, 40):
                    start = midnight - timedelta(days=days - 1)
                    before = [having for moment, having in states if moment < start]
                    had = [before[-1] if before else set()]
                    had += [having for moment, having in states if moment >= start]
                    always = set.intersection(*had)
                    became = (now - always) & everybody
                    left = (set.union(*had) - now) & everybody
                    with self.subTest(category=category.name, days=days):
                        self.assertEqual(
                            set(self.ask(category, "became", days).ids), became
                        )
                        self.assertEqual(
                            set(self.ask(category, "left", days).ids), left
                        )
                    sizes += [len(became), len(left)]
        self.assertGreater(sum(size > 0 for size in sizes), 40, "too little happened")
        self.assertEqual(set(range(3)) - set(sizes), set())


@tagged("post_install", "-at_install")
class TestAudienceChange(ChangesCommon):
    """Moments by hand."""

    def setUp(self):
        super().setUp()
        self.tier = self.make_dimension("aud_tier", ["Gold", "Silver"])
        self.gold, self.silver = self.tier.category_ids
        self.customer = self.make_customer("Changing")

    def assert_days(self, direction, category, first):
        """Expect the customer to be found from so many days on."""
        for days in range(max(first - 2, 1), first + 3):
            with self.subTest(direction=direction, days=days):
                self.assertEqual(
                    bool(self.ask(category, direction, days)), days >= first
                )

    def test_first_category_has_no_history(self):
        """What counts is since when; to the second, where the company is."""
        self.company.partner_id.tz = "Asia/Shanghai"
        with freeze_time("2026-03-10 03:00:00"):
            row = self.give(self.customer, self.gold, datetime(2026, 3, 5, 16, 0))
            self.assertFalse(self.history_of(self.customer))
            # midnight of 6 March: 6 to 10 are five days
            self.assert_days("became", self.gold, 5)
            self.assertFalse(self.ask(self.silver, "became", 30))
            self.assertFalse(self.ask(self.gold, "left", 30))
            row.since = datetime(2026, 3, 5, 15, 59, 59)
            self.assert_days("became", self.gold, 6)
        # the day that was 10 March there until 15:59:59
        with freeze_time("2026-03-10 15:59:59"):
            self.assert_days("became", self.gold, 6)
        with freeze_time("2026-03-10 16:00:00"):
            self.assert_days("became", self.gold, 7)

    def test_decisions(self):
        self.give(self.customer, self.silver, datetime(2025, 1, 1))
        with freeze_time("2026-03-01 12:00:00"):
            self.decide(self.customer, self.gold, date_end="2026-03-04")
        with freeze_time("2026-03-04 23:59:59"):
            self.assert_days("became", self.gold, 4)
            self.assert_days("left", self.silver, 4)
        # its last day has passed, and no run has noticed yet
        with freeze_time("2026-03-05 00:00:00"):
            self.assert_days("left", self.gold, 1)
            self.assert_days("became", self.silver, 1)
        with freeze_time("2026-03-08 12:00:00"):
            self.assert_days("left", self.gold, 4)
            self.assert_days("became", self.silver, 4)
            self.env.invalidate_all()
            self.decide(self.customer, None, "none", self.tier)
            self.assert_days("left", self.silver, 1)
        with freeze_time("2026-03-09 12:00:00"):
            self.assert_days("left", self.silver, 2)
            self.assert_days("left", self.gold, 5)

    def test_computed_under_a_decision_is_not_seen(self):
        with freeze_time("2026-03-01 12:00:00"):
            self.decide(self.customer, self.gold)
        with freeze_time("2026-03-03 12:00:00"):
            self.give(self.customer, self.silver, datetime(2026, 3, 3, 12))
            self.assertFalse(self.ask(self.silver, "became", 30))
            self.assertFalse(self.ask(self.gold, "left", 30))
            self.assert_days("became", self.gold, 3)

    def test_who_came_back_became_it_again(self):
        """Not only the ends of the days are compared."""
        self.give(self.customer, self.gold, datetime(2025, 1, 1))
        with freeze_time("2026-03-03 12:00:00"):
            decision = self.decide(self.customer, self.silver)
        with freeze_time("2026-03-03 13:00:00"):
            decision.action_withdraw()
        with freeze_time("2026-03-05 12:00:00"):
            self.assert_days("became", self.gold, 3)
            self.assert_days("left", self.silver, 3)
            self.assertFalse(self.ask(self.gold, "left", 30))

    def test_parts_count_as_the_whole(self):
        """From one part to another nobody became or left the whole."""
        parts = self.Category.create(
            [
                {
                    "dimension_id": self.tier.id,
                    "name": name,
                    "parent_id": self.gold.id,
                }
                for name in ("Rose gold", "White gold")
            ]
        )
        self.give(self.customer, parts[0], datetime(2025, 1, 1))
        with freeze_time("2026-03-03 12:00:00"):
            self.decide(self.customer, parts[1])
        with freeze_time("2026-03-05 12:00:00"):
            self.assertFalse(self.ask(self.gold, "became", 30))
            self.assertFalse(self.ask(self.gold, "left", 30))
            self.assert_days("became", parts[1], 3)
            self.assert_days("left", parts[0], 3)

    def test_several_changes_hold_together(self):
        self.give(self.customer, self.silver, datetime(2025, 1, 1))
        other = self.make_customer("New gold")
        with freeze_time("2026-03-03 12:00:00"):
            self.decide(self.customer, self.gold)
            self.decide(other, self.gold)
        audience = self.make_audience(
            change_ids=[
                Command.create({"category_id": self.gold.id, "days": 5}),
                Command.create(
                    {"category_id": self.silver.id, "days": 5, "direction": "left"}
                ),
            ]
        )
        with freeze_time("2026-03-05 12:00:00"):
            self.assertEqual(self.names(audience), ["Changing"])
