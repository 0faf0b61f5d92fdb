import {Component, onPatched, useRef, useState} from "@odoo/owl";
import {
    deserializeDate,
    deserializeDateTime,
    toLocaleDateString,
    today,
} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";
import {ProfileEditor} from "./profile_editor";
import {ReceiptDialog} from "./receipt_dialog";

const SOURCES = {
    manual: _t("by hand"),
    none: _t("by hand"),
    field: _t("from the contact's field"),
    rule: _t("by rule"),
    score: _t("by score"),
    default: _t("by default"),
};

/** One dimension: its categories, where they come from, why, and the editor. */
export class ProfileRow extends Component {
    static template = "customer_classification.ProfileRow";
    static components = {ProfileEditor};
    static props = {
        dimension: Object,
        profile: Object,
        outlooks: Object,
        onDecided: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.dialog = useService("dialog");
        this.root = useRef("root");
        // `editing`: the entry that the editor decides about and a key, or null
        this.state = useState({isExplained: false, editing: null});
        onPatched(() => {
            if (this.returnsFocus && !this.state.editing) {
                this.returnsFocus = false;
                this.focus();
            }
        });
    }

    /** Categories in effect first, those taken away by hand last. */
    get entries() {
        return [...this.props.dimension.entries].sort(
            (a, b) => (a.operation === "exclude") - (b.operation === "exclude")
        );
    }

    /** Whether all there is to say is about one category. */
    get isSingle() {
        return !this.props.dimension.is_multiple && this.entries.length === 1;
    }

    get isReviewDue() {
        return this.entries.some((entry) => this.needsReview(entry));
    }

    get explanationId() {
        return `customer_profile_why_${this.props.dimension.id}`;
    }

    isNone(entry) {
        return entry.source === "none";
    }

    /** Whether somebody should look whether the decision still holds. */
    needsReview(entry) {
        return (
            Boolean(entry.review_date) && deserializeDate(entry.review_date) <= today()
        );
    }

    /** The small text below the chip: source, since, until. */
    getDetails(entry) {
        const details = [SOURCES[entry.source]];
        if (entry.since) {
            details.push(_t("since %s", this.formatMoment(entry.since)));
        }
        if (entry.until) {
            details.push(_t("until %s", this.formatDay(entry.until)));
        }
        if (entry.review_date) {
            details.push(_t("to be reviewed by %s", this.formatDay(entry.review_date)));
        }
        return details.join(" · ");
    }

    getAuthor(entry) {
        const date = this.formatMoment(entry.since);
        return _t("Set by %(user)s on %(date)s", {user: entry.by, date});
    }

    getTooltip(entry) {
        const path = entry.path === entry.name ? "" : entry.path;
        const details = this.isSingle ? "" : this.getDetails(entry);
        return [path, details].filter(Boolean).join(" · ") || undefined;
    }

    formatDay(day) {
        return toLocaleDateString(deserializeDate(day));
    }

    formatMoment(moment) {
        return toLocaleDateString(deserializeDateTime(moment));
    }

    toggleExplanation() {
        this.state.isExplained = !this.state.isExplained;
    }

    /** What changes by itself, where the computed category is in effect. */
    getOutlook(entry) {
        return !entry.override_id && this.props.outlooks[entry.assignment_id];
    }

    openReceipt(entry) {
        this.dialog.add(ReceiptDialog, {assignmentId: entry.assignment_id});
    }

    /** Open the editor about an entry, or about a category to be added. */
    edit(entry) {
        this.state.editing = {entry, key: entry ? entry.key : "new"};
    }

    focus() {
        this.root.el?.querySelector(".o_customer_profile_edit")?.focus();
    }

    /** Note that the decision was reviewed and still holds. */
    async confirm(entry) {
        await this.orm.call("customer.override", "action_confirm", [
            [entry.override_id],
        ]);
        await this.props.onDecided();
    }

    async close(decided) {
        this.returnsFocus = true;
        this.state.editing = null;
        if (decided) {
            await this.props.onDecided();
            this.focus();
        }
    }
}
