from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from .customer_rights import MANAGER_GROUP
from .customer_scope import Scope

#: Rows about a customer that an erasure leaves: it detaches the history, and the
#: exclusion is what keeps the profile from coming back
KEPT_MODELS = ("customer.assignment.history", "customer.exclusion")
#: Columns of the exported tables that say nothing of the customer
TECHNICAL_FIELDS = {
    "id",
    "partner_id",
    "slot",
    "write_uid",
    "write_date",
    "create_uid",
    "create_date",
    "is_to_publish",
    "is_to_notify",
    "inputs",  # said by the explanation
    "value_ref",  # said by the value as shown
}
#: Computed fields that say what the others mean
READABLE_FIELDS = {"explanation", "display_value", "category_names"}


class ResPartner(models.Model):
    """What a customer may ask for: the whole profile, or its erasure.

    Both find the tables by what they are, rows about a customer: a table added
    later is exported and erased without a word here.
    """

    _inherit = "res.partner"

    def unlink(self):
        """Leave the history of deleted customers, about nobody."""
        self.check_access("unlink")
        self.env["customer.assignment.history"]._anonymize(self)
        return super().unlink()

    # Actions

    def action_export_classification(self):
        """Download what the classification holds about the customer."""
        self.ensure_one()
        self._check_privacy_officer()
        return {
            "type": "ir.actions.act_url",
            "url": f"/customer_classification/profile/{self.commercial_partner_id.id}",
            "target": "download",
        }

    def action_erase_classification(self):
        """Ask before the classification data of these customers is erased."""
        self._check_privacy_officer()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Erase Classification Data"),
            "res_model": "customer.erasure",
            "view_mode": "form",
            "target": "new",
            "context": {"default_partner_ids": self.commercial_partner_id.ids},
        }

    def _check_privacy_officer(self):
        if not self.env.su and not self.env.user.has_group(MANAGER_GROUP):
            raise AccessError(
                self.env._(
                    "Only managers of the customer classification may export or erase "
                    "a profile."
                )
            )
        self.check_access("read")

    # Erasure

    def _erase_classification(self):
        """Remove what the classification holds about these customers.

        :raise AccessError: without the manager group, or where there is data in
            companies that the user has no access to
        """
        self._check_privacy_officer()
        customers = self.commercial_partner_id
        customers._check_every_company()
        self.env.flush_all()
        for model in self._get_classification_models():
            if model._name not in KEPT_MODELS:
                self.env.execute_query(
                    SQL(
                        "DELETE FROM %s WHERE partner_id = ANY(%s)",
                        SQL.identifier(model._table),
                        customers.ids,
                    )
                )
        self.env["customer.assignment.history"]._anonymize(customers)
        self.env.invalidate_all()
        # sudo: also of the dimensions that the user does not see
        mirrored = self.env["customer.dimension"].sudo()
        mirrored.search([("mirror_tags", "=", True)])._update_mirror(
            Scope.of(customers.ids)
        )

    @api.model
    def _get_classification_models(self):
        """Return the models with rows about customers, empty."""
        rows = self.env.registry["customer.rows.mixin"]
        return [
            model
            for model in self.env.values()
            if isinstance(model, rows) and model._auto and not model._abstract
        ]

    def _check_every_company(self):
        """Refuse to erase half a profile."""
        if self.env.su:
            return
        for model in self._get_classification_models():
            # sudo: to learn of rows elsewhere, of which only the companies are named
            companies = model.sudo().search([("partner_id", "in", self.ids)]).company_id
            others = companies - self.env.user.company_ids.root_id
            if others:
                raise AccessError(
                    self.env._(
                        "There is data in companies you have no access to: "
                        "%(companies)s. Ask a manager who may use them all.",
                        companies=", ".join(others.mapped("name")),
                    )
                )

    # Export

    def _get_classification_profile(self):
        """Return all that is held about the customer: titles, headers and lines.

        It covers every company and dimension that the user may see; the first sheet
        names the companies.

        :return: list of ``(title, [header], [[value]])``
        """
        self.ensure_one()
        self._check_privacy_officer()
        customer = self.commercial_partner_id.with_context(
            allowed_company_ids=self.env.user.company_ids.ids
        )
        sheets = [
            customer._get_profile_summary(),
            customer._get_profile_of_categories(),
        ]
        for model in customer._get_classification_models():
            rows = model.search([("partner_id", "=", customer.id)])
            if "dimension_id" in model._fields:
                rows = rows.filtered(
                    lambda row: row.dimension_id._is_visible_to(self.env.user)
                )
            if rows:
                sheets.append(rows._get_profile_sheet())
        return sheets

    def _get_profile_summary(self):
        companies = self.env.user.company_ids.root_id
        return (
            self.env._("Customer"),
            [self.env._("Item"), self.env._("Value")],
            [
                [self.env._("Name"), self.name],
                [self.env._("Reference"), self.ref or ""],
                [self.env._("Tax ID"), self.vat or ""],
                [self.env._("Companies covered"), ", ".join(companies.mapped("name"))],
                [self.env._("Exported on"), fields.Datetime.now()],
                [self.env._("Exported by"), self.env.user.name],
            ],
        )

    def _get_profile_of_categories(self):
        """Return the categories in effect, in each company."""
        dimensions = (
            self.env["customer.dimension"]
            ._get_shown()
            .filtered(lambda dimension: dimension._is_visible_to(self.env.user))
        )
        lines = []
        for company in self.env.user.company_ids.root_id:
            customer = self.with_company(company)
            lines += [
                [company.name, dimension.name, category.complete_name]
                for dimension in dimensions
                for category in customer[dimension.partner_field_name]
            ]
        return (
            self.env._("Categories in Effect"),
            [self.env._("Company"), self.env._("Dimension"), self.env._("Category")],
            lines,
        )


class CustomerRowsMixin(models.AbstractModel):
    _inherit = "customer.rows.mixin"

    def _get_profile_sheet(self):
        """Return these rows as people read them: title, headers and lines."""
        names = [
            name
            for name, field in self._fields.items()
            if name not in TECHNICAL_FIELDS
            and (field.store and field.type != "many2many" or name in READABLE_FIELDS)
        ]
        described = self.fields_get(names, ["string", "selection"])
        names = [name for name in names if name in described]
        title = self.env["ir.model"]._get(self._name).sudo().name
        return (
            title,
            [described[name]["string"] for name in names],
            [
                [row._get_profile_value(name, described[name]) for name in names]
                for row in self
            ],
        )

    def _get_profile_value(self, name, description):
        value = self[name]
        if isinstance(value, models.BaseModel):
            return value.display_name or ""
        if "selection" in description:
            return dict(description["selection"]).get(value, "")
        if isinstance(value, dict | list):
            return str(value)
        if value is False and self._fields[name].type != "boolean":
            return ""
        return value
