import random
from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .audience_common import AudienceCommon


@tagged("post_install", "-at_install")
class TestAudience(AudienceCommon):
    """Who is in an audience, against sets worked out in plain Python."""

    def setUp(self):
        super().setUp()
        self.tier = self.make_dimension("aud_tier", ["Gold", "Silver", "Bronze"])
        self.region = self.make_dimension("aud_region", ["North", "South"])
        self.traits = self.make_dimension(
            "aud_traits", ["Loud", "Quiet", "Kind"], is_multiple=True
        )
        self.agreed = self.make_dimension("aud_agreed", ["Yes", "No"], is_shared=True)
        north = self.category(self.region, "North")
        self.harbour = self.Category.create(
            {"dimension_id": self.region.id, "name": "Harbour", "parent_id": north.id}
        )
        self.pier = self.Category.create(
            {
                "dimension_id": self.region.id,
                "name": "Pier",
                "parent_id": self.harbour.id,
            }
        )
        self.loud = self.category(self.traits, "Loud")
        self.kind = self.Category.create(
            {
                "dimension_id": self.traits.id,
                "name": "Very kind",
                "parent_id": self.category(self.traits, "Kind").id,
            }
        )

    # Categories

    def populate(self, rng, count):
        """Give random categories and decisions; return what each customer has.

        :return: ``{customer: set of categories in effect, their wholes included}``
        """
        dimensions = self.tier | self.region | self.traits | self.agreed
        held = {}
        for number in range(count):
            customer = self.make_customer(f"C{number:02}")
            has = set()
            for dimension in dimensions:
                computed, decided = {}, {}
                categories = self.Category.search([("dimension_id", "=", dimension.id)])
                for category in categories:
                    slot = category.id if dimension.is_multiple else 0
                    if slot not in computed and rng.random() < 0.4:
                        computed[slot] = category
                        self.give(customer, category)
                    ended = rng.random() < 0.3
                    if slot not in decided and rng.random() < 0.2:
                        without = rng.random() < 0.3
                        if dimension.is_multiple:
                            operation = "exclude" if without else "add"
                        else:
                            operation = "none" if without else "set"
                        decision = self.decide(
                            customer,
                            self.Category if operation == "none" else category,
                            operation,
                            dimension,
                        )
                        if ended:
                            decision.flush_recordset()
                            self.env.cr.execute(
                                "UPDATE customer_override SET date_end = %s "
                                "WHERE id = %s",
                                [self.today - timedelta(days=1), decision.id],
                            )
                            decision.invalidate_recordset()
                            decided[slot] = None
                        else:
                            decided[slot] = self.Category if without else category
                for slot in {*computed, *decided}:
                    category = decided.get(slot)
                    if category is None:
                        category = computed.get(slot, self.Category)
                    while category:
                        has.add(category)
                        category = category.parent_id
            held[customer] = has
        return held

    def test_all_any_none_combined(self):
        """Random audiences: trees, several categories, shared ones, decisions."""
        rng = random.Random(20261130)
        held = self.populate(rng, 40)
        every = self.Category.search(
            [
                (
                    "dimension_id",
                    "in",
                    (self.tier | self.region | self.traits | self.agreed).ids,
                )
            ]
        )
        sizes = set()
        for number in range(60):
            chosen = {
                kind: self.Category.union(
                    *rng.sample(list(every), rng.choice([0, 0, 1, 1, 2, 3]))
                )
                for kind in ("all", "any", "none")
            }
            audience = self.make_audience(
                f"Random {number}",
                **{f"{kind}_category_ids": c for kind, c in chosen.items()},
            )
            expected = {
                customer.name
                for customer, has in held.items()
                if set(chosen["all"]) <= has
                and (not chosen["any"] or has & set(chosen["any"]))
                and not has & set(chosen["none"])
            }
            sizes.add(len(expected))
            with self.subTest(chosen=chosen):
                self.assertEqual(self.names(audience), sorted(expected))
        self.assertGreater(len(sizes), 10, "the examples are too much alike")

    def test_decision_outranks_and_ends(self):
        gold, silver = self.tier.category_ids[:2]
        customer = self.make_customer("Decided")
        self.give(customer, gold)
        is_gold = self.make_audience("Gold", all_category_ids=gold)
        is_silver = self.make_audience("Silver", all_category_ids=silver)
        self.assertEqual(self.names(is_gold), ["Decided"])
        decision = self.decide(customer, silver, date_end=self.today)
        self.assertEqual(self.names(is_gold), [])
        self.assertEqual(self.names(is_silver), ["Decided"])
        decision.action_withdraw()
        self.assertEqual(self.names(is_gold), ["Decided"])

    # Conditions on fields

    def test_domain(self):
        rich, poor = self.make_customer("Rich"), self.make_customer("Poor")
        self.make_customer("New")
        self.post(rich, 900, 10)
        self.post(poor, 90, 400)
        self.classify()
        for domain, expected in (
            ([("customer_revenue_total", ">=", 900)], ["Rich"]),
            ([("customer_days_since_last", ">", 100)], ["Poor"]),
            (["|", ("name", "=", "New"), ("name", "=", "Poor")], ["New", "Poor"]),
            ([], ["New", "Poor", "Rich"]),
        ):
            with self.subTest(domain=domain):
                audience = self.make_audience(domain=str(domain))
                self.assertEqual(self.names(audience), expected)

    def test_bad_conditions_are_refused(self):
        for domain in (
            "[('no_such_field', '=', 1)]",
            "[('name', '=', ",
            "[('id', '=', 'x')]",
            "[('user_id', '=', uid)]",
            "__import__('os')",
            "7",
        ):
            for name in ("domain", "contact_domain"):
                with (
                    self.subTest(domain=domain, name=name),
                    mute_logger("odoo.sql_db"),
                    self.assert_refused(ValidationError, "“Bad” cannot be evaluated"),
                ):
                    self.make_audience("Bad", **{name: domain})

    # Who can be in it

    def test_only_customers(self):
        self.make_customer("Customer")
        self.make_customer("Archived", active=False)
        self.make_customer("Vendor", customer_rank=0)
        person = self.make_customer("Person", is_company=False)
        company = self.make_customer("Company")
        person.parent_id = company
        excluded = self.make_customer("Excluded")
        self.env["customer.exclusion"].create({"partner_id": excluded.id})
        audience = self.make_audience()
        self.assertEqual(self.names(audience), ["Company", "Customer"])
        self.assertEqual(
            self.names(audience.with_context(active_test=False)),
            ["Company", "Customer"],
        )

    def test_company_of_the_audience(self):
        """Its categories and customers, whichever company is active."""
        other = self.env["res.company"].create({"name": "Other Company"})
        other.customer_population_domain = self.company.customer_population_domain
        self.env.user.company_ids |= other
        gold, silver = self.tier.category_ids[:2]
        both = self.make_customer("Both")
        self.give(both, gold)
        self.give(both, silver, company=other)
        own = self.make_customer("Own of other", company_id=other.id)
        self.give(own, gold)
        audiences = {
            company: self.make_audience(
                company.name, company_id=company.id, all_category_ids=gold
            )
            for company in (self.company, other)
        }
        everybody = self.make_audience("All of other", company_id=other.id)
        for active in (self.company, other, self.company | other):
            for user in (self.env.user, self.env.ref("base.user_root")):
                with self.subTest(active=active.mapped("name"), user=user.name):
                    ask = {
                        company: audience.with_user(user).with_context(
                            allowed_company_ids=active.ids
                        )
                        for company, audience in audiences.items()
                    }
                    self.assertEqual(self.names(ask[self.company]), ["Both"])
                    self.assertEqual(self.names(ask[other]), [])
                    self.assertEqual(
                        self.names(
                            everybody.with_user(user).with_context(
                                allowed_company_ids=active.ids
                            )
                        ),
                        ["Both", "Own of other"],
                    )

    def test_branch(self):
        """Who works for a branch asks for the audiences of its root company."""
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        self.marketer.write(
            {"company_ids": [Command.set(branch.ids)], "company_id": branch.id}
        )
        gold = self.tier.category_ids[0]
        customer = self.make_customer("Branch's", company_id=branch.id)
        self.give(customer, gold)
        audience = self.make_audience(all_category_ids=gold, is_shared=True)
        self.assertEqual(self.names(audience, self.marketer), ["Branch's"])

    # Other audiences

    def test_other_audiences(self):
        for number in range(6):
            self.make_customer(f"N{number}")

        def of(*numbers, **values):
            names = [f"N{number}" for number in numbers]
            return self.make_audience(
                f"Of {numbers}", domain=str([("name", "in", names)]), **values
            )

        first, second, third = of(0, 1, 2), of(2, 3), of(0, 3)
        union = self.make_audience(include_ids=first | second)
        self.assertEqual(self.names(union), ["N0", "N1", "N2", "N3"])
        less = self.make_audience(include_ids=first | second, exclude_ids=third)
        self.assertEqual(self.names(less), ["N1", "N2"])
        deeper = of(1, 3, 4, exclude_ids=less)
        self.assertEqual(self.names(deeper), ["N3", "N4"])
        # an archived one stays a condition
        third.active = False
        self.assertEqual(self.names(less), ["N1", "N2"])
        with self.assert_refused(UserError, "Other audiences refer to this one"):
            third.unlink()

    def test_circle_is_refused(self):
        first = self.make_audience("First")
        second = self.make_audience("Second", include_ids=first)
        third = self.make_audience("Third", exclude_ids=second)
        with self.assert_refused(
            ValidationError, "“First” → “Third” → “Second” → “First”"
        ):
            first.include_ids = third
        with self.assert_refused(ValidationError, "“First” → “First”"):
            first.exclude_ids = first

    def test_other_company_is_refused(self):
        other = self.env["res.company"].create({"name": "Other Company"})
        foreign = self.make_audience("Foreign", company_id=other.id)
        with self.assert_refused(UserError, "Foreign"):
            self.make_audience(include_ids=foreign)

    # Who asks

    def hide(self, *customers):
        self.env["ir.rule"].create(
            {
                "name": "not these",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": str([("id", "not in", [c.id for c in customers])]),
            }
        )

    def test_hidden_customers(self):
        seen, hidden = self.make_customer("Seen"), self.make_customer("Hidden")
        gold = self.tier.category_ids[0]
        for customer in (seen, hidden):
            self.give(customer, gold)
        self.hide(hidden)
        inner = self.make_audience("Inner", all_category_ids=gold, is_shared=True)
        audience = self.make_audience(include_ids=inner, is_shared=True)
        self.assertEqual(self.names(audience, self.marketer), ["Seen"])
        self.assertEqual(self.names(audience.sudo()), ["Hidden", "Seen"])

    def test_payment_conditions_are_hidden(self):
        """A marketer sees no such audience, nor can make one, not by RPC either."""
        secret = "[('customer_overdue_amount', '>', 0)]"
        group = self.env.ref(
            "customer_classification.group_customer_classification_payment"
        )
        pays = self.make_dimension(
            "aud_pays", ["Late"], view_group_ids=[Command.set(group.ids)]
        )
        late = pays.category_ids
        other = self.make_audience("Inner", domain=secret, is_shared=True)
        for values in (
            {"domain": secret},
            {"contact_domain": "[('parent_id.customer_days_overdue', '>', 3)]"},
            {"domain": "[('child_ids', 'any', [('customer_late_share', '>', 3)])]"},
            {"all_category_ids": late},
            {"any_category_ids": late},
            {"none_category_ids": late},
            {"change_ids": [Command.create({"category_id": late.id})]},
            {"include_ids": other},
            {"exclude_ids": other},
            {"domain": "[('x_cls_aud_pays_id.code', '=', 'late')]"},
        ):
            with self.subTest(values=values):
                self.env.registry.clear_cache()
                audience = self.make_audience("Hidden", is_shared=True, **values)
                asked = audience.with_user(self.marketer)
                self.assertFalse(asked.search([("id", "=", audience.id)]))
                for call in (
                    lambda asked=asked: asked.read(["domain"]),
                    lambda asked=asked: asked._get_customers_query(),
                ):
                    with self.assert_refused(
                        AccessError, "“Hidden” uses conditions that you may not see"
                    ):
                        call()
                with self.assertRaises(AccessError):
                    asked.write({"name": "Mine"})
                self.found(audience, self.treasurer)
                self.found(audience, self.chief)
                own = self.Audience.with_user(self.marketer).create({"name": "Own"})
                with self.assert_refused(AccessError, "may not see|access"):
                    own.write(values)
                with self.assert_refused(AccessError, "may not see|access"):
                    self.Audience.with_user(self.marketer).create(
                        {
                            "name": "By RPC",
                            **audience.with_user(self.treasurer).copy_data()[0],
                            "user_id": self.marketer.id,
                        }
                    )

    def test_own_audiences_and_shared_ones(self):
        own = self.Audience.with_user(self.marketer).create({"name": "Own"})
        self.assertEqual(own.user_id, self.marketer)
        shared = self.make_audience("Shared", is_shared=True)
        private = self.make_audience("Private")
        asked = self.Audience.with_user(self.marketer)
        every = [("id", "in", (own | shared | private).ids)]
        self.assertEqual(asked.search(every), own | shared)
        with self.assertRaises(AccessError):
            own.include_ids = private
        self.assertEqual(
            self.Audience.with_user(self.chief).search(every), own | private | shared
        )
        copy = shared.with_user(self.marketer).copy()
        self.assertEqual((copy.user_id, copy.name), (self.marketer, "Shared (copy)"))
        plain = self.make_user("plain_user")
        with self.assertRaises(AccessError):
            self.Audience.with_user(plain).search([])

    def test_category_in_use(self):
        """It can be neither deleted; merged, its successor takes its place."""
        gold, silver, bronze = self.tier.category_ids
        customer = self.make_customer("Golden")
        self.give(customer, gold)
        audience = self.make_audience("Users of gold", all_category_ids=gold)
        change = self.env["customer.audience.change"].create(
            {"audience_id": audience.id, "category_id": silver.id}
        )
        changed = self.make_audience("Became", change_ids=[Command.link(change.id)])
        for category in (bronze, silver):
            audience.none_category_ids = bronze
            with self.assert_refused(UserError, "it is used by"):
                category.unlink()
        audience.none_category_ids = False
        self.assertEqual(gold.usage_count, 1)
        self.assertTrue(self.tier.usage_count)
        (gold | silver)._merge_into(bronze)
        self.assertEqual(audience.all_category_ids, bronze)
        self.assertEqual(changed.change_ids.category_id, bronze)
        self.assertEqual(self.names(audience), ["Golden"])

    def test_archived_category_stays_a_condition(self):
        gold = self.tier.category_ids[0]
        self.give(self.make_customer("Golden"), gold)
        audience = self.make_audience(all_category_ids=gold)
        gold.with_context(customer_category_is_decided=True).active = False
        audience.invalidate_recordset()
        self.assertEqual(audience.all_category_ids, gold)
        self.assertEqual(self.names(audience), ["Golden"])
        self.tier.active = False
        audience.invalidate_recordset()
        self.assertEqual(audience.all_category_ids, gold)
        self.assertEqual(self.names(audience), [], "nothing shows its categories")

    def test_days_are_the_company_s(self):
        """A day of a condition begins where the company is, not where the user is."""
        self.company.partner_id.tz = "Asia/Shanghai"
        self.env.user.tz = "America/Lima"
        for name, created in (("Young", "16:00:00"), ("Old", "15:59:59")):
            customer = self.make_customer(name)
            customer.flush_recordset()
            self.env.cr.execute(
                "UPDATE res_partner SET create_date = %s WHERE id = %s",
                [f"2026-03-01 {created}", customer.id],
            )
        audience = self.make_audience(domain="[('create_date', '>=', 'today')]")
        for now, expected in (
            ("2026-03-01 15:59:59", ["Old", "Young"]),
            ("2026-03-01 16:00:00", ["Young"]),
            ("2026-03-02 15:59:59", ["Young"]),
            ("2026-03-02 16:00:00", []),
        ):
            with self.subTest(now=now), freeze_time(now):
                self.assertEqual(self.names(audience), expected)
