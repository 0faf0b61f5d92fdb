import re
import subprocess
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2

from odoo import sql_db
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import SQL
from odoo.tools.misc import exec_pg_environ, find_pg_tool

GET_TRIGGERS = r"""
    SELECT tgrelid::regclass::text, tgname, tgenabled
      FROM pg_trigger
     WHERE tgname LIKE 'customer\_change\_%'
     ORDER BY tgname
"""

#: The entries of a dump that are restored
RESTORED = re.compile(
    r" (TABLE|SEQUENCE|SEQUENCE OWNED BY|DEFAULT|FUNCTION|TRIGGER) public "
    r"(.*\b(res_partner|account_(account|move|move_line|partial_reconcile)"
    r"|ir_module_module)(_id_seq)?\b|customer_change)"
)


@tagged("post_install", "-at_install")
class TestChangeCopies(BaseCase):
    """The triggers work in copies of the database, however they are made."""

    def setUp(self):
        super().setUp()
        self.name = get_db_name()
        self.copies = []
        self.addCleanup(self.drop_copies)

    def execute(self, name, *statements, autocommit=False):
        """Execute statements in a database; return the rows of the last one."""
        with closing(sql_db.db_connect(name).cursor()) as cr:
            if autocommit:
                cr._cnx.autocommit = True
            for statement in statements:
                cr.execute(statement)
            rows = cr.fetchall() if cr.description else []
            if not autocommit:
                cr.commit()  # pylint: disable=invalid-commit
        return rows

    def make_copy(self, suffix, template):
        name = f"{self.name}_{suffix}"
        self.drop(name)
        self.copies.append(name)
        sql_db.close_db(template)
        self.execute(
            "postgres",
            SQL(
                "CREATE DATABASE %s TEMPLATE %s",
                SQL.identifier(name),
                SQL.identifier(template),
            ),
            autocommit=True,
        )
        return name

    def drop(self, name):
        sql_db.close_db(name)
        self.execute(
            "postgres",
            SQL("DROP DATABASE IF EXISTS %s", SQL.identifier(name)),
            autocommit=True,
        )

    def drop_copies(self):
        for name in self.copies:
            self.drop(name)

    def get_tool(self, name):
        """Return a program of PostgreSQL that is not older than the server."""
        try:
            path = find_pg_tool(name)
        except Exception as error:  # plain, if the program is missing
            raise self.skipTest(f"needs {name}") from error
        version = subprocess.check_output([path, "--version"], text=True)
        [[server]] = self.execute(self.name, "SHOW server_version_num")
        if int(re.search(r"\d+", version)[0]) < int(server) // 10_000:
            self.skipTest(f"{name} is older than the server")
        return path

    def call(self, *command):
        return subprocess.check_output(command, env=exec_pg_environ(), text=True)

    def assert_works(self, name):
        self.assertEqual(
            self.execute(name, GET_TRIGGERS), self.execute(self.name, GET_TRIGGERS)
        )
        [[id_]] = self.execute(
            name,
            """INSERT INTO res_partner (name, active, autopost_bills)
               VALUES ('Copied', TRUE, 'ask') RETURNING id""",
        )
        rows = self.execute(
            name,
            "DELETE FROM customer_change",
            f"UPDATE res_partner SET commercial_partner_id = id WHERE id = {id_}",
            "SELECT partner_id, company_id FROM customer_change",
        )
        self.assertEqual(rows, [(id_, None)])

    def test_dump_and_copy_by_template(self):
        dump, restore = self.get_tool("pg_dump"), self.get_tool("pg_restore")
        self.assertEqual(len(self.execute(self.name, GET_TRIGGERS)), 12)
        try:
            restored = self.make_copy("restored", "template1")
        except psycopg2.errors.InsufficientPrivilege:
            self.skipTest("needs the right to create databases")
        with TemporaryDirectory() as folder:
            file, contents = Path(folder, "dump"), Path(folder, "contents")
            self.call(dump, "--schema-only", "--format=c", f"--file={file}", self.name)
            # what the triggers need: all of Odoo takes a while
            wanted = self.call(restore, "--list", file).splitlines()
            wanted = [entry for entry in wanted if RESTORED.search(entry)]
            contents.write_text("\n".join(wanted), encoding="utf-8")
            selection = f"--use-list={contents}"
            self.call(restore, "--no-owner", selection, f"--dbname={restored}", file)
        self.execute(
            restored,
            """INSERT INTO ir_module_module (name, state)
               VALUES ('customer_classification', 'installed')""",
        )
        self.assert_works(restored)
        self.assert_works(self.make_copy("copied", restored))
