import {Component, useEffect, xml} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";

const EVERY_MS = 2000;

/**
 * Reads a run anew while it is going on, so that people see how far it got. The
 * attribute "field" names the field with its state, where that is another one.
 */
export class CustomerRunRefresh extends Component {
    static template = xml`<t/>`;
    static props = {...standardWidgetProps, field: {type: String, optional: true}};
    static defaultProps = {field: "state"};

    setup() {
        useEffect(
            (state) => {
                if (state !== "running") {
                    return;
                }
                const timer = setInterval(() => this.props.record.load(), EVERY_MS);
                return () => clearInterval(timer);
            },
            () => [this.props.record.data[this.props.field]]
        );
    }
}

registry.category("view_widgets").add("customer_run_refresh", {
    component: CustomerRunRefresh,
    extractProps: ({attrs}) => (attrs.field ? {field: attrs.field} : {}),
});
