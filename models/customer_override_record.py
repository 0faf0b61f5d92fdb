from odoo import fields, models

from .customer_scope import Scope


class CustomerOverride(models.Model):
    """What a decision by hand leaves in the history: its making, change and end."""

    _inherit = "customer.override"

    def _record_ended(self):
        """Record the end of those that ended since the last run."""
        # sudo: people read the history, only the addon writes it
        History = self.env["customer.assignment.history"].sudo()
        ended = self.filtered("has_ended")
        for company, overrides in ended.grouped("company_id").items():
            History._record_expired(
                company,
                overrides[0]._get_today(),
                Scope.of(overrides.partner_id.ids),
            )

    def _get_computed(self):
        """Return the category that the engine gives, and since when."""
        return self._get_computed_of(self.partner_id)

    def _get_computed_of(self, partner):
        """Return what the engine gives ``partner`` where this decides, and since."""
        self.ensure_one()
        assignment = self.env["customer.assignment"].search(
            [
                ("partner_id", "=", partner.id),
                ("dimension_id", "=", self.dimension_id.id),
                ("company_id", "=", self.company_id.id),
                ("slot", "=", self.slot),
            ]
        )
        return assignment.category_id, assignment.since

    def _get_effective(self):
        """Return the category in effect today, and since when."""
        self.ensure_one()
        if self.is_in_force:
            return self._get_decided_category()
        return self._get_computed()

    def _get_decided_category(self):
        """Return the category that the decision gives, if any, and since when."""
        self.ensure_one()
        shown = self.operation in ("set", "add")
        category = self.category_id if shown else self.category_id.browse()
        return category, self.write_date

    def _record(self, event, old=None, new=None):
        """Add a history row of what a person decided.

        :param str event: as ``customer.assignment.history`` names it
        :param tuple old: category in effect before and since when, unless it was
            this decision
        :param new: category in effect after, unless it is this decision's
        """
        self.ensure_one()
        old_category, old_since = old or self._get_effective()
        if new is None:
            new = self._get_effective()[0]
        # sudo: people read the history, only the addon writes it
        history = self.env["customer.assignment.history"].sudo()
        history.create(
            {
                **history._get_revenue(self.partner_id, self.company_id),
                "partner_id": self.partner_id.id,
                "company_id": self.company_id.id,
                "dimension_id": self.dimension_id.id,
                "slot": self.slot,
                "event": event,
                "date": fields.Datetime.now(),
                "old_category_id": old_category.id,
                "old_since": old_since,
                "new_category_id": new.id,
                "date_end": self.date_end,
                "user_id": self.env.uid,
                "reason": self.reason,
            }
        )
