from odoo.tests import tagged

from odoo.addons.sms.tests.common import SMSCase

from .campaign_mail import CampaignMailCommon


@tagged("post_install", "-at_install")
class TestCampaignSms(SMSCase, CampaignMailCommon):
    """The same for text messages. Odoo's own gateway for tests receives them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.numbers = cls.customers.mapped("phone_sanitized")

    def make_sms(self, customers, **values):
        campaign = self.make_approved(customers, channel="sms", **values)
        for member in self.get_members(campaign):
            member.address = member.partner_id.phone_sanitized
        return campaign

    def send_sms(self, campaign):
        """Run both queues; returns the numbers that got something, in order."""
        cron = self.env.ref("sms.ir_cron_sms_scheduler_action")
        with self.mockSMSGateway():
            self.send(campaign)
            with self.enter_registry_test_mode():
                cron.method_direct_trigger()
            self.env.invalidate_all()
            return sorted(sms["number"] for sms in self._sms)

    def test_exactly_the_targets(self):
        """Of six: one held out, one opted out, one has the number of the held out."""
        out, opted_out, double, *_others = self.customers
        campaign = self.make_sms(self.customers[:6], roles={out: "holdout"})
        self.env["phone.blacklist"]._add([opted_out.phone_sanitized])
        double.phone = out.phone
        self.assertEqual(len(set(self.numbers)), 10)
        self.assertEqual(self.send_sms(campaign), sorted(self.numbers[3:6]))
        self.assertEqual(
            self.dropped(campaign),
            {"Customer 2": "blacklisted", "Customer 3": "duplicate"},
        )
        # at once, not with the next run of the queue
        self.assertEqual(campaign.mailing_id.state, "done")
        self.assertEqual(campaign.state, "running")
        self.assertEqual(
            campaign.delivery_summary,
            "Approved 5, sent 3: 1 opted out or blacklisted, "
            "1 address of another customer",
        )
        self.assertEqual(
            set(self.get_members(campaign).mapped("date_start")),
            {self.company._get_customer_today()},
        )

    def test_number_that_went(self):
        campaign = self.make_sms(self.customers[:2])
        self.customers[0].phone = False
        self.assertEqual(self.send_sms(campaign), self.numbers[1:2])
        self.assertEqual(self.dropped(campaign), {"Customer 1": "no_address"})

    def test_extra(self):
        """Also by the method that sends text messages alone, to chosen contacts."""
        campaign = self.make_sms(self.customers[:2])
        with self.mockSMSGateway():
            campaign.mailing_id.action_send_sms(self.customers[1:3].ids)
            self.assertFalse(self._new_sms)
        self.assertEqual(campaign.state, "held")
        self.assertEqual(campaign.extra_ids.partner_id, self.customers[2])
        self.assertEqual(campaign.extra_ids.address, self.numbers[2])
        campaign.action_restore_recipients()
        self.assertEqual(self.send_sms(campaign), sorted(self.numbers[:2]))

    def test_test_message_is_no_delivery(self):
        """Odoo notes a test at the first contact there is, who would get no message."""
        campaign = self.make_sms(self.customers[:2])
        self.env["mailing.trace"].create(
            {
                "trace_type": "sms",
                "is_test_trace": True,
                "mass_mailing_id": campaign.mailing_id.id,
                "model": "res.partner",
                "res_id": self.customers[0].id,
                "sms_number": "+15550000000",
            }
        )
        self.assertEqual(self.send_sms(campaign), sorted(self.numbers[:2]))
