# Only the scheduled actions commit, in the methods that say so in their name.
# pylint: disable=invalid-commit
import logging
from contextlib import nullcontext
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_scope import EVERYONE
from .customer_staging import WORK_MEMORY

_logger = logging.getLogger(__name__)

COMPARE_CRON = "customer_classification.ir_cron_compare"
#: Contacts up to which a comparison is made at once: it takes a few seconds
FEW_CONTACTS = 30_000
#: Days that a comparison is kept
KEEP_DAYS = 30


class CustomerComparison(models.Model):
    """What a version that is not in force would change today.

    How to use::

        comparison = env["customer.comparison"]._compare(ruleset)
        comparison.cell_ids      # from which category to which: how many, how much
        comparison.row_ids       # who, as far as the category would be another one

    How it works: the version judges the customers exactly as a run would
    (``_get_judged`` and ``_get_differing``); what differs from the assignments of the
    moment is noted here and nowhere else. Ranges of contacts follow one another, in
    one transaction or, for very many customers, in steps of a scheduled action.
    """

    _name = "customer.comparison"
    _description = "Comparison of Rules With the Present Categories"
    _order = "id desc"
    _rec_name = "dimension_id"

    dimension_id = fields.Many2one(
        "customer.dimension",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        "res.company",
        readonly=True,
        ondelete="cascade",
        help="Empty: the dimensions that all companies share.",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    settings = fields.Json(
        readonly=True, help="What the version is made from, where there is none yet."
    )
    is_renewed = fields.Boolean(
        "Limits Taken Anew",
        readonly=True,
        help="The limits of the version are taken from the customers of today.",
    )
    ruleset_id = fields.Many2one(
        "customer.ruleset",
        string="Version",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    is_by_ledger = fields.Boolean(
        readonly=True,
        help="The figures are computed from the documents of the moment, not taken as "
        "the last run left them.",
    )
    user_id = fields.Many2one("res.users", string="Asked For By", readonly=True)
    as_of = fields.Date("Day", required=True, readonly=True)
    state = fields.Selection(
        [("pending", "Being computed"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        readonly=True,
        default="pending",
    )
    after = fields.Integer(readonly=True, help="The last contact that was compared.")
    progress = fields.Float("Progress (%)", compute="_compute_progress")
    date_done = fields.Datetime("Computed On", readonly=True)
    present_mark = fields.Json(
        readonly=True, help="What had happened when the comparison began."
    )
    has_broken_rules = fields.Boolean(
        readonly=True,
        help="A rule could not be evaluated: who has its category keeps it.",
    )
    error = fields.Text(readonly=True)
    cell_ids = fields.One2many(
        "customer.comparison.cell", "comparison_id", readonly=True
    )
    row_ids = fields.One2many("customer.comparison.row", "comparison_id", readonly=True)
    customer_count = fields.Integer("Customers", compute="_compute_counts")
    moved_count = fields.Integer("Would Change", compute="_compute_counts")
    hidden_count = fields.Integer(
        "Decided by Hand",
        compute="_compute_counts",
        help="Of those who would change: people decided by hand, so nobody sees it "
        "until that ends.",
    )
    moved_share = fields.Float("Would Change (%)", compute="_compute_counts")

    @api.depends("after", "state")
    def _compute_progress(self):
        [[last_id]] = self.env.execute_query(
            SQL("SELECT COALESCE(max(id), 1) FROM res_partner")
        )
        for comparison in self:
            share = min(comparison.after / last_id, 1.0)
            comparison.progress = 100.0 * (comparison.state == "done" or share)

    @api.depends("cell_ids.customer_count", "cell_ids.hidden_count")
    def _compute_counts(self):
        for comparison in self:
            cells = comparison.cell_ids
            moved = cells.filtered("is_move")
            comparison.customer_count = sum(cells.mapped("customer_count"))
            comparison.moved_count = sum(moved.mapped("customer_count"))
            comparison.hidden_count = sum(moved.mapped("hidden_count"))
            comparison.moved_share = (
                100.0 * comparison.moved_count / comparison.customer_count
                if comparison.customer_count
                else 0.0
            )

    # What is behind the numbers

    def _open_customers(self, from_id, to_id):
        """Open the customers who would go from a category to another, or stay.

        :param int from_id: a category, or false for none; so ``to_id``
        """
        self.ensure_one()
        Category = self.env["customer.category"]
        names = [
            Category.browse(id_).name if id_ else self.env._("None")
            for id_ in (from_id, to_id)
        ]
        if from_id != to_id:
            model = "customer.comparison.row"
            domain = [
                ("comparison_id", "=", self.id),
                ("from_id", "=", from_id),
                ("to_id", "=", to_id),
            ]
        else:
            model = "customer.assignment"
            domain = [
                ("dimension_id", "=", self.dimension_id.id),
                ("company_id", "=", self.company_id.id),
                ("category_id", "=", from_id),
                ("moving_comparison_id", "!=", self.id),
            ]
        return {
            "type": "ir.actions.act_window",
            "name": " → ".join(dict.fromkeys(names)),
            "res_model": model,
            "views": [[False, "list"]],
            "domain": domain,
            "context": {"create": False},
        }

    # Making comparisons

    @api.model
    def _compare(self, ruleset, as_of=None):
        """Return what a version would change, compared now, in this transaction.

        The facts are those that are stored: call it when a run has brought them up to
        date. Nothing but the comparison is written.

        :param ruleset: a version that is not in force
        :param date as_of: the day of the computation; None for today
        """
        comparison = self._begin(
            ruleset.dimension_id, ruleset.company_id, as_of=as_of, ruleset_id=ruleset.id
        )
        comparison._finish()
        return comparison

    @api.model
    def _compare_settings(self, dimension, company, settings, is_renewed=False):
        """Return what a dimension with other settings would change, compared now.

        :param company: an empty recordset for a dimension that all companies share
        :param dict settings: as ``customer.dimension._get_settings`` returns them; what
            counts as revenue may be another, too
        :param bool is_renewed: take all cut points from the customers of today
        """
        comparison = self._begin_settings(dimension, company, settings, is_renewed)
        comparison._finish()
        return comparison

    @api.model
    def _begin_settings(self, dimension, company, settings, is_renewed=False):
        """Return a comparison of settings, which is still to be made."""
        return self._begin(
            dimension,
            company,
            settings=settings,
            is_renewed=is_renewed,
            is_by_ledger=True,
        )

    @api.model
    def _begin(self, dimension, company, as_of=None, **values):
        if not as_of:
            as_of = (
                company._get_customer_today()
                if company
                else company._get_customer_today_of_all()
            )
        return self.create(
            {
                "dimension_id": dimension.id,
                "company_id": company.id,
                "user_id": self.env.uid,
                "as_of": as_of,
                **values,
            }
        )

    @api.model
    def _is_small(self):
        """Return whether comparisons take a few seconds at most."""
        [[count]] = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM (SELECT FROM res_partner LIMIT %s) AS contact",
                FEW_CONTACTS + 1,
            )
        )
        return count <= FEW_CONTACTS

    # Comparing

    def _finish(self):
        """Do all that is left in the current transaction."""
        while self._do_next():
            pass

    def _do_next(self):
        """Do the next step; return whether there is more to do."""
        self.ensure_one()
        self.env.execute_query(SQL("SET LOCAL work_mem = %s", WORK_MEMORY))
        if not self.present_mark:
            self.present_mark = self._get_present_mark()
        if not self.ruleset_id:
            with self._imagine_facts(EVERYONE):
                self.ruleset_id = self.env["customer.ruleset"]._propose(
                    self.dimension_id,
                    self.company_id,
                    self.settings,
                    self.as_of,
                    self.is_renewed,
                )
        Line = self.env["customer.classification.run.line"]
        scope, last = Line._get_next_range(self.after)
        with self._imagine_facts(scope):
            self._collect(scope)
        self.env["customer.comparison.row"]._record(self)
        self.env["customer.comparison.cell"]._record(self, scope)
        if last:
            self.after = last
            return True
        self.write({"state": "done", "date_done": fields.Datetime.now()})
        return False

    def _imagine_facts(self, scope):
        """Return a block in which the facts of a scope are those that decide."""
        if not self.is_by_ledger:
            return nullcontext()
        settings = self.settings or self.ruleset_id._get_settings()
        return self.env["customer.facts.mixin"]._imagine(
            self.company_id,
            self.as_of,
            settings["company"],
            self.env["customer.ruleset"]._get_read_facts(settings),
            scope,
        )

    def _collect(self, scope):
        """Note what differs in the scope in a temporary table, as a run does."""
        ruleset, Staging = self.ruleset_id, self.env["customer.staging"]
        if not ruleset._is_about_buyers():
            self.env["customer.population"]._prepare(
                self.company_id, ruleset.company_settings, scope
            )
        if ruleset.method == "rule":
            if not Staging._create_differing_by_rules(ruleset, scope):
                self.has_broken_rules = True
            return
        figures = self.env["customer.figures"]._get_stored(self.company_id, scope)
        judged, _inputs = ruleset._get_judged(self.as_of, figures, scope)
        Staging._create_differing(ruleset, judged, scope)

    # How old it is

    def _get_present_mark(self):
        """Return plain data that is another as soon as something has happened.

        Numbers of the queue are given in the transaction that changes something: what
        was not committed yet when the comparison was made is not seen by it. So this
        tells people what to expect; whoever applies a draft compares anew.
        """
        self.ensure_one()
        [[number]] = self.env.execute_query(
            SQL(
                """
                SELECT CASE WHEN is_called THEN last_value ELSE 0 END
                  FROM customer_change_id_seq
                """
            )
        )
        Line = self.env["customer.classification.run.line"]
        lines = Line.search(
            [
                ("company_id", "=", self.company_id.id),
                "|",
                ("created_count", ">", 0),
                ("changed_count", ">", 0),
            ],
            order="id desc",
            limit=1,
        )
        active = self.env["customer.ruleset"]._get_in_force(
            self.dimension_id, self.company_id
        )
        return {
            "change": number,
            "line": lines.id,
            "version": active.id,
            "today": fields.Date.to_string(
                self.company_id._get_customer_today()
                if self.company_id
                else self.company_id._get_customer_today_of_all()
            ),
        }

    def _is_outdated(self):
        """Return whether anything happened since that may give another result."""
        self.ensure_one()
        return self.present_mark != self._get_present_mark()

    # In steps

    @api.model
    def _ask_for_step(self):
        """Have the scheduled action go on with what is pending, soon."""
        # sudo: scheduled actions belong to Odoo's administrators
        self.env.ref(COMPARE_CRON).sudo()._trigger()

    @api.model
    def _cron_compare(self):
        """Make the comparisons that are pending, committing each step."""
        commit_progress = self.env["ir.cron"]._commit_progress
        retry = self.env["customer.classification.run.line"]._cron_retry
        pending = self.search([("state", "=", "pending")], order="id")
        time_left = commit_progress(remaining=len(pending))
        for number, comparison in enumerate(pending, 1):
            try:
                while retry(comparison._do_step):
                    time_left = commit_progress(remaining=1 + len(pending) - number)
                    if time_left <= 0:
                        return
            except Exception as error:
                self.env.cr.rollback()
                self.env.invalidate_all()
                _logger.exception("Comparison %s failed", comparison.id)
                comparison.write({"state": "failed", "error": str(error)})
                retry(comparison._after_last_step)
            time_left = commit_progress(1, remaining=len(pending) - number)
            if time_left <= 0:
                return

    def _do_step(self):
        """Do the next step, and what follows the last; return whether there is more."""
        has_more = self._do_next()
        if not has_more:
            self._after_last_step()
        return has_more

    def _after_last_step(self):
        """Do what follows a comparison that was made in steps."""

    def _remove(self):
        """Remove comparisons, and the versions that were made for them."""
        made_for_these = self.filtered("settings").ruleset_id
        self.unlink()
        made_for_these.filtered(lambda ruleset: ruleset.state == "draft").unlink()

    @api.autovacuum
    def _gc_old(self):
        """Remove comparisons that nobody looks at any more, and their versions."""
        oldest = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        self.search([("create_date", "<", oldest)])._remove()
