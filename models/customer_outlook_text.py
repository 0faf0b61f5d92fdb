from datetime import timedelta

from odoo import api, models
from odoo.tools import format_date, formatLang

#: So many days ahead a fall is shown without being asked for
SHORT_DAYS = 183


class CustomerOutlook(models.AbstractModel):
    """What would change a category, in the reader's language."""

    _inherit = "customer.outlook"

    @api.model
    def _describe(self, assignment):
        """Return what is to be said about the category of an assignment, as a list.

        :return: dicts of a ``text`` and the ``documents`` it is about, see
            ``_describe_parts``
        """
        ruleset = assignment._get_ruleset_in_force()
        if ruleset.method == "field":
            lines = self._describe_mirrored(ruleset)
        elif not assignment.company_id:
            lines = self._describe_shared(ruleset)
        else:
            lines = self._describe_case(assignment, ruleset)
        return [
            {"text": line, "documents": []} if isinstance(line, str) else line
            for line in lines
        ]

    @api.model
    def _describe_case(self, assignment, ruleset):
        case = self._get_case(ruleset, assignment.partner_id, assignment.slot)
        verdict = case.judge(case.today)
        lines = []
        if verdict.category_id != assignment.category_id.id:
            lines.append(
                self.env._(
                    "What is posted by now gives another category with the next "
                    "computation: %s.",
                    self._get_name(verdict.category_id),
                )
            )
        rise, fall = self._foresee(case, verdict)
        if rise:
            lines.append(self._describe_change(ruleset, rise))
        if fall:
            lines.append(self._describe_change(ruleset, fall))
            lines += self._describe_stays(case, fall)
        elif verdict.category_id:
            lines.append(
                self.env._("If nothing happens, no day takes this category away.")
            )
        lines += self._describe_rises(case, verdict)
        lines += self._describe_others(case)
        lines.append(self._describe_validity(ruleset))
        return lines

    @api.model
    def _describe_short(self, assignment):
        """Return when the category of an assignment falls, as a sentence, or False.

        Only of the next months: what is further away is told who asks.
        """
        case = self._get_case(
            assignment._get_ruleset_in_force(), assignment.partner_id, assignment.slot
        )
        verdict = case.judge(case.today)
        if verdict.category_id != assignment.category_id.id:
            return False
        until = case.today + timedelta(days=SHORT_DAYS)
        _rise, fall = self._foresee(case, verdict, until)
        if not fall:
            return False
        stay = self._find_stay(case, fall)
        if not stay:
            payment = self._find_averting_payment(case, fall)
            if payment:
                return self._describe_payment_shortly(case, fall, payment)
        return self._describe_shortly(case, fall, stay)

    @api.model
    def _describe_change(self, ruleset, change):
        if not change.after.category_id:
            return self.env._(
                "Ends on %(date)s if nothing happens.",
                date=self._format_day(change.day),
            )
        return self.env._(
            "Becomes %(category)s on %(date)s if nothing happens.",
            category=self._get_name(change.after.category_id),
            date=self._format_day(change.day),
        )

    @api.model
    def _describe_stays(self, case, change):
        """Say what prevents a loss: an invoice, a payment, or either."""
        stay = self._find_stay(case, change)
        payment = self._find_averting_payment(case, change)
        lines = []
        if stay:
            lines.append(self._describe_stay(case, change, stay))
        if payment:
            lines.append(self._describe_averting_payment(case, payment))
        if not lines and self._reads_payments(case):
            lines.append(
                self.env._(
                    "Neither an invoice nor a payment before that day would prevent it."
                )
            )
        return lines or [self.env._("No invoice before that day would prevent it.")]

    @api.model
    def _describe_stay(self, case, change, stay):
        values = {
            "category": self._get_name(change.before.category_id),
            "amount": self._format_money(case, stay.amount),
            "date": self._format_day(stay.until),
            "days": stay.days,
        }
        if stay.days > 1:
            return self.env._(
                "To stay %(category)s: invoices on %(days)s different days, the last "
                "on %(date)s, of %(amount)s together, without taxes.",
                **values,
            )
        if stay.amount == case.get_unit():
            return self.env._(
                "To stay %(category)s: any invoice dated %(date)s.", **values
            )
        return self.env._(
            "To stay %(category)s: %(amount)s more invoiced, without taxes, on "
            "%(date)s.",
            **values,
        )

    @api.model
    def _describe_shortly(self, case, change, stay):
        values = {
            "category": self._get_name(change.after.category_id),
            "date": self._format_day(change.day),
        }
        if not change.after.category_id:
            return self._describe_end(case, stay, values)
        if not stay or stay.days > 1:
            return self.env._("Becomes %(category)s on %(date)s", **values)
        if stay.amount == case.get_unit():
            return self.env._(
                "Becomes %(category)s on %(date)s unless something is invoiced before",
                **values,
            )
        return self.env._(
            "Becomes %(category)s on %(date)s unless %(amount)s more are invoiced "
            "before",
            amount=self._format_money(case, stay.amount),
            **values,
        )

    @api.model
    def _describe_end(self, case, stay, values):
        """Say the same where no category follows."""
        if not stay or stay.days > 1:
            return self.env._("Ends on %(date)s", **values)
        if stay.amount == case.get_unit():
            return self.env._(
                "Ends on %(date)s unless something is invoiced before", **values
            )
        return self.env._(
            "Ends on %(date)s unless %(amount)s more are invoiced before",
            amount=self._format_money(case, stay.amount),
            **values,
        )

    @api.model
    def _describe_rises(self, case, verdict):
        """Say what leads up: to the next category that invoices or payments lead to."""
        higher = case.get_higher_categories(verdict.level)
        lines = []
        for level, category in higher:
            purchase = self._find_rise(case, verdict, level)
            if purchase:
                lines.append(self._describe_rise(case, category, purchase))
                break
        payments = self._find_payments(case, verdict)
        lines += [self._describe_payment(case, *found) for found in payments]
        if not payments:
            lines += self._describe_paying_habits(case)
        if lines or not higher or case.ruleset.method == "rule":
            return lines
        name = self._get_name(higher[0][1])
        if self._reads_payments(case):
            return [self.env._("Neither invoices nor payments alone lead to %s.", name)]
        return [self.env._("Invoices alone do not lead to %s.", name)]

    @api.model
    def _describe_rise(self, case, category, purchase):
        values = {
            "category": self._get_name(category),
            "amount": self._format_money(case, purchase.amount),
            "days": purchase.days,
            "date": self._format_day(purchase.until),
        }
        if purchase.days > 1:
            return self.env._(
                "To become %(category)s: invoices on %(days)s different days from "
                "today to %(date)s, of %(amount)s together, without taxes.",
                **values,
            )
        if purchase.amount == case.get_unit():
            if not purchase.until:
                return self.env._("To become %(category)s: any invoice.", **values)
            return self.env._(
                "To become %(category)s: any invoice by %(date)s.", **values
            )
        if not purchase.until:
            return self.env._(
                "To become %(category)s: one invoice of %(amount)s, without taxes.",
                **values,
            )
        return self.env._(
            "To become %(category)s: one invoice of %(amount)s, without taxes, by "
            "%(date)s.",
            **values,
        )

    @api.model
    def _describe_validity(self, ruleset):
        if ruleset.refresh_on:
            return self.env._(
                "All of this holds as long as %(version)s is in force; its limits are "
                "taken anew from %(date)s on. What does not follow from invoices and "
                "payments is taken as it is today.",
                version=ruleset.display_name,
                date=self._format_day(ruleset.refresh_on),
            )
        return self.env._(
            "All of this holds as long as %(version)s is in force. What does not "
            "follow from invoices and payments is taken as it is today.",
            version=ruleset.display_name,
        )

    @api.model
    def _get_name(self, category_id):
        category = self.env["customer.category"].browse(category_id)
        return category.complete_name if category_id else self.env._("no category")

    @api.model
    def _format_day(self, day):
        return format_date(self.env, day)

    @api.model
    def _format_money(self, case, amount):
        return formatLang(
            self.env, float(amount), currency_obj=case.company.currency_id
        )
