from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date, formatLang

from .customer_check_line import MAX_LISTED
from .customer_engine_fields import EngineMany2one


class CustomerCheckDifference(models.Model):
    """A figure or category that is not what it should be.

    The values are kept as the database writes them, and shown in the reader's
    language. The first thousand of a company and kind are listed.
    """

    _name = "customer.check.difference"
    _inherit = ["customer.rows.mixin"]
    _description = "Difference Found by a Check"
    _order = "line_id, id"
    _rec_name = "partner_id"
    _log_access = False

    line_id = fields.Many2one(
        "customer.check.line",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    check_id = fields.Many2one(related="line_id.check_id", store=True, index=True)
    partner_id = EngineMany2one(required=False)
    contact_number = fields.Integer(
        "Contact's ID", required=True, readonly=True, aggregator=None
    )
    company_id = fields.Many2one(related="line_id.company_id", store=True)
    subject = fields.Selection(
        [
            ("ledger", "Revenue against the ledger"),
            ("figures", "Figure"),
            ("category", "Category"),
        ],
        string="Compared",
        required=True,
        readonly=True,
    )
    kind = fields.Selection(
        [("value", "Another value"), ("missing", "Missing"), ("surplus", "Too many")],
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        [
            ("found", "Found"),
            ("repaired", "Repaired"),
            ("remaining", "Differs still"),
        ],
        required=True,
        readonly=True,
        default="found",
    )
    is_recurring = fields.Boolean(
        "Again", readonly=True, help="A former check had found and repaired it."
    )
    res_model = fields.Char(readonly=True)
    field_name = fields.Char(readonly=True)
    dimension_id = fields.Many2one(
        "customer.dimension", readonly=True, ondelete="cascade"
    )
    slot = fields.Integer(readonly=True)
    stored_value = fields.Char(readonly=True)
    computed_value = fields.Char(readonly=True)
    # for people
    what = fields.Char(compute="_compute_texts")
    stored = fields.Char(compute="_compute_texts")
    computed = fields.Char("Should Be", compute="_compute_texts")

    @api.depends("res_model", "field_name", "dimension_id", "stored_value")
    @api.depends_context("lang")
    def _compute_texts(self):
        for row in self:
            field = self.env[row.res_model]._fields[row.field_name]
            label = field._description_string(self.env)
            if row.subject == "category":
                label = (
                    row.dimension_id.name
                    if row.field_name == "category_id"
                    else f"{row.dimension_id.name}: {label}"
                )
            row.what = label
            row.stored = row._format(field, row.stored_value)
            row.computed = row._format(field, row.computed_value)

    def _format(self, field, value):
        """Return a value of the database as text for people."""
        if value is None or value is False:
            return ""
        if field.type == "many2one":
            record = self.env[field.comodel_name].browse(int(value)).exists()
            return record.display_name or self.env._("a new one")
        if field.type == "date":
            return format_date(self.env, value)
        if field.type == "monetary":
            currency = self.line_id.currency_id
            return formatLang(self.env, float(value), currency_obj=currency)
        return value

    @api.model
    def _get_visible_domain(self):
        """Rows about contacts that are gone say nothing about anybody."""
        return super()._get_visible_domain() | Domain("partner_id", "=", False)

    # What checks write

    @api.model
    def _list(self, line, rows):
        """List differences, as far as there is room for more of their kind.

        After a repair those that were listed before are noted as still there.

        :param list rows: dicts of values
        :return: the rows that are listed, each with ``is_recurring``
        """
        if not rows:
            return []
        is_verifying = line.check_id.phase == "verify"
        known = {row._get_key(): row for row in line.difference_ids}
        room = MAX_LISTED - sum(
            1 for row in known.values() if row.subject == rows[0]["subject"]
        )
        listed, new = [], []
        existing = self._get_existing({row["contact_number"] for row in rows})
        repaired = self._get_repaired_before(line, rows)
        for values in rows:
            key = self._make_key(values)
            values = {**values, "is_recurring": key in repaired}
            if key in known:
                known[key].state = "remaining"
            elif room > 0:
                room -= 1
                number = values["contact_number"]
                new.append(
                    {
                        **values,
                        "line_id": line.id,
                        "partner_id": number if number in existing else False,
                        "state": "remaining" if is_verifying else "found",
                    }
                )
            else:
                continue
            listed.append(values)
        self.create(new)
        return listed

    def _get_key(self):
        self.ensure_one()
        return self._make_key(self)

    @api.model
    def _make_key(self, values):
        """Return what is the same in two differences about the same thing."""
        dimension = values["dimension_id"]
        return (
            values["contact_number"],
            values["subject"],
            values["res_model"],
            values["field_name"],
            getattr(dimension, "id", dimension) or 0,
            values["slot"] or 0,
        )

    @api.model
    def _get_existing(self, ids):
        """Return those ids that are a contact's."""
        return {
            id_
            for [id_] in self.env.execute_query(
                SQL("SELECT id FROM res_partner WHERE id = ANY(%s)", list(ids))
            )
        }

    @api.model
    def _get_repaired_before(self, line, rows):
        """Return the keys of what former checks of the company repaired."""
        before = self.search(
            [
                ("contact_number", "in", [row["contact_number"] for row in rows]),
                ("company_id", "=", line.company_id.id),
                ("line_id", "!=", line.id),
                ("state", "=", "repaired"),
            ]
        )
        return {row._get_key() for row in before}
