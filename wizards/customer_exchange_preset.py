import base64
from pathlib import Path

from odoo import api, fields, models
from odoo.tools import file_open, file_path

from ..models.customer_exchange_file import SOURCE_LANG

FOLDER = "customer_classification/data/presets"


class CustomerExchangePreset(models.TransientModel):
    """A ready-made configuration to choose from: a file that ships with an addon."""

    _name = "customer.exchange.preset"
    _description = "Ready-Made Configuration"
    _order = "id"

    name = fields.Char("Title", readonly=True)
    summary = fields.Text(readonly=True)
    path = fields.Char(readonly=True)

    @api.model
    def _get_files(self):
        """Return the paths of the files, below the folder of addons."""
        return sorted(
            f"{FOLDER}/{path.name}" for path in Path(file_path(FOLDER)).glob("*.xml")
        )

    @api.model
    def action_open_all(self):
        """Open the list of what there is to choose from."""
        presets = self.create(
            [{"path": path, **self._read_headings(path)} for path in self._get_files()]
        )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_exchange_preset_action"
        )
        return {**action, "domain": [("id", "in", presets.ids)]}

    @api.model
    def _read_headings(self, path):
        """Return title and summary in the user's language, or in English."""
        headings = self.env["customer.classification.exchange"]._read_headings(
            self._read(path)
        )
        lang = self.env.lang
        return {
            name: by_lang.get(lang) or by_lang.get(SOURCE_LANG)
            for name, by_lang in headings.items()
        }

    @api.model
    def _read(self, path):
        with file_open(path, "rb") as file:
            return file.read()

    def action_choose(self):
        """Show what the preset would change, before anything does."""
        self.ensure_one()
        wizard = self.env["customer.exchange.wizard"].create(
            {
                "operation": "import",
                "import_file": base64.b64encode(self._read(self.path)),
                "import_name": self.name,
                "is_preset": True,
            }
        )
        return wizard.action_preview()
