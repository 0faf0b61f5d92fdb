import base64
import io

import openpyxl

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.customer_classification.models.customer_bulk_list_file import (
    read_text,
)

from .bulk_common import BulkCommon


@tagged("post_install", "-at_install")
class TestBulkReferences(BulkCommon):
    """Whom a bulk change is about, by a list."""

    def setUp(self):
        super().setUp()
        self.alpha = self.make_customer("Alpha", ref="A-1", vat="DE 123.456-788")
        self.beta = self.make_customer("Beta", ref="B-1", email="Sales@Beta.example")
        self.gamma = self.make_customer("Gamma", ref="DOUBLE")
        self.delta = self.make_customer("Delta", ref="DOUBLE")
        self.contact = self.env["res.partner"].create(
            {"name": "Ann", "parent_id": self.beta.id, "email": "sales@beta.example"}
        )

    def find(self, text=None, **values):
        bulk = self.Bulk.with_user(self.user).create({"reason": "List", **values})
        bulk.reference_text = text
        bulk.action_find_references()
        return bulk

    def targets_of(self, bulk):
        return (
            self.env["customer.bulk.target"]
            .search([("bulk_id", "=", bulk.id)])
            .partner_id.commercial_partner_id
        )

    def outcomes_of(self, bulk):
        return {r.value: r.outcome for r in bulk.reference_ids}

    def test_each_kind_of_reference(self):
        bulk = self.find("A-1\nde123456788, SALES@beta.example;nobody\tDOUBLE\nA-1\n")
        self.assertEqual(
            self.outcomes_of(bulk),
            {
                "A-1": "found",
                "de123456788": "found",
                "SALES@beta.example": "found",
                "nobody": "not_found",
                "DOUBLE": "ambiguous",
            },
        )
        self.assertEqual(self.targets_of(bulk), self.alpha + self.beta)
        self.assertEqual((bulk.found_count, bulk.unclear_count), (3, 2))
        [ambiguous] = bulk.unclear_reference_ids.filtered(
            lambda r: r.outcome == "ambiguous"
        )
        self.assertEqual(ambiguous.note, "Gamma (DOUBLE), Delta (DOUBLE)")

    def test_reference_comes_before_other_kinds(self):
        self.gamma.write({"ref": "sales@beta.example"})
        bulk = self.find("sales@beta.example")
        self.assertEqual(self.targets_of(bulk), self.gamma)

    def test_archived_only_where_there_is_no_other(self):
        self.gamma.active = False
        self.alpha.active = False
        bulk = self.find("DOUBLE A-1".replace(" ", "\n"))
        self.assertEqual(
            self.targets_of(bulk.with_context(active_test=False)),
            self.delta + self.alpha,
        )

    def test_hidden_contacts_are_not_found(self):
        self.env["ir.rule"].create(
            {
                "name": "Hidden contact",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": [("id", "!=", self.gamma.id)],
            }
        )
        self.env.registry.clear_cache()
        bulk = self.find("DOUBLE")
        self.assertEqual(self.outcomes_of(bulk), {"DOUBLE": "found"})
        self.assertEqual(self.targets_of(bulk), self.delta)

    def test_download(self):
        bulk = self.find("=1+1\nDOUBLE\nA-1")
        url = bulk.action_download_unclear()["url"]
        self.assertIn(f"/web/content/customer.bulk/{bulk.id}/unclear_file/", url)
        content = base64.b64decode(bulk.unclear_file)
        sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
        self.assertEqual(
            [[cell or "" for cell in row] for row in sheet.values],
            [
                ["Reference", "Outcome", "Whom It May Mean"],
                ["=1+1", "Not found", ""],
                ["DOUBLE", "May mean several", "Gamma (DOUBLE), Delta (DOUBLE)"],
            ],
        )
        self.assertEqual(sheet["A2"].data_type, "s", "text, not a formula")

    def test_files(self):
        book = openpyxl.Workbook()
        for row in (["Name", "Reference"], ["x", "A-1"], ["y", "B-1"], ["z", 4711]):
            book.active.append(row)
        workbook = io.BytesIO()
        book.save(workbook)
        self.gamma.ref = "4711"
        for name, content in (
            ("list.xlsx", workbook.getvalue()),
            ("list.csv", b"Name;Reference\nx;A-1\ny;B-1\nz;4711\n"),
            ("list.csv", "名称,客户编号\n甲,A-1\n乙,B-1\n丙,4711\n".encode("gb18030")),
            ("list.txt", b"A-1\r\nB-1\r\n4711"),
        ):
            with self.subTest(name, content=content[:20]):
                bulk = self.find(
                    reference_file=base64.b64encode(content), reference_name=name
                )
                self.assertEqual(
                    self.outcomes_of(bulk),
                    dict.fromkeys(("A-1", "B-1", "4711"), "found"),
                )

    def test_unreadable_file(self):
        for name, content in (("x.xlsx", b"PK no book"), ("x.csv", b"\0\1\2")):
            with self.assert_refused(UserError, "cannot be read"):
                self.find(reference_file=base64.b64encode(content), reference_name=name)

    def test_corrected_list(self):
        """Another list replaces who an earlier one found; who was chosen stays."""
        bulk = self.make_bulk(self.gamma, ("set", self.gold))
        bulk.reference_text = "A-1\nwrong"
        bulk.action_preview()
        self.assertEqual(self.targets_of(bulk), self.alpha + self.gamma)
        bulk.reference_text = "B-1"
        self.assertFalse(bulk.is_previewed)
        bulk.action_preview()
        self.assertEqual(self.targets_of(bulk), self.beta + self.gamma)
        self.assertEqual(bulk.unclear_count, 0)
        bulk.action_apply()
        self.assertEqual(self.tier_of(self.beta), "Gold")
        self.assertFalse(self.tier_of(self.alpha))

    def test_many_references(self):
        self.env["res.partner"].create(
            [{"name": f"Many {n}", "ref": f"MANY-{n}"} for n in range(500)]
        )
        bulk = self.find("\n".join(f"MANY-{n}" for n in range(600)))
        self.assertEqual((bulk.found_count, bulk.unclear_count), (500, 100))
        self.assertEqual(bulk.target_count, 500)

    def test_heads_of_columns(self):
        self.assertEqual(read_text("Reference\nA-1"), ["A-1"])
        self.assertEqual(read_text(" \n A-1 ,, B-1"), ["A-1", "B-1"])
