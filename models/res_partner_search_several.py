from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL


class ResPartner(models.Model):
    """Search and group contacts by dimensions that allow several categories.

    A customer has what the engine gave and nobody excluded, and what people added.
    """

    _inherit = "res.partner"

    @api.model
    def _get_customer_categories_query(self, dimension_ids):
        """Return SQL with a row for each customer and category in effect today.

        A decision in force takes the place of the computed row with its key, whether
        the dimension allows one category or several.

        Its columns: ``partner_id``, ``dimension_id`` and ``category_id``. Of an
        archived dimension there is none.
        """
        get_facts = self.env["customer.dimension"]._get_field_facts
        facts = {
            dimension_id: get_facts(dimension_id) for dimension_id in dimension_ids
        }
        self.env["customer.override"].flush_model()
        queries = []
        for is_shared in (False, True):
            ids = [
                dimension_id
                for dimension_id, fact in facts.items()
                if fact["active"] and fact["is_shared"] == is_shared
            ]
            if ids or not is_shared:
                owner = self._get_customer_owner({"is_shared": is_shared})
                queries.append(self._get_customer_owner_query(ids, owner))
        return SQL(" UNION ALL ").join(queries)

    @api.model
    def _get_customer_owner_query(self, dimension_ids, owner):
        """Return the rows of :meth:`_get_customer_categories_query` of one owner."""
        belongs = {
            alias: SQL("%s = %s", SQL.identifier(alias, "company_id"), owner.id)
            if owner
            else SQL("%s IS NULL", SQL.identifier(alias, "company_id"))
            for alias in ("computed", "decided")
        }
        return SQL(
            """
            SELECT computed.partner_id, computed.dimension_id, computed.category_id
              FROM customer_assignment AS computed
             WHERE computed.dimension_id = ANY(%(dimensions)s)
               AND %(computed_belongs)s
               AND computed.category_id IS NOT NULL
               AND NOT EXISTS (
                   SELECT
                     FROM customer_override AS decided
                    WHERE decided.partner_id = computed.partner_id
                      AND decided.dimension_id = computed.dimension_id
                      AND decided.slot = computed.slot
                      AND %(decided_belongs)s
                      AND (decided.date_end IS NULL OR decided.date_end >= %(today)s)
               )
            UNION ALL
            SELECT decided.partner_id, decided.dimension_id, decided.category_id
              FROM customer_override AS decided
             WHERE decided.dimension_id = ANY(%(dimensions)s)
               AND %(decided_belongs)s
               AND decided.operation IN ('set', 'add')
               AND (decided.date_end IS NULL OR decided.date_end >= %(today)s)
            """,
            dimensions=dimension_ids,
            computed_belongs=belongs["computed"],
            decided_belongs=belongs["decided"],
            today=self._get_customer_today(owner),
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
            rows = model._get_customer_categories_query([field.customer_dimension_id])
            customer = SQL.identifier(
                alias,
                "commercial_partner_id",
                to_flush=model._fields["commercial_partner_id"],
            )
            # whose customer is hidden shows none of its categories
            visible = model.env.su or model._get_visible_condition(alias)

            def having(condition):
                return SQL(
                    "(%s IN (SELECT partner_id FROM (%s) AS held WHERE %s) AND %s)",
                    customer,
                    rows,
                    condition,
                    visible,
                )

            if not with_none:
                return having(wanted)
            return SQL("(%s OR NOT %s)", having(wanted), having(SQL("TRUE")))

        return Domain.custom(to_sql=to_sql)

    def _read_group_groupby(self, alias, groupby_spec, query):
        """Count a customer in each of its categories, or once in none."""
        field = self._fields.get(groupby_spec)
        if (
            getattr(field, "customer_dimension_id", None) is None
            or field.type != "many2many"
        ):
            return super()._read_group_groupby(alias, groupby_spec, query)
        # Odoo checks no access to a field without a column
        self._check_field_access(field, "read")
        held = query.make_alias(alias, f"{groupby_spec}__held")
        condition = SQL(
            "%s = %s",
            SQL.identifier(held, "partner_id"),
            SQL.identifier(
                alias,
                "commercial_partner_id",
                to_flush=self._fields["commercial_partner_id"],
            ),
        )
        if not self.env.su:
            condition = SQL("%s AND %s", condition, self._get_visible_condition(alias))
        query.add_join(
            "LEFT JOIN",
            held,
            SQL(
                "(%s)",
                self._get_customer_categories_query([field.customer_dimension_id]),
            ),
            condition,
        )
        return SQL.identifier(held, "category_id")
