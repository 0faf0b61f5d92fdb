import random
from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import fields

from .test_rules import RulesCommon

DAYS = 24
COUNT = 9


class TimeTravelCommon(RulesCommon):
    """Some weeks of runs, invoices and decisions, noted as they were shown."""

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
            self.after()
        for hour, event in enumerate(events, 9):
            moment = datetime.combine(today, datetime.min.time()).replace(hour=hour)
            with freeze_time(moment):
                event()
                self.env.invalidate_all()
                self.after()
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

    def after(self):
        """Note more, after the run or an event of this moment."""

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
