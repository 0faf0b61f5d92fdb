import csv
import gzip
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from odoo.tests import tagged
from odoo.tools import SQL, file_path

from odoo.addons.customer_classification.demo import loader, online_retail

from . import oracle
from .common import ClassificationCommon

#: Their purchases were cancelled, all but a trifle: see the README of the data
CANCELLED = ("12346", "16446")


@tagged("post_install", "-at_install")
class TestOnlineRetail(ClassificationCommon):
    """Real invoices of a real company, all of the sample.

    The expectation is made of the file itself: read here once more with Python's own
    csv module, so that a mistake of the loader shows as well.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.last_day = date(2011, 12, 9)
        with gzip.open(
            file_path("customer_classification/demo/online_retail_sample.csv.gz"), "rt"
        ) as file:
            cls.rows = list(csv.DictReader(file))
        partners = loader.post_documents(
            cls.env,
            cls.env.company,
            online_retail.read_documents(),
            merge_lines=True,
        ).commercial_partner_id
        cls.customers = {partner.ref: partner for partner in partners}
        cls.Run.classify(companies=cls.env.company)

    def read_documents(self):
        """Return the documents of the file, with the ledger's rounding of each line."""
        amounts = defaultdict(Decimal)
        for row in self.rows:
            amount = Decimal(row["quantity"]) * Decimal(row["unit_price"])
            key = (row["invoice"], row["customer"], row["date"])
            amounts[key] += amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
        return [
            oracle.Document(
                customer, date.fromisoformat(day), amount, number.startswith("C")
            )
            for (number, customer, day), amount in amounts.items()
        ]

    def test_net_revenue_of_every_customer(self):
        net = defaultdict(Decimal)
        for row in self.rows:
            net[row["customer"]] += Decimal(row["quantity"]) * Decimal(
                row["unit_price"]
            )
        figures = self.Figures.search([("company_id", "=", self.env.company.id)])
        self.assertEqual(len(figures), 588)
        self.assertEqual(
            {row.partner_id.ref: f"{row.revenue_total:.2f}" for row in figures},
            {
                customer: str(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))
                for customer, amount in net.items()
            },
        )

    def test_every_figure_as_of_the_last_day(self):
        expected = oracle.compute_figures(self.read_documents(), self.last_day)
        query = self.Figures._get_computed(self.env.company, self.last_day)
        computed = {
            row["ref"]: row
            for row in self.env.execute_query_dict(
                SQL(
                    """SELECT partner.ref, figures.*
                         FROM %s AS figures
                         JOIN res_partner AS partner ON partner.id = partner_id""",
                    query,
                )
            )
        }
        self.assertEqual(computed.keys(), expected.keys())
        for customer, figures in expected.items():
            for name, value in vars(figures).items():
                self.assertEqual(
                    self._exact(computed[customer][name]),
                    self._exact(value),
                    (customer, name),
                )

    def test_every_line_posted_gives_the_same(self):
        """Line by line, as people invoice: for the odd customers and a few more.

        16198 has a line of 0.001, which the ledger books as nothing.
        """
        others = sorted({row["customer"] for row in self.rows})[:4]
        picked = {*CANCELLED, "16198", *others}
        other = self.setup_other_company(name="Every line")["company"]
        documents = [
            document
            for document in online_retail.read_documents()
            if document.customer in picked
        ]
        moves = loader.post_documents(
            self.env, other, documents, partners=self.customers
        )
        self.classify(companies=other)
        figures = self.Figures.search([("company_id", "=", other.id)])
        expected = oracle.compute_figures(
            [d for d in self.read_documents() if d.customer in picked], self.today
        )
        self.assertGreaterEqual(len(expected), 6)
        self.assertEqual(
            {row.partner_id.ref: f"{row.revenue_total:.2f}" for row in figures},
            {c: f"{figure.revenue_total:.2f}" for c, figure in expected.items()},
        )
        self.assertEqual(
            len(moves.invoice_line_ids),
            sum(1 for row in self.rows if row["customer"] in picked),
        )

    def test_tiers_as_of_the_last_day(self):
        run = self.classify(as_of=self.last_day)
        figures = oracle.compute_figures(self.read_documents(), self.last_day)
        expected = oracle.compute_tiers(figures)
        self.assertEqual(
            {
                row.partner_id.ref: (
                    f"{row.score:.2f}",
                    row.recency_score,
                    row.frequency_score,
                    row.monetary_score,
                    row.category_id.name,
                )
                for row in run.staging_ids
            },
            {
                customer: (f"{result[0]:.2f}", *result[1:])
                for customer, result in expected.items()
            },
        )
        # all four tiers occur, or the comparison says little
        self.assertEqual(len(set(run.staging_ids.category_id.ids)), 4)

    def test_cancelled_purchases_give_no_tier(self):
        run = self.classify(as_of=self.last_day)
        classified = set(run.staging_ids.mapped("partner_id.ref"))
        for customer in CANCELLED:
            self.assertNotIn(customer, classified)
            figures = self.figures_of(self.customers[customer])
            self.assertLess(figures.revenue_total, 3)
            self.assertGreater(figures.invoice_count, 0)
