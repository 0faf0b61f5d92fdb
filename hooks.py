"""What Odoo calls when the addon leaves a database."""


def uninstall_hook(env):
    """Remove what belongs to the addon but was not created by its data files.

    The fields of the dimensions on ``res.partner`` are custom fields: without
    the code that computes them they would stay behind, broken.
    """
    dimensions = env["customer.dimension"].with_context(active_test=False).search([])
    dimensions._remove_partner_fields()
