# Only the scheduled actions commit, in the methods that say so in their name.
# pylint: disable=invalid-commit
import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_check import CHECK_CRON
from .customer_engine_fields import get_engine_columns, get_unlinking
from .customer_rights import MANAGER_GROUP
from .res_config_settings import SAMPLE_PARAMETER

_logger = logging.getLogger(__name__)

#: Minutes until a check is tried again that found a run at work
WAIT_MINUTES = 5


class CustomerCheck(models.Model):
    """When checks happen: once a week, and when somebody asks.

    Each step is a transaction that ends with the position in the line; whoever comes
    next goes on there. A scheduled check takes the next customers after those of the
    one before, so that all come round.
    """

    _inherit = "customer.check"

    @api.model
    def _cron_check(self):
        """Go on with the check that is not done yet, or begin the one of the week."""
        check = self.search([("state", "=", "running")], order="id", limit=1)
        if not check:
            if self._is_checked_today():
                return
            check = self._create_check("cron", *self._get_next_sample())
            self.env.cr.commit()
        if not check._cron_work():
            later = fields.Datetime.now() + timedelta(minutes=WAIT_MINUTES)
            self.env.ref(CHECK_CRON)._trigger(at=later)

    def _cron_work(self):
        """Go on with the check, committing each step.

        :return: whether nobody has to be waited for
        """
        self.ensure_one()
        commit_progress = self.env["ir.cron"]._commit_progress
        time_left = commit_progress(remaining=1)
        while self.state == "running":
            if time_left <= 0:
                return True
            if self.phase == "repair":
                is_free = self._cron_repair()
            else:
                is_free = self._cron_compare()
            if not is_free:
                commit_progress(remaining=0)
                return False
            time_left = commit_progress(1, remaining=int(self.state == "running"))
        return True

    def _cron_compare(self):
        """Do the next step of a line, or what follows the last; never raise.

        :return: whether no run was in the way
        """
        line = self.line_ids.filtered(lambda line: line.state == "pending")[:1]
        if not line:
            self._finish_phase()
            return True
        if line._is_run_at_work():
            return False
        retry = self.env["customer.classification.run.line"]._cron_retry
        try:
            retry(line._do_next)
        except Exception as error:
            self.env.cr.rollback()
            self.env.invalidate_all()
            _logger.exception("Check failed for company %s", line.company_id.id or 0)
            line.write({"state": "failed", "error": str(error)})
        return True

    def _cron_repair(self):
        """Have a run compute what differs; return whether it is at its end."""
        if not self.run_id:
            self._mark_differing()
            Run = self.env["customer.classification.run"]
            # takes over what is waiting, and commits
            self.run_id = Run._cron_create("cron", Run._get_all_companies())
            self.env.cr.commit()
        if self.run_id.state == "running":
            self.run_id._cron_work()
        if self.run_id.state == "running":
            return False
        self._begin_verification()
        return True

    # What follows what

    def _finish_phase(self):
        """Go on with the repair where something differs, or end."""
        if self.phase == "verify":
            self.line_ids._note_repaired()
        elif self.is_to_repair and any(self.line_ids.mapped("difference_count")):
            self.phase = "repair"
            return
        self.write({"state": "done", "date_end": fields.Datetime.now()})
        self._report()

    def _mark_differing(self):
        """Note who differs for the next run; remove the rows of contacts that are gone.

        Where more differ than are listed, everybody is computed anew.
        """
        Change = self.env["customer.change"]
        for line in self.line_ids.filtered("difference_count"):
            partners = set(line.difference_ids.mapped("contact_number"))
            if line.has_more_differences:
                Change._mark_everything(line.company_id)
            else:
                Change._mark(sorted(partners), line.company_id)
        for ondelete in ("cascade", "set null"):
            columns = get_engine_columns(self.env, "res.partner", ondelete)
            for table, column in columns:
                self.env.execute_query(
                    SQL(
                        """
                        %(unlinking)s IS NOT NULL
                           AND NOT EXISTS (
                               SELECT FROM res_partner WHERE id = %(table)s.%(column)s
                           )
                        """,
                        unlinking=get_unlinking(table, column, ondelete),
                        table=SQL.identifier(table),
                        column=SQL.identifier(column),
                    )
                )

    def _begin_verification(self):
        self.phase = "verify"
        self.line_ids.filtered(lambda line: line.state == "done").write(
            {
                "state": "pending",
                "position": 0,
                "compared_count": 0,
                "remaining_count": 0,
            }
        )
        self.amount_ids.unlink()

    def _report(self):
        """Tell the managers what came back after it had been repaired."""
        lines = self.line_ids.filtered(
            lambda line: line.remaining_count or line.recurring_count
        )
        if not lines:
            return
        _logger.error(
            "Customer classification: differences came back after a repair, see the "
            "check %s; companies %s",
            self.id,
            lines.mapped("company_id").ids,
        )
        managers = self.env.ref(MANAGER_GROUP).all_user_ids.filtered(
            lambda user: user.active and user.company_ids & lines.company_id
        )
        check = self.with_context(lang=managers[:1].lang or self.env.lang)
        check.message_post(
            body=check.env._(
                "Customers differ again after they were repaired. Their categories may "
                "be wrong until the cause is found; please tell whoever looks after "
                "this Odoo."
            ),
            subject=check.display_name,
            partner_ids=managers.partner_id.ids,
            subtype_xmlid="mail.mt_comment",
        )

    # When, and whom

    @api.model
    def _is_checked_today(self):
        """Return whether a scheduled check began within the last hours."""
        since = fields.Datetime.now() - timedelta(hours=12)
        return bool(
            self.search_count(
                [("trigger", "=", "cron"), ("date_start", ">", since)], limit=1
            )
        )

    @api.model
    def _get_next_sample(self):
        """Return the first and the last contact to compare; 0: from, or to, the end."""
        # sudo: parameters belong to Odoo's administrators
        parameters = self.env["ir.config_parameter"].sudo()
        size = int(parameters.get_param(SAMPLE_PARAMETER, 0))
        if size <= 0:
            return 0, 0
        before = self.search([("trigger", "=", "cron")], limit=1)
        first = before.last_id + 1 if before.last_id else 0
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id
                  FROM res_partner
                 WHERE id >= %s AND commercial_partner_id = id
                 ORDER BY id
                OFFSET %s
                 LIMIT 1
                """,
                first,
                size - 1,
            )
        )
        return first, rows[0][0] if rows else 0
