"""What a campaign to every customer takes, from the preview to its results."""

import time
from datetime import timedelta

import database
from timing import Result

from odoo import fields
from odoo.tools import SQL

MESSAGE = {
    "subject": "Hello",
    "body_arch": "<p>Hello</p>",
    "body_html": "<p>Hello</p>",
    "body_plaintext": "Hello",
}
#: Days since the message, all of which count
DAYS = 90


def measure(filled, unit):
    """Return results of a campaign's steps, each once, in one transaction.

    :param unit: the result that the ratios are to; its user is a marketer by now
    """
    results = []
    with database.environment(filled.user_id) as env:
        env.company.sudo().customer_mailing_share_limit = 0
        audience = env["customer.audience"].create({"name": "Everybody"})
        campaign = env["customer.campaign"].create(
            {
                "name": "Everybody",
                "audience_id": audience.id,
                "holdout_share": 10,
                "gap_days": 0,
                "window_days": DAYS,
            }
        )
        campaign.mailing_id.write(MESSAGE)
        env.flush_all()

        def timed(name, call):
            env.invalidate_all()
            begin = time.perf_counter()
            call()
            env.flush_all()
            result = Result(name, [time.perf_counter() - begin], unit)
            results.append(result)
            return result

        timed("preview of a campaign", campaign._preview_members)
        approval = timed("approval", campaign.action_approve)
        approval.note = f"{campaign.customer_count:,} customers"
        mailing = campaign.mailing_id
        recipients = timed("whom to send to", mailing._get_remaining_recipients)
        recipients.note = f"{campaign.target_count:,} to be written to"
        _let_days_pass(env, campaign)
        timed("results, the first time", campaign.sudo()._refresh_results)
        again = timed("results again", campaign.sudo()._refresh_results)
        again.note = f"{campaign.invoice_count:,} invoices"
        env.cr.rollback()
    return results


def _let_days_pass(env, campaign):
    """Let the message have been sent to everybody some time ago."""
    sent = fields.Datetime.now() - timedelta(days=DAYS)
    campaign.sudo().write({"state": "running", "sent_on": sent})
    env.flush_all()
    env.execute_query(
        SQL(
            """
            UPDATE customer_campaign_member
               SET date_start = %s
             WHERE campaign_id = %s AND role IN ('target', 'holdout')
            RETURNING id
            """,
            sent.date(),
            campaign.id,
        )
    )
    env.invalidate_all()
