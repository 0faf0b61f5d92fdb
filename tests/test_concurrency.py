import dataclasses
import logging
import threading
import time
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from . import oracle
from .committed import ConcurrencyCase
from .common import ClassificationCommon

LINE_LOGGER = (
    "odoo.addons.customer_classification.models.customer_classification_run_line"
)


@tagged("post_install", "-at_install")
class TestConcurrency(ConcurrencyCase):
    """People and runs at the same time, on real connections."""

    def test_form_saved_during_a_run(self):
        with self.connect() as run_env, self.connect("2s") as env:
            company = self.companies(run_env)[0]
            Run = run_env["customer.classification.run"]
            for phone in ("1", "2"):  # rows created, then changed
                with self.subTest(phone):
                    run = Run.classify(companies=company)
                    self.assertEqual(run.created_count + run.changed_count, 3)
                    start = time.monotonic()
                    self.partners(env).write({"phone": phone, "comment": "Seen"})
                    self.partners(env)[0].name = "First"
                    env.cr.commit()
                    self.assert_quick(start)
                    run_env.cr.commit()
                company.customer_history_start = self.today
            company.customer_history_start = False
            run_env.cr.commit()
        with self.connect() as env:
            self.assertEqual(self.partners(env).mapped("phone"), ["2"] * 3)
            rows = env["customer.assignment"].search(
                [("company_id", "=", self.company_ids[0])]
            )
            self.assertEqual(len(rows), 3)
            self.assertFalse(rows.category_id)

    def override_values(self, env):
        gold = env.ref("customer_classification.category_gold")
        return {
            "partner_id": self.partner_ids[0],
            "company_id": self.company_ids[0],
            "dimension_id": self.dimension_id,
            "category_id": gold.id,
            "reason": "Because",
        }

    def test_decision_by_hand_during_a_run(self):
        for is_person_first in (True, False):
            with self.subTest(is_person_first=is_person_first):
                with self.connect() as run_env, self.connect("2s") as env:
                    Run = run_env["customer.classification.run"]
                    start = time.monotonic()
                    if is_person_first:
                        env["customer.override"].create(self.override_values(env))
                        env.flush_all()
                    Run.classify(companies=self.companies(run_env)[0])
                    if not is_person_first:
                        env["customer.override"].create(self.override_values(env))
                        env.flush_all()
                        run_env.cr.commit()
                    env.cr.commit()
                    self.assert_quick(start)
                    run_env.cr.commit()
                with self.connect() as env:
                    key = [
                        ("partner_id", "=", self.partner_ids[0]),
                        ("company_id", "=", self.company_ids[0]),
                    ]
                    self.assertEqual(env["customer.override"].search_count(key), 1)
                    self.assertEqual(env["customer.assignment"].search_count(key), 1)
                    self.assert_results(env, self.companies(env)[0])
                    self.remove_results(env)
                    env.cr.commit()

    def test_form_saved_amid_a_step_needs_no_retry(self):
        for step in ("_do_facts", "_apply"):
            with self.subTest(step), self.connect() as env:
                company = self.companies(env)[0]
                line = self.make_line(env, company)
                save = self.between(
                    step, lambda env: self.partners(env).write({"phone": "3"})
                )
                with save as attempts, self.assertNoLogs(LINE_LOGGER, logging.INFO):
                    line._cron_process()
                self.assertTrue(attempts)
                self.assertEqual(line.state, "done")
                self.assert_results(env, company)
                self.remove_results(env)
                env.cr.commit()

    def test_conflict_is_retried(self):
        """Who merges contacts writes the rows that a step is about to write."""

        def move_figures(env):
            env.cr.execute(
                "INSERT INTO customer_figures (partner_id, company_id) VALUES (%s, %s)",
                [self.partner_ids[1], self.company_ids[0]],
            )

        def move_assignment(env):
            env.cr.execute(
                """
                INSERT INTO customer_assignment (
                    partner_id, company_id, dimension_id, slot, since
                )
                VALUES (%s, %s, %s, 0, now())
                """,
                [self.partner_ids[1], self.company_ids[0], self.dimension_id],
            )

        with self.connect() as env:
            # it is real: where nobody retries, the run dies of it
            with (
                self.between("_do_facts", move_figures),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.SerializationFailure),
            ):
                env["customer.classification.run"].classify(self.company_ids[0])
            env.cr.rollback()
            self.remove_results(env)
            env.cr.commit()
        for step, move in (("_do_facts", move_figures), ("_judge", move_assignment)):
            with self.subTest(step), self.connect() as env:
                company = self.companies(env)[0]
                line = self.make_line(env, company)
                with (
                    self.between(step, move) as attempts,
                    mute_logger("odoo.sql_db"),
                    self.assertLogs(LINE_LOGGER, logging.INFO) as logs,
                ):
                    line._cron_process()
                self.assertEqual(len(logs.output), 1, logs.output)
                self.assertIn("Retrying company", logs.output[0])
                self.assertGreater(len(attempts), 1)
                self.assertEqual(line.state, "done")
                self.assert_results(env, company)
                self.remove_results(env)
                env.cr.commit()

    def test_conflicts_without_end_fail_the_company(self):
        with self.connect() as env:
            line = self.make_line(env, self.companies(env)[0])
            with (
                self.connect() as holder,
                patch("time.sleep"),
                mute_logger("odoo.sql_db", LINE_LOGGER),
            ):
                env.cr.execute("SET SESSION lock_timeout = '50ms'")
                env.cr.commit()
                holder.cr.execute(
                    "INSERT INTO customer_figures (partner_id, company_id)"
                    " VALUES (%s, %s)",
                    [self.partner_ids[0], self.company_ids[0]],
                )
                line._cron_process()
            self.assertEqual(line.state, "failed")
            self.assertIn("lock timeout", line.error)
            self.assertFalse(line.staging_ids)
            env.cr.commit()

    def test_second_run_of_a_company_is_told_so(self):
        with self.connect() as first, self.connect() as second:
            company, other = self.companies(second)
            Run = second["customer.classification.run"]
            first["customer.classification.run"].classify(companies=company.ids)
            with self.assertRaisesRegex(
                UserError, "Concurrency A are being classified"
            ):
                Run.classify(companies=company)
            second.cr.rollback()
            Run.classify(companies=other)
            second.cr.commit()
            self.assert_results(second, other)
            line = self.make_line(second, company)
            with patch(f"{LINE_LOGGER}.LOCK_WAIT", 0):
                line._cron_process()
            second.cr.commit()
            self.assertEqual(line.state, "pending", "it waits for the other run")
            self.assertEqual(len(self.get_locks(second)), 1)
            first.cr.commit()
            self.assertFalse(self.get_locks(second))
            second.cr.rollback()
            second.invalidate_all()
            line = self.make_line(second, company)
            line._cron_process()
            self.assertEqual(line.state, "done")
            second.cr.commit()
            self.assert_results(second, company)

    def test_scheduled_action_waits_for_a_short_run(self):
        with self.connect() as first, self.connect() as second:
            company = self.companies(second)[0]
            first["customer.classification.run"].classify(companies=company.ids)
            line = self.make_line(second, company)
            end = threading.Timer(1.5, first.cr.commit)
            end.start()
            line._cron_process()
            end.join()
            second.cr.commit()
            self.assertEqual(line.state, "done")
            self.assertFalse(line.changed_count or line.created_count)
            self.assert_results(second, company)

    def test_call_during_the_scheduled_action(self):
        with self.run_stuck_at(0), self.connect() as env:
            company, other = self.companies(env)
            Run = env["customer.classification.run"]
            with self.assertRaises(UserError):
                Run.classify(companies=company)
            env.cr.rollback()
        with self.connect() as env:
            for company in self.companies(env):
                self.assert_results(env, company)

    def test_failing_company_does_not_stop_the_others(self):
        with self.connect() as env:
            broken, other = self.companies(env)
            env.cr.execute(
                "UPDATE res_company SET customer_population_domain = %s WHERE id = %s",
                ["[('no_such_field', '=', 1)]", broken.id],
            )
            env.cr.commit()
            env.invalidate_all()
            Run = env["customer.classification.run"]
            with self.assertLogs(LINE_LOGGER, "ERROR") as logs:
                Run._cron_classify()
            self.assertEqual(len(logs.output), 1)
            self.assertIn(f"company {broken.id}", logs.output[0])
        with self.connect() as env:  # what was committed
            broken, other = self.companies(env)
            Run = env["customer.classification.run"]
            run = Run.search([("id", ">", self.last_run_id)])
            self.assertEqual(run.state, "failed")
            states = {line.company_id: line.state for line in run.line_ids}
            self.assertEqual(states.pop(broken), "failed")
            self.assertEqual(set(states.values()), {"done"})
            failed = run.line_ids.filtered(lambda line: line.company_id == broken)
            self.assertIn("no_such_field", failed.error)
            self.assertFalse(
                env["customer.figures"].search([("company_id", "=", broken.id)])
            )
            self.assert_results(env, other)
            broken.customer_population_domain = "[('customer_rank', '>', 0)]"
            env.cr.commit()
            Run._create_run("request", Run._get_all_companies())
            Run._cron_classify()
            second = Run.search([("id", ">", run.id)])
            self.assertEqual(second.state, "done")
            self.assert_results(env, broken)
            env.cr.commit()

    def test_killed_run_is_resumed(self):
        def versions_of_rows(env):
            """Return which transaction wrote what there is of the first company."""
            return env.execute_query(
                SQL(
                    """SELECT 'assignment', id, xmin::text FROM customer_assignment
                        WHERE company_id = %(company)s
                        UNION
                       SELECT 'line', id, xmin::text
                         FROM customer_classification_run_line
                        WHERE company_id = %(company)s
                        ORDER BY 1, 2""",
                    company=self.company_ids[0],
                )
            )

        with mute_logger("odoo.sql_db", LINE_LOGGER):
            with self.run_stuck_at(1) as (thread, pid), self.connect() as env:
                env.execute_query(SQL("SELECT pg_terminate_backend(%s)", pid))
                thread.join(20)
        with self.connect() as env:
            self.assertFalse(self.get_locks(env))
            Run = env["customer.classification.run"]
            run = Run.search([("id", ">", self.last_run_id)])
            states = {line.company_id.id: line.state for line in run.line_ids}
            first, second = self.company_ids
            self.assertEqual((states[first], states[second]), ("done", "pending"))
            self.assertEqual(run.state, "running")
            self.assert_results(env, self.companies(env)[0])
            self.assertFalse(
                env["customer.assignment"].search([("company_id", "=", second)])
            )
            before = versions_of_rows(env)
            self.assertEqual(len(before), 3 + 1)
            env.cr.commit()
            Run._cron_classify()
            self.assertEqual(Run.search([("id", ">", self.last_run_id)]), run)
            self.assertEqual(run.state, "done")
            self.assertEqual(set(run.line_ids.mapped("state")), {"done"})
            self.assertEqual(versions_of_rows(env), before)
            for company in self.companies(env):
                self.assert_results(env, company)
            self.assertFalse(
                env["customer.staging"].search([("line_id", "in", run.line_ids.ids)])
            )
            env.cr.commit()


@tagged("post_install", "-at_install")
class TestMergeDuringRun(ConcurrencyCase):
    def test_contact_merged_amid_a_step(self):
        """The merge removes a contact that the step refers to.

        Nobody waits and nothing is checked; the next run removes what is left of it.
        """

        def merge(env):
            wizard = env["base.partner.merge.automatic.wizard"].create({})
            first, second, _third = self.partners(env)
            wizard._merge((first + second).ids, first)
            wizard.unlink()

        with self.connect() as env:
            company = self.companies(env)[0]
            line = self.make_line(env, company)
            gone = [("partner_id", "=", self.partner_ids[1])]
            with self.between("_apply", merge):
                line._cron_process()
            self.assertEqual(line.state, "done", line.error)
            self.assertTrue(env["customer.assignment"].search(gone))
            env["customer.classification.run"].classify(companies=company)
            env.cr.commit()
            for model in ("customer.figures", "customer.assignment"):
                self.assertFalse(env[model].search(gone), model)
            # the version, and thus its cut points, are of before the merge
            cuts = oracle.paying_cuts(
                oracle.compute_figures(self.documents, self.today)
            )
            self.documents = [
                dataclasses.replace(d, customer=d.customer.replace("Second", "First"))
                for d in self.documents
            ]
            self.assert_results(env, company, cuts)


@tagged("post_install", "-at_install")
class TestScheduledAction(ClassificationCommon):
    def test_cron_direct_trigger(self):
        alpha = self.make_customer("Alpha")
        self.post(alpha, 10, 3)
        before = self.Run.search([])
        # whenever the test runs, it is night
        self.env["res.company"].search(
            []
        ).customer_night_hour = fields.Datetime.now().hour
        cron = self.env.ref("customer_classification.ir_cron_classify").sudo()
        with self.enter_registry_test_mode():
            self.assertIs(cron.method_direct_trigger(), True)
        run = self.Run.search([]) - before
        self.assertEqual((run.trigger, run.state), ("cron", "done"))
        self.assert_figures()
        self.assert_tiers()
