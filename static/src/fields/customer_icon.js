import {Component} from "@odoo/owl";
import {Dropdown} from "@web/core/dropdown/dropdown";
import {DropdownItem} from "@web/core/dropdown/dropdown_item";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/**
 * The icon of a dimension in its colour; in a form, a menu of all icons.
 */
export class CustomerIcon extends Component {
    static template = "customer_classification.CustomerIcon";
    static components = {Dropdown, DropdownItem};
    static props = {...standardFieldProps, isLarge: {type: Boolean, optional: true}};

    get value() {
        return this.props.record.data[this.props.name] || "fa-tag";
    }

    get icons() {
        return this.props.record.fields[this.props.name].selection;
    }

    get label() {
        return (this.icons.find(([value]) => value === this.value) || ["", ""])[1];
    }

    get colorClass() {
        return `o_tag o_tag_color_${this.props.record.data.color || 0}`;
    }

    select(value) {
        this.props.record.update({[this.props.name]: value});
    }
}

export const customerIcon = {
    component: CustomerIcon,
    displayName: _t("Icon"),
    supportedTypes: ["selection"],
    fieldDependencies: [{name: "color", type: "integer"}],
    extractProps: ({viewType}) => ({isLarge: viewType === "form"}),
};

registry.category("fields").add("customer_icon", customerIcon);
