"""From 19.0.3.0.0: runs name their companies, for the record rule."""

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL

FORMER_DOMAIN = "[('line_ids.company_id', 'parent_of', company_ids)]"
DOMAIN = "[('company_ids', 'parent_of', company_ids)]"


def migrate(cr, version):
    """Name the companies of the runs that there are; let the record rule read them.

    An upgrade does not load record rules again: they belong to the administrators. One
    that somebody changed stays.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    env.flush_all()
    cr.execute(
        SQL(
            """
            INSERT INTO customer_classification_run_res_company_rel
                        (customer_classification_run_id, res_company_id)
            SELECT DISTINCT run_id, company_id
              FROM customer_classification_run_line
             WHERE company_id IS NOT NULL
            ON CONFLICT DO NOTHING
            """
        )
    )
    env.invalidate_all()
    rule = env.ref(
        "customer_classification.customer_classification_run_rule_company", False
    )
    if rule and rule.domain_force.replace('"', "'") == FORMER_DOMAIN:
        rule.domain_force = DOMAIN
