import json

from odoo import fields, models
from odoo.tools import SQL

#: How many colours Odoo's palette has, besides none
COLORS = 11


class CustomerRuleset(models.Model):
    """How a version that mirrors fields judges each customer: by the fields' values.

    A category stands for one value, or, in a tree, for the values down to its level;
    its ``source_key`` lists them. Where the last levels are empty, the customer is in
    the category above; one that is empty between others is left out.
    """

    _inherit = "customer.ruleset"

    def _get_mirrored_judged(self, scope):
        """Return SQL with the category that stands for each customer's values.

        Categories are created for values that have none yet.

        :param Scope scope: whom the step is about
        """
        self.ensure_one()
        self.env["customer.category"].flush_model()
        self._collect_values(scope)
        self._create_missing_categories()
        settings = self._get_settings()
        category = SQL("category.id")
        if settings["multiple"]:
            category = SQL("COALESCE(category.id, %s)", settings["default"] or None)
        return SQL(
            """
            SELECT mirrored.partner_id,
                   %(slot)s AS slot,
                   %(category)s AS category_id
              FROM pg_temp.customer_mirrored AS mirrored
              LEFT JOIN customer_category AS source
                ON source.dimension_id = %(dimension)s
               AND source.source_key = mirrored.source_key
              LEFT JOIN customer_category AS category
                ON category.id = COALESCE(source.successor_id, source.id)
               AND category.active
             %(some)s
            """,
            slot=category if settings["multiple"] else SQL("0"),
            category=category,
            dimension=self.dimension_id.id,
            some=(
                SQL("WHERE %s IS NOT NULL", category) if settings["multiple"] else SQL()
            ),
        )

    def _get_mirrored_inputs(self, as_of):
        """Return SQL that explains a decision, from a row of the former."""
        return SQL(
            "jsonb_build_object('as_of', %s::text, 'fields', %s::jsonb)",
            fields.Date.to_string(as_of),
            json.dumps(self._get_settings()["levels"]),
        )

    def _collect_values(self, scope):
        """Note the key of each customer's values, in a temporary table."""
        Partner = self.env["customer.population"]._get_partners(self.company_id)
        query = Partner._search([], bypass_access=True)
        columns = [
            self._get_value_sql(Partner, name, query)
            for name in self._get_settings()["levels"]
        ]
        # A key ends with the deepest level that is filled; those between may be empty:
        # not every country has states. Without the first level the others say little.
        branches = [SQL("WHEN %s IS NULL THEN NULL", columns[0])]
        for depth in range(len(columns), 0, -1):
            values = SQL(", ").join(columns[:depth])
            branches.append(
                SQL(
                    "WHEN %s IS NOT NULL THEN jsonb_build_array(%s)::text",
                    columns[depth - 1],
                    values,
                )
            )
        key = SQL("CASE %s END", SQL(" ").join(branches))
        applicable = self.env["customer.population"]._get_applicable(
            self._get_settings(), scope
        )
        partner_id = SQL.identifier("res_partner", "id")
        query.add_where(SQL("%s IN (%s)", partner_id, applicable))
        # or the database would look at all contacts
        query.add_where(scope.on(partner_id))
        self.env.execute_query(SQL("DROP TABLE IF EXISTS pg_temp.customer_mirrored"))
        self.env.execute_query(
            SQL(
                "CREATE TEMPORARY TABLE customer_mirrored ON COMMIT DROP AS %s",
                query.select(
                    SQL("res_partner.id AS partner_id"), SQL("%s AS source_key", key)
                ),
            )
        )
        self.env.execute_query(SQL("ANALYZE pg_temp.customer_mirrored"))

    def _get_value_sql(self, Partner, field_name, query):
        """Return SQL for a field's value as text, NULL where it is empty.

        Texts are compared without regard to case and surrounding blanks.
        """
        column = Partner._field_to_sql("res_partner", field_name, query)
        if Partner._fields[field_name].type == "char":
            return SQL("NULLIF(lower(btrim(%s)), '')", column)
        return SQL("%s::text", column)

    def _create_missing_categories(self):
        """Create the categories of values that customers have and no category has."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT mirrored.source_key, min(mirrored.partner_id)
                  FROM pg_temp.customer_mirrored AS mirrored
                 WHERE mirrored.source_key IS NOT NULL
                   AND NOT EXISTS (
                       SELECT FROM customer_category AS category
                        WHERE category.dimension_id = %s
                          AND category.source_key = mirrored.source_key
                   )
                 GROUP BY mirrored.source_key
                 ORDER BY mirrored.source_key
                """,
                self.dimension_id.id,
            )
        )
        if not rows:
            return
        # sudo: the engine adds categories whoever started the run
        Category = self.env["customer.category"].sudo().with_context(active_test=False)
        known = {
            category.source_key: category
            for category in Category.search(
                [
                    ("dimension_id", "=", self.dimension_id.id),
                    ("source_key", "!=", False),
                ]
            )
        }
        missing = {}  # by key: its depth, the key above, and who has such a value
        for key, partner_id in rows:
            values = json.loads(key)
            above = None
            for depth, value in enumerate(values, 1):
                if value is None:
                    continue
                part = json.dumps(values[:depth], ensure_ascii=False)
                if part not in known:
                    missing.setdefault(part, (depth, above, partner_id))
                above = part
        for depth in sorted({depth for depth, _above, _partner in missing.values()}):
            parts = [part for part in missing if missing[part][0] == depth]
            known.update(self._create_level(depth, parts, missing, known))
        self.dimension_id._sort_categories()

    def _create_level(self, depth, parts, missing, known):
        """Create the categories of a level, named as the values in each language.

        :return: the categories by key
        """
        field_name = self._get_settings()["levels"][depth - 1]
        partner_ids = [missing[part][2] for part in parts]
        names = {
            lang: self._get_value_names(lang, field_name, partner_ids)
            for lang, _label in self.env["res.lang"].get_installed()
        }
        default = self.env.lang if self.env.lang in names else next(iter(names))
        vals_list = []
        for number, (part, name) in enumerate(zip(parts, names[default], strict=True)):
            parent = known.get(missing[part][1])
            # colours tell apart what is on one level; 0 would be none
            color = (len(known) + number) % COLORS + 1 if depth == 1 else parent.color
            vals_list.append(
                {
                    "dimension_id": self.dimension_id.id,
                    "name": name,
                    "parent_id": parent and parent.id,
                    "source_key": part,
                    "color": color,
                }
            )
        categories = (
            self.env["customer.category"]
            .sudo()  # see above
            .with_context(lang=default, customer_category_is_sorted_later=True)
            .create(vals_list)
        )
        for lang, translated in names.items():
            in_lang = categories.with_context(lang=lang)
            for category, name in zip(in_lang, translated, strict=True):
                if name != category.name:
                    category.name = name
        return dict(zip(parts, categories, strict=True))

    def _get_value_names(self, lang, field_name, partner_ids):
        """Return how people call the values that customers have in a field."""
        Partner = self.env["customer.population"]._get_partners(self.company_id)
        partners = Partner.with_context(lang=lang).browse(partner_ids)
        partners.fetch([field_name])
        return [self._get_value_name(partner, field_name) for partner in partners]

    def _get_value_name(self, partner, field_name):
        field, value = partner._fields[field_name], partner[field_name]
        if field.type == "many2one":
            # a state's display name repeats its country
            return value[value._rec_name or "display_name"] or value.display_name
        if field.type == "selection":
            labels = dict(field._description_selection(partner.env))
            return labels.get(value, value)
        return value.strip()
