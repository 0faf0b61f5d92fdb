from odoo import api, models
from odoo.orm.models import fix_import_export_id_paths

from .customer_import_references import REFERENCES, ImportReferences
from .customer_override import DECISION_FIELDS


class CustomerOverride(models.Model):
    """Odoo's standard import, keyed by reference (see :class:`ImportReferences`).

    A line about a customer whose decision is in force changes that decision, so that
    a file can be corrected and imported again; an unchanged line changes nothing.
    """

    _inherit = "customer.override"

    @api.model
    def get_import_templates(self):
        language = "_zh_CN" if (self.env.lang or "").startswith("zh") else ""
        return [
            {
                "label": self.env._("Import Template for Categories Set by Hand"),
                "template": "/customer_classification/static/xls/"
                f"customer_override{language}.xlsx",
            }
        ]

    @api.model
    def load(self, fields, data):
        """Import lines (see the class), and say how many decisions changed.

        What a line names is found before Odoo's own import, which takes the first
        where several have the same name; it then gets nothing but ids.
        """
        paths = [fix_import_export_id_paths(field) for field in fields]
        if ["id"] in paths or [".id"] in paths:
            return super().load(fields, data)  # keyed by the decisions' own ids
        # what follows the limit is the next call's
        lines = data[: self.env.context.get("_import_limit")]
        references = ImportReferences(self.env, paths)
        found, messages = references.find(lines)
        if not messages:
            decisions, messages = self._find_imported(references, found)
        if messages:
            return {"ids": False, "messages": messages, "nextrow": 0}
        kept = [i for i, path in enumerate(paths) if path[0] not in REFERENCES]
        ids = [
            [str(decision.id or ""), *[str(row[name].id or "") for name in REFERENCES]]
            for decision, row in zip(decisions, found, strict=True)
        ]
        known = self.union(*decisions)
        before = known._get_decided()
        result = super().load(
            [
                ".id",
                *[f"{name}/.id" for name in REFERENCES],
                *[fields[i] for i in kept],
            ],
            [
                [*line_ids, *[line[i] for i in kept]]
                for line_ids, line in zip(ids, lines, strict=True)
            ],
        )
        if result["ids"]:
            after = known._get_decided()
            changed = sum(before[decision] != after[decision] for decision in known)
            self._report_imported(result, len(decisions) - len(known), changed, known)
        return result

    def _load_records_write(self, values):
        """Write what differs: a line names the key again, and often all the rest."""
        different = {
            name: value
            for name, value in values.items()
            if name != "id" and self._is_different(name, value)
        }
        return super()._load_records_write(different) if different else None

    def _get_decided(self):
        """Return what each decision says, to compare it later."""
        return {
            decision: [decision[name] for name in sorted(DECISION_FIELDS)]
            for decision in self
        }

    def _is_different(self, name, value):
        to_cache = self._fields[name].convert_to_cache
        return to_cache(value, self) != to_cache(self[name], self)

    @api.model
    def _find_imported(self, references, found):
        """Return the decision in force that each line is about, if any, and messages.

        :param list found: the records that each line names, by field
        """
        partners = self.env["res.partner"].browse(
            {row["partner_id"].id for row in found}
        )
        in_force = self.search(
            [("partner_id", "in", partners.ids), ("is_in_force", "=", True)]
        )
        by_key = {
            (d.partner_id, d.dimension_id, d.company_id, d.slot): d for d in in_force
        }
        decisions, messages, seen = [], [], set()
        for number, row in enumerate(found):
            dimension = row["dimension_id"]
            slot = row["category_id"].id if dimension.is_multiple else 0
            key = (row["partner_id"], dimension, row["company_id"], slot)
            if key in seen and all(key[:2]):
                text = self.env._(
                    "An earlier line decides the same for “%(customer)s”; keep one of "
                    "them.",
                    customer=row["partner_id"].display_name,
                )
                messages.append(references.get_message(number, "partner_id", text))
            seen.add(key)
            decisions.append(by_key.get(key, self.browse()))
        return decisions, messages

    @api.model
    def _report_imported(self, result, created, changed, known):
        """Say what the lines did.

        The import's dialog takes every message for an error, so that there the
        numbers are told beside it.
        """
        text = self.env._(
            "New decisions: %(created)s. Decisions changed: %(changed)s. "
            "Unchanged: %(unchanged)s.",
            created=created,
            changed=changed,
            unchanged=len(known) - changed,
        )
        if self.env.context.get("import_file"):
            self.env.user._bus_send(
                "simple_notification", {"type": "info", "message": text}
            )
        else:
            result["messages"].append({"type": "info", "message": text})
