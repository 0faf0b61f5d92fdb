from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, format_date

from .customer_rights import MANAGER_GROUP
from .customer_staging import WORK_MEMORY

#: What a person enters; all else the addon writes
INPUT_FIELDS = {
    "name",
    "reason",
    "validity",
    "date_end",
    "decided_policy",
    "include_same",
    "line_ids",
    "reference_text",
    "reference_file",
    "reference_name",
}
#: Input that changes nothing of what would be written to whom
HARMLESS_FIELDS = {"name", "reason"}
#: Days that a draft is kept that nobody applied
KEEP_DRAFT_DAYS = 7
#: Outcomes of a customer who changes, or did
CHANGES = ("pending", "done")


class CustomerBulk(models.Model):
    """Decisions by hand about many customers at a time.

    A draft says whom it is about (``customer.bulk.target``) and what is decided
    (``customer.bulk.line``). Its preview writes a row for each customer and decision
    (``customer.bulk.row``): what it changes from and to, or why it is skipped.
    Applying does what these rows say, in steps that survive an interruption, and
    looks again at each customer first.

    What it writes are ordinary decisions by hand, each with its row in the history;
    all of them name their bulk change. The rows keep what was decided before, so
    that an undo, which is a bulk change of its own, can bring it back.
    """

    _name = "customer.bulk"
    _description = "Bulk Change"
    _order = "id desc"

    name = fields.Char(
        required=True,
        default=lambda self: self._get_default_name(),
        help="What you will know it by later.",
    )
    kind = fields.Selection(
        [("change", "Change"), ("undo", "Undo")],
        required=True,
        readonly=True,
        default="change",
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("running", "Running"),
            ("done", "Done"),
            ("stopped", "Stopped"),
            ("failed", "Failed"),
            ("undone", "Undone"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
    )
    user_id = fields.Many2one(
        "res.users",
        string="By",
        required=True,
        readonly=True,
        default=lambda self: self.env.uid,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company.root_id,
        ondelete="cascade",
        help="Where the categories hold, unless all companies share them.",
    )
    line_ids = fields.One2many("customer.bulk.line", "bulk_id", string="Decisions")
    reason = fields.Char(help="Your colleagues and your later self will ask.")
    validity = fields.Selection(
        [
            ("usual", "One year, or open where only people decide"),
            ("until", "Until a day"),
            ("open", "Until somebody changes or withdraws it"),
        ],
        string="Holds",
        required=True,
        default="usual",
    )
    date_end = fields.Date("Holds Until", help="The last day of the decisions.")
    decided_policy = fields.Selection(
        [
            ("keep", "Leave all as they are"),
            ("own", "Replace my own, leave those of others"),
            ("all", "Replace all of them"),
        ],
        string="Decisions in Force",
        required=True,
        default="own",
        help="What becomes of decisions by hand that are there already.",
    )
    include_same = fields.Boolean(
        "Decide Also Where It Is So Already",
        help="Computed categories are then kept even if the figures change, and "
        "decisions that say the same get this reason and end.",
    )
    is_previewed = fields.Boolean(readonly=True, copy=False)
    started_on = fields.Datetime("Applied On", readonly=True, copy=False)
    ended_on = fields.Datetime(readonly=True, copy=False)
    error = fields.Text(readonly=True, copy=False)
    undo_of_id = fields.Many2one(
        "customer.bulk",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
    )
    undone_by_id = fields.Many2one(
        "customer.bulk",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
    change_cell_ids = fields.One2many(
        "customer.bulk.cell",
        "bulk_id",
        string="What Changes",
        readonly=True,
        domain=[("outcome", "in", CHANGES)],
    )
    skip_cell_ids = fields.One2many(
        "customer.bulk.cell",
        "bulk_id",
        string="What Is Skipped",
        readonly=True,
        domain=[("outcome", "not in", CHANGES)],
    )
    target_count = fields.Integer("Contacts", compute="_compute_target_count")
    # of each customer in each dimension
    pending_count = fields.Integer("Changes to Make", compute="_compute_counts")
    done_count = fields.Integer("Changes Made", compute="_compute_counts")
    skipped_count = fields.Integer("Skipped", compute="_compute_counts")
    progress = fields.Float("Progress (%)", compute="_compute_counts")
    may_undo = fields.Boolean(compute="_compute_may_undo")

    _running_idx = models.Index("(id) WHERE state = 'running'")
    _day_needed = models.Constraint(
        "CHECK (validity <> 'until' OR date_end IS NOT NULL)",
        "Enter the last day of the decisions.",
    )

    @api.model
    def _get_default_name(self):
        today = format_date(self.env, fields.Date.context_today(self))
        return self.env._("Bulk change of %s", today)

    def _compute_target_count(self):
        counts = dict(
            # sudo: how many they are; which ones, only who may see them learns
            self.env["customer.bulk.target"]
            .sudo()
            ._read_group([("bulk_id", "in", self.ids)], ["bulk_id"], ["__count"])
        )
        for bulk in self:
            bulk.target_count = counts.get(bulk._origin, 0)

    @api.depends("state", "is_previewed")
    def _compute_counts(self):
        counts = {}
        if self.ids:
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT bulk_id, outcome, count(*)
                      FROM customer_bulk_row
                     WHERE bulk_id = ANY(%s)
                     GROUP BY bulk_id, outcome
                    """,
                    self.ids,
                )
            )
            for bulk_id, outcome, count in rows:
                counts.setdefault(bulk_id, {})[outcome] = count
        for bulk in self:
            by_outcome = counts.get(bulk._origin.id, {})
            bulk.pending_count = by_outcome.get("pending", 0)
            bulk.done_count = by_outcome.get("done", 0)
            every = sum(by_outcome.values())
            bulk.skipped_count = every - bulk.pending_count - bulk.done_count
            bulk.progress = 100.0 * (1 - bulk.pending_count / every) if every else 0.0

    @api.depends("state", "user_id")
    @api.depends_context("uid")
    def _compute_may_undo(self):
        is_manager = self.env.user.has_group(MANAGER_GROUP)
        for bulk in self:
            bulk.may_undo = bulk.state in ("done", "stopped", "failed") and (
                is_manager or bulk.user_id == self.env.user
            )

    @api.onchange("validity")
    def _onchange_validity(self):
        if self.validity != "until":
            self.date_end = False

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            vals_list = [
                {name: vals[name] for name in vals.keys() & INPUT_FIELDS}
                for vals in vals_list
            ]
            # nor by the defaults of the context: a bulk change that says it undoes
            # another's would mark it as undone
            context = {
                key: value
                for key, value in self.env.context.items()
                if not key.startswith("default_")
                or key.removeprefix("default_") in INPUT_FIELDS
            }
            self = self.with_env(self.env(context=context))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            if vals.keys() - INPUT_FIELDS:
                raise AccessError(
                    self.env._("These fields of a bulk change are not entered by hand.")
                )
            if vals.keys() - {"name"}:
                self._check_is_draft()
        result = super().write(vals)
        if INPUT_FIELDS - HARMLESS_FIELDS & vals.keys():
            self._forget_preview()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_applied(self):
        self._check_is_draft()

    # Actions

    @api.model
    def action_open_for_active(self):
        """Open a new bulk change of the contacts chosen in a list."""
        return self._open_for(*self._get_chosen_domain())

    @api.model
    def _get_chosen_domain(self):
        """Return the domain of the contacts that are chosen in the list.

        And whether to leave out archived ones. Where all that match the search are
        chosen, the list names no more of them than Odoo's limit, and the search itself.
        """
        context = self.env.context
        ids = context.get("active_ids") or []
        # sudo: a number that everybody's browser knows
        parameters = self.env["ir.config_parameter"].sudo()
        limit = int(parameters.get_param("web.active_ids_limit", 20000))
        domain = context.get("active_domain")
        if domain is None or len(ids) < limit:
            return [("id", "in", ids)], False
        return domain, True

    @api.model
    def _open_for(self, domain, active_test=True):
        """Return the action that opens a new bulk change of the matching contacts.

        :param bool active_test: whether to leave out archived ones
        """
        bulk = self.create({})
        dimension_id = self.env.context.get("customer_bulk_dimension_id")
        if dimension_id:
            # the list is about a dimension, such as of those who miss its category
            bulk.line_ids = [fields.Command.create({"dimension_id": dimension_id})]
        bulk._add_targets(domain, active_test)
        return bulk._open()

    def action_open_targets(self):
        """Open the chosen contacts."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_bulk_target_action"
        )
        return {**action, "domain": [("bulk_id", "=", self.id)]}

    def action_open_rows(self):
        """Open what becomes, or became, of each customer."""
        self.ensure_one()
        return self.env["customer.bulk.row"]._open([("bulk_id", "=", self.id)])

    def action_open_history(self):
        """Open what this bulk change left in the history."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_assignment_history_action"
        )
        return {**action, "domain": [("bulk_id", "=", self.id)], "context": {}}

    def _open(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Bulk Change"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [[False, "form"]],
        }

    # Whom it is about

    def _add_targets(self, domain, active_test=True, is_from_list=False):
        """Let the bulk change be about the contacts that match, as the user sees them.

        :param bool active_test: whether to leave out archived ones
        :param bool is_from_list: whether a list of references named them
        """
        self.ensure_one()
        self._check_is_draft()
        partners = self.env["res.partner"]._search(domain, active_test=active_test)
        self.env["customer.bulk.target"].flush_model()
        self.env.execute_query(SQL("SET LOCAL work_mem = %s", WORK_MEMORY))
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_bulk_target (bulk_id, partner_id, is_from_list)
                SELECT %(bulk)s, id, %(is_from_list)s
                  FROM (%(partners)s) AS chosen
                 WHERE id NOT IN (
                       SELECT partner_id
                         FROM customer_bulk_target
                        WHERE bulk_id = %(bulk)s
                       )
                """,
                bulk=self.id,
                is_from_list=is_from_list,
                partners=partners.select(),
            )
        )
        self.env["customer.bulk.target"].invalidate_model()
        self.invalidate_recordset(["target_count"])
        self._forget_preview()

    # Checks and drafts

    def _check_is_draft(self):
        if any(bulk.state != "draft" for bulk in self):
            raise UserError(
                self.env._(
                    "This bulk change was applied already; undo it, or make another "
                    "one."
                )
            )

    def _forget_preview(self):
        """Remove the rows of a preview that is not true any more."""
        drafts = self.filtered(lambda b: b.state == "draft" and b.kind == "change")
        if drafts:
            # sudo: the addon writes the rows; who asked may change the draft
            drafts.sudo().is_previewed = False
            for table in ("customer_bulk_row", "customer_bulk_cell"):
                self.env.execute_query(
                    SQL(
                        "DELETE FROM %s WHERE bulk_id = ANY(%s)",
                        SQL.identifier(table),
                        drafts.ids,
                    )
                )
            self.env["customer.bulk.row"].invalidate_model()
            self.env["customer.bulk.cell"].invalidate_model()
            drafts.invalidate_recordset(["change_cell_ids", "skip_cell_ids"])

    @api.autovacuum
    def _gc_drafts(self):
        """Remove drafts that nobody applied."""
        oldest = fields.Datetime.now() - timedelta(days=KEEP_DRAFT_DAYS)
        self.search([("state", "=", "draft"), ("write_date", "<", oldest)]).unlink()
