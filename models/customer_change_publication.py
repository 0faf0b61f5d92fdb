import logging

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, groupby

_logger = logging.getLogger(__name__)

#: Changes created in one transaction: an automation rule may take a while for each
BATCH_SIZE = 200
#: Events of the history that end a decision by hand
ENDS = ("withdrawn", "expired")


class CustomerDimension(models.Model):
    _inherit = "customer.dimension"

    publish_changes = fields.Boolean(
        "Changes Start Automation Rules",
        help="Each change of the category in effect becomes a “Category Change”: "
        "automation rules on that model can start from its creation. First computed "
        "categories are no changes.",
    )

    @api.model
    def _get_is_published(self, dimension):
        """Return SQL for whether the changes of a dimension are to be published.

        :param SQL dimension: the dimension's id
        """
        self.flush_model(["publish_changes", "notify_salesperson"])
        return SQL(
            """(
                SELECT COALESCE(publish_changes OR notify_salesperson, FALSE)
                  FROM customer_dimension WHERE id = %s
            )""",
            dimension,
        )


class CustomerAssignmentHistory(models.Model):
    """The history as the list of what is still to be published.

    A row is marked when it is written, in the same statement, and the mark removed
    in the transaction that publishes it: each change is published exactly once,
    however often the scheduled action is interrupted.
    """

    _inherit = "customer.assignment.history"

    is_to_publish = fields.Boolean(
        readonly=True, help="Whether a “Category Change” is still to be made of it."
    )

    _to_publish_idx = models.Index("(id) WHERE is_to_publish")

    @api.model_create_multi
    def create(self, vals_list):
        dimensions = self.env["customer.dimension"].browse(
            {vals["dimension_id"] for vals in vals_list if vals.get("dimension_id")}
        )
        published = dimensions.filtered(
            lambda d: d.publish_changes or d.notify_salesperson
        )
        for vals in vals_list:
            vals["is_to_publish"] = vals.get("dimension_id") in published.ids
        if published:
            self.env["customer.category.change"]._schedule_publication()
        return super().create(vals_list)


class CustomerClassificationRun(models.Model):
    _inherit = "customer.classification.run"

    def _close(self):
        result = super()._close()
        self.env["customer.category.change"]._schedule_publication()
        return result


class CustomerCategoryChange(models.Model):
    _inherit = "customer.category.change"

    @api.model
    def _schedule_publication(self):
        """Ask for what is to be published, and told, as soon as possible."""
        # sudo: scheduled actions belong to Odoo's administrators
        self.env.ref("customer_classification.ir_cron_publish").sudo()._trigger()

    @api.model
    def _cron_publish(self):
        """Publish what changed, then tell the salespeople, committing each batch."""
        commit_progress = self.env["ir.cron"]._commit_progress
        time_left = commit_progress(remaining=self._count_unpublished())
        while time_left > 0:
            done = self._publish(BATCH_SIZE)
            if not done:
                break
            time_left = commit_progress(done)
        salespeople = self._get_salespeople_to_notify()
        if time_left > 0:
            time_left = commit_progress(remaining=len(salespeople))
        for salesperson in salespeople:
            if time_left <= 0:
                return
            self._notify_salesperson(salesperson)
            time_left = commit_progress(1)

    @api.model
    def _count_unpublished(self):
        return self.env["customer.assignment.history"].search_count(
            [("is_to_publish", "=", True)]
        )

    @api.model
    def _publish(self, limit):
        """Create the changes of the next ``limit`` marked rows of the history.

        :return: the number of rows handled; some of them change nothing in effect
        """
        self.env["customer.assignment.history"].flush_model()
        rows = self.env.execute_query_dict(self._get_unpublished_query(limit))
        partners = self.env["res.partner"].browse({row["partner_id"] for row in rows})
        salespeople = {partner.id: partner.user_id for partner in partners}
        vals_list = []
        for row in rows:
            if not row.pop("is_in_effect"):
                continue
            notify = row.pop("notify_salesperson")
            salesperson = salespeople[row["partner_id"]]
            is_author = row.pop("is_by_hand") and salesperson.id == row["user_id"]
            vals_list.append(
                {
                    **row,
                    "salesperson_id": salesperson.id,
                    "is_to_notify": bool(notify and salesperson and not is_author),
                }
            )
        for company_id, company_vals in groupby(
            vals_list, lambda vals: vals["company_id"]
        ):
            # what rules read of the contact is what it is in this company
            company = self.env["res.company"].browse(company_id or ())
            self.with_company(company)._create_published(company_vals)
        return len(rows)

    @api.model
    def _get_unpublished_query(self, limit):
        """Return the statement that takes marked rows, and what they changed.

        What was computed while a decision by hand was in force changed nothing in
        effect. One was, if the last event by hand before is not its end: a run
        records the decisions that ended before it applies anything.
        """
        return SQL(
            """
            WITH taken AS (
                UPDATE customer_assignment_history
                   SET is_to_publish = FALSE
                 WHERE id IN (
                       SELECT id
                         FROM customer_assignment_history
                        WHERE is_to_publish
                        ORDER BY id
                        LIMIT %(limit)s
                          FOR UPDATE SKIP LOCKED
                       )
                RETURNING *
            )
            SELECT taken.id AS history_id, taken.partner_id, taken.company_id,
                   taken.dimension_id, taken.old_category_id, taken.new_category_id,
                   taken.date, taken.user_id, taken.reason,
                   taken.event NOT IN ('run', 'expired') AS is_by_hand,
                   COALESCE(dimension.notify_salesperson, FALSE)
                       AS notify_salesperson,
                   taken.partner_id IS NOT NULL
                       AND taken.old_category_id
                           IS DISTINCT FROM taken.new_category_id
                       AND (taken.event <> 'run'
                            OR decision.event IS NULL
                            OR decision.event = ANY(%(ends)s)) AS is_in_effect
              FROM taken
              JOIN customer_dimension AS dimension
                ON dimension.id = taken.dimension_id
              LEFT JOIN LATERAL (
                   SELECT former.event
                     FROM customer_assignment_history AS former
                    WHERE former.partner_id = taken.partner_id
                      AND former.dimension_id = taken.dimension_id
                      AND former.company_id IS NOT DISTINCT FROM taken.company_id
                      -- “explicitly none” is about every slot
                      AND former.slot IN (taken.slot, 0)
                      AND former.event NOT IN ('run', 'merged')
                      AND (former.date, former.id) < (taken.date, taken.id)
                    ORDER BY former.date DESC, former.id DESC
                    LIMIT 1
                   ) AS decision ON taken.event = 'run'
             ORDER BY taken.id
            """,
            limit=limit,
            ends=list(ENDS),
        )

    @api.model
    def _create_published(self, vals_list):
        """Create the changes; one whose automation rules fail stops no other."""
        try:
            with self.env.cr.savepoint():
                self.create(vals_list)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            # whatever an administrator wrote into a rule
            self.env.invalidate_all()
            if len(vals_list) > 1:
                for vals in vals_list:
                    self._create_published([vals])
                return
            _logger.exception("An automation rule failed for a change of category")
            # past the rules, which hook into `create`
            models.BaseModel.create(self, [{**vals_list[0], "error": str(error)}])
