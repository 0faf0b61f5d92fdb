from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from .customer_rights import MANAGER_GROUP


class CustomerAudience(models.Model):
    """A set of customers that marketing speaks to, told by conditions.

    The conditions are about customers, that is commercial entities, in one company;
    who is written to for each of them is chosen by :attr:`recipient`. Nothing is kept
    of who belongs to it: the audience is what its conditions give today, as the user
    who asks may see it. A campaign freezes it.
    """

    _name = "customer.audience"
    _description = "Audience"
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    description = fields.Text()
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company.root_id,
        domain="[('parent_id', '=', False)]",
        ondelete="cascade",
        index=True,
        help="Categories and figures are those of this company.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Owner",
        required=True,
        default=lambda self: self.env.uid,
        copy=False,
        ondelete="restrict",
        index=True,
    )
    is_shared = fields.Boolean(
        "Shared",
        copy=False,
        help="All marketers of the company see and use it; the owner and managers "
        "change it. Otherwise only these see it.",
    )
    all_category_ids = fields.Many2many(
        "customer.category",
        "customer_audience_all_category_rel",
        ondelete="restrict",
        # an archived one stays a condition
        context={"active_test": False},
        string="In All of These Categories",
    )
    any_category_ids = fields.Many2many(
        "customer.category",
        "customer_audience_any_category_rel",
        ondelete="restrict",
        # an archived one stays a condition
        context={"active_test": False},
        string="In Any of These Categories",
    )
    none_category_ids = fields.Many2many(
        "customer.category",
        "customer_audience_none_category_rel",
        ondelete="restrict",
        # an archived one stays a condition
        context={"active_test": False},
        string="In None of These Categories",
    )
    domain = fields.Char(
        "Customer",
        help="Conditions on any field of the customer, figures and metrics included.",
    )
    change_ids = fields.One2many(
        "customer.audience.change",
        "audience_id",
        string="Changes of Categories",
        copy=True,
    )
    include_ids = fields.Many2many(
        "customer.audience",
        "customer_audience_include_rel",
        "audience_id",
        "other_id",
        ondelete="restrict",
        check_company=True,
        context={"active_test": False},
        string="In Any of These Audiences",
    )
    exclude_ids = fields.Many2many(
        "customer.audience",
        "customer_audience_exclude_rel",
        "audience_id",
        "other_id",
        ondelete="restrict",
        check_company=True,
        context={"active_test": False},
        string="In None of These Audiences",
    )
    recipient = fields.Selection(
        [
            ("customer", "The customer itself"),
            ("type", "Its address of a type"),
            ("best", "The best contact"),
        ],
        string="Write To",
        required=True,
        default="best",
        help="Best contact: of those who can be reached, the person that the latest "
        "invoice names, else the customer itself, else the first person.",
    )
    recipient_type = fields.Selection(
        lambda self: (
            self.env["res.partner"]._fields["type"]._description_selection(self.env)
        ),
        string="Type of Address",
        default="invoice",
    )
    contact_domain = fields.Char(
        "Person",
        help="Conditions on who is written to, such as the language or the position.",
    )

    # Odoo checks constraints as superuser: `sudo(False)` asks with the user's rights

    @api.constrains("domain", "contact_domain", "company_id")
    def _check_domains(self):
        for audience in self.sudo(False):
            audience._check_conditions_visible()
            Partner = audience._get_partners_of(audience.company_id)
            for name in ("domain", "contact_domain"):
                try:
                    # The query must run: a wrong value is only noticed by the database
                    with self.env.cr.savepoint():
                        Partner.search_count(
                            self._parse_domain(audience[name]), limit=1
                        )
                except Exception as error:
                    raise ValidationError(
                        self.env._(
                            "The condition “%(field)s” of “%(audience)s” cannot be "
                            "evaluated: %(error)s",
                            field=self._fields[name]._description_string(self.env),
                            audience=audience.name,
                            error=error,
                        )
                    ) from error

    @api.constrains(
        "all_category_ids", "any_category_ids", "none_category_ids", "change_ids"
    )
    def _check_categories_visible(self):
        self.sudo(False)._check_conditions_visible()

    @api.constrains("include_ids", "exclude_ids")
    def _check_others_visible(self):
        others = self.include_ids | self.exclude_ids
        others.sudo(False).check_access("read")

    @api.constrains("user_id")
    def _check_owner(self):
        """Only managers make audiences of other people: those are asked as them."""
        user = self.sudo(False).env.user
        is_trusted = self.sudo(False).env.su or user.has_group(MANAGER_GROUP)
        if self.user_id - user and not is_trusted:
            raise AccessError(
                self.env._(
                    "Lists and mailings see an audience with its owner's eyes, so only "
                    "managers make somebody else the owner. Share it instead."
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        # sudo: other people's audiences would become others, too
        using = (
            self.sudo()
            .with_context(active_test=False)
            .search(
                ["|", ("include_ids", "in", self.ids), ("exclude_ids", "in", self.ids)]
            )
        )
        if using := using - self:
            raise UserError(
                self.env._(
                    "Other audiences refer to this one: %(audiences)s. Take it out "
                    "there first, or archive it.",
                    audiences=", ".join(f"“{audience.name}”" for audience in using),
                )
            )

    def copy_data(self, default=None):
        result = super().copy_data(default)
        for audience, vals in zip(self, result, strict=True):
            if "name" not in (default or {}):
                vals["name"] = self.env._("%s (copy)", audience.name)
        return result
