from ast import literal_eval

from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Domain


def get_paths(Model, domain):
    """Yield the fields that a domain asks about, each with the model it belongs to.

    Paths are followed as far as they are fields; what is none is the database's to
    refuse.
    """
    for condition in Domain(domain).iter_conditions():
        model = Model
        for name in condition.field_expr.split("."):
            field = model._fields.get(name)
            if field is None:
                break
            yield model, field
            if not field.comodel_name:
                break
            model = model.env[field.comodel_name]
        else:
            if condition.operator.endswith(("any", "any!")) and isinstance(
                condition.value, Domain | list | tuple
            ):
                yield from get_paths(model, condition.value)


class CustomerAudience(models.Model):
    """An audience is there only for those who may see all that it asks about.

    From its size alone, or from who is in it, they would learn what is hidden from
    them; and without a part of its conditions it would be another audience.
    """

    _name = "customer.audience"
    _inherit = ["customer.audience", "customer.hidden.mixin"]

    @api.model
    def _get_visible_domain(self):
        # sudo: all of them, to be looked at with the user's rights
        every = self.sudo().with_context(active_test=False).search(Domain.TRUE)
        hidden = every.sudo(False)._get_hidden()
        return super()._get_visible_domain() & Domain("id", "not in", hidden.ids)

    def _get_hidden_error(self, operation="read"):
        return AccessError(
            self.env._(
                "“%(audience)s” uses conditions that you may not see. Ask its owner or "
                "a manager of the customer classification.",
                # sudo: the name is no secret, and says what this is about
                audience=self.sudo()[0].name or self.env._("This audience"),
            )
        )

    def _check_conditions_visible(self):
        """Refuse to go on where a condition is hidden from the user.

        :raise AccessError: naming the audience, but no condition
        """
        hidden = self._get_hidden()
        if hidden:
            raise hidden._get_hidden_error()

    def _get_hidden(self):
        """Return the audiences that ask about something hidden from the user."""
        if self.env.su:
            return self.browse()
        return self.filtered(lambda audience: audience._has_hidden_conditions())

    def _has_hidden_conditions(self):
        """Return whether a condition, or one of another audience, is hidden."""
        self.ensure_one()
        return not self.env.su and self._is_hidden(self._get_asked())

    def _has_conditions_hidden_from(self, group):
        """Return whether a condition is hidden from who is in a group and no other."""
        self.ensure_one()
        asked = self._get_asked()
        groups = group | group.all_implied_ids
        # sudo: what may be hidden from the user, too
        dimensions = self.env["customer.dimension"].sudo().browse(asked["dimensions"])
        if any(d.view_group_ids and not d.view_group_ids & groups for d in dimensions):
            return True
        names = set(groups.get_external_id().values())
        allowed = [
            self.env[model]._fields[name].groups for model, name in asked["fields"]
        ]
        return any(
            field_groups and not names.intersection(field_groups.split(","))
            for field_groups in allowed
        )

    def _get_asked(self, above=()):
        """Return what the conditions ask about, those of other audiences included.

        :param above: the audiences that led here
        :return: dict of the ids of ``dimensions``, and of ``fields`` as pairs of model
            and name
        """
        self.ensure_one()
        # sudo: what the user may not see is what is looked for
        audience = self.sudo()
        categories = (
            audience.all_category_ids
            | audience.any_category_ids
            | audience.none_category_ids
            | audience.change_ids.category_id
        )
        dimensions = set(categories._origin.dimension_id.ids)
        asked = set()
        for text in (audience.domain, audience.contact_domain):
            asked |= self._get_asked_fields(text)
        for other in (audience.include_ids | audience.exclude_ids)._origin:
            if other not in above:
                further = other._get_asked((*above, other))
                dimensions.update(further["dimensions"])
                asked.update(map(tuple, further["fields"]))
        return {"dimensions": sorted(dimensions), "fields": sorted(asked)}

    @api.model
    def _get_asked_fields(self, text):
        Partner = self.env["res.partner"]
        try:
            paths = list(get_paths(Partner, self._read_domain(text)))
        except Exception:  # it gives nobody; saving says what is wrong with it
            return set()
        return {(model._name, field.name) for model, field in paths}

    @api.model
    def _is_hidden(self, asked):
        """Return whether one of the dimensions or fields is hidden from the user.

        :param dict asked: as :meth:`_get_asked` returns it, maybe of long ago
        """
        dimensions = self.env["customer.dimension"].browse(asked["dimensions"])
        if any(not d._is_visible_to_user() for d in dimensions.sudo().exists()):
            return True
        for model_name, name in asked["fields"]:
            model = self.env.get(model_name)
            field = model._fields.get(name) if model is not None else None
            if field and not (
                model._has_field_access(field, "read")
                and (
                    not field.comodel_name
                    or self.env[field.comodel_name].has_access("read")
                )
            ):
                return True
        return False

    @api.model
    def _read_domain(self, text):
        """Return the domain of a text; an empty one is met by all."""
        return Domain(literal_eval((text or "").strip() or "[]"))
