from lxml.builder import E

from odoo import api, models

#: Dimensions with more categories than this get no filter for each of them
MAX_FILTERS = 12


class ResPartner(models.Model):
    """Shows every dimension in the contact's views, those added later included.

    The views of this addon hold empty places with known names; here they are
    filled with a node for each active dimension.
    """

    _inherit = "res.partner"

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        fill = {
            "form": self._fill_badges,
            "kanban": self._fill_badges,
            "list": self._fill_list,
            "search": self._fill_search,
        }.get(view_type)
        if fill:
            # sudo: the result is cached for all users; their rights to the fields
            # are applied later
            dimensions = self.env["customer.dimension"].sudo()._get_shown()
            fill(
                arch,
                dimensions.filtered(lambda d: d.partner_field_name in self._fields),
            )
        return arch, view

    @api.model
    def _fill_badges(self, arch, dimensions):
        for place in arch.xpath("//*[@name='customer_classification_badges']"):
            for dimension in dimensions.filtered("show_as_badge"):
                place.append(self._get_category_node(dimension))

    @api.model
    def _fill_list(self, arch, dimensions):
        for anchor in arch.xpath("/list/field[@name='customer_revenue_window']"):
            for dimension in dimensions:
                optional = "show" if dimension.show_as_badge else "hide"
                anchor.addprevious(
                    self._get_category_node(dimension, optional=optional, width="125px")
                )

    @api.model
    def _get_category_node(self, dimension, **attributes):
        """Return a node that shows the category, or the categories, in colour."""
        if dimension.is_multiple:
            attributes |= {
                "widget": "many2many_tags",
                "options": "{'color_field': 'color'}",
            }
        else:
            attributes["widget"] = "customer_category_badge"
        return E.field(name=dimension.partner_field_name, readonly="1", **attributes)

    @api.model
    def _fill_search(self, arch, dimensions):
        """Add filters and groups.

        Every dimension can be grouped by, and is found in the panel, by the name of a
        category and in the editor of filters. Only those that people see at once, as
        badges, have filters of their own: the menu would be too long for all.
        """
        badges = dimensions.filtered("show_as_badge")
        for anchor in arch.xpath("//filter[@name='customer_set_by_hand']"):
            for dimension in badges:
                for node in self._get_filter_nodes(dimension):
                    anchor.addprevious(node)
        for anchor in arch.xpath("//filter[@name='group_customer_last_date']"):
            for dimension in dimensions:
                name = dimension.partner_field_name
                anchor.addprevious(
                    E.filter(
                        name=f"group_{name}",
                        string=dimension.name,
                        context=repr({"group_by": name}),
                        groups=self._fields[name].groups,
                    )
                )

    @api.model
    def _get_filter_nodes(self, dimension):
        """Return nodes that search for the dimension and filter by its categories."""
        name = dimension.partner_field_name
        groups = self._fields[name].groups
        wanted = {f"{name}_none": (self.env._("None (%s)", dimension.name), "=", False)}
        for category in dimension.category_ids:
            wanted[f"{name}_{category.id}"] = (
                self.env._(
                    # the menu cuts the end off
                    "%(category)s (%(dimension)s)",
                    dimension=dimension.name,
                    category=category.name,
                ),
                "child_of" if category.child_ids else "=",
                category.id,
            )
        if len(wanted) > MAX_FILTERS:
            wanted = {f"{name}_none": wanted[f"{name}_none"]}
        filters = [
            E.filter(
                name=filter_name,
                string=label,
                domain=repr([(name, operator, value)]),
                groups=groups,
            )
            for filter_name, (label, operator, value) in wanted.items()
        ]
        field = E.field(
            name=name,
            domain=repr([("dimension_id", "=", dimension.id)]),
            context=repr({"customer_category_path": True}),
            operator="child_of",
            groups=groups,
        )
        return [field, *filters, E.separator()]
