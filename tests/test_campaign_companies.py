from odoo.fields import Command
from odoo.tests import tagged

from .campaign_mail import CampaignMailCommon


@tagged("post_install", "-at_install")
class TestCampaignCompanies(CampaignMailCommon):
    """The mailing queue knows no company; a message speaks for its campaign's."""

    def test_a_customer_of_two_companies(self):
        """Gold here, Silver there: each message says what holds in its company."""
        other = self.setup_other_company(name="Other company")["company"]
        other.customer_mailing_share_limit = 0
        customer = self.customers[0]
        self.env.user.company_ids |= other
        for company, category in ((self.company, self.gold), (other, self.silver)):
            self.Override.with_company(company).create(
                {
                    "partner_id": customer.id,
                    "company_id": company.id,
                    "dimension_id": self.dimension.id,
                    "category_id": category.id,
                    "reason": "Agreed",
                }
            )
            customer.with_company(company).barcode = f"Card {category.name}"
        name = self.dimension.partner_field_name
        body = (
            f'<p>You are <t t-out="object.{name}.name"/> with us, '
            '<t t-out="object.barcode"/>, <t t-out="object.env.company.name"/>.</p>'
        )
        campaigns = [
            self.make_approved(customer, company_id=company.id, name=company.name)
            for company in (self.company, other)
        ]
        for campaign in campaigns:
            campaign.mailing_id._write_approved(
                {"subject": campaign.name, "body_html": body}
            )
            campaign.mailing_id.action_put_in_queue()
        # the queue's own user is in a third company
        third = self.env["res.company"].create({"name": "Third"})
        root = self.env.ref("base.user_root")
        root.write({"company_ids": [Command.link(third.id)], "company_id": third.id})
        self.run_queue()
        texts = {
            message["Subject"]: " ".join(
                message.get_body(("plain",)).get_content().split()
            )
            for _address, message in self.sink.received
        }
        self.assertEqual(len(self.sink.received), 2)
        for company, category in ((self.company, "Gold"), (other, "Silver")):
            self.assertIn(
                f"You are {category} with us, Card {category}, {company.name}.",
                texts[company.name],
            )
