import random
from collections import Counter
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..models.customer_audience_counts import COUNTS
from .audience_common import AudienceCommon


@tagged("post_install", "-at_install")
class TestAudienceCounts(AudienceCommon):
    """What the form says is what the queries give."""

    def setUp(self):
        super().setUp()
        self.tier = self.make_dimension("aud_tier", ["Gold", "Silver"])
        self.gold, self.silver = self.tier.category_ids

    def populate(self, count=25, seed=7):
        rng = random.Random(seed)
        for number in range(count):
            mail = rng.choice(["", "nowhere", f"M{number % 9}@example.com"])
            customer = self.make_customer(
                f"C{number:02}",
                email=mail,
                phone=rng.choice([False, f"+1202555{number % 15:04}"]),
                message_bounce=rng.choice([0, 0, 1]),
            )
            self.give(customer, rng.choice(self.tier.category_ids))
            contacts = [customer]
            for position in range(rng.choice([0, 1, 2])):
                contacts += self.make_contact(
                    customer,
                    f"P{number}.{position}",
                    type=rng.choice(["contact", "contact", "invoice", "other"]),
                    email=rng.choice(
                        ["", f"p{number}@example.com", f"m{number % 7}@example.com"]
                    ),
                    active=rng.random() < 0.8,
                    lang=self.env.lang,
                )
            if rng.random() < 0.5:
                self.post(rng.choice(contacts), 10, 9, counts_for=customer.name)
        self.env["mail.blacklist"]._add("m3@example.com")
        self.env["phone.blacklist"]._add("+12025550004")

    def get_expected(self, audience):
        """Count the rows of the queries."""
        customers = self.found(audience)
        result = Counter({"customer_count": len(customers)})
        result["contact_count"] = self.env["res.partner"].search_count(
            [("commercial_partner_id", "in", customers.ids)]
        )
        for channel in ("mail", "sms"):
            query = audience._get_recipients_query(
                audience._get_customers_query(), channel, audience._get_policy()
            )
            for row in self.env.execute_query_dict(query):
                reason = f"{row['blocked']}_" if row["blocked"] else ""
                result[f"{channel}_{reason}count"] += 1
        return result

    def test_counts_are_the_rows(self):
        self.populate()
        for recipient in ("customer", "type", "best"):
            audience = self.make_audience(
                recipient, any_category_ids=self.gold, recipient=recipient
            )
            expected = self.get_expected(audience)
            self.assertGreater(len(expected), 8, "too little happens")
            self.assertEqual(
                {name: audience[name] for name in COUNTS},
                {name: expected[name] for name in COUNTS},
            )
            self.assertFalse(audience.counts_error)
            total = sum(
                count for name, count in expected.items() if name.startswith("mail_")
            )
            self.assertEqual(total, audience.customer_count)
            # what the lists behind the buttons have
            action = audience.action_open_customers()
            found = self.env["res.partner"].search(action["domain"])
            self.assertEqual(found.sorted("id"), self.found(audience))
            for opened, channel in (
                (audience.action_open_recipients(), "mail"),
                (audience.action_open_sms_recipients(), "sms"),
            ):
                rows = self.env[opened["res_model"]].with_context(**opened["context"])
                self.assertEqual(rows.search_count([]), audience.customer_count)
                self.assertEqual(
                    rows.search_count([("blocked", "=", False)]),
                    audience[f"{channel}_count"],
                )
                groups = rows._read_group([], ["blocked"], ["__count"])
                self.assertEqual(
                    {reason: count for reason, count in groups if reason},
                    {
                        name.removeprefix(f"{channel}_").removesuffix("_count"): count
                        for name, count in expected.items()
                        if name.startswith(channel) and name != f"{channel}_count"
                    },
                )

    def test_counts_of_many(self):
        """Shared addresses, addresses that invoices name, conditions on the person."""
        self.populate(80, seed=11)
        named = 0
        for recipient in ("customer", "type", "best"):
            for condition in (
                "[]",
                "[('type', '!=', 'contact')]",
                "[('name', 'like', 'P%')]",
                "[('parent_id', '!=', False), ('type', '!=', 'contact')]",
            ):
                audience = self.make_audience(
                    f"{recipient} {condition}",
                    recipient=recipient,
                    recipient_type="other",
                    contact_domain=condition,
                )
                expected = self.get_expected(audience)
                expected["contact_count"] = audience.contact_count
                named += expected["mail_duplicate_count"]
                with self.subTest(recipient=recipient, condition=condition):
                    self.assertEqual(
                        {name: audience[name] for name in COUNTS},
                        {name: expected[name] for name in COUNTS},
                    )
        self.assertGreater(named, 30, "too few addresses are shared")

    def test_counts_follow_what_is_entered(self):
        """Before anything is saved."""
        self.populate()
        golden = self.Assignment.search_count([("category_id", "=", self.gold.id)])
        silver = self.Assignment.search_count([("category_id", "=", self.silver.id)])
        with Form(self.Audience) as form:
            form.name = "New"
            self.assertEqual(form.customer_count, golden + silver)
            form.any_category_ids.add(self.gold)
            self.assertEqual(form.customer_count, golden)
            form.none_category_ids.add(self.gold)
            self.assertEqual(form.customer_count, 0)
            form.any_category_ids.remove(self.gold.id)
            self.assertEqual(form.customer_count, silver)
            form.domain = "[('name', '=', 'C00')]"
            self.assertLessEqual(form.customer_count, 1)
            form.domain = "[('no_such_field', '=', 1)]"
            self.assertIn("no_such_field", form.counts_error)
            form.domain = "[]"
            self.assertFalse(form.counts_error)
            with form.change_ids.new() as line:
                line.category_id = self.silver
                line.days = 30
            self.assertEqual(form.customer_count, 0)
            form.change_ids.remove(0)
            self.assertEqual(form.customer_count, silver)
        audience = form.record
        inner = self.make_audience("Inner", domain="[('name', '<', 'C10')]")
        ten = self.found(inner) & self.found(audience)
        with Form(audience) as form:
            form.include_ids.add(inner)
            self.assertEqual(form.customer_count, len(ten))
            form.include_ids.remove(inner.id)
            form.exclude_ids.add(inner)
            self.assertEqual(form.customer_count, silver - len(ten))
            form.exclude_ids.remove(inner.id)
        with mute_logger("odoo.sql_db"), Form(audience) as form:
            form.domain = "[('id', '=', 'x')]"
            self.assertTrue(form.counts_error)
            form.domain = False

    def test_marketer_enters_a_hidden_condition(self):
        with Form(self.Audience.with_user(self.marketer)) as form:
            form.name = "Mine"
            form.domain = "[('customer_overdue_amount', '>', 0)]"
            self.assertIn("conditions that you may not see", form.counts_error)
            self.assertEqual(form.customer_count, 0)
            form.domain = False

    def test_written_to_lately(self):
        first, second, third = (
            self.make_customer(name, email=f"{name.lower()}@example.com")
            for name in ("First", "Second", "Third")
        )
        person = self.make_contact(first, "Person", email="person@example.com")
        mailing = self.env["mailing.mailing"].create(
            {
                "subject": "News",
                "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
            }
        )
        subscriber = self.env["mailing.contact"].create({"email": third.email})

        def trace(record, days_ago, **values):
            return self.env["mailing.trace"].create(
                {
                    "mass_mailing_id": mailing.id,
                    "model": record._name,
                    "res_id": record.id,
                    "sent_datetime": fields.Datetime.now() - timedelta(days=days_ago),
                    "trace_status": "sent",
                    **values,
                }
            )

        audience = self.make_audience(contacted_days=10)

        def count():
            audience.invalidate_recordset()
            return audience.contacted_count

        self.assertEqual(count(), 0)
        trace(second, 10)  # the eleventh day
        trace(second, 1, trace_status="error")
        self.assertEqual(count(), 0)
        trace(second, 9)
        self.assertEqual(count(), 1)
        trace(person, 2)
        trace(first, 3)
        self.assertEqual(count(), 2)
        trace(subscriber, 2, email="third@example.com")
        self.assertEqual(count(), 3)
        audience.contacted_days = 3
        self.assertEqual(count(), 2)

    def test_overlap(self):
        for number in range(8):
            self.make_customer(f"N{number}")

        def of(*numbers, **values):
            names = [f"N{number}" for number in numbers]
            return self.make_audience(
                f"Of {numbers}", domain=str([("name", "in", names)]), **values
            )

        audience = of(0, 1, 2, 3)
        others = {of(2, 3, 4, 5, 6): (5, 2), of(7): (1, 0), of(0, 1, 2, 3): (4, 4)}
        of(1, active=False)
        action = audience.action_open_overlap()
        rows = self.env[action["res_model"]].search(
            [*action["domain"], ("other_id.name", "like", "Of (")]
        )
        self.assertEqual(
            {row.other_id: (row.customer_count, row.overlap_count) for row in rows},
            others,
        )
        self.assertEqual(sorted(rows.mapped("share")), [0, 50, 100])
        self.assertEqual(
            self.env["res.partner"]
            .search(rows[1].action_open_customers()["domain"])
            .mapped("name"),
            ["N2", "N3"],
        )

    def test_search_by_audience(self):
        """As whoever searches; the superuser, as the owner."""
        own = self.make_customer("Own", email="own@example.com")
        hidden = self.make_customer("Hidden", email="hidden@example.com")
        person = self.make_contact(own, "Person", email="person@example.com")
        own.email = False
        audience = self.make_audience(is_shared=True)
        private = self.make_audience("Private", domain="[('name', '=', 'Own')]")
        self.env["ir.rule"].create(
            {
                "name": "not this one",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {hidden.id})]",
                "groups": [
                    Command.link(
                        self.env.ref(
                            "customer_classification"
                            ".group_customer_classification_marketing"
                        ).id
                    )
                ],
            }
        )
        Partner = self.env["res.partner"]

        def names(user, domain):
            Asked = Partner.with_user(user) if user else Partner.sudo()
            return sorted(Asked.search(domain).sudo().mapped("name"))

        is_in = [("customer_audience_ids", "in", audience.ids)]
        self.assertEqual(names(self.marketer, is_in), ["Own"])
        self.assertEqual(
            names(self.marketer, [("customer_mail_audience_ids", "in", audience.ids)]),
            ["Person"],
        )
        self.assertFalse(
            names(self.marketer, [("customer_sms_audience_ids", "in", audience.ids)])
        )
        self.assertEqual(
            names(
                self.marketer,
                [
                    ("customer_audience_ids", "not in", audience.ids),
                    ("id", "in", (own | person).ids),
                ],
            ),
            ["Person"],
        )
        with self.assertRaises(AccessError):
            names(self.marketer, [("customer_audience_ids", "in", private.ids)])
        with self.assertRaises(AccessError):
            names(self.make_user("plain_user"), is_in)
        # the queue of mailings
        audience.sudo().user_id = self.marketer
        self.assertEqual(names(None, is_in), ["Own"])
        self.assertFalse(
            names(None, [("customer_audience_ids", "in", [audience.id + 10**6])])
        )

    def test_only_managers_make_others_owners(self):
        audience = self.Audience.with_user(self.marketer).create({"name": "Mine"})
        with self.assertRaises(AccessError):
            audience.user_id = self.treasurer
        with self.assertRaises(AccessError):
            self.Audience.with_user(self.marketer).create(
                {"name": "Theirs", "user_id": self.treasurer.id}
            )
        audience.with_user(self.chief).user_id = self.treasurer
        audience.with_user(self.chief).is_shared = True
        self.assertEqual(audience.name, "Mine")
        for call in (
            lambda: audience.write({"name": "Still mine"}),
            lambda: audience.write(
                {"change_ids": [Command.create({"category_id": self.gold.id})]}
            ),
            audience.unlink,
        ):
            with self.assertRaises(AccessError):
                call()
