from odoo import fields, models
from odoo.tools import SQL

from .customer_check_line import MAX_LISTED


class CustomerCheckAmount(models.Model):
    """How much of a company's ledger is classified, or for which reason it is not."""

    _name = "customer.check.amount"
    _description = "Part of the Ledger"
    _order = "line_id, sequence, id"
    _rec_name = "reason"
    _log_access = False

    line_id = fields.Many2one(
        "customer.check.line",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    check_id = fields.Many2one(related="line_id.check_id", store=True, index=True)
    company_id = fields.Many2one(related="line_id.company_id")
    currency_id = fields.Many2one(related="line_id.currency_id")
    reason = fields.Selection(
        [
            ("classified", "Classified"),
            ("waiting", "Changed since the last run: the next one classifies it"),
            ("population", "No customers by the settings"),
            ("excluded", "Customers excluded from the classification"),
            ("group", "Own companies"),
            ("no_entity", "Contacts that belong to another contact by now"),
            ("receipt", "Sales receipts, which do not count by the settings"),
            ("before_history", "Before the history starts"),
            ("future", "Dated later than today"),
            ("no_date", "Without a date"),
            ("no_customer", "Without a customer"),
            ("unexplained", "Difference"),
        ],
        string="What Became of It",
        required=True,
        readonly=True,
    )
    sequence = fields.Integer(readonly=True)
    documents = fields.Integer(readonly=True)
    amount = fields.Monetary(readonly=True)


class CustomerCheckLine(models.Model):
    """Compares what is classified with the ledger.

    What is read here is the documents themselves, by a query of its own: what the
    figures have overlooked, it finds. Each document counts, or has one reason why it
    does not. So the ledger is what is classified, plus what each reason keeps out,
    plus what waits, plus the difference, to the cent.
    """

    _inherit = "customer.check.line"

    def _compare_ledger(self, scope):
        """Add up the documents of the next customers; return who differs.

        :return: as :meth:`_record` takes it
        """
        self._collect_documents(scope)
        amounts = {
            reason: (amount, documents)
            for reason, amount, documents in self.env.execute_query(
                SQL(
                    """
                    SELECT reason, sum(amount), sum(documents)::integer
                      FROM pg_temp.customer_check_ledger
                     WHERE reason IS NOT NULL
                     GROUP BY reason
                    """
                )
            )
        }
        [[classified, documents, waiting, unexplained]] = self.env.execute_query(
            SQL(
                """
                SELECT COALESCE(sum(classified), 0),
                       COALESCE(sum(documents), 0)::integer,
                       COALESCE(sum(difference) FILTER (WHERE is_waiting), 0),
                       COALESCE(sum(difference) FILTER (WHERE NOT is_waiting), 0)
                  FROM (%s) AS compared
                """,
                self._get_ledger_comparison(scope),
            )
        )
        amounts["classified"] = (classified, documents)
        amounts["waiting"] = (waiting, 0)
        amounts["unexplained"] = (unexplained, 0)
        self._add_amounts(amounts)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id, classified::text, (classified + difference)::text
                  FROM (%s) AS compared
                 WHERE difference <> 0 AND NOT is_waiting
                 ORDER BY partner_id
                """,
                self._get_ledger_comparison(scope),
            )
        )
        found = [
            {
                "contact_number": partner_id,
                "subject": "ledger",
                "kind": "value",
                "res_model": "customer.figures",
                "field_name": "revenue_total",
                "dimension_id": None,
                "slot": None,
                "stored_value": stored,
                "computed_value": computed,
            }
            for partner_id, stored, computed in rows[:MAX_LISTED]
        ]
        return [({partner_id for partner_id, *_values in rows}, found)]

    def _collect_documents(self, scope):
        """Add up the documents by customer and reason, in a temporary table."""
        self.env["account.move"].flush_model()
        self.env["customer.exclusion"].flush_model()
        self.env.execute_query(
            SQL("DROP TABLE IF EXISTS pg_temp.customer_check_ledger")
        )
        self.env.execute_query(
            SQL(
                """
                CREATE TEMPORARY TABLE customer_check_ledger (
                    partner_id integer, reason varchar, amount numeric, documents bigint
                ) ON COMMIT DROP
                """
            )
        )
        customer = SQL.identifier("move", "commercial_partner_id")
        conditions = [scope.on(customer)]
        if not self.position:
            conditions.append(SQL("%s IS NULL", customer))
        for condition in conditions:
            self.env.execute_query(
                SQL(
                    """
                    INSERT INTO pg_temp.customer_check_ledger
                    SELECT partner_id, reason, sum(amount), count(*)
                      FROM (%s) AS document
                     GROUP BY partner_id, reason
                    """,
                    self._get_documents_query(condition),
                )
            )
        self.env.execute_query(SQL("ANALYZE pg_temp.customer_check_ledger"))

    def _get_documents_query(self, condition):
        """Return SQL with each document, and why it does not count (NULL: it does)."""
        settings = self._get_settings()
        company = self.company_id
        branches = company._get_customer_branches()
        # sudo: who is a customer is not for the user who asks to decide
        Partner = self.env["res.partner"].sudo().with_company(company)
        population = Partner._search(
            company._get_customer_domain(settings["population"]),
            active_test=False,
            bypass_access=True,
        )
        return SQL(
            """
            SELECT move.commercial_partner_id AS partner_id,
                   move.amount_untaxed_signed AS amount,
                   CASE WHEN partner.id IS NULL THEN 'no_customer'
                        WHEN move.move_type = 'out_receipt' AND NOT %(receipts)s
                        THEN 'receipt'
                        WHEN move.invoice_date IS NULL THEN 'no_date'
                        WHEN move.invoice_date < %(history_start)s::date
                        THEN 'before_history'
                        WHEN move.invoice_date > %(today)s THEN 'future'
                        WHEN own.is_of_company
                          OR (own.partner_id IS NOT NULL AND NOT %(intercompany)s)
                        THEN 'group'
                        WHEN partner.commercial_partner_id IS DISTINCT FROM partner.id
                        THEN 'no_entity'
                        WHEN excluded.partner_id IS NOT NULL THEN 'excluded'
                        WHEN customer.id IS NULL THEN 'population'
                   END AS reason
              FROM account_move AS move
              LEFT JOIN res_partner AS partner
                ON partner.id = move.commercial_partner_id
              LEFT JOIN (
                  SELECT partner_id, bool_or(id = ANY(%(branches)s)) AS is_of_company
                    FROM res_company
                   GROUP BY partner_id
              ) AS own ON own.partner_id = partner.id
              LEFT JOIN (SELECT DISTINCT partner_id FROM customer_exclusion) AS excluded
                ON excluded.partner_id = partner.id
              LEFT JOIN (%(population)s) AS customer (id) ON customer.id = partner.id
             WHERE move.state = 'posted'
               AND move.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
               AND move.company_id = ANY(%(branches)s)
               AND %(condition)s
            """,
            receipts=settings["receipts"],
            history_start=settings["history_start"] or "0001-01-01",
            today=self._get_today(),
            intercompany=settings["intercompany"],
            branches=branches.ids,
            population=population.select(),
            condition=condition,
        )

    def _get_ledger_comparison(self, scope):
        """Return SQL with what the ledger and the figures say of each customer."""
        return SQL(
            """
            SELECT COALESCE(ledger.partner_id, stored.partner_id) AS partner_id,
                   COALESCE(stored.revenue_total, 0) AS classified,
                   ledger.documents,
                   COALESCE(ledger.amount, 0) - COALESCE(stored.revenue_total, 0)
                       AS difference,
                   waiting.partner_id IS NOT NULL AS is_waiting
              FROM (
                  SELECT *
                    FROM pg_temp.customer_check_ledger
                   WHERE reason IS NULL
              ) AS ledger
              FULL JOIN %(stored)s AS stored ON stored.partner_id = ledger.partner_id
              LEFT JOIN pg_temp.customer_check_wait AS waiting
                ON waiting.partner_id = COALESCE(ledger.partner_id, stored.partner_id)
            """,
            stored=self.env["customer.figures"]._get_stored(self.company_id, scope),
        )

    def _add_amounts(self, amounts):
        """Add what the next customers give to the amounts of the company.

        :param dict amounts: pairs of an amount and a number of documents by reason
        """
        rows = {row.reason: row for row in self.amount_ids}
        reasons = self.amount_ids._fields["reason"].selection
        for sequence, (reason, _label) in enumerate(reasons):
            amount, documents = amounts.get(reason, (0, 0))
            if not (amount or documents):
                continue
            row = rows.get(reason)
            if row:
                row.amount += float(amount)
                row.documents += documents
            else:
                self.env["customer.check.amount"].create(
                    {
                        "line_id": self.id,
                        "reason": reason,
                        "sequence": sequence,
                        "amount": float(amount),
                        "documents": documents,
                    }
                )
