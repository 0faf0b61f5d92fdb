import {Component, onMounted, onWillStart, useRef, useState} from "@odoo/owl";
import {AutoComplete} from "@web/core/autocomplete/autocomplete";
import {DateTimeInput} from "@web/core/datetime/datetime_input";
import {deserializeDate, serializeDate} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {normalize} from "@web/core/l10n/utils";
import {RPCError} from "@web/core/network/rpc";
import {useService} from "@web/core/utils/hooks";

/** So many categories at once; typing narrows the choice. */
const MAX_OPTIONS = 40;

/**
 * Decides about one category of a dimension, in the row itself. Enter saves, Escape
 * gives up. What was typed stays when the server refuses it.
 */
export class ProfileEditor extends Component {
    static template = "customer_classification.ProfileEditor";
    static components = {AutoComplete, DateTimeInput};
    static props = {
        dimension: Object,
        profile: Object,
        // The entry decided about; null: a category to be added
        entry: {type: [Object, {value: null}]},
        close: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.notification = useService("notification");
        this.root = useRef("root");
        this.typed = null; // what stands in the category's input, if not chosen
        const {dimension, entry} = this.props;
        const dateEnd = entry?.override_id ? entry.until : dimension.date_end;
        this.state = useState({
            operation: this.getOperation(),
            categoryId: entry?.category_id || false,
            reason: entry?.reason || "",
            dateEnd: dateEnd ? deserializeDate(dateEnd) : false,
            isSaving: false,
            showsErrors: false,
        });
        this.sources = [{options: this.getOptions.bind(this), optionSlot: "category"}];
        onWillStart(() => this.loadCategories());
        onMounted(() => this.root.el.querySelector("input")?.focus());
    }

    /** What the person most likely is about to decide. */
    getOperation() {
        const {dimension, entry} = this.props;
        if (entry?.operation) {
            return entry.operation;
        }
        if (dimension.is_multiple) {
            return entry ? "exclude" : "add";
        }
        return "set";
    }

    async loadCategories() {
        const {dimension, entry} = this.props;
        const categories = await this.orm.searchRead(
            "customer.category",
            [["dimension_id", "=", dimension.id]],
            ["name", "complete_name", "color"]
        );
        // One that the customer has already cannot be added
        const taken = dimension.is_multiple
            ? dimension.entries.filter((other) => other !== entry)
            : [];
        this.categories = categories.filter(
            (category) => !taken.some((other) => other.category_id === category.id)
        );
    }

    /** Whether the category itself is settled: one of several is added or excluded. */
    get isFixed() {
        return this.props.dimension.is_multiple && Boolean(this.props.entry);
    }

    get categoryName() {
        if (this.state.operation === "none") {
            return _t("Explicitly none");
        }
        return this.getCategory(this.state.categoryId)?.complete_name || "";
    }

    get isCategoryInvalid() {
        return this.state.operation !== "none" && !this.state.categoryId;
    }

    /** To overrule what is computed takes a reason. */
    get isReasonRequired() {
        return this.props.dimension.method !== "manual";
    }

    get isReasonInvalid() {
        return this.isReasonRequired && !this.state.reason.trim();
    }

    /** What withdrawing gives: the engine's category, or none at all. */
    get withdrawLabel() {
        return this.props.dimension.method === "manual"
            ? _t("Withdraw")
            : _t("Back to computed");
    }

    getId(name) {
        return `customer_profile_${name}_${this.props.dimension.id}`;
    }

    getCategory(categoryId) {
        return this.categories.find((category) => category.id === categoryId);
    }

    getOptions(request) {
        const typed = normalize(request);
        // Those whose own name matches, before the parts of one that does
        const isOwn = ({name}) => normalize(name).includes(typed);
        const found = this.categories
            .filter(({complete_name}) => normalize(complete_name).includes(typed))
            .sort((a, b) => isOwn(b) - isOwn(a));
        const options = found.slice(0, MAX_OPTIONS).map((category) => ({
            label: category.complete_name,
            data: category,
            onSelect: () => this.choose(category.id),
        }));
        if (found.length > MAX_OPTIONS) {
            options.push({label: _t("Type to narrow the choice"), data: {}});
        } else if (!options.length) {
            options.push({label: _t("No category of this name"), data: {}});
        }
        return options;
    }

    choose(categoryId) {
        this.typed = null;
        this.state.categoryId = categoryId;
        this.state.operation = this.props.dimension.is_multiple ? "add" : "set";
    }

    chooseNone() {
        this.typed = null;
        this.state.operation = "none";
        this.state.categoryId = false;
        this.root.el.querySelector(`#${this.getId("reason")}`).focus();
    }

    // Not in the state: a new value from here would close the list under the typing
    onTyped({inputValue}) {
        this.typed = inputValue.trim();
    }

    /** Typing without choosing from the list counts where it is a whole name. */
    takeTyped() {
        if (this.typed === null) {
            return;
        }
        const typed = normalize(this.typed);
        const named = this.categories.filter(({name, complete_name}) =>
            [normalize(name), normalize(complete_name)].includes(typed)
        );
        this.choose(named.length === 1 ? named[0].id : false);
    }

    onKeydown(ev) {
        const hasOpenCalendar = Boolean(document.querySelector(".o_datetime_picker"));
        if (hasOpenCalendar || !["Enter", "Escape"].includes(ev.key)) {
            return;
        }
        if (ev.key === "Enter" && ev.target.tagName !== "INPUT") {
            return; // a button does what it says
        }
        ev.preventDefault();
        ev.stopPropagation();
        if (ev.key === "Escape") {
            this.props.close(false);
        } else {
            ev.target.dispatchEvent(new Event("change")); // a date typed just now
            this.save();
        }
    }

    save() {
        this.takeTyped();
        this.state.showsErrors = true;
        if (this.isCategoryInvalid || this.isReasonInvalid) {
            const name = this.isCategoryInvalid ? "category" : "reason";
            this.root.el.querySelector(`#${this.getId(name)}`)?.focus();
            return;
        }
        const {dimension, entry, profile} = this.props;
        const values = {
            operation: this.state.operation,
            category_id: this.state.categoryId,
            reason: this.state.reason.trim(),
            date_end: this.state.dateEnd ? serializeDate(this.state.dateEnd) : false,
        };
        if (entry?.override_id) {
            return this.decide("write", [[entry.override_id], values]);
        }
        return this.decide("create", [
            [
                {
                    ...values,
                    partner_id: profile.customer.id,
                    company_id: dimension.is_shared ? false : profile.company.id,
                    dimension_id: dimension.id,
                },
            ],
        ]);
    }

    withdraw() {
        return this.decide("unlink", [[this.props.entry.override_id]]);
    }

    async decide(method, args) {
        if (this.state.isSaving) {
            return;
        }
        this.state.isSaving = true;
        try {
            await this.orm.call("customer.override", method, args);
        } catch (error) {
            this.state.isSaving = false;
            if (!(error instanceof RPCError)) {
                throw error;
            }
            this.notification.add(error.data?.message || error.message, {
                type: "danger",
            });
            return;
        }
        await this.props.close(true);
    }
}
