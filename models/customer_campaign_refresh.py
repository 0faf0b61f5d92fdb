import logging
from datetime import datetime, time

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_campaign_result import EVENTS
from .customer_product_figures import MARGIN_GROUPS

_logger = logging.getLogger(__name__)


class CustomerCampaign(models.Model):
    """What a campaign earned, counted every night and when somebody asks.

    The numbers are kept, and say as of when they are: a list of campaigns reads no
    document. They are of all customers of the campaign, whoever looks; rows of single
    customers (``customer.campaign.result``) follow the visibility of the customers.
    """

    _inherit = "customer.campaign"

    result_date = fields.Datetime("Counted On", readonly=True, copy=False)
    counted_until = fields.Date(
        readonly=True, copy=False, help="The last day that counts for any customer."
    )
    ongoing_count = fields.Integer(
        "Still Counted",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Customers whose days are not over yet.",
    )
    comparison_role = fields.Selection(
        [("holdout", "Held out"), ("control", "Control group")],
        "Compared With",
        readonly=True,
        copy=False,
    )
    result_target_count = fields.Integer(
        "Customers With Message",
        readonly=True,
        copy=False,
        help="As approved, those included whom the message did not reach.",
    )
    result_other_count = fields.Integer("Customers Without", readonly=True, copy=False)
    # what became of the messages
    sent_count = fields.Integer("Sent", readonly=True, copy=False)
    delivered_count = fields.Integer("Delivered", readonly=True, copy=False)
    opened_count = fields.Integer("Opened", readonly=True, copy=False)
    clicked_count = fields.Integer("Clicked", readonly=True, copy=False)
    replied_count = fields.Integer("Replied", readonly=True, copy=False)
    opted_out_count = fields.Integer("Opted Out", readonly=True, copy=False)
    bounced_count = fields.Integer("Bounced", readonly=True, copy=False)
    failed_count = fields.Integer("Failed", readonly=True, copy=False)
    # what those written to bought
    order_count = fields.Integer("Orders", readonly=True, copy=False, aggregator=None)
    has_orders = fields.Boolean(compute="_compute_has_orders")
    invoice_count = fields.Integer(
        "Invoices", readonly=True, copy=False, aggregator=None
    )
    revenue = fields.Monetary(
        readonly=True,
        copy=False,
        aggregator=None,
        help="Posted net revenue of those written to, in the days that count. It may "
        "count in other campaigns, too.",
    )
    revenue_once = fields.Monetary(
        "Revenue, Each Invoice Once",
        readonly=True,
        copy=False,
        help="Can be added up over campaigns: an invoice counts in the campaign whose "
        "message came last before it.",
    )
    revenue_shared = fields.Monetary(
        "Also in Other Campaigns", readonly=True, copy=False, aggregator=None
    )
    # against those without the message
    lift = fields.Monetary(
        "Difference per Customer",
        readonly=True,
        copy=False,
        aggregator=None,
        help="How much more each customer with the message bought, on the average.",
    )
    lift_low = fields.Monetary(
        "Difference, at Least", readonly=True, copy=False, aggregator=None
    )
    lift_high = fields.Monetary(
        "Difference, at Most", readonly=True, copy=False, aggregator=None
    )
    lift_verdict = fields.Selection(
        lambda self: (
            self.env["customer.campaign.comparison"]
            ._fields["verdict"]
            ._description_selection(self.env)
        ),
        "Effect Shown",
        readonly=True,
        copy=False,
    )
    effect = fields.Monetary(
        "Effect in All",
        readonly=True,
        copy=False,
        aggregator=None,
        help="The difference times the number of customers with the message. Effects "
        "of campaigns that overlap cannot be added up.",
    )
    effect_low = fields.Monetary(
        "Effect, at Least", readonly=True, copy=False, aggregator=None
    )
    effect_high = fields.Monetary(
        "Effect, at Most", readonly=True, copy=False, aggregator=None
    )
    effect_limits = fields.Char(compute="_compute_result_text")
    margin_effect = fields.Monetary(
        "Effect on Margin",
        readonly=True,
        copy=False,
        aggregator=None,
        groups=MARGIN_GROUPS,
    )
    needed_target_count = fields.Integer(
        "Customers Needed With", readonly=True, copy=False, aggregator=None
    )
    needed_other_count = fields.Integer(
        "Customers Needed Without", readonly=True, copy=False, aggregator=None
    )
    return_amount = fields.Monetary(
        "Return", compute="_compute_return", help="In revenue, not in margin."
    )
    return_ratio = fields.Float(
        "Effect per Cost",
        compute="_compute_return",
        digits=(16, 2),
        help="How much revenue came of each unit of money that the campaign cost.",
    )
    margin_return = fields.Monetary(
        "Margin Less Cost", compute="_compute_margin_return", groups=MARGIN_GROUPS
    )
    comparison_ids = fields.One2many(
        "customer.campaign.comparison",
        "campaign_id",
        domain=[("category_id", "=", False)],
        readonly=True,
    )
    category_comparison_ids = fields.One2many(
        "customer.campaign.comparison",
        "campaign_id",
        string="Comparison by Category",
        domain=[("category_id", "!=", False), ("measure", "=", "revenue")],
        readonly=True,
    )
    overlap_ids = fields.One2many(
        "customer.campaign.overlap",
        "campaign_id",
        string="Counted in Other Campaigns",
        readonly=True,
    )

    def _compute_has_orders(self):
        self.has_orders = "sale.order" in self.env

    @api.depends("effect", "cost", "comparison_role")
    def _compute_return(self):
        for campaign in self:
            known = campaign.effect if campaign.comparison_role else 0
            campaign.return_amount = known - campaign.cost
            campaign.return_ratio = known / campaign.cost if campaign.cost else 0

    @api.depends("margin_effect", "cost", "comparison_role")
    def _compute_margin_return(self):
        for campaign in self:
            known = campaign.margin_effect if campaign.comparison_role else 0
            campaign.margin_return = known - campaign.cost

    # Buttons

    def action_refresh_results(self):
        """Count now what these campaigns earned, and those that count the same days."""
        self.check_access("read")
        campaigns = self | self.overlap_ids.other_id
        # sudo: all customers of the campaigns count, and nobody enters results by hand
        for campaign in campaigns.sudo():
            campaign._refresh_results()

    def action_open_results(self):
        """Open what each customer of the campaign did, as far as the user sees them."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_campaign_result_action_customers"
        )
        action["domain"] = [("campaign_id", "=", self.id)]
        return action

    def action_open_comparisons(self):
        """Open the comparisons by category."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_campaign_comparison_action"
        )
        action["domain"] = [("campaign_id", "=", self.id)]
        return action

    # Counting

    def _refresh_results(self):
        """Count what the campaign earned as of today. Run as superuser."""
        self.ensure_one()
        self.env["customer.campaign.result"]._update(self)
        counts = self._get_result_counts()
        by_role = {role: counts.pop(f"{role}_count") for role in ("holdout", "control")}
        role = next((role for role in by_role if by_role[role]), False)
        self.write(
            {
                **counts,
                "comparison_role": role if counts["result_target_count"] else False,
                "result_date": fields.Datetime.now(),
            }
        )
        total = self.env["customer.campaign.comparison"]._update(self)
        margin = self.comparison_ids.filtered(lambda row: row.measure == "margin")
        self.env["customer.campaign.overlap"]._update(self)
        self.write(
            {
                "result_other_count": total.other_count,
                "lift": total.difference,
                "lift_low": total.low,
                "lift_high": total.high,
                "lift_verdict": total.verdict,
                "effect": total.effect,
                "effect_low": total.effect_low,
                "effect_high": total.effect_high,
                "margin_effect": margin.effect,
                "needed_target_count": total.needed_target_count,
                "needed_other_count": total.needed_other_count,
            }
        )

    def _get_result_counts(self):
        """Return the sums of the stored results, as values of the campaign."""
        events = SQL(", ").join(
            SQL(
                "COALESCE(sum(%s) FILTER (WHERE role = 'target'), 0) AS %s",
                SQL.identifier(event),
                SQL.identifier(f"{event}_count"),
            )
            for event in EVENTS
        )
        [counts] = self.env.execute_query_dict(
            SQL(
                """
                SELECT count(*) FILTER (WHERE role = 'target') AS result_target_count,
                       count(*) FILTER (WHERE role = 'holdout') AS holdout_count,
                       count(*) FILTER (WHERE role = 'control') AS control_count,
                       count(*) FILTER (WHERE date_end >= %(today)s) AS ongoing_count,
                       max(date_end) AS counted_until,
                       COALESCE(sum(order_count) FILTER (WHERE role = 'target'), 0)
                           AS order_count,
                       COALESCE(sum(invoice_count) FILTER (WHERE role = 'target'), 0)
                           AS invoice_count,
                       COALESCE(sum(revenue) FILTER (WHERE role = 'target'), 0)
                           AS revenue,
                       COALESCE(sum(revenue_once), 0) AS revenue_once,
                       COALESCE(sum(revenue_shared), 0) AS revenue_shared,
                       %(events)s
                  FROM customer_campaign_result
                 WHERE campaign_id = %(campaign)s
                """,
                today=self.company_id._get_customer_today(),
                events=events,
                campaign=self.id,
            )
        )
        return counts

    # Every night

    @api.model
    def _cron_refresh_results(self):
        """Count the campaigns that were sent, and close those whose days are over.

        Each is committed; one that fails is logged, and tried again the next night.
        """
        campaigns = self._get_campaigns_to_count()
        commit_progress = self.env["ir.cron"]._commit_progress
        time_left = commit_progress(remaining=len(campaigns))
        for campaign in campaigns:
            if time_left <= 0:
                return
            try:
                with self.env.cr.savepoint():
                    campaign._refresh_results()
                    campaign._close_if_over()
            except Exception:
                self.env.invalidate_all()
                _logger.exception("Results of campaign %s cannot be counted", campaign)
            time_left = commit_progress(1)

    @api.model
    def _get_campaigns_to_count(self):
        """Return the campaigns whose days go on, and that were not counted today.

        One that was closed by hand is counted to the end of its days. The longest not
        counted come first.
        """
        midnight = datetime.combine(fields.Date.today(), time.min)
        return self.with_context(active_test=False).search(
            [
                ("sent_on", "!=", False),
                "|",
                ("result_date", "=", False),
                "&",
                ("result_date", "<", midnight),
                "|",
                ("state", "in", ("running", "held")),
                ("ongoing_count", ">", 0),
            ],
            order="result_date ASC NULLS FIRST, id",
        )

    def _close_if_over(self):
        """Close the campaign once no day counts any more; a standing one goes on."""
        self.ensure_one()
        if (
            self.state == "running"
            and not self.is_standing
            and self.counted_until
            and not self.ongoing_count
            and not self._has_coming_members()
        ):
            self._unqueue()
            self.state = "done"

    def _has_coming_members(self):
        """Return whether customers are yet to be counted from a later day on."""
        return bool(
            self.member_ids.search_count(
                [
                    ("campaign_id", "=", self.id),
                    ("role", "!=", "excluded"),
                    ("date_start", ">", self.company_id._get_customer_today()),
                ],
                limit=1,
            )
        )
