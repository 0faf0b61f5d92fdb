import {Component, useEffect} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {deserializeDateTime, formatDateTime} from "@web/core/l10n/dates";
import {formatFloat, formatInteger, formatMonetary} from "@web/views/fields/formatters";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

const EVERY_MS = 2000;
const WAYS = {
    up: {icon: "fa-arrow-up", label: _t("Up"), className: "text-success"},
    down: {icon: "fa-arrow-down", label: _t("Down"), className: "text-danger"},
    first: {icon: "fa-plus", label: _t("First category"), className: "text-info"},
    last: {
        icon: "fa-minus",
        label: _t("No category any more"),
        className: "text-danger",
    },
};

/**
 * What other rules would change: a table of customers from one category to another.
 * Each number is a button that opens the customers behind it.
 */
export class CustomerComparisonMatrix extends Component {
    static template = "customer_classification.ComparisonMatrix";
    static props = {...standardFieldProps};

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.ways = WAYS;
        // While it is computed in the background, show how far it got
        useEffect(
            (isPending) => {
                if (!isPending) {
                    return;
                }
                const timer = setInterval(() => this.props.record.load(), EVERY_MS);
                return () => clearInterval(timer);
            },
            () => [this.comparisons.some(({state}) => state === "pending")]
        );
    }

    get comparisons() {
        return this.props.record.data[this.props.name] || [];
    }

    /**
     * The rows of the table with their cells in the order of the columns.
     */
    getTable(comparison) {
        const byKey = new Map(
            comparison.cells.map((cell) => [`${cell.from}/${cell.to}`, cell])
        );
        const none = {id: false, name: _t("None"), color: 0};
        const used = (side) =>
            [...comparison.categories, none].filter(
                ({id}) => id || comparison.cells.some((cell) => cell[side] === id)
            );
        const columns = used("to");
        const rows = used("from").map((from) => ({
            ...from,
            cells: columns.map((to) => ({
                ...byKey.get(`${from.id}/${to.id}`),
                key: to.id || 0,
                to,
                isSame: from.id === to.id,
            })),
            total: this.add(comparison.cells.filter((cell) => cell.from === from.id)),
        }));
        const totals = columns.map((to) => ({
            key: to.id || 0,
            ...this.add(comparison.cells.filter((cell) => cell.to === to.id)),
        }));
        return {columns, rows, totals, total: this.add(comparison.cells)};
    }

    add(cells) {
        return cells.reduce(
            (sum, cell) => ({
                customers: sum.customers + cell.customers,
                revenue: sum.revenue + cell.revenue,
            }),
            {customers: 0, revenue: 0}
        );
    }

    /**
     * How many go each way, where the categories have an order.
     */
    getWays(comparison) {
        return Object.entries(WAYS)
            .map(([way, {icon, label, className}]) => {
                const cells = comparison.cells.filter((cell) => cell.way === way);
                return {way, icon, label, className, ...this.add(cells)};
            })
            .filter(({customers}) => customers);
    }

    getSummary(comparison) {
        const numbers = {
            moved: formatInteger(comparison.moved),
            customers: formatInteger(comparison.customers),
            share: formatFloat(comparison.share, {digits: [16, 1]}),
        };
        return comparison.isPast
            ? _t("%(moved)s of %(customers)s customers changed (%(share)s %)", numbers)
            : _t(
                  "%(moved)s of %(customers)s customers would change (%(share)s %)",
                  numbers
              );
    }

    getHidden(comparison) {
        return _t("%s of them were decided by hand: nobody sees the change yet.", [
            formatInteger(comparison.hidden),
        ]);
    }

    getDate(comparison) {
        const date = formatDateTime(deserializeDateTime(comparison.date));
        return _t("As of %s", [date]);
    }

    getTitle(from, cell) {
        const way = cell.way && WAYS[cell.way] ? `, ${WAYS[cell.way].label}` : "";
        return _t("Show the customers: %(from)s → %(to)s%(way)s", {
            from: from.name,
            to: cell.to.name,
            way,
        });
    }

    formatCount(count) {
        return formatInteger(count);
    }

    formatMoney(comparison, amount) {
        return formatMonetary(amount, {currencyId: comparison.currency});
    }

    async open(comparison, from, cell) {
        const action = await this.orm.call("customer.comparison", "action_open_cell", [
            [comparison.id],
            from.id,
            cell.to.id,
        ]);
        await this.action.doAction(action);
    }
}

export const customerComparisonMatrix = {
    component: CustomerComparisonMatrix,
    displayName: _t("Comparison of Categories"),
    supportedTypes: ["json"],
};

registry.category("fields").add("customer_comparison_matrix", customerComparisonMatrix);
