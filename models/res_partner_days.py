from odoo import api, fields, models
from odoo.tools import SQL

from .customer_rights import PAYMENT_GROUP, USER_GROUP

#: The date that the days of each field are counted from
DAYS_SINCE = {
    "customer_days_since_first": "customer_first_date",
    "customer_days_since_last": "customer_last_date",
    "customer_days_overdue": "customer_oldest_overdue_date",
}


def _days(name, string, groups=USER_GROUP, **kwargs):
    """Return the field ``name`` of the contact, a number of days.

    :param str groups: who may see it
    """

    def search(partners, operator, value):
        return partners._search_customer_number(name, operator, value)

    return fields.Integer(
        string,
        compute="_compute_customer_days",
        search=search,
        compute_sudo=True,
        aggregator="avg",
        groups=groups,
        **kwargs,
    )


class ResPartner(models.Model):
    """How long ago something was: people think in days when they write rules.

    The days are counted when they are read, where the company is; nothing is stored
    that grows old. Who has no such date has no number of days either, and no
    comparison finds them.
    """

    _inherit = "res.partner"

    customer_days_since_first = _days(
        "customer_days_since_first", "Days Since First Purchase"
    )
    customer_days_since_last = _days(
        "customer_days_since_last", "Days Since Last Purchase"
    )
    customer_days_overdue = _days(
        "customer_days_overdue",
        "Days Overdue",
        groups=PAYMENT_GROUP,
        help="Since the earliest due date before today of an amount that is not paid.",
    )

    @api.depends("commercial_partner_id")
    @api.depends_context("company", "uid")
    def _compute_customer_days(self):
        today = self.env.company.root_id._get_customer_today()
        for name, date_name in DAYS_SINCE.items():
            # the metric behind a field may have been deleted
            has_date = date_name in self._fields
            for partner in self:
                day = has_date and partner[date_name]
                partner[name] = (today - day).days if day else False

    @api.model
    def _get_customer_fields_of(self, facts):
        """Return the names of the fields that show, or count from, some facts.

        :param facts: the model of facts
        """
        shown = set(self._get_customer_figure_fields(facts))
        return shown | {name for name, day in DAYS_SINCE.items() if day in shown}

    @api.model
    def _invalidate_customer_fields(self):
        self.invalidate_model(list(DAYS_SINCE))
        return super()._invalidate_customer_fields()

    def _field_to_sql(self, alias, field_expr, query=None):
        date_name = DAYS_SINCE.get(field_expr)
        if not date_name:
            return super()._field_to_sql(alias, field_expr, query)
        # Odoo checks no access to a field that a method searches
        self._check_field_access(self._fields[field_expr], "read")
        if date_name not in self._fields:
            return SQL("NULL::integer")
        return SQL(
            "(%s::date - %s)",
            self.env.company.root_id._get_customer_today(),
            self._field_to_sql(alias, date_name, query),
        )
