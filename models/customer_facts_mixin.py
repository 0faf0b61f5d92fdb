from odoo import api, fields, models
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one
from .customer_scope import EVERYONE

#: From so many rows on that were written at once, statistics are renewed at once, too.
#: Autovacuum does it later, or, worse, before the commit, when the table looks empty:
#: the database then compares each row with all.
ANALYZE_FROM = 5_000


class CustomerFactsMixin(models.AbstractModel):
    """Facts about what customers do, one narrow row per customer and company.

    The rows are written by the engine only, and only where they differ. A customer
    about whom there is nothing to say has none. A model names its columns in
    ``_fact_columns`` and computes them in :meth:`_get_query`, the one definition for
    runs of all customers, of few, and for any day in the past. It sets ``_log_access``
    to false, which is not inherited: the row is narrow, and written for every customer.
    """

    _name = "customer.facts.mixin"
    _inherit = ["customer.rows.mixin"]
    _description = "Facts About Customers"
    _rec_name = "partner_id"

    #: The columns that `_get_query` computes, in its order, `next_due` included
    _fact_columns = ()
    #: Whether the runs of every minute leave them to the night
    _is_nightly = False

    partner_id = EngineMany2one()
    company_id = EngineMany2one(required=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    next_due = fields.Date(
        readonly=True,
        help="The next day on which the row can change although nothing happens. "
        "Empty: none.",
    )

    _partner_company_unique = models.UniqueIndex("(partner_id, company_id)")
    _due_idx = models.Index("(company_id, next_due)")

    @api.model
    def _is_wanted(self):
        """Return whether anybody wants these facts: one of their metrics is active."""
        # sudo: who starts a run need not be allowed to read metrics
        metrics = self.env["customer.metric"].sudo()
        return bool(
            metrics.search_count(
                [("kind", "=", "figure"), ("code", "in", self._fact_columns)], limit=1
            )
        )

    @api.model
    def _is_filled(self, company):
        """Return whether there are facts of ``company`` at all."""
        [[is_filled]] = self.env.execute_query(
            SQL(
                "SELECT EXISTS (SELECT FROM %s WHERE company_id = %s)",
                SQL.identifier(self._table),
                company.id,
            )
        )
        return is_filled

    @api.model
    def _remove(self, company):
        """Remove the facts of ``company`` that nobody wants any more."""
        self.env.execute_query(
            SQL(
                "DELETE FROM %s WHERE company_id = %s",
                SQL.identifier(self._table),
                company.id,
            )
        )
        self.invalidate_model()

    @api.model
    def _get_due_queries(self, company, as_of):
        """Return queries for the ids of those whose facts may differ on a day.

        Besides those whom the queue names: the day has come, or something changed that
        no trigger watches.
        """
        return [
            SQL(
                "SELECT partner_id FROM %s WHERE company_id = %s AND next_due <= %s",
                SQL.identifier(self._table),
                company.id,
                as_of,
            )
        ]

    @api.model
    def _remember(self, company):
        """Note what no trigger watches, once those who depend on it are noted."""

    @api.model
    def _get_models(self):
        """Return the models of facts, in the order of their definition."""
        names = self.pool["customer.facts.mixin"]._inherit_children
        return [self.env[name] for name in names]

    @api.model
    def _get_model_of(self, column):
        """Return the model of facts that has a column, or None."""
        return next((m for m in self._get_models() if column in m._fact_columns), None)

    @api.model
    def _get_query(self, company, as_of, scope=EVERYONE, settings=None):
        """Return SQL for the facts of ``company`` on a day, a row per customer.

        Its columns: ``partner_id`` and those of ``_fact_columns``.

        :param company: a root company; its branches count with it
        :param date as_of: the last day that counts
        :param Scope scope: whose facts
        :param dict settings: what counts, as ``_get_customer_settings`` of the company
            returns it; None for its settings of today
        """
        raise NotImplementedError

    @api.model
    def _get_update_query(self, company, as_of, scope=EVERYONE, settings=None):
        """Return SQL as :meth:`_get_query` does, for facts that are to be kept.

        A model that has read what it needs into a temporary table reads that.
        """
        return self._get_query(company, as_of, scope, settings)

    @api.model
    def _update(self, company, as_of, scope=EVERYONE, settings=None):
        """Bring the stored facts of ``company`` up to date; touch no other row.

        :return: the number of rows written or removed
        """
        columns = SQL(", ").join(map(SQL.identifier, self._fact_columns))
        [[written]] = self.env.execute_query(
            SQL(
                """
                WITH computed AS MATERIALIZED (%(query)s),
                removed AS (
                    DELETE FROM %(table)s AS stored
                     WHERE stored.company_id = %(company)s
                       AND %(in_scope)s
                       AND NOT EXISTS (
                           SELECT FROM computed
                            WHERE computed.partner_id = stored.partner_id
                       )
                    RETURNING 1
                ),
                -- joining first writes only what differs, and locks nothing else
                changed AS (
                    SELECT computed.*
                      FROM computed
                      LEFT JOIN %(table)s AS stored
                        ON stored.partner_id = computed.partner_id
                       AND stored.company_id = %(company)s
                     WHERE stored.id IS NULL
                        OR (%(stored)s) IS DISTINCT FROM (%(computed)s)
                ),
                written AS (
                    INSERT INTO %(table)s (partner_id, company_id, %(columns)s)
                    SELECT partner_id, %(company)s, %(columns)s
                      FROM changed
                     ORDER BY partner_id
                    ON CONFLICT (partner_id, company_id)
                    DO UPDATE SET (%(columns)s) = ROW(%(excluded)s)
                    RETURNING 1
                )
                SELECT (SELECT count(*) FROM removed) + (SELECT count(*) FROM written)
                """,
                table=SQL.identifier(self._table),
                query=self._get_update_query(company, as_of, scope, settings),
                company=company.id,
                in_scope=scope.on(SQL.identifier("stored", "partner_id")),
                columns=columns,
                stored=self._get_columns("stored"),
                computed=self._get_columns("computed"),
                excluded=self._get_columns("excluded"),
            )
        )
        if written >= ANALYZE_FROM:
            self.env.execute_query(SQL("ANALYZE %s", SQL.identifier(self._table)))
        self.invalidate_model()
        self.env["res.partner"]._invalidate_customer_fields()
        return written

    @api.model
    def _get_columns(self, table):
        return SQL(", ").join(
            SQL.identifier(table, name) for name in self._fact_columns
        )

    @api.model
    def _get_stored(self, company, scope=EVERYONE):
        """Return a table expression with the stored facts of ``company``."""
        return SQL(
            "(SELECT * FROM %(table)s WHERE company_id = %(company)s AND %(in_scope)s)",
            table=SQL.identifier(self._table),
            company=company.id,
            in_scope=scope.on(SQL("partner_id")),
        )
