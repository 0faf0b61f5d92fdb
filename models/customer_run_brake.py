from odoo import fields, models

#: In the context of rehearsals and checks: what a run would do if nobody held it
WITHOUT_BRAKE = "customer_without_brake"


class CustomerClassificationRunLine(models.Model):
    """Where a run stops to ask: new versions and movement that change too many.

    A new version is counted in steps of its own, before it takes effect for all
    customers in one transaction. Movement is counted in each step, before it is
    applied.
    """

    _inherit = "customer.classification.run.line"

    held_note = fields.Text(
        "Held", readonly=True, help="What waits for a manager's decision."
    )

    def _is_braked(self, dimension):
        return dimension._is_braked() and not self.env.context.get(WITHOUT_BRAKE)

    def _is_to_be_counted(self, ruleset):
        """Return whether a new version has to be counted before it takes effect."""
        return self._is_braked(ruleset.dimension_id) and not ruleset._may_pass()

    def _plan_count(self, ruleset):
        """Have it counted next whom a new version would change."""
        plan = list(self.plan)
        job = {"do": "count", "ruleset": ruleset.id, "moved": 0, "everyone": True}
        plan.insert(self.position[0] + 1, job)
        self.plan = plan

    def _do_count(self, job, after):
        """Count whom a new version would change among the next customers.

        After the last ones the version takes effect, or is held.
        """
        ruleset = self.env["customer.ruleset"].browse(job["ruleset"]).exists()
        if not ruleset:
            return None
        scope, last = self._get_next_range(after)
        with self._isolate(ruleset.dimension_id):
            moved = job["moved"] + self._count_moved(ruleset, scope)
            number = self.position[0]
            self.plan = [
                {**other, "moved": moved} if position == number else other
                for position, other in enumerate(self.plan)
            ]
            if last is None:
                self._decide(ruleset, moved)
            return last
        return None  # it cannot be judged by: the version in force stays

    def _count_moved(self, ruleset, scope):
        """Return how many customers a version would change."""
        if not ruleset._is_about_buyers():
            self._prepare_population(scope)
        figures = self.env["customer.figures"]._get_stored(self.company_id, scope)
        return self.env["customer.hold.customer"]._count_moving(
            self, ruleset, figures, scope
        )

    def _decide(self, ruleset, moved):
        """Put a version in force, or hold it."""
        dimension, Hold = ruleset.dimension_id, self.env["customer.hold"]
        if not Hold._is_too_much(dimension, self.company_id, moved):
            self._put_in_force(ruleset)
            return
        ruleset.state = "held"
        hold = Hold._hold(
            self,
            dimension,
            kind="version",
            ruleset_id=ruleset.id,
            counted=moved,
            classified_count=Hold._count_classified(dimension, self.company_id),
        )
        hold._compare()

    def _brake(self, dimension, scope):
        """Hold what a step would change, where it is too much for the day."""
        if self._is_braked(dimension):
            self.env["customer.hold.customer"]._restrain(self, dimension, scope)

    def _note_customers(self, wanted):
        result = super()._note_customers(wanted)
        if self.extent in ("due", "touched"):
            self._note(
                self.env["customer.hold.customer"]._get_released_query(
                    self.company_id, self.as_of
                )
            )
        return result

    def _finish(self):
        if not self._is_past():
            self.held_note = self.env["customer.hold"]._describe_waiting(
                self.company_id, self.as_of
            )
        return super()._finish()
