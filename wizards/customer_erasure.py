from odoo import fields, models


class CustomerErasure(models.TransientModel):
    """Ask before classification data is erased, which cannot be undone."""

    _name = "customer.erasure"
    _description = "Erase Classification Data"

    partner_ids = fields.Many2many(
        "res.partner", string="Customers", required=True, readonly=True
    )
    exclude = fields.Boolean(
        "Do Not Classify Any More",
        default=True,
        help="Without this, the next computation makes a new profile of the invoices.",
    )
    reason = fields.Char(
        help="Kept with the exclusion, for example the letter in which the customer "
        "asked."
    )

    def action_erase(self):
        """Erase, and exclude the customers from what is computed from now on."""
        self.ensure_one()
        customers = self.partner_ids.commercial_partner_id
        customers._erase_classification()
        Exclusion = self.env["customer.exclusion"]
        if self.exclude:
            known = Exclusion.search([("partner_id", "in", customers.ids)]).partner_id
            Exclusion.create(
                [
                    {"partner_id": customer.id, "reason": self.reason}
                    for customer in customers - known
                ]
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("The classification data was erased."),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
