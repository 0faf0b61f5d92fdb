from odoo import api, fields, models

from .customer_rights import MANAGER_GROUP, check_manager


class CustomerDimension(models.Model):
    """How many customers may change at once, and what waits because of that."""

    _inherit = "customer.dimension"

    brake_share = fields.Float(
        "Ask Before More Than (%)",
        digits=(5, 2),
        default=20.0,
        help="A new version of the rules that would change more than this share of the "
        "classified customers waits for a manager's approval, and so does what "
        "invoices, payments and contacts change in one day. One customer alone is "
        "never held. 0: never ask.",
    )
    held_version_id = fields.Many2one("customer.hold", compute="_compute_held")
    held_movement_id = fields.Many2one("customer.hold", compute="_compute_held")
    held_version_text = fields.Char(compute="_compute_held")
    held_movement_text = fields.Char(compute="_compute_held")
    rejected_version_id = fields.Many2one(
        "customer.ruleset",
        compute="_compute_held",
        help="The settings are those of this version, which was rejected.",
    )

    _brake_valid = models.Constraint(
        "CHECK (brake_share >= 0 AND brake_share <= 100)",
        "The share of customers who may change is a percentage from 0 to 100.",
    )

    @api.depends("ruleset_ids.state", "brake_share")
    @api.depends_context("company", "uid", "lang")
    def _compute_held(self):
        Hold = self.env["customer.hold"]
        is_manager = self.env.user.has_group(MANAGER_GROUP)
        for dimension in self:
            owner = dimension._get_owner()
            version = Hold.browse()
            movement = Hold.browse()
            rejected = self.env["customer.ruleset"].browse()
            if is_manager and dimension._origin.id:
                origin = dimension._origin
                version = Hold._get_standing(origin, owner, "version")
                movement = Hold._get_blocking(origin, owner, dimension._get_day())
                rejected = rejected._get_waiting(origin, owner)
                rejected = rejected.filtered(lambda r: r.state == "rejected")
            dimension.held_version_id = version
            dimension.held_movement_id = movement[:1]
            dimension.held_version_text = bool(version) and version._describe()
            dimension.held_movement_text = bool(movement) and movement[:1]._describe()
            dimension.rejected_version_id = rejected[:1]

    def _compute_has_pending_settings(self):
        result = super()._compute_has_pending_settings()
        for dimension in self.filtered("has_pending_settings"):
            owner = dimension._get_owner()
            waiting = self.env["customer.ruleset"]._get_waiting(
                dimension._origin, owner
            )
            settings = [ruleset._get_settings() for ruleset in waiting]
            if dimension._get_settings(owner) in settings:
                dimension.has_pending_settings = False
        return result

    def write(self, vals):
        released = self.browse()
        if "brake_share" in vals and not vals["brake_share"]:
            released = self.filtered("brake_share")
        result = super().write(vals)
        # sudo: the engine writes what is held; the right to switch it off was checked
        for hold in (
            self.env["customer.hold"]
            .sudo()
            .search(
                [
                    ("dimension_id", "in", released.ids),
                    ("state", "=", "held"),
                    ("kind", "=", "data"),
                ]
            )
        ):
            hold._close("replaced")
            hold.movement_ids._release(hold)
        return result

    def action_open_held_version(self):
        """Open what a new version would change."""
        return self._open_hold(self.held_version_id)

    def action_open_held_movement(self):
        """Open the customers who wait."""
        return self._open_hold(self.held_movement_id)

    def _open_hold(self, hold):
        return {
            "type": "ir.actions.act_window",
            "res_model": "customer.hold",
            "res_id": hold.id,
            "views": [[False, "form"]],
        }

    def action_bring_settings_back(self):
        """Give the dimension the settings of the version in force again."""
        self.ensure_one()
        check_manager(self.env)
        self._apply_settings(self.active_ruleset_id._get_settings(), self._get_owner())
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _is_braked(self):
        self.ensure_one()
        return bool(self.brake_share)

    def _get_owner(self):
        """Return the company whose versions the user works with; none if shared."""
        self.ensure_one()
        company = self.env.company.root_id
        return company.browse() if self.is_shared else company

    def _get_day(self):
        owner = self._get_owner()
        if owner:
            return owner._get_customer_today()
        return owner._get_customer_today_of_all()
