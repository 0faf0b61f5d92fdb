import re
import unicodedata

from odoo import api, fields, models

MAXIMUM_LENGTH = 40


class CustomerCodeMixin(models.AbstractModel):
    """Configuration that keeps a technical name, whatever people call it.

    References between databases go by it: see ``customer.classification.exchange``.
    Where none is entered it is made from the name.
    """

    _name = "customer.code.mixin"
    _description = "Configuration With a Code"

    #: The many2one within whose record a code is unique; none: in the whole table
    _code_scope = None
    #: What a code is called after where the name has no letters of ASCII
    _code_fallback = "entry"

    code = fields.Char(help="Short technical name for integrations.")

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._fill_codes()
        return records

    def _fill_codes(self):
        """Give a code to each record that has none."""
        nameless = self.filtered(lambda record: not record.code)
        scope = self._code_scope
        for records in nameless.grouped(scope).values() if scope else [nameless]:
            taken = records._get_taken_codes() if records else set()
            for record in records:
                # In English, so that the code depends on no user's language
                name = record.with_context(lang="en_US").name
                record.code = self._get_free_code(self._slugify(name), taken)
                taken.add(record.code)

    @api.model
    def _slugify(self, name):
        """Return ``name`` as a code: lower-case ASCII letters, digits, underscores.

        >>> env["customer.category"]._slugify("Régulier & fidèle")
        'regulier_fidele'
        >>> env["customer.category"]._slugify("重要客户")
        ''
        """
        ascii_name = (
            unicodedata.normalize("NFKD", name or "").encode("ascii", "ignore").decode()
        )
        return (
            re.sub(r"[^a-z0-9]+", "_", ascii_name.lower())
            .strip("_")[:MAXIMUM_LENGTH]
            .strip("_")
        )

    def _get_taken_codes(self):
        """Return the codes that others have where those of the records must differ."""
        domain = [("code", "!=", False), ("id", "not in", self.ids)]
        if self._code_scope:
            domain.append((self._code_scope, "in", self[self._code_scope].ids))
        others = self.sudo().with_context(active_test=False)  # sudo: all count
        return set(others.search(domain).mapped("code"))

    @api.model
    def _get_copy_code(self, record):
        """Return a code derived from that of a record of any model, taken by none."""
        # sudo: those that the user may not see count, too
        others = record.sudo().with_context(active_test=False)
        similar = others.search([("code", "=like", f"{record.code}%")])
        return self._get_free_code(record.code, {record.code, *similar.mapped("code")})

    @api.model
    def _get_free_code(self, code, taken):
        """Return ``code``, with a number where it is among those taken."""
        if code and code not in taken:
            return code
        number = 2 if code else 1
        code = code or self._code_fallback
        while f"{code}_{number}" in taken:
            number += 1
        return f"{code}_{number}"
