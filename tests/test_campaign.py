from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL

from . import campaign_oracle
from .campaign_common import CampaignCommon


@tagged("post_install", "-at_install")
class TestCampaign(CampaignCommon):
    """Drafts, their approval, and what stays of it."""

    def get_chance(self, seed, customer_id):
        """Return the smallest share, of all 0.01 %, that takes the customer."""
        campaign = self.Campaign.new({})
        for hundredths in range(1, 10000):
            condition = campaign._get_chance_condition(seed, hundredths / 100)
            query = SQL(
                "SELECT %s FROM (SELECT %s AS partner_id) AS one",
                condition,
                customer_id,
            )
            if self.env.execute_query(query)[0][0]:
                return hundredths
        return 10000

    # Chance

    def test_chance_of_a_known_digest(self):
        """By hand: the digest of “abc:1” begins with bfcf0b9cbe9d8, of “abc:2” with
        16455f08fd29e: 74.92 % and 8.70 %, so that shares of 74.93 and 8.70 take them.
        """
        self.assertAlmostEqual(int("bfcf0b9cbe9d8", 16) / 16**13, 0.749253, 6)
        self.assertEqual(self.get_chance("abc", 1), 7493)
        self.assertAlmostEqual(int("16455f08fd29e", 16) / 16**13, 0.086996, 6)
        self.assertEqual(self.get_chance("abc", 2), 870)

    def test_roles_follow_from_the_seeds(self):
        customers = self.make_customers(300, "Many")
        self.company.customer_control_share = 15
        campaign = self.make_draft(customers, holdout_share=30)
        campaign.action_approve()
        expected = campaign_oracle.get_roles(
            customers.ids,
            campaign.holdout_seed,
            30,
            self.company.customer_control_seed,
            15,
        )
        self.assertEqual(self.get_roles(campaign), expected)
        self.assertEqual(
            {role for role, _reason in expected.values()},
            {"target", "holdout", "control"},
        )

    def test_the_same_whenever_it_is_approved(self):
        campaign = self.make_draft(self.customers, holdout_share=50)
        self.fix_chance(campaign, self.customers)
        campaign.action_approve()
        before = self.get_roles(campaign)
        campaign.action_draft()
        self.assertFalse(self.get_members(campaign))
        campaign.action_approve()
        self.assertEqual(self.get_roles(campaign), before)

    def test_a_larger_share_only_adds(self):
        customers = self.make_customers(100, "Many")
        seen = set()
        campaign = self.make_draft(customers)
        for share in (0, 10, 25, 60, 90):
            campaign.holdout_share = share
            campaign.action_approve()
            held = set(self.get_members(campaign, "holdout").partner_id.ids)
            self.assertLessEqual(seen, held)
            seen = held
            campaign.action_draft()
        self.assertGreater(len(seen), 60)

    def test_campaigns_have_chances_of_their_own(self):
        first = self.make_draft(self.customers)
        self.assertNotEqual(first.holdout_seed, first.copy().holdout_seed)
        self.assertRegex(first.holdout_seed, r"^[0-9a-f]{32}$")

    def test_nobody_chooses_the_seed(self):
        with self.assert_refused(AccessError, "not entered by hand"):
            self.make_draft(self.customers, self.marketer, holdout_seed="mine")
        Campaign = self.Campaign.with_user(self.marketer).with_context(
            default_holdout_seed="mine", default_state="running"
        )
        campaign = Campaign.create({"name": "Mine"})
        self.assertNotEqual(campaign.holdout_seed, "mine")
        self.assertEqual(campaign.state, "draft")
        with self.assert_refused(AccessError, "not entered by hand"):
            campaign.holdout_seed = "mine"

    # The control group of all campaigns

    def test_control_group_stays_the_same(self):
        customers = self.make_customers(100, "Many")
        company = self.company
        self.assertFalse(company.customer_control_seed)
        company.customer_control_share = 20
        seed = company.customer_control_seed
        self.assertTrue(seed)
        groups = []
        for share in (20, 0, 20, 50):
            company.customer_control_share = share
            campaign = self.make_draft(customers)
            campaign.action_approve()
            groups.append(set(self.get_members(campaign, "control").partner_id.ids))
        self.assertEqual(company.customer_control_seed, seed)
        self.assertEqual(groups[1], set())
        self.assertEqual(groups[0], groups[2])
        self.assertLess(groups[0], groups[3])

    # Who cannot be written to

    def test_reasons(self):
        """One customer for each reason; chance is only for the others."""
        ids = self.customers
        ids[0].email = False
        ids[1].email = "nobody at all"
        self.env["mail.blacklist"]._add(ids[2].email)
        ids[3].message_bounce = 5
        ids[4].active = False
        ids[6].email = ids[5].email.upper()
        campaign = self.make_draft(self.customers, holdout_share=50)
        # the others: the sixth, and those after the one with the address of the sixth
        self.fix_chance(campaign, ids[5] | ids[7:])
        campaign.action_approve()
        expected = campaign_oracle.get_roles(
            self.customers.ids,
            campaign.holdout_seed,
            50,
            excluded={
                ids[0].id: "no_address",
                ids[1].id: "invalid",
                ids[2].id: "blacklisted",
                ids[3].id: "bounced",
                ids[4].id: "archived",
                ids[6].id: "duplicate",
            },
        )
        self.assertEqual(self.get_roles(campaign), expected)
        addresses = self.get_members(campaign, "target").mapped("address")
        self.assertEqual(len(addresses), len(set(addresses)))

    def test_empty_campaign_is_refused(self):
        self.customers.email = False
        campaign = self.make_draft(self.customers)
        with self.assert_refused(
            UserError, "Nobody would be written to.*No address: 10"
        ):
            campaign.action_approve()
        self.assertEqual(campaign.state, "draft")
        self.assertFalse(self.get_members(campaign))
        self.assertEqual(campaign.mailing_id.state, "draft")

    def test_message_is_needed(self):
        campaign = self.Campaign.create({"name": "Nothing to say"})
        campaign._add_choices([("id", "in", self.customers.ids)])
        with self.assert_refused(UserError, "no message"):
            campaign.action_approve()

    def test_sender_is_needed(self):
        """Also where a text message becomes an email, which then has one."""
        self.marketer.email = False
        Campaign = self.Campaign.with_user(self.marketer)
        with self.assert_refused(UserError, "address that the message could come from"):
            Campaign.create({"name": "Campaign"})
        campaign = Campaign.create({"name": "Campaign", "channel": "sms"})
        with self.assert_refused(UserError, "address that the message could come from"):
            campaign.channel = "mail"
        self.marketer.email = "marketer@example.com"
        campaign.channel = "mail"
        self.assertIn("marketer@example.com", campaign.mailing_id.email_from)

    def test_time_must_not_have_passed(self):
        past = fields.Datetime.now() - timedelta(hours=1)
        campaign = self.make_draft(self.customers, schedule_date=past)
        with self.assert_refused(UserError, "has passed"):
            campaign.action_approve()

    def test_people_who_were_chosen_are_written_to(self):
        """A person that was chosen, not a colleague; once for each customer."""
        acme = self.customers[0]
        anna, bob = self.env["res.partner"].create(
            [
                {
                    "name": name,
                    "parent_id": acme.id,
                    "email": f"{name}@acme.example.com",
                }
                for name in ("anna", "bob")
            ]
        )
        campaign = self.make_draft(bob + self.customers[1])
        campaign.action_approve()
        self.assertEqual(
            {(m.partner_id, m.contact_id) for m in self.get_members(campaign)},
            {(acme, bob), (self.customers[1], self.customers[1])},
        )
        self.assertNotIn(anna, self.get_members(campaign).contact_id)

    # Approval

    def test_approval_twice(self):
        campaign = self.make_draft(self.customers)
        campaign.action_approve()
        with self.assert_refused(UserError, "no draft any more"):
            campaign.action_approve()
        self.assertEqual(len(self.get_members(campaign)), 10)

    def test_what_approval_leaves(self):
        later = fields.Datetime.now() + timedelta(days=3)
        campaign = self.make_draft(self.customers, self.marketer, schedule_date=later)
        campaign.action_approve()
        self.assertEqual(campaign.state, "approved")
        self.assertEqual(campaign.approved_by_id, self.marketer)
        self.assertEqual(campaign.mailing_id.state, "in_queue")
        self.assertEqual(campaign.mailing_id.schedule_date, later)
        self.assertTrue(campaign.utm_campaign_id)
        self.assertEqual(campaign.mailing_id.campaign_id, campaign.utm_campaign_id)
        self.assertEqual(
            set(self.get_members(campaign).mapped("date_start")),
            {(fields.Date.today() + timedelta(days=3))},
        )
        self.assertIn("Will be written to: 10", campaign.message_ids[0].body)
        self.assertEqual(
            self.env["res.partner"].search(
                [("customer_campaign_ids", "in", campaign.ids)]
            ),
            self.customers.sorted(),
        )

    def test_what_is_approved_is_not_edited(self):
        campaign = self.make_draft(self.customers, self.marketer)
        campaign.action_approve()
        for values in ({"holdout_share": 5}, {"window_days": 99}, {"gap_days": 3}):
            with self.assert_refused(UserError, "was approved as it is"):
                campaign.write(values)
        with self.assert_refused(AccessError, "not entered by hand"):
            campaign.state = "draft"
        campaign.write({"name": "Another name", "cost": 12.5})
        self.assertEqual(campaign.cost, 12.5)
        with self.assert_refused(UserError, "stays"):
            campaign.unlink()

    def test_cancel_and_back(self):
        campaign = self.make_draft(self.customers, self.marketer)
        campaign.action_approve()
        campaign.action_cancel()
        self.assertEqual(campaign.state, "cancelled")
        self.assertEqual(campaign.mailing_id.state, "draft")
        campaign.action_draft()
        self.assertEqual(campaign.state, "draft")
        self.assertFalse(self.get_members(campaign))
        mailing = campaign.mailing_id
        campaign.unlink()
        self.assertFalse(mailing.exists())

    def test_sent_campaigns_do_not_go_back(self):
        campaign = self.make_draft(self.customers)
        campaign.action_approve()
        self.make_trace(campaign.mailing_id, self.customers[0])
        with self.assert_refused(UserError, "written to already"):
            campaign.action_draft()

    def test_copy(self):
        campaign = self.make_draft(self.customers, cost=7)
        campaign.action_approve()
        copied = campaign.copy()
        self.assertEqual(copied.state, "draft")
        self.assertEqual(copied.name, "Campaign (copy)")
        self.assertFalse(self.get_members(copied))
        self.assertEqual(copied.choice_count, 10)
        self.assertNotEqual(copied.mailing_id, campaign.mailing_id)
        self.assertEqual(copied.mailing_id.state, "draft")
        self.assertEqual(copied.mailing_id.body_html, campaign.mailing_id.body_html)
        copied.action_approve()
        self.assertEqual(len(self.get_members(copied)), 10)

    # Numbers before approval

    def test_preview_is_what_approval_gives(self):
        customers = self.make_customers(60, "Many")
        customers[:5].email = False
        self.company.customer_control_share = 20
        campaign = self.make_draft(customers, holdout_share=20)
        before = campaign._preview_members()
        self.assertIn("No address", campaign.preview)
        campaign.action_approve()
        self.assertEqual(campaign._count_members(), before)
        self.assertEqual(before["excluded", "no_address"], 5)
        self.assertEqual(sum(before.values()), 60)
        self.assertEqual(campaign.customer_count, 60)
        self.assertEqual(campaign.target_count, before["target", None])

    def test_preview_follows_what_is_entered(self):
        """Also before it is saved."""
        self.customers[0].email = False
        campaign = self.make_draft(self.customers)
        edited = self.Campaign.new({"holdout_share": 99.99}, origin=campaign)
        self.assertEqual(
            edited._preview_members(),
            {("excluded", "no_address"): 1, ("holdout", None): 9},
        )
        self.assertIn("Held out", edited.preview)

    # Days between messages

    def make_trace(self, mailing, partner, days_ago=0, **values):
        """Write the trace of a message that was sent so many days ago."""
        moment = fields.Datetime.now() - timedelta(days=days_ago)
        return self.env["mailing.trace"].create(
            {
                "mass_mailing_id": mailing.id,
                "model": "res.partner",
                "res_id": partner.id,
                "email": partner.email_normalized,
                "trace_status": "sent",
                "sent_datetime": moment,
                **values,
            }
        )

    def test_gap(self):
        """Who got anything within the days is left out, whoever sent it."""
        mailing = self.Mailing.create(
            {
                "subject": "Other",
                "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
            }
        )
        list_model = {"model": "mailing.contact", "res_id": 999999}
        person = self.env["res.partner"].create(
            {"name": "P", "parent_id": self.customers[7].id, "email": "p@example.com"}
        )
        c = self.customers
        self.make_trace(mailing, c[0])
        self.make_trace(mailing, c[1], 6)
        self.make_trace(mailing, c[2], 7)
        self.make_trace(mailing, c[3], 1, trace_status="bounce")
        self.make_trace(mailing, c[4], 1, trace_status="error", sent_datetime=False)
        self.make_trace(mailing, c[5], 1, is_test_trace=True)
        self.make_trace(mailing, c[6], 1, **list_model)  # the address, on a list
        self.make_trace(mailing, person, 1)
        self.make_trace(mailing, c[8], 1, trace_status="open")
        campaign = self.make_draft(c, gap_days=7)
        campaign.action_approve()
        capped = {c[0], c[1], c[6], c[7], c[8]}
        self.assertEqual(
            self.get_roles(campaign),
            {
                partner.id: ("excluded", "capped")
                if partner in capped
                else ("target", None)
                for partner in c
            },
        )

    def test_gap_counts_from_the_day_of_sending(self):
        mailing = self.make_approved(self.customers).mailing_id
        self.make_trace(mailing, self.customers[0], 0)
        later = fields.Datetime.now() + timedelta(days=5)
        for gap_days, is_capped in ((5, False), (6, True)):
            campaign = self.make_draft(
                self.customers[0] + self.customers[1],
                schedule_date=later,
                gap_days=gap_days,
            )
            numbers = campaign._preview_members()
            self.assertEqual(("excluded", "capped") in numbers, is_capped)

    def test_gap_of_the_company(self):
        self.company.customer_gap_days = 12
        self.assertEqual(self.Campaign.create({"name": "New"}).gap_days, 12)
