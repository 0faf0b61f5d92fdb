"""From 19.0.1.0.0: what the new code needs before it is loaded."""

from odoo.tools import SQL

#: The dimensions that ship from now on; the former release shipped the value tier only
NEW_DIMENSIONS = [
    "area",
    "behaviour",
    "business_type",
    "feedback",
    "frequency",
    "industry",
    "lifecycle",
    "loyalty",
    "nature",
    "needs",
    "payment",
    "product_preference",
    "region",
    "service_cost",
    "size",
    "spending",
]
#: Where people could name the contact's field of a dimension
NAMING_COLUMNS = [
    ("ir_exports_line", "name"),
    ("ir_filters", "context"),
    ("ir_filters", "domain"),
    ("ir_filters", "sort"),
    ("mailing_filter", "mailing_domain"),
    ("mailing_mailing", "mailing_domain"),
    ("res_company", "customer_population_domain"),
]


def migrate(cr, version):
    _describe_partner_fields(cr)
    _forget_metric_selection(cr)
    _rename_dimensions(cr)


def _describe_partner_fields(cr):
    """Say of the contact's fields what they show and who sees them.

    The fields are set up as soon as the new code is there, before any data is loaded.
    """
    cr.execute(
        SQL(
            """
            ALTER TABLE ir_model_fields
              ADD COLUMN IF NOT EXISTS customer_dimension_part VARCHAR,
              ADD COLUMN IF NOT EXISTS customer_groups VARCHAR
            """
        )
    )
    cr.execute(
        SQL(
            """
            UPDATE ir_model_fields
               SET customer_dimension_part = 'category',
                   customer_groups
                       = 'customer_classification.group_customer_classification_user'
             WHERE customer_dimension_id IS NOT NULL
            """
        )
    )


def _forget_metric_selection(cr):
    """Forget the metrics as values of a selection field, which is a text field now.

    Odoo would look for what the field says about removed values, and fail.
    """
    cr.execute(
        SQL(
            """
            WITH forgotten AS (
                DELETE FROM ir_model_fields_selection AS value
                 USING ir_model_fields AS field
                 WHERE field.id = value.field_id
                   AND field.model = 'customer.ruleset.criterion'
                   AND field.name = 'metric'
             RETURNING value.id
            )
            DELETE FROM ir_model_data
             USING forgotten
             WHERE ir_model_data.model = 'ir.model.fields.selection'
               AND ir_model_data.res_id = forgotten.id
            """
        )
    )


def _rename_dimensions(cr):
    """Give people's own dimensions another code where one of that code ships now.

    Filters, mailings and exports that name the contact's field follow.
    """
    cr.execute(
        SQL(
            """
            UPDATE customer_dimension
               SET code = code || '_' || id
             WHERE code = ANY(%s)
         RETURNING id, code
            """,
            NEW_DIMENSIONS,
        )
    )
    for dimension_id, code in cr.fetchall():
        name = f"x_cls_{code}_id"
        former = f"x_cls_{code.removesuffix(f'_{dimension_id}')}_id"
        cr.execute(
            SQL(
                """
                UPDATE ir_model_fields
                   SET name = %s,
                       field_description = jsonb_build_object('en_US', %s::text)
                 WHERE name = %s
                """,
                name,
                f"Classification: {code}",
                former,
            )
        )
        for table, column in NAMING_COLUMNS:
            cr.execute(
                SQL(
                    """
                    UPDATE %(table)s
                       SET %(column)s = regexp_replace(
                               %(column)s, %(former)s, %(name)s, 'g'
                           )
                     WHERE %(column)s ~ %(former)s
                    """,
                    table=SQL.identifier(table),
                    column=SQL.identifier(column),
                    former=rf"\y{former}\y",
                    name=name,
                )
            )
