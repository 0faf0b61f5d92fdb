from odoo import api, fields, models
from odoo.tools import SQL


class CustomerCampaignOverlap(models.Model):
    """How much of a campaign's revenue another campaign counts, too.

    The same customers were written to in both, and the days that count overlap. Of
    three campaigns, what all of them count is in each of their rows.
    """

    _name = "customer.campaign.overlap"
    _inherit = ["customer.campaign.rows.mixin"]
    _description = "Campaigns That Overlap"
    _order = "campaign_id desc, revenue desc, id"
    _rec_name = "other_id"
    _log_access = False  # rewritten by the addon
    _campaign_fields = ("campaign_id", "other_id")

    campaign_id = fields.Many2one(
        "customer.campaign",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    other_id = fields.Many2one(
        "customer.campaign",
        string="Other Campaign",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="campaign_id.company_id")
    currency_id = fields.Many2one(related="company_id.currency_id")
    customer_count = fields.Integer("Customers", readonly=True)
    revenue = fields.Monetary(
        "Counted in Both",
        readonly=True,
        aggregator=None,
        help="Net revenue of the documents that count in both campaigns.",
    )

    @api.model
    def _update(self, campaign):
        """Write anew which other campaigns count the same documents."""
        self.search([("campaign_id", "=", campaign.id)]).unlink()
        Result = self.env["customer.campaign.result"]
        rows = self.env.execute_query_dict(
            SQL(
                """
                WITH member AS MATERIALIZED (%(members)s),
                document AS MATERIALIZED (%(documents)s)
                SELECT campaign_id AS other_id,
                       count(DISTINCT partner_id) AS customer_count,
                       sum(amount) AS revenue
                  FROM (%(overlaps)s) AS overlap
                 GROUP BY campaign_id
                """,
                members=Result._get_members_query(campaign),
                documents=Result._get_documents_query(campaign),
                overlaps=Result._get_overlaps_query(campaign),
            )
        )
        return self.create([{"campaign_id": campaign.id, **row} for row in rows])
