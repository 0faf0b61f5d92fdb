from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_datetime

from .customer_rights import MANAGER_GROUP

#: Days that the result of a run as of a past date is kept
KEEP_RESULT_DAYS = 30
#: Days that a run of every minute is kept that changed nothing
KEEP_IDLE_DAYS = 2


class CustomerClassificationRun(models.Model):
    """One computation of the categories, of one or several companies.

    How to use::

        run = env["customer.classification.run"].classify()
        run.staging_ids            # the result, if it was as of a past date

    How it works: each company is a line of the run, which follows a plan: bring the
    facts up to date, freeze the rules into a version, judge the customers, stage what
    would change and apply it. The scheduled actions (``customer_run_schedule.py``)
    commit after each step, so that an interruption loses nothing; a call of
    :meth:`classify` does the same in one transaction.
    """

    _name = "customer.classification.run"
    _inherit = ["customer.engine.links.mixin"]
    _description = "Classification Run"
    _order = "id desc"
    _rec_names_search = ["id", "user_id"]

    trigger = fields.Selection(
        [
            ("cron", "Every night"),
            ("changes", "Something changed"),
            ("request", "Asked for by a person"),
            ("call", "Called by a person or program"),
            ("undo", "Undo"),
        ],
        required=True,
        readonly=True,
    )
    user_id = fields.Many2one("res.users", string="Started By", readonly=True)
    date_start = fields.Datetime("Started", required=True, readonly=True)
    date_end = fields.Datetime("Ended", readonly=True)
    as_of = fields.Date(
        "As of Past Date",
        readonly=True,
        help="Set when the run looked at a day in the past: it changed nothing.",
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Only Customers",
        readonly=True,
        help="Empty: every customer of the companies.",
    )
    state = fields.Selection(
        [
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Partly Failed"),
            ("interrupted", "Interrupted"),
            ("stopped", "Stopped"),
        ],
        required=True,
        readonly=True,
        default="running",
    )
    stopped_at = fields.Datetime("Stop Asked For", readonly=True, copy=False)
    stopped_by_id = fields.Many2one("res.users", readonly=True)
    # for the record rule: one about the lines would show all of them
    company_ids = fields.Many2many("res.company", readonly=True)
    # The following read what only managers may read; everybody else sees the name
    line_ids = fields.One2many(
        "customer.classification.run.line",
        "run_id",
        string="Companies",
        readonly=True,
        groups=MANAGER_GROUP,
    )
    staging_ids = fields.One2many(
        "customer.staging",
        compute="_compute_staging_ids",
        string="Result",
        groups=MANAGER_GROUP,
    )
    staged_count = fields.Integer(
        "Customers in Result", compute="_compute_counts", groups=MANAGER_GROUP
    )
    created_count = fields.Integer(
        "First Classified", compute="_compute_counts", groups=MANAGER_GROUP
    )
    changed_count = fields.Integer(
        "Changed", compute="_compute_counts", groups=MANAGER_GROUP
    )
    progress = fields.Float(
        "Progress (%)", compute="_compute_progress", groups=MANAGER_GROUP
    )

    @api.depends("date_start", "as_of")
    @api.depends_context("lang", "tz")
    def _compute_display_name(self):
        for run in self:
            run.display_name = self.env._(
                "Run %(number)s of %(date)s",
                number=run.id,
                date=format_datetime(self.env, run.date_start, dt_format="short"),
            )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_staging_ids(self):
        for run in self:
            run.staging_ids = self.env["customer.staging"].search(
                [("line_id", "in", run._get_visible_lines().ids)]
            )

    @api.depends("line_ids.created_count", "line_ids.changed_count")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_counts(self):
        visible = self._get_visible_lines().grouped("run_id")
        for run in self:
            lines = visible.get(run, self.env["customer.classification.run.line"])
            run.created_count = sum(lines.mapped("created_count"))
            run.changed_count = sum(lines.mapped("changed_count"))
            run.staged_count = self.env["customer.staging"].search_count(
                [("line_id", "in", lines.ids)]
            )

    @api.depends("line_ids.progress")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_progress(self):
        visible = self._get_visible_lines().grouped("run_id")
        for run in self:
            progress = [line.progress for line in visible.get(run, ())]
            run.progress = sum(progress) / len(progress) if progress else 0.0

    def _get_visible_lines(self):
        """Return the lines that the user may see, not those someone else has read."""
        return self.env["customer.classification.run.line"].search(
            [("run_id", "in", self.ids)]
        )

    def unlink(self):
        lines = self.line_ids
        result = super().unlink()
        lines._remove_links(lines.ids)  # the database has removed the lines
        return result

    def _get_linked(self):
        return self.filtered(lambda run: run.created_count or run.changed_count)

    # Starting runs

    @api.model
    def classify(self, companies=None, partners=None, as_of=None):
        """Compute the categories now, in the caller's transaction.

        Over RPC pass ids and a date as text; the id of the run comes back.

        :param companies: companies to classify in, as records or ids; branches
            count with their root company. None: every company you may use.
        :param partners: only these customers, as records or ids of contacts; their
            commercial entities are classified. None: all customers.
        :param as_of: a date. In the past: the run stages what today's ledger says
            of that day (``staging_ids``), and changes nothing else.
        :return: the run
        :raise AccessError: without the manager group, or for another's company
        :raise UserError: while another run computes one of the companies, or for a
            day in the future
        """
        if not self.env.su and not self.env.user.has_group(MANAGER_GROUP):
            raise AccessError(
                self.env._(
                    "Only managers of the customer classification may compute it; "
                    "ask one, or wait for the scheduled action tonight."
                )
            )
        companies = self._check_companies(companies)
        partners = self._check_partners(partners)
        as_of = self._check_as_of(as_of, companies)
        # sudo: the engine writes tables that nobody else may write; the rights of
        # the caller to start it, and on what, were checked above
        run = self.sudo()._create_run("call", companies, partners, as_of)
        for line in run.line_ids:
            line._lock()
            line._process()
        run._close()
        return run.sudo(self.env.su)

    def _check_companies(self, companies):
        """Return the root companies to classify in, as the caller may."""
        Company = self.env["res.company"]
        allowed = self.env.user.company_ids
        if companies is None:
            is_root = [("parent_id", "=", False)]
            if self.env.su:
                companies = Company.search(is_root)
            else:
                companies = allowed.filtered_domain(is_root)
        else:
            companies = self._get_existing(Company, companies)
        if not companies:
            raise UserError(self.env._("Name at least one existing company."))
        # sudo: the root of an allowed branch need not be allowed; checked next
        roots = companies.sudo().root_id.sudo(self.env.su)
        if not self.env.su and roots - allowed:
            raise AccessError(
                self.env._("You may only classify in companies you have access to.")
            )
        return roots

    def _check_partners(self, partners):
        """Return the commercial entities of ``partners``, or None for all."""
        if partners is None:
            return None
        partners = self._get_existing(self.env["res.partner"], partners)
        if not partners:
            raise UserError(self.env._("Name at least one existing customer."))
        partners.check_access("read")
        return partners.commercial_partner_id

    def _get_existing(self, model, records):
        """Return ``records`` of ``model``, given as such or as one or more ids."""
        if not isinstance(records, models.BaseModel):
            ids = records if isinstance(records, list | tuple) else [records]
            if any(type(id_) is not int for id_ in ids):
                raise UserError(
                    self.env._(
                        "“%(value)s” is no list of ids, such as [1, 2].", value=records
                    )
                )
            records = model.browse(ids)
        return records.exists()

    def _check_as_of(self, as_of, companies):
        """Return the day to look at as a date, or None for today."""
        if not as_of:
            return None
        try:
            as_of = fields.Date.to_date(as_of)
        except (TypeError, ValueError) as error:
            raise UserError(
                self.env._(
                    "“%(date)s” is no date: write it as year-month-day, for example "
                    "2026-03-31.",
                    date=as_of,
                )
            ) from error
        if any(as_of > company._get_customer_today() for company in companies):
            raise UserError(
                self.env._(
                    "%(date)s has not come yet: choose today or a day in the past.",
                    date=as_of,
                )
            )
        return as_of

    @api.model
    def _create_run(self, trigger, companies, partners=None, as_of=None, extents=None):
        """Return a new run, with a line for each company and for what they share.

        :param dict extents: what is computed by company; by default chosen customers
            where ``partners`` are given, all otherwise
        """
        Company = self.env["res.company"]
        owners = list(companies)
        is_shared = [("is_shared", "=", True)]
        if not as_of and self.env["customer.dimension"].search_count(is_shared):
            # first, because the dimensions of a company may read the shared ones
            owners.insert(0, Company)
        default = "chosen" if partners else "all"
        return self.create(
            {
                "trigger": trigger,
                "user_id": self.env.uid,
                "date_start": fields.Datetime.now(),
                "as_of": as_of,
                "partner_ids": partners.ids if partners else False,
                "company_ids": companies.ids,
                "line_ids": [
                    fields.Command.create(
                        {
                            "company_id": company.id,
                            "extent": (extents or {}).get(company.id, default),
                            "as_of": as_of
                            or (
                                company._get_customer_today()
                                if company
                                else Company._get_customer_today_of_all()
                            ),
                        }
                    )
                    for company in owners
                ],
            }
        )

    def _close(self):
        """Give the run its final state from those of its companies."""
        self.ensure_one()
        states = self.line_ids.mapped("state")
        self.write(
            {
                "state": next(
                    (s for s in ("stopped", "failed") if s in states), "done"
                ),
                "date_end": fields.Datetime.now(),
            }
        )

    def action_open_result(self):
        """Open what the run staged."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_staging_action"
        )
        return {**action, "domain": [("line_id", "in", self.line_ids.ids)]}

    @api.autovacuum
    def _gc_results(self):
        """Remove the results of past dates when nobody needs them any more."""
        oldest = fields.Datetime.now() - timedelta(days=KEEP_RESULT_DAYS)
        self.search([("as_of", "!=", False), ("date_start", "<", oldest)]).unlink()
        self.env["customer.ruleset"].search(
            [("state", "=", "draft"), ("create_date", "<", oldest)]
        ).unlink()

    @api.autovacuum
    def _gc_idle(self):
        """Remove the runs of every minute that gave nobody another category."""
        oldest = fields.Datetime.now() - timedelta(days=KEEP_IDLE_DAYS)
        old = self.search(
            [
                ("trigger", "=", "changes"),
                ("state", "=", "done"),
                ("date_start", "<", oldest),
            ]
        )
        old.filtered(lambda run: not (run.created_count or run.changed_count)).unlink()
