from odoo import fields, models


class CustomerBulk(models.Model):
    """Decisions by hand about many customers at a time.

    What it writes are ordinary decisions by hand, one for each customer, each with
    its row in the history; all of them name their bulk change.
    """

    _name = "customer.bulk"
    _description = "Bulk Change"
    _order = "id desc"

    name = fields.Char(
        required=True,
        default=lambda self: self.env._("Bulk change"),
        help="What you will know it by later.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="By",
        required=True,
        readonly=True,
        default=lambda self: self.env.uid,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company.root_id,
        ondelete="cascade",
        help="Where the categories hold, unless all companies share them.",
    )
