import json
import math
from collections import defaultdict

from odoo import fields, models

from . import customer_exchange_domain as portable
from .customer_exchange_export import KEYS, REFERENCE_PREFIX
from .customer_exchange_file import SOURCE_LANG

#: What a reference leads to that the file itself creates later on
PENDING = object()


class Invalid(Exception):
    """A value of the file that cannot be right."""


class CustomerClassificationExchange(models.AbstractModel):
    """From the file: texts become values, names become ids."""

    _inherit = "customer.classification.exchange"

    def _get_values(self, entry, named):
        """Return the values of an entry by field, without translated texts.

        :param named: what the file names: sets of keys by model
        :raise Invalid:
        """
        known = self._get_fields(entry.element)
        values = {}
        for name, text in entry.attributes.items():
            values[known[name].name] = self._from_text(entry, known[name], text, named)
        for name, by_lang in entry.texts.items():
            if not known[name].translate:
                text, _line = by_lang[SOURCE_LANG]
                values[known[name].name] = self._to_domain(entry, name, text, named)
        if entry.element.tree:
            values[entry.element.tree] = (
                (entry.above.record.id or PENDING) if entry.above else False
            )
        return values

    def _get_translated(self, entry):
        """Return the texts of an entry by field and installed language."""
        known = self._get_fields(entry.element)
        installed = {SOURCE_LANG} | dict(self.env["res.lang"].get_installed()).keys()
        result = defaultdict(dict)
        for name, by_lang in entry.texts.items():
            if known[name].translate:
                for lang, (text, _line) in by_lang.items():
                    if lang in installed:
                        result[known[name].name][lang] = text
        return result

    def _from_text(self, entry, odoo_field, text, named):
        text = text.strip()
        if odoo_field.name == "source_key":
            return self._to_source_key(text)
        convert = getattr(self, f"_from_{odoo_field.type}", None)
        if convert:
            return convert(entry, odoo_field, text, named)
        return text or False

    def _from_boolean(self, _entry, odoo_field, text, _named):
        if text not in ("true", "false"):
            raise Invalid(
                self.env._(
                    "“%(attribute)s” is “true” or “false”, not “%(value)s”.",
                    attribute=odoo_field.name,
                    value=text,
                )
            )
        return text == "true"

    def _from_integer(self, _entry, odoo_field, text, _named):
        return int(self._from_number(odoo_field, text, int))

    def _from_float(self, _entry, odoo_field, text, _named):
        return self._from_number(odoo_field, text, float)

    def _from_number(self, odoo_field, text, kind):
        try:
            number = kind(text or 0)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
        raise Invalid(
            self.env._(
                "“%(attribute)s” is a number, not “%(value)s”.",
                attribute=odoo_field.name,
                value=text,
            )
        )

    def _from_date(self, _entry, odoo_field, text, _named):
        try:
            return fields.Date.to_date(text) or False
        except ValueError as error:
            raise Invalid(
                self.env._(
                    "“%(attribute)s” is a date such as 2026-01-31, not “%(value)s”.",
                    attribute=odoo_field.name,
                    value=text,
                )
            ) from error

    def _from_selection(self, _entry, odoo_field, text, _named):
        allowed = odoo_field.get_values(self.env)
        if text and text not in allowed:
            raise Invalid(
                self.env._(
                    "“%(attribute)s” is one of %(allowed)s, not “%(value)s”.",
                    attribute=odoo_field.name,
                    allowed=", ".join(allowed),
                    value=text,
                )
            )
        return text or False

    def _from_many2one(self, entry, odoo_field, text, named):
        return (
            self._find(entry, odoo_field.comodel_name, text, named) if text else False
        )

    def _from_many2many(self, entry, odoo_field, text, named):
        return {
            self._find(entry, odoo_field.comodel_name, name, named)
            for name in text.split()
        }

    def _to_domain(self, entry, name, text, named):
        """Return the condition as it is stored, or PENDING."""
        is_pending = False

        def resolve(function, *names):
            nonlocal is_pending
            if function == "category" and len(names) == 2:
                found = self._find_category(*names, named)
            elif function == "ref" and len(names) == 1:
                found = self._find_external(None, names[0])
            else:
                raise ValueError(function)
            is_pending |= found is PENDING
            return 0 if found is PENDING else found

        try:
            domain = portable.to_domain(text, resolve)
        except (ValueError, SyntaxError, TypeError) as error:
            raise Invalid(
                self.env._(
                    "The condition in <%(tag)s> cannot be read: %(error)s",
                    tag=name,
                    error=error,
                )
            ) from error
        return PENDING if is_pending else repr(domain)

    def _to_source_key(self, text):
        """Return the key of a mirrored value with the ids of this database."""
        try:
            values = json.loads(text) if text else []
        except ValueError as error:
            raise Invalid(
                self.env._("“%s” is no list of mirrored values.", text)
            ) from error
        for position, value in enumerate(values):
            if str(value).startswith(REFERENCE_PREFIX):
                name = value.removeprefix(REFERENCE_PREFIX)
                values[position] = str(self._find_external(None, name))
        return json.dumps(values, ensure_ascii=False) if values else False

    # References

    def _find(self, entry, model_name, text, named):
        """Return the id of the record that ``text`` names, or PENDING.

        :raise Invalid: where there is none
        """
        if model_name == "customer.category":
            return self._find_category(entry.get_root().key, text, named)
        key = KEYS.get(model_name)
        if not key:
            return self._find_external(model_name, text)
        domain = [(key, "=", text)]
        if model_name == "ir.model.fields":
            domain.append(("model", "=", "res.partner"))
        # sudo: the configuration is that of all companies, and which fields the
        # contact has is no secret to who configures
        Model = self.env[model_name].sudo()
        found = Model.with_context(active_test=False).search(domain, limit=2)
        if len(found) == 1:
            return found.id
        if text in named[model_name]:
            return PENDING
        raise Invalid(
            self.env._(
                "There is no %(model)s “%(name)s”.",
                model=self._get_model_label(model_name),
                name=text,
            )
        )

    def _find_category(self, dimension, code, named):
        found = (
            self.env["customer.category"]
            .with_context(active_test=False)
            .search([("dimension_id.code", "=", dimension), ("code", "=", code)])
        )
        if found:
            return found.id
        if (dimension, code) in named["customer.category"]:
            return PENDING
        raise Invalid(
            self.env._(
                "The dimension “%(dimension)s” has no category “%(code)s”.",
                dimension=dimension,
                code=code,
            )
        )

    def _find_external(self, model_name, name):
        record = (
            self.env.ref(name, raise_if_not_found=False) if "." in str(name) else None
        )
        if not record or (model_name and record._name != model_name):
            raise Invalid(
                self.env._(
                    "Nothing in this database has the name “%(name)s”.", name=name
                )
            )
        return record.id

    def _get_model_label(self, model_name):
        # sudo: the name of a kind of record is no secret
        return self.env["ir.model"].sudo()._get(model_name).name
