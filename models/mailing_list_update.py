from odoo import fields, models
from odoo.tools import SQL

#: The columns of a contact of mailings with an address as entered and as compared
ADDRESS = {"mail": ("email", "email_normalized"), "sms": ("mobile", "phone_sanitized")}


class MailingSubscription(models.Model):
    _inherit = "mailing.subscription"

    is_from_audience = fields.Boolean(
        "From the Audience",
        readonly=True,
        copy=False,
        help="The list put the contact here because the audience has it, and takes it "
        "off when the audience has it no more.",
    )


class MailingList(models.Model):
    """How a list gets the people of its audience: in one statement."""

    _inherit = "mailing.list"

    def _exchange(self, recipients):
        """Put the recipients on the list and take off who is none any more.

        By the normalized address: whoever is on the list with it stays as he is, be it
        that he opted out. Of several contacts with an address, the first is taken.

        :param SQL recipients: a query with ``contact_id``, the contact in Odoo, and
            ``address``, each once
        :return: how many were added, how many removed
        """
        self.ensure_one()
        for model in ("mailing.contact", "mailing.subscription"):
            self.env[model].flush_model()
        entered, compared = map(SQL.identifier, ADDRESS[self.customer_channel])
        query = SQL(
            """
            WITH wanted AS MATERIALIZED (%(recipients)s),
            present AS MATERIALIZED (
                SELECT subscription.id, contact.%(compared)s AS address,
                       subscription.is_from_audience, subscription.opt_out
                  FROM mailing_subscription AS subscription
                  JOIN mailing_contact AS contact
                    ON contact.id = subscription.contact_id
                 WHERE subscription.list_id = %(list)s
            ),
            removed AS (
                DELETE FROM mailing_subscription
                 WHERE id IN (
                       SELECT id
                         FROM present
                        WHERE is_from_audience
                          AND opt_out IS NOT TRUE
                          AND NOT EXISTS (
                              SELECT FROM wanted WHERE wanted.address = present.address
                          )
                 )
             RETURNING id
            ),
            missing AS MATERIALIZED (
                SELECT *
                  FROM wanted
                 WHERE NOT EXISTS (
                       SELECT FROM present WHERE present.address = wanted.address
                 )
            ),
            known AS MATERIALIZED (
                SELECT missing.address, min(contact.id) AS id
                  FROM missing
                  JOIN mailing_contact AS contact
                    ON contact.%(compared)s = missing.address
                 GROUP BY missing.address
            ),
            created AS (
                INSERT INTO mailing_contact (
                    name, company_name, country_id, %(entered)s, %(compared)s,
                    message_bounce, create_uid, create_date, write_uid, write_date
                )
                SELECT person.name, customer.name, person.country_id,
                       missing.address, missing.address, 0,
                       %(user)s, %(now)s, %(user)s, %(now)s
                  FROM missing
                  JOIN res_partner AS person ON person.id = missing.contact_id
                  LEFT JOIN res_partner AS customer
                    ON customer.id = person.commercial_partner_id
                   AND customer.is_company
                 WHERE missing.address NOT IN (SELECT address FROM known)
             RETURNING id
            ),
            added AS (
                INSERT INTO mailing_subscription (
                    contact_id, list_id, opt_out, is_from_audience,
                    create_uid, create_date, write_uid, write_date
                )
                SELECT id, %(list)s, FALSE, TRUE, %(user)s, %(now)s, %(user)s, %(now)s
                  FROM (
                      SELECT id FROM known UNION ALL SELECT id FROM created
                  ) AS contact
             RETURNING id
            )
            SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM removed)
            """,
            recipients=recipients,
            entered=entered,
            compared=compared,
            list=self.id,
            user=self.env.uid,
            now=fields.Datetime.now(),
        )
        [counts] = self.env.execute_query(query)
        for model in ("mailing.contact", "mailing.subscription", "mailing.list"):
            self.env[model].invalidate_model()
        return counts
