import re
from io import BytesIO

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools.misc import file_path
from odoo.tools.translate import trans_export

MODULE = "customer_classification"
PLACEHOLDER = re.compile(r"%\(\w+\)s|%s|</?\w[^>]*>")


@tagged("post_install", "-at_install")
class TestTranslations(TransactionCase):
    """Everything the addon says can be read in Chinese."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template = polib.pofile(file_path(f"{MODULE}/i18n/{MODULE}.pot"))
        cls.chinese = polib.pofile(file_path(f"{MODULE}/i18n/zh_CN.po"))

    def test_template_is_up_to_date(self):
        """Whoever changes a message exports again: ``./sandbox i18n``."""
        buffer = BytesIO()
        trans_export(None, [MODULE], buffer, "po", self.env)
        exported = {entry.msgid for entry in polib.pofile(buffer.getvalue().decode())}
        stored = {entry.msgid for entry in self.template}
        self.assertFalse(exported - stored, "not in the template")
        self.assertFalse(stored - exported, "in the template, but used no more")

    def test_chinese_is_complete(self):
        self.assertEqual(
            [entry.msgid for entry in self.chinese if not entry.obsolete],
            [entry.msgid for entry in self.template],
        )
        missing = [e.msgid for e in self.chinese if not e.msgstr.strip() or e.fuzzy]
        self.assertFalse(missing, "without a translation")

    def test_placeholders(self):
        """A placeholder that differs would break the message at run time."""
        for entry in self.chinese:
            with self.subTest(msgid=entry.msgid):
                self.assertEqual(
                    sorted(PLACEHOLDER.findall(entry.msgstr)),
                    sorted(PLACEHOLDER.findall(entry.msgid)),
                )

    def test_tiers_in_chinese(self):
        """The shipped configuration and the contact's field have Chinese names."""
        self.env["res.lang"]._activate_lang("zh_CN")
        self.env["ir.module.module"].search(
            [("name", "=", MODULE)]
        )._update_translations(["zh_CN"])
        env = self.env(context={"lang": "zh_CN"})
        dimension = env.ref(f"{MODULE}.dimension_value_tier")
        self.assertEqual(dimension.name, "价值等级")
        self.assertEqual(
            dimension.category_ids.mapped("name"), ["铂金", "黄金", "白银", "青铜"]
        )
        field_name = dimension.partner_field_name
        fields = env["res.partner"].fields_get([field_name], ["string"])
        self.assertEqual(fields[field_name]["string"], dimension.name)
