from contextlib import contextmanager
from decimal import Decimal

from odoo import fields
from odoo.tests import new_test_user
from odoo.tools import SQL

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

from . import oracle

FIGURES = (
    "revenue_total",
    "revenue_window",
    "invoiced_window",
    "first_date",
    "last_date",
    "purchase_days",
    "purchase_days_window",
    "invoice_count",
    "refund_count",
    "average_ticket",
    "revenue_previous",
    "revenue_change",
    "credited_share",
    "interval_mean",
    "interval_deviation",
    "active_months_share",
)
#: The role of a user as most have it: it includes how customers pay
USER = "customer_classification.group_customer_classification_payment"
PLAIN = "customer_classification.group_customer_classification_user"
MARKETING = "customer_classification.group_customer_classification_marketing"
MANAGER = "customer_classification.group_customer_classification_manager"


class ClassificationCommon(AccountTestInvoicingCommon):
    """Real invoices in companies of the test's own, and what they should give.

    :attr:`documents` keeps the raw facts of what was posted, for the oracle.
    """

    chart_template = "generic_coa"
    #: The dimensions that take part, by code; the other shipped ones are archived, so
    #: that a test about one is not about all
    dimension_codes = ("value_tier",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.today = fields.Date.today()
        cls.Run = cls.env["customer.classification.run"]
        cls.Figures = cls.env["customer.figures"]
        cls.Assignment = cls.env["customer.assignment"]
        cls.Override = cls.env["customer.override"]
        cls.History = cls.env["customer.assignment.history"]
        cls.Ruleset = cls.env["customer.ruleset"]
        dimensions = cls.env["customer.dimension"].search([])
        dimensions.filtered(lambda d: d.code not in cls.dimension_codes).active = False
        # among a handful of customers each change is many; tests of the brake set it
        dimensions.brake_share = 0
        cls.env["ir.default"].set("customer.dimension", "brake_share", 0.0)
        cls.dimension = cls.env.ref("customer_classification.dimension_value_tier")
        cls.platinum, cls.gold, cls.silver, cls.bronze = cls.dimension.category_ids
        cls.documents = []

    def setUp(self):
        super().setUp()
        self.documents = list(self.documents)

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref(MANAGER)

    @classmethod
    def make_customer(cls, name, **values):
        """Create a company that is a customer."""
        return cls.env["res.partner"].create(
            {"name": name, "is_company": True, "customer_rank": 1, **values}
        )

    @classmethod
    def get_metric(cls, code):
        """Return a metric that ships, by its code."""
        return cls.env.ref(f"customer_classification.metric_{code}")

    def day(self, days_ago):
        return oracle.days_before(self.today, days_ago)

    def post(self, partner, amount, days_ago, post=True, counts_for=None, **values):
        """Post an invoice, or a credit note where ``amount`` is negative.

        :param str counts_for: the name of the customer that the oracle shall count it
            for; the partner's own where it is the customer
        """
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice" if amount > 0 else "out_refund",
                "partner_id": partner.id,
                "invoice_date": self.day(days_ago),
                "invoice_line_ids": [
                    fields.Command.create(
                        {
                            "product_id": self.product_a.id,
                            "quantity": 1,
                            "price_unit": abs(amount),
                            "tax_ids": [],
                        }
                    )
                ],
                **values,
            }
        )
        if post:
            move.action_post()
            self.documents.append(
                oracle.Document(
                    counts_for or partner.name,
                    self.day(days_ago),
                    Decimal(str(amount)),
                    amount < 0,
                )
            )
        return move

    def classify(self, **kwargs):
        kwargs.setdefault("companies", self.env.company)
        return self.Run.classify(**kwargs)

    @contextmanager
    def assert_refused(self, exception, message):
        """Expect an error, and nothing written."""
        with self.assertRaisesRegex(exception, message), self.env.cr.savepoint():
            yield
        self.env.invalidate_all()

    def figures_of(self, partner, company=None):
        return self.Figures.search(
            [
                ("partner_id", "=", partner.id),
                ("company_id", "=", (company or self.env.company).id),
            ]
        )

    def assignment_of(self, partner, company=None):
        return self.Assignment.search(
            [
                ("partner_id", "=", partner.id),
                ("company_id", "=", (company or self.env.company).id),
                ("dimension_id", "=", self.dimension.id),
            ]
        )

    def history_of(self, partner):
        """Return the history rows of a customer, the oldest first.

        But for those that merges leave only to tell past days by.
        """
        domain = [("partner_id", "=", partner.id), ("event", "!=", "moved")]
        return self.History.search(domain, order="id")

    def tier_of(self, partner, company=None):
        """Return the name of the tier in effect, as the contact shows it."""
        partner = partner.with_company(company or self.env.company)
        return partner[self.dimension.partner_field_name].name

    def assert_figures(self, company=None, documents=None, as_of=None, **kwargs):
        """Compare every stored figure of the company with the oracle's."""
        company = company or self.env.company
        expected = oracle.compute_figures(
            self.documents if documents is None else documents,
            as_of or self.today,
            **kwargs,
        )
        # from the table: a field shows 0 where there is no number
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT partner.name, figures.*
                     FROM customer_figures AS figures
                     JOIN res_partner AS partner ON partner.id = partner_id
                    WHERE figures.company_id = %s""",
                company.id,
            )
        )
        self.assertEqual(
            {
                row["name"]: {name: self._exact(row[name]) for name in FIGURES}
                for row in rows
            },
            {
                customer: {
                    name: self._exact(getattr(figures, name)) for name in FIGURES
                }
                for customer, figures in expected.items()
            },
        )
        return expected

    def assert_tiers(self, company=None, **kwargs):
        """Compare every score and computed tier of the company with the oracle's."""
        company = company or self.env.company
        figures = oracle.compute_figures(self.documents, self.today)
        rows = self.Assignment.search(
            [("company_id", "=", company.id), ("category_id", "!=", False)]
        )
        self.assertEqual(
            {
                row.partner_id.name: (
                    self._exact(row.score),
                    row.recency_score,
                    row.frequency_score,
                    row.monetary_score,
                    row.category_id.name,
                )
                for row in rows
            },
            {
                customer: (self._exact(result[0]), *result[1:])
                for customer, result in oracle.compute_tiers(figures, **kwargs).items()
            },
        )

    @staticmethod
    def _exact(value):
        """Return money as text to the cent, and nothing as None, to compare exactly."""
        if isinstance(value, float | Decimal):
            return f"{value:.2f}"
        return None if value is False else value

    @classmethod
    def make_user(cls, login, groups=USER, **kwargs):
        return new_test_user(
            cls.env,
            login=login,
            groups=f"base.group_user,{groups}" if groups else "base.group_user",
            company_id=cls.env.company.id,
            company_ids=[fields.Command.set(cls.env.company.ids)],
            **kwargs,
        )
