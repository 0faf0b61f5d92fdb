"""How customers pay is a right of its own: marketing has the others without it."""

from odoo.exceptions import AccessError
from odoo.modules import load_script
from odoo.tests import tagged

from .common import MANAGER, MARKETING, PLAIN, USER, ClassificationCommon

ADDON = "customer_classification"
SCRIPT = f"{ADDON}/migrations/19.0.5.0.0/post-payments.py"


@tagged("post_install", "-at_install")
class TestPaymentRights(ClassificationCommon):
    dimension_codes = ("value_tier", "payment")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.payment = cls.env.ref(f"{ADDON}.dimension_payment")
        cls.kinds = {
            group: cls.make_user(f"payment_rights_{number}", group)
            for number, group in enumerate((PLAIN, MARKETING, USER, MANAGER))
        }
        cls.alpha = cls.make_customer("Alpha")

    def setUp(self):
        super().setUp()
        self.post(self.alpha, 100, 200)  # due at once: overdue for 200 days
        self.classify()

    def get_payment_fields(self):
        """Return the fields of the contact that say how a customer pays."""
        return [
            name
            for name, field in self.alpha._fields.items()
            if getattr(field, "customer_figure_model", None)
            == "customer.payment.figures"
        ] + ["customer_days_overdue", self.payment.partner_field_name]

    def test_fields_of_the_contact(self):
        names = self.get_payment_fields()
        self.assertEqual(len(names), 11)
        for group, user in self.kinds.items():
            partner = self.alpha.with_user(user)
            is_told = group in (USER, MANAGER)
            self.assertEqual(bool(set(names) & partner.fields_get().keys()), is_told)
            for name in names:
                for do in (
                    lambda p=partner, n=name: p.read([n]),
                    lambda p=partner, n=name: p.search([(n, "!=", False)]),
                    lambda p=partner, n=name: p.search([], order=n),
                    lambda p=partner, n=name: p._read_group([], [], [f"{n}:max"]),
                ):
                    with self.subTest(group=group, name=name):
                        if is_told:
                            do()
                        else:
                            with self.assertRaises(AccessError):
                                do()

    def test_what_is_shown_of_the_customer(self):
        for group, user in self.kinds.items():
            with self.subTest(group):
                partner = self.alpha.with_user(user).with_context(lang="en_US")
                shown = str(partner.get_customer_profile())
                is_told = group in (USER, MANAGER)
                self.assertIn("Value tier", shown)
                self.assertEqual("Payment behaviour" in shown, is_told)
                self.assertEqual("Doubtful" in shown, is_told)
                rows = self.env["customer.assignment"].with_user(user)
                rows = rows.search([("dimension_id", "=", self.payment.id)])
                self.assertEqual(bool(rows), is_told)
                figures = self.env["customer.payment.figures"].with_user(user)
                self.assertEqual(figures.has_access("read"), is_told)

    def test_upgrade_keeps_what_people_saw(self):
        """Users of before see payments still; a choice of who does is kept."""
        plain = self.kinds[PLAIN]
        payment_group = self.env.ref(USER)
        self.payment.view_group_ids = False
        for _repeated in range(2):
            load_script(SCRIPT, "post_payments").migrate(self.env.cr, "19.0.4.0.0")
            self.env.invalidate_all()
            self.assertTrue(plain.has_group(USER))
            self.assertFalse(self.kinds[MARKETING].has_group(USER))
            self.assertEqual(self.payment.view_group_ids, payment_group)
        chosen = self.env.ref(MANAGER)
        self.payment.view_group_ids = chosen
        load_script(SCRIPT, "post_payments").migrate(self.env.cr, "19.0.4.0.0")
        self.assertEqual(self.payment.view_group_ids, chosen)
