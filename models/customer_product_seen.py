from odoo import api, fields, models
from odoo.tools import SQL

from .customer_engine_fields import EngineMany2one


class CustomerProductSeen(models.Model):
    """What the product figures of a company took from each product, when last looked.

    Costs and categories change with no document, and no trigger watches products: the
    valuation of stock writes them all day. So every night compares each product with
    what is noted here, and looks at the customers of those that differ.
    """

    _name = "customer.product.seen"
    _description = "Product as the Figures Know It"
    _rec_name = "product_id"
    _log_access = False  # a narrow row for every product

    company_id = EngineMany2one("res.company", required=True, readonly=True)
    product_id = EngineMany2one("product.product", required=True, readonly=True)
    seen = fields.Char(
        required=True, readonly=True, help="Its category, unit and costs, as one text."
    )

    _company_product_unique = models.UniqueIndex("(company_id, product_id)")

    @api.model
    def _get_changed_query(self, company):
        """Return SQL for the ids of the products that are not as they were noted."""
        return SQL(
            """
            SELECT now.product_id
              FROM (%s) AS now
              LEFT JOIN customer_product_seen AS noted
                ON noted.product_id = now.product_id
               AND noted.company_id = %s
             WHERE noted.seen IS DISTINCT FROM now.seen
            """,
            self._get_query(company),
            company.id,
        )

    @api.model
    def _update(self, company):
        """Note the products as they are now; write only what differs."""
        self.env.execute_query(
            SQL(
                """
                WITH now AS MATERIALIZED (%(query)s),
                removed AS (
                    DELETE FROM customer_product_seen AS noted
                     WHERE noted.company_id = %(company)s
                       AND NOT EXISTS (
                           SELECT FROM now WHERE now.product_id = noted.product_id
                       )
                )
                INSERT INTO customer_product_seen (company_id, product_id, seen)
                SELECT %(company)s, now.product_id, now.seen
                  FROM now
                  LEFT JOIN customer_product_seen AS noted
                    ON noted.product_id = now.product_id
                   AND noted.company_id = %(company)s
                 WHERE noted.seen IS DISTINCT FROM now.seen
                ON CONFLICT (company_id, product_id)
                DO UPDATE SET seen = excluded.seen
                RETURNING NULL
                """,
                query=self._get_query(company),
                company=company.id,
            )
        )
        self.invalidate_model()

    @api.model
    def _get_query(self, company):
        """Return SQL for what the figures take from each product, as it is now."""
        self.env["product.product"].flush_model(["product_tmpl_id", "standard_price"])
        self.env["product.template"].flush_model(["categ_id", "uom_id"])
        self.env["uom.uom"].flush_model(["factor"])
        return SQL(
            """
            SELECT variant.id AS product_id,
                   jsonb_build_array(
                       template.categ_id,
                       unit.factor,
                       (SELECT jsonb_agg(
                                   variant.standard_price -> branch::text
                                   ORDER BY branch)
                          FROM unnest(%s) AS branch)
                   )::text AS seen
              FROM product_product AS variant
              JOIN product_template AS template
                ON template.id = variant.product_tmpl_id
              LEFT JOIN uom_uom AS unit ON unit.id = template.uom_id
            """,
            company._get_customer_branches().ids,
        )
