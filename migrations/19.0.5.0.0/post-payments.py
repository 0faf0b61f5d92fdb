"""From 19.0.4.0.0: how customers pay is a right of its own."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Let everybody who saw payments see them still.

    Who had the role of a user gets the one that includes payments. The shipped
    dimension becomes visible to that role only, unless somebody chose who sees it.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    user = env.ref("customer_classification.group_customer_classification_user")
    payment = env.ref("customer_classification.group_customer_classification_payment")
    payment.user_ids |= user.user_ids
    dimension = env.ref("customer_classification.dimension_payment", False)
    if dimension and not dimension.view_group_ids:
        dimension.view_group_ids = payment
