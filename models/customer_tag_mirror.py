from odoo import api, fields, models
from odoo.tools import SQL

from .customer_scope import EVERYONE, Scope

TAGS_TABLE = "res_partner_res_partner_category_rel"


class CustomerDimension(models.Model):
    """Optional mirror of a dimension into Odoo's own contact tags.

    One way: each category has a tag, and after each computation and each decision by
    hand exactly the customers in the category have it. Other tags, contacts of a
    customer and the contacts' own rows are never touched, so that nothing looks
    edited. Tags know no company, so the mirror follows one: the chosen one, or what
    all companies share.
    """

    _inherit = "customer.dimension"

    mirror_tags = fields.Boolean(
        "Mirror into Contact Tags",
        help="Customers get a contact tag for their category, kept in step with it. "
        "Changing the tags changes no category. Switched off, these tags disappear.",
    )
    mirror_company_id = fields.Many2one(
        "res.company",
        string="Tags Follow",
        domain="[('parent_id', '=', False)]",
        default=lambda self: self._get_main_company(),
        ondelete="set null",
        help="Contact tags are the same in all companies: they show the category that "
        "the customer has in this one.",
    )
    mirror_tag_id = fields.Many2one(
        "res.partner.category",
        string="Tag of the Dimension",
        readonly=True,
        copy=False,
        ondelete="set null",
        help="The tags of the categories stand below this one.",
    )

    @api.model
    def _get_main_company(self):
        # sudo: the first company, whoever asks
        return self.env["res.company"].sudo().search([("parent_id", "=", False)])[:1]

    def write(self, vals):
        result = super().write(vals)
        if "mirror_tags" in vals:
            self.filtered(lambda d: not d.mirror_tags)._remove_mirror()
        if {"mirror_tags", "mirror_company_id", "active"} & vals.keys():
            self.filtered("mirror_tags")._update_mirror()
        elif "name" in vals:
            self._rename_mirror_tags()
        return result

    def unlink(self):
        self._remove_mirror()
        return super().unlink()

    def _rename_mirror_tags(self):
        for dimension in self.filtered("mirror_tag_id"):
            # sudo: managers of the classification need not be Odoo's
            dimension.mirror_tag_id.sudo().name = dimension.name

    def _update_mirror(self, scope=EVERYONE):
        """Give and take the tags, so that exactly the categories in effect have them.

        :param Scope scope: whom to look at
        """
        for dimension in self:
            dimension._update_mirror_tags()
            self.env.flush_all()
            self.env.execute_query(dimension._get_mirror_query(scope))
        if self:
            self.env["res.partner"].invalidate_model(["category_id"])
            self.env["res.partner.category"].invalidate_model(["partner_ids"])

    def _update_mirror_tags(self):
        """Create the tags that are missing, also those that somebody deleted."""
        self.ensure_one()
        # sudo: whoever decides a category by hand need not manage the tags
        dimension = self.sudo().with_context(lang="en_US")
        categories = dimension.with_context(active_test=False).all_category_ids
        missing = categories.filtered(lambda category: not category.mirror_tag_id)
        if missing and not dimension.mirror_tag_id:
            dimension.mirror_tag_id = dimension._create_mirror_tag(
                dimension, color=dimension.color
            )
        for category in missing:
            category.mirror_tag_id = dimension._create_mirror_tag(
                category, color=category.color, parent_id=dimension.mirror_tag_id.id
            )

    def _create_mirror_tag(self, source, **values):
        """Create a tag with the name of ``source`` in every language."""
        tag = self.env["res.partner.category"].create({"name": source.name, **values})
        for lang, _name in self.env["res.lang"].get_installed():
            name = source.with_context(lang=lang).name
            if name != source.name:
                tag.with_context(lang=lang).name = name
        return tag

    def _get_mirror_query(self, scope):
        """Return the statement that writes the differences, and only those.

        Taken are the tags of customers only: what somebody gives to a contact of
        theirs is not the mirror's.
        """
        self.ensure_one()
        owner = self.env["res.company"] if self.is_shared else self.mirror_company_id
        company = owner.root_id
        today = (
            company._get_customer_today()
            if company
            else self.env["res.company"]._get_customer_today_of_all()
        )
        return SQL(
            """
            WITH decided AS (
                SELECT partner_id, slot, operation, category_id
                  FROM customer_override
                 WHERE dimension_id = %(dimension)s
                   AND company_id IS NOT DISTINCT FROM %(company)s
                   AND (date_end IS NULL OR date_end >= %(today)s)
                   AND %(in_scope)s
            ),
            effective AS (
                SELECT partner_id, category_id
                  FROM decided
                 WHERE operation IN ('set', 'add')
                 UNION
                SELECT computed.partner_id, computed.category_id
                  FROM customer_assignment AS computed
                 WHERE computed.dimension_id = %(dimension)s
                   AND computed.company_id IS NOT DISTINCT FROM %(company)s
                   AND computed.category_id IS NOT NULL
                   AND %(computed_in_scope)s
                   AND NOT EXISTS (
                       SELECT
                         FROM decided
                        WHERE decided.partner_id = computed.partner_id
                          AND decided.slot = computed.slot
                       )
            ),
            wanted AS (
                SELECT effective.partner_id, category.mirror_tag_id AS tag_id
                  FROM effective
                  JOIN customer_category AS category
                    ON category.id = effective.category_id
                 WHERE %(active)s AND category.mirror_tag_id IS NOT NULL
            ),
            given AS (
                SELECT tagged.partner_id, tagged.category_id AS tag_id
                  FROM %(tags)s AS tagged
                  JOIN customer_category AS category
                    ON category.mirror_tag_id = tagged.category_id
                  JOIN res_partner AS partner ON partner.id = tagged.partner_id
                 WHERE category.dimension_id = %(dimension)s
                   AND %(tagged_in_scope)s
                   -- customers, also those who are part of another by now
                   AND (partner.commercial_partner_id = partner.id
                        OR EXISTS (
                            SELECT
                              FROM customer_assignment AS former
                             WHERE former.partner_id = partner.id
                               AND former.dimension_id = %(dimension)s
                        ))
            ),
            taken AS (
                DELETE FROM %(tags)s AS tagged
                 USING (SELECT * FROM given EXCEPT SELECT * FROM wanted) AS former
                 WHERE tagged.partner_id = former.partner_id
                   AND tagged.category_id = former.tag_id
            )
            INSERT INTO %(tags)s (partner_id, category_id)
            SELECT partner_id, tag_id FROM wanted
            EXCEPT
            SELECT partner_id, tag_id FROM given
            ON CONFLICT DO NOTHING
            """,
            tags=SQL.identifier(TAGS_TABLE),
            dimension=self.id,
            company=company.id or None,
            today=today,
            active=self.active,
            in_scope=scope.on(SQL("partner_id")),
            computed_in_scope=scope.on(SQL.identifier("computed", "partner_id")),
            tagged_in_scope=scope.on(SQL.identifier("tagged", "partner_id")),
        )

    def _remove_mirror(self):
        """Take the tags from the customers; remove the tags that nobody else uses."""
        # sudo: managers of the classification need not manage the tags
        for dimension in self.sudo().filtered("mirror_tag_id"):
            dimension.all_category_ids._remove_mirror_tags()
            tag = dimension.mirror_tag_id
            dimension.mirror_tag_id = False
            tag._remove_if_unused()


class CustomerCategory(models.Model):
    _inherit = "customer.category"

    mirror_tag_id = fields.Many2one(
        "res.partner.category",
        string="Contact Tag",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )

    def write(self, vals):
        result = super().write(vals)
        followed = {name: vals[name] for name in ("name", "color") if name in vals}
        if followed:
            # sudo: managers of the classification need not manage the tags
            self.mirror_tag_id.sudo().write(followed)
        return result

    def unlink(self):
        self.sudo()._remove_mirror_tags()  # sudo: as above
        return super().unlink()

    def _remove_mirror_tags(self):
        """Take these categories' tags from the customers, and remove unused ones."""
        tags = self.mirror_tag_id
        if not tags:
            return
        self.env.flush_all()
        self.env.execute_query(
            SQL(
                """
                DELETE FROM %s AS tagged
                 USING res_partner AS partner
                 WHERE partner.id = tagged.partner_id
                   AND (partner.commercial_partner_id = partner.id
                        OR EXISTS (
                            SELECT
                              FROM customer_assignment AS former
                             WHERE former.partner_id = partner.id
                               AND former.dimension_id = ANY(%s)
                        ))
                   AND tagged.category_id = ANY(%s)
                """,
                SQL.identifier(TAGS_TABLE),
                self.dimension_id.ids,
                tags.ids,
            )
        )
        self.env.invalidate_all()
        self.mirror_tag_id = False
        tags._remove_if_unused()


class ResPartnerCategory(models.Model):
    _inherit = "res.partner.category"

    def _remove_if_unused(self):
        """Remove those of these tags that no contact has, and no tag stands below."""
        tags = self.with_context(active_test=False)
        tags.filtered(lambda tag: not (tag.partner_ids or tag.child_ids)).unlink()


class CustomerOverride(models.Model):
    _inherit = "customer.override"

    @api.model_create_multi
    def create(self, vals_list):
        overrides = super().create(vals_list)
        overrides._update_mirrored_tags()
        return overrides

    def write(self, vals):
        result = super().write(vals)
        self._update_mirrored_tags()
        return result

    def unlink(self):
        dimensions, partners = self.dimension_id, self.partner_id
        result = super().unlink()
        dimensions.filtered("mirror_tags")._update_mirror(Scope.of(partners.ids))
        return result

    def _update_mirrored_tags(self):
        self.dimension_id.filtered("mirror_tags")._update_mirror(
            Scope.of(self.partner_id.ids)
        )


class CustomerClassificationRunLine(models.Model):
    _inherit = "customer.classification.run.line"

    def _make_plan(self):
        plan = super()._make_plan()
        if not self._is_past() and self._get_mirrored_dimensions():
            plan.append({"do": "mirror"})
        return plan

    def _do_mirror(self, _job, _after):
        """Bring the contact tags in step with what the line applied."""
        self._get_mirrored_dimensions()._update_mirror(self._get_limit())

    def _get_mirrored_dimensions(self):
        # those that all companies share have no line where all are set by hand
        return self.env["customer.dimension"].search(
            [
                ("mirror_tags", "=", True),
                "|",
                ("is_shared", "=", True),
                ("mirror_company_id", "child_of", self.company_id.ids),
            ]
        )
