import base64
import csv
import io
import re
from datetime import date

import xlsxwriter

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..models.customer_rights import MARKETING_GROUP

#: Contacts that are read at a time
BATCH = 2000
#: What a spreadsheet takes for a formula, unless it is only a number or a phone number
FORMULA = re.compile(r"^[=+\-@\t\r]")
HARMLESS = re.compile(r"^[+-]?[0-9 ().,/-]*$")
#: By the choice, the fields of the contact that it brings
COLUMNS = {
    "with_address": ("street", "street2", "zip", "city", "state_id", "country_id"),
    "with_master_data": ("ref", "vat", "industry_id", "user_id", "lang"),
    "with_figures": (
        "customer_revenue_total",
        "customer_revenue_window",
        "customer_last_date",
        "customer_purchase_days_window",
    ),
    "with_payments": (
        "customer_open_amount",
        "customer_overdue_amount",
        "customer_days_late",
    ),
}


def neutralise(text):
    """Return a text that no spreadsheet takes for a formula."""
    if FORMULA.match(text) and not HARMLESS.match(text):
        return f"'{text}"
    return text


class CustomerAudienceExport(models.TransientModel):
    """An audience as a file for another tool. What leaves the database is logged.

    A row for each customer: whom the audience would write to, and what was chosen
    about the customer, as far as the user may see it.
    """

    _name = "customer.audience.export"
    _description = "Export an Audience"
    _transient_max_hours = 1

    audience_id = fields.Many2one("customer.audience", required=True, readonly=True)
    file_format = fields.Selection(
        [("csv", "CSV"), ("xlsx", "Excel")], "Format", required=True, default="xlsx"
    )
    channel = fields.Selection(
        [("mail", "Email"), ("sms", "SMS")],
        string="Addresses For",
        required=True,
        default="mail",
    )
    only_reachable = fields.Boolean(
        default=True, help="Otherwise with the reason why others are not written to."
    )
    dimension_ids = fields.Many2many(
        "customer.dimension",
        string="Categories",
        domain=lambda self: self.env["customer.dimension"]._get_visible_domain(),
    )
    with_address = fields.Boolean("Postal Address")
    with_master_data = fields.Boolean(
        "Master Data", help="Reference, tax ID, industry, salesperson, language."
    )
    with_figures = fields.Boolean("Purchases", help="Revenue and days of purchases.")
    with_payments = fields.Boolean(
        "Payments",
        groups="customer_classification.group_customer_classification_payment",
        help="Open and overdue amounts, and days late.",
    )
    customer_count = fields.Integer(related="audience_id.customer_count")
    content = fields.Binary(attachment=False, readonly=True)
    file_name = fields.Char(readonly=True)

    def action_export(self):
        """Make the file, log it, and send it to the browser."""
        self.ensure_one()
        self._check_may_export()
        header, rows = self._get_table()
        if not rows:
            raise UserError(self.env._("Nobody belongs to this audience today."))
        write = {"csv": self._write_csv, "xlsx": self._write_xlsx}[self.file_format]
        self.write(
            {
                "content": base64.b64encode(write(header, rows)),
                "file_name": f"{self.audience_id.name}.{self.file_format}",
            }
        )
        self._log(header, len(rows))
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/?model={self._name}&id={self.id}&field=content"
            "&filename_field=file_name&download=true",
            "target": "download",
        }

    def _check_may_export(self):
        """Refuse whom the audience is not for.

        :raise AccessError: naming what is missing
        """
        if not (self.env.su or self.env.user.has_group(MARKETING_GROUP)):
            raise AccessError(
                self.env._("Only marketers and managers may export an audience.")
            )
        self.audience_id.check_access("read")

    def _log(self, header, count):
        # sudo: only managers see the log, and nobody writes it
        self.env["customer.audience.export.log"].sudo().create(
            {
                "date": fields.Datetime.now(),
                "user_id": self.env.uid,
                "company_id": self.audience_id.company_id.id,
                "audience_id": self.audience_id.id,
                "audience_name": self.audience_id.name,
                "row_count": count,
                "column_names": ", ".join(header),
                "file_format": self.file_format,
            }
        )

    # The table

    def _get_field_names(self):
        """Return the names of the customer's fields that were chosen.

        :raise AccessError: by Odoo, where one is not for the user
        """
        dimensions = self.dimension_ids.filtered("active")
        names = dimensions.mapped("partner_field_name")
        for choice, fields_of in COLUMNS.items():
            if self._has_field_access(self._fields[choice], "read") and self[choice]:
                names += [name for name in fields_of if self._is_told(name)]
        return names

    @api.model
    def _is_told(self, name):
        """Return whether the contact has the field, for this user."""
        Partner = self.env["res.partner"]
        field = Partner._fields.get(name)
        return field and Partner._has_field_access(field, "read")

    def _get_table(self):
        """Return the titles of the columns, and the rows of values."""
        audience = self.audience_id
        recipients = self.env.execute_query_dict(
            SQL(
                """
                SELECT * FROM (%s) AS recipient
                 WHERE blocked IS NULL OR NOT %s
                 ORDER BY partner_id
                """,
                audience._get_recipients_query(
                    audience._get_customers_query(),
                    self.channel,
                    audience._get_policy(),
                ),
                self.only_reachable,
            )
        )
        names = self._get_field_names()
        Partner = audience._get_partners_of(audience.company_id)
        described = Partner.fields_get(names, ["string", "selection"])
        reasons = dict(
            self.env["customer.audience.recipient"]
            ._fields["blocked"]
            ._description_selection(self.env)
        )
        address = self.env._("Email") if self.channel == "mail" else self.env._("Phone")
        header = [self.env._("Customer"), self.env._("Contact"), address]
        header += [] if self.only_reachable else [self.env._("Why Not")]
        header += [described[name]["string"] for name in names]
        rows = []
        for start in range(0, len(recipients), BATCH):
            part = recipients[start : start + BATCH]
            values = self._read_customers(Partner, part, names)
            for row in part:
                customer = values[row["partner_id"]]
                told = [
                    customer["name"],
                    values[row["contact_id"]]["name"] if row["contact_id"] else "",
                    row["address"] or "",
                ]
                if not self.only_reachable:
                    told.append(reasons.get(row["blocked"], ""))
                rows.append(told + [customer[name] for name in names])
            Partner.invalidate_model()
        return header, rows

    @api.model
    def _read_customers(self, Partner, recipients, names):
        """Return the values of customers and contacts by their id."""
        customers = Partner.browse([row["partner_id"] for row in recipients])
        contacts = Partner.browse(
            [row["contact_id"] for row in recipients if row["contact_id"]]
        )
        result = {contact.id: {"name": contact.name or ""} for contact in contacts}
        for customer in customers:
            result.setdefault(customer.id, {})["name"] = customer.name or ""
            result[customer.id].update(
                {name: self._get_value(customer, name) for name in names}
            )
        return result

    @api.model
    def _get_value(self, customer, name):
        field, value = customer._fields[name], customer[name]
        if field.relational:
            return ", ".join(value.sudo().mapped("display_name"))
        if field.type == "selection":
            return dict(field._description_selection(self.env)).get(value, "")
        if field.type in ("integer", "float", "monetary"):
            return value
        return value or ""

    # The file

    def _write_csv(self, header, rows):
        output = io.StringIO()
        writer = csv.writer(output, quoting=csv.QUOTE_MINIMAL)
        for row in [header, *rows]:
            writer.writerow(
                [neutralise(one) if isinstance(one, str) else one for one in row]
            )
        # the mark tells spreadsheets that it is not of the system's own encoding
        return b"\xef\xbb\xbf" + output.getvalue().encode()

    def _write_xlsx(self, header, rows):
        output = io.BytesIO()
        with xlsxwriter.Workbook(output, {"in_memory": True}) as workbook:
            bold = workbook.add_format({"bold": True})
            day = workbook.add_format({"num_format": "yyyy-mm-dd"})
            sheet = workbook.add_worksheet()
            sheet.set_column(0, len(header) - 1, 22)
            sheet.freeze_panes(1, 0)
            for column, title in enumerate(header):
                sheet.write_string(0, column, title, bold)
            for number, row in enumerate(rows, 1):
                for column, value in enumerate(row):
                    if isinstance(value, str):
                        # as text, whatever it begins with: never a formula or a link
                        sheet.write_string(number, column, value)
                    elif isinstance(value, date):
                        sheet.write_datetime(number, column, value, day)
                    else:
                        sheet.write_number(number, column, value)
        return output.getvalue()


class CustomerAudience(models.Model):
    _inherit = "customer.audience"

    def action_export(self):
        """Ask what to export of the audience."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Export “%s”", self.name),
            "res_model": "customer.audience.export",
            "view_mode": "form",
            "target": "new",
            "context": {"default_audience_id": self.id},
        }
