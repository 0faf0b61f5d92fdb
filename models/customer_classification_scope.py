from odoo import fields, models

from .customer_engine_fields import EngineMany2one


class CustomerClassificationScope(models.Model):
    """The customers that a line of a run looks at, until it is done."""

    _name = "customer.classification.scope"
    _description = "Customers That a Run Looks At"
    _order = "line_id, partner_id"
    _log_access = False

    line_id = EngineMany2one(
        "customer.classification.run.line",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    # no foreign key: the contact may be gone, and then its rows shall go, too
    partner_id = fields.Integer("Customer", required=True, readonly=True)

    _line_partner_unique = models.UniqueIndex("(line_id, partner_id)")
