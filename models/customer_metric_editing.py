from odoo import api, fields, models

#: Of a proposed code: room for a number behind it
MAX_LENGTH = 36


class CustomerMetric(models.Model):
    """What helps the administrator who defines a metric."""

    _inherit = "customer.metric"

    code = fields.Char(
        compute="_compute_code", store=True, readonly=False, precompute=True
    )

    @api.depends("name")
    def _compute_code(self):
        """Propose a code from the name; one that is there stays."""
        for metric in self:
            metric.code = metric.code or (
                metric.name and metric._propose_code(metric.name)
            )

    @api.model
    def _get_built_in_codes(self):
        """Return the codes that no custom metric may have: figures keep their names."""
        models = self.env["customer.facts.mixin"]._get_models()
        return {name for model in models for name in model._fields}

    @api.model
    def _propose_code(self, name):
        """Return a free code for ``name``: its ASCII letters, or ``metric_N``."""
        code = self.env["customer.code.mixin"]._slugify(name).lstrip("0123456789_")
        code = code[:MAX_LENGTH].rstrip("_")
        # sudo: codes of metrics that are hidden from the user are taken, too
        metrics = self.sudo().with_context(active_test=False).search([])
        taken = {*metrics.mapped("code"), *self._get_built_in_codes()}
        if code and code not in taken:
            return code
        prefix, number = (code, 2) if code else ("metric", len(metrics) + 1)
        while f"{prefix}_{number}" in taken:
            number += 1
        return f"{prefix}_{number}"
