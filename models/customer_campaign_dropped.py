from odoo import models
from odoo.tools import SQL

from .customer_audience_recipients import ADDRESS, OBSTACLES


class CustomerCampaign(models.Model):
    """Who of the approved customers cannot be written to any more, told at sending.

    The person was approved, not the address: whoever has another valid one by now is
    written to there, but not where somebody else of the campaign is at that address.
    Each address is written to once, and none that belongs to someone held out or in
    the control group: what they buy shows what they do without a message.
    """

    _inherit = "customer.campaign"

    def _drop_unreachable(self):
        """Drop the approved customers who cannot be written to any more.

        Those who got their message stay as they are.
        """
        self.ensure_one()
        Member = self.env["customer.campaign.member"]
        Member.flush_model()
        self.env["res.partner"].flush_model()
        entered, compared = map(SQL.identifier, ADDRESS[self.channel])
        self.env.execute_query(
            SQL(
                """
                WITH contact AS (
                    -- those who were to be written to or to get nothing, as they are
                    SELECT member.id AS member_id,
                           member.partner_id,
                           member.role,
                           member.address AS approved_address,
                           person.id IS NULL AS is_deleted,
                           (person.commercial_partner_id = customer.id
                            AND %(is_customer)s) IS NOT TRUE AS has_left,
                           %(is_sent)s AS is_sent,
                           person.active AND customer.active AS active,
                           person.%(entered)s,
                           person.%(compared)s,
                           NULLIF(person.%(compared)s, '') AS address,
                           person.message_bounce
                      FROM customer_campaign_member AS member
                      JOIN res_partner AS customer ON customer.id = member.partner_id
                      LEFT JOIN res_partner AS person ON person.id = member.contact_id
                     WHERE member.campaign_id = %(campaign)s
                       AND member.role IN ('target', 'holdout', 'control')
                       AND member.dropped_reason IS NULL
                ),
                target AS (
                    SELECT contact.*,
                           CASE WHEN contact.is_deleted THEN 'deleted'
                                WHEN contact.has_left AND contact.active THEN 'left'
                                ELSE (%(reasons)s::text[])[%(obstacle)s]
                           END AS reason
                      FROM contact
                      %(blacklist)s
                     WHERE contact.role = 'target'
                ),
                silent AS (
                    -- addresses that get nothing, by name then or now
                    SELECT approved_address AS address
                      FROM contact
                     WHERE role != 'target'
                     UNION
                    SELECT address
                      FROM contact
                     WHERE role != 'target'
                ),
                capped AS (
                    %(capped)s
                ),
                ranked AS (
                    -- who got it comes first, then who had the address all along
                    SELECT target.*,
                           row_number() OVER (
                               PARTITION BY address
                               ORDER BY is_sent DESC,
                                        (address = approved_address) IS NOT TRUE,
                                        partner_id
                           ) AS place
                      FROM target
                     WHERE reason IS NULL
                ),
                dropped AS (
                    SELECT member_id, reason
                      FROM target
                     WHERE reason IS NOT NULL AND NOT is_sent
                     UNION ALL
                    SELECT member_id,
                           CASE WHEN place > 1 OR silent.address IS NOT NULL
                                THEN 'duplicate'
                                WHEN partner_id IN (SELECT partner_id FROM capped)
                                THEN 'capped'
                           END
                      FROM ranked
                      LEFT JOIN silent ON silent.address = ranked.address
                     WHERE NOT is_sent
                )
                UPDATE customer_campaign_member AS member
                   SET dropped_reason = dropped.reason
                  FROM dropped
                 WHERE dropped.member_id = member.id AND dropped.reason IS NOT NULL
                """,
                campaign=self.id,
                is_customer=self._is_customer_sql(),
                is_sent=self._is_sent_sql(),
                capped=self._get_capped_query(
                    SQL("SELECT partner_id, address FROM target"), self._get_today()
                ),
                entered=entered,
                compared=compared,
                reasons=OBSTACLES,
                **self.env["customer.audience"]._get_obstacle_sql(self.channel),
            )
        )
        Member.invalidate_model(["dropped_reason"])

    def _is_customer_sql(self):
        """Return a condition on ``customer``: whether it still is one of the company.

        Contacts that were chosen by hand need not be customers.
        """
        if not self.audience_id:
            return SQL("TRUE")
        company = self.company_id
        customers = company._get_customer_query(company._get_customer_settings())
        return SQL("customer.id IN (%s)", customers)
