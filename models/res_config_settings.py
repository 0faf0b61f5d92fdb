from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    customer_tz = fields.Selection(
        related="company_id.root_id.partner_id.tz",
        string="Time Zone of the Company",
        help="Where a day begins and ends for the company. Not set: UTC.",
        readonly=False,
    )
    customer_window_days = fields.Integer(
        related="company_id.root_id.customer_window_days", readonly=False
    )
    customer_history_start = fields.Date(
        related="company_id.root_id.customer_history_start", readonly=False
    )
    customer_population_domain = fields.Char(
        related="company_id.root_id.customer_population_domain", readonly=False
    )
    customer_include_receipts = fields.Boolean(
        related="company_id.root_id.customer_include_receipts", readonly=False
    )
    customer_include_intercompany = fields.Boolean(
        related="company_id.root_id.customer_include_intercompany", readonly=False
    )
