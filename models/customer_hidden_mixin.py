from odoo import api, models
from odoo.fields import Domain


class CustomerHiddenMixin(models.AbstractModel):
    """Records that some users may not see, whatever access rights and rules allow.

    A record rule cannot say this: its domain is evaluated as superuser, and what a
    record tells may depend on rights to other records and fields. A model says in
    :meth:`_get_visible_domain` which records may be found, and in :meth:`_get_hidden`
    which of given ones may not be read.
    """

    _name = "customer.hidden.mixin"
    _description = "Hidden From Some Users"

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
        hidden = self._get_hidden()
        if not hidden:
            return result
        if result:
            # the rules forbid some records, what they tell others
            return result[0] | hidden, result[1]
        return hidden, lambda: hidden._get_hidden_error(operation)

    @api.model
    def _get_visible_domain(self):
        """Return the domain of the records that the user may see."""
        return Domain.TRUE

    def _get_hidden(self):
        """Return those of these records that the user may not see."""
        return self.browse()

    def _get_hidden_error(self, operation="read"):
        """Return the access error for these records, all of them hidden."""
        return self.env["ir.rule"]._make_access_error(operation, self)
