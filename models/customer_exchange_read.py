import json
import math
from collections import defaultdict
from dataclasses import dataclass, field

from odoo import fields, models

from . import customer_exchange_domain as portable
from .customer_exchange_export import KEYS, REFERENCE_PREFIX
from .customer_exchange_file import ROOT, SOURCE_LANG, VERSION, parse

#: What a reference leads to that the file itself creates later on
PENDING = object()
#: What a preset says about itself, for its readers
HEADINGS = ("title", "summary")
#: Attributes of the file that are no field of the record
INSTRUCTIONS = {"dimension": {"other_rules": {"keep", "archive"}}}


class Invalid(Exception):
    """A value of the file that cannot be right."""


@dataclass(eq=False)
class Entry:
    """A record as the file describes it.

    :ivar attributes: raw texts by field name
    :ivar texts: of the source language and others by field name
    :ivar record: empty while it does not exist
    """

    element: object
    line: int
    key: str
    parent: object = None  # the enclosing entry of another kind
    above: object = None  # the enclosing entry of the same kind
    attributes: dict = field(default_factory=dict)
    instructions: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)
    record: object = None
    is_new: bool = False
    is_failed: bool = False

    def get_root(self):
        return self.parent.get_root() if self.parent else self


class CustomerClassificationExchange(models.AbstractModel):
    """From the file: nodes become entries, names become ids."""

    _inherit = "customer.classification.exchange"

    def _read_file(self, content, problems):
        """Return the entries of a file, each after those that enclose it.

        :param problems: list of pairs of line and message, to add to
        """
        elements, _children = self._get_elements()
        root = parse(
            content.encode() if isinstance(content, str) else content,
            lambda parent, tag: (
                tag in HEADINGS
                if parent == ROOT
                else parent in elements and self._is_text_tag(elements[parent], tag)
            ),
            lambda line, kind, text: problems.append(
                (line, self._get_file_problem(kind, text))
            ),
        )
        if root is None:
            return []
        if root.tag != ROOT or root.attributes.get("version") != VERSION:
            problems.append(
                (
                    root.line,
                    self.env._(
                        "This is no configuration of the customer classification: it "
                        "begins with <%(root)s version=“%(version)s”>.",
                        root=ROOT,
                        version=VERSION,
                    ),
                )
            )
            return []
        entries = []
        self._read_children(root, None, entries, problems)
        self._check_twice(entries, problems)
        return entries

    def _read_headings(self, content):
        """Return what a file says about itself: texts by language, by heading."""
        root = parse(
            content,
            lambda parent, tag: parent == ROOT and tag in HEADINGS,
            lambda *_problem: None,
        )
        names = {"title": "name", "summary": "summary"}
        return {
            names[tag]: {lang: text for lang, (text, _line) in by_lang.items()}
            for tag, by_lang in (root.texts.items() if root else ())
        }

    def _get_file_problem(self, kind, text):
        return {
            "syntax": self.env._("The file is not well formed: %s", text),
            "doctype": self.env._(
                "A document type is not allowed: the file must stand for itself."
            ),
            "stray": self.env._("“%s” stands where no text belongs.", text),
        }[kind]

    def _is_text_tag(self, element, tag):
        odoo_field = self._get_fields(element).get(tag)
        return bool(odoo_field) and self._is_text(element, odoo_field)

    def _read_children(self, node, entry, entries, problems):
        elements, children = self._get_elements()
        allowed = children.get(node.tag, ())
        for child in node.children:
            if child.tag not in allowed:
                problems.append(
                    (
                        child.line,
                        self.env._(
                            "<%(tag)s> is unknown within <%(parent)s>.",
                            tag=child.tag,
                            parent=node.tag,
                        ),
                    )
                )
                continue
            made = self._read_entry(elements[child.tag], child, entry, problems)
            if made:
                entries.append(made)
                self._read_children(child, made, entries, problems)

    def _read_entry(self, element, node, enclosing, problems):
        """Return the entry of ``node``, or None where it cannot be identified."""
        key_name = self._get_attribute(element, element.key)
        key = node.attributes.pop(key_name, "").strip()
        if not key:
            problems.append(
                (
                    node.line,
                    self.env._(
                        "<%(tag)s> needs the attribute “%(attribute)s”.",
                        tag=node.tag,
                        attribute=key_name,
                    ),
                )
            )
            return None
        entry = Entry(element, node.line, key)
        if enclosing and enclosing.element.tag == element.tag:
            entry.parent, entry.above = enclosing.parent, enclosing
        else:
            entry.parent = enclosing
        known = self._get_fields(element)
        for name, text in node.attributes.items():
            allowed = INSTRUCTIONS.get(element.tag, {}).get(name)
            if allowed and text in allowed:
                entry.instructions[name] = text
            elif name in known and not self._is_text(element, known[name]):
                entry.attributes[name] = text
            else:
                problems.append(
                    (
                        node.line,
                        self.env._(
                            "<%(tag)s> has no attribute “%(attribute)s” with the value "
                            "“%(value)s”.",
                            tag=node.tag,
                            attribute=name,
                            value=text,
                        )
                        if allowed
                        else self.env._(
                            "<%(tag)s> has no attribute “%(attribute)s”.",
                            tag=node.tag,
                            attribute=name,
                        ),
                    )
                )
        entry.texts = node.texts
        return entry

    def _check_twice(self, entries, problems):
        seen = {}
        for entry in entries:
            place = (entry.element.tag, entry.parent, entry.key)
            if place in seen:
                problems.append(
                    (
                        entry.line,
                        self.env._(
                            "“%(key)s” stands in the file twice, first on line "
                            "%(line)s.",
                            key=entry.key,
                            line=seen[place].line,
                        ),
                    )
                )
            seen.setdefault(place, entry)

    # Values

    def _get_values(self, entry, named):
        """Return the values of an entry by field, without translated texts.

        :param named: what the file names: sets of keys by model
        :raise Invalid:
        """
        known = self._get_fields(entry.element)
        values = {}
        for name, text in entry.attributes.items():
            values[known[name].name] = self._from_text(entry, known[name], text, named)
        for name, by_lang in entry.texts.items():
            if not known[name].translate:
                text, _line = by_lang[SOURCE_LANG]
                values[known[name].name] = self._to_domain(entry, name, text, named)
        if entry.element.tree:
            values[entry.element.tree] = (
                (entry.above.record.id or PENDING) if entry.above else False
            )
        return values

    def _get_translated(self, entry):
        """Return the texts of an entry by field and installed language."""
        known = self._get_fields(entry.element)
        installed = {SOURCE_LANG} | dict(self.env["res.lang"].get_installed()).keys()
        result = defaultdict(dict)
        for name, by_lang in entry.texts.items():
            if known[name].translate:
                for lang, (text, _line) in by_lang.items():
                    if lang in installed:
                        result[known[name].name][lang] = text
        return result

    def _from_text(self, entry, odoo_field, text, named):
        text = text.strip()
        if odoo_field.name == "source_key":
            return self._to_source_key(text)
        convert = getattr(self, f"_from_{odoo_field.type}", None)
        if convert:
            return convert(entry, odoo_field, text, named)
        return text or False

    def _from_boolean(self, _entry, odoo_field, text, _named):
        if text not in ("true", "false"):
            raise Invalid(
                self.env._(
                    "“%(attribute)s” is “true” or “false”, not “%(value)s”.",
                    attribute=odoo_field.name,
                    value=text,
                )
            )
        return text == "true"

    def _from_integer(self, _entry, odoo_field, text, _named):
        return int(self._from_number(odoo_field, text, int))

    def _from_float(self, _entry, odoo_field, text, _named):
        return self._from_number(odoo_field, text, float)

    def _from_number(self, odoo_field, text, kind):
        try:
            number = kind(text or 0)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
        raise Invalid(
            self.env._(
                "“%(attribute)s” is a number, not “%(value)s”.",
                attribute=odoo_field.name,
                value=text,
            )
        )

    def _from_date(self, _entry, odoo_field, text, _named):
        try:
            return fields.Date.to_date(text) or False
        except ValueError as error:
            raise Invalid(
                self.env._(
                    "“%(attribute)s” is a date such as 2026-01-31, not “%(value)s”.",
                    attribute=odoo_field.name,
                    value=text,
                )
            ) from error

    def _from_selection(self, _entry, odoo_field, text, _named):
        allowed = odoo_field.get_values(self.env)
        if text and text not in allowed:
            raise Invalid(
                self.env._(
                    "“%(attribute)s” is one of %(allowed)s, not “%(value)s”.",
                    attribute=odoo_field.name,
                    allowed=", ".join(allowed),
                    value=text,
                )
            )
        return text or False

    def _from_many2one(self, entry, odoo_field, text, named):
        return (
            self._find(entry, odoo_field.comodel_name, text, named) if text else False
        )

    def _from_many2many(self, entry, odoo_field, text, named):
        return {
            self._find(entry, odoo_field.comodel_name, name, named)
            for name in text.split()
        }

    def _to_domain(self, entry, name, text, named):
        """Return the condition as it is stored, or PENDING."""
        is_pending = False

        def resolve(function, *names):
            nonlocal is_pending
            if function == "category" and len(names) == 2:
                found = self._find_category(*names, named)
            elif function == "ref" and len(names) == 1:
                found = self._find_external(None, names[0])
            else:
                raise ValueError(function)
            is_pending |= found is PENDING
            return 0 if found is PENDING else found

        try:
            domain = portable.to_domain(text, resolve)
        except (ValueError, SyntaxError, TypeError) as error:
            raise Invalid(
                self.env._(
                    "The condition in <%(tag)s> cannot be read: %(error)s",
                    tag=name,
                    error=error,
                )
            ) from error
        return PENDING if is_pending else repr(domain)

    def _to_source_key(self, text):
        """Return the key of a mirrored value with the ids of this database."""
        try:
            values = json.loads(text) if text else []
        except ValueError as error:
            raise Invalid(
                self.env._("“%s” is no list of mirrored values.", text)
            ) from error
        for position, value in enumerate(values):
            if str(value).startswith(REFERENCE_PREFIX):
                name = value.removeprefix(REFERENCE_PREFIX)
                values[position] = str(self._find_external(None, name))
        return json.dumps(values, ensure_ascii=False) if values else False

    # References

    def _find(self, entry, model_name, text, named):
        """Return the id of the record that ``text`` names, or PENDING.

        :raise Invalid: where there is none
        """
        if model_name == "customer.category":
            return self._find_category(entry.get_root().key, text, named)
        key = KEYS.get(model_name)
        if not key:
            return self._find_external(model_name, text)
        domain = [(key, "=", text)]
        if model_name == "ir.model.fields":
            domain.append(("model", "=", "res.partner"))
        # sudo: the configuration is that of all companies, and which fields the
        # contact has is no secret to who configures
        Model = self.env[model_name].sudo()
        found = Model.with_context(active_test=False).search(domain, limit=2)
        if len(found) == 1:
            return found.id
        if text in named[model_name]:
            return PENDING
        raise Invalid(
            self.env._(
                "There is no %(model)s “%(name)s”.",
                model=self._get_model_label(model_name),
                name=text,
            )
        )

    def _find_category(self, dimension, code, named):
        found = (
            self.env["customer.category"]
            .with_context(active_test=False)
            .search([("dimension_id.code", "=", dimension), ("code", "=", code)])
        )
        if found:
            return found.id
        if (dimension, code) in named["customer.category"]:
            return PENDING
        raise Invalid(
            self.env._(
                "The dimension “%(dimension)s” has no category “%(code)s”.",
                dimension=dimension,
                code=code,
            )
        )

    def _find_external(self, model_name, name):
        record = (
            self.env.ref(name, raise_if_not_found=False) if "." in str(name) else None
        )
        if not record or (model_name and record._name != model_name):
            raise Invalid(
                self.env._(
                    "Nothing in this database has the name “%(name)s”.", name=name
                )
            )
        return record.id

    def _get_model_label(self, model_name):
        # sudo: the name of a kind of record is no secret
        return self.env["ir.model"].sudo()._get(model_name).name

    @staticmethod
    def _get_named(entries):
        """Return what the file names, so that it can be referred to: keys by model."""
        named = defaultdict(set)
        for entry in entries:
            key = entry.key
            if entry.element.model == "customer.category":
                key = (entry.get_root().key, key)
            named[entry.element.model].add(key)
        return named
