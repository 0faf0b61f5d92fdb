from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one
from .customer_rights import MANAGER_GROUP


class CustomerAssignmentHistory(models.Model):
    """History that outlives its customer, as statistics about nobody.

    How many customers moved from where to where stays true when one of them is
    deleted, or asks for the erasure of the profile. The rows lose the customer, what
    people wrote and the figures that decided. Only managers see them.
    """

    _inherit = "customer.assignment.history"

    partner_id = EngineMany2one(required=False, ondelete="set null")
    is_anonymous = fields.Boolean(
        "Anonymized",
        compute="_compute_is_anonymous",
        search="_search_is_anonymous",
        help="The customer was deleted, or the profile erased.",
    )

    @api.depends("partner_id")
    def _compute_is_anonymous(self):
        for row in self:
            row.is_anonymous = not row.partner_id

    def _search_is_anonymous(self, operator, value):
        if operator != "in":
            return NotImplemented
        domain = Domain("partner_id", "=", False)
        return domain if True in value else ~domain

    @api.depends("partner_id")
    def _compute_display_name(self):
        result = super()._compute_display_name()
        for row in self.filtered("is_anonymous"):
            row.display_name = self.env._("Anonymized customer")
        return result

    @api.model
    def _get_visible_domain(self):
        domain = super()._get_visible_domain()
        if self.env.user.has_group(MANAGER_GROUP):
            domain |= Domain("partner_id", "=", False)
        return domain

    def _get_hidden(self):
        hidden = super()._get_hidden()
        if not self.env.user.has_group(MANAGER_GROUP):
            # sudo: only to learn whose history it is
            hidden |= self.sudo().filtered("is_anonymous").sudo(False)
        return hidden

    @api.model
    def _anonymize(self, partners):
        """Detach the history of ``partners`` for good."""
        self.flush_model()
        self.env.execute_query(
            SQL(
                """
                UPDATE customer_assignment_history
                   SET partner_id = NULL,
                       former_partner_id = NULL,
                       former_name = NULL,
                       reason = NULL,
                       inputs = NULL,
                       revenue = NULL,
                       is_to_publish = FALSE
                 WHERE partner_id = ANY(%s)
                """,
                partners.ids,
            )
        )
        self.invalidate_model()
