from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from .customer_engine_fields import EngineMany2one
from .customer_rights import MANAGER_GROUP
from .customer_scope import EVERYONE


class CustomerAssignmentHistory(models.Model):
    """What changed, when, by whom or by which run, and why. Append-only.

    The engine's changes and the people's are rows of their own, so that neither
    waits for the other. The category in effect at a time follows from both: the
    last decision by hand if it held then, else the last computed one. The first
    computed category writes no row: the assignment, or ``old_since`` of the
    earliest row, says when it began.
    """

    _name = "customer.assignment.history"
    _inherit = ["customer.rows.mixin"]
    _description = "Classification History"
    _order = "date desc, id desc"
    _rec_name = "partner_id"
    _log_access = False  # append-only: `date`, `user_id` and `run_id` say it all

    # not checked by the database: for each row that takes longer than writing it,
    # and locks the contact
    company_id = EngineMany2one()
    dimension_id = EngineMany2one(
        "customer.dimension", required=True, readonly=True, ondelete="restrict"
    )
    slot = fields.Integer(required=True, readonly=True, default=0)
    event = fields.Selection(
        [
            ("run", "Computed"),
            ("set", "Set by hand"),
            ("none", "Set to none by hand"),
            ("add", "Added by hand"),
            ("exclude", "Excluded by hand"),
            ("withdrawn", "Decision by hand withdrawn"),
            ("expired", "Decision by hand expired"),
            ("merged", "Merged"),
        ],
        required=True,
        readonly=True,
    )
    date = fields.Datetime(required=True, readonly=True)
    old_category_id = EngineMany2one(
        "customer.category", string="From", readonly=True, ondelete="restrict"
    )
    old_since = fields.Datetime("From Since", readonly=True)
    new_category_id = EngineMany2one(
        "customer.category",
        string="To",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    date_end = fields.Date("Decided Until", readonly=True)
    run_id = EngineMany2one(
        "customer.classification.run",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    ruleset_id = EngineMany2one(
        "customer.ruleset",
        string="Version",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    user_id = fields.Many2one("res.users", string="By", readonly=True)
    reason = fields.Char(readonly=True, help="What the person gave as the reason.")
    # it holds every figure that decided; the explanation leaves out what is hidden
    inputs = fields.Json(readonly=True, groups=MANAGER_GROUP)
    explanation = fields.Char("Why", compute="_compute_explanation")

    _key_idx = models.Index("(partner_id, dimension_id, company_id, date)")
    _date_idx = models.Index("(date)")

    @api.depends("inputs", "reason")
    @api.depends_context("lang", "uid")
    def _compute_explanation(self):
        for row in self:
            # sudo: the explanation leaves out what the user may not see
            inputs = row.ruleset_id._expand_inputs(row.sudo().inputs)
            row.explanation = row.reason or self._explain(
                inputs, row.company_id.currency_id
            )

    def write(self, vals):
        if vals:
            raise UserError(self.env._("The classification history cannot be changed."))
        return super().write(vals)

    @api.model
    def _explain(self, inputs, currency):
        """Say in one sentence which figures decided.

        :param dict inputs: as ``customer.staging`` builds them, or nothing
        :return: a sentence in the user's language, or False
        """
        if not inputs:
            return False
        if inputs.get("gone") == "figures":
            return self.env._(
                "No invoice counts any more, or the contact is no customer of its own "
                "any more (as of %s)",
                format_date(self.env, inputs["as_of"]),
            )
        if inputs.get("gone") in ("score", "method"):
            return self.env._(
                "The dimension is not computed any more (as of %s)",
                format_date(self.env, inputs["as_of"]),
            )
        return self._explain_score(inputs, currency)

    @api.model
    def _record_expired(self, company, as_of, scope=EVERYONE, run=None):
        """Record the decisions by hand in ``company`` that ended before ``as_of``.

        Each end is recorded once; a decision that was extended later ends anew.

        :param Scope scope: whose decisions
        :param run: the run that noticed, if one did
        """
        self.env["customer.override"].flush_model()
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_assignment_history (
                    partner_id, company_id, dimension_id, slot, event, date,
                    old_category_id, old_since, new_category_id, date_end,
                    run_id, user_id, reason, is_to_publish, is_to_tell, revenue
                )
                SELECT override.partner_id, override.company_id,
                       override.dimension_id, override.slot, 'expired', %(now)s,
                       CASE WHEN override.operation IN ('set', 'add')
                            THEN override.category_id
                       END,
                       override.write_date, assignment.category_id, override.date_end,
                       %(run)s, override.write_uid, override.reason,
                       %(is_to_publish)s,
                       -- who looks at it just now need not be told
                       %(run)s IS NOT NULL OR override.write_uid <> %(user)s,
                       %(revenue)s
                  FROM customer_override AS override
                  LEFT JOIN customer_assignment AS assignment
                    ON assignment.partner_id = override.partner_id
                   AND assignment.dimension_id = override.dimension_id
                   AND assignment.company_id IS NOT DISTINCT FROM override.company_id
                   AND assignment.slot = override.slot
                 WHERE override.company_id IS NOT DISTINCT FROM %(company)s
                   AND override.date_end < %(as_of)s
                   AND %(in_scope)s
                   AND NOT EXISTS (
                       SELECT FROM customer_assignment_history AS recorded
                        WHERE recorded.partner_id = override.partner_id
                          AND recorded.dimension_id = override.dimension_id
                          AND recorded.company_id
                              IS NOT DISTINCT FROM override.company_id
                          AND recorded.slot = override.slot
                          AND recorded.event = 'expired'
                          AND recorded.date_end = override.date_end
                   )
                """,
                now=fields.Datetime.now(),
                run=run.id if run else None,
                user=self.env.uid,
                is_to_publish=self.env["customer.dimension"]._get_is_published(
                    SQL("override.dimension_id")
                ),
                revenue=self._get_revenue_sql("override"),
                company=company.id or None,
                as_of=as_of,
                in_scope=scope.on(SQL.identifier("override", "partner_id")),
            )
        )
        self.invalidate_model()
