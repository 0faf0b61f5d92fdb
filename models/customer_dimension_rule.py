from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


def get_domain_field_names(domain):
    """Return the parts of all paths in ``domain``, those of nested domains included."""
    names = set()
    for condition in Domain(domain).iter_conditions():
        names.update(condition.field_expr.split("."))
        if condition.operator in ("any", "not any", "any!", "not any!") and isinstance(
            condition.value, Domain | list | tuple
        ):
            names |= get_domain_field_names(condition.value)
    return names


class CustomerDimensionRule(models.Model):
    """A condition on the contact that gives a category.

    The rules of a dimension are read from top to bottom. Where a customer has one
    category, the first that matches decides; where several are allowed, all do.
    """

    _name = "customer.dimension.rule"
    _inherit = ["customer.code.mixin"]
    _description = "Classification Rule"
    _order = "dimension_id, sequence, id"
    _code_scope = "dimension_id"
    _code_fallback = "rule"

    dimension_id = fields.Many2one(
        "customer.dimension", required=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    name = fields.Char(
        required=True,
        translate=True,
        help="Shown to people who ask why a customer is in the category.",
    )
    category_id = fields.Many2one(
        "customer.category",
        required=True,
        index=True,
        ondelete="cascade",  # who deletes a category is asked about its rules first
        domain="[('dimension_id', '=', dimension_id)]",
    )
    domain = fields.Char(
        "Condition",
        required=True,
        default="[]",
        help="On the contact; every figure, metric and other dimension is a field of "
        "it, such as the days since the last purchase.",
    )
    company_id = fields.Many2one(
        "res.company",
        string="Only in Company",
        index="btree_not_null",
        ondelete="cascade",
        domain="[('parent_id', '=', False)]",
        help="Empty: the rule holds in every company.",
    )
    error = fields.Char(
        readonly=True,
        copy=False,
        help="Why the condition could not be evaluated by the last computation. Who "
        "has the category keeps it meanwhile.",
    )
    is_waiting = fields.Boolean(
        string="Waits for Its App",
        readonly=True,
        copy=False,
        help="Comes with the addon, and is switched on when the app it needs is "
        "installed.",
    )
    match_count = fields.Integer(
        "Customers Who Meet It",
        compute="_compute_match_count",
        help="Customers of the active company who meet the condition today, whichever "
        "rule decides.",
    )

    _code_unique = models.Constraint(
        "UNIQUE (dimension_id, code)",
        "Another rule of this dimension already has this code.",
    )

    @api.depends("domain")
    @api.depends_context("company", "uid")
    def _compute_match_count(self):
        for rule in self:
            try:
                # A wrong value is only noticed by the database
                with self.env.cr.savepoint():
                    rule.match_count = self.env["res.partner"].search_count(
                        rule._get_match_domain()
                    )
            except Exception:  # what is wrong with it is said when it is saved
                rule.match_count = 0

    def _get_match_domain(self):
        """Return the domain of the company's customers who meet the condition."""
        company = self.env.company.root_id
        population = company._get_customer_domain(company.customer_population_domain)
        customers = Domain("is_company", "=", True) | Domain("parent_id", "=", False)
        return self._get_domain() & population & customers

    def action_open_matches(self):
        """Open the customers who meet the condition."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": "res.partner",
            "view_mode": "list,kanban,form",
            "domain": list(self._get_match_domain()),
            "context": {"res_partner_search_mode": "customer"},
        }

    @api.constrains("category_id", "dimension_id")
    def _check_category(self):
        for rule in self:
            if rule.category_id.dimension_id != rule.dimension_id:
                raise ValidationError(
                    self.env._(
                        "“%(category)s” is no category of “%(dimension)s”.",
                        category=rule.category_id.name,
                        dimension=rule.dimension_id.name,
                    )
                )

    @api.constrains("company_id", "dimension_id")
    def _check_company_fits(self):
        for rule in self:
            if rule.company_id and rule.dimension_id.is_shared:
                raise ValidationError(
                    self.env._(
                        "“%(dimension)s” is the same for all companies, so its rules "
                        "cannot hold in one company only.",
                        dimension=rule.dimension_id.name,
                    )
                )

    @api.constrains("domain", "active", "dimension_id")
    def _check_domain(self):
        for rule in self.filtered("active"):
            rule._check_condition()
        # Rules that are imported may change places: the import checks them at the end
        if not self.env.context.get("customer_exchange_is_importing"):
            self.dimension_id._check_cycles()
        self.dimension_id._check_shared()

    def write(self, vals):
        if "active" in vals:  # from now on people decide
            vals = {**vals, "is_waiting": False}
        return super().write(vals)

    @api.model
    def _activate_waiting(self):
        """Switch on the shipped rules whose fields are all there by now.

        Each waits for a metric that waits for its app. What people switched off
        stays off.
        """
        partner_fields = self.env["res.partner"]._fields
        # sudo: apps are installed by people who need not see the configuration
        waiting = self.sudo().with_context(active_test=False)
        for rule in waiting.search([("is_waiting", "=", True)]):
            if rule._get_field_names() <= partner_fields.keys():
                rule.active = True

    def _check_condition(self):
        """Refuse a condition that cannot be evaluated.

        :raise ValidationError: with the rule's name and the reason
        """
        self.ensure_one()
        Partner = self.env["res.partner"].sudo()  # sudo: as the engine evaluates it
        try:
            # The query must run: a wrong value is only noticed by the database
            with self.env.cr.savepoint():
                Partner.search_count(self._get_domain(), limit=1)
        except Exception as error:
            if isinstance(error, SyntaxError) or "malformed node" in str(error):
                reason = self.env._(
                    "it may hold plain values only, such as texts, numbers and dates, "
                    "and nothing to compute"
                )
            else:
                reason = error
            raise ValidationError(
                self.env._(
                    "The condition of the rule “%(rule)s” cannot be evaluated: "
                    "%(error)s",
                    rule=self.name,
                    error=reason,
                )
            ) from error

    def _get_domain(self):
        """Return the condition as a domain."""
        self.ensure_one()
        return Domain(literal_eval(self.domain.strip()))

    def _get_field_names(self):
        """Return the names of fields of the contact that the conditions read.

        Of a path such as ``parent_id.country_id`` every part is returned. A
        condition that cannot be read has none.
        """
        names = set()
        for rule in self:
            try:
                names |= get_domain_field_names(rule._get_domain())
            except (ValueError, SyntaxError, TypeError):
                continue
        return names

    def _get_settings(self, company):
        """Return what a ruleset freezes of each active rule, in their order.

        :param company: None for a dimension that all companies share
        """
        return [
            {
                "rule": rule.id,
                # in one language, whoever asks: another would be another version
                "name": rule.with_context(lang="en_US").name,
                "domain": rule.domain,
                "category": rule.category_id.id,
            }
            for rule in self.filtered(
                lambda r: (
                    r.active
                    and r.category_id.active
                    and (not r.company_id or r.company_id == company)
                )
            ).sorted(lambda r: (r.sequence, r.id))
        ]
