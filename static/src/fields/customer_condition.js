import {Component, onWillStart, onWillUpdateProps, useState} from "@odoo/owl";
import {Expression, isTree} from "@web/core/tree_editor/condition_tree";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

const AGO = {
    d: (count) => _t("%s days ago", count),
    w: (count) => _t("%s weeks ago", count),
    m: (count) => _t("%s months ago", count),
    y: (count) => _t("%s years ago", count),
};

/**
 * Words of core's descriptions that its Chinese lacks: where a module has no translation
 * of its own, the one of any other is taken.
 */
export const CORE_WORDS = [
    _t("before"),
    _t("between"),
    _t("greater or equal to"),
    _t("lower or equal to"),
    _t("lower than"),
];

/**
 * A date such as "today -90d", which core takes for a broken date.
 */
class RelativeDate extends Expression {
    constructor(value) {
        super("0");
        this.value = value;
    }

    toString() {
        const [, count, unit] = this.value.match(/^today -(\d+)([dwmy])$/) || [];
        return unit ? AGO[unit](count) : this.value;
    }
}

function withRelativeDates(tree) {
    if (tree.type === "connector") {
        return {...tree, children: tree.children.map(withRelativeDates)};
    }
    const {value} = tree;
    if (typeof value === "string" && /^(today|now)\b/.test(value)) {
        return {...tree, value: new RelativeDate(value)};
    }
    return isTree(value) ? {...tree, value: withRelativeDates(value)} : tree;
}

/**
 * A domain on contacts in words, for lists of rules.
 */
export class CustomerCondition extends Component {
    static template = "customer_classification.CustomerCondition";
    static props = {...standardFieldProps};

    setup() {
        this.treeProcessor = useService("tree_processor");
        this.state = useState({text: ""});
        onWillStart(() => this.describe(this.props));
        onWillUpdateProps((props) => this.describe(props));
    }

    async describe(props) {
        const domain = props.record.data[props.name] || "[]";
        if (domain === this.described) {
            return;
        }
        this.described = domain;
        if (domain === "[]") {
            this.state.text = _t("All customers");
            return;
        }
        try {
            const tree = await this.treeProcessor.treeFromDomain("res.partner", domain);
            this.state.text = await this.treeProcessor.getDomainTreeDescription(
                "res.partner",
                withRelativeDates(tree)
            );
        } catch {
            // What cannot be read is shown as it was written
            this.state.text = domain;
        }
    }
}

export const customerCondition = {
    component: CustomerCondition,
    displayName: _t("Condition in Words"),
    supportedTypes: ["char"],
};

registry.category("fields").add("customer_condition", customerCondition);
