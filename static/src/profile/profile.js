import {Component, useState} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {KeepLast} from "@web/core/utils/concurrency";
import {useService} from "@web/core/utils/hooks";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {ProfileRow} from "./profile_row";

/** On the bus after a decision: what else shows the customer's categories follows. */
export const DECIDED = "CUSTOMER-CLASSIFICATION:DECIDED";
const SHOW_ALL_KEY = "customer_classification.profile.show_all";

/**
 * Every dimension of the customer on the contact's form, to be read and edited in
 * place. It reads and writes by itself: saving a category never saves the contact.
 */
export class CustomerProfile extends Component {
    static template = "customer_classification.Profile";
    static components = {ProfileRow};
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.chips = useService("customer_chip");
        this.keepLast = new KeepLast();
        this.state = useState({
            profile: null,
            failed: false,
            // What changes by itself, by the id of the computed category
            outlooks: {},
            showAll: Boolean(browser.localStorage.getItem(SHOW_ALL_KEY)),
        });
        useRecordObserver((record) => {
            // Once saved, a contact may belong to another company
            this.savedAt = record.data.write_date;
            return this.load(record.resId);
        });
    }

    get dimensions() {
        return this.state.profile.groups.flatMap((group) => group.dimensions);
    }

    /** The dimensions that can be folded away; none while all of them are empty. */
    get foldable() {
        const empty = this.dimensions.filter((dimension) => this.isEmpty(dimension));
        return empty.length < this.dimensions.length ? empty : [];
    }

    get foldLabel() {
        return _t("Show %s without category", this.foldable.length);
    }

    get groups() {
        const hidden = this.state.showAll ? [] : this.foldable;
        return this.state.profile.groups
            .map((group) => ({
                ...group,
                dimensions: group.dimensions.filter(
                    (dimension) => !hidden.includes(dimension)
                ),
            }))
            .filter((group) => group.dimensions.length);
    }

    /** Whether categories computed from invoices are still to come. */
    get awaitsInvoices() {
        const {customer, has_invoices} = this.state.profile;
        return (
            customer &&
            !has_invoices &&
            this.dimensions.some((dimension) => dimension.method === "score")
        );
    }

    isEmpty(dimension) {
        return !dimension.entries.length && !dimension.is_missing;
    }

    /** Read the profile; an error is shown in place and leaves the form alone. */
    async load(partnerId) {
        try {
            this.state.profile = await this.keepLast.add(
                this.orm.call("res.partner", "get_customer_profile", [[partnerId]])
            );
            this.state.failed = false;
        } catch {
            this.state.failed = true;
            return;
        }
        this.loadOutlooks();
    }

    /** Ask what changes by itself once the page is there: it takes longer. */
    async loadOutlooks() {
        const {profile} = this.state;
        this.state.outlooks = {};
        const ids = this.dimensions
            .flatMap((dimension) => dimension.entries)
            .filter((entry) => ["score", "rule"].includes(entry.source))
            .map((entry) => entry.assignment_id);
        if (!ids.length) {
            return;
        }
        try {
            const outlooks = await this.orm.silent.call(
                "customer.assignment",
                "get_short_outlook",
                [ids]
            );
            if (profile === this.state.profile) {
                this.state.outlooks = outlooks;
            }
        } catch {
            // The categories are there; what is to come is only an addition
        }
    }

    reload() {
        return this.load(this.props.record.resId);
    }

    /** After a decision: this page, the badges and the history show it. */
    async onDecided() {
        const {record} = this.props;
        this.chips.clear();
        await this.reload();
        this.env.bus.trigger(DECIDED);
        // What is being typed elsewhere on the form must not get lost; saving it
        // refreshes the badges, too.
        if (!(await record.isDirty())) {
            await record.load();
        }
    }

    toggleAll() {
        this.state.showAll = !this.state.showAll;
        if (this.state.showAll) {
            browser.localStorage.setItem(SHOW_ALL_KEY, "1");
        } else {
            browser.localStorage.removeItem(SHOW_ALL_KEY);
        }
    }

    openCustomer() {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "res.partner",
            res_id: this.state.profile.customer.id,
            views: [[false, "form"]],
        });
    }

    configure() {
        return this.action.doAction(
            "customer_classification.customer_dimension_action"
        );
    }
}

export const customerProfile = {
    component: CustomerProfile,
    fieldDependencies: [{name: "write_date", type: "datetime"}],
};

registry
    .category("view_widgets")
    .add("customer_classification_profile", customerProfile);
