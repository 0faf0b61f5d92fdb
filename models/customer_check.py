from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from .customer_rights import check_manager, get_working_cron

CHECK_CRON = "customer_classification.ir_cron_check"
#: Days that a check is kept that found nothing
KEEP_AGREEING_DAYS = 180
#: What came out, the worst first
RESULTS = ("failed", "remaining", "differs", "repaired", "waiting", "agrees")


class CustomerCheck(models.Model):
    """Compares what is classified with the ledger, and with a computation anew.

    * *Ledger*: for each company, the revenue of all posted customer documents is what
      is classified and, named and counted, what is not; for each customer, what is
      classified is what the customer's documents give.
    * *Recomputation*: figures and categories, which runs keep up to date customer by
      customer, are what a computation of everybody gives.

    Who changed since the last run, or for whom the calendar changes something today,
    is no difference: those wait for the next run, and are counted.

    A check looks (``customer_check_line.py``), repairs what differs if it shall, and
    looks again: what is still there after a repair is reported to the managers. The
    scheduled action does that in steps, see ``customer_check_schedule.py``.
    """

    _name = "customer.check"
    _inherit = ["mail.thread"]
    _description = "Check Against the Ledger"
    _order = "id desc"
    _rec_names_search = ["id"]
    _mail_post_access = "read"

    trigger = fields.Selection(
        [("cron", "Scheduled"), ("request", "Asked for by a person")],
        required=True,
        readonly=True,
    )
    user_id = fields.Many2one("res.users", string="Started By", readonly=True)
    date_start = fields.Datetime("Date", required=True, readonly=True)
    date_end = fields.Datetime("Ended", readonly=True)
    state = fields.Selection(
        [("running", "Running"), ("done", "Done")],
        required=True,
        readonly=True,
        default="running",
    )
    phase = fields.Selection(
        [("look", "Compare"), ("repair", "Repair"), ("verify", "Compare again")],
        required=True,
        readonly=True,
        default="look",
    )
    is_to_repair = fields.Boolean(
        "Repair", readonly=True, help="What differs is computed anew at once."
    )
    first_id = fields.Integer(
        readonly=True, help="Figures and categories are compared from this contact on."
    )
    last_id = fields.Integer(readonly=True, help="And up to this one. 0: to the end.")
    run_id = fields.Many2one(
        "customer.classification.run", string="Repaired By", readonly=True
    )
    # for the record rule: one about the lines would show all of them
    company_ids = fields.Many2many("res.company", readonly=True)
    line_ids = fields.One2many(
        "customer.check.line", "check_id", string="Companies", readonly=True
    )
    amount_ids = fields.One2many(
        "customer.check.amount", "check_id", string="Ledger", readonly=True
    )
    difference_ids = fields.One2many(
        "customer.check.difference", "check_id", string="Differences", readonly=True
    )
    # By company, so that nobody learns of another's
    result = fields.Selection(
        [
            ("failed", "Failed"),
            ("remaining", "Not repaired"),
            ("differs", "Differences"),
            ("repaired", "Repaired"),
            ("waiting", "Waits for the next run"),
            ("agrees", "Everything agrees"),
        ],
        compute="_compute_result",
    )
    compared_count = fields.Integer("Customers Compared", compute="_compute_result")
    difference_count = fields.Integer(
        "Customers Differ",
        compute="_compute_result",
        help="Who differs in two companies counts twice.",
    )
    remaining_count = fields.Integer("Differ Still", compute="_compute_result")
    waiting_count = fields.Integer("Customers Waiting", compute="_compute_result")
    note = fields.Text("Not Compared", compute="_compute_result")
    error = fields.Text("Errors", compute="_compute_result")
    progress = fields.Float("Progress (%)", compute="_compute_progress")

    @api.depends("date_start")
    @api.depends_context("lang", "tz")
    def _compute_display_name(self):
        for check in self:
            check.display_name = self.env._(
                "Check of %s",
                format_datetime(self.env, check.date_start, dt_format="short"),
            )

    @api.depends(
        "state",
        "line_ids.result",
        "line_ids.compared_count",
        "line_ids.difference_count",
        "line_ids.remaining_count",
        "line_ids.waiting_count",
        "line_ids.note",
        "line_ids.error",
    )
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_result(self):
        # not those in the cache, which someone else may have read
        visible = self.env["customer.check.line"].search([("check_id", "in", self.ids)])
        for check in self:
            lines = visible.filtered(lambda line: line.check_id == check)  # noqa: B023
            results = lines.mapped("result")
            check.result = check.state == "done" and next(
                (result for result in RESULTS if result in results), "agrees"
            )
            for name in ("difference", "remaining", "waiting"):
                check[f"{name}_count"] = sum(lines.mapped(f"{name}_count"))
            # not those of what companies share a second time
            own = lines.filtered("company_id")
            check.compared_count = sum(own.mapped("compared_count"))
            for name in ("note", "error"):
                texts = dict.fromkeys(filter(None, lines.mapped(name)))
                check[name] = "\n".join(texts)

    @api.depends("line_ids.progress")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_progress(self):
        for check in self:
            progress = check.line_ids.mapped("progress")
            check.progress = sum(progress) / len(progress) if progress else 0.0

    # People ask

    @api.model
    def action_check_now(self):
        """Ask for a check of all customers, and open it.

        One that was asked for and is not done yet serves both.
        """
        cron = self._check_may_ask()
        # sudo: the engine writes the checks; the right to ask for one was checked
        checks = self.sudo()
        check = checks.search(
            [("state", "=", "running"), ("trigger", "=", "request")], limit=1
        )
        check = check or checks._create_check("request")
        cron._trigger()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": check.id,
            "views": [[False, "form"]],
        }

    def action_repair(self):
        """Have what differs computed anew, as soon as possible."""
        self.ensure_one()
        cron = self._check_may_ask()
        if self.state != "done" or not self.difference_count or self.run_id:
            raise UserError(self.env._("There is nothing to repair: check again."))
        # sudo: the engine writes the checks; the right to repair was checked
        self.sudo().write({"state": "running", "phase": "repair", "is_to_repair": True})
        cron._trigger()

    def action_open_differences(self):
        """Open the list of what differs."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_check_difference_action"
        )
        return {**action, "domain": [("check_id", "=", self.id)]}

    def action_open_run(self):
        """Open the run that repaired what differed."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.run_id._name,
            "res_id": self.run_id.id,
            "views": [[False, "form"]],
        }

    @api.model
    def _check_may_ask(self):
        """Return the scheduled action, where the user may ask for it.

        :raise AccessError: without the manager group
        :raise UserError: while it is switched off
        """
        check_manager(self.env)
        return get_working_cron(self.env, CHECK_CRON)

    # Making and removing checks

    @api.model
    def _create_check(self, trigger, first_id=0, last_id=0):
        """Return a new check of every company, and of what they share."""
        companies = self.env["customer.classification.run"]._get_all_companies()
        owners = list(companies)
        if self.env["customer.dimension"]._get_computed(shared=True):
            owners.append(companies.browse())
        # nobody asks in the chatter who created it
        return self.with_context(mail_create_nolog=True).create(
            {
                "trigger": trigger,
                "user_id": self.env.uid,
                "date_start": fields.Datetime.now(),
                "is_to_repair": trigger == "cron",
                "company_ids": companies.ids,
                "first_id": first_id,
                "last_id": last_id,
                "line_ids": [
                    fields.Command.create({"company_id": company.id})
                    for company in owners
                ],
            }
        )

    @api.autovacuum
    def _gc_agreeing(self):
        """Remove old checks that found nothing."""
        oldest = fields.Datetime.now() - timedelta(days=KEEP_AGREEING_DAYS)
        old = self.search([("state", "=", "done"), ("date_start", "<", oldest)])
        old.filtered(lambda check: check.result in ("agrees", "waiting")).unlink()
