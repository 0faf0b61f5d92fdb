from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Why a contact cannot be written to: the first that holds is told. Of several
#: contacts without one that can, the last of these tells most.
BLOCKED = ["archived", "no_address", "invalid", "blacklisted", "bounced"]


class CustomerAudience(models.Model):
    """Who is written to for each customer, and why nobody can be.

    The reason is that of the contact that comes closest to being reached: a customer
    whose person opted out opted out, even if the customer itself has no address.
    """

    _inherit = "customer.audience"

    @api.model
    def _get_recipients_query(self, customers, channel, policy):
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
        """
        company = policy.get("company") or self.company_id or self.env.company.root_id
        return SQL(
            """
            WITH customer (partner_id) AS MATERIALIZED (
                %(customers)s
            ),
            contact AS (
                %(contacts)s
            ),
            judged AS MATERIALIZED (
                SELECT contact.*, %(blocked)s AS blocked
                  FROM contact
                  %(blacklist)s
            ),
            candidate AS (
                %(candidates)s
            ),
            chosen AS (
                SELECT DISTINCT ON (partner_id) *
                  FROM candidate
                 ORDER BY partner_id,
                          array_position(%(reasons)s::text[], blocked)
                          DESC NULLS FIRST,
                          preference, id
            )
            SELECT customer.partner_id,
                   chosen.id AS contact_id,
                   chosen.address,
                   CASE WHEN chosen.id IS NULL THEN 'no_address'
                        WHEN chosen.blocked IS NOT NULL THEN chosen.blocked
                        WHEN row_number() OVER (
                             PARTITION BY chosen.address, chosen.blocked
                             ORDER BY customer.partner_id
                        ) > 1
                        THEN 'duplicate'
                   END AS blocked
              FROM customer
              LEFT JOIN chosen ON chosen.partner_id = customer.partner_id
            """,
            customers=customers,
            contacts=self._get_contacts_query(channel, policy, company),
            candidates=self._get_candidates_query(policy, company),
            reasons=BLOCKED,
            **self._get_blocked_sql(channel),
        )

    @api.model
    def _get_contacts_query(self, channel, policy, company):
        """Return SQL with the contacts of ``customer`` that could be written to.

        Its columns: ``id``, ``partner_id``, ``type``, ``active``, ``entered``, the
        address as people entered it, ``address`` and ``bounces``.
        """
        Partner = self._get_partners_of(company)
        Partner.flush_model(
            [
                "active",
                "commercial_partner_id",
                "email",
                "email_normalized",
                "message_bounce",
                "phone",
                "phone_sanitized",
                "type",
            ]
        )
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
        entered, address, bounces = {
            "mail": ("email", "email_normalized", "message_bounce"),
            # nobody counts what bounces of text messages
            "sms": ("phone", "phone_sanitized", None),
        }[channel]
        return query.select(
            SQL("res_partner.id"),
            SQL("res_partner.commercial_partner_id AS partner_id"),
            SQL("res_partner.type"),
            SQL("res_partner.active"),
            SQL(
                "NULLIF(btrim(res_partner.%s), '') AS entered", SQL.identifier(entered)
            ),
            SQL("NULLIF(res_partner.%s, '') AS address", SQL.identifier(address)),
            SQL("COALESCE(res_partner.%s, 0) AS bounces", SQL.identifier(bounces))
            if bounces
            else SQL("0 AS bounces"),
        )

    @api.model
    def _get_blocked_sql(self, channel):
        """Return SQL for why a row of ``contact`` cannot be written to, and its join.

        An address counts as bounced as it does in the figures of Odoo's mailing lists:
        with one bounce, until a message comes from it.
        """
        model = {"mail": "mail.blacklist", "sms": "phone.blacklist"}[channel]
        column = {"mail": "email", "sms": "number"}[channel]
        # sudo: people need not see the list of who opted out, but it holds
        Blacklist = self.env[model].sudo()
        Blacklist.flush_model([column, "active"])
        return {
            "blocked": SQL(
                """
                CASE WHEN NOT contact.active THEN 'archived'
                     WHEN contact.entered IS NULL THEN 'no_address'
                     WHEN contact.address IS NULL THEN 'invalid'
                     WHEN blacklist.id IS NOT NULL THEN 'blacklisted'
                     WHEN contact.bounces > 0 THEN 'bounced'
                END
                """
            ),
            "blacklist": SQL(
                """
                LEFT JOIN %s AS blacklist
                  ON blacklist.%s = contact.address AND blacklist.active
                """,
                SQL.identifier(Blacklist._table),
                SQL.identifier(column),
            ),
        }

    @api.model
    def _get_candidates_query(self, policy, company):
        """Return SQL with the rows of ``judged`` that the policy admits.

        With ``preference``: the lowest is the best of those that can be reached.
        """
        if policy["recipient"] == "customer":
            return SQL("SELECT *, 0 AS preference FROM judged")
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

        Only where there is a choice between several.
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
                   WHERE blocked IS NULL
                   GROUP BY partner_id
                  HAVING count(*) > 1
              ) AS customer
             CROSS JOIN LATERAL (
                  SELECT move.partner_id AS contact_id
                    FROM account_move AS move
                   WHERE move.company_id = ANY(%(companies)s)
                     AND move.commercial_partner_id = customer.partner_id
                     AND move.state = 'posted'
                     AND move.move_type = 'out_invoice'
                   ORDER BY move.invoice_date DESC, move.id DESC
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
