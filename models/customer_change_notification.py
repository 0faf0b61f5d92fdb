import logging

from markupsafe import Markup

from odoo import SUPERUSER_ID, api, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from .customer_message import get_message_values

_logger = logging.getLogger(__name__)

#: Changes that a message lists one by one; more are summed up
LISTED_CHANGES = 5


class CustomerDimension(models.Model):
    _inherit = "customer.dimension"

    def _is_visible_to(self, user):
        """Return whether ``user`` may see the dimension's categories."""
        self.ensure_one()
        groups = self.view_group_ids
        return not groups or bool(groups & user.all_group_ids)


class CustomerCategoryChange(models.Model):
    """Tell the salespeople: one message each about all changes since the last."""

    _inherit = "customer.category.change"

    @api.model
    def _get_salespeople_to_notify(self):
        """Return whom there is something to tell, when everything is known.

        What a run is still applying waits for its end: one message for a run.
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT change.salesperson_id
                  FROM customer_category_change AS change
                  JOIN customer_assignment_history AS history
                    ON history.id = change.history_id
                  LEFT JOIN customer_classification_run AS run
                    ON run.id = history.run_id
                 WHERE change.is_to_notify
                   AND change.salesperson_id IS NOT NULL
                   AND NOT EXISTS (
                       SELECT FROM customer_assignment_history WHERE is_to_publish
                   )
                 GROUP BY change.salesperson_id
                HAVING COALESCE(bool_and(run.state <> 'running'), TRUE)
                 ORDER BY change.salesperson_id
                """
            )
        )
        return self.env["res.users"].browse([user_id for [user_id] in rows])

    @api.model
    def _notify_salesperson(self, salesperson):
        """Send one message about what ``salesperson`` was not told yet.

        Whom it cannot be sent to stops nobody else's, and is not tried for ever.
        """
        changes = self.search(
            [("salesperson_id", "=", salesperson.id), ("is_to_notify", "=", True)]
        )
        changes.write({"is_to_notify": False})
        try:
            with self.env.cr.savepoint():
                changes._get_visible_to(salesperson)._send_to(salesperson)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            self.env.invalidate_all()
            _logger.exception(
                "User %s cannot be told of changed categories", salesperson.id
            )

    def _send_to(self, salesperson):
        if not self:
            return
        changes = self.with_context(lang=salesperson.lang)
        customer = self.partner_id if len(self.partner_id) == 1 else None
        # sudo: sending is the addon's; the text was made with the reader's rights
        thread = self.env["mail.thread"].with_user(SUPERUSER_ID)
        thread.with_context(lang=salesperson.lang).message_notify(
            model=customer._name if customer else False,
            res_id=customer.id if customer else False,
            partner_ids=salesperson.partner_id.ids,
            subject=changes._get_message_subject(),
            body=changes._get_message_body(),
        )

    def _get_visible_to(self, user):
        """Return these changes as ``user`` sees them, without those they may not.

        They may have lost the customer, the company or the dimension meanwhile, or
        have had no right to any of them.
        """
        if (
            not user.active
            or user.share
            or not user.has_group(
                "customer_classification.group_customer_classification_user"
            )
        ):
            return self.browse()
        changes = (
            self.with_user(user)
            .with_context(allowed_company_ids=user.company_ids.ids)
            .search([("id", "in", self.ids)])
        )
        return changes.filtered(lambda change: change.dimension_id._is_visible_to(user))

    def _get_message_subject(self):
        customers = self.partner_id
        if len(customers) == 1:
            return self.env._(
                "%(customer)s changed category", customer=customers.display_name
            )
        return self.env._(
            "%(count)s of your customers changed category", count=len(customers)
        )

    def _get_message_body(self):
        """Return the message as HTML: each change, or how many went where."""
        if len(self) <= LISTED_CHANGES:
            lines = [change._get_message_line() for change in self]
        else:
            lines = self._get_summary_lines()
        body = Markup("<ul>%s</ul>") % Markup().join(
            Markup("<li>%s</li>") % line for line in lines
        )
        link = Markup('<p><a href="%s/odoo/my-category-changes">%s</a></p>') % (
            self.browse().get_base_url(),
            self.env._("All changes of my customers"),
        )
        return body + link

    def _get_message_line(self):
        self.ensure_one()
        values = get_message_values(self)
        if self.explanation:
            return self.env._(
                "%(customer)s: %(dimension)s from %(old)s to %(new)s. %(why)s",
                why=self.explanation,
                **values,
            )
        return self.env._(
            "%(customer)s: %(dimension)s from %(old)s to %(new)s", **values
        )

    def _get_summary_lines(self):
        """Return how many changed to each category, by dimension."""
        groups = self.grouped(lambda c: (c.dimension_id, c.new_category_id))
        return [
            self.env._(
                "%(dimension)s: %(count)s to %(category)s",
                dimension=dimension.name,
                count=len(changes),
                category=category.name or self.env._("none"),
            )
            for (dimension, category), changes in sorted(
                groups.items(), key=lambda g: (g[0][0].sequence, g[0][0].id, -len(g[1]))
            )
        ]
