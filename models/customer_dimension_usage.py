from odoo import api, models
from odoo.exceptions import UserError


class CustomerDimension(models.Model):
    """What refers to a dimension: to its fields on the contact, mostly."""

    _name = "customer.dimension"
    _inherit = [
        "customer.dimension",
        "customer.usage.mixin",
        "customer.engine.links.mixin",
    ]

    @api.onchange("method", "is_multiple", "is_shared")
    def _onchange_shape(self):
        return self._warn_if_used()

    def action_archive(self):
        """Archive; where something refers to these, ask first, with the list."""
        return self._ask_to_archive() or super().action_archive()

    def _get_usage_field_names(self):
        # sudo: an administrator of the classification need not be one of Odoo
        return (
            self.env["ir.model.fields"]
            .sudo()
            .search([("customer_dimension_id", "in", self.ids)])
            .mapped("name")
        )

    def _check_fields_unused(self, field_names):
        """Refuse to go on where something names one of the contact's fields.

        :raise UserError: naming what does
        """
        self.ensure_one()
        if field_names:
            Usage = self.env["customer.usage"]
            self._check_unused(
                Usage._find_named(field_names) + Usage._find_fields(field_names)
            )

    def _check_unclassified(self):
        """Refuse to delete a dimension by which customers are or were classified."""
        for model in ("customer.assignment.history", "customer.assignment"):
            # sudo: what another company's customers hold counts, too
            rows = self.env[model].sudo()
            if rows.search_count([("dimension_id", "in", self.ids)], limit=1):
                raise UserError(
                    self.env._(
                        "Customers are or were classified by this dimension. Archive "
                        "it instead: that keeps their history."
                    )
                )

    def _get_reshaped(self, vals):
        """Return the dimensions whose rows would change their keys by ``vals``."""
        return self.filtered(
            lambda dimension: any(
                name in vals and dimension[name] != vals[name]
                for name in ("is_multiple", "is_shared")
            )
        )

    def _check_not_in_use(self):
        """Refuse to go on where customers are or were classified by hand or computed.

        :raise UserError: naming the dimension
        """
        for dimension in self._get_used():
            raise UserError(
                self.env._(
                    "“%(dimension)s” is in use, so whether it allows several "
                    "categories and whether companies share it cannot change. "
                    "Create another dimension instead.",
                    dimension=dimension.name,
                )
            )
