from odoo import api, fields, models
from odoo.fields import Domain


class CustomerRowsMixin(models.AbstractModel):
    """Rows about a customer, visible only to those who may see that customer."""

    _name = "customer.rows.mixin"
    _inherit = ["customer.hidden.mixin"]
    _description = "Rows Visible With Their Customer"

    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        "res.company",
        readonly=True,
        ondelete="cascade",
        help="Empty: the same for all companies.",
    )

    def action_open_customer(self):
        """Open the contact, from a list of rows that have no form of their own."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "views": [[False, "form"]],
        }

    @api.model
    def _get_visible_domain(self):
        """Return the domain of the rows whose customer the user may see."""
        visible = self.env["res.partner"]._search(Domain.TRUE, active_test=False)
        return super()._get_visible_domain() & Domain("partner_id", "in", visible)

    def _get_hidden(self):
        """Return these rows whose customer the user may not see."""
        # sudo: only to learn which customers the rows are about
        partners = self.sudo().partner_id.sudo(False)
        hidden = partners - partners._filtered_access("read")
        return super()._get_hidden() | self.sudo().filtered(
            lambda row: row.partner_id in hidden
        ).sudo(False)
