from collections import defaultdict
from math import ceil

from odoo import api, fields, models
from odoo.tools import SQL, format_amount, formatLang

from .customer_lift import Sample, compare

#: What is compared, and the columns of the sums
MEASURES = [("revenue", "Revenue"), ("margin", "Margin"), ("buyers", "Buyers (%)")]


class CustomerCampaignComparison(models.Model):
    """What customers with the message did against those without, on the average.

    A row for each measure: of the campaign, and of each category that its customers had
    at approval. Customers count in the group that they were approved in, whether or not
    the message reached them (intention to treat): so the groups differ by chance only.
    The statistics are those of :mod:`customer_lift`. With many categories, some of them
    differ by chance: of forty, one is said to buy more without any effect.

    Margins are seen by managers, and categories by those who see their dimension; the
    record rules say so.
    """

    _name = "customer.campaign.comparison"
    _inherit = ["customer.campaign.rows.mixin"]
    _description = "Campaign Comparison"
    _order = "campaign_id desc, dimension_id, category_id, id"
    _rec_name = "measure"
    _log_access = False  # rewritten by the addon

    campaign_id = fields.Many2one(
        "customer.campaign",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="campaign_id.company_id")
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    measure = fields.Selection(MEASURES, required=True, readonly=True)
    dimension_id = fields.Many2one(
        "customer.dimension", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    category_id = fields.Many2one(
        "customer.category",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
        help="The customer's category at approval. Empty: all customers.",
    )
    target_count = fields.Integer("Customers With Message", readonly=True)
    other_count = fields.Integer("Customers Without", readonly=True)
    target_mean = fields.Float(
        "With Message", digits=(16, 2), readonly=True, aggregator="avg"
    )
    other_mean = fields.Float(
        "Without", digits=(16, 2), readonly=True, aggregator="avg"
    )
    difference = fields.Float(
        digits=(16, 2),
        readonly=True,
        aggregator="avg",
        help="How much more each customer with the message bought, on the average.",
    )
    low = fields.Float(
        "At Least",
        digits=(16, 2),
        readonly=True,
        aggregator=None,
        help="With 95 % confidence, the difference is between these limits.",
    )
    high = fields.Float(
        "At Most",
        digits=(16, 2),
        readonly=True,
        aggregator=None,
        help="With 95 % confidence, the difference is between these limits.",
    )
    has_limits = fields.Boolean(
        readonly=True,
        help="Whether there are limits: a page shows 0 where there are none.",
    )
    limits = fields.Char(
        "Between",
        compute="_compute_limits",
        help="With 95 % confidence, the difference is between these limits.",
    )
    verdict = fields.Selection(
        [
            ("more", "More"),
            ("less", "Less"),
            ("unclear", "May be chance"),
            ("none", "No comparison"),
        ],
        "Effect Shown",
        required=True,
        readonly=True,
    )
    effect = fields.Float(
        "In All",
        digits=(16, 2),
        readonly=True,
        aggregator=None,
        help="The difference times the number of customers with the message.",
    )
    effect_low = fields.Float("In All, at Least", digits=(16, 2), readonly=True)
    effect_high = fields.Float("In All, at Most", digits=(16, 2), readonly=True)
    needed_target_count = fields.Integer(
        "Customers Needed With",
        readonly=True,
        aggregator=None,
        help="With so many customers, at the same split, a difference of this size "
        "would be shown with 80 % probability.",
    )
    needed_other_count = fields.Integer(
        "Customers Needed Without", readonly=True, aggregator=None
    )

    @api.depends("measure", "campaign_id")
    def _compute_currency_id(self):
        for row in self:
            is_money = row.measure != "buyers"
            row.currency_id = is_money and row.campaign_id.currency_id

    @api.depends("low", "high", "has_limits", "currency_id")
    @api.depends_context("lang")
    def _compute_limits(self):
        for row in self:
            if not row.has_limits:
                row.limits = False
                continue
            row.limits = self.env._(
                "%(low)s to %(high)s",
                low=row._format(row.low),
                high=row._format(row.high),
            )

    def _format(self, value):
        """Return a value as money, or with two digits."""
        if self.currency_id:
            return format_amount(self.env, value, self.currency_id)
        return formatLang(self.env, value, digits=2)

    @api.model
    def _update(self, campaign):
        """Compare anew, from the stored results. Run as superuser.

        :return: the row about the revenue of all customers, as a record
        """
        self.search([("campaign_id", "=", campaign.id)]).unlink()
        samples = self._get_samples(campaign)
        vals_list = []
        for category, by_role in samples.items():
            for number, (measure, _label) in enumerate(MEASURES):
                if category and measure == "buyers":
                    continue
                target, other = (
                    by_role.get(role, [Sample(0)] * len(MEASURES))[number]
                    for role in ("target", campaign.comparison_role)
                )
                if measure == "margin" and not self._is_margin_known(
                    by_role, campaign.comparison_role
                ):
                    continue
                vals_list.append(
                    {
                        "campaign_id": campaign.id,
                        "dimension_id": category.dimension_id.id,
                        "category_id": category.id,
                        "measure": measure,
                        **self._get_values(target, other),
                    }
                )
        rows = self.create(vals_list)
        return rows.filtered(lambda r: not r.category_id and r.measure == "revenue")

    @api.model
    def _is_margin_known(self, by_role, other_role):
        """Return whether both groups have lines with a known cost, if they bought."""
        bought = [
            by_role[role]
            for role in ("target", other_role)
            if role in by_role and by_role[role][0].squares
        ]
        return bool(bought) and all(margin.squares for _revenue, margin, *_ in bought)

    @api.model
    def _get_values(self, target, other):
        """Return what a row says of two samples."""
        result = compare(target, other)
        effect, effect_low, effect_high = result.times(target.count)
        has_limits = result.low is not None
        verdict = "unclear"
        if not has_limits:
            verdict = "none"
        elif result.is_certain:
            verdict = "more" if result.difference > 0 else "less"
        return {
            "target_count": target.count,
            "other_count": other.count,
            "target_mean": target.mean or 0,
            "other_mean": other.mean or 0,
            "difference": result.difference or 0,
            "low": result.low or 0,
            "high": result.high or 0,
            "has_limits": has_limits,
            "verdict": verdict,
            "effect": effect or 0,
            "effect_low": effect_low or 0,
            "effect_high": effect_high or 0,
            **{
                f"needed_{name}_count": min(
                    ceil((result.growth or 0) * sample.count), 2**31 - 1
                )
                for name, sample in (("target", target), ("other", other))
            },
        }

    @api.model
    def _get_samples(self, campaign):
        """Return the samples of each measure, by category and role.

        The category is empty for all customers, and the one at approval otherwise.
        """
        samples = defaultdict(dict)
        Category = self.env["customer.category"].with_context(active_test=False)
        samples[Category] = {}
        rows = self.env.execute_query_dict(self._get_sums_query(campaign))
        for row in rows:
            category = Category.browse(row["category_id"])
            samples[category][row["role"]] = [
                Sample(row["customers"], *(row[f"{name}_{n}"] for n in (1, 2, 3)))
                for name, _label in MEASURES
            ]
        return samples

    @api.model
    def _get_sums_query(self, campaign):
        """Return SQL for the sums of amounts, of squares and of cubes.

        Most customers buy nothing: only what is not 0 is multiplied.
        """
        sums = SQL(
            """
            count(*) AS customers,
            COALESCE(sum(revenue) FILTER (WHERE revenue <> 0), 0) AS revenue_1,
            COALESCE(sum(revenue ^ 2) FILTER (WHERE revenue <> 0), 0) AS revenue_2,
            COALESCE(sum(revenue ^ 3) FILTER (WHERE revenue <> 0), 0) AS revenue_3,
            COALESCE(sum(margin) FILTER (WHERE margin <> 0), 0) AS margin_1,
            COALESCE(sum(margin ^ 2) FILTER (WHERE margin <> 0), 0) AS margin_2,
            COALESCE(sum(margin ^ 3) FILTER (WHERE margin <> 0), 0) AS margin_3,
            100 * sum(bought) AS buyers_1,
            10000 * sum(bought) AS buyers_2,
            1000000 * sum(bought) AS buyers_3
            """
        )
        return SQL(
            """
            WITH result AS (
                SELECT result.role, result.revenue, result.margin, result.bought,
                       member.category_ids
                  FROM customer_campaign_result AS result
                  JOIN customer_campaign_member AS member
                    ON member.id = result.member_id
                 WHERE result.campaign_id = %(campaign)s
                   AND result.role IN ('target', %(other)s)
            )
            SELECT NULL::integer AS category_id, role, %(sums)s
              FROM result
             GROUP BY role
             UNION ALL
            -- added up before anything is joined: customers have many categories
            SELECT category.id, role, %(names)s
              FROM (
                  SELECT held.category_id, role, %(sums)s
                    FROM result
                    JOIN LATERAL jsonb_array_elements_text(
                             CASE jsonb_typeof(category_ids)
                                  WHEN 'array' THEN category_ids
                             END
                         ) AS held (category_id) ON TRUE
                   GROUP BY held.category_id, role
                   ) AS by_category
              JOIN customer_category AS category
                ON category.id = by_category.category_id::integer
            """,
            campaign=campaign.id,
            other=campaign.comparison_role or "target",
            sums=sums,
            names=SQL(", ").join(
                [
                    SQL("customers"),
                    *(
                        SQL.identifier(f"{name}_{power}")
                        for name, _label in MEASURES
                        for power in (1, 2, 3)
                    ),
                ]
            ),
        )
