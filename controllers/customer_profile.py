import io
import re

import xlsxwriter

from odoo import http
from odoo.http import content_disposition, request

#: What Excel allows as the name of a sheet
FORBIDDEN_IN_TITLES = re.compile(r"[\[\]:*?/\\]")
LONGEST_TITLE = 31


class CustomerProfile(http.Controller):
    @http.route(
        "/customer_classification/profile/<int:partner_id>",
        type="http",
        auth="user",
        methods=["GET"],
        readonly=True,
    )
    def download_profile(self, partner_id):
        """Send what the classification holds about a customer, as a spreadsheet.

        It is made for this answer and kept nowhere.
        """
        customer = request.env["res.partner"].browse(partner_id).exists()
        if not customer:
            raise request.not_found()
        content = self._get_workbook(customer._get_classification_profile())
        name = request.env._(
            "Classification of %(customer)s.xlsx", customer=customer.display_name
        )
        return request.make_response(
            content,
            headers=[
                (
                    "Content-Type",
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                ),
                ("Content-Disposition", content_disposition(name)),
                ("Cache-Control", "no-store"),
            ],
        )

    def _get_workbook(self, sheets):
        output = io.BytesIO()
        options = {"in_memory": True, "remove_timezone": True}
        with xlsxwriter.Workbook(output, options) as workbook:
            bold = workbook.add_format({"bold": True})
            formats = {
                "date": workbook.add_format({"num_format": "yyyy-mm-dd"}),
                "datetime": workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            }
            titles = set()
            for title, headers, lines in sheets:
                sheet = workbook.add_worksheet(self._get_title(title, titles))
                sheet.set_column(0, max(len(headers) - 1, 0), 22)
                sheet.freeze_panes(1, 0)
                sheet.write_row(0, 0, headers, bold)
                for index, line in enumerate(lines, start=1):
                    self._write_line(sheet, index, line, formats)
        return output.getvalue()

    def _get_title(self, title, taken):
        """Return a name that Excel takes for a sheet, once in the workbook."""
        short = FORBIDDEN_IN_TITLES.sub(" ", title)[:LONGEST_TITLE].strip()
        number = 1
        name = short
        while name.casefold() in taken:
            number += 1
            name = f"{short[: LONGEST_TITLE - 4]} {number}"
        taken.add(name.casefold())
        return name

    def _write_line(self, sheet, index, line, formats):
        for column, value in enumerate(line):
            kind = type(value).__name__
            if kind in formats:
                sheet.write_datetime(index, column, value, formats[kind])
            elif isinstance(value, bool | int | float):
                sheet.write(index, column, value)
            else:
                # as text: what people wrote is no formula
                sheet.write_string(index, column, str(value))
