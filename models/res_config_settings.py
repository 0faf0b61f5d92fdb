from odoo import api, fields, models
from odoo.exceptions import UserError

CHANGES_CRON = "customer_classification.ir_cron_classify_changes"
SAMPLE_PARAMETER = "customer_classification.check_sample"


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
    customer_night_hour = fields.Integer(
        related="company_id.root_id.customer_night_hour", readonly=False
    )
    customer_history_months = fields.Integer(
        related="company_id.root_id.customer_history_months", readonly=False
    )
    customer_gap_days = fields.Integer(
        related="company_id.root_id.customer_gap_days", readonly=False
    )
    customer_control_share = fields.Float(
        related="company_id.root_id.customer_control_share", readonly=False
    )
    customer_follow_minutes = fields.Integer(
        string="Follow Changes Every (Minutes)",
        help="So many minutes after an invoice, a payment or a contact changed, the "
        "customer is classified anew. 0: not before the night.",
    )

    customer_check_sample = fields.Integer(
        string="Customers Compared by a Check",
        config_parameter=SAMPLE_PARAMETER,
        help="So many customers are computed anew and compared by each scheduled "
        "check, in turn. 0: all.",
    )

    @api.model
    def get_values(self):
        values = super().get_values()
        # sudo: scheduled actions belong to Odoo's administrators
        cron = self.env.ref(CHANGES_CRON).sudo()
        values["customer_follow_minutes"] = cron.active and cron.interval_number
        return values

    def set_values(self):
        result = super().set_values()
        minutes = self.customer_follow_minutes
        if not 0 <= minutes <= 1440:
            raise UserError(
                self.env._(
                    "Changes can be followed every 1 to 1440 minutes; enter 0 to leave "
                    "them to the night."
                )
            )
        # sudo: scheduled actions belong to Odoo's administrators
        cron = self.env.ref(CHANGES_CRON).sudo()
        if minutes != (cron.active and cron.interval_number):
            cron.write(
                {
                    "active": bool(minutes),
                    "interval_number": minutes or cron.interval_number,
                    "interval_type": "minutes",
                }
            )
        return result
