from odoo import models


class AccountMoveLine(models.Model):
    """What of matched items the payment figures read, in the order of customers."""

    _inherit = "account.move.line"

    # Items of invoices enter it when they are paid: posting them costs nothing.
    _customer_matched_idx = models.Index(
        """(partner_id) INCLUDE (
               id, account_id, company_id, journal_id, date, date_maturity, invoice_date
           ) WHERE matching_number IS NOT NULL AND parent_state = 'posted'"""
    )


class AccountPartialReconcile(models.Model):
    """Matches of later days, of which there are few."""

    _inherit = "account.partial.reconcile"

    _customer_max_date_idx = models.Index("(max_date)")
