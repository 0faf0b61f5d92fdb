import re

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

#: Where people keep domains on contacts, which may name a dimension's field
DOMAIN_FIELDS = {
    "ir.filters": "domain",
    "mailing.mailing": "mailing_domain",
    "res.company": "customer_population_domain",
}


class CustomerDimension(models.Model):
    """A question asked of every customer, such as "how valuable?".

    The dimension and its categories are what an administrator edits. Nothing
    of it takes effect at once: the next run freezes the settings into a
    :class:`customer.ruleset`, a version that never changes again, and computes
    with that.
    """

    _name = "customer.dimension"
    _description = "Classification Dimension"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        copy=False,
        help="Technical name: a lower-case letter, then letters, digits and "
        "underscores. It names the field on the contact and cannot be changed.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    description = fields.Text(
        translate=True, help="Shown to the people who classify customers."
    )
    method = fields.Selection(
        [("manual", "By hand"), ("score", "Score from invoices")],
        string="Fed by",
        required=True,
        default="manual",
        help="By hand: people choose the category. Score: computed every night "
        "from posted invoices and credit notes; people can still decide "
        "otherwise for a time.",
    )
    category_ids = fields.One2many(
        "customer.category", "dimension_id", string="Categories", copy=True
    )
    all_category_ids = fields.One2many(
        "customer.category",
        "dimension_id",
        string="Categories, Archived Ones Included",
        context={"active_test": False},
    )
    criterion_ids = fields.One2many(
        "customer.dimension.criterion", "dimension_id", string="Criteria", copy=True
    )
    minimum_kept_share = fields.Float(
        string="Minimum Share Kept (%)",
        digits=(5, 2),
        default=1.0,
        help="Share of the invoiced amount of the period that must remain after "
        "credit notes. A customer who returned practically everything is no "
        "paying customer, whatever the few cents left over.",
    )
    refresh_days = fields.Integer(
        string="Renew Fifths Every (Days)",
        default=30,
        help="Limits taken from the customers themselves are frozen and renewed "
        "after this many days, so that nobody changes category only because "
        "others moved. 0: only when you ask for it.",
    )
    ruleset_ids = fields.One2many(
        "customer.ruleset", "dimension_id", string="Versions", readonly=True
    )
    active_ruleset_id = fields.Many2one(
        "customer.ruleset",
        string="Version in Force",
        compute="_compute_active_ruleset_id",
    )
    active_criterion_ids = fields.Many2many(
        "customer.ruleset.criterion",
        string="Limits in Force",
        compute="_compute_active_ruleset_id",
    )
    partner_field_name = fields.Char(
        compute="_compute_partner_field_name",
        help="The field of the contact that shows the category.",
    )
    has_pending_settings = fields.Boolean(
        compute="_compute_has_pending_settings",
        help="The settings differ from the version in force: they take effect "
        "with the next computation.",
    )

    _code_unique = models.Constraint(
        "UNIQUE (code)", "Another dimension already has this code."
    )
    _share_valid = models.Constraint(
        "CHECK (minimum_kept_share >= 0 AND minimum_kept_share <= 100)",
        "The minimum share kept is a percentage from 0 to 100.",
    )
    _refresh_valid = models.Constraint(
        "CHECK (refresh_days >= 0)",
        "The number of days between two renewals cannot be negative.",
    )

    @api.depends("code")
    def _compute_partner_field_name(self):
        for dimension in self:
            dimension.partner_field_name = (
                f"x_cls_{dimension.code}_id" if dimension.code else False
            )

    @api.depends("ruleset_ids.state")
    @api.depends_context("company")
    def _compute_active_ruleset_id(self):
        company = self.env.company.root_id
        for dimension in self:
            ruleset = dimension.ruleset_ids.filtered(
                lambda r: r.state == "active" and r.company_id == company
            )
            dimension.active_ruleset_id = ruleset
            dimension.active_criterion_ids = ruleset.criterion_ids

    @api.depends(
        "active_ruleset_id",
        "method",
        "minimum_kept_share",
        "criterion_ids.metric",
        "criterion_ids.weight",
        "criterion_ids.cut_mode",
        "category_ids.active",
        "category_ids.minimum_score",
    )
    @api.depends_context("company")
    def _compute_has_pending_settings(self):
        company = self.env.company.root_id
        for dimension in self:
            ruleset = dimension.active_ruleset_id
            dimension.has_pending_settings = bool(
                dimension.method == "score"
                and ruleset
                and ruleset._get_settings() != dimension._get_settings(company)
            )

    @api.constrains("code")
    def _check_code(self):
        for dimension in self:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", dimension.code):
                raise ValidationError(
                    self.env._(
                        "The code “%(code)s” is not usable: start with a lower-case "
                        "letter and use only lower-case letters, digits and "
                        "underscores, 40 characters at most.",
                        code=dimension.code,
                    )
                )

    @api.constrains("method", "criterion_ids")
    def _check_criteria(self):
        for dimension in self:
            if dimension.method == "score" and not dimension.criterion_ids:
                raise ValidationError(
                    self.env._(
                        "“%(dimension)s” is fed by a score: add at least one "
                        "criterion, or let people choose the category by hand.",
                        dimension=dimension.name,
                    )
                )

    @api.constrains("category_ids", "all_category_ids")
    def _check_distinct_limits(self):
        for dimension in self:
            limits = dimension.category_ids.filtered(
                lambda category: category.active and category.minimum_score
            )
            if len(set(limits.mapped("minimum_score"))) < len(limits):
                raise ValidationError(
                    self.env._(
                        "Two categories of “%(dimension)s” start at the same score; "
                        "give each its own.",
                        dimension=dimension.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        dimensions = super().create(vals_list)
        dimensions._create_partner_fields()
        return dimensions

    def write(self, vals):
        if "code" in vals and any(d.code != vals["code"] for d in self):
            raise UserError(
                self.env._(
                    "The code of a dimension names a field that filters and "
                    "mailings may use, so it cannot be changed. Change the name "
                    "instead, or create another dimension."
                )
            )
        saving = self.with_context(customer_dimension_is_saving=True)
        result = super(CustomerDimension, saving).write(vals)
        if {"name", "active", "sequence"} & vals.keys():
            self._clear_view_caches()
        return result

    def unlink(self):
        self.check_access("unlink")
        self._check_unused()
        self._remove_partner_fields()
        self._clear_view_caches()
        return super().unlink()

    def _check_unused(self):
        """Refuse to go on where customers are or were classified, or searched by it.

        A mailing whose domain names a missing field stops the queue of all mailings.
        """
        for dimension in self:
            for model, field_name in DOMAIN_FIELDS.items():
                # sudo: other people's filters and mailings count, too
                users = (
                    self.env[model]
                    .sudo()
                    .with_context(active_test=False)
                    .search([(field_name, "like", dimension.partner_field_name)])
                )
                if users:
                    raise UserError(
                        self.env._(
                            "“%(dimension)s” cannot be deleted: %(users)s filters by "
                            "it. Change that first, or archive the dimension.",
                            dimension=dimension.name,
                            users=", ".join(users.mapped("display_name")),
                        )
                    )
        for model in ("customer.assignment.history", "customer.assignment"):
            # sudo: what another company's customers hold counts, too
            rows = self.env[model].sudo()
            if rows.search_count([("dimension_id", "in", self.ids)], limit=1):
                raise UserError(
                    self.env._(
                        "Customers are or were classified by this dimension. Archive "
                        "it instead: that keeps their history."
                    )
                )

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        for dimension, vals in zip(self, vals_list, strict=True):
            if not (default and "name" in default):
                vals["name"] = self.env._("%s (copy)", dimension.name)
            if not (default and "code" in default):
                vals["code"] = dimension._get_free_code()
        return vals_list

    def _get_free_code(self):
        """Return a code derived from this one that no dimension has yet."""
        taken = set(
            self.sudo()
            .with_context(active_test=False)
            .search([("code", "=like", f"{self.code}%")])
            .mapped("code")
        )
        number = 2
        while f"{self.code}_{number}" in taken:
            number += 1
        return f"{self.code}_{number}"

    def action_renew_cut_points(self):
        """Ask the next computation to take the fifths from today's customers."""
        self.ruleset_ids.filtered(lambda r: r.state == "active").sudo()._expire_cuts()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "The next computation takes the fifths from the customers of that "
                    "day."
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _get_settings(self, company):
        """Return the settings a ruleset freezes for ``company``, as plain data.

        Two equal results mean that the same version still applies.
        """
        self.ensure_one()
        return {
            "company": company._get_customer_settings(),
            "minimum_kept_share": self.minimum_kept_share,
            "criteria": self.criterion_ids._get_settings(),
            "limits": self.category_ids._get_limits(),
        }

    @api.model
    def _get_shown(self):
        """Return the active dimensions, in the order people see them."""
        return self.search([("active", "=", True)])

    @api.model
    def _get_scored(self):
        """Return the active dimensions that the engine computes."""
        return self.search([("method", "=", "score"), ("criterion_ids", "!=", False)])

    # The field of each dimension on the contact

    def _create_partner_fields(self):
        """Create the contact's field of each dimension (see ``ir.model.fields``)."""
        partner_model = self.env["ir.model"]._get("res.partner")
        # sudo: an administrator of the classification need not be one of Odoo
        self.env["ir.model.fields"].sudo().create(
            [
                {
                    "name": dimension.partner_field_name,
                    "model_id": partner_model.id,
                    "ttype": "many2one",
                    "relation": "customer.category",
                    "on_delete": "set null",
                    "store": False,
                    "readonly": True,
                    "copied": False,
                    # The people's label comes from `res.partner.fields_get`; the
                    # stored one must be unique, or Odoo logs a warning.
                    "field_description": f"Classification: {dimension.code}",
                    "customer_dimension_id": dimension.id,
                }
                for dimension in self
            ]
        )
        self._clear_view_caches()

    def _remove_partner_fields(self):
        """Remove the contact's fields of these dimensions."""
        # sudo: an administrator of the classification need not be one of Odoo
        self.env["ir.model.fields"].sudo().search(
            [("customer_dimension_id", "in", self.ids)]
        ).unlink()

    def _clear_view_caches(self):
        """Forget the views and the list of fields: they name the dimensions."""
        self.env.registry.clear_cache("stable")
        self.env.registry.clear_cache("templates")
