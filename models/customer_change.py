import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL, mute_logger

#: More waiting rows than this become one that says: everything changed. A full run
#: takes less than looking at so many, and the queue cannot grow where none ever runs.
WAITING_LIMIT = 500_000


class CustomerChange(models.Model):
    """Customers whose invoices, payments or contact changed since the last run.

    A queue that is only appended to: no key, so that nobody who posts an invoice
    ever waits for another, and no foreign keys. The triggers of
    ``customer_change_triggers.py`` fill it, in the transaction that changes
    something. A run deletes exactly the rows that it sees and takes over what they
    say; what is in flight then is there for the next.
    """

    _name = "customer.change"
    _description = "Change to Be Classified"
    _order = "id"
    _log_access = False

    partner_id = fields.Integer(
        "Customer",
        readonly=True,
        aggregator=None,
        help="The id of the contact, which may be gone. Empty: every customer.",
    )
    company_id = fields.Integer(
        readonly=True,
        aggregator=None,
        help="The id of the company or branch. Empty: all companies.",
    )

    # Appending

    @api.model
    def _mark(self, partners, company=None):
        """Note that customers have to be looked at.

        :param partners: contacts, as records or ids
        :param company: a company or branch; None for all
        """
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_change (partner_id, company_id)
                SELECT DISTINCT unnest(%s::integer[]), %s::integer
                """,
                list(getattr(partners, "ids", partners)),
                (company and company.id) or None,
            )
        )

    @api.model
    def _mark_everything(self, company=None):
        """Note that all customers have to be looked at.

        :param company: a company or branch; None for all
        """
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_change (partner_id, company_id)
                VALUES (NULL, %s)
                """,
                (company and company.id) or None,
            )
        )

    # Draining

    @api.model
    def _get_waiting_companies(self):
        """Return the root companies that something is waiting for; often none."""
        # sudo: changes are those of all companies
        companies = self.env["res.company"].sudo()
        ids = {
            id_
            for [id_] in self.env.execute_query(
                SQL("SELECT DISTINCT company_id FROM customer_change")
            )
        }
        if None in ids:
            return companies.search([("parent_id", "=", False)])
        return companies.browse(ids).exists().root_id.filtered("active")

    @api.model
    def _drain_to(self, lines):
        """Move what is waiting to the scopes of ``lines``, lines of a run.

        A line with a company gets the customers noted for it, its branches, or all
        companies; the line of what companies share gets all customers. A contact
        stands for itself and for its present commercial entity. What is noted for an
        active company without a line stays waiting.

        One statement, which deletes exactly the rows it sees. Take the lock under
        which only one transaction drains before this one begins.

        :return: those of ``lines`` that have to look at every customer
        """
        self.env["res.company"].flush_model(["active", "parent_path"])
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        lines.flush_recordset(["company_id"])
        rows = self.env.execute_query(
            SQL(
                """
                WITH branch AS (
                    SELECT id,
                           split_part(parent_path, '/', 1)::integer AS root_id
                      FROM res_company
                ),
                line AS (
                    SELECT id, company_id
                      FROM customer_classification_run_line
                     WHERE id = ANY(%(lines)s)
                ),
                left_out AS (
                    SELECT id AS company_id
                      FROM res_company
                     WHERE parent_id IS NULL
                       AND active
                       AND id NOT IN (
                           SELECT company_id
                             FROM line
                            WHERE company_id IS NOT NULL
                       )
                ),
                drained AS (
                    DELETE FROM customer_change AS change
                     WHERE change.company_id IS NULL
                        OR change.company_id NOT IN (
                            SELECT branch.id
                              FROM branch
                              JOIN left_out ON left_out.company_id = branch.root_id
                        )
                    RETURNING change.partner_id, change.company_id
                ),
                kept AS (
                    INSERT INTO customer_change (partner_id, company_id)
                    SELECT DISTINCT drained.partner_id, left_out.company_id
                      FROM drained
                     CROSS JOIN left_out
                     WHERE drained.company_id IS NULL
                ),
                concerned AS (
                    SELECT DISTINCT line.id AS line_id, drained.partner_id
                      FROM drained
                      LEFT JOIN branch ON branch.id = drained.company_id
                      JOIN line
                        ON line.company_id IS NULL
                        OR drained.company_id IS NULL
                        OR line.company_id = branch.root_id
                ),
                everyone AS (
                    SELECT line_id
                      FROM concerned
                     WHERE partner_id IS NULL
                ),
                scoped AS (
                    INSERT INTO customer_classification_scope (line_id, partner_id)
                    SELECT line_id, customer_id
                      FROM (
                          SELECT line_id, partner_id AS customer_id
                            FROM concerned
                           UNION
                          -- looked up one by one: what is drained looks like more
                          -- than it is, and a join would read all contacts
                          SELECT line_id, (
                                     SELECT commercial_partner_id
                                       FROM res_partner
                                      WHERE id = concerned.partner_id
                                 )
                            FROM concerned
                      ) AS customer
                     WHERE customer_id IS NOT NULL
                       AND line_id NOT IN (SELECT line_id FROM everyone)
                    ON CONFLICT (line_id, partner_id) DO NOTHING
                )
                SELECT line_id FROM everyone
                """,
                lines=lines.ids,
            )
        )
        self.invalidate_model()
        return lines.browse(id_ for [id_] in rows).sorted()

    @api.autovacuum
    def _gc_waiting(self):
        """Replace too many waiting rows by one that says: everything changed.

        Whoever drains the queue meanwhile has done that better.
        """
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                self.env.execute_query(
                    SQL(
                        """
                        WITH removed AS (
                            DELETE FROM customer_change
                             WHERE (
                                 SELECT count(*)
                                   FROM (
                                       SELECT
                                         FROM customer_change
                                        LIMIT %(limit)s + 1
                                   ) AS waiting
                             ) > %(limit)s
                            RETURNING 1
                        )
                        INSERT INTO customer_change (partner_id, company_id)
                        SELECT NULL, NULL
                         WHERE EXISTS (SELECT FROM removed)
                        """,
                        limit=WAITING_LIMIT,
                    )
                )
        except psycopg2.errors.SerializationFailure:
            return
        self.invalidate_model()
