from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .customer_rights import check_manager


class CustomerRuleset(models.Model):
    """Taking back the version in force: the one before it comes back, as it was.

    Its settings are brought back into the dimension, so that the next computation has
    no reason to make another version. What a score gives can depend on the category
    that a customer has; for those whom the later version changed it is the one that
    they had before that. So with the same facts, everybody has again what the former
    version gave.
    """

    _inherit = "customer.ruleset"

    can_be_taken_back = fields.Boolean(compute="_compute_can_be_taken_back")

    def _compute_can_be_taken_back(self):
        for ruleset in self:
            ruleset.can_be_taken_back = bool(
                ruleset.state == "active" and ruleset._get_former()
            )

    def action_take_back(self):
        """Put the version before this one in force again, with its settings.

        :return: an action that opens the run that does it
        :raise UserError: where there is none, or its settings cannot be restored
        """
        self.ensure_one()
        check_manager(self.env)
        self.check_access("read")
        former = self._get_former()
        if self.state != "active" or not former:
            raise UserError(
                self.env._(
                    "Only the version in force can be taken back, where another was in "
                    "force before it."
                )
            )
        dimension = self.dimension_id
        if dimension._get_settings(self.company_id) != former._get_settings():
            dimension._apply_settings(former._get_settings(), self.company_id)
        if dimension._get_settings(self.company_id) != former._get_settings():
            raise UserError(
                self.env._(
                    "The settings of version %(number)s cannot be brought back "
                    "exactly: something that they name is gone or cannot change, such "
                    "as an archived category or a deleted rule. Edit the dimension "
                    "instead.",
                    number=former.version,
                )
            )
        # sudo: the engine writes versions and runs; the right to do it was checked
        former.sudo().is_wanted = True
        run = self.env["customer.classification.run"].sudo()
        run = run._request_night(self.company_id, trigger="undo")
        run.undone_ruleset_id = self.id
        return run._get_opening()

    def _get_former(self):
        """Return the version that was in force before this one, or none."""
        self.ensure_one()
        return self.search(
            [
                ("dimension_id", "=", self.dimension_id.id),
                ("company_id", "=", self.company_id.id or False),
                ("state", "=", "superseded"),
                ("version", ">", 0),
                ("version", "<", self.version),
            ],
            order="version desc",
            limit=1,
        )

    def _reject(self):
        """Leave the version before in force until the settings change again."""
        self.ensure_one()
        active = self._get_in_force(self.dimension_id, self.company_id)
        vals = {"state": "rejected"}
        if self._get_settings() == active._get_settings():
            # the settings are none to be changed: limits were renewed
            vals["superseded_at"] = fields.Datetime.now()
            active._postpone_renewal()
        self.write(vals)

    def _postpone_renewal(self):
        """Take the limits anew not before the rhythm of the dimension is over."""
        for ruleset in self:
            days = ruleset.dimension_id.refresh_days
            company = ruleset.company_id
            ruleset.refresh_on = bool(days and company) and fields.Date.add(
                company._get_customer_today(), days=days
            )

    def _activate(self):
        is_back = self.is_wanted
        result = super()._activate()
        if is_back and self.method == "score":
            self._postpone_renewal()
        return result

    # The category before

    def _turn_back(self, taken_back, scope):
        """Let customers have the category they had before a version, to be judged.

        Only for the length of a step: :meth:`_turn_forth` undoes it. Their score is
        emptied, so that all of them differ from what is judged; so does who had no
        category, with one that does not exist.

        :param taken_back: the version that was taken back
        """
        self.env.execute_query(SQL("DROP TABLE IF EXISTS pg_temp.customer_turned_back"))
        self.env.execute_query(
            SQL(
                """
                CREATE TEMPORARY TABLE customer_turned_back ON COMMIT DROP AS
                SELECT DISTINCT ON (history.partner_id)
                       assignment.id,
                       assignment.category_id,
                       assignment.grace_until,
                       assignment.score,
                       history.old_category_id,
                       history.old_grace_until
                  FROM customer_assignment_history AS history
                  JOIN customer_assignment AS assignment
                    ON assignment.partner_id = history.partner_id
                   AND assignment.dimension_id = history.dimension_id
                   AND assignment.company_id
                       IS NOT DISTINCT FROM history.company_id
                   AND assignment.slot = history.slot
                 WHERE history.ruleset_id = %(taken_back)s
                   AND history.event = 'run'
                   AND history.date >= %(since)s
                   AND %(in_scope)s
                 ORDER BY history.partner_id, history.id
                """,
                taken_back=taken_back.id,
                since=taken_back.activated_at,
                in_scope=scope.on(SQL.identifier("history", "partner_id")),
            )
        )
        self.env.execute_query(
            SQL(
                """
                UPDATE customer_assignment AS assignment
                   SET category_id = COALESCE(turned.old_category_id, -1),
                       grace_until = turned.old_grace_until,
                       score = NULL
                  FROM pg_temp.customer_turned_back AS turned
                 WHERE assignment.id = turned.id
                """
            )
        )

    def _turn_forth(self):
        """Undo :meth:`_turn_back`: what is staged is compared with what really was."""
        self.env.execute_query(
            SQL(
                """
                UPDATE customer_assignment AS assignment
                   SET category_id = turned.category_id,
                       grace_until = turned.grace_until,
                       score = turned.score
                  FROM pg_temp.customer_turned_back AS turned
                 WHERE assignment.id = turned.id
                """
            )
        )


class CustomerAssignmentHistory(models.Model):
    _inherit = "customer.assignment.history"

    old_grace_until = fields.Date(
        "From Was Kept Until",
        readonly=True,
        help="The last day but one of the former category, where days of grace ran.",
    )
