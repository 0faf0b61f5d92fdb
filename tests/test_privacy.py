import io
import json
from datetime import timedelta

from openpyxl import load_workbook

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .common import MANAGER, ClassificationCommon


class PrivacyCommon(ClassificationCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alpha, cls.beta = cls.make_customer("Alpha"), cls.make_customer("Beta")
        cls.user = cls.make_user("classifier")
        cls.manager = cls.make_user("privacy_manager", groups=MANAGER)

    def setUp(self):
        super().setUp()
        self.post(self.alpha, 10, 1)
        self.post(self.beta, 20, 2)
        self.classify()
        self.decision = self.Override.create(
            {
                "partner_id": self.alpha.id,
                "dimension_id": self.dimension.id,
                "category_id": self.gold.id,
                "reason": "Brother of the mayor",
                "date_end": self.today + timedelta(days=10),
            }
        )

    def count_rows(self, partner):
        """Return the number of rows about ``partner`` by model, read past the ORM."""
        self.env.flush_all()
        counts = {}
        for model in partner._get_classification_models():
            self.env.cr.execute(
                f'SELECT count(*) FROM "{model._table}" WHERE partner_id = %s',
                [partner.id],
            )
            [counts[model._name]] = self.env.cr.fetchone()
        return {name: count for name, count in counts.items() if count}

    def anonymous_rows(self):
        return self.History.sudo().search([("is_anonymous", "=", True)])


@tagged("post_install", "-at_install")
class TestErasure(PrivacyCommon):
    """What is left of a customer who is deleted, or whose profile is erased."""

    def test_deleted_contact_leaves_statistics(self):
        gamma = self.make_customer("Gamma")
        self.Override.create(
            {
                "partner_id": gamma.id,
                "dimension_id": self.dimension.id,
                "category_id": self.silver.id,
                "reason": "Cousin of the mayor",
            }
        )
        gamma.unlink()
        row = self.anonymous_rows()
        self.assertEqual(
            (row.event, row.new_category_id, row.company_id),
            ("set", self.silver, self.env.company),
        )
        self.assertFalse(row.partner_id)
        self.assertFalse(row.reason)
        self.assertFalse(row.inputs)
        self.assertEqual(row.display_name, "Anonymized customer")

    def test_deleting_without_right_changes_nothing(self):
        gamma = self.make_customer("Gamma")
        self.decision.copy({"partner_id": gamma.id})
        with self.assert_refused(AccessError, ""):
            gamma.with_user(self.user).unlink()
        self.assertFalse(self.anonymous_rows())

    def test_only_managers_see_anonymous_rows(self):
        self.alpha.with_user(self.manager)._erase_classification()
        row = self.anonymous_rows()
        self.assertTrue(row)
        for user, seen in ((self.manager, row), (self.user, row.browse())):
            History = self.History.with_user(user)
            self.assertEqual(History.search([("is_anonymous", "=", True)]), seen)
            self.assertEqual(
                History.search([("partner_id", "=", False)]), seen, "no other way in"
            )
        self.assertTrue(row.with_user(self.manager).read(["new_category_id"]))
        with self.assert_refused(AccessError, ""):
            row.with_user(self.user).read(["new_category_id"])

    def test_erasure(self):
        rows = self.count_rows(self.alpha)
        self.assertLessEqual(
            {
                "customer.assignment",
                "customer.assignment.history",
                "customer.figures",
                "customer.override",
            },
            rows.keys(),
        )
        beta = self.count_rows(self.beta)
        wizard = self.open_wizard(self.alpha)
        wizard.action_erase()
        self.assertEqual(self.count_rows(self.alpha), {"customer.exclusion": 1})
        self.assertEqual(self.count_rows(self.beta), beta)
        self.assertFalse(self.tier_of(self.alpha))
        self.assertTrue(self.alpha.exists())
        self.env.cr.execute(
            "SELECT count(*) FROM customer_assignment_history WHERE reason LIKE %s",
            ["%mayor%"],
        )
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def open_wizard(self, partners, **values):
        action = partners.with_user(self.manager).action_erase_classification()
        return (
            self.env[action["res_model"]]
            .with_user(self.manager)
            .with_context(**action["context"])
            .create(values)
        )

    def test_erased_profile_does_not_come_back(self):
        self.open_wizard(self.alpha, reason="Letter of 3 March").action_erase()
        self.post(self.alpha, 500, 0)
        self.classify()
        self.assertEqual(self.count_rows(self.alpha), {"customer.exclusion": 1})
        with self.assert_refused(ValidationError, "is excluded"):
            self.Override.create(
                {
                    "partner_id": self.alpha.id,
                    "dimension_id": self.dimension.id,
                    "category_id": self.gold.id,
                    "reason": "Again",
                }
            )
        exclusion = self.env["customer.exclusion"].with_user(self.manager).search([])
        self.assertEqual(exclusion.reason, "Letter of 3 March")
        exclusion.unlink()
        self.classify()
        self.assertTrue(self.figures_of(self.alpha))
        self.assertTrue(self.tier_of(self.alpha))

    def test_erasure_without_exclusion(self):
        self.open_wizard(self.alpha, exclude=False).action_erase()
        self.assertFalse(self.count_rows(self.alpha))
        self.classify()
        self.assertTrue(self.tier_of(self.alpha))

    def test_erasing_twice(self):
        self.open_wizard(self.alpha).action_erase()
        self.open_wizard(self.alpha).action_erase()
        self.assertEqual(self.count_rows(self.alpha), {"customer.exclusion": 1})

    def test_exclusion_ends_the_categories(self):
        self.decision.action_withdraw()
        self.env["customer.exclusion"].create({"partner_id": self.alpha.id})
        self.classify()
        self.assertFalse(self.tier_of(self.alpha))
        self.assertFalse(self.figures_of(self.alpha))
        self.assertTrue(self.tier_of(self.beta))

    def test_only_managers(self):
        for action in ("action_export_classification", "action_erase_classification"):
            with self.assert_refused(AccessError, "Only managers"):
                getattr(self.alpha.with_user(self.user), action)()
        with self.assert_refused(AccessError, "Only managers"):
            self.alpha.with_user(self.user)._erase_classification()
        with self.assert_refused(AccessError, ""):
            self.env["customer.erasure"].with_user(self.user).create(
                {"partner_ids": self.alpha.ids}
            )

    def test_not_half_a_profile(self):
        other = self.setup_other_company(name="Other company")["company"]
        self.decision.copy({"company_id": other.id})
        with self.assert_refused(AccessError, "Other company"):
            self.open_wizard(self.alpha).action_erase()
        self.assertTrue(self.count_rows(self.alpha)["customer.override"])
        self.manager.company_ids += other
        self.open_wizard(self.alpha).action_erase()
        self.assertEqual(self.count_rows(self.alpha), {"customer.exclusion": 1})

    def test_merged_contacts_keep_their_history(self):
        history = self.History.search([("partner_id", "=", self.alpha.id)])
        self.assertTrue(history)
        self.env["customer.exclusion"].create(
            [{"partner_id": self.alpha.id}, {"partner_id": self.beta.id}]
        )
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo().create({})
        wizard._merge((self.alpha + self.beta).ids, self.beta)
        self.assertFalse(self.alpha.exists())
        self.assertEqual(history.partner_id, self.beta)
        self.assertFalse(self.anonymous_rows())
        self.assertEqual(
            self.env["customer.exclusion"].search([]).partner_id, self.beta
        )

    def test_odoos_privacy_lookup(self):
        if "privacy.lookup.wizard" not in self.env:
            self.skipTest("Privacy Lookup is not installed")
        gamma = self.make_customer("Gamma Unique", email="gamma@unique.example")
        self.decision.copy({"partner_id": gamma.id})
        history = self.History.search([("partner_id", "=", gamma.id)])
        lookup = (
            self.env["privacy.lookup.wizard"]
            .sudo()
            .create({"name": gamma.name, "email": gamma.email})
        )
        lookup.action_lookup()
        lines = lookup.line_ids
        self.assertIn("customer.assignment.history", lines.mapped("res_model"))
        lines.filtered(lambda line: line.res_model == "res.partner").action_unlink()
        self.assertFalse(gamma.exists())
        self.assertTrue(history.exists())
        self.assertEqual(self.anonymous_rows(), history)


@tagged("post_install", "-at_install")
class TestExport(PrivacyCommon, HttpCase):
    """What is held about a customer, as one file."""

    def profile(self, user=None):
        sheets = self.alpha.with_user(
            user or self.manager
        )._get_classification_profile()
        return {title: (headers, lines) for title, headers, lines in sheets}

    def test_complete(self):
        """Every table with a row about the customer has its sheet, with each row."""
        profile = self.profile()
        for name, count in self.count_rows(self.alpha).items():
            title = self.env["ir.model"]._get(name).name
            self.assertEqual(len(profile[title][1]), count, name)

    def test_readable(self):
        profile = self.profile()
        headers, [line] = profile["Category Set by Hand"]
        row = dict(zip(headers, line, strict=True))
        self.assertEqual(row["Dimension"], "Value tier")
        self.assertEqual(row["Category"], "Gold")
        self.assertEqual(row["Decision"], "Set a category")
        self.assertEqual(row["Reason"], "Brother of the mayor")
        self.assertEqual(row["Holds Until"], self.decision.date_end)
        headers, lines = profile["Categories in Effect"]
        self.assertIn([self.env.company.name, "Value tier", "Gold"], lines)
        headers, [line] = profile["Customer Figures"]
        self.assertEqual(dict(zip(headers, line, strict=True))["Net Revenue"], 10)
        headers, [line] = profile["Computed Category"]
        self.assertIn("Score", dict(zip(headers, line, strict=True))["Explanation"])

    def test_only_of_this_customer(self):
        self.Override.create(
            {
                "partner_id": self.beta.id,
                "dimension_id": self.dimension.id,
                "category_id": self.silver.id,
                "reason": "Not for Alpha's eyes",
            }
        )
        self.assertNotIn("Alpha's eyes", json.dumps(self.profile(), default=str))

    def test_dimension_the_manager_may_not_see(self):
        group = self.env["res.groups"].create({"name": "Board"})
        # the field's groups outlive the test's transaction
        self.addCleanup(self.dimension.write, {"view_group_ids": [Command.clear()]})
        self.dimension.view_group_ids = group
        self.assertNotIn("mayor", json.dumps(self.profile(), default=str))
        group.user_ids = [Command.link(self.manager.id)]
        self.assertIn("mayor", json.dumps(self.profile(), default=str))

    def test_download(self):
        url = self.alpha.with_user(self.manager).action_export_classification()["url"]
        self.manager.password = self.user.password = "long enough 12"
        self.authenticate(self.manager.login, "long enough 12")
        response = self.url_open(url)
        self.assertEqual(response.status_code, 200)
        self.assertIn("Alpha", response.headers["Content-Disposition"])
        workbook = load_workbook(io.BytesIO(response.content))
        self.assertIn("Category Set by Hand", workbook.sheetnames)
        values = [cell.value for row in workbook["Customer"].rows for cell in row]
        self.assertIn("Alpha", values)
        self.authenticate(self.user.login, "long enough 12")
        response = self.url_open(url)
        self.assertNotEqual(response.status_code, 200)
        self.assertNotIn(b"mayor", response.content)
