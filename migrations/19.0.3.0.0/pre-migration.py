"""From 19.0.2.0.0: what the new code needs before it is loaded."""

from odoo.tools import SQL

#: The engine fills these for every customer: their links are checked no more
UNCHECKED_TABLES = [
    "customer_assignment",
    "customer_figures",
    "customer_metric_value",
    "customer_staging",
]
#: Indexes that served the foreign keys, or that another one replaces
NEEDLESS_INDEXES = [
    "customer_assignment__category_id_index",
    "customer_assignment__ruleset_id_index",
    "customer_assignment__run_id_index",
    "customer_staging__line_id_index",
]
#: Codes of the figures that are built in from now on
NEW_FIGURES = [
    "active_months_share",
    "costed_share",
    "credited_share",
    "days_late",
    "days_to_pay",
    "discount_share",
    "interval_deviation",
    "interval_mean",
    "late_share",
    "main_product_category_id",
    "main_product_share",
    "margin_share",
    "margin_window",
    "oldest_overdue_date",
    "open_amount",
    "overdue_amount",
    "overdue_invoices",
    "paid_amount",
    "revenue_change",
    "revenue_previous",
    "worst_delay",
]
#: Metrics that ship under another code from now on
RENAMED = {"main_product_category": "main_product_category_id"}


def migrate(cr, version):
    _drop_foreign_keys(cr)
    # the index of companies and due days begins with the same column
    cr.execute("DROP INDEX IF EXISTS customer_figures__company_id_index")
    for index in NEEDLESS_INDEXES:
        cr.execute(SQL("DROP INDEX IF EXISTS %s", SQL.identifier(index)))
    _rename_metrics(cr)
    for former, code in RENAMED.items():
        _rename_shipped(cr, former, code)


def _drop_foreign_keys(cr):
    """Drop the checks of the engine's links, and Odoo's record of them."""
    cr.execute(
        SQL(
            """
            SELECT key.conrelid::regclass::text, key.conname
              FROM pg_constraint AS key
              JOIN pg_class AS checked ON checked.oid = key.conrelid
             WHERE key.contype = 'f'
               AND checked.relnamespace = current_schema::regnamespace
               AND checked.relname = ANY(%s)
            """,
            UNCHECKED_TABLES,
        )
    )
    keys = cr.fetchall()
    for table, name in keys:
        cr.execute(
            SQL(
                "ALTER TABLE %s DROP CONSTRAINT %s",
                SQL.identifier(table),
                SQL.identifier(name),
            )
        )
    cr.execute(
        SQL(
            "DELETE FROM ir_model_constraint WHERE type = 'f' AND name = ANY(%s)",
            [name for _table, name in keys],
        )
    )


def _rename_metrics(cr):
    """Give people's own metrics another code where a figure has theirs from now on.

    The metrics that ship stay what they are. What names the contact's field follows
    in the post-migration, which knows all the places.
    """
    cr.execute(
        SQL(
            """
            UPDATE customer_metric AS metric
               SET code = metric.code || '_' || metric.id
             WHERE metric.kind = 'custom'
               AND metric.code = ANY(%s)
               AND NOT EXISTS (
                   SELECT
                     FROM ir_model_data AS shipped
                    WHERE shipped.module = 'customer_classification'
                      AND shipped.model = 'customer.metric'
                      AND shipped.name = 'metric_' || metric.code
                      AND shipped.res_id = metric.id
               )
         RETURNING metric.id, metric.code
            """,
            NEW_FIGURES,
        )
    )
    for metric_id, code in cr.fetchall():
        cr.execute(
            SQL(
                """
                UPDATE ir_model_fields
                   SET name = %s,
                       field_description = jsonb_build_object('en_US', %s::text)
                 WHERE customer_metric_id = %s
                """,
                f"x_met_{code}",
                f"Metric: {code}",
                metric_id,
            )
        )
        former = code.removesuffix(f"_{metric_id}")
        _rename_criteria(cr, former, code)


def _rename_shipped(cr, former, code):
    """Give a metric that ships its new code, so that it is not created once more."""
    cr.execute(
        SQL(
            """
            WITH shipped AS (
                UPDATE ir_model_data
                   SET name = %s
                 WHERE module = 'customer_classification'
                   AND model = 'customer.metric'
                   AND name = %s
             RETURNING res_id
            )
            UPDATE customer_metric
               SET code = %s
              FROM shipped
             WHERE customer_metric.id = shipped.res_id
            """,
            f"metric_{code}",
            f"metric_{former}",
            code,
        )
    )


def _rename_criteria(cr, former, code):
    """Let the frozen versions of scores name a metric by its new code."""
    cr.execute(
        SQL(
            "UPDATE customer_ruleset_criterion SET metric = %s WHERE metric = %s",
            code,
            former,
        )
    )
    for table in ("customer_assignment", "customer_assignment_history"):
        cr.execute(
            SQL(
                """
                UPDATE %(table)s
                   SET inputs = jsonb_set(
                           inputs #- ARRAY['criteria', %(former)s],
                           ARRAY['criteria', %(code)s],
                           inputs #> ARRAY['criteria', %(former)s]
                       )
                 WHERE inputs -> 'criteria' ? %(former)s
                """,
                table=SQL.identifier(table),
                former=former,
                code=code,
            )
        )
    cr.execute(
        SQL(
            """
            UPDATE customer_ruleset
               SET settings = jsonb_set(
                       settings,
                       ARRAY['criteria'],
                       (SELECT jsonb_agg(
                                   CASE WHEN criterion ->> 'metric' = %(former)s
                                        THEN criterion
                                             || jsonb_build_object(
                                                 'metric', %(code)s::text)
                                        ELSE criterion END
                                   ORDER BY position)
                          FROM jsonb_array_elements(settings -> 'criteria')
                               WITH ORDINALITY AS element(criterion, position))
                   )
             WHERE jsonb_path_exists(
                       settings,
                       '$.criteria[*] ? (@.metric == $code)',
                       jsonb_build_object('code', %(former)s::text)
                   )
            """,
            former=former,
            code=code,
        )
    )
