from odoo import models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from .customer_classification_run_line import LOCK_SPACE


class CustomerCategory(models.Model):
    """Merging categories: one takes the place of others, and of all they had.

    The merged ones are archived and name their successor: history and the versions
    of the rules keep naming them, and a mirrored value that stood for one of them
    stands for the successor from then on.
    """

    _inherit = "customer.category"

    def _get_successor(self):
        """Return the category that holds today in place of this one: mostly itself."""
        self.ensure_one()
        return self.successor_id or self

    def _merge_into(self, target):
        """Move everything of these categories to ``target`` and archive them.

        :raise ValidationError: where they cannot become one
        :raise UserError: while a company is being classified
        """
        (self | target).check_access("write")
        self._check_mergeable(target)
        self._lock_runs()
        self.env.flush_all()
        reason = self.env._(
            "%(categories)s merged into “%(target)s”",
            categories=", ".join(f"“{category.name}”" for category in self),
            target=target.name,
        )
        # Decisions first: which of them still say something depends on what the
        # customers hold until now
        self.env["customer.override"]._merge_categories(self, target, reason)
        self.env["customer.assignment"]._merge_categories(self, target, reason)
        self._merge_rules(target)
        self._merge_tree(target)
        limits = self._get_merged_limits(target)
        self.with_context(customer_category_is_decided=True).write(
            {"active": False, "successor_id": target.id}
        )
        target.write(limits)
        self.env["customer.assignment.history"].invalidate_model()
        self.env["res.partner"]._invalidate_customer_fields()

    def _check_mergeable(self, target):
        if target in self:
            raise ValidationError(
                self.env._("A category cannot be merged into itself.")
            )
        if (self | target).dimension_id != target.dimension_id:
            raise ValidationError(
                self.env._("Only categories of the same dimension can be merged.")
            )
        if not target.active:
            raise ValidationError(
                self.env._(
                    "“%(category)s” is archived: choose another category, or "
                    "unarchive it first.",
                    category=target.name,
                )
            )

    def _lock_runs(self):
        """Let no run compute until the transaction ends: it would bring them back.

        :raise UserError: if one is computing now
        """
        # sudo: categories are the same in all companies
        companies = self.env["res.company"].sudo().search([("parent_id", "=", False)])
        for key in [0, *companies.ids]:
            [[is_locked]] = self.env.execute_query(
                SQL("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK_SPACE, key)
            )
            if not is_locked:
                raise UserError(
                    self.env._(
                        "Customers are being classified just now. Try again in a few "
                        "minutes."
                    )
                )

    def _merge_rules(self, target):
        """Let rules, defaults and earlier merges name the successor."""
        # sudo: rules of other companies give the category, too
        self.env["customer.dimension.rule"].sudo().with_context(
            active_test=False
        ).search([("category_id", "in", self.ids)]).category_id = target
        dimension = target.dimension_id
        if dimension.default_category_id in self:
            dimension.default_category_id = target
        self.with_context(active_test=False).search(
            [("successor_id", "in", self.ids)]
        ).successor_id = target

    def _merge_tree(self, target):
        """Hang the parts of the merged categories below their successor."""
        above = target
        while above.parent_id:
            above = above.parent_id
            if above in self:
                # the successor is itself a part of what is merged: it moves out
                target.parent_id = above.parent_id
                above = target
        parts = self.with_context(active_test=False).search(
            [("parent_id", "in", self.ids), ("id", "not in", self.ids)]
        )
        (parts - target).parent_id = target

    def _get_merged_limits(self, target):
        """Return the limits by which ``target`` gets the scores of all of them.

        :raise ValidationError: where another category lies between them
        """
        merged = (self | target).filtered(lambda c: c.active and c.minimum_score)
        if target.dimension_id.method != "score" or not merged:
            return {}
        lowest = min(merged, key=lambda category: category.minimum_score)
        highest = max(merged, key=lambda category: category.minimum_score)
        between = target.dimension_id.category_ids.filtered(
            lambda category: (
                lowest.minimum_score < category.minimum_score < highest.minimum_score
            )
        )
        between -= merged
        if between:
            raise ValidationError(
                self.env._(
                    "“%(between)s” lies between “%(lowest)s” and “%(highest)s”. Merge "
                    "categories whose scores follow each other, or change the scores "
                    "first.",
                    between=between[0].name,
                    lowest=lowest.name,
                    highest=highest.name,
                )
            )
        return {
            "minimum_score": lowest.minimum_score,
            "keep_score": lowest.keep_score,
        }
