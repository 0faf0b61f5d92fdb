import re

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.base.models.ir_model import MODULE_UNINSTALL_FLAG

from .customer_dimension_criterion import AXIS_SELECTION

MEASURE_SELECTION = [
    ("count", "Count"),
    ("sum", "Sum"),
    ("average", "Average"),
    ("minimum", "Minimum"),
    ("maximum", "Maximum"),
    ("last_date", "Last date"),
    ("distinct_days", "Distinct days"),
    ("distinct", "Different records"),
    ("main", "Most important"),
]
#: What makes up a metric's value: another one of these is another metric
DEFINITION_FIELDS = {
    "model_name",
    "partner_path",
    "domain",
    "measure",
    "measure_path",
    "reference_path",
    "date_path",
    "window_days",
    "overdue_path",
    "is_company_aware",
    "company_path",
}


class CustomerMetric(models.Model):
    """A number, date or record that says something about each customer.

    A ``figure`` is built in: a column of one of the models of facts. A ``custom`` one
    is defined here, over the records of any model that point at a contact, and its
    values are kept in ``customer.metric.value``.

    The model is kept by its technical name only, so that a metric survives when the
    app behind it leaves: it is switched off then, and nothing else breaks.
    """

    _name = "customer.metric"
    _inherit = ["customer.usage.mixin", "customer.engine.links.mixin"]
    _description = "Customer Metric"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        copy=False,
        help="Technical name: a lower-case letter, then letters, digits and "
        "underscores. It names the field on the contact and cannot be changed.",
    )
    description = fields.Text(
        translate=True, help="What exactly is counted, for those who use the metric."
    )
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        [("figure", "Built in"), ("custom", "Custom")],
        required=True,
        readonly=True,
        default="custom",
    )
    value_type = fields.Selection(
        [
            ("integer", "Whole number"),
            ("float", "Number"),
            ("monetary", "Amount"),
            ("date", "Date"),
            ("reference", "Record"),
        ],
        string="Kind of Value",
        compute="_compute_value_type",
        store=True,
        readonly=False,
    )
    relation = fields.Char(
        string="Model of the Value",
        compute="_compute_value_type",
        store=True,
        readonly=False,
        help="The technical name of the model, where the value is a record.",
    )
    axis = fields.Selection(
        AXIS_SELECTION, help="The part of an RFM score that the metric belongs to."
    )
    higher_is_better = fields.Boolean(
        default=True,
        help="In a score, a higher value, or a later date, gives more points. Clear it "
        "for what is better low, such as an overdue amount.",
    )
    model_id = fields.Many2one(
        "ir.model",
        string="Records",
        compute="_compute_model_id",
        inverse="_inverse_model_id",
        domain=[("transient", "=", False), ("abstract", "=", False)],
        help="The records that are counted, such as invoices or tickets.",
    )
    model_name = fields.Char(
        string="Model", help="The technical name of what is counted."
    )
    partner_path = fields.Char(
        string="Customer",
        help="The field that leads from the record to the contact. Records of a "
        "company's contacts count for the company.",
    )
    domain = fields.Char(
        string="Only Those",
        default="[]",
        help="Which of the records count. Dates such as “last 30 days” move along.",
    )
    measure = fields.Selection(
        MEASURE_SELECTION,
        default="count",
        help="What is made of the customer's records. Most important: the product "
        "category, or whatever the records name, with the largest sum. Different "
        "records: how many different ones of these they name.",
    )
    measure_path = fields.Char(
        string="Of the Field",
        help="The number or date that is summed or compared. Amounts must be in "
        "company currency, or of a document that knows its rate.",
    )
    reference_path = fields.Char(
        string="Named Record",
        help="The field with the record that is looked for, such as the product "
        "category. Without a field to sum, the one that occurs most often is the most "
        "important.",
    )
    date_path = fields.Char(
        string="Date",
        help="The date of the record. With it, records dated in the future do not "
        "count, nor do those without a date.",
    )
    window_days = fields.Integer(
        string="Days Back",
        help="Only records of this many days up to today count. 0: of all time.",
    )
    overdue_path = fields.Char(
        string="Due Date",
        help="Only records whose date here lies before today count: what is overdue.",
    )
    is_company_aware = fields.Boolean(
        string="A Value for Each Company",
        default=True,
        help="Each company has its own value. Records of a branch count for its main "
        "company, records without a company for every one.",
    )
    company_path = fields.Char(string="Company", default="company_id")
    is_waiting = fields.Boolean(
        string="Waits for Its App",
        readonly=True,
        help="Comes with the addon and appears when its app is installed.",
    )
    is_broken = fields.Boolean(string="Switched Off", readonly=True, copy=False)
    error = fields.Text(readonly=True, copy=False)
    value_ids = fields.One2many("customer.metric.value", "metric_id", readonly=True)
    value_count = fields.Integer(string="Customers", compute="_compute_value_count")
    partner_field_name = fields.Char(
        string="Field of the Contact",
        compute="_compute_partner_field_name",
        help="The name of the field that shows the value, for filters and rules.",
    )

    _code_unique = models.Constraint(
        "UNIQUE (code)", "Another metric already has this code."
    )
    _window_valid = models.Constraint(
        "CHECK (window_days >= 0)", "The number of days back cannot be negative."
    )

    # Computes

    @api.depends("model_name")
    def _compute_model_id(self):
        for metric in self:
            # sudo: which models exist is no secret to who configures metrics
            model = self.env["ir.model"].sudo()._get(metric.model_name)
            metric.model_id = model.sudo(False)

    def _inverse_model_id(self):
        for metric in self:
            metric.model_name = metric.model_id.sudo().model

    @api.depends("kind", "model_name", "measure", "measure_path", "reference_path")
    def _compute_value_type(self):
        for metric in self:
            if metric.kind == "custom" and metric.model_name in self.env:
                metric.value_type, metric.relation = metric._get_value_type()
            else:  # as it ships, or as it was before the app left
                metric.value_type = metric.value_type
                metric.relation = metric.relation

    @api.depends("code", "kind")
    def _compute_partner_field_name(self):
        partner_fields = self.env["res.partner"]._fields
        for metric in self:
            name = f"x_met_{metric.code}"
            if metric.kind == "figure":
                name = f"customer_{metric.code}"
            is_shown = metric.kind == "custom" or name in partner_fields
            metric.partner_field_name = metric.code and is_shown and name

    @api.depends("kind")
    @api.depends_context("company", "uid")
    def _compute_value_count(self):
        counts = dict(
            self.env["customer.metric.value"]._read_group(
                self._get_value_domain(), ["metric_id"], ["__count"]
            )
        )
        for metric in self:
            metric.value_count = counts.get(metric, 0)

    # Onchanges and constraints

    @api.onchange("model_id")
    def _onchange_model_id(self):
        model_name = self.model_id.sudo().model
        if self.model_name == model_name:
            return
        self.model_name = model_name
        self.domain = "[]"
        self.measure_path = self.reference_path = False
        self.date_path = self.overdue_path = False
        model_fields = self.env[model_name]._fields if model_name else ()
        self.partner_path = "partner_id" if "partner_id" in model_fields else False
        self.company_path = "company_id" if "company_id" in model_fields else False
        self.is_company_aware = bool(self.company_path)

    @api.constrains("code", "kind")
    def _check_code(self):
        for metric in self:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", metric.code):
                raise ValidationError(
                    self.env._(
                        "The code “%(code)s” is not usable: start with a lower-case "
                        "letter and use only lower-case letters, digits and "
                        "underscores, 40 characters at most.",
                        code=metric.code,
                    )
                )
            if metric.kind == "custom" and metric.code in self._get_built_in_codes():
                raise ValidationError(
                    self.env._(
                        "The code “%(code)s” belongs to a built-in figure; choose "
                        "another.",
                        code=metric.code,
                    )
                )

    @api.constrains("kind", *sorted(DEFINITION_FIELDS))
    def _check_definition(self):
        for metric in self:
            if metric.kind == "custom" and not metric.is_waiting:
                metric._validate()

    # CRUD

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [self._name_model(vals) for vals in vals_list]
        metrics = super().create(vals_list)
        metrics._create_partner_fields()
        return metrics

    def write(self, vals):
        vals = self._name_model(vals)
        self._check_changeable(vals)
        if vals.get("active"):
            vals = {**vals, "is_waiting": False}
        if DEFINITION_FIELDS & vals.keys():
            vals = {**vals, "is_broken": False, "error": False}
        types = {metric: (metric.value_type, metric.relation) for metric in self}
        result = super().write(vals)
        for metric, kind_of_value in types.items():
            if (metric.value_type, metric.relation) != kind_of_value:
                metric._check_value_type_changeable(kind_of_value)
        if vals.get("active") or "measure" in vals:
            self._create_partner_fields()
        if "active" in vals and not vals["active"] or "is_company_aware" in vals:
            self._remove_values()
        if {"name", "description"} & vals.keys():
            self.env["customer.dimension"]._clear_view_caches()
        return result

    @api.model
    def _name_model(self, vals):
        """Return ``vals`` with the model by its name: all is checked at once."""
        if not vals.get("model_id"):
            return vals
        # sudo: which models exist is no secret to who configures metrics
        model = self.env["ir.model"].sudo().browse(vals["model_id"])
        vals = {**vals, "model_name": model.model}
        del vals["model_id"]
        return vals

    def _check_changeable(self, vals):
        """Refuse a write that would make a metric another one."""
        if "code" in vals and any(metric.code != vals["code"] for metric in self):
            raise UserError(
                self.env._(
                    "The code of a metric names a field that filters and mailings may "
                    "use, so it cannot be changed. Change the name instead, or create "
                    "another metric."
                )
            )
        definition = DEFINITION_FIELDS | {"kind", "value_type", "relation"}
        for metric in self.filtered(lambda m: m.kind == "figure"):
            if any(metric[name] != vals[name] for name in definition & vals.keys()):
                raise UserError(
                    self.env._(
                        "“%(metric)s” is built in: what it counts cannot be changed. "
                        "Create a metric of your own instead.",
                        metric=metric.name,
                    )
                )

    def _check_value_type_changeable(self, old):
        """Refuse another kind of value: the contact's field is of the old one."""
        if old[0]:
            raise UserError(
                self.env._(
                    "“%(metric)s” would get values of another kind, which the filters "
                    "that use it would not understand. Create another metric instead.",
                    metric=self.name,
                )
            )

    def unlink(self):
        self.check_access("unlink")
        if not self.env.context.get(MODULE_UNINSTALL_FLAG):
            self._check_deletable()
        self._remove_partner_fields()
        return super().unlink()

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        for metric, vals in zip(self, vals_list, strict=True):
            if metric.kind == "figure":
                raise UserError(self.env._("A built-in metric cannot be duplicated."))
            if not (default and "name" in default):
                vals["name"] = self.env._("%s (copy)", metric.name)
            if not (default and "code" in default):
                vals["code"] = self.env["customer.code.mixin"]._get_copy_code(metric)
        return vals_list

    # Actions

    def action_archive(self):
        """Archive; where something refers to these, ask first, with the list."""
        return self._ask_to_archive() or super().action_archive()

    def action_show_values(self):
        """Open the customers that have a value, in the active company."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": "customer.metric.value",
            "view_mode": "list",
            "domain": self._get_value_domain(),
            "context": {"create": False},
        }

    def action_preview(self):
        """Open what the first customers would get, computed now and not kept."""
        self.ensure_one()
        self.check_access("write")
        preview = self.env["customer.metric.preview"]._create_for(self)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Preview: %s", self.name),
            "res_model": "customer.metric.preview",
            "res_id": preview.id,
            "view_mode": "form",
            "target": "new",
        }
