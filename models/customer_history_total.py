from odoo import api, fields, models


class CustomerHistoryTotal(models.Model):
    """How many changed from where to where in a month whose history was removed.

    Numbers about nobody: they stay when customers are deleted or erased.
    """

    _name = "customer.history.total"
    _description = "Movements of a Former Month"
    _order = "month desc, dimension_id, count desc, id"
    _rec_name = "month"
    _log_access = False

    company_id = fields.Many2one("res.company", readonly=True, ondelete="cascade")
    dimension_id = fields.Many2one(
        "customer.dimension", required=True, readonly=True, ondelete="cascade"
    )
    month = fields.Date(required=True, readonly=True)
    event = fields.Selection(
        selection=lambda self: (
            self.env["customer.assignment.history"]
            ._fields["event"]
            ._description_selection(self.env)
        ),
        required=True,
        readonly=True,
    )
    old_category_id = fields.Many2one(
        "customer.category", string="From", readonly=True, ondelete="restrict"
    )
    new_category_id = fields.Many2one(
        "customer.category", string="To", readonly=True, ondelete="restrict"
    )
    is_hidden = fields.Boolean(
        "Under a Decision by Hand",
        readonly=True,
        help="Computed while a decision by hand was in force: nobody saw it.",
    )
    count = fields.Integer("Changes", readonly=True)

    _key_unique = models.UniqueIndex(
        "(dimension_id, COALESCE(company_id, 0), month, event,"
        " COALESCE(old_category_id, 0), COALESCE(new_category_id, 0), is_hidden)"
    )

    @api.model
    def _get_complete_since(self, dimension, company):
        """Return the first day that the history tells, or False: it tells all.

        :param company: whose categories; of a dimension that all share, any
        """
        owner = company.root_id
        if dimension.is_shared:
            owner = company._get_first_company()
        # sudo: from when on is said to everybody who asks for a day
        retention = self.env["customer.history.retention"].sudo()
        return retention.search([("company_id", "=", owner.id)]).complete_since
