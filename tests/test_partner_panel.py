from datetime import timedelta
from functools import partial

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import USER, ClassificationCommon

FIELD = "customer_category_ids"
CODES = ("single", "several", "shared", "tree", "tree_several", "old")


@tagged("post_install", "-at_install")
class TestPartnerPanel(ClassificationCommon):
    """Searching, grouping and the panel say what assignments and decisions say.

    What is expected is worked out in plain Python from their rows.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Partner = cls.env["res.partner"]
        cls.Category = cls.env["customer.category"]
        cls.company = cls.env.company
        cls.other = cls.setup_other_company()["company"]
        cls.branch = cls.env["res.company"].create(
            {"name": "Branch", "parent_id": cls.company.id}
        )
        cls.env.user.company_ids |= cls.other | cls.branch
        cls.env["customer.dimension"].search([]).active = False
        cls.dimensions = {
            code: cls.env["customer.dimension"].create(
                {
                    "name": code.title(),
                    "code": f"panel_{code}",
                    "is_multiple": "several" in code,
                    "is_shared": code == "shared",
                    "category_ids": [
                        Command.create({"name": f"{code} {letter}"}) for letter in "abc"
                    ],
                }
            )
            for code in CODES
        }
        for code in ("tree", "tree_several"):
            top = cls.dimensions[code].category_ids[0]
            for letter in "xy":
                child = cls.Category.create(
                    {
                        "name": f"{code} a{letter}",
                        "dimension_id": top.dimension_id.id,
                        "parent_id": top.id,
                    }
                )
                cls.Category.create(
                    {
                        "name": f"{code} a{letter}1",
                        "dimension_id": top.dimension_id.id,
                        "parent_id": child.id,
                    }
                )
        cls.salesperson = cls.make_user("panel_sales")
        group = cls.env["res.groups"].create({"name": "Own customers only"})
        cls.salesperson.group_ids |= group
        cls.env["ir.rule"].create(
            {
                "name": "Own customers only",
                "model_id": cls.env["ir.model"]._get("res.partner").id,
                "groups": [Command.set(group.ids)],
                "domain_force": "[('user_id', '=', user.id)]",
            }
        )
        cls.customers = cls.Partner
        for number in range(12):
            customer = cls.make_customer(
                f"Panel {number}",
                user_id=cls.salesperson.id if number % 2 else False,
                city="North" if number % 3 else "South",
            )
            cls.customers |= customer
        # a contact shows its company's; the salesperson sees the second one only, and
        # not the company behind it
        cls.contacts = cls.Partner.create(
            [
                {"name": "Panel contact", "parent_id": cls.customers[1].id},
                {
                    "name": "Panel hidden",
                    "parent_id": cls.customers[2].id,
                    "user_id": cls.salesperson.id,
                },
            ]
        )
        cls.fill()
        cls.dimensions["old"].active = False

    @classmethod
    def fill(cls):
        """Give the customers categories, one in a few of them by hand."""
        today = fields.Date.today()
        for number, customer in enumerate(cls.customers):
            for position, dimension in enumerate(cls.dimensions.values()):
                categories = dimension.category_ids
                companies = (
                    [cls.company.browse()]
                    if dimension.is_shared
                    else [cls.company, cls.other]
                )
                for shift, company in enumerate(companies):
                    seed = number + position + 2 * shift
                    if seed % 4 == 3:
                        continue  # none
                    count = 1 + seed % 3 if dimension.is_multiple else 1
                    held = {
                        categories[(seed + i) % len(categories)] for i in range(count)
                    }
                    for category in held:
                        cls.assign(customer, category, company)
                    if seed % 5 == 0:
                        cls.decide(customer, categories[0], company, today)
                    elif seed % 5 == 1:  # ended
                        ended = today - timedelta(days=3)
                        cls.decide(customer, categories[1], company, ended)
                    elif seed % 5 == 2 and dimension.is_multiple:
                        first = min(held, key=lambda c: c.id)
                        cls.decide(customer, first, company, today, "exclude")
                    elif seed % 5 == 2:
                        none = cls.Category
                        cls.decide(customer, none, company, today, "none", dimension)
        cls.env.flush_all()

    @classmethod
    def assign(cls, customer, category, company, **values):
        dimension = category.dimension_id
        return cls.Assignment.sudo().create(
            {
                "partner_id": customer.id,
                "dimension_id": dimension.id,
                "company_id": company.id,
                "slot": category.id if dimension.is_multiple else 0,
                "category_id": category.id,
                "since": fields.Datetime.now(),
                **values,
            }
        )

    @classmethod
    def decide(cls, customer, category, company, end, operation=None, dimension=None):
        dimension = dimension or category.dimension_id
        override = cls.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": dimension.id,
                "company_id": company.id,
                "category_id": category.id,
                "operation": operation or ("add" if dimension.is_multiple else "set"),
                "reason": "Because",
            }
        )
        if end != fields.Date.today():
            cls.env.flush_all()
            cls.env.cr.execute(
                "UPDATE customer_override SET date_end = %s WHERE id = %s",
                [end, override.id],
            )
            override.invalidate_recordset()
        else:
            override.date_end = end
        return override

    def held(self, company):
        """Return sets of categories by customer and dimension, in plain Python."""
        today = fields.Date.today()
        result = {}
        for row in self.Assignment.sudo().search([("category_id", "!=", False)]):
            if row.dimension_id.active and row.company_id in (
                company,
                company.browse(),
            ):
                key = row.partner_id, row.dimension_id
                result.setdefault(key, set()).add(row.category_id)
        for row in self.Override.sudo().search([]):
            if not row.dimension_id.active:
                continue
            if row.company_id not in (company, company.browse()):
                continue
            if row.date_end and row.date_end < today:
                continue
            held = result.setdefault((row.partner_id, row.dimension_id), set())
            if row.operation in ("set", "none"):
                held.clear()
            if row.operation in ("set", "add"):
                held.add(row.category_id)
            if row.operation == "exclude":
                held.discard(row.category_id)
        return result

    def expect(self, partners, company, visible=None):
        """Return sets of categories by contact and dimension."""
        held = self.held(company)
        result = {}
        for partner in partners:
            customer = partner.commercial_partner_id
            for dimension in self.dimensions.values():
                found = held.get((customer, dimension), set())
                if visible is not None and customer not in visible:
                    found = set()
                result[partner, dimension] = found
        return result

    @staticmethod
    def widen(categories):
        """Return the categories with those they are part of."""
        result = set()
        for category in categories:
            while category:
                result.add(category)
                category = category.parent_id
        return result

    def panel(self, model, domain=(), checked=(), **kwargs):
        """Return the counts of the panel by category, as the browser asks for them."""
        groups = {}
        for category in checked:
            groups.setdefault(category.dimension_id.id, []).append(category.id)
        group_domain = {}
        for id_, ids in groups.items():
            for dimension in self.env["customer.dimension"].search([]):
                if dimension.id != id_:
                    key = str(dimension.id)
                    group_domain.setdefault(key, []).append([FIELD, "in", ids])
        result = model.search_panel_select_multi_range(
            FIELD,
            group_by="dimension_id",
            enable_counters=True,
            expand=True,
            limit=0,
            search_domain=[*domain],
            category_domain=[],
            filter_domain=[],
            comodel_domain=[],
            group_domain=group_domain,
            **kwargs,
        )
        return result["values"]

    def scenes(self):
        """Yield who looks at what: name, partner model, contacts, company, visible."""
        everyone = self.customers | self.contacts
        yield "company", self.Partner, everyone, self.company, None
        yield "other", self.Partner.with_company(self.other), everyone, self.other, None
        yield (
            "branch",
            self.Partner.with_company(self.branch),
            everyone,
            self.company,
            None,
        )
        own = everyone.filtered(lambda p: p.user_id == self.salesperson)
        sees = self.Partner.with_user(self.salesperson).with_company(self.company)
        yield "salesperson", sees, own, self.company, own

    @staticmethod
    def search_by(model, domain, field, operator, value):
        return model.search([*domain, (field, operator, value)]).sudo()

    @staticmethod
    def get_those(expected, dimension, condition):
        return {
            partner
            for (partner, of), found in expected.items()
            if of == dimension and condition(found)
        }

    def test_search_and_group(self):
        for name, model, partners, company, visible in self.scenes():
            expected = self.expect(partners, company, visible)
            domain = [("name", "like", "Panel"), ("id", "in", partners.ids)]
            for code, dimension in self.dimensions.items():
                field = dimension.partner_field_name

                search = partial(self.search_by, model, domain, field)
                those = partial(self.get_those, expected, dimension)

                groups = dict(model._read_group(domain, [field], ["__count"]))
                with self.subTest(name, dimension=code, category=None):
                    none = those(lambda found: not found)
                    self.assertEqual(set(search("=", False)), none)
                    self.assertEqual(set(search("!=", False)), set(partners) - none)
                    self.assertEqual(groups.get(self.Category, 0), len(none))
                for category in dimension.category_ids:
                    having = those(lambda found, category=category: category in found)
                    under = those(
                        lambda found, category=category: category in self.widen(found)
                    )
                    with self.subTest(name, dimension=code, category=category.name):
                        self.assertEqual(set(search("=", category.id)), having)
                        self.assertEqual(
                            set(search("!=", category.id)), set(partners) - having
                        )
                        self.assertEqual(
                            set(search("=", category.name)), having, "by name"
                        )
                        self.assertEqual(set(search("child_of", category.id)), under)
                        count = groups.get(category.with_env(model.env), 0)
                        self.assertEqual(count, len(having))
        self.assertTrue(having or under or none)

    def test_fields_show_the_same(self):
        for name, model, partners, company, visible in self.scenes():
            with self.subTest(name):
                self.env.invalidate_all()
                expected = self.expect(partners, company, visible)
                seen = {
                    (partner.sudo(), dimension): set(
                        partner[dimension.partner_field_name].sudo()
                    )
                    for partner in model.browse(partners.ids)
                    for dimension in self.dimensions.values()
                }
                self.assertEqual(seen, expected)
                for partner in model.browse(partners.ids):
                    every = set().union(
                        *(expected[partner.sudo(), d] for d in self.dimensions.values())
                    )
                    self.assertEqual(
                        set(partner[FIELD].sudo()), self.widen(every), partner.name
                    )

    def test_panel_counts_what_searching_finds(self):
        first = self.dimensions["single"].category_ids[0]
        second = self.dimensions["tree_several"].category_ids[0]
        for name, model, partners, company, visible in self.scenes():
            expected = self.expect(partners, company, visible)
            for checked in ((), (first,), (first, second)):
                domain = [("id", "in", partners.ids)]
                values = self.panel(model, domain, checked)
                dimensions = [d for d in self.dimensions.values() if d.active]
                self.assertEqual(
                    {value["id"] for value in values},
                    set(sum((d.category_ids.ids for d in dimensions), [])),
                )
                for value in values:
                    category = self.Category.browse(value["id"])
                    others = [
                        c for c in checked if c.dimension_id != category.dimension_id
                    ]
                    with self.subTest(name, category=category.name, checked=checked):
                        found = {
                            partner
                            for partner in partners
                            if all(
                                wanted
                                in self.widen(expected[partner, wanted.dimension_id])
                                for wanted in (category, *others)
                            )
                        }
                        self.assertEqual(value["__count"], len(found))
                        conditions = [
                            (FIELD, "in", wanted.ids) for wanted in (category, *others)
                        ]
                        searched = model.search([*domain, *conditions])
                        self.assertEqual(set(searched.sudo()), found)

    def test_several_checked_in_one_dimension_are_alternatives(self):
        expected = self.expect(self.customers, self.company)
        single = self.dimensions["single"]
        a, b, _c = single.category_ids
        north = [("city", "=", "North"), ("id", "in", self.customers.ids)]
        found = self.Partner.search([*north, (FIELD, "in", (a | b).ids)])
        self.assertEqual(
            set(found),
            {
                p
                for p in self.customers
                if p.city == "North" and expected[p, single] & {a, b}
            },
        )
        self.assertTrue(found)

    def test_panel_values(self):
        values = self.panel(self.Partner)
        groups = list(dict.fromkeys(value["group_name"] for value in values))
        self.assertEqual(
            groups, ["Single", "Several", "Shared", "Tree", "Tree_Several"]
        )
        sequences = [value["group_sequence"] for value in values]
        self.assertEqual(sequences, sorted(sequences))
        tree = [v["display_name"] for v in values if v["group_name"] == "Tree"]
        self.assertEqual(
            [name.replace("\N{EM SPACE}", "- ") for name in tree],
            [
                "tree a",
                "- tree ax",
                "- - tree ax1",
                "- tree ay",
                "- - tree ay1",
                "tree b",
                "tree c",
            ],
        )
        self.assertFalse(
            {v["id"] for v in values} & set(self.dimensions["old"].category_ids.ids)
        )

    def test_new_dimension_and_category_are_there_at_once(self):
        self.panel(self.Partner)
        dimension = self.env["customer.dimension"].create(
            {"name": "Newest", "code": "panel_newest"}
        )
        category = self.Category.create({"name": "Fresh", "dimension_id": dimension.id})
        self.decide(self.customers[0], category, self.company, fields.Date.today())
        [value] = [v for v in self.panel(self.Partner) if v["group_name"] == "Newest"]
        self.assertEqual((value["display_name"], value["__count"]), ("Fresh", 1))

    def test_large_dimension_shows_its_largest(self):
        dimension = self.env["customer.dimension"].create(
            {
                "name": "Cities",
                "code": "panel_cities",
                "category_ids": [
                    Command.create({"name": f"City {number}"}) for number in range(30)
                ],
            }
        )
        cities = dimension.category_ids
        for number, customer in enumerate(self.customers):
            self.assign(customer, cities[10 + number // 2], self.company)
        last = cities[29]

        def shown(**kwargs):
            values = self.panel(self.Partner, **kwargs)
            return [v["id"] for v in values if v["group_name"] == "Cities"]

        self.assertEqual(len(shown()), 12)
        self.assertLessEqual(set(cities[10:16].ids), set(shown()))
        self.assertNotIn(last.id, shown())
        [tooltip] = {
            value["group_tooltip"]
            for value in self.panel(self.Partner)
            if value["group_name"] == "Cities"
        }
        self.assertIn("12 largest of 30", tooltip)
        # whatever is searched, it keeps its shape; what is checked stays
        self.assertEqual(shown(domain=[("id", "=", 0)]), shown())
        self.assertIn(last.id, shown(checked=(last,)))
        # the others are found by name
        found = self.Partner.search([(FIELD, "ilike", "City 15")])
        self.assertEqual(set(found), set(self.customers[10:12]))

    def test_number_of_statements(self):
        """As many statements for twice the dimensions and ten times the categories."""

        def count():
            self.panel(self.Partner)
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self.panel(self.Partner)
            return self.env.cr.sql_log_count - start

        before = count()
        for number in range(6):
            self.env["customer.dimension"].create(
                {
                    "name": f"More {number}",
                    "code": f"panel_more_{number}",
                    "category_ids": [
                        Command.create({"name": f"{number} {i}"}) for i in range(10)
                    ],
                }
            )
        self.assertEqual(count(), before)
        self.assertLessEqual(before, 14)

    def test_who_may_see_the_dimension(self):
        group = self.env["res.groups"].create({"name": "Secret"})
        dimension = self.dimensions["single"]
        category = dimension.category_ids[0]
        dimension.view_group_ids = group
        user = self.make_user("panel_user")
        model = self.Partner.with_user(user).with_company(self.company)

        def groups():
            return {value["group_name"] for value in self.panel(model)}

        self.assertNotIn("Single", groups())
        self.assertFalse(model.search([(FIELD, "in", category.ids)]))
        customer = model.browse(self.customers.ids)
        self.assertFalse(
            customer[FIELD]
            .sudo()
            .filtered_domain([("dimension_id", "=", dimension.id)])
        )
        user.group_ids |= group
        self.env.invalidate_all()
        self.assertIn("Single", groups())
        self.assertTrue(model.search([(FIELD, "in", category.ids)]))

    def test_portal_sees_nothing(self):
        portal = new_test_user(
            self.env, "panel_portal", groups="base.group_portal", name="Portal"
        )
        for login in (portal, self.make_user("panel_plain", groups=None)):
            model = self.Partner.with_user(login)
            with self.subTest(login.login):
                with self.assertRaises(AccessError):
                    self.panel(model)
                for field in (
                    FIELD,
                    "customer_is_category_missing",
                    "customer_is_review_due",
                    "customer_is_set_by_hand",
                    "customer_category_changed",
                    self.dimensions["single"].partner_field_name,
                    self.dimensions["several"].partner_field_name,
                ):
                    with self.assertRaises(AccessError, msg=field):
                        model.search([(field, "!=", False)])
                    with self.assertRaises(AccessError, msg=field):
                        model.search([]).read([field])
                several = self.dimensions["several"].partner_field_name
                with self.assertRaises(AccessError):
                    model._read_group([], [several], ["__count"])

    def test_favourite_survives_renaming(self):
        dimension = self.dimensions["tree"]
        top = dimension.category_ids[0]
        favourite = self.env["ir.filters"].create(
            {
                "name": "Favourite",
                "model_id": "res.partner",
                "domain": repr(
                    [
                        (FIELD, "in", top.ids),
                        (dimension.partner_field_name, "child_of", top.id),
                    ]
                ),
                "context": repr({"group_by": [dimension.partner_field_name]}),
            }
        )
        before = self.Partner.search(favourite._get_eval_domain())
        self.assertTrue(before)
        dimension.name = "Renamed"
        top.name = "Renamed, too"
        self.assertEqual(self.Partner.search(favourite._get_eval_domain()), before)

    def test_export(self):
        user = self.make_user("panel_export", groups=f"{USER},base.group_allow_export")
        self.dimensions["single"].category_ids[0].name = "Exported"
        names = [
            self.dimensions["single"].partner_field_name,
            self.dimensions["several"].partner_field_name,
            "customer_category_changed",
        ]
        partners = self.customers.with_user(user).with_company(self.company)
        rows = partners.export_data(["name", *names])["datas"]
        expected = self.expect(self.customers, self.company)
        for partner, row in zip(self.customers, rows, strict=True):
            single = expected[partner, self.dimensions["single"]]
            several = expected[partner, self.dimensions["several"]]
            self.assertEqual(row[1], next(iter(single)).name if single else "")
            self.assertEqual(
                set(filter(None, row[2].split(","))), {c.name for c in several}
            )
            self.assertTrue(row[3])
