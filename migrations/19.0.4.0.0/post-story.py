"""From 19.0.3.0.0: what the history and the categories say of movements."""

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL

#: Dimensions that ship and are ranked, besides those with a score
RANKED = ("payment", "frequency", "loyalty", "size")


def migrate(cr, version):
    """Mark what was computed under a decision by hand, and what ships as ranked.

    A decision was in force where the last event by hand before is not its end.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    env.flush_all()
    cr.execute(
        SQL(
            """
            UPDATE customer_assignment_history AS computed
               SET is_hidden = TRUE
              FROM (
                  SELECT DISTINCT partner_id, dimension_id, company_id, slot
                    FROM customer_assignment_history
                   WHERE event NOT IN ('run', 'merged')
              ) AS decided
             WHERE computed.event = 'run'
               AND computed.is_hidden IS NULL
               AND computed.partner_id = decided.partner_id
               AND computed.dimension_id = decided.dimension_id
               AND computed.company_id IS NOT DISTINCT FROM decided.company_id
               AND computed.slot = decided.slot
               AND (
                   SELECT former.event NOT IN ('withdrawn', 'expired')
                     FROM customer_assignment_history AS former
                    WHERE former.partner_id = computed.partner_id
                      AND former.dimension_id = computed.dimension_id
                      AND former.company_id
                          IS NOT DISTINCT FROM computed.company_id
                      AND former.slot = computed.slot
                      AND former.event NOT IN ('run', 'merged')
                      AND (former.date, former.id) < (computed.date, computed.id)
                    ORDER BY former.date DESC, former.id DESC
                    LIMIT 1
               )
            """
        )
    )
    for code in RANKED:
        dimension = env.ref(f"customer_classification.dimension_{code}", False)
        if dimension and not dimension.is_multiple:
            dimension.is_ranked = True
    lost = env.ref("customer_classification.category_lifecycle_lost", False)
    if lost:
        lost.is_lost = True
    env.invalidate_all()
