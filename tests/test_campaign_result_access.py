from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged

from .campaign_common import MARKETER
from .campaign_result_common import CampaignResultCommon


@tagged("post_install", "-at_install")
class TestCampaignResultAccess(CampaignResultCommon):
    """Who sees which results."""

    dimension_codes = ("value_tier", "payment")

    def setUp(self):
        super().setUp()
        self.a, self.b = self.customers[:2]
        self.prompt = self.env.ref(
            "customer_classification.dimension_payment"
        ).category_ids[0]
        holdouts = {partner: "holdout" for partner in self.customers[5:]}
        self.campaign = self.make_sent(roles=holdouts)
        for member in self.get_members(self.campaign):
            member.category_ids = [self.gold.id, self.prompt.id]
        self.sell(self.a, 100, 15)
        self.sell(self.b, 50, 15)
        self.count(self.campaign)

    def test_categories_of_hidden_dimensions(self):
        """A marketer without payments learns nothing of them, a treasurer does."""
        shown = {
            user: self.Comparison.with_user(user)
            .search([("campaign_id", "=", self.campaign.id)])
            .category_id
            for user in (self.marketer, self.treasurer)
        }
        self.assertEqual(shown[self.marketer], self.gold)
        self.assertEqual(shown[self.treasurer], self.gold + self.prompt)
        campaign = self.campaign.with_user(self.marketer)
        self.assertEqual(campaign.category_comparison_ids.category_id, self.gold)
        hidden = self.get_total(self.campaign, category=self.prompt)
        with self.assertRaises(AccessError):
            hidden.with_user(self.marketer).read(["difference"])

    def test_rows_of_hidden_dimensions(self):
        Rows = self.env["customer.campaign.category.result"]
        domain = [("campaign_id", "=", self.campaign.id)]
        for user, shown in (
            (self.marketer, self.gold),
            (self.treasurer, self.gold + self.prompt),
        ):
            groups = Rows.with_user(user)._read_group(
                domain, ["category_id", "role"], ["revenue:avg", "__count"]
            )
            self.assertEqual(
                {(category, role): rest for category, role, *rest in groups},
                {
                    (category, role): [mean, 5]
                    for category in shown
                    for role, mean in (("target", 30), ("holdout", 0))
                },
            )

    def test_margins_are_the_managers(self):
        for user, is_shown in ((self.marketer, False), (self.chief, True)):
            self.env.invalidate_all()
            campaign = self.campaign.with_user(user)
            measures = campaign.comparison_ids.mapped("measure")
            self.assertEqual("margin" in measures, is_shown)
            fields = self.Result.with_user(user).fields_get()
            self.assertEqual("margin" in fields, is_shown)
            self.assertEqual("margin_once" in fields, is_shown)
            self.assertEqual(
                "margin_return" in campaign.fields_get(["margin_return"]), is_shown
            )
        with self.assertRaises(AccessError):
            self.campaign.with_user(self.marketer).read(["margin_effect"])
        with self.assertRaises(AccessError):
            self.Result.with_user(self.marketer)._read_group(
                [], ["campaign_id"], ["margin:avg"]
            )

    def test_rows_follow_the_customers(self):
        """A salesperson of marketing sees results of own customers only."""
        seller = self.make_user("seller", MARKETER)
        self.a.user_id = seller
        self.env["ir.rule"].create(
            {
                "name": "Own customers",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "groups": [(4, self.env.ref(MARKETER).id)],
                "domain_force": "[('user_id', '=', user.id)]",
            }
        )
        rows = self.Result.with_user(seller).search(
            [("campaign_id", "=", self.campaign.id)]
        )
        self.assertEqual(rows.partner_id, self.a)
        Rows = self.env["customer.campaign.category.result"].with_user(seller)
        rows = Rows.search([("campaign_id", "=", self.campaign.id)])
        self.assertEqual(rows.partner_id, self.a)
        [[revenue]] = self.Result.with_user(seller)._read_group(
            [("campaign_id", "=", self.campaign.id)], [], ["revenue_once:sum"]
        )
        self.assertEqual(revenue, 100)
        hidden = self.Result.sudo().search([("partner_id", "=", self.b.id)])
        self.assertEqual(len(hidden), 1)
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            hidden.with_user(seller).read(["revenue"])
        # the campaign's own numbers are of all its customers, whoever counts them
        campaign = self.campaign.with_user(seller)
        campaign.action_refresh_results()
        self.assertEqual((campaign.revenue, campaign.result_target_count), (150, 5))

    def test_rows_follow_the_campaign(self):
        """Of another company, nothing is seen."""
        other = self.setup_other_company(name="Other company")["company"]
        stranger = self.make_user("stranger", MARKETER)
        stranger.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        domain = [("campaign_id", "=", self.campaign.id)]
        for model_name in ("result", "category.result", "comparison", "overlap"):
            Model = self.env[f"customer.campaign.{model_name}"].with_user(stranger)
            self.assertFalse(Model.search(domain), model_name)
        row = self.Result.search(domain, limit=1)
        for record in (row, self.get_total(self.campaign)):
            with self.assertRaises(AccessError):
                record.with_user(stranger).read(["display_name"])
        with self.assertRaises(AccessError):
            self.campaign.with_user(stranger).action_refresh_results()

    def test_rows_follow_what_the_campaign_asks(self):
        """Who may not see how the customers were chosen sees none of the results."""
        audience = self.env["customer.audience"].create(
            {"name": "Prompt", "is_shared": True, "all_category_ids": self.prompt.ids}
        )
        self.campaign.sudo().audience_id = audience
        other = self.make_sent(self.a, name="Other")
        for campaign in self.campaign + other:
            self.count(campaign)
        domain = [("campaign_id", "=", self.campaign.id)]
        for model_name in ("result", "category.result", "comparison", "overlap"):
            Model = self.env[f"customer.campaign.{model_name}"]
            rows = Model.search(domain)
            self.assertTrue(Model.with_user(self.treasurer).search(domain), model_name)
            self.assertFalse(Model.with_user(self.marketer).search(domain), model_name)
            self.env.invalidate_all()
            with self.assertRaises(AccessError):
                rows.with_user(self.marketer).read(["display_name"])
        # nor are they named by another campaign
        seen = other.with_user(self.marketer)
        self.assertFalse(seen.overlap_ids)
        self.assertIn("also counts in other campaigns", seen.result_notes)

    def test_nobody_else(self):
        user = self.make_user("plain")
        for model_name in ("result", "category.result", "comparison", "overlap"):
            with self.assertRaises(AccessError):
                self.env[f"customer.campaign.{model_name}"].with_user(user).search([])

    def test_results_are_not_entered_by_hand(self):
        campaign = self.campaign.with_user(self.chief)
        with self.assert_refused(AccessError, "not entered by hand"):
            campaign.write({"effect": 1000000})
        with self.assert_refused(AccessError, "not entered by hand"):
            self.Campaign.with_user(self.chief).create({"name": "X", "revenue": 5})
        row = self.Result.search([("campaign_id", "=", campaign.id)], limit=1)
        with self.assertRaises(AccessError):
            row.with_user(self.chief).write({"revenue": 5})
        self.assertFalse(campaign.copy().revenue)


@tagged("post_install", "-at_install")
class TestCampaignSentence(CampaignResultCommon):
    """What a campaign earned, in words."""

    def say(self, targets, others, **values):
        """Return the campaign of customers who bought for these amounts."""
        amounts = [*targets, *others]
        partners = self.make_customers(len(amounts), prefix="Buyer")
        roles = {partner: "holdout" for partner in partners[len(targets) :]}
        campaign = self.make_sent(partners, roles, **values)
        for partner, amount in zip(partners, amounts, strict=True):
            if amount:
                self.sell(partner, amount, 15)
        self.count(campaign)
        return campaign

    def test_more(self):
        campaign = self.say([100, 101, 99, 100], [10, 11, 10, 9])
        total = self.get_total(campaign)
        self.assertEqual(total.verdict, "more")
        self.assertEqual(
            campaign.result_text,
            "Customers with the message bought for $\xa090.00 more each (between "
            f"$\xa0{total.low:.2f} and $\xa0{total.high:.2f}), $\xa0360.00 in all.",
        )
        self.assertFalse(campaign.result_notes)

    def test_less(self):
        campaign = self.say([10, 11, 10, 9], [100, 101, 99, 100])
        total = self.get_total(campaign)
        self.assertEqual(
            campaign.result_text,
            "Customers with the message bought for $\xa090.00 less each (between "
            f"$\xa0{-total.high:.2f} and $\xa0{-total.low:.2f}), $\xa0360.00 in all.",
        )

    def test_may_be_chance(self):
        campaign = self.say([100, 0, 0, 0], [10, 0, 0, 0])
        total = self.get_total(campaign)
        self.assertEqual(total.verdict, "unclear")
        needed = total.needed_target_count
        self.assertEqual(len(str(needed)), 2)
        self.assertEqual(
            campaign.result_text,
            "No effect can be shown yet: the difference of $\xa022.50 per customer may "
            f"be chance (between $\xa0-\ufeff{-total.low:.2f} and "
            f"$\xa0{total.high:.2f}). About "
            f"{needed} customers with the message and {needed} without would be needed "
            "to be certain of such a difference.",
        )

    def test_no_difference(self):
        campaign = self.say([10, 0, 0], [10, 0, 0])
        self.assertIn("bought for the same amount each", campaign.result_text)

    def test_too_few(self):
        campaign = self.say([10, 20], [5])
        self.assertIn("at least two customers", campaign.result_text)

    def test_all_alike(self):
        campaign = self.say([0, 0], [0, 0])
        self.assertIn("so far all customers", campaign.result_text)

    def test_not_final(self):
        campaign = self.say([10, 20], [5, 5], days_ago=15, window_days=30)
        self.assertIn("Not final: 4 customers are still counted", campaign.result_notes)

    def test_estimates_are_rounded_up(self):
        campaign = self.say([100, 0, 0, 0], [10, 0, 0, 0])
        campaign.sudo().write({"needed_target_count": 17123})
        self.assertIn("About 18,000 customers with", campaign.result_text)


@tagged("post_install", "-at_install")
class TestCampaignClosing(CampaignResultCommon):
    """The nightly counting, and campaigns whose days are over."""

    def run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref(
                "customer_classification.ir_cron_refresh_campaign_results"
            ).method_direct_trigger()
        self.env.invalidate_all()

    def test_over(self):
        """Ten days from ten days ago on ended yesterday; from nine, they end today."""
        over = self.make_sent(days_ago=10)
        going = self.make_sent(days_ago=9)
        standing = self.make_sent(days_ago=10, is_standing=True)
        waiting = self.make_sent(days_ago=10)
        self.get_members(waiting)[0].date_start = self.day(-1)
        draft = self.make_campaign()
        self.sell(self.customers[0], 100, 10)
        self.run_cron()
        self.assertEqual(
            [c.state for c in (over, going, standing, waiting, draft)],
            ["done", "running", "running", "running", "draft"],
        )
        self.assertEqual(over.revenue, 100)
        self.assertTrue(going.result_date)
        self.assertFalse(draft.result_date)

    def test_once_a_day(self):
        campaign = self.make_sent(days_ago=3)
        self.run_cron()
        counted = campaign.result_date
        self.sell(self.customers[0], 100, 1)
        self.run_cron()
        self.assertEqual((campaign.result_date, campaign.revenue), (counted, 0))
        campaign.sudo().result_date = self.today_at(0).replace(year=2020)
        self.run_cron()
        self.assertEqual(campaign.revenue, 100)

    def test_one_that_fails_stops_no_other(self):
        bad, good = self.make_sent(days_ago=3), self.make_sent(days_ago=3)
        Result = type(self.Result)
        update = Result._update

        def fail(model, campaign):
            if campaign.id == bad.id:
                raise ValueError("broken")
            return update(model, campaign)

        self.patch(Result, "_update", fail)
        with self.assertLogs("odoo.addons.customer_classification", "ERROR"):
            self.run_cron()
        self.assertEqual((bad.result_date, bool(good.result_date)), (False, True))


@tagged("post_install", "-at_install")
class TestOptOutLink(CampaignResultCommon, HttpCase):
    """The link in a message, as a customer uses it."""

    def test_link_of_the_message(self):
        a, b = self.customers[:2]
        campaign = self.make_sent(a + b, days_ago=5)
        other = self.make_sent(a + b, days_ago=6, name="Other")
        for sent in (campaign, other):
            for partner in (a, b):
                self.trace(sent, partner, days_ago=5)
        for mailing, partner in (
            (campaign.mailing_id, a),
            (other.mailing_id, b),
        ):
            url = mailing._get_unsubscribe_url(partner.email, partner.id)
            path = url.replace(mailing.get_base_url(), "").replace(
                "confirm_unsubscribe", "unsubscribe"
            )
            self.assertEqual(self.url_open(path).status_code, 200)
        rows, others = self.count(campaign), self.count(other)
        self.assertEqual([rows[p].opted_out for p in (a, b)], [1, 0])
        self.assertEqual([others[p].opted_out for p in (a, b)], [0, 1])
