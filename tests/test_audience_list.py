from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .audience_common import AudienceCommon
from .common import MANAGER


@tagged("post_install", "-at_install")
class TestAudienceList(AudienceCommon):
    """Mailing lists that follow an audience."""

    def setUp(self):
        super().setUp()
        self.customers = self.env["res.partner"].union(
            *(
                self.make_customer(
                    f"N{number}",
                    email=f"N{number}@Example.com",
                    phone=f"+1202555010{number}",
                )
                for number in range(5)
            )
        )
        self.audience = self.make_audience(
            domain="[('name', 'in', ['N0', 'N1', 'N2'])]", is_shared=True
        )

    def make_list(self, user=None, **values):
        return (
            self.env["mailing.list"]
            .with_user(user or self.env.user)
            .create(
                {"name": "List", "customer_audience_id": self.audience.id, **values}
            )
        )

    def update(self, mailing_list):
        """Update, and return how many were added and removed."""
        mailing_list.action_update_from_audience()
        return mailing_list.customer_added_count, mailing_list.customer_removed_count

    def on_list(self, mailing_list, opt_out=False, field="email_normalized"):
        self.env.invalidate_all()
        subscriptions = mailing_list.sudo().subscription_ids
        return sorted(
            subscriptions.filtered(lambda s: s.opt_out == opt_out).mapped(
                f"contact_id.{field}"
            )
        )

    def addresses(self, *numbers):
        return [f"n{number}@example.com" for number in numbers]

    def test_adds_and_removes(self):
        mailing_list = self.make_list()
        self.assertEqual(self.update(mailing_list), (3, 0))
        self.assertEqual(self.on_list(mailing_list), self.addresses(0, 1, 2))
        self.assertEqual(mailing_list.contact_count, 3)
        contact = mailing_list.contact_ids.sorted("email")[0]
        self.assertEqual(
            (contact.name, contact.company_name, contact.email),
            ("N0", "N0", "n0@example.com"),
        )
        self.assertEqual(self.update(mailing_list), (0, 0))
        self.audience.domain = "[('name', 'in', ['N1', 'N2', 'N3', 'N4'])]"
        self.assertEqual(self.update(mailing_list), (2, 1))
        self.assertEqual(self.on_list(mailing_list), self.addresses(1, 2, 3, 4))
        # who comes back is the contact that was there before
        self.audience.domain = "[]"
        self.assertEqual(self.update(mailing_list), (1, 0))
        self.assertIn(contact, mailing_list.contact_ids)
        # an address that changed
        self.customers[0].email = "new@example.com"
        self.assertEqual(self.update(mailing_list), (1, 1))
        self.assertEqual(
            self.on_list(mailing_list),
            sorted(["new@example.com", *self.addresses(1, 2, 3, 4)]),
        )
        # who cannot be written to any more
        self.env["mail.blacklist"]._add("n1@example.com")
        self.customers[2].message_bounce = 1
        self.assertEqual(self.update(mailing_list), (0, 2))

    def test_opt_outs_are_kept(self):
        mailing_list = self.make_list()
        self.update(mailing_list)
        gone = mailing_list.subscription_ids.filtered(
            lambda s: s.contact_id.email_normalized == "n1@example.com"
        )
        gone.opt_out = True
        self.assertEqual(self.update(mailing_list), (0, 0))
        self.audience.domain = "[('name', '=', 'N0')]"
        self.assertEqual(self.update(mailing_list), (0, 1))
        self.assertTrue(gone.exists().opt_out, "the opt-out is lost")
        self.audience.domain = "[]"
        self.assertEqual(self.update(mailing_list), (3, 0))
        self.assertEqual(self.on_list(mailing_list), self.addresses(0, 2, 3, 4))
        self.assertEqual(self.on_list(mailing_list, opt_out=True), self.addresses(1))
        # also of another contact with the address
        other = self.env["mailing.contact"].create(
            {
                "email": "N3@EXAMPLE.com",
                "subscription_ids": [
                    Command.create({"list_id": mailing_list.id, "opt_out": True})
                ],
            }
        )
        mailing_list.subscription_ids.filtered(
            lambda s: (
                s.contact_id.email_normalized == "n3@example.com"
                and s.contact_id != other
            )
        ).unlink()
        self.assertEqual(self.update(mailing_list), (0, 0))
        self.assertNotIn("n3@example.com", self.on_list(mailing_list))

    def test_added_by_hand_is_kept(self):
        """Nothing is taken off that the list did not put there."""
        stranger, known = self.env["mailing.contact"].create(
            [{"email": "stranger@example.com"}, {"email": " N4@example.com"}]
        )
        mailing_list = self.make_list(contact_ids=[Command.set((stranger | known).ids)])
        self.assertEqual(self.update(mailing_list), (3, 0))
        self.audience.domain = "[('name', 'in', ['N0', 'N4'])]"
        self.assertEqual(self.update(mailing_list), (0, 2))
        self.audience.domain = "[('name', '=', 'N0')]"
        self.assertEqual(self.update(mailing_list), (0, 0))
        self.assertEqual(
            self.on_list(mailing_list),
            sorted(["stranger@example.com", *self.addresses(0, 4)]),
        )
        flags = {
            s.contact_id.email_normalized: s.is_from_audience
            for s in mailing_list.subscription_ids
        }
        self.assertEqual(
            flags,
            {
                "stranger@example.com": False,
                "n4@example.com": False,
                "n0@example.com": True,
            },
        )

    def test_known_contacts_are_taken(self):
        """No second contact for an address; other lists stay as they are."""
        first, second = self.env["mailing.contact"].create(
            [{"name": "First", "email": "n0@example.com"}] * 2
        )
        other = self.env["mailing.list"].create(
            {"name": "Other", "contact_ids": [Command.set(second.ids)]}
        )
        self.customers[1].email = "n0@example.com"  # shared with the first
        before = self.env["mailing.contact"].search_count([])
        mailing_list = self.make_list()
        self.assertEqual(self.update(mailing_list), (2, 0))
        self.assertEqual(self.env["mailing.contact"].search_count([]), before + 1)
        self.assertEqual(self.on_list(mailing_list), self.addresses(0, 2))
        self.assertIn(first, mailing_list.contact_ids)
        self.assertEqual(other.contact_ids, second)

    def test_by_sms(self):
        mailing_list = self.make_list(customer_channel="sms")
        self.customers[0].phone = False
        self.assertEqual(self.update(mailing_list), (2, 0))
        numbers = ["+12025550101", "+12025550102"]
        self.assertEqual(self.on_list(mailing_list, field="phone_sanitized"), numbers)
        self.assertEqual(self.on_list(mailing_list, field="mobile"), numbers)

    def test_who_follows(self):
        """The list has whom its user sees, whoever updates it."""
        self.env["ir.rule"].create(
            {
                "name": "not this one",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {self.customers[0].id})]",
                "groups": [
                    Command.link(
                        self.env.ref(
                            "customer_classification"
                            ".group_customer_classification_marketing"
                        ).id
                    )
                ],
            }
        )
        mailing_list = self.make_list(self.marketer)
        self.assertEqual(mailing_list.customer_user_id, self.marketer)
        for env in (mailing_list.sudo().with_user(self.chief), mailing_list.sudo()):
            env.action_update_from_audience()
            self.assertEqual(self.on_list(mailing_list), self.addresses(1, 2))
        mailing_list.write({"customer_user_id": self.chief.id, "name": "Mine"})
        self.assertEqual(mailing_list.customer_user_id, self.marketer, "taken over")
        private = self.make_audience("Private")
        with self.assertRaises(AccessError):
            mailing_list.customer_audience_id = private
        self.marketer.active = False
        with self.assert_refused(UserError, "not in marketing any more"):
            mailing_list.sudo().action_update_from_audience()

    def test_secret_audience_makes_no_list(self):
        """All who work with mailings see the contacts of a list."""
        secret = self.Audience.with_user(self.treasurer).create(
            {"name": "Late", "domain": "[('customer_overdue_amount', '>', 0)]"}
        )
        outer = self.Audience.with_user(self.treasurer).create(
            {"name": "Not late", "exclude_ids": [Command.set(secret.ids)]}
        )
        for audience in (secret, outer):
            with self.assert_refused(ValidationError, "not every marketer may see"):
                audience.action_make_list()

    def test_night(self):
        """One list that fails does not stop the others, and says why."""
        broken = self.make_list(name="Broken")
        fine = self.make_list(name="Fine")
        self.env["mailing.list"].create({"name": "No audience"})
        self.marketer.group_ids = self.env.ref("base.group_user")
        self.env.cr.execute(
            "UPDATE mailing_list SET customer_user_id = %s WHERE id = %s",
            [self.marketer.id, broken.id],
        )
        self.env.invalidate_all()
        cron = self.env.ref("customer_classification.ir_cron_update_lists")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(self.on_list(fine), self.addresses(0, 1, 2))
        self.assertTrue(fine.customer_updated_on)
        self.assertFalse(fine.customer_error)
        self.assertIn("not in marketing any more", broken.customer_error)
        self.assertFalse(self.on_list(broken))

    def test_from_the_audience(self):
        action = self.audience.action_make_list()
        mailing_list = self.env["mailing.list"].browse(action["res_id"])
        self.assertEqual(self.on_list(mailing_list), self.addresses(0, 1, 2))
        self.assertEqual(self.audience.list_count, 1)
        with self.assert_refused(UserError, "used by"):
            self.audience.unlink()
        self.assertFalse(mailing_list.copy().customer_audience_id)


@tagged("post_install", "-at_install")
class TestAudienceMailing(AudienceCommon):
    """Odoo's own mailings to an audience."""

    def setUp(self):
        super().setUp()
        for name in ("Own", "Other"):
            self.make_customer(name, email=f"{name.lower()}@example.com")
        self.person = self.make_contact(
            self.make_customer("Company"), "Person", email="person@example.com"
        )
        self.audience = self.make_audience(domain="[('name', '!=', 'Other')]")

    def open_mailing(self, audience):
        action = audience.action_use_in_mailings()
        return (
            self.env["mailing.mailing"]
            .with_user(audience.env.user)
            .with_context(**action["context"])
            .create({"subject": "Hello"})
        )

    def test_filter(self):
        mailing = self.open_mailing(self.audience)
        self.assertEqual(mailing.mailing_filter_id.name, self.audience.name)
        self.assertEqual(
            mailing.mailing_domain, mailing.mailing_filter_id.mailing_domain
        )
        recipients = self.env["res.partner"].browse(mailing._get_recipients())
        self.assertEqual(sorted(recipients.mapped("name")), ["Own", "Person"])
        again = self.open_mailing(self.audience)
        self.assertEqual(again.mailing_filter_id, mailing.mailing_filter_id)
        with self.assert_refused(UserError, "used by"):
            self.audience.unlink()

    def test_queue(self):
        """As superuser without a company: the owner's customers in the audience's."""
        other = self.env["res.company"].create({"name": "Other Company"})
        mailing = self.open_mailing(self.audience)
        root = self.env.ref("base.user_root")
        root.sudo().write(
            {"company_ids": [Command.link(other.id)], "company_id": other.id}
        )
        queue = mailing.with_env(self.env(user=root, context={}))
        self.assertEqual(queue.env.company, other)
        recipients = self.env["res.partner"].browse(queue._get_recipients())
        self.assertEqual(sorted(recipients.mapped("name")), ["Own", "Person"])

    def test_mailing_to_a_hidden_audience_is_hidden(self):
        """Also its traces; one to an audience that everybody may see is not."""
        Audience = self.Audience.with_user(self.treasurer)
        asked = "[('customer_overdue_amount', '=', 0)]"
        secret = Audience.create({"name": "Late", "domain": asked})
        around = Audience.create(
            {"name": "Not late", "exclude_ids": [Command.set(secret.ids)]}
        )
        mailings = self.env["mailing.mailing"]
        open_one = Audience.create({"name": "Open", "domain": "[('id', '>', 0)]"})
        for audience in (secret, around, open_one):
            mailings += self.open_mailing(audience).with_user(self.env.user)
        traces = self.env["mailing.trace"].create(
            [
                {
                    "mass_mailing_id": mailing.id,
                    "trace_type": "mail",
                    "model": "res.partner",
                    "res_id": self.env.user.partner_id.id,
                }
                for mailing in mailings
            ]
        )
        plain = self.make_user("mass_mailer", "mass_mailing.group_mass_mailing_user")
        manager = self.make_user(
            "mailing_manager", f"mass_mailing.group_mass_mailing_user,{MANAGER}"
        )
        for user, visible in (
            (self.treasurer, (0, 1, 2)),
            (self.marketer, (2,)),
            (plain, (2,)),
            (manager, (0, 1, 2)),
        ):
            self.env.invalidate_all()
            for records in (mailings, traces):
                seen = records.with_user(user).sudo(False)
                found = seen.search([("id", "in", records.ids)])
                expected = records.browse(records.ids[place] for place in visible)
                self.assertEqual(set(found.ids), set(expected.ids), user.login)
                for place, record in enumerate(seen):
                    if place in visible:
                        self.assertTrue(record.read(["display_name"]))
                        continue
                    with self.assertRaises(AccessError):
                        record.read(["display_name"])
        mailing = mailings[1].with_user(plain).sudo(False)
        with self.assertRaisesRegex(AccessError, "“Not late”"):
            mailing.read(["subject"])

    def test_mailing_to_a_hidden_audience(self):
        """Nobody reaches with a mailing whom he may not know."""
        secret = self.Audience.with_user(self.treasurer).create(
            {"name": "Late", "domain": "[('customer_overdue_amount', '=', 0)]"}
        )
        mailing = self.open_mailing(secret)
        self.assertEqual(mailing.user_id, self.treasurer)
        values = {
            "subject": "Mine",
            "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
        }
        plain = self.make_user("mass_mailer", "mass_mailing.group_mass_mailing_user")
        for user in (self.marketer, plain):
            own = self.env["mailing.mailing"].with_user(user).create(values)
            for vals in (
                {"mailing_domain": mailing.mailing_domain},
                {
                    "mailing_domain": str(
                        [
                            (
                                "child_ids",
                                "any",
                                [("customer_audience_ids", "in", secret.ids)],
                            )
                        ]
                    )
                },
            ):
                with self.assertRaises(AccessError):
                    own.write(vals)
