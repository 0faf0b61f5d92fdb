import unittest
from datetime import timedelta
from decimal import Decimal

from freezegun import freeze_time

from odoo.tests import tagged

from .test_outlook import OutlookCommon

try:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st
except ImportError:  # a requirement of the development only
    st = None


@unittest.skipUnless(st, "needs hypothesis")
@tagged("post_install", "-at_install")
class TestOutlookProperty(OutlookCommon):
    """Of any documents: receipts add up, and imagined invoices count as real ones."""

    def test_properties(self):
        document = st.tuples(
            st.integers(-20, 500), st.integers(1, 300000), st.booleans()
        )
        drawn = given(
            st.lists(document, min_size=1, max_size=6),
            st.integers(0, 200),
            st.integers(1, 300000),
        )
        few = settings(
            max_examples=5,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        few(drawn(self.try_documents))()

    def try_documents(self, documents, days_ahead, cents):
        with self.env.cr.savepoint() as savepoint:
            for days_ago, amount, is_refund in documents:
                self.post(self.alpha, (-1 if is_refund else 1) * amount / 100, days_ago)
            beta = self.make_customer("Beta")
            self.post(beta, 10, 1)  # or there may be no version
            self.classify()
            day = self.today + timedelta(days=days_ahead)
            case = self.get_case()
            self.check_receipts(day)
            amount = Decimal(cents) / 100
            present = case.judge(self.today).present
            imagined = case.judge(day, [(day, amount)], present)
            self.post(self.alpha, float(amount), -days_ahead)
            with freeze_time(day):
                self.classify()
                self.assertEqual(self.get_name(imagined), self.tier_of(self.alpha))
            savepoint.rollback()
        self.env.invalidate_all()

    def check_receipts(self, day):
        company = self.env.company
        figures = self.Figures._get_query(company, day)
        rows = self.env.execute_query_dict(figures)
        own = next(row for row in rows if row["partner_id"] == self.alpha.id)
        for code in ("revenue_total", "revenue_window", "revenue_previous"):
            behind = self.env["customer.receipt"]._get_rows(
                code, company, self.alpha, day, company._get_customer_settings()
            )
            total = sum((row["amount"] for row in behind), Decimal(0))
            self.assertEqual(f"{total:.2f}", f"{own[code]:.2f}", (code, day))
