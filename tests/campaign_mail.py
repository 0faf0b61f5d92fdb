"""A real mail server on this machine, and campaigns that send to it."""

import email
import email.policy
import logging
import socket

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .campaign_common import CampaignCommon

QUEUE_CRON = "mass_mailing.ir_cron_mass_mailing_queue"


class Sink(Message):
    """Takes every mail: who it was for, and its content."""

    def __init__(self):
        super().__init__()
        #: pairs of an address of the envelope and the message
        self.received = []

    def prepare_message(self, session, envelope):
        message = email.message_from_bytes(
            envelope.original_content, policy=email.policy.default
        )
        self.received += [(address, message) for address in envelope.rcpt_tos]
        return message

    def handle_message(self, message):
        pass

    @property
    def addresses(self):
        """The addresses that got something, as often as they did, in order."""
        return sorted(address for address, _message in self.received)


class CampaignMailCommon(CampaignCommon):
    """Campaigns that Odoo sends over SMTP to a server of the test's own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd's
        cls.partner_model = cls.env["ir.model"]._get("res.partner")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        cls.sink = Sink()
        controller = Controller(cls.sink, hostname="127.0.0.1", port=port)
        controller.start()
        cls.addClassCleanup(controller.stop)
        cls.env["ir.mail_server"].search([]).active = False
        cls.env["ir.mail_server"].create(
            {
                "name": "Sink",
                "smtp_host": "127.0.0.1",
                "smtp_port": port,
                "smtp_encryption": "none",
            }
        )
        # Odoo sends nothing in tests; here it shall
        cls.classPatch(IrMail_Server, "_disable_send", lambda self: False)

    def setUp(self):
        super().setUp()
        self.sink.received = []

    def run_queue(self):
        """Run the scheduled action of Odoo's mailings."""
        with self.enter_registry_test_mode():
            self.env.ref(QUEUE_CRON).method_direct_trigger()
        self.env.invalidate_all()

    def send(self, campaign):
        """Put the campaign's message into the queue, and run that."""
        campaign.mailing_id.action_put_in_queue()
        self.run_queue()

    def make_mailing(self, customers, **values):
        """Create an ordinary mailing that is due."""
        mailing = self.Mailing.create(
            {
                "subject": "Of somebody else",
                "mailing_model_id": self.partner_model.id,
                "mailing_domain": repr([("id", "in", customers.ids)]),
                "body_html": "<p>Hello</p>",
                "body_arch": "<p>Hello</p>",
                **values,
            }
        )
        mailing.action_put_in_queue()
        return mailing

    def dropped(self, campaign):
        """Return why customers were dropped, by name."""
        members = self.get_members(campaign, "target")
        members = members.filtered("dropped_reason")
        return {member.partner_id.name: member.dropped_reason for member in members}

    def emails(self, customers):
        return sorted(customers.mapped("email"))

    def told(self, campaign):
        """Return what the messages of the campaign say."""
        return " ".join(campaign.message_ids.mapped("body"))
