from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: What a person decides; the rest of a decision is its key
DECISION_FIELDS = {"operation", "category_id", "date_end", "reason"}
#: Days a decision by hand holds unless the person enters another end
DEFAULT_DAYS = 365


def get_possible_operations(dimension):
    """Return what can be decided by a dimension: for one category, or for each."""
    return ["add", "exclude"] if dimension.is_multiple else ["set", "none"]


def get_already_decided_message(env, _diagnostics=None):
    return env._(
        "A decision by hand about this customer is in force already; open it to change "
        "or withdraw it."
    )


class CustomerOverride(models.Model):
    """A person's decision that outranks the computed category until it ends.

    Only people write these rows and only the engine writes the assignments, so
    that neither ever waits for the other. A decision whose end has passed stays
    until the next one replaces it; it has no effect.
    """

    _name = "customer.override"
    _inherit = ["customer.rows.mixin"]
    _description = "Category Set by Hand"
    _order = "date_end desc, id desc"
    _rec_name = "partner_id"
    _check_company_auto = True

    partner_id = fields.Many2one(readonly=False)
    company_id = fields.Many2one(
        readonly=False,
        domain="[('parent_id', '=', False)]",
        compute="_compute_company_id",
        store=True,
        precompute=True,
    )
    dimension_id = fields.Many2one(
        "customer.dimension", required=True, index=True, ondelete="cascade"
    )
    slot = fields.Integer(
        required=True,
        readonly=True,
        compute="_compute_slot",
        store=True,
        precompute=True,
        help="0, or the category's id where a customer may have several.",
    )
    operation = fields.Selection(
        [
            ("set", "Set a category"),
            ("none", "Explicitly none"),
            ("add", "Add a category"),
            ("exclude", "Exclude a category"),
        ],
        string="Decision",
        required=True,
        compute="_compute_operation",
        store=True,
        precompute=True,
        readonly=False,
        help="Where a customer can have several categories, each one is added to the "
        "computed ones or excluded from them.",
    )
    is_multiple = fields.Boolean(related="dimension_id.is_multiple")
    possible_operations = fields.Json(compute="_compute_possible_operations")
    method = fields.Selection(related="dimension_id.method")
    category_id = fields.Many2one(
        "customer.category",
        index="btree_not_null",
        ondelete="restrict",
        domain="[('dimension_id', '=', dimension_id)]",
        compute="_compute_category_id",
        store=True,
        precompute=True,
        readonly=False,
    )
    reason = fields.Char(help="Your colleagues and your later self will ask.")
    date_end = fields.Date(
        "Holds Until",
        compute="_compute_date_end",
        store=True,
        precompute=True,
        readonly=False,
        help="The last day of this decision; the computed category takes over after. "
        "Empty: until somebody changes or withdraws it.",
    )
    reviewed_on = fields.Date(
        "Last Reviewed",
        readonly=True,
        copy=False,
        default=lambda self: self.env.company.root_id._get_customer_today(),
        help="When a person last made, changed or confirmed this decision.",
    )
    review_date = fields.Date(
        "Review Due On",
        compute="_compute_review_date",
        search="_search_review_date",
        help="The day on which this decision is due for review.",
    )
    computed_category_id = fields.Many2one(
        "customer.category",
        compute="_compute_computed_category_id",
        help="What the invoices say; shown again when this decision ends.",
    )

    _key_unique = models.UniqueIndex(
        "(partner_id, dimension_id, COALESCE(company_id, 0), slot)",
        get_already_decided_message,
    )
    _category_matches = models.Constraint(
        "CHECK ((operation = 'none') = (category_id IS NULL))",
        "Choose the category of the decision.",
    )
    _slot_matches = models.Constraint(
        "CHECK (slot = CASE WHEN operation IN ('add', 'exclude') "
        "THEN category_id ELSE 0 END)",
        "The decision does not fit its dimension; choose dimension and category anew.",
    )

    @api.depends("dimension_id")
    def _compute_company_id(self):
        for override in self:
            if override.dimension_id.is_shared:
                override.company_id = False
            elif not override.company_id:
                override.company_id = self.env.company.root_id

    @api.depends("is_multiple")
    def _compute_possible_operations(self):
        for override in self:
            override.possible_operations = get_possible_operations(
                override.dimension_id
            )

    @api.depends("dimension_id")
    def _compute_operation(self):
        for override in self:
            possible = get_possible_operations(override.dimension_id)
            if override.operation not in possible:
                override.operation = possible[0]

    @api.depends("operation", "category_id")
    def _compute_slot(self):
        for override in self:
            is_one_of_several = override.operation in ("add", "exclude")
            override.slot = override.category_id.id if is_one_of_several else 0

    @api.depends("dimension_id")
    def _compute_date_end(self):
        for override in self.filtered(lambda o: not o.id and o.dimension_id):
            # what people alone decide holds until they decide otherwise
            if override.method == "manual":
                override.date_end = False
            elif not override.date_end:
                override.date_end = fields.Date.add(
                    override._get_today(), days=DEFAULT_DAYS
                )

    @api.depends("reviewed_on", "dimension_id.review_days")
    def _compute_review_date(self):
        for override in self:
            days = override.dimension_id.review_days
            override.review_date = bool(days and override.reviewed_on) and (
                fields.Date.add(override.reviewed_on, days=days)
            )

    def _search_review_date(self, operator, value):
        if operator not in ("<", "<=", ">", ">=") or not value:
            return NotImplemented
        # sudo: how often a dimension is reviewed is no secret
        dimensions = (
            self.env["customer.dimension"].sudo().search([("review_days", ">", 0)])
        )
        return fields.Domain.OR(
            [
                ("dimension_id", "in", same_days.ids),
                (
                    "reviewed_on",
                    operator,
                    fields.Date.subtract(fields.Date.to_date(value), days=days),
                ),
            ]
            for days, same_days in dimensions.grouped("review_days").items()
        )

    @api.depends("operation", "dimension_id")
    def _compute_category_id(self):
        for override in self:
            category = override.category_id
            if (
                override.operation == "none"
                or category.dimension_id != override.dimension_id
            ):
                override.category_id = False

    @api.depends("partner_id", "company_id", "dimension_id")
    def _compute_computed_category_id(self):
        for override in self:
            override.computed_category_id = override._get_computed()[0]

    @api.constrains("category_id", "dimension_id")
    def _check_category(self):
        for override in self:
            category = override.category_id
            if category and category.dimension_id != override.dimension_id:
                raise ValidationError(
                    self.env._(
                        "“%(category)s” is no category of “%(dimension)s”.",
                        category=category.name,
                        dimension=override.dimension_id.name,
                    )
                )

    @api.constrains("operation", "dimension_id")
    def _check_operation(self):
        for override in self:
            if override.is_multiple != (override.operation in ("add", "exclude")):
                raise ValidationError(
                    self.env._(
                        "“%(dimension)s” allows several categories per customer: add "
                        "or exclude each of them.",
                        dimension=override.dimension_id.name,
                    )
                    if override.is_multiple
                    else self.env._(
                        "“%(dimension)s” allows one category per customer: set it, or "
                        "set none.",
                        dimension=override.dimension_id.name,
                    )
                )

    @api.constrains("company_id", "dimension_id")
    def _check_company_fits(self):
        for override in self:
            if override.dimension_id.is_shared == bool(override.company_id):
                raise ValidationError(
                    self.env._(
                        "All companies share “%(dimension)s”: leave the company empty.",
                        dimension=override.dimension_id.name,
                    )
                    if override.company_id
                    else self.env._("Choose the company in which the category holds.")
                )

    @api.constrains("dimension_id")
    def _check_dimension_is_used(self):
        for override in self:
            if not override.dimension_id.active:
                raise ValidationError(
                    self.env._(
                        "“%(dimension)s” is archived, so nothing is decided by it.",
                        dimension=override.dimension_id.name,
                    )
                )

    @api.constrains("reason", "dimension_id")
    def _check_reason(self):
        for override in self:
            if override.method != "manual" and not (override.reason or "").strip():
                raise ValidationError(
                    self.env._(
                        "“%(dimension)s” is computed: give the reason to decide "
                        "otherwise.",
                        dimension=override.dimension_id.name,
                    )
                )

    @api.constrains("date_end", "operation", "category_id", "reason")
    def _check_date_end(self):
        for override in self:
            if override.has_ended:
                raise ValidationError(
                    self.env._(
                        "The decision would end before it begins: choose today or a "
                        "later day. To end one now, withdraw it."
                    )
                )

    @api.constrains("reviewed_on")
    def _check_reviewed_on(self):
        here = self.env.company.root_id._get_customer_today()
        for override in self:
            if override.reviewed_on and override.reviewed_on > max(
                here, override._get_today()
            ):
                raise ValidationError(
                    self.env._("Nobody can have reviewed a decision on a later day.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        defaults = self.default_get(["partner_id", "company_id", "dimension_id"])
        vals_list = [{**defaults, **vals} for vals in vals_list]
        for vals in vals_list:
            if vals.get("partner_id"):
                partner = self.env["res.partner"].browse(vals["partner_id"])
                vals["partner_id"] = partner.commercial_partner_id.id
            dimension = self.env["customer.dimension"].browse(vals.get("dimension_id"))
            if not dimension.is_shared:
                vals.setdefault("company_id", self.env.company.root_id.id)
        self._make_room(vals_list)
        overrides = super().create(vals_list)
        overrides.dimension_id._check_may_edit()
        for override in overrides:
            override._record(override.operation, old=override._get_computed())
        self.env["res.partner"]._invalidate_customer_fields()
        return overrides

    def write(self, vals):
        if {"partner_id", "company_id", "dimension_id", "slot"} & vals.keys():
            raise ValidationError(
                self.env._(
                    "A decision stays with its customer and dimension; withdraw it "
                    "and make another one."
                )
            )
        self.dimension_id._check_may_edit()
        self._record_ended()
        if any(o.slot and o.slot != vals.get("category_id", o.slot) for o in self):
            raise ValidationError(
                self.env._(
                    "A decision about one of several categories stays with that "
                    "category; withdraw it and make another one."
                )
            )
        before = {override: override._get_effective() for override in self}
        if DECISION_FIELDS & vals.keys():
            today = self.env.company.root_id._get_customer_today()
            vals = {"reviewed_on": today, **vals}
        result = super().write(vals)
        if DECISION_FIELDS & vals.keys():
            for override, old in before.items():
                override._record(override.operation, old=old)
        self.env["res.partner"]._invalidate_customer_fields()
        return result

    def unlink(self):
        self.check_access("unlink")
        self.dimension_id._check_may_edit()
        self._record_ended()
        for override in self:
            if not override.has_ended:
                override._record("withdrawn", new=override._get_computed()[0])
        self.env["res.partner"]._invalidate_customer_fields()
        return super().unlink()

    def action_withdraw(self):
        """End the decision now: the computed category shows again."""
        self.unlink()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def action_withdraw_and_leave(self):
        """End the decision now, on its own page, which is gone with it."""
        self.action_withdraw()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_override_action"
        )
        return {**action, "target": "main"}

    def action_confirm(self):
        """Note that somebody reviewed the decisions and found them right."""
        for override in self:
            override.write({"reviewed_on": override._get_today()})

    def _make_room(self, vals_list):
        """Remove the ended decisions that new ones replace.

        :raise ValidationError: where one is still in force
        """
        for vals in vals_list:
            before = self.search(
                [
                    ("partner_id", "=", vals.get("partner_id")),
                    ("dimension_id", "=", vals.get("dimension_id")),
                    ("company_id", "=", vals.get("company_id", False)),
                    ("slot", "in", [0, vals.get("category_id") or 0]),
                ]
            )
            if before.is_in_force:
                raise ValidationError(get_already_decided_message(self.env))
            before.unlink()
