from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Why a contact cannot be written to, the closest to being reached first. Of several
#: that hold, the last is told; of several contacts without one that can be written to,
#: the first tells most.
OBSTACLES = ["bounced", "blacklisted", "invalid", "no_address", "archived"]
#: The columns of a contact with an address as entered and as compared
ADDRESS = {"mail": ("email", "email_normalized"), "sms": ("phone", "phone_sanitized")}
#: What is read of a contact to judge whether it can be written to
CONTACT_COLUMNS = ["type", "active", "message_bounce", *sum(ADDRESS.values(), ())]


class CustomerAudience(models.Model):
    """Who is written to for each customer, and why nobody can be.

    The reason is that of the contact that comes closest to being reached: a customer
    whose person opted out opted out, even if the customer itself has no address.
    """

    _inherit = "customer.audience"

    @api.model
    def _get_recipients_query(self, customers, channel, policy, judged=None):
        """Return SQL with a row for each of the customers: who is written to.

        Its columns: ``partner_id``, ``contact_id``, NULL where nobody fits the policy,
        ``address`` (a normalized e-mail address or a sanitized phone number), NULL
        where there is none, and ``blocked``, the reason why nobody can be reached, or
        NULL.

        Only contacts that the user may see are written to. Each address is written to
        once: for the customer with the lowest id.

        :param SQL customers: a query that selects ids of customers
        :param str channel: ``mail`` or ``sms``
        :param dict policy: ``recipient``, ``recipient_type`` and ``contact_domain``, a
            text or a domain; ``company``, by default the audience's or the active one
        :param SQL judged: with the rows of :meth:`_get_judged_query`, where they are
            there already
        """
        company = policy.get("company") or self.company_id or self.env.company.root_id
        return SQL(
            """
            WITH customer (partner_id) AS MATERIALIZED (
                %(customers)s
            ),
            judged AS MATERIALIZED (
                %(judged)s
            ),
            chosen AS MATERIALIZED (
                %(chosen)s
            ),
            shared AS (
                SELECT address, min(partner_id) AS keeper_id
                  FROM chosen
                 WHERE obstacle < 1
                 GROUP BY address
                HAVING count(*) > 1
            )
            SELECT customer.partner_id,
                   chosen.id AS contact_id,
                   chosen.address,
                   CASE WHEN chosen.id IS NULL THEN 'no_address'
                        WHEN chosen.obstacle > 0
                        THEN (%(reasons)s::text[])[chosen.obstacle]
                        WHEN shared.keeper_id < customer.partner_id
                        THEN 'duplicate'
                   END AS blocked
              FROM customer
              LEFT JOIN chosen ON chosen.partner_id = customer.partner_id
              LEFT JOIN shared ON shared.address = chosen.address
            """,
            customers=customers,
            judged=judged or self._get_judged_query(channel, policy, company),
            chosen=self._get_chosen_query(policy, company),
            reasons=OBSTACLES,
        )

    @api.model
    def _get_judged_query(self, channel, policy, company):
        """Return SQL with the contacts of ``customer`` and what is in their way.

        Its columns: ``id``, ``partner_id``, the customer, ``type``, ``address`` and
        ``obstacle``, the place in :data:`OBSTACLES`, 0 if nothing is.
        """
        return SQL(
            """
            SELECT contact.id, contact.partner_id, contact.type,
                   NULLIF(contact.%(compared)s, '') AS address,
                   %(obstacle)s AS obstacle
              FROM (%(contacts)s) AS contact
              %(blacklist)s
            """,
            contacts=self._get_contacts_query(policy, company),
            compared=SQL.identifier(ADDRESS[channel][1]),
            **self._get_obstacle_sql(channel),
        )

    @api.model
    def _get_contacts_query(self, policy, company):
        """Return SQL with the contacts of ``customer`` that could be written to.

        Its columns are those of the contact, and ``partner_id``, the customer.
        """
        Partner = self._get_partners_of(company)
        Partner.flush_model(["commercial_partner_id", *CONTACT_COLUMNS])
        query = Partner._search(
            self._parse_domain(policy.get("contact_domain"))
            & self._get_company_domain(company),
            active_test=False,
        )
        query.add_where(
            SQL(
                """(res_partner.active
                    OR res_partner.id = res_partner.commercial_partner_id)
                   AND res_partner.commercial_partner_id IN (
                       SELECT partner_id FROM customer
                   )"""
            )
        )
        if policy["recipient"] == "customer":
            query.add_where(SQL("res_partner.id = res_partner.commercial_partner_id"))
        return query.select(
            SQL("res_partner.id"),
            SQL("res_partner.commercial_partner_id AS partner_id"),
            *(SQL.identifier("res_partner", name) for name in CONTACT_COLUMNS),
        )

    @api.model
    def _get_obstacle_sql(self, channel):
        """Return SQL for what stands in the way of writing to a ``contact``.

        An address counts as bounced as it does in the figures of Odoo's mailing lists:
        with one bounce, until a message comes from it.

        :return: dict of ``obstacle``, the place in :data:`OBSTACLES`, 0 if none does,
            and ``blacklist``, the join it needs
        """
        model = {"mail": "mail.blacklist", "sms": "phone.blacklist"}[channel]
        column = {"mail": "email", "sms": "number"}[channel]
        # sudo: people need not see the list of who opted out, but it holds
        Blacklist = self.env[model].sudo()
        Blacklist.flush_model([column, "active"])
        entered, compared = map(SQL.identifier, ADDRESS[channel])
        alias = SQL.identifier(Blacklist._table)
        # nobody counts what bounces of text messages
        is_bounced = SQL("contact.message_bounce > 0 AND %s", channel == "mail")
        return {
            "obstacle": SQL(
                """
                CASE WHEN NOT contact.active THEN %(archived)s
                     WHEN contact.%(compared)s <> ''
                     THEN CASE WHEN %(alias)s.id IS NOT NULL THEN %(blacklisted)s
                               WHEN %(is_bounced)s THEN %(bounced)s
                               ELSE 0
                          END
                     WHEN btrim(contact.%(entered)s) <> '' THEN %(invalid)s
                     ELSE %(no_address)s
                END
                """,
                entered=entered,
                compared=compared,
                is_bounced=is_bounced,
                alias=alias,
                **{reason: place for place, reason in enumerate(OBSTACLES, 1)},
            ),
            "blacklist": SQL(
                """
                LEFT JOIN %(alias)s
                  ON %(alias)s.%(column)s = contact.%(compared)s AND %(alias)s.active
                """,
                column=SQL.identifier(column),
                compared=compared,
                alias=alias,
            ),
        }

    @api.model
    def _get_chosen_query(self, policy, company):
        """Return SQL with a row of ``judged`` for each customer: the best one."""
        if policy["recipient"] == "customer":
            return SQL("SELECT * FROM judged")
        return SQL(
            """
            SELECT DISTINCT ON (partner_id) id, partner_id, address, obstacle
              FROM (%s) AS candidate
             ORDER BY partner_id,
                      obstacle * 10 + preference,
                      id
            """,
            self._get_candidates_query(policy, company),
        )

    @api.model
    def _get_candidates_query(self, policy, company):
        """Return SQL with the rows of ``judged`` that the policy admits.

        With ``preference``: the lowest is the best of those that can be reached.
        """
        if policy["recipient"] == "type":
            return SQL(
                """
                SELECT *, 0 AS preference
                  FROM judged
                 WHERE id <> partner_id AND type = %(type)s
                 UNION ALL
                SELECT *, 1 AS preference
                  FROM judged
                 WHERE id = partner_id
                   AND partner_id NOT IN (
                       SELECT partner_id
                         FROM judged
                        WHERE id <> partner_id AND type = %(type)s
                   )
                """,
                type=policy["recipient_type"],
            )
        return SQL(
            """
            SELECT judged.*,
                   CASE WHEN named.contact_id IS NOT NULL THEN 0
                        WHEN judged.id = judged.partner_id THEN 1
                        ELSE 2
                   END AS preference
              FROM judged
              LEFT JOIN (%(named)s) AS named ON named.contact_id = judged.id
             WHERE named.contact_id IS NOT NULL
                OR judged.id = judged.partner_id
                OR judged.type = 'contact'
            """,
            named=self._get_named_query(company),
        )

    @api.model
    def _get_named_query(self, company):
        """Return SQL with the contact that the latest invoice of a customer names.

        Only where it makes a difference: where several can be written to, or an address
        that is written to only if an invoice names it.
        """
        self.env["account.move"].flush_model(
            [
                "commercial_partner_id",
                "company_id",
                "invoice_date",
                "move_type",
                "partner_id",
                "state",
            ]
        )
        return SQL(
            """
            SELECT latest.contact_id
              FROM (
                  SELECT partner_id
                    FROM judged
                   WHERE obstacle < 1
                   GROUP BY partner_id
                  HAVING count(*) > 1
                      OR bool_or(id <> partner_id AND type IS DISTINCT FROM 'contact')
              ) AS customer
             CROSS JOIN LATERAL (
                  SELECT latest.contact_id
                    FROM unnest(%(companies)s::integer[]) AS branch (id)
                         -- one by one: each is found at the end of an index
                   CROSS JOIN LATERAL (
                        SELECT move.partner_id AS contact_id, move.invoice_date, move.id
                          FROM account_move AS move
                         WHERE move.company_id = branch.id
                           AND move.commercial_partner_id = customer.partner_id
                           AND move.state = 'posted'
                           AND move.move_type IN (
                               'out_invoice', 'out_refund', 'out_receipt'
                           )
                           AND move.move_type = 'out_invoice'
                         ORDER BY move.invoice_date DESC, move.id DESC
                         LIMIT 1
                   ) AS latest
                   ORDER BY latest.invoice_date DESC, latest.id DESC
                   LIMIT 1
             ) AS latest
            """,
            companies=company.root_id._get_customer_branches().ids,
        )

    def _get_policy(self):
        """Return how the audience chooses who is written to."""
        self.ensure_one()
        return {
            "recipient": self.recipient,
            "recipient_type": self.recipient_type,
            "contact_domain": self._parse_domain(self.contact_domain),
            "company": self.company_id._origin,
        }

    @api.model
    def _parse_domain(self, domain):
        """Return a condition, a text or a domain, as a domain; nothing means all."""
        if isinstance(domain, str):
            domain = self._read_domain(domain)
        return Domain(domain or Domain.TRUE)
