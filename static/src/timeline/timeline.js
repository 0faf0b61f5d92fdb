import {Component, useState} from "@odoo/owl";
import {DateTimeInput} from "@web/core/datetime/datetime_input";
import {
    deserializeDate,
    deserializeDateTime,
    serializeDate,
    toLocaleDateString,
} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {KeepLast} from "@web/core/utils/concurrency";
import {useBus, useService} from "@web/core/utils/hooks";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {DECIDED} from "../profile/profile";

const STEP = 40;

/**
 * What happened to the customer's categories, day by day, and what was shown on a
 * past day. It reads by itself, like the profile above it.
 */
export class CustomerTimeline extends Component {
    static template = "customer_classification.Timeline";
    static components = {DateTimeInput};
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.keepLast = new KeepLast();
        this.keepLastPast = new KeepLast();
        this.state = useState({timeline: null, failed: false, past: null});
        this.limit = STEP;
        useRecordObserver((record) => {
            // Once saved, a contact may belong to another company
            this.savedAt = record.data.write_date;
            if (record.resId !== this.partnerId) {
                this.partnerId = record.resId;
                this.limit = STEP;
                this.state.past = null;
            }
            return this.load();
        });
        useBus(this.env.bus, DECIDED, () => this.load());
    }

    get days() {
        return this.state.timeline.days;
    }

    get today() {
        return deserializeDate(this.state.timeline.today);
    }

    get pastDay() {
        return this.state.past ? deserializeDate(this.state.past.day) : false;
    }

    /** Read the timeline; an error is shown in place and leaves the form alone. */
    async load() {
        try {
            this.state.timeline = await this.keepLast.add(
                this.orm.call("res.partner", "get_customer_timeline", [
                    [this.partnerId],
                    this.limit,
                ])
            );
            this.state.failed = false;
        } catch {
            this.state.failed = true;
        }
    }

    async showMore() {
        this.limit += 5 * STEP;
        await this.load();
    }

    /** Show what the customer showed as a day ended; nothing without a day. */
    async showDay(day) {
        if (!day) {
            this.state.past = null;
            return;
        }
        this.state.past = await this.keepLastPast.add(
            this.orm.call("res.partner", "get_customer_shown_on", [
                [this.partnerId],
                serializeDate(day),
            ])
        );
    }

    /** Whether another category shows than before; a decision may be only extended. */
    isChange(entry) {
        return entry.event !== "first" && entry.old.id !== entry.new.id;
    }

    formatDay(day) {
        return toLocaleDateString(deserializeDate(day));
    }

    formatTime(moment) {
        const tz = this.state.timeline.timezone;
        return deserializeDateTime(moment, {tz}).toLocaleString(
            luxon.DateTime.TIME_SIMPLE
        );
    }

    /** Who and until when, in small text. */
    getDetails(entry) {
        const details = [];
        if (entry.by) {
            details.push(_t("by %s", entry.by));
        }
        if (entry.until) {
            details.push(_t("until %s", this.formatDay(entry.until)));
        }
        if (entry.former) {
            details.push(_t("of the merged contact %s", entry.former));
        }
        if (entry.is_hidden) {
            details.push(_t("not shown: a decision by hand was in force"));
        }
        return details.join(" · ");
    }

    openRun(run) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "customer.classification.run",
            res_id: run.id,
            views: [[false, "form"]],
        });
    }
}

export const customerTimeline = {
    component: CustomerTimeline,
    fieldDependencies: [{name: "write_date", type: "datetime"}],
};

registry
    .category("view_widgets")
    .add("customer_classification_timeline", customerTimeline);
