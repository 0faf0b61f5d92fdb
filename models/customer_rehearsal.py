from contextlib import closing, contextmanager

from odoo import api, models

from .customer_run_brake import WITHOUT_BRAKE


class CustomerClassificationRun(models.Model):
    """Rehearses a run: does all of it, and takes it back."""

    _inherit = "customer.classification.run"

    @api.model
    @contextmanager
    def _rehearse(self, company, prepare=None):
        """Classify ``company`` for the length of the ``with`` block only.

        Whatever is read in the block is exactly what a run of this moment gives,
        because it is one; afterwards nothing of it is left. Only plain data may leave
        the block: records that the run made do not exist after it.

        :param prepare: a function that changes settings before; taken back, too
        """
        with closing(self.env.cr.savepoint()):
            if prepare:
                prepare()
            unheld = self.with_context(**{WITHOUT_BRAKE: True})
            yield unheld.classify(companies=company).with_env(self.env)
        # they may name categories that are gone again
        self.env.registry.clear_cache("stable")
        self.env.registry.clear_cache("templates")
