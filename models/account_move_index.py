from odoo import models


class AccountMove(models.Model):
    """The index that the figures are read from, without the wide table behind it.

    In the order of customer and day, so that a run adds up each customer in passing,
    and finds few customers at once. A query uses it where it names the state and the
    types as constants, and all else it reads is in the index.
    """

    _inherit = "account.move"

    _customer_figures_idx = models.Index(
        """(company_id, commercial_partner_id, invoice_date)
           INCLUDE (move_type, amount_untaxed_signed)
           WHERE state = 'posted'
             AND move_type IN ('out_invoice', 'out_refund', 'out_receipt')"""
    )
