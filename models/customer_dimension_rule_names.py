from odoo import models


class CustomerDimensionRule(models.Model):
    """Names of rules in all languages, to be taken over by other rules."""

    _inherit = "customer.dimension.rule"

    def _get_names(self):
        """Return the name by language."""
        self.ensure_one()
        return {
            lang: self.with_context(lang=lang).name
            for lang, _label in self.env["res.lang"].get_installed()
        }

    def _set_names(self, names):
        """Set the name in each language."""
        self.ensure_one()
        for lang, name in names.items():
            rule = self.with_context(lang=lang)
            if rule.name != name:
                rule.name = name
