"""A bulk change whose process is killed, as by `kill -9` or a lack of memory."""

import time
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL, split_every

from ..models.customer_bulk_schedule import STEP_ROWS
from . import test_killed
from .committed import ConcurrencyCase

BULK = "customer.bulk"
CUSTOMERS = 50_000


@tagged("post_install", "-at_install")
class TestBulkKilled(ConcurrencyCase):
    """Whoever comes next goes on where the killed process stopped."""

    forked = test_killed.TestKilled.forked

    def setUp(self):
        super().setUp()
        with self.connect() as env:
            self.many_ids = self.make_many(env)
            company = env["res.company"].browse(self.company_ids[0])
            dimension = env["customer.dimension"].browse(self.dimension_id)
            self.gold = dimension.category_ids[1]
            bulk = (
                env[BULK]
                .with_company(company)
                .create(
                    {
                        "reason": "Many",
                        "line_ids": [
                            (
                                0,
                                0,
                                {
                                    "dimension_id": dimension.id,
                                    "operation": "set",
                                    "category_id": self.gold.id,
                                },
                            )
                        ],
                    }
                )
            )
            bulk._add_targets([("id", "in", self.many_ids)])
            bulk.action_preview()
            bulk.action_apply()
            self.assertEqual(bulk.state, "running")
            self.bulk_id = bulk.id
            env.cr.commit()

    def make_many(self, env):
        """Return the ids of so many customers, copies of one row."""
        first = env["res.partner"].create({"name": "Killed", "is_company": True})
        env.flush_all()
        names = [
            field.name
            for field in first._fields.values()
            if field.store and field.column_type
        ]
        columns = SQL(", ").join(
            SQL.identifier(n) for n in names if n not in ("id", "commercial_partner_id")
        )
        copies = env.execute_query(
            SQL(
                """
                INSERT INTO res_partner (id, commercial_partner_id, %(columns)s)
                SELECT number.id, number.id, %(columns)s
                  FROM res_partner AS first
                 CROSS JOIN (
                       SELECT nextval('res_partner_id_seq') AS id
                         FROM generate_series(1, %(copies)s)
                       ) AS number
                 WHERE first.id = %(first)s
             RETURNING id
                """,
                columns=columns,
                copies=CUSTOMERS - 1,
                first=first.id,
            )
        )
        return [first.id, *(id_ for [id_] in copies)]

    def tearDown(self):
        with self.connect() as env:
            for table in ("customer_assignment_history", "customer_override"):
                env.cr.execute(
                    SQL(
                        "DELETE FROM %s WHERE partner_id = ANY(%s)",
                        SQL.identifier(table),
                        self.many_ids,
                    )
                )
            env.cr.execute("UPDATE customer_bulk SET undone_by_id = NULL")
            env.cr.execute(
                "DELETE FROM customer_bulk WHERE undo_of_id = %s", [self.bulk_id]
            )
            env.cr.execute("DELETE FROM customer_bulk WHERE id = %s", [self.bulk_id])
            env.cr.execute(
                "DELETE FROM ir_cron_trigger WHERE cron_id = %s",
                [env.ref("customer_classification.ir_cron_bulk").id],
            )
            env.cr.commit()
            for ids in split_every(5000, self.many_ids, list):
                env.cr.execute("DELETE FROM res_partner WHERE id = ANY(%s)", [ids])
                env.cr.commit()
        super().tearDown()

    def kill_after(self, steps):
        """Kill the scheduled action in the step after so many."""

        def work(say):
            original = self.registry[BULK]._apply_next
            calls = []

            def wrapper(records, limit):
                result = original(records, limit)
                calls.append(limit)
                if len(calls) == steps + 1:
                    say()
                    time.sleep(test_killed.PATIENCE)
                return result

            with (
                patch.object(self.registry[BULK], "_apply_next", wrapper),
                self.connect() as env,
            ):
                env[BULK]._cron_apply()

        with self.forked(work):
            pass

    def count(self, env):
        """Return how many rows are done, decisions there are, and entries recorded."""
        env.cr.rollback()
        [counts] = env.execute_query(
            SQL(
                """
                SELECT (SELECT count(*) FROM customer_bulk_row
                         WHERE bulk_id = %(bulk)s AND outcome = 'done'),
                       (SELECT count(*) FROM customer_override
                         WHERE partner_id = ANY(%(partners)s)),
                       (SELECT count(*) FROM customer_assignment_history
                         WHERE partner_id = ANY(%(partners)s))
                """,
                bulk=self.bulk_id,
                partners=self.many_ids,
            )
        )
        return counts

    def go_on(self, env):
        """Do the scheduled action; wait for the locks of whoever was killed."""
        for _attempt in range(20):
            env.cr.rollback()
            env.invalidate_all()
            env[BULK]._cron_apply()
            env.cr.commit()
            if not env[BULK].search([("state", "=", "running")]):
                return
            time.sleep(0.1)

    def test_killed_in_the_middle(self):
        self.kill_after(12)
        with self.connect() as env:
            done = 12 * STEP_ROWS
            self.assertEqual(self.count(env), (done, done, done))
            self.go_on(env)
            bulk = env[BULK].browse(self.bulk_id)
            self.assertEqual(bulk.state, "done")
            self.assertEqual(self.count(env), (CUSTOMERS, CUSTOMERS, CUSTOMERS))
            # and its undo, killed as well
            undo = env[BULK].browse(bulk.action_undo()["res_id"])
            undo.action_apply()
            env.cr.commit()
        self.kill_after(3)
        with self.connect() as env:
            left = CUSTOMERS - 3 * STEP_ROWS
            self.assertEqual(self.count(env)[1:], (left, CUSTOMERS + 3 * STEP_ROWS))
            self.go_on(env)
            self.assertEqual(self.count(env)[1:], (0, 2 * CUSTOMERS))
            self.assertEqual(env[BULK].browse(self.bulk_id).state, "undone")
