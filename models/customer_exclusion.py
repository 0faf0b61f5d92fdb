from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from .customer_scope import EVERYONE


class CustomerExclusion(models.Model):
    """A customer who is not to be classified, such as one who objected to it.

    It is a row of its own, in all companies: a flag on the contact would be copied
    and imported along with it.
    """

    _name = "customer.exclusion"
    _inherit = ["customer.rows.mixin"]
    _description = "Customer Excluded From Classification"
    _order = "create_date desc, id desc"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(readonly=False)
    reason = fields.Char(help="For example the letter in which the customer asked.")

    # A constraint, not an index: merging contacts keeps one of two then
    _partner_unique = models.Constraint(
        "UNIQUE (partner_id)", "This customer is excluded already."
    )

    @api.model_create_multi
    def create(self, vals_list):
        partners = self.env["res.partner"]
        for vals in vals_list:
            partner = partners.browse(vals.get("partner_id"))
            vals["partner_id"] = partner.commercial_partner_id.id
        exclusions = super().create(vals_list)
        self.env["customer.change"]._mark(exclusions.partner_id)
        return exclusions

    def unlink(self):
        self.env["customer.change"]._mark(self.partner_id)
        return super().unlink()

    @api.model
    def _get_included(self, rows, partner):
        """Return SQL for those of ``rows`` that are about nobody excluded.

        :param str partner: the column of ``rows`` with the customer's id
        """
        self.flush_model(["partner_id"])
        return SQL(
            """
            SELECT *
              FROM (%s) AS included
             WHERE NOT EXISTS (
                   SELECT FROM customer_exclusion AS excluded
                    WHERE excluded.partner_id = %s
                   )
            """,
            rows,
            SQL.identifier("included", partner),
        )


class ResCompany(models.Model):
    _inherit = "res.company"

    def _get_customer_query(self, settings, scope=EVERYONE):
        """Leave out who is excluded from the classification."""
        customers = super()._get_customer_query(settings, scope)
        return self.env["customer.exclusion"]._get_included(customers, "id")


class CustomerMetric(models.Model):
    _inherit = "customer.metric"

    def _get_query(self, *args, **kwargs):
        """Leave out who is excluded from the classification."""
        values = super()._get_query(*args, **kwargs)
        return self.env["customer.exclusion"]._get_included(values, "partner_id")


class CustomerOverride(models.Model):
    _inherit = "customer.override"

    @api.constrains("partner_id")
    def _check_partner_is_not_excluded(self):
        # sudo: the managers' list counts for everybody
        excluded = (
            self.env["customer.exclusion"]
            .sudo()
            .search([("partner_id", "in", self.partner_id.ids)], limit=1)
            .partner_id
        )
        if excluded:
            raise ValidationError(
                self.env._(
                    "“%(customer)s” is excluded from the classification. A manager can "
                    "take the customer off that list.",
                    customer=excluded.display_name,
                )
            )
