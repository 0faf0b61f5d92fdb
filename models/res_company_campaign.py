import secrets

from odoo import api, fields, models


class ResCompany(models.Model):
    """What holds for all campaigns of a company."""

    _inherit = "res.company"

    customer_gap_days = fields.Integer(
        string="Days Between Messages",
        default=7,
        help="What new campaigns begin with: whoever got a message in so many days "
        "gets none. 0: no limit.",
    )
    customer_control_share = fields.Float(
        string="Control Group (%)",
        digits=(5, 2),
        help="So many of the customers, chosen by chance, get no message of any "
        "campaign: what they buy is what campaigns are measured by. 0: nobody.",
    )
    customer_control_seed = fields.Char(
        readonly=True,
        copy=False,
        help="With the customer's id it decides who is in the control group. It stays "
        "when the group is switched off and on again, so that it is the same group.",
    )

    _customer_gap_valid = models.Constraint(
        "CHECK (customer_gap_days >= 0)",
        "The days between messages are zero or more.",
    )
    _customer_control_valid = models.Constraint(
        "CHECK (customer_control_share >= 0 AND customer_control_share < 100)",
        "The control group is a percentage from 0 to less than 100.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies._fill_control_seed()
        return companies

    def write(self, vals):
        result = super().write(vals)
        if vals.get("customer_control_share"):
            self._fill_control_seed()
        return result

    def _fill_control_seed(self):
        """Give each company its seed, once."""
        for company in self:
            if company.customer_control_share and not company.customer_control_seed:
                company.customer_control_seed = secrets.token_hex(16)
