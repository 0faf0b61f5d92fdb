"""Committed data for tests that need several real connections."""

import threading
import time
from contextlib import contextmanager
from decimal import Decimal
from unittest.mock import patch

import psycopg2

from odoo import SUPERUSER_ID, api, fields
from odoo.fields import Command
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name
from odoo.tools import SQL

from . import oracle
from .common import FIGURES

LINE = "customer.classification.run.line"
#: The addon's tables with a company, in an order in which they can be emptied
COMPANY_TABLES = (
    "customer_classification_run_line",
    "customer_assignment_history",
    "customer_override",
    "customer_assignment",
    "customer_staging",
    "customer_figures",
    "customer_payment_figures",
    "customer_ruleset",
)
#: Amounts of the invoices of each customer, in both companies
AMOUNTS = {"First": [100, 20.5], "Second": [3000], "Third": [7, 8, 9, -2]}


class ConcurrencyCase(BaseCase):
    """Two companies of the test's own with posted invoices, for real connections.

    Each connection has time limits, so that whoever waits for a lock fails. All
    data is removed in the end; nothing of it is in a transaction that is rolled
    back.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        cls.company_ids = cls.partner_ids = cls.retired_ids = ()
        cls.addClassCleanup(cls.remove_data)
        cls.today = fields.Date.today()
        with cls.connect() as env:
            cls.make_data(env)
            env.cr.commit()

    def tearDown(self):
        with self.connect() as env:
            self.assertFalse(self.get_locks(env), "a lock was left behind")
            self.remove_results(env)
            env.cr.commit()
        super().tearDown()

    @classmethod
    @contextmanager
    def connect(cls, lock_timeout="3s"):
        """Yield an environment of the superuser with a connection of its own."""
        with cls.registry.cursor() as cr:
            # the pool resets these settings before it hands the connection out again
            cr.execute("SET SESSION lock_timeout = %s", [lock_timeout])
            cr.execute("SET SESSION statement_timeout = '30s'")
            cr.commit()  # pylint: disable=invalid-commit
            yield api.Environment(cr, SUPERUSER_ID, {})

    @classmethod
    def make_data(cls, env):
        [[cls.last_run_id]] = env.execute_query(
            SQL("SELECT COALESCE(max(id), 0) FROM customer_classification_run")
        )
        cls.dimension_id = env.ref("customer_classification.dimension_value_tier").id
        # The runs shall compute the value tier only
        others = env["customer.dimension"].search([("id", "!=", cls.dimension_id)])
        cls.retired_ids = others.ids
        others.active = False
        env["customer.dimension"].browse(cls.dimension_id).brake_share = 0
        companies = env["res.company"].create(
            [{"name": "Concurrency A"}, {"name": "Concurrency B"}]
        )
        partners = env["res.partner"].create(
            [{"name": name, "is_company": True, "customer_rank": 1} for name in AMOUNTS]
        )
        cls.company_ids, cls.partner_ids = companies.ids, partners.ids
        # whenever the tests run, it is night
        companies.customer_night_hour = fields.Datetime.now().hour
        cls.documents = []
        for company in companies:
            cls.make_invoices(env(context={"allowed_company_ids": company.ids}))

    @classmethod
    def make_invoices(cls, env):
        company = env.company
        receivable, income = env["account.account"].create(
            [
                {
                    "code": code,
                    "name": name,
                    "account_type": account_type,
                    "reconcile": account_type == "asset_receivable",
                    "company_ids": [Command.set(company.ids)],
                }
                for code, name, account_type in (
                    ("101", "Receivable", "asset_receivable"),
                    ("201", "Income", "income"),
                )
            ]
        )
        journal = env["account.journal"].create(
            {
                "name": "Sales",
                "code": "CCSAL",
                "type": "sale",
                "company_id": company.id,
                "default_account_id": income.id,
            }
        )
        cls.documents = []
        for partner in env["res.partner"].browse(cls.partner_ids):
            partner.property_account_receivable_id = receivable
            for days_ago, amount in enumerate(AMOUNTS[partner.name], start=3):
                day = oracle.days_before(cls.today, days_ago)
                env["account.move"].create(
                    {
                        "move_type": "out_invoice" if amount > 0 else "out_refund",
                        "partner_id": partner.id,
                        "journal_id": journal.id,
                        "invoice_date": day,
                        "invoice_line_ids": [
                            Command.create(
                                {
                                    "name": "Goods",
                                    "price_unit": abs(amount),
                                    "tax_ids": [],
                                    "account_id": income.id,
                                }
                            )
                        ],
                    }
                ).action_post()
                cls.documents.append(
                    oracle.Document(partner.name, day, Decimal(str(amount)), amount < 0)
                )

    @classmethod
    def remove_results(cls, env):
        env.cr.execute(
            "DELETE FROM customer_classification_run WHERE id > %s", [cls.last_run_id]
        )
        # no foreign key removes whom their lines had still to look at
        env.cr.execute(
            """
            DELETE FROM customer_classification_scope
             WHERE line_id NOT IN (SELECT id FROM customer_classification_run_line)
            """
        )
        for table in COMPANY_TABLES:
            env.cr.execute(
                SQL(
                    "DELETE FROM %s WHERE company_id = ANY(%s)",
                    SQL.identifier(table),
                    list(cls.company_ids),
                )
            )

    @classmethod
    def remove_data(cls):
        if not cls.company_ids:
            return
        with cls.connect() as env:
            env["customer.dimension"].browse(cls.retired_ids).active = True
            env["customer.dimension"].browse(cls.dimension_id).brake_share = 20
            cls.remove_results(env)
            companies = env["res.company"].browse(cls.company_ids)
            for company in companies:
                own = env(context={"allowed_company_ids": company.ids})
                moves = own["account.move"].search([("company_id", "=", company.id)])
                moves.button_draft()
                moves.with_context(force_delete=True).unlink()
            env["res.partner"].browse(cls.partner_ids).exists().unlink()
            in_companies = [("company_id", "in", companies.ids)]
            env["account.journal"].search(in_companies).unlink()
            env["account.account"].search(
                [("company_ids", "in", companies.ids)]
            ).unlink()
            env["ir.default"].search(in_companies).unlink()
            users = env["res.users"].with_context(active_test=False)
            for user in users.search([("company_ids", "in", companies.ids)]):
                user.company_ids -= companies
            made_with_them = (
                companies.partner_id,
                companies.resource_calendar_id,
                companies.batch_payment_sequence_id,
            )
            companies.unlink()
            for records in made_with_them:
                records.unlink()
            env.cr.commit()

    # What the tests ask

    @classmethod
    def companies(cls, env):
        return env["res.company"].browse(cls.company_ids)

    @classmethod
    def partners(cls, env):
        return env["res.partner"].browse(cls.partner_ids)

    def get_locks(self, env):
        """Return the process ids that hold a lock of the addon."""
        return env.execute_query(
            SQL(
                """SELECT pid FROM pg_locks
                    WHERE locktype = 'advisory' AND classid = %s
                      AND database = (
                          SELECT oid FROM pg_database
                           WHERE datname = current_database()
                      )""",
                0x63636C73,
            )
        )

    def assert_results(self, env, company, cuts=None):
        """Compare the company's figures and tiers with the oracle's.

        :param cuts: cut points of a version made before; those of now by default
        """
        expected = oracle.compute_figures(self.documents, self.today)
        domain = [("company_id", "=", company.id)]
        figures = env["customer.figures"].search(domain)
        self.assertEqual(
            {
                f.partner_id.name: [self.exact(f[name]) for name in FIGURES]
                for f in figures
            },
            {
                customer: [self.exact(getattr(row, name)) for name in FIGURES]
                for customer, row in expected.items()
            },
        )
        assignments = env["customer.assignment"].search(domain)
        self.assertEqual(
            {
                a.partner_id.name: (self.exact(a.score), a.category_id.name)
                for a in assignments
            },
            {
                customer: (self.exact(row[0]), row[-1])
                for customer, row in oracle.compute_tiers(expected, cuts=cuts).items()
            },
        )

    @staticmethod
    def exact(value):
        return (
            f"{value or 0:.2f}" if isinstance(value, float | Decimal | None) else value
        )

    # Interleavings

    def assert_quick(self, start):
        self.assertLess(time.monotonic() - start, 2, "somebody had to wait")

    def make_line(self, env, company):
        """Commit a scheduled run of one company; return its line."""
        run = env["customer.classification.run"]._create_run("cron", company)
        env.cr.commit()
        return run.line_ids

    @contextmanager
    def between(self, step, action):
        """Let ``action`` happen in the middle of the first ``step`` of a line.

        The transaction of the step has its snapshot by then, and has not written.
        Yield the list of the attempts.
        """
        Line = self.registry[LINE]
        original = getattr(Line, step)
        attempts = []

        def wrapper(line, *args):
            attempts.append(step)
            line.env.execute_query(SQL("SELECT 1 FROM res_partner LIMIT 1"))
            if len(attempts) == 1:
                with self.connect() as env:
                    action(env)
                    env.cr.commit()
            return original(line, *args)

        with patch.object(Line, step, wrapper):
            yield attempts

    @contextmanager
    def run_stuck_at(self, company_number):
        """Start the scheduled action in a thread; it waits amid that company.

        Someone else is about to write the figures that it needs to write. Yield
        the thread and the id of its database process.
        """
        pids, errors = [], []

        def work():
            try:
                with self.connect(lock_timeout="25s") as env:
                    pids.append(env.cr._cnx.info.backend_pid)
                    env["customer.classification.run"]._cron_classify()
                    env.cr.commit()
            except psycopg2.Error as error:
                errors.append(error)

        thread = threading.Thread(target=work, daemon=True)
        with self.connect() as holder:
            holder.cr.execute(
                "INSERT INTO customer_figures (partner_id, company_id) VALUES (%s, %s)",
                [self.partner_ids[0], self.company_ids[company_number]],
            )
            thread.start()
            try:
                self.wait_until_waiting(pids)
                yield thread, pids[0]
            finally:
                holder.cr.rollback()
                thread.join(30)
        self.assertFalse(thread.is_alive())

    def wait_until_waiting(self, pids):
        with self.connect() as env:
            for _attempt in range(200):
                rows = pids and env.execute_query(
                    SQL(
                        """SELECT 1 FROM pg_stat_activity
                            WHERE pid = %s AND wait_event_type = 'Lock'""",
                        pids[0],
                    )
                )
                env.cr.rollback()  # each look is a new one
                if rows:
                    return
                time.sleep(0.05)
        self.fail("the scheduled action never got there")
