"""Runs inside Odoo's Python environment: a step in the life of an installed addon.

    python lifecycle.py DATABASE FUNCTION [ADDONS_PATH]

FUNCTION, one of those below, gets the environment of Odoo's superuser.
"""

import socket
import sys
from datetime import timedelta

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

import odoo
from odoo import SUPERUSER_ID, api, fields
from odoo.fields import Command
from odoo.modules.registry import Registry

CUSTOMERS = 6
WAITING = "Waits in the queue"
MESSAGE = {"body_arch": "<p>Hello</p>", "body_html": "<p>Hello</p>"}


def use(env):
    """Work with the addon as people do: every table of it gets rows."""
    env["account.chart.template"].try_loading("generic_coa", env.company)
    customers = _create_customers(env)
    today = fields.Date.today()
    _post(env, customers, today - timedelta(days=200))
    Run = env["customer.classification.run"]
    Run.classify()
    # All but one buy again, so that the next run changes tiers
    _post(env, customers[1:], today)
    Run.classify()
    Run.classify(partners=customers[0])
    Run.classify(as_of=today - timedelta(days=100))
    Run.action_recompute_now()
    _decide(env, customers[0])
    _add_dimension(env, customers[1])
    _queue_mailings(env, customers)
    _write_to(env, customers)
    env.company.customer_window_days = 180


def _create_customers(env):
    return env["res.partner"].create(
        [
            {
                "name": f"Customer {i}",
                "is_company": True,
                "email": f"customer{i}@example.com",
            }
            for i in range(CUSTOMERS)
        ]
    )


def _post(env, customers, day):
    """Post an invoice to each customer, the later in the list the larger."""
    moves = env["account.move"].create(
        [
            {
                "move_type": "out_invoice",
                "partner_id": customer.id,
                "invoice_date": day,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Goods", "price_unit": 100 * number, "tax_ids": []}
                    )
                ],
            }
            for number, customer in enumerate(customers, 1)
        ]
    )
    moves.action_post()


def _decide(env, customer):
    gold = env.ref("customer_classification.category_gold")
    decision = env["customer.override"].create(
        {
            "partner_id": customer.id,
            "dimension_id": gold.dimension_id.id,
            "category_id": gold.id,
            "reason": "A promise",
        }
    )
    decision.date_end = fields.Date.add(decision.date_end, days=1)


def _add_dimension(env, customer):
    """Add a dimension with categories, a decision in it and filters that use it."""
    dimension = env["customer.dimension"].create(
        {
            "name": "Contract",
            "code": "contract",
            "category_ids": [
                Command.create({"name": name, "code": name.lower()})
                for name in ("New", "Old")
            ],
        }
    )
    env["customer.override"].create(
        {
            "partner_id": customer.id,
            "dimension_id": dimension.id,
            "category_id": dimension.category_ids[0].id,
            "reason": "A guess",
        }
    )
    domain = [(dimension.partner_field_name, "!=", False)]
    env["res.partner"].search(domain).ensure_one()
    for model, condition in (("res.partner", domain), ("customer.assignment", [])):
        env["ir.filters"].create(
            {"name": "Mine", "model_id": model, "domain": str(condition)}
        )


def _write_to(env, customers):
    """Let a mailing that waits in the queue and a list go to an audience."""
    audience = env["customer.audience"].create(
        {
            "name": "Golden",
            "domain": repr([("id", "=", customers[0].id)]),
            "any_category_ids": env.ref("customer_classification.category_gold").ids,
            "user_id": env.ref("base.user_admin").id,
        }
    )
    action = audience.action_use_in_mailings()
    mailing = env["mailing.mailing"].with_context(**action["context"])
    mailing = mailing.create({"subject": WAITING, "body_html": "<p>Hello</p>"})
    mailing.state = "in_queue"
    assert len(mailing._get_recipients()) == 1
    env["mailing.list"].with_user(audience.user_id).create(
        {"name": "Golden", "customer_audience_id": audience.id}
    )._update_from_audience()


def ask_mailing(env):
    """Ask for the recipients of what waits in the queue, without the addon."""
    mailing = env["mailing.mailing"].search([("subject", "=", WAITING)])
    assert (mailing.state, len(mailing._get_recipients())) == ("in_queue", 1)
    assert not env["mailing.filter"].search([("name", "=", "Golden")])


def _queue_mailings(env, customers):
    """Let mailings wait: of a campaign, of others, with and without our fields."""
    _queue_campaign(env, customers[:2])
    tier = repr([("x_cls_value_tier_id", "!=", False)])
    some = repr([("id", "in", customers[2:4].ids)])
    person = '<p><t t-out="object.x_cls_value_tier_id.name"/></p>'
    _queue_mailing(env, "By tier", tier)
    _queue_mailing(env, "Speaks of the tier", some, body_html=person)
    _queue_mailing(env, "Of others", some)
    env["mailing.filter"].create(
        {
            "name": "With a tier",
            "mailing_model_id": env["ir.model"]._get_id("res.partner"),
            "mailing_domain": tier,
        }
    )


def _queue_campaign(env, customers):
    env.company.customer_mailing_share_limit = 0
    campaign = env["customer.campaign"].create({"name": "Spring", "holdout_share": 0})
    campaign._add_choices([("id", "in", customers.ids)])
    campaign.mailing_id.write(MESSAGE)
    campaign.action_approve()


def _queue_mailing(env, subject, domain, **values):
    env["mailing.mailing"].create(
        {
            **MESSAGE,
            "subject": subject,
            "mailing_model_id": env["ir.model"]._get_id("res.partner"),
            "mailing_domain": domain,
            **values,
        }
    ).action_put_in_queue()


def approve(env):
    """Let a campaign wait in the mailing queue, and a mailing of somebody else."""
    customers = _create_customers(env)
    _queue_campaign(env, customers[:2])
    _queue_mailing(env, "Of others", repr([("id", "in", customers[2:4].ids)]))


class Sink(Message):
    """Takes mails, and keeps for whom they were."""

    def __init__(self):
        super().__init__()
        self.received = []

    def prepare_message(self, session, envelope):
        self.received += envelope.rcpt_tos
        return super().prepare_message(session, envelope)

    def handle_message(self, message):
        pass


def send(env):
    """Run the mailing queue, and print who got something and what waits."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        env["ir.mail_server"].create(
            {"name": "Sink", "smtp_host": "127.0.0.1", "smtp_port": port}
        )
        env.cr.commit()  # pylint: disable=invalid-commit
        env.ref("mass_mailing.ir_cron_mass_mailing_queue").method_direct_trigger()
    finally:
        controller.stop()
    env.cr.rollback()  # the action has a transaction of its own: see what it did
    for mailing in env["mailing.mailing"].search([], order="id"):
        print("MAILING", mailing.subject, mailing.state, flush=True)
    print("RECEIVED", *sorted(sink.received), flush=True)


def uninstall(env):
    """Remove the addon, with the method of the button in the list of apps."""
    addon = env["ir.module.module"].search([("name", "=", "customer_classification")])
    addon.button_immediate_uninstall()


def main(database, function, addons_path=None):
    arguments = ["-d", database, "--no-http"]
    if addons_path:
        arguments.append(f"--addons-path={addons_path}")
    odoo.tools.config.parse_config(arguments, setup_logging=True)
    with Registry(database).cursor() as cr:  # commits unless an exception leaves it
        globals()[function](api.Environment(cr, SUPERUSER_ID, {}))


if __name__ == "__main__":
    main(*sys.argv[1:])
