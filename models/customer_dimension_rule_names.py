from odoo import api, models
from odoo.tools import SQL, ormcache


class CustomerDimensionRule(models.Model):
    """Names of rules in all languages: to be taken over, and for what is frozen.

    A version keeps a rule's name in one language, as does what it decided; a reader
    sees it in his own.
    """

    _inherit = "customer.dimension.rule"

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        self.env.registry.clear_cache()
        return rules

    def write(self, vals):
        result = super().write(vals)
        if "name" in vals:
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    def _update_field_translations(self, field_name, *args, **kwargs):
        result = super()._update_field_translations(field_name, *args, **kwargs)
        self.env.registry.clear_cache()
        return result

    @api.model
    def _get_shown_name(self, frozen):
        """Return in the reader's language what a version calls ``frozen``."""
        return self._get_shown_names().get(frozen, frozen)

    @api.model
    @ormcache("self.env.lang")
    def _get_shown_names(self):
        """Return the names in the reader's language, by the name that is frozen.

        Cached: the page of a customer tells many. Where two rules that are called the
        same have different translations, the frozen name remains.
        """
        self.flush_model(["name"])
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT name->>'en_US', MIN(name->>%(lang)s)
                      FROM customer_dimension_rule
                     WHERE name ? %(lang)s
                     GROUP BY name->>'en_US'
                    HAVING COUNT(DISTINCT name->>%(lang)s) = 1
                    """,
                    lang=self.env.lang or "en_US",
                )
            )
        )

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
