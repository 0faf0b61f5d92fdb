from odoo import api, models
from odoo.tools import SQL


class ResCompany(models.Model):
    """What a change of the companies themselves means for their customers.

    Nothing else about a company needs to be noted: settings are frozen in versions,
    and Odoo refuses another parent, or another currency once there are entries.
    """

    _inherit = "res.company"

    @api.model_create_multi
    def create(self, vals_list):
        """A contact that becomes a company is no customer any more."""
        companies = super().create(vals_list)
        self.env["customer.change"]._mark(companies.partner_id)
        return companies

    def write(self, vals):
        """Look at the customers of a company that is back in use.

        What changed while it was archived was not kept.
        """
        former = self.partner_id if "partner_id" in vals else self.partner_id.browse()
        returning = self.filtered(lambda c: not c.active) if vals.get("active") else []
        result = super().write(vals)
        Change = self.env["customer.change"]
        if "partner_id" in vals:
            Change._mark(former | self.partner_id)
        for company in returning:
            Change._mark_everything(company)
        return result

    def unlink(self):
        """A company's contact may be a customer from now on."""
        partners, ids = self.partner_id, self.ids
        result = super().unlink()
        self.env.execute_query(
            SQL("DELETE FROM customer_change WHERE company_id = ANY(%s)", ids)
        )
        self.env["customer.change"]._mark(partners)
        return result
