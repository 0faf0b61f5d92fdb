from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, format_date

from ..models.customer_rights import check_manager

#: The company's settings by the name of the page's field
SETTINGS = {
    "population_domain": "customer_population_domain",
    "history_start": "customer_history_start",
    "window_days": "customer_window_days",
    "include_receipts": "customer_include_receipts",
    "include_intercompany": "customer_include_intercompany",
}
#: A first day with this share of all invoices looks like opening balances
OPENING_SHARE = 0.2
#: Fewer invoices say nothing about it
OPENING_MINIMUM = 20


class CustomerFirstSteps(models.TransientModel):
    """The page on which a company decides who is classified, and sees what comes.

    The preview is a real run that is taken back, with the settings and the dimensions
    as they are on the page; until "Switch On" nothing of it stays.
    """

    _name = "customer.first.steps"
    _description = "First Steps of the Customer Classification"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company.root_id,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    population_domain = fields.Char("Who Is a Customer", required=True)
    population_model = fields.Char(compute="_compute_population_model")
    history_start = fields.Date("History Starts On")
    window_days = fields.Integer("Period of Value (Days)", required=True)
    include_receipts = fields.Boolean("Sales Receipts Count as Revenue")
    include_intercompany = fields.Boolean("Classify the Group's Other Companies")
    history_hint = fields.Text("Your Invoices", compute="_compute_history_hint")
    opening_day = fields.Date(compute="_compute_history_hint")
    dimension_ids = fields.One2many(
        "customer.first.steps.dimension", "page_id", string="Dimensions"
    )
    line_ids = fields.One2many(
        "customer.first.steps.line", "page_id", string="Preview", readonly=True
    )
    is_previewed = fields.Boolean(readonly=True)
    problem = fields.Text("Could Not Be Computed", readonly=True)

    @api.depends_context("lang")
    def _compute_display_name(self):
        self.display_name = self.env._("First Steps")

    def _compute_population_model(self):
        self.population_model = "res.partner"

    @api.depends("company_id")
    def _compute_history_hint(self):
        for page in self:
            rows = page._get_invoices_by_day()
            page.opening_day = False
            if not rows:
                page.history_hint = self.env._("No posted customer invoice yet.")
                continue
            total = sum(count for _day, count in rows)
            by_year = {}
            for day, count in rows:
                by_year[day.year] = by_year.get(day.year, 0) + count
            page.history_hint = self.env._(
                "%(total)s posted invoices and credit notes, the first of %(day)s: "
                "%(years)s.",
                total=total,
                day=format_date(self.env, rows[0][0]),
                years=", ".join(f"{year}: {count}" for year, count in by_year.items()),
            )
            first_day, first_count = rows[0]
            if total >= OPENING_MINIMUM and first_count >= OPENING_SHARE * total:
                page.opening_day = first_day

    def _get_invoices_by_day(self):
        """Return pairs of day and number of posted invoices, the earliest first."""
        # sudo: how many there are is no secret to who configures what they mean
        return (
            self.env["account.move"]
            .sudo()
            ._read_group(
                [
                    ("state", "=", "posted"),
                    ("move_type", "in", ("out_invoice", "out_refund")),
                    ("company_id", "in", self.company_id._get_customer_branches().ids),
                    ("invoice_date", "!=", False),
                ],
                ["invoice_date:day"],
                ["__count"],
                order="invoice_date:day",
            )
        )

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        company = self.env.company.root_id.sudo()  # sudo: see `_check_manager`
        values |= {name: company[setting] for name, setting in SETTINGS.items()}
        dimensions = self.env["customer.dimension"].with_context(active_test=False)
        values["dimension_ids"] = [
            (0, 0, {"dimension_id": dimension.id, "is_on": dimension.active})
            for dimension in dimensions.search([])
        ]
        return values

    def action_preview(self):
        """Show what a run with the page's settings would give."""
        self.ensure_one()
        self._check_manager()
        rehearse = self.env["customer.classification.run"]._rehearse
        with rehearse(self.company_id, self._apply_settings) as run:
            # sudo: the lines of the rehearsed run tell what failed
            lines = run.sudo().line_ids
            problems = [t for line in lines for t in (line.error, line.warning) if t]
            preview = self._get_preview()
        self.line_ids.unlink()
        self.write(
            {
                "line_ids": [fields.Command.create(values) for values in preview],
                "problem": "\n".join(problems),
                "is_previewed": True,
            }
        )
        return True

    def action_switch_on(self):
        """Keep the page's settings and classify with them in the background."""
        self.ensure_one()
        self._check_manager()
        self._apply_settings()
        return self.env["customer.classification.run"].action_recompute_now()

    @api.model
    def action_open(self):
        """Open the page anew, with the settings of the active company."""
        return self.create({})._open()

    def _open(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("First Steps"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [[False, "form"]],
            "target": "current",
        }

    def _check_manager(self):
        """Refuse other people, and another company's settings.

        :raise AccessError: naming what is missing
        """
        check_manager(self.env)
        # sudo: the root of an allowed branch need not be allowed
        allowed = self.env.user.company_ids.sudo().root_id
        if self.company_id not in allowed:
            raise AccessError(
                self.env._("You may not change the settings of this company.")
            )

    def _apply_settings(self):
        """Write the page's settings to the company and to the dimensions."""
        company = self.company_id.sudo()  # sudo: rights were checked by the caller
        values = {
            setting: self[name]
            for name, setting in SETTINGS.items()
            if company[setting] != self[name]
        }
        if values:
            company.write(values)
        for row in self.dimension_ids:
            if row.dimension_id.active != row.is_on:
                row.dimension_id.active = row.is_on
        if not self.dimension_ids.filtered("is_on"):
            raise UserError(self.env._("Switch on at least one dimension."))

    def _get_preview(self):
        """Return a dict for each category in effect, with customers and revenue."""
        result = []
        linter = self.env["customer.linter"]
        self.env["customer.population"]._prepare(
            self.company_id, self.company_id._get_customer_settings()
        )
        for dimension in self.env["customer.dimension"]._get_shown():
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT held.category_id,
                           count(*),
                           COALESCE(sum(figures.revenue_window), 0)
                      FROM (%(held)s) AS held
                      LEFT JOIN customer_figures AS figures
                        ON figures.partner_id = held.partner_id
                       AND figures.company_id = %(company)s
                     GROUP BY held.category_id
                    """,
                    held=linter._get_held(dimension, self.company_id),
                    company=self.company_id.id,
                )
            )
            found = {category: (count, revenue) for category, count, revenue in rows}
            categories = self.env["customer.category"].browse(found)
            for category in categories.sorted(lambda c: (c.sequence, c.id)):
                count, revenue = found[category.id]
                result.append(
                    {
                        "dimension_id": dimension.id,
                        # the category itself may exist in the rehearsal only
                        "category": category.complete_name,
                        "color": category.color,
                        "count": count,
                        "revenue": revenue,
                    }
                )
        return result


class CustomerFirstStepsDimension(models.TransientModel):
    """Whether a dimension shall be used."""

    _name = "customer.first.steps.dimension"
    _description = "Dimension of the First Steps"
    _order = "id"
    _rec_name = "dimension_id"

    page_id = fields.Many2one(
        "customer.first.steps", required=True, index=True, ondelete="cascade"
    )
    dimension_id = fields.Many2one(
        "customer.dimension", required=True, ondelete="cascade"
    )
    is_on = fields.Boolean("In Use")
    method = fields.Selection(related="dimension_id.method")
    description = fields.Text(related="dimension_id.description")


class CustomerFirstStepsLine(models.TransientModel):
    """How many customers would be in a category."""

    _name = "customer.first.steps.line"
    _description = "Preview of the First Steps"
    _order = "id"
    _rec_name = "category"

    page_id = fields.Many2one(
        "customer.first.steps", required=True, index=True, ondelete="cascade"
    )
    dimension_id = fields.Many2one(
        "customer.dimension", readonly=True, ondelete="cascade"
    )
    category = fields.Char(readonly=True)
    color = fields.Integer(readonly=True)
    count = fields.Integer("Customers", readonly=True)
    revenue = fields.Monetary("Net Revenue in Period", readonly=True)
    currency_id = fields.Many2one(related="page_id.currency_id")
