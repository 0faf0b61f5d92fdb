from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from .customer_rights import MANAGER_GROUP


class CustomerDimension(models.Model):
    """Who sees a dimension, and who sets its categories by hand.

    What is hidden are the customers' rows, for everybody outside the groups; the
    record rules say so. The dimension itself stays visible to managers: they
    configure it.
    """

    _inherit = "customer.dimension"

    user_may_edit = fields.Boolean(
        "I Set It by Hand",
        compute="_compute_user_may_edit",
        help="Whether you may set the category of customers by hand.",
    )

    @api.depends("edit_group_ids", "view_group_ids")
    @api.depends_context("uid")
    def _compute_user_may_edit(self):
        groups = self.env.user.all_group_ids
        is_manager = self.env.user.has_group(MANAGER_GROUP)
        for dimension in self:
            # sudo: the user need not see the dimension to be told
            edits = dimension.sudo().edit_group_ids
            dimension.user_may_edit = dimension._is_visible_to_user() and (
                is_manager or not edits or bool(edits & groups)
            )

    def _check_may_edit(self):
        """Refuse to go on where the user may not set categories by hand.

        :raise AccessError: naming the dimension
        """
        if self.env.su:
            return
        # sudo: the name of a dimension that the user may not even see
        for dimension in self.sudo():
            if not dimension.sudo(False).user_may_edit:
                raise AccessError(
                    self.env._(
                        "“%(dimension)s” is not set by you: only members of the groups "
                        "named in its settings do that. Ask a manager of the customer "
                        "classification.",
                        dimension=dimension.name,
                    )
                )

    @api.model
    def _get_visible_domain(self):
        """Return the domain of the dimensions whose customers' rows the user sees.

        For what is read as superuser on a user's behalf, where no record rule holds.
        """
        return Domain("view_group_ids", "=", False) | Domain(
            "view_group_ids", "in", self.env.user.all_group_ids.ids
        )

    def _is_visible_to_user(self):
        """Return whether the user sees the customers' rows of the dimension."""
        self.ensure_one()
        # sudo: the user need not see the dimension to be told
        views = self.sudo().view_group_ids
        return not views or bool(views & self.env.user.all_group_ids)
