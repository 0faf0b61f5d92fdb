from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .change_common import ChangeCommon


@tagged("post_install", "-at_install")
class TestChangeCapture(ChangeCommon):
    """Whatever changes invoices, payments and contacts notes the customer."""

    # Invoices

    def test_posting_and_back(self):
        with self.assert_noted():
            move = self.post(self.first, 100, 3, post=False)
            move.invoice_line_ids.price_unit = 70
            move.invoice_date = self.day(5)
        with self.assert_noted(self.first):
            move.action_post()
        with self.assert_noted(self.first):
            move.button_draft()
        with self.assert_noted():
            move.partner_id = self.second
        with self.assert_noted(self.second):
            move.action_post()
        with self.assert_noted(self.second):
            move.button_draft()
        with self.assert_noted():
            move.button_cancel()
            move.unlink()

    def test_credit_note_and_receipt(self):
        with self.assert_noted(self.first):
            self.post(self.first, -10, 3)
        with self.assert_noted(self.first):
            self.post(self.first, 10, 3, move_type="out_receipt")
        for move in self.env["account.move"].search(
            [("partner_id", "=", self.first.id)]
        ):
            with self.subTest(move.move_type), self.assert_noted(self.first):
                self.sql(
                    f"""UPDATE account_move SET invoice_date = '2020-01-01'
                         WHERE id = {move.id}"""
                )

    def test_invoice_of_a_contact(self):
        """The customer is the commercial entity, as on the document."""
        contact = self.env["res.partner"].create(
            {"name": "Buyer", "parent_id": self.first.id}
        )
        with self.assert_noted(self.first):
            self.post(contact, 10, 3)

    def test_vendors_concern_nobody(self):
        with self.assert_noted():
            bill = self.post(self.first, 10, 3, move_type="in_invoice")
            bill.button_draft()
        bill.action_post()
        with self.assert_noted():
            payment = self.pay(bill)
        with self.assert_noted():
            bill.line_ids.remove_move_reconcile()
        self.assertTrue(payment)

    def test_other_entries_concern_nobody(self):
        """Entries on neither receivable nor income accounts."""
        account = self.company_data["default_account_expense"]
        with self.assert_noted():
            self.post_entry(self.first, account, account.copy())

    def test_edit_of_a_posted_invoice(self):
        """Nothing of it can be edited in SQL without a note."""
        move = self.post(self.first, 100, 3)
        for assignment in (
            "invoice_date = invoice_date - 1",
            "invoice_date_due = invoice_date_due + 1",
            "amount_untaxed_signed = amount_untaxed_signed + 0.01",
            "amount_residual_signed = amount_residual_signed - 0.01",
            "payment_state = 'paid'",
            "move_type = 'out_receipt'",
            "state = 'cancel'",
        ):
            with self.subTest(assignment), self.assert_noted(self.first):
                self.sql(f"UPDATE account_move SET {assignment} WHERE id = {move.id}")
        with self.assert_noted():
            self.sql(f"UPDATE account_move SET state = 'draft' WHERE id = {move.id}")

    def test_former_and_new_customer_and_company(self):
        move = self.post(self.first, 100, 3)
        with self.assert_noted(self.first, self.second):
            self.sql(
                f"""UPDATE account_move SET commercial_partner_id = {self.second.id}
                     WHERE id = {move.id}"""
            )
        other = self.env["res.company"].create({"name": "Other"})
        with self.assert_noted(self.second, (self.second, other)):
            self.sql(
                f"UPDATE account_move SET company_id = {other.id} WHERE id = {move.id}"
            )

    def test_deletion_in_sql(self):
        move = self.post(self.first, 100, 3)
        entry = move.line_ids.filtered(lambda e: e.display_type == "payment_term")
        with self.assert_noted(self.first):
            self.sql(f"DELETE FROM account_move_line WHERE id = {entry.id}")
        with self.assert_noted():
            self.sql(
                f"""DELETE FROM account_move_line
                     WHERE move_id = {move.id} AND display_type = 'tax'"""
            )
        with self.assert_noted(self.first):
            self.sql(
                f"""ALTER TABLE account_move_line DISABLE TRIGGER USER;
                    DELETE FROM account_move WHERE id = {move.id};
                    ALTER TABLE account_move_line ENABLE TRIGGER USER"""
            )

    def test_insertion_in_sql(self):
        move = self.post(self.first, 100, 3)
        for table in ("account_move", "account_move_line"):
            columns = self.get_columns(table) - {"id", "name"}
            for state in ("draft", "posted"):
                values = {name: SQL.identifier(name) for name in columns}
                values["state" if table == "account_move" else "parent_state"] = SQL(
                    "%s", state
                )
                key = "id" if table == "account_move" else "move_id"
                expected = [self.first] if state == "posted" else []
                with self.subTest(table, state=state), self.assert_noted(*expected):
                    self.sql(
                        SQL(
                            "INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s = %s",
                            SQL.identifier(table),
                            SQL(", ").join(map(SQL.identifier, values)),
                            SQL(", ").join(values.values()),
                            SQL.identifier(table),
                            SQL.identifier(key),
                            move.id,
                        )
                    )

    def test_what_was_sold(self):
        line = self.post(self.first, 100, 3).invoice_line_ids
        for assignment in (
            f"product_id = {self.product_b.id}",
            "quantity = 2",
            "product_uom_id = (SELECT max(id) FROM uom_uom)",
            "price_unit = 7",
            "discount = 5",
            "balance = balance - 1",
        ):
            with self.subTest(assignment), self.assert_noted(self.first):
                self.sql(
                    f"UPDATE account_move_line SET {assignment} WHERE id = {line.id}"
                )
        with self.assert_noted():
            self.sql(f"UPDATE account_move_line SET name = 'x' WHERE id = {line.id}")

    def test_once_a_statement(self):
        moves = [self.post(self.first, 100, day) for day in (3, 4, 5)]
        moves.append(self.post(self.second, 100, 3))
        ids = ", ".join(str(move.id) for move in moves)
        self.clear()
        self.sql(
            f"UPDATE account_move SET invoice_date = '2020-01-01' WHERE id IN ({ids})"
        )
        self.assertEqual(
            sorted(self.get_rows()),
            sorted(
                [
                    (self.first.id, self.env.company.id),
                    (self.second.id, self.env.company.id),
                ]
            ),
        )
        self.clear()
        self.sql(
            f"""UPDATE account_move SET invoice_date = '2020-01-01', ref = 'x'
                 WHERE id IN ({ids})"""
        )
        self.assertFalse(self.get_rows(), "nothing that counts differed")
        self.sql(
            f"""UPDATE account_move_line SET date = '2020-01-01'
                 WHERE move_id IN ({ids})"""
        )
        self.assertEqual(len(self.get_rows()), 2)

    # Payments

    def test_payment_and_its_end(self):
        move = self.post(self.first, 100, 3)
        with self.assert_noted(self.first):
            self.pay(move)
        partials = move.line_ids.matched_credit_ids
        self.assertTrue(partials)
        with self.assert_noted(self.first):
            self.sql(
                f"UPDATE account_partial_reconcile SET amount = amount - 1 "
                f"WHERE id = {partials.id}"
            )
        with self.assert_noted():
            self.sql(
                f"UPDATE account_partial_reconcile SET full_reconcile_id = NULL "
                f"WHERE id = {partials.id}"
            )
        with self.assert_noted(self.first):
            self.sql(f"DELETE FROM account_partial_reconcile WHERE id = {partials.id}")

    def test_unreconcile(self):
        move = self.post(self.first, 100, 3)
        self.pay(move)
        with self.assert_noted(self.first):
            move.line_ids.remove_move_reconcile()

    def test_partners_of_both_entries(self):
        """Matched across customers: both are noted."""
        receivable = self.company_data["default_account_receivable"]
        entries = [
            self.post_entry(partner, *accounts).line_ids.filtered(
                lambda line: line.account_id == receivable
            )
            for partner, accounts in (
                (self.first, (receivable, self.cash)),
                (self.second, (self.cash, receivable)),
            )
        ]
        with self.assert_noted(self.first, self.second):
            self.sql(
                f"""INSERT INTO account_partial_reconcile
                           (debit_move_id, credit_move_id, company_id, amount)
                    VALUES ({entries[0].id}, {entries[1].id},
                            {self.env.company.id}, 1)"""
            )

    def test_unmatched_payment(self):
        receivable = self.company_data["default_account_receivable"]
        with self.assert_noted(self.first):
            entry = self.post_entry(self.first, self.cash, receivable)
        line = entry.line_ids.filtered(lambda e: e.account_id == receivable)
        for assignment in (
            "date_maturity = '2020-01-01'",
            "amount_residual = amount_residual + 1",
            "date = '2020-01-01'",
            f"account_id = {self.cash.id}",
        ):
            with self.subTest(assignment), self.assert_noted(self.first):
                self.sql(
                    f"UPDATE account_move_line SET {assignment} WHERE id = {line.id}"
                )

    def test_kind_of_account(self):
        receivable = self.company_data["default_account_receivable"]
        with self.assert_noted((None, None)):
            receivable.copy().account_type = "asset_current"
        with self.assert_noted():
            self.cash.account_type = "asset_current"

    # Contacts

    def test_contact(self):
        with self.assert_contacts_noted() as expected:
            third = self.make_customer("Third")
            expected.add(third.id)
        with self.assert_contacts_noted(third):
            third.city = "Ghent"
        with self.assert_contacts_noted():
            third.city = "Ghent"
            self.sql(
                f"""UPDATE res_partner SET write_uid = 2, write_date = '2020-01-01'
                     WHERE id = {third.id}"""
            )
        with self.assert_contacts_noted():
            third.customer_rank += 1
        with self.assert_contacts_noted(third):
            third.customer_rank = 0
        with self.assert_contacts_noted(third):
            contact = self.env["res.partner"].create(
                {"name": "Buyer", "parent_id": third.id}
            )
        with self.assert_contacts_noted(third):
            contact.function = "Buyer"
        with self.assert_contacts_noted(third):
            contact.unlink()

    def test_other_parent(self):
        contact = self.env["res.partner"].create(
            {"name": "Buyer", "parent_id": self.first.id}
        )
        with self.assert_contacts_noted(self.first, self.second):
            contact.parent_id = self.second
        for parent in (self.first, self.second):
            with self.assert_contacts_noted(self.first, self.second):
                self.sql(
                    f"""UPDATE res_partner SET commercial_partner_id = {parent.id}
                         WHERE id = {contact.id}"""
                )
        with self.assert_contacts_noted(self.first, self.second):
            self.first.write({"is_company": False, "parent_id": self.second.id})

    def test_other_company(self):
        with self.assert_contacts_noted(self.first):
            self.first.company_id = self.env.company

    def test_import(self):
        with self.assert_contacts_noted() as expected:
            result = self.env["res.partner"].load(
                ["name", "is_company"], [["Imported 1", "1"], ["Imported 2", "1"]]
            )
            self.assertFalse(result["messages"])
            expected.update(result["ids"])

    def test_contacts_in_sql(self):
        with self.assert_contacts_noted() as expected:
            ids = self.sql(
                """
                INSERT INTO res_partner (name, active, autopost_bills)
                VALUES ('A', TRUE, 'ask'), ('B', TRUE, 'ask') RETURNING id
                """
            )
            ids = [id_ for [id_] in ids]
            self.sql(
                SQL(
                    """UPDATE res_partner SET commercial_partner_id = id
                        WHERE id = ANY(%s)""",
                    ids,
                )
            )
            expected.update(ids)
        with self.assert_contacts_noted() as expected:
            self.sql(SQL("DELETE FROM res_partner WHERE id = ANY(%s)", ids))
            expected.update(ids)

    def test_many_contacts(self):
        """No comparison, and a plan made for one row does for many."""
        self.first.city = "Ghent"
        self.env.flush_all()
        rows = self.sql(
            """
            INSERT INTO res_partner (name, active, autopost_bills)
            SELECT 'Many ' || number, TRUE, 'ask'
              FROM generate_series(1, 3000) AS number RETURNING id
            """
        )
        self.sql("SET LOCAL statement_timeout = '10s'")
        with self.assert_contacts_noted() as expected:
            self.sql(
                """UPDATE res_partner SET commercial_partner_id = id
                    WHERE name LIKE 'Many %'"""
            )
            expected.update(id_ for [id_] in rows)
        self.assertEqual(len(self.get_rows()), 3000)
        self.sql("SET LOCAL statement_timeout = 0")

    def test_merge(self):
        self.post(self.second, 10, 3)
        self.clear()
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo()
        removed = self.second.id
        wizard.create(
            {
                "partner_ids": [Command.set((self.first + self.second).ids)],
                "dst_partner_id": self.first.id,
            }
        ).action_merge()
        self.assertFalse(self.second.exists())
        self.assertEqual(
            {partner for partner, _company in self.get_rows()}, {self.first.id, removed}
        )
        self.assertLessEqual(
            {
                (self.first.id, self.env.company.id),
                (removed, self.env.company.id),
            },
            set(self.get_rows()),
        )
