from odoo import SUPERUSER_ID, api, models


class CustomerMetric(models.Model):
    """Who may see a metric's values: whoever may see its field of the contact."""

    _inherit = "customer.metric"

    @api.model
    def _get_hidden_codes(self, codes):
        """Return those of some metrics whose values the user may not see.

        It is the user who counts, also where code runs with more rights on the user's
        behalf.
        """
        if self.env.uid == SUPERUSER_ID:
            return set()
        known = self._get_by_code(list(codes))
        names = {code: known[code].partner_field_name for code in known}
        return {code for code in known if self._is_hidden_field(names[code])}

    @api.model
    def _is_hidden_field(self, name):
        """Return whether the user may not see a field of the contact."""
        if self.env.uid == SUPERUSER_ID:
            return False
        Partner = self.env["res.partner"].sudo(False)
        field = Partner._fields.get(name)
        return bool(field) and not Partner._has_field_access(field, "read")
