from odoo import api, fields, models


class CustomerUsageLine(models.TransientModel):
    """One place that refers to a dimension, category or metric, to look at."""

    _name = "customer.usage.line"
    _description = "Place That Uses the Classification"
    _order = "target, model_label, name, id"

    target = fields.Char("Used", readonly=True)
    model_label = fields.Char("Kind", readonly=True)
    name = fields.Char(readonly=True)
    purpose = fields.Char("Used As", readonly=True)
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(model_field="res_model", readonly=True)

    @api.model
    def _create_for(self, records):
        """Create and return the lines of all that refers to ``records``."""
        vals_list = []
        for target in records:
            for record, field in target._get_usages():
                place = {
                    "target": target.display_name,
                    "model_label": target._get_kind(record),
                    "name": target._get_place_name(record),
                    "purpose": field._description_string(self.env),
                    "res_model": record._name,
                    "res_id": record.id,
                }
                if place not in vals_list:
                    vals_list.append(place)
        return self.create(vals_list)

    def action_open(self):
        """Open the place, as far as the user may."""
        self.ensure_one()
        self.env[self.res_model].browse(self.res_id).check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
            "views": [(False, "form")],
        }


class CustomerUsageArchive(models.TransientModel):
    """Asks before something that is used is archived."""

    _name = "customer.usage.archive"
    _description = "Archive What Is Used"

    model_name = fields.Char(required=True, readonly=True)
    record_ids = fields.Char(required=True, readonly=True)
    line_ids = fields.Many2many("customer.usage.line", readonly=True)

    def action_confirm(self):
        """Archive although it is used."""
        self.ensure_one()
        ids = [int(id_) for id_ in self.record_ids.split(",")]
        records = self.env[self.model_name].browse(ids)
        action = records.with_context(customer_usage_is_known=True).action_archive()
        return action or {"type": "ir.actions.act_window_close"}
