from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from ..models import customer_change
from ..models.customer_engine_fields import get_engine_columns
from .change_common import ChangeCommon

#: What may happen to the addon's own table
BREAKAGES = {
    "table renamed": "ALTER TABLE customer_change RENAME TO elsewhere",
    "table dropped": "DROP TABLE customer_change CASCADE",
    "column renamed": "ALTER TABLE customer_change RENAME partner_id TO contact_id",
    "column dropped": "ALTER TABLE customer_change DROP company_id",
    "other type": "ALTER TABLE customer_change ALTER company_id TYPE date USING NULL",
    "no ids left": """ALTER SEQUENCE customer_change_id_seq NO CYCLE;
                      SELECT setval('customer_change_id_seq', 2147483647)""",
    "unique key": """INSERT INTO customer_change DEFAULT VALUES;
                     CREATE UNIQUE INDEX ON customer_change ((1))""",
    "condition": "ALTER TABLE customer_change ADD CHECK (partner_id IS NULL)",
    "foreign key": """DELETE FROM customer_change;
                      ALTER TABLE customer_change ADD FOREIGN KEY (partner_id)
                      REFERENCES res_country (id)""",
    "one column more": "ALTER TABLE customer_change ADD x integer NOT NULL",
    "a trigger that fails": """
        CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql
            AS $$BEGIN RAISE EXCEPTION 'no'; END$$;
        CREATE TRIGGER fail BEFORE INSERT ON customer_change
            FOR EACH ROW EXECUTE FUNCTION pg_temp.fail()""",
    "a view instead": """ALTER TABLE customer_change RENAME TO elsewhere;
                         CREATE VIEW customer_change AS SELECT 1 AS partner_id""",
    "no rights": """
        CREATE ROLE customer_change_test;
        GRANT ALL ON ALL TABLES IN SCHEMA public TO customer_change_test;
        REVOKE ALL ON customer_change FROM customer_change_test;
        GRANT CREATE ON SCHEMA public TO customer_change_test;
        ALTER FUNCTION customer_change_account_move_update()
              OWNER TO customer_change_test;
        ALTER FUNCTION customer_change_account_move_line_update()
              OWNER TO customer_change_test""",
}


@tagged("post_install", "-at_install")
class TestChangeQueue(ChangeCommon):
    """What is waiting gets to the lines of a run, once, and never in the way."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.branch = cls.env["res.company"].create(
            {"name": "Branch", "parent_id": cls.company.id}
        )
        cls.other = cls.env["res.company"].create({"name": "Other"})

    def setUp(self):
        super().setUp()
        self.clear()

    def make_lines(self, *companies):
        run = self.Run.sudo().create(
            {"trigger": "cron", "date_start": "2026-01-01 00:00:00"}
        )
        return run.line_ids.create(
            [
                {"run_id": run.id, "company_id": company.id, "as_of": self.today}
                for company in companies
            ]
        )

    def make_all_lines(self):
        """Return the lines of a run of all companies, the shared one first."""
        roots = self.env["res.company"].search([("parent_id", "=", False)])
        return self.make_lines(self.env["res.company"], *roots)

    def get_scope(self, lines, *companies):
        """Return the ids of the customers of the lines of ``companies``."""
        return [
            {
                id_
                for [id_] in self.sql(
                    SQL(
                        """SELECT partner_id FROM customer_classification_scope
                            WHERE line_id = %s""",
                        lines.filtered(lambda line: line.company_id == company).id,  # noqa: B023
                    )
                )
            }
            for company in companies
        ]

    # Draining

    def test_each_line_gets_what_concerns_it(self):
        lines = self.make_all_lines()
        third = self.make_customer("Third")
        self.clear()
        self.Change._mark(self.first, self.company)
        self.Change._mark(self.second, self.branch)
        self.Change._mark(third.ids, None)
        self.Change._mark(third, self.other)
        self.assertFalse(self.Change._drain_to(lines))
        self.assertFalse(self.get_rows())
        shared = self.env["res.company"]
        self.assertEqual(
            self.get_scope(lines, shared, self.company, self.other),
            [
                {self.first.id, self.second.id, third.id},
                {self.first.id, self.second.id, third.id},
                {third.id},
            ],
        )
        self.Change._mark(self.first, self.company)
        self.Change._drain_to(lines)
        self.assertEqual(len(self.get_scope(lines, self.company)[0]), 3)

    def test_contact_and_its_commercial_entity(self):
        contact = self.env["res.partner"].create(
            {"name": "Buyer", "parent_id": self.first.id}
        )
        self.clear()
        lines = self.make_all_lines()
        self.Change._mark(contact)
        gone = self.make_customer("Gone")
        self.env.flush_all()
        gone_id = gone.id
        gone.unlink()
        self.Change._drain_to(lines)
        self.assertEqual(
            self.get_scope(lines, self.other), [{contact.id, self.first.id, gone_id}]
        )

    def test_everything(self):
        lines = self.make_all_lines()
        shared = lines.filtered(lambda line: not line.company_id)
        ours = lines.filtered(lambda line: line.company_id == self.company)
        self.Change._mark_everything(self.branch)
        self.Change._mark(self.first, self.company)
        self.Change._mark(self.second)
        self.assertEqual(self.Change._drain_to(lines), shared + ours)
        self.assertEqual(
            self.get_scope(lines, self.company, self.other), [set(), {self.second.id}]
        )
        self.Change._mark_everything()
        self.assertEqual(self.Change._drain_to(lines), lines)
        self.assertFalse(self.get_rows())

    def test_company_without_a_line(self):
        """What concerns it stays, and does so once."""
        archived = self.env["res.company"].create({"name": "Archived"})
        archived.active = False
        roots = self.env["res.company"].search(
            [("parent_id", "=", False), ("id", "!=", self.other.id)]
        )
        lines = self.make_lines(*roots)
        self.clear()
        self.Change._mark(self.first)
        self.Change._mark(self.second, self.other)
        self.Change._mark(self.second, archived)
        self.Change._mark(self.first, self.company)
        self.env.cr.execute(
            "INSERT INTO customer_change (partner_id, company_id) VALUES (1, -1)"
        )
        for _time in range(2):
            self.Change._drain_to(lines)
            self.assertEqual(
                sorted(self.get_rows()),
                sorted(
                    [(self.first.id, self.other.id), (self.second.id, self.other.id)]
                ),
            )
        self.assertEqual(self.get_scope(lines, self.company), [{self.first.id}])

    def test_waiting_companies(self):
        waiting = self.Change._get_waiting_companies
        self.assertFalse(waiting())
        self.Change._mark(self.first, self.branch)
        self.assertEqual(waiting(), self.company)
        self.Change._mark(self.first)
        self.assertEqual(
            waiting(), self.env["res.company"].search([("parent_id", "=", False)])
        )

    # Companies

    def test_companies_come_and_go(self):
        with self.assert_contacts_noted() as expected:
            company = self.env["res.company"].create({"name": "New"})
            partner = company.partner_id
            expected.add(partner.id)
        company.active = False
        self.clear()
        company.active = True
        self.assertEqual(self.get_rows(), [(None, company.id)])
        company.write({"active": True})
        self.assertEqual(len(self.get_rows()), 1)
        with self.assert_contacts_noted(partner, self.first):
            company.partner_id = self.first
        self.Figures.sudo().create(
            {"partner_id": self.second.id, "company_id": company.id}
        )
        ids = company.ids
        self.clear()
        self.Change._mark_everything(company)
        company.unlink()
        self.assertEqual(set(self.get_rows()), {(self.first.id, None)})
        self.assertFalse(self.Figures.search([("company_id", "in", ids)]))

    # Rows of deleted contacts

    def test_deletion_of_a_contact(self):
        """Its rows go, although no foreign key says so."""
        self.post(self.second, 5, 5)
        gone = self.make_customer("Gone")
        columns = get_engine_columns(self.env, "res.partner")
        self.assertIn(("customer_figures", "partner_id"), columns)
        line = self.make_lines(self.company)
        values = {"partner_id": gone.id, "company_id": self.company.id}
        dimension = {"dimension_id": self.dimension.id}
        metric = self.env["customer.metric"].search([], limit=1)
        for model, others in {
            **{
                model._name: {}
                for model in self.env["customer.facts.mixin"]._get_models()
            },
            "customer.assignment": {**dimension, "since": "2026-01-01 00:00:00"},
            "customer.staging": {**dimension, "line_id": line.id},
            "customer.metric.value": {"metric_id": metric.id},
        }.items():
            self.env[model].sudo().create({**values, **others})
        left = "SELECT count(*) FROM {} WHERE {} = " + str(gone.id)
        filled = [c for c in columns if self.sql(left.format(*c)) == [(1,)]]
        self.assertGreaterEqual(len(filled), 6, columns)
        self.sql("SET LOCAL customer_classification.capture = 'off'")
        self.sql(f"DELETE FROM res_partner WHERE id = {gone.id}")
        for column in columns:
            with self.subTest(column):
                self.assertEqual(self.sql(left.format(*column)), [(0,)])

    def test_deletion_of_a_contact_without_the_tables(self):
        gone = self.make_customer("Gone")
        self.clear()
        self.sql("ALTER TABLE customer_figures RENAME TO elsewhere")
        self.sql(f"DELETE FROM res_partner WHERE id = {gone.id}")
        self.assertEqual(self.get_rows(), [(gone.id, None)])

    # Out of the host's way

    def test_switch(self):
        with self.assert_noted():
            self.sql("SET LOCAL customer_classification.capture = 'off'")
            move = self.post(self.first, 10, 3)
            self.sql("SET LOCAL customer_classification.capture = 'on'")
        with self.assert_noted(self.first):
            move.button_draft()

    def test_whatever_happens_to_the_queue(self):
        for name, statement in BREAKAGES.items():
            move = self.post(self.first, 10, 3, post=False)
            self.env.flush_all()
            with self.subTest(name), self.env.cr.savepoint() as savepoint:
                self.env.cr.execute(statement)
                move.action_post()
                self.first.name = "Renamed"
                self.env.flush_all()
                self.assertEqual(move.state, "posted")
                savepoint.rollback()
            self.env.invalidate_all()

    def test_what_is_not_about_the_queue_is_not_caught(self):
        """A serialization failure is the host's own."""
        self.sql(
            """
            CREATE FUNCTION pg_temp.conflict() RETURNS trigger LANGUAGE plpgsql
                AS $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END$$;
            CREATE TRIGGER conflict BEFORE INSERT ON customer_change
                FOR EACH ROW EXECUTE FUNCTION pg_temp.conflict()
            """
        )
        with self.assert_refused(Exception, "x"):
            self.sql(f"UPDATE res_partner SET name = 'x' WHERE id = {self.first.id}")

    def test_triggers_are_there_and_left_alone(self):
        before = self.Change._get_triggers()
        self.assertEqual(len(before), 12)
        get_oids = "SELECT oid FROM pg_trigger WHERE NOT tgisinternal ORDER BY oid"
        oids = self.sql(get_oids)
        self.Change.init()
        self.assertEqual(self.sql(get_oids), oids)
        self.sql(
            """
            DROP TRIGGER customer_change_account_move_update ON account_move;
            ALTER TABLE res_partner DISABLE TRIGGER customer_change_res_partner_delete;
            DROP TRIGGER customer_change_account_move_insert ON account_move;
            CREATE TRIGGER customer_change_account_move_insert
                AFTER DELETE ON account_move REFERENCING OLD TABLE AS old_rows
                FOR EACH STATEMENT
                EXECUTE FUNCTION customer_change_account_move_delete()
            """
        )
        self.assertNotEqual(self.Change._get_triggers(), before)
        self.Change.init()
        self.assertEqual(self.Change._get_triggers(), before)

    def test_uninstalled_without_its_code(self):
        self.sql(
            """UPDATE ir_module_module SET state = 'uninstalled'
                WHERE name = 'customer_classification'"""
        )
        with self.assert_noted():
            self.post(self.first, 10, 3)

    def test_removal(self):
        self.Change._drop_triggers()
        self.assertFalse(self.Change._get_triggers())
        self.assertFalse(
            self.sql(r"SELECT 1 FROM pg_proc WHERE proname LIKE 'customer\_change\_%'")
        )
        with self.assert_noted():
            self.post(self.first, 10, 3)

    # A cap

    def test_too_many_become_everything(self):
        self.Change._mark([1, 2, 3], self.company)
        with patch.object(customer_change, "WAITING_LIMIT", 3):
            self.Change._gc_waiting()
            self.assertEqual(len(self.get_rows()), 3)
            self.Change._mark([4])
            self.Change._gc_waiting()
        self.assertEqual(self.get_rows(), [(None, None)])
