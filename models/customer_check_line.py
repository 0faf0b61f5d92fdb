from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_run_plan import LAST_ID
from .customer_run_schedule import RESUME_HOURS
from .customer_scope import Scope
from .customer_staging import WORK_MEMORY

#: Differences of a kind that a check lists for a company; more are only counted
MAX_LISTED = 1000


class CustomerCheckLine(models.Model):
    """The part of a check that concerns one company, range by range of its customers.

    ``position`` is the last contact that was looked at, saved with every step. Each
    step reads in one snapshot, so that runs and people may change anything between
    two of them.
    """

    _name = "customer.check.line"
    _description = "Check of a Company"
    _order = "check_id, id"
    _rec_name = "owner_name"

    check_id = fields.Many2one(
        "customer.check", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company",
        readonly=True,
        ondelete="cascade",
        help="Empty: the dimensions that all companies share.",
    )
    owner_name = fields.Char("For", compute="_compute_owner_name")
    currency_id = fields.Many2one(related="company_id.currency_id")
    state = fields.Selection(
        [("pending", "Pending"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        readonly=True,
        default="pending",
    )
    position = fields.Integer(
        readonly=True, help="The last contact that was looked at."
    )
    progress = fields.Float("Progress (%)", compute="_compute_progress")
    error = fields.Text(readonly=True)
    is_everybody_waiting = fields.Boolean(
        readonly=True, help="The next run computes all customers anew."
    )
    skipped_dimensions = fields.Json(
        readonly=True, help="The ids of the dimensions that were not compared."
    )
    note = fields.Text(
        compute="_compute_note",
        help="What was not compared, and what is done about it.",
    )
    compared_count = fields.Integer("Customers Compared", readonly=True)
    difference_count = fields.Integer("Customers Differ", readonly=True)
    recurring_count = fields.Integer(
        "Differ Again", readonly=True, help="They differed, and were repaired, before."
    )
    remaining_count = fields.Integer(
        "Differ Still", readonly=True, help="They differ although they were repaired."
    )
    waiting_count = fields.Integer(
        "Customers Waiting",
        readonly=True,
        help="Changed since the last run, or due by the calendar: the next run looks "
        "at them.",
    )
    has_more_differences = fields.Boolean(
        readonly=True, help="More differ than are listed."
    )
    amount_ids = fields.One2many("customer.check.amount", "line_id", readonly=True)
    difference_ids = fields.One2many(
        "customer.check.difference", "line_id", string="Differences", readonly=True
    )
    ledger_amount = fields.Monetary(
        "Ledger",
        compute="_compute_amounts",
        help="Revenue of all posted customer documents, without taxes.",
    )
    classified_amount = fields.Monetary(
        "Classified",
        compute="_compute_amounts",
        help="Net revenue of all classified customers.",
    )
    explained_amount = fields.Monetary(
        "Not Counted",
        compute="_compute_amounts",
        help="Documents that do not count, by the settings or their date; the page "
        "“Ledger” names the reasons.",
    )
    waiting_amount = fields.Monetary("Waiting", compute="_compute_amounts")
    unexplained_amount = fields.Monetary("Difference", compute="_compute_amounts")
    result = fields.Selection(
        selection=lambda self: (
            self.env["customer.check"]
            ._fields["result"]
            ._description_selection(self.env)
        ),
        compute="_compute_result",
    )

    @api.depends("company_id")
    @api.depends_context("lang")
    def _compute_owner_name(self):
        for line in self:
            line.owner_name = line.company_id.name or self.env._("All companies")

    @api.depends("position", "state")
    def _compute_progress(self):
        [[last_id]] = self.env.execute_query(SQL("SELECT max(id) FROM res_partner"))
        for line in self:
            share = line.state != "pending" or min(line.position / last_id, 1.0)
            line.progress = 100.0 * share

    @api.depends("amount_ids.amount", "amount_ids.reason")
    def _compute_amounts(self):
        for line in self:
            amounts = {row.reason: row.amount for row in line.amount_ids}
            line.ledger_amount = sum(amounts.values())
            line.classified_amount = amounts.pop("classified", 0.0)
            line.waiting_amount = amounts.pop("waiting", 0.0)
            line.unexplained_amount = amounts.pop("unexplained", 0.0)
            line.explained_amount = sum(amounts.values())

    @api.depends(
        "state",
        "difference_count",
        "recurring_count",
        "remaining_count",
        "waiting_count",
        "check_id.phase",
        "check_id.state",
    )
    def _compute_result(self):
        for line in self:
            if line.state != "done" or line.check_id.state != "done":
                line.result = line.state == "failed" and "failed"
            elif line.difference_count and line.check_id.phase != "verify":
                line.result = "differs"
            elif line.remaining_count or line.recurring_count:
                line.result = "remaining"
            elif line.difference_count:
                line.result = "repaired"
            else:
                line.result = "waiting" if line.waiting_count else "agrees"

    @api.depends("is_everybody_waiting", "skipped_dimensions")
    @api.depends_context("lang")
    def _compute_note(self):
        Dimension = self.env["customer.dimension"]
        for line in self:
            skipped = Dimension.browse(line.skipped_dimensions or ()).exists()
            line.note = False
            if line.is_everybody_waiting:
                line.note = self.env._(
                    "Figures and categories were not compared: everybody is computed "
                    "anew by the next run, because of changed settings or a large "
                    "import."
                )
            elif skipped:
                line.note = self.env._(
                    "Not compared, because every night computes them anew for "
                    "everybody: %(dimensions)s.",
                    dimensions=", ".join(skipped.mapped("name")),
                )

    # A step

    def _do_next(self):
        """Look at the next customers, in one snapshot."""
        self.ensure_one()
        scope, last = self._get_next_scope()
        if not self.position:
            self._note_skipped()
        # a step's customers are joined and sorted in memory
        self.env.execute_query(SQL("SET LOCAL work_mem = %s", WORK_MEMORY))
        self._prepare_waiting(scope)
        found = []
        if self.company_id:
            found += self._compare_ledger(scope)
        if self._is_in_sample(scope) and not self._is_everybody_waiting():
            found += self._compare_recomputed(scope)
        self._record(found, scope)
        self.position = last or LAST_ID
        if last is None:
            self.state = "done"

    def _get_next_scope(self):
        """Return the scope of the next contacts, and the last id where more follow.

        A range is either in the sample or outside.
        """
        Line = self.env["customer.classification.run.line"]
        scope, last = Line._get_next_range(self.position)
        check = self.check_id
        for border in (check.first_id - 1, check.last_id):
            if border > self.position and (last is None or border < last):
                return Scope.between(self.position + 1, border), border
        return scope, last

    def _is_in_sample(self, scope):
        check = self.check_id
        return check.first_id <= scope.first and (
            not check.last_id or scope.last <= check.last_id
        )

    # Who waits

    def _is_run_at_work(self):
        """Return whether a run of all customers of the company is not done yet."""
        oldest = fields.Datetime.now() - timedelta(hours=RESUME_HOURS)
        return bool(
            self.env["customer.classification.run.line"].search_count(
                [
                    ("company_id", "=", self.company_id.id),
                    ("state", "=", "pending"),
                    ("extent", "in", ("all", "due")),
                    ("run_id.state", "=", "running"),
                    ("run_id.date_start", ">=", oldest),
                ],
                limit=1,
            )
        )

    def _is_everybody_waiting(self):
        """Return whether the next run computes all customers anew."""
        Line = self.env["customer.classification.run.line"]
        company = self.company_id
        last = Line._find_last_full(company)
        if not last:
            return True
        unfinished = [
            ("company_id", "=", company.id),
            ("extent", "=", "all"),
            ("id", ">", last.id),
            ("run_id.as_of", "=", False),
        ]
        if Line.search_count(unfinished, limit=1):
            return True
        if company and last.what_counts != Line._describe_what_counts(company):
            return True
        [[is_everybody]] = self.env.execute_query(
            SQL(
                "SELECT EXISTS (SELECT FROM (%s) AS change WHERE partner_id IS NULL)",
                self._get_change_query(),
            )
        )
        return is_everybody

    def _note_skipped(self):
        """Note what is not compared."""
        self.is_everybody_waiting = self._is_everybody_waiting()
        skipped = self._get_dimensions() - self._get_comparable_dimensions()
        self.skipped_dimensions = skipped.ids

    def _get_today(self):
        if self.company_id:
            return self.company_id._get_customer_today()
        return self.company_id._get_customer_today_of_all()

    def _get_change_query(self):
        """Return SQL for the rows of the queue that concern the company."""
        if not self.company_id:
            return SQL("SELECT * FROM customer_change")
        return SQL(
            "SELECT * FROM customer_change WHERE company_id IS NULL"
            " OR company_id = ANY(%s)",
            self.company_id._get_customer_branches().ids,
        )

    def _prepare_waiting(self, scope):
        """Note in a temporary table whom the next run looks at."""
        queries = self._get_waiting_queries()
        self.env.execute_query(SQL("DROP TABLE IF EXISTS pg_temp.customer_check_wait"))
        self.env.execute_query(
            SQL(
                """
                CREATE TEMPORARY TABLE customer_check_wait ON COMMIT DROP AS
                SELECT DISTINCT waiting.id AS partner_id
                  FROM (%s) AS waiting (id)
                 WHERE waiting.id IS NOT NULL AND %s
                """,
                SQL(" UNION ALL ").join(SQL("(%s)", query) for query in queries),
                scope.on(SQL.identifier("waiting", "id")),
            )
        )
        self.env.execute_query(SQL("ANALYZE pg_temp.customer_check_wait"))

    def _get_waiting_queries(self):
        """Return queries that select the ids of whom the next run looks at."""
        if self._is_everybody_waiting():
            return [SQL("SELECT id FROM res_partner")]
        company, today = self.company_id, self._get_today()
        Line = self.env["customer.classification.run.line"]
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        return [
            SQL("SELECT partner_id FROM (%s) AS change", self._get_change_query()),
            SQL(
                """
                SELECT partner.commercial_partner_id
                  FROM (%s) AS change
                  JOIN res_partner AS partner ON partner.id = change.partner_id
                """,
                self._get_change_query(),
            ),
            SQL(
                """
                SELECT scope.partner_id
                  FROM customer_classification_scope AS scope
                  JOIN customer_classification_run_line AS line
                    ON line.id = scope.line_id
                 WHERE line.company_id IS NOT DISTINCT FROM %s
                """,
                company.id or None,
            ),
            self.env["customer.hold.customer"]._get_noted_query(company),
            # whom the calendar concerns, by the definition of the nightly run
            *Line.new({"company_id": company.id, "as_of": today})._get_due_queries(
                self.env["customer.facts.mixin"]._get_wanted()
            ),
        ]

    # What was found

    def _record(self, found, scope):
        """Count who differs, and list the first of them.

        :param list found: for each kind of difference the set of ids, and the first
            rows as dicts of values
        """
        differing = set().union(*(ids for ids, _rows in found))
        recurring = set()
        for ids, rows in found:
            listed = self.env["customer.check.difference"]._list(self, rows)
            recurring |= {
                row["contact_number"] for row in listed if row["is_recurring"]
            }
            if len(ids) > len({row["contact_number"] for row in listed}):
                self.has_more_differences = True
        if self.check_id.phase == "verify":
            self.remaining_count += len(differing)
        else:
            self.difference_count += len(differing)
            self.recurring_count += len(recurring)
            self.waiting_count += self._count_waiting(scope)

    def _count_waiting(self, scope):
        """Return how many of those whom the next run looks at are or were customers."""
        queries = [
            SQL(
                """
                SELECT partner_id
                  FROM customer_assignment
                 WHERE company_id IS NOT DISTINCT FROM %s AND %s
                """,
                self.company_id.id or None,
                scope.on(SQL("partner_id")),
            )
        ]
        if self.company_id:
            queries += [
                self.company_id._get_customer_query(self._get_settings()),
                SQL(
                    "SELECT partner_id FROM %s AS figures",
                    self.env["customer.figures"]._get_stored(self.company_id, scope),
                ),
            ]
        [[count]] = self.env.execute_query(
            SQL(
                """
                SELECT count(*)
                  FROM pg_temp.customer_check_wait
                 WHERE %s
                """,
                SQL(" OR ").join(SQL("partner_id IN (%s)", query) for query in queries),
            )
        )
        return count

    def _note_repaired(self):
        """Note of what was found and not found again that it was repaired."""
        self.difference_ids.filtered(
            lambda row: row.state == "found"
        ).state = "repaired"
