from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from . import campaign_oracle
from .campaign_common import CampaignCommon

LOGGER = "odoo.addons.customer_classification.models.customer_campaign_standing"


@tagged("post_install", "-at_install")
class TestCampaignStanding(CampaignCommon):
    """Campaigns of audiences: greet everyone who becomes Gold, once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.audience = cls.env["customer.audience"].create(
            {
                "name": "Gold",
                "is_shared": True,
                "any_category_ids": [Command.set(cls.gold.ids)],
            }
        )

    def decide(self, customers, category):
        """Let people decide a tier."""
        Override = self.Override
        Override.search([("partner_id", "in", customers.ids)]).unlink()
        if category:
            Override.create(
                [
                    {
                        "partner_id": customer.id,
                        "dimension_id": self.dimension.id,
                        "operation": "set",
                        "category_id": category.id,
                        "reason": "Because",
                    }
                    for customer in customers
                ]
            )

    def make_standing(self, **values):
        values = {"audience_id": self.audience.id, "is_standing": True, **values}
        return self.make_draft(**values)

    def follow(self):
        with self.enter_registry_test_mode():
            self.env.ref(
                "customer_classification.ir_cron_follow_campaigns"
            ).method_direct_trigger()
        self.env.invalidate_all()

    def names(self, campaign, role="target"):
        return self.get_members(campaign, role).mapped("partner_id.name")

    def finish(self, campaign):
        """Let the queue have sent what there is."""
        campaign.sudo().state = "running"
        campaign.mailing_id.sudo().write({"state": "done"})

    def test_everybody_who_becomes_gold_once(self):
        c = self.customers
        self.decide(c[:2], self.gold)
        campaign = self.make_standing(includes_present=False)
        campaign.action_approve()
        self.assertEqual(self.names(campaign), [])
        self.follow()
        self.assertEqual(self.names(campaign), [])

        self.decide(c[2:4], self.gold)
        self.follow()
        self.assertEqual(self.names(campaign), ["Customer 3", "Customer 4"])
        self.assertEqual(
            self.get_members(campaign, "target").mapped("category_ids"),
            [self.gold.ids] * 2,
        )
        self.assertEqual(campaign.mailing_id.state, "in_queue")

        # down and up again: known already
        self.finish(campaign)
        self.decide(c[2], self.silver)
        self.follow()
        self.decide(c[2], self.gold)
        self.follow()
        self.assertEqual(self.names(campaign), ["Customer 3", "Customer 4"])
        self.assertEqual(campaign.mailing_id.state, "done")

        # who was there before becomes Gold anew
        self.decide(c[0], self.silver)
        self.follow()
        self.decide(c[0], self.gold)
        self.follow()
        self.assertEqual(
            sorted(self.names(campaign)), ["Customer 1", "Customer 3", "Customer 4"]
        )
        self.assertEqual(campaign.mailing_id.state, "in_queue")
        self.follow()
        self.assertEqual(len(self.names(campaign)), 3)

    def test_present_ones_are_written_to(self):
        self.decide(self.customers[:2], self.gold)
        campaign = self.make_standing(includes_present=True)
        campaign.action_approve()
        self.assertEqual(self.names(campaign), ["Customer 1", "Customer 2"])
        self.decide(self.customers[5], self.gold)
        self.follow()
        self.assertEqual(len(self.names(campaign)), 3)

    def test_nobody_yet(self):
        campaign = self.make_standing(includes_present=True)
        campaign.action_approve()
        self.assertEqual(campaign.state, "approved")
        self.decide(self.customers[5], self.gold)
        self.follow()
        self.assertEqual(self.names(campaign), ["Customer 6"])

    def test_newcomers_have_their_day_and_chance(self):
        campaign = self.make_standing(holdout_share=50)
        self.fix_chance(campaign, self.customers)
        campaign.action_approve()
        self.decide(self.customers, self.gold)
        self.follow()
        self.assertEqual(
            self.get_roles(campaign),
            campaign_oracle.get_roles(self.customers.ids, campaign.holdout_seed, 50),
        )
        self.assertEqual(
            set(self.get_members(campaign).mapped("date_start")), {self.today}
        )

    def test_who_was_written_to_lately_waits(self):
        other = self.make_approved(self.customers[:1]).mailing_id
        trace = self.env["mailing.trace"].create(
            {
                "mass_mailing_id": other.id,
                "model": "res.partner",
                "res_id": self.customers[0].id,
                "trace_status": "sent",
                "sent_datetime": fields.Datetime.now() - timedelta(days=2),
            }
        )
        campaign = self.make_standing(gap_days=5)
        campaign.action_approve()
        self.decide(self.customers[:2], self.gold)
        self.follow()
        self.assertEqual(self.names(campaign), ["Customer 2"])
        self.assertEqual(len(self.get_members(campaign)), 1)
        trace.sent_datetime -= timedelta(days=4)
        self.follow()
        self.assertEqual(sorted(self.names(campaign)), ["Customer 1", "Customer 2"])

    def test_an_address_is_written_to_once(self):
        self.customers[1].email = self.customers[0].email
        campaign = self.make_standing()
        campaign.action_approve()
        self.decide(self.customers[1], self.gold)
        self.follow()
        self.decide(self.customers[0], self.gold)
        self.follow()
        self.assertEqual(
            self.get_roles(campaign),
            {
                self.customers[1].id: ("target", None),
                self.customers[0].id: ("excluded", "duplicate"),
            },
        )

    @mute_logger(LOGGER)
    def test_one_that_fails_does_not_stop_others(self):
        bad = self.make_standing(name="Bad")
        good = self.make_standing(name="Good")
        (bad + good).mapped(lambda campaign: campaign.action_approve())
        self.decide(self.customers[0], self.gold)
        Campaign = self.env.registry["customer.campaign"]
        original = Campaign._get_customers_query

        def fail(campaign):
            if campaign.id == bad.id:
                raise ValueError("something broke")
            return original(campaign)

        with patch.object(Campaign, "_get_customers_query", fail):
            self.follow()
        self.assertEqual(self.names(good), ["Customer 1"])
        self.assertEqual(self.names(bad), [])
        self.assertIn("something broke", bad.error)
        self.assertEqual(len(bad.activity_ids), 1)
        self.follow()
        self.assertEqual(self.names(bad), ["Customer 1"])
        self.assertFalse(bad.error)

    def test_approver_who_left(self):
        campaign = self.make_standing()
        campaign.with_user(self.marketer).action_approve()
        self.decide(self.customers[0], self.gold)
        self.marketer.active = False
        self.follow()
        self.assertIn("has left", campaign.error)
        self.assertEqual(self.names(campaign), [])

    def test_closed_campaigns_rest(self):
        campaign = self.make_standing()
        campaign.action_approve()
        self.decide(self.customers[0], self.gold)
        self.follow()
        self.finish(campaign)
        campaign.action_close()
        self.decide(self.customers[1], self.gold)
        self.follow()
        self.assertEqual(self.names(campaign), ["Customer 1"])

    def test_standing_needs_audience(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(CheckViolation, "standing_needs_audience"),
            self.env.cr.savepoint(),
        ):
            self.make_draft(self.customers, is_standing=True)

    # What the audience asks about stays with those who may see it

    def test_campaigns_about_hidden_dimensions(self):
        group = self.env.ref(
            "customer_classification.group_customer_classification_payment"
        )
        self.decide(self.customers[:2], self.gold)
        self.dimension.view_group_ids = group
        as_trusted = self.audience.with_user(self.treasurer)
        campaign = self.make_draft(user=self.treasurer, audience_id=as_trusted.id)
        campaign.action_approve()
        self.assertEqual(len(self.get_members(campaign)), 2)
        theirs = [("id", "=", campaign.id)]
        members = [("campaign_id", "=", campaign.id)]
        for _attempt in range(2):
            self.env.invalidate_all()
            for user, count in ((self.treasurer, 1), (self.marketer, 0)):
                self.assertEqual(
                    self.Campaign.with_user(user).search_count(theirs), count
                )
                self.assertEqual(
                    self.Member.with_user(user).search_count(members), 2 * count
                )
                self.assertEqual(
                    self.env["res.partner"]
                    .with_user(user)
                    .search_count([("customer_campaign_ids", "in", campaign.ids)]),
                    2 * count,
                )
            with self.assertRaisesRegex(AccessError, "may not see"):
                campaign.with_user(self.marketer).read(["name"])
            with self.assertRaises(AccessError):
                self.get_members(campaign)[0].with_user(self.marketer).sudo(False).read(
                    ["role"]
                )
            # the audience asks about something else since; what was approved stays
            self.audience.write({"any_category_ids": [Command.clear()], "domain": "[]"})

    def test_message_of_a_hidden_campaign(self):
        """Whom it lists and went to tells who meets the hidden condition."""
        audience = self.env["customer.audience"].with_user(self.treasurer)
        asked = ["|", ("customer_overdue_amount", ">", 0), ("is_company", "=", True)]
        secret = audience.create({"name": "Debtors", "domain": repr(asked)})
        campaign = self.make_draft(user=self.treasurer, audience_id=secret.id)
        campaign.action_approve()
        open_one = self.make_draft(user=self.treasurer, customers=self.customers[:1])
        traces = self.env["mailing.trace"].create(
            [
                {
                    "mass_mailing_id": each.mailing_id.id,
                    "trace_type": "mail",
                    "model": "res.partner",
                    "res_id": self.customers[0].id,
                }
                for each in campaign + open_one
            ]
        )
        rights = "mass_mailing.group_mass_mailing_user"
        mailer = self.make_user("mass_mailer", rights)
        mailings = (campaign + open_one).mailing_id
        self.assertIn(str(self.customers[0].id), mailings[0].mailing_domain)
        for user, count in ((self.treasurer, 2), (self.marketer, 1), (mailer, 1)):
            self.env.invalidate_all()
            for records in (mailings, traces):
                seen = records.with_user(user).sudo(False)
                found = seen.search([("id", "in", records.ids)])
                self.assertEqual(set(found.ids), set(records[2 - count :].ids))
                self.assertTrue(seen[1].read(["display_name"]))
                if count == 1:
                    with self.assertRaises(AccessError):
                        seen[0].read(["display_name"])
                    # nor by what can be searched of it
                    with self.assertRaises(AccessError):
                        seen[0].check_access("write")
            guess = [("mailing_trace_ids.res_id", "=", self.customers[0].id)]
            found = mailings.with_user(user).sudo(False).search(guess)
            self.assertEqual(found & mailings[0], mailings[0][: count - 1])
            link = [("mass_mailing_id.mailing_domain", "ilike", "id")]
            found = traces.with_user(user).sudo(False).search(link)
            self.assertEqual(traces[0] in found, count == 2)

    def test_marketer_may_not_approve_hidden_conditions(self):
        group = self.env.ref(
            "customer_classification.group_customer_classification_payment"
        )
        campaign = self.make_draft(user=self.marketer, audience_id=self.audience.id)
        self.dimension.view_group_ids = group
        with self.assertRaises(AccessError):
            campaign.action_approve()

    def test_audience_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        with self.assert_refused(UserError, "another company"):
            self.make_draft(audience_id=self.audience.id, company_id=other.id)
