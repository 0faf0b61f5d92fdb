from contextlib import closing

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from .customer_check_line import MAX_LISTED
from .customer_run_brake import WITHOUT_BRAKE
from .customer_staging import SCORE_COLUMNS
from .res_partner_days import DAYS_SINCE

#: What is compared of an assignment; ``since`` and the reason stay as they were
ASSIGNMENT_COLUMNS = ("category_id", *SCORE_COLUMNS)


class CustomerCheckLine(models.Model):
    """Compares figures and categories with a computation anew.

    The figures are computed by the query that runs use, for everybody in the range.
    Then, in a savepoint that is taken back, the customers are judged by the versions
    in force, as a run would; what that writes is what differs.

    What nobody notes the changes of is left out: every night computes it for everybody.
    """

    _inherit = "customer.check.line"

    def _compare_recomputed(self, scope):
        """Compute the next customers anew; return who differs.

        :return: as :meth:`_record` takes it
        """
        self.env.flush_all()
        found, error = [], False
        last_category = self._get_last_category()
        with closing(self.env.cr.savepoint()):
            if self.company_id:
                for model in self._get_compared_models():
                    found.append(self._compare_facts(model, scope))
            dimensions = self._get_comparable_dimensions()
            if dimensions:
                differing, error = self._compare_categories(dimensions, scope)
                found.append(differing)
            is_category_new = self._get_last_category() != last_category
        self.env.invalidate_all()
        if is_category_new:
            # gone again with the savepoint
            self.env.registry.clear_cache("stable")
            self.env.registry.clear_cache("templates")
        if error and error not in (self.error or ""):
            self.error = "\n".join(filter(None, [self.error, error]))
        self.compared_count += self._count_compared(scope)
        return found

    def _find(self, subject, differing):
        """Return the ids of who differs, and the first differences as values.

        :param str subject: that of the differences
        :param SQL differing: a query with the columns of a difference, ``is_stored``
            and ``is_computed``
        """
        table = SQL("pg_temp.customer_check_found")
        self.env.execute_query(SQL("DROP TABLE IF EXISTS %s", table))
        self.env.execute_query(
            SQL(
                """
                CREATE TEMPORARY TABLE customer_check_found ON COMMIT DROP AS
                SELECT *
                  FROM (%s) AS differing
                 WHERE NOT EXISTS (
                     SELECT
                       FROM pg_temp.customer_check_wait AS waiting
                      WHERE waiting.partner_id = differing.contact_number
                 )
                """,
                differing,
            )
        )
        ids = self.env.execute_query(
            SQL("SELECT DISTINCT contact_number FROM pg_temp.customer_check_found")
        )
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT contact_number, %s AS subject, res_model, field_name,
                       dimension_id, slot, stored_value, computed_value,
                       CASE WHEN NOT is_stored THEN 'missing'
                            WHEN NOT is_computed THEN 'surplus'
                            ELSE 'value'
                       END AS kind
                  FROM pg_temp.customer_check_found
                 ORDER BY contact_number
                 LIMIT %s
                """,
                subject,
                MAX_LISTED,
            )
        )
        return {id_ for [id_] in ids}, rows

    def _get_differing_values(self, columns):
        """Return SQL for the rows ``value``, one a column that may differ.

        Of a row that is missing or surplus, only the first column.
        """
        return SQL(
            """(
                SELECT * FROM (VALUES %(values)s)
                    AS value (field_name, stored_value, computed_value, differs)
                 WHERE CASE WHEN is_stored AND is_computed THEN value.differs
                            ELSE value.field_name = %(first)s
                       END
            )""",
            values=SQL(", ").join(
                SQL(
                    "(%(name)s, stored.%(column)s::text, computed.%(column)s::text,"
                    " stored.%(column)s IS DISTINCT FROM computed.%(column)s)",
                    name=name,
                    column=SQL.identifier(name),
                )
                for name in columns
            ),
            first=columns[0],
        )

    # Figures

    def _get_compared_models(self):
        """Return the models of facts that are kept, and were filled by a run."""
        return [
            model
            for model in self.env["customer.facts.mixin"]._get_wanted()
            if model._is_filled(self.company_id)
        ]

    def _compare_facts(self, model, scope):
        """Compare the facts of a model; where any differ, bring them up to date.

        The categories are then judged by what the facts should be.
        """
        today, settings = self._get_today(), self._get_settings()
        found = self._find(
            "figures",
            SQL(
                """
                SELECT COALESCE(stored.partner_id, computed.partner_id)
                           AS contact_number,
                       %(model)s::text AS res_model,
                       NULL::integer AS dimension_id,
                       NULL::integer AS slot,
                       present.*,
                       value.*
                  FROM (%(query)s) AS computed
                  FULL JOIN %(stored)s AS stored
                    ON stored.partner_id = computed.partner_id
                 CROSS JOIN LATERAL (
                       SELECT stored.partner_id IS NOT NULL AS is_stored,
                              computed.partner_id IS NOT NULL AS is_computed
                 ) AS present
                 CROSS JOIN LATERAL %(values)s AS value
                 WHERE stored.partner_id IS NULL
                    OR computed.partner_id IS NULL
                    OR (%(stored_columns)s) IS DISTINCT FROM (%(computed_columns)s)
                """,
                model=model._name,
                query=model._get_query(self.company_id, today, scope, settings),
                stored=model._get_stored(self.company_id, scope),
                values=self._get_differing_values(model._fact_columns),
                stored_columns=model._get_columns("stored"),
                computed_columns=model._get_columns("computed"),
            ),
        )
        if found[0]:
            model._update(self.company_id, today, scope, settings)
        return found

    def _get_settings(self):
        """Return what counted in the last run of all customers."""
        Line = self.env["customer.classification.run.line"]
        last = Line._find_last_full(self.company_id)
        if last.what_counts:
            return last.what_counts["settings"]
        return self.company_id._get_customer_settings()

    def _count_compared(self, scope):
        """Return how many customers in the scope were compared."""
        rows = (
            self.env["customer.figures"]._get_stored(self.company_id, scope)
            if self.company_id
            else SQL(
                """(SELECT DISTINCT partner_id
                      FROM customer_assignment
                     WHERE company_id IS NULL AND %s)""",
                scope.on(SQL("partner_id")),
            )
        )
        [[count]] = self.env.execute_query(
            SQL("SELECT count(*) FROM %s AS compared", rows)
        )
        return count

    # Categories

    def _compare_categories(self, dimensions, scope):
        """Judge the customers anew, as a run of them would, and compare.

        :return: as :meth:`_find`, and what could not be judged as text
        """
        self.env.execute_query(
            SQL("DROP TABLE IF EXISTS pg_temp.customer_check_assignment")
        )
        assigned = self._get_assigned(dimensions, scope)
        self.env.execute_query(
            SQL(
                "CREATE TEMPORARY TABLE customer_check_assignment ON COMMIT DROP AS %s",
                assigned,
            )
        )
        self.env.execute_query(SQL("ANALYZE pg_temp.customer_check_assignment"))
        error = self._judge(dimensions, scope)
        differing = self._find(
            "category",
            SQL(
                """
                SELECT COALESCE(stored.partner_id, computed.partner_id)
                           AS contact_number,
                       'customer.assignment' AS res_model,
                       COALESCE(stored.dimension_id, computed.dimension_id)
                           AS dimension_id,
                       COALESCE(stored.slot, computed.slot) AS slot,
                       present.*,
                       value.*
                  FROM (%(assigned)s) AS computed
                  FULL JOIN pg_temp.customer_check_assignment AS stored
                    ON stored.partner_id = computed.partner_id
                   AND stored.dimension_id = computed.dimension_id
                   AND stored.slot = computed.slot
                 CROSS JOIN LATERAL (
                       SELECT stored.category_id IS NOT NULL AS is_stored,
                              computed.category_id IS NOT NULL AS is_computed
                 ) AS present
                 CROSS JOIN LATERAL %(values)s AS value
                 WHERE (%(stored_columns)s) IS DISTINCT FROM (%(computed_columns)s)
                """,
                assigned=assigned,
                values=self._get_differing_values(ASSIGNMENT_COLUMNS),
                stored_columns=self._get_columns("stored"),
                computed_columns=self._get_columns("computed"),
            ),
        )
        return differing, error

    def _judge(self, dimensions, scope):
        """Let a run judge the customers; return what it could not judge as text."""
        company = self.company_id
        extents = dict.fromkeys([company.id, False], "touched")
        Run = self.env["customer.classification.run"]
        # who waits for a decision was left out: everybody else shall be as computed
        run = Run.with_context(**{WITHOUT_BRAKE: True})._create_run(
            "call", company, extents=extents
        )
        line = run.line_ids.filtered(lambda line: line.company_id == company)
        for stage in dimensions._get_stages():
            line._judge(stage, scope)
        return line.error

    def _get_assigned(self, dimensions, scope):
        """Return SQL with the assignments in some dimensions."""
        return SQL(
            """
            SELECT partner_id, dimension_id, slot, %(columns)s
              FROM customer_assignment
             WHERE company_id IS NOT DISTINCT FROM %(company)s
               AND dimension_id = ANY(%(dimensions)s)
               AND %(in_scope)s
            """,
            columns=SQL(", ").join(map(SQL.identifier, ASSIGNMENT_COLUMNS)),
            company=self.company_id.id or None,
            dimensions=dimensions.ids,
            in_scope=scope.on(SQL("partner_id")),
        )

    def _get_columns(self, table):
        return SQL(", ").join(
            SQL.identifier(table, name) for name in ASSIGNMENT_COLUMNS
        )

    def _get_last_category(self):
        [[last_id]] = self.env.execute_query(
            SQL("SELECT max(id) FROM customer_category")
        )
        return last_id

    def _get_dimensions(self):
        return self.env["customer.dimension"]._get_computed(shared=not self.company_id)

    def _get_comparable_dimensions(self):
        """Return the dimensions in which every change that decides is noted.

        And whose settings are those of the version in force.
        """
        return self._get_dimensions().filtered(self._is_comparable)

    def _is_comparable(self, dimension):
        ruleset = self.env["customer.ruleset"]._get_in_force(dimension, self.company_id)
        if not ruleset or ruleset._get_settings() != dimension._get_settings(
            self.company_id
        ):
            return False
        if not dimension._is_about_buyers() and not self._is_population_noted():
            return False
        if dimension.method == "score":
            return dimension._follows_figures()
        if dimension.method == "field":
            return all(map(self._is_noted, dimension.level_ids.mapped("field_name")))
        return self._is_swept_today() and all(
            self._is_condition_noted(condition)
            for rule in ruleset.rule_ids
            for condition in rule._get_domain().iter_conditions()
        )

    def _is_population_noted(self):
        """Return whether contacts alone decide who is a customer."""
        Company = self.env["res.company"]
        # sudo: what all companies share is about the customers of all
        companies = self.company_id or Company.sudo().search(
            [("parent_id", "=", False)]
        )
        return all(
            Company._is_population_noted(company.customer_population_domain)
            for company in companies
        )

    def _is_swept_today(self):
        """Return whether a run judged everybody today: rules may read the calendar."""
        last = self.env["customer.classification.run.line"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("extent", "in", ("all", "due")),
                ("state", "=", "done"),
                ("run_id.as_of", "=", False),
            ],
            order="id desc",
            limit=1,
        )
        return last.as_of == self._get_today()

    @api.model
    def _is_condition_noted(self, condition):
        return (
            not isinstance(condition.value, Domain)
            and condition.operator not in ("child_of", "parent_of")
            and self._is_noted(condition.field_expr)
        )

    @api.model
    def _is_noted(self, field_name):
        """Return whether a trigger sees what changes a field of the contact.

        Or whether it is a figure: who waits for a new one is known.
        """
        field = self.env["res.partner"]._fields.get(field_name)
        if field is None:
            return False
        if getattr(field, "customer_figure", None) or field_name in DAYS_SINCE:
            return True
        return field.store and field.type not in ("one2many", "many2many")
