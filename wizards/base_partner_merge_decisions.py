from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import SQL


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """Decisions by hand of contacts that are merged: one holds, none is forgotten.

    Of several about the same, one that holds wins over one that has ended or rests;
    then that about the remaining contact; then the one that holds longer; then the
    older one. The history says which gave way and why, the contact's chatter which.
    """

    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _merge_customer_decisions(self, src_partners, dst_partner):
        """Leave one decision for each key among the merged contacts, and say so."""
        # sudo: decisions of all companies and dimensions move along
        Override = self.env["customer.override"].sudo()
        every = Override.search(
            [("partner_id", "in", (src_partners + dst_partner).ids)], order="id"
        )
        told = []
        groups = every.grouped(lambda o: (o.dimension_id, o.company_id, o.slot))
        for decisions in groups.values():
            kept, *others = decisions.sorted(
                lambda o: (
                    o.has_ended,
                    o.is_without_customer,
                    o.partner_id != dst_partner,
                    bool(o.date_end),
                    -o.date_end.toordinal() if o.date_end else 0,
                    o.id,
                )
            )
            if kept.has_ended:
                # all have: the history has their ends, and one of them its place
                self._delete_merged_decisions(Override.union(*others))
                continue
            gone = Override.union(*others).filtered(lambda o: not o.has_ended)
            for decision in gone:
                why = self._explain_kept_decision(kept, decision, dst_partner)
                self._record_merged_decision(
                    decision, *decision._get_decided_category(), kept, dst_partner, why
                )
                told.append((kept.dimension_id, kept.company_id, why))
            if kept.partner_id != dst_partner and dst_partner not in gone.partner_id:
                why = self.env._(
                    "Contacts merged: the decision about “%(gone)s” holds from now on; "
                    "none was in force about “%(kept)s”.",
                    gone=kept.partner_id.display_name,
                    kept=dst_partner.display_name,
                )
                shown = kept._get_computed_of(dst_partner)
                self._record_merged_decision(kept, *shown, kept, dst_partner, why)
                told.append((kept.dimension_id, kept.company_id, why))
            self._delete_merged_decisions(Override.union(*others))
        self._tell_merged_decisions(told, dst_partner)

    @api.model
    def _explain_kept_decision(self, kept, gone, dst_partner):
        """Return the sentence on why one decision holds and the other does not."""
        names = {
            "kept": kept.partner_id.display_name,
            "gone": gone.partner_id.display_name,
        }
        if gone.is_without_customer and not kept.is_without_customer:
            return self.env._(
                "Contacts merged: the decision about “%(kept)s” holds, and not the one "
                "about “%(gone)s”, who was no customer of its own.",
                **names,
            )
        if kept.partner_id == dst_partner:
            return self.env._(
                "Contacts merged: the decision about “%(kept)s” holds, and not the one "
                "about “%(gone)s”, because the former is the contact that remains.",
                **names,
            )
        if kept.date_end != gone.date_end:
            return self.env._(
                "Contacts merged: the decision about “%(kept)s” holds, and not the one "
                "about “%(gone)s”, because it lasts longer.",
                **names,
            )
        return self.env._(
            "Contacts merged: the decision about “%(kept)s” holds, and not the one "
            "about “%(gone)s”, because it was made first.",
            **names,
        )

    @api.model
    def _record_merged_decision(self, about, old, old_since, kept, dst_partner, why):
        """Add a history row: ``old`` gives way to what ``kept`` decides."""
        new, _since = kept._get_decided_category()
        # past `create`, which would publish it: nothing happened to a customer
        self.env.execute_query(
            SQL(
                """
                INSERT INTO customer_assignment_history (
                    partner_id, company_id, dimension_id, slot, event, date,
                    old_category_id, old_since, new_category_id, date_end,
                    user_id, reason
                )
                VALUES (
                    %(partner)s, %(company)s, %(dimension)s, %(slot)s, 'merged',
                    %(now)s, %(old)s, %(old_since)s, %(new)s, %(date_end)s,
                    %(user)s, %(reason)s
                )
                """,
                partner=dst_partner.id,
                company=about.company_id.id or None,
                dimension=about.dimension_id.id,
                slot=about.slot,
                now=fields.Datetime.now(),
                old=old.id or None,
                old_since=old_since or None,
                new=new.id or None,
                date_end=kept.date_end or None,
                user=self.env.uid,
                reason=why,
            )
        )

    @api.model
    def _delete_merged_decisions(self, decisions):
        """Delete those that gave way, whose end the history has already."""
        decisions._remove_review_activities()
        self.env.execute_query(
            SQL("DELETE FROM customer_override WHERE id = ANY(%s)", decisions.ids)
        )
        decisions.invalidate_model()

    @api.model
    def _tell_merged_decisions(self, told, dst_partner):
        """Note on the remaining contact which decisions hold.

        Categories are not named: whoever sees the contact reads it. Of a dimension
        for certain groups, only the history tells.
        """
        lines = []
        for dimension, company, why in told:
            if dimension.view_group_ids:
                continue
            name = dimension.name
            if company and len(self.env.companies) > 1:
                name = self.env._(
                    "%(dimension)s (%(company)s)",
                    dimension=name,
                    company=company.name,
                )
            lines.append(Markup("<li>%s: %s</li>") % (name, why))
        if lines:
            dst_partner.message_post(
                body=Markup("<p>%s</p><ul>%s</ul>")
                % (
                    self.env._(
                        "Categories set by hand; the classification history has them "
                        "all."
                    ),
                    Markup().join(lines),
                )
            )
