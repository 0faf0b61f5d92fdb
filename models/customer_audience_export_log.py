from odoo import api, fields, models
from odoo.exceptions import UserError


class CustomerAudienceExportLog(models.Model):
    """Who took customers out of the database, when, and what of them. Append-only."""

    _name = "customer.audience.export.log"
    _description = "Export of an Audience"
    _order = "id desc"
    _rec_name = "audience_name"
    _log_access = False

    date = fields.Datetime(required=True, readonly=True)
    user_id = fields.Many2one(
        "res.users", string="By", required=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade"
    )
    audience_id = fields.Many2one(
        "customer.audience", readonly=True, index=True, ondelete="set null"
    )
    audience_name = fields.Char("Audience's Name", required=True, readonly=True)
    row_count = fields.Integer("Customers", readonly=True)
    column_names = fields.Char("Columns", readonly=True)
    file_format = fields.Selection(
        [("csv", "CSV"), ("xlsx", "Excel")], "Format", required=True, readonly=True
    )

    def write(self, vals):
        if vals:
            raise UserError(self.env._("The log of exports cannot be changed."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("The log of exports cannot be changed."))
