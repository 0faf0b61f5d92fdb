from odoo import api, fields, models


class CustomerDimension(models.Model):
    _inherit = "customer.dimension"

    is_ranked = fields.Boolean(
        "Ranked, Best First",
        compute="_compute_is_ranked",
        store=True,
        readonly=False,
        help="The order of the categories says which is better: movements count as "
        "upgrades and downgrades.",
    )

    @api.depends("method", "is_multiple")
    def _compute_is_ranked(self):
        for dimension in self:
            if dimension.method == "score":
                dimension.is_ranked = True
            elif dimension.is_multiple:
                dimension.is_ranked = False


class CustomerCategory(models.Model):
    _inherit = "customer.category"

    is_lost = fields.Boolean(
        "Counts as Lost",
        help="Who gets this category counts as having left, as who gets none does.",
    )
