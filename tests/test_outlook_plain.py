from datetime import timedelta

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged

from .test_rules import RulesCommon


@tagged("post_install", "-at_install")
class TestOutlookPlain(RulesCommon):
    """What decides where no amount does: fields, several categories, all companies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alpha = cls.make_customer("Alpha")
        cls.user = cls.make_user("plain_user")
        cls.user.lang = "en_US"

    def mirror(self, code, *field_names):
        Fields = self.env["ir.model.fields"]
        return self.Dimension.create(
            {
                "name": code.title(),
                "code": code,
                "method": "field",
                "level_ids": [
                    Command.create(
                        {"field_id": Fields._get("res.partner", name).id, "sequence": n}
                    )
                    for n, name in enumerate(field_names)
                ],
            }
        )

    def row_of(self, dimension, name=None):
        rows = self.Assignment.search(
            [("partner_id", "=", self.alpha.id), ("dimension_id", "=", dimension.id)]
        )
        return rows.filtered(lambda r: not name or r.category_id.name == name)

    def texts_of(self, row):
        return [line["text"] for line in row.with_user(self.user).get_outlook()]

    def test_mirrored(self):
        china = self.env.ref("base.cn")
        self.alpha.country_id = china
        one = self.mirror("land", "country_id")
        two = self.mirror("place", "country_id", "city")
        self.classify()
        self.assertEqual(
            self.texts_of(self.row_of(one)),
            [
                "This follows the contact's field Country: change it there, and the "
                "next computation follows.",
                "No day takes this category away by itself.",
            ],
        )
        self.assertEqual(
            self.texts_of(self.row_of(two))[0],
            "This follows the contact's fields Country, City: change them there, and "
            "the next computation follows.",
        )
        self.assertFalse(self.row_of(one).get_short_outlook())

    def test_shared(self):
        dimension = self.make_dimension(
            "everywhere",
            ["A", "B"],
            [("A", [("city", "=", "Hangzhou")]), ("B", [])],
            is_shared=True,
        )
        self.alpha.city = "Hangzhou"
        self.classify()
        texts = self.texts_of(self.row_of(dimension))
        self.assertEqual(
            texts,
            [
                "This follows from the contact: City. Change it there, and the next "
                "computation follows.",
                "No day takes this category away by itself.",
            ],
        )

    def test_shared_and_today(self):
        dimension = self.make_dimension(
            "everywhere",
            ["A"],
            [("A", [("create_date", ">", "today -90d")])],
            is_shared=True,
        )
        self.classify()
        self.assertIn("compares with today", self.texts_of(self.row_of(dimension))[1])

    def test_several(self):
        """Bought within 60 days, or in a city: each category has its own day."""
        dimension = self.make_dimension(
            "several",
            ["Fresh", "Local", "Rest"],
            [
                ("Fresh", [("customer_days_since_last", "<=", 60)]),
                ("Fresh", [("customer_days_since_last", "<=", 30)]),
                ("Local", [("city", "=", "Hangzhou")]),
            ],
            is_multiple=True,
        )
        self.alpha.city = "Hangzhou"
        self.post(self.alpha, 10, 20)
        self.classify()
        fresh = self.row_of(dimension, "Fresh")
        local = self.row_of(dimension, "Local")
        day = self.day(20 - 61)
        shown = day.strftime("%m/%d/%Y")
        self.assertEqual(
            fresh.with_user(self.user).get_short_outlook(),
            {fresh.id: f"Ends on {shown} unless something is invoiced before"},
        )
        texts = self.texts_of(fresh)
        self.assertIn(f"Ends on {shown} if nothing happens.", texts)
        eve = day - timedelta(days=1)
        self.assertIn(
            f"To stay Fresh: any invoice dated {eve.strftime('%m/%d/%Y')}.", texts
        )
        self.assertIn("Also decides, and is taken as it is today: City.", texts)
        self.assertFalse(local.get_short_outlook()[local.id])
        self.assertIn(
            "If nothing happens, no day takes this category away.", self.texts_of(local)
        )
        for when, names in ((eve, ["Fresh", "Local"]), (day, ["Local"])):
            with self.env.cr.savepoint() as savepoint, freeze_time(when):
                self.classify()
                self.assertEqual(self.shown(self.alpha, dimension), names)
                savepoint.rollback()
            self.env.invalidate_all()

    def test_several_and_the_default(self):
        """The default category comes where no rule matches any more."""
        dimension = self.make_dimension(
            "several",
            ["Fresh", "Rest"],
            [("Fresh", [("customer_days_since_last", "<=", 60)])],
            is_multiple=True,
        )
        dimension.default_category_id = self.category(dimension, "Rest")
        self.post(self.alpha, 10, 70)
        self.classify()
        self.assertEqual(self.shown(self.alpha, dimension), ["Rest"])
        rest = self.row_of(dimension, "Rest")
        case = self.env["customer.outlook"]._get_case(
            rest.ruleset_id, self.alpha, rest.slot
        )
        self.assertTrue(case.judge(self.today).category_id)
        bought = case.judge(self.today, [(self.today, 1)])
        self.assertFalse(bought.category_id)
