# Only the scheduled actions commit, in the methods that say so in their name.
# pylint: disable=invalid-commit
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .customer_classification_run_line import LOCK_SPACE
from .customer_rights import check_manager, get_working_cron

NIGHTLY_CRON = "customer_classification.ir_cron_classify"
#: After this time an interrupted run is given up: its day is over
RESUME_HOURS = 20
#: So often everything is computed anew, although it should change nothing
FULL_DAYS = 7
#: In place of a company: the lock of whoever takes over what is waiting
QUEUE_LOCK = -1


class CustomerClassificationRun(models.Model):
    """When runs happen: every night, every minute, and when somebody asks.

    * Every night, for each company when a day has begun where it is: who changed, and
      for whom the calendar changes something; rules, mirrored fields and custom metrics
      for everybody. Once a week, and where settings changed that everything depends
      on, all of it anew.
    * Every minute: who changed.
    * Asked for: all of it, as soon as possible.

    What an interruption left is taken up again, where it stopped.
    """

    _inherit = "customer.classification.run"

    @api.model
    def _cron_classify(self):
        """Classify the companies where a day has begun, and resume what is unfinished.

        Each company in transactions of its own. One that fails is reported on its line
        and does not stop the others.
        """
        self.env["customer.draft"]._cron_apply_due()
        run = self._get_unfinished(["cron", "request", "undo"])[:1]
        if not run:
            companies = self._get_companies_at_night()
            if not companies:
                return
            run = self._cron_create("cron", companies)
        if not run._cron_work():
            # someone else computes a company just now
            soon = fields.Datetime.now() + timedelta(minutes=1)
            self.env.ref(NIGHTLY_CRON)._trigger(at=soon)
        elif self._get_unfinished(["cron", "request", "undo"]):
            self.env.ref(NIGHTLY_CRON)._trigger()

    @api.model
    def _cron_classify_changes(self):
        """Classify the customers who changed since the last time."""
        runs = self._get_unfinished(["changes"])
        companies = self.env["customer.change"]._get_waiting_companies()
        companies = companies.filtered(self._get_last_full)
        if companies:
            runs += self._cron_create("changes", companies)
        for run in runs:
            run._cron_work()

    @api.model
    def _cron_create(self, trigger, companies):
        """Return a new run that takes over what is waiting, committed.

        The lock is there so that two never take over at the same time; it is had
        before the transaction begins that reads, see `_cron_lock` of the line.
        """
        cr = self.env.cr
        key = (LOCK_SPACE, QUEUE_LOCK)
        self.env.execute_query(SQL("SELECT pg_advisory_lock(%s, %s)::text", *key))
        cr.commit()
        try:
            if trigger == "cron":
                every = [*companies, self.env["res.company"]]
                extents = {c.id: self._get_nightly_extent(c) for c in every}
            else:
                extents = dict.fromkeys([*companies.ids, False], "touched")
            run = self._create_run(trigger, companies, extents=extents)
            everyone = self.env["customer.change"]._drain_to(run.line_ids)
            everyone.extent = "all"
            cr.commit()
        finally:
            cr.rollback()
            self.env.execute_query(SQL("SELECT pg_advisory_unlock(%s, %s)::text", *key))
        return run

    def _cron_work(self):
        """Do what is pending of a run, committing each step.

        :return: whether nobody else held one of the companies
        """
        pending = self.line_ids.filtered(lambda line: line.state == "pending")
        left = len(pending)
        commit_progress = self.env["ir.cron"]._commit_progress
        time_left = commit_progress(remaining=left)

        def commit():
            nonlocal time_left
            time_left = commit_progress(1, remaining=left)
            return time_left

        is_free = True
        for line in pending:
            if time_left <= 0:
                return True
            self.invalidate_recordset(["stopped_at"])
            if self.stopped_at:
                line.state = "stopped"
            elif not line._cron_process(commit):
                if time_left <= 0:
                    return True
                is_free = False
                continue
            left -= 1
            commit()
        if is_free:
            self._close()
        # what waits for someone else is no reason to be called again at once
        commit_progress(remaining=0)
        return is_free

    @api.model
    def _get_companies_at_night(self):
        """Return the companies whose hour has come, and that had no run today.

        A night that was missed is made up for at any hour; but nobody is classified
        for the very first time in the middle of the day.
        """
        return self._get_all_companies().filtered(
            lambda company: (
                company._is_customer_night(only_first_hours=not self._had_run(company))
                and not self._had_run(company, company._get_customer_today())
            )
        )

    @api.model
    def _had_run(self, company, day=None):
        """Return whether a run of the night, or one asked for, was for a company."""
        domain = [
            ("company_id", "=", company.id),
            ("run_id.trigger", "in", ["cron", "request"]),
        ]
        if day:
            domain.append(("as_of", "=", day))
        Line = self.env["customer.classification.run.line"]
        return bool(Line.search_count(domain, limit=1))

    @api.model
    def _get_all_companies(self):
        return self.env["res.company"].search([("parent_id", "=", False)])

    @api.model
    def _get_last_full(self, company):
        """Return the line of the last complete run of all of a company's customers."""
        return self.env["customer.classification.run.line"]._find_last_full(company)

    @api.model
    def _get_nightly_extent(self, company):
        """Return what the night has to compute of a company."""
        Line = self.env["customer.classification.run.line"]
        last = self._get_last_full(company)
        if not last:
            return "all"
        today = (
            company._get_customer_today()
            if company
            else company._get_customer_today_of_all()
        )
        if last.as_of + timedelta(days=FULL_DAYS) <= today:
            return "all"
        # one that was needed did not get to its end
        left = [
            ("company_id", "=", company.id or False),
            ("extent", "=", "all"),
            ("id", ">", last.id),
            ("run_id.as_of", "=", False),
        ]
        if Line.search_count(left, limit=1):
            return "all"
        if company and last.what_counts != Line._describe_what_counts(company):
            return "all"
        return "due"

    @api.model
    def _get_unfinished(self, triggers):
        """Return the runs to resume, the oldest first, giving up those of former days.

        :param list triggers: what started them
        """
        unfinished = self.search(
            [("trigger", "in", triggers), ("state", "=", "running")], order="id"
        )
        oldest = fields.Datetime.now() - timedelta(hours=RESUME_HOURS)
        stale = unfinished.filtered(lambda run: run.date_start < oldest)
        stale.write({"state": "interrupted", "date_end": fields.Datetime.now()})
        unfinished -= stale
        # Interrupted after its last company: only the end was not written yet
        complete = unfinished.filtered(
            lambda run: "pending" not in run.line_ids.mapped("state")
        )
        for run in complete:
            run._close()
        return unfinished - complete

    # People ask

    @api.model
    def action_recompute_now(self):
        """Ask for a computation of all customers, as soon as possible.

        One that was asked for and is not done yet serves both.
        """
        self._check_may_run()
        cron = self._get_working_cron()
        # sudo: the engine writes the runs; the right to ask for one was checked
        runs = self.sudo()
        if not runs._get_unfinished(["request"]).filtered(lambda run: not run.as_of):
            runs._create_run("request", runs._get_all_companies())
        cron._trigger()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "The customers are being classified in the background; the new "
                    "categories show within a few minutes."
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    @api.model
    def _request_past(self, company, day):
        """Ask for what today's ledger says about a past day, as soon as possible.

        :return: the run
        """
        self._check_may_run()
        # sudo: the engine writes the runs; the right to ask for one was checked
        run = self.sudo()._create_run("request", company, as_of=day)
        # sudo: scheduled actions belong to Odoo's administrators
        self.env.ref(NIGHTLY_CRON).sudo()._trigger()
        return run.sudo(self.env.su)

    @api.model
    def _get_working_cron(self):
        """Return the scheduled action that does the runs.

        :raise UserError: while it is switched off
        """
        return get_working_cron(self.env, NIGHTLY_CRON)

    @api.model
    def _request_night(self, company, trigger="request"):
        """Return a new run of what a night does, which begins as soon as possible.

        :param company: none for what companies share
        """
        cron = self._get_working_cron()
        companies = company or self._get_all_companies()
        every = [*companies, self.env["res.company"]]
        extents = {c.id: self._get_nightly_extent(c) for c in every}
        run = self._create_run(trigger, companies, extents=extents)
        cron._trigger()
        return run

    def action_stop(self):
        """Stop a run of a scheduled action within a few seconds.

        Whom it reached keeps the new category, everybody else the old one; who was
        noted for it is looked at by the next nightly run.
        """
        self.ensure_one()
        self._check_may_run()
        if self.state != "running":
            raise UserError(self.env._("This run has ended already."))
        # sudo: the engine writes the runs; the right to stop one was checked
        run = self.sudo()
        run.write({"stopped_at": fields.Datetime.now(), "stopped_by_id": self.env.uid})
        pending = run.line_ids.filtered(lambda line: line.state == "pending")
        working = pending.filtered(lambda line: line._get_worker())
        if working:
            self.env.cr.postcommit.add(working._cancel_worker)
        else:
            pending.state = "stopped"
            run._close()

    @api.model
    def _check_may_run(self):
        check_manager(self.env)
