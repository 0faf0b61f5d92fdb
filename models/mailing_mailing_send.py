import logging
from contextlib import contextmanager

from psycopg2 import OperationalError

from odoo import api, fields, models, modules
from odoo.exceptions import UserError
from odoo.fields import Domain

_logger = logging.getLogger(__name__)
#: In the context of Odoo's mailing queue: nobody is there to read an error
QUEUE = "customer_campaign_queue"


class MailingMailing(models.Model):
    """Sending: only what was approved, to whom it was approved for.

    The mailing queue first looks at the campaigns' mailings that are due, then Odoo
    sends them like all others, and each is compared once more right before: the queue
    may have been busy for hours. Whatever goes wrong with one of them, it goes back to
    draft and its campaign is held, and the queue goes on with the other mailings.
    """

    _inherit = "mailing.mailing"

    @api.model
    def _process_mass_mailing_queue(self):
        queue = self.with_context(**{QUEUE: True})
        queue._prepare_due()
        return super(MailingMailing, queue)._process_mass_mailing_queue()

    def _action_send_mail(self, res_ids=None):
        # text messages get to action_send_sms from here
        bound = self.filtered("is_of_customer_campaign")
        bound = bound.filtered(lambda mailing: mailing.mailing_type == "mail")
        for mailing in bound:
            send = super(MailingMailing, mailing)._action_send_mail
            mailing._send_approved(send, res_ids)
        others = self - bound
        return not others or super(MailingMailing, others)._action_send_mail(
            res_ids=res_ids
        )

    def action_send_sms(self, res_ids=None):
        bound = self.filtered("is_of_customer_campaign")
        for mailing in bound:
            send = super(MailingMailing, mailing).action_send_sms
            mailing._send_approved(send, res_ids)
        others = self - bound
        return not others or super(MailingMailing, others).action_send_sms(
            res_ids=res_ids
        )

    def _prepare_due(self):
        """Compare the recipients of the campaigns' mailings that are due."""
        # sudo: whoever the queue runs as
        due = self.sudo().search(
            Domain("customer_campaign_id", "!=", False)
            & Domain("state", "in", ("in_queue", "sending"))
            & (
                Domain("schedule_date", "=", False)
                | Domain("schedule_date", "<=", fields.Datetime.now())
            )
        )
        for mailing in due:
            try:
                with self.env.cr.savepoint():
                    mailing._prepare_sending()
            except Exception as error:  # pylint: disable=broad-except
                mailing._stop_after(error)

    def _prepare_sending(self, res_ids=None):
        """Drop who cannot be reached any more; stop where anybody is extra.

        :param list res_ids: the contacts to be written to, where somebody chose them
        :return: whether the mailing can be sent
        """
        self.ensure_one()
        mailing = self._get_bound()
        campaign = mailing.customer_campaign_id
        problem = campaign._get_sending_problem(mailing)
        if problem:
            mailing._write_approved({"state": "draft"})
            campaign._message_log(body=problem)
            return False
        problem = mailing._get_share_problem()
        if problem:
            mailing._write_approved({"state": "draft"})
            campaign._hold(problem)
            return False
        is_contacts = mailing.mailing_model_real == "res.partner"
        # as Odoo does: whom the domain, which somebody may have edited, gives now
        recipients = set(res_ids or mailing._get_recipients())
        extra = recipients - campaign._get_approved_contacts(with_dropped=True)
        if extra or not is_contacts:
            mailing._write_approved({"state": "draft"})
            campaign._hold_for_extra(extra if is_contacts else set(), len(recipients))
            return False
        # a test of the message is no delivery, though Odoo would count it as one
        mailing.mailing_trace_ids.filtered("is_test_trace").unlink()
        campaign._drop_unreachable()
        mailing._list_approved()
        return True

    def _send_approved(self, send, res_ids):
        """Send to the approved contacts who were not written to yet.

        In the company of the campaign: the queue has none, and what a message says of
        a customer may differ between companies.

        :param send: Odoo's method
        :param list res_ids: the contacts, where somebody chose them
        """
        self.ensure_one()
        in_queue = self.env.context.get(QUEUE)
        if not in_queue:
            self._get_bound()._check_approved()
        if not self._prepare_sending(res_ids):
            return
        campaign = self._get_bound().customer_campaign_id
        contacts = campaign._get_approved_contacts(without_sent=True)
        if res_ids:
            contacts &= set(res_ids)
            if not contacts:
                raise UserError(
                    self.env._(
                        "These contacts got the message already, or cannot be reached "
                        "any more."
                    )
                )
        if not contacts:
            self.write({"state": "done", "sent_date": fields.Datetime.now()})
            return
        company = campaign.company_id
        mailing = self.with_company(company).with_context(
            allowed_company_ids=company.ids
        )
        try:
            with self._isolate_sending():
                send.__func__(mailing, sorted(contacts))
        except OperationalError:
            if not in_queue:
                raise
            _logger.info("Mailing %s goes on with the next run", self.id, exc_info=True)
        except Exception as error:  # pylint: disable=broad-except
            if not in_queue:
                raise
            self._get_bound()._stop_after(error)
        else:
            self._get_bound()._note_text_messages()

    @contextmanager
    def _isolate_sending(self):
        """Take back what an error left half done, but for what Odoo has committed.

        It commits with each batch of mails, so there can be no savepoint around them.
        """
        if modules.module.current_test:
            with self.env.cr.savepoint():
                yield
            return
        try:
            yield
        except Exception:
            self.env.cr.rollback()
            raise

    def _note_text_messages(self):
        """Note that all was sent: for text messages Odoo finds out a day later."""
        for mailing in self.filtered(lambda m: m.mailing_type == "sms"):
            if not mailing.customer_campaign_id._get_approved_contacts(
                without_sent=True
            ):
                mailing.write({"state": "done", "sent_date": fields.Datetime.now()})

    def _note_sent(self, previous):
        """Note at the campaigns that their messages were sent.

        :param dict previous: when that was the last time, by mailing
        """
        for mailing in self:
            campaign = mailing.customer_campaign_id
            if not self.env.context.get(QUEUE):
                campaign._note_sent(previous[mailing])
                continue
            try:
                with self.env.cr.savepoint():
                    campaign._note_sent(previous[mailing])
            except Exception:  # pylint: disable=broad-except
                _logger.exception("Campaign of mailing %s", mailing.id)

    def _stop_after(self, error):
        """Put the mailing back to draft and hold its campaign, whatever happened."""
        _logger.error("Mailing %s is stopped", self.id, exc_info=error)
        self._write_approved({"state": "draft"})
        try:
            with self.env.cr.savepoint():
                self.customer_campaign_id._hold_for_error(error)
        except Exception:  # pylint: disable=broad-except
            _logger.exception("Campaign of mailing %s", self.id)
