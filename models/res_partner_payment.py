from odoo import fields, models

from .customer_rights import PAYMENT_GROUP
from .res_partner import _figure, _money

#: What the fields of all these figures have in common
PAYMENTS = {"model": "customer.payment.figures", "groups": PAYMENT_GROUP}


class ResPartner(models.Model):
    """The contact shows how its customer pays, and what it owes.

    That is not for everybody who sees categories: marketing need not know it.
    """

    _inherit = "res.partner"

    customer_paid_amount = _money(
        "paid_amount",
        "Paid in Period",
        **PAYMENTS,
        help="Payments of the period of value that were matched with invoices, taxes "
        "included, in company currency.",
    )
    customer_days_to_pay = _figure(
        fields.Float,
        "days_to_pay",
        "Days to Pay",
        **PAYMENTS,
        may_be_undefined=True,
        aggregator="avg",
        digits=(16, 2),
        help="Mean days from the invoice to its payment, weighted by the amount, over "
        "the payments of the period of value. Empty where nothing was paid.",
    )
    customer_days_late = _figure(
        fields.Float,
        "days_late",
        "Days Late",
        **PAYMENTS,
        may_be_undefined=True,
        aggregator="avg",
        digits=(16, 2),
        help="Mean days from the due date to the payment, weighted by the amount, over "
        "the payments of the period of value; what is paid early is 0 days late.",
    )
    customer_late_share = _figure(
        fields.Float,
        "late_share",
        "Paid Late (%)",
        **PAYMENTS,
        may_be_undefined=True,
        aggregator="avg",
        digits=(16, 2),
        help="Percent of the amount paid in the period of value that was paid after "
        "its due date.",
    )
    customer_worst_delay = _figure(
        fields.Integer,
        "worst_delay",
        "Worst Delay (Days)",
        **PAYMENTS,
        may_be_undefined=True,
        aggregator="max",
        help="The most days that a payment of the period of value was late.",
    )
    customer_open_amount = _money(
        "open_amount",
        "Open Amount",
        **PAYMENTS,
        help="What the customer owes, due or not, less payments and credit notes not "
        "yet matched, in company currency.",
    )
    customer_overdue_amount = _money(
        "overdue_amount",
        "Overdue Amount",
        **PAYMENTS,
        help="What was due before today and is not paid, in company currency.",
    )
    customer_overdue_invoices = _figure(
        fields.Integer,
        "overdue_invoices",
        "Overdue Invoices",
        **PAYMENTS,
        help="Invoices and sales receipts with an amount that was due before today and "
        "is not paid.",
    )
    customer_oldest_overdue_date = _figure(
        fields.Date,
        "oldest_overdue_date",
        "Oldest Overdue Due Date",
        **PAYMENTS,
        help="The earliest due date before today of an amount that is not paid.",
    )
