import logging

from markupsafe import Markup

from odoo import SUPERUSER_ID, api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, format_date

from .customer_message import get_message_values
from .customer_rights import MANAGER_GROUP, USER_GROUP

_logger = logging.getLogger(__name__)

#: Ended decisions that a message lists; of more it says how many
LISTED_DECISIONS = 20


class CustomerDimension(models.Model):
    _inherit = "customer.dimension"

    responsible_id = fields.Many2one(
        "res.users",
        domain="[('share', '=', False)]",
        ondelete="set null",
        help="Is told of what the people concerned cannot be told: decisions by hand "
        "that ended and reviews that are due. Empty: the managers of the customer "
        "classification.",
    )

    def _get_responsible_users(self):
        """Return who answers for the dimension."""
        self.ensure_one()
        responsible = self.responsible_id
        if responsible.active and responsible.has_group(USER_GROUP):
            return responsible
        return self.env.ref(MANAGER_GROUP).all_user_ids.filtered(
            lambda user: user.active and not user.share
        )


class CustomerAssignmentHistory(models.Model):
    """Tell the authors of decisions that ended: one message each, after a night.

    A row is marked when it is written, in the same statement, and the mark removed in
    the transaction that sends the message.
    """

    _inherit = "customer.assignment.history"

    is_to_tell = fields.Boolean(
        "Author to Be Told", readonly=True, help="The decision's author is told of it."
    )

    _to_tell_idx = models.Index("(user_id) WHERE is_to_tell")

    @api.model
    def _cron_tell_ended(self):
        """Tell each author of the decisions that ended, committing each message."""
        authors = self._get_authors_to_tell()
        commit_progress = self.env["ir.cron"]._commit_progress
        time_left = commit_progress(remaining=len(authors))
        for author in authors:
            if time_left <= 0:
                return
            self._tell_ended(author)
            time_left = commit_progress(1)

    @api.model
    def _get_authors_to_tell(self):
        """Return the authors of ended decisions of whom they were not told yet."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT user_id
                  FROM customer_assignment_history
                 WHERE is_to_tell
                 ORDER BY user_id
                """
            )
        )
        return [user_id for [user_id] in rows]

    @api.model
    def _tell_ended(self, author_id):
        """Send one message about the ended decisions of an author.

        Of those that the author may not see any more, who answers for the dimension
        is told instead.
        """
        rows = self._take_ended(author_id)
        author = self.env["res.users"].browse(author_id or ()).exists()
        own = rows._get_visible_to(author)
        by_reader = {author: own}
        for dimension, others in (rows - own).grouped("dimension_id").items():
            for user in dimension._get_responsible_users() - author:
                by_reader[user] = by_reader.get(user, self.browse()) | others
        for user, some in by_reader.items():
            visible = some._get_visible_to(user).with_context(lang=user.lang)
            if visible:
                visible._send_ended(user, is_author=user == author)

    @api.model
    def _take_ended(self, author_id):
        """Return the rows that ``author_id`` is to be told of, and unmark them."""
        taken = self.env.execute_query(
            SQL(
                """
                UPDATE customer_assignment_history
                   SET is_to_tell = FALSE
                 WHERE is_to_tell
                   AND user_id IS NOT DISTINCT FROM %s
                RETURNING id, partner_id
                """,
                author_id,
            )
        )
        self.invalidate_model(["is_to_tell"])
        # whose customer was erased meanwhile is about nobody
        return self.browse([id_ for id_, partner_id in taken if partner_id])

    def _get_visible_to(self, user):
        """Return those of these rows that ``user`` may see, with the user's rights."""
        if not user.active or user.share or not user.has_group(USER_GROUP):
            return self.browse()
        rows = (
            self.with_user(user)
            .with_context(allowed_company_ids=user.company_ids.ids)
            .search([("id", "in", self.ids)])
        )
        return rows.filtered(lambda row: row.dimension_id._is_visible_to(user))

    def _send_ended(self, user, is_author):
        """Send the message; whom it cannot be sent to stops nobody else's."""
        # sudo: sending is the addon's; the text is made with the reader's rights
        thread = self.env["mail.thread"].with_user(SUPERUSER_ID)
        try:
            with self.env.cr.savepoint():
                thread.with_context(lang=user.lang).message_notify(
                    partner_ids=user.partner_id.ids,
                    subject=self._get_ended_subject(is_author),
                    body=self._get_ended_body(),
                )
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            self.env.invalidate_all()
            _logger.exception("User %s cannot be told of ended decisions", user.id)

    def _get_ended_subject(self, is_author):
        if len(self) == 1:
            return self.env._(
                "The category of %(customer)s set by hand has ended",
                customer=self.partner_id.display_name,
            )
        if is_author:
            return self.env._(
                "%(count)s of the categories you set by hand have ended",
                count=len(self),
            )
        return self.env._(
            "%(count)s categories set by hand have ended", count=len(self)
        )

    def _get_ended_body(self):
        """Return the message as HTML: which decisions ended, and what holds now."""
        lines = [row._get_ended_line() for row in self[:LISTED_DECISIONS]]
        if len(self) > LISTED_DECISIONS:
            lines.append(
                self.env._("and %(count)s more", count=len(self) - LISTED_DECISIONS)
            )
        items = Markup().join(Markup("<li>%s</li>") % line for line in lines)
        return Markup('<ul>%s</ul><p><a href="%s/odoo/%s">%s</a></p>') % (
            items,
            self.browse().get_base_url(),
            "customer-categories-by-hand",
            self.env._("Categories set by hand"),
        )

    def _get_ended_line(self):
        self.ensure_one()
        return self.env._(
            "%(customer)s: %(dimension)s was set to %(old)s until %(date)s; the "
            "computed category holds now: %(new)s",
            date=format_date(self.env, self.date_end),
            **get_message_values(self),
        )


class CustomerClassificationRun(models.Model):
    _inherit = "customer.classification.run"

    def _close(self):
        """Let the authors know after a night, all they are to be told at once."""
        result = super()._close()
        if self.trigger == "cron":
            # sudo: scheduled actions belong to Odoo's administrators
            self.env.ref("customer_classification.ir_cron_tell_ended").sudo()._trigger()
        return result
