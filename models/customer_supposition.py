"""What if: a customer with documents and a category that are only imagined."""

from odoo.tools import SQL

from .customer_scope import Scope


class Supposition(Scope):
    """The scope of one customer about whom something is imagined.

    The engine's own definitions then say what would be: they read, besides the posted
    documents, those named here, and another present category than the stored one.
    Nothing is written.
    """

    is_supposed = True

    def __init__(self, partner_id, purchases=(), present=None, payments=()):
        """
        :param int partner_id: the commercial partner
        :param purchases: ``(day, amount)`` of invoices that are not there; the amount
            without taxes, a ``Decimal`` in company currency
        :param present: ``(category id, grace until)``, each may be None, instead of
            what is stored; None for that
        :param payments: ``(day, id of the journal item, amount)`` of payments that are
            not there, of what is open; the amount in company currency
        """
        super().__init__(ids=[partner_id])
        self.purchases = purchases
        self.payments = payments
        self.present = present

    def with_documents(self, documents):
        if not self.purchases:
            return documents
        return SQL(
            "%s UNION ALL VALUES %s",
            documents,
            SQL(", ").join(
                SQL("(%s, %s::date, TRUE, %s::numeric)", self.ids[0], day, str(amount))
                for day, amount in self.purchases
            ),
        )

    def get_payments(self):
        """Return a table expression: ``day``, ``line_id`` and ``amount`` of each."""
        return SQL(
            "(VALUES %s) AS payment (day, line_id, amount)",
            SQL(", ").join(
                SQL("(%s::date, %s, %s::numeric)", day, line_id, str(amount))
                for day, line_id, amount in self.payments
            ),
        )

    def get_assignments(self, ruleset):
        if self.present is None:
            return super().get_assignments(ruleset)
        category_id, grace_until = self.present
        return SQL(
            """(SELECT %s AS partner_id, %s AS company_id, %s AS dimension_id,
                       0 AS slot, %s::integer AS category_id, %s::date AS grace_until
               ) AS customer_assignment""",
            self.ids[0],
            ruleset.company_id.id,
            ruleset.dimension_id.id,
            category_id or None,
            grace_until or None,
        )
