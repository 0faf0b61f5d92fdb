from odoo import api, fields, models
from odoo.exceptions import UserError

from .customer_rights import check_manager

CHANGES_CRON = "customer_classification.ir_cron_classify_changes"


class CustomerHold(models.Model):
    """What managers decide about a change that is held, and what follows."""

    _inherit = "customer.hold"

    def action_approve(self):
        """Let it happen: an ordinary run does it as soon as possible."""
        self.ensure_one()
        hold = self._check_may_decide()
        if hold.kind == "version":
            hold._check_settings()
        hold._close("approved")
        if hold.kind == "version":
            hold.env["customer.classification.run"]._request_night(hold.company_id)
        else:
            hold.movement_ids._release(hold)
            # sudo: scheduled actions belong to Odoo's administrators
            self.env.ref(CHANGES_CRON).sudo()._trigger()
        return self._notify(self.env._("Approved: it is being done in the background."))

    def action_reject(self, reason=None):
        """Let it not happen.

        :param str reason: for whoever asks later
        """
        self.ensure_one()
        hold = self._check_may_decide()
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Give the reason of the rejection."))
        hold._close("rejected", reason)
        if hold.kind == "data":
            return self._notify(
                self.env._(
                    "The customers keep their categories today. Tomorrow they are "
                    "looked at again, because the invoices are what they are."
                )
            )
        hold.ruleset_id._reject()
        return self._notify(
            self.env._(
                "Rejected: the version in force stays until the settings change again."
            )
        )

    def action_open_rejection(self):
        """Ask for the reason."""
        self.ensure_one()
        self._check_may_decide()
        return {
            "name": self.env._("Reject"),
            "type": "ir.actions.act_window",
            "res_model": "customer.hold.rejection",
            "views": [[False, "form"]],
            "target": "new",
            "context": {"default_hold_id": self.id},
        }

    def action_open_movements(self):
        """List the customers who wait."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_hold_customer_action"
        )
        return {**action, "domain": [("hold_id", "=", self.id)]}

    def _check_may_decide(self):
        """Return the record as the engine sees it, where the user may decide.

        :raise AccessError: without the manager group, or for another's company
        :raise UserError: where somebody decided already
        """
        check_manager(self.env)
        self.check_access("read")
        if self.state != "held":
            raise UserError(
                self.env._("This does not wait for a decision any more: see its state.")
            )
        # sudo: the engine writes what is held; the right to decide was checked
        return self.sudo()

    def _check_settings(self):
        """Refuse to approve what the next computation would replace."""
        if self.ruleset_id._get_settings() != self.dimension_id._get_settings(
            self.company_id
        ):
            raise UserError(
                self.env._(
                    "The settings of “%(dimension)s” changed after this version was "
                    "held: the next computation looks at the present ones.",
                    dimension=self.dimension_id.name,
                )
            )

    def _close(self, state, reason=False):
        """Note what became of these."""
        for hold in self.filtered(lambda hold: hold.state == "held"):
            company = hold.company_id
            hold.write(
                {
                    "counted": hold.moved_count,
                    "state": state,
                    "reason": reason,
                    "decided_by_id": self.env.uid,
                    "decided_at": fields.Datetime.now(),
                    "decided_day": (
                        company._get_customer_today()
                        if company
                        else company._get_customer_today_of_all()
                    ),
                }
            )

    @api.model
    def _close_movement(self, dimension, company):
        """Note that a new version decides about those who waited, too."""
        standing = self._get_standing(dimension, company, "data")
        standing._close("replaced")
        self.env["customer.hold.customer"]._forget(dimension, company)

    def _notify(self, message):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
