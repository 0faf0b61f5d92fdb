from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .customer_rights import MANAGER_GROUP, check_manager
from .customer_run_plan import CHUNK_SIZE
from .customer_scope import Scope

#: Customers up to which an undo is done at once; more are left to the background
FEW_CUSTOMERS = 2_000


class CustomerClassificationRun(models.Model):
    """Taking back what a run changed: the former categories are kept, visibly.

    The facts are what they are, so the next run would change the customers again.
    Their former category is therefore *pinned*: a decision by hand made by the undo,
    without an end, that anybody sees and may withdraw. Customers whom something else
    changed or somebody decided about since are left alone.

    An undo is a run as well; its rows (``customer.undo.row``) say what became of each
    customer. Releasing all pins of a run is one, too.
    """

    _inherit = "customer.classification.run"

    undone_ruleset_id = fields.Many2one(
        "customer.ruleset",
        string="Takes Back the Version",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    undone_run_id = fields.Many2one(
        "customer.classification.run",
        string="Takes Back the Run",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    is_release = fields.Boolean("Releases What an Undo Kept", readonly=True)
    undo_ids = fields.One2many(
        "customer.classification.run", "undone_run_id", string="Taken Back By"
    )
    can_be_reverted = fields.Boolean(
        compute="_compute_can_be_reverted", groups=MANAGER_GROUP
    )
    pin_count = fields.Integer(
        "Kept by an Undo", compute="_compute_pin_count", groups=MANAGER_GROUP
    )
    undo_row_count = fields.Integer(
        "Customers Looked At", compute="_compute_undo_row_count", groups=MANAGER_GROUP
    )

    @api.depends("state", "as_of", "trigger", "changed_count")
    def _compute_can_be_reverted(self):
        for run in self:
            run.can_be_reverted = bool(
                run.state != "running"
                and not run.as_of
                and run.trigger != "undo"
                and run.changed_count
            )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_pin_count(self):
        counts = dict(
            self.env["customer.override"]._read_group(
                [("undone_run_id", "in", self.ids), ("origin", "=", "undo")],
                ["undone_run_id"],
                ["__count"],
            )
        )
        for run in self:
            run.pin_count = counts.get(run, 0)

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_undo_row_count(self):
        counts = dict(
            self.env["customer.undo.row"]._read_group(
                [("run_id", "in", self.ids)], ["run_id"], ["__count"]
            )
        )
        for run in self:
            run.undo_row_count = counts.get(run, 0)

    def action_open_reversal(self):
        """Ask in which dimensions to take the run back."""
        self.ensure_one()
        self._check_may_revert()
        wizard = self.env["customer.run.reversal"].create({"run_id": self.id})
        return {
            "name": self.env._("Take Back What This Run Changed"),
            "type": "ir.actions.act_window",
            "res_model": wizard._name,
            "res_id": wizard.id,
            "views": [[False, "form"]],
            "target": "new",
        }

    def action_release_pins(self):
        """Withdraw all that undoing this run kept: the computed categories show."""
        self.ensure_one()
        self._check_may_revert()
        if not self.pin_count:
            raise UserError(self.env._("Nothing of this run is kept by an undo."))
        return self._undo("release", self._get_pinned_dimensions())

    def action_open_pins(self):
        """List the decisions that keep former categories."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_override_action"
        )
        domain = [("undone_run_id", "=", self.id), ("origin", "=", "undo")]
        return {**action, "domain": domain, "context": {}}

    def action_open_undo_rows(self):
        """List what became of each customer."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_undo_row_action"
        )
        return {**action, "domain": [("run_id", "=", self.id)]}

    def _check_may_revert(self):
        """Refuse whoever may not take this run back.

        :raise AccessError: without the manager group, or for another's company
        :raise UserError: where there is nothing to take back
        """
        check_manager(self.env)
        self.check_access("read")
        if not self.can_be_reverted:
            raise UserError(
                self.env._(
                    "Only a run that has ended and changed categories can be taken "
                    "back."
                )
            )

    def _get_pinned_dimensions(self):
        # sudo: those of dimensions hidden from the user are released as well
        return (
            self.env["customer.override"]
            .sudo()
            .search([("undone_run_id", "=", self.id), ("origin", "=", "undo")])
            .dimension_id
        )

    def _undo(self, do, dimensions):
        """Start a run that takes this one back, or releases what that kept.

        :param str do: ``pin`` or ``release``
        :return: the action that opens it
        """
        # those of the user's companies only
        lines = self._get_visible_lines().filtered("changed_count")
        # sudo: the engine writes the runs; the right to undo this one was checked
        undo = self.sudo()._create_undo(do, lines.sudo(), dimensions)
        if sum(lines.mapped("changed_count")) <= FEW_CUSTOMERS:
            for line in undo.line_ids:
                line._lock()
                line._process()
            undo._close()
        else:
            self._get_working_cron()._trigger()
        return undo._get_opening()

    def _create_undo(self, do, lines, dimensions):
        """Return a run with a line for each of ``lines``, and their plan."""
        line_vals = []
        for line in lines:
            company = line.company_id
            here = dimensions.filtered(
                lambda d, company=company: d.is_shared == (not company)
            )
            if not here:
                continue
            tags = [{"do": "tags"}] if here.filtered("mirror_tags") else []
            line_vals.append(
                {
                    "company_id": company.id,
                    "extent": "chosen",
                    "as_of": (
                        company._get_customer_today()
                        if company
                        else company._get_customer_today_of_all()
                    ),
                    "plan": [{"do": do, "dimensions": here.ids}, *tags],
                    "position": [0, 0],
                }
            )
        return self.create(
            {
                "trigger": "undo",
                "user_id": self.env.uid,
                "date_start": fields.Datetime.now(),
                "undone_run_id": self.id,
                "is_release": do == "release",
                "company_ids": lines.company_id.ids or self.company_ids.ids,
                "line_ids": [fields.Command.create(vals) for vals in line_vals],
            }
        )

    def _get_opening(self):
        """Return the action that opens the run."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "views": [[False, "form"]],
        }


class CustomerClassificationRunLine(models.Model):
    """The jobs of an undo, some customers a step."""

    _inherit = "customer.classification.run.line"

    def _do_pin(self, job, after):
        """Pin the former categories of the next customers."""
        scope, last = self._get_next_undone(
            SQL(
                """
                SELECT partner_id
                  FROM customer_assignment_history
                 WHERE run_id = %(run)s
                   AND event = 'run'
                   AND dimension_id = ANY(%(dimensions)s)
                   AND company_id IS NOT DISTINCT FROM %(company)s
                """,
                run=self.run_id.undone_run_id.id,
                dimensions=job["dimensions"],
                company=self.company_id.id or None,
            ),
            after,
        )
        if not scope.is_empty():
            self.env["customer.undo.row"]._pin(self, job["dimensions"], scope)
        return last

    def _do_release(self, job, after):
        """Release the pins of the next customers."""
        scope, last = self._get_next_undone(
            SQL(
                """
                SELECT partner_id
                  FROM customer_override
                 WHERE undone_run_id = %(run)s
                   AND origin = 'undo'
                   AND dimension_id = ANY(%(dimensions)s)
                   AND company_id IS NOT DISTINCT FROM %(company)s
                """,
                run=self.run_id.undone_run_id.id,
                dimensions=job["dimensions"],
                company=self.company_id.id or None,
            ),
            after,
        )
        if not scope.is_empty():
            self.env["customer.undo.row"]._release(self, job["dimensions"], scope)
        return last

    def _do_tags(self, _job, _after):
        """Bring the contact tags in step with what was decided."""
        self._get_mirrored_dimensions()._update_mirror(Scope.noted(self.id))

    def _get_next_undone(self, customers, after):
        """Return the scope of the next customers, and the last id where more follow."""
        self.env["customer.override"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT partner_id
                  FROM (%s) AS customer
                 WHERE partner_id > %s
                 ORDER BY partner_id
                 LIMIT %s
                """,
                customers,
                after,
                CHUNK_SIZE,
            )
        )
        ids = [id_ for [id_] in rows]
        self._note(SQL("SELECT unnest(%s::integer[])", ids))
        return Scope.of(ids), ids[-1] if len(ids) == CHUNK_SIZE else None

    def _get_job_name(self, job):
        match job["do"]:
            case "pin":
                return self.env._("Keeping former categories")
            case "release":
                return self.env._("Releasing what was kept")
        return super()._get_job_name(job)
