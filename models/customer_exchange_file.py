"""The file of an exchanged configuration: XML with a small vocabulary of its own."""

from dataclasses import dataclass, field
from inspect import cleandoc
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

ROOT = "customer-classification"
VERSION = "1"
LINE_LENGTH = 88
#: The language of a text that names none: that of Odoo's sources
SOURCE_LANG = "en_US"


@dataclass
class Node:
    """An element of the file.

    :ivar texts: of each child element without children of its own, by tag and
        language
    :ivar line: where the element's start tag ends
    """

    tag: str
    attributes: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)
    children: list = field(default_factory=list)
    line: int = 0


def parse(content, is_text, add_problem):
    """Return the root of a file as a :class:`Node`, or None where it is not XML.

    Entities, document types and addresses are refused or ignored: nothing but the
    file itself is read.

    :param bytes content:
    :param is_text: function of the tags of parent and child: whether the child is a
        text of its parent
    :param add_problem: function called with a line and one of ``syntax`` (and the
        parser's message), ``doctype``, ``stray`` (and the stray text)
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        for entry in parser.error_log:
            add_problem(entry.line, "syntax", entry.message)
        if not parser.error_log:
            add_problem(error.lineno or 1, "syntax", error.msg)
        return None
    if root.getroottree().docinfo.internalDTD is not None:
        add_problem(root.sourceline, "doctype", "")
        return None
    return _read(root, is_text, add_problem)


def _read(element, is_text, add_problem):
    node = Node(element.tag, dict(element.attrib), line=element.sourceline)
    _check_stray(element.text, element.sourceline, add_problem)
    for child in element:
        if is_text(element.tag, child.tag):
            text = cleandoc("".join(child.itertext()))
            lang = child.get("lang", SOURCE_LANG)
            node.texts.setdefault(child.tag, {})[lang] = (text, child.sourceline)
        else:
            node.children.append(_read(child, is_text, add_problem))
        _check_stray(child.tail, child.sourceline, add_problem)
    return node


def _check_stray(text, line, add_problem):
    if text and text.strip():
        add_problem(line, "stray", text.strip()[:40])


def serialize(root, comment):
    """Return the file of ``root``, whose texts are plain strings by language."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f"<!-- {comment} -->"]
    _write(root, "", lines)
    return "\n".join(lines) + "\n"


def _write(node, indent, lines):
    attributes = [f"{name}={quoteattr(text)}" for name, text in node.attributes.items()]
    start = _wrap(f"{indent}<{node.tag}", attributes, f"{indent}    ")
    if not (node.texts or node.children):
        lines.append(f"{start} />")
        return
    lines.append(f"{start}>")
    inner = f"{indent}    "
    for tag, by_lang in node.texts.items():
        for lang, text in by_lang.items():
            named = "" if lang == SOURCE_LANG else f" lang={quoteattr(lang)}"
            lines.append(f"{inner}<{tag}{named}>{_quote(text)}</{tag}>")
    for child in node.children:
        _write(child, inner, lines)
    lines.append(f"{indent}</{node.tag}>")


def _wrap(line, words, indent):
    """Return ``line`` and ``words``, broken into lines of a readable length."""
    lines = [line]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > LINE_LENGTH:
            lines.append(f"{indent}{word}")
        else:
            lines[-1] += f" {word}"
    return "\n".join(lines)


def _quote(text):
    """Return ``text`` as it stands in the file: conditions stay readable."""
    if "]]>" in text:
        return escape(text)
    return f"<![CDATA[{text}]]>" if "<" in text or "&" in text else text
