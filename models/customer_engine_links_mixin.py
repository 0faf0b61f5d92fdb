from odoo import api, models
from odoo.tools import SQL

from .customer_engine_fields import get_engine_columns, get_unlinking


class CustomerEngineLinksMixin(models.AbstractModel):
    """Records that rows of the engine link to without a foreign key.

    Deleting them does what the database would have done: removes the rows where the
    link says ``cascade``, empties the link where it says ``set null``. Where it says
    ``restrict``, the model itself refuses, with a message that says what to do.
    """

    _name = "customer.engine.links.mixin"
    _description = "Linked To by Rows of the Engine"

    def unlink(self):
        ids, linked_ids = self.ids, self._get_linked().ids
        result = super().unlink()
        self._remove_links(ids, linked_ids)
        return result

    @api.model
    def _remove_links(self, ids, linked_ids=()):
        """Remove the rows that link to deleted records, or empty the link."""
        if not ids:
            return
        for ondelete, of_ids in (("cascade", ids), ("set null", linked_ids)):
            columns = get_engine_columns(self.env, self._name, ondelete)
            for table, column in columns if of_ids else ():
                unlinking = get_unlinking(table, column, ondelete)
                self.env.execute_query(SQL("%s = ANY(%s)", unlinking, of_ids))

    def _get_linked(self):
        """Return those of these records that links to be emptied may point to.

        They are looked for in every row: there is no index for it.
        """
        return self
