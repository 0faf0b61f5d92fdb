from odoo.addons.customer_classification.models.customer_scope import EVERYONE, Scope

from .common import ClassificationCommon


class MetricCommon(ClassificationCommon):
    """Analytic lines as the records that are counted: plain, with all kinds of fields.

    :attr:`lines` keeps what was created, for the expected values in plain Python.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Metric = cls.env["customer.metric"]
        cls.Value = cls.env["customer.metric.value"]
        cls.alpha = cls.make_customer("Alpha")
        cls.beta = cls.make_customer("Beta")
        cls.gamma = cls.make_customer("Gamma")
        cls.lines = cls.env["account.analytic.line"]

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref(
            "analytic.group_analytic_accounting"
        )

    def add(self, partner, days_ago=0, quantity=0.0, amount=0.0, **values):
        line = self.env["account.analytic.line"].create(
            {
                "name": "Counted",
                "partner_id": partner.id,
                "date": self.day(days_ago),
                "unit_amount": quantity,
                "amount": amount,
                "company_id": self.env.company.id,
                **values,
            }
        )
        self.lines |= line
        return line

    def make_metric(self, code="counted", **values):
        return self.Metric.create(
            {
                "name": code.capitalize(),
                "code": code,
                "model_name": "account.analytic.line",
                "partner_path": "partner_id",
                "domain": "[('name', '=', 'Counted')]",
                **values,
            }
        )

    def update(self, company=None, partners=None):
        """Update all metrics, of the company and of none."""
        company = company or self.env.company
        scope = Scope.of(partners.ids) if partners else EVERYONE
        return self.Metric._update_values(
            company, self.today, scope
        ) + self.Metric._update_values(None, self.today, scope)

    def values_of(self, metric, company=None):
        """Return the stored values of a metric by the customer's name."""
        company = company or self.env.company
        rows = self.Value.search(
            [
                ("metric_id", "=", metric.id),
                ("company_id", "=", company.id if metric.is_company_aware else False),
            ]
        )
        column = metric._get_value_column()
        return {row.partner_id.name: row[column] for row in rows}
