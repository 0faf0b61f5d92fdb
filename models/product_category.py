from odoo import models
from odoo.tools import SQL


class ProductCategory(models.Model):
    """What the engine keeps about a product category goes with it.

    The database does not check those links: see ``EngineMany2one``.
    """

    _inherit = "product.category"

    def unlink(self):
        ids = self.ids
        result = super().unlink()
        self.env["customer.product.share"]._delete(SQL("category_id = ANY(%s)", ids))
        self.env.execute_query(
            SQL(
                """
                UPDATE customer_product_figures
                   SET main_product_category_id = NULL, main_product_share = NULL
                 WHERE main_product_category_id = ANY(%s)
                """,
                ids,
            )
        )
        self.env["customer.product.figures"].invalidate_model()
        self.env["res.partner"]._invalidate_customer_fields()
        return result
