from odoo import models

from .customer_outlook_rules import RuleCase


class CustomerAssignment(models.Model):
    """The receipt of a category by rules: each condition, and whether it is met."""

    _inherit = "customer.assignment"

    def _get_rule_receipt(self, ruleset):
        """Return the rules up to the one that decides, as the customer is today.

        Where a customer may have several categories, all of them.
        """
        case = RuleCase(ruleset, self.partner_id, self._get_today())
        rules, is_decided = [], False
        for rule in case.rules:
            is_matching = case.matches_today(rule)
            rules.append(
                {
                    "name": rule.shown_name,
                    "category": rule.category_id.name,
                    "color": rule.category_id.color,
                    "is_matching": is_matching,
                    "conditions": [
                        self._get_condition_receipt(case, condition)
                        for condition in case.domains[rule].iter_conditions()
                    ],
                }
            )
            is_decided |= is_matching
            if is_decided and not self.slot:
                break
        return rules

    def _get_condition_receipt(self, case, condition):
        """Return a condition, the value it reads, and whether it holds.

        Of a field that the user may not see, neither.
        """
        name = condition.field_expr.split(".")[0]
        result = {
            "field": self.env["customer.assignment.history"]._get_label(name),
            "domain": repr(list(condition)),
        }
        if self.env["customer.metric"]._is_hidden_field(name):
            return result | {"is_hidden": True}
        return result | {
            "is_hidden": False,
            "is_met": case.holds_today(condition),
            "value": self._get_field_value(name),
            # the custom metric whose records can be shown
            "metric": self._get_metric_with_records(name),
            # the figure whose documents can be shown
            "code": bool(self.company_id) and case.figures.get(condition, (False,))[0],
        }

    def _get_metric_with_records(self, name):
        """Return the code of the custom metric that a field shows, or False."""
        field = self.env["res.partner"]._fields.get(name)
        metric_id = getattr(field, "customer_metric_id", None)
        # sudo: what decided is no secret to who may read the decision
        metric = self.env["customer.metric"].sudo().browse(metric_id)
        return bool(metric) and metric._has_records() and metric.code

    def _get_field_value(self, name):
        """Return the value of a field of the contact as text."""
        History = self.env["customer.assignment.history"]
        partner = self.partner_id
        if self.company_id:
            partner = partner.with_company(self.company_id)
        field = partner._fields.get(name)
        if not field or field.type in ("one2many", "many2many", "binary"):
            return False
        value = partner[name]
        match field.type:
            case "boolean":
                text = "true" if value else "false"
            case "many2one":
                text = str(value.id) if value else None
            case "integer" | "float" | "monetary":
                text = str(value)
            case _:
                text = str(value) if value else None
        return History._format_field_value(name, text)
