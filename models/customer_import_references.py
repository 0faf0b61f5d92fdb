from odoo.fields import Domain

#: The columns of a decision by hand that name other records, in this order: the
#: categories are those of the line's dimension
REFERENCES = ("partner_id", "dimension_id", "category_id", "company_id")


class UnclearReference(Exception):
    """A value of the file that names no record, or several."""


class ImportReferences:
    """Find the records that the lines of a file name.

    A reference is what people have at hand: of customers the internal reference,
    the external id or the exact name; of dimensions and categories the code or the
    name in any language of the database; of companies the name.
    """

    def __init__(self, env, paths):
        """
        :param list paths: the columns' field paths, such as ``["partner_id", "id"]``
        """
        self.env = env
        self.columns = {
            path[0]: (index, path[1] if len(path) > 1 else None)
            for index, path in enumerate(paths)
            if path[0] in REFERENCES
        }
        langs = [code for code, _name in env["res.lang"].get_installed()]
        self.langs = list(dict.fromkeys([env.lang or "en_US", *langs, "en_US"]))
        self.categories = {}
        self.found = {}

    def find(self, lines):
        """Return the records each line names, by field, and error messages."""
        self._read_ahead(lines)
        found, messages = [], []
        for number, line in enumerate(lines):
            row = {}
            for name in REFERENCES:
                try:
                    row[name] = self._find_one(name, line, row)
                except UnclearReference as error:
                    messages.append(self.get_message(number, name, str(error)))
                    row[name] = self._get_model(name)
            found.append(row)
        return found, messages

    def get_message(self, number, name, text):
        """Return an error of the line ``number``, as ``load`` returns them."""
        return {
            "type": "error",
            "message": text,
            "rows": {"from": number, "to": number},
            "record": number,
            "field": name,
        }

    def _get_model(self, name):
        return self.env[self.env["customer.override"]._fields[name].comodel_name]

    def _find_one(self, name, line, row):
        """Return the record that ``line`` names, or the usual one where it names none.

        :raise UnclearReference: if there is none such, or several
        """
        index, kind = self.columns.get(name, (None, None))
        value = str(line[index] or "").strip() if index is not None else ""
        if not value:
            return self._get_usual(name, row)
        if name == "category_id" and kind is None and not row["dimension_id"]:
            # the line's dimension is what has to be put right
            return self._get_model(name)
        if kind == "id":
            records = self._find_external(name, value)
        elif kind == ".id":
            records = self._get_model(name)
            records = records.browse(int(value) if value.isdigit() else ()).exists()
        else:
            # categories depend on the line's dimension and are few enough to be known
            key = (name, value, name == "category_id" and row["dimension_id"])
            if key not in self.found:
                self.found[key] = getattr(self, f"_find_{name}")(value, row)
            records = self.found[key]
        if name == "partner_id":
            records = records.commercial_partner_id
        if len(records) == 1:
            return records
        raise UnclearReference(
            self._get_ambiguous_text(name, value, records)
            if records
            else self._get_unknown_text(name, value, row)
        )

    def _get_usual(self, name, row):
        model = self._get_model(name)
        if name == "company_id":
            is_shared = row["dimension_id"].is_shared
            return model if is_shared else self.env.company.root_id
        default = self.env["customer.override"].default_get([name]).get(name)
        return model.browse(default or ())

    # Customers: read in one go, a file may have many

    def _read_ahead(self, lines):
        """Read the contacts that the file names by reference or name."""
        Partner = self.env["res.partner"].with_context(active_test=False)
        index, kind = self.columns.get("partner_id", (None, None))
        values = set()
        if index is not None and kind is None:
            values = {str(line[index] or "").strip() for line in lines} - {""}
        partners = Partner.search(
            Domain("ref", "in", list(values)) | Domain("name", "in", list(values)),
            order="active DESC, id",
        )
        partners.fetch(["ref", "name", "active", "commercial_partner_id"])
        self.by_ref = partners.grouped(lambda partner: (partner.ref or "").strip())
        self.by_name = partners.grouped(lambda partner: partner.name)

    def _find_partner_id(self, value, _row):
        """Return the contacts named ``value``; archived ones if there are no others."""
        found = (
            self.by_ref.get(value)
            or self.by_name.get(value)
            or self._find_external("partner_id", value)
        )
        return found.filtered("active") or found

    def _find_external(self, name, value):
        """Return the record with this external id, if the user may see it."""
        model = self._get_model(name)
        if "." not in value:
            value = f"__import__.{value}"
        record = self.env.ref(value, raise_if_not_found=False)
        if record is None or record._name != model._name:
            return model
        return record._filtered_access("read")

    # The configuration

    def _find_dimension_id(self, value, _row):
        model = self._get_model("dimension_id")
        return model.search([("code", "=", value)]) or self._search_name(model, value)

    def _find_category_id(self, value, row):
        dimension = row["dimension_id"]
        if dimension not in self.categories:
            self.categories[dimension] = self._get_category_names(dimension)
        by_code, by_name = self.categories[dimension]
        return by_code.get(value) or by_name.get(value, self._get_model("category_id"))

    def _get_category_names(self, dimension):
        """Return the dimension's categories by code and by (complete) name."""
        categories = self._get_model("category_id").search(
            [("dimension_id", "=", dimension.id)]
        )
        by_name = {}
        for lang in self.langs:
            for category in categories.with_context(lang=lang):
                for text in {category.name, category.complete_name}:
                    known = by_name.get(text, categories.browse())
                    by_name[text] = known | category.with_env(self.env)
        return categories.grouped("code"), by_name

    def _find_company_id(self, value, _row):
        company = self._get_model("company_id").search([("name", "=", value)])
        # sudo: the root of an allowed branch need not be allowed; the rules of the
        # decisions say whether one may be made there
        return company.sudo().root_id.sudo(self.env.su)

    def _search_name(self, model, value):
        for lang in self.langs:
            found = model.with_context(lang=lang).search([("name", "=", value)])
            if found:
                return found.with_env(self.env)
        return model

    # What to say

    def _get_unknown_text(self, name, value, row):
        if name == "partner_id":
            return self.env._(
                "No customer has the reference, external id or exact name “%(value)s”, "
                "or you may not see them.",
                value=value,
            )
        if name == "dimension_id":
            return self.env._("There is no dimension “%(value)s”.", value=value)
        if name == "category_id":
            return self.env._(
                "“%(value)s” is no category of “%(dimension)s”.",
                value=value,
                dimension=row["dimension_id"].name,
            )
        return self.env._(
            "There is no company “%(value)s” that you may use.", value=value
        )

    def _get_ambiguous_text(self, name, value, records):
        names = ", ".join(
            f"{record.display_name} ({record.ref or record.id})"
            if name == "partner_id"
            else record.display_name
            for record in records[:3]
        )
        return self.env._(
            "“%(value)s” may mean several: %(names)s. Use a reference that only one "
            "has.",
            value=value,
            names=names,
        )
