"""The upgrade from 19.0.1.0.0, on tables put back into that release's form."""

import json

from odoo.modules import load_script
from odoo.tests import tagged
from odoo.tools import SQL

from .common import ClassificationCommon

ADDON = "customer_classification"
VERSION = "19.0.2.0.0"


def load(stage):
    """Return the script of a stage, whose name Python cannot import."""
    path = f"{ADDON}/migrations/{VERSION}/{stage}-migration.py"
    return load_script(path, f"{stage}_migration")


@tagged("post_install", "-at_install")
class TestMigration(ClassificationCommon):
    """All that people had is there after the upgrade, and nothing changes by it."""

    def setUp(self):
        super().setUp()
        for number in range(6):
            self.post(self.make_customer(f"Customer {number}"), 10 + number, number)
        monetary = self.dimension.criterion_ids[2]
        monetary.write(
            {"cut_mode": "fixed", "cut_2": 11, "cut_3": 12, "cut_4": 13, "cut_5": 14.5}
        )
        self.classify()
        self.rows = self.Assignment.search([("dimension_id", "=", self.dimension.id)])
        self.assertEqual(len(self.rows), 6)

    def sql(self, query, *args):
        self.env.flush_all()
        self.env.cr.execute(SQL(query, *args))
        self.env.invalidate_all()

    def migrate(self, stage):
        self.env.flush_all()
        load(stage).migrate(self.env.cr, "19.0.1.0.0")
        self.env.invalidate_all()

    def restore_criteria(self):
        """Name the metrics by the columns of the figures only, as they were."""
        self.sql("ALTER TABLE customer_dimension_criterion ADD COLUMN metric VARCHAR")
        self.sql(
            """
            UPDATE customer_dimension_criterion AS criterion
               SET metric = metric.code
              FROM customer_metric AS metric
             WHERE metric.id = criterion.metric_id
            """
        )
        self.sql(
            "ALTER TABLE customer_dimension_criterion ALTER metric_id DROP NOT NULL"
        )
        self.sql("UPDATE customer_dimension_criterion SET metric_id = NULL")

    def restore_versions(self):
        """Forget what the former versions did not note."""
        self.sql(
            "ALTER TABLE customer_ruleset_criterion ALTER value_type DROP NOT NULL"
        )
        self.sql(
            """
            UPDATE customer_ruleset_criterion
               SET value_type = NULL, axis = NULL, higher_is_better = NULL
            """
        )
        self.sql("UPDATE customer_ruleset SET settings = NULL")
        self.sql("UPDATE customer_ruleset_limit SET keep_score = NULL")

    def restore_inputs(self):
        """Note the figures as they were, and beside them the points by axis."""
        for row in self.rows:
            inputs = row.ruleset_id._expand_inputs(row.inputs)
            figures = {code: value for code, (value, _) in inputs["criteria"].items()}
            former = {"as_of": inputs["as_of"], "score": inputs["score"], **figures}
            self.sql(
                """
                UPDATE customer_assignment
                   SET inputs = %s::jsonb || jsonb_build_object(
                           'recency_score', recency_score,
                           'frequency_score', frequency_score,
                           'monetary_score', monetary_score
                       )
                 WHERE id = %s
                """,
                json.dumps(former),
                row.id,
            )

    def test_nothing_changes(self):
        ruleset = self.Ruleset._get_in_force(self.dimension, self.env.company)
        metrics = self.dimension.criterion_ids.metric_id
        before = self.rows.read(["category_id", "score", "since", "ruleset_id"])
        explanations = self.rows.mapped("explanation")
        inputs = [row.ruleset_id._expand_inputs(row.inputs) for row in self.rows]
        self.restore_inputs()
        self.restore_criteria()
        self.restore_versions()
        self.migrate("post")

        self.assertEqual(self.dimension.criterion_ids.metric_id, metrics)
        self.assertEqual(self.rows.mapped("explanation"), explanations)
        for row, before_it in zip(self.rows, inputs, strict=True):
            self.assertEqual({**row.inputs, **before_it}, row.inputs)
        self.assertFalse(self.dimension.has_pending_settings)
        self.classify()
        in_force = self.Ruleset._get_in_force(self.dimension, self.env.company)
        self.assertEqual(in_force, ruleset)
        self.assertEqual(
            self.rows.read(["category_id", "score", "since", "ruleset_id"]), before
        )

    def test_settings_of_people_stay(self):
        self.dimension.write({"name": "My tiers", "refresh_days": 7, "sequence": 10})
        self.sql("UPDATE customer_dimension SET is_main = NULL, group_id = NULL")
        self.restore_criteria()
        self.migrate("post")
        self.assertEqual(
            (self.dimension.name, self.dimension.refresh_days, self.dimension.sequence),
            ("My tiers", 7, 10),
        )
        self.assertTrue(self.dimension.is_main)
        self.assertTrue(self.dimension.group_id)

    def test_record_rules_are_today_s(self):
        name = "customer_classification.customer_assignment_rule_company"
        rule = self.env.ref(name)
        domain = rule.domain_force
        rule.domain_force = "[('company_id', 'parent_of', company_ids)]"
        self.restore_criteria()
        self.migrate("post")
        self.assertEqual(rule.domain_force, domain)

    def test_partner_fields_say_what_they_show(self):
        field = self.env["ir.model.fields"]._get("res.partner", "x_cls_value_tier_id")
        self.sql(
            """
            UPDATE ir_model_fields
               SET customer_dimension_part = NULL, customer_groups = NULL
             WHERE id = %s
            """,
            field.id,
        )
        self.migrate("pre")
        self.assertEqual(field.customer_dimension_part, "category")
        self.assertEqual(
            field.customer_groups,
            "customer_classification.group_customer_classification_user",
        )

    def test_code_that_ships_now(self):
        """An own dimension makes room, and what names its field follows."""
        own = self.env.ref("customer_classification.dimension_industry")
        saved = self.env["ir.filters"].create(
            {
                "name": "Steel",
                "model_id": "res.partner",
                "domain": "[('x_cls_industry_id.code', '=', 'x_cls_industry_ids')]",
                "context": "{'group_by': ['x_cls_industry_id']}",
            }
        )
        self.migrate("pre")
        self.assertEqual(own.code, f"industry_{own.id}")
        name = f"x_cls_industry_{own.id}_id"
        self.assertEqual(saved.domain, f"[('{name}.code', '=', 'x_cls_industry_ids')]")
        self.assertEqual(saved.context, f"{{'group_by': ['{name}']}}")
        fields = self.env["ir.model.fields"].search([("name", "=", name)])
        self.assertIn(own, fields.customer_dimension_id)
