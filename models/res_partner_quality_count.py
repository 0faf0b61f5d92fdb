from odoo import api, models
from odoo.tools import SQL

#: As many questions as a bigint has bits for
MAX_QUESTIONS = 63


class ResPartner(models.Model):
    """Count what is wrong with the customers' categories, all kinds in one pass.

    A list of customers asks for one dimension or contradiction; counting each of them
    that way reads the same rows again and again. Here each question is a bit: a
    category in effect sets the bits of the questions that it answers, and the bits of
    a customer together tell all that is wrong. Who counts and what is in effect is
    read once, whatever the number of questions.
    """

    _inherit = "res.partner"

    @api.model
    def _count_customers_to_look_at(self, domain, dimensions, contradictions):
        """Count the customers with gaps and contradictions, in the active company.

        :param Domain domain: which contacts count
        :param dimensions: those whose missing category is counted
        :param contradictions: those whose customers are counted
        :return: how many contacts of the domain a search by
            ``customer_missing_dimension_ids`` or ``customer_contradiction_ids`` finds,
            by record
        """
        # sudo: who may see a contradiction may know its conditions
        contradictions = contradictions.sudo()
        counts = {}
        batch, size = [], 0
        for record in (*dimensions, *contradictions):
            is_gap = record._name == "customer.dimension"
            questions = 1 if is_gap else len(record.condition_ids)
            if batch and size + questions > MAX_QUESTIONS:
                counts |= self._count_questions(domain, batch)
                batch, size = [], 0
            batch.append(record)
            size += questions
        if batch:
            counts |= self._count_questions(domain, batch)
        return counts

    @api.model
    def _count_questions(self, domain, records):
        """Return how many contacts each dimension or contradiction is about.

        :param records: so many that their questions fit into a bigint
        """
        answers = {}  # bits by category
        asked = []  # ids of dimensions
        conditions = []  # SQL, for each of the records

        def ask(dimension, categories):
            """Return SQL: whether the customer has one of the categories."""
            bit = 1 << len(asked)
            asked.append(dimension.id)
            for id_ in categories.ids:
                answers[id_] = answers.get(id_, 0) | bit
            return SQL("COALESCE(held.bits & %s, 0) <> 0", bit)

        for record in records:
            if record._name == "customer.dimension":
                has_one = ask(record, record.all_category_ids)
                conditions.append(
                    SQL("NOT %s AND %s", has_one, self._get_applies_condition(record))
                )
                continue
            met = []
            for condition in record.condition_ids:
                has_one = ask(condition.dimension_id, condition._get_categories())
                negated = condition.operator == "none"
                met.append(SQL("NOT %s", has_one) if negated else has_one)
            conditions.append(SQL(" AND ").join(met))
        contacts = self._search(domain & self._search_customers())
        self.flush_model(["is_company"])
        self.env["customer.figures"].flush_model()
        [row] = self.env.execute_query(
            SQL(
                """
                WITH contact AS MATERIALIZED (%(contacts)s),
                answer (category_id, bits) AS (
                    SELECT * FROM UNNEST(%(categories)s::int[], %(bits)s::bigint[])
                ),
                held AS MATERIALIZED (
                    SELECT effective.partner_id, BIT_OR(answer.bits) AS bits
                      FROM (%(effective)s) AS effective
                      JOIN answer
                        ON answer.category_id = effective.category_id
                     GROUP BY effective.partner_id
                )
                SELECT %(counts)s
                  FROM contact
                  LEFT JOIN held
                    ON held.partner_id = contact.commercial_partner_id
                """,
                contacts=contacts.select("id", "commercial_partner_id", "is_company"),
                categories=list(answers),
                bits=list(answers.values()),
                effective=self._get_customer_categories_query(list(set(asked))),
                counts=SQL(", ").join(
                    SQL("COUNT(*) FILTER (WHERE %s)", condition)
                    for condition in conditions
                ),
            )
        )
        return dict(zip(records, row, strict=True))

    @api.model
    def _get_applies_condition(self, dimension):
        """Return SQL: whether a dimension applies to the customer of ``contact``."""
        conditions = [SQL("TRUE")]
        if dimension.applies_to != "all":
            conditions.append(
                SQL(
                    # nearly every contact here is a customer itself: no join for those
                    """COALESCE(
                           CASE WHEN contact.id = contact.commercial_partner_id
                                THEN contact.is_company
                                ELSE (
                                    SELECT customer.is_company
                                      FROM res_partner AS customer
                                     WHERE customer.id = contact.commercial_partner_id
                                )
                           END,
                           FALSE
                       ) = %s""",
                    dimension.applies_to == "company",
                )
            )
        if dimension.applies_invoices != "all":
            conditions.append(
                SQL(
                    "(contact.commercial_partner_id IN %s) = %s",
                    self._get_invoiced_customers(dimension),
                    dimension.applies_invoices == "with",
                )
            )
        return SQL(" AND ").join(conditions)
