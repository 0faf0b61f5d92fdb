import base64
import csv
import io

from openpyxl import load_workbook

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .audience_common import AudienceCommon

LEADING = [
    "=1+1",
    "+SUM(A1)",
    "-1+cmd|x",
    "@x",
    "\t=1",
    "plain",
    "+1 202 555 0100",
    "-5",
]
NEUTRAL = [
    "'=1+1",
    "'+SUM(A1)",
    "'-1+cmd|x",
    "'@x",
    "'\t=1",
    "plain",
    "+1 202 555 0100",
    "-5",
]


@tagged("post_install", "-at_install")
class TestAudienceExport(AudienceCommon):
    def setUp(self):
        super().setUp()
        self.tier = self.make_dimension("aud_tier", ["Gold"])
        self.customer = self.make_customer(
            "=Evil()", email="evil@example.com", city="@city"
        )
        self.give(self.customer, self.tier.category_ids)
        self.make_customer("Silent")
        self.audience = self.make_audience(is_shared=True)
        self.Log = self.env["customer.audience.export.log"].sudo()

    def export(self, user=None, **values):
        """Return the rows of the file."""
        wizard = (
            self.env["customer.audience.export"]
            .with_user(user or self.env.user)
            .create({"audience_id": self.audience.id, **values})
        )
        action = wizard.action_export()
        self.assertIn(f"id={wizard.id}", action["url"])
        content = base64.b64decode(wizard.content)
        if wizard.file_format == "csv":
            return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        sheet = load_workbook(io.BytesIO(content)).active
        self.assertFalse(
            [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
        )
        return [[cell.value for cell in row] for row in sheet.iter_rows()]

    def test_columns(self):
        for file_format in ("csv", "xlsx"):
            header, row = self.export(
                file_format=file_format,
                with_address=True,
                with_figures=True,
                dimension_ids=[Command.set(self.tier.ids)],
            )
            told = dict(zip(header, row, strict=True))
            mark = "'" if file_format == "csv" else ""
            self.assertEqual(told["Customer"], f"{mark}=Evil()")
            self.assertEqual(told["City"], f"{mark}@city")
            self.assertEqual(told["Email"], "evil@example.com")
            self.assertEqual(told["Aud Tier"], "Gold")
            self.assertEqual(float(told["Net Revenue"]), 0)
        rows = self.export(only_reachable=False)
        self.assertEqual(len(rows), 3)
        self.assertEqual(rows[2], ["Silent", "Silent", "", "No address"])

    def test_formulas(self):
        for name in LEADING:
            self.make_customer(name, email=f"x{LEADING.index(name)}@example.com")
        rows = self.export(file_format="csv")
        self.assertEqual([row[0] for row in rows[2:]], NEUTRAL)

    def test_log(self):
        before = self.Log.search([])
        self.export(self.marketer, with_address=True)
        log = self.Log.search([]) - before
        self.assertEqual(
            (log.user_id, log.audience_id, log.row_count, log.file_format),
            (self.marketer, self.audience, 1, "xlsx"),
        )
        self.assertIn("City", log.column_names)
        with self.assertRaises(AccessError):
            log.with_user(self.marketer).read(["row_count"])
        log.with_user(self.chief).read(["row_count"])
        for call in (lambda: log.write({"row_count": 0}), log.unlink):
            with self.assertRaises(UserError):
                call()
        self.audience.sudo().unlink()
        self.assertEqual(log.audience_name, "Audience")

    def test_who_may(self):
        plain = self.make_user("plain_user")
        with self.assertRaises(AccessError):
            self.export(plain)
        self.audience.is_shared = False
        with self.assertRaises(AccessError):
            self.export(self.marketer)
        self.audience.is_shared = True
        with self.assertRaises(AccessError):
            self.export(self.marketer, with_payments=True)
        header, _row = self.export(self.treasurer, with_payments=True)
        self.assertIn("Overdue Amount", header)
        # another one's file
        wizard = self.env["customer.audience.export"].with_user(self.treasurer)
        wizard = wizard.create({"audience_id": self.audience.id})
        wizard.action_export()
        with self.assertRaises(AccessError):
            wizard.with_user(self.marketer).read(["content"])

    def test_hidden_dimension_is_left_out(self):
        group = self.env["res.groups"].create({"name": "Few"})
        self.tier.view_group_ids = group
        with self.assertRaises(AccessError):
            self.export(self.marketer, dimension_ids=[Command.set(self.tier.ids)])

    def test_nobody(self):
        self.audience.domain = "[('name', '=', 'x')]"
        with self.assert_refused(UserError, "Nobody belongs"):
            self.export()
