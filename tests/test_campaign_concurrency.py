import psycopg2

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .committed import ConcurrencyCase


@tagged("post_install", "-at_install")
class TestCampaignConcurrency(ConcurrencyCase):
    """Two people approve at the same time, on real connections."""

    def setUp(self):
        super().setUp()
        with self.connect() as env:
            for partner in self.partners(env):
                partner.email = f"{partner.name.lower()}@example.com"
            campaign = env["customer.campaign"].create(
                {"name": "Twice", "company_id": self.company_ids[0], "gap_days": 0}
            )
            campaign.holdout_share = 0
            campaign._add_choices([("id", "in", list(self.partner_ids))])
            campaign.mailing_id.write({"subject": "Hello", "body_arch": "<p>Hello</p>"})
            self.campaign_id = campaign.id
            env.cr.commit()
        self.addCleanup(self.remove_campaign)

    def remove_campaign(self):
        with self.connect() as env:
            campaign = env["customer.campaign"].browse(self.campaign_id)
            utm = campaign.utm_campaign_id
            mailing = campaign.mailing_id
            campaign.state = "cancelled"
            campaign.unlink()
            mailing.exists().unlink()
            utm.unlink()
            env.cr.commit()

    def approve(self, env):
        env["customer.campaign"].browse(self.campaign_id).action_approve()

    def get_count(self):
        with self.connect() as env:
            domain = [("campaign_id", "=", self.campaign_id)]
            return env["customer.campaign.member"].search_count(domain)

    def test_the_second_waits_for_nobody(self):
        with self.connect() as first, self.connect() as second:
            self.approve(first)
            with self.assertRaises(UserError):  # somebody holds the campaign
                self.approve(second)
            second.cr.rollback()
            first.cr.commit()
        self.assertEqual(self.get_count(), 3)

    @mute_logger("odoo.sql_db")
    def test_the_second_had_looked_before(self):
        """Its snapshot shows a draft still: Odoo tries such a request again."""
        with self.connect() as first, self.connect() as second:
            campaign = second["customer.campaign"].browse(self.campaign_id)
            self.assertEqual(campaign.state, "draft")
            self.approve(first)
            first.cr.commit()
            with self.assertRaises(psycopg2.errors.SerializationFailure):
                campaign.action_approve()
            second.cr.rollback()
            second.invalidate_all()
            with self.assertRaisesRegex(UserError, "no draft any more"):
                campaign.action_approve()
        self.assertEqual(self.get_count(), 3)
