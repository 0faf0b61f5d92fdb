from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .bulk_common import BulkCommon
from .common import MANAGER, USER


@tagged("post_install", "-at_install")
class TestBulkAccess(BulkCommon):
    """Who may decide about many, about whom, and who sees it."""

    def setUp(self):
        super().setUp()
        self.group = self.env["res.groups"].create({"name": "Deciders"})

    def apply(self, bulk):
        bulk.action_preview()
        bulk.action_apply()

    def test_dimension_set_by_others(self):
        self.dimension.edit_group_ids = self.group
        bulk = self.make_bulk(self.customers, ("set", self.gold))
        bulk.action_preview()
        self.assertEqual(
            {row[0] for row in self.rows_of(bulk).values()}, {"permission"}
        )
        lines = self.env["customer.bulk.line"].with_user(self.user)
        self.assertNotIn(
            self.dimension,
            self.env["customer.dimension"].search(lines._get_dimension_domain()),
        )
        manager = self.make_user("bulk_manager", groups=MANAGER)
        self.apply(self.make_bulk(self.customers, ("set", self.gold), user=manager))
        self.assertEqual(self.decision_of(self.customers[0]).write_uid, manager)

    def test_right_that_is_lost_before_applying(self):
        bulk = self.make_bulk(self.customers, ("set", self.gold))
        bulk.action_preview()
        self.dimension.edit_group_ids = self.group
        with self.assert_refused(AccessError, "is not set by you"):
            bulk.action_apply()
        self.assertFalse(self.decision_of(self.customers[0]))

    def test_right_that_is_lost_in_the_background(self):
        bulk = self.make_bulk(self.customers, ("set", self.gold))
        bulk.action_preview()
        bulk.sudo().state = "running"
        self.dimension.edit_group_ids = self.group
        with self.enter_registry_test_mode():
            cron = self.env.ref("customer_classification.ir_cron_bulk")
            cron.method_direct_trigger()
        bulk.invalidate_recordset()
        self.assertEqual(bulk.state, "failed", bulk.error)
        self.assertIn("is not set by you", bulk.error)
        self.assertFalse(self.decision_of(self.customers[0]))

    def hide(self, partners):
        """Hide contacts from the user, as a salesperson's rule does."""
        self.env["ir.rule"].create(
            {
                "name": "Hidden contacts",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": [("id", "not in", partners.ids)],
                "groups": [fields.Command.link(self.quick_ref(USER).id)],
            }
        )
        self.env.registry.clear_cache()

    def test_only_customers_one_sees(self):
        contact = self.env["res.partner"].create(
            {"name": "Contact of hidden", "parent_id": self.customers[1].id}
        )
        self.hide(self.customers[:2])
        bulk = self.make_bulk(self.customers + contact, ("set", self.gold))
        self.assertEqual(bulk.target_count, 5, "four customers and the contact")
        bulk.action_preview()
        rows = self.rows_of(bulk)
        self.assertEqual(rows[contact][0], "hidden")
        self.assertEqual(set(rows), {contact, *self.customers[2:]})
        bulk.action_apply()
        self.assertFalse(self.decision_of(self.customers[1]))
        self.assertEqual(bulk.done_count, 4)

    def test_customers_that_one_loses_from_sight(self):
        bulk = self.make_bulk(self.customers, ("set", self.gold))
        bulk.action_preview()
        self.hide(self.customers[:2])
        rows = self.env["customer.bulk.row"].with_user(self.user)
        self.assertEqual(
            rows.search([("bulk_id", "=", bulk.id)]).partner_id, self.customers[2:]
        )
        bulk.action_apply()
        self.assertEqual(self.rows_of(bulk)[self.customers[0]][0], "meanwhile")
        self.assertEqual(bulk.done_count, 4)

    def test_others_bulk_changes(self):
        bulk = self.make_bulk(self.customers, ("set", self.gold))
        bulk.action_preview()
        other = self.make_user("bulk_other")
        for model in ("customer.bulk", "customer.bulk.row", "customer.bulk.cell"):
            with self.subTest(model):
                self.assertFalse(self.env[model].with_user(other).search([]))
        with self.assert_refused(AccessError, ""):
            bulk.with_user(other).name = "Mine"
        manager = self.make_user("bulk_manager", groups=MANAGER)
        self.assertIn(bulk, self.Bulk.with_user(manager).search([]))
        with self.assert_refused(UserError, "make your own"):
            bulk.with_user(manager).action_apply()

    def test_nobody_writes_what_the_addon_writes(self):
        bulk = self.make_bulk(self.customers, ("set", self.gold))
        for values in ({"state": "done"}, {"user_id": 1}, {"is_previewed": True}):
            with self.assert_refused(AccessError, "not entered by hand"):
                bulk.write(values)
        forged = self.Bulk.with_user(self.user).create(
            {"state": "running", "user_id": self.env.ref("base.user_admin").id}
        )
        self.assertEqual((forged.state, forged.user_id), ("draft", self.user))

    def test_defaults_of_the_context_forge_nothing(self):
        """One that claims to undo another's would have marked it as undone."""
        manager = self.make_user("bulk_manager", groups=MANAGER)
        bulk = self.make_bulk(self.customers, ("set", self.gold), user=manager)
        self.apply(bulk)
        forged = (
            self.Bulk.with_user(self.user)
            .with_context(
                default_kind="undo",
                default_undo_of_id=bulk.id,
                default_state="running",
                default_is_previewed=True,
                default_reason="Kept",
            )
            .create({})
        )
        self.assertEqual((forged.kind, forged.state), ("change", "draft"))
        self.assertFalse(forged.sudo().undo_of_id or forged.is_previewed)
        self.assertEqual(forged.reason, "Kept")

    def test_hidden_dimension(self):
        self.dimension.view_group_ids = self.group
        manager = self.make_user("bulk_manager", groups=MANAGER)
        user = self.user
        user.group_ids += self.group
        bulk = self.make_bulk(self.customers, ("set", self.gold))
        self.apply(bulk)
        for model in ("customer.bulk.row", "customer.bulk.cell", "customer.bulk.line"):
            with self.subTest(model):
                domain = [("bulk_id", "=", bulk.id)]
                self.assertTrue(self.env[model].with_user(user).search(domain))
                self.assertFalse(self.env[model].with_user(manager).search(domain))

    def test_who_has_no_part_in_it(self):
        clerk = self.make_user("bulk_clerk", groups="")
        portal = new_test_user(self.env, "bulk_portal", groups="base.group_portal")
        for user in (clerk, portal):
            with self.subTest(user.login), self.assert_refused(AccessError, ""):
                self.Bulk.with_user(user).create({})

    def test_two_companies(self):
        other = self.setup_other_company(name="Other company")["company"]
        region = self.make_dimension("Region", ["North"], is_shared=True)
        user = self.user
        user.company_ids += other
        for company, category in (
            (self.env.company, self.gold),
            (other, self.silver),
        ):
            own = self.Bulk.with_user(user).with_company(company)
            bulk = own.create(
                {
                    "reason": "Agreed",
                    "line_ids": [
                        fields.Command.create(self.get_line("set", category)),
                        fields.Command.create(
                            self.get_line("set", region.category_ids)
                        ),
                    ],
                }
            )
            bulk._add_targets([("id", "in", self.customers.ids)])
            self.apply(bulk)
            # what companies share is the same for the second
            done = 12 if company == self.env.company else 6
            self.assertEqual(bulk.done_count, done)
        customer = self.customers[0]
        self.assertEqual(self.tier_of(customer), "Gold")
        self.assertEqual(self.tier_of(customer, other), "Silver")
        self.assertFalse(self.decision_of(customer, region).company_id)
        stranger = self.make_user("bulk_stranger", groups=MANAGER)
        self.assertEqual(
            self.Bulk.with_user(stranger).search([]).company_id, self.env.company
        )
