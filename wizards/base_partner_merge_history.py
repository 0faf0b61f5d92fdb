from odoo import api, fields, models
from odoo.tools import SQL


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """Merged contacts stay apart in what the history says of the days before."""

    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        # sudo: decisions of all companies and dimensions move along
        decisions = self.env["customer.override"].sudo()
        decisions = decisions.search(
            [("partner_id", "in", (src_partners + dst_partner).ids)]
        )
        # while it is known whose they are
        decisions._record_ended()
        self.env.flush_all()
        self._record_former(src_partners, dst_partner)
        before = self._get_held(dst_partner)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        self._record_taken_over(dst_partner, before)
        return result

    @api.model
    def _record_former(self, src_partners, dst_partner):
        """Note whose history it was, and end there what was shown of the contacts."""
        # sudo: of all companies and dimensions
        held = self.env["customer.override"].sudo()
        values = {
            "now": fields.Datetime.now(),
            "user": self.env.uid,
            "kept": dst_partner.id,
            "gone": src_partners.ids,
            "held": held._search([("has_ended", "=", False)]).subselect(),
        }
        self.env.execute_query(
            SQL(
                """
                UPDATE customer_assignment_history AS history
                   SET former_partner_id = partner.id,
                       former_name = partner.name
                  FROM res_partner AS partner
                 WHERE partner.id = history.partner_id
                   AND history.partner_id = ANY(%(gone)s)
                   AND history.former_partner_id IS NULL
                """,
                **values,
            )
        )
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_assignment_history (
                    partner_id, former_partner_id, former_name,
                    company_id, dimension_id, slot, event, effect, date,
                    old_category_id, old_since, user_id
                )
                SELECT %(kept)s, partner.id, partner.name,
                       held.company_id, held.dimension_id, held.slot, 'moved',
                       held.effect, %(now)s, held.category_id, held.since, %(user)s
                  FROM (
                      SELECT partner_id, company_id, dimension_id, slot,
                             'computed' AS effect, category_id, since
                        FROM customer_assignment
                       WHERE category_id IS NOT NULL
                       UNION ALL
                      SELECT partner_id, company_id, dimension_id, slot,
                             'released', category_id, write_date
                        FROM customer_override
                       WHERE id IN %(held)s
                  ) AS held
                  JOIN res_partner AS partner ON partner.id = held.partner_id
                 WHERE held.partner_id = ANY(%(gone)s)
                """,
                **values,
            )
        )

    @api.model
    def _get_held(self, partner):
        """Return what is computed and decided for a customer, by layer."""
        return {
            "computed": self.env.execute_query(
                SQL(
                    """
                    SELECT company_id, dimension_id, slot, category_id, NULL
                      FROM customer_assignment
                     WHERE partner_id = %s
                       AND category_id IS NOT NULL
                    """,
                    partner.id,
                )
            ),
            "decided": self.env.execute_query(
                SQL(
                    """
                    SELECT company_id, dimension_id, slot,
                           CASE WHEN operation IN ('set', 'add') THEN category_id END,
                           date_end
                      FROM customer_override
                     WHERE partner_id = %s
                    """,
                    partner.id,
                )
            ),
        }

    @api.model
    def _record_taken_over(self, partner, before):
        """Record what the remaining contact has from the merged ones.

        :param dict before: what it had, as :meth:`_get_held` returns it
        """
        self.env.flush_all()
        old = {(layer, *row[:3]): row[3] for layer in before for row in before[layer]}
        for layer, rows in self._get_held(partner).items():
            for row in rows:
                if row not in before[layer]:
                    company_id, dimension_id, slot, category_id, date_end = row
                    former_id = old.get((layer, company_id, dimension_id, slot))
                    # not `create`: nobody changed category, so nothing is published
                    self.env.execute_query(
                        SQL(
                            """
                            INSERT INTO customer_assignment_history (
                                partner_id, company_id, dimension_id, slot, event,
                                effect, date, old_category_id, new_category_id,
                                date_end, user_id
                            )
                            VALUES (%s, %s, %s, %s, 'moved', %s, %s, %s, %s, %s, %s)
                            """,
                            partner.id,
                            company_id,
                            dimension_id,
                            slot,
                            layer,
                            fields.Datetime.now(),
                            former_id,
                            category_id,
                            date_end,
                            self.env.uid,
                        )
                    )
