"""Runs whose process is killed, as by `kill -9` or a lack of memory."""

import logging
import os
import select
import signal
import time
import traceback
from contextlib import contextmanager
from unittest.mock import patch

from odoo import sql_db
from odoo.tests import tagged
from odoo.tools import SQL

from .committed import LINE, ConcurrencyCase
from .stored import rehearse, take

RUN = "customer.classification.run"
PLAN = "odoo.addons.customer_classification.models.customer_run_plan"
#: Models and methods of a run in which it is killed, in the order of the run
STAGES = (
    ("customer.change", "_drain_to"),
    (LINE, "_make_plan"),
    (LINE, "_do_expire"),
    (LINE, "_do_facts"),
    (LINE, "_do_versions"),
    (LINE, "_do_judge"),
    ("customer.staging", "_stage_changes"),
    ("customer.assignment", "_apply_staged"),
    (LINE, "_do_withdraw"),
    (LINE, "_finish"),
    (RUN, "_close"),
)
#: Seconds that a process may take to get to its stage
PATIENCE = 60


@tagged("post_install", "-at_install")
class TestKilled(ConcurrencyCase):
    """The next run completes what a killed one left; nothing stays locked."""

    def setUp(self):
        super().setUp()
        with self.connect() as env:
            for company in self.company_ids:
                env[RUN].classify(company)
            env.cr.execute(
                "DELETE FROM customer_change WHERE company_id IS NULL"
                " OR company_id = ANY(%s)",
                [list(self.company_ids)],
            )
            env.cr.commit()

    def change(self, env):
        """Let something happen that gives customers other figures and categories."""
        env.cr.execute(
            """
            UPDATE account_move
               SET amount_untaxed_signed = amount_untaxed_signed * %s
             WHERE company_id = ANY(%s) AND state = 'posted'
            """,
            [self.factor, list(self.company_ids)],
        )
        # and a version: its limits are taken anew
        env["customer.ruleset"].search(
            [("company_id", "in", self.company_ids), ("state", "=", "active")]
        )._expire_cuts()
        # the night of the day is still to come
        env.cr.execute(
            "UPDATE customer_classification_run SET trigger = 'call' WHERE id > %s",
            [self.last_run_id],
        )
        env.cr.commit()

    @contextmanager
    def forked(self, work):
        """Do ``work`` in a process of its own; yield its id when it says so, kill it.

        It is a copy of this one, with connections of its own to the database: those it
        inherits must not be closed, they are this one's.
        """
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                inherited = sql_db._Pool, sql_db._Pool_readonly
                sql_db._Pool = sql_db._Pool_readonly = None
                self.registry._db = sql_db.db_connect(self.registry.db_name)
                logging.disable()
                work(lambda: os.write(writer, b"."))
                os.write(writer, b"!")
            except BaseException:
                os.write(writer, traceback.format_exc().encode()[-3000:])
            finally:
                time.sleep(PATIENCE)
                os._exit(bool(inherited))
        os.close(writer)
        try:
            ready, _, _ = select.select([reader], [], [], PATIENCE)
            said = os.read(reader, 3000) if ready else b"nothing"
            self.assertEqual(said.decode(), ".", "what the process said")
            yield pid
        finally:
            os.close(reader)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def kill_in(self, model, method, action, number):
        """Kill a process that does a scheduled action, when it has done a method.

        :param int number: at which call of the method
        """

        def work(say):
            original = getattr(self.registry[model], method)
            calls = []

            def wrapper(records, *args, **kwargs):
                result = original(records, *args, **kwargs)
                records.env.flush_all()
                calls.append(method)
                if len(calls) == number:
                    say()
                    time.sleep(PATIENCE)
                return result

            with (
                patch.object(self.registry[model], method, wrapper),
                patch(f"{PLAN}.RANGE_SIZE", 2),
                patch(f"{PLAN}.CHUNK_SIZE", 2),
                self.connect() as env,
            ):
                getattr(env[RUN], action)()

        with self.forked(work):
            pass

    def wait_until_gone(self, env):
        """Wait until the database has noticed: at once, where nothing is computed."""
        for _attempt in range(100):
            env.cr.rollback()
            if not self.get_locks(env):
                return
            time.sleep(0.05)
        self.fail("a lock was left behind")

    def assert_complete(self, action):
        """Run the action once more: all is as a run of all has it."""
        companies = list(self.company_ids)
        with self.connect() as env:
            self.wait_until_gone(env)
            getattr(env[RUN], action)()
            env.cr.commit()
            runs = env[RUN].search([("id", ">", self.last_run_id)])
            self.assertEqual(set(runs.mapped("state")), {"done"})
            left = env.execute_query(
                SQL(
                    """
                    SELECT (SELECT count(*) FROM customer_change
                             WHERE company_id = ANY(%(companies)s)),
                           (SELECT count(*) FROM customer_staging
                             WHERE line_id = ANY(%(lines)s)),
                           (SELECT count(*) FROM customer_classification_scope
                             WHERE line_id = ANY(%(lines)s))
                    """,
                    companies=companies,
                    lines=runs.line_ids.ids,
                )
            )
            self.assertEqual(left, [(0, 0, 0)], "queue, staging, scope")
            stored = take(env, companies)
            self.assertTrue(stored)
            self.assertEqual(stored, rehearse(env, companies))
            env.cr.rollback()

    def test_killed_in_each_stage_of_the_night(self):
        for factor, (model, method) in enumerate(STAGES, 2):
            self.factor = factor
            with self.subTest(method), self.connect() as env:
                self.change(env)
                self.kill_in(model, method, "_cron_classify", 1)
                self.assert_complete("_cron_classify")

    def test_killed_at_its_second_company(self):
        for factor, (model, method) in enumerate(STAGES[1:-1], 2):
            self.factor = factor
            with self.subTest(method), self.connect() as env:
                self.change(env)
                self.kill_in(model, method, "_cron_classify", 2)
                self.assert_complete("_cron_classify")

    def test_killed_in_each_stage_of_the_run_of_every_minute(self):
        for factor, (model, method) in enumerate(STAGES, 2):
            if method == "_do_versions":
                continue  # that is for the night
            self.factor = factor
            with self.subTest(method), self.connect() as env:
                self.change(env)
                env[RUN]._cron_classify()
                env.cr.execute(
                    """
                    UPDATE account_move SET invoice_date = invoice_date - 1
                     WHERE company_id = ANY(%s) AND state = 'posted'
                    """,
                    [list(self.company_ids)],
                )
                env.cr.commit()
                self.kill_in(model, method, "_cron_classify_changes", 1)
                self.assert_complete("_cron_classify_changes")
