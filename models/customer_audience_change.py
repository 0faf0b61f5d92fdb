from odoo import fields, models


class CustomerAudienceChange(models.Model):
    """A change of categories that customers of an audience went through lately."""

    _name = "customer.audience.change"
    _description = "Change That an Audience Asks For"
    _order = "audience_id, id"
    _rec_name = "category_id"

    audience_id = fields.Many2one(
        "customer.audience", required=True, index=True, ondelete="cascade"
    )
    direction = fields.Selection(
        [("became", "Became"), ("left", "Ceased to be")],
        required=True,
        default="became",
    )
    category_id = fields.Many2one(
        "customer.category", required=True, ondelete="restrict"
    )
    days = fields.Integer(
        "In the Last (Days)", required=True, default=30, help="Today included."
    )

    _days_positive = models.Constraint(
        "CHECK (days > 0)", "Enter a number of days of one or more."
    )
