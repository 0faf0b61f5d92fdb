from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .customer_rights import check_manager


class CustomerComparison(models.Model):
    _inherit = "customer.comparison"

    draft_id = fields.Many2one(
        "customer.draft", readonly=True, index="btree_not_null", ondelete="cascade"
    )
    is_verification = fields.Boolean(
        readonly=True,
        help="Made to see whether applying the draft gives what was shown.",
    )

    def _has_happened(self):
        return super()._has_happened() or self.draft_id.state == "applied"

    def _after_last_step(self):
        """Tell the draft, once all of its comparisons are at their end."""
        result = super()._after_last_step()
        draft = self.draft_id
        if draft and "pending" not in draft.comparison_ids.mapped("state"):
            draft._after_comparison()
        return result


class CustomerDraft(models.Model):
    """Compares a draft with the present categories; nothing of those is written."""

    _inherit = "customer.draft"

    comparison_ids = fields.One2many(
        "customer.comparison", "draft_id", string="Comparisons", readonly=True
    )
    matrix = fields.Json(compute="_compute_matrix")
    compared_on = fields.Datetime(compute="_compute_compared_on")
    is_comparing = fields.Boolean(compute="_compute_compared_on")
    is_edited = fields.Boolean(
        compute="_compute_is_edited", help="The draft was edited since it was compared."
    )
    is_outdated = fields.Boolean(
        compute="_compute_is_outdated",
        help="Something happened since that may give another result.",
    )
    hidden_company_count = fields.Integer(
        compute="_compute_hidden_company_count",
        help="Companies that the draft concerns, too, and that the user may not see.",
    )

    @api.depends("state", "comparison_ids.state", "comparison_ids.after")
    @api.depends_context("lang", "uid", "allowed_company_ids")
    def _compute_matrix(self):
        for draft in self:
            draft.matrix = [
                comparison._get_matrix() for comparison in draft._get_shown()
            ]

    @api.depends("comparison_ids.state", "comparison_ids.date_done")
    def _compute_compared_on(self):
        for draft in self:
            # sudo: whether a comparison goes on is the same for everybody
            comparisons = draft.sudo().comparison_ids
            draft.is_comparing = "pending" in comparisons.mapped("state")
            shown = comparisons.filtered(lambda c: not c.is_verification)
            draft.compared_on = max(
                filter(None, shown.mapped("date_done")), default=False
            )

    @api.depends("comparison_ids.settings", "comparison_ids.is_renewed")
    def _compute_is_edited(self):
        for draft in self:
            draft.is_edited = draft._origin._was_edited()

    @api.depends("comparison_ids.present_mark")
    def _compute_is_outdated(self):
        for draft in self:
            # sudo: when something happened last is no secret
            comparisons = draft._origin.sudo()._get_all_shown()
            draft.is_outdated = draft.state != "applied" and any(
                comparison._is_outdated()
                for comparison in comparisons
                if comparison.state == "done"
            )

    @api.depends_context("uid")
    def _compute_hidden_company_count(self):
        for draft in self:
            draft.hidden_company_count = len(draft._get_hidden_companies())

    def _get_shown(self):
        """Return the comparisons that the user may see, in the order of companies."""
        return self.env["customer.comparison"].search(
            [("draft_id", "=", self._origin.id), ("is_verification", "=", False)],
            order="id",
        )

    def _get_all_shown(self):
        return self.comparison_ids.filtered(lambda c: not c.is_verification)

    def _was_edited(self):
        """Return whether the draft is not what was compared."""
        # sudo: whether it was edited is the same for everybody
        return any(
            comparison.settings != self._get_settings(comparison.company_id)
            or comparison.is_renewed != self.is_renewed
            for comparison in self.sudo()._get_all_shown()
        )

    def _get_companies(self):
        """Return the companies to compare in; one that is empty for all together."""
        self.ensure_one()
        Company = self.env["res.company"]
        if self.is_shared:
            return [Company]
        roots = self.env.user.company_ids.filtered_domain([("parent_id", "=", False)])
        return list(self.company_id | roots.sorted("id"))

    def _get_hidden_companies(self):
        """Return the companies that follow the dimension and the user may not see."""
        if not self.dimension_id or self.is_shared:
            return self.env["res.company"]
        # sudo: companies that the user may not see are what is looked for
        versions = self.sudo().dimension_id.ruleset_ids
        return (
            versions.filtered(lambda version: version.state == "active").company_id
            - self.env.user.company_ids
        )

    def action_compare(self):
        """Compare with the present categories: at once, or in the background."""
        self.ensure_one()
        self._check_may_try()
        self._check_dimension()
        self.message = False
        self._compare()

    def _compare(self, is_verification=False):
        """Make comparisons, or ask for them where there are very many customers.

        :param bool is_verification: keep those that are shown, to compare these with
        """
        self.env.flush_all()
        # sudo: the engine makes comparisons; who may ask for one was checked
        Comparison = self.env["customer.comparison"].sudo()
        is_small = Comparison._is_small()
        self.sudo().comparison_ids.filtered(
            lambda c: c.is_verification or not is_verification
        )._remove()
        made = Comparison
        for company in self._get_companies():
            comparison = Comparison._begin_settings(
                self.dimension_id,
                company.sudo(),
                self._get_settings(company),
                self.is_renewed,
            )
            comparison.write({"draft_id": self.id, "is_verification": is_verification})
            if is_small:
                comparison._finish()
            made += comparison
        if not is_small:
            made._ask_for_step()
        self.invalidate_recordset()
        return made

    def _check_may_try(self):
        """Refuse to go on where the user may not see what would be compared.

        :raise AccessError: without the manager group, or for another's company
        """
        if not self.env.su:
            check_manager(self.env)
        self.check_access("write")
        if not self.is_shared and self.company_id not in self.env.user.company_ids:
            raise AccessError(
                self.env._(
                    "This draft tries the period of a company that you may not see."
                )
            )

    def _check_dimension(self):
        """Refuse to go on where no run would follow the draft.

        :raise UserError: saying what to do
        """
        dimension = self.dimension_id
        if not dimension.active:
            raise UserError(
                self.env._(
                    "“%(dimension)s” is archived, so nobody is classified by it. "
                    "Unarchive it first.",
                    dimension=dimension.name,
                )
            )
        self._check_method()
