import {CharField, charField} from "@web/views/fields/char/char_field";
import {registry} from "@web/core/registry";

/**
 * The name of a category, set in by its depth: the list reads as a tree.
 */
export class CustomerCategoryName extends CharField {
    static template = "customer_classification.CustomerCategoryName";

    get indent() {
        return `padding-left: ${1.5 * (this.props.record.data.depth || 0)}em`;
    }
}

export const customerCategoryName = {
    ...charField,
    component: CustomerCategoryName,
    fieldDependencies: [{name: "depth", type: "integer"}],
};

registry.category("fields").add("customer_category_name", customerCategoryName);
