from odoo import fields
from odoo.tools import SQL

from .common import ClassificationCommon

#: What two decisions have in common that say the same
DECISION = ("operation", "category_id", "reason", "date_end", "company_id", "slot")
#: And two rows of the history
ENTRY = (
    "dimension_id",
    "company_id",
    "slot",
    "event",
    "old_category_id",
    "old_since",
    "new_category_id",
    "date_end",
    "user_id",
    "reason",
    "is_to_publish",
)


class BulkCommon(ClassificationCommon):
    """Bulk changes of a few customers, and what they should come to."""

    def setUp(self):
        super().setUp()
        self.Bulk = self.env["customer.bulk"]
        self.user = self.make_user("bulk_user")
        self.customers = self.env["res.partner"].concat(
            *(self.make_customer(f"Bulk {number}") for number in range(6))
        )

    def make_dimension(self, name, categories, **values):
        """Create a dimension that people decide, with its categories."""
        return self.env["customer.dimension"].create(
            {
                "name": name,
                "method": "manual",
                "category_ids": [
                    fields.Command.create({"name": category}) for category in categories
                ],
                **values,
            }
        )

    def make_bulk(self, partners, *lines, user=None, **values):
        """Return a draft about contacts.

        :param lines: operation, and category or dimension
        """
        bulk = self.Bulk.with_user(user or self.user).create(
            {
                "reason": "Agreed",
                "line_ids": [
                    fields.Command.create(self.get_line(*line)) for line in lines
                ],
                **values,
            }
        )
        bulk._add_targets([("id", "in", partners.ids)], active_test=False)
        return bulk

    @staticmethod
    def get_line(operation, record):
        if record._name == "customer.category":
            return {
                "dimension_id": record.dimension_id.id,
                "operation": operation,
                "category_id": record.id,
            }
        return {"dimension_id": record.id, "operation": operation}

    def decide(self, partner, category, user=None, **values):
        """Decide by hand about one customer."""
        dimension = category.dimension_id
        return self.Override.with_user(user or self.user).create(
            {
                "partner_id": partner.id,
                "dimension_id": dimension.id,
                "operation": "add" if dimension.is_multiple else "set",
                "category_id": category.id,
                "reason": "Known for long",
                **values,
            }
        )

    def rows_of(self, bulk):
        """Return what the rows say: outcome, from and to by customer."""
        return {
            row.partner_id: (
                row.outcome,
                row.old_category_id.name,
                row.new_category_id.name,
            )
            for row in bulk.sudo()
            .env["customer.bulk.row"]
            .search([("bulk_id", "=", bulk.id)])
        }

    def decision_of(self, partner, dimension=None):
        """Return the decision about a customer, ended ones included."""
        return self.Override.search(
            [
                ("partner_id", "=", partner.id),
                ("dimension_id", "=", (dimension or self.dimension).id),
            ]
        )

    def take_decisions(self, partners):
        """Return all columns of the decisions, to compare them later."""
        self.env.flush_all()
        return self.env.execute_query_dict(
            SQL(
                "SELECT * FROM customer_override"
                " WHERE partner_id = ANY(%s) ORDER BY id",
                partners.ids,
            )
        )

    def describe(self, records, names):
        return [tuple(record[name] for name in names) for record in records]
