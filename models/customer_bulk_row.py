from odoo import api, fields, models

from .customer_engine_fields import EngineMany2one

OUTCOMES = [
    ("pending", "Will change"),
    ("done", "Changed"),
    ("same", "Already so"),
    ("decided", "Decided by hand already"),
    ("not_applicable", "The dimension does not apply"),
    ("excluded", "Excluded from the classification"),
    ("hidden", "You may not see the company of this contact"),
    ("permission", "You do not set this dimension"),
    ("meanwhile", "Changed since the preview"),
    ("since", "Decided anew since the bulk change"),
    ("ended_since", "Ended or withdrawn since the bulk change"),
    ("ended", "The former decision has ended meanwhile"),
]


class CustomerBulkTarget(models.Model):
    """A contact that a bulk change was asked for; its customer is what changes."""

    _name = "customer.bulk.target"
    _inherit = ["customer.rows.mixin"]
    _description = "Contact of a Bulk Change"
    _rec_name = "partner_id"
    _log_access = False  # a narrow row for each of many

    partner_id = EngineMany2one(string="Contact")
    company_id = fields.Many2one(related="bulk_id.company_id")
    bulk_id = fields.Many2one(
        "customer.bulk",
        string="Bulk Change",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    customer_id = fields.Many2one(
        related="partner_id.commercial_partner_id",
        string="Its Customer",
        related_sudo=False,
    )
    is_from_list = fields.Boolean(
        readonly=True, help="Found by a list of references, not chosen."
    )

    _bulk_partner_idx = models.Index("(bulk_id, partner_id)")
    # contacts are deleted and merged
    _partner_idx = models.Index("(partner_id)")


class CustomerBulkRow(models.Model):
    """What a bulk change does, or did, to a customer, and why not.

    ``former`` keeps the decision that was in force before; ``wanted`` is the one an
    undo brings back. ``override_id`` and ``written_at`` identify what was written:
    whoever changed it since has written it later.
    """

    _name = "customer.bulk.row"
    _inherit = ["customer.rows.mixin"]
    _description = "Customer of a Bulk Change"
    _order = "id"
    _rec_name = "partner_id"
    _log_access = False  # a narrow row for each of many

    partner_id = EngineMany2one()
    company_id = EngineMany2one()
    bulk_id = fields.Many2one(
        "customer.bulk",
        string="Bulk Change",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    line_id = EngineMany2one("customer.bulk.line", readonly=True, ondelete="cascade")
    dimension_id = EngineMany2one(
        "customer.dimension", required=True, readonly=True, ondelete="cascade"
    )
    slot = fields.Integer(required=True, readonly=True)
    outcome = fields.Selection(OUTCOMES, required=True, readonly=True)
    old_category_id = EngineMany2one(
        "customer.category", string="From", readonly=True, ondelete="set null"
    )
    new_category_id = EngineMany2one(
        "customer.category", string="To", readonly=True, ondelete="set null"
    )
    former = fields.Json(readonly=True)
    wanted = fields.Json(readonly=True)
    override_id = fields.Integer(readonly=True, aggregator=None)
    written_at = fields.Datetime(readonly=True)
    decided_by_id = fields.Many2one(
        "res.users",
        compute="_compute_decided",
        help="Who made the decision that is in force.",
    )
    decided_reason = fields.Char(compute="_compute_decided")

    # In this order they are applied
    _bulk_idx = models.Index("(bulk_id, outcome, id)")
    # contacts are deleted and merged
    _partner_idx = models.Index("(partner_id)")

    @api.depends("former")
    def _compute_decided(self):
        for row in self:
            former = row.former or {}
            row.decided_by_id = former.get("write_uid")
            row.decided_reason = former.get("reason")

    @api.model
    def _open(self, domain):
        """Return the action that opens the rows of a domain."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_bulk_row_action"
        )
        return {**action, "domain": domain}


class CustomerBulkCell(models.Model):
    """How many customers a bulk change moves from where to where, or skips."""

    _name = "customer.bulk.cell"
    _description = "Part of a Bulk Change"
    _order = "bulk_id, dimension_id, outcome, count desc, id"
    _log_access = False  # written anew with each preview
    _rec_name = "dimension_id"

    bulk_id = fields.Many2one(
        "customer.bulk",
        string="Bulk Change",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    dimension_id = fields.Many2one(
        "customer.dimension", required=True, readonly=True, ondelete="cascade"
    )
    outcome = fields.Selection(OUTCOMES, required=True, readonly=True)
    old_category_id = fields.Many2one(
        "customer.category", string="From", readonly=True, ondelete="cascade"
    )
    new_category_id = fields.Many2one(
        "customer.category", string="To", readonly=True, ondelete="cascade"
    )
    count = fields.Integer("Customers", readonly=True)

    def action_open_rows(self):
        """Open the customers behind the number."""
        self.ensure_one()
        domain = [
            ("bulk_id", "=", self.bulk_id.id),
            ("dimension_id", "=", self.dimension_id.id),
            ("outcome", "=", self.outcome),
        ]
        if self.outcome in ("pending", "done"):
            domain += [
                ("old_category_id", "=", self.old_category_id.id),
                ("new_category_id", "=", self.new_category_id.id),
            ]
        return self.env["customer.bulk.row"]._open(domain)
