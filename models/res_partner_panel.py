import json

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_rights import USER_GROUP

#: The field of the search panel
CATEGORIES_FIELD = "customer_category_ids"
#: The panel shows the largest categories of a dimension that has more than this
MAX_SHOWN = 12


class ResPartner(models.Model):
    """The left panel of the customers: every dimension, its categories and counts.

    One field stands for all dimensions, so that one section of the panel holds them,
    those added later included. Odoo would count each category with a query of its
    own; here one query counts all of them.
    """

    _inherit = "res.partner"

    customer_category_ids = fields.Many2many(
        "customer.category",
        string="Customer Categories",
        compute="_compute_customer_category_ids",
        search="_search_customer_category_ids",
        compute_sudo=True,
        groups=USER_GROUP,
        help="The categories in effect in all dimensions, with the wider ones they "
        "are part of.",
    )

    @api.depends("commercial_partner_id")
    @api.depends_context("company", "uid")
    def _compute_customer_category_ids(self):
        names = self.sudo(False)._get_readable_dimension_fields()
        for partner in self:
            held = self.env["customer.category"].union(*(partner[n] for n in names))
            paths = "".join(path for path in held.mapped("parent_path") if path)
            partner.customer_category_ids = [int(i) for i in paths.split("/") if i]

    def _search_customer_category_ids(self, operator, value):
        """Search all dimensions: a wider category finds the customers of its parts."""
        # Odoo checks no access to a field that a method searches
        self._check_field_access(self._fields[CATEGORIES_FIELD], "read")
        Category = self.env["customer.category"].with_context(active_test=False)
        names = self._get_readable_dimension_fields()
        with_none = False
        if operator == "in":
            ids = [id_ for id_ in value if id_]
            with_none = len(ids) < len(value)
            domain = Domain("id", "in", ids)
        elif operator in ("any", "any!"):
            domain = value if isinstance(value, Domain) else Domain("id", "in", value)
        elif operator in ("child_of", "parent_of"):
            domain = Domain("id", operator, value)
        else:
            return NotImplemented
        found = Category.search(domain)
        parts = Category.search([("id", "child_of", found.ids)])
        result = Domain.OR(
            Domain(name, "in", parts.filtered_domain([("dimension_id", "=", id_)]).ids)
            for name, id_ in names.items()
            if id_ in parts.dimension_id._ids
        )
        if with_none:
            result |= Domain.AND([(name, "=", False)] for name in names)
        return result

    @api.model
    def _get_readable_dimension_fields(self):
        """Return the ids of the shown dimensions that the user may read, by field."""
        by_name = self._get_customer_dimension_fields()
        names = {
            by_name[name]: name
            for name in by_name
            if self._fields[name].customer_dimension_part == "category"
            and self._has_field_access(self._fields[name], "read")
        }
        # sudo: the fields say who may see a dimension
        shown = self.env["customer.dimension"].sudo()._get_shown()
        return {names[id_]: id_ for id_ in shown.ids if id_ in names}

    @api.model
    def _invalidate_customer_fields(self):
        self.invalidate_model([CATEGORIES_FIELD])
        return super()._invalidate_customer_fields()

    # The panel

    @api.model
    def search_panel_select_multi_range(self, field_name, **kwargs):
        """Return the categories of all dimensions with their counts.

        Categories without customers are among them, so that the panel keeps its shape
        while people search. A number of statements that is the same for any number of
        dimensions and categories.
        """
        if field_name != CATEGORIES_FIELD or kwargs.get("group_by") != "dimension_id":
            return super().search_panel_select_multi_range(field_name, **kwargs)
        self._check_field_access(self._fields[CATEGORIES_FIELD], "read")
        dimension_ids = list(self._get_readable_dimension_fields().values())
        # sudo: who may read the field of a dimension may read its categories
        categories = self.env["customer.category"].sudo()
        categories = categories.search(
            Domain("dimension_id", "in", dimension_ids)
            & Domain(kwargs.get("comodel_domain") or [])
        )
        groups = kwargs.get("group_domain") or {}
        counts = None
        if kwargs.get("enable_counters"):
            domain = Domain.AND(
                kwargs.get(name) or []
                for name in ("search_domain", "category_domain", "filter_domain")
            )
            counts = self._count_panel_categories(categories, domain, groups)
        shown = self._get_panel_categories(categories, groups)
        by_dimension = shown.grouped("dimension_id")
        every = categories.grouped("dimension_id")
        values = []
        for position, dimension in enumerate(shown.dimension_id.browse(dimension_ids)):
            of_dimension = by_dimension.get(dimension, shown.browse())
            tooltip = dimension.description or False
            if len(of_dimension) < len(every.get(dimension, ())):
                tooltip = self.env._(
                    "The %(shown)s largest of %(all)s categories. Search for the "
                    "others by name.",
                    shown=len(of_dimension),
                    all=len(every[dimension]),
                )
            for category in of_dimension:
                value = self._get_panel_value(category, shown)
                value |= {"group_sequence": position + 1, "group_tooltip": tooltip}
                if counts is not None:
                    value["__count"] = counts.get(category.id, 0)
                values.append(value)
        return {"values": values}

    @api.model
    def _get_panel_value(self, category, shown):
        """Return what the panel needs of a category, but for its count."""
        dimension = category.dimension_id
        wider = category._get_wider_ids()[:-1]
        # the panel knows no tree within a group
        indent = "\N{EM SPACE}" * len([id_ for id_ in wider if id_ in shown._ids])
        return {
            "id": category.id,
            "display_name": indent + category.name,
            "group_id": dimension.id,
            "group_name": dimension.name,
        }

    @api.model
    def _get_panel_categories(self, categories, groups):
        """Return the categories to show, those of a tree below the wider ones.

        Of a dimension with many categories, such as cities, these are the largest, in
        whatever is searched now: the panel keeps its shape. The others are found by
        name in the search bar.

        :param groups: as the panel sends the domains of its groups: what is checked
            stays
        """
        checked = {
            id_
            for domain in groups.values()
            for condition in domain
            for id_ in condition[2]
        }
        few, large = categories.browse(), []
        for of_dimension in categories.grouped("dimension_id").values():
            if len(of_dimension) <= MAX_SHOWN:
                few |= of_dimension
            else:
                large.append(of_dimension)
        if large:
            sizes = self._get_panel_sizes(categories.browse().union(*large))
            for of_dimension in large:
                largest = of_dimension.sorted(
                    lambda c: (-sizes.get(c.id, 0), len(c._get_wider_ids()), c.id)
                )
                few |= largest[:MAX_SHOWN]
                few |= of_dimension.filtered(lambda c: c.id in checked)
        return few.sorted(lambda c: c._get_tree_key())

    @api.model
    def _get_panel_sizes(self, categories):
        """Return how many customers have each category, whoever may see them."""
        self.env["customer.assignment"].flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT category_id, COUNT(*) FROM (%s) AS held GROUP BY category_id",
                self._get_customer_categories_query(categories.dimension_id.ids),
            )
        )
        return categories._add_up_parts(dict(rows))

    @api.model
    def _count_panel_categories(self, categories, domain, groups):
        """Return the number of contacts with each category or a part of it.

        Among the contacts of ``domain``; for the categories of a dimension also among
        those that match what is checked in the other dimensions.

        :param dict groups: the domains of what is checked in other dimensions, by id
            of the dimension as JSON
        """
        dimensions_by_domain = {}
        for dimension in categories.dimension_id:
            key = json.dumps(groups.get(json.dumps(dimension.id)) or [])
            dimensions_by_domain.setdefault(key, []).append(dimension.id)
        in_several_parts = categories.filtered(
            lambda c: c.parent_id and c.dimension_id.is_multiple
        ).dimension_id
        queries = []
        for key, dimension_ids in dimensions_by_domain.items():
            found = self._search(domain & Domain(json.loads(key)))
            if found.is_empty():
                continue
            if not self.env.su:
                # who may not see the customer sees none of its categories
                found.add_where(self._get_visible_condition(self._table))
            for ids, is_wide in (
                (set(dimension_ids) - set(in_several_parts.ids), False),
                (set(dimension_ids) & set(in_several_parts.ids), True),
            ):
                if ids:
                    queries.append(self._get_panel_query(found, sorted(ids), is_wide))
        if not queries:
            return {}
        rows = self.env.execute_query(SQL(" UNION ALL ").join(queries))
        single = {id_: count for id_, count, is_wide in rows if not is_wide}
        return categories._add_up_parts(single) | {
            id_: count for id_, count, is_wide in rows if is_wide
        }

    @api.model
    def _get_panel_query(self, found, dimension_ids, is_wide):
        """Return SQL with the categories of dimensions and their numbers of contacts.

        :param found: query of the contacts to count
        :param bool is_wide: count for the wider categories, too: once where a customer
            has several of its parts
        """
        # dimension by dimension, since PostgreSQL then reads an index and no row
        held = SQL(" UNION ALL ").join(
            self._get_customer_categories_query([id_]) for id_ in dimension_ids
        )
        if is_wide:
            held = SQL(
                """
                SELECT DISTINCT held.partner_id, wider.id::integer AS category_id
                  FROM (%s) AS held
                  JOIN customer_category AS narrow ON narrow.id = held.category_id
                 CROSS JOIN UNNEST(
                           string_to_array(trim('/' FROM narrow.parent_path), '/')
                       ) AS wider(id)
                """,
                held,
            )
        return SQL(
            """
            (
                SELECT held.category_id, COUNT(*), %(is_wide)s
                  FROM (%(held)s) AS held
                  JOIN (%(found)s) AS found(customer_id)
                    ON found.customer_id = held.partner_id
                 GROUP BY held.category_id
            )
            """,
            is_wide=is_wide,
            held=held,
            found=found.select(SQL.identifier(self._table, "commercial_partner_id")),
        )
