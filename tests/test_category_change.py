from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MANAGER, ClassificationCommon

PUBLICATION = "odoo.addons.customer_classification.models.customer_change_publication"


class ChangeCommon(ClassificationCommon):
    """A dimension set by hand and the shipped score, both published."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Change = cls.env["customer.category.change"]
        cls.cron = cls.env.ref("customer_classification.ir_cron_publish")
        cls.dimension.publish_changes = True
        cls.alpha = cls.make_customer("Alpha")

    def publish(self):
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()

    def decide(self, customer=None, category=None, user=None, **values):
        Override = self.Override.with_user(user) if user else self.Override
        return Override.create(
            {
                "partner_id": (customer or self.alpha).id,
                "dimension_id": self.dimension.id,
                "category_id": (category or self.gold).id,
                "reason": "Framework contract",
                **values,
            }
        )

    def move_up(self, customer):
        """Let invoices earn ``customer`` another category, and compute it."""
        for _purchase in range(3):
            self.post(customer, 9000, 0)
        self.dimension.action_renew_cut_points()
        self.classify()

    def changes(self):
        return [
            (
                change.partner_id.name,
                change.old_category_id.name,
                change.new_category_id.name,
            )
            for change in self.Change.search([], order="id")
        ]


@tagged("post_install", "-at_install")
class TestCategoryChange(ChangeCommon):
    """Changes of the category in effect become records, each exactly once."""

    def setUp(self):
        super().setUp()
        self.post(self.alpha, 10, 1)
        self.post(self.make_customer("Beta"), 20, 2)
        self.classify()
        self.assertEqual(self.tier_of(self.alpha), "Bronze")

    def test_first_computation_is_no_change(self):
        self.publish()
        self.assertFalse(self.changes())

    def test_computed_change(self):
        self.move_up(self.alpha)
        tier = self.tier_of(self.alpha)
        self.assertNotEqual(tier, "Bronze")
        self.publish()
        self.assertIn(("Alpha", "Bronze", tier), self.changes())
        before = self.changes()
        self.publish()
        self.classify()
        self.publish()
        self.assertEqual(self.changes(), before, "each change once")
        change = self.Change.search([("partner_id", "=", self.alpha.id)])
        self.assertEqual(change.company_id, self.env.company)
        self.assertEqual(change.dimension_id, self.dimension)
        self.assertEqual(change.event, "run")
        self.assertTrue(change.explanation)

    def test_decision_by_hand(self):
        decision = self.decide()
        self.publish()
        self.assertEqual(self.changes(), [("Alpha", "Bronze", "Gold")])
        self.assertEqual(self.Change.search([]).reason, "Framework contract")
        decision.reason = "Signed"
        self.publish()
        self.assertEqual(len(self.changes()), 1, "another reason changes no category")
        decision.action_withdraw()
        self.publish()
        self.assertEqual(self.changes()[1:], [("Alpha", "Gold", "Bronze")])

    def test_computed_below_a_decision_is_no_change(self):
        decision = self.decide()
        self.publish()
        self.move_up(self.alpha)
        computed = self.assignment_of(self.alpha).category_id.name
        self.assertNotEqual(computed, "Bronze")
        self.publish()
        mine = [change for change in self.changes() if change[0] == "Alpha"]
        self.assertEqual(mine, [("Alpha", "Bronze", "Gold")])
        decision.action_withdraw()
        self.publish()
        mine = [change for change in self.changes() if change[0] == "Alpha"]
        self.assertEqual(mine[1:], [("Alpha", "Gold", computed)])

    def test_only_dimensions_that_ask(self):
        self.dimension.publish_changes = False
        self.decide()
        self.move_up(self.alpha)
        self.publish()
        self.assertFalse(self.changes())
        self.dimension.publish_changes = True
        self.publish()
        self.assertFalse(self.changes(), "what happened before is no event")

    def test_in_batches(self):
        names = ["Gamma", "Delta", "Epsilon", "Zeta", "Eta"]
        for name in names:
            self.decide(self.make_customer(name))
        with patch(f"{PUBLICATION}.BATCH_SIZE", 2):
            batches = []
            publish = type(self.Change)._publish

            def count(model, limit):
                done = publish(model, limit)
                batches.append(done)
                return done

            with patch.object(type(self.Change), "_publish", count):
                self.publish()
        self.assertEqual([done for done in batches if done], [2, 2, 1])
        self.assertEqual(self.changes(), [(name, False, "Gold") for name in names])

    def test_interrupted_batch_is_done_again(self):
        self.decide()
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.Change.sudo()._publish(10)
            self.assertEqual(len(self.changes()), 1)
            raise ZeroDivisionError
        self.env.invalidate_all()
        self.assertFalse(self.changes())
        self.publish()
        self.assertEqual(len(self.changes()), 1)

    def test_trigger(self):
        self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)]).unlink()
        self.decide()
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])
        self.assertTrue(triggers)

    @mute_logger(PUBLICATION)
    def test_automation_rule(self):
        if "base.automation" not in self.env:
            self.skipTest("Automation Rules are not installed")
        model = self.env["ir.model"]._get("customer.category.change")
        action = self.env["ir.actions.server"].create(
            {
                "name": "Welcome",
                "model_id": model.id,
                "state": "code",
                "usage": "base_automation",
                "code": "if record.partner_id.name == 'Broken':\n"
                "    raise UserError('No such price list')\n"
                "record.partner_id.write({'comment': 'Welcome to '"
                " + record.new_category_id.name})",
            }
        )
        self.env["base.automation"].create(
            {
                "name": "Welcome to Gold",
                "model_id": model.id,
                "trigger": "on_create_or_write",
                "filter_domain": f"[('new_category_id', '=', {self.gold.id}),"
                f" ('partner_id.customer_rank', '>', 0)]",
                "action_server_ids": [action.id],
            }
        )
        broken, other = self.make_customer("Broken"), self.make_customer("Other")
        silver = self.make_customer("Silver")
        self.decide(broken)
        self.decide(silver, self.silver)
        self.decide(other)
        self.publish()
        self.assertIn("Welcome to Gold", other.comment)
        self.assertFalse(silver.comment)
        self.assertEqual(len(self.changes()), 3, "one broken rule stops no change")
        failed = self.Change.search([("error", "!=", False)])
        self.assertEqual(failed.partner_id, broken)
        self.assertIn("No such price list", failed.error)
        self.publish()
        self.assertEqual(len(self.changes()), 3)


@tagged("post_install", "-at_install")
class TestNotification(ChangeCommon):
    """One message for a salesperson, about what they may see."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("zh_CN")
        cls.dimension.write({"publish_changes": False, "notify_salesperson": True})
        cls.sam = cls.make_user("sam", name="Sam")
        cls.alpha.user_id = cls.sam

    def messages(self, user=None):
        partner = (user or self.sam).partner_id
        # sudo: a message is for its reader
        return (
            self.env["mail.message"]
            .sudo()
            .search(
                [
                    ("partner_ids", "in", partner.ids),
                    ("message_type", "=", "user_notification"),
                    ("subject", "!=", False),
                ],
                order="id",
            )
        )

    def test_off_by_default(self):
        other = self.dimension.create({"name": "Other", "code": "other"})
        self.assertFalse(other.notify_salesperson)
        self.dimension.notify_salesperson = False
        self.decide()
        self.publish()
        self.assertFalse(self.messages())

    def test_one_change(self):
        self.decide()
        self.publish()
        message = self.messages()
        self.assertEqual(message.subject, "Alpha changed category")
        self.assertEqual(
            (message.model, message.res_id), ("res.partner", self.alpha.id)
        )
        self.assertIn("Value tier from none to Gold", message.body)
        self.assertIn("Framework contract", message.body)
        self.publish()
        self.assertEqual(len(self.messages()), 1)

    def test_one_message_for_many(self):
        customers = [
            self.make_customer(f"Customer {number}", user_id=self.sam.id)
            for number in range(6)
        ]
        for number, customer in enumerate(customers):
            self.decide(customer, self.gold if number % 3 else self.silver)
        self.publish()
        message = self.messages()
        self.assertEqual(message.subject, "6 of your customers changed category")
        self.assertIn("Value tier: 4 to Gold", message.body)
        self.assertIn("Value tier: 2 to Silver", message.body)
        self.assertIn("/odoo/my-category-changes", message.body)
        self.assertNotIn("Customer 1", message.body)

    def test_few_are_listed(self):
        beta = self.make_customer("Beta", user_id=self.sam.id)
        self.decide()
        self.decide(beta, self.silver)
        self.publish()
        message = self.messages()
        self.assertEqual(message.subject, "2 of your customers changed category")
        self.assertIn("Alpha", message.body)
        self.assertIn("Beta", message.body)

    def test_not_the_author(self):
        beta = self.make_customer("Beta", user_id=self.env.user.id)
        self.decide(user=self.sam)
        self.decide(beta, user=self.sam)
        self.publish()
        self.assertFalse(self.messages())
        self.assertEqual(self.messages(self.env.user).subject, "Beta changed category")

    def test_language_of_the_reader(self):
        self.sam.lang = "zh_CN"
        self.gold.with_context(lang="zh_CN").name = "金牌客户"
        self.decide()
        self.publish()
        self.assertIn("金牌客户", self.messages().body)

    def test_rights_of_the_reader(self):
        outsider = self.make_user("outsider", groups="base.group_partner_manager")
        beta = self.make_customer("Beta", user_id=outsider.id)
        self.decide(beta)
        self.publish()
        self.assertFalse(self.messages(outsider), "no user of the classification")
        with self.subTest("a dimension for others"):
            # the field's groups outlive the test's transaction
            self.addCleanup(self.dimension.write, {"view_group_ids": [Command.clear()]})
            self.dimension.view_group_ids = self.quick_ref(MANAGER)
            self.decide()
            self.publish()
            self.assertFalse(self.messages())
            self.assertFalse(self.Change.search([("is_to_notify", "=", True)]))

    def test_company_of_the_reader(self):
        other = self.setup_other_company(name="Other company")["company"]
        self.decide(company_id=other.id)
        self.publish()
        self.assertFalse(self.messages())
        self.sam.company_ids += other
        self.decide(
            self.make_customer("Beta", user_id=self.sam.id), company_id=other.id
        )
        self.publish()
        self.assertEqual(self.messages().subject, "Beta changed category")
        self.assertIn("Other company", self.messages().body)

    def test_hidden_customer(self):
        group = self.env["res.groups"].create(
            {"name": "Own customers only", "user_ids": [Command.link(self.sam.id)]}
        )
        self.env["ir.rule"].create(
            {
                "name": "No Alpha",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": [("name", "!=", "Alpha")],
                "groups": [Command.link(group.id)],
            }
        )
        self.decide()
        self.publish()
        self.assertFalse(self.messages())

    def test_waits_for_the_end_of_a_run(self):
        run = self.Run.sudo().create(
            {"trigger": "cron", "date_start": "2026-01-01 01:00:00"}
        )
        self.decide()
        self.History.flush_model()
        self.env.cr.execute(
            "UPDATE customer_assignment_history SET run_id = %s WHERE partner_id = %s",
            [run.id, self.alpha.id],
        )
        self.env.invalidate_all()
        self.publish()
        self.assertFalse(self.messages())
        run.state = "done"
        self.publish()
        self.assertEqual(len(self.messages()), 1)

    def test_mass_change(self):
        people = [self.make_user(f"seller{number}") for number in range(3)]
        for number in range(60):
            self.decide(self.make_customer(f"C{number}", user_id=people[number % 3].id))
        self.publish()
        for user in people:
            self.assertEqual(len(self.messages(user)), 1)
            self.assertIn("20", self.messages(user).subject)
