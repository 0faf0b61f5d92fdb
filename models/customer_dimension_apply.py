from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command

from .customer_dimension_criterion import CUT_FIELDS

#: The settings of a company, as a version freezes them, and the fields they come from
COMPANY_FIELDS = {
    "window_days": "customer_window_days",
    "history_start": "customer_history_start",
    "population": "customer_population_domain",
    "receipts": "customer_include_receipts",
    "intercompany": "customer_include_intercompany",
}
#: The settings of a dimension that are numbers or choices of its own
SIMPLE_SETTINGS = (
    "method",
    "applies_to",
    "applies_invoices",
    "minimum_kept_share",
    "minimum_purchases",
    "grace_days",
)


class CustomerDimension(models.Model):
    """How frozen settings become the configuration again."""

    _inherit = "customer.dimension"

    def _apply_settings(self, settings, company):
        """Make the configuration what ``settings`` say, so that a run follows them.

        Afterwards :meth:`_get_settings` returns the same, as far as what they name is
        still there. Categories and rules that were archived are in use again. What the
        settings of this company do not name stays: rules of other companies.

        :param dict settings: as :meth:`_get_settings` returns them
        :param company: an empty recordset for a dimension that all companies share
        :raise UserError: where they name what does not exist any more
        """
        self.ensure_one()
        if settings["multiple"] != self.is_multiple:
            raise UserError(
                self.env._(
                    "“%(dimension)s” allowed another number of categories per customer "
                    "then, so those settings do not fit it any more.",
                    dimension=self.name,
                )
            )
        if company:
            company._apply_customer_settings(settings["company"])
        values = {name: settings[name] for name in SIMPLE_SETTINGS if name in settings}
        values["default_category_id"] = self._check_categories([settings["default"]]).id
        if "criteria" in settings:
            values["criterion_ids"] = self._get_criterion_commands(settings["criteria"])
            values["category_ids"] = self._get_limit_commands(settings["limits"])
        if "levels" in settings:
            values["level_ids"] = self._get_level_commands(settings["levels"])
        self.write(values)
        if "rules" in settings:
            self._apply_rules(settings["rules"], company)

    def _check_categories(self, ids):
        """Return the categories with these ids; those archived are in use again.

        :raise UserError: where one is gone
        """
        categories = self.env["customer.category"].browse(filter(None, ids))
        if len(categories.exists()) < len(categories):
            raise UserError(
                self.env._(
                    "A category of “%(dimension)s” that these settings name was "
                    "deleted, so they cannot be used any more.",
                    dimension=self.name,
                )
            )
        categories.filtered(lambda category: not category.active).active = True
        return categories

    def _get_criterion_commands(self, criteria):
        codes = [criterion["metric"] for criterion in criteria]
        metrics = self.env["customer.metric"]._get_by_code(codes)
        missing = set(codes) - metrics.keys()
        if missing:
            raise UserError(
                self.env._(
                    "“%(dimension)s” was scored by a metric that was deleted: "
                    "%(metrics)s.",
                    dimension=self.name,
                    metrics=", ".join(sorted(missing)),
                )
            )
        present = {c.metric_id.code: c for c in self.criterion_ids}
        commands = [
            # first: a metric may come in the place of one of the same axis
            Command.delete(criterion.id)
            for code, criterion in present.items()
            if code not in codes
        ]
        for criterion in criteria:
            values = {
                "weight": criterion["weight"],
                "cut_mode": criterion["cut_mode"],
            }
            if criterion["limits"]:
                values |= zip(CUT_FIELDS, criterion["limits"], strict=True)
            code = criterion["metric"]
            if code in present:
                commands.append(Command.update(present[code].id, values))
            else:
                commands.append(
                    Command.create({**values, "metric_id": metrics[code].id})
                )
        return commands

    def _get_limit_commands(self, limits):
        categories = self._check_categories([category for category, *_scores in limits])
        commands = [
            Command.update(category.id, {"minimum_score": 0})
            for category in self.category_ids - categories
            if category.minimum_score
        ]
        for category, (_id, minimum, keep) in zip(categories, limits, strict=True):
            values = {"minimum_score": minimum}
            if (category.keep_score or minimum) != keep:
                values["keep_score"] = keep if keep != minimum else 0
            commands.append(Command.update(category.id, values))
        return commands

    def _get_level_commands(self, names):
        if self.level_ids.mapped("field_name") == names:
            return []
        # sudo: an administrator of the classification need not be one of Odoo
        Fields = self.env["ir.model.fields"].sudo()
        return [
            Command.clear(),
            *(
                Command.create(
                    {
                        "sequence": number,
                        "field_id": Fields._get("res.partner", name).id,
                    }
                )
                for number, name in enumerate(names, 1)
            ),
        ]

    def _apply_rules(self, rules, company):
        """Let the rules of a company be these, in their order.

        :param list rules: as ``customer.dimension.rule._get_settings`` returns them
        """
        Rule = self.env["customer.dimension.rule"].with_context(
            active_test=False, lang="en_US"
        )
        self._check_categories([rule["category"] for rule in rules])
        applied = Rule
        for rule in rules:
            values = {
                "active": True,
                "domain": rule["domain"],
                "category_id": rule["category"],
            }
            record = Rule.browse(rule["rule"]).exists() if rule["rule"] else Rule
            if not record:
                values |= {"dimension_id": self.id, "name": rule["name"]}
                record = Rule.create(values)
            else:
                if record.name != rule["name"]:
                    values["name"] = rule["name"]
                record.write(values)
            applied += record
        others = self.rule_ids.filtered(
            lambda rule: not rule.company_id or rule.company_id == company
        )
        (others - applied).active = False
        if list(applied) != list(applied.sorted(lambda r: (r.sequence, r.id))):
            for sequence, record in enumerate(applied, 1):
                record.sequence = sequence
