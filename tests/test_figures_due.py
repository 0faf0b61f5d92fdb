import random
from datetime import date, timedelta
from decimal import Decimal
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from odoo.addons.customer_classification.models.customer_figures_query import (
    CustomerFigures,
)

from . import oracle
from .common import FIGURES, ClassificationCommon

#: The day the stepping begins; the end of a year and of a February follow
START = date(2027, 11, 20)
#: What makes a term of the due day come too late: as it is written, and wrongly
LATE = {
    "a coming document": ("coming_day,\n", "coming_day + 1,\n"),
    "the period": ("window_day + ", "window_day + 1 + "),
    "the period before": ("previous_day + 2 * ", "previous_day + 1 + 2 * "),
    "a month more": ("THEN %s\n", "THEN 1 + %s\n"),
    "an active month fewer": (
        "interval '1 year')::date",
        "interval '1 year')::date + 1",
    ),
    "the history": ("THEN %s::date\n", "THEN %s::date + 1\n"),
}


@tagged("post_install", "-at_install")
class TestFiguresDue(ClassificationCommon):
    """The day that a row names is never later than the row's next change.

    Documents of all kinds are drawn at random, and every figure is compared with plain
    Python's on each day, as if the rows were computed on the days they name only.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        company = cls.env.company
        cls.branch = cls.env["res.company"].create(
            {"name": "Branch", "parent_id": company.id}
        )
        cls.pattern = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": cls.make_customer("Pattern").id,
                "invoice_date": date(2001, 1, 1),
                "invoice_line_ids": [
                    (0, 0, {"name": "Goods", "price_unit": 1, "tax_ids": []})
                ],
            }
        )
        cls.pattern.action_post()

    def draw(self, seed, customers, first, last):
        """Post documents at random between two days; return them for the oracle."""
        draw = random.Random(seed)
        documents, rows = [], []
        for number in range(customers):
            customer = self.make_customer(f"Customer {seed}-{number}")
            begin = first + timedelta(days=draw.randrange((last - first).days))
            for _each in range(draw.choice([1, 2, 3, 8])):
                day = begin + timedelta(days=draw.randrange((last - begin).days + 1))
                kind = draw.choice(["out_invoice"] * 4 + ["out_refund", "out_receipt"])
                amount = Decimal(draw.randrange(1, 5_000)) / 100
                signed = -amount if kind == "out_refund" else amount
                company = draw.choice([self.env.company, self.branch])
                rows.append((customer.id, company.id, kind, day, signed))
                documents.append(
                    (oracle.Document(customer.name, day, signed, signed < 0), kind)
                )
        self.post_rows(rows)
        return documents

    def post_rows(self, rows):
        """Clone the pattern's invoice: hundreds would take minutes to post."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO account_move
                SELECT clone.*
                  FROM unnest(%s::integer[], %s::integer[], %s::text[], %s::date[],
                              %s::numeric[])
                       WITH ORDINALITY
                       AS chosen (customer, company, kind, day, amount, number),
                       account_move AS pattern,
                       jsonb_populate_record(pattern, jsonb_build_object(
                           'id', nextval('account_move_id_seq'),
                           'name', 'DRAWN/' || customer || '/' || number,
                           'partner_id', customer,
                           'commercial_partner_id', customer,
                           'company_id', company,
                           'move_type', kind,
                           'invoice_date', day,
                           'amount_untaxed_signed', amount
                       )) AS clone
                 WHERE pattern.id = %s
                """,
                *map(list, zip(*rows, strict=True)),
                self.pattern.id,
            )
        )
        self.env.invalidate_all()

    def compute(self, day):
        """Return the rows of a day by customer."""
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT partner.name, figures.*
                     FROM (%s) AS figures
                     JOIN res_partner AS partner ON partner.id = partner_id
                    WHERE partner.name LIKE 'Customer %%'""",
                self.Figures._get_query(self.env.company, day),
            )
        )
        return {row["name"]: row for row in rows}

    def find_late(self, days, expected=None):
        """Step through days; return the first customer and day that were missed.

        A row is taken over on the day it names only.

        :param expected: called with a day, returns the figures of that day
        """
        stored = {}
        for number in range(days):
            day = START + timedelta(days=number)
            for customer, row in self.compute(day).items():
                due = row["next_due"]
                self.assertTrue(due is None or due > day, (customer, day, due))
                former = stored.get(customer)
                if not former or (former["next_due"] and former["next_due"] <= day):
                    stored[customer] = row
                elif any(former[name] != row[name] for name in FIGURES):
                    return customer, day
            if expected:
                self.assert_equal(stored, expected(day), day)
        return None

    def assert_equal(self, rows, expected, day):
        self.assertEqual(rows.keys(), expected.keys(), day)
        for customer, figures in expected.items():
            for name in FIGURES:
                self.assertEqual(
                    self._exact(rows[customer][name]),
                    self._exact(getattr(figures, name)),
                    (customer, name, day),
                )

    def check(self, seed, window, with_receipts, history_start=None):
        company = self.env.company
        company.customer_window_days = window
        company.customer_include_receipts = with_receipts
        company.customer_history_start = history_start
        first, last = START - timedelta(days=800), START + timedelta(days=90)
        documents = [
            document
            for document, kind in self.draw(seed, 25, first, last)
            if with_receipts or kind != "out_receipt"
        ]
        late = self.find_late(
            130,
            lambda day: oracle.compute_figures(
                documents, day, window, history_start or date.min
            ),
        )
        self.assertIsNone(late)

    def test_short_period(self):
        self.check(1, 30, True)

    def test_year(self):
        self.check(2, 365, False)

    def test_history_in_the_period_before(self):
        self.check(3, 45, True, START - timedelta(days=60))

    def test_one_day(self):
        self.check(4, 1, False, START - timedelta(days=20))

    def test_months_of_years(self):
        """Nothing but months changes: stepping through two years."""
        documents = [
            document
            for document, kind in self.draw(
                5, 12, START - timedelta(days=700), START + timedelta(days=30)
            )
            if kind != "out_receipt"
        ]
        self.env.company.customer_window_days = 4000
        late = self.find_late(
            800, lambda day: oracle.compute_figures(documents, day, 4000)
        )
        self.assertIsNone(late)
        # customers lost for long never fall due again
        rows = self.compute(START + timedelta(days=1500))
        self.assertTrue(rows)
        due = {row["next_due"] for row in rows.values()}
        self.assertGreater(min(due), START + timedelta(days=3000))

    def test_each_late_term_is_found(self):
        """The stepping above finds each term of the day that comes a day too late."""
        company = self.env.company
        company.customer_window_days = 20
        company.customer_history_start = START - timedelta(days=30)
        # money long before that, and a credit note: months do not change along
        self.draw(6, 40, START - timedelta(days=30), START + timedelta(days=60))
        self.assertIsNone(self.find_late(110))
        get_query = CustomerFigures._get_query
        for term, (right, wrong) in LATE.items():

            def get_late(*args, right=right, wrong=wrong):
                query = get_query(*args)
                self.assertIn(right, query.code)
                return SQL(query.code.replace(right, wrong), *query.params)

            with (
                self.subTest(term),
                patch.object(CustomerFigures, "_get_query", get_late),
            ):
                self.assertTrue(self.find_late(500), term)
