from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .test_rules import RulesCommon


@tagged("post_install", "-at_install")
class TestMirrored(RulesCommon):
    def mirror(self, code, *field_names, **values):
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
                **values,
            }
        )

    def paths(self, dimension, partners):
        """Return the category of each customer with those above it, by name."""
        field_name = dimension.partner_field_name
        return {p.name: p[field_name].complete_name for p in partners}

    def test_categories_appear_as_values_appear(self):
        farm = self.env["res.partner.industry"].create({"name": "Farming"})
        farmer = self.make_customer("Farmer", industry_id=farm.id)
        other = self.make_customer("Other")
        dimension = self.mirror("branch", "industry_id")
        self.classify()
        self.assertEqual(self.shown(farmer, dimension), ["Farming"])
        self.assertEqual(self.shown(other, dimension), [])
        mining = self.env["res.partner.industry"].create({"name": "Mining"})
        other.industry_id = mining
        before = dimension.category_ids
        self.classify()
        self.assertEqual(self.shown(other, dimension), ["Mining"])
        self.assertEqual((dimension.category_ids - before).mapped("name"), ["Mining"])

    def test_selection(self):
        customer = self.make_customer("Customer", tz="Europe/Berlin")
        dimension = self.mirror("zone", "tz")
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["Europe/Berlin"])

    def test_tree_down_to_where_the_address_ends(self):
        china, germany = self.env.ref("base.cn"), self.env.ref("base.de")
        state = self.env["res.country.state"].create(
            {"name": "Test Province", "code": "TP", "country_id": china.id}
        )
        partners = self.env["res.partner"].union(
            self.make_customer(
                "Full", country_id=china.id, state_id=state.id, city="Linping"
            ),
            self.make_customer(
                "Blank", country_id=china.id, state_id=state.id, city=" LINPING "
            ),
            self.make_customer("State", country_id=china.id, state_id=state.id),
            # not every country has states; a city alone says too little
            self.make_customer("Gap", country_id=germany.id, city="Linping"),
            self.make_customer("City", city="Linping"),
            self.make_customer("Nothing"),
        )
        dimension = self.mirror("place", "country_id", "state_id", "city")
        self.classify()
        self.assertEqual(
            self.paths(dimension, partners),
            {
                "Full": "China › Test Province › Linping",
                "Blank": "China › Test Province › Linping",
                "State": "China › Test Province",
                "Gap": "Germany › Linping",
                "City": False,
                "Nothing": False,
            },
        )
        in_china = self.category(dimension, "China")
        found = self.env["res.partner"].search(
            [
                ("id", "in", partners.ids),
                (dimension.partner_field_name, "child_of", in_china.id),
            ]
        )
        self.assertEqual(set(found.mapped("name")), {"Full", "Blank", "State"})

    def test_merged_value_goes_to_its_successor(self):
        one, two = self.env["res.partner.industry"].create(
            [{"name": "Shop"}, {"name": "Store"}]
        )
        customer = self.make_customer("Customer", industry_id=one.id)
        self.make_customer("Another", industry_id=two.id)
        dimension = self.mirror("branch", "industry_id")
        self.classify()
        shop, store = (self.category(dimension, name) for name in ("Shop", "Store"))
        shop._merge_into(store)
        self.assertEqual(self.shown(customer, dimension), ["Store"])
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["Store"])

    def test_names_in_each_language(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        industry = self.env["res.partner.industry"].create({"name": "Brewing"})
        industry.with_context(lang="zh_CN").name = "酿造"
        self.make_customer("Brewer", industry_id=industry.id)
        dimension = self.mirror("branch", "industry_id")
        self.classify()
        category = dimension.category_ids
        self.assertEqual(category.with_context(lang="en_US").name, "Brewing")
        self.assertEqual(category.with_context(lang="zh_CN").name, "酿造")

    def test_decision_by_hand_outranks(self):
        industry = self.env["res.partner.industry"].create({"name": "Farming"})
        customer = self.make_customer("Customer", industry_id=industry.id)
        dimension = self.mirror("branch", "industry_id")
        online = self.Category.create({"name": "Online", "dimension_id": dimension.id})
        self.classify()
        self.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": dimension.id,
                "category_id": online.id,
                "reason": "Sells on the web only",
            }
        )
        self.classify()
        self.assertEqual(self.shown(customer, dimension), ["Online"])

    def test_only_readable_fields(self):
        # `company_type` is computed and has no column
        with self.assert_refused(ValidationError, "cannot be mirrored"):
            self.mirror("kind", "company_type")

    def test_needs_a_field(self):
        with self.assert_refused(ValidationError, "choose which"):
            self.mirror("none")
