from odoo import models


class CustomerCategory(models.Model):
    """Categories as a tree: a wider one includes its parts."""

    _inherit = "customer.category"

    def _get_wider_ids(self):
        """Return the ids of the wider categories, the widest first, and of this one."""
        self.ensure_one()
        return [int(id_) for id_ in self.parent_path.split("/")[:-1]]

    def _get_tree_key(self):
        """Return a key that sorts categories of a dimension, parts below the wider."""
        self.ensure_one()
        return (
            self.dimension_id.sequence,
            self.dimension_id.id,
            [(c.sequence, c.id) for c in self.browse(self._get_wider_ids())],
        )

    def _add_up_parts(self, counts):
        """Return the counts with those of the parts added to the wider categories.

        Only right where a customer has one category of the dimension.

        :param dict counts: numbers by id of the category
        :return: dict with the numbers of these categories and of all wider ones
        """
        # parts outside of these count, too
        wider_ids = {
            category.id: category._get_wider_ids()
            for category in self.browse(counts).exists()
        }
        result = {}
        for id_, count in counts.items():
            for wider_id in wider_ids[id_]:
                result[wider_id] = result.get(wider_id, 0) + count
        return result
