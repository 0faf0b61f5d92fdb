from odoo import api, models
from odoo.tools import format_date, formatLang


class CustomerAssignmentHistory(models.Model):
    """Says in the reader's language why rules or mirrored fields gave a category.

    What decided is kept as plain data (``inputs``), so that the answer can be given
    in any language years later; a value that stands for a record, such as a country,
    is kept as its id and named as the record is named now.
    """

    _inherit = "customer.assignment.history"

    @api.model
    def _explain(self, inputs, currency):
        if not inputs or "as_of" not in inputs:
            return super()._explain(inputs, currency)
        day = format_date(self.env, inputs["as_of"])
        if inputs.get("default"):
            return self.env._("The default category (as of %s)", day)
        if inputs.get("gone") == "rules":
            return self.env._("No rule matches any more (as of %s)", day)
        if inputs.get("gone") == "field":
            return self.env._(
                "The contact is no customer of its own any more (as of %s)", day
            )
        if "fields" in inputs:
            return self.env._(
                "From the contact: %(fields)s (as of %(date)s)",
                fields=self._join_labels(inputs["fields"]),
                date=day,
            )
        if "position" in inputs:
            return self._explain_rule(inputs, day)
        return super()._explain(inputs, currency)

    @api.model
    def _explain_rule(self, inputs, day):
        if not inputs["position"]:
            return self.env._("No rule matches any more (as of %s)", day)
        rule = self.env["customer.dimension.rule"]._get_shown_name(inputs["rule"])
        parts = []
        for name, value in sorted((inputs.get("values") or {}).items()):
            if self.env["customer.metric"]._is_hidden_field(name):
                parts.append(self._get_label(name))
                continue
            parts.append(
                self.env._(
                    "%(field)s: %(value)s",
                    field=self._get_label(name),
                    value=self._format_field_value(name, value),
                )
            )
        if not parts:
            return self.env._("Rule “%(rule)s” (as of %(date)s)", rule=rule, date=day)
        text = parts[0]
        for part in parts[1:]:
            text = self._join_parts(text, part)
        return self.env._(
            "Rule “%(rule)s”: %(values)s (as of %(date)s)",
            rule=rule,
            values=text,
            date=day,
        )

    @api.model
    def _join_labels(self, names):
        text = self._get_label(names[0])
        for name in names[1:]:
            text = self._join_parts(text, self._get_label(name))
        return text

    @api.model
    def _get_label(self, field_name):
        """Return what people call a field of the contact; its name if it is gone."""
        # sudo: the name of a field is no secret to whoever may read the explanation
        field = self.env["res.partner"].sudo().fields_get([field_name], ["string"])
        return field[field_name]["string"] if field else field_name

    @api.model
    def _format_field_value(self, field_name, value):
        """Return a value that a rule read, as the reader's language writes it."""
        if value is None:
            return "–"
        field = self.env["res.partner"]._fields.get(field_name)
        if not field:
            return value
        if field.type == "boolean":
            return self.env._("yes") if value == "true" else self.env._("no")
        if field.type == "many2one":
            # sudo: the name of what decided, not the record, is what people read
            record = self.env[field.comodel_name].sudo().browse(int(value)).exists()
            return record.display_name or "–"
        if field.type == "selection":
            labels = dict(field._description_selection(self.env))
            return labels.get(value, value)
        if field.type in ("date", "datetime"):
            return format_date(self.env, value[:10])
        if field.type == "integer":
            return formatLang(self.env, int(float(value)), digits=0)
        if field.type in ("float", "monetary"):
            return formatLang(self.env, float(value), digits=2)
        return value
