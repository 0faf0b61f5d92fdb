from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from .campaign_common import MARKETER, CampaignCommon


@tagged("post_install", "-at_install")
class TestCampaignCustomers(CampaignCommon):
    """What is frozen of customers, who sees it, and what becomes of it; the message."""

    # What is frozen

    def test_categories_are_frozen(self):
        """Whatever becomes of the customers afterwards."""
        for customer in self.customers:
            self.post(customer, 1000, 5)
        self.classify()
        before = {c.id: self.assignment_of(c).category_id for c in self.customers}
        campaign = self.make_draft(self.customers)
        campaign.action_approve()
        customer = self.customers[0]
        other = (self.dimension.category_ids - before[customer.id])[0]
        self.Override.create(
            {
                "partner_id": customer.id,
                "dimension_id": self.dimension.id,
                "operation": "set",
                "category_id": other.id,
                "reason": "Since then",
            }
        )
        for member in self.get_members(campaign):
            self.assertIn(before[member.partner_id.id].id, member.category_ids)
            self.assertIn(before[member.partner_id.id].name, member.category_names)
        self.assertEqual(self.tier_of(customer), other.name)

    def test_frozen_decisions_count(self):
        self.Override.create(
            {
                "partner_id": self.customers[0].id,
                "dimension_id": self.dimension.id,
                "operation": "set",
                "category_id": self.platinum.id,
                "reason": "Agreed",
            }
        )
        campaign = self.make_draft(self.customers[0] + self.customers[1])
        campaign.action_approve()
        first, second = self.get_members(campaign)
        self.assertEqual(first.category_ids, [self.platinum.id])
        self.assertEqual(second.category_ids, [])

    def test_payments_stay_hidden_in_frozen_categories(self):
        group = self.env.ref(
            "customer_classification.group_customer_classification_payment"
        )
        secret = self.env["customer.dimension"].create(
            {
                "name": "Secret",
                "method": "manual",
                "view_group_ids": [Command.set(group.ids)],
                "category_ids": [Command.create({"name": "Never pays"})],
            }
        )
        self.Override.create(
            {
                "partner_id": self.customers[0].id,
                "dimension_id": secret.id,
                "operation": "set",
                "category_id": secret.category_ids.id,
                "reason": "Seen",
            }
        )
        campaign = self.make_draft(self.customers, self.marketer)
        campaign.action_approve()
        member = self.get_members(campaign)[0].sudo(False)
        self.assertEqual(member.sudo().category_ids, secret.category_ids.ids)
        self.assertEqual(member.with_user(self.treasurer).category_names, "Never pays")
        self.assertEqual(member.with_user(self.marketer).category_names, "")
        with self.assertRaises(AccessError):
            member.with_user(self.treasurer).read(["category_ids"])

    # Companies

    def test_companies(self):
        """Only the customers and categories of the campaign's company."""
        other = self.env["res.company"].create({"name": "Other"})
        self.env.user.company_ids += other
        private = self.customers[0]
        private.company_id = other
        campaign = self.make_draft(self.customers)
        campaign.action_approve()
        roles = self.get_roles(campaign)
        self.assertEqual(
            {id_ for id_, role in roles.items() if role[0] == "target"},
            set(self.customers[1:].ids),
        )
        self.assertEqual(self.get_members(campaign).company_id, self.company)
        stranger = self.make_user("stranger", MARKETER)
        stranger.write(
            {"company_ids": [Command.set(other.ids)], "company_id": other.id}
        )
        self.assertFalse(self.Campaign.with_user(stranger).search([]))
        self.assertFalse(self.Member.with_user(stranger).search([]))

    # People

    def test_customers_that_the_approver_does_not_see(self):
        self.env["ir.rule"].create(
            {
                "name": "Not all",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', 'not in', {self.customers[:3].ids})]",
            }
        )
        campaign = self.make_draft(self.customers)
        campaign.with_user(self.marketer).action_approve()
        self.assertEqual(
            self.get_members(campaign).partner_id, self.customers[3:].sorted("id")
        )
        as_marketer = self.Member.with_user(self.marketer)
        self.assertEqual(
            as_marketer.search_count([("campaign_id", "=", campaign.id)]), 7
        )

    def test_rights(self):
        plain = self.make_user("plain")
        campaign = self.make_draft(self.customers, self.marketer)
        with self.assertRaises(AccessError):
            campaign.with_user(plain).read(["name"])
        for method in ("action_approve", "action_cancel", "action_draft"):
            with self.assertRaises(AccessError):
                getattr(campaign.with_user(plain), method)()
        self.assertFalse(
            campaign.with_user(self.treasurer)._preview_members().get(("holdout", None))
        )
        template = self.env["customer.campaign.template"].search([], limit=1)
        template.with_user(self.marketer).name = "Better"
        with self.assertRaises(AccessError):
            template.with_user(self.marketer).unlink()
        template.with_user(self.chief).unlink()

    # Merging and deleting contacts

    def merge(self, kept, *gone):
        partners = kept.union(*gone)
        self.env["base.partner.merge.automatic.wizard"].sudo().create(
            {
                "partner_ids": [Command.set(partners.ids)],
                "dst_partner_id": kept.id,
            }
        ).action_merge()

    def test_merge_keeps_who_was_written_to(self):
        a, b, c, d = self.customers[:4]
        campaign = self.make_approved(
            a + b + c + d, {a: "holdout", b: "target", c: "excluded", d: "control"}
        )
        written = self.get_members(campaign, "target")
        self.merge(a, b, c)
        rows = self.get_members(campaign)
        self.assertEqual(
            [(row.partner_id, row.role) for row in rows],
            [(a, "target"), (d, "control")],
        )
        self.assertEqual(rows[0], written)
        self.assertEqual(rows[0].contact_id, a)

    def test_merge_prefers_the_one_not_dropped(self):
        a, b = self.customers[:2]
        campaign = self.make_approved(a + b)
        first, second = self.get_members(campaign)
        first.dropped_reason = "blacklisted"
        self.merge(a, b)
        self.assertEqual(self.get_members(campaign), second)

    def test_merge_of_chosen_contacts(self):
        a, b, c = self.customers[:3]
        campaign = self.make_draft(a + b + c)
        self.merge(a, b)
        campaign.action_approve()
        self.assertEqual(self.get_members(campaign).partner_id, a + c)

    def test_deleted_contacts(self):
        campaign = self.make_approved(self.customers)
        draft = self.make_draft(self.customers)
        self.customers[0].unlink()
        self.assertEqual(len(self.get_members(campaign)), 9)
        self.assertEqual(draft.choice_count, 9)

    def test_erasure_and_export(self):
        customer = self.customers[0]
        campaign = self.make_approved(self.customers)
        sheets = customer.with_user(self.chief)._get_classification_profile()
        titles = [title for title, _header, _lines in sheets]
        self.assertIn("Customer of a Campaign", titles)
        customer._erase_classification()
        self.assertEqual(len(self.get_members(campaign)), 9)

    # The message

    def test_ready_made_templates(self):
        """Each makes a message that marketers may write and that names the customer."""
        templates = self.env["customer.campaign.template"].search([])
        marketer = self.marketer
        marketer.group_ids -= self.env.ref("mail.group_mail_template_editor")
        for template in templates:
            campaign = self.Campaign.with_user(marketer).create(
                {
                    "name": "Ready",
                    "channel": template.channel,
                    "template_id": template.id,
                    "strategy": template.strategy,
                }
            )
            campaign._check_message()
            mailing = campaign.mailing_id
            name = "body_html" if template.channel == "mail" else "body_plaintext"
            customer = self.customers[0]
            text = mailing._render_field(name, customer.ids)[customer.id]
            self.assertIn(customer.name, text)
            self.assertNotIn("object.name", text)
            if template.channel == "mail":
                self.assertIn("/unsubscribe_from_list", text)

    def test_ready_made_for_every_stage_and_tier(self):
        categories = self.env["customer.category"].search(
            [("dimension_id.code", "in", ["lifecycle", "value_tier"])]
        )
        templates = self.env["customer.campaign.template"].search([])
        self.assertFalse(categories - templates.category_ids)
        self.assertFalse(
            templates.category_ids.filtered(
                lambda category: category.dimension_id.code == "payment"
            )
        )

    def test_template_is_known_as_used(self):
        places = self.gold._get_usages()
        self.assertIn(
            "customer.campaign.template", {record._name for record, _field in places}
        )
