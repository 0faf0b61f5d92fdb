from odoo import api, models

from .customer_usage import names_category


class CustomerCategory(models.Model):
    """What refers to a category: conditions with its number or code, mostly."""

    _name = "customer.category"
    _inherit = ["customer.category", "customer.usage.mixin"]

    @api.onchange("active")
    def _onchange_active(self):
        return None if self.active else self._warn_if_used()

    def action_archive(self):
        """Archive; where something refers to these, ask first, with the list."""
        return self._ask_to_archive() or super().action_archive()

    def _get_named_usages(self):
        """Return the domains that name the category by its id or code."""
        names = [
            field.name
            for field in self.env["res.partner"]._fields.values()
            if field.comodel_name == "customer.category"
        ]
        return self.env["customer.usage"]._find_named(
            names,
            lambda text, is_domain: is_domain and names_category(text, names, self),
        )
