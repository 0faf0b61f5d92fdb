from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_override import DECISION_FIELDS
from .customer_rights import USER_GROUP

#: Activities planned in one transaction
BATCH_SIZE = 200


class CustomerDimension(models.Model):
    _inherit = "customer.dimension"

    plan_reviews = fields.Boolean(
        "Plan Review Activities",
        help="When a decision by hand is due for review, an activity is planned on the "
        "contact: for the customer's salesperson, else for who decided, else for who "
        "is responsible for the dimension.",
    )


class MailActivity(models.Model):
    """A planned review of a decision by hand. Whoever does it confirms the decision."""

    _inherit = "mail.activity"

    customer_override_id = fields.Many2one(
        "customer.override",
        string="Category Set by Hand",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups=USER_GROUP,
    )

    def _action_done(self, feedback=False, attachment_ids=None):
        # sudo: the link is for users of the classification, the activity for all
        decisions = self.sudo().customer_override_id.sudo(self.env.su)
        result = super()._action_done(feedback, attachment_ids)
        if not self.env.context.get("customer_review_is_known"):
            decisions._confirm_by_activity()
        return result


class CustomerOverride(models.Model):
    """Reviews of decisions by hand, at the rhythm of their dimension.

    Each review is planned once, as an activity on the contact. It ends with the
    decision's confirmation, change, withdrawal or end, whoever brought that about.
    """

    _inherit = "customer.override"

    review_planned_for = fields.Date(
        readonly=True,
        copy=False,
        help="The due date of the review that was last planned as an activity.",
    )
    is_review_due = fields.Boolean(
        compute="_compute_is_review_due",
        search="_search_is_review_due",
        help="Nobody has made, changed or confirmed the decision for as long as its "
        "dimension allows.",
    )

    @api.depends("review_date", "company_id")
    def _compute_is_review_due(self):
        for override in self:
            due = override.review_date
            override.is_review_due = bool(due) and due <= override._get_today()

    def _search_is_review_due(self, operator, value):
        if operator != "in":
            return NotImplemented
        domain = Domain.OR(
            [("company_id", "=", company_id), ("review_date", "<=", today)]
            for company_id, today, _timezone in self._get_owner_days()
        )
        return domain if True in value else ~domain

    def write(self, vals):
        result = super().write(vals)
        if (DECISION_FIELDS | {"reviewed_on"}) & vals.keys():
            self._close_review_activities(
                self.env._("The category set by hand was confirmed or changed.")
            )
        return result

    def unlink(self):
        self.check_access("unlink")
        self._close_review_activities(
            self.env._("The category set by hand was withdrawn.")
        )
        return super().unlink()

    @api.model
    def _cron_plan_reviews(self):
        """Plan what is due and remove what is not any more, committing each batch."""
        self._remove_moot_reviews()
        commit_progress = self.env["ir.cron"]._commit_progress
        time_left = commit_progress(remaining=self._count_reviews_to_plan())
        while time_left > 0:
            done = self._plan_reviews(BATCH_SIZE)
            if not done:
                break
            time_left = commit_progress(done)

    @api.model
    def _get_review_domain(self):
        """Return the domain of the decisions whose review is to be an activity."""
        return Domain(
            [
                ("is_review_due", "=", True),
                ("is_in_force", "=", True),
                ("dimension_id.active", "=", True),
                ("dimension_id.plan_reviews", "=", True),
                ("partner_id.active", "=", True),
            ]
        )

    @api.model
    def _get_reviews_to_plan(self, limit=None):
        """Return the next decisions whose review is due and was not planned yet."""
        self.env["customer.dimension"].flush_model(["review_days"])
        unplanned = Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                """%(planned)s IS DISTINCT FROM (
                    SELECT %(reviewed)s + dimension.review_days
                      FROM customer_dimension AS dimension
                     WHERE dimension.id = %(dimension)s
                )""",
                planned=model._field_to_sql(alias, "review_planned_for", query),
                reviewed=model._field_to_sql(alias, "reviewed_on", query),
                dimension=model._field_to_sql(alias, "dimension_id", query),
            )
        )
        return self.search(
            self._get_review_domain() & unplanned, limit=limit, order="id"
        )

    @api.model
    def _count_reviews_to_plan(self):
        return len(self._get_reviews_to_plan())

    @api.model
    def _plan_reviews(self, limit):
        """Plan the next reviews as activities; return how many were looked at."""
        decisions = self._get_reviews_to_plan(limit)
        planned = decisions._get_review_activities().customer_override_id
        Activity = self.env["mail.activity"].with_context(
            # many at a time: the list of activities says it, no e-mail each
            mail_activity_quick_update=True
        )
        activity_type = self.env.ref(
            "customer_classification.mail_activity_type_review",
            raise_if_not_found=False,
        )
        model = self.env["ir.model"]._get("res.partner")
        vals_list = []
        for decision in decisions:
            owner = decision._get_review_owner()
            if owner and decision not in planned:
                texts = decision.with_context(lang=owner.lang)
                vals_list.append(
                    {
                        "activity_type_id": activity_type.id
                        if activity_type
                        else False,
                        "res_model_id": model.id,
                        "res_id": decision.partner_id.id,
                        "user_id": owner.id,
                        "date_deadline": decision.review_date,
                        "summary": texts._get_review_summary(),
                        "note": texts._get_review_note(),
                        "automated": True,
                        "customer_override_id": decision.id,
                    }
                )
            decision._note_planned_review()
        Activity.create(vals_list)
        return len(decisions)

    def _note_planned_review(self):
        # in SQL: nobody decided anew, who decided and when must stay
        self.env.execute_query(
            SQL(
                "UPDATE customer_override SET review_planned_for = %s WHERE id = %s",
                self.review_date,
                self.id,
            )
        )
        self.invalidate_recordset(["review_planned_for"])

    def _get_review_owner(self):
        """Return who is to review: the first who can, by the order of the setting."""
        self.ensure_one()
        candidates = [
            self.partner_id.user_id,
            self.write_uid,
            *self.dimension_id._get_responsible_users(),
        ]
        return next((u for u in candidates if self._can_be_reviewed_by(u)), None)

    def _can_be_reviewed_by(self, user):
        """Return whether ``user`` may see and change the decision."""
        if not user.active or user.share or not user.has_group(USER_GROUP):
            return False
        own = self.with_user(user).with_context(
            allowed_company_ids=user.company_ids.ids
        )
        return bool(
            own.search_count([("id", "=", self.id)])
            and own.dimension_id.with_user(user).user_may_edit
        )

    def _get_review_summary(self):
        """Return what the activity is called, for everybody who sees the contact."""
        if self.dimension_id.view_group_ids:
            return self.env._("Review a category set by hand")
        return self.env._("Review: %(dimension)s", dimension=self.dimension_id.name)

    def _get_review_note(self):
        return self.env._(
            "Look at the category that was set by hand. Marking this activity as done "
            "confirms it; you can also change or withdraw it on the Classification tab."
        )

    # Their end

    def _get_review_activities(self):
        # sudo: they may be planned for others, and end with the decision
        return (
            self.env["mail.activity"]
            .sudo()
            .search([("customer_override_id", "in", self.ids), ("active", "=", True)])
        )

    def _confirm_by_activity(self):
        """Confirm what the user may decide: the review was done."""
        known = self.with_context(customer_review_is_known=True)
        allowed = known._filtered_access("write").exists()
        allowed.filtered(lambda o: o.dimension_id.user_may_edit).action_confirm()

    def _close_review_activities(self, feedback):
        """Mark what is planned as done."""
        activities = self._get_review_activities()
        if activities:
            activities.with_context(customer_review_is_known=True).action_feedback(
                feedback=feedback
            )

    def _remove_review_activities(self):
        """Remove what is planned: there is nothing to review any more."""
        self._get_review_activities().unlink()

    @api.model
    def _remove_moot_reviews(self):
        """Remove the activities about what is not to be reviewed any more.

        The decision ended or rests, or the setting changed.
        """
        planned = self.env["mail.activity"].search(
            [("customer_override_id", "!=", False), ("active", "=", True)]
        )
        decisions = planned.customer_override_id
        due = self.search(Domain("id", "in", decisions.ids) & self._get_review_domain())
        (decisions - due)._remove_review_activities()
