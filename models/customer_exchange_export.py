import json

from odoo import fields, models

from . import customer_exchange_domain as portable
from .customer_exchange_file import ROOT, SOURCE_LANG, VERSION, Node, serialize

#: Stands before the external id of a mirrored record
REFERENCE_PREFIX = "ref:"
#: What identifies the records of these models in a file; all others: external ids
KEYS = {
    "customer.dimension": "code",
    "customer.dimension.group": "code",
    "customer.category": "code",
    "customer.metric": "code",
    "res.company": "name",
    "res.currency": "name",
    "ir.model.fields": "name",
}


class CustomerClassificationExchange(models.AbstractModel):
    """Out of the database: records become nodes, ids become names."""

    _inherit = "customer.classification.exchange"

    def _export(self, dimensions, with_companies):
        self = self.with_context(active_test=False)  # noqa: PLW0642 (all of it)
        self._fill_codes()
        elements, children = self._get_elements()
        root = Node(ROOT, {"version": VERSION})
        for tag in children[ROOT]:
            element = elements[tag]
            records = self._get_exported(element, dimensions, with_companies)
            root.children += self._export_nodes(element, records)
        comment = self.env._(
            "Configuration of the customer classification. What the file does not "
            "mention stays as it is."
        )
        return serialize(root, comment)

    def _fill_codes(self):
        """Give codes to what was created before codes were given to everything."""
        elements, _children = self._get_elements()
        for element in elements.values():
            Model = self.env[element.model]
            if hasattr(Model, "_fill_codes"):
                # sudo: a code is a name for the file, nothing that people decide
                Model.sudo().search([("code", "=", False)])._fill_codes()

    def _get_exported(self, element, dimensions, with_companies):
        Model = self.env[element.model]
        if element.model == "customer.dimension" and dimensions is not None:
            return Model.browse(getattr(dimensions, "ids", dimensions))
        if element.model == "res.company":
            domain = [("parent_id", "=", False)]
            return Model.search(domain) if with_companies else Model
        if element.model == "customer.metric":
            return Model.search([("is_waiting", "=", False)])
        return Model.search([])

    def _export_nodes(self, element, records):
        """Return the nodes of ``records``, ordered by what identifies them."""
        keyed = [(self._get_key(element, record), record) for record in records]
        if element.tag != "category":  # of which the file's order is the order
            has_order = "sequence" in records._fields
            keyed.sort(key=lambda row: (row[1].sequence if has_order else 0, row[0]))
        return [self._export_node(element, key, record) for key, record in keyed if key]

    def _export_node(self, element, key, record):
        attributes = {self._get_attribute(element, element.key): key}
        texts = {}
        for name, field in self._get_fields(element).items():
            if field.translate:
                translations = self._get_translations(record, field)
                if translations:
                    texts[name] = translations
            elif field.name in element.domains:
                texts[name] = {SOURCE_LANG: self._export_domain(element, record, field)}
            elif field.name == "source_key":
                attributes[name] = self._export_source_key(record)
            else:
                attributes[name] = self._to_text(field, record[field.name])
        texts = dict(sorted(texts.items(), key=lambda item: item[0] != "name"))
        node = Node(element.tag, attributes, texts)
        elements, children = self._get_elements()
        for tag in children.get(element.tag, ()):
            child = elements[tag]
            below = self._get_children(element, child, record)
            if child.is_ordered:
                self._separate(below)
            node.children += self._export_nodes(child, below)
        return node

    @staticmethod
    def _separate(records):
        """Number ``records`` so that their numbers alone say which comes first.

        Two with the same number stand in the order of their creation, which another
        database does not know.
        """
        numbers = records.mapped("sequence")
        if len(set(numbers)) < len(records) or sorted(numbers) != numbers:
            for position, record in enumerate(records, 1):
                record.sequence = 10 * position

    def _get_children(self, element, child, record):
        """Return the records of the kind ``child`` right below ``record``."""
        is_same = child.tag == element.tag
        domain = [(child.tree if is_same else child.parent, "=", record.id)]
        if child.tree and not is_same:
            domain.append((child.tree, "=", False))
        return self.env[child.model].search(domain)

    def _get_key(self, element, record):
        """Return what identifies ``record`` among its siblings, as text."""
        field = record._fields[element.key]
        return self._to_text(field, record[element.key])

    def _get_translations(self, record, field):
        """Return the stored texts in the installed languages, the source's first."""
        stored = field._get_stored_translations(record) or {}
        installed = sorted(code for code, _name in self.env["res.lang"].get_installed())
        return {
            lang: stored[lang]
            for lang in dict.fromkeys([SOURCE_LANG, *installed])
            if stored.get(lang)
        }

    def _export_domain(self, element, record, field):
        model_name = self._get_domain_model(element, field.name, record.__getitem__)
        return portable.to_portable(
            self.env, model_name, record[field.name] or "[]", self._get_references
        )

    def _export_source_key(self, category):
        """Return the key of a mirrored value with names instead of ids.

        The key is a JSON list with the values of the dimension's levels.
        """
        if not category.source_key:
            return ""
        values = json.loads(category.source_key)
        Partner = self.env["res.partner"]
        names = category.dimension_id.level_ids.mapped("field_name")
        for position, (value, name) in enumerate(zip(values, names, strict=False)):
            field = Partner._fields.get(name)
            if field and field.type == "many2one" and value:
                record = self.env[field.comodel_name].browse(int(value)).exists()
                for external_id in self._get_external_ids(record).values():
                    values[position] = f"{REFERENCE_PREFIX}{external_id}"
        return json.dumps(values, ensure_ascii=False)

    # Values as text

    def _to_text(self, field, value):
        if field.relational:
            return " ".join(self._get_names(value))
        if field.type == "boolean":
            return "true" if value else "false"
        if field.type == "integer":
            return str(value or 0)
        if field.type == "float":
            return f"{value or 0:.6f}".rstrip("0").rstrip(".")
        if field.type == "date":
            return fields.Date.to_string(value) or ""
        return value or ""

    def _get_names(self, records):
        """Return what identifies each of ``records`` in every database."""
        key = KEYS.get(records._name)
        if key:
            # sudo: a rule may be for a company that is not the user's
            return records.sudo().mapped(key)
        return sorted(self._get_external_ids(records).values())

    def _get_external_ids(self, records):
        """Return the external id of each record, a new one where it has none."""
        # sudo: as Odoo's own export does, whatever the user may see of the ids
        rows = records.sudo()._export_rows([["id"]]) if records else []
        return {id_: name for id_, [name] in zip(records.ids, rows, strict=True)}

    def _get_references(self, records):
        """Return what stands for the ids of ``records`` in a condition."""
        if records._name == "customer.category":
            return {
                category.id: portable.Reference(
                    "category", category.dimension_id.code, category.code
                )
                for category in records
            }
        return {
            id_: portable.Reference("ref", name)
            for id_, name in self._get_external_ids(records).items()
        }
