# Only the scheduled actions commit, in the methods that say so in their name.
# pylint: disable=invalid-commit
import logging

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

_logger = logging.getLogger(__name__)


class CustomerDraft(models.Model):
    """Drafts that take effect on a day to come, where their company is.

    The nightly action writes them into the settings before it classifies.
    """

    _inherit = "customer.draft"

    schedule_date = fields.Date(
        "Takes Effect On",
        copy=False,
        help="The first night of this day, where the company is, applies the draft to "
        "the customers as they are then.",
    )
    scheduled_by_id = fields.Many2one("res.users", readonly=True, copy=False)

    def write(self, vals):
        result = super().write(vals)
        if vals.get("active", True) is False:
            # the nightly action does not look at it
            self.filtered(lambda draft: draft.state == "scheduled").action_take_back()
        return result

    def action_schedule(self):
        """Let the draft take effect on its day."""
        self.ensure_one()
        self._check_may_apply()
        self._check_editable()
        self._check_seen()
        if not self.schedule_date:
            raise UserError(
                self.env._("Enter the day on which the draft shall take effect.")
            )
        # sudo: the time of a branch's root is no secret
        if self.schedule_date <= self.company_id.sudo()._get_customer_today():
            raise UserError(
                self.env._(
                    "%(date)s has begun already: choose a day to come, or apply the "
                    "draft now.",
                    date=format_date(self.env, self.schedule_date),
                )
            )
        # sudo: the state is the engine's
        self.sudo().write(
            {"state": "scheduled", "scheduled_by_id": self.env.uid, "message": False}
        )

    def action_take_back(self):
        """Take a scheduled draft back, to edit it."""
        self._check_may_try()
        # sudo: the state is the engine's
        self.filtered(lambda draft: draft.state == "scheduled").sudo().state = "draft"

    @api.model
    def _cron_apply_due(self):
        """Make the drafts whose day has come the settings of their dimensions.

        Each in a transaction of its own. One that cannot be applied becomes a draft
        again, and its author is told why.
        """
        for draft in self.search([("state", "=", "scheduled")], order="id"):
            if not draft._is_due():
                continue
            try:
                draft._apply_as_scheduled()
            except psycopg2.OperationalError:
                self.env.cr.rollback()  # someone else wrote there: in an hour again
                continue
            except Exception as error:
                self.env.cr.rollback()
                self.env.invalidate_all()
                _logger.info("Draft %s cannot be applied", draft.id, exc_info=True)
                draft._report_failure(error)
            self.env.cr.commit()

    def _is_due(self):
        return (
            self.schedule_date <= self.company_id._get_customer_today()
            and self.company_id._is_customer_night()
        )

    def _apply_as_scheduled(self):
        """Apply the draft with the rights of who scheduled it."""
        user = self.scheduled_by_id
        draft = self.with_user(user).with_context(
            allowed_company_ids=user.company_ids.ids
        )
        draft._check_may_apply()
        draft._write_settings()
        Run = self.env["customer.classification.run"]
        company = self.company_id
        if Run._had_run(company, company._get_customer_today()):
            self._ask_for_run()  # this night's has been

    def _report_failure(self, error):
        """Let the author know why the draft was not applied."""
        draft = self.with_context(lang=self.user_id.lang)
        draft._give_up(
            draft.env._(
                "The draft was to take effect on %(date)s, but could not: %(error)s",
                date=fields.Date.to_string(self.schedule_date),
                error=error,
            )
        )
