from odoo import models


class MailingTrace(models.Model):
    """What was sent lately is found by its day, among years of mailings."""

    _inherit = "mailing.trace"

    _customer_sent_idx = models.Index("(sent_datetime) WHERE sent_datetime IS NOT NULL")
