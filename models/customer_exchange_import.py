from contextlib import contextmanager

import psycopg2

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import float_compare

from . import customer_exchange_domain as portable
from .customer_exchange import ExchangeError
from .customer_exchange_file import SOURCE_LANG
from .customer_exchange_values import PENDING, Invalid

#: The order in which entries are applied: a dimension comes first, fed by hand, so
#: that all can refer to it and its categories, and again when they exist
ORDER = [
    ("group", "whole"),
    ("dimension", "begin"),
    ("category", "whole"),
    ("metric", "whole"),
    ("level", "list"),
    ("criterion", "list"),
    ("dimension", "whole"),
    ("rule", "whole"),
    ("dimension", "finish"),
    ("company", "whole"),
]
#: What a new dimension gets only once its parts exist
DEFERRED = {"method", "default_category_id", "is_main"}


class CustomerClassificationExchange(models.AbstractModel):
    """Into the database: all of the file or nothing."""

    _inherit = "customer.classification.exchange"

    def _import(self, content, dry):
        """Apply a file, or only find out what would change (``dry``)."""
        self = self.with_context(  # noqa: PLW0642 (all of it)
            active_test=False,
            # Between two entries limits and rules may contradict each other
            customer_dimension_is_saving=True,
            customer_exchange_is_importing=True,
        )
        problems, lines = [], []
        entries = self._read_file(content, problems)
        if problems or dry:
            self._apply(entries, True, problems, lines)
            if not dry:
                raise ExchangeError(self.env, problems)
        else:
            self._apply_or_undo(entries, problems, lines)
        if lines and not dry:
            self.env["customer.dimension"]._clear_view_caches()
        count = {
            name: sum(line["action"] == action for line in lines)
            for name, action in (
                ("created", "create"),
                ("changed", "change"),
                ("removed", "remove"),
            )
        }
        return {**count, "lines": lines, "problems": sorted(set(problems))}

    def _apply_or_undo(self, entries, problems, lines):
        try:
            with self.env.cr.savepoint():
                self._apply(entries, False, problems, lines)
                if problems:
                    raise ExchangeError(self.env, problems)
        except ExchangeError:
            # The fields of new dimensions are gone again, with the savepoint
            self.env.registry._setup_models__(self.env.cr, ["res.partner"])
            self.env["customer.dimension"]._clear_view_caches()
            raise

    def _apply(self, entries, dry, problems, lines):
        named = self._get_named(entries)
        for tag, stage in ORDER:
            of_kind = [entry for entry in entries if entry.element.tag == tag]
            if stage == "list":
                lists = {}
                for entry in of_kind:
                    lists.setdefault(entry.parent, []).append(entry)
                for parent, members in lists.items():
                    self._apply_list(parent, members, named, dry, problems, lines)
                continue
            for entry in of_kind:
                if entry.is_failed or (entry.parent and entry.parent.is_failed):
                    continue
                with self._located(entry, problems):
                    if stage == "finish":
                        self._finish(entry, entries, dry, lines)
                    else:
                        self._apply_entry(entry, stage, named, dry, lines)

    @contextmanager
    def _located(self, entry, problems):
        """Note what goes wrong with the line of ``entry``."""
        try:
            with self.env.cr.savepoint():
                yield
            return
        except (UserError, Invalid, ValueError) as error:
            message = str(error)
        except psycopg2.Error as error:
            model = self.env[entry.element.model]
            message = model._sql_error_to_message(error)
        entry.is_failed = True
        problems.append((entry.line, message))

    # One record

    def _apply_entry(self, entry, stage, named, dry, lines):
        if entry.record is None:
            entry.record = self._find_record(entry)
            entry.is_new = not entry.record
        values = self._get_values(entry, named)
        if stage == "begin":
            if not entry.is_new:
                return
            values = {k: v for k, v in values.items() if k not in DEFERRED}
        texts = self._get_translated(entry)
        if entry.is_new and not entry.record:
            if stage == "whole" and entry.element.tag == "dimension":
                return  # a preview, which listed it when it began
            self._check_complete(entry, {*values, *texts})
            key = self._get_key_value(entry, named)
            lines.append(self._get_line("create", entry))
            if not dry:
                entry.record = self._create(entry, key, values, texts)
            return
        changes = self._get_changes(entry.record, values)
        changed_texts = self._get_changed_texts(entry.record, texts)
        if not (changes or changed_texts):
            return
        if not entry.is_new:
            names = {*changes, *changed_texts}
            lines.append(self._get_line("change", entry, names))
        if not dry:
            self._write(entry.record, changes, changed_texts)

    def _find_record(self, entry):
        """Return the record that ``entry`` describes, or an empty recordset."""
        element = entry.element
        Model = self.env[element.model]
        if entry.parent is not None and not entry.parent.record:
            return Model
        key = element.key
        if Model._fields[key].relational:
            key = f"{key}.{'name' if key == 'field_id' else 'code'}"
        domain = [(key, "=", entry.key)]
        if element.parent:
            domain.append((element.parent, "=", entry.parent.record.id))
        found = Model.search(domain)
        if not found and element.model == "res.company":
            raise Invalid(self.env._("There is no company “%(name)s”.", name=entry.key))
        return found

    def _check_complete(self, entry, given):
        Model = self.env[entry.element.model]
        for name, odoo_field in self._get_fields(entry.element).items():
            if (
                odoo_field.required
                and odoo_field.name not in given
                and not odoo_field.default
            ):
                raise Invalid(
                    self.env._(
                        "<%(tag)s> “%(key)s” does not exist yet, so it needs "
                        "“%(attribute)s” (%(label)s).",
                        tag=entry.element.tag,
                        key=entry.key,
                        attribute=name,
                        label=Model._fields[odoo_field.name]._description_string(
                            self.env
                        ),
                    )
                )

    def _get_key_value(self, entry, named):
        """Return the value of the field that identifies the record of ``entry``."""
        key_field = self.env[entry.element.model]._fields[entry.element.key]
        return self._from_text(entry, key_field, entry.key, named)

    def _create(self, entry, key, values, texts):
        element = entry.element
        Model = self.env[element.model]
        values = {name: self._to_write(value) for name, value in values.items()}
        values[element.key] = self._to_write(key)
        if element.parent:
            values[element.parent] = entry.parent.record.id
        if "sequence" in Model._fields and "sequence" not in values:
            values["sequence"] = self._get_next_sequence(entry)
        for name, by_lang in texts.items():
            values[name] = by_lang.get(SOURCE_LANG) or next(iter(by_lang.values()))
        record = Model.create(values)
        self._write(record, {}, self._get_changed_texts(record, texts))
        return record

    def _get_next_sequence(self, entry):
        """Return the place after all siblings: the file's order is the order."""
        Model = self.env[entry.element.model]
        parent = entry.element.parent
        domain = [(parent, "=", entry.parent.record.id)] if parent else []
        last = Model.search(domain, order="sequence desc", limit=1)
        return last.sequence + 10 if last else 10

    def _get_changes(self, record, values):
        """Return those of ``values`` that differ from the record's."""
        return {
            name: value
            for name, value in values.items()
            if value is PENDING or not self._is_equal(record, name, value)
        }

    def _is_equal(self, record, name, value):
        odoo_field, current = record._fields[name], record[name]
        if odoo_field.type == "float":
            return float_compare(current, value, precision_digits=6) == 0
        if odoo_field.type == "many2one":
            return current.id == value
        if odoo_field.type == "many2many":
            return set(current.ids) == value
        if isinstance(value, str) and value != (current or ""):
            try:  # two spellings of a condition are one condition
                return portable.read(value) == portable.read(current)
            except (ValueError, SyntaxError, TypeError):
                return False
        return (current or False) == (value or False)

    def _get_changed_texts(self, record, texts):
        """Return the texts that differ from the stored ones, by field and language."""
        result = {}
        for name, by_lang in texts.items():
            stored = record._fields[name]._get_stored_translations(record) or {}
            changed = {
                lang: text
                for lang, text in by_lang.items()
                if (stored.get(lang) or "").strip() != text
            }
            if changed:
                result[name] = changed
        return result

    def _write(self, record, values, texts):
        if values:
            record.write({name: self._to_write(v) for name, v in values.items()})
        for name, by_lang in texts.items():
            record.update_field_translations(name, by_lang)

    @staticmethod
    def _to_write(value):
        if value is PENDING:
            raise Invalid  # what it refers to has failed, and says so itself
        return [Command.set(sorted(value))] if isinstance(value, set) else value

    # Lists, rules left out, and the report

    def _apply_list(self, parent, entries, named, dry, problems, lines):
        """Make the parts of a dimension those of the file, and no others."""
        if parent.is_failed or not (dry or parent.record):
            return
        element = entries[0].element
        existing = self.env[element.model]
        if parent.record:
            existing = existing.search([(element.parent, "=", parent.record.id)])
        keys = {entry.key for entry in entries}
        for record in existing:
            key = self._get_key(element, record)
            if key not in keys:
                lines.append(
                    {
                        **self._get_line("remove", parent),
                        "tag": element.tag,
                        "key": key,
                        "name": record.display_name,
                    }
                )
                if not dry:
                    with self._located(parent, problems):
                        record.unlink()
        for entry in entries:
            with self._located(entry, problems):
                self._apply_entry(entry, "whole", named, dry, lines)

    def _finish(self, entry, entries, dry, lines):
        """Do and check what concerns the dimension as a whole."""
        categories = [
            other
            for other in entries
            if other.element.tag == "category" and other.parent is entry
        ]
        if any(category.is_failed for category in categories):
            return  # nothing of the file will stay
        if self._is_order_changed(categories):
            line = self._get_line("change", entry)
            label = self.env["customer.category"]._fields["sequence"]
            line["fields"] = [label._description_string(self.env)]
            lines.append({**line, "tag": "category"})
        if not dry:
            self._sort(categories)
        if entry.instructions.get("other_rules") == "archive":
            keys = {
                other.key
                for other in entries
                if other.element.tag == "rule" and other.parent is entry
            }
            left = entry.record.rule_ids.filtered(
                lambda rule: rule.active and rule.code not in keys
            )
            for rule in left:
                lines.append(
                    {
                        **self._get_line("change", entry, {"active"}),
                        "tag": "rule",
                        "key": rule.code,
                        "name": rule.name,
                    }
                )
            if not dry:
                left.active = False
        if not dry:
            dimension = entry.record.with_context(
                customer_exchange_is_importing=False,
                customer_dimension_is_saving=False,
            )
            dimension._check_distinct_limits()
            dimension._check_cycles()

    @staticmethod
    def _is_order_changed(entries):
        """Whether categories that were there stand in another order than the file's.

        Each new one stands at the end of its siblings at first.
        """
        for above in {entry.above for entry in entries}:
            siblings = [entry for entry in entries if entry.above is above]
            there = [entry for entry in siblings if not entry.is_new]
            there.sort(key=lambda entry: (entry.record.sequence, entry.record.id))
            new = [entry for entry in siblings if entry.is_new]
            if siblings != there + new:
                return True
        return False

    @staticmethod
    def _sort(entries):
        """Let categories stand in the order of the file, others keep their places."""
        for above in {entry.above for entry in entries}:
            wanted = [entry.record for entry in entries if entry.above is above]
            first = wanted[0]
            siblings = first.search(
                [
                    ("dimension_id", "=", first.dimension_id.id),
                    ("parent_id", "=", first.parent_id.id),
                ]
            )
            places = [place for place, one in enumerate(siblings) if one in wanted]
            ordered = list(siblings)
            for place, record in zip(places, wanted, strict=True):
                ordered[place] = record
            if ordered != list(siblings):
                for position, record in enumerate(ordered, 1):
                    later = record.with_context(customer_category_is_sorted_later=True)
                    later.sequence = 10 * position
                first.dimension_id._sort_categories()

    def _get_line(self, action, entry, names=()):
        """Return what happens to a record, for the report."""
        root = entry.get_root()
        has_dimension = root.element.tag == "dimension"
        fields = self.env[entry.element.model]._fields
        return {
            "action": action,
            "tag": entry.element.tag,
            "key": entry.key,
            "name": self._get_label(entry),
            "dimension": self._get_label(root) if has_dimension else "",
            "line": entry.line,
            "fields": sorted(fields[n]._description_string(self.env) for n in names),
        }

    def _get_label(self, entry):
        """Return the name of the record, or the one that the file gives it."""
        if entry.record:
            return entry.record.display_name
        by_lang = entry.texts.get("name", {})
        text = by_lang.get(self.env.lang) or by_lang.get(SOURCE_LANG)
        return text[0] if text else entry.key
