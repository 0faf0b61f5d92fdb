from unittest.mock import patch

from odoo.api import Environment
from odoo.tests import tagged
from odoo.tools import SQL

from ..models.customer_scope import EVERYONE
from .common import ClassificationCommon


@tagged("post_install", "-at_install")
class TestHoldQuery(ClassificationCommon):
    """How the customers of a step are held, however many they are."""

    def explain_note(self):
        """Return the plan by which the staged rows of a step are held."""
        run = self.Run.sudo().create(
            {"trigger": "cron", "date_start": "2026-01-01 00:00:00"}
        )
        company = {"company_id": self.env.company.id}
        line = run.line_ids.create({"run_id": run.id, "as_of": self.today, **company})
        hold = self.env["customer.hold"].sudo()
        hold = hold.create(
            {"dimension_id": self.dimension.id, "day": self.today, "kind": "data"}
            | company
        )
        plans = []
        execute = Environment.execute_query

        def explain(env, query):
            if "customer_hold_customer" in query.code:
                lines = execute(env, SQL("EXPLAIN %s", query))
                plans.append("\n".join(line for [line] in lines))
            return execute(env, query)

        noted = self.env["customer.hold.customer"].sudo()
        with patch.object(Environment, "execute_query", explain):
            noted._note(line, self.dimension, EVERYONE, hold)
        [plan] = plans
        return plan

    def test_who_is_held_is_looked_up(self):
        """Staging looks empty to the database: joined, each row would meet each."""
        plan = self.explain_note()
        deletion = plan.partition("Delete on customer_staging")[2]
        deletion = deletion.partition("\n  ->  ")[0]
        self.assertIn("(hashed SubPlan", deletion)
        self.assertNotIn("Nested Loop", deletion)
