from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL


class ResPartner(models.Model):
    """Search contacts by dimensions that allow several categories.

    A customer has what the engine gave and nobody excluded, and what people added.
    """

    _inherit = "res.partner"

    @api.model
    def _get_customer_categories_query(self, dimension_id):
        """Return SQL with a row for each customer and category in effect today.

        Its columns: ``partner_id`` and ``category_id``. Of an archived dimension there
        is none.
        """
        facts = self.env["customer.dimension"]._get_field_facts(dimension_id)
        owner = self._get_customer_owner(facts)
        self.env["customer.override"].flush_model()
        return SQL(
            """
            SELECT computed.partner_id, computed.category_id
              FROM customer_assignment AS computed
             WHERE computed.dimension_id = %(dimension)s
               AND computed.company_id IS NOT DISTINCT FROM %(company)s
               AND computed.category_id IS NOT NULL
               AND %(active)s
               AND NOT EXISTS (
                   SELECT
                     FROM customer_override AS excluded
                    WHERE excluded.partner_id = computed.partner_id
                      AND excluded.dimension_id = computed.dimension_id
                      AND excluded.company_id IS NOT DISTINCT FROM computed.company_id
                      AND excluded.slot = computed.slot
                      AND excluded.operation = 'exclude'
                      AND (excluded.date_end IS NULL
                           OR excluded.date_end >= %(today)s)
               )
            UNION
            SELECT added.partner_id, added.category_id
              FROM customer_override AS added
             WHERE added.dimension_id = %(dimension)s
               AND added.company_id IS NOT DISTINCT FROM %(company)s
               AND added.operation = 'add'
               AND (added.date_end IS NULL OR added.date_end >= %(today)s)
               AND %(active)s
            """,
            dimension=dimension_id,
            company=owner.id or None,
            today=self._get_customer_today(owner),
            active=facts["active"],
        )

    def _search_customer_categories(self, field_name, operator, value):
        """Return the domain ``field_name operator value`` of such a dimension."""
        field = self._fields[field_name]
        Category = self.env["customer.category"].with_context(active_test=False)
        # Odoo checks no access to a field that a method searches
        self._check_field_access(field, "read")
        with_none = False
        if operator == "in":
            ids = [id_ for id_ in value if id_]
            with_none = len(ids) < len(value)
            wanted = SQL("category_id = ANY(%s)", ids)
        elif operator in ("any", "any!", "child_of", "parent_of"):
            if operator in ("child_of", "parent_of"):
                value = Domain("id", operator, value)
            if isinstance(value, Domain):
                is_sudo = operator == "any!" or self.env.su
                value = Category.sudo(is_sudo)._search(value)
            wanted = SQL("category_id IN %s", value.subselect())
        else:
            return NotImplemented

        def to_sql(model, alias, query):
            rows = model._get_customer_categories_query(field.customer_dimension_id)
            customer = SQL.identifier(
                alias,
                "commercial_partner_id",
                to_flush=model._fields["commercial_partner_id"],
            )
            found = SQL(
                "%s IN (SELECT partner_id FROM (%s) AS held WHERE %s)",
                customer,
                rows,
                wanted,
            )
            if with_none:
                found = SQL(
                    "(%s OR %s NOT IN (SELECT partner_id FROM (%s) AS held))",
                    found,
                    customer,
                    rows,
                )
            if not model.env.su:
                # whose customer is hidden shows none of its categories
                visible = model._get_visible_condition(alias)
                found = SQL("(%s AND %s)", found, visible)
            return found

        return Domain.custom(to_sql=to_sql)
