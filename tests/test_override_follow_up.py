from datetime import timedelta

from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .common import MANAGER, USER, ClassificationCommon


class FollowUpCommon(ClassificationCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("zh_CN")
        cls.ann = cls.make_user("ann", name="Ann")
        cls.boss = cls.make_user("boss", groups=MANAGER, name="Boss")
        cls.dimension.responsible_id = cls.boss
        cls.alpha = cls.make_customer("Alpha")
        cls.beta = cls.make_customer("Beta")

    def decide(self, customer, user=None, days=5, **values):
        return self.Override.with_user(user or self.ann).create(
            {
                "partner_id": customer.id,
                "dimension_id": self.dimension.id,
                "category_id": self.gold.id,
                "reason": "Because",
                "date_end": days and self.today + timedelta(days=days),
                **values,
            }
        )

    def run_cron(self, name):
        cron = self.env.ref(f"customer_classification.{name}")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def hide(self, customer, user):
        """Let ``user`` see every contact but one."""
        group = self.env["res.groups"].create(
            {"name": "Own only", "user_ids": [Command.link(user.id)]}
        )
        self.env["ir.rule"].create(
            {
                "name": "Hidden",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": [("id", "!=", customer.id)],
                "groups": [Command.link(group.id)],
            }
        )


@tagged("post_install", "-at_install")
class TestEndedDecisions(FollowUpCommon):
    """Whoever decided learns that the decision has ended, once."""

    def end(self, days=6):
        """Let the night come in which the decisions have ended."""
        with freeze_time(self.today + timedelta(days=days)):
            self.classify()
            self.run_cron("ir_cron_tell_ended")

    def messages(self, user):
        # sudo: a message is for its reader
        return (
            self.env["mail.message"]
            .sudo()
            .search(
                [
                    ("partner_ids", "in", user.partner_id.ids),
                    ("message_type", "=", "user_notification"),
                    ("subject", "like", "set by hand"),
                ],
                order="id",
            )
        )

    def test_one_message_about_all(self):
        self.post(self.alpha, 10, 1)
        self.classify()
        self.decide(self.alpha)
        self.decide(self.beta)
        self.end(days=5)
        self.assertFalse(self.messages(self.ann), "the last day is not over")
        self.end()
        [message] = self.messages(self.ann)
        self.assertEqual(
            message.subject, "2 of the categories you set by hand have ended"
        )
        self.assertIn("Alpha", message.body)
        self.assertIn("was set to Gold", message.body)
        # alone among the paying: every score is 1
        self.assertIn("Bronze", message.body)
        self.assertIn("Beta", message.body)
        self.assertFalse(self.messages(self.boss))
        self.end(days=7)
        self.assertEqual(len(self.messages(self.ann)), 1)

    def test_each_author_about_the_own(self):
        self.decide(self.alpha)
        self.decide(self.beta, user=self.boss)
        self.end()
        self.assertEqual(
            self.messages(self.ann).subject,
            "The category of Alpha set by hand has ended",
        )
        self.assertEqual(
            self.messages(self.boss).subject,
            "The category of Beta set by hand has ended",
        )

    def test_extended_decisions_are_not_told(self):
        decision = self.decide(self.alpha)
        decision.date_end = self.today + timedelta(days=50)
        self.end()
        self.assertFalse(self.messages(self.ann))

    def test_nobody_is_told_of_the_own_replacement(self):
        decision = self.decide(self.alpha)
        with freeze_time(self.today + timedelta(days=6)):
            decision.write({"date_end": self.today + timedelta(days=60)})
            self.run_cron("ir_cron_tell_ended")
        self.assertFalse(self.messages(self.ann))

    def test_language_of_the_author(self):
        self.ann.lang = "zh_CN"
        self.gold.with_context(lang="zh_CN").name = "金牌客户"
        self.decide(self.alpha)
        self.end()
        message = (
            self.env["mail.message"]
            .sudo()
            .search(
                [
                    ("partner_ids", "in", self.ann.partner_id.ids),
                    ("message_type", "=", "user_notification"),
                ]
            )
        )
        self.assertIn("金牌客户", message.body)

    def test_inactive_author(self):
        self.decide(self.alpha)
        self.ann.active = False
        self.end()
        self.assertFalse(self.messages(self.ann))
        self.assertIn("Alpha", self.messages(self.boss).body)

    def test_author_who_may_not_see_the_customer(self):
        self.decide(self.alpha)
        self.decide(self.beta)
        self.hide(self.alpha, self.ann)
        self.end()
        self.assertIn("Beta", self.messages(self.ann).subject)
        self.assertNotIn("Alpha", self.messages(self.ann).body)
        self.assertIn("Alpha", self.messages(self.boss).subject)
        self.assertNotIn("Beta", self.messages(self.boss).body)

    def test_managers_where_nobody_is_responsible(self):
        self.dimension.responsible_id = False
        self.decide(self.alpha)
        self.ann.group_ids -= self.quick_ref(USER)
        self.end()
        self.assertFalse(self.messages(self.ann))
        self.assertTrue(self.messages(self.boss))

    def test_nightly_run_starts_it(self):
        cron = self.env.ref("customer_classification.ir_cron_tell_ended")
        triggers = self.env["ir.cron.trigger"].sudo()
        domain = [("cron_id", "=", cron.id)]
        triggers.search(domain).unlink()
        self.classify()
        self.assertFalse(triggers.search(domain), "only after a night")
        run = self.Run.sudo()._create_run("cron", self.env.company)
        run._close()
        self.assertTrue(triggers.search(domain))


@tagged("post_install", "-at_install")
class TestReviewActivities(FollowUpCommon):
    """Reviews come as activities to who can do them, and go with the decision."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dimension.write({"review_days": 30, "plan_reviews": True})
        cls.sam = cls.make_user("sam", name="Sam")

    def plan(self, days=30):
        with freeze_time(self.today + timedelta(days=days)):
            self.run_cron("ir_cron_plan_reviews")

    def activities(self, customer=None):
        kind = self.env.ref("customer_classification.mail_activity_type_review")
        return self.env["mail.activity"].search(
            [
                ("activity_type_id", "=", kind.id),
                ("res_id", "=", (customer or self.alpha).id),
            ]
        )

    def test_off_by_default(self):
        other = self.dimension.create({"name": "Other", "code": "other"})
        self.assertFalse(other.plan_reviews)
        self.dimension.plan_reviews = False
        self.decide(self.alpha, days=None)
        self.plan()
        self.assertFalse(self.activities())

    def test_on_the_day_and_once(self):
        decision = self.decide(self.alpha, days=None)
        self.plan(29)
        self.assertFalse(self.activities())
        author, written = decision.write_uid, decision.write_date
        self.plan()
        activity = self.activities()
        self.assertEqual(len(activity), 1)
        self.assertEqual(activity.user_id, self.ann)
        self.assertEqual(activity.date_deadline, self.today + timedelta(days=30))
        self.assertEqual(activity.summary, "Review: Value tier")
        self.assertEqual((decision.write_uid, decision.write_date), (author, written))
        self.plan(31)
        self.assertEqual(self.activities(), activity)
        activity.unlink()
        self.plan(32)
        self.assertFalse(self.activities(), "cancelled by a person: not again")

    def test_owner(self):
        self.alpha.user_id = self.sam
        self.decide(self.alpha, days=None)
        self.decide(self.beta, days=None)
        gamma = self.make_customer("Gamma", user_id=self.sam.id)
        self.decide(gamma, days=None)
        self.hide(gamma, self.sam)
        self.hide(self.beta, self.ann)
        self.plan()
        self.assertEqual(self.activities().user_id, self.sam, "the salesperson")
        self.assertEqual(self.activities(gamma).user_id, self.ann, "who decided")
        self.assertEqual(self.activities(self.beta).user_id, self.boss)

    def test_done_confirms_and_comes_again(self):
        decision = self.decide(self.alpha, days=None)
        self.plan()
        with freeze_time(self.today + timedelta(days=31)):
            self.activities().with_user(self.ann).action_feedback(feedback="Still so")
            self.assertEqual(decision.reviewed_on, self.today + timedelta(days=31))
        self.plan(60)
        self.assertFalse(self.activities())
        self.plan(61)
        self.assertEqual(len(self.activities()), 1)

    def test_closed_by_confirmation_change_and_withdrawal(self):
        for number, act in enumerate(
            (
                lambda decision: decision.action_confirm(),
                lambda decision: decision.write({"category_id": self.silver.id}),
                lambda decision: decision.action_withdraw(),
            )
        ):
            customer = self.make_customer(f"Customer {number}")
            decision = self.decide(customer, days=None)
            self.plan()
            [activity] = self.activities(customer)
            with freeze_time(self.today + timedelta(days=32)):
                act(decision.with_user(self.sam))
            self.assertFalse(self.activities(customer))
            self.assertFalse(activity.active, "done, and kept as such")

    def test_removed_with_the_end_and_with_the_setting(self):
        self.decide(self.alpha, days=40)
        self.decide(self.beta, days=None)
        self.plan()
        self.assertTrue(self.activities() and self.activities(self.beta))
        self.plan(41)
        self.assertFalse(self.activities(), "the decision has ended")
        self.assertTrue(self.activities(self.beta))
        self.dimension.plan_reviews = False
        self.plan(42)
        self.assertFalse(self.activities(self.beta))

    def test_who_may_not_decide_confirms_nothing(self):
        decision = self.decide(self.alpha, days=None)
        self.plan()
        outsider = self.make_user("outsider", groups="base.group_partner_manager")
        activity = self.activities()
        activity.user_id = outsider
        activity.with_user(outsider).action_feedback()
        self.assertFalse(self.activities())
        self.assertEqual(decision.reviewed_on, self.today)

    def test_restricted_dimension_is_not_named(self):
        self.addCleanup(self.dimension.write, {"view_group_ids": [Command.clear()]})
        self.dimension.view_group_ids = self.quick_ref(MANAGER)
        self.decide(self.alpha, user=self.boss, days=None)
        self.plan()
        self.assertNotIn("Value tier", self.activities().summary)
        self.assertNotIn("Value tier", self.activities().note)
