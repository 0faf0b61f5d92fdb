import secrets
from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.orm.models import NO_ACCESS
from odoo.tools import format_date

STEPS = [("aim", "Whom and Why"), ("message", "Message"), ("sending", "Sending")]


class CustomerCampaignWizard(models.TransientModel):
    """The way to a campaign: whom and why, with which message, when.

    It ends with a draft. Nothing is sent before that is approved.
    """

    _name = "customer.campaign.wizard"
    _description = "New Campaign"

    step = fields.Selection(STEPS, required=True, default="aim")
    name = fields.Char(
        "Campaign", compute="_compute_name", store=True, readonly=False, precompute=True
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company.root_id
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    # whom and why
    audience_id = fields.Many2one(
        "customer.audience", domain="[('company_id', '=', company_id)]"
    )
    chosen_domain = fields.Char(readonly=True)
    chosen_archived = fields.Boolean(readonly=True)
    chosen_count = fields.Integer("Chosen Contacts", compute="_compute_chosen_count")
    strategy = fields.Selection(
        lambda self: self.env["customer.campaign"]._get_strategies(),
        required=True,
        default="maintain",
    )
    purpose = fields.Text(help="What the campaign is to achieve.")
    is_standing = fields.Boolean(
        "Standing Campaign",
        help="Goes on: everybody who comes into the audience is written to, once.",
    )
    includes_present = fields.Boolean("Also Those in the Audience Now", default=True)
    # message
    channel = fields.Selection(
        [("mail", "Email"), ("sms", "SMS")], required=True, default="mail"
    )
    template_id = fields.Many2one(
        "customer.campaign.template",
        compute="_compute_template_id",
        store=True,
        readonly=False,
        precompute=True,
        domain="[('channel', '=', channel)]",
        help="Where the message begins; you edit it afterwards. Empty: with nothing.",
    )
    lang = fields.Selection(
        lambda self: self.env["res.lang"].get_installed(),
        string="Language of the Message",
        required=True,
        default=lambda self: self.env.lang or self.env.user.lang,
    )
    message_preview = fields.Html(compute="_compute_message_preview", sanitize=False)
    # sending
    schedule_date = fields.Datetime("Send On", help="Empty: once approved.")
    holdout_share = fields.Float(
        "Hold-Out (%)",
        digits=(5, 2),
        default=10.0,
        help="So many of the customers, chosen by chance, get nothing: the difference "
        "to them is what the campaign earned.",
    )
    # as the draft will have it, so that the numbers are its own
    holdout_seed = fields.Char(readonly=True, groups=NO_ACCESS)
    gap_days = fields.Integer(
        "Days Between Messages",
        default=lambda self: self.env.company.root_id.customer_gap_days,
        help="Whoever got a message of any campaign or mailing in so many days, today "
        "included, gets none. 0: no limit.",
    )
    window_days = fields.Integer(
        "Result Period (Days)",
        required=True,
        default=30,
        help="What customers buy in so many days from the day of sending on counts.",
    )
    cost = fields.Monetary(help="What the campaign cost, sending and gifts included.")
    preview = fields.Html(compute="_compute_preview", sanitize=False)

    @api.depends("audience_id", "strategy")
    def _compute_name(self):
        strategies = dict(self.env["customer.campaign"]._get_strategies())
        for wizard in self:
            today = format_date(self.env, fields.Date.context_today(wizard))
            about = wizard.audience_id.name or today
            wizard.name = f"{strategies.get(wizard.strategy, '')}: {about}"

    @api.depends("strategy", "channel", "audience_id")
    def _compute_template_id(self):
        Template = self.env["customer.campaign.template"]
        for wizard in self:
            wizard.template_id = Template._find(
                wizard.strategy, wizard.channel, wizard._get_categories()
            )

    @api.onchange("audience_id")
    def _onchange_audience_id(self):
        """Propose the strategy that suits the categories of the audience."""
        if fitting := self.env["customer.campaign.template"]._find(
            None, self.channel, self._get_categories()
        ):
            self.strategy = fitting.strategy
        if not self.audience_id:
            self.is_standing = False

    def _get_categories(self):
        """Return the categories that the audience asks for."""
        audience = self.audience_id
        return (
            audience.all_category_ids
            | audience.any_category_ids
            | audience.change_ids.category_id
        )

    @api.depends("chosen_domain")
    def _compute_chosen_count(self):
        for wizard in self:
            wizard.chosen_count = (
                self.env["res.partner"]
                .with_context(active_test=not wizard.chosen_archived)
                .search_count(literal_eval(wizard.chosen_domain))
                if wizard.chosen_domain
                else 0
            )

    @api.depends("template_id", "lang", "company_id")
    def _compute_message_preview(self):
        for wizard in self:
            template = wizard.template_id
            wizard.message_preview = (
                template._render_preview(wizard.company_id, wizard.lang)
                if template
                else False
            )

    @api.depends(
        "step",
        "audience_id",
        "is_standing",
        "includes_present",
        "channel",
        "schedule_date",
        "holdout_share",
        "gap_days",
    )
    def _compute_preview(self):
        """Show what approving would give, as the draft will show it."""
        for wizard in self:
            if wizard.step != "sending" or not wizard.audience_id:
                wizard.preview = False
                continue
            draft = self.env["customer.campaign"].new(wizard._get_draft_values())
            # sudo: people cannot enter it; it is the one that the draft will have
            draft.holdout_seed = wizard._origin.sudo().holdout_seed
            wizard.preview = draft.preview

    @api.model_create_multi
    def create(self, vals_list):
        wizards = super().create(vals_list)
        for wizard in wizards.sudo():  # sudo: people cannot enter it
            wizard.holdout_seed = secrets.token_hex(16)
        return wizards

    # Steps

    def action_next(self):
        """Go to the next step."""
        return self._go(1)

    def action_back(self):
        """Go back to the step before."""
        return self._go(-1)

    def _go(self, direction):
        self.ensure_one()
        steps = [step for step, _label in STEPS]
        if direction > 0:
            self._check_whom()
        self.step = steps[steps.index(self.step) + direction]
        return self._open()

    def _check_whom(self):
        if not self.audience_id and not self.chosen_domain:
            raise UserError(
                self.env._(
                    "Choose an audience. Or select customers in a list, and "
                    "“New Campaign” in its action menu."
                )
            )
        if self.is_standing and not self.audience_id:
            raise UserError(self.env._("A standing campaign follows an audience."))

    def action_create(self):
        """Make the draft, and open it."""
        self.ensure_one()
        self._check_whom()
        campaign = self.env["customer.campaign"].create(self._get_draft_values())
        # sudo: people cannot enter it
        campaign.sudo().holdout_seed = self.sudo().holdout_seed
        if not self.audience_id:
            campaign._add_choices(
                literal_eval(self.chosen_domain), active_test=not self.chosen_archived
            )
        if self.template_id:
            campaign._write_message(self.template_id, self.lang)
        return {
            "type": "ir.actions.act_window",
            "res_model": campaign._name,
            "res_id": campaign.id,
            "views": [[False, "form"]],
        }

    def _get_draft_values(self):
        return {
            "name": self.name,
            "company_id": self.company_id.id,
            "audience_id": self.audience_id.id,
            "strategy": self.strategy,
            "purpose": self.purpose,
            "is_standing": self.is_standing,
            "includes_present": self.includes_present,
            "channel": self.channel,
            "template_id": self.template_id.id,
            "schedule_date": self.schedule_date,
            "holdout_share": self.holdout_share,
            "gap_days": self.gap_days,
            "window_days": self.window_days,
            "cost": self.cost,
        }

    # Where it is opened from

    @api.model
    def _open_for_active(self):
        """Open the dialog for the contacts that are chosen in a list."""
        domain, active_test = self.env["customer.bulk"]._get_chosen_domain()
        return self.create(
            {"chosen_domain": repr(domain), "chosen_archived": not active_test}
        )._open()

    def _open(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Campaign"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [[False, "form"]],
            "target": "new",
        }
