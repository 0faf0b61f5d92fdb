from odoo import api, models
from odoo.tools import SQL

from .customer_scope import Scope

#: Ids of contacts in a step of a run of all customers: a second or two of work, far
#: from the time limits of a worker, and little to repeat after a conflict
RANGE_SIZE = 100_000
#: Customers in a step of a run of some customers
CHUNK_SIZE = 10_000
#: Beyond every id
LAST_ID = 2**31 - 1


class CustomerClassificationRunLine(models.Model):
    """What a run does in a company: its jobs, and how far it got.

    A plan is a list of jobs, plain data: ``do`` names the method, ``everyone`` tells
    whether it goes through all customers or through those noted for the line. A job
    that goes through customers takes several steps, in the order of their ids.

    * ``due`` and ``touched`` lines compute figures and scores of few customers only:
      whom nothing happened to, and for whom nothing is due, has the same as before.
    * Rules, mirrored fields and custom metrics read anything, so nobody can say when
      they change: every night goes through all customers.
    """

    _inherit = "customer.classification.run.line"

    @api.depends("plan", "position", "state")
    @api.depends_context("lang")
    def _compute_progress(self):
        [[last_id]] = self.env.execute_query(
            SQL("SELECT COALESCE(max(id), 1) FROM res_partner")
        )
        for line in self:
            line.current_job = False
            if line.state != "pending" or not line.plan:
                line.progress = 100.0 if line.state == "done" else 0.0
                continue
            number, after = line.position
            share = min(after / last_id, 1.0)
            line.progress = 100.0 * (number + share) / len(line.plan)
            line.current_job = line._get_job_name(line.plan[number])

    def _get_job_name(self, job):
        """Return what a job does, for people."""
        match job["do"]:
            case "facts":
                return self.env["ir.model"]._get(job["model"]).name
            case "metric":
                metric = self.env["customer.metric"].browse(job["metric"]).exists()
                return self.env._("Metric: %s", metric.name)
            case "versions":
                return self.env._("Versions of the rules")
            case "count":
                return self.env._("What a new version would change")
            case "judge":
                dimensions = self.env["customer.dimension"].browse(job["dimensions"])
                return self.env._(
                    "Categories: %s", ", ".join(dimensions.exists().mapped("name"))
                )
        return False

    # Making the plan

    def _make_plan(self):
        """Return the jobs of the line, in their order."""
        if self._is_past():
            return [{"do": "past"}]
        wanted = self.env["customer.facts.mixin"]._get_wanted()
        self._note_customers(wanted)
        is_anybody_noted = not self._get_next_noted(0)[0].is_empty()
        jobs = [
            *self._plan_facts(wanted),
            *self._plan_metrics(),
            *self._plan_judging(),
        ]
        return [
            {"do": "expire"},
            *(job for job in jobs if job.get("everyone", True) or is_anybody_noted),
            {"do": "withdraw"},
        ]

    def _is_sweeping(self):
        """Return whether what nobody can tell the changes of is done for everybody."""
        return self.extent in ("all", "due")

    def _plan_facts(self, wanted):
        if not self.company_id:
            return []
        jobs = []
        for model in self.env["customer.facts.mixin"]._get_models():
            if model not in wanted:
                jobs.append({"do": "removal", "model": model._name})
                continue
            everyone = self.extent == "all" or (
                # wanted since yesterday only
                self.extent == "due" and not model._is_filled(self.company_id)
            )
            jobs.append({"do": "facts", "model": model._name, "everyone": everyone})
        return jobs

    def _plan_metrics(self):
        """Return a job for each custom metric.

        Those of no company in particular come once in a run, with its first line. The
        records they count are not watched, so that a run every minute leaves them.
        """
        if self.extent == "touched":
            return []
        Metric, Company = self.env["customer.metric"], self.env["res.company"]
        owners = [self.company_id] if self.company_id else []
        if self == self.run_id.line_ids[:1]:
            Metric._activate_ready_made()
            owners.append(Company)
        return [
            {"do": "metric", "metric": metric.id, "company": company.id}
            for company in owners
            for metric in Metric._get_updated(company)
        ]

    def _plan_judging(self):
        """Return the jobs of the dimensions, stage by stage.

        A run of some customers keeps the versions in force: a new one would leave all
        others with the old.
        """
        jobs = []
        for dimensions in self._get_dimensions()._get_stages():
            swept = dimensions.browse()
            if self._is_sweeping():
                jobs.append({"do": "versions", "dimensions": dimensions.ids})
                swept = dimensions
                if self.extent == "due":
                    swept = dimensions.filtered(lambda d: not d._follows_figures())
            for some, everyone in ((swept, True), (dimensions - swept, False)):
                if some:
                    jobs.append(
                        {"do": "judge", "dimensions": some.ids, "everyone": everyone}
                    )
        return jobs

    def _get_dimensions(self):
        """Return the dimensions that the line computes."""
        return self.env["customer.dimension"]._get_computed(shared=not self.company_id)

    def _note_customers(self, wanted):
        """Note whom the line looks at, besides those whom the queue named.

        :param list wanted: the models of facts that are kept
        """
        if self.extent == "chosen":
            self._note(SQL("SELECT unnest(%s)", self.run_id.partner_ids.ids))
        elif self.extent == "due":
            self._take_over()
            self._note(
                SQL(" UNION ALL ").join(
                    SQL("(%s)", query) for query in self._get_due_queries(wanted)
                )
            )
        if self.company_id and self._is_sweeping():
            for model in wanted:
                model._remember(self.company_id)

    def _note(self, customers):
        """Note the customers that a query selects the ids of."""
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_classification_scope (line_id, partner_id)
                SELECT DISTINCT %s, noted.id FROM (%s) AS noted (id)
                ON CONFLICT (line_id, partner_id) DO NOTHING
                """,
                self.id,
                customers,
            )
        )

    def _take_over(self):
        """Take over the customers whom lines that failed or were stopped left."""
        self.env.execute_query(
            SQL(
                """
                WITH left_behind AS (
                    DELETE FROM customer_classification_scope AS scope
                     USING customer_classification_run_line AS line
                      JOIN customer_classification_run AS run ON run.id = line.run_id
                     WHERE scope.line_id = line.id
                       AND line.id < %(line)s
                       AND line.company_id IS NOT DISTINCT FROM %(company)s
                       AND (line.state IN ('failed', 'stopped')
                            OR run.state = 'interrupted')
                    RETURNING scope.partner_id
                )
                INSERT INTO customer_classification_scope (line_id, partner_id)
                SELECT DISTINCT %(line)s, partner_id FROM left_behind
                ON CONFLICT (line_id, partner_id) DO NOTHING
                """,
                line=self.id,
                company=self.company_id.id or None,
            )
        )

    def _get_due_queries(self, wanted):
        """Return queries that select the ids of those for whom the day has come.

        :param list wanted: the models of facts that are kept
        """
        queries = [
            SQL(
                """
                SELECT partner_id
                  FROM customer_assignment
                 WHERE grace_until <= %s
                   AND company_id IS NOT DISTINCT FROM %s
                """,
                self.as_of,
                self.company_id.id or None,
            )
        ]
        if not self.company_id:
            return queries
        for model in wanted:
            queries += model._get_due_queries(self.company_id, self.as_of)
        return [
            *queries,
            *self._get_passed_queries(),
            *self.company_id._get_customer_difference_queries(),
        ]

    def _get_passed_queries(self):
        """Return queries for the ids of who passed a limit in days since last night."""
        last = self.search(
            [
                ("company_id", "=", self.company_id.id),
                ("extent", "in", ("all", "due")),
                ("state", "=", "done"),
                ("run_id.as_of", "=", False),
            ],
            order="id desc",
            limit=1,
        )
        Ruleset = self.env["customer.ruleset"]
        return [
            query
            for dimension in self._get_dimensions()
            if dimension._follows_figures()
            for query in Ruleset._get_in_force(
                dimension, self.company_id
            ).criterion_ids._get_passed_queries(last.as_of, self.as_of)
        ]

    # Following the plan

    def _do_next(self):
        """Do the next step of the plan; return whether there is more to do."""
        self.ensure_one()
        if not self.plan:
            self.what_counts = self._describe_what_counts(self.company_id)
            self.plan = self._make_plan()
            self.position = [0, 0]
            return True
        number, after = self.position
        job = self.plan[number]
        last = getattr(self, f"_do_{job['do']}")(job, after)
        self.position = [number, last] if last else [number + 1, 0]
        if self.position[0] < len(self.plan):
            return True
        self._finish()
        return False

    def _finish(self):
        """Note the end, and forget whom the line looked at."""
        self.state = "failed" if self.error else "done"
        if self.state == "done":
            if self.extent == "all":
                self._take_over()
            self.env.execute_query(
                SQL(
                    "DELETE FROM customer_classification_scope WHERE line_id = %s",
                    self.id,
                )
            )

    @api.model
    def _get_next_range(self, after):
        """Return the scope of the next contacts, and the last id where more follow.

        So many ids, and not so many contacts, which would have to be counted: there
        are fewer where some were deleted.
        """
        [[first, last]] = self.env.execute_query(
            SQL(
                """
                SELECT (SELECT min(id) FROM res_partner WHERE id > %s),
                       (SELECT max(id) FROM res_partner)
                """,
                after,
            )
        )
        end = (first or LAST_ID) + RANGE_SIZE - 1
        if end >= (last or 0):
            # also beyond the last contact: rows of deleted ones
            return Scope.between(after + 1, LAST_ID), None
        return Scope.between(after + 1, end), end

    def _get_next_noted(self, after):
        """Return the scope of the next noted customers, and the last id if any."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id
                  FROM customer_classification_scope
                 WHERE line_id = %s AND partner_id > %s
                 ORDER BY partner_id
                 LIMIT %s
                """,
                self.id,
                after,
                CHUNK_SIZE,
            )
        )
        ids = [id_ for [id_] in rows]
        return Scope.of(ids), ids[-1] if len(ids) == CHUNK_SIZE else None

    def _get_next_scope(self, job, after):
        """Return whom the next step of a job is about, and the last id if more follow.

        A job of everybody in a database that fits in one step has no condition at all.
        """
        if not job["everyone"]:
            return self._get_next_noted(after)
        return self._get_next_range(after)
