from odoo import fields, models

from .res_partner import _figure, _money


def _number(name, string, **kwargs):
    return _figure(fields.Float, name, string, digits=(16, 2), **kwargs)


class ResPartner(models.Model):
    """What the documents of a customer say by comparison: with another period, with
    what was invoiced, from one purchase to the next.

    Not all of it is defined for everybody. Who has no value is found by no comparison.
    """

    _inherit = "res.partner"

    customer_invoiced_window = _money(
        "invoiced_window",
        "Invoiced in Period",
        help="Posted invoices of the period, credit notes not deducted.",
    )
    customer_revenue_previous = _money(
        "revenue_previous",
        "Net Revenue in Period Before",
        help="Net revenue of the period of the same length before the period of value.",
    )
    customer_revenue_change = _number(
        "revenue_change",
        "Change of Revenue (%)",
        may_be_undefined=True,
        aggregator=None,
        help="Net revenue in the period, against that of the period before. No value "
        "where there was none above zero then, or where your history does not reach "
        "back to all of it.",
    )
    customer_credited_share = _number(
        "credited_share",
        "Credited in Period (%)",
        aggregator=None,
        help="Credit notes as a share of what was invoiced in the period of value. "
        "100 where there are only credit notes.",
    )
    customer_interval_mean = _number(
        "interval_mean",
        "Days Between Purchases",
        may_be_undefined=True,
        aggregator="avg",
        help="The mean number of days from one purchase day to the next, all time. "
        "No value with fewer than two purchase days.",
    )
    customer_interval_deviation = _number(
        "interval_deviation",
        "Deviation of Days Between Purchases",
        may_be_undefined=True,
        aggregator=None,
        help="How far the days between purchases are from their mean (sample standard "
        "deviation): the lower, the more regular. No value with fewer than three "
        "purchase days.",
    )
    customer_active_months_share = _number(
        "active_months_share",
        "Active Months (%)",
        may_be_undefined=True,
        aggregator="avg",
        help="Of the last twelve calendar months, this one included, those with a "
        "purchase. Months before the first purchase do not count. No value without any "
        "purchase.",
    )
