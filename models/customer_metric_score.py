from odoo import api, models
from odoo.exceptions import UserError

from .customer_metric_update import COUNTED_MEASURES

#: Built-in numbers that are neither sums nor counts
MEAN_FIGURES = ("average_ticket",)


class CustomerMetric(models.Model):
    """What a score needs of metrics; it knows them by their codes."""

    _inherit = "customer.metric"

    def _is_summable(self):
        """Return whether the values of all customers add up to something."""
        self.ensure_one()
        if self.value_type in ("date", "reference"):
            return False
        if self.kind == "figure":
            return self.code not in MEAN_FIGURES
        return self.measure in COUNTED_MEASURES

    @api.model
    def _get_by_code(self, codes):
        """Return the metrics that still exist by code, in their order."""
        # sudo: what decided is no secret to who may read the decision
        metrics = self.sudo().with_context(active_test=False)
        return {
            metric.code: metric for metric in metrics.search([("code", "in", codes)])
        }

    @api.model
    def _join_by_code(self, figures, codes, company, as_of=None):
        """Return ``figures`` with a column for each of the metrics, see `join_values`.

        :param list codes: of built-in metrics, too: they are columns already
        :raise UserError: where one of them has no values that can be relied upon
        """
        metrics = self._get_by_code(codes)
        for code in codes:
            metric = metrics.get(code)
            if not metric or not metric.active or metric.is_broken:
                raise UserError(
                    self.env._(
                        "The metric “%s” is archived, switched off or deleted, so the "
                        "score cannot be computed; customers keep their categories. "
                        "Repair the metric, or remove it from the criteria.",
                        metric.name if metric else code,
                    )
                )
        custom = self.union(*metrics.values()).filtered(lambda m: m.kind == "custom")
        if not custom:
            return figures
        return self.join_values(figures, custom, company, as_of)
