from odoo.exceptions import UserError
from odoo.tests import tagged

from .campaign_mail import CampaignMailCommon


@tagged("post_install", "-at_install")
class TestCampaignShare(CampaignMailCommon):
    """A message to a large share of all contacts needs a second confirmation."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # with the user himself ten have an address, all others none
        cls.customers[9].active = False
        myself = cls.env.user.partner_id
        others = cls.env["res.partner"].search(
            [("id", "not in", (cls.customers + myself).ids)]
        )
        others.write({"email": False, "phone": False})
        myself.phone = "+1 555-0999-0100"
        # nor do these count: of another company, archived
        other = cls.env["res.company"].create({"name": "Other company"})
        cls.make_customers(3, "Elsewhere", company_id=other.id)
        cls.make_customers(3, "Former", active=False)
        cls.company.customer_mailing_share_limit = 50

    def test_half_is_not_asked(self):
        """50 % is not more than 50 %."""
        campaign = self.make_approved(self.customers[:5])
        self.send(campaign)
        self.assertEqual(len(self.sink.addresses), 5)

    def test_more_is_asked(self):
        campaign = self.make_approved(self.customers[:6])
        mailing = campaign.mailing_id.with_user(self.marketer)
        for method in ("action_put_in_queue", "action_launch"):
            action = getattr(mailing, method)()
            self.assertEqual(mailing.state, "draft")
        dialog = self.env[action["res_model"]].with_user(self.marketer)
        dialog = dialog.browse(action["res_id"])
        self.assertEqual(
            (dialog.count, dialog.total, dialog.share, dialog.limit), (6, 10, 60, 50)
        )
        with self.assert_refused(UserError, "6 contacts needs a second confirmation"):
            mailing.write({"state": "in_queue"})
        dialog.action_confirm()
        self.assertEqual(mailing.state, "in_queue")
        self.assertEqual(mailing.customer_confirmed_by_id, self.marketer)
        self.run_queue()
        self.assertEqual(len(self.sink.addresses), 6)

    def test_past_the_button(self):
        """Whoever writes the state past the buttons gets no further."""
        campaign = self.make_approved(self.customers[:6])
        with self.assert_refused(UserError, "second confirmation"):
            campaign.mailing_id.write({"state": "sending"})
        campaign.mailing_id._write_approved({"state": "sending"})
        self.run_queue()
        self.assertEqual(self.sink.addresses, [])
        self.assertEqual(campaign.mailing_id.state, "draft")
        self.assertEqual(campaign.state, "held")
        self.assertIn("second confirmation", campaign.error)
        action = campaign.action_restore_recipients()
        self.env[action["res_model"]].browse(action["res_id"]).action_confirm()
        self.run_queue()
        self.assertEqual(len(self.sink.addresses), 6)

    def test_program(self):
        campaign = self.make_approved(self.customers[:6])
        campaign.mailing_id.action_send_mail()
        self.assertEqual(self.sink.addresses, [])

    def test_confirmation_is_for_these(self):
        """Approving anew, or more recipients, asks again."""
        campaign = self.make_approved(self.customers[:6])
        mailing = campaign.mailing_id
        mailing._confirm_share(6)
        self.assertFalse(mailing._get_unconfirmed_count())
        self.make_member(campaign, self.customers[6])
        self.assertEqual(mailing._get_unconfirmed_count(), 7)
        mailing._confirm_share(7)
        self.assertFalse(mailing._get_unconfirmed_count())
        campaign.sudo().approved_on = "2999-01-01 00:00:00"
        self.assertEqual(mailing._get_unconfirmed_count(), 7)

    def test_never_asked(self):
        self.company.customer_mailing_share_limit = 0
        campaign = self.make_approved(self.customers[:9])
        self.send(campaign)
        self.assertEqual(len(self.sink.addresses), 9)

    def test_by_phone(self):
        """The share is of those with an address of this kind."""
        self.customers[4:].write({"phone": False})
        campaign = self.make_approved(self.customers[:3], channel="sms")
        self.assertEqual(campaign.mailing_id._get_share(), (3, 5))
        self.assertEqual(campaign.mailing_id._get_unconfirmed_count(), 3)

    def test_mailing_to_an_audience(self):
        """An ordinary one, whose filter names the audience: asked about as well."""
        audience = self.env["customer.audience"].create(
            {
                "name": "Most",
                "domain": repr([("id", "in", self.customers[:6].ids)]),
                "recipient": "customer",
            }
        )
        action = audience.action_use_in_mailings()
        mailing = self.Mailing.with_context(**action["context"]).create(
            {"subject": "Hello", "body_html": "<p>Hello</p>"}
        )
        mailing = self.Mailing.browse(mailing.id)
        with self.assert_refused(UserError, "6 contacts needs a second confirmation"):
            mailing.state = "in_queue"
        dialog = mailing.action_launch()
        self.assertEqual(mailing.state, "draft")
        self.env[dialog["res_model"]].browse(dialog["res_id"]).action_confirm()
        self.run_queue()
        self.assertEqual(self.sink.addresses, self.emails(self.customers[:6]))

    def test_other_recipients_are_asked_anew(self):
        audience = self.env["customer.audience"].create(
            {
                "name": "Most",
                "domain": repr([("id", "in", self.customers[:6].ids)]),
                "recipient": "customer",
            }
        )
        domain = [("customer_mail_audience_ids", "in", audience.ids)]
        mailing = self.Mailing.create(
            {
                "subject": "Hello",
                "mailing_model_id": self.partner_model.id,
                "mailing_domain": repr(domain),
            }
        )
        mailing._confirm_share(6)
        self.assertFalse(mailing._get_unconfirmed_count())
        mailing.mailing_domain = repr([*domain, ("id", "!=", 0)])
        self.assertEqual(mailing._get_unconfirmed_count(), 6)

    def test_mailing_to_others(self):
        """What has nothing to do with audiences is sent as ever."""
        mailing = self.make_mailing(self.customers[:9])
        self.assertEqual(mailing.state, "in_queue")
