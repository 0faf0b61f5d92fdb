from odoo import api, models
from odoo.tools import ormcache

#: The fields of the contact for a score, besides the category: the column of the
#: assignment, the end of the field's name, its type and what its label adds
SCORE_FIELDS = {
    "score": ("score", "float"),
    "recency_score": ("recency", "integer"),
    "frequency_score": ("frequency", "integer"),
    "monetary_score": ("monetary", "integer"),
}


class CustomerDimension(models.Model):
    """The fields of each dimension on the contact (see ``ir.model.fields``)."""

    _inherit = "customer.dimension"

    def _update_partner_fields(self):
        """Create, change or remove the contact's fields of each dimension."""
        # sudo: an administrator of the classification need not be one of Odoo
        Fields = self.env["ir.model.fields"].sudo()
        for dimension in self:
            wanted = {vals["name"]: vals for vals in dimension._get_partner_fields()}
            existing = Fields.search([("customer_dimension_id", "=", dimension.id)])
            obsolete = existing.filtered(lambda f, wanted=wanted: f.name not in wanted)
            dimension._check_fields_unused(obsolete.mapped("name"))
            obsolete.unlink()
            for field in existing - obsolete:
                groups = wanted.pop(field.name)["customer_groups"]
                if field.customer_groups != groups:
                    field.customer_groups = groups
            Fields.create(list(wanted.values()))
        self._clear_view_caches()

    def _get_partner_fields(self):
        """Return the values of the dimension's records of ``ir.model.fields``."""
        self.ensure_one()
        common = {
            "model_id": self.env["ir.model"]._get("res.partner").id,
            "store": False,
            "readonly": True,
            "copied": False,
            "customer_dimension_id": self.id,
            "customer_groups": self._get_partner_field_groups(),
        }
        # The people's labels come from `res.partner.fields_get`; the stored ones must
        # be unique, or Odoo logs a warning.
        label = f"Classification: {self.code}"
        category = {
            **common,
            "name": self.partner_field_name,
            "relation": "customer.category",
            "field_description": label,
            "customer_dimension_part": "category",
        }
        if self.is_multiple:
            return [{**category, "ttype": "many2many"}]
        result = [{**category, "ttype": "many2one", "on_delete": "set null"}]
        if self.method == "score":
            result += [
                {
                    **common,
                    "name": f"x_cls_{self.code}_{suffix}",
                    "ttype": ttype,
                    "field_description": f"{label}, {suffix}",
                    "customer_dimension_part": column,
                }
                for column, (suffix, ttype) in SCORE_FIELDS.items()
            ]
        return result

    def _remove_partner_fields(self):
        """Remove the contact's fields of these dimensions."""
        # sudo: an administrator of the classification need not be one of Odoo
        self.env["ir.model.fields"].sudo().search(
            [("customer_dimension_id", "in", self.ids)]
        ).unlink()

    def _get_partner_field_groups(self):
        """Return who may read the fields, as the ``groups`` of a field."""
        self.ensure_one()
        groups = self.view_group_ids
        if not groups:
            return "customer_classification.group_customer_classification_user"
        names = groups.get_external_id()
        unnamed = groups.filtered(lambda group: not names[group.id])
        # sudo: the names that Odoo's export gives, too
        self.env["ir.model.data"].sudo().create(
            [
                {
                    "module": "__export__",
                    "name": f"res_groups_{group.id}",
                    "model": "res.groups",
                    "res_id": group.id,
                    "noupdate": True,
                }
                for group in unnamed
            ]
        )
        return ",".join(groups.get_external_id().values())

    @api.model
    def _get_field_facts(self, dimension_id):
        """Return what the joins of the contact's fields need to know of a dimension.

        :return: a dict with ``active`` and ``is_shared``
        """
        # a field may outlive its dimension until the registry is set up again
        gone = {"active": False, "is_shared": False}
        return self._get_facts_by_dimension().get(dimension_id, gone)

    @api.model
    @ormcache(cache="stable")
    def _get_facts_by_dimension(self):
        # sudo: what is not secret is read for everybody, and cached
        dimensions = self.sudo().with_context(active_test=False)
        return {
            dimension.id: {
                "active": dimension.active,
                "is_shared": dimension.is_shared,
            }
            for dimension in dimensions.search([])
        }

    def _clear_view_caches(self):
        """Forget the views and the list of fields: they name the dimensions."""
        self.env.registry.clear_cache("stable")
        self.env.registry.clear_cache("templates")
