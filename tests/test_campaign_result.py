from datetime import datetime, time

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.customer_classification.models.customer_lift import Sample, compare

from .campaign_result_common import CampaignResultCommon


@tagged("post_install", "-at_install")
class TestCampaignResult(CampaignResultCommon):
    """What customers of a campaign bought, by a computation from the raw documents."""

    def setUp(self):
        super().setUp()
        (self.a, self.b, self.c, self.d, self.e) = self.customers[:5]
        self.others = self.customers[5:]
        self.roles = {partner: "holdout" for partner in self.others[:3]}
        self.roles[self.others[3]] = "control"
        self.roles[self.others[4]] = "excluded"

    def test_the_days_that_count(self):
        """From the day of sending on, the last day included, and nothing else."""
        campaign = self.make_sent(roles=self.roles)
        for days_ago, amount in ((21, 1000), (20, 100), (11, 50.55), (10, 2000)):
            self.sell(self.a, amount, days_ago)
            self.sell(self.others[0], amount + 1, days_ago)
        rows = self.assert_results(campaign)
        self.assertEqual(rows[self.a].revenue, 150.55)
        self.assertEqual(rows[self.others[0]].revenue, 152.55)
        self.assertEqual(rows[self.a].date_start, self.day(20))
        self.assertEqual(rows[self.a].date_end, self.day(11))
        self.assertNotIn(self.others[4], rows)

    def test_what_counts(self):
        """Credit notes, contacts, currencies, drafts, other companies, days to come."""
        campaign = self.make_sent(roles=self.roles, days_ago=5)
        self.sell(self.a, 100, 4)
        self.sell(self.a, -30, 3)
        contact = self.make_customer("Person", parent_id=self.b.id, is_company=False)
        self.sell(contact, 70, 3)
        euro = self.setup_other_currency("EUR", rates=[("1900-01-01", 0.8)])
        self.sell(self.c, 80, 2, rate=0.8, currency_id=euro.id)
        self.sell(self.d, 500, 2, post=False)
        self.sell(self.d, 0.01, 2)
        self.sell(self.d, 300, -1)  # tomorrow
        other = self.setup_other_company(name="Other company")["company"]
        journal = self.env["account.journal"].search(
            [("company_id", "=", other.id), ("type", "=", "sale")], limit=1
        )
        self.sell(self.e, 300, 1, is_of_company=False, journal_id=journal.id)
        self.sell(self.e, -20, 1)
        self.sell(self.others[0], 11, 0)
        rows = self.assert_results(campaign)
        self.assertEqual(
            [rows[partner].revenue for partner in self.customers[:6]],
            [70, 70, 100, 0.01, -20, 11],
        )
        self.assertEqual(rows[self.a].margin, 70)  # 100 - 3 - (30 - 3)

    def test_margin_needs_a_cost(self):
        campaign = self.make_sent(days_ago=5)
        self.sell(self.a, 100, 4)
        self.product_a.standard_price = 0
        rows = self.count(campaign)
        self.assertEqual((rows[self.a].revenue, rows[self.a].margin), (100, 0))
        self.assertFalse(rows[self.a].is_margin_known)
        self.assertTrue(rows[self.b].is_margin_known)  # bought nothing

    def sell_another_product(self, partner, amount, days_ago):
        move = self.sell(partner, amount, days_ago)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move_line SET product_id = %s"
            " WHERE move_id = %s AND display_type = 'product'",
            [self.product_b.id, move.id],
        )
        self.env.invalidate_all()

    def test_average_margin_is_of_those_of_whom_one_is_known(self):
        campaign = self.make_sent(days_ago=5)
        self.sell(self.a, 100, 4)
        self.product_a.standard_price = 0
        self.sell_another_product(self.b, 40, 4)
        self.product_b.standard_price = 12 * 40  # a dozen
        rows = self.count(campaign)
        known = [row for row in rows.values() if row.is_margin_known]
        self.assertEqual(len(known), len(rows) - 1)
        # what sold at its cost earned nothing, which is known
        self.assertTrue(rows[self.b].is_margin_known)
        self.product_b.standard_price = 12 * 10
        rows = self.count(campaign)
        [(average, revenue)] = self.env["customer.campaign.result"]._read_group(
            [("campaign_id", "=", campaign.id)], [], ["margin:avg", "revenue:avg"]
        )
        self.assertAlmostEqual(average, 30 / (len(rows) - 1))
        self.assertAlmostEqual(revenue, 140 / len(rows))

    def test_margins_are_compared_where_both_are_known(self):
        """Who was held out bought what has no cost: 0 would be no margin of theirs."""
        campaign = self.make_sent(roles={self.b: "holdout"}, days_ago=5)
        self.sell(self.a, 100, 4)
        self.sell_another_product(self.b, 40, 4)
        self.product_b.standard_price = 0
        self.count(campaign)
        self.assertTrue(self.get_total(campaign, "revenue"))
        self.assertFalse(self.get_total(campaign, "margin"))
        self.product_b.standard_price = 12 * 10
        self.count(campaign)
        self.assertEqual(self.get_total(campaign, "margin").other_mean, 30)

    def test_each_customer_has_days_of_its_own(self):
        """A standing campaign counts everybody from their own day on."""
        campaign = self.make_sent(roles=self.roles, days_ago=8, is_standing=True)
        members = self.get_members(campaign)
        members.filtered(lambda m: m.partner_id == self.b).date_start = self.day(3)
        for days_ago in (9, 8, 4, 3, 0):
            self.sell(self.a, 10 + days_ago, days_ago)
            self.sell(self.b, 20 + days_ago, days_ago)
        self.assert_results(campaign)
        # who is written to tomorrow takes no part yet
        members.filtered(lambda m: m.partner_id == self.b).date_start = self.day(-1)
        rows = self.count(campaign)
        self.assertNotIn(self.b, rows)
        self.assertEqual(campaign.result_target_count, 4)

    def test_the_day_is_the_companys(self):
        campaign = self.make_sent(days_ago=0)
        self.company.partner_id.tz = "Pacific/Kiritimati"  # UTC+14
        with freeze_time(datetime.combine(self.day(1), time(9, 30))):
            self.assertFalse(self.count(campaign))
        with freeze_time(datetime.combine(self.day(1), time(10, 30))):
            self.assertTrue(self.count(campaign))

    def test_nothing_counts_before_the_sending(self):
        campaign = self.make_sent(roles=self.roles)
        self.sell(self.a, 100, 15)
        campaign.sudo().write({"state": "approved", "sent_on": False})
        self.assertFalse(self.count(campaign))
        self.assertEqual(campaign.result_text, "Nothing was sent yet.")

    def test_counting_anew(self):
        """What was credited, reset or merged away since is no longer counted."""
        campaign = self.make_sent(roles=self.roles)
        move = self.sell(self.a, 100, 15)
        self.sell(self.b, 40, 15)
        self.assert_results(campaign)
        move.button_draft()
        self.sales.pop(0)
        self.sell(self.b, -40, 14)
        self.assert_results(campaign)
        self.get_members(campaign).filtered(lambda m: m.partner_id == self.b).unlink()
        self.assertNotIn(self.b, self.assert_results(campaign))
        self.assertEqual(campaign.result_target_count, 4)

    def test_comparison(self):
        """Targets as approved against those held out; who is neither does not count."""
        campaign = self.make_sent(roles=self.roles, cost=50)
        amounts = (90, 0, 30, 60, 0, 5, 0, 25, 7, 8)
        for partner, amount in zip(self.customers, amounts, strict=True):
            if amount:
                self.sell(partner, amount, 15)
        dropped = self.get_members(campaign).filtered(lambda m: m.partner_id == self.a)
        dropped.dropped_reason = "blacklisted"  # stays where it was put
        self.count(campaign)
        expected = compare(Sample.of([90, 0, 30, 60, 0]), Sample.of([5, 0, 25]))
        total = self.get_total(campaign)
        self.assertEqual((total.target_count, total.other_count), (5, 3))
        self.assertEqual((total.target_mean, total.other_mean), (36, 10))
        self.assertEqual(total.difference, 26)
        self.assertAlmostEqual(total.low, expected.low, delta=0.005)
        self.assertAlmostEqual(total.high, expected.high, delta=0.005)
        self.assertEqual(total.verdict, "unclear")
        self.assertEqual(campaign.comparison_role, "holdout")
        self.assertEqual((campaign.lift, campaign.effect), (26, 130))
        self.assertEqual((campaign.return_amount, campaign.return_ratio), (80, 2.6))
        self.assertEqual(campaign.revenue, 180)
        # 90 - 3, 30 - 3, 60 - 3 less 5 - 3, 25 - 3
        margin = self.get_total(campaign, "margin")
        self.assertAlmostEqual(margin.target_mean, 171 / 5, delta=0.005)
        self.assertEqual(margin.other_mean, 8)
        self.assertAlmostEqual(campaign.margin_return, 171 - 40 - 50, delta=0.005)
        buyers = self.get_total(campaign, "buyers")
        self.assertAlmostEqual(buyers.target_mean, 60)
        self.assertAlmostEqual(buyers.other_mean, 66.67, delta=0.005)

    def test_control_group_where_nobody_is_held_out(self):
        roles = {partner: "control" for partner in self.others}
        campaign = self.make_sent(roles=roles)
        self.sell(self.a, 100, 15)
        self.sell(self.others[0], 20, 15)
        self.count(campaign)
        self.assertEqual(campaign.comparison_role, "control")
        self.assertEqual(campaign.lift, 20 - 4)
        self.assertIn("control group", campaign.result_notes)

    def test_nobody_to_compare_with(self):
        campaign = self.make_sent()
        self.sell(self.a, 100, 15)
        self.count(campaign)
        self.assertFalse(campaign.comparison_role)
        self.assertEqual(campaign.revenue, 100)
        self.assertEqual(campaign.effect, 0)
        self.assertEqual(campaign.result_text, "No comparison: nobody was held out.")

    def test_by_category(self):
        """The categories at approval, whatever they are today."""
        gold, silver = self.gold.id, self.silver.id
        campaign = self.make_sent(roles=self.roles)
        for member in self.get_members(campaign):
            is_gold = member.partner_id in self.a + self.b + self.others[:2]
            member.category_ids = [gold] if is_gold else [silver]
        self.get_members(campaign).filtered(
            lambda m: m.partner_id == self.e
        ).category_ids = []
        amounts = (90, 10, 30, 60, 50, 5, 0, 25)
        for partner, amount in zip(self.customers[:8], amounts, strict=True):
            if amount:
                self.sell(partner, amount, 15)
        self.count(campaign)
        row = self.get_total(campaign, category=self.gold)
        expected = compare(Sample.of([90, 10]), Sample.of([5, 0]))
        self.assertEqual((row.target_count, row.other_count), (2, 2))
        self.assertEqual(row.dimension_id, self.dimension)
        self.assertEqual((row.difference, row.effect), (47.5, 95))
        self.assertAlmostEqual(row.low, expected.low, delta=0.005)
        self.assertAlmostEqual(row.high, expected.high, delta=0.005)
        row = self.get_total(campaign, category=self.silver)
        self.assertEqual((row.target_count, row.other_count), (2, 1))
        self.assertEqual((row.target_mean, row.verdict), (45, "none"))
        self.assertFalse(row.has_limits)
        # counting anew leaves one row each
        self.count(campaign)
        self.assertEqual(len(self.get_total(campaign, category=self.gold)), 1)


@tagged("post_install", "-at_install")
class TestCampaignOverlap(CampaignResultCommon):
    """An invoice that counts in several campaigns is never added up twice."""

    def setUp(self):
        super().setUp()
        self.a, self.b, self.c = self.customers[:3]
        # days 20 to 11, 15 to 6, and 12 to 3 ago
        self.first = self.make_sent(self.a + self.b, name="First")
        self.second = self.make_sent(self.a + self.c, name="Second", days_ago=15)
        self.third = self.make_sent(
            self.a + self.b, {self.b: "holdout"}, name="Third", days_ago=12
        )
        self.campaigns = self.first + self.second + self.third
        for days_ago, amount in ((18, 1), (15, 20), (12, 300), (9, 4000), (4, 50000)):
            self.sell(self.a, amount, days_ago)
        self.sell(self.b, 7, 12)
        self.sell(self.c, 8, 12)
        for campaign in self.campaigns:
            self.count(campaign)

    def test_each_campaign_shows_all(self):
        self.assertEqual(
            self.campaigns.mapped("revenue"), [1 + 20 + 300 + 7, 4320 + 8, 54300]
        )
        self.assertEqual(
            self.campaigns.mapped("revenue_shared"), [20 + 300, 4320, 300 + 4000]
        )

    def test_which_ones(self):
        self.assertEqual(
            {
                (row.campaign_id.name, row.other_id.name): (
                    row.customer_count,
                    row.revenue,
                )
                for row in self.campaigns.overlap_ids
            },
            {
                ("First", "Second"): (1, 320),
                ("First", "Third"): (1, 300),
                ("Second", "First"): (1, 320),
                ("Second", "Third"): (1, 4300),
                ("Third", "First"): (1, 300),
                ("Third", "Second"): (1, 4300),
            },
        )
        self.assertIn(
            "$\xa0320.00 of the revenue of $\xa0328.00", self.first.result_notes
        )

    def test_sums_count_each_invoice_once(self):
        """The last message before an invoice has it; all together are the invoices."""
        self.assertEqual(self.campaigns.mapped("revenue_once"), [1 + 7, 20 + 8, 54300])
        [[total, several]] = self.Result._read_group(
            [("campaign_id", "in", self.campaigns.ids)],
            [],
            ["revenue_once:sum", "revenue_several:sum"],
        )
        self.assertEqual(total, sum(sale.amount for sale in self.sales))
        self.assertEqual(several, 20 + 300 + 4000)

    def test_revenue_cannot_be_added_up(self):
        """No list, pivot or graph offers a sum of what may count several times."""
        for model_name, names in (
            ("customer.campaign.result", ("revenue_shared",)),
            ("customer.campaign", ("revenue", "revenue_shared", "lift", "effect")),
        ):
            described = self.env[model_name].fields_get(names, ["aggregator"])
            for name in names:
                self.assertNotIn("aggregator", described[name], name)
        described = self.Result.fields_get(["revenue"], ["aggregator"])
        self.assertEqual(described["revenue"]["aggregator"], "avg")

    def test_campaigns_that_were_not_sent_count_nothing(self):
        self.second.sudo().write({"state": "cancelled", "sent_on": False})
        self.count(self.first)
        self.assertEqual(self.first.revenue_shared, 300)

    def test_refreshing_one_refreshes_those_that_overlap(self):
        self.sell(self.a, 600000, 12)
        self.first.with_user(self.marketer).action_refresh_results()
        self.env.invalidate_all()
        self.assertEqual(self.campaigns.mapped("revenue_once"), [8, 28, 54300 + 600000])


@tagged("post_install", "-at_install")
class TestCampaignMessages(CampaignResultCommon):
    """What became of the messages."""

    def test_traces(self):
        holdout = self.customers[9]
        campaign = self.make_sent(roles={holdout: "holdout"})
        statuses = ("outgoing", "pending", "sent", "open", "reply", "bounce", "error")
        mailing = campaign.mailing_id
        for partner, status in zip(self.customers[:7], statuses, strict=True):
            self.trace(campaign, partner, status)
        self.trace(
            campaign, self.customers[7], "open", links_click_datetime=self.today_at(0)
        )
        traces = mailing.mailing_trace_ids
        # not of this campaign: a test, another mailing, another model, nobody's
        self.trace(campaign, self.customers[8], "open", is_test_trace=True)
        other = self.make_sent(self.customers[8])
        self.trace(other, self.customers[8], "open")
        self.trace(campaign, self.customers[8], "open", model="res.users")
        self.trace(campaign, self.make_customer("Stranger"), "open")
        rows = self.count(campaign)
        shown = ("sent", "delivered", "opened", "clicked", "replied")
        shown += ("bounced", "failed")
        self.assertEqual(
            [
                "".join(str(rows[partner][name]) for name in shown)
                for partner in self.customers
            ],
            [
                "0000000",
                "1000000",
                "1100000",
                "1110000",
                "1110100",
                "1000010",
                "0000001",
                "1111000",
                "0000000",
                "0000000",
            ],
        )
        # Odoo counts its mailing in the same way, but for the strangers
        counted = [campaign[f"{name}_count"] for name in shown]
        self.assertEqual(counted, [6, 4, 3, 1, 1, 1, 1])
        (mailing.mailing_trace_ids - traces).unlink()
        mailing.invalidate_recordset()
        self.assertEqual(counted, [mailing[name] for name in shown])

    def test_opted_out(self):
        """After the message, on the address, not by the link of another mailing."""
        a, b, c, d, e, f = self.customers[:6]
        campaign = self.make_sent(self.customers[:6], {f: "holdout"}, days_ago=5)
        for partner in (a, b, c, d):
            self.trace(campaign, partner, days_ago=5)
        self.trace(campaign, e, "error", days_ago=5)
        Blacklist = self.env["mail.blacklist"]
        link = '<a data-oe-model="mailing.mailing" data-oe-id="{}" href="#">it</a>'
        Blacklist._add(a.email, message=link.format(campaign.mailing_id.id))
        Blacklist._add(b.email, message=link.format(campaign.mailing_id.id + 1))
        Blacklist._add(c.email)
        for partner in (e, f):
            Blacklist._add(partner.email)
        rows = self.count(campaign)
        told = [rows[partner].opted_out for partner in self.customers[:6]]
        self.assertEqual(told, [1, 0, 1, 0, 0, 0])
        self.assertEqual(campaign.opted_out_count, 2)
        Blacklist._remove(c.email)
        self.assertFalse(self.count(campaign)[c].opted_out)

    def test_opted_out_of_messages_to_phones(self):
        a, b = self.customers[:2]
        campaign = self.make_sent(a + b, days_ago=5, channel="sms")
        for member in self.get_members(campaign):
            member.address = member.partner_id._phone_format(
                fname="phone", force_format="E164"
            )
            self.trace(campaign, member.partner_id, days_ago=5, trace_type="sms")
        self.assertTrue(self.get_members(campaign)[0].address)
        self.env["phone.blacklist"].sudo().add(self.get_members(campaign)[0].address)
        rows = self.count(campaign)
        self.assertEqual([rows[a].opted_out, rows[b].opted_out], [1, 0])

    def test_orders(self):
        if "sale.order" not in self.env:
            self.skipTest("Sales is not installed")
        a, b = self.customers[:2]
        campaign = self.make_sent(a + b)
        person = self.make_customer("Person", parent_id=a.id, is_company=False)
        Order = self.env["sale.order"].sudo()
        for partner, days_ago, state in (
            (person, 20, "sale"),
            (a, 11, "sale"),
            (a, 21, "sale"),
            (a, 10, "sale"),
            (a, 15, "draft"),
            (a, 15, "cancel"),
        ):
            order = Order.create({"partner_id": partner.id})
            order.write(
                {
                    "state": state,
                    "date_order": datetime.combine(self.day(days_ago), time(12)),
                }
            )
        rows = self.count(campaign)
        self.assertEqual([rows[a].order_count, rows[b].order_count], [2, 0])
        self.assertEqual(campaign.order_count, 2)
        self.assertTrue(campaign.has_orders)
