from odoo import fields, models
from odoo.tools import SQL

from .customer_product_figures import MARGIN_GROUPS


class CustomerCampaignCategoryResult(models.Model):
    """Results of customers by the categories that they had at approval, to be counted.

    A row for each result and category: a customer is in one of each dimension, and may
    be in several of some. So amounts are averages, and nothing of them can be added up
    over dimensions. Whoever does not see a dimension does not see its rows: a record
    rule says so.
    """

    _name = "customer.campaign.category.result"
    _inherit = ["customer.campaign.rows.mixin", "customer.rows.mixin"]
    _description = "Campaign Result by Category"
    _order = "campaign_id desc, dimension_id, category_id, id"
    _rec_name = "partner_id"
    _auto = False
    _log_access = False
    _depends = {
        "customer.campaign.result": [
            "member_id",
            "campaign_id",
            "company_id",
            "partner_id",
            "role",
            "date_start",
            "sent",
            "opened",
            "clicked",
            "opted_out",
            "bought",
            "revenue",
            "margin",
        ],
        "customer.campaign.member": ["category_ids"],
        "customer.category": ["dimension_id"],
    }

    campaign_id = fields.Many2one("customer.campaign", readonly=True)
    strategy = fields.Selection(related="campaign_id.strategy")
    dimension_id = fields.Many2one("customer.dimension", readonly=True)
    category_id = fields.Many2one("customer.category", readonly=True)
    role = fields.Selection(
        lambda self: self.env["customer.campaign.result"]._get_roles(),
        string="Group",
        readonly=True,
    )
    date_start = fields.Date("Counted From", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    sent = fields.Integer(readonly=True)
    opened = fields.Integer(readonly=True)
    clicked = fields.Integer(readonly=True)
    opted_out = fields.Integer(readonly=True)
    bought = fields.Integer("Customers Who Bought", readonly=True)
    revenue = fields.Monetary("Revenue per Customer", readonly=True, aggregator="avg")
    margin = fields.Monetary(
        "Margin per Customer", readonly=True, aggregator="avg", groups=MARGIN_GROUPS
    )

    @property
    def _table_query(self):
        return SQL(
            """
            -- no row_number(): conditions would come after all rows
            SELECT (result.id::bigint << 24) + category.id AS id,
                   result.campaign_id, result.company_id, result.partner_id,
                   result.role, result.date_start,
                   category.dimension_id, category.id AS category_id,
                   result.sent, result.opened, result.clicked, result.opted_out,
                   result.bought, result.revenue, result.margin
              FROM customer_campaign_result AS result
              JOIN customer_campaign_member AS member ON member.id = result.member_id
              JOIN LATERAL jsonb_array_elements_text(
                       CASE jsonb_typeof(member.category_ids)
                            WHEN 'array' THEN member.category_ids
                       END
                   ) AS held (category_id) ON TRUE
              JOIN customer_category AS category
                ON category.id = held.category_id::integer
            """
        )
