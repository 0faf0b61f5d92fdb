from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from .customer_dimension_criterion import CUT_FIELDS

#: What a draft tries; it takes it over from its dimension. The names are the same.
TRIED_FIELDS = (
    "applies_to",
    "applies_invoices",
    "default_category_id",
    "minimum_kept_share",
    "minimum_purchases",
    "grace_days",
)
#: What makes another result when it is edited
EDITED_FIELDS = {
    *TRIED_FIELDS,
    "company_id",
    "window_days",
    "is_renewed",
    "criterion_ids",
    "limit_ids",
    "rule_ids",
}


class CustomerDraft(models.Model):
    """Other rules of a dimension, tried before anything changes.

    A draft begins with today's settings. It is edited, compared with the present
    categories (``customer_draft_compare.py``) and, if people like what they see,
    applied (``customer_draft_apply.py``), at once or on a day to come.
    """

    _name = "customer.draft"
    _inherit = ["mail.thread"]
    _description = "Draft of Classification Rules"
    _order = "id desc"
    _mail_post_access = "read"

    name = fields.Char(required=True, copy=False)
    active = fields.Boolean(default=True)
    note = fields.Text(help="What the draft is for, and what was found.")
    user_id = fields.Many2one(
        "res.users",
        string="Author",
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: self.env.user,
    )
    dimension_id = fields.Many2one(
        "customer.dimension",
        required=True,
        index=True,
        ondelete="cascade",
        domain="[('method', 'in', ['rule', 'score'])]",
    )
    method = fields.Selection(related="dimension_id.method")
    is_multiple = fields.Boolean(related="dimension_id.is_multiple")
    is_shared = fields.Boolean(related="dimension_id.is_shared")
    company_id = fields.Many2one(
        "res.company",
        required=True,
        ondelete="cascade",
        default=lambda self: self.env.company.root_id,
        domain="[('parent_id', '=', False)]",
        help="Whose period is tried, and where the day begins on which the draft takes "
        "effect. All else concerns every company.",
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("scheduled", "Scheduled"),
            ("applying", "Being applied"),
            ("applied", "Applied"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
    )
    applies_to = fields.Selection(
        lambda self: self._get_choices("applies_to"), required=True, default="all"
    )
    applies_invoices = fields.Selection(
        lambda self: self._get_choices("applies_invoices"),
        string="Invoices",
        required=True,
        default="all",
    )
    default_category_id = fields.Many2one(
        "customer.category",
        ondelete="set null",
        domain="[('dimension_id', '=', dimension_id)]",
        help="Given to customers whom no rule, score or field gives a category.",
    )
    window_days = fields.Integer(
        "Period of Value (Days)",
        help="Net revenue and purchase days “in the period” cover this many days. It "
        "concerns all dimensions of the company; the comparison shows this one.",
    )
    minimum_kept_share = fields.Float(
        "Minimum Share Kept (%)",
        digits=(5, 2),
        help="Share of the invoiced amount of the period that must remain after "
        "credit notes.",
    )
    minimum_purchases = fields.Integer(
        help="Customers with fewer purchase days in the period get no score."
    )
    grace_days = fields.Integer(
        "Grace Before a Downgrade (Days)",
        help="A customer whose score falls below the limit keeps the category this "
        "many days longer, and keeps it if the score recovers. 0: at once.",
    )
    is_renewed = fields.Boolean(
        "Take Limits Anew",
        help="Take fifths and cumulated shares from the customers of today. Otherwise "
        "they stay as they are until they are due.",
    )
    criterion_ids = fields.One2many(
        "customer.draft.criterion", "draft_id", string="Criteria", copy=True
    )
    limit_ids = fields.One2many(
        "customer.draft.limit", "draft_id", string="Categories", copy=True
    )
    rule_ids = fields.One2many(
        "customer.draft.rule", "draft_id", string="Rules", copy=True
    )

    _window_positive = models.Constraint(
        "CHECK (window_days > 0)", "The period of value needs at least one day."
    )
    _share_valid = models.Constraint(
        "CHECK (minimum_kept_share >= 0 AND minimum_kept_share <= 100)",
        "The minimum share kept is a percentage from 0 to 100.",
    )
    _numbers_valid = models.Constraint(
        "CHECK (grace_days >= 0 AND minimum_purchases >= 0)",
        "A number of days or purchases cannot be negative.",
    )

    @api.model
    def _get_choices(self, name):
        field = self.env["customer.dimension"]._fields[name]
        return field._description_selection(self.env)

    @api.constrains("dimension_id")
    def _check_method(self):
        for draft in self:
            if draft.method not in ("rule", "score"):
                raise ValidationError(
                    self.env._(
                        "There is nothing to try in “%(dimension)s”: it is set by hand "
                        "or mirrors fields of the contact. Drafts are for rules and "
                        "scores.",
                        dimension=draft.dimension_id.name,
                    )
                )

    @api.constrains("limit_ids")
    def _check_distinct_limits(self):
        for draft in self:
            scores = draft.limit_ids.filtered("minimum_score").mapped("minimum_score")
            if len(set(scores)) < len(scores):
                raise ValidationError(
                    self.env._(
                        "Two categories of “%(dimension)s” start at the same score; "
                        "give each its own.",
                        dimension=draft.name,
                    )
                )

    @api.constrains("criterion_ids", "dimension_id")
    def _check_criteria(self):
        for draft in self:
            if draft.method == "score" and not draft.criterion_ids:
                raise ValidationError(
                    self.env._("Add at least one criterion to “%s”.", draft.name)
                )

    @api.model_create_multi
    def create(self, vals_list):
        is_copy = self.env.context.get("customer_draft_is_copy")
        if not is_copy:
            vals_list = [self._complete(vals) for vals in vals_list]
        drafts = super().create(vals_list)
        if not is_copy:
            drafts.rule_ids._take_over_names()
        return drafts

    def write(self, vals):
        if EDITED_FIELDS & vals.keys():
            self._check_editable()
        if "dimension_id" in vals and any(
            draft.dimension_id.id != vals["dimension_id"] for draft in self
        ):
            raise UserError(
                self.env._("A draft stays with its dimension; make another one.")
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_applying(self):
        if self.filtered(lambda draft: draft.state == "applying"):
            raise UserError(
                self.env._("The draft is being applied; wait until that is done.")
            )

    def copy(self, default=None):
        copying = self.with_context(customer_draft_is_copy=True)
        return super(CustomerDraft, copying).copy(default).with_env(self.env)

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        for draft, vals in zip(self, vals_list, strict=True):
            if not (default and "name" in default):
                vals["name"] = self.env._("%s (copy)", draft.name)
        return vals_list

    @api.model
    def _complete(self, vals):
        """Return ``vals`` of a new draft, today's settings where they have none."""
        dimension = self.env["customer.dimension"].browse(vals.get("dimension_id"))
        has_parts = any(
            vals.get(name) for name in ("criterion_ids", "limit_ids", "rule_ids")
        )
        if not dimension or has_parts:
            return vals
        company = self.env["res.company"].browse(
            vals.get("company_id") or self.env.company.root_id.id
        )
        return {**vals, **self._get_present(dimension, company)}

    @api.model
    def _get_present(self, dimension, company):
        """Return the values of a draft that tries nothing else than there is."""
        return {
            **{
                name: dimension._fields[name].convert_to_write(
                    dimension[name], dimension
                )
                for name in TRIED_FIELDS
            },
            "company_id": company.id,
            # sudo: how long the period is, is no secret to who configures
            "window_days": company.sudo().customer_window_days,
            "criterion_ids": [
                Command.create(
                    {
                        "metric_id": criterion.metric_id.id,
                        **{
                            name: criterion[name]
                            for name in ("sequence", "weight", "cut_mode", *CUT_FIELDS)
                        },
                    }
                )
                for criterion in dimension.criterion_ids
            ],
            "limit_ids": [
                Command.create(
                    {
                        "category_id": category.id,
                        "minimum_score": category.minimum_score,
                        "keep_score": category.keep_score,
                    }
                )
                for category in dimension.category_ids
            ],
            "rule_ids": [
                Command.create(
                    {
                        "origin_id": rule.id,
                        "category_id": rule.category_id.id,
                        "company_id": rule.company_id.id,
                        **{
                            name: rule[name]
                            for name in ("sequence", "name", "code", "domain")
                        },
                    }
                )
                for rule in dimension.rule_ids
            ],
        }

    def _check_editable(self):
        """Refuse to go on where a draft is scheduled or was applied."""
        if self.filtered(lambda draft: draft.state != "draft"):
            raise UserError(
                self.env._(
                    "This draft is scheduled or was applied, so that it cannot change "
                    "any more. Take it back to edit it, or duplicate it."
                )
            )

    # What the engine takes

    def _get_settings(self, company):
        """Return the settings that a version of the draft would freeze.

        In the form of ``customer.dimension``; so that they can be compared.

        :param company: an empty recordset for a dimension that all companies share
        """
        self.ensure_one()
        # sudo: what counts as revenue is no secret to who configures
        counted = company.sudo()._get_customer_settings() if company else {}
        if company == self.company_id and company:
            counted["window_days"] = self.window_days
        settings = {
            "company": counted,
            "method": self.method,
            "multiple": self.is_multiple,
            "applies_to": self.applies_to,
            "applies_invoices": self.applies_invoices,
            "default": self.default_category_id.id,
        }
        if self.method == "score":
            return settings | {
                "minimum_kept_share": self.minimum_kept_share,
                "minimum_purchases": self.minimum_purchases,
                "grace_days": self.grace_days,
                "criteria": self.criterion_ids._get_settings(),
                "limits": self.limit_ids._get_limits(),
            }
        return settings | {"rules": self.rule_ids._get_settings(company)}
