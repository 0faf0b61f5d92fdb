from odoo import api, fields, models

from .customer_override import DECISION_FIELDS

#: What a person's own call makes of a decision; the others are the addon's
OWN_ORIGINS = ("hand", "import")


class CustomerOverride(models.Model):
    """How a decision by hand came about.

    Whoever changes what a decision says makes it the own: it is no longer part of
    the bulk change or undo that wrote it, and no undo touches it.
    """

    _inherit = "customer.override"

    origin = fields.Selection(
        [
            ("hand", "By hand"),
            ("bulk", "Bulk change"),
            ("undo", "Undo"),
            ("import", "Import"),
        ],
        string="Made By",
        required=True,
        readonly=True,
        default="hand",
        copy=False,
        help="By hand: somebody decided about this customer. Bulk change: about many "
        "at a time. Undo: the former category was kept when a computation was taken "
        "back. Import: from a file.",
    )
    bulk_id = fields.Many2one(
        "customer.bulk",
        string="Bulk Change",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            origin = self._get_own_origin()
            vals_list = [
                {**vals, "origin": origin, "bulk_id": False} for vals in vals_list
            ]
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            vals = {
                name: value
                for name, value in vals.items()
                if name not in ("origin", "bulk_id")
            }
        if DECISION_FIELDS & vals.keys():
            own = {"origin": self._get_own_origin(), "bulk_id": False}
            vals = {**own, **vals}
        return super().write(vals)

    @api.model
    def load(self, fields, data):
        imported = self.with_context(default_origin="import")
        return super(CustomerOverride, imported).load(fields, data)

    @api.model
    def _get_own_origin(self):
        origin = self.env.context.get("default_origin")
        return origin if origin in OWN_ORIGINS else OWN_ORIGINS[0]


class CustomerAssignmentHistory(models.Model):
    _inherit = "customer.assignment.history"

    bulk_id = fields.Many2one(
        "customer.bulk",
        string="Bulk Change",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
