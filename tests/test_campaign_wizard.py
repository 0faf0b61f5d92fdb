from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .campaign_common import CampaignCommon


@tagged("post_install", "-at_install")
class TestCampaignWizard(CampaignCommon):
    """The dialog that makes a draft."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Wizard = cls.env["customer.campaign.wizard"].with_user(cls.marketer)
        cls.audience = cls.env["customer.audience"].create(
            {
                "name": "Gold ones",
                "is_shared": True,
                "any_category_ids": [Command.set(cls.gold.ids)],
            }
        )

    def go(self, wizard, *steps):
        for step in steps:
            getattr(wizard, step)()
        return wizard

    def make(self, wizard):
        """Go to the end of the dialog; return the draft."""
        self.go(wizard, "action_next", "action_next")
        return self.env["customer.campaign"].browse(wizard.action_create()["res_id"])

    def test_from_an_audience(self):
        """The audience proposes strategy and template, in the message's language."""
        self.env["res.lang"]._activate_lang("zh_CN")
        template = self.env.ref("customer_classification.campaign_template_gold_mail")
        template.with_context(lang="zh_CN").subject = "感谢您"
        form = Form(self.Wizard)
        form.audience_id = self.audience
        self.assertEqual(form.template_id, template)
        self.assertEqual(form.strategy, template.strategy)
        wizard = self.go(form.save(), "action_next")
        form = Form(wizard)
        form.lang = "zh_CN"
        wizard = form.save()
        self.assertIn("感谢您", wizard.message_preview)
        self.assertNotIn("object.name", wizard.message_preview)
        campaign = self.env["customer.campaign"].browse(
            self.go(wizard, "action_next").action_create()["res_id"]
        )
        self.assertEqual(campaign.audience_id, self.audience)
        self.assertEqual(campaign.mailing_id.subject, "感谢您")
        self.assertEqual(campaign.mailing_id.state, "draft")
        self.assertEqual(campaign.state, "draft")
        self.assertEqual(campaign.user_id, self.marketer)

    def test_numbers_are_the_drafts(self):
        for customer in self.customers:
            self.Override.create(
                {
                    "partner_id": customer.id,
                    "dimension_id": self.dimension.id,
                    "operation": "set",
                    "category_id": self.gold.id,
                    "reason": "Agreed",
                }
            )
        wizard = self.Wizard.create(
            {"audience_id": self.audience.id, "holdout_share": 50, "gap_days": 0}
        )
        wizard.step = "sending"
        shown = wizard.preview
        campaign = self.env["customer.campaign"].browse(
            wizard.action_create()["res_id"]
        )
        self.assertEqual(campaign.with_user(self.marketer).preview, shown)
        self.assertIn("10", shown)

    def test_from_a_list(self):
        """Those that were chosen, or all that match where more match than are named."""
        action = self.Wizard.with_context(
            active_ids=self.customers[:3].ids, active_domain=[("id", ">", 0)]
        )._open_for_active()
        wizard = self.Wizard.browse(action["res_id"])
        self.assertEqual(wizard.chosen_count, 3)
        campaign = self.make(wizard)
        self.assertEqual(campaign.choice_ids.partner_id, self.customers[:3])

        self.env["ir.config_parameter"].set_param("web.active_ids_limit", 2)
        action = self.Wizard.with_context(
            active_ids=self.customers[:2].ids,
            active_domain=[("id", "in", self.customers.ids)],
        )._open_for_active()
        campaign = self.make(self.Wizard.browse(action["res_id"]))
        self.assertEqual(campaign.choice_ids.partner_id, self.customers)

    def test_sms(self):
        wizard = self.Wizard.create(
            {
                "audience_id": self.audience.id,
                "strategy": "thank",
                "channel": "sms",
            }
        )
        self.assertEqual(
            wizard.template_id,
            self.env.ref("customer_classification.campaign_template_gold_sms"),
        )
        self.assertIn("[name]", wizard.message_preview)
        campaign = self.make(wizard)
        self.assertEqual(campaign.mailing_id.mailing_type, "sms")
        self.assertIn("{{ object.name }}", campaign.mailing_id.body_plaintext)

    def test_strategies_are_translated(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        field = self.env["ir.model.fields"]._get("customer.campaign", "strategy")
        field.selection_ids[0].with_context(lang="zh_CN").name = "欢迎光临"
        for model in ("customer.campaign.wizard", "customer.campaign.template"):
            fields = self.env[model].with_context(lang="zh_CN").fields_get(["strategy"])
            self.assertEqual(fields["strategy"]["selection"][0][1], "欢迎光临")

    def test_somebody_is_needed(self):
        with self.assert_refused(UserError, "Choose an audience"):
            self.Wizard.create({}).action_next()
