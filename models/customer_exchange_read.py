from collections import defaultdict
from dataclasses import dataclass, field

from odoo import models

from .customer_exchange_file import ROOT, VERSION, parse

#: What a preset says about itself, for its readers
HEADINGS = ("title", "summary")
#: Attributes of the file that are no field of the record
INSTRUCTIONS = {"dimension": {"other_rules": {"keep", "archive"}}}


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
    """From the file: nodes become entries."""

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
