"""Whose rows a step of the engine is about."""

from odoo.tools import SQL

#: The highest id that a table can have
LAST_ID = 2**31 - 1


class Scope:
    """Everybody, the customers in a range of ids, or a few named ones.

    One definition of each computation serves runs of all and of few customers; the
    scope is the condition that tells them apart. Big runs work through ranges, one
    after the other, so that no step takes long.
    """

    def __init__(self, ids=None, first=None, last=None, line_id=None):
        self.ids = ids
        self.first = first
        self.last = last
        self.line_id = line_id

    @classmethod
    def of(cls, ids):
        """Return the scope of the commercial partners with these ids."""
        return cls(ids=list(ids))

    @classmethod
    def between(cls, first, last):
        """Return the scope of the commercial partners with ids in a range."""
        return cls(first=first, last=last)

    @classmethod
    def noted(cls, line_id):
        """Return the scope of all customers noted for a line of a run."""
        return cls(line_id=line_id)

    #: Whether something is imagined about those in the scope, see `Supposition`
    is_supposed = False

    def with_documents(self, documents):
        """Return SQL for the documents that count of those in the scope.

        :param SQL documents: selects the posted ones
        """
        return documents

    def get_assignments(self, ruleset):
        """Return a table expression with the present categories of those in the scope.

        :param ruleset: the version whose dimension and company they are of
        """
        return SQL("customer_assignment")

    def is_empty(self):
        """Return whether nobody is in the scope."""
        return self.ids == []

    def on(self, column):
        """Return the SQL condition that ``column``, a partner's id, is in the scope.

        :param SQL column: a column
        """
        if self.ids is not None:
            return SQL("%s = ANY(%s)", column, self.ids)
        if self.first is not None:
            return SQL("%s BETWEEN %s AND %s", column, self.first, self.last)
        if self.line_id is not None:
            return SQL(
                """%s IN (
                    SELECT noted.partner_id
                      FROM customer_classification_scope AS noted
                     WHERE noted.line_id = %s
                )""",
                column,
                self.line_id,
            )
        return SQL("TRUE")

    def split(self, bounds):
        """Return the scopes of consecutive ranges that make up this one.

        :param list bounds: ids; a range ends with each of them
        """
        if self.ids is not None or self.line_id is not None:
            return [self]
        first = 1 if self.first is None else self.first
        last = LAST_ID if self.last is None else self.last
        ends = sorted({bound for bound in bounds if first <= bound < last})
        starts = [first, *(end + 1 for end in ends)]
        return [
            Scope.between(*between)
            for between in zip(starts, [*ends, last], strict=True)
        ]


EVERYONE = Scope()
