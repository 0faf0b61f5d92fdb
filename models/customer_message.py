"""What messages to people say of a customer's category that changed."""

from markupsafe import Markup


def get_message_values(row):
    """Return the customer as a link, the dimension, the old and new category, by name.

    :param row: a record with customer, dimension, company and both categories
    """
    values = {
        "customer": Markup('<a href="%s/odoo/res.partner/%s">%s</a>')
        % (
            row.browse().get_base_url(),
            row.partner_id.id,
            row.partner_id.display_name,
        ),
        "dimension": row.dimension_id.name,
        "old": row.old_category_id.name or row.env._("none"),
        "new": row.new_category_id.name or row.env._("none"),
    }
    if len(row.env.companies) > 1 and row.company_id:
        values["dimension"] = row.env._(
            "%(dimension)s (%(company)s)",
            dimension=row.dimension_id.name,
            company=row.company_id.name,
        )
    return values
