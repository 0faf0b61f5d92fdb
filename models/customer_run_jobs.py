import logging
from contextlib import contextmanager

import psycopg2

from odoo import api, models

from .customer_classification_run_line import RunStopped
from .customer_run_plan import CHUNK_SIZE
from .customer_scope import EVERYONE, Scope

_logger = logging.getLogger(__name__)


class CustomerClassificationRunLine(models.Model):
    """The jobs of a plan.

    Each method ``_do_…`` does one step, and returns the last customer it did where the
    job goes on after that one.
    """

    _inherit = "customer.classification.run.line"

    def _do_expire(self, _job, _after):
        """Record the decisions by hand that ended."""
        self.env["customer.assignment.history"]._record_expired(
            self.company_id, self.as_of, self._get_limit(), self.run_id
        )

    def _do_facts(self, job, after):
        """Bring the facts of the next customers up to date."""
        scope, last = self._get_next_scope(job, after)
        if not scope.is_empty():
            self.figures_count += self.env[job["model"]]._update(
                self.company_id, self.as_of, scope, self._get_settings()
            )
        return last

    def _do_removal(self, job, _after):
        """Remove facts that nobody wants any more."""
        self.env[job["model"]]._remove(self.company_id)

    def _do_metric(self, job, _after):
        """Bring the values of a custom metric up to date."""
        metric = self.env["customer.metric"].browse(job["metric"]).exists()
        company = self.env["res.company"].browse(job["company"])
        if metric:
            metric._update_one(company or None, self.as_of, self._get_limit())

    def _do_versions(self, job, after):
        """Let dimensions follow their settings: make new versions where needed.

        A step ends with each new one. It takes effect for all customers at once, in
        one transaction: nobody ever sees, nor can a stop leave, some judged by the old
        rules and some by the new.

        :param int after: how many dimensions are done
        """
        dimensions = self.env["customer.dimension"].browse(job["dimensions"])
        for number, dimension in enumerate(dimensions[after:], after + 1):
            if dimension.exists() and self._follow_settings(dimension):
                return number
        return None

    def _follow_settings(self, dimension):
        """Make a new version where needed; return whether it was.

        One that follows another is counted before it takes effect.
        """
        with self._isolate(dimension):
            Ruleset = self.env["customer.ruleset"]
            ruleset = Ruleset._get_next_version(
                dimension, self.company_id, self.as_of, self._prepare_figures(dimension)
            )
            if not ruleset or ruleset.state == "active":
                return False
            before = Ruleset._get_in_force(dimension, self.company_id)
            if before and self._is_to_be_counted(ruleset):
                self._plan_count(ruleset)
            else:
                self._put_in_force(ruleset)
        return True

    def _put_in_force(self, ruleset):
        """Put a new version in force, and apply it."""
        dimension = ruleset.dimension_id
        before = ruleset._get_in_force(dimension, self.company_id)
        is_back = ruleset.is_wanted and ruleset._is_inert()
        ruleset._activate()
        ruleset.hold_ids._close("replaced")
        self._withdraw_from_plan(dimension)
        if not before:
            # nothing to mix with: together with the others, step by step
            self._add_to_plan(dimension)
            return
        last = 0
        while last is not None:
            scope, last = self._get_next_range(last)
            taken_back = before if is_back else None
            self._judge(dimension, scope, is_braked=False, taken_back=taken_back)
            if self._check_stop():
                self._make_room()
        self.env["customer.hold"]._close_movement(dimension, self.company_id)

    def _prepare_figures(self, dimension):
        """Return the figures of everybody, from whom a new version takes its limits."""
        if dimension.method != "score":
            return None
        if not dimension._is_about_buyers():
            self._prepare_population(EVERYONE)
        return self.env["customer.figures"]._get_stored(self.company_id)

    def _withdraw_from_plan(self, dimension):
        """Leave a dimension out of what is still to be judged."""
        self.plan = [
            {**job, "dimensions": [d for d in job["dimensions"] if d != dimension.id]}
            if job["do"] == "judge"
            else job
            for job in self.plan
        ]

    def _add_to_plan(self, dimension):
        """Have a dimension judged for everybody, together with others of its stage."""
        plan = list(self.plan)
        number = self.position[0] + 1
        if plan[number]["do"] != "judge" or not plan[number]["everyone"]:
            plan.insert(number, {"do": "judge", "dimensions": [], "everyone": True})
        job = plan[number]
        plan[number] = {**job, "dimensions": [*job["dimensions"], dimension.id]}
        self.plan = plan

    def _do_judge(self, job, after):
        """Judge the next customers in some dimensions, and apply what differs."""
        dimensions = self.env["customer.dimension"].browse(job["dimensions"]).exists()
        if not dimensions:
            return None
        scope, last = self._get_next_scope(job, after)
        if not scope.is_empty():
            self._judge(dimensions, scope)
        return last

    def _judge(self, dimensions, scope, is_braked=True, taken_back=None):
        """Judge customers by the versions in force, and apply what differs.

        A dimension that fails is reported and does not stop the others.

        :param bool is_braked: hold what would change too many
        :param taken_back: the version that was in force, where the one before it
            judges as though that had never been
        """
        self.staging_ids.unlink()
        rulesets = [self._get_ruleset(dimension, scope) for dimension in dimensions]
        rulesets = self.env["customer.ruleset"].concat(*rulesets)
        rulesets = rulesets.filtered(lambda ruleset: not ruleset._is_suspended())
        if not all(ruleset._is_about_buyers() for ruleset in rulesets):
            self._prepare_population(scope)
        figures = self.env["customer.figures"]._get_stored(self.company_id, scope)
        for ruleset in rulesets:
            with self._isolate(ruleset.dimension_id):
                if taken_back:
                    ruleset._turn_back(taken_back, scope)
                self.env["customer.staging"]._stage_changes(
                    self, ruleset, figures, scope
                )
                if taken_back:
                    ruleset._turn_forth()
                if is_braked:
                    self._brake(ruleset.dimension_id, scope)
        self._report_broken_rules(dimensions)
        self.env["customer.staging"].invalidate_model()
        self._apply_all()

    def _get_ruleset(self, dimension, scope):
        """Return the version in force; of chosen customers also the very first.

        That one comes from everybody, whoever the run is about. There is none while
        nobody has bought anything.
        """
        Ruleset = self.env["customer.ruleset"]
        ruleset = Ruleset._get_in_force(dimension, self.company_id)
        if ruleset or self.extent != "chosen":
            return ruleset
        with self._isolate(dimension):
            figures = self.env["customer.figures"]._get_computed(
                self.company_id, self.as_of
            )
            self._prepare_population(EVERYONE)
            ruleset = Ruleset._update_version(
                dimension, self.company_id, self.as_of, figures
            )
            if ruleset:
                # it is for all the others, too
                self.env["customer.change"]._mark_everything(self.company_id)
        return ruleset

    def _apply_all(self):
        while self._apply(CHUNK_SIZE):
            pass

    def _apply(self, limit):
        """Apply the next ``limit`` staged rows; return how many there were."""
        self.ensure_one()
        counts = self.env["customer.assignment"]._apply_staged(self, limit)
        self.created_count += counts["created"]
        self.changed_count += counts["changed"]
        return counts["staged"]

    def _do_withdraw(self, _job, _after):
        """End what dimensions gave that compute nothing any more."""
        shown = self.env["customer.dimension"]._get_shown()
        here = shown.filtered(lambda d: d.is_shared == (not self.company_id))
        idle = here - self._get_dimensions()
        if idle:
            self.env["customer.staging"]._stage_withdrawal(
                self, idle, self._get_limit()
            )
            for dimension in idle:
                self._brake(dimension, self._get_limit())
            self._apply_all()

    def _do_past(self, _job, _after):
        """Stage the whole result of a past day.

        Only scores can be computed for it: what a contact was like then, no rule
        can know.
        """
        Figures = self.env["customer.figures"]
        # The cut points come from everybody, whoever is asked about
        figures = Figures._get_computed(self.company_id, self.as_of)
        self._prepare_population(EVERYONE)
        rulesets = []
        for dimension in self._get_dimensions().filtered(lambda d: d.method == "score"):
            with self._isolate(dimension):
                rulesets.append(
                    self.env["customer.ruleset"]._create_as_of(
                        dimension, self.company_id, self.as_of, figures
                    )
                )
        partners = self.run_id.partner_ids
        scope = Scope.of(partners.ids) if partners else EVERYONE
        self._prepare_population(scope)
        figures = Figures._get_restricted(figures, scope)
        for ruleset in rulesets:
            with self._isolate(ruleset.dimension_id):
                self.env["customer.staging"]._stage_result(self, ruleset, figures)
        self.env["customer.staging"].invalidate_model()

    # What the jobs share

    def _get_limit(self):
        """Return whom a job is about that takes one step: those noted, or everybody."""
        if self._is_sweeping():
            return EVERYONE
        return Scope.noted(self.id)

    def _is_past(self):
        """Return whether the line looks at the past, which it never changes."""
        return bool(
            self.run_id.as_of
            and self.company_id
            and self.as_of < self.company_id._get_customer_today()
        )

    def _prepare_population(self, scope):
        self.env["customer.population"]._prepare(
            self.company_id, self._get_settings(), scope
        )

    def _report_broken_rules(self, dimensions):
        broken = dimensions.rule_ids.filtered("error")
        lines = [
            self.env._(
                "%(dimension)s, rule “%(rule)s”: %(error)s",
                dimension=rule.dimension_id.name,
                rule=rule.name,
                error=rule.error,
            )
            for rule in broken
        ]
        told = (self.warning or "").split("\n")
        new = [line for line in lines if line not in told]
        if new:
            self.warning = "\n".join(filter(None, [self.warning, *new]))

    @contextmanager
    def _isolate(self, dimension):
        """Report what fails in a dimension; the others go on."""
        try:
            with self.env.cr.savepoint():
                yield
        except (psycopg2.OperationalError, RunStopped):
            raise  # another transaction came between: the step is repeated
        except Exception as error:
            _logger.exception("Dimension %s cannot be computed", dimension.code)
            self.env.invalidate_all()
            message = self.env._(
                "%(dimension)s: %(error)s", dimension=dimension.name, error=error
            )
            told = (self.error or "").split("\n")
            if message not in told:
                self.error = "\n".join(filter(None, [self.error, message]))

    def _get_settings(self):
        """Return what counts: for few customers, as in the last run of all.

        They are compared with all others, whose figures are as of that.
        """
        if not self.company_id:
            return {}
        if self.extent not in ("all", "due") and not self._is_past():
            last = self._find_last_full(self.company_id)
            if last.what_counts:
                return last.what_counts["settings"]
            for dimension in self._get_dimensions():
                ruleset = self.env["customer.ruleset"]._get_in_force(
                    dimension, self.company_id
                )
                if ruleset:
                    return ruleset.company_settings
        return self.company_id._get_customer_settings()

    @api.model
    def _find_last_full(self, company):
        """Return the line of the last complete run of all customers, or none."""
        return self.search(
            [
                ("company_id", "=", company.id or False),
                ("extent", "=", "all"),
                ("state", "=", "done"),
                ("run_id.as_of", "=", False),
            ],
            order="id desc",
            limit=1,
        )

    @api.model
    def _describe_what_counts(self, company):
        """Return all that the figures of a company depend on, besides its documents."""
        if not company:
            return {}
        return {
            "settings": company._get_customer_settings(),
            "branches": company._get_customer_branches().ids,
            "currency": company.currency_id.id,
        }
