"""From 19.0.2.0.0: runs name their companies, for the record rule."""

from odoo.tools import SQL


def migrate(cr, version):
    """Name the companies of the runs that there are: those of their lines."""
    cr.execute(
        SQL(
            """
            INSERT INTO customer_classification_run_res_company_rel
                        (customer_classification_run_id, res_company_id)
            SELECT DISTINCT run_id, company_id
              FROM customer_classification_run_line
             WHERE company_id IS NOT NULL
            ON CONFLICT DO NOTHING
            """
        )
    )
