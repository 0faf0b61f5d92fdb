import random

from odoo.tests import tagged
from odoo.tools import SQL

from .audience_common import AudienceCommon

FURTHEST = ["bounced", "blacklisted", "invalid", "no_address", "archived"]


@tagged("post_install", "-at_install")
class TestAudienceRecipients(AudienceCommon):
    """Who is written to, against a choice made in plain Python."""

    def setUp(self):
        super().setUp()
        self.us = self.env.ref("base.us")

    def ask(self, customers, channel="mail", recipient="best", user=None, **policy):
        """Return ``{customer: (contact, address, blocked)}``."""
        Audience = self.Audience.with_user(user) if user else self.Audience
        self.env.flush_all()
        query = Audience._get_recipients_query(
            SQL("SELECT unnest(%s)", customers.ids),
            channel,
            {"recipient": recipient, "recipient_type": "invoice", **policy},
        )
        rows = self.env.execute_query_dict(query)
        Partner = self.env["res.partner"]
        self.assertEqual(sorted(row["partner_id"] for row in rows), customers.ids)
        return {
            Partner.browse(row["partner_id"]): (
                Partner.browse(row["contact_id"] or []),
                row["address"],
                row["blocked"],
            )
            for row in rows
        }

    def tell(self, customer, **kwargs):
        """Return the name of who is written to, the address, and why not."""
        contact, address, blocked = self.ask(customer, **kwargs)[customer]
        return contact.sudo().name or None, address, blocked

    # One by one

    def test_reasons(self):
        blacklist = {"mail.blacklist": "email", "phone.blacklist": "number"}
        values = {
            "Fine": {"email": "Fine <Fine@Example.com>", "phone": "+12025550101"},
            "None": {"email": " ", "phone": False},
            "Invalid": {"email": "at home", "phone": "12"},
            "Opted": {"email": "opted@example.com", "phone": "+12025550102"},
            "Bounced": {"email": "bounced@example.com", "message_bounce": 1},
            "Gone": {"email": "gone@example.com", "phone": "+12025550103"},
        }
        customers = {
            name: self.make_customer(name, country_id=self.us.id, **given)
            for name, given in values.items()
        }
        customers["Gone"].active = False
        # what is a number, Odoo says, if the library for it is there
        customers["Invalid"].flush_recordset()
        self.env.cr.execute(
            "UPDATE res_partner SET phone_sanitized = NULL WHERE id = %s",
            [customers["Invalid"].id],
        )
        customers["Invalid"].invalidate_recordset()
        addresses = {"mail.blacklist": "opted@example.com"}
        addresses["phone.blacklist"] = "+12025550102"
        for model, field in blacklist.items():
            self.env[model].create({field: addresses[model]})
        for recipient in ("customer", "type", "best"):
            told = {
                channel: {
                    name: self.tell(customer, channel=channel, recipient=recipient)[1:]
                    for name, customer in customers.items()
                }
                for channel in ("mail", "sms")
            }
            with self.subTest(recipient=recipient):
                self.assertEqual(
                    told["mail"],
                    {
                        "Fine": ("fine@example.com", None),
                        "None": (None, "no_address"),
                        "Invalid": (None, "invalid"),
                        "Opted": ("opted@example.com", "blacklisted"),
                        "Bounced": ("bounced@example.com", "bounced"),
                        "Gone": ("gone@example.com", "archived"),
                    },
                )
                self.assertEqual(
                    told["sms"],
                    {
                        "Fine": ("+12025550101", None),
                        "None": (None, "no_address"),
                        "Invalid": (None, "invalid"),
                        "Opted": ("+12025550102", "blacklisted"),
                        "Bounced": (None, "no_address"),
                        "Gone": ("+12025550103", "archived"),
                    },
                )
        # who opts in again can be reached
        self.env["mail.blacklist"]._remove("opted@example.com")
        self.assertIsNone(self.tell(customers["Opted"])[2])

    def test_precedence(self):
        """Of several reasons, the first of the list is told."""
        customer = self.make_customer(
            "All at once", email="once@example.com", message_bounce=2
        )
        self.assertEqual(self.tell(customer)[2], "bounced")
        self.env["mail.blacklist"]._add("once@example.com")
        self.assertEqual(self.tell(customer)[2], "blacklisted")
        customer.email = "nowhere"
        self.assertEqual(self.tell(customer)[2], "invalid")
        customer.email = False
        self.assertEqual(self.tell(customer)[2], "no_address")
        customer.active = False
        self.assertEqual(self.tell(customer)[2], "archived")

    def test_duplicates(self):
        """Each address once, for the customer with the lowest id; who is blocked keeps
        none."""
        first, second, third, fourth = (
            self.make_customer(name, email="Same@example.com")
            for name in ("First", "Second", "Third", "Fourth")
        )
        every = first | second | third | fourth
        reasons = [row[2] for row in self.ask(every).values()]
        self.assertEqual(reasons, [None, "duplicate", "duplicate", "duplicate"])
        first.message_bounce = 1
        reasons = [row[2] for row in self.ask(every).values()]
        self.assertEqual(reasons, ["bounced", None, "duplicate", "duplicate"])
        # only among those who are asked about
        reasons = [row[2] for row in self.ask(third | fourth).values()]
        self.assertEqual(reasons, [None, "duplicate"])

    def test_address_of_a_type(self):
        customer = self.make_customer("Company", email="info@example.com")
        said = {"recipient": "type"}
        self.assertEqual(
            self.tell(customer, **said), ("Company", "info@example.com", None)
        )
        billing = self.make_contact(
            customer, "Billing", type="invoice", email="billing@example.com"
        )
        self.make_contact(customer, "Store", type="delivery", email="s@example.com")
        self.assertEqual(
            self.tell(customer, **said), ("Billing", "billing@example.com", None)
        )
        # of several, one that can be reached; without any, none of another type
        billing.message_bounce = 1
        self.assertEqual(
            self.tell(customer, **said), ("Billing", "billing@example.com", "bounced")
        )
        self.make_contact(customer, "Second", type="invoice", email="b2@example.com")
        self.assertEqual(self.tell(customer, **said)[0], "Second")
        self.assertEqual(
            self.tell(customer, **said, recipient_type="other")[0], "Company"
        )

    def test_best_contact(self):
        """Who the latest invoice names, else the customer, else the first person."""
        customer = self.make_customer("Company", email="info@example.com")
        anna, bert, carl = (
            self.make_contact(customer, name, email=f"{name.lower()}@example.com")
            for name in ("Anna", "Bert", "Carl")
        )
        self.assertEqual(self.tell(customer)[0], "Company")
        self.post(bert, 100, 30, counts_for="Company")
        self.assertEqual(self.tell(customer)[0], "Bert")
        self.post(carl, 100, 20, counts_for="Company")
        self.assertEqual(self.tell(customer)[0], "Carl")
        # neither credit notes nor drafts name anybody
        self.post(anna, -50, 10, counts_for="Company")
        self.post(anna, 50, 10, counts_for="Company", post=False)
        self.assertEqual(self.tell(customer)[0], "Carl")
        # of the same day, the later one
        self.post(bert, 100, 20, counts_for="Company")
        self.assertEqual(self.tell(customer)[0], "Bert")
        self.env["mail.blacklist"]._add("bert@example.com")
        self.assertEqual(self.tell(customer)[0], "Company")
        customer.email = False
        self.assertEqual(self.tell(customer)[0], "Anna")
        anna.active = False
        self.assertEqual(self.tell(customer)[0], "Carl")
        carl.email = "nowhere"
        # nobody: the one who comes closest says why
        self.assertEqual(
            self.tell(customer), ("Bert", "bert@example.com", "blacklisted")
        )

    def test_deeper_levels_and_other_customers(self):
        customer = self.make_customer("Company")
        office = self.make_contact(customer, "Office", type="other")
        deep = self.make_contact(office, "Deep", email="deep@example.com")
        branch = self.make_customer("Branch", parent_id=customer.id)
        self.make_contact(branch, "Branch's person", email="branch@example.com")
        self.assertEqual(deep.commercial_partner_id, customer)
        self.assertEqual(self.tell(customer)[0], "Deep")
        self.assertEqual(self.tell(branch)[0], "Branch's person")

    def test_conditions_on_the_person(self):
        customer = self.make_customer("Company", email="info@example.com")
        self.make_contact(
            customer, "Buyer", email="buyer@example.com", function="Purchasing"
        )
        buyer = "[('function', 'ilike', 'purchas')]"
        self.assertEqual(self.tell(customer, contact_domain=buyer)[0], "Buyer")
        nobody = "[('function', '=', 'Pilot')]"
        for recipient in ("best", "customer", "type"):
            self.assertEqual(
                self.tell(customer, contact_domain=nobody, recipient=recipient),
                (None, None, "no_address"),
            )

    def test_invoices_of_the_company(self):
        """Those of another company name nobody; those of branches do."""
        customer = self.make_customer("Company", email="info@example.com")
        person = self.make_contact(customer, "Person", email="person@example.com")
        other = self.setup_other_company()["company"]
        move = self.post(person, 100, 5, counts_for="Company")
        self.assertEqual(self.tell(customer)[0], "Person")
        self.assertEqual(self.tell(customer, company=other)[0], "Company")
        move.button_draft()
        self.assertEqual(self.tell(customer)[0], "Company")

    def test_hidden_contacts(self):
        customer = self.make_customer("Company")
        hidden = self.make_contact(customer, "Hidden", email="hidden@example.com")
        other = self.env["res.company"].create({"name": "Other Company"})
        self.env["ir.rule"].create(
            {
                "name": "not this one",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {hidden.id})]",
            }
        )
        self.assertEqual(self.tell(customer, user=self.marketer)[2], "no_address")
        root = self.env.ref("base.user_root")
        self.assertEqual(self.tell(customer, user=root)[0], "Hidden")
        hidden.sudo().company_id = other
        self.assertEqual(self.tell(customer, user=root)[2], "no_address")

    # All together

    def populate(self, rng, count):
        """Create random customers and contacts; return ``{customer: facts}``."""
        facts = {}
        for number in range(count):
            customer = self.make_customer(f"R{number}", **self.some_address(rng))
            contacts = [customer]
            for position in range(rng.choice([0, 0, 1, 2, 3])):
                contacts.append(
                    self.make_contact(
                        rng.choice(contacts),
                        f"R{number}.{position}",
                        type=rng.choice(["contact", "contact", "invoice", "other"]),
                        active=rng.random() < 0.85,
                        **self.some_address(rng),
                    )
                )
            named = None
            if rng.random() < 0.5:
                named = rng.choice(contacts)
                self.post(
                    rng.choice(contacts), 10, 9, counts_for=customer.name
                )  # before
                self.post(named, 10, rng.randint(1, 8), counts_for=customer.name)
            facts[customer] = (contacts, named)
        return facts

    def some_address(self, rng):
        name = rng.choice("abcdefghijklmnopqrstuvwxyz") + rng.choice("1234")
        email = rng.choice([f" {name.upper()}@Example.com", f"{name}@example.com"])
        email = rng.choice([email, email, email, email, "nowhere", False])
        return {"email": email, "message_bounce": rng.choice([0, 0, 0, 0, 1])}

    def judge(self, contact, blacklist):
        address = (contact.email or "").strip().lower()
        if not contact.active:
            return None, "archived"
        if not address:
            return None, "no_address"
        if "@" not in address:
            return None, "invalid"
        if address in blacklist:
            return address, "blacklisted"
        if contact.message_bounce:
            return address, "bounced"
        return address, None

    def choose(self, customer, contacts, named, recipient, blacklist):
        """Return who is written to, before each address is used once."""
        present = [c for c in contacts if c.active or c == customer]
        if recipient == "customer":
            ranks = {customer: 0}
        elif recipient == "type":
            ranks = {c: 0 for c in present if c != customer and c.type == "invoice"}
            ranks = ranks or {customer: 0}
        else:
            judged = {c: self.judge(c, blacklist)[1] for c in present}
            free = [c for c, reason in judged.items() if reason is None]
            several = len(free) > 1 or any(
                c != customer and c.type != "contact" for c in free
            )
            ranks = {
                c: 0 if c == named and several else 1 if c == customer else 2
                for c in present
                if c == customer or c.type == "contact" or (c == named and several)
            }

        def order(contact):
            _address, reason = self.judge(contact, blacklist)
            stage = FURTHEST.index(reason) + 1 if reason else 0
            return stage, ranks[contact], contact.id

        return min(ranks, key=order)

    def test_random(self):
        rng = random.Random(61)
        facts = self.populate(rng, 60)
        blacklist = {f"{letter}1@example.com" for letter in "abcdefgh"}
        self.env["mail.blacklist"].create([{"email": email} for email in blacklist])
        customers = self.env["res.partner"].union(*facts)
        counts = set()
        for recipient in ("customer", "type", "best"):
            used, expected = set(), {}
            for customer in customers.sorted("id"):
                chosen = self.choose(customer, *facts[customer], recipient, blacklist)
                address, reason = self.judge(chosen, blacklist)
                if not reason:
                    reason = "duplicate" if address in used else None
                    used.add(address)
                expected[customer] = (chosen, reason)
            told = self.ask(customers, recipient=recipient)
            counts |= {(recipient, row[1]) for row in expected.values()}
            self.assertEqual(
                {customer: (row[0], row[2]) for customer, row in told.items()}, expected
            )
            reached = [row[1] for row in told.values() if not row[2]]
            self.assertEqual(len(reached), len(set(reached)))
            self.assertEqual(sorted(used), sorted(reached))
        self.assertGreater(len(counts), 14, "the examples are too much alike")
