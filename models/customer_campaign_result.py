from odoo import api, fields, models

from .customer_product_figures import MARGIN_GROUPS

#: What of a message is told of each customer: 1 or 0, to be added up
EVENTS = (
    "sent",
    "delivered",
    "opened",
    "clicked",
    "replied",
    "opted_out",
    "bounced",
    "failed",
)


class CustomerCampaignResult(models.Model):
    """What a customer of a campaign did: with the message, and with the documents.

    A row for each customer that was to be written to, was held out, or is of the
    control group, from the day on which counting began. Revenue, margin and orders are
    those of the days that count, up to today. Rows are rewritten by
    :meth:`_update`, and are as of the campaign's ``result_date``.

    A document may count in several campaigns: the customer got messages of both, and
    the days overlap. Each campaign shows all that its customers bought; such revenue
    must not be added up. What is added up is ``revenue_once``: there a document counts
    in the campaign whose message came last before it, and in no other.
    """

    _name = "customer.campaign.result"
    _inherit = ["customer.campaign.rows.mixin", "customer.rows.mixin"]
    _description = "Campaign Result"
    _order = "campaign_id desc, revenue desc, id"
    _rec_name = "partner_id"
    _log_access = False  # hundreds of thousands of rows, written by the addon

    partner_id = fields.Many2one(index=True)
    member_id = fields.Many2one(
        "customer.campaign.member", required=True, readonly=True, ondelete="cascade"
    )
    campaign_id = fields.Many2one(
        "customer.campaign",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    strategy = fields.Selection(related="campaign_id.strategy")
    role = fields.Selection(
        lambda self: self._get_roles(),
        string="Group",
        required=True,
        readonly=True,
    )
    contact_id = fields.Many2one(related="member_id.contact_id")
    dropped_reason = fields.Selection(related="member_id.dropped_reason")
    date_start = fields.Date("Counted From", required=True, readonly=True)
    date_end = fields.Date("Counted Until", required=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    # what the customer did with the message
    sent = fields.Integer(readonly=True)
    delivered = fields.Integer(readonly=True)
    opened = fields.Integer(readonly=True)
    clicked = fields.Integer(readonly=True)
    replied = fields.Integer(readonly=True)
    opted_out = fields.Integer(
        readonly=True,
        help="The address was put on the blacklist after this message, and not by the "
        "link of another mailing.",
    )
    bounced = fields.Integer(readonly=True)
    failed = fields.Integer(readonly=True)
    # what the customer bought
    order_count = fields.Integer("Orders", readonly=True)
    invoice_count = fields.Integer("Invoices", readonly=True)
    bought = fields.Integer("Customers Who Bought", readonly=True)
    revenue = fields.Monetary(
        "Revenue per Customer",
        readonly=True,
        aggregator="avg",
        help="Posted net revenue of the days that count. Of several customers: the "
        "average, those who bought nothing included.",
    )
    margin = fields.Monetary(
        "Margin per Customer",
        readonly=True,
        aggregator="avg",
        groups=MARGIN_GROUPS,
        help="The revenue less the cost of what was sold, of lines with a known cost. "
        "Of several customers: the average of those of whom one is known.",
    )
    is_margin_known = fields.Boolean(
        "Margin Known",
        readonly=True,
        groups=MARGIN_GROUPS,
        help="Something of what the customer bought has a cost, or nothing was bought.",
    )
    revenue_once = fields.Monetary(
        "Revenue, Each Invoice Once",
        readonly=True,
        help="Revenue of those written to that can be added up over campaigns: an "
        "invoice counts in the campaign whose message came last before it.",
    )
    margin_once = fields.Monetary(
        "Margin, Each Invoice Once",
        readonly=True,
        groups=MARGIN_GROUPS,
        help="Margin of those written to that can be added up over campaigns.",
    )
    revenue_several = fields.Monetary(
        "Of It Counted in Several Campaigns",
        readonly=True,
        help="The part of “Revenue, Each Invoice Once” that other campaigns have in "
        "their results, too.",
    )
    revenue_shared = fields.Monetary(
        "Also in Other Campaigns",
        readonly=True,
        aggregator=None,
        help="The part of the revenue that also counts in other campaigns: the "
        "customer was written to there, too, and the days overlap.",
    )

    # A constraint, not an index: merging contacts keeps one of two then
    _member_unique = models.Constraint(
        "UNIQUE (member_id)", "A customer of a campaign has one result."
    )

    @api.model
    def _get_roles(self):
        """Return the roles of customers that have results."""
        roles = self.env["customer.campaign.member"]._fields["role"]
        return [
            (role, label)
            for role, label in roles._description_selection(self.env)
            if role != "excluded"
        ]
