"""The upgrade from 19.0.2.0.0 of the main product category, a custom metric then."""

from odoo.modules import load_script
from odoo.tests import tagged
from odoo.tools import SQL

from .product_common import ProductCommon


def load(stage):
    """Return the script of a stage, whose name Python cannot import."""
    path = f"customer_classification/migrations/19.0.3.0.0/{stage}-migration.py"
    return load_script(path, f"{stage}_migration")


@tagged("post_install", "-at_install")
class TestProductMigration(ProductCommon):
    """What used the metric uses the figure, and nobody's category changes."""

    dimension_codes = ("product_preference",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dimension = cls.env.ref(
            "customer_classification.dimension_product_preference"
        )
        cls.metric = cls.get_metric("main_product_category_id")

    def sql(self, query, *args):
        self.env.flush_all()
        self.env.cr.execute(SQL(query, *args))
        self.env.invalidate_all()

    def restore(self):
        """Put the metric into its former form."""
        self.sql(
            """
            UPDATE customer_metric
               SET kind = 'custom', code = 'main_product_category',
                   model_name = 'account.invoice.report',
                   partner_path = 'commercial_partner_id',
                   domain = '[("state", "=", "posted")]', measure = 'main',
                   measure_path = 'price_subtotal', company_path = 'company_id',
                   reference_path = 'product_categ_id', date_path = 'invoice_date',
                   window_days = 365, is_company_aware = TRUE
             WHERE id = %s
            """,
            self.metric.id,
        )
        self.sql(
            "UPDATE ir_model_data SET name = 'metric_main_product_category'"
            " WHERE name = 'metric_main_product_category_id'"
        )
        self.metric._create_partner_fields()
        Field = self.env["ir.model.fields"]
        field = Field._get("res.partner", "x_met_main_product_category")
        self.assertTrue(field)
        self.dimension.level_ids.field_id = field

    def test_everything_follows(self):
        self.restore()
        self.trade(self.alpha, 9, {"product": "Tea", "price": 10})
        self.trade(self.beta, 9, {"product": "Pot", "price": 10})
        people_s_own = self.env["ir.filters"].create(
            {
                "name": "Tea drinkers",
                "model_id": "res.partner",
                "domain": "[('x_met_main_product_category', 'ilike', 'tea')]",
            }
        )
        self.classify()
        before = {p: p.x_cls_product_preference_id for p in self.alpha | self.beta}
        self.assertEqual(before[self.alpha].name, "Teas")
        for stage in ("pre", "post"):
            self.env.flush_all()
            load(stage).migrate(self.env.cr, "19.0.2.0.0")
            self.env.invalidate_all()
        self.assertEqual(self.get_metric("main_product_category_id"), self.metric)
        self.assertEqual(
            (self.metric.kind, self.metric.code),
            ("figure", "main_product_category_id"),
        )
        self.assertEqual(self.metric.relation, "product.category")
        level = self.dimension.level_ids
        name = "customer_main_product_category_id"
        self.assertEqual((level.field_id.name, level.field_name), (name, name))
        self.assertNotIn("x_met_main_product_category", self.alpha._fields)
        self.assertEqual(people_s_own.domain, f"[('{name}', 'ilike', 'tea')]")
        assignment = self.assignment_of(self.alpha)
        self.assertEqual(assignment.inputs["fields"], [name])
        self.assertIn("Main Product Category", assignment.explanation)
        self.assertFalse(self.classify().changed_count)
        for partner, category in before.items():
            self.assertEqual(partner.x_cls_product_preference_id, category)
