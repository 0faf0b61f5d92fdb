from odoo import fields, models

from .customer_product_figures import MARGIN_GROUPS, SHARE_DIGITS
from .res_partner import _figure, _money

MODEL = "customer.product.figures"


def _percentage(name, string, **kwargs):
    """Return a field of the contact that shows a percentage; who has none has none."""
    return _figure(
        fields.Float,
        name,
        string,
        model=MODEL,
        may_be_undefined=True,
        digits=(16, SHARE_DIGITS),
        aggregator="avg",
        **kwargs,
    )


class ResPartner(models.Model):
    """What the customer buys, as the contact shows it.

    Costs are not for everybody: what follows from them is shown to managers only.
    """

    _inherit = "res.partner"

    customer_discount_share = _percentage(
        "discount_share",
        "Discount (%)",
        help="How much of the value before discount was given as discount on lines, in "
        "the period of value. Credit notes are deducted from both.",
    )
    customer_margin_window = _money(
        "margin_window",
        "Margin in Period",
        model=MODEL,
        groups=MARGIN_GROUPS,
        may_be_undefined=True,
        help="Net revenue in the period of value less the cost of what was sold. Lines "
        "of a product without a cost, or without a product, do not count. The cost is "
        "the one on the product today.",
    )
    customer_margin_share = _percentage(
        "margin_share",
        "Margin (%)",
        groups=MARGIN_GROUPS,
        help="The margin in percent of the net revenue of the lines with a known cost.",
    )
    customer_costed_share = _percentage(
        "costed_share",
        "Known Cost (%)",
        groups=MARGIN_GROUPS,
        help="How much of the value of all lines is of lines with a known cost, so how "
        "far the margin can be trusted. Credit notes count like invoices here.",
    )
    customer_main_product_category_id = _figure(
        fields.Many2one,
        "main_product_category_id",
        "Main Product Category",
        model=MODEL,
        comodel_name="product.category",
        help="The product category with the highest net revenue in the period of "
        "value.",
    )
    customer_main_product_share = _percentage(
        "main_product_share",
        "Share of Main Category (%)",
        help="The net revenue of the main product category, in percent of that of all "
        "categories with a positive one. What has no category counts as one more.",
    )

    def action_show_customer_products(self):
        """Open what the customer buys, by product category, in the active company."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_classification.customer_product_share_action"
        )
        customer = self.commercial_partner_id
        return {
            **action,
            "display_name": self.env._("Products of %s", customer.display_name),
            "domain": [
                ("partner_id", "=", customer.id),
                ("company_id", "=", self.env.company.root_id.id),
            ],
            "context": {},
        }
