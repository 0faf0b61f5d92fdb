import functools

from odoo import api, fields, models
from odoo.fields import Domain


class CustomerRowsMixin(models.AbstractModel):
    """Rows about a customer, visible only to those who may see that customer.

    A record rule cannot say this: the domain of a rule is evaluated as superuser,
    so that ``partner_id any …`` would restrict nothing.
    """

    _name = "customer.rows.mixin"
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

    @api.model
    def _search(
        self,
        domain,
        offset=0,
        limit=None,
        order=None,
        *,
        active_test=True,
        bypass_access=False,
        **kwargs,
    ):
        if not (self.env.su or bypass_access):
            domain = Domain(domain) & self._get_visible_domain()
        return super()._search(
            domain,
            offset,
            limit,
            order,
            active_test=active_test,
            bypass_access=bypass_access,
            **kwargs,
        )

    def _check_access(self, operation):
        result = super()._check_access(operation)
        if self.env.su or not any(self._ids) or (result and result[0] == self):
            return result
        forbidden = self._get_hidden()
        if not forbidden:
            return result
        if result:
            # the rules forbid some rows, their customers others
            return result[0] | forbidden, result[1]
        return forbidden, functools.partial(
            self.env["ir.rule"]._make_access_error, operation, forbidden
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
        return Domain("partner_id", "in", visible)

    def _get_hidden(self):
        """Return these rows whose customer the user may not see."""
        # sudo: only to learn which customers the rows are about
        partners = self.sudo().partner_id.sudo(False)
        hidden = partners - partners._filtered_access("read")
        return self.sudo().filtered(lambda r: r.partner_id in hidden).sudo(False)
