from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import MANAGER, MARKETING, PLAIN, USER, ClassificationCommon

#: What each group may do; whatever is not named is forbidden
RIGHTS = {
    PLAIN: {
        "customer.assignment": "read",
        "customer.assignment.history": "read",
        "customer.bulk": "read create write unlink",
        "customer.bulk.cell": "read",
        "customer.bulk.line": "read create write unlink",
        "customer.bulk.reference": "read",
        "customer.bulk.row": "read",
        "customer.bulk.target": "read",
        "customer.category": "read",
        "customer.category.change": "read",
        "customer.classification.run": "read",
        "customer.contradiction": "read",
        "customer.contradiction.condition": "read",
        "customer.dimension": "read",
        "customer.dimension.criterion": "read",
        "customer.dimension.group": "read",
        "customer.dimension.level": "read",
        "customer.dimension.rule": "read",
        "customer.figures": "read",
        "customer.metric": "read",
        "customer.metric.value": "read",
        "customer.movement": "read",
        "customer.override": "read create write unlink",
        "customer.past.distribution": "read create write",
        "customer.past.distribution.line": "read",
        "customer.product.figures": "read",
        "customer.product.share": "read",
        "customer.quality.finding": "read create write unlink",
        "customer.ruleset": "read",
        "customer.ruleset.criterion": "read",
        "customer.ruleset.limit": "read",
        "customer.ruleset.rule": "read",
    },
    USER: {
        "customer.payment.figures": "read",
    },
    MARKETING: {
        "customer.audience": "read create write unlink",
        "customer.audience.change": "read create write unlink",
        "customer.audience.export": "read create write",
        "customer.audience.overlap": "read",
        "customer.audience.recipient": "read",
        "customer.campaign": "read create write unlink",
        "customer.campaign.category.result": "read",
        "customer.campaign.choice": "read",
        "customer.campaign.comparison": "read",
        "customer.campaign.extra": "read",
        "customer.campaign.member": "read",
        "customer.campaign.overlap": "read",
        "customer.campaign.result": "read",
        "customer.campaign.template": "read create write",
        "customer.campaign.wizard": "read create write unlink",
        "customer.mailing.confirmation": "read create write unlink",
    },
    MANAGER: {
        "customer.category": "read create write unlink",
        "customer.category.archive": "read create write unlink",
        "customer.category.merge": "read create write unlink",
        "customer.change": "read",
        "customer.check": "read",
        "customer.check.amount": "read",
        "customer.check.difference": "read",
        "customer.check.line": "read",
        "customer.classification.run.line": "read",
        "customer.classification.scope": "read",
        "customer.contradiction": "read create write unlink",
        "customer.contradiction.condition": "read create write unlink",
        "customer.audience.export.log": "read",
        "customer.campaign.template": "read create write unlink",
        "customer.comparison": "read",
        "customer.comparison.cell": "read",
        "customer.comparison.row": "read",
        "customer.draft": "read create write unlink",
        "customer.draft.criterion": "read create write unlink",
        "customer.draft.limit": "read create write unlink",
        "customer.draft.rule": "read create write unlink",
        "customer.dimension": "read create write unlink",
        "customer.dimension.criterion": "read create write unlink",
        "customer.dimension.group": "read create write unlink",
        "customer.dimension.level": "read create write unlink",
        "customer.dimension.rule": "read create write unlink",
        "customer.exchange.line": "read create write unlink",
        "customer.exchange.preset": "read create write unlink",
        "customer.exchange.wizard": "read create write unlink",
        "customer.metric": "read create write unlink",
        "customer.first.steps": "read create write unlink",
        "customer.first.steps.dimension": "read create write unlink",
        "customer.first.steps.line": "read create write unlink",
        "customer.history.retention": "read",
        "customer.history.total": "read",
        "customer.hold": "read",
        "customer.hold.rejection": "read create write unlink",
        "customer.linter.finding": "read create write unlink",
        "customer.hold.customer": "read",
        "customer.run.reversal": "read create write unlink",
        "customer.run.reversal.line": "read create write unlink",
        "customer.undo.row": "read",
        "customer.metric.preview": "read",
        "customer.metric.preview.line": "read",
        "customer.erasure": "read create write",
        "customer.exclusion": "read create write unlink",
        "customer.product.seen": "read",
        "customer.staging": "read",
        "customer.usage.archive": "read create write",
        "customer.usage.line": "read create",
    },
}
RIGHTS[USER] |= RIGHTS[PLAIN]
RIGHTS[MARKETING] |= RIGHTS[PLAIN]
RIGHTS[MANAGER] = {**RIGHTS[USER], **RIGHTS[MARKETING], **RIGHTS[MANAGER]}
#: An AccessError is one; some models refuse everybody before they look at the rights
REFUSED = UserError
OPERATIONS = ("read", "create", "write", "unlink")


@tagged("post_install", "-at_install")
class TestSecurity(ClassificationCommon):
    """What each kind of user may do, and what not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outsider = cls.make_user(
            "outsider",
            groups="base.group_partner_manager,base.group_allow_export,"
            "account.group_account_invoice",
        )
        cls.plain = cls.make_user("classifier_without_payments", groups=PLAIN)
        cls.user = cls.make_user("classifier")
        cls.marketer = cls.make_user("classification_marketer", groups=MARKETING)
        cls.manager = cls.make_user("classification_manager", groups=MANAGER)
        cls.alpha = cls.make_customer("Alpha")

    def setUp(self):
        super().setUp()
        self.post(self.alpha, 100, 10)
        self.classify()

    def get_models(self):
        """Return the names of all models of the addon that have a table."""
        data = self.env["ir.model.data"].sudo()
        ids = data.search(
            [("module", "=", "customer_classification"), ("model", "=", "ir.model")]
        ).mapped("res_id")
        models = self.env["ir.model"].sudo().browse(ids).mapped("model")
        return sorted(
            name
            for name in models
            if name.startswith("customer.") and not self.env[name]._abstract
        )

    def get_partner_fields(self):
        """Return the names of all fields that the addon adds to the contact."""
        return sorted(
            name
            for name in self.env["res.partner"]._fields
            if name.startswith(("customer_", "x_cls_")) and name != "customer_rank"
        )

    def override_values(self, **values):
        return {
            "partner_id": self.alpha.id,
            "dimension_id": self.dimension.id,
            "category_id": self.gold.id,
            "reason": "Because",
            **values,
        }

    # Rights to the models

    def test_rights_of_every_group_to_every_model(self):
        models = self.get_models()
        self.assertEqual(len(models), len(RIGHTS[MANAGER]), "a model without rights")
        for user, group in (
            (self.outsider, None),
            (self.plain, PLAIN),
            (self.user, USER),
            (self.marketer, MARKETING),
            (self.manager, MANAGER),
        ):
            rights = RIGHTS.get(group, {})
            for model in models:
                for operation in OPERATIONS:
                    with self.subTest(user=user.login, model=model, do=operation):
                        self.assertEqual(
                            self.env[model].with_user(user).has_access(operation),
                            operation in rights.get(model, "").split(),
                        )

    def test_outsider_meets_an_error_in_every_model(self):
        for model in self.get_models():
            with self.subTest(model):
                Model = self.env[model].with_user(self.outsider)
                record = self.env[model].sudo().search([], limit=1)
                for call in (
                    lambda M=Model: M.search([]),
                    lambda M=Model: M.search_count([]),
                    lambda M=Model: M._read_group([], [], ["__count"]),
                    lambda M=Model, r=record: M.browse(r.id or 1).read(["id"]),
                ):
                    with self.assertRaises(AccessError):
                        call()

    # Internal users without the groups

    def test_outsider_cannot_read_or_use_a_field_of_the_contact(self):
        names = self.get_partner_fields()
        self.assertIn(self.dimension.partner_field_name, names)
        self.assertGreaterEqual(len(names), 15)
        partner = self.alpha.with_user(self.outsider)
        Partner = partner.browse()
        self.assertFalse(Partner.fields_get().keys() & set(names))
        calls = {
            "read": lambda name: partner.read([name]),
            "web_read": lambda name: partner.web_read({name: {}}),
            "export": lambda name: partner.export_data([name]),
            "search": lambda name: Partner.search([(name, "!=", False)]),
            "search parent": lambda name: Partner.search(
                [(f"parent_id.{name}", "!=", False)]
            ),
            "search invoices": lambda name: (
                self.env["account.move"]
                .with_user(self.outsider)
                .search([(f"partner_id.{name}", "!=", False)])
            ),
            "order": lambda name: Partner.search([], order=name),
            "group": lambda name: Partner._read_group([], [name], ["__count"]),
            "group companies": lambda name: Partner._read_group(
                [], [f"parent_id.{name}"], ["__count"]
            ),
            "maximum": lambda name: Partner._read_group([], [], [f"{name}:max"]),
            "values": lambda name: Partner._read_group([], [], [f"{name}:array_agg"]),
        }
        for name in names:
            # what is no column cannot be sorted or grouped by whoever asks
            is_column = not name.endswith("_ids") and name != "customer_is_set_by_hand"
            for do, call in calls.items():
                if is_column or do in ("read", "web_read", "export", "search"):
                    with self.subTest(name, do=do), self.assertRaises(AccessError):
                        call(name)

    def test_views_of_the_contact_show_outsiders_nothing(self):
        names = set(self.get_partner_fields())
        for view_type in ("form", "list", "kanban", "search"):
            with self.subTest(view_type):
                for user, is_shown in ((self.outsider, False), (self.user, True)):
                    arch = etree.fromstring(
                        self.env["res.partner"]
                        .with_user(user)
                        .get_views([(False, view_type)])["views"][view_type]["arch"]
                    )
                    shown = set(arch.xpath("//field/@name")) & names
                    self.assertEqual(bool(shown), is_shown, shown)
                    text = etree.tostring(arch, encoding="unicode")
                    self.assertEqual("x_cls_" in text, is_shown)
                    self.assertEqual(
                        "customer_last_date" in text,
                        is_shown and (view_type != "kanban"),
                    )

    def test_menus(self):
        def names_of(user):
            menus = self.env["ir.ui.menu"].with_user(user).load_menus(False)
            prefix = "customer_classification."
            return {
                menu["xmlid"].removeprefix(prefix)
                for menu in menus.values()
                if menu.get("xmlid", "").startswith(prefix)
            }

        self.assertFalse(names_of(self.outsider))
        self.assertIn("menu_customers", names_of(self.user))
        self.assertNotIn("menu_dimension", names_of(self.user))
        self.assertNotIn("menu_run", names_of(self.user))
        self.assertLessEqual(
            {"menu_customers", "menu_dimension", "menu_run"}, names_of(self.manager)
        )

    # Users

    def test_user_reads_what_was_computed(self):
        figures = self.figures_of(self.alpha).with_user(self.user)
        self.assertEqual(figures.revenue_total, 100)
        assignment = self.assignment_of(self.alpha).with_user(self.user)
        # alone among the paying: every score is 1
        self.assertEqual(assignment.category_id.name, "Bronze")
        self.assertEqual(assignment.run_id.state, "done")
        self.assertEqual(assignment.ruleset_id.version, 1)
        self.assertIn("100", assignment.explanation)
        partner = self.alpha.with_user(self.user)
        self.assertEqual(partner[self.dimension.partner_field_name].name, "Bronze")
        for name in self.get_partner_fields():
            with self.subTest(name):
                if self.alpha._fields[name].groups in (MANAGER, MARKETING):
                    with self.assertRaises(AccessError):
                        partner.read([name])
                    continue
                self.assertIn(name, partner.read([name])[0])

    def test_user_sees_of_a_run_its_name_only(self):
        run = self.classify(as_of=self.day(5)).with_user(self.user)
        self.assertIn(str(run.id), run.display_name)
        names = ("line_ids", "staging_ids", "staged_count", "created_count")
        for name in (*names, "changed_count"):
            with self.subTest(name):
                self.assertNotIn(name, run.fields_get())
                with self.assertRaises(AccessError):
                    run.read([name])
        for view_type in ("list", "form"):
            with self.subTest(view_type):
                views = run.get_views([(False, view_type)])
                arch = etree.fromstring(views["views"][view_type]["arch"])
                shown = set(arch.xpath("//field/@name"))
                self.assertIn("date_start", shown)
                self.assertFalse(arch.xpath("//button"))
                self.assertTrue(run.web_read({name: {} for name in shown}))

    def test_user_decides_and_withdraws(self):
        partner = self.alpha.with_user(self.user)
        field_name = self.dimension.partner_field_name
        override = self.Override.with_user(self.user).create(self.override_values())
        self.assertEqual(partner[field_name], self.gold)
        override.category_id = self.silver
        self.assertEqual(partner[field_name], self.silver)
        override.write({"operation": "none"})
        self.assertFalse(partner[field_name])
        override.action_withdraw()
        self.assertEqual(partner[field_name], self.bronze)
        rows = self.history_of(self.alpha)
        self.assertEqual(rows.mapped("event"), ["set", "set", "none", "withdrawn"])
        self.assertEqual(rows.user_id, self.user)

    def test_user_writes_nothing_else(self):
        assignment = self.assignment_of(self.alpha)
        ruleset = assignment.ruleset_id
        self.Override.create(self.override_values())
        for record, vals in (
            (assignment, {"category_id": self.platinum.id}),
            (self.figures_of(self.alpha), {"revenue_total": 9e9}),
            (self.history_of(self.alpha), {"reason": "Another"}),
            (ruleset, {"state": "superseded"}),
            (ruleset.criterion_ids, {"weight": 9}),
            (ruleset.limit_ids, {"minimum_score": 1}),
            (assignment.run_id, {"state": "failed"}),
            (self.dimension, {"name": "Another"}),
            (self.dimension.criterion_ids, {"weight": 9}),
            (self.gold, {"minimum_score": 1.5}),
        ):
            for user in (self.user, self.outsider):
                own = record.with_user(user)
                with self.subTest(record._name, user=user.login):
                    with self.assertRaises(REFUSED):
                        own.write(vals)
                    with self.assertRaises(REFUSED):
                        own[:1].copy()
                    with self.assertRaises(REFUSED):
                        own.unlink()

    def test_user_does_not_start_runs(self):
        for user in (self.user, self.outsider):
            Run = self.Run.with_user(user)
            before = self.Run.search_count([])
            with self.assertRaises(AccessError):
                Run.classify()
            with self.assertRaises(AccessError):
                Run.classify(partners=self.alpha.with_user(user), as_of="2020-01-01")
            with self.assertRaises(AccessError):
                Run.action_recompute_now()
            self.assertEqual(self.Run.search_count([]), before)

    # Managers

    def test_manager_configures(self):
        Dimension = self.env["customer.dimension"].with_user(self.manager)
        dimension = Dimension.create(
            {
                "name": "Size",
                "code": "extent",
                "method": "score",
                "criterion_ids": [
                    fields.Command.create(
                        {"metric_id": self.get_metric("invoice_count").id}
                    )
                ],
                "category_ids": [fields.Command.create({"name": "Large"})],
            }
        )
        dimension.criterion_ids.weight = 2
        dimension.category_ids.name = "Very large"
        dimension.name = "Extent"
        self.assertIn("x_cls_extent_id", self.env["res.partner"]._fields)
        dimension.action_renew_cut_points()
        dimension.unlink()
        self.assertFalse(
            self.env["ir.model.fields"].search([("name", "=", "x_cls_extent_id")])
        )

    def test_manager_classifies_in_own_companies_only(self):
        other = self.env["res.company"].create({"name": "Other company"})
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": other.id}
        )
        Run = self.Run.with_user(self.manager)
        runs = Run.classify()
        self.assertEqual(runs.line_ids.company_id, self.env.company)
        for companies in (other, other.ids, other.id, self.env.company + other, branch):
            with self.subTest(companies), self.assertRaises(AccessError):
                Run.classify(companies=companies)
        self.manager.company_ids += branch
        with self.assertRaises(AccessError):  # a branch counts with its root
            Run.classify(companies=branch)
        self.user.write(
            {
                "company_id": branch.id,
                "company_ids": [fields.Command.set(branch.ids)],
                "group_ids": [fields.Command.link(self.env.ref(MANAGER).id)],
            }
        )
        with self.assertRaises(UserError):  # and not an empty run
            self.Run.with_user(self.user).classify()
        self.manager.company_ids += other
        self.assertEqual(Run.classify(companies=branch).line_ids.company_id, other)

    def test_manager_sees_the_own_part_of_a_run(self):
        other = self.env["res.company"].create({"name": "Other company"})
        run = self.Run.sudo().classify(companies=self.env.company + other)
        lines = {line.company_id: line for line in run.line_ids}
        lines[self.env.company].changed_count = 3
        lines[other].changed_count = 40
        # what somebody with all rights read just before is no way to the other's
        self.assertEqual(run.changed_count, 43)
        own = run.with_user(self.manager)
        self.assertEqual(own.changed_count, 3)
        self.env.invalidate_all()  # as a request of its own
        [data] = own.web_read({"line_ids": {"fields": {"company_id": {}}}})
        self.assertEqual(
            [line["company_id"] for line in data["line_ids"]], self.env.company.ids
        )
        foreign = self.Run.sudo().classify(companies=other)
        runs = self.Run.with_user(self.manager)
        self.assertFalse(runs.search([("id", "=", foreign.id)]))
        with self.assertRaises(AccessError):
            foreign.with_user(self.manager).read(["state"])

    def test_result_of_classify_has_the_rights_of_the_caller(self):
        run = self.Run.with_user(self.manager).classify(as_of=self.day(5))
        self.assertEqual((run.env.uid, run.env.su), (self.manager.id, False))
        self.assertEqual(run.staging_ids.partner_id, self.alpha)
        self.assertEqual(run.user_id, self.manager)

    def test_manager_writes_no_result(self):
        assignment = self.assignment_of(self.alpha)
        self.Override.create(self.override_values())
        past = self.classify(as_of=self.day(5))
        for record, vals in (
            (assignment, {"category_id": self.platinum.id}),
            (self.figures_of(self.alpha), {"revenue_total": 9e9}),
            (self.history_of(self.alpha), {"reason": "Another"}),
            (past.staging_ids, {"category_id": self.platinum.id}),
            (past.line_ids, {"state": "failed"}),
            (past, {"state": "failed"}),
            (assignment.ruleset_id, {"minimum_kept_share": 50}),
            (assignment.ruleset_id.criterion_ids, {"weight": 9}),
            (assignment.ruleset_id.limit_ids, {"minimum_score": 1}),
        ):
            self.assertTrue(record)
            own = record.with_user(self.manager)
            with self.subTest(record._name):
                with self.assertRaises(REFUSED):
                    own.write(vals)
                with self.assertRaises(REFUSED):
                    own.unlink()

    def test_frozen_version_does_not_change_for_anyone(self):
        ruleset = self.assignment_of(self.alpha).ruleset_id.sudo()
        self.assertEqual(ruleset.state, "active")
        for record, vals in (
            (ruleset, {"minimum_kept_share": 50}),
            (ruleset, {"criterion_ids": [fields.Command.clear()]}),
            (ruleset.criterion_ids[0], {"weight": 9}),
            (ruleset.criterion_ids[0], {"cuts": [None] * 4}),
            (ruleset.limit_ids[0], {"minimum_score": 1}),
        ):
            with self.subTest(record._name, vals=vals), self.assertRaises(UserError):
                record.write(vals)
        for parts in (ruleset.criterion_ids, ruleset.limit_ids):
            with self.assertRaises(UserError):
                parts[0].unlink()
        with self.assertRaises(UserError):
            self.history_of(self.alpha).sudo().write({"reason": "Another"})

    def test_recompute_now_triggers_the_scheduled_action(self):
        cron = self.env.ref("customer_classification.ir_cron_classify").sudo()
        triggers = self.env["ir.cron.trigger"].sudo()
        before = triggers.search([("cron_id", "=", cron.id)])
        action = self.Run.with_user(self.manager).action_recompute_now()
        self.assertEqual(action["tag"], "display_notification")
        after = triggers.search([("cron_id", "=", cron.id)])
        self.assertEqual(len(after - before), 1)
        self.assertLessEqual((after - before).call_at, fields.Datetime.now())
