from odoo import models
from odoo.exceptions import AccessError

from .customer_dimension_apply import COMPANY_FIELDS


class ResCompany(models.Model):
    """How frozen settings of a company become those of today."""

    _inherit = "res.company"

    def _apply_customer_settings(self, settings):
        """Let the company have these settings; write only what differs.

        :param dict settings: as ``_get_customer_settings`` returns them
        :raise AccessError: where something differs that the user may not change
        """
        self.ensure_one()
        present = self._get_customer_settings()
        changed = {
            COMPANY_FIELDS[key]: value
            for key, value in settings.items()
            if present[key] != value
        }
        if changed:
            self._check_may_set_customer_settings(changed)
            self.write(changed)

    def _check_may_set_customer_settings(self, names):
        """Refuse to go on where the user may not change settings of the company.

        :param names: the fields to be changed
        :raise AccessError: with the labels of the fields
        """
        if self.has_access("write"):
            return
        described = self.fields_get(names, attributes=["string"])
        raise AccessError(
            self.env._(
                "Only an administrator may change this of %(company)s: %(settings)s. "
                "It concerns all dimensions of the company.",
                company=self.name,
                settings=", ".join(d["string"] for d in described.values()),
            )
        )
