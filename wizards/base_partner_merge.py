from odoo import api, models
from odoo.tools import SQL

#: Tables with one row for a customer and key: the key's columns, and which of the
#: rows to keep: the remaining contact's. Decisions that hold longer win, and one that
#: has ended is none.
KEYED_TABLES = {
    "customer_figures": (["company_id"], "partner_id <> %(kept)s, id"),
    "customer_assignment": (
        ["company_id", "dimension_id", "slot"],
        "partner_id <> %(kept)s, since",
    ),
    "customer_override": (
        ["company_id", "dimension_id", "slot"],
        "date_end < CURRENT_DATE, partner_id <> %(kept)s, date_end DESC",
    ),
}


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Merge the classification along: keep one row a key, and all history.

        The history of every merged contact follows to the remaining one. The next
        computation brings the figures and categories up to date.
        """
        self._merge_customer_rows(src_partners, dst_partner)
        return super()._update_foreign_keys(src_partners, dst_partner)

    @api.model
    def _merge_customer_rows(self, src_partners, dst_partner):
        """Leave one row for each key among the merged contacts.

        The row of the remaining contact stays; where it has none, the best one of
        the others takes its place.
        """
        self.env.flush_all()
        for table, (key, order) in KEYED_TABLES.items():
            self.env.execute_query(
                SQL(
                    """
                    DELETE FROM %(table)s
                     WHERE partner_id = ANY(%(partners)s)
                       AND id NOT IN (
                           SELECT DISTINCT ON (%(key)s) id
                             FROM %(table)s
                            WHERE partner_id = ANY(%(partners)s)
                            ORDER BY %(key)s, %(order)s
                       )
                    """,
                    table=SQL.identifier(table),
                    partners=(src_partners + dst_partner).ids,
                    key=SQL(", ").join(map(SQL.identifier, key)),
                    order=SQL(order, kept=dst_partner.id),
                )
            )
        self.env.invalidate_all()
