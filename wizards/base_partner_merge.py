from odoo import api, fields, models
from odoo.tools import SQL

from ..models.customer_engine_fields import get_engine_columns

#: Tables with one row for a customer and key: the key's columns, and which of the
#: rows to keep: the remaining contact's
KEYED_TABLES = {
    "customer_figures": (["company_id"], "partner_id <> %(kept)s, id"),
    "customer_payment_figures": (["company_id"], "partner_id <> %(kept)s, id"),
    "customer_product_figures": (["company_id"], "partner_id <> %(kept)s, id"),
    "customer_metric_value": (
        ["company_id", "metric_id"],
        "partner_id <> %(kept)s, id",
    ),
    "customer_assignment": (
        ["company_id", "dimension_id", "slot"],
        "partner_id <> %(kept)s, since",
    ),
    # the one that was written to, and of those the remaining contact's
    "customer_campaign_member": (
        ["campaign_id"],
        "role <> 'target', dropped_reason IS NOT NULL, role = 'excluded', "
        "partner_id <> %(kept)s, id",
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
        the others takes its place. A category that gives way is in the history.
        """
        self.env.flush_all()
        # shares of two customers do not add up: the next computation has the new ones
        self.env["customer.product.share"]._remove_merged(src_partners)
        for table, (key, order) in KEYED_TABLES.items():
            ranked = SQL(
                """
                SELECT *,
                       first_value(id) OVER (
                           PARTITION BY %(key)s ORDER BY %(order)s
                       ) AS kept_id
                  FROM %(table)s
                 WHERE partner_id = ANY(%(partners)s)
                """,
                key=SQL(", ").join(map(SQL.identifier, key)),
                order=SQL(order, kept=dst_partner.id),
                table=SQL.identifier(table),
                partners=(src_partners + dst_partner).ids,
            )
            if table == "customer_assignment":
                self._record_merged_categories(ranked, dst_partner)
            self.env.execute_query(
                SQL(
                    """
                    DELETE FROM %(table)s
                     WHERE id IN (
                         SELECT id FROM (%(ranked)s) AS ranked WHERE id <> kept_id
                     )
                    """,
                    table=SQL.identifier(table),
                    ranked=ranked,
                )
            )
        self._merge_customer_decisions(src_partners, dst_partner)
        # no foreign key leads Odoo to these tables
        for table, column in get_engine_columns(self.env, "res.partner"):
            self.env.execute_query(
                SQL(
                    "UPDATE %(table)s SET %(column)s = %(kept)s"
                    " WHERE %(column)s = ANY(%(gone)s)",
                    table=SQL.identifier(table),
                    column=SQL.identifier(column),
                    kept=dst_partner.id,
                    gone=src_partners.ids,
                )
            )
        self.env.invalidate_all()

    @api.model
    def _record_merged_categories(self, ranked, dst_partner):
        """Add a history row for each computed category that gives way to another."""
        reason = self.env._(
            "Contacts merged: this was computed for the contact that is gone. The next "
            "computation takes both together."
        )
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_assignment_history (
                    partner_id, company_id, dimension_id, slot, event, date,
                    old_category_id, old_since, new_category_id, user_id, reason
                )
                SELECT %(partner)s, dropped.company_id, dropped.dimension_id,
                       dropped.slot, 'merged', %(now)s,
                       dropped.category_id, dropped.since, kept.category_id,
                       %(user)s, %(reason)s
                  FROM (%(ranked)s) AS dropped
                  JOIN customer_assignment AS kept ON kept.id = dropped.kept_id
                 WHERE dropped.category_id IS DISTINCT FROM kept.category_id
                   AND dropped.category_id IS NOT NULL
                """,
                partner=dst_partner.id,
                now=fields.Datetime.now(),
                user=self.env.uid,
                reason=reason,
                ranked=ranked,
            )
        )
