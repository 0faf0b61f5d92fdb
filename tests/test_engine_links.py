from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL

from .common import ClassificationCommon

#: Tables that the engine fills for every customer
TABLES = (
    "customer_assignment",
    "customer_figures",
    "customer_metric_value",
    "customer_staging",
)


@tagged("post_install", "-at_install")
class TestEngineLinks(ClassificationCommon):
    """Rows of the engine when what they link to is deleted, without foreign keys."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer("Customer")
        cls.other = cls.make_customer("Other")

    def fetch(self, query, *args):
        self.env.flush_all()
        return self.env.execute_query(SQL(query, *args))

    def count(self, table, column, record):
        [[count]] = self.fetch(
            "SELECT count(*) FROM %s WHERE %s = %s",
            SQL.identifier(table),
            SQL.identifier(column),
            record.id,
        )
        return count

    def test_nothing_is_checked_by_the_database(self):
        keys = self.fetch(
            """
            SELECT conname
              FROM pg_constraint
             WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)
            """,
            list(TABLES),
        )
        self.assertFalse(keys)
        recorded = self.fetch(
            "SELECT name FROM ir_model_constraint WHERE type = 'f' AND name ~ %s",
            f"^({'|'.join(TABLES)})_",
        )
        self.assertFalse(
            [name for [name] in recorded if "assignment_history" not in name]
        )

    def test_history_locks_no_contact(self):
        """Nor is checked what a run has just read; what people add is."""
        keys = self.fetch(
            """
            SELECT confrelid::regclass::text
              FROM pg_constraint
             WHERE contype = 'f'
               AND conrelid = 'customer_assignment_history'::regclass
            """
        )
        self.assertEqual({name for [name] in keys}, {"res_users", "customer_bulk"})

    def test_history_outlives_what_it_links_to(self):
        """It loses the customer and the run, and keeps from where to where."""
        self.post(self.customer, 100, 10)
        for number in range(2, 7):
            self.post(self.make_customer(f"Other {number}"), 100 * number, 9 + number)
        self.classify()
        self.post(self.customer, 9000, 0)
        run = self.classify()
        [row] = self.history_of(self.customer)
        self.assertEqual((row.run_id, row.ruleset_id.state), (run, "active"))
        moved = (row.old_category_id, row.new_category_id)
        self.assertTrue(all(moved))
        run.sudo().unlink()
        self.assertFalse(row.run_id)
        partner_id = self.customer.id
        self.sql_delete_contact(self.customer)
        self.assertTrue(row.exists())
        self.assertFalse(row.partner_id)
        self.assertEqual((row.old_category_id, row.new_category_id), moved)
        [[left]] = self.fetch(
            "SELECT count(*) FROM customer_assignment_history WHERE partner_id = %s",
            partner_id,
        )
        self.assertEqual(left, 0)

    def sql_delete_contact(self, partner):
        """Delete a contact with its invoices behind the back of Odoo."""
        self.env.flush_all()
        for table, column in (
            ("account_move_line", "partner_id"),
            ("account_move", "partner_id"),
            ("res_partner", "id"),
        ):
            self.env.cr.execute(
                SQL(
                    "DELETE FROM %s WHERE %s = %s",
                    SQL.identifier(table),
                    SQL.identifier(column),
                    partner.id,
                )
            )
        self.env.invalidate_all()

    def test_deleted_contact(self):
        past = self.make_customer("Past")
        metric = self.env["customer.metric"].create(
            {
                "name": "Contacts",
                "code": "contacts_of_it",
                "kind": "custom",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "partner_path": "commercial_partner_id",
                "measure": "count",
                "is_company_aware": False,
            }
        )
        dimension = self.make_rule_dimension()
        self.classify()
        self.classify(as_of=self.day(1))
        line = self.Run.search([], limit=1).line_ids
        self.env["customer.staging"].sudo().create(
            {"line_id": line.id, "dimension_id": dimension.id, "partner_id": past.id}
        )
        for table in TABLES:
            if table != "customer_figures":  # invoices keep their customer
                self.assertTrue(self.count(table, "partner_id", past), table)
        self.assertTrue(metric)
        past.unlink()
        for table in TABLES:
            self.assertFalse(self.count(table, "partner_id", past), table)
        self.assertTrue(self.count("customer_assignment", "partner_id", self.customer))

    def make_rule_dimension(self):
        dimension = self.env["customer.dimension"].create(
            {"name": "By rules", "code": "by_rules", "method": "rule"}
        )
        category = self.env["customer.category"].create(
            {"name": "All", "dimension_id": dimension.id}
        )
        self.env["customer.dimension.rule"].create(
            {
                "name": "All",
                "dimension_id": dimension.id,
                "category_id": category.id,
                "domain": "[]",
            }
        )
        return dimension

    def test_deleted_company(self):
        self.make_rule_dimension()
        company = self.env["res.company"].create({"name": "Short-lived"})
        self.classify(companies=company)
        self.assertTrue(self.count("customer_assignment", "company_id", company))
        company.unlink()
        self.assertFalse(self.count("customer_assignment", "company_id", company))

    def test_deleted_category_and_dimension(self):
        dimension = self.make_rule_dimension()
        self.classify()
        assigned = self.count("customer_assignment", "dimension_id", dimension)
        self.assertTrue(assigned)
        with self.assert_refused(UserError, "hold or held"):
            dimension.category_ids.unlink()
        with self.assert_refused(UserError, "are or were classified"):
            dimension.unlink()
        self.assertEqual(
            self.count("customer_assignment", "dimension_id", dimension), assigned
        )

    def test_deleted_dimension_of_a_past_result(self):
        self.post(self.customer, 100, 10)
        self.classify(as_of=self.day(5))
        self.assertTrue(self.count("customer_staging", "dimension_id", self.dimension))
        twin = self.dimension.copy()
        twin.active = True
        run = self.classify(as_of=self.day(5))
        self.assertTrue(self.count("customer_staging", "dimension_id", twin))
        drafts = run.staging_ids.ruleset_id
        self.assertTrue(drafts)
        category = twin.category_ids
        twin.unlink()
        self.assertFalse(self.count("customer_staging", "dimension_id", twin))
        for one in category:
            self.assertFalse(self.count("customer_staging", "category_id", one))
        self.assertTrue(self.count("customer_staging", "dimension_id", self.dimension))

    def test_deleted_draft_of_a_past_result(self):
        self.post(self.customer, 100, 10)
        run = self.classify(as_of=self.day(5))
        [draft] = run.staging_ids.ruleset_id
        self.assertEqual(self.count("customer_staging", "ruleset_id", draft), 1)
        draft.sudo().unlink()
        self.assertFalse(self.count("customer_staging", "ruleset_id", draft))

    def test_deleted_run(self):
        self.post(self.customer, 100, 10)
        run = self.classify()
        past = self.classify(as_of=self.day(5))
        [line] = past.line_ids
        self.assertEqual(self.assignment_of(self.customer).run_id, run)
        self.assertTrue(self.count("customer_staging", "line_id", line))
        (run + past).sudo().unlink()
        self.assertFalse(self.count("customer_staging", "line_id", line))
        self.env.invalidate_all()
        assignment = self.assignment_of(self.customer)
        self.assertTrue(assignment.category_id)
        self.assertFalse(assignment.run_id)

    def test_deleted_metric(self):
        metric = self.env["customer.metric"].create(
            {
                "name": "Contacts",
                "code": "contacts_of_it",
                "kind": "custom",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "partner_path": "commercial_partner_id",
                "measure": "count",
                "is_company_aware": False,
            }
        )
        self.classify()
        self.assertTrue(self.count("customer_metric_value", "metric_id", metric))
        metric.unlink()
        self.assertFalse(self.count("customer_metric_value", "metric_id", metric))

    def test_merged_contacts(self):
        """Odoo follows foreign keys; the rows follow without them."""
        self.make_rule_dimension()
        self.post(self.other, 100, 10)
        self.classify()
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo()
        wizard._update_foreign_keys(self.other, self.customer)
        for table in TABLES:
            self.assertFalse(self.count(table, "partner_id", self.other), table)
        self.assertEqual(self.figures_of(self.customer).revenue_total, 100)


@tagged("post_install", "-at_install")
class TestFirstCategories(ClassificationCommon):
    """The first category of a customer is written at once, all others are staged."""

    def count_staged(self):
        [[count]] = self.env.execute_query(
            SQL(
                "SELECT n_tup_ins FROM pg_stat_xact_user_tables WHERE relname = %s",
                "customer_staging",
            )
        )
        return count

    def test_only_differences_are_staged(self):
        customers = [self.make_customer(f"Customer {number}") for number in range(8)]
        for number, customer in enumerate(customers[:6]):
            self.post(customer, 100 * (number + 1), 10 + number)
        before = self.count_staged()
        run = self.classify()
        self.assertEqual((run.created_count, run.changed_count), (6, 0))
        self.assertEqual(self.count_staged(), before)
        self.assert_tiers()
        self.post(customers[0], 9000, 0)
        self.post(customers[6], 10, 400)
        self.post(customers[7], 10, 1)
        run = self.classify()
        # Customer 0 moves up; customer 6 bought too long ago
        self.assertEqual((run.created_count, run.changed_count), (1, 1))
        self.assertEqual(self.count_staged(), before + 1)
        self.assertFalse(self.history_of(customers[7]))
        self.assertEqual(len(self.history_of(customers[0])), 1)
        row = self.assignment_of(customers[7])
        self.assertEqual((row.run_id, row.ruleset_id.state), (run, "active"))
        self.assertIn("of 5", row.explanation)
