from collections import Counter, defaultdict
from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.fields import Domain
from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from .common import ClassificationCommon

TIERS = ("Platinum", "Gold", "Silver", "Bronze")


@tagged("post_install", "-at_install")
class TestPartnerFields(ClassificationCommon):
    """The contact's fields act like stored ones, and are none.

    What is expected comes from :attr:`computed` and :attr:`decided`, which the
    tests write down as they set the rows.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Partner = cls.env["res.partner"]
        cls.field_name = cls.dimension.partner_field_name
        cls.tiers = dict(zip(TIERS, cls.dimension.category_ids, strict=True))
        #: what the engine gave, by customer; None: it had one once
        cls.computed = {
            "Ace": "Platinum",
            "Bee": "Gold",
            "Cat": "Gold",
            "Dog": "Silver",
            "Elk": None,
            "Fox": "Bronze",
            "Gnu": "Bronze",
        }
        #: what people decided, by customer, and for how many days from today
        cls.decided = {
            "Cat": ("Bronze", 30),
            "Fox": (None, 0),
            "Gnu": ("Platinum", 10),
            "Hen": ("Gold", 10),
        }
        cls.revenue = {
            name: 10.5 * number for number, name in enumerate(cls.computed, start=1)
        }
        names = [*cls.computed, "Hen", "Ibis"]
        cls.customers = {name: cls.make_customer(name) for name in names}
        cls.contact = cls.make_customer(
            "Contact of Bee", parent_id=cls.customers["Bee"].id, is_company=False
        )
        cls.everybody = (
            cls.Partner.browse(p.id for p in cls.customers.values()) + cls.contact
        )
        cls.fill(cls.env.company)
        for name, (tier, days) in cls.decided.items():
            cls.Override.create(
                {
                    "partner_id": cls.customers[name].id,
                    "dimension_id": cls.dimension.id,
                    "operation": "set" if tier else "none",
                    "category_id": cls.tiers[tier].id if tier else False,
                    "reason": "Because",
                    "date_end": cls.today + timedelta(days=days),
                }
            )

    @classmethod
    def fill(cls, company, computed=None):
        """Write what the engine would, for a company."""
        for name, tier in (computed or cls.computed).items():
            key = {"partner_id": cls.customers[name].id, "company_id": company.id}
            cls.Assignment.sudo().create(
                {
                    **key,
                    "dimension_id": cls.dimension.id,
                    "category_id": cls.tiers[tier].id if tier else False,
                    "since": fields.Datetime.now(),
                }
            )
            cls.Figures.sudo().create(
                {
                    **key,
                    "revenue_window": cls.revenue[name],
                    "revenue_total": 2 * cls.revenue[name],
                    "last_date": cls.today - timedelta(days=int(cls.revenue[name])),
                    "invoice_count": len(name),
                }
            )

    def expected_tiers(self, days_later=0):
        """Return the name of the tier, or None, of every contact, by its name."""
        tiers = {name: self.computed.get(name) for name in self.customers}
        for name, (tier, days) in self.decided.items():
            if days >= days_later:
                tiers[name] = tier
        tiers["Contact of Bee"] = tiers["Bee"]
        return tiers

    def search(self, domain, **kwargs):
        """Search among this test's contacts only; return their names."""
        domain = Domain(domain) & Domain("id", "in", self.everybody.ids)
        return self.Partner.search(domain, **kwargs).mapped("name")

    def assert_found(self, domain, matches, days_later=0):
        """Compare a search with what ``matches`` says of each contact's tier.

        The same domain must give the same by Python, and its negation the rest.
        """
        tiers = self.expected_tiers(days_later)
        expected = {name for name, tier in tiers.items() if matches(tier)}
        with self.subTest(domain=domain):
            self.assertEqual(set(self.search(domain)), expected)
            self.assertEqual(set(self.search(~Domain(domain))), set(tiers) - expected)
            filtered = self.everybody.filtered_domain(domain)
            self.assertEqual(set(filtered.mapped("name")), expected)

    def test_read(self):
        self.assertEqual(
            {p.name: p[self.field_name].name or None for p in self.everybody},
            self.expected_tiers(),
        )
        # by hand-worked values, lest the expectation be wrong itself
        self.assertEqual(
            self.expected_tiers(),
            {
                "Ace": "Platinum",
                "Bee": "Gold",
                "Cat": "Bronze",
                "Dog": "Silver",
                "Elk": None,
                "Fox": None,
                "Gnu": "Platinum",
                "Hen": "Gold",
                "Ibis": None,
                "Contact of Bee": "Gold",
            },
        )
        [row] = self.customers["Hen"].read([self.field_name])
        self.assertEqual(row[self.field_name], (self.gold.id, "Gold"))

    def test_search_by_value(self):
        name, gold, silver = self.field_name, self.gold.id, self.silver.id
        for domain, matches in (
            ([(name, "=", gold)], lambda t: t == "Gold"),
            ([(name, "!=", gold)], lambda t: t != "Gold"),
            ([(name, "=", False)], lambda t: t is None),
            ([(name, "!=", False)], lambda t: t is not None),
            ([(name, "in", [gold, silver])], lambda t: t in ("Gold", "Silver")),
            ([(name, "not in", [gold, silver])], lambda t: t not in ("Gold", "Silver")),
            ([(name, "in", [gold, False])], lambda t: t in ("Gold", None)),
            ([(name, "not in", [gold, False])], lambda t: t not in ("Gold", None)),
            ([(name, "in", [])], lambda t: False),
            ([(name, "not in", [])], lambda t: True),
        ):
            self.assert_found(domain, matches)

    def test_search_through_the_category(self):
        name = self.field_name
        for domain, matches in (
            ([(f"{name}.name", "ilike", "l")], lambda t: t and "l" in t.lower()),
            ([(f"{name}.name", "=", "Gold")], lambda t: t == "Gold"),
            ([(name, "any", [("name", "=", "Gold")])], lambda t: t == "Gold"),
            ([(name, "not any", [("name", "=", "Gold")])], lambda t: t != "Gold"),
            ([(name, "any", [("sequence", "<=", 20)])], lambda t: t in TIERS[:2]),
            ([(name, "child_of", self.gold.ids)], lambda t: t == "Gold"),
            ([(name, "child_of", self.gold.id)], lambda t: t == "Gold"),
        ):
            self.assert_found(domain, matches)
        # text is looked for in the category's name
        self.assertEqual(
            set(self.search([(name, "ilike", "old")])), {"Bee", "Hen", "Contact of Bee"}
        )
        self.assertEqual(
            set(self.search([(name, "=", "Gold")])), {"Bee", "Hen", "Contact of Bee"}
        )

    def test_search_combined(self):
        name, gold, silver = self.field_name, self.gold.id, self.silver.id
        for domain, matches in (
            (["!", (name, "=", gold)], lambda t: t != "Gold"),
            (
                ["|", (name, "=", gold), (name, "=", silver)],
                lambda t: t in ("Gold", "Silver"),
            ),
            (["&", (name, "=", gold), (name, "=", silver)], lambda t: False),
            (
                ["!", "|", (name, "=", gold), (name, "=", False)],
                lambda t: t not in ("Gold", None),
            ),
        ):
            self.assert_found(domain, matches)
        # Bee 21.00, Cat 31.50, Dog 42.00, Elk 52.50, Fox 63.00, Gnu 73.50
        self.assertEqual(
            set(
                self.search([("customer_revenue_window", ">", 42), (name, "!=", False)])
            ),
            {"Gnu"},
        )
        self.assertEqual(
            set(
                self.search(
                    [
                        "|",
                        ("customer_revenue_window", "=", False),
                        "&",
                        (name, "=", gold),
                        ("customer_invoice_count", "=", 3),
                    ]
                )
            ),
            {"Bee", "Contact of Bee", "Hen", "Ibis"},
        )

    def test_search_by_figures(self):
        later_than = self.today - timedelta(days=31)
        found = {
            name
            for name, revenue in self.revenue.items()
            if self.today - timedelta(days=int(revenue)) > later_than
        } | {"Contact of Bee"}
        self.assertEqual(found, {"Ace", "Bee", "Contact of Bee"})
        self.assertEqual(
            set(self.search([("customer_last_date", ">", later_than)])), found
        )
        self.assertEqual(
            set(self.search([("customer_figures_id", "=", False)])), {"Hen", "Ibis"}
        )
        self.assertEqual(
            set(self.search([("customer_is_set_by_hand", "=", True)])),
            set(self.decided),
        )
        self.assertEqual(
            set(self.search([("customer_is_set_by_hand", "=", False)])),
            set(self.expected_tiers()) - set(self.decided),
        )

    def test_group_with_sums_as_the_list_does(self):
        """The list sums several figures, and asks for their currencies."""
        self.assertEqual(
            self.Partner.formatted_read_group(
                [("id", "in", self.everybody.ids), (self.field_name, "!=", False)],
                [],
                [
                    "customer_revenue_window:sum",
                    "customer_revenue_window:sum_currency",
                    "customer_currency_id:array_agg_distinct",
                ],
            )[0]["customer_currency_id:array_agg_distinct"],
            self.env.company.currency_id.ids,
        )

    def test_group(self):
        groups = self.Partner._read_group(
            [("id", "in", self.everybody.ids)],
            [self.field_name],
            ["__count", "customer_revenue_window:sum"],
        )
        count, total = Counter(), defaultdict(float)
        for name, tier in self.expected_tiers().items():
            count[tier] += 1
            # a contact shows its company's revenue, which is summed once
            total[tier] += self.revenue.get(name, 0)
        self.assertEqual(
            [(g.name or None, n, round(t or 0, 2)) for g, n, t in groups],
            # in the order of the categories, nothing last
            [
                (tier, count[tier], round(total[tier], 2))
                for tier in (*TIERS, None)
                if count[tier]
            ],
        )
        rows = self.Partner.formatted_read_group(
            [("id", "in", self.everybody.ids)], [self.field_name], ["__count"]
        )
        for row in rows:  # what opens when a group is unfolded
            self.assertEqual(
                len(self.search(row["__extra_domain"])), row["__count"], row
            )

    def test_sort(self):
        tiers = self.expected_tiers()
        for direction, order in (("", (*TIERS, None)), (" desc", (None, *TIERS[::-1]))):
            self.assertEqual(
                self.search([], order=f"{self.field_name}{direction}, name"),
                sorted(tiers, key=lambda n, o=order: (o.index(tiers[n]), n)),
            )
        names = [*self.computed]
        self.assertEqual(
            self.search(
                [("name", "in", names)], order="customer_revenue_window desc", limit=3
            ),
            sorted(names, key=self.revenue.get, reverse=True)[:3],
        )
        self.assertEqual(
            self.search([("name", "in", names)], order="customer_last_date"),
            sorted(names, key=self.revenue.get, reverse=True),
        )

    def test_from_invoices(self):
        moves = self.env["account.move"]
        for name in ("Ace", "Bee", "Elk"):
            moves += self.post(self.customers[name], 10, 3, post=False)
        moves += self.post(self.contact, 10, 3, post=False)
        found = self.env["account.move"].search(
            [(f"partner_id.{self.field_name}", "=", self.gold.id)]
        )
        self.assertEqual(found & moves, moves[1] + moves[3])
        found = self.env["account.move"].search(
            [
                ("id", "in", moves.ids),
                (f"partner_id.{self.field_name}", "=", False),
            ]
        )
        self.assertEqual(found, moves[2])

    def test_companies(self):
        other = self.setup_other_company(name="Other company")["company"]
        self.fill(other, {"Ace": "Bronze", "Bee": "Platinum"})
        partner = self.Partner.with_company(other)
        domain = [("id", "in", self.everybody.ids)]
        found = partner.search([*domain, (self.field_name, "!=", False)])
        self.assertEqual(
            {p.name: p[self.field_name].name for p in found},
            {"Ace": "Bronze", "Bee": "Platinum", "Contact of Bee": "Platinum"},
        )
        self.assertEqual(
            {
                tier.name: count
                for tier, count in partner._read_group(
                    domain, [self.field_name], ["__count"]
                )
            },
            {"Platinum": 2, "Bronze": 1, False: 7},
        )
        self.test_read()  # here, nothing changed

    def test_decisions_end(self):
        for days in (1, 11, 31):
            tiers = self.expected_tiers(days)
            # midday: the same day in the company's time zone and in UTC
            moment = f"{self.today + timedelta(days=days)} 12:00:00"
            with freeze_time(moment), self.subTest(days=days):
                self.env.invalidate_all()
                self.assertEqual(
                    {p.name: p[self.field_name].name or None for p in self.everybody},
                    tiers,
                )
                for tier in TIERS:
                    self.assert_found(
                        [(self.field_name, "=", self.tiers[tier].id)],
                        lambda t, tier=tier: t == tier,
                        days,
                    )
                groups = self.Partner._read_group(
                    [("id", "in", self.everybody.ids)], [self.field_name], ["__count"]
                )
                self.assertEqual(
                    {tier.name or None: count for tier, count in groups},
                    Counter(tiers.values()),
                )
        self.assertEqual(self.expected_tiers(31)["Cat"], "Gold")
        self.assertEqual(self.expected_tiers(1)["Fox"], "Bronze")

    def test_list_of_customers_sums_each_once(self):
        action = self.env.ref("customer_classification.res_partner_action")
        domain = Domain(safe_eval(action.domain)) & Domain(
            "id", "in", self.everybody.ids
        )
        [[total, count]] = self.Partner._read_group(
            domain, aggregates=["customer_revenue_window:sum", "__count"]
        )
        self.assertEqual(total, sum(self.revenue.values()))
        self.assertEqual(
            count, len(self.customers), "the contact of Bee is no customer"
        )


@tagged("post_install", "-at_install")
class TestDaysSince(ClassificationCommon):
    def test_days_follow_the_calendar(self):
        buyer, never = self.make_customer("Buyer"), self.make_customer("Never")
        self.post(buyer, 100, 40)
        self.post(buyer, 100, 7)
        self.classify()
        both = buyer + never
        self.assertEqual(both.mapped("customer_days_since_first"), [40, 0])
        self.assertEqual(buyer.customer_days_since_last, 7)
        for domain, expected in (
            ([("customer_days_since_last", "<=", 7)], buyer),
            ([("customer_days_since_last", "<", 7)], buyer.browse()),
            ([("customer_days_since_first", ">", 39)], buyer),
            ([("customer_days_since_first", "=", 40)], buyer),
            ([("customer_days_since_first", "=", False)], never),
            ([("customer_days_since_first", "!=", False)], buyer),
            (["!", ("customer_days_since_last", "=", 7)], never),
        ):
            with self.subTest(domain):
                mine = [("id", "in", both.ids), *domain]
                self.assertEqual(self.env["res.partner"].search(mine), expected)
