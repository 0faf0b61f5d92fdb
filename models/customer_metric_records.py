from odoo import models
from odoo.exceptions import AccessError

from .customer_scope import Scope


class CustomerMetric(models.Model):
    """The records behind a value: those that the computation counts, as a list."""

    _inherit = "customer.metric"

    def _has_records(self):
        """Return whether there are records that the user may open, of some customer."""
        self.ensure_one()
        return (
            self.kind == "custom"
            and self.model_name in self.env
            and self.env[self.model_name].sudo(False).has_access("read")
        )

    def _get_records_action(self, company, partner):
        """Return the action that lists what the value of a customer is made of.

        It lists what counts today; of that, what the user may open. The others are
        counted in its title.

        :param company: whose value; an empty recordset where all have one in common
        :raise AccessError: where the user may not see the value or any such record
        """
        self.ensure_one()
        if self.env["customer.metric"]._get_hidden_codes([self.code]):
            raise AccessError(self.env._("You may not see this figure."))
        if not self._has_records():
            raise AccessError(
                self.env._(
                    "You may not open the records that “%s” is made of.", self.name
                )
            )
        ids = self._get_record_ids(company, partner)
        records = self.env[self.model_name].sudo(False).browse(ids)
        visible = records._filtered_access("read")
        values = {
            "metric": self.name,
            "customer": partner.display_name,
            "unseen": len(records) - len(visible),
        }
        name = self.env._("%(metric)s: %(customer)s", **values)
        if values["unseen"]:
            name = self.env._(
                "%(metric)s: %(customer)s (and %(unseen)s that you may not open)",
                **values,
            )
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": self.model_name,
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", visible.ids)],
            "context": {"create": False},
        }

    def _get_record_ids(self, company, partner):
        """Return the ids of the records that count for a customer today."""
        owner = company if self.is_company_aware else None
        if company:
            today = company._get_customer_today()
        else:
            today = company._get_customer_today_of_all()
        _model, query = self.sudo()._get_counted(owner, today, Scope.of(partner.ids))
        return [id_ for [id_] in self.env.execute_query(query.select())]


class CustomerMetricValue(models.Model):
    _inherit = "customer.metric.value"

    def action_show_records(self):
        """Open the records that this value is made of, as far as the user may."""
        self.ensure_one()
        self.check_access("read")
        own = self.sudo()  # sudo: the names of the customer and the company
        return own.metric_id._get_records_action(own.company_id, own.partner_id)
