from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from ..models import customer_change
from .committed import ConcurrencyCase


@tagged("post_install", "-at_install")
class TestChangeConcurrency(ConcurrencyCase):
    """Who posts, who drains and who tidies up never wait for one another."""

    def setUp(self):
        super().setUp()
        with self.connect() as env:
            roots = env["res.company"].search([("parent_id", "=", False)])
            run = env["customer.classification.run"]._create_run("cron", roots)
            self.line_ids = run.line_ids.ids
            self.clear(env)
        self.addCleanup(self.clear_in_the_end)

    def clear(self, env):
        env.flush_all()
        env.cr.execute("DELETE FROM customer_change")
        env.cr.commit()

    def clear_in_the_end(self):
        with self.connect() as env:
            self.clear(env)

    def make_drafts(self, count):
        """Return the ids of new invoices of one customer, the companies in turn."""
        with self.connect() as env:
            drafts = []
            for number in range(count):
                company = self.companies(env)[number % 2]
                own = env(context={"allowed_company_ids": company.ids})
                posted = own["account.move"].search(
                    [
                        ("partner_id", "=", self.partner_ids[0]),
                        ("company_id", "=", company.id),
                    ],
                    limit=1,
                )
                drafts.append(posted.copy({"invoice_date": self.today}).id)
            self.clear(env)
        return drafts

    def drain(self, env):
        """Drain the queue, without the end of the transaction."""
        lines = env["customer.classification.run.line"].browse(self.line_ids)
        self.assertFalse(env["customer.change"]._drain_to(lines))

    def get_scope(self, env):
        """Return pairs of number of the test's company, and id of its customer."""
        rows = env.execute_query(
            SQL(
                """SELECT line.company_id, scope.partner_id
                     FROM customer_classification_scope AS scope
                     JOIN customer_classification_run_line AS line
                       ON line.id = scope.line_id
                    WHERE line.company_id = ANY(%s)""",
                list(self.company_ids),
            )
        )
        return {(self.company_ids.index(company), partner) for company, partner in rows}

    def post(self, env, move_id):
        env["account.move"].browse(move_id).action_post()
        env.flush_all()

    def forget(self, env):
        env.cr.execute("DELETE FROM customer_classification_scope")
        env.cr.commit()

    def test_two_post_while_a_third_drains(self):
        customer = self.partner_ids[0]
        drafts = self.make_drafts(3)
        with self.connect() as one, self.connect() as two, self.connect() as run:
            self.post(one, drafts[0])
            self.drain(run)
            self.post(two, drafts[1])
            one.cr.commit()
            self.assertFalse(self.get_scope(run), "not there when it began")
            run.cr.commit()

            self.drain(run)
            self.assertEqual(self.get_scope(run), {(0, customer)})
            # the run has deleted and not committed yet, and two more are noted
            two.cr.commit()
            self.post(one, drafts[2])
            one.cr.commit()
            self.forget(run)

            self.drain(run)
            self.assertEqual(self.get_scope(run), {(0, customer), (1, customer)})
            self.forget(run)
            self.drain(run)
            self.assertFalse(self.get_scope(run), "nothing twice")
            run.cr.commit()

    def test_drain_that_is_taken_back(self):
        [draft] = self.make_drafts(1)
        with self.connect() as one, self.connect() as run:
            self.post(one, draft)
            one.cr.commit()
            self.drain(run)
            self.assertTrue(self.get_scope(run))
            run.cr.rollback()
            self.drain(run)
            self.assertEqual(self.get_scope(run), {(0, self.partner_ids[0])})
            run.cr.commit()

    def test_who_began_first_and_commits_last(self):
        """Neither the ids of the rows nor the time of the transactions matters."""
        first, second, _third = self.partner_ids
        with self.connect() as one, self.connect() as two, self.connect() as run:
            company = self.companies(one)[0]
            one["customer.change"]._mark([first], company)
            two["customer.change"]._mark([second], self.companies(two)[0])
            two.cr.commit()
            self.drain(run)
            run.cr.commit()
            self.assertEqual(self.get_scope(run), {(0, second)})
            self.forget(run)
            one.cr.commit()
            self.drain(run)
            self.assertEqual(self.get_scope(run), {(0, first)})
            run.cr.commit()

    def test_tidying_up(self):
        """What others note or take meanwhile is neither lost nor a conflict."""
        first, second, third = self.partner_ids
        tight = patch.object(customer_change, "WAITING_LIMIT", 1)
        with (
            self.connect() as one,
            self.connect() as tidy,
            self.connect() as run,
            tight,
        ):
            one["customer.change"]._mark([first, second])
            one.cr.commit()
            tidy["customer.change"]._get_waiting_companies()  # its snapshot
            one["customer.change"]._mark([third])
            one.cr.commit()
            tidy["customer.change"]._gc_waiting()
            tidy.cr.commit()
            self.assertEqual(self.get_waiting(run), [None, third])
            run.cr.commit()

            self.clear(one)
            one["customer.change"]._mark([first, second])
            one.cr.commit()
            tidy["customer.change"]._get_waiting_companies()
            self.drain(run)
            run.cr.commit()
            tidy["customer.change"]._gc_waiting()
            tidy.cr.execute("SELECT 1")  # its transaction goes on
            tidy.cr.commit()
            self.assertEqual(self.get_waiting(run), [])

    def get_waiting(self, env):
        rows = env.execute_query(SQL("SELECT partner_id FROM customer_change"))
        return sorted((id_ for [id_] in rows), key=lambda id_: id_ or 0)
