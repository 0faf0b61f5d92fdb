# Only the scheduled action commits, in the methods that say so in their name.
# pylint: disable=invalid-commit
import logging
import random
import time

import psycopg2

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.service.model import (
    MAX_TRIES_ON_CONCURRENCY_FAILURE,
    PG_CONCURRENCY_EXCEPTIONS_TO_RETRY,
)
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: Customers applied in one transaction of the scheduled action: a second's work,
#: far from the time limits of a worker, and little to repeat after a conflict
CHUNK_SIZE = 10_000
#: First key of the advisory locks of this addon; the second is the company
LOCK_SPACE = 0x63636C73
#: Seconds the scheduled action waits for someone else's run of a company: a call of
#: `classify` takes a few
LOCK_WAIT = 30


class CustomerClassificationRunLine(models.Model):
    """The part of a run that concerns one company: where the work is done.

    The steps, in order: take the company's lock, update the figures, fix the
    version of the rules, stage what differs, apply it in chunks.
    """

    _name = "customer.classification.run.line"
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
        "res.company", required=True, readonly=True, ondelete="cascade"
    )
    as_of = fields.Date("Day", required=True, readonly=True)
    state = fields.Selection(
        [("pending", "Pending"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        readonly=True,
        default="pending",
    )
    error = fields.Text(readonly=True)
    figures_count = fields.Integer("Figures Updated", readonly=True)
    created_count = fields.Integer("First Classified", readonly=True)
    changed_count = fields.Integer("Changed", readonly=True)
    staging_ids = fields.One2many("customer.staging", "line_id", readonly=True)

    # One transaction: a call of `classify`

    def _process(self):
        """Do the whole work of the line in the current transaction."""
        self._stage()
        if not self._is_past():
            while self._apply(CHUNK_SIZE):
                pass
        self.state = "done"

    def _lock(self):
        """Reserve the company until the transaction ends.

        :raise UserError: if another run has it
        """
        [[is_locked]] = self.env.execute_query(
            SQL(
                "SELECT pg_try_advisory_xact_lock(%s, %s)",
                LOCK_SPACE,
                self.company_id.id,
            )
        )
        if not is_locked:
            raise UserError(
                self.env._(
                    "The customers of %(company)s are being classified just now. "
                    "Try again in a few minutes.",
                    company=self.company_id.name,
                )
            )

    # A transaction a step: the scheduled action

    def _cron_process(self):
        """Do the work of the line, committing each step; never raise."""
        self.ensure_one()
        cr = self.env.cr
        key = (LOCK_SPACE, self.company_id.id)
        if not self._cron_lock(key):
            self.write(
                {
                    "state": "failed",
                    "error": self.env._("Another run was computing this company."),
                }
            )
            return
        try:
            self._cron_retry(self._stage)
            while self._cron_retry(lambda: self._apply(CHUNK_SIZE)):
                pass
            self.state = "done"
            cr.commit()
        except Exception as error:
            cr.rollback()
            self.env.invalidate_all()
            _logger.exception("Classification failed for company %s", key[1])
            self.write({"state": "failed", "error": str(error)})
            self.staging_ids.unlink()
            cr.commit()
        finally:
            self.env.execute_query(SQL("SELECT pg_advisory_unlock(%s, %s)", *key))

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

    # The steps

    def _stage(self):
        """Update the figures and the rules, and stage what would change."""
        self.ensure_one()
        self.staging_ids.unlink()
        partners = self.run_id.partner_ids.ids or None
        if self._is_past():
            self._stage_past(partners)
        else:
            self._stage_today(partners)
        self.env["customer.staging"].invalidate_model()

    def _is_past(self):
        """Return whether the line looks at the past, which it never changes."""
        return bool(
            self.run_id.as_of and self.as_of < self.company_id._get_customer_today()
        )

    def _stage_today(self, partners):
        Staging = self.env["customer.staging"]
        Figures = self.env["customer.figures"]
        dimensions = self.env["customer.dimension"]
        scored = dimensions._get_computed().filtered(lambda d: d.method == "score")
        self.figures_count = Figures._update(
            self.company_id, self.as_of, partners, self._get_settings(scored, partners)
        )
        self._update_metrics(partners)
        for dimension in scored:
            ruleset = self._get_ruleset(dimension, partners)
            if ruleset:
                Staging._stage_changes(
                    self,
                    ruleset,
                    Figures._get_stored(self.company_id, partners),
                    partners,
                )
        Staging._stage_withdrawal(self, dimensions._get_shown() - scored, partners)
        self.env["customer.assignment.history"]._record_expired(
            self.company_id, self.as_of, partners, self.run_id
        )

    def _update_metrics(self, partners):
        """Bring the custom metrics up to date; those of no company once in a run."""
        Metric = self.env["customer.metric"]
        Metric._update_values(self.company_id, self.as_of, partners)
        if self == self.run_id.line_ids[:1]:
            Metric._update_values(None, self.as_of, partners)

    def _stage_past(self, partners):
        Figures = self.env["customer.figures"]
        # The cut points come from everybody, whoever is asked about
        figures = Figures._get_computed(self.company_id, self.as_of)
        for dimension in (
            self.env["customer.dimension"]
            ._get_computed()
            .filtered(lambda d: d.method == "score")
        ):
            ruleset = self.env["customer.ruleset"]._create_as_of(
                dimension, self.company_id, self.as_of, figures
            )
            self.env["customer.staging"]._stage_result(
                self, ruleset, Figures._get_restricted(figures, partners)
            )

    def _get_settings(self, dimensions, partners):
        """Return what counts: for few customers, as in the version in force.

        They are compared with all others, whose figures are as of that version until
        the next full run.
        """
        if partners:
            for dimension in dimensions:
                ruleset = self.env["customer.ruleset"]._get_in_force(
                    dimension, self.company_id
                )
                if ruleset:
                    return ruleset.company_settings
        return self.company_id._get_customer_settings()

    def _get_ruleset(self, dimension, partners):
        """Return the version to use, or none while nobody has bought anything.

        A run of few customers keeps the version in force: a new one would leave
        all others with the old.
        """
        Ruleset = self.env["customer.ruleset"]
        Figures = self.env["customer.figures"]
        active = Ruleset._get_in_force(dimension, self.company_id)
        if active and partners:
            return active
        if partners:
            figures = Figures._get_computed(self.company_id, self.as_of)
        else:
            figures = Figures._get_stored(self.company_id)
        return Ruleset._update_version(dimension, self.company_id, self.as_of, figures)

    def _apply(self, limit):
        """Apply the next ``limit`` staged rows; return how many there were."""
        self.ensure_one()
        counts = self.env["customer.assignment"]._apply_staged(self, limit)
        self.created_count += counts["created"]
        self.changed_count += counts["changed"]
        return counts["staged"]
