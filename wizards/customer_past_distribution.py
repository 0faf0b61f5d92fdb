from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL, format_date

from ..models.customer_rights import MANAGER_GROUP, USER_GROUP


class CustomerPastDistribution(models.TransientModel):
    """How the customers of a dimension were distributed on a past day.

    Two different questions, side by side:

    * what was *shown* on that day, decisions by hand included: from the history;
    * what *today's ledger* says about that day, with today's rules and with invoices
      that were posted or corrected since: a run as of the day computes it.
    """

    _name = "customer.past.distribution"
    _description = "Past Day"
    _transient_max_hours = 24

    dimension_id = fields.Many2one(
        "customer.dimension",
        required=True,
        default=lambda self: self._get_default_dimension(),
        domain=lambda self: self.env["customer.dimension"]._get_visible_domain(),
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company.root_id,
    )
    day = fields.Date(
        required=True,
        default=lambda self: fields.Date.subtract(fields.Date.today(), months=1),
    )
    shown_day = fields.Date("Counted For", readonly=True)
    shown_dimension_id = fields.Many2one("customer.dimension", readonly=True)
    line_ids = fields.One2many(
        "customer.past.distribution.line", "distribution_id", readonly=True
    )
    is_current = fields.Boolean(compute="_compute_is_current")
    complete_since = fields.Date(
        "History Is Complete Since", compute="_compute_complete_since"
    )
    run_id = fields.Many2one("customer.classification.run", readonly=True)
    run_state = fields.Selection(related="run_id.state")
    is_ledger_counted = fields.Boolean(
        readonly=True, help="The lines have what today's ledger says."
    )
    can_run = fields.Boolean(compute="_compute_can_run")
    is_nobody_shown = fields.Boolean(compute="_compute_is_nobody_shown")

    @api.model
    def _get_default_dimension(self):
        Dimension = self.env["customer.dimension"]
        dimensions = Dimension._get_shown().filtered_domain(
            Dimension._get_visible_domain()
        )
        return dimensions.filtered("is_main")[:1] or dimensions[:1]

    @api.depends("shown_day")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for past in self:
            past.display_name = self.env._("Past Day")

    @api.depends("day", "dimension_id", "shown_day", "shown_dimension_id")
    def _compute_is_current(self):
        for past in self:
            past.is_current = (
                bool(past.shown_day)
                and past.day == past.shown_day
                and past.dimension_id == past.shown_dimension_id
            )

    @api.depends("day", "dimension_id")
    def _compute_complete_since(self):
        for past in self:
            since = past.dimension_id and past.dimension_id._get_complete_since(
                past.company_id
            )
            past.complete_since = past.day and since and past.day < since and since

    @api.depends("dimension_id", "day")
    @api.depends_context("uid")
    def _compute_can_run(self):
        is_manager = self.env.user.has_group(MANAGER_GROUP)
        for past in self:
            # runs of past days leave out what all companies share
            past.can_run = (
                is_manager
                and past.dimension_id.method not in (False, "manual")
                and not past.dimension_id.is_shared
            )

    @api.depends("line_ids.shown_count", "shown_day")
    def _compute_is_nobody_shown(self):
        for past in self:
            past.is_nobody_shown = past.shown_day and not any(
                past.line_ids.mapped("shown_count")
            )

    def action_show(self):
        """Count what was shown on the day, and what the ledger says, if known."""
        self.ensure_one()
        self._check_day()
        lines = self._get_lines()
        # sudo: nobody writes the lines but this method
        self.sudo().write(
            {
                "shown_day": self.day,
                "shown_dimension_id": self.dimension_id.id,
                "line_ids": [Command.clear(), *lines],
                "is_ledger_counted": self.run_state == "done",
            }
        )

    def action_ask_ledger(self):
        """Compute, in the background, what today's ledger says about the day."""
        self.ensure_one()
        self._check_day()
        if not self.can_run:
            raise UserError(
                self.env._(
                    "Only managers compute past days, and only of dimensions that "
                    "are computed for a company of its own."
                )
            )
        Run = self.env["customer.classification.run"]
        # sudo: nobody writes the run of a past day but this method
        self.sudo().run_id = Run._request_past(self.company_id, self.day)
        self.action_show()

    def action_open_run(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "customer.classification.run",
            "res_id": self.run_id.id,
            "views": [(False, "form")],
        }

    def _check_day(self):
        if self.day > self.company_id._get_customer_today():
            raise UserError(
                self.env._(
                    "%(date)s has not come yet: choose today or a day in the past.",
                    date=format_date(self.env, self.day),
                )
            )
        visible = self.env["customer.dimension"]._get_visible_domain()
        if not self.dimension_id.filtered_domain(visible):
            raise UserError(self.env._("Choose a dimension that you may see."))

    def _get_lines(self):
        """Return commands that create a line for each category that shows anywhere."""
        dimension, company = self.dimension_id, self.company_id
        today = company._get_customer_today()
        shown = dimension._get_distribution(company, self.day)
        now = dimension._get_distribution(company, today)
        if self.run_id.as_of != self.day:
            self.sudo().run_id = False
        ledger = self._get_ledger()
        used = shown.keys() | now.keys() | ledger.keys()
        # sudo: who may see the dimension may see its categories
        categories = (
            self.env["customer.category"]
            .sudo()
            .with_context(active_test=False)
            .search([("dimension_id", "=", dimension.id)])
            .filtered(lambda c: c.id in used or (c.active and not c.parent_id))
        )
        return [
            Command.create(
                {
                    "sequence": sequence,
                    "category_id": category.id,
                    "shown_count": shown.get(category.id, 0),
                    "today_count": now.get(category.id, 0),
                    "ledger_count": ledger.get(category.id, 0),
                }
            )
            for sequence, category in enumerate(
                categories.sorted(lambda c: c._get_tree_key())
            )
        ]

    def _get_ledger_domain(self):
        """Return the domain of what the run staged of the dimension."""
        return Domain(
            [
                ("line_id.run_id", "=", self.run_id.id),
                ("company_id", "=", self.company_id.id),
                ("dimension_id", "=", self.dimension_id.id),
                ("category_id", "!=", False),
            ]
        )

    def _get_ledger(self):
        """Return the number of customers by id of the category, as the run says."""
        if not self.run_id:
            return {}
        groups = self.env["customer.staging"]._read_group(
            self._get_ledger_domain(), ["category_id"], ["__count"]
        )
        return {category.id: count for category, count in groups}


class CustomerPastDistributionLine(models.TransientModel):
    _name = "customer.past.distribution.line"
    _description = "Category on a Past Day"
    _order = "sequence, id"
    _rec_name = "category_id"

    distribution_id = fields.Many2one(
        "customer.past.distribution", required=True, readonly=True, ondelete="cascade"
    )
    sequence = fields.Integer(readonly=True)
    category_id = fields.Many2one("customer.category", required=True, readonly=True)
    shown_count = fields.Integer("Shown on That Day", readonly=True)
    today_count = fields.Integer("Shown Today", readonly=True)
    difference = fields.Integer("Since Then", compute="_compute_difference")
    ledger_count = fields.Integer("Today's Ledger About That Day", readonly=True)

    @api.depends("shown_count", "today_count")
    def _compute_difference(self):
        for line in self:
            line.difference = line.today_count - line.shown_count

    def action_open_shown(self):
        return self._open_customers("customer_past_line_id")

    def action_open_today(self):
        return self._open_customers("customer_today_line_id")

    def action_open_ledger(self):
        """Open what the run staged for the category."""
        self.ensure_one()
        past = self.distribution_id
        return {
            "type": "ir.actions.act_window",
            "name": self.category_id.name,
            "res_model": "customer.staging",
            "views": [(False, "list")],
            "domain": list(
                past._get_ledger_domain()
                & Domain("category_id", "=", self.category_id.id)
            ),
        }

    def _open_customers(self, field_name):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.category_id.name,
            "res_model": "res.partner",
            "views": [(False, "list"), (False, "form")],
            "domain": [(field_name, "=", self.id)],
            "context": {"active_test": False},
        }

    def _get_shown(self, is_today):
        """Return SQL that selects the customers behind a number of the line."""
        self.ensure_one()
        past = self.distribution_id
        company = past.company_id
        day = company._get_customer_today() if is_today else past.shown_day
        return SQL(
            "SELECT partner_id FROM (%s) AS shown WHERE category_id = %s",
            past.shown_dimension_id._get_shown_query(company, day),
            self.category_id.id,
        )


class ResPartner(models.Model):
    """Finds the customers behind the numbers of a past day; no field to be shown."""

    _inherit = "res.partner"

    customer_past_line_id = fields.Many2one(
        "customer.past.distribution.line",
        string="Category on a Past Day",
        compute="_compute_customer_past_lines",
        search="_search_customer_past_line_id",
        groups=USER_GROUP,
    )
    customer_today_line_id = fields.Many2one(
        "customer.past.distribution.line",
        string="Category of a Past Day, Today",
        compute="_compute_customer_past_lines",
        search="_search_customer_today_line_id",
        groups=USER_GROUP,
    )

    def _compute_customer_past_lines(self):
        self.customer_past_line_id = False
        self.customer_today_line_id = False

    def _search_customer_past_line_id(self, operator, value):
        return self._search_shown("customer_past_line_id", operator, value)

    def _search_customer_today_line_id(self, operator, value):
        return self._search_shown("customer_today_line_id", operator, value)

    def _search_shown(self, field_name, operator, value):
        if operator != "in":
            return NotImplemented
        # Odoo checks no access to a field that a method searches
        self._check_field_access(self._fields[field_name], "read")
        lines = self.env["customer.past.distribution.line"].browse(
            id_ for id_ in value if id_
        )
        # another user's lines may be about a dimension that is hidden from this one
        lines = lines.exists()
        lines.check_access("read")
        lines.distribution_id._check_day()
        return Domain.OR(
            Domain("id", "in", line._get_shown(field_name == "customer_today_line_id"))
            for line in lines
        )
