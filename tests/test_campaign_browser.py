import re

from lxml import html

from odoo.tests import HttpCase, tagged

from .campaign_mail import CampaignMailCommon


@tagged("post_install", "-at_install")
class TestCampaignBrowser(CampaignMailCommon, HttpCase):
    """From the dialog to the mail that arrives, and back by its opt-out link."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # with the marketer ten have an address, all others none
        cls.customers[9].active = False
        others = cls.env["res.partner"].search(
            [("id", "not in", (cls.customers + cls.marketer.partner_id).ids)]
        )
        others.write({"email": False, "phone": False})
        cls.marketer.partner_id.email = "marketer@example.com"
        cls.company.customer_mailing_share_limit = 50
        cls.audience = cls.env["customer.audience"].create(
            {
                "name": "Tour audience",
                "is_shared": True,
                "domain": repr([("id", "in", cls.customers[:6].ids)]),
                "recipient": "customer",
            }
        )

    def test_from_dialog_to_mail(self):
        self.start_tour(
            "/odoo/customer-campaigns", "customer_campaign", login="marketer"
        )
        campaign = self.Campaign.search([("audience_id", "=", self.audience.id)])
        self.assertEqual(campaign.state, "approved")
        self.assertEqual(campaign.user_id, self.marketer)
        self.assertEqual(campaign.mailing_id.customer_confirmed_by_id, self.marketer)
        self.assertEqual(self.sink.addresses, [])

        self.run_queue()
        self.assertEqual(self.sink.addresses, self.emails(self.customers[:6]))
        self.assertEqual(campaign.state, "running")

        self.opt_out_by_header("customer3@example.com")
        self.opt_out_by_link("customer5@example.com")
        self.assertEqual(
            sorted(self.env["mail.blacklist"].search([]).mapped("email")),
            ["customer3@example.com", "customer5@example.com"],
        )
        next_one = self.make_draft(
            audience_id=self.audience.id, user=self.marketer, gap_days=0
        )
        next_one.mailing_id._confirm_share(6)
        next_one.action_approve()
        self.sink.received = []
        self.run_queue()
        self.assertEqual(
            self.sink.addresses,
            [f"customer{number}@example.com" for number in (1, 2, 4, 6)],
        )
        excluded = self.get_members(next_one, "excluded")
        self.assertEqual(excluded.partner_id, self.customers[2] + self.customers[4])
        self.assertEqual(set(excluded.mapped("reason")), {"blacklisted"})

    def get_mail(self, address):
        """Return the only mail that an address got."""
        [message] = [
            message for recipient, message in self.sink.received if recipient == address
        ]
        return message

    def opt_out_by_header(self, address):
        """As mail programs do that show a button for it."""
        header = self.get_mail(address)["List-Unsubscribe"]
        url = re.search(r"<(http[^>]+)>", header)[1]
        self.url_open(url, data={"List-Unsubscribe": "One-Click"}).raise_for_status()
        self.env.invalidate_all()

    def opt_out_by_link(self, address):
        """As people do: the link at the end of the mail, and then the button."""
        body = self.get_mail(address).get_body(("html",)).get_content()
        [link] = html.fromstring(body).xpath("//a[text()='Unsubscribe']")
        page = self.url_open(link.get("href"))
        page.raise_for_status()
        [form] = html.fromstring(page.content).xpath(
            "//form[contains(@action, 'confirm_unsubscribe')]"
        )
        values = dict(form.form_values())
        self.url_open(form.get("action"), data=values).raise_for_status()
        self.env.invalidate_all()
