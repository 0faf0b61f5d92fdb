from datetime import date

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_scope import EVERYONE

#: The journals whose entries are payments
MONEY_JOURNALS = ("bank", "cash", "credit")
#: Decimal digits of numbers of days and of shares
DIGITS = 2


class CustomerPaymentFigures(models.Model):
    """How a customer pays a company, and what it owes, one narrow row for both.

    Of the journal items on receivable accounts in posted entries, as the aged
    receivable shows them:

    * The customer is the commercial entity of the item's partner; on an invoice, that
      is the one on the document. Branches count with their root company.
    * A payment is what the bank, cash and credit card journals matched with an
      invoice or sales receipt; credit notes, exchange differences and write-offs
      settle one without paying it. A discount taken in the payment's own entry counts
      as paid. A payment that has no entry yet counts once it is in the bank
      statement.
    * Each part of an invoice has its own due date. Each match of a payment with a
      part counts with its amount in company currency. Paid before the due date is
      not late, and no credit for what is paid late; the same holds for a payment
      before the invoice.
    * What was paid without an invoice is owed to the customer until it is matched.
    * A payment that is reset to draft keeps its matches, and the invoice stays paid,
      until it is cancelled: so says the amount due on the invoice.
    * Entries and matches dated after the day do not count yet.

    An invoice dated before the company's history starts says nothing about how the
    customer pays, yet is owed.
    """

    _name = "customer.payment.figures"
    _inherit = ["customer.facts.mixin"]
    _description = "Customer Payment Figures"
    _order = "overdue_amount desc, id"
    _log_access = False

    _fact_columns = (
        "paid_amount",
        "days_to_pay",
        "days_late",
        "late_share",
        "worst_delay",
        "open_amount",
        "overdue_amount",
        "overdue_invoices",
        "oldest_overdue_date",
        "next_due",
    )

    paid_amount = fields.Monetary(
        "Paid in Period",
        readonly=True,
        help="Payments of the period of value that were matched with invoices, taxes "
        "included, in company currency.",
    )
    days_to_pay = fields.Float(
        "Days to Pay",
        digits=(16, DIGITS),
        readonly=True,
        aggregator="avg",
        help="Mean days from the invoice to its payment, weighted by the amount, over "
        "the payments of the period of value. Empty where nothing was paid.",
    )
    days_late = fields.Float(
        digits=(16, DIGITS),
        readonly=True,
        aggregator="avg",
        help="Mean days from the due date to the payment, weighted by the amount, over "
        "the payments of the period of value; what is paid early is 0 days late.",
    )
    late_share = fields.Float(
        "Paid Late (%)",
        digits=(16, DIGITS),
        readonly=True,
        aggregator="avg",
        help="Percent of the amount paid in the period of value that was paid after "
        "its due date.",
    )
    worst_delay = fields.Integer(
        "Worst Delay (Days)",
        readonly=True,
        aggregator="max",
        help="The most days that a payment of the period of value was late.",
    )
    open_amount = fields.Monetary(
        readonly=True,
        help="What the customer owes, due or not, less payments and credit notes not "
        "yet matched, in company currency.",
    )
    overdue_amount = fields.Monetary(
        readonly=True,
        help="What was due before today and is not paid, in company currency.",
    )
    overdue_invoices = fields.Integer(
        readonly=True,
        help="Invoices and sales receipts with an amount that was due before today and "
        "is not paid.",
    )
    oldest_overdue_date = fields.Date(
        "Oldest Overdue Due Date",
        readonly=True,
        aggregator="min",
        help="The earliest due date before today of an amount that is not paid.",
    )

    @api.model
    def _get_query(self, company, as_of, scope=EVERYONE, settings=None):
        settings = settings or company._get_customer_settings()
        self._flush_read()
        # no further back than the calendar
        window = min(settings["window_days"], as_of.toordinal() - 1)
        return SQL(
            """
            WITH paid AS (%(paid)s),
            item AS (%(item)s),
            part AS (
                SELECT partner_id,
                       sum(amount) AS paid_amount,
                       sum(amount * days_to_pay) AS paid_days,
                       sum(amount * days_late) AS late_days,
                       sum(amount) FILTER (WHERE days_late > 0) AS late_amount,
                       max(days_late) AS worst_delay,
                       NULL::numeric AS open_amount,
                       NULL::numeric AS overdue_amount,
                       NULL::bigint AS overdue_invoices,
                       NULL::date AS oldest_overdue_date,
                       -- the oldest payment leaves the period
                       min(day) + %(window)s AS next_due
                  FROM paid
                 GROUP BY partner_id
                UNION ALL
                SELECT partner_id,
                       NULL, NULL, NULL, NULL, NULL,
                       sum(amount) FILTER (WHERE is_booked),
                       sum(amount) FILTER (WHERE is_overdue),
                       count(DISTINCT move_id) FILTER (WHERE is_overdue AND is_invoice),
                       min(due) FILTER (WHERE is_overdue),
                       LEAST(
                           min(due) FILTER (WHERE is_booked AND amount > 0
                                              AND due >= %(as_of)s) + 1,
                           min(day) FILTER (WHERE NOT is_booked),
                           min(matched_on)
                       )
                  FROM item
                 GROUP BY partner_id
            )
            SELECT customer.commercial_partner_id AS partner_id,
                   COALESCE(sum(paid_amount), 0) AS paid_amount,
                   round(sum(paid_days) / sum(paid_amount), %(digits)s) AS days_to_pay,
                   round(sum(late_days) / sum(paid_amount), %(digits)s) AS days_late,
                   round(
                       100 * COALESCE(sum(late_amount), 0) / sum(paid_amount),
                       %(digits)s
                   ) AS late_share,
                   max(worst_delay) AS worst_delay,
                   COALESCE(sum(open_amount), 0) AS open_amount,
                   COALESCE(sum(overdue_amount), 0) AS overdue_amount,
                   COALESCE(sum(overdue_invoices), 0)::integer AS overdue_invoices,
                   min(oldest_overdue_date) AS oldest_overdue_date,
                   min(next_due) AS next_due
              FROM part
              JOIN res_partner AS customer ON customer.id = part.partner_id
             WHERE customer.commercial_partner_id IN (%(customers)s)
               AND %(in_scope)s
             GROUP BY customer.commercial_partner_id
            """,
            paid=self._get_paid_query(company, as_of, scope, settings, window),
            item=self._get_item_query(company, as_of, scope),
            as_of=as_of,
            window=window,
            digits=DIGITS,
            customers=company._get_customer_query(settings),
            in_scope=scope.on(SQL.identifier("customer", "commercial_partner_id")),
        )

    @api.model
    def _get_paid_query(self, company, as_of, scope, settings, window):
        """Return SQL for the payments of the period, a row for each match.

        :param int window: days of the period
        """
        return SQL(
            """
            SELECT invoice.partner_id,
                   invoice.move_id AS invoice_id,
                   payment.move_id AS payment_id,
                   payment.date AS day,
                   partial.amount,
                   GREATEST(payment.date - invoice.invoice_date, 0) AS days_to_pay,
                   GREATEST(
                       payment.date - COALESCE(invoice.date_maturity, invoice.date), 0
                   ) AS days_late
              FROM account_partial_reconcile AS partial
              JOIN account_move_line AS invoice ON invoice.id = partial.debit_move_id
              JOIN account_move_line AS payment ON payment.id = partial.credit_move_id
             WHERE partial.amount > 0
               AND partial.max_date <= %(as_of)s
               AND partial.max_date > %(as_of)s - %(window)s
               AND payment.date > %(as_of)s - %(window)s
               AND payment.journal_id = ANY(%(money_journals)s)
               AND invoice.matching_number IS NOT NULL
               AND invoice.invoice_date >= %(history_start)s::date
               AND %(is_invoice)s
               AND %(is_receivable)s
            """,
            as_of=as_of,
            window=window,
            money_journals=self._get_journals(company, MONEY_JOURNALS),
            history_start=settings["history_start"] or date.min,
            is_invoice=self._get_invoice_condition(company, "invoice"),
            is_receivable=self._get_receivable_condition(company, scope, "invoice"),
        )

    @api.model
    def _get_item_query(self, company, as_of, scope):
        """Return SQL for the items that are open on the day, or change later.

        What is open is what the ledger says is open now, less the matches of later
        days. Few items are open, or matched later than today.
        """
        return SQL(
            """
            SELECT id AS line_id, partner_id, move_id, day, due, is_invoice,
                   day <= %(as_of)s AS is_booked,
                   day <= %(as_of)s AND sum(amount) > 0 AND due < %(as_of)s
                       AS is_overdue,
                   sum(amount) AS amount,
                   min(matched_on) AS matched_on
              FROM (
                  SELECT %(columns)s,
                         line.amount_residual AS amount,
                         NULL::date AS matched_on
                    FROM account_move_line AS line
                   WHERE line.reconciled IS NOT TRUE
                     AND line.amount_residual <> 0
                     AND %(is_receivable)s
                  UNION ALL
                  SELECT %(columns)s, partial.amount, partial.max_date
                    FROM account_partial_reconcile AS partial
                    JOIN account_move_line AS line ON line.id = partial.debit_move_id
                   WHERE partial.max_date > %(as_of)s AND %(is_receivable)s
                  UNION ALL
                  SELECT %(columns)s, -partial.amount, partial.max_date
                    FROM account_partial_reconcile AS partial
                    JOIN account_move_line AS line ON line.id = partial.credit_move_id
                   WHERE partial.max_date > %(as_of)s AND %(is_receivable)s
              ) AS entry
             GROUP BY id, partner_id, move_id, day, due, is_invoice
            """,
            columns=SQL(
                """line.id, line.partner_id, line.move_id, line.date AS day,
                   COALESCE(line.date_maturity, line.date) AS due,
                   %s AS is_invoice""",
                self._get_invoice_condition(company, "line"),
            ),
            as_of=as_of,
            is_receivable=self._get_receivable_condition(company, scope, "line"),
        )

    # Which journal items

    @api.model
    def _get_receivable_condition(self, company, scope, alias):
        """Return SQL that an item of a table is what somebody in scope owes or gave."""
        # sudo: which accounts are receivable is no secret to who starts a run
        accounts = self.env["account.account"].sudo().with_context(active_test=False)
        in_scope = SQL("TRUE")
        if scope is not EVERYONE:
            # a payment may be of a contact of the customer
            in_scope = SQL(
                "%s IN (SELECT id FROM res_partner WHERE %s)",
                SQL.identifier(alias, "partner_id"),
                scope.on(SQL("commercial_partner_id")),
            )
        return SQL(
            """(%(account)s = ANY(%(accounts)s)
                AND %(company)s = ANY(%(companies)s)
                AND %(state)s = 'posted'
                AND %(in_scope)s)""",
            account=SQL.identifier(alias, "account_id"),
            accounts=accounts.search([("account_type", "=", "asset_receivable")]).ids,
            company=SQL.identifier(alias, "company_id"),
            companies=company._get_customer_branches().ids,
            state=SQL.identifier(alias, "parent_state"),
            in_scope=in_scope,
        )

    @api.model
    def _get_invoice_condition(self, company, alias):
        """Return SQL that a receivable item is what an invoice or receipt demands.

        Only documents have an invoice date, and only those of sales journals are sold.
        It says so of credit notes, too: their items are credits.
        """
        return SQL(
            """(%(journal)s = ANY(%(journals)s)
                AND %(day)s IS NOT NULL)""",
            journal=SQL.identifier(alias, "journal_id"),
            journals=self._get_journals(company, ("sale",)),
            day=SQL.identifier(alias, "invoice_date"),
            balance=SQL.identifier(alias, "balance"),
        )

    @api.model
    def _get_journals(self, company, types):
        """Return the ids of the journals of some types, archived ones included."""
        # sudo: which journals there are is no secret to who starts a run
        journals = self.env["account.journal"].sudo().with_context(active_test=False)
        companies = company._get_customer_branches()
        return journals.search(
            [("type", "in", types), ("company_id", "in", companies.ids)]
        ).ids

    @api.model
    def _flush_read(self):
        """Write to the database what the queries read."""
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        self.env["account.partial.reconcile"].flush_model(
            ["debit_move_id", "credit_move_id", "amount", "max_date"]
        )
        self.env["account.move.line"].flush_model(
            [
                "partner_id",
                "company_id",
                "account_id",
                "journal_id",
                "move_id",
                "parent_state",
                "date",
                "invoice_date",
                "date_maturity",
                "matching_number",
                "amount_residual",
                "reconciled",
            ]
        )
