import logging

import psycopg2

from odoo import fields, models
from odoo.tools import SQL

from .customer_scope import EVERYONE

_logger = logging.getLogger(__name__)


class CustomerRuleset(models.Model):
    """How a version with rules judges each customer: by the conditions they meet.

    All rules are one statement, whatever the number of customers; where that fails,
    each rule is one. A rule that cannot be evaluated any more, because a field is gone,
    keeps the customers in its category who are there, and the run reports it; the
    others are not disturbed.
    """

    _inherit = "customer.ruleset"

    def _get_matched_judged(self, scope, one_by_one=False):
        """Return SQL with the category that the rules give each customer.

        Its columns: ``partner_id``, ``slot``, ``category_id`` and the ``position``
        of the rule, NULL where the default category was given.

        :param Scope scope: whom the step is about
        :param bool one_by_one: evaluate each rule apart, so that no broken one disturbs
            the others
        :raise Exception: whatever is wrong with a rule, where all are one
        """
        self.ensure_one()
        settings = self._get_settings()
        applicable = self.env["customer.population"]._get_applicable(settings, scope)
        if self.rule_ids and not one_by_one:
            return self._get_judged_together(applicable, scope)
        self._collect_matches(applicable, scope)
        if settings["multiple"]:
            return SQL(
                """
                SELECT DISTINCT ON (matched.partner_id, matched.category_id)
                       matched.partner_id,
                       matched.category_id AS slot,
                       matched.category_id,
                       matched.position
                  FROM (
                      SELECT partner_id, category_id, position
                        FROM pg_temp.customer_rule_match
                      UNION ALL
                      SELECT customer.partner_id, %(default)s::integer, NULL::integer
                        FROM (%(applicable)s) AS customer
                       WHERE %(default)s::integer IS NOT NULL
                         AND NOT EXISTS (
                             SELECT FROM pg_temp.customer_rule_match AS given
                              WHERE given.partner_id = customer.partner_id
                         )
                  ) AS matched
                 ORDER BY matched.partner_id, matched.category_id, matched.position
                """,
                applicable=applicable,
                default=settings["default"] or None,
            )
        return SQL(
            """
            SELECT DISTINCT ON (customer.partner_id)
                   customer.partner_id,
                   0 AS slot,
                   matched.category_id,
                   matched.position
              FROM (%(applicable)s) AS customer
              LEFT JOIN pg_temp.customer_rule_match AS matched
                ON matched.partner_id = customer.partner_id
             ORDER BY customer.partner_id, matched.position
            """,
            applicable=applicable,
        )

    def _get_matched_inputs(self, as_of):
        """Return SQL that explains a decision, from a row of the former."""
        return SQL(
            "jsonb_build_object('as_of', %s::text, 'position', position)",
            fields.Date.to_string(as_of),
        )

    def _collect_matches(self, applicable, scope):
        """Note which of the ``applicable`` meet each rule, in a temporary table.

        Where a customer has one category only, those whom a rule decided are left
        out of the following ones, which need not look at them any more.
        """
        self.env.execute_query(SQL("DROP TABLE IF EXISTS pg_temp.customer_rule_match"))
        self.env.execute_query(
            SQL(
                """
                CREATE TEMPORARY TABLE customer_rule_match (
                    partner_id integer, category_id integer, position integer
                ) ON COMMIT DROP
                """
            )
        )
        for rule in self.rule_ids.sorted("position"):
            query = self._get_rule_query(rule, scope)
            try:
                with self.env.cr.savepoint(flush=False):
                    self._collect(rule, query(), applicable)
                    error = False
            except psycopg2.OperationalError:
                raise  # another transaction came between: the step is repeated
            except Exception as exception:
                error = str(exception)
                _logger.info("Rule %s cannot be evaluated: %s", rule.name, error)
                self._collect(rule, self._get_holders_query(rule, scope), applicable)
            if rule.rule_id and (rule.rule_id.error or False) != error:
                rule.rule_id.error = error
        self.env.execute_query(SQL("ANALYZE pg_temp.customer_rule_match"))

    def _collect(self, rule, partners, applicable):
        # no alternative to a condition that always holds: the database would look
        # into the table for each customer instead of joining it once
        undecided = SQL(
            """NOT EXISTS (
                SELECT FROM pg_temp.customer_rule_match AS decided
                 WHERE decided.partner_id = customer.partner_id
            )"""
        )
        self.env.execute_query(
            SQL(
                """
                INSERT INTO pg_temp.customer_rule_match
                SELECT customer.partner_id, %(category)s, %(position)s
                  FROM (%(applicable)s) AS customer
                 WHERE customer.partner_id IN (%(partners)s)
                   AND %(still_open)s
                """,
                category=rule.category_id.id,
                position=rule.position,
                applicable=applicable,
                partners=partners,
                still_open=(
                    SQL("TRUE") if self._get_settings()["multiple"] else undecided
                ),
            )
        )

    def _get_rule_query(self, rule, scope=EVERYONE):
        """Return a function that gives SQL selecting who meets the condition."""
        Partner = self.env["customer.population"]._get_partners(self.company_id)

        def query():
            found = Partner._search(rule._get_domain(), bypass_access=True)
            # or the database would look for all who meet the condition
            found.add_where(scope.on(SQL.identifier("res_partner", "id")))
            return found.select()

        return query

    def _get_holders_query(self, rule, scope):
        """Return SQL that selects who has the rule's category now."""
        return SQL(
            """
            SELECT partner_id
              FROM customer_assignment
             WHERE dimension_id = %s
               AND company_id IS NOT DISTINCT FROM %s
               AND category_id = %s
               AND %s
            """,
            self.dimension_id.id,
            self.company_id.id or None,
            rule.category_id.id,
            scope.on(SQL("partner_id")),
        )

    def _get_explained(self, differing, inputs, as_of):
        """Return what differs with the rule that decided, and the values it read.

        One statement for each rule that gave a category, and one for what none gave:
        only what differs is explained.

        :param SQL differing: a table with the customers as ``customer_id``, and the
            ``position`` of the rule
        :param SQL inputs: what is said where no rule decided
        :param date as_of: the day of the computation
        :return: pairs of SQL with rows as those of ``differing``, and SQL that explains
            such a row
        """
        positions = {
            position
            for [position] in self.env.execute_query(
                SQL("SELECT DISTINCT position FROM %s", differing)
            )
        }
        explained = []
        if None in positions:
            undecided = SQL("SELECT * FROM %s WHERE position IS NULL", differing)
            explained.append((undecided, inputs))
        for rule in self.rule_ids.filtered(lambda r: r.position in positions):
            decided = SQL(
                "SELECT * FROM %s WHERE position = %s", differing, rule.position
            )
            with_values = SQL(
                """
                SELECT decided.*, read.field_values
                  FROM (%(decided)s) AS decided
                  LEFT JOIN (%(read)s) AS read ON read.partner_id = decided.customer_id
                """,
                decided=decided,
                read=self._get_values_query(rule, decided),
            )
            told = SQL(
                """jsonb_build_object(
                    'as_of', %s::text, 'position', position,
                    'rule', %s::text, 'values', field_values
                )""",
                fields.Date.to_string(as_of),
                rule.name,
            )
            explained.append((with_values, told))
        return explained

    def _get_values_query(self, rule, decided):
        """Return SQL with the values that a rule read of the customers it decided."""
        Partner = self.env["customer.population"]._get_partners(self.company_id)
        query = Partner._search([], bypass_access=True)
        query.add_where(
            SQL("res_partner.id IN (SELECT customer_id FROM (%s) AS decided)", decided)
        )
        pairs = []
        for name in sorted(rule._get_field_names()):
            field = Partner._fields.get(name)
            if field and field.type not in ("one2many", "many2many", "binary"):
                try:
                    column = Partner._field_to_sql("res_partner", name, query)
                except ValueError:
                    continue  # searched by a method of its own: there is no column
                pairs += [SQL("%s::text", name), SQL("%s::text", column)]
        return query.select(
            SQL("res_partner.id AS partner_id"),
            SQL("jsonb_build_object(%s) AS field_values", SQL(", ").join(pairs)),
        )
