from odoo.tests import HttpCase, tagged

from .common import ClassificationCommon


@tagged("post_install", "-at_install")
class TestBulkBrowser(ClassificationCommon, HttpCase):
    """A bulk change in a real browser, from the list of contacts to its undo."""

    def test_classify_and_undo(self):
        customers = self.env["res.partner"].concat(
            *(self.make_customer(f"Tour bulk {n}", ref=f"TB-{n}") for n in range(4))
        )
        self.make_user("tour_user")
        self.start_tour("/odoo/contacts", "customer_bulk", login="tour_user")
        bulk, undo = self.env["customer.bulk"].search([], order="id", limit=2)
        self.assertEqual((bulk.state, undo.state), ("undone", "done"))
        self.assertEqual((bulk.done_count, undo.done_count), (4, 4))
        self.assertFalse(self.Override.search([("partner_id", "in", customers.ids)]))
        self.assertEqual(
            self.history_of(customers[0]).mapped("event"), ["set", "withdrawn"]
        )
