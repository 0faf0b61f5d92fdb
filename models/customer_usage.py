import re
from ast import literal_eval

from odoo import api, models
from odoo.fields import Domain
from odoo.models import LOG_ACCESS_COLUMNS

#: Texts that can name a field of the contact. Every other stored text whose name says
#: that it is a domain is found without being listed.
TEXT_FIELDS = {
    "ir.filters": ["context", "sort"],
    "ir.actions.act_window": ["context"],
    "ir.actions.server": ["code", "update_path"],
    "ir.exports.line": ["name"],
    "ir.model.fields": ["related", "depends", "compute"],
    "ir.ui.view": ["arch_db"],
    "mail.template": ["subject", "body_html"],
}
#: References to a field's own record
FIELD_REFERENCES = {
    "base.automation": ["trigger_field_ids"],
    "ir.actions.server": ["update_field_id"],
}
#: What follows from the configuration, or was decided by it: nothing to change there
RESULTS = {
    "customer.assignment",
    "customer.assignment.history",
    "customer.category.change",
    "customer.classification.run",
    "customer.classification.run.line",
    "customer.comparison",
    "customer.comparison.cell",
    "customer.comparison.row",
    "customer.metric.value",
    "customer.override",
    "customer.ruleset",
    "customer.ruleset.criterion",
    "customer.ruleset.limit",
    "customer.ruleset.rule",
    "customer.ruleset.score",
    "customer.staging",
}
#: References that say nothing about use: the successor of a merged category, and the
#: fields of the contact that show a dimension or metric
SILENT_REFERENCES = {
    ("customer.category", "successor_id"),
    ("ir.model.fields", "customer_dimension_id"),
    ("ir.model.fields", "customer_metric_id"),
}


class CustomerUsage(models.AbstractModel):
    """The register of all places that can refer to the configuration.

    A place either names a field of the contact in a text, mostly a domain, or refers
    to the record itself. Most are found by looking at the models that are installed,
    so that apps that come later are seen, too; what cannot be found so is listed
    above, and other addons add to it by extending the ``_get_…`` methods.
    """

    _name = "customer.usage"
    _description = "Where the Configuration Is Used"

    @api.model
    def _get_text_fields(self):
        """Return the stored fields that can name a field of the contact, by model."""
        result = {
            name: [field for field in texts if field in self.env[name]._fields]
            for name, texts in TEXT_FIELDS.items()
            if name in self.env
        }
        for name, Model in self._get_tables():
            domains = [
                field.name
                for field in Model._fields.values()
                if field.type in ("char", "text")
                and field.store
                and "domain" in field.name
            ]
            if domains:
                result[name] = domains + result.get(name, [])
        return result

    @api.model
    def _get_references(self, model_name):
        """Return the stored many2one and many2many fields to a model, by model."""
        result = {}
        for name, Model in self._get_tables():
            references = [
                field.name
                for field in Model._fields.values()
                if field.type in ("many2one", "many2many")
                and field.comodel_name == model_name
                and field.store
                and field.name not in LOG_ACCESS_COLUMNS
                and (name, field.name) not in SILENT_REFERENCES
                and not self._is_part(Model, field)
            ]
            if references:
                result[name] = references
        return result

    @api.model
    def _is_part(self, Model, field):
        """Whether the field leads from a part to its whole: a rule's dimension."""
        parts = {
            whole.inverse_name
            for whole in self.env[field.comodel_name]._fields.values()
            if whole.type == "one2many" and whole.comodel_name == Model._name
        }
        return field.name in parts and field.comodel_name != Model._name

    @api.model
    def _get_tables(self):
        """Return the models whose records are configuration or people's own."""
        results = self._get_results()
        return [
            (name, Model)
            for name, Model in self.env.items()
            if Model._auto
            and not Model._abstract
            and not Model._transient
            and name not in results
        ]

    @api.model
    def _get_results(self):
        """Return the models that hold results and frozen versions."""
        return RESULTS

    # Search

    @api.model
    def _find_named(self, field_names, matches=None):
        """Return where texts name one of the contact's fields.

        :param matches: function of a text and whether it is a domain, which says
            whether the place counts; by default all do
        :return: list of pairs of record and field
        """
        pattern = re.compile(rf"\b({'|'.join(map(re.escape, field_names))})\b")
        found = []
        for model_name, texts in self._get_text_fields().items():
            conditions = [(text, "like", n) for text in texts for n in field_names]
            for record in self._search(model_name, Domain.OR([c] for c in conditions)):
                if model_name == "ir.model.fields" and record.state != "manual":
                    continue  # Odoo's own, such as those that users have of contacts
                for name in texts:
                    text = record[name] or ""
                    if pattern.search(text) and (
                        not matches or matches(text, "domain" in name)
                    ):
                        found.append((record, record._fields[name]))
                        break
        return found

    @api.model
    def _find_fields(self, field_names):
        """Return what refers to the records of the contact's fields."""
        # sudo: the list of fields is Odoo's own
        ids = (
            self.env["ir.model.fields"]
            .sudo()
            .search([("model", "=", "res.partner"), ("name", "in", field_names)])
            .ids
        )
        return self._find_references(
            {
                name: [field for field in names if field in self.env[name]._fields]
                for name, names in FIELD_REFERENCES.items()
                if name in self.env
            },
            ids,
        )

    @api.model
    def _find_references(self, places, ids):
        """Return the records of ``places``, fields by model, that refer to ``ids``."""
        return [
            (record, record._fields[name])
            for model_name, names in places.items()
            for name in names
            for record in self._search(model_name, Domain(name, "in", ids))
        ]

    @api.model
    def _search(self, model_name, domain):
        # sudo: other people's filters and other companies' rules count, too
        return (
            self.env[model_name].sudo().with_context(active_test=False).search(domain)
        )


def names_category(text, field_names, category):
    """Whether the domain ``text`` names ``category`` in one of the fields.

    A text that cannot be read counts where it has both the field and the number.
    """
    try:
        conditions = list(_iterate(literal_eval(text.strip())))
    except (ValueError, SyntaxError, TypeError):
        return bool(re.search(rf"\b{category.id}\b", text))
    for path, value in conditions:
        values = value if isinstance(value, list | tuple) else [value]
        for position, name in enumerate(path):
            if name not in field_names:
                continue
            rest = path[position + 1 :]
            if not rest or rest == ["id"]:
                wanted = category.id
            elif rest == ["code"]:
                wanted = category.code
            else:
                continue
            if any(one == wanted and type(one) is type(wanted) for one in values):
                return True
    return False


def _iterate(domain, prefix=()):
    """Yield path and value of the conditions, those of nested domains included."""
    for condition in Domain(domain).iter_conditions():
        path = [*prefix, *condition.field_expr.split(".")]
        if condition.operator.endswith(("any", "any!")):
            yield from _iterate(condition.value, path)
        else:
            yield path, condition.value
