import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from .customer_rights import MANAGER_GROUP, get_working_cron

_logger = logging.getLogger(__name__)

BULK_CRON = "customer_classification.ir_cron_bulk"
#: Up to so many rows are applied at once, more in the background
IMMEDIATE_ROWS = 1000
#: Rows of a step: a fraction of a second
STEP_ROWS = 2000


class CustomerBulk(models.Model):
    """When a bulk change is applied: few customers at once, many in the background.

    What is left to do is what is pending; so whoever comes after an interruption goes
    on there.
    """

    _inherit = "customer.bulk"

    def action_apply(self):
        """Do what the preview shows."""
        self.ensure_one()
        self._check_is_draft()
        self._check_may_work(only_owner=True)
        if not self.is_previewed:
            raise UserError(
                self.env._("Look at the preview first: something was changed since.")
            )
        if not self.pending_count:
            raise UserError(self.env._("Nothing would change."))
        # sudo: the addon writes the states; the right to apply was checked
        self.sudo().write({"state": "running", "started_on": fields.Datetime.now()})
        self._work()
        return True

    def action_stop(self):
        """Stop within a moment. Whom it reached keeps the decision."""
        self.ensure_one()
        self._check_may_work()
        if self.state != "running":
            raise UserError(self.env._("This bulk change has ended already."))
        # sudo: the addon writes the states; the right to stop was checked
        self.sudo().state = "stopped"
        self._renew_cells()

    def action_resume(self):
        """Go on where it stopped."""
        self.ensure_one()
        self._check_may_work()
        if self.state not in ("stopped", "failed"):
            raise UserError(self.env._("This bulk change was not stopped."))
        # sudo: the addon writes the states; the right to go on was checked
        self.sudo().write({"state": "running", "error": False, "ended_on": False})
        self._work()

    def _check_may_work(self, only_owner=False):
        """Refuse others' bulk changes; a manager may stop and resume them.

        :raise UserError: saying whose it is
        """
        is_manager = self.env.user.has_group(MANAGER_GROUP)
        if self.user_id != self.env.user and (only_owner or not is_manager):
            raise UserError(
                self.env._(
                    "This bulk change is %(user)s's; make your own.",
                    user=self.user_id.sudo().name,  # sudo: the name of a colleague
                )
            )

    def _work(self):
        """Apply few rows at once; ask the scheduled action for many."""
        self.env["customer.dimension"].browse(
            self.change_cell_ids.dimension_id.ids
        ).with_user(self.user_id)._check_may_edit()
        if self.validity == "until" and self.date_end < self._get_today():
            raise UserError(
                self.env._("The last day of these decisions has passed; make new ones.")
            )
        if self.pending_count <= IMMEDIATE_ROWS:
            while self._apply_next(STEP_ROWS):
                pass
            self._finish()
            return
        get_working_cron(self.env, BULK_CRON)._trigger()

    def _finish(self):
        """Note the end of what has nothing left to do."""
        # sudo: the addon writes the states
        self.sudo().write({"state": "done", "ended_on": fields.Datetime.now()})
        self._renew_cells()

    # In the background

    @api.model
    def _cron_apply(self):
        """Go on with the running bulk changes, committing each step.

        One that fails is reported on it and does not stop the others.
        """
        running = self.search([("state", "=", "running")], order="id")
        commit_progress = self.env["ir.cron"]._commit_progress
        retry = self.env["customer.classification.run.line"]._cron_retry
        time_left = commit_progress(remaining=len(running))
        for left, bulk in zip(range(len(running), 0, -1), running, strict=True):
            try:
                while time_left > 0 and retry(bulk._do_step):
                    time_left = commit_progress(1, remaining=left)
            except UserError as error:
                # such as a right that was taken away
                bulk._cron_fail(error)
            except Exception as error:
                _logger.exception("Bulk change %s failed", bulk.id)
                bulk._cron_fail(error)
            if time_left <= 0:
                return
            time_left = commit_progress(1, remaining=left - 1)

    def _do_step(self):
        """Do one step; return whether there is more to do.

        Somebody may have stopped it meanwhile.
        """
        self.invalidate_recordset()
        if self.state != "running":
            return False
        if self._apply_next(STEP_ROWS):
            return True
        self._finish()
        self.user_id._bus_send(
            "simple_notification",
            {
                "type": "success",
                "message": self.with_context(lang=self.user_id.lang).env._(
                    "“%(name)s” is done. Changes made: %(count)s",
                    name=self.name,
                    count=self.done_count,
                ),
            },
        )
        return False

    def _cron_fail(self, error):
        """Note why it cannot go on. What it reached stays; it can be resumed."""
        self.env.cr.rollback()
        self.env.invalidate_all()
        self.write(
            {"state": "failed", "error": str(error), "ended_on": fields.Datetime.now()}
        )
        self._renew_cells()
