from odoo import fields, models

STRATEGIES = [
    ("welcome", "Welcome"),
    ("maintain", "Maintain"),
    ("develop", "Develop"),
    ("retain", "Retain"),
    ("win_back", "Win back"),
    ("thank", "Thank"),
    ("inform", "Inform"),
]


class CustomerCampaign(models.Model):
    """A message to customers of an audience, and what it earned.

    A draft is prepared; approving it freezes whom it is about
    (``customer.campaign.member``) with their categories, chooses who is left out by
    chance, and makes the mailing that Odoo sends. At sending, the recipients are
    compared with the frozen ones: who can no longer be reached is dropped, anyone extra
    stops it. What the customers buy afterwards, with and without the message, tells
    what it earned.
    """

    _name = "customer.campaign"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Customer Campaign"
    _order = "id desc"

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("approved", "Approved"),
            ("held", "Held"),
            ("running", "Sent"),
            ("done", "Closed"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company.root_id,
        domain="[('parent_id', '=', False)]",
        ondelete="cascade",
        index=True,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        required=True,
        default=lambda self: self.env.uid,
        ondelete="restrict",
        tracking=True,
    )
    strategy = fields.Selection(
        STRATEGIES, required=True, default="maintain", tracking=True
    )
    purpose = fields.Text(help="What the campaign is to achieve.")
    # whom
    audience_id = fields.Many2one(
        "customer.audience",
        ondelete="restrict",
        index=True,
        check_company=True,
        help="Empty: the customers that were chosen in a list.",
    )
    is_standing = fields.Boolean(
        "Standing Campaign",
        help="Goes on: everybody who comes into the audience is written to, once.",
    )
    channel = fields.Selection(
        [("mail", "Email"), ("sms", "SMS")], required=True, default="mail"
    )
    holdout_share = fields.Float(
        "Hold-Out (%)",
        digits=(5, 2),
        default=10.0,
        help="So many of the customers, chosen by chance, get nothing: the difference "
        "to them is what the campaign earned.",
    )
    holdout_seed = fields.Char(
        readonly=True,
        copy=False,
        help="With the customer's id it decides who is held out, always alike.",
    )
    gap_days = fields.Integer(
        "Days Between Messages",
        help="Whoever got a message of any campaign in so many days gets none. 0: no "
        "limit.",
    )
    # what
    mailing_id = fields.Many2one(
        "mailing.mailing", readonly=True, copy=False, ondelete="set null", index=True
    )
    utm_campaign_id = fields.Many2one(
        "utm.campaign", readonly=True, copy=False, ondelete="set null", index=True
    )
    schedule_date = fields.Datetime("Send On", help="Empty: once approved.")
    # approval
    approved_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    approved_on = fields.Datetime(readonly=True, copy=False)
    sent_on = fields.Datetime(readonly=True, copy=False)
    # result
    window_days = fields.Integer(
        "Counted (Days)",
        required=True,
        default=30,
        help="What customers buy in so many days from the day of sending on counts.",
    )
    cost = fields.Monetary(help="What the campaign cost, sending and gifts included.")
    member_ids = fields.One2many(
        "customer.campaign.member", "campaign_id", string="Customers", readonly=True
    )

    _holdout_valid = models.Constraint(
        "CHECK (holdout_share >= 0 AND holdout_share < 100)",
        "The hold-out is a percentage from 0 to less than 100.",
    )
    _days_valid = models.Constraint(
        "CHECK (gap_days >= 0 AND window_days > 0)",
        "Enter days of zero or more, and at least one day that counts.",
    )
