import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one
from .customer_scope import EVERYONE
from .customer_statistics import renew_statistics

#: Documents that a part of a run of all customers has about, and parts at most
PART_SIZE = 100_000
MAX_PARTS = 48
#: Memory in kB that sorting or comparing a part may take
WORK_MEM = 64 * 1024


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
    #: Those of them that are worked out for rows that change only, see
    #: `_get_late_columns`
    _late_columns = ()
    #: Whether the database may read many of them in parallel, in parts
    _is_split = False

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
    def _get_wanted(self):
        """Return the models of facts that a metric shows or a dimension reads.

        The metrics can be archived where a company has no use for them.
        """
        # sudo: who starts a run need not be allowed to read metrics
        metrics = self.env["customer.metric"].sudo().search([("kind", "=", "figure")])
        shown = set(metrics.mapped("code"))
        read = self.env["customer.dimension"]._get_read_fields()
        Partner = self.env["res.partner"]
        return [
            model
            for model in self._get_models()
            if not shown.isdisjoint(model._fact_columns)
            or not read.isdisjoint(Partner._get_customer_fields_of(model))
        ]

    @api.model
    def _is_filled(self, company, scope=EVERYONE):
        """Return whether there are facts of ``company`` at all, in the scope."""
        rows = self.env.execute_query(
            SQL(
                "SELECT FROM %s WHERE company_id = %s AND %s %s LIMIT 1",
                SQL.identifier(self._table),
                company.id,
                scope.on(SQL("partner_id")),
                # the first one of an index, and not of the table
                SQL("ORDER BY next_due") if scope is EVERYONE else SQL(),
            )
        )
        return bool(rows)

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
    def _get_update_query(self, company, as_of, scope, settings, late):
        """Return SQL as :meth:`_get_query` does, for facts that are to be kept.

        A model that has read what it needs into a temporary table reads that.

        :param late: the names of columns that need not have a value
        """
        return self._get_query(company, as_of, scope, settings)

    @api.model
    def _update(self, company, as_of, scope=EVERYONE, settings=None):
        """Bring the stored facts of ``company`` up to date; touch no other row.

        :return: the number of rows written or removed
        """
        # where every row is new, the database works out all columns in parallel
        is_filled = self._is_filled(company, scope)
        late = self._get_late_columns(company) if is_filled else {}
        written = self._create_temporary(
            "customer_facts_changed",
            [
                self._get_changed_query(company, as_of, part, settings, late)
                for part in self._split(scope)
            ],
        )
        if not written:
            return 0
        try:
            with self.env.cr.savepoint(flush=False):
                # looking for each row before it is written takes a quarter more
                self._write_changed(company, late, is_known=is_filled)
        except psycopg2.errors.UniqueViolation:
            # somebody merged contacts meanwhile
            self._write_changed(company, late, is_known=True)
        renew_statistics(self.env, self._table, written)
        self.invalidate_model()
        self.env["res.partner"]._invalidate_customer_fields()
        return written

    @api.model
    def _write_changed(self, company, late, is_known):
        """Write the changed facts from their temporary table.

        :param dict late: SQL of columns that are worked out now
        :param bool is_known: whether there may be rows of these customers
        """
        columns = SQL(", ").join(map(SQL.identifier, self._fact_columns))
        update = SQL(
            """
            ON CONFLICT (partner_id, company_id)
            DO UPDATE SET (%s) = ROW(%s)
            """,
            columns,
            SQL(", ").join(
                SQL.identifier("excluded", name) for name in self._fact_columns
            ),
        )
        self.env.cr.execute(
            SQL(
                """
                -- no join that statistics of yesterday could spoil
                WITH removed AS (
                    DELETE FROM %(table)s
                     WHERE company_id = %(company)s
                       AND partner_id = ANY(ARRAY(
                           SELECT stored_id
                             FROM pg_temp.customer_facts_changed
                            WHERE partner_id IS NULL
                       ))
                )
                INSERT INTO %(table)s (partner_id, company_id, %(columns)s)
                SELECT partner_id, %(company)s, %(values)s
                  FROM pg_temp.customer_facts_changed
                 WHERE partner_id IS NOT NULL
                 ORDER BY partner_id
                %(update)s
                """,
                table=SQL.identifier(self._table),
                company=company.id,
                columns=columns,
                values=SQL(", ").join(
                    late.get(name) or SQL.identifier(name)
                    for name in self._fact_columns
                ),
                update=update if is_known else SQL(),
            )
        )

    @api.model
    def _get_changed_query(self, company, as_of, scope, settings, late):
        """Return SQL for the facts that differ from the stored ones.

        A row that was stored and is no more has no ``partner_id``; its ``stored_id``
        says whose it was.
        """
        return SQL(
            """
            SELECT %(columns)s, stored.partner_id AS stored_id
              FROM (%(query)s) AS computed
              FULL JOIN %(stored)s AS stored
                ON stored.partner_id = computed.partner_id
             WHERE stored.partner_id IS NULL
                OR computed.partner_id IS NULL
                OR (%(stored_columns)s) IS DISTINCT FROM (%(computed_columns)s)
            """,
            # what late columns follow from is needed with them only
            columns=SQL("computed.*")
            if late
            else SQL("computed.partner_id, %s", self._get_columns("computed")),
            query=self._get_update_query(company, as_of, scope, settings, late),
            stored=self._get_stored(company, scope),
            stored_columns=self._get_compared_columns("stored"),
            computed_columns=self._get_compared_columns("computed"),
        )

    @api.model
    def _get_compared_columns(self, table):
        return SQL(", ").join(
            SQL.identifier(table, name)
            for name in self._fact_columns
            if name not in self._late_columns
        )

    @api.model
    def _get_late_columns(self, company):
        """Return SQL of the ``_late_columns`` by name, of a row of the update's query.

        What they follow from is in other columns, which are compared.
        """
        return {}

    @api.model
    def _create_temporary(self, name, queries):
        """Create a temporary table, in place of a former one, for the transaction.

        The database may read the parts of a big result in parallel; it could not if
        the same statement changed data.

        :param list queries: SQL of its parts
        :return: the number of its rows
        """
        # A part is compared and sorted in memory; there are as many parts as it takes
        # to need no more than this, whatever the number of customers.
        [[work_mem]] = self.env.execute_query(SQL("SELECT current_setting('work_mem')"))
        self.env.execute_query(
            SQL(
                """
                SELECT set_config(
                           'work_mem', GREATEST(setting::integer, %s) || 'kB', TRUE)
                  FROM pg_settings
                 WHERE name = 'work_mem'
                """,
                WORK_MEM,
            )
        )
        table = SQL.identifier(name)
        self.env.execute_query(SQL("DROP TABLE IF EXISTS pg_temp.%s", table))
        self.env.cr.execute(
            SQL(
                "CREATE TEMPORARY TABLE %s ON COMMIT DROP AS %s",
                table,
                SQL(" UNION ALL ").join(SQL("(%s)", query) for query in queries),
            )
        )
        rows = self.env.cr.rowcount
        self.env.execute_query(SQL("SELECT set_config('work_mem', %s, TRUE)", work_mem))
        return rows

    @api.model
    def _split(self, scope):
        """Return the parts of a scope, each with about the same number of documents.

        The database knows the distribution from its statistics. Where it has none
        yet, or the table is small, there is one part.
        """
        if not self._is_split or scope.ids is not None or scope.line_id is not None:
            return [scope]
        rows = self.env.execute_query(
            SQL(
                """
                SELECT facts.histogram_bounds::text::integer[], relation.reltuples
                  FROM pg_stats AS facts
                  JOIN pg_class AS relation ON relation.relname = facts.tablename
                   AND relation.relnamespace = current_schema::regnamespace
                 WHERE facts.schemaname = current_schema
                   AND facts.tablename = 'account_move'
                   AND facts.attname = 'commercial_partner_id'
                """
            )
        )
        [bounds, documents] = rows[0] if rows else (None, 0)
        parts = min(int(documents / PART_SIZE), MAX_PARTS)
        if not bounds or parts < 2:
            return [scope]
        return scope.split(
            [bounds[len(bounds) * part // parts] for part in range(1, parts)]
        )

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
