from odoo import models
from odoo.tools import SQL, Query


class CustomerRuleset(models.Model):
    """Judges by all rules in one pass over the contacts.

    Each condition is an expression over a contact and what is joined to it, and the
    first that holds decides. Where one of them cannot be evaluated, or cannot be told
    as an expression, the rules are evaluated one by one instead.
    """

    _inherit = "customer.ruleset"

    def _get_judged_together(self, applicable, scope):
        """Return the same as ``_get_matched_judged``, without any intermediate table.

        :param SQL applicable: selects the ids of those the dimension applies to
        :param Scope scope: whom the step is about
        :raise Exception: whatever is wrong with a condition
        """
        Partner = self.env["customer.population"]._get_partners(self.company_id)
        partner_id = SQL.identifier("res_partner", "id")
        query = Query(self.env, Partner._table, Partner._table_sql)
        rules = self.rule_ids.sorted("position")
        conditions = [
            (rule, self._get_condition(rule, Partner, query)) for rule in rules
        ]
        query.add_where(SQL("%s IN (%s)", partner_id, applicable))
        # or the database would look at all contacts
        query.add_where(scope.on(partner_id))
        if self._get_settings()["multiple"]:
            return self._get_several_together(query, partner_id, conditions)
        return SQL(
            """
            SELECT met.partner_id,
                   0 AS slot,
                   CASE met.position %(categories)s END AS category_id,
                   met.position
              -- OFFSET 0: or each use of the position would look for it anew
              FROM (%(met)s OFFSET 0) AS met
            """,
            categories=SQL(" ").join(
                SQL("WHEN %s THEN %s", rule.position, rule.category_id.id)
                for rule in rules
            ),
            met=query.select(
                SQL("%s AS partner_id", partner_id),
                SQL("%s AS position", self._get_first_that_holds(conditions)),
            ),
        )

    def _get_several_together(self, query, partner_id, conditions):
        """Return SQL with a row for each category that a rule gives a customer."""
        categories = self.rule_ids.category_id
        columns = [SQL("%s AS partner_id", partner_id)]
        given = []
        for category in categories:
            position = SQL.identifier(f"position_{category.id}")
            of_it = [
                (rule, sql) for rule, sql in conditions if rule.category_id == category
            ]
            columns.append(SQL("%s AS %s", self._get_first_that_holds(of_it), position))
            given.append(SQL("(%s, %s)", category.id, position))
        default = self._get_settings()["default"]
        if default:
            none = SQL(" AND ").join(
                SQL("%s IS NULL", SQL.identifier(f"position_{category.id}"))
                for category in categories
            )
            given.append(SQL("(%s, CASE WHEN %s THEN 0 END)", default, none))
        return SQL(
            """
            SELECT met.partner_id,
                   given.category_id AS slot,
                   given.category_id,
                   NULLIF(given.position, 0) AS position
              FROM (%(met)s OFFSET 0) AS met
             CROSS JOIN LATERAL (VALUES %(given)s) AS given (category_id, position)
             WHERE given.position IS NOT NULL
            """,
            met=query.select(*columns),
            given=SQL(", ").join(given),
        )

    def _get_condition(self, rule, Partner, query):
        """Return a rule's condition as an expression; what it needs is joined.

        :raise ValueError: where it is more than an expression
        """
        domain = rule._get_domain().optimize_full(Partner)
        if domain.is_false():
            return SQL("FALSE")
        condition = domain._to_sql(Partner, Partner._table, query)
        kinds = {kind.code for kind, *_others in query._joins.values()}
        if query.where_clause.code or not kinds <= {"LEFT JOIN"}:
            raise ValueError(f"{rule.name} leaves contacts out of the query")
        return condition

    def _get_first_that_holds(self, conditions):
        """Return SQL for the position of the first rule that a contact meets."""
        return SQL(
            "CASE %s END",
            SQL(" ").join(
                SQL("WHEN %s THEN %s", condition, rule.position)
                for rule, condition in conditions
            ),
        )
