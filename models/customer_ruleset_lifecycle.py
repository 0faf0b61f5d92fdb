from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Versions that neither are in force nor ever were
NOT_PUT_IN_FORCE = ("held", "rejected")
#: Of them, those with the present settings
WAITING = Domain("state", "in", NOT_PUT_IN_FORCE) & Domain("superseded_at", "=", False)


class CustomerRuleset(models.Model):
    """How a version comes into force, or does not.

    draft → active → superseded, or taken back: then the one before is active again.

    A version that would change too many customers is *held* before anything is
    written (``customer_hold.py``). Until a manager decides, and after a rejection,
    the version before it decides; the same settings are not tried again every night.
    As soon as the settings are others, what waited or was rejected is past.
    """

    _inherit = "customer.ruleset"

    is_wanted = fields.Boolean(
        "Comes Back",
        readonly=True,
        copy=False,
        help="The version after this one was taken back: the next computation puts "
        "this one in force again.",
    )
    hold_ids = fields.One2many("customer.hold", "ruleset_id", readonly=True)

    @api.model
    def _get_next_version(self, dimension, company, as_of, figures):
        settings = dimension._get_settings(company)
        # one look, which nearly always finds nothing
        unsettled = self._get_unsettled(dimension, company)
        # drafts of runs that ended before they had counted
        unfinished = unsettled.filtered(lambda ruleset: ruleset.state == "draft")
        unfinished.unlink()
        unsettled -= unfinished
        wanted = unsettled.filtered("is_wanted")
        waiting = unsettled.filtered_domain(WAITING)
        past = waiting.filtered(lambda ruleset: ruleset._get_settings() != settings)
        past._set_aside()
        if waiting - past:
            passing = (waiting - past).filtered(
                lambda ruleset: ruleset.state == "held" and ruleset._may_pass()
            )
            return passing[:1] or self._get_in_force(dimension, company)
        for ruleset in wanted:
            if ruleset._get_settings() == settings:
                return ruleset
            ruleset.is_wanted = False
        return super()._get_next_version(dimension, company, as_of, figures)

    @api.model
    def _get_waiting(self, dimension, company):
        """Return the version that is held, or was rejected, with present settings."""
        return self._get_waiting_anywhere(dimension).filtered(
            lambda ruleset: ruleset.company_id == company
        )

    @api.model
    def _get_waiting_anywhere(self, dimension):
        """Return those of all companies."""
        return self.search(Domain("dimension_id", "=", dimension.id) & WAITING)

    @api.model
    def _get_unsettled(self, dimension, company):
        """Return the versions of which something is still to become.

        Those waiting, the one that comes back into force, and unfinished drafts.
        """
        unfinished = Domain("state", "=", "draft") & Domain(
            "origin", "in", ("settings", "refresh")
        )
        wanted = Domain("is_wanted", "=", True)
        own = Domain("dimension_id", "=", dimension.id)
        own &= Domain("company_id", "=", company.id or False)
        return self.search(own & (WAITING | wanted | unfinished))

    def _set_aside(self):
        """Note that the settings are others than those of these versions."""
        for ruleset in self:
            if ruleset.state == "held":
                ruleset.hold_ids._close("replaced")
            ruleset.write({"state": "rejected", "superseded_at": fields.Datetime.now()})

    def _may_pass(self):
        """Return whether a version needs no decision, or has one."""
        self.ensure_one()
        return (
            # its effect was looked at before it was applied
            self.origin == "draft"
            or self.is_wanted
            or "approved" in self.hold_ids.mapped("state")
            or not self.dimension_id._is_braked()
        )

    def _is_suspended(self):
        """Return whether the version in force cannot judge for the time being.

        What counts for the company changed, and the figures with it; the version that
        goes with them is held or was rejected.
        """
        self.ensure_one()
        waiting = self._get_waiting(self.dimension_id, self.company_id)
        return any(
            ruleset._get_settings().get("company")
            != self._get_settings().get("company")
            for ruleset in waiting
        )

    def _activate(self):
        """Put a version in force in place of the one before it."""
        self.ensure_one()
        now = fields.Datetime.now()
        before = self._get_in_force(self.dimension_id, self.company_id)
        before.write(
            {
                "state": "taken_back" if self.is_wanted else "superseded",
                "superseded_at": now,
            }
        )
        before.flush_recordset(["state"])
        if not self.version:
            self._write_number()
        self.write(
            {
                "state": "active",
                "activated_at": now,
                "superseded_at": False,
                "is_wanted": False,
            }
        )

    def _write_number(self):
        """Give the version the next number of its dimension and company."""
        last = self.search(
            [
                ("dimension_id", "=", self.dimension_id.id),
                ("company_id", "=", self.company_id.id or False),
                ("version", ">", 0),
            ],
            order="version desc",
            limit=1,
        )
        # not by `write`: a held version is frozen already
        self.flush_recordset()
        self.env.execute_query(
            SQL(
                "UPDATE customer_ruleset SET version = %s WHERE id = %s",
                last.version + 1,
                self.id,
            )
        )
        self.invalidate_recordset(["version"])
