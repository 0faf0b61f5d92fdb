from datetime import timedelta

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged

from .common import MANAGER, ClassificationCommon


@tagged("post_install", "-at_install")
class TestTagMirror(ClassificationCommon):
    """Contact tags that follow the categories of a dimension, one way."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Tag = cls.env["res.partner.category"]
        cls.alpha, cls.beta = cls.make_customer("Alpha"), cls.make_customer("Beta")
        cls.contact = cls.make_customer(
            "Contact", parent_id=cls.alpha.id, is_company=False
        )
        cls.own = cls.Tag.create({"name": "Gold"})
        (cls.alpha + cls.contact).category_id = cls.own

    def setUp(self):
        super().setUp()
        self.post(self.alpha, 10, 1)
        self.post(self.beta, 20, 2)
        self.classify()

    def mirror(self):
        self.dimension.write(
            {"mirror_tags": True, "mirror_company_id": self.env.company.id}
        )

    def tags_of(self, partner):
        """Return the names of the mirrored tags that the contact has."""
        self.env.invalidate_all()
        return (partner.category_id - self.own).mapped("name")

    def decide(self, partner=None, **values):
        return self.Override.create(
            {
                "partner_id": (partner or self.alpha).id,
                "dimension_id": self.dimension.id,
                "category_id": self.gold.id,
                "reason": "Contract",
                "date_end": self.today + timedelta(days=5),
                **values,
            }
        )

    def assert_mirrored(self):
        """Compare the tags of every contact with the category it shows."""
        self.env.invalidate_all()
        tags = self.dimension.all_category_ids.mirror_tag_id
        for partner in self.env["res.partner"].search([("parent_id", "=", False)]):
            expected = partner[self.dimension.partner_field_name].mirror_tag_id
            self.assertEqual(partner.category_id & tags, expected, partner.name)

    def test_off_by_default(self):
        self.assertFalse(self.dimension.mirror_tags)
        self.decide()
        self.classify()
        self.assertFalse(self.dimension.mirror_tag_id)
        self.assertEqual(self.alpha.category_id, self.own)

    def test_switched_on(self):
        count = self.Tag.search_count([])
        self.mirror()
        self.assertEqual(self.tags_of(self.alpha), ["Bronze"])
        tag = self.alpha.category_id - self.own
        self.assertEqual(tag.parent_id, self.dimension.mirror_tag_id)
        self.assertEqual(tag.parent_id.name, "Value tier")
        self.assertEqual(tag.color, self.bronze.color)
        self.assertNotEqual(self.gold.mirror_tag_id, self.own, "never another's tag")
        self.assertEqual(self.Tag.search_count([]), count + 5)
        self.assert_mirrored()

    def test_follows_runs_and_people(self):
        self.mirror()
        for _purchase in range(3):
            self.post(self.alpha, 9000, 0)
        self.dimension.action_renew_cut_points()
        self.classify()
        tier = self.tier_of(self.alpha)
        self.assertNotEqual(tier, "Bronze")
        self.assertEqual(self.tags_of(self.alpha), [tier])
        decision = self.decide()
        self.assertEqual(self.tags_of(self.alpha), ["Gold"])
        decision.category_id = self.silver
        self.assertEqual(self.tags_of(self.alpha), ["Silver"])
        decision.write({"operation": "none", "category_id": False})
        self.assertEqual(self.tags_of(self.alpha), [])
        decision.action_withdraw()
        self.assertEqual(self.tags_of(self.alpha), [tier])
        self.assert_mirrored()

    def test_decision_that_ended(self):
        self.mirror()
        decision = self.decide()
        with freeze_time(decision.date_end + timedelta(days=1)):
            self.classify()
            self.assertEqual(self.tags_of(self.alpha), ["Bronze"])

    def test_by_whoever_may_decide(self):
        self.mirror()
        user = self.make_user("classifier")
        self.gold.mirror_tag_id.unlink()
        self.Override.with_user(user).create(
            {
                "partner_id": self.alpha.id,
                "dimension_id": self.dimension.id,
                "category_id": self.gold.id,
                "reason": "Contract",
            }
        )
        self.assertEqual(self.tags_of(self.alpha), ["Gold"])

    def test_switched_by_manager(self):
        manager = self.make_user("mirror_manager", groups=MANAGER)
        dimension = self.dimension.with_user(manager)
        dimension.write({"mirror_tags": True, "mirror_company_id": self.env.company.id})
        self.assertEqual(self.tags_of(self.alpha), ["Bronze"])
        dimension.mirror_tags = False
        self.assertEqual(self.tags_of(self.alpha), [])

    def test_touches_nothing_else(self):
        self.mirror()
        self.contact.category_id += self.bronze.mirror_tag_id
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET write_date = '2020-01-01', write_uid = 1"
        )
        self.env.invalidate_all()
        self.decide()
        self.classify()
        self.assertEqual(self.tags_of(self.alpha), ["Gold"])
        self.assertEqual(self.tags_of(self.contact), ["Bronze"], "given by a person")
        self.assertIn(self.own, self.alpha.category_id)
        self.assertIn(self.own, self.contact.category_id)
        self.env.cr.execute(
            "SELECT count(*) FROM res_partner WHERE write_date <> '2020-01-01'"
        )
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def test_writes_only_differences(self):
        self.mirror()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT xmin, ctid, * FROM res_partner_res_partner_category_rel ORDER BY 2"
        )
        before = self.env.cr.fetchall()
        self.classify()
        self.env.cr.execute(
            "SELECT xmin, ctid, * FROM res_partner_res_partner_category_rel ORDER BY 2"
        )
        self.assertEqual(self.env.cr.fetchall(), before)

    def test_one_way(self):
        self.mirror()
        self.alpha.category_id = self.own + self.gold.mirror_tag_id
        self.assertEqual(self.tier_of(self.alpha), "Bronze")
        self.classify()
        self.assertEqual(self.tags_of(self.alpha), ["Bronze"])

    def test_tags_deleted_renamed_or_moved_by_people(self):
        self.mirror()
        self.bronze.mirror_tag_id.unlink()
        self.silver.mirror_tag_id.name = "My silver"
        self.gold.mirror_tag_id.parent_id = False
        self.classify()
        self.decide(self.beta, category_id=self.silver.id)
        self.assertEqual(self.tags_of(self.alpha), ["Bronze"])
        self.assertEqual(self.tags_of(self.beta), ["My silver"])
        self.dimension.mirror_tag_id.unlink()
        self.classify()
        self.assertEqual(self.tags_of(self.alpha), ["Bronze"])
        self.assert_mirrored()

    def test_renamed_category(self):
        self.mirror()
        self.bronze.name = "Copper"
        self.dimension.name = "Worth"
        self.assertEqual(self.tags_of(self.alpha), ["Copper"])
        self.assertEqual(self.dimension.mirror_tag_id.name, "Worth")

    def test_in_every_language(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        self.bronze.with_context(lang="zh_CN").name = "铜牌"
        self.mirror()
        tag = self.bronze.mirror_tag_id
        self.assertEqual(tag.with_context(lang="en_US").name, "Bronze")
        self.assertEqual(tag.with_context(lang="zh_CN").name, "铜牌")

    def test_switched_off(self):
        before = self.Tag.search([])
        self.mirror()
        theirs = self.Tag.create(
            {"name": "Theirs", "parent_id": self.dimension.mirror_tag_id.id}
        )
        given = self.silver.mirror_tag_id
        self.contact.category_id += given
        self.dimension.mirror_tags = False
        self.env.invalidate_all()
        self.assertEqual(self.alpha.category_id, self.own)
        self.assertFalse(self.beta.category_id)
        self.assertEqual(self.contact.category_id, self.own + given)
        self.assertEqual(
            self.Tag.search([]) - before,
            theirs + theirs.parent_id + given,
            "what people use stays",
        )
        self.assertFalse(self.dimension.all_category_ids.mirror_tag_id)
        self.mirror()
        self.assert_mirrored()

    def test_archived_and_deleted_dimension(self):
        self.mirror()
        self.dimension.active = False
        self.assertEqual(self.tags_of(self.alpha), [])
        self.dimension.active = True
        self.assertEqual(self.tags_of(self.alpha), ["Bronze"])
        other = self.dimension.create(
            {
                "name": "Other",
                "code": "other",
                "category_ids": [Command.create({"name": "One"})],
                "mirror_tags": True,
            }
        )
        other._update_mirror()
        tags = other.mirror_tag_id + other.category_ids.mirror_tag_id
        self.assertEqual(len(tags.exists()), 2)
        other.unlink()
        self.assertFalse(tags.exists())

    def test_several_categories_of_all_companies(self):
        wishes = self.dimension.create(
            {
                "name": "Wishes",
                "code": "wishes",
                "is_multiple": True,
                "is_shared": True,
                "mirror_tags": True,
                "category_ids": [
                    Command.create({"name": "One"}),
                    Command.create({"name": "Two"}),
                ],
            }
        )
        one, two = wishes.category_ids
        decisions = self.Override.create(
            [
                {
                    "partner_id": self.alpha.id,
                    "dimension_id": wishes.id,
                    "category_id": category.id,
                }
                for category in one + two
            ]
        )
        self.assertEqual(set(self.tags_of(self.alpha)), {"One", "Two"})
        decisions[0].action_withdraw()
        self.assertEqual(self.tags_of(self.alpha), ["Two"])
        decisions[1].operation = "exclude"
        self.assertEqual(self.tags_of(self.alpha), [])

    def test_another_database_has_its_own_tags(self):
        self.mirror()
        content = self.env["customer.classification.exchange"].export_configuration()
        text = content.decode() if isinstance(content, bytes) else str(content)
        self.assertIn("mirror_tags", text)
        self.assertNotIn("mirror_tag=", text)
        self.assertNotIn("mirror_company", text)

    def test_follows_one_company(self):
        other = self.setup_other_company(name="Other company")["company"]
        self.mirror()
        self.decide(company_id=other.id)
        self.assertEqual(self.tags_of(self.alpha), ["Bronze"])
        self.dimension.mirror_company_id = other
        self.assertEqual(self.tags_of(self.alpha), ["Gold"])
        self.assertEqual(self.tags_of(self.beta), [])

    def test_customer_who_became_a_contact(self):
        self.mirror()
        self.beta.parent_id = self.alpha
        self.beta.is_company = False
        self.classify()
        self.assertEqual(self.tags_of(self.beta), [])

    def test_erased_profile(self):
        self.mirror()
        self.alpha.sudo()._erase_classification()
        self.env.invalidate_all()
        self.assertEqual(self.alpha.category_id, self.own)
