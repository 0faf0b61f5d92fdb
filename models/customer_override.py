from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: Days a decision by hand holds unless the person enters another end
DEFAULT_DAYS = 365


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
        default=lambda self: self.env.company.root_id,
    )
    dimension_id = fields.Many2one(
        "customer.dimension", required=True, index=True, ondelete="cascade"
    )
    slot = fields.Integer(required=True, readonly=True, default=0)
    operation = fields.Selection(
        [("set", "Set a category"), ("none", "Explicitly none")],
        string="Decision",
        required=True,
        default="set",
    )
    category_id = fields.Many2one(
        "customer.category",
        index="btree_not_null",
        ondelete="restrict",
        domain="[('dimension_id', '=', dimension_id)]",
        compute="_compute_category_id",
        store=True,
        readonly=False,
    )
    reason = fields.Char(
        required=True, help="Your colleagues and your later self will ask."
    )
    date_end = fields.Date(
        "Holds Until",
        required=True,
        default=lambda self: fields.Date.add(
            self.env.company.root_id._get_customer_today(), days=DEFAULT_DAYS
        ),
        help="The last day of this decision; the computed category takes over after.",
    )
    computed_category_id = fields.Many2one(
        "customer.category",
        compute="_compute_computed_category_id",
        help="What the invoices say; shown again when this decision ends.",
    )
    is_in_force = fields.Boolean(
        compute="_compute_is_in_force", search="_search_is_in_force"
    )

    _key_unique = models.UniqueIndex(
        "(partner_id, dimension_id, company_id, slot)",
        get_already_decided_message,
    )
    _category_matches = models.Constraint(
        "CHECK ((operation = 'set') = (category_id IS NOT NULL))",
        "Choose the category to set.",
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

    @api.depends("date_end", "company_id")
    def _compute_is_in_force(self):
        for override in self:
            override.is_in_force = bool(
                override.date_end
                and override.date_end >= override.company_id._get_customer_today()
            )

    def _search_is_in_force(self, operator, value):
        if operator != "in":
            return NotImplemented
        today_by_company = {
            company: company._get_customer_today()
            # sudo: which companies exist is not what this is about
            for company in self.env["res.company"].sudo().search([])
        }
        domain = fields.Domain.OR(
            [("company_id", "=", company.id), ("date_end", ">=", today)]
            for company, today in today_by_company.items()
        )
        return domain if True in value else ~domain

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

    @api.constrains("date_end", "operation", "category_id", "reason")
    def _check_date_end(self):
        for override in self:
            if not override.is_in_force:
                raise ValidationError(
                    self.env._(
                        "The decision would end before it begins: choose today or a "
                        "later day. To end one now, withdraw it."
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        defaults = self.default_get(["partner_id", "company_id", "dimension_id"])
        vals_list = [{**defaults, **vals} for vals in vals_list]
        for vals in vals_list:
            if vals.get("partner_id"):
                partner = self.env["res.partner"].browse(vals["partner_id"])
                vals["partner_id"] = partner.commercial_partner_id.id
        self._make_room(vals_list)
        overrides = super().create(vals_list)
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
        self._record_ended()
        before = {override: override._get_effective() for override in self}
        result = super().write(vals)
        if {"operation", "category_id", "date_end", "reason"} & vals.keys():
            for override, old in before.items():
                override._record(override.operation, old=old)
        self.env["res.partner"]._invalidate_customer_fields()
        return result

    def unlink(self):
        self.check_access("unlink")
        self._record_ended()
        for override in self:
            if override.is_in_force:
                override._record("withdrawn", new=override._get_computed()[0])
        self.env["res.partner"]._invalidate_customer_fields()
        return super().unlink()

    def action_change(self):
        """Open the decision in a dialog."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Set by Hand"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_withdraw(self):
        """End the decision now: the computed category shows again."""
        self.unlink()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _make_room(self, vals_list):
        """Remove the ended decisions that new ones replace.

        :raise ValidationError: where one is still in force
        """
        for vals in vals_list:
            before = self.search(
                [
                    ("partner_id", "=", vals.get("partner_id")),
                    ("dimension_id", "=", vals.get("dimension_id")),
                    ("company_id", "=", vals.get("company_id")),
                ]
            )
            if before.is_in_force:
                raise ValidationError(get_already_decided_message(self.env))
            before.unlink()

    def _record_ended(self):
        """Record the end of those that ended since the last run."""
        # sudo: people read the history, only the addon writes it
        History = self.env["customer.assignment.history"].sudo()
        ended = self.filtered(lambda override: not override.is_in_force)
        for company, overrides in ended.grouped("company_id").items():
            History._record_expired(
                company, company._get_customer_today(), overrides.partner_id.ids
            )

    def _get_computed(self):
        """Return the category that the engine gives, and since when."""
        self.ensure_one()
        assignment = self.env["customer.assignment"].search(
            [
                ("partner_id", "=", self.partner_id.id),
                ("dimension_id", "=", self.dimension_id.id),
                ("company_id", "=", self.company_id.id),
                ("slot", "=", self.slot),
            ]
        )
        return assignment.category_id, assignment.since

    def _get_effective(self):
        """Return the category in effect today, and since when."""
        self.ensure_one()
        if self.is_in_force:
            return self.category_id, self.write_date
        return self._get_computed()

    def _record(self, event, old=None, new=None):
        """Add a history row of what a person decided.

        :param str event: as ``customer.assignment.history`` names it
        :param tuple old: category in effect before and since when, unless it was
            this decision
        :param new: category in effect after, unless it is this decision's
        """
        self.ensure_one()
        old_category, old_since = old or (self.category_id, self.write_date)
        # sudo: people read the history, only the addon writes it
        self.env["customer.assignment.history"].sudo().create(
            {
                "partner_id": self.partner_id.id,
                "company_id": self.company_id.id,
                "dimension_id": self.dimension_id.id,
                "slot": self.slot,
                "event": event,
                "date": fields.Datetime.now(),
                "old_category_id": old_category.id,
                "old_since": old_since,
                "new_category_id": (self.category_id if new is None else new).id,
                "date_end": self.date_end,
                "user_id": self.env.uid,
                "reason": self.reason,
            }
        )
