"""Reading the references that people paste or upload."""

import csv
import io
import re
from zipfile import BadZipFile

import openpyxl

#: What the head of a column with references may be called, lower case
HEADS = {
    "reference",
    "ref",
    "internal reference",
    "customer reference",
    "customer",
    "customer number",
    "number",
    "vat",
    "vat number",
    "vat no.",
    "tax id",
    "tax id number",
    "email",
    "e-mail",
    "mail",
    "内部参考",
    "参考",
    "编号",
    "客户编号",
    "客户",
    "税号",
    "纳税人识别号",
    "增值税号",
    "邮箱",
    "电子邮箱",
    "电子邮件",
}
#: Between two references that are pasted
SEPARATORS = re.compile(r"[\n\r\t;,]+")


class UnreadableList(Exception):
    """A file that is no list."""


def read_text(text):
    """Return the references of a pasted text: by line, comma, semicolon or tab."""
    values = (value.strip() for value in SEPARATORS.split(text or ""))
    return drop_head([value for value in values if value])


def read_file(content, name):
    """Return the references of an uploaded file.

    They are the column whose head says so, or else the first one.

    :param bytes content:
    :param str name: of the file; it tells workbooks from text
    :raise UnreadableList: if it is neither
    """
    if (name or "").lower().endswith((".xlsx", ".xlsm")) or content[:2] == b"PK":
        rows = _read_workbook(content)
    else:
        rows = _read_csv(content)
    if not rows:
        return []
    column = next(
        (i for i, cell in enumerate(rows[0]) if cell.strip().lower() in HEADS), 0
    )
    values = (row[column].strip() for row in rows if len(row) > column)
    return drop_head([value for value in values if value])


def drop_head(values):
    """Leave out the head of the column."""
    return values[1:] if values and values[0].lower() in HEADS else values


def _read_workbook(content):
    try:
        book = openpyxl.load_workbook(
            io.BytesIO(content), read_only=True, data_only=True
        )
    except (BadZipFile, KeyError, ValueError, OSError) as error:
        raise UnreadableList from error
    return [
        [_to_text(cell) for cell in row]
        for row in book.worksheets[0].values
        if any(row)
    ]


def _to_text(cell):
    """Return what a cell shows: a number without the fraction that it lacks."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell)


def _read_csv(content):
    for encoding in ("utf-8-sig", "gb18030", "latin-1"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if "\0" in text:
        raise UnreadableList
    try:
        dialect = csv.Sniffer().sniff(text[:10000], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel  # one column
    return [row for row in csv.reader(io.StringIO(text), dialect) if any(row)]
