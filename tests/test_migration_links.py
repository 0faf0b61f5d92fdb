"""The upgrade from 19.0.5.0.0: links that the database does not check any more."""

from odoo.modules import load_script
from odoo.tests import tagged
from odoo.tools import SQL

from .common import ClassificationCommon

SCRIPT = "customer_classification/migrations/19.0.6.0.0/pre-links.py"
#: The foreign keys of 19.0.5.0.0 that go, by column
GONE = {
    "partner_id": "res_partner",
    "company_id": "res_company",
    "dimension_id": "customer_dimension",
    "old_category_id": "customer_category",
    "new_category_id": "customer_category",
    "run_id": "customer_classification_run",
    "ruleset_id": "customer_ruleset",
}
HISTORY = "customer_assignment_history"
SCOPE = "customer_classification_scope"


@tagged("post_install", "-at_install")
class TestLinksMigration(ClassificationCommon):
    def add_key(self, table, column, referenced):
        """Add a foreign key and what Odoo notes of it."""
        name = f"{table}_{column}_fkey"
        self.env.cr.execute(
            SQL(
                "ALTER TABLE %s ADD CONSTRAINT %s"
                " FOREIGN KEY (%s) REFERENCES %s (id) NOT VALID",
                *map(SQL.identifier, (table, name, column, referenced)),
            )
        )
        model = table.replace("_", ".")
        self.env["ir.model.constraint"].sudo().create(
            {
                "name": name,
                "model": self.env["ir.model"]._get_id(model),
                "module": self.env.ref("base.module_customer_classification").id,
                "type": "f",
            }
        )

    def get_keys(self, table):
        """Return the columns with a foreign key, and those that Odoo knows of."""
        keys = self.env.execute_query(
            SQL(
                """
                SELECT link.attname
                  FROM pg_constraint AS key
                  JOIN pg_attribute AS link
                    ON link.attrelid = key.conrelid AND link.attnum = key.conkey[1]
                 WHERE key.contype = 'f' AND key.conrelid = %s::regclass
                """,
                table,
            )
        )
        noted = self.env["ir.model.constraint"].sudo()
        noted = noted.search([("type", "=", "f"), ("name", "=like", f"{table}%_fkey")])
        return (
            {column for [column] in keys},
            {name[len(table) + 1 : -len("_fkey")] for name in noted.mapped("name")},
        )

    def test_links_of_runs_are_checked_no_more(self):
        kept = self.get_keys(HISTORY)
        self.assertEqual(kept[0], {"user_id", "bulk_id"})
        for column, referenced in GONE.items():
            self.add_key(HISTORY, column, referenced)
        self.add_key(SCOPE, "line_id", "customer_classification_run_line")
        self.assertEqual(self.get_keys(HISTORY)[0], kept[0] | GONE.keys())
        load_script(SCRIPT, "pre_links").migrate(self.env.cr, "19.0.5.0.0")
        self.assertEqual(self.get_keys(HISTORY), kept)
        self.assertEqual(self.get_keys(SCOPE), (set(), set()))
