from odoo import api, fields, models
from odoo.fields import Command, Domain
from odoo.tools import SQL

#: Customers that a preview shows
PREVIEW_LIMIT = 10


class CustomerMetricPreview(models.TransientModel):
    """What a metric gives the first customers, computed now; no value is kept."""

    _name = "customer.metric.preview"
    _description = "Preview of a Metric"
    _rec_name = "metric_id"

    metric_id = fields.Many2one("customer.metric", required=True, readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    line_ids = fields.One2many(
        "customer.metric.preview.line", "preview_id", readonly=True
    )
    count = fields.Integer("Customers With a Value", readonly=True)

    @api.model
    def _create_for(self, metric):
        """Return a preview of ``metric`` in the active company.

        It shows the customers with the highest values, of those the user may see.
        """
        company = self.env.company.root_id if metric.is_company_aware else None
        as_of = self.env.company.root_id._get_customer_today()
        visible = self.env["res.partner"]._search(Domain.TRUE, active_test=False)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id, value, value_date, value_ref, count(*) OVER ()
                  FROM (%(query)s) AS computed
                 WHERE partner_id IN %(visible)s
                 ORDER BY value DESC NULLS LAST, value_date DESC, partner_id
                 LIMIT %(limit)s
                """,
                query=metric._get_query(company, as_of),
                visible=visible.subselect(),
                limit=PREVIEW_LIMIT,
            )
        )
        Value = self.env["customer.metric.value"]
        currency = company or self.env.company.root_id
        # sudo: nobody writes a preview but this method
        return (
            self.sudo()
            .create(
                {
                    "metric_id": metric.id,
                    "company_id": company and company.id,
                    "count": rows[0][-1] if rows else 0,
                    "line_ids": [
                        Command.create(
                            {
                                "partner_id": partner_id,
                                "display_value": Value._format(
                                    metric, currency, *values
                                ),
                            }
                        )
                        for partner_id, *values, _count in rows
                    ],
                }
            )
            .sudo(False)
        )


class CustomerMetricPreviewLine(models.TransientModel):
    _name = "customer.metric.preview.line"
    _description = "Customer in a Preview"

    preview_id = fields.Many2one(
        "customer.metric.preview", required=True, readonly=True, ondelete="cascade"
    )
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    display_value = fields.Char("Value", readonly=True)
