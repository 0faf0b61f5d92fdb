"""From 19.0.2.0.0: the night begins where each company is."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Let the nightly action look every hour, unless somebody set another rhythm.

    It classifies a company once a day, when the hour of the company's settings has
    come there. The action belongs to the administrators, so that an upgrade does not
    load it again.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    cron = env.ref("customer_classification.ir_cron_classify", False)
    if cron and (cron.interval_number, cron.interval_type) == (1, "days"):
        cron.write({"interval_type": "hours", "nextcall": env.cr.now()})
