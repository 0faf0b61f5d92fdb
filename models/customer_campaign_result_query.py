from odoo import api, fields, models
from odoo.tools import SQL

from .customer_campaign_result import EVENTS
from .customer_product_cost import COST, COST_JOINS, PRODUCTS
from .customer_scope import EVERYONE

#: The columns that the query computes, in its order
COLUMNS = (
    "member_id",
    "campaign_id",
    "company_id",
    "partner_id",
    "role",
    "date_start",
    "date_end",
    *EVENTS,
    "order_count",
    "invoice_count",
    "bought",
    "revenue",
    "margin",
    "is_margin_known",
    "revenue_once",
    "margin_once",
    "revenue_several",
    "revenue_shared",
)


class CustomerCampaignResult(models.Model):
    """How results follow from the documents and from what became of the messages."""

    _inherit = "customer.campaign.result"

    @api.model
    def _update(self, campaign):
        """Write the results of a campaign anew, as of today; only where they differ.

        All customers of the campaign are counted, whoever asks: run as superuser.
        """
        campaign.ensure_one()
        self._flush_sources()
        columns = [SQL.identifier(name) for name in COLUMNS]
        self.env.execute_query(
            SQL(
                """
                WITH computed (%(columns)s) AS MATERIALIZED (%(query)s),
                removed AS (
                    DELETE FROM customer_campaign_result
                     WHERE campaign_id = %(campaign)s
                       AND member_id NOT IN (SELECT member_id FROM computed)
                )
                INSERT INTO customer_campaign_result (%(columns)s)
                -- a row that is given again would be locked, and so written
                SELECT %(columns)s FROM computed
                EXCEPT ALL
                SELECT %(columns)s
                  FROM customer_campaign_result
                 WHERE campaign_id = %(campaign)s
                ON CONFLICT (member_id) DO UPDATE
                   SET (%(columns)s) = ROW(%(excluded)s)
                RETURNING 1
                """,
                query=self._get_query(campaign),
                campaign=campaign.id,
                columns=SQL(", ").join(columns),
                excluded=SQL(", ").join(SQL("EXCLUDED.%s", name) for name in columns),
            )
        )
        self.invalidate_model()

    @api.model
    def _get_query(self, campaign):
        """Return SQL for the results of a campaign, a row per customer.

        Documents count as for the figures of the company, by their own date, from the
        customer's first day on for ``window_days`` days; credit notes are deducted.
        """
        company = campaign.company_id
        return SQL(
            """
            WITH member AS MATERIALIZED (%(members)s),
            document AS MATERIALIZED (%(documents)s),
            overlap AS (%(overlaps)s),
            elsewhere AS (
                SELECT move_id, bool_or(is_later) AS is_later
                  FROM overlap
                 GROUP BY move_id
            ),
            product AS (%(products)s),
            -- lines with a known cost only
            earned AS (
                SELECT document.move_id, sum(-entry.balance - %(cost)s) AS margin
                  FROM document
                  JOIN account_move_line AS entry
                    ON entry.move_id = document.move_id
                   AND entry.display_type = 'product'
                  %(cost_joins)s
                 GROUP BY document.move_id
            ),
            bought AS (
                SELECT document.member_id,
                       count(*) FILTER (WHERE document.sign > 0) AS invoices,
                       sum(amount) AS revenue,
                       sum(margin) AS margin,
                       sum(amount) FILTER (WHERE is_later IS NOT TRUE) AS revenue_once,
                       sum(margin) FILTER (WHERE is_later IS NOT TRUE) AS margin_once,
                       sum(amount) FILTER (WHERE is_later IS FALSE) AS several,
                       sum(amount) FILTER (WHERE is_later IS NOT NULL) AS shared
                  FROM document
                  LEFT JOIN earned USING (move_id)
                  LEFT JOIN elsewhere USING (move_id)
                 GROUP BY document.member_id
            ),
            ordered AS (%(orders)s),
            message AS (%(messages)s),
            opted_out AS (%(opt_outs)s)
            SELECT member.id, %(campaign)s, %(company)s, member.partner_id, member.role,
                   member.first_day, member.end_day,
                   COALESCE(message.sent, 0),
                   COALESCE(message.delivered, 0),
                   COALESCE(message.opened, 0),
                   COALESCE(message.clicked, 0),
                   COALESCE(message.replied, 0),
                   (opted_out.member_id IS NOT NULL)::integer,
                   COALESCE(message.bounced, 0),
                   COALESCE(message.failed, 0),
                   COALESCE(ordered.orders, 0),
                   COALESCE(bought.invoices, 0),
                   (COALESCE(bought.invoices, 0) > 0)::integer,
                   COALESCE(bought.revenue, 0),
                   CASE WHEN bought.member_id IS NULL THEN 0
                        ELSE round(bought.margin, %(decimals)s)
                   END,
                   bought.member_id IS NULL OR bought.margin IS NOT NULL,
                   CASE WHEN is_target THEN COALESCE(bought.revenue_once, 0) ELSE 0 END,
                   CASE WHEN is_target
                        THEN round(COALESCE(bought.margin_once, 0), %(decimals)s)
                        ELSE 0
                   END,
                   COALESCE(bought.several, 0),
                   COALESCE(bought.shared, 0)
              FROM member
              LEFT JOIN bought ON bought.member_id = member.id
              LEFT JOIN ordered ON ordered.member_id = member.id
              LEFT JOIN message ON message.member_id = member.id
              LEFT JOIN opted_out ON opted_out.member_id = member.id
            """,
            members=self._get_members_query(campaign),
            documents=self._get_documents_query(campaign),
            overlaps=self._get_overlaps_query(campaign),
            products=PRODUCTS,
            cost=COST,
            cost_joins=COST_JOINS,
            orders=self._get_orders_query(company),
            messages=self._get_messages_query(campaign),
            opt_outs=self._get_opt_outs_query(campaign),
            campaign=campaign.id,
            company=company.id,
            decimals=company.currency_id.decimal_places,
        )

    @api.model
    def _get_members_query(self, campaign):
        """Return SQL for the customers whose days have begun, once it was sent."""
        return SQL(
            """
            SELECT id, partner_id, contact_id, address, role,
                   role = 'target' AS is_target,
                   date_start AS first_day,
                   date_start + %(days)s AS end_day,
                   LEAST(date_start + %(days)s, %(today)s) AS last_day
              FROM customer_campaign_member
             WHERE campaign_id = %(campaign)s
               AND role <> 'excluded'
               AND date_start <= %(today)s
               AND %(is_sent)s
            """,
            campaign=campaign.id,
            days=campaign.window_days - 1,
            today=campaign.company_id._get_customer_today(),
            is_sent=bool(campaign.sent_on),
        )

    @api.model
    def _get_documents_query(self, campaign):
        """Return SQL for the documents of the days that count, each with its member."""
        company = campaign.company_id
        settings = company._get_customer_settings()
        return SQL(
            """
            SELECT member.id AS member_id, member.partner_id, member.is_target,
                   member.first_day,
                   move.id AS move_id,
                   move.invoice_date AS day,
                   CASE WHEN move.move_type = 'out_refund' THEN -1 ELSE 1 END AS sign,
                   move.amount_untaxed_signed AS amount
              FROM member
              JOIN account_move AS move
                ON move.commercial_partner_id = member.partner_id
               AND move.invoice_date BETWEEN member.first_day AND member.last_day
             WHERE %s
            """,
            self.env["customer.figures"]._get_counted_condition(
                company,
                EVERYONE,
                fields.Date.to_date(settings["history_start"]),
                settings["receipts"],
            ),
        )

    @api.model
    def _get_overlaps_query(self, campaign):
        """Return SQL for the documents that other campaigns count, too.

        A row per document and other campaign; ``is_later``: that campaign's message
        was the later one.
        """
        return SQL(
            """
            SELECT document.move_id, document.partner_id, document.amount,
                   other.campaign_id,
                   (other.date_start, other.campaign_id)
                       > (document.first_day, %(campaign)s) AS is_later
              FROM document
              JOIN customer_campaign_member AS other
                ON other.partner_id = document.partner_id
               AND other.campaign_id <> %(campaign)s
               AND other.role = 'target'
              JOIN customer_campaign AS campaign ON campaign.id = other.campaign_id
             WHERE document.is_target
               AND campaign.sent_on IS NOT NULL
               AND campaign.company_id = %(company)s
               AND document.day BETWEEN other.date_start
                   AND other.date_start + campaign.window_days - 1
            """,
            campaign=campaign.id,
            company=campaign.company_id.id,
        )

    @api.model
    def _get_orders_query(self, company):
        """Return SQL for the confirmed sales orders, where that app is installed."""
        if "sale.order" not in self.env:
            return SQL("SELECT NULL::integer AS member_id, 0 AS orders WHERE FALSE")
        self.env["sale.order"].flush_model(
            ["partner_id", "company_id", "state", "date_order"]
        )
        return SQL(
            """
            SELECT member.id AS member_id, count(*) AS orders
              FROM sale_order
              JOIN res_partner AS buyer ON buyer.id = sale_order.partner_id
              JOIN member ON member.partner_id = buyer.commercial_partner_id
             WHERE sale_order.state = 'sale'
               AND sale_order.company_id = ANY(%(companies)s)
               AND %(day)s BETWEEN member.first_day AND member.last_day
             GROUP BY member.id
            """,
            companies=company._get_customer_branches().ids,
            day=self._get_day(company, SQL("sale_order.date_order")),
        )

    @api.model
    def _get_day(self, company, moment):
        """Return SQL for the day of a moment, where the company is.

        :param SQL moment: a timestamp in UTC
        """
        zone = company._in_customer_timezone().env.context["tz"]
        return SQL("(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)::date", moment, zone)

    @api.model
    def _get_messages_query(self, campaign):
        """Return SQL for what became of the messages, as the mailing counts it."""
        return SQL(
            """
            SELECT member.id AS member_id,
                   max((trace.sent_datetime IS NOT NULL)::integer) AS sent,
                   max((trace.trace_status IN ('sent', 'open', 'reply'))::integer)
                       AS delivered,
                   max((trace.trace_status IN ('open', 'reply'))::integer) AS opened,
                   max((trace.links_click_datetime IS NOT NULL)::integer) AS clicked,
                   max((trace.trace_status = 'reply')::integer) AS replied,
                   max((trace.trace_status = 'bounce')::integer) AS bounced,
                   max((trace.trace_status = 'error')::integer) AS failed,
                   min(trace.sent_datetime) AS sent_datetime
              FROM mailing_trace AS trace
              JOIN member ON member.contact_id = trace.res_id
             WHERE trace.mass_mailing_id = %s
               AND trace.model = 'res.partner'
               AND trace.is_test_trace IS NOT TRUE
               AND member.is_target
             GROUP BY member.id
            """,
            campaign.mailing_id.id or 0,
        )

    @api.model
    def _get_opt_outs_query(self, campaign):
        """Return SQL for the customers whose address was blacklisted after the message.

        An address that was on the blacklist got none: it went there after the sending.
        Odoo's page says which mailing's link was used, in the note that it leaves with
        the entry; whoever used that of another mailing did not opt out of this one.
        """
        if campaign.channel == "sms":
            model_name, table, column = "phone.blacklist", "phone_blacklist", "number"
        else:
            model_name, table, column = "mail.blacklist", "mail_blacklist", "email"
        return SQL(
            """
            SELECT DISTINCT member.id AS member_id
              FROM %(table)s AS entry
              JOIN member ON member.address = entry.%(column)s
              JOIN message ON message.member_id = member.id
              LEFT JOIN LATERAL (
                  SELECT note.body
                    FROM mail_message AS note
                   WHERE note.model = %(model)s
                     AND note.res_id = entry.id
                     AND note.body LIKE '%%data-oe-model="mailing.mailing"%%'
                   ORDER BY note.id DESC
                   LIMIT 1
              ) AS link ON TRUE
             WHERE entry.active
               AND message.sent = 1
               AND GREATEST(entry.create_date, entry.write_date)
                   >= message.sent_datetime
               AND %(day)s <= member.end_day
               AND (link.body IS NULL OR link.body LIKE %(this)s)
            """,
            table=SQL.identifier(table),
            column=SQL.identifier(column),
            model=model_name,
            day=self._get_day(
                campaign.company_id,
                SQL("GREATEST(entry.create_date, entry.write_date)"),
            ),
            this=f'%data-oe-model="mailing.mailing" '
            f'data-oe-id="{campaign.mailing_id.id or 0}"%',
        )

    @api.model
    def _flush_sources(self):
        """Write down what the query reads."""
        self.env["customer.product.figures"]._flush_lines()
        for model_name in (
            "customer.campaign",
            "customer.campaign.member",
            "customer.campaign.result",
            "mailing.trace",
            "mail.blacklist",
            "phone.blacklist",
            "res.partner",
        ):
            self.env[model_name].flush_model()
