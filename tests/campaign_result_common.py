from datetime import datetime, time, timedelta
from typing import NamedTuple

from odoo import fields

from .campaign_common import CampaignCommon


class Sale(NamedTuple):
    """A document as it was typed: what it adds to revenue, and to cost."""

    customer: object
    day: object
    amount: float  # in company currency, negative for a credit note
    cost: float
    is_posted: bool = True
    is_of_company: bool = True


class CampaignResultCommon(CampaignCommon):
    """Campaigns that were sent, and what their customers bought.

    :attr:`sales` keeps every document, counted or not, for the oracle.
    """

    window_days = 10
    cost = 3.0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product_a.standard_price = cls.cost
        cls.Result = cls.env["customer.campaign.result"]
        cls.Comparison = cls.env["customer.campaign.comparison"]
        cls.sales = []

    def setUp(self):
        super().setUp()
        self.sales = list(self.sales)

    def sell(self, partner, amount, days_ago, is_of_company=True, rate=1, **values):
        """Invoice or credit an amount in the document's currency."""
        move = self.post(partner, amount, days_ago, **values)
        sign = 1 if amount > 0 else -1
        self.sales.append(
            Sale(
                partner.commercial_partner_id,
                self.day(days_ago),
                amount / rate,
                sign * self.cost,
                values.get("post", True),
                is_of_company,
            )
        )
        return move

    def make_sent(self, customers=None, roles=None, days_ago=20, **values):
        """Create a campaign that was sent to all its targets some days ago."""
        if values.get("is_standing"):
            audience = self.env["customer.audience"].create({"name": "Everybody"})
            values["audience_id"] = audience.id
        campaign = self.make_approved(
            customers, roles, **{"window_days": self.window_days, **values}
        )
        sent_on = datetime.combine(self.day(days_ago), time(9))
        campaign.sudo().write({"state": "running", "sent_on": sent_on})
        self.get_members(campaign).write({"date_start": self.day(days_ago)})
        return campaign

    def trace(self, campaign, contact, status="sent", days_ago=20, **values):
        """Write what became of a message, as mass mailing does."""
        sent = datetime.combine(self.day(days_ago), time(9))
        if status in ("outgoing", "error", "cancel"):
            sent = False
        return self.env["mailing.trace"].create(
            {
                "mass_mailing_id": campaign.mailing_id.id,
                "model": "res.partner",
                "res_id": contact.id,
                "email": contact.email_normalized,
                "trace_status": status,
                "sent_datetime": sent,
                **values,
            }
        )

    def count(self, campaign):
        """Count the results, and read them anew."""
        campaign.sudo()._refresh_results()
        self.env.invalidate_all()
        return {
            row.partner_id: row
            for row in self.Result.search([("campaign_id", "=", campaign.id)])
        }

    # The oracle

    def get_counted(self, campaign, member):
        """Return the documents that count for a customer of a campaign."""
        last = member.date_start + timedelta(days=campaign.window_days - 1)
        return [
            sale
            for sale in self.sales
            if sale.customer == member.partner_id
            and sale.is_posted
            and sale.is_of_company
            and member.date_start <= sale.day <= last
            and sale.day <= self.today
        ]

    def get_expected(self, campaign):
        """Return revenue, margin and invoices of each customer that takes part."""
        return {
            member.partner_id: (
                round(sum(sale.amount for sale in counted), 2),
                round(sum(sale.amount - sale.cost for sale in counted), 2),
                sum(sale.amount > 0 for sale in counted),
            )
            for member in self.get_members(campaign)
            if member.role != "excluded"
            for counted in [self.get_counted(campaign, member)]
        }

    def assert_results(self, campaign):
        rows = self.count(campaign)
        self.assertEqual(
            {
                partner: (row.revenue, row.margin, row.invoice_count)
                for partner, row in rows.items()
            },
            self.get_expected(campaign),
        )
        return rows

    def get_total(self, campaign, measure="revenue", category=None):
        """Return the comparison of all customers, or of a category."""
        return self.Comparison.search(
            [
                ("campaign_id", "=", campaign.id),
                ("measure", "=", measure),
                ("category_id", "=", category.id if category else False),
            ]
        )

    @staticmethod
    def today_at(hour):
        return fields.Datetime.now().replace(hour=hour)
