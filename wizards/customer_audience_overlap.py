from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class CustomerAudienceOverlap(models.TransientModel):
    """How many customers an audience has in common with another, as just counted."""

    _name = "customer.audience.overlap"
    _description = "Overlap of Audiences"
    _order = "overlap_count desc, other_id"
    _rec_name = "other_id"
    _transient_max_hours = 24

    audience_id = fields.Many2one(
        "customer.audience", required=True, readonly=True, ondelete="cascade"
    )
    other_id = fields.Many2one(
        "customer.audience",
        string="Other Audience",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    user_id = fields.Many2one(related="other_id.user_id")
    customer_count = fields.Integer("Its Customers", readonly=True)
    overlap_count = fields.Integer(
        "In Both", readonly=True, help="Customers who belong to both audiences."
    )
    share = fields.Float(
        "Of This Audience (%)",
        digits=(5, 1),
        readonly=True,
        aggregator=None,
        help="How much of this audience belongs to the other one, too.",
    )

    def action_open_customers(self):
        """Open the customers whom both audiences have in common."""
        self.ensure_one()
        action = self.other_id.action_open_customers()
        title = f"{self.audience_id.name} ∩ {self.other_id.name}"
        return {
            **action,
            "name": title,
            "display_name": title,
            "domain": [
                ("customer_audience_ids", "in", self.audience_id.ids),
                ("customer_audience_ids", "in", self.other_id.ids),
            ],
        }


class CustomerAudience(models.Model):
    _inherit = "customer.audience"

    def action_open_overlap(self):
        """Count what the audience has in common with all others that the user sees."""
        self.ensure_one()
        overlaps = self._create_overlaps()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_audience_overlap_action"
        )
        title = self.env._("What “%s” Has in Common With Others", self.name)
        return {
            **action,
            "name": title,
            "display_name": title,
            "domain": [("id", "in", overlaps.ids)],
        }

    def _create_overlaps(self):
        self.check_access("read")
        others = self.search(
            [("company_id", "=", self.company_id.id), ("id", "!=", self.id)]
        )
        counts = self._count_overlaps(others)
        own, _both = counts[self]
        # sudo: people read the counts, only the addon writes them
        return (
            self.env["customer.audience.overlap"]
            .sudo()
            .create(
                [
                    {
                        "audience_id": self.id,
                        "other_id": other.id,
                        "customer_count": count,
                        "overlap_count": both,
                        "share": 100 * both / own if own else 0,
                    }
                    for other, (count, both) in counts.items()
                    if other != self
                ]
            )
        )

    def _count_overlaps(self, others):
        """Return the numbers of customers of each audience, and in common with this.

        :return: ``{audience: (count, common)}``, this audience included; one that
            cannot be evaluated any more is left out
        """
        queries = [
            SQL("SELECT %s, count(*), count(*) FROM asked", self.id),
        ]
        for other in others:
            try:
                customers = other._get_customers_query()
            except (UserError, ValueError):
                continue  # its own page says what is wrong
            queries.append(
                SQL(
                    """
                    SELECT %s, count(*), count(asked.partner_id)
                      FROM (%s) AS other (partner_id)
                      LEFT JOIN asked ON asked.partner_id = other.partner_id
                    """,
                    other.id,
                    customers,
                )
            )
        rows = self.env.execute_query(
            SQL(
                "WITH asked (partner_id) AS MATERIALIZED (%s) %s",
                self._get_customers_query(),
                SQL(" UNION ALL ").join(queries),
            )
        )
        return {self.browse(id_): (count, both) for id_, count, both in rows}
