import {Component} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {CustomerChip} from "./customer_chip";

const fields = registry.category("fields");

/** The widget as another app brings it; without that app Odoo takes a plain one. */
function getPartnerField() {
    return fields.get("res_partner_many2one", null) || fields.get("many2one");
}

/**
 * The partner field that quotations, invoices and leads share, with the chip of the
 * customer beside it. Only in forms: the registry's key says so.
 */
export class PartnerWithChip extends Component {
    static template = "customer_classification.PartnerWithChip";
    static components = {CustomerChip};
    static props = ["*"];

    setup() {
        this.PartnerField = getPartnerField().component;
    }

    get partnerId() {
        const {name, record} = this.props;
        // A contact shows its customer's categories anyway
        return record.resModel !== "res.partner" && record.data[name]?.id;
    }
}

fields.add("form.res_partner_many2one", {
    component: PartnerWithChip,
    supportedTypes: ["many2one"],
    extractProps: (...args) => getPartnerField().extractProps(...args),
});
