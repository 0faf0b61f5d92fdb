from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.ir_model import MODULE_UNINSTALL_FLAG

#: How many places a message names
FEW_PLACES = 10


class CustomerUsageMixin(models.AbstractModel):
    """Configuration that knows, and says, what refers to it."""

    _name = "customer.usage.mixin"
    _description = "Configuration That Knows Where It Is Used"

    usage_count = fields.Integer(
        "Where Used",
        compute="_compute_usage_count",
        groups="customer_classification.group_customer_classification_manager",
        help="Rules, scores, mailings, filters and whatever else refers to this.",
    )

    def _compute_usage_count(self):
        for record in self:
            saved = record._origin
            record.usage_count = len(saved._get_usages()) if saved else 0

    # Actions

    def _ask_to_archive(self):
        """Return the action that asks, with the list, before these are archived.

        None where nothing refers to them, or the user has confirmed already.
        """
        if self.env.context.get("customer_usage_is_known"):
            return None
        lines = self.env["customer.usage.line"]._create_for(self.filtered("active"))
        if not lines:
            return None
        wizard = self.env["customer.usage.archive"].create(
            {
                "model_name": self._name,
                "record_ids": ",".join(map(str, self.ids)),
                "line_ids": [fields.Command.set(lines.ids)],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Archive"),
            "res_model": wizard._name,
            "res_id": wizard.id,
            # the client asks for the action itself, so it needs the views by name
            "views": [(False, "form")],
            "target": "new",
        }

    def action_show_usages(self):
        """Open the list of all that refers to these."""
        lines = self.env["customer.usage.line"]._create_for(self)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_usage_line_action"
        )
        if len(self) == 1:
            action["display_name"] = self.env._("Where “%s” Is Used", self.display_name)
        return {**action, "domain": [("id", "in", lines.ids)]}

    # What refers to it

    def _get_usages(self):
        """Return what refers to the record: pairs of record and field."""
        self.ensure_one()
        Usage = self.env["customer.usage"]
        found = Usage._find_references(Usage._get_references(self._name), self.ids)
        return found + self._get_named_usages()

    def _get_named_usages(self):
        """Return what names the record's fields of the contact in a text."""
        names = self._get_usage_field_names()
        if not names:
            return []
        Usage = self.env["customer.usage"]
        return Usage._find_named(names) + Usage._find_fields(names)

    def _get_usage_field_names(self):
        """Return the names of the contact's fields that show the record."""
        return [self.partner_field_name] if self.partner_field_name else []

    def _describe_usages(self, usages):
        """Return the places as text, the first of them by name."""
        places = [
            self.env._(
                "%(kind)s “%(name)s”",
                kind=self._get_kind(record),
                name=self._get_place_name(record),
            )
            for record, _field in usages
        ]
        places = list(dict.fromkeys(places))
        if len(places) > FEW_PLACES:
            more = len(places) - FEW_PLACES
            places = [*places[:FEW_PLACES], self.env._("%s more", more)]
        return ", ".join(places)

    @api.model
    def _get_place_name(self, record):
        """Return the name of a place, after its dimension's if it has one."""
        dimension = record["dimension_id"] if "dimension_id" in record._fields else None
        if not dimension:
            return record.display_name
        return f"{dimension.display_name}: {record.display_name}"

    @api.model
    def _get_kind(self, record):
        # sudo: the name of a kind of record is no secret
        return self.env["ir.model"].sudo()._get(record._name).name

    def _check_unused(self, usages=None):
        """Refuse to go on where something refers to the records.

        A mailing whose domain names a missing field stops the queue of all mailings.

        :param usages: those to look at; by default all
        :raise UserError: naming the record and what refers to it
        """
        if self.env.context.get(MODULE_UNINSTALL_FLAG):
            return
        for record in self:
            found = record._get_usages() if usages is None else usages
            if found:
                raise UserError(
                    self.env._(
                        "“%(record)s” cannot be deleted or changed like this: it is "
                        "used by %(places)s. Change that first, or archive it instead.",
                        record=record.display_name,
                        places=self._describe_usages(found),
                    )
                )

    def _warn_if_used(self):
        """Return a warning for the form where something refers to the record."""
        usages = self._origin._get_usages() if self._origin else []
        if not usages:
            return None
        return {
            "warning": {
                "title": self.env._("Used elsewhere"),
                "message": self.env._(
                    "Check these places, too: %s.", self._describe_usages(usages)
                ),
            }
        }
