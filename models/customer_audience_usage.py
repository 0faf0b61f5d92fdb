from odoo import models
from odoo.tools import SQL

#: Where audiences name categories: the tables of their three lists
CATEGORY_TABLES = [
    f"customer_audience_{kind}_category_rel" for kind in ("all", "any", "none")
]


class CustomerCategory(models.Model):
    _inherit = "customer.category"

    def _merge_into(self, target):
        """Let audiences name the successor: it means the merged ones, too."""
        result = super()._merge_into(target)
        # sudo: whoever merges need not see other people's audiences
        Audience = self.env["customer.audience"].sudo()
        changes = Audience.change_ids.search([("category_id", "in", self.ids)])
        changes.category_id = target
        self.env.flush_all()
        for table in CATEGORY_TABLES:
            self.env.execute_query(
                SQL(
                    """
                    WITH merged AS (
                        DELETE FROM %(table)s
                         WHERE customer_category_id = ANY(%(sources)s)
                     RETURNING customer_audience_id
                    )
                    INSERT INTO %(table)s (customer_audience_id, customer_category_id)
                    SELECT DISTINCT customer_audience_id, %(target)s FROM merged
                        ON CONFLICT DO NOTHING
                    """,
                    table=SQL.identifier(table),
                    sources=self.ids,
                    target=target.id,
                )
            )
        Audience.invalidate_model()
        return result


class CustomerDimension(models.Model):
    _inherit = "customer.dimension"

    def _get_usages(self):
        """Return also the audiences that name categories of the dimension."""
        Usage = self.env["customer.usage"]
        places = {
            model: names
            for model, names in Usage._get_references("customer.category").items()
            if model in ("customer.audience", "customer.audience.change")
        }
        categories = self.category_ids.with_context(active_test=False).search(
            [("dimension_id", "=", self.id)]
        )
        return super()._get_usages() + Usage._find_references(places, categories.ids)
