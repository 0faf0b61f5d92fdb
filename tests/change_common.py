from contextlib import contextmanager

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL

from .common import ClassificationCommon


class ChangeCommon(ClassificationCommon):
    """Two customers, and what the queue says of them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Change = cls.env["customer.change"]
        cls.first, cls.second = map(cls.make_customer, ("First", "Second"))
        cls.cash = cls.company_data["default_journal_cash"].default_account_id

    # The queue

    def sql(self, query):
        """Execute a statement as any other program would; return its rows."""
        self.env.flush_all()
        self.env.cr.execute(query)
        rows = self.env.cr.fetchall() if self.env.cr.description else []
        self.env.invalidate_all()
        return rows

    def clear(self):
        self.sql("DELETE FROM customer_change")

    def get_rows(self):
        """Return pairs of ids of contact and company, as they are in the queue."""
        return self.sql("SELECT partner_id, company_id FROM customer_change")

    @contextmanager
    def assert_noted(self, *customers):
        """Expect notes about invoices and payments.

        :param customers: customers in the company of the test, or pairs of a customer
            and a company
        """
        expected = {
            (customer[0] and customer[0].id, customer[1] and customer[1].id)
            if isinstance(customer, tuple)
            else (customer.id, self.env.company.id)
            for customer in customers
        }
        self.clear()
        yield
        self.assertEqual(
            {row for row in self.get_rows() if row[1] or not row[0]}, expected
        )

    @contextmanager
    def assert_contacts_noted(self, *customers):
        """Expect notes about contacts only; yield the ids, to be added to."""
        expected = {customer.id for customer in customers}
        self.clear()
        yield expected
        self.assertEqual(set(self.get_rows()), {(id_, None) for id_ in expected})

    # Accounting

    def pay(self, move):
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"payment_date": fields.Date.today()})
        )
        return wizard._create_payments()

    def post_entry(self, partner, debit, credit):
        """Post an entry of 5 between two accounts."""
        entry = self.env["account.move"].create(
            {
                "move_type": "entry",
                "date": self.day(2),
                "journal_id": self.company_data["default_journal_misc"].id,
                "line_ids": [
                    Command.create(
                        {"partner_id": partner.id, "account_id": account.id, side: 5}
                    )
                    for account, side in ((debit, "debit"), (credit, "credit"))
                ],
            }
        )
        entry.action_post()
        return entry

    def get_columns(self, table):
        """Return the names of the columns that can be copied to a new row."""
        return {
            name
            for [name] in self.env.execute_query(
                SQL(
                    """SELECT column_name FROM information_schema.columns
                        WHERE table_name = %s AND is_generated = 'NEVER'""",
                    table,
                )
            )
        }
