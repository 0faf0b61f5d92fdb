from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .campaign_mail import CampaignMailCommon

SEND = "odoo.addons.customer_classification.models.mailing_mailing_send"


@tagged("post_install", "-at_install")
class TestCampaignDelivery(CampaignMailCommon):
    """What was approved is what is sent: over SMTP, to the last address."""

    def test_exactly_the_targets(self):
        """Ten customers: two held out, one in the control group, one excluded."""
        out, also_out, control, excluded, *targets = self.customers
        campaign = self.make_approved(
            roles={
                out: "holdout",
                also_out: "holdout",
                control: "control",
                excluded: "excluded",
            }
        )
        self.send(campaign)
        self.assertEqual(
            self.sink.addresses,
            [f"customer{n}@example.com" for n in (10, 5, 6, 7, 8, 9)],
        )
        self.assertEqual(campaign.mailing_id.state, "done")
        self.assertEqual(campaign.state, "running")
        self.assertTrue(campaign.sent_on)
        self.assertEqual(campaign.delivery_summary, "Approved 6, sent 6")
        self.assertEqual(self.dropped(campaign), {})
        days = self.get_members(campaign).mapped("date_start")
        self.assertEqual(days, [self.company._get_customer_today()] * 10)
        self.assertEqual(len(targets), 6)

    def test_day_where_the_company_is(self):
        """At 20:00 UTC it is the next day in Shanghai."""
        self.company.partner_id.tz = "Asia/Shanghai"
        campaign = self.make_approved(self.customers[:2])
        self.get_members(campaign).write({"date_start": "2026-01-01"})
        campaign.mailing_id.action_put_in_queue()
        with freeze_time("2026-06-10 20:00:00"):
            campaign.mailing_id._action_send_mail()
        self.assertEqual(
            set(self.get_members(campaign).mapped("date_start")),
            {fields.Date.to_date("2026-06-11")},
        )

    def test_who_cannot_be_reached_any_more(self):
        """Each reason once; the words count them."""
        (
            opted_out,
            archived,
            bounced,
            emptied,
            mistyped,
            deleted,
            moved,
            *reached,
        ) = self.customers
        person = self.env["res.partner"].create(
            {"name": "Person", "parent_id": deleted.id, "email": "person@example.com"}
        )
        mover = self.env["res.partner"].create(
            {"name": "Mover", "parent_id": moved.id, "email": "mover@example.com"}
        )
        campaign = self.make_approved()
        for customer, contact in ((deleted, person), (moved, mover)):
            member = self.get_members(campaign)
            member = member.filtered(lambda m, c=customer: m.partner_id == c)
            member.write({"contact_id": contact.id, "address": contact.email})
        self.env["mail.blacklist"]._add(opted_out.email)
        archived.active = False
        bounced.message_bounce = 1
        emptied.email = False
        mistyped.email = "nobody at all"
        person.unlink()
        mover.parent_id = reached[0]
        self.send(campaign)
        self.assertEqual(self.sink.addresses, self.emails(self.customers[7:]))
        self.assertEqual(
            self.dropped(campaign),
            {
                "Customer 1": "blacklisted",
                "Customer 2": "archived",
                "Customer 3": "bounced",
                "Customer 4": "no_address",
                "Customer 5": "invalid",
                "Customer 6": "deleted",
                "Customer 7": "left",
            },
        )
        self.assertEqual(
            campaign.delivery_summary,
            "Approved 10, sent 3: 1 no address, 1 invalid address, "
            "1 opted out or blacklisted, 1 bounced, 1 archived, "
            "1 no customer any more, 1 contact deleted",
        )

    def test_no_customer_any_more(self):
        """Who was chosen by hand need not be a customer; who is of an audience must."""
        self.customers[0].customer_rank = 0
        chosen = self.make_approved(self.customers[:2], name="Chosen")
        self.send(chosen)
        self.assertEqual(self.sink.addresses, self.emails(self.customers[:2]))
        self.sink.received = []
        audience = self.env["customer.audience"].create({"name": "All"})
        followed = self.make_approved(self.customers[:2], audience_id=audience.id)
        self.send(followed)
        self.assertEqual(self.sink.addresses, self.emails(self.customers[1]))
        self.assertEqual(self.dropped(followed), {"Customer 1": "left"})

    def test_the_person_was_approved_not_the_address(self):
        self.customers[0].email = "new@example.com"
        campaign = self.make_approved(self.customers[:1])
        self.customers[0].email = "newer@example.com"
        self.send(campaign)
        self.assertEqual(self.sink.addresses, ["newer@example.com"])

    def test_shared_addresses(self):
        """An address is written to once, and never that of someone held out."""
        first, second, third, fourth, out, control = self.customers[:6]
        campaign = self.make_approved(
            self.customers[:6], roles={out: "holdout", control: "control"}
        )
        first.email = second.email  # second had it all along
        third.email = "Boss <%s>" % out.email.upper()
        control.email, fourth.email = "x@example.com", "x@example.com"
        self.send(campaign)
        self.assertEqual(self.sink.addresses, [second.email])
        self.assertEqual(
            self.dropped(campaign),
            {
                "Customer 1": "duplicate",
                "Customer 3": "duplicate",
                "Customer 4": "duplicate",
            },
        )

    def test_address_that_was_held_out(self):
        """Where someone held out lives no more, nobody is written to either."""
        target, out = self.customers[:2]
        campaign = self.make_approved(self.customers[:2], roles={out: "holdout"})
        target.email, out.email = out.email, "elsewhere@example.com"
        self.send(campaign)
        self.assertEqual(self.sink.addresses, [])
        self.assertEqual(campaign.state, "running")
        self.assertEqual(
            campaign.delivery_summary,
            "Approved 1, sent 0: 1 address of another customer",
        )

    def test_opt_out_at_the_last_moment(self):
        """Between the comparison and the mail: Odoo finds out, and it is counted."""
        campaign = self.make_approved(self.customers[:3])
        Composer = type(self.env["mail.compose.message"])
        prepare = Composer._prepare_mail_values

        def opt_out(composer, res_ids):
            composer.env["mail.blacklist"]._add("customer2@example.com")
            return prepare(composer, res_ids)

        self.patch(Composer, "_prepare_mail_values", opt_out)
        self.send(campaign)
        self.assertEqual(
            self.sink.addresses, ["customer1@example.com", "customer3@example.com"]
        )
        self.assertEqual(self.dropped(campaign), {"Customer 2": "blacklisted"})
        self.assertEqual(
            campaign.delivery_summary,
            "Approved 3, sent 2: 1 opted out or blacklisted",
        )

    def test_changed_tiers_change_nothing(self):
        """Whoever was approved is written to, whatever became of the category."""
        campaign = self.make_approved(self.customers[:2])
        self.Override.create(
            {
                "partner_id": self.customers[0].id,
                "dimension_id": self.dimension.id,
                "category_id": self.bronze.id,
                "reason": "Fell",
            }
        )
        self.send(campaign)
        self.assertEqual(self.sink.addresses, self.emails(self.customers[:2]))

    # Anybody extra stops it

    def test_edited_filter(self):
        """Somebody else's code changed the filter: the difference is kept in words."""
        out = self.customers[0]
        campaign = self.make_approved(self.customers[:4], roles={out: "holdout"})
        person = self.env["res.partner"].create(
            {"name": "P", "parent_id": self.customers[1].id, "email": "p@example.com"}
        )
        campaign.mailing_id.action_put_in_queue()
        contacts = self.customers[:5] + person
        campaign.mailing_id._write_approved(
            {"mailing_domain": repr([("id", "in", contacts.ids)])}
        )
        other = self.make_mailing(self.customers[9])
        self.run_queue()
        self.assertEqual(self.sink.addresses, ["customer10@example.com"])
        self.assertEqual(other.state, "done")
        self.assertEqual(campaign.mailing_id.state, "draft")
        self.assertEqual(campaign.state, "held")
        self.assertEqual(
            {row.partner_id: row.reason for row in campaign.extra_ids},
            {out: "holdout", self.customers[4]: "stranger", person: "other"},
        )
        self.assertEqual(campaign.extra_count, 3)
        self.assertEqual(
            campaign.error,
            "Nothing was sent: the message would have reached 6 contacts, 3 of them "
            "without approval. 3 are approved.",
        )
        self.assertEqual(campaign.activity_ids.user_id, campaign.user_id)
        self.assertIn("would have reached 6 contacts", self.told(campaign))

        campaign.with_user(self.chief).action_restore_recipients()
        self.assertEqual(campaign.state, "approved")
        self.assertFalse(campaign.extra_ids)
        self.assertFalse(campaign.activity_ids)
        self.run_queue()
        self.assertEqual(
            self.sink.addresses, self.emails(self.customers[1:4] + self.customers[9])
        )
        self.assertEqual(campaign.state, "running")

    def test_lists_instead_of_contacts(self):
        """Another model's records are nobody that was approved."""
        contact = self.env["mailing.contact"].create(
            {"name": "C", "email": "c@example.com"}
        )
        lists = self.env["mailing.list"].create(
            {"name": "L", "contact_ids": [fields.Command.set(contact.ids)]}
        )
        campaign = self.make_approved(self.customers[:2])
        campaign.mailing_id.action_put_in_queue()
        campaign.mailing_id._write_approved(
            {
                "mailing_model_id": self.env["ir.model"]._get_id("mailing.list"),
                "contact_list_ids": [fields.Command.set(lists.ids)],
            }
        )
        self.run_queue()
        self.assertEqual(self.sink.addresses, [])
        self.assertEqual(campaign.state, "held")
        self.assertIn("1 records that are no contacts", campaign.error)
        campaign.action_restore_recipients()
        self.run_queue()
        self.assertEqual(self.sink.addresses, self.emails(self.customers[:2]))

    def test_narrowed_filter(self):
        """Nobody who was approved is forgotten either."""
        campaign = self.make_approved(self.customers[:3])
        campaign.mailing_id.action_put_in_queue()
        campaign.mailing_id._write_approved({"mailing_domain": "[('id', '=', 0)]"})
        self.run_queue()
        self.assertEqual(self.sink.addresses, self.emails(self.customers[:3]))

    def test_chosen_recipients(self):
        """Also where a program says whom to write to."""
        campaign = self.make_approved(self.customers[:3])
        mailing = campaign.mailing_id
        mailing.action_send_mail(self.customers[2:4].ids)
        self.assertEqual(self.sink.addresses, [])
        self.assertEqual(campaign.state, "held")
        self.assertEqual(campaign.extra_ids.partner_id, self.customers[3])
        with self.assert_refused(UserError, "is held"):
            mailing.action_send_mail(self.customers[:1].ids)
        campaign.action_restore_recipients()
        mailing.action_send_mail(self.customers[:1].ids)
        self.assertEqual(self.sink.addresses, ["customer1@example.com"])
        self.assertEqual(campaign.delivery_summary, "Approved 3, sent 1: 2 waiting")
        with self.assert_refused(UserError, "got the message already"):
            mailing.action_send_mail(self.customers[:1].ids)
        campaign.action_queue()
        self.run_queue()
        self.assertEqual(self.sink.addresses, self.emails(self.customers[:3]))
        self.assertEqual(campaign.delivery_summary, "Approved 3, sent 3")

    def test_retry(self):
        """A mail that failed is sent again, to nobody else."""
        campaign = self.make_approved(self.customers[:2])
        self.send(campaign)
        mail = self.env["mail.mail"].search(
            [("mailing_id", "=", campaign.mailing_id.id)], limit=1
        )
        self.assertFalse(mail, "sent mails are removed")
        trace = campaign.mailing_id.mailing_trace_ids[0]
        lost = self.env["res.partner"].browse(trace.res_id)
        self.env["mail.mail"].create(
            {
                "mailing_id": campaign.mailing_id.id,
                "state": "exception",
                "mailing_trace_ids": [fields.Command.set(trace.ids)],
            }
        )
        self.sink.received = []
        campaign.mailing_id.action_retry_failed()
        self.run_queue()
        self.assertEqual(self.sink.addresses, [lost.email])

    # Not approved

    def test_not_approved(self):
        campaign = self.make_approved(self.customers[:2])
        for state in ("draft", "cancelled", "held", "done"):
            campaign.sudo().state = state
            for method in ("action_put_in_queue", "action_launch", "action_send_mail"):
                with self.assert_refused(UserError, "is not approved|is held"):
                    getattr(campaign.mailing_id, method)()
            with self.assert_refused(UserError, "is not approved|is held"):
                campaign.mailing_id.write({"state": "in_queue"})

    def test_not_approved_in_the_queue(self):
        campaign = self.make_approved(self.customers[:2])
        campaign.mailing_id.action_put_in_queue()
        campaign.sudo().state = "draft"
        self.make_mailing(self.customers[9])
        self.run_queue()
        self.assertEqual(self.sink.addresses, ["customer10@example.com"])
        self.assertEqual(campaign.mailing_id.state, "draft")
        self.assertIn("is not approved", self.told(campaign))

    def test_copy_of_the_message(self):
        """A second mailing that claims to be of the campaign was not approved."""
        campaign = self.make_approved(self.customers[:2])
        copy = campaign.mailing_id.copy({"customer_campaign_id": campaign.id})
        with self.assert_refused(UserError, "was copied"):
            copy.action_put_in_queue()
        self.assertFalse(campaign.mailing_id.copy().customer_campaign_id)

    # Nothing of ours stops the others

    @mute_logger(SEND)
    def test_broken_filter(self):
        """With a field that is gone, the filter alone would stop the whole queue."""
        campaign = self.make_approved(self.customers[:2])
        campaign.mailing_id.action_put_in_queue()
        campaign.mailing_id._write_approved(
            {"mailing_domain": "[('x_cls_gone_id', '=', 1)]"}
        )
        self.make_mailing(self.customers[9])
        self.run_queue()
        self.assertEqual(self.sink.addresses, ["customer10@example.com"])
        self.assertEqual((campaign.state, campaign.mailing_id.state), ("held", "draft"))
        self.assertIn("x_cls_gone_id", campaign.error)
        campaign.action_restore_recipients()
        self.run_queue()
        self.assertEqual(len(self.sink.addresses), 3)

    @mute_logger(SEND, "odoo.addons.mail.models.mail_render_mixin")
    def test_broken_message(self):
        """An error that shows as late as the text is made for a customer."""
        campaign = self.make_approved(self.customers[:2])
        campaign.mailing_id._write_approved(
            {"body_html": '<p><t t-out="object.x_cls_gone_id.name"/></p>'}
        )
        campaign.mailing_id.action_put_in_queue()
        self.make_mailing(self.customers[9])
        self.run_queue()
        self.assertEqual(self.sink.addresses, ["customer10@example.com"])
        self.assertEqual((campaign.state, campaign.mailing_id.state), ("held", "draft"))
        self.assertIn("could not be sent", campaign.error)

    @mute_logger(SEND)
    def test_broken_contract(self):
        """Errors in the comparison, and even in the holding, stop this mailing only."""
        campaign = self.make_approved(self.customers[:2])
        campaign.mailing_id.action_put_in_queue()
        self.make_mailing(self.customers[9])

        def fail(records, *args):
            raise ZeroDivisionError

        self.patch(type(campaign), "_drop_unreachable", fail)
        self.patch(type(campaign), "_hold", fail)
        self.run_queue()
        self.assertEqual(self.sink.addresses, ["customer10@example.com"])
        self.assertEqual(campaign.mailing_id.state, "draft")

    # What was approved is what is sent

    def test_message_is_frozen(self):
        campaign = self.make_approved(self.customers[:2])
        mailing = campaign.mailing_id
        changes = {
            "subject": "Other",
            "body_html": "<p>Other</p>",
            "body_arch": "<p>Other</p>",
            "mailing_domain": "[]",
            "mailing_model_id": self.env["ir.model"]._get_id("mailing.list"),
            "use_exclusion_list": False,
            "email_from": "other@example.com",
            "ab_testing_enabled": True,
            "attachment_ids": [fields.Command.create({"name": "x", "raw": b"x"})],
        }
        for state in ("approved", "held", "running"):
            campaign.sudo().state = state
            for name, value in changes.items():
                with self.assert_refused(UserError, "set the campaign back to draft"):
                    mailing.write({name: value})
        # the same, or when it is sent, or a note about it
        mailing.write({"subject": mailing.subject, "body_html": mailing.body_html})
        mailing.write({"schedule_date": fields.Datetime.now() + timedelta(days=1)})
        mailing.favorite = True
        campaign.sudo().state = "draft"
        mailing.write({"subject": "Other"})

    def test_message_is_kept(self):
        campaign = self.make_approved(self.customers[:2])
        with self.assert_refused(UserError, "Archive it instead"):
            campaign.mailing_id.unlink()

    def test_rights(self):
        """Whoever only sends mailings is bound as well, and forges nothing."""
        sender = self.make_user("sender", "mass_mailing.group_mass_mailing_user")
        campaign = self.make_approved(self.customers[:2])
        mailing = campaign.mailing_id.with_user(sender)
        self.assertTrue(mailing.is_of_customer_campaign)
        with self.assert_refused(AccessError, "customer_campaign_id|campaign"):
            mailing.read(["customer_campaign_id"])
        with self.assert_refused(UserError, "set the campaign back to draft"):
            mailing.subject = "Other"
        for name, value in (
            ("customer_campaign_id", False),
            ("customer_confirmed_on", "2026-01-01 00:00:00"),
            ("customer_confirmed_count", 10**6),
        ):
            with self.assert_refused(AccessError, "not entered by hand|access"):
                mailing.write({name: value})
        with self.assert_refused(AccessError, "not entered by hand"):
            mailing.with_context(
                default_customer_confirmed_on="2026-01-01 00:00:00"
            ).create({"subject": "S", "mailing_model_id": self.partner_model.id})
        mailing.action_put_in_queue()
        self.run_queue()
        self.assertEqual(self.sink.addresses, self.emails(self.customers[:2]))
        with self.assert_refused(AccessError, "."):
            campaign.with_user(sender).action_restore_recipients()
        with self.assert_refused(AccessError, "."):
            self.env["customer.campaign.extra"].with_user(sender).search([])
