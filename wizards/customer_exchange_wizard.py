import base64

from odoo import api, fields, models
from odoo.exceptions import UserError

ACTIONS = [("create", "Create"), ("change", "Change"), ("remove", "Remove")]


class CustomerExchangeWizard(models.TransientModel):
    """The configuration to a file and back, with a look at it before it counts."""

    _name = "customer.exchange.wizard"
    _description = "Export or Import the Configuration"

    operation = fields.Selection(
        [("export", "Export to a file"), ("import", "Import from a file")],
        required=True,
        default="export",
    )
    state = fields.Selection(
        [("choose", "Choose"), ("preview", "Preview"), ("done", "Imported")],
        required=True,
        default="choose",
    )
    dimension_ids = fields.Many2many(
        "customer.dimension",
        string="Dimensions",
        context={"active_test": False},
        help="Empty: all of them.",
    )
    with_companies = fields.Boolean(
        "With the Companies' Settings",
        help="Who is a customer, the period of value and the start of the history, for "
        "companies of the same name.",
    )
    export_file = fields.Binary(attachment=False, readonly=True)
    export_name = fields.Char(readonly=True)
    import_file = fields.Binary("File", attachment=False)
    import_name = fields.Char()
    is_preset = fields.Boolean(readonly=True)
    line_ids = fields.One2many("customer.exchange.line", "wizard_id", readonly=True)
    problems = fields.Text(readonly=True)

    # Actions

    def action_export(self):
        """Let the browser download the file."""
        self.ensure_one()
        content = self.env["customer.classification.exchange"].export_configuration(
            dimensions=self.dimension_ids or None, with_companies=self.with_companies
        )
        today = fields.Date.context_today(self)
        self.write(
            {
                "export_file": base64.b64encode(content.encode()),
                "export_name": f"customer_classification_{today}.xml",
            }
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content?model={self._name}&id={self.id}&field=export_file"
            "&filename_field=export_name&download=true",
            "target": "download",
        }

    def action_preview(self):
        """Show what the import would do."""
        self.ensure_one()
        report = self._get_exchange().preview_configuration(self._get_content())
        self._show(report, "preview")
        self.problems = self._describe_problems(report["problems"])
        return self._open()

    def action_import(self):
        """Import the file, all of it or nothing."""
        self.ensure_one()
        report = self._get_exchange().import_configuration(self._get_content())
        self._show(report, "done")
        return self._open()

    def action_back(self):
        """Choose another file."""
        self.write({"state": "choose", "problems": False})
        return self._open()

    # Steps

    @api.model
    def _get_exchange(self):
        return self.env["customer.classification.exchange"]

    def _get_content(self):
        if not self.import_file:
            raise UserError(self.env._("Choose a file first."))
        return base64.b64decode(self.import_file)

    def _show(self, report, state):
        self.line_ids.unlink()
        self.write(
            {
                "state": state,
                "line_ids": [
                    fields.Command.create(
                        {
                            "dimension": line["dimension"],
                            "action": line["action"],
                            "kind": self._get_kind(line["tag"]),
                            "name": line["name"],
                            "details": ", ".join(line["fields"]),
                            "line": line["line"],
                        }
                    )
                    for line in report["lines"]
                ],
            }
        )

    def _get_kind(self, tag):
        elements, _children = self._get_exchange()._get_elements()
        # sudo: the name of a kind of record is no secret
        return self.env["ir.model"].sudo()._get(elements[tag].model).name

    def _describe_problems(self, problems):
        return "\n".join(
            self.env._("Line %(line)s: %(problem)s", line=line, problem=problem)
            for line, problem in problems
        )

    def _open(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.import_name
            if self.is_preset
            else self.env._("Export / Import"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }


class CustomerExchangeLine(models.TransientModel):
    """What an import does to one record."""

    _name = "customer.exchange.line"
    _description = "Line of an Imported Configuration"
    _order = "dimension, line, id"

    wizard_id = fields.Many2one(
        "customer.exchange.wizard", required=True, ondelete="cascade"
    )
    dimension = fields.Char(readonly=True)
    action = fields.Selection(ACTIONS, readonly=True)
    kind = fields.Char(readonly=True)
    name = fields.Char(readonly=True)
    details = fields.Char("What Changes", readonly=True)
    line = fields.Integer("Line of the File", readonly=True, aggregator=None)
