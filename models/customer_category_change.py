from datetime import timedelta

from odoo import api, fields, models

#: Days that a change is kept after it was published; the history keeps it for good
KEEP_DAYS = 90


class CustomerCategoryChange(models.Model):
    """A change of the category in effect, for automation rules to start from.

    The engine writes its tables in SQL, where no automation rule notices. Of the
    dimensions that ask for it (``publish_changes``, ``notify_salesperson``), each
    change is therefore created here as an ordinary record, a minute later and in
    batches: "on creation" of this model is the event, and its fields are what the
    conditions and actions of a rule need.

    The first computed category of a customer is no change.
    """

    _name = "customer.category.change"
    _inherit = ["customer.rows.mixin"]
    _description = "Category Change"
    _order = "date desc, id desc"
    _rec_name = "partner_id"

    dimension_id = fields.Many2one(
        "customer.dimension", required=True, readonly=True, ondelete="cascade"
    )
    old_category_id = fields.Many2one(
        "customer.category",
        string="From",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    new_category_id = fields.Many2one(
        "customer.category",
        string="To",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
        help="Empty: the customer has no category any more.",
    )
    date = fields.Datetime(required=True, readonly=True, index=True)
    history_id = fields.Many2one(
        "customer.assignment.history",
        string="History Entry",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    event = fields.Selection(related="history_id.event")
    run_id = fields.Many2one(related="history_id.run_id")
    user_id = fields.Many2one(
        "res.users",
        string="By",
        readonly=True,
        help="Who decided, or started the computation.",
    )
    reason = fields.Char(readonly=True, help="What the person gave as the reason.")
    explanation = fields.Char(
        # not as superuser: what somebody may not see is not said
        "Why",
        related="history_id.explanation",
        related_sudo=False,
    )
    salesperson_id = fields.Many2one(
        "res.users",
        readonly=True,
        index="btree_not_null",
        help="The customer's salesperson at the time of the change.",
    )
    is_to_notify = fields.Boolean(
        "Salesperson to Be Told",
        readonly=True,
        help="The salesperson gets one message about all such changes.",
    )
    error = fields.Text(
        readonly=True, help="Why the automation rules failed for this change."
    )

    _history_unique = models.Constraint(
        "UNIQUE (history_id)", "This change was published already."
    )
    _to_notify_idx = models.Index("(salesperson_id) WHERE is_to_notify")

    @api.autovacuum
    def _gc_old(self):
        """Remove what was published long ago."""
        oldest = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        self.search([("date", "<", oldest), ("is_to_notify", "=", False)]).unlink()
