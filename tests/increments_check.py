"""What must hold after each run."""

from datetime import timedelta
from unittest.mock import patch

from odoo.tools import SQL, mute_logger

from .increments_world import LINE
from .stored import take

#: How many days ahead the calendar is looked at where nothing will be due
FAR = 800
LOGGERS = (
    "odoo.addons.customer_classification.models.customer_classification_run_line",
    "odoo.addons.customer_classification.models.customer_run_jobs",
)


class Check:
    """Compares what the engine stored with what it computes anew."""

    def __init__(self, world):
        self.world, self.case, self.env = world, world.case, world.env
        self.Run = self.env["customer.classification.run"]
        self.facts = self.env["customer.facts.mixin"]._get_models()
        #: Generator of days to look at, the same in each example
        self.looked = 0

    # Runs, and the same from the same state in full

    def nightly_run(self, thorough=False):
        """Do the nightly run; it must leave what a run of all does.

        And what it leaves must hold until it is due.
        """
        companies = self.Run._get_companies_at_night()
        expected = self.rehearse(companies)
        self.Run._cron_classify()
        self.assert_had_night()
        self.assert_clean(companies, is_night=True)
        self.assert_same(expected, self.take(), "nightly run")
        self.check_calendar(companies, thorough)

    def minute_run(self):
        """Do the run of every minute; who changed must be as a run of all has them.

        Everybody must be, where the night of the present day was done.
        """
        touched = self.get_touched()
        done = self.get_companies_after_night()
        expected = {row for row in self.rehearse(done) if row.company in done.ids}
        others = self.world.roots - done
        expected |= {
            row
            for row in self.rehearse(others, touched)
            if row.company in others.ids and row.partner in touched
        }
        self.Run._cron_classify_changes()
        self.assert_clean(self.world.roots)
        taken = {
            row
            for row in self.take()
            if row.company in done.ids or row.partner in touched
        }
        self.assert_same(expected, taken, "run of every minute")

    def start_nightly_run(self, steps):
        """Start the nightly run; its time is over after some steps."""
        left = iter([*[60] * steps, *[0] * 1000])

        def commit_progress(_cron, _processed=0, **_kwargs):
            self.env.cr.commit()  # pylint: disable=invalid-commit
            return next(left)

        with patch.object(
            self.case.registry["ir.cron"], "_commit_progress", commit_progress
        ):
            self.Run._cron_classify()

    def finish(self):
        """Finish the nightly run and what came meanwhile; all is as in a run of all."""
        self.Run._cron_classify()
        self.Run._cron_classify_changes()
        self.assert_clean(self.world.roots)
        stored = self.take()
        done = self.get_companies_after_night()
        self.assert_same(self.rehearse(done), stored, "run in pieces")

    def run_quietly(self):
        with mute_logger(*LOGGERS):
            self.Run._cron_classify()

    def rehearse(self, companies, partners=None):
        """Return what a run of all, or of some, customers leaves; take it back."""
        if partners is not None:
            partners = self.env["res.partner"].browse(partners).exists().ids
        if not companies or partners == []:
            return self.take()
        self.env.flush_all()
        with self.env.cr.savepoint() as savepoint:
            self.Run.classify(companies.ids, partners)
            rows = self.take()
            savepoint.close(rollback=True)
        self.env.invalidate_all()
        return rows

    def is_waiting(self):
        return bool(self.env["customer.change"].search_count([], limit=1))

    def get_touched(self):
        """Return the ids of the customers in the queue."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT change.partner_id, partner.commercial_partner_id
                  FROM customer_change AS change
                  LEFT JOIN res_partner AS partner ON partner.id = change.partner_id
                """
            )
        )
        return {id_ for row in rows for id_ in row if id_}

    def get_nights(self):
        """Return the last line of each company that was about everybody."""
        lines = self.env[LINE].search(
            [
                ("company_id", "in", self.case.roots.ids),
                ("extent", "in", ("all", "due")),
                ("run_id.as_of", "=", False),
            ],
            order="id",
        )
        return {line.company_id: line for line in lines}

    def get_companies_after_night(self):
        """Return the companies whose present day had its run."""
        done = [
            company.id
            for company, line in self.get_nights().items()
            if line.state == "done" and line.as_of == company._get_customer_today()
        ]
        return self.world.roots.filtered(lambda company: company.id in done)

    def assert_had_night(self):
        for company in self.world.roots:
            if company._is_customer_night():
                line = self.get_nights()[company]
                self.case.assertEqual(line.as_of, company._get_customer_today())

    # What is stored

    def take(self):
        return take(self.env)

    def assert_same(self, expected, actual, what):
        if expected != actual:
            missing, surplus = expected - actual, actual - expected
            lines = [f"{what} at {self.world.now}:"]
            lines += [f"  in full  {row}" for row in sorted(missing, key=str)]
            lines += [f"  stored   {row}" for row in sorted(surplus, key=str)]
            self.case.fail("\n".join(lines))

    def assert_clean(self, companies, is_night=False):
        """Nothing is left that a run needs for its work only.

        :param companies: those that had a run; changes of others still wait
        """
        [counts] = self.env.execute_query(
            SQL(
                """
                SELECT (SELECT count(*) FROM customer_change
                         WHERE company_id = ANY(%(branches)s)),
                       (SELECT count(*) FROM customer_staging),
                       (SELECT count(*)
                          FROM customer_classification_scope AS scope
                          JOIN customer_classification_run_line AS line
                            ON line.id = scope.line_id
                         WHERE line.company_id = ANY(%(branches)s)
                           -- those whom a failed night left wait for the next one
                           AND (line.state = 'done' OR %(is_night)s)),
                       (SELECT count(*) FROM customer_classification_run
                         WHERE state = 'running')
                """,
                is_night=is_night,
                branches=companies._get_customer_branches().ids if companies else [],
            )
        )
        self.case.assertEqual(counts, (0,) * 4, "queue, staging, scope, running")

    # The calendar

    def check_calendar(self, companies, thorough=False):
        """Each row is the same on each day before its next due one.

        :param thorough: look at the last day of each customer, not of one
        """
        for company in companies:
            today = company._get_customer_today()
            for model in self.facts:
                self.check_days(model, company, today, thorough)

    def check_days(self, model, company, today, thorough):
        stored = {
            row.pop("partner_id"): row
            for row in self.env.execute_query_dict(
                SQL(
                    "SELECT partner_id, %s FROM %s WHERE company_id = %s",
                    SQL(", ").join(map(SQL.identifier, model._fact_columns)),
                    SQL.identifier(model._table),
                    company.id,
                )
            )
        }
        dues = {partner: row["next_due"] for partner, row in stored.items()}
        for partner, due in dues.items():
            self.case.assertFalse(due and due <= today, (model, partner, due))
        self.looked += 1
        last_days = sorted({due - timedelta(days=1) for due in dues.values() if due})
        if not thorough:
            last_days = last_days and [last_days[self.looked % len(last_days)]]
        looked_at = {today, *last_days, today + timedelta(days=self.looked % 40)}
        if thorough:
            looked_at.add(today + timedelta(days=FAR))
        for day in sorted(looked_at):
            self.check_day(model, company, day, stored)

    def check_day(self, model, company, day, stored):
        computed = {
            row.pop("partner_id"): row
            for row in self.env.execute_query_dict(
                SQL("SELECT * FROM (%s) AS computed", model._get_query(company, day))
            )
        }
        for partner in stored.keys() | computed.keys():
            was, will = stored.get(partner), computed.get(partner)
            if was and was["next_due"] and was["next_due"] <= day:
                continue
            # how long it holds then may be known better
            facts = set(model._fact_columns) - {"next_due"}
            self.case.assertEqual(
                was and {name: was[name] for name in facts},
                will and {name: will[name] for name in facts},
                f"{model._name} of {partner} in {company.name} on {day}",
            )
