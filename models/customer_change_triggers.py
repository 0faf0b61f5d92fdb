from odoo import models
from odoo.tools import SQL

from .customer_engine_fields import get_engine_columns, get_unlinking

#: What a statement did: the bit of it in ``pg_trigger.tgtype``, and the versions of the
#: rows that it leaves for a trigger to look at. A trigger may look at them for one kind
#: of statement only.
EVENTS = {
    "INSERT": (4, SQL("SELECT 1 AS sign, * FROM new_rows")),
    "DELETE": (8, SQL("SELECT -1 AS sign, * FROM old_rows")),
    "UPDATE": (
        16,
        SQL(
            """SELECT -1 AS sign, * FROM old_rows
                UNION ALL
               SELECT 1 AS sign, * FROM new_rows"""
        ),
    ),
}

# How to read the queries below: `version` holds the former and the new version of each
# row, with sign -1 and 1. Versions that differ in nothing of interest cancel out when
# their signs are added up by all that is of interest. That needs no join of the two:
# the database plans a query of a trigger once per connection, by the size of the first
# statement, and a join planned for one row would take hours with the next mass update.
# For the same reason other tables are read row by row in subqueries that cannot become
# joins (OFFSET 0 sees to that).

#: Customers of sale documents that are or were posted. Drafts concern nobody.
ACCOUNT_MOVE = SQL(
    """
    SELECT DISTINCT commercial_partner_id, company_id
      FROM (
          SELECT commercial_partner_id, company_id
            FROM version
           WHERE state = 'posted'
             AND move_type IN ('out_invoice', 'out_refund', 'out_receipt')
             AND commercial_partner_id IS NOT NULL
           GROUP BY id, commercial_partner_id, company_id, move_type,
                    invoice_date, invoice_date_due, payment_state, reversed_entry_id,
                    amount_untaxed_signed, amount_total_signed, amount_residual_signed
          HAVING sum(sign) <> 0
      ) AS changed
    """
)
#: Partners of posted entries on receivable accounts, payments among them, and of what
#: was sold. Most statements on this table are about neither.
ACCOUNT_MOVE_LINE = SQL(
    """
    SELECT DISTINCT partner_id, company_id
      FROM (
          SELECT partner_id, company_id, account_id
            FROM version
           WHERE parent_state = 'posted'
             AND partner_id IS NOT NULL
             AND account_id IS NOT NULL
           GROUP BY id, partner_id, company_id, account_id, move_id, display_type,
                    date, date_maturity, balance, amount_residual,
                    product_id, product_uom_id, quantity, price_unit,
                    price_subtotal, discount
          HAVING sum(sign) <> 0
      ) AS changed
     WHERE (SELECT account_type FROM account_account WHERE id = changed.account_id)
           IN ('asset_receivable', 'income', 'income_other')
    """
)
#: Partners of receivable entries that were matched with others, or are no longer
ACCOUNT_PARTIAL_RECONCILE = SQL(
    """
    SELECT DISTINCT entry.partner_id, entry.company_id
      FROM (
          SELECT debit_move_id, credit_move_id
            FROM version
           GROUP BY id, debit_move_id, credit_move_id, amount, max_date
          HAVING sum(sign) <> 0
      ) AS changed,
           unnest(ARRAY[debit_move_id, credit_move_id]) AS matched (entry_id),
           LATERAL (
               SELECT partner_id, company_id, account_id
                 FROM account_move_line
                WHERE id = matched.entry_id
               OFFSET 0
           ) AS entry
     WHERE entry.partner_id IS NOT NULL
       AND (SELECT account_type FROM account_account WHERE id = entry.account_id)
           = 'asset_receivable'
    """
)
#: Former and present commercial entities of contacts, whatever changed in them: a rule
#: may be about any field. Compared by a hash of all fields, because columns come and go
#: with other addons. Not among them is who saved the contact when; and of the ranks,
#: which every invoice raises, only whether there is one. Comparing takes ten times as
#: long as noting: from a thousand rows on, all are taken for changed.
RES_PARTNER = SQL(
    """
    SELECT DISTINCT commercial_partner_id, NULL::integer
      FROM (
          SELECT commercial_partner_id
            FROM version
           WHERE commercial_partner_id IS NOT NULL
           GROUP BY id, commercial_partner_id, customer_rank > 0, supplier_rank > 0,
                    CASE WHEN (SELECT count(*) FROM version) < 1000
                         THEN jsonb_hash_extended(
                             to_jsonb(version) - ARRAY[
                                 'sign', 'write_date', 'write_uid',
                                 'customer_rank', 'supplier_rank'
                             ],
                             0
                         )
                         ELSE sign
                    END
          HAVING sum(sign) <> 0
      ) AS changed
    """
)
WATCHED = {
    "account_move": ACCOUNT_MOVE,
    "account_move_line": ACCOUNT_MOVE_LINE,
    "account_partial_reconcile": ACCOUNT_PARTIAL_RECONCILE,
    "res_partner": RES_PARTNER,
}


class CustomerChange(models.Model):
    """The triggers that fill the queue, and what keeps them out of the host's way.

    After each statement on one of the tables above, a function of the database looks
    at the rows written and notes whose figures may differ now. So nothing escapes, an
    import in SQL no more than a merge of contacts.

    * They never stop the statement: whatever is wrong with the addon's tables becomes
      a warning in the database's log.
    * They run with the rights and the search path of their owner, whoever writes.
    * ``SET customer_classification.capture = 'off'`` lets them note nothing, for a
      connection or, with ``SET LOCAL``, a transaction; call ``_mark_everything`` after.
    * They depend on the type of the queue's rows: whoever drops the table by hand
      drops them with it. Odoo removes them in the uninstall hook.
    """

    _inherit = "customer.change"

    def init(self):
        """Create the functions, and the triggers that are missing or different.

        A trigger is left alone if it is as it shall be: creating one locks the table
        against writing until the upgrade ends.
        """
        present = self._get_triggers()
        [[schema]] = self.env.execute_query(SQL("SELECT current_schema()"))
        for table, customers in WATCHED.items():
            for event, (bit, versions) in EVENTS.items():
                name = self._get_name(table, event)
                note = self._get_note_statement(versions, customers)
                removal = SQL()
                if (table, event) == ("res_partner", "DELETE"):
                    removal = self._get_removal_statements()
                self.env.cr.execute(self._get_function(name, schema, note, removal))
                if present.get((table, name)) != [name, bit, "O", True]:
                    self._create_trigger(table, event, name)

    def _drop_triggers(self):
        """Remove the triggers and their functions from the database."""
        for table in WATCHED:
            for event in EVENTS:
                self.env.cr.execute(
                    SQL(
                        "DROP FUNCTION IF EXISTS %s() CASCADE",
                        SQL.identifier(self._get_name(table, event)),
                    )
                )

    def _get_triggers(self):
        """Return what tells the triggers there are, by table and name."""
        return {
            (table, name): definition
            for table, name, *definition in self.env.execute_query(
                SQL(
                    """
                    SELECT watched.relname, trigger.tgname, function.proname,
                           trigger.tgtype, trigger.tgenabled,
                           trigger.tgqual IS NOT NULL
                      FROM pg_trigger AS trigger
                      JOIN pg_class AS watched ON watched.oid = trigger.tgrelid
                      JOIN pg_proc AS function ON function.oid = trigger.tgfoid
                     WHERE watched.relnamespace = current_schema::regnamespace
                       AND watched.relname = ANY(%s)
                       AND NOT trigger.tgisinternal
                    """,
                    list(WATCHED),
                )
            )
        }

    def _get_name(self, table, event):
        """Return the name of a trigger, which is that of its function, too."""
        return f"customer_change_{table}_{event.lower()}"

    def _create_trigger(self, table, event, name):
        """Create a trigger in the place of whatever has its name.

        PostgreSQL 13 cannot replace a trigger.
        """
        _bit, versions = EVENTS[event]
        seen = " ".join(
            f"{version.upper()} TABLE AS {version}_rows"
            for version in ("old", "new")
            if f"{version}_rows" in versions.code
        )
        values = {
            "name": SQL.identifier(name),
            "table": SQL.identifier(table),
            "event": SQL(event),
            "seen": SQL(seen),
        }
        self.env.cr.execute(
            SQL("DROP TRIGGER IF EXISTS %(name)s ON %(table)s", **values)
        )
        self.env.cr.execute(
            SQL(
                """
                CREATE TRIGGER %(name)s
                AFTER %(event)s ON %(table)s
                REFERENCING %(seen)s
                FOR EACH STATEMENT
                -- always true; it makes the trigger depend on the queue
                WHEN (NULL::customer_change IS NULL)
                EXECUTE FUNCTION %(name)s()
                """,
                **values,
            )
        )

    def _get_function(self, name, schema, note, removal):
        return SQL(
            """
            CREATE OR REPLACE FUNCTION %(name)s() RETURNS trigger
            LANGUAGE plpgsql
            SECURITY DEFINER SET search_path = %(schema)s, pg_temp
            AS $function$
            BEGIN
                IF current_setting('customer_classification.capture', TRUE)
                    IS DISTINCT FROM 'off'
                THEN %(note)s
                END IF;
                %(removal)s
                RETURN NULL;
            END;
            $function$
            """,
            name=SQL.identifier(name),
            schema=SQL.identifier(schema),
            note=note,
            removal=removal,
        )

    def _get_note_statement(self, versions, customers):
        """Return PL/pgSQL that appends the customers found to the queue.

        An addon uninstalled while its code was missing leaves its triggers behind:
        they must not fill the queue for ever.
        """
        return self._guard(
            SQL(
                """
                WITH version AS NOT MATERIALIZED (%(versions)s)
                INSERT INTO customer_change (partner_id, company_id)
                SELECT customer.*
                  FROM (%(customers)s) AS customer
                 WHERE EXISTS (
                     SELECT
                       FROM ir_module_module
                      WHERE name = 'customer_classification'
                        AND state NOT IN ('uninstalled', 'uninstallable')
                 );
                """,
                versions=versions,
                customers=customers,
            )
        )

    def _get_removal_statements(self):
        """Return PL/pgSQL that removes the engine's rows about deleted contacts.

        Or empties the link, where the row outlives its customer. The tables that the
        engine fills for every customer have no foreign keys.
        """
        return SQL("").join(
            self._guard(
                SQL(
                    "%s = ANY(ARRAY(SELECT id FROM old_rows));",
                    get_unlinking(table, column, ondelete),
                )
            )
            for ondelete in ("cascade", "set null")
            for table, column in get_engine_columns(self.env, "res.partner", ondelete)
        )

    def _guard(self, statement):
        """Return PL/pgSQL in which whatever is wrong with our own tables is a warning.

        Dropped, renamed, altered, damaged or locked, without rights, or without ids
        left. Not caught are conflicts with another transaction (class 40) and
        cancelled statements (57): the host's own work must hear of those.
        """
        return SQL(
            """
            BEGIN
                %s
            EXCEPTION
                WHEN syntax_error_or_access_rule_violation
                  OR invalid_schema_name
                  OR data_exception
                  OR integrity_constraint_violation
                  OR with_check_option_violation
                  OR feature_not_supported
                  OR object_not_in_prerequisite_state
                  OR plpgsql_error
                  OR internal_error
                THEN
                    RAISE WARNING USING
                        MESSAGE = 'customer_classification: ' || SQLERRM,
                        DETAIL = 'The classification does not know what changed.';
            END;
            """,
            statement,
        )
