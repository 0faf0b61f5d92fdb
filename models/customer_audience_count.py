from odoo import api, models
from odoo.tools import SQL

from .customer_audience_recipients import ADDRESS, OBSTACLES

CHANNELS = tuple(ADDRESS)
#: For tables of every customer and contact, until the end of the transaction
WORK_MEMORY = "64MB"


class CustomerAudience(models.Model):
    """Counting who an audience reaches without listing them, in one statement.

    Whether a customer can be reached follows from the best of its contacts; which one
    is written to only matters where an address is also another customer's. So most
    customers are counted with one pass over the contacts, and only those whose
    addresses are contested are chosen for, as the list of recipients does it: whom the
    others write to is no address of theirs.

    Conditions are flags and inequalities: of an equality with what was just computed,
    the database expects next to nothing, and would look into a table for each row.
    """

    _inherit = "customer.audience"

    def _count_all(self):
        """Return the counts by the name of their field."""
        self.ensure_one()
        policy = self._get_policy()
        obstacles = {channel: self._get_obstacle_sql(channel) for channel in CHANNELS}
        query = SQL(
            """
            WITH asked (partner_id) AS MATERIALIZED (%(customers)s),
            present AS MATERIALIZED (
                -- narrow: it is read many times
                SELECT contact.id, contact.partner_id, contact.active,
                       contact.id = contact.partner_id AS is_customer,
                       contact.type IS NOT DISTINCT FROM %(type)s AS is_of_type,
                       hashtextextended(contact.email_normalized, 0) AS mail_key,
                       hashtextextended(contact.phone_sanitized, 0) AS sms_key,
                       %(mail_obstacle)s AS mail_obstacle,
                       %(sms_obstacle)s AS sms_obstacle
                  FROM (
                      WITH customer AS (SELECT partner_id FROM asked)
                      %(contacts)s
                  ) AS contact
                  %(mail_blacklist)s
                  %(sms_blacklist)s
            ),
            reached AS MATERIALIZED (%(reached)s),
            mail_contested AS MATERIALIZED (%(mail_contested)s),
            sms_contested AS MATERIALIZED (%(sms_contested)s),
            mail_reached AS MATERIALIZED (%(mail_reached)s),
            sms_reached AS MATERIALIZED (%(sms_reached)s),
            lately AS MATERIALIZED (%(lately)s)
            SELECT 'customer_count', count(*) FROM asked
             UNION ALL
            SELECT 'contact_count', count(*) FROM present WHERE active
             UNION ALL
            SELECT 'contacted_count', count(*) FROM (%(contacted)s) AS contacted
             UNION ALL
            %(mail)s
             UNION ALL
            %(sms)s
            """,
            customers=self._get_customers_query(),
            contacts=self._get_contacts_query(
                {**policy, "recipient": "best"}, policy["company"]
            ),
            type=policy["recipient_type"]
            if policy["recipient"] == "type"
            else "contact",
            mail_obstacle=obstacles["mail"]["obstacle"],
            sms_obstacle=obstacles["sms"]["obstacle"],
            mail_blacklist=obstacles["mail"]["blacklist"],
            sms_blacklist=obstacles["sms"]["blacklist"],
            reached=self._get_reached_query(policy),
            mail_contested=self._get_contested_query("mail", policy),
            sms_contested=self._get_contested_query("sms", policy),
            mail_reached=self._get_uncontested_query("mail"),
            sms_reached=self._get_uncontested_query("sms"),
            lately=self._get_contacted_lately_query(),
            contacted=self._get_contacted_query(),
            mail=self._get_channel_query("mail", policy),
            sms=self._get_channel_query("sms", policy),
        )
        self.env.execute_query(SQL("SET LOCAL work_mem = %s", WORK_MEMORY))
        counts = {}
        for name, count in self.env.execute_query(query):
            counts[name] = counts.get(name, 0) + count
        return counts

    def _get_reached_query(self, policy):
        """Return SQL with the least obstacle of each customer, by channel.

        Without those of whom no contact fits the policy.
        """
        if policy["recipient"] == "customer":
            return SQL(
                """
                SELECT partner_id, mail_obstacle AS mail, sms_obstacle AS sms
                  FROM present
                 WHERE is_customer
                """
            )
        if policy["recipient"] == "type":
            least = [
                SQL(
                    """
                    COALESCE(
                        min(%(obstacle)s) FILTER (WHERE NOT is_customer),
                        min(%(obstacle)s)
                    ) AS %(channel)s
                    """,
                    obstacle=SQL.identifier(f"{channel}_obstacle"),
                    channel=SQL.identifier(channel),
                )
                for channel in CHANNELS
            ]
        else:
            least = [
                SQL(
                    "min(%s) AS %s",
                    SQL.identifier(f"{channel}_obstacle"),
                    SQL.identifier(channel),
                )
                for channel in CHANNELS
            ]
        return SQL(
            """
            SELECT partner_id, %(least)s
              FROM present
             WHERE is_customer OR is_of_type
             GROUP BY partner_id
            """,
            least=SQL(", ").join(least),
        )

    def _get_contested_query(self, channel, policy):
        """Return SQL with the customers for whom it matters whom one writes to.

        Those with an address that is another customer's, too, and those who can only be
        reached at an address that an invoice names. Two addresses with the same key by
        accident do no harm.
        """
        values = {
            "key": SQL.identifier(f"{channel}_key"),
            "obstacle": SQL.identifier(f"{channel}_obstacle"),
            "channel": SQL.identifier(channel),
            "fits": self._get_fitting_condition(policy),
        }
        shared = SQL(
            """
            SELECT DISTINCT partner_id
              FROM present
             WHERE %(obstacle)s < 1
               AND %(fits)s
               AND %(key)s IN (
                   SELECT %(key)s
                     FROM present
                    WHERE %(obstacle)s < 1 AND %(fits)s
                    GROUP BY %(key)s
                   HAVING min(partner_id) <> max(partner_id)
               )
            """,
            **values,
        )
        if policy["recipient"] != "best":
            return shared
        return SQL(
            """
            %(shared)s
             UNION
            SELECT present.partner_id
              FROM present
              LEFT JOIN reached ON reached.partner_id = present.partner_id
             WHERE present.%(obstacle)s < 1
               AND NOT present.is_customer
               AND NOT present.is_of_type
               AND reached.%(channel)s IS DISTINCT FROM 0
            """,
            shared=shared,
            **values,
        )

    @api.model
    def _get_uncontested_query(self, channel):
        """Return SQL with the number of customers for whom the best contact decides.

        By the least obstacle of a channel.
        """
        return SQL(
            """
            SELECT %(channel)s AS obstacle, count(*) AS customers
              FROM reached
             -- NOT IN, and not NOT EXISTS: the few are looked up for the many
             WHERE partner_id NOT IN (SELECT partner_id FROM %(contested)s)
             GROUP BY %(channel)s
            """,
            channel=SQL.identifier(channel),
            contested=SQL.identifier(f"{channel}_contested"),
        )

    @api.model
    def _get_fitting_condition(self, policy):
        """Return SQL for which rows of ``present`` may be written to."""
        if policy["recipient"] == "customer":
            return SQL("is_customer")
        return SQL("TRUE")

    def _get_channel_query(self, channel, policy):
        """Return SQL with the names of a channel's counts and parts of these."""
        contested = SQL.identifier(f"{channel}_contested")
        judged = SQL(
            """
            SELECT contact.id, present.partner_id, contact.type,
                   contact.%(compared)s AS address, present.%(obstacle)s AS obstacle
              FROM present
              JOIN res_partner AS contact ON contact.id = present.id
             WHERE present.partner_id IN (SELECT partner_id FROM customer)
               AND %(fits)s
            """,
            compared=SQL.identifier(ADDRESS[channel][1]),
            obstacle=SQL.identifier(f"{channel}_obstacle"),
            fits=self._get_fitting_condition(policy),
        )
        return SQL(
            """
            SELECT concat_ws('_', %(channel)s, blocked, 'count'), count(*)
              FROM (%(recipients)s) AS recipient
             GROUP BY blocked
             UNION ALL
            SELECT concat_ws(
                       '_', %(channel)s, (%(reasons)s::text[])[obstacle], 'count'
                   ),
                   customers
              FROM %(channel_reached)s
             UNION ALL
            -- all others have nobody that fits
            SELECT concat_ws('_', %(channel)s, 'no_address', 'count'),
                   (SELECT count(*) FROM asked)
                   - (SELECT count(*) FROM %(contested)s)
                   - (SELECT COALESCE(sum(customers), 0) FROM %(channel_reached)s)
            """,
            channel=channel,
            recipients=self._get_recipients_query(
                SQL("SELECT partner_id FROM %s", contested), channel, policy, judged
            ),
            reasons=OBSTACLES,
            channel_reached=SQL.identifier(f"{channel}_reached"),
            contested=contested,
        )

    # Who was written to lately

    def _get_contacted_lately_query(self):
        """Return SQL with what was sent in the days of contact."""
        campaign = self.env["customer.campaign"].new(
            {"company_id": self.company_id._origin.id, "gap_days": self.contacted_days}
        )
        lately = campaign._get_lately_query(campaign._get_planned_day())
        return SQL(
            "SELECT * FROM (%s) AS sent WHERE %s", lately, self.contacted_days > 0
        )

    def _get_contacted_query(self):
        """Return SQL that selects the ``asked`` customers who were sent something."""
        return SQL(
            """
            SELECT contact.commercial_partner_id
              FROM lately
              JOIN res_partner AS contact ON contact.id = lately.res_id
              JOIN asked ON asked.partner_id = contact.commercial_partner_id
             WHERE lately.model = 'res.partner'
             UNION
            SELECT present.partner_id
              FROM (SELECT DISTINCT email FROM lately) AS lately
              JOIN present ON present.mail_key = hashtextextended(lately.email, 0)
              JOIN res_partner AS contact
                ON contact.id = present.id AND contact.email_normalized = lately.email
             UNION
            SELECT present.partner_id
              FROM (SELECT DISTINCT sms_number FROM lately) AS lately
              JOIN present ON present.sms_key = hashtextextended(lately.sms_number, 0)
              JOIN res_partner AS contact
                ON contact.id = present.id
               AND contact.phone_sanitized = lately.sms_number
            """
        )
