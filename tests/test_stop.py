"""Runs that somebody stops, and runs that meet."""

import threading
import time
from contextlib import contextmanager
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .committed import LINE, ConcurrencyCase
from .stored import rehearse, take

RUN = "customer.classification.run"
PLAN = "odoo.addons.customer_classification.models.customer_run_plan"
LINE_LOGGER = (
    "odoo.addons.customer_classification.models.customer_classification_run_line"
)
#: Seconds within which a stopped run has ended: a promise, not a measurement
STOP_LIMIT = 5
#: Parts of a run, and at which call of each it is held; the steps are small
PLACES = (
    ("_do_expire", 1),
    ("_do_facts", 1),
    ("_do_facts", 2),
    ("_do_versions", 1),
    ("_judge", 1),
    ("_judge", 2),
    ("_apply", 1),
    ("_do_withdraw", 1),
)


class StopCommon(ConcurrencyCase):
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
        self.enterContext(patch(f"{PLAN}.RANGE_SIZE", 1_000))
        self.enterContext(patch(f"{PLAN}.CHUNK_SIZE", 2))

    def change(self, env, factor=100):
        """Let something happen that gives customers other figures and scores."""
        env.cr.execute(
            """
            UPDATE account_move
               SET amount_untaxed_signed = amount_untaxed_signed * %s
             WHERE company_id = ANY(%s) AND state = 'posted'
               AND commercial_partner_id <> %s
            """,
            [factor, list(self.company_ids), self.partner_ids[1]],
        )
        env.cr.commit()

    def expire_versions(self, env):
        env["customer.ruleset"].search(
            [("company_id", "in", self.company_ids), ("state", "=", "active")]
        )._expire_cuts()
        env.cr.commit()

    def get_scores(self, env):
        """Return by company and customer the score, and the version in force."""
        versions = env["customer.ruleset"].search_read(
            [("company_id", "in", self.company_ids), ("state", "=", "active")],
            ["company_id", "version"],
        )
        rows = env.execute_query(
            SQL(
                "SELECT company_id, partner_id, score FROM customer_assignment"
                " WHERE company_id = ANY(%s)",
                list(self.company_ids),
            )
        )
        return (
            {(company, partner): score for company, partner, score in rows},
            {row["company_id"][0]: row["version"] for row in versions},
        )

    @contextmanager
    def held(self, method, number, seconds=60, counts=lambda *args: True):
        """Run every company in a thread, held in a statement; yield run and thread.

        The statement follows the work of the method and is as slow as ``seconds``.

        :param counts: tells by the arguments whether a call counts
        """
        Line = self.registry[LINE]
        original, calls, runs = getattr(Line, method), [], []

        def wrapper(line, *args, **kwargs):
            result = original(line, *args, **kwargs)
            if counts(*args):
                calls.append(method)
            if len(calls) == number and counts(*args):
                line.env.flush_all()
                line.env.execute_query(
                    SQL("SELECT pg_sleep(%s), 'held'::text", seconds)
                )
            return result

        def work():
            with self.connect() as env:
                env.cr.execute("SET SESSION statement_timeout = 0")
                run = env[RUN]._cron_create(
                    "cron", env["res.company"].browse(self.company_ids)
                )
                runs.append(run.id)
                with patch.object(Line, method, wrapper):
                    run._cron_work()
                env.cr.commit()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        with self.connect() as env, mute_logger("odoo.sql_db", LINE_LOGGER):
            self.wait_for_statement(env)
            yield env[RUN].browse(runs), thread
            thread.join(30)
        self.assertFalse(thread.is_alive())

    def wait_for_statement(self, env):
        for _attempt in range(400):
            rows = env.execute_query(
                SQL(
                    """SELECT FROM pg_stat_activity
                        WHERE datname = current_database() AND state = 'active'
                          AND wait_event = 'PgSleep'"""
                )
            )
            env.cr.rollback()
            if rows:
                return
            time.sleep(0.05)
        self.fail("the run never got there")

    def complete(self, env):
        """Do the next nightly run; all is as a run of all has it."""
        run = env[RUN]._cron_create("cron", env["res.company"].browse(self.company_ids))
        run._cron_work()
        self.assertEqual(run.state, "done")
        stored = take(env, self.company_ids)
        self.assertEqual(stored, rehearse(env, list(self.company_ids)))
        left = env["customer.classification.scope"].search_count(
            [("line_id.company_id", "in", self.company_ids)]
        )
        self.assertFalse(left)
        env.cr.commit()


@tagged("post_install", "-at_install")
class TestStop(StopCommon):
    def stop(self, run, thread):
        """Stop as the button does; the run ends in time."""
        with self.connect() as env:
            start = time.monotonic()
            run.with_env(env).action_stop()
            env.cr.commit()
            thread.join(STOP_LIMIT)
            self.assertFalse(thread.is_alive(), "it went on")
            self.assertLess(time.monotonic() - start, STOP_LIMIT)
        run.env.cr.rollback()
        run.invalidate_recordset()
        self.assertEqual(run.state, "stopped")
        self.assertEqual(set(run.line_ids.mapped("state")) - {"done"}, {"stopped"})
        self.assertFalse(run.staging_ids)

    def test_each_customer_has_the_old_or_the_new_score(self):
        factor = 1.0
        for method, number in PLACES:
            factor += 1
            with self.subTest(method, number=number), self.connect() as env:
                before, _versions = self.get_scores(env)
                self.change(env, factor)
                expected = self.rehearse_scores(env)
                with self.held(method, number) as (run, thread):
                    self.stop(run, thread)
                env.cr.rollback()
                present, _versions = self.get_scores(env)
                self.assertEqual(present.keys(), before.keys())
                for key, score in present.items():
                    self.assertIn(score, (before[key], expected[key]))
                self.assertFalse(self.get_locks(env))
                self.complete(env)
                self.assertEqual(self.get_scores(env)[0], expected)

    def rehearse_scores(self, env):
        with env.cr.savepoint() as savepoint:
            env[RUN].classify(list(self.company_ids))
            scores, _versions = self.get_scores(env)
            savepoint.close(rollback=True)
        env.invalidate_all()
        env.cr.rollback()
        return scores

    def test_no_mixture_of_versions(self):
        """A company has all of the old version, or all of the new one."""
        self.enterContext(patch(f"{PLAN}.RANGE_SIZE", 2))

        def is_first_customer(_dimensions, scope):
            return scope.first <= self.partner_ids[0] <= scope.last

        for number in (1, 2):
            with self.subTest(number), self.connect() as env:
                self.change(env, 1 / 100 if number % 2 else 100)
                self.expire_versions(env)
                before = self.get_scores(env)
                expected = self.rehearse_scores(env)
                held = self.held("_judge", number, counts=is_first_customer)
                with held as (run, thread):
                    self.stop(run, thread)
                env.cr.rollback()
                scores, versions = self.get_scores(env)
                for company in self.company_ids:
                    is_old = versions[company] == before[1][company]
                    wanted = before[0] if is_old else expected
                    self.assertEqual(
                        {k: v for k, v in scores.items() if k[0] == company},
                        {k: v for k, v in wanted.items() if k[0] == company},
                    )
                self.complete(env)
                self.assertEqual(self.get_scores(env)[0], expected)

    def test_stopped_before_it_began(self):
        with self.connect() as env:
            self.change(env)
            run = env[RUN]._cron_create(
                "cron", env["res.company"].browse(self.company_ids)
            )
            before = take(env, self.company_ids)
            run.action_stop()
            env.cr.commit()
            self.assertEqual(run.state, "stopped")
            run._cron_work()
            self.assertEqual(take(env, self.company_ids), before)
            self.complete(env)


@tagged("post_install", "-at_install")
class TestMeeting(StopCommon):
    """A run whose company is being computed waits, and is done the next time."""

    def test_minute_during_the_night(self):
        self.enterContext(patch(f"{LINE_LOGGER}.LOCK_WAIT", 0))
        with self.connect() as env:
            self.change(env)
            with self.held("_do_facts", 1, seconds=3) as (night, thread):
                # what changes during the night, the night does not know
                self.change(env, 3)
                env[RUN]._cron_classify_changes()
                env.cr.commit()
                minute = env[RUN].search([("trigger", "=", "changes")], limit=1)
                line = minute.line_ids.filtered(
                    lambda line: line.company_id.id == self.company_ids[0]
                )
                self.assertEqual((minute.state, line.state), ("running", "pending"))
                thread.join(30)
            env.cr.rollback()
            env.invalidate_all()
            self.assertEqual(night.with_env(env).state, "done")
            env[RUN]._cron_classify_changes()
            env.cr.commit()
            self.assertEqual(minute.state, "done")
            stored = take(env, self.company_ids)
            self.assertEqual(stored, rehearse(env, list(self.company_ids)))
            env.cr.rollback()

    def test_two_nights_at_once(self):
        self.enterContext(patch(f"{LINE_LOGGER}.LOCK_WAIT", 0))
        with self.connect() as env:
            self.change(env)
            with self.held("_judge", 1, seconds=3) as (first, thread):
                companies = env["res.company"].browse(self.company_ids)
                second = env[RUN]._cron_create("cron", companies)
                self.assertFalse(second._cron_work(), "the first has a company")
                self.assertEqual(second.state, "running")
                thread.join(30)
            env.cr.rollback()
            env.invalidate_all()
            self.assertEqual(first.with_env(env).state, "done")
            self.assertTrue(second._cron_work())
            self.assertEqual(second.state, "done")
            self.complete(env)


@tagged("post_install", "-at_install")
class TestRoom(StopCommon):
    """A run computes in several processes only while nobody else works."""

    def get_workers(self, work):
        """Run a company; return how many more processes each part after a look had."""
        Line, found = self.registry[LINE], []
        look, judge = Line._check_stop, Line._judge

        def looking(line):
            work()
            return look(line)

        def judging(line, *args, **kwargs):
            [[setting]] = line.env.execute_query(
                SQL("SELECT current_setting('max_parallel_workers_per_gather')")
            )
            found.append(int(setting))
            return judge(line, *args, **kwargs)

        # a moment in which nobody but these two connections does anything
        patches = (
            patch.object(Line, "_check_stop", looking),
            patch.object(Line, "_judge", judging),
            patch(f"{LINE_LOGGER}.MOMENT", 0),
            patch(f"{LINE_LOGGER}.BUSY_MOMENT", 0.5),
        )
        with self.connect() as env:
            self.change(env)
            run = env[RUN]._create_run(
                "request", env["res.company"].browse(self.company_ids[0])
            )
            env.cr.commit()
            time.sleep(0.6)
            with patches[0], patches[1], patches[2], patches[3]:
                run._cron_work()
            self.assertEqual(run.state, "done")
        self.assertTrue(found)
        return found

    def test_makes_room_for_people(self):
        with self.connect() as other:

            def work():
                other.cr.execute("SELECT count(*) FROM res_partner")
                other.cr.commit()

            self.assertEqual(set(self.get_workers(work)), {0})

    def test_nobody_works(self):
        with self.connect() as env:
            [[usual]] = env.execute_query(
                SQL("SELECT current_setting('max_parallel_workers_per_gather')")
            )
        self.assertEqual(set(self.get_workers(lambda: None)), {int(usual)})
