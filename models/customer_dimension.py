import re

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

ICONS = [
    ("fa-tag", "Tag"),
    ("fa-star", "Star"),
    ("fa-building", "Building"),
    ("fa-industry", "Factory"),
    ("fa-briefcase", "Briefcase"),
    ("fa-users", "People"),
    ("fa-map-marker", "Place"),
    ("fa-globe", "Globe"),
    ("fa-repeat", "Repeat"),
    ("fa-money", "Money"),
    ("fa-diamond", "Diamond"),
    ("fa-heart", "Heart"),
    ("fa-line-chart", "Chart"),
    ("fa-clock-o", "Clock"),
    ("fa-shopping-cart", "Cart"),
    ("fa-comments", "Conversation"),
    ("fa-smile-o", "Face"),
    ("fa-lightbulb-o", "Idea"),
    ("fa-balance-scale", "Scales"),
    ("fa-flag", "Flag"),
]


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
    icon = fields.Selection(ICONS, default="fa-tag")
    color = fields.Integer(aggregator=None)
    group_id = fields.Many2one(
        "customer.dimension.group",
        index="btree_not_null",
        ondelete="set null",
        help="Dimensions of a group stand together on the customer's form.",
    )
    is_multiple = fields.Boolean(
        "Several Categories per Customer",
        help="A customer can have several categories at a time, such as several "
        "interests. Fixed once customers are classified.",
    )
    is_shared = fields.Boolean(
        "Same for All Companies",
        help="One category for all companies of the database. Otherwise each company "
        "has its own. Fixed once customers are classified.",
    )
    view_group_ids = fields.Many2many(
        "res.groups",
        "customer_dimension_view_group_rel",
        string="Visible to",
        help="Only members of these groups see the dimension. Empty: all users of "
        "the customer classification.",
    )
    edit_group_ids = fields.Many2many(
        "res.groups",
        "customer_dimension_edit_group_rel",
        string="Set by Hand by",
        help="Only members of these groups, and managers, set the category by hand. "
        "Empty: all who see the dimension.",
    )
    is_required = fields.Boolean(
        "Every Customer Needs a Category",
        help="Customers without one are listed as missing it.",
    )
    show_as_badge = fields.Boolean(
        "Badge on the Customer",
        help="Show the category below the name on the customer's form and card.",
    )
    is_main = fields.Boolean(
        "Beside the Customer's Name",
        help="Show the category beside the customer on quotations, invoices and "
        "leads. One dimension can.",
    )
    applies_to = fields.Selection(
        [
            ("all", "All customers"),
            ("company", "Companies only"),
            ("person", "Individuals only"),
        ],
        required=True,
        default="all",
    )
    applies_invoices = fields.Selection(
        [
            ("all", "With or without invoices"),
            ("with", "With posted invoices"),
            ("without", "Without posted invoices"),
        ],
        string="Invoices",
        required=True,
        default="all",
    )
    method = fields.Selection(
        [
            ("manual", "By hand"),
            ("field", "Field of the contact"),
            ("rule", "Rules"),
            ("score", "Score"),
        ],
        string="Fed by",
        required=True,
        default="manual",
        help="By hand: people choose the category. Field: the category mirrors a "
        "field of the contact. Rules: the first condition that a customer meets "
        "gives the category. Score: points for what the customer bought. All but "
        "the first are computed every night, and people can still decide otherwise.",
    )
    level_ids = fields.One2many(
        "customer.dimension.level", "dimension_id", string="Mirrored Fields", copy=True
    )
    rule_ids = fields.One2many(
        "customer.dimension.rule", "dimension_id", string="Rules", copy=False
    )
    default_category_id = fields.Many2one(
        "customer.category",
        ondelete="set null",
        copy=False,
        domain="[('dimension_id', '=', id)]",
        help="Given to customers whom no rule, score or field gives a category.",
    )
    review_days = fields.Integer(
        "Review Every (Days)",
        help="Decisions by hand are due for review after this many days. 0: never.",
    )
    notify_salesperson = fields.Boolean(
        help="Tell the customer's salesperson when the category changes.",
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
    minimum_purchases = fields.Integer(
        help="Customers with fewer purchase days in the period get no score.",
    )
    grace_days = fields.Integer(
        "Grace Before a Downgrade (Days)",
        help="A customer whose score falls below the limit keeps the category this "
        "many days longer, and keeps it if the score recovers. 0: at once.",
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
        string="Renew Limits Every (Days)",
        default=30,
        help="Limits taken from the customers themselves are frozen and renewed "
        "after this many days, so that nobody changes category only because "
        "others moved. 0: only when you ask for it.",
    )
    ruleset_ids = fields.One2many(
        "customer.ruleset",
        "dimension_id",
        string="Versions",
        readonly=True,
        # those of comparisons and of computations that go on have no number yet
        domain=[("state", "!=", "draft")],
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

    _code_unique = models.Constraint(
        "UNIQUE (code)", "Another dimension already has this code."
    )
    _share_valid = models.Constraint(
        "CHECK (minimum_kept_share >= 0 AND minimum_kept_share <= 100)",
        "The minimum share kept is a percentage from 0 to 100.",
    )
    _days_valid = models.Constraint(
        "CHECK (refresh_days >= 0 AND review_days >= 0 AND grace_days >= 0)",
        "A number of days cannot be negative.",
    )
    _purchases_valid = models.Constraint(
        "CHECK (minimum_purchases >= 0)",
        "The minimum number of purchases cannot be negative.",
    )
    _score_is_exclusive = models.Constraint(
        "CHECK (method <> 'score' OR NOT is_multiple)",
        "A score gives one category; feed a dimension with several by rules.",
    )
    _score_is_per_company = models.Constraint(
        "CHECK (method <> 'score' OR NOT is_shared)",
        "A score is computed from the invoices of a company, so it cannot be the same "
        "for all companies.",
    )

    @api.depends("code", "is_multiple")
    def _compute_partner_field_name(self):
        for dimension in self:
            suffix = "ids" if dimension.is_multiple else "id"
            dimension.partner_field_name = (
                f"x_cls_{dimension.code}_{suffix}" if dimension.code else False
            )

    @api.depends("ruleset_ids.state")
    @api.depends_context("company")
    def _compute_active_ruleset_id(self):
        company = self.env.company.root_id
        for dimension in self:
            owner = company.browse() if dimension.is_shared else company
            ruleset = dimension.ruleset_ids.filtered(
                lambda r, owner=owner: r.state == "active" and r.company_id == owner
            )
            dimension.active_ruleset_id = ruleset
            dimension.active_criterion_ids = ruleset.criterion_ids

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

    @api.constrains("method", "level_ids")
    def _check_levels(self):
        for dimension in self:
            if dimension.method == "field" and not dimension.level_ids:
                raise ValidationError(
                    self.env._(
                        "“%(dimension)s” mirrors a field of the contact: choose which.",
                        dimension=dimension.name,
                    )
                )

    @api.constrains("is_main", "is_multiple", "active")
    def _check_main(self):
        for dimension in self.filtered("is_main"):
            if dimension.is_multiple:
                raise ValidationError(
                    self.env._(
                        "Only a dimension with one category per customer can stand "
                        "beside the customer's name."
                    )
                )

    @api.constrains("default_category_id")
    def _check_default_category(self):
        for dimension in self:
            category = dimension.default_category_id
            if category and category.dimension_id != dimension:
                raise ValidationError(
                    self.env._(
                        "“%(category)s” is no category of “%(dimension)s”.",
                        category=category.name,
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
        dimensions._update_partner_fields()
        dimensions.filtered("is_main")[-1:]._take_main()
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
        reshaped = self._get_reshaped(vals)
        reshaped._check_not_in_use()
        saving = self.with_context(customer_dimension_is_saving=True)
        result = super(CustomerDimension, saving).write(vals)
        if vals.get("is_main"):
            self[-1:]._take_main()
        if reshaped or {"method", "view_group_ids"} & vals.keys():
            self._update_partner_fields()
        if {"name", "active", "sequence", "show_as_badge", "is_shared"} & vals.keys():
            self._clear_view_caches()
        return result

    def _take_main(self):
        """Let no other dimension stand beside the customer's name."""
        if self:
            self.search([("is_main", "=", True), ("id", "!=", self.id)]).write(
                {"is_main": False}
            )

    def unlink(self):
        self.check_access("unlink")
        self._check_unused()
        self._check_unclassified()
        self._remove_partner_fields()
        self._clear_view_caches()
        return super().unlink()
