import secrets

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain

from .customer_rights import MARKETING_GROUP

#: Entered at any time
OPEN_FIELDS = {
    "name",
    "active",
    "user_id",
    "purpose",
    "cost",
    # of the chatter and the activities
    "message_follower_ids",
    "message_partner_ids",
    "message_ids",
    "message_main_attachment_id",
    "activity_ids",
    "activity_user_id",
    "activity_type_id",
    "activity_date_deadline",
    "activity_summary",
}
#: Entered as long as nothing is approved
DRAFT_FIELDS = {
    "company_id",
    "strategy",
    "audience_id",
    "is_standing",
    "includes_present",
    "channel",
    "template_id",
    "holdout_share",
    "gap_days",
    "schedule_date",
    "window_days",
}
#: Campaigns of these states were never sent, nor will be
UNSENT_STATES = ("draft", "cancelled")

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
    error = fields.Text(
        readonly=True, copy=False, help="Why it is held, or could not go on."
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
    includes_present = fields.Boolean(
        "Also Those in the Audience Now",
        default=True,
        help="Whoever is in the audience at approval is written to, too. Otherwise "
        "only those who come into it later.",
    )
    choice_ids = fields.One2many(
        "customer.campaign.choice", "campaign_id", string="Chosen", readonly=True
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
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: secrets.token_hex(16),
        help="With the customer's id it decides who is held out, always alike.",
    )
    gap_days = fields.Integer(
        "Days Between Messages",
        default=lambda self: self.env.company.root_id.customer_gap_days,
        help="Whoever got a message of any campaign or mailing in so many days, today "
        "included, gets none. 0: no limit.",
    )
    # what
    template_id = fields.Many2one(
        "customer.campaign.template",
        string="Made From",
        ondelete="set null",
        index="btree_not_null",
        help="The template that the message began with.",
    )
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
        "Result Period (Days)",
        required=True,
        default=30,
        help="What customers buy in so many days from the day of sending on counts.",
    )
    cost = fields.Monetary(help="What the campaign cost, sending and gifts included.")
    member_ids = fields.One2many(
        "customer.campaign.member",
        "campaign_id",
        string="Customers as Approved",
        readonly=True,
    )

    _holdout_valid = models.Constraint(
        "CHECK (holdout_share >= 0 AND holdout_share < 100)",
        "The hold-out is a percentage from 0 to less than 100.",
    )
    _days_valid = models.Constraint(
        "CHECK (gap_days >= 0 AND window_days > 0)",
        "Enter days of zero or more, and at least one day that counts.",
    )
    _standing_needs_audience = models.Constraint(
        "CHECK (is_standing IS NOT TRUE OR audience_id IS NOT NULL)",
        "A standing campaign follows an audience: choose one.",
    )

    @api.model
    def _get_strategies(self):
        """Return the strategies with their labels in the user's language."""
        return self._fields["strategy"]._description_selection(self.env)

    @api.constrains("company_id", "audience_id")
    def _check_audience_company(self):
        for campaign in self:
            if campaign.audience_id and (
                campaign.audience_id.company_id != campaign.company_id
            ):
                raise ValidationError(
                    self.env._(
                        "The audience is one of another company; choose another."
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            self._check_entered({"template_id"}.union(*vals_list), DRAFT_FIELDS)
            # nor by the defaults of the context: whoever chose the seed would choose
            # who is held out
            context = {
                key: value
                for key, value in self.env.context.items()
                if not key.startswith("default_")
                or key.removeprefix("default_") in OPEN_FIELDS | DRAFT_FIELDS
            }
            self = self.with_env(self.env(context=context))
        campaigns = super().create(vals_list)
        campaigns._make_mailings()
        return campaigns

    def write(self, vals):
        if not self.env.su:
            self._check_entered(
                vals,
                DRAFT_FIELDS if all(c.state == "draft" for c in self) else set(),
            )
        result = super().write(vals)
        if {"name", "channel", "user_id"} & vals.keys():
            self._update_mailings(vals)
        return result

    def copy(self, default=None):
        copies = super().copy(default)
        for campaign, copied in zip(self, copies, strict=True):
            copied._copy_choices(campaign)
            copied._copy_message(campaign)
        return copies

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if "name" not in (default or {}):
            for campaign, vals in zip(self, vals_list, strict=True):
                vals["name"] = self.env._("%s (copy)", campaign.name)
        return vals_list

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        if any(campaign.state not in UNSENT_STATES for campaign in self):
            raise UserError(
                self.env._(
                    "What was approved or sent stays, for its results. Cancel the "
                    "campaign first, or archive it."
                )
            )

    def unlink(self):
        # with their campaign, unsent messages have no recipients
        mailings = self.mailing_id.filtered(lambda m: m.state == "draft")
        result = super().unlink()
        mailings.unlink()
        return result

    def _check_entered(self, names, allowed):
        """Refuse fields that are not entered by hand, or not any more.

        :raise UserError: for what approval has frozen
        :raise AccessError: for what only the addon writes
        """
        refused = set(names) - OPEN_FIELDS - allowed
        if not refused:
            return
        if refused <= DRAFT_FIELDS:
            raise UserError(
                self.env._(
                    "The campaign was approved as it is. Take it back to draft to "
                    "change it, or make a copy."
                )
            )
        raise AccessError(
            self.env._("These fields of a campaign are not entered by hand.")
        )

    def _check_is_draft(self):
        if any(campaign.state != "draft" for campaign in self):
            raise UserError(self.env._("This campaign is no draft any more."))

    def _check_marketer(self):
        """Refuse who may not run campaigns: buttons are called over RPC, too."""
        if not (self.env.su or self.env.user.has_group(MARKETING_GROUP)):
            raise AccessError(self.env._("Only marketing may do this."))

    def _get_today(self):
        """Return what day it is where the company is."""
        self.ensure_one()
        return self.company_id.sudo()._get_customer_today()

    # Buttons that open something

    def action_open_members(self):
        """Open the customers of the campaign as approved."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_campaign_member_action"
        )
        return {
            **action,
            "display_name": self.env._("Customers of “%s”", self.name),
            "domain": [("campaign_id", "=", self.id)],
        }

    def action_open_customers(self):
        """Open those whom a draft is about, as of now."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.res_partner_action"
        )
        rows = self.env.execute_query(self._get_customers_query())
        return {
            **action,
            "name": self.name,
            "display_name": self.name,
            "domain": Domain("id", "in", [row[0] for row in rows]),
            "context": {},
            "path": False,
        }
