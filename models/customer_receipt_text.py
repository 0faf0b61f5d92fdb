from decimal import Decimal

from odoo import api, models
from odoo.tools import format_date, formatLang

from .customer_receipt import PAID_FIGURES

#: Figures that are the sum of the amounts of their rows
SUMMED_FIGURES = {
    "revenue_total",
    "revenue_window",
    "invoiced_window",
    "revenue_previous",
    "paid_amount",
    "open_amount",
    "overdue_amount",
}


class CustomerReceipt(models.AbstractModel):
    """The documents behind a figure, as a page shows them.

    Documents that the user may not open are in the sum, and not named.
    """

    _inherit = "customer.receipt"

    @api.model
    def _describe(self, code, company, partner, as_of, settings, decided=None):
        """Return the rows behind a figure, with a running sum.

        :param decided: the value of an amount when it decided, as text; None for today
        :return: dict with ``rows``, ``total``, ``columns``, and ``changed``: by how
            much the ledger of that day is another one by now, or False
        """
        rows = self.sudo()._get_rows(code, company, partner, as_of, settings)
        visible = self._get_visible_moves(rows)
        currency = company.currency_id
        described, total, unseen, running = [], Decimal(0), 0, Decimal(0)
        for row in rows:
            total += row["amount"]
            if row["move_id"] not in visible:
                unseen += 1
                continue
            running += row["amount"]
            described.append(self._describe_row(code, row, running, currency))
        hidden = total - running
        changed = False
        if decided is not None and code in SUMMED_FIGURES:
            changed = Decimal(decided) - total
        return {
            "rows": described,
            "total": self._format_money(total, currency),
            "as_of": format_date(self.env, as_of),
            "unseen": bool(unseen)
            and {
                "text": self.env._("%s documents that you may not open", unseen),
                "amount": self._format_money(hidden, currency),
            },
            "changed": bool(changed)
            and {
                "text": self.env._("Posted, changed or cancelled since the decision"),
                "amount": self._format_money(changed, currency),
                "total": self._format_money(Decimal(decided), currency),
            },
        }

    @api.model
    def _describe_row(self, code, row, running, currency):
        return {
            "move_id": row["move_id"],
            "name": row["name"],
            "date": format_date(self.env, row["day"]),
            "detail": self._describe_detail(code, row),
            "amount": self._format_money(row["amount"], currency),
            "running": self._format_money(running, currency),
        }

    @api.model
    def _describe_detail(self, code, row):
        """Say what kind of document it is, or how it was paid."""
        if code in PAID_FIGURES:
            return self.env._(
                "Paid by %(payment)s, %(days)s days after the invoice, %(late)s days "
                "late",
                payment=row["payment_name"],
                days=row["days_to_pay"],
                late=row["days_late"],
            )
        if "is_overdue" in row:
            return self.env._("Overdue") if row["is_overdue"] else self.env._("Open")
        kinds = {
            "out_invoice": self.env._("Invoice"),
            "out_refund": self.env._("Credit note"),
            "out_receipt": self.env._("Sales receipt"),
        }
        return kinds.get(row["move_type"], "")

    @api.model
    def _get_visible_moves(self, rows):
        """Return the ids of the documents that the user may open."""
        moves = self.env["account.move"].sudo(False)
        if not moves.has_access("read"):
            return set()
        moves = moves.browse({row["move_id"] for row in rows})
        return set(moves._filtered_access("read").ids)

    @api.model
    def _format_money(self, amount, currency):
        return formatLang(self.env, float(amount), currency_obj=currency)
