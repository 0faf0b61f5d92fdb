from odoo import api, fields, models

from ..models.customer_rights import check_manager


class CustomerLinterFinding(models.TransientModel):
    """What the check of the configuration found, as a list to work through."""

    _name = "customer.linter.finding"
    _description = "Finding About the Configuration"
    _order = "severity_order, dimension_id, id"
    _rec_name = "message"

    severity = fields.Selection(
        [("error", "Error"), ("warning", "Warning"), ("info", "Note")],
        required=True,
        readonly=True,
    )
    severity_order = fields.Integer(readonly=True)
    dimension_id = fields.Many2one("customer.dimension", readonly=True)
    message = fields.Char("Finding", readonly=True)
    count = fields.Integer("Customers", readonly=True)
    partner_ids = fields.Json(readonly=True)
    example_id = fields.Many2one("res.partner", readonly=True)
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(model_field="res_model", readonly=True)

    @api.model
    def action_check(self, dimension_ids=None):
        """Check the configuration for the active company and open what was found.

        :param list dimension_ids: only these dimensions, or None for all
        """
        check_manager(self.env)
        dimensions = None
        if dimension_ids:
            dimensions = self.env["customer.dimension"].browse(dimension_ids)
        self.search([("create_uid", "=", self.env.uid)]).unlink()
        # Records that only the rehearsal made are gone
        self.create(
            [
                {
                    **finding,
                    "severity_order": number,
                    "example_id": finding["partner_ids"][:1]
                    and finding["partner_ids"][0],
                    "res_id": self._get_existing(finding),
                }
                for number, finding in enumerate(
                    self.env["customer.linter"]._check(
                        self.env.company.root_id, dimensions
                    )
                )
            ]
        )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_linter_finding_action"
        )
        return {**action, "domain": [("create_uid", "=", self.env.uid)]}

    @api.model
    def _get_existing(self, finding):
        record = self.env[finding["res_model"]].browse(finding["res_id"])
        return record.exists().id

    def action_open(self):
        """Open the rule, category, dimension or metric."""
        self.ensure_one()
        is_there = self.res_id and self.env[self.res_model].browse(self.res_id).exists()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model if is_there else "customer.dimension",
            "res_id": self.res_id if is_there else self.dimension_id.id,
            "view_mode": "form",
            "views": [[False, "form"]],
        }

    def action_open_customers(self):
        """Open the list of the customers concerned."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.message,
            "res_model": "res.partner",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": [("id", "in", self.partner_ids)],
            "context": {"active_test": False},
        }
