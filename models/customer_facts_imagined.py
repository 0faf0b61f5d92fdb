from contextlib import contextmanager

from odoo import api, models
from odoo.tools import SQL

from .customer_scope import EVERYONE


class CustomerFactsMixin(models.AbstractModel):
    """Facts as they would be: on a day, with other settings, or by today's ledger.

    Nothing is written: a temporary table has the name of the stored one, and the
    database looks among the temporary tables first. So whatever judges customers reads
    it, rules and mirrored fields as well as scores.
    """

    _inherit = "customer.facts.mixin"

    @api.model
    @contextmanager
    def _imagine(self, company, as_of, settings, names, scope=EVERYONE):
        """Let facts be as of now, for the length of the ``with`` block.

        Do not write any facts in the block.

        :param company: whose facts; an empty recordset imagines none
        :param date as_of: the last day that counts
        :param dict settings: as ``_get_customer_settings`` of the company returns them
        :param names: the models of facts that are read
        :param Scope scope: whom the block reads; of nobody else there are any facts
        """
        models_ = [m for m in self._get_models() if company and m._name in names]
        self.env.flush_all()
        for model in models_:
            model._create_imagined(company, as_of, settings, scope)
        try:
            self.env.invalidate_all()
            yield
        finally:
            for model in models_:
                self.env.execute_query(
                    SQL("DROP TABLE pg_temp.%s", SQL.identifier(model._table))
                )
            self.env.invalidate_all()

    @api.model
    def _create_imagined(self, company, as_of, settings, scope):
        self._create_temporary(
            self._table,
            [
                SQL(
                    """
                    SELECT NULL::integer AS id, %s AS company_id, computed.*
                      FROM (%s) AS computed
                    """,
                    company.id,
                    self._get_query(company, as_of, part, settings),
                )
                for part in self._split(scope)
            ],
        )
        self.env.execute_query(SQL("ANALYZE pg_temp.%s", SQL.identifier(self._table)))
