from odoo.exceptions import UserError
from odoo.tests import tagged

from .shipped import ShippedCommon

CODES = {
    "nature",
    "business_type",
    "industry",
    "size",
    "region",
    "area",
    "value_tier",
    "spending",
    "frequency",
    "loyalty",
    "lifecycle",
    "payment",
    "behaviour",
    "product_preference",
    "feedback",
    "needs",
    "service_cost",
}


@tagged("post_install", "-at_install")
class TestShippedConfiguration(ShippedCommon):
    """The shipped configuration as a whole."""

    dimension_codes = CODES

    @classmethod
    def make_data(cls):
        cls.add("Buyer", (10, 100))
        cls.product_a.categ_id.name = "Test Category"

    def test_every_dimension_is_explained(self):
        self.assertEqual(set(self.dimensions), CODES)
        for code, dimension in self.dimensions.items():
            with self.subTest(code):
                self.assertTrue(dimension.description)
                self.assertTrue(dimension.group_id)
                self.assertNotEqual(dimension.icon, "fa-tag")

    def test_one_customer_in_all_dimensions(self):
        self.assertEqual(
            {code: self.category_of(self.customers["Buyer"], code) for code in CODES},
            {
                "nature": "Enterprise",
                "business_type": "",
                "industry": "",
                "size": "Small company",
                "region": "",
                "area": "",
                "value_tier": "Bronze",
                "spending": "High spending",
                "frequency": "Low frequency",
                "loyalty": "Occasional",
                "lifecycle": "New customer",
                "payment": "Late payer",
                "behaviour": "Purchasing",
                "product_preference": "Test Category",
                "feedback": "",
                "needs": "",
                "service_cost": "Low cost",
            },
        )

    def test_second_run_changes_nothing(self):
        run = self.classify()
        self.assertEqual((run.created_count, run.changed_count), (0, 0))

    def test_retired_dimensions_give_nothing(self):
        names = [d.partner_field_name for d in self.dimensions.values()]
        for dimension in self.dimensions.values():
            dimension.active = False
        self.classify()
        buyer = self.customers["Buyer"]
        for name in names:
            with self.subTest(name):
                self.assertFalse(buyer[name])
                self.assertFalse(self.env["res.partner"].search([(name, "!=", False)]))

    def test_used_dimension_is_kept(self):
        with self.assert_refused(UserError, "Archive"):
            self.dimensions["lifecycle"].unlink()

    def test_rules_wait_for_their_app(self):
        """A rule about leads is on exactly where leads are counted."""
        partner_fields = self.env["res.partner"]._fields
        rules = self.env["customer.dimension.rule"].with_context(active_test=False)
        optional = rules.search(
            [("domain", "ilike", "x_met_leads"), ("dimension_id.code", "in", [*CODES])]
        )
        self.assertEqual(optional.mapped("name"), ["Has a lead of the last 365 days"])
        self.assertEqual(optional.active, "x_met_leads" in partner_fields)
        self.assertEqual(optional.is_waiting, not optional.active)

    def test_waiting_rule_is_switched_on_once(self):
        rule = self.env.ref("customer_classification.rule_behaviour_inquiring")
        rule.write({"active": False})
        rule.write({"is_waiting": True, "domain": "[('x_met_missing', '>', 0)]"})
        rule._activate_waiting()
        self.assertFalse(rule.active)
        rule.domain = "[('customer_invoice_count', '>', 0)]"
        rule._activate_waiting()
        self.assertEqual((rule.active, rule.is_waiting), (True, False))
        rule.active = False
        rule._activate_waiting()
        self.assertFalse(rule.active, "what people switched off stays off")
