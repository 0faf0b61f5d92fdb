import {Component, onWillStart, useState} from "@odoo/owl";
import {Dialog} from "@web/core/dialog/dialog";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";

/**
 * Why a computed category holds: figures and the documents behind them, limits, rules,
 * the version, and what would change it.
 */
export class ReceiptDialog extends Component {
    static template = "customer_classification.ReceiptDialog";
    static components = {Dialog};
    static props = {
        assignmentId: Number,
        close: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.treeProcessor = useService("tree_processor");
        this.state = useState({
            receipt: null,
            outlook: null,
            // The criterion whose documents are shown, and as of which day
            shown: null,
        });
        onWillStart(async () => {
            this.state.receipt = await this.call("get_receipt");
            await this.describeConditions();
            this.loadOutlook();
        });
    }

    get title() {
        const {category, dimension} = this.state.receipt;
        return _t("Why %(category)s? (%(dimension)s)", {
            category: category || _t("no category"),
            dimension,
        });
    }

    /** Whether the numbers of the decision are told apart from those of today. */
    get isDecided() {
        return this.state.receipt.criteria.some((criterion) => criterion.decided);
    }

    get decidedLabel() {
        return _t("Decided on %s", this.state.receipt.decided_on);
    }

    get todayLabel() {
        return _t("Today, %s", this.state.receipt.today);
    }

    getVersionLabel(version) {
        return version.is_in_force
            ? _t("%s (in force)", version.name)
            : _t("%s (decided)", version.name);
    }

    /** Which limit of one criterion, the others as they are, would be enough. */
    getAloneText({alone}) {
        return alone.missing
            ? _t("Enough for the next category: %(limit)s; %(missing)s missing", alone)
            : _t("Enough for the next category: %(limit)s", alone);
    }

    getLevelText({enter, keep}) {
        return keep
            ? _t("from %(enter)s, kept down to %(keep)s", {enter, keep})
            : _t("from %s", enter);
    }

    getConditionText({text, is_hidden, is_met, value}) {
        if (is_hidden) {
            return _t("%s: not for you to see", text);
        }
        const result = is_met ? _t("%s: met", text) : _t("%s: not met", text);
        return value ? _t("%(result)s (now: %(value)s)", {result, value}) : result;
    }

    call(method, ...args) {
        return this.orm.call("customer.assignment", method, [
            [this.props.assignmentId],
            ...args,
        ]);
    }

    /** What is to come takes longer than what is. */
    async loadOutlook() {
        this.state.outlook = await this.call("get_outlook");
    }

    async describeConditions() {
        for (const rule of this.state.receipt.rules) {
            for (const condition of rule.conditions) {
                condition.text = await this.describe(condition);
            }
        }
    }

    async describe({domain, field}) {
        try {
            const tree = await this.treeProcessor.treeFromDomain("res.partner", domain);
            return await this.treeProcessor.getDomainTreeDescription(
                "res.partner",
                tree
            );
        } catch {
            // What cannot be read is named only
            return field;
        }
    }

    async showRows(criterion, isToday) {
        const rows = await this.call("get_receipt_rows", criterion.code, isToday);
        this.state.shown = {code: criterion.code, name: criterion.name, isToday, rows};
    }

    /** Open the list of the records behind a custom metric. */
    async showRecords(code) {
        const action = await this.call("action_show_records", code);
        this.props.close();
        await this.action.doAction(action);
    }

    isShown(criterion, isToday) {
        const {shown} = this.state;
        return shown?.code === criterion.code && shown.isToday === isToday;
    }
}
