from datetime import datetime, timedelta

from odoo import fields

from .campaign_common import MARKETER, PAYMENT
from .common import MANAGER
from .test_rules import RulesCommon


class AudienceCommon(RulesCommon):
    """Customers with categories of every kind, and people who ask for them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Audience = cls.env["customer.audience"]
        cls.company = cls.env.company
        # customers of the database itself are none of the test's
        cls.company.customer_population_domain = (
            "[('customer_rank', '>', 0), ('ref', '=like', 'AUD%')]"
        )
        cls.marketer = cls.make_user("marketer", MARKETER)
        # a marketer who is trusted with how customers pay
        cls.treasurer = cls.make_user("treasurer", f"{MARKETER},{PAYMENT}")
        cls.chief = cls.make_user("chief", f"{MARKETER},{MANAGER}")

    @classmethod
    def make_customer(cls, name, **values):
        return super().make_customer(name, **{"ref": f"AUD {name}", **values})

    @classmethod
    def make_contact(cls, customer, name, **values):
        return cls.env["res.partner"].create(
            {"name": name, "parent_id": customer.id, "type": "contact", **values}
        )

    def make_audience(self, name="Audience", **values):
        """Create an audience; categories are given as recordsets."""
        for key, value in values.items():
            if key.endswith("_ids") and not isinstance(value, list):
                values[key] = [fields.Command.set(value.ids)]
        return self.Audience.create({"name": name, **values})

    def give(self, customer, category, since=None, company=None):
        """Let the engine have given a category, since a moment."""
        dimension = category.dimension_id
        owner = self.env["res.company"]
        if not dimension.is_shared:
            owner = company or self.company
        return self.Assignment.sudo().create(
            {
                "partner_id": customer.id,
                "company_id": owner.id,
                "dimension_id": dimension.id,
                "slot": category.id if dimension.is_multiple else 0,
                "category_id": category.id,
                "since": since or datetime.now() - timedelta(days=1000),
            }
        )

    def decide(self, customer, category, operation=None, dimension=None, **values):
        """Let a person decide."""
        dimension = dimension or category.dimension_id
        usual = "add" if dimension.is_multiple else "set"
        return self.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": dimension.id,
                "operation": operation or usual,
                "category_id": category.id if category else False,
                "reason": "As agreed",
                **values,
            }
        )

    def found(self, audience, user=None):
        """Return the customers of an audience as its query gives them."""
        if user:
            audience = audience.with_user(user)
        self.env.flush_all()
        rows = self.env.execute_query(audience._get_customers_query())
        ids = [row[0] for row in rows]
        self.assertEqual(len(ids), len(set(ids)), "a customer is there twice")
        return self.env["res.partner"].browse(sorted(ids))

    def names(self, audience, user=None):
        return sorted(self.found(audience, user).sudo().mapped("name"))
