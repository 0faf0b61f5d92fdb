import base64
import io
import re
from urllib.parse import quote

import xlsxwriter

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.mail import email_normalize

from .customer_bulk_list_file import UnreadableList, read_file, read_text

#: Contacts that an ambiguous reference names; more are not listed
LISTED_CONTACTS = 3
#: Named in the address: the guess that Odoo makes from the first bytes fails
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Not letters and digits: they do not count in VAT numbers
NOT_VAT = re.compile(r"[^0-9A-Z]")


class CustomerBulkReference(models.Model):
    """A reference that somebody entered, and whom it names."""

    _name = "customer.bulk.reference"
    _description = "Reference of a Bulk Change"
    _order = "bulk_id, number, id"
    _rec_name = "value"
    _log_access = False  # a narrow row for each of many

    bulk_id = fields.Many2one(
        "customer.bulk",
        string="Bulk Change",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    number = fields.Integer("Line Number", readonly=True, aggregator=None)
    value = fields.Char("Reference", required=True, readonly=True)
    outcome = fields.Selection(
        [
            ("found", "Found"),
            ("not_found", "Not found"),
            ("ambiguous", "May mean several"),
        ],
        required=True,
        readonly=True,
    )
    note = fields.Char(
        "Whom It May Mean", readonly=True, help="Some of the contacts it may mean."
    )


class CustomerBulk(models.Model):
    """Whom a bulk change is about, by a list of references.

    A reference is the internal reference of a contact, the VAT number or the e-mail
    address, tried in this order. Several contacts of one customer are that customer;
    several customers are ambiguous, and nobody is taken.
    """

    _inherit = "customer.bulk"

    reference_text = fields.Text(
        "References",
        copy=False,
        help="Internal references, VAT numbers or e-mail addresses: one a line, or "
        "with commas between them.",
    )
    reference_file = fields.Binary(
        "File with References",
        attachment=False,
        copy=False,
        help="A workbook (XLSX), CSV or text file. The references stand in the column "
        "with a head such as “Reference”, “VAT” or “Email”, else in the first one.",
    )
    reference_name = fields.Char(copy=False)
    reference_ids = fields.One2many(
        "customer.bulk.reference", "bulk_id", readonly=True, string="All References"
    )
    unclear_reference_ids = fields.One2many(
        "customer.bulk.reference",
        "bulk_id",
        string="Unclear References",
        readonly=True,
        domain=[("outcome", "!=", "found")],
    )
    found_count = fields.Integer("Contacts Found", compute="_compute_reference_counts")
    unclear_count = fields.Integer(
        "Not Found or Ambiguous", compute="_compute_reference_counts"
    )
    are_references_found = fields.Boolean(readonly=True, copy=False)
    unclear_file = fields.Binary(
        "Workbook of Unclear References", compute="_compute_unclear_file"
    )

    @api.depends("reference_ids.outcome")
    def _compute_reference_counts(self):
        counts = {
            (bulk, outcome): count
            for bulk, outcome, count in self.env["customer.bulk.reference"]._read_group(
                [("bulk_id", "in", self.ids)], ["bulk_id", "outcome"], ["__count"]
            )
        }
        for bulk in self:
            of_bulk = {
                outcome: count
                for (owner, outcome), count in counts.items()
                if owner == bulk._origin
            }
            bulk.found_count = of_bulk.get("found", 0)
            bulk.unclear_count = sum(of_bulk.values()) - bulk.found_count

    @api.depends("unclear_reference_ids")
    def _compute_unclear_file(self):
        for bulk in self:
            bulk.unclear_file = base64.b64encode(bulk._make_unclear_file())

    def write(self, vals):
        result = super().write(vals)
        if {"reference_text", "reference_file"} & vals.keys():
            # sudo: the addon's note that they are to be looked for anew
            self.sudo().are_references_found = False
        return result

    def action_find_references(self):
        """Look for the contacts that the references name."""
        self.ensure_one()
        self.check_access("write")
        self._check_is_draft()
        self._find_references()
        return True

    def action_download_unclear(self):
        """Let the browser download the references that name nobody, or several."""
        self.ensure_one()
        name = self.env._("unclear references")
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/unclear_file/{name}.xlsx"
            f"?download=true&mimetype={quote(XLSX)}",
            "target": "download",
        }

    def _find_references(self):
        """Replace those that an earlier list found by those of this one."""
        if self.are_references_found or not (
            self.reference_text or self.reference_file or self.reference_ids
        ):
            return
        values = self._read_references()
        self.env.flush_all()
        self.env.execute_query(
            SQL(
                "DELETE FROM customer_bulk_target WHERE bulk_id = %s AND is_from_list",
                self.id,
            )
        )
        self.env.execute_query(
            SQL("DELETE FROM customer_bulk_reference WHERE bulk_id = %s", self.id)
        )
        found, rows = self._match_references(values)
        self._write_references(rows)
        domain = [("id", "in", list(found))]
        self._add_targets(domain, active_test=False, is_from_list=True)
        self.env["customer.bulk.reference"].invalidate_model()
        # sudo: the addon's note
        self.sudo().are_references_found = True
        self.invalidate_recordset()

    def _read_references(self):
        """Return the distinct references that were entered, in their order."""
        values = read_text(self.reference_text)
        if self.reference_file:
            try:
                content = base64.b64decode(self.reference_file)
                values += read_file(content, self.reference_name)
            except UnreadableList as error:
                raise UserError(
                    self.env._(
                        "This file cannot be read: upload a workbook (XLSX), CSV or "
                        "text file."
                    )
                ) from error
        return list(dict.fromkeys(values))

    def _match_references(self, values):
        """Find the contacts that ``values`` name.

        :return: ids of contacts, and for each value the number, itself, the outcome
            and a note
        """
        by_kind = [
            self._find_by(kind, {get_key(value) for value in values} - {"", False})
            for kind, get_key in self._get_reference_keys().items()
        ]
        found, rows = set(), []
        getters = list(self._get_reference_keys().values())
        for number, value in enumerate(values, 1):
            named = next(
                filter(
                    None,
                    (
                        contacts.get(get_key(value))
                        for contacts, get_key in zip(by_kind, getters, strict=True)
                    ),
                ),
                [],
            )
            customers = {contact["customer_id"] for contact in named}
            if len(customers) == 1:
                found.add(named[0]["id"])
                rows.append((number, value, "found", None))
            elif customers:
                note = ", ".join(
                    f"{contact['name']} ({contact['ref'] or contact['id']})"
                    for contact in named[:LISTED_CONTACTS]
                )
                rows.append((number, value, "ambiguous", note))
            else:
                rows.append((number, value, "not_found", None))
        return found, rows

    @api.model
    def _get_reference_keys(self):
        """Return for each kind of reference how a value is compared."""
        return {
            "ref": str.strip,
            "vat": lambda value: NOT_VAT.sub("", value.upper()),
            "email": lambda value: email_normalize(value) or "",
        }

    @api.model
    def _find_by(self, kind, keys):
        """Return the contacts that the user may see, by what they are compared by.

        Archived ones only where there are no others.
        """
        Partner = self.env["res.partner"]
        columns = {
            "ref": SQL("btrim(ref)"),
            "vat": SQL("regexp_replace(upper(vat), '[^0-9A-Z]', '', 'g')"),
            "email": SQL("email_normalized"),
        }
        Partner.flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT id, name, ref, active, commercial_partner_id AS customer_id,
                       %(column)s AS key
                  FROM res_partner
                 WHERE %(column)s = ANY(%(keys)s)
                   AND id IN %(visible)s
                 ORDER BY id
                """,
                column=columns[kind],
                keys=sorted(keys),
                visible=Partner._search([], active_test=False).subselect(),
            )
        )
        by_key = {}
        for row in rows:
            by_key.setdefault(row["key"], []).append(row)
        return {
            key: [row for row in named if row["active"]] or named
            for key, named in by_key.items()
        }

    def _write_references(self, rows):
        if not rows:
            return
        numbers, values, outcomes, notes = zip(*rows, strict=True)
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_bulk_reference
                       (bulk_id, number, value, outcome, note)
                SELECT %s, *
                  FROM unnest(%s::integer[], %s::text[], %s::text[], %s::text[])
                """,
                self.id,
                list(numbers),
                list(values),
                list(outcomes),
                list(notes),
            )
        )

    def _make_unclear_file(self):
        """Return a workbook of the references that name nobody, or several."""
        self.ensure_one()
        buffer = io.BytesIO()
        outcomes = dict(
            self.env["customer.bulk.reference"]
            ._fields["outcome"]
            ._description_selection(self.env)
        )
        # what people entered is text, never a formula
        options = {"in_memory": True, "strings_to_formulas": False}
        with xlsxwriter.Workbook(buffer, options) as book:
            sheet = book.add_worksheet()
            sheet.set_column(0, 2, 32)
            bold = book.add_format({"bold": True})
            sheet.write_row(
                0,
                0,
                [
                    self.env._("Reference"),
                    self.env._("Outcome"),
                    self.env._("Whom It May Mean"),
                ],
                bold,
            )
            for row, reference in enumerate(self.unclear_reference_ids, 1):
                sheet.write_string(row, 0, reference.value)
                sheet.write_string(row, 1, outcomes[reference.outcome])
                sheet.write_string(row, 2, reference.note or "")
        return buffer.getvalue()
