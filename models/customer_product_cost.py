"""What a line of a document cost, said once for all queries that tell a margin.

A statement has the documents as ``document``, with a ``sign`` of -1 for credit notes,
their lines as ``entry``, and :data:`PRODUCTS` as its query ``product``; it joins with
:data:`COST_JOINS` and reads :data:`COST`. Cost is the quantity, in the product's unit,
times the cost on the product today in the company of the document. A line without a
product, or whose product has no cost there, has NULL: unknown, and not free.
"""

from odoo.tools import SQL

PRODUCTS = SQL(
    """
    SELECT variant.id,
           variant.standard_price AS costs,
           template.categ_id AS category_id,
           unit.factor
      FROM product_product AS variant
      JOIN product_template AS template ON template.id = variant.product_tmpl_id
      LEFT JOIN uom_uom AS unit ON unit.id = template.uom_id
    """
)
COST_JOINS = SQL(
    """
    LEFT JOIN product ON product.id = entry.product_id
    LEFT JOIN uom_uom AS unit ON unit.id = entry.product_uom_id
    LEFT JOIN LATERAL (
        SELECT (product.costs ->> entry.company_id::text)::numeric AS cost
    ) AS price ON price.cost > 0
    """
)
COST = SQL(
    """document.sign * entry.quantity
       * COALESCE(unit.factor, 1) / COALESCE(product.factor, 1) * price.cost"""
)
