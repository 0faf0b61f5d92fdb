# Only the scheduled actions commit, in the methods that say so in their name.
# pylint: disable=invalid-commit
import logging
import random
import time
from functools import partial

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import (
    MAX_TRIES_ON_CONCURRENCY_FAILURE,
    PG_CONCURRENCY_EXCEPTIONS_TO_RETRY,
)
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: First key of the advisory locks of this addon; the second is the company
LOCK_SPACE = 0x63636C73
#: Seconds that a scheduled action waits for someone else's run of a company: a call of
#: `classify` takes a few
LOCK_WAIT = 30
#: Seconds after which a step is committed
MOMENT = 0.2
#: Seconds for which a run leaves room for somebody who did something
BUSY_MOMENT = 5


class RunStopped(Exception):
    """Somebody stopped the run."""


class CustomerClassificationRunLine(models.Model):
    """The part of a run that concerns one company.

    Its ``plan`` lists the jobs, made when the work begins; ``position`` says how far
    it got. Both are saved with every step, so that whoever comes next goes on there.
    What the jobs are, ``customer_run_plan.py`` says; what they do,
    ``customer_run_jobs.py``.
    """

    _name = "customer.classification.run.line"
    _inherit = ["customer.engine.links.mixin"]
    _description = "Classification of a Company"
    _order = "run_id, id"
    _rec_name = "company_id"

    run_id = fields.Many2one(
        "customer.classification.run",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        "res.company",
        readonly=True,
        ondelete="cascade",
        help="Empty: the dimensions that all companies share.",
    )
    owner_name = fields.Char("For", compute="_compute_owner_name")
    as_of = fields.Date("Day", required=True, readonly=True)
    extent = fields.Selection(
        [
            ("all", "All customers"),
            ("due", "Changed or due"),
            ("touched", "Changed"),
            ("chosen", "Chosen customers"),
        ],
        string="Computed",
        required=True,
        readonly=True,
        default="all",
        help="All customers: everything anew. Changed or due: the customers whose "
        "invoices, payments or contact changed, or for whom the calendar changes "
        "something today; rules, mirrored fields and custom metrics for everybody. "
        "Changed: only customers who changed.",
    )
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("stopped", "Stopped"),
        ],
        required=True,
        readonly=True,
        default="pending",
    )
    plan = fields.Json(readonly=True, help="The jobs, in their order.")
    position = fields.Json(
        readonly=True, help="The number of the job, and the last customer it did."
    )
    progress = fields.Float("Progress (%)", compute="_compute_progress")
    current_job = fields.Char("Now", compute="_compute_progress")
    worker = fields.Integer(
        readonly=True, help="The database process that computes, or did so last."
    )
    what_counts = fields.Json(
        readonly=True, help="Who was a customer and what counted in this run."
    )
    error = fields.Text(readonly=True)
    warning = fields.Text(
        readonly=True, help="What could not be evaluated, and was left as it is."
    )
    figures_count = fields.Integer("Figures Updated", readonly=True)
    created_count = fields.Integer("First Classified", readonly=True)
    changed_count = fields.Integer("Changed", readonly=True)
    staging_ids = fields.One2many("customer.staging", "line_id", readonly=True)

    @api.depends("company_id")
    @api.depends_context("lang")
    def _compute_owner_name(self):
        for line in self:
            line.owner_name = line.company_id.name or self.env._("All companies")

    # One transaction: a call of `classify`

    def _process(self):
        """Do the whole work of the line in the current transaction."""
        while self._do_next():
            pass

    def _lock(self):
        """Reserve the company until the transaction ends.

        :raise UserError: if another run has it
        """
        [[is_locked]] = self.env.execute_query(
            SQL(
                "SELECT pg_try_advisory_xact_lock(%s, %s)",
                LOCK_SPACE,
                self.company_id.id or 0,
            )
        )
        if not is_locked:
            raise UserError(
                self.env._(
                    "The customers of %(company)s are being classified just now. "
                    "Try again in a few minutes.",
                    company=self.owner_name,
                )
            )

    # A transaction a step: the scheduled actions

    def _cron_process(self, commit_progress=None):
        """Do the work of the line, committing each step; never raise.

        :param commit_progress: commits, and returns the seconds that are left for more
        :return: whether the line needs no further call
        """
        self.ensure_one()
        commit_progress = commit_progress or self._cron_commit
        key = (LOCK_SPACE, self.company_id.id or 0)
        if not self._cron_lock(key):
            return False
        try:
            self._cron_retry(self._note_worker)
            # what changed within the minute was changed by people at work
            is_busy = self.extent == "touched"
            while self._cron_retry(partial(self._do_some, is_busy)):
                is_busy = self._check_stop()
                if commit_progress() <= 0:
                    return False
        except Exception as error:
            self._cron_give_up(error)
        finally:
            self.env.execute_query(SQL("SELECT pg_advisory_unlock(%s, %s)", *key))
        return True

    def _do_some(self, is_busy=False):
        """Do steps for a moment; return whether there is more to do.

        Most steps have nothing to do, and to commit takes longer than they do.

        :param bool is_busy: whether others work in the database
        """
        if is_busy:
            self._make_room()
        end = time.monotonic() + MOMENT
        while self._do_next():
            if time.monotonic() > end:
                return True
        return False

    def _make_room(self):
        """Compute in one process until the transaction ends: others need the rest."""
        self.env.execute_query(SQL("SET LOCAL max_parallel_workers_per_gather = 0"))

    def _cron_commit(self):
        self.env.cr.commit()
        return float("inf")

    def _cron_give_up(self, error):
        """Note why the line ended early; the customers it did not reach stay noted."""
        self.env.cr.rollback()
        self.env.invalidate_all()
        if isinstance(error, RunStopped) or (
            isinstance(error, psycopg2.errors.QueryCanceled) and self.run_id.stopped_at
        ):
            self.state = "stopped"
        else:
            _logger.error(
                "Classification failed for company %s",
                self.company_id.id or 0,
                exc_info=error,
            )
            self.write({"state": "failed", "error": str(error)})
        self.env.cr.commit()

    # Stopping

    def _check_stop(self):
        """Look whether somebody stopped the run, or works in the database meanwhile.

        :return: whether others did something in the last seconds
        :raise RunStopped: if it is to stop
        """
        # a cursor of its own: a long transaction does not see what came after its begin
        with self.env.registry.cursor() as cr:
            cr.execute(
                SQL(
                    """
                    SELECT run.stopped_at IS NOT NULL,
                           EXISTS (
                               SELECT
                                 FROM pg_stat_activity
                                WHERE datname = current_database()
                                  AND backend_type = 'client backend'
                                  AND pid NOT IN (pg_backend_pid(), %(worker)s)
                                  AND state_change
                                      > clock_timestamp() - %(moment)s * interval '1 s'
                           )
                      FROM customer_classification_run AS run
                     WHERE run.id = %(run)s
                    """,
                    worker=self.worker or 0,
                    moment=BUSY_MOMENT,
                    run=self.run_id.id,
                )
            )
            [is_stopped, is_busy] = cr.fetchone() or (False, False)
        if is_stopped:
            raise RunStopped
        return is_busy

    def _note_worker(self):
        [[self.worker]] = self.env.execute_query(SQL("SELECT pg_backend_pid()"))

    def _get_worker(self):
        """Return the database process that computes the line just now, or None."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT pid
                  FROM pg_locks
                 WHERE locktype = 'advisory'
                   AND classid = %s
                   AND objid = %s
                   AND pid = %s
                   AND granted
                   AND database = (
                       SELECT oid FROM pg_database WHERE datname = current_database()
                   )
                """,
                LOCK_SPACE,
                self.company_id.id or 0,
                self.worker,
            )
        )
        return rows[0][0] if rows else None

    def _cancel_worker(self):
        """Cancel the statements that compute these lines; the flag ends the rest."""
        with self.env.registry.cursor() as cr:
            lines = self.with_env(self.env(cr=cr))
            for pid in {line._get_worker() for line in lines} - {None}:
                cr.execute(SQL("SELECT pg_cancel_backend(%s)", pid))

    def _cron_lock(self, key):
        """Take the company's lock, waiting a while; return whether it was to be had.

        A session lock outlives the commits of the steps. It is taken before the
        transaction that reads: waiting inside that would mean an old snapshot.
        """
        until = time.monotonic() + LOCK_WAIT
        while True:
            [[is_locked]] = self.env.execute_query(
                SQL("SELECT pg_try_advisory_lock(%s, %s)", *key)
            )
            self.env.cr.commit()
            if is_locked or time.monotonic() > until:
                return is_locked
            time.sleep(1)

    def _cron_retry(self, step):
        """Do and commit ``step``; again if someone else's write came between.

        Odoo retries a person's request after a serialization failure, but not a
        scheduled action.
        """
        for attempt in range(1, MAX_TRIES_ON_CONCURRENCY_FAILURE + 1):
            try:
                result = step()
                self.env.cr.commit()
                return result
            except psycopg2.OperationalError as error:
                self.env.cr.rollback()
                self.env.invalidate_all()
                if (
                    not isinstance(error, PG_CONCURRENCY_EXCEPTIONS_TO_RETRY)
                    or attempt == MAX_TRIES_ON_CONCURRENCY_FAILURE
                ):
                    raise
                pause = random.uniform(0.0, 0.1 * 2**attempt)
                _logger.info("Retrying company %s in %.1f s", self.company_id.id, pause)
                time.sleep(pause)
