import logging

import psycopg2

from odoo import fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: From so many staged rows on the database is told how many there are
FEW_ROWS = 500


class CustomerRuleset(models.Model):
    """How a version with rules judges each customer: by the conditions they meet.

    Each rule is one statement, whatever the number of customers. A rule that cannot
    be evaluated any more, because a field is gone, keeps the customers in its
    category who are there, and the run reports it; the others are not disturbed.
    """

    _inherit = "customer.ruleset"

    def _get_matched_judged(self):
        """Return SQL with the category that the rules give each customer.

        Its columns: ``partner_id``, ``slot``, ``category_id`` and the ``position``
        of the rule, NULL where the default category was given.
        """
        self.ensure_one()
        self._collect_matches()
        settings = self._get_settings()
        applicable = self.env["customer.population"]._get_applicable(settings)
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

    def _collect_matches(self):
        """Note which customers meet each rule, in a temporary table.

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
            query = self._get_rule_query(rule)
            try:
                with self.env.cr.savepoint(flush=False):
                    self._collect(rule, query())
                    error = False
            except psycopg2.OperationalError:
                raise  # another transaction came between: the step is repeated
            except Exception as exception:
                error = str(exception)
                _logger.info("Rule %s cannot be evaluated: %s", rule.name, error)
                self._collect(rule, self._get_holders_query(rule))
            if rule.rule_id and (rule.rule_id.error or False) != error:
                rule.rule_id.error = error
        self.env.execute_query(SQL("ANALYZE pg_temp.customer_rule_match"))

    def _collect(self, rule, partners):
        settings = self._get_settings()
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
                applicable=self.env["customer.population"]._get_applicable(settings),
                partners=partners,
                still_open=SQL("TRUE") if settings["multiple"] else undecided,
            )
        )

    def _get_rule_query(self, rule):
        """Return a function that gives SQL selecting who meets the condition."""
        Partner = self.env["customer.population"]._get_partners(self.company_id)

        def query():
            return Partner._search(rule._get_domain(), bypass_access=True).select()

        return query

    def _get_holders_query(self, rule):
        """Return SQL that selects who has the rule's category now."""
        return SQL(
            """
            SELECT partner_id
              FROM customer_assignment
             WHERE dimension_id = %s
               AND company_id IS NOT DISTINCT FROM %s
               AND category_id = %s
            """,
            self.dimension_id.id,
            self.company_id.id or None,
            rule.category_id.id,
        )

    def _explain_matches(self, line):
        """Add the rule's name and the values it read to the staged rows.

        Only to what changes: one statement for each rule that gave a category.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT (inputs->>'position')::integer, count(*)
                  FROM customer_staging
                 WHERE line_id = %s AND ruleset_id = %s
                 GROUP BY 1
                """,
                line.id,
                self.id,
            )
        )
        positions = dict(rows)
        if sum(positions.values()) >= FEW_ROWS:
            # the table was empty a moment ago, and the database would believe it
            # still is: it compared each row with all
            self.env.execute_query(SQL("ANALYZE customer_staging"))
        for rule in self.rule_ids.filtered(lambda r: r.position in positions):
            self.env.execute_query(
                SQL(
                    """
                    UPDATE customer_staging AS staged
                       SET inputs = staged.inputs || jsonb_build_object(
                               'rule', %(name)s::text, 'values', read.field_values
                           )
                      FROM (%(read)s) AS read
                     WHERE staged.line_id = %(line)s
                       AND staged.ruleset_id = %(ruleset)s
                       AND (staged.inputs->>'position')::integer = %(position)s
                       AND read.partner_id = staged.partner_id
                    """,
                    name=rule.name,
                    position=rule.position,
                    line=line.id,
                    ruleset=self.id,
                    read=self._get_values_query(rule, line),
                )
            )

    def _get_values_query(self, rule, line):
        """Return SQL with the values that a rule read of the staged customers."""
        Partner = self.env["customer.population"]._get_partners(self.company_id)
        query = Partner._search([], bypass_access=True)
        query.add_where(
            SQL(
                """res_partner.id IN (
                    SELECT partner_id FROM customer_staging WHERE line_id = %s
                )""",
                line.id,
            )
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
