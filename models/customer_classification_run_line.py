# Only the scheduled action commits, in the methods that say so in their name.
# pylint: disable=invalid-commit
import logging
import random
import time
from contextlib import contextmanager

import psycopg2

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.service.model import (
    MAX_TRIES_ON_CONCURRENCY_FAILURE,
    PG_CONCURRENCY_EXCEPTIONS_TO_RETRY,
)
from odoo.tools import SQL

from .customer_scope import EVERYONE, Scope

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

    The steps, in order: take the company's lock, update the figures and metrics;
    then, for the dimensions that read nothing but these, fix the version of the
    rules, stage what differs, apply it in chunks; then the same for the dimensions
    that read the former, and so on.
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
        "res.company",
        readonly=True,
        ondelete="cascade",
        help="Empty: the dimensions that all companies share.",
    )
    as_of = fields.Date("Day", required=True, readonly=True)
    state = fields.Selection(
        [("pending", "Pending"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        readonly=True,
        default="pending",
    )
    error = fields.Text(readonly=True)
    warning = fields.Text(
        readonly=True, help="What could not be evaluated, and was left as it is."
    )
    figures_count = fields.Integer("Figures Updated", readonly=True)
    created_count = fields.Integer("First Classified", readonly=True)
    changed_count = fields.Integer("Changed", readonly=True)
    staging_ids = fields.One2many("customer.staging", "line_id", readonly=True)

    # One transaction: a call of `classify`

    def _process(self):
        """Do the whole work of the line in the current transaction."""
        self._prepare()
        for company, metric in self._get_metrics():
            self._update_metric(company, metric)
        if self._is_past():
            self._stage_past()
        else:
            for dimensions in self._get_stages():
                self._stage(dimensions)
                while self._apply(CHUNK_SIZE):
                    pass
            self._mirror_tags()
        self.state = "failed" if self.error else "done"

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
                    company=self.company_id.name or self.env._("all companies"),
                )
            )

    # A transaction a step: the scheduled action

    def _cron_process(self):
        """Do the work of the line, committing each step; never raise."""
        self.ensure_one()
        cr = self.env.cr
        key = (LOCK_SPACE, self.company_id.id or 0)
        if not self._cron_lock(key):
            self.write(
                {
                    "state": "failed",
                    "error": self.env._("Another run was computing this company."),
                }
            )
            return
        try:
            self._cron_retry(self._prepare)
            for company, metric in self._get_metrics():
                self._cron_retry(lambda: self._update_metric(company, metric))  # noqa: B023
            for dimensions in self._get_stages():
                self._cron_retry(lambda: self._stage(dimensions))  # noqa: B023
                while self._cron_retry(lambda: self._apply(CHUNK_SIZE)):
                    pass
            self._cron_retry(self._mirror_tags)
            self.state = "failed" if self.error else "done"
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

    def _prepare(self):
        """Update the figures, and record the decisions that ended."""
        self.ensure_one()
        self.staging_ids.unlink()
        self.error = self.warning = False
        if self._is_past():
            return
        scope = self._get_scope()
        if self.company_id:
            settings = self._get_settings()
            self.figures_count = sum(
                facts._update(self.company_id, self.as_of, scope, settings)
                for facts in self.env["customer.facts.mixin"]._get_models()
            )
        self.env["customer.assignment.history"]._record_expired(
            self.company_id, self.as_of, scope, self.run_id
        )

    def _get_metrics(self):
        """Return pairs of company and custom metric to bring up to date.

        The metrics of no company in particular come once in a run, with an empty
        company.
        """
        if self._is_past():
            return []
        Metric, Company = self.env["customer.metric"], self.env["res.company"]
        owners = [self.company_id] if self.company_id else []
        if self == self.run_id.line_ids[:1]:
            owners.append(Company)
        return [(c, m) for c in owners for m in Metric._get_updated(c)]

    def _update_metric(self, company, metric):
        metric._update_one(company or None, self.as_of, self._get_scope())

    def _get_scope(self):
        """Return whom the run is about."""
        partners = self.run_id.partner_ids
        return Scope.of(partners.ids) if partners else EVERYONE

    def _is_past(self):
        """Return whether the line looks at the past, which it never changes."""
        return bool(
            self.run_id.as_of
            and self.company_id
            and self.as_of < self.company_id._get_customer_today()
        )

    def _get_dimensions(self):
        """Return the dimensions that the line computes."""
        return self.env["customer.dimension"]._get_computed(shared=not self.company_id)

    def _get_stages(self):
        """Return the dimensions in the order of computation, see `_get_stages` there.

        The first stage is there even if it is empty: what is computed no more ends
        with it.
        """
        return self._get_dimensions()._get_stages() or [self._get_dimensions()]

    def _stage(self, dimensions):
        """Fix the versions of the dimensions, and stage what would change.

        A dimension that fails is reported and does not stop the others.
        """
        self.ensure_one()
        self.staging_ids.unlink()
        scope = self._get_scope()
        self._prepare_population(scope)
        figures = self.env["customer.figures"]._get_stored(self.company_id, scope)
        for dimension in dimensions:
            with self._isolate(dimension):
                ruleset = self._get_ruleset(dimension)
                if ruleset:
                    self.env["customer.staging"]._stage_changes(
                        self, ruleset, figures, scope
                    )
        self._stage_withdrawal()
        self._report_broken_rules(dimensions)
        self.env["customer.staging"].invalidate_model()

    def _prepare_population(self, scope):
        self.env["customer.population"]._prepare(
            self.company_id, self._get_settings(), scope
        )

    def _report_broken_rules(self, dimensions):
        broken = dimensions.rule_ids.filtered("error")
        lines = [
            self.env._(
                "%(dimension)s, rule “%(rule)s”: %(error)s",
                dimension=rule.dimension_id.name,
                rule=rule.name,
                error=rule.error,
            )
            for rule in broken
        ]
        self.warning = "\n".join(filter(None, [self.warning, *lines])) or False

    def _stage_withdrawal(self):
        """Stage the end of what dimensions gave that compute nothing any more."""
        shown = self.env["customer.dimension"]._get_shown()
        here = shown.filtered(lambda d: d.is_shared == (not self.company_id))
        self.env["customer.staging"]._stage_withdrawal(
            self, here - self._get_dimensions(), self._get_scope()
        )

    def _stage_past(self):
        """Stage the whole result of a past day.

        Only scores can be computed for it: what a contact was like then, no rule
        can know.
        """
        Figures = self.env["customer.figures"]
        # The cut points come from everybody, whoever is asked about
        figures = Figures._get_computed(self.company_id, self.as_of)
        self._prepare_population(EVERYONE)
        rulesets = []
        for dimension in self._get_dimensions().filtered(lambda d: d.method == "score"):
            with self._isolate(dimension):
                rulesets.append(
                    self.env["customer.ruleset"]._create_as_of(
                        dimension, self.company_id, self.as_of, figures
                    )
                )
        scope = self._get_scope()
        self._prepare_population(scope)
        figures = Figures._get_restricted(figures, scope)
        for ruleset in rulesets:
            with self._isolate(ruleset.dimension_id):
                self.env["customer.staging"]._stage_result(self, ruleset, figures)
        self.env["customer.staging"].invalidate_model()

    @contextmanager
    def _isolate(self, dimension):
        """Report what fails in a dimension; the others go on."""
        try:
            with self.env.cr.savepoint():
                yield
        except psycopg2.OperationalError:
            raise  # another transaction came between: the step is repeated
        except Exception as error:
            _logger.exception("Dimension %s cannot be computed", dimension.code)
            self.env.invalidate_all()
            message = self.env._(
                "%(dimension)s: %(error)s", dimension=dimension.name, error=error
            )
            self.error = "\n".join(filter(None, [self.error, message]))

    def _get_settings(self):
        """Return what counts: for few customers, as in the version in force.

        They are compared with all others, whose figures are as of that version until
        the next full run.
        """
        if not self.company_id:
            return {}
        if self.run_id.partner_ids and not self._is_past():
            for dimension in self._get_dimensions():
                ruleset = self.env["customer.ruleset"]._get_in_force(
                    dimension, self.company_id
                )
                if ruleset:
                    return ruleset.company_settings
        return self.company_id._get_customer_settings()

    def _get_ruleset(self, dimension):
        """Return the version to use, or none while nobody has bought anything.

        A run of few customers keeps the version in force: a new one would leave
        all others with the old.
        """
        Ruleset = self.env["customer.ruleset"]
        Figures = self.env["customer.figures"]
        scope = self._get_scope()
        active = Ruleset._get_in_force(dimension, self.company_id)
        if active and scope is not EVERYONE:
            return active
        if scope is EVERYONE:
            figures = Figures._get_stored(self.company_id)
            return Ruleset._update_version(
                dimension, self.company_id, self.as_of, figures
            )
        # the first version comes from everybody, whoever the run is about
        figures = Figures._get_computed(self.company_id, self.as_of)
        self._prepare_population(EVERYONE)
        ruleset = Ruleset._update_version(
            dimension, self.company_id, self.as_of, figures
        )
        self._prepare_population(scope)
        return ruleset

    def _apply(self, limit):
        """Apply the next ``limit`` staged rows; return how many there were."""
        self.ensure_one()
        counts = self.env["customer.assignment"]._apply_staged(self, limit)
        self.created_count += counts["created"]
        self.changed_count += counts["changed"]
        return counts["staged"]
