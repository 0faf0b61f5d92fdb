from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class CustomerRunReversal(models.TransientModel):
    """Asks in which dimensions a run is taken back, and says what that would do."""

    _name = "customer.run.reversal"
    _description = "Reversal of a Run"

    run_id = fields.Many2one(
        "customer.classification.run", required=True, readonly=True, ondelete="cascade"
    )
    line_ids = fields.One2many(
        "customer.run.reversal.line",
        "reversal_id",
        compute="_compute_line_ids",
        store=True,
        readonly=False,
        precompute=True,
    )
    created_count = fields.Integer(
        related="run_id.created_count", string="Classified for the First Time"
    )

    @api.depends("run_id")
    def _compute_line_ids(self):
        for wizard in self:
            rows = wizard.run_id and self.env["customer.run.reversal.line"]._count(
                wizard.run_id
            )
            wizard.line_ids = [fields.Command.create(row) for row in rows or ()]

    def action_revert(self):
        """Take the run back in the chosen dimensions."""
        self.ensure_one()
        self.run_id._check_may_revert()
        dimensions = self.line_ids.filtered("is_chosen").dimension_id
        if not dimensions:
            raise UserError(self.env._("Choose at least one dimension."))
        return self.run_id._undo("pin", dimensions)


class CustomerRunReversalLine(models.TransientModel):
    """What a run changed in a dimension."""

    _name = "customer.run.reversal.line"
    _description = "Dimension of a Reversal"

    reversal_id = fields.Many2one(
        "customer.run.reversal", required=True, ondelete="cascade"
    )
    dimension_id = fields.Many2one("customer.dimension", required=True, readonly=True)
    is_chosen = fields.Boolean("Take Back", default=True)
    changed_count = fields.Integer("Changed by the Run", readonly=True)
    present_count = fields.Integer(
        "Still So",
        readonly=True,
        help="Whose computed category is still the one that the run gave.",
    )
    note = fields.Char(compute="_compute_note")

    @api.depends("dimension_id", "reversal_id.run_id")
    @api.depends_context("lang")
    def _compute_note(self):
        for line in self:
            run = line.reversal_id.run_id
            began = line.dimension_id.ruleset_ids.filtered(
                lambda ruleset, run=run: (
                    ruleset.version > 1
                    and ruleset.activated_at
                    and run.date_start <= ruleset.activated_at
                    and (not run.date_end or ruleset.activated_at <= run.date_end)
                )
            )
            line.note = bool(began) and self.env._(
                "A new version of the rules began with this run: consider taking back "
                "the version instead."
            )

    @api.model
    def _count(self, run):
        """Return values of the lines of a run, a dimension each."""
        visible = self.env["customer.dimension"].search([])
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT history.dimension_id,
                       count(DISTINCT history.partner_id) AS changed_count,
                       count(DISTINCT assignment.partner_id) AS present_count
                  FROM customer_assignment_history AS history
                  LEFT JOIN customer_assignment AS assignment
                    ON assignment.partner_id = history.partner_id
                   AND assignment.dimension_id = history.dimension_id
                   AND assignment.company_id
                       IS NOT DISTINCT FROM history.company_id
                   AND assignment.slot = history.slot
                   AND assignment.run_id = history.run_id
                   AND assignment.category_id
                       IS NOT DISTINCT FROM history.new_category_id
                 WHERE history.run_id = %s
                   AND history.event = 'run'
                   AND history.dimension_id = ANY(%s)
                   AND COALESCE(history.company_id, 0) = ANY(%s)
                 GROUP BY history.dimension_id
                """,
                run.id,
                visible.ids,
                [0, *run._get_visible_lines().company_id.ids],
            )
        )
        order = {id_: place for place, id_ in enumerate(visible.ids)}
        return sorted(rows, key=lambda row: order[row["dimension_id"]])
