from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL

from .customer_outlook_rules import is_fixed_day
from .customer_receipt import PAID_FIGURES
from .customer_supposition import Supposition

#: So many documents to pay are named
MAX_NAMED = 10


class CustomerOutlook(models.AbstractModel):
    """What is to be paid, and what else decides, in the reader's language."""

    _inherit = "customer.outlook"

    # Payments

    @api.model
    def _describe_payment(self, case, category, payment):
        values = {
            "category": self._get_name(category),
            "amount": self._format_money(case, payment.amount),
        }
        if not payment.until:
            text = self.env._(
                "To become %(category)s: %(amount)s paid, the oldest due first.",
                **values,
            )
        else:
            text = self.env._(
                "To become %(category)s: %(amount)s paid by %(date)s, the oldest due "
                "first.",
                date=self._format_day(payment.until),
                **values,
            )
        return {"text": text, "documents": self._describe_parts(case, payment.parts)}

    @api.model
    def _describe_averting_payment(self, case, payment):
        text = self.env._(
            "To prevent that: %(amount)s paid by %(date)s, the oldest due first.",
            amount=self._format_money(case, payment.amount),
            date=self._format_day(payment.until),
        )
        return {"text": text, "documents": self._describe_parts(case, payment.parts)}

    @api.model
    def _describe_payment_shortly(self, case, change, payment):
        values = {
            "date": self._format_day(change.day),
            "amount": self._format_money(case, payment.amount),
        }
        if not change.after.category_id:
            return self.env._(
                "Ends on %(date)s unless %(amount)s are paid before", **values
            )
        return self.env._(
            "Becomes %(category)s on %(date)s unless %(amount)s are paid before",
            category=self._get_name(change.after.category_id),
            **values,
        )

    @api.model
    def _describe_parts(self, case, parts):
        """Return the documents to be paid, as far as the user may open them.

        :return: dicts of ``text`` and ``move_id``, False where it is not named, or
            where it stands for several
        """
        visible = self.env["customer.receipt"]._get_visible_moves(
            [{"move_id": part.move_id} for part in parts]
        )
        named = [part for part in parts if part.move_id in visible]
        result = [
            {
                "move_id": part.move_id,
                "name": part.name,
                "text": self.env._(
                    "due %(date)s: %(amount)s",
                    date=self._format_day(part.due),
                    amount=self._format_money(case, part.amount),
                ),
            }
            for part in named[:MAX_NAMED]
        ]
        others = named[MAX_NAMED:]
        if others:
            name = self.env._("%s more documents", len(others))
            result.append(self._describe_together(case, name, others))
        unseen = [part for part in parts if part.move_id not in visible]
        if unseen:
            name = self.env._("%s documents that you may not open", len(unseen))
            result.append(self._describe_together(case, name, unseen))
        return result

    @api.model
    def _describe_together(self, case, name, parts):
        amount = sum(part.amount for part in parts)
        return {
            "move_id": False,
            "name": name,
            "text": self._format_money(case, amount),
        }

    @api.model
    def _describe_paying_habits(self, case):
        """Say what no single payment changes: how long the customer takes to pay."""
        codes = [code for code in sorted(case.metrics) if code in PAID_FIGURES]
        if not codes:
            return []
        lines = [
            self.env._(
                "%s follows from all payments of the period: it changes as further "
                "invoices are paid, for the better where that is by their due date.",
                name,
            )
            for name in self._get_metric_names(codes)
        ]
        leaving = self._get_leaving_day(case)
        if leaving:
            lines.append(
                self.env._(
                    "The oldest of those payments no longer counts from %s on.",
                    self._format_day(leaving),
                )
            )
        return lines

    @api.model
    def _get_leaving_day(self, case):
        """Return the day on which the oldest payment leaves the period, or None."""
        Payments = self.env["customer.payment.figures"]
        Payments._flush_read()
        settings = case.ruleset.company_settings
        window = min(settings["window_days"], case.today.toordinal() - 1)
        [[first]] = self.env.execute_query(
            SQL(
                "SELECT min(day) FROM (%s) AS paid",
                Payments._get_paid_query(
                    case.company,
                    case.today,
                    Supposition(case.partner.id),
                    settings,
                    window,
                ),
            )
        )
        return first and first + timedelta(days=window)

    # What follows neither from invoices nor from payments

    @api.model
    def _describe_others(self, case):
        """Name what else decides, which is taken as it is today."""
        if case.ruleset.method == "rule":
            names = self._get_condition_labels(
                condition
                for domain in case.domains.values()
                for condition in domain.iter_conditions()
                if condition not in case.figures
            )
        else:
            metrics = self.env["customer.metric"]._get_by_code(list(case.metrics))
            lines = self.env["customer.product.figures"]._fact_columns
            names = self._get_metric_names(
                [
                    code
                    for code, metric in metrics.items()
                    if metric.kind == "custom" or code in lines
                ]
            )
        if not names:
            return []
        return [
            self.env._(
                "Also decides, and is taken as it is today: %s.", self._join(names)
            )
        ]

    @api.model
    def _describe_mirrored(self, ruleset):
        """Say where a category that stands for a field of the contact is changed."""
        names = [
            self.env["customer.assignment.history"]._get_label(name)
            for name in ruleset._get_settings()["levels"]
        ]
        if len(names) == 1:
            text = self.env._(
                "This follows the contact's field %s: change it there, and the next "
                "computation follows.",
                names[0],
            )
        else:
            text = self.env._(
                "This follows the contact's fields %s: change them there, and the next "
                "computation follows.",
                self._join(names),
            )
        return [text, self.env._("No day takes this category away by itself.")]

    @api.model
    def _describe_shared(self, ruleset):
        """Say what decides where all companies have the category in common."""
        conditions = [
            condition
            for rule in ruleset.rule_ids
            for condition in rule._get_domain().iter_conditions()
        ]
        lines = []
        if conditions:
            lines.append(
                self.env._(
                    "This follows from the contact: %s. Change it there, and the next "
                    "computation follows.",
                    self._join(self._get_condition_labels(conditions)),
                )
            )
        if any(self._moves_along(condition) for condition in conditions):
            lines.append(
                self.env._(
                    "A rule compares with today, so the category can also change from "
                    "one day to the next."
                )
            )
        elif conditions:
            lines.append(self.env._("No day takes this category away by itself."))
        return lines

    @api.model
    def _moves_along(self, condition):
        """Return whether a condition compares with a day such as “today -90d”."""
        field = self.env["res.partner"]._fields.get(condition.field_expr)
        is_date = bool(field) and field.type in ("date", "datetime")
        value = condition.value
        return is_date and isinstance(value, str) and not is_fixed_day(value)

    @api.model
    def _get_condition_labels(self, conditions):
        History = self.env["customer.assignment.history"]
        names = dict.fromkeys(
            condition.field_expr.split(".")[0] for condition in conditions
        )
        return [History._get_label(name) for name in names]

    @api.model
    def _get_metric_names(self, codes):
        return [
            m.name for m in self.env["customer.metric"]._get_by_code(codes).values()
        ]

    @api.model
    def _join(self, names):
        History = self.env["customer.assignment.history"]
        text = names[0]
        for name in names[1:]:
            text = History._join_parts(text, name)
        return text
