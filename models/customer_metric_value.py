from odoo import api, fields, models
from odoo.tools import format_date, formatLang

from .customer_engine_fields import EngineMany2one


class CustomerMetricValue(models.Model):
    """The value of a custom metric for a customer. Only the engine writes it.

    One row for each customer that has a value, in each company where the metric is
    company-aware. Which of the three columns holds it, the metric's kind of value says.
    """

    _name = "customer.metric.value"
    _inherit = ["customer.rows.mixin"]
    _description = "Metric Value"
    _order = "metric_id, value desc, id"
    _rec_name = "partner_id"
    _log_access = False  # a narrow row, written for every customer

    partner_id = EngineMany2one()
    company_id = EngineMany2one(
        required=False, help="Empty: the metric is the same in every company."
    )
    metric_id = EngineMany2one(
        "customer.metric", required=True, readonly=True, ondelete="cascade"
    )
    # no fixed number of decimals: means and quantities keep theirs
    value = fields.Float(digits=0, readonly=True, aggregator=None)
    value_date = fields.Date("Date", readonly=True)
    value_ref = fields.Integer("Record", readonly=True, aggregator=None)
    display_value = fields.Char("Shown As", compute="_compute_display_value")

    # An expression: PostgreSQL 13 takes two NULLs for different
    _key_unique = models.UniqueIndex(
        "(partner_id, metric_id, (COALESCE(company_id, 0)))"
    )
    _metric_company_idx = models.Index("(metric_id, company_id)")

    @api.depends("value", "value_date", "value_ref")
    @api.depends_context("lang")
    def _compute_display_value(self):
        for row in self:
            row.display_value = self._format(
                row.metric_id, row.company_id, row.value, row.value_date, row.value_ref
            )

    @api.model
    def _format(self, metric, company, value, value_date, value_ref):
        """Return a value as text for people."""
        match metric.value_type:
            case "date":
                return format_date(self.env, value_date)
            case "reference":
                if metric.relation not in self.env:
                    return ""
                # sudo: as on any many2one, the name shows to who sees the row
                record = self.env[metric.relation].sudo().browse(value_ref).exists()
                return record.display_name or ""
            case "monetary":
                return formatLang(self.env, value, currency_obj=company.currency_id)
            case "integer":
                return formatLang(self.env, value, digits=0)
        return formatLang(self.env, value, digits=2)
