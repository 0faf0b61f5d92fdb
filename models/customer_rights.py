"""What has to hold before a wish is carried out: a right, and a working server."""

from odoo.exceptions import AccessError, UserError

USER_GROUP = "customer_classification.group_customer_classification_user"
PAYMENT_GROUP = "customer_classification.group_customer_classification_payment"
MARKETING_GROUP = "customer_classification.group_customer_classification_marketing"
MANAGER_GROUP = "customer_classification.group_customer_classification_manager"


def check_manager(env):
    """Refuse what only managers of the customer classification may do.

    :raise AccessError: without their group
    """
    if not env.user.has_group(MANAGER_GROUP):
        raise AccessError(
            env._("Only managers of the customer classification may do this.")
        )


def get_working_cron(env, xml_id):
    """Return a scheduled action that is to do what was asked for, as superuser.

    :raise UserError: while it is switched off
    """
    # sudo: scheduled actions belong to Odoo's administrators
    cron = env.ref(xml_id).sudo()
    if not cron.active:
        raise UserError(
            env._(
                "The scheduled action “%(name)s” is switched off; ask an "
                "administrator to switch it on.",
                name=cron.name,
            )
        )
    return cron
