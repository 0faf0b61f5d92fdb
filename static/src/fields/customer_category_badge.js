import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {user} from "@web/core/user";
import {BadgeField, badgeField} from "@web/views/fields/badge/badge_field";

/**
 * Badge in the colour of the category itself: core's badge takes its colour from
 * a field of the record, and a contact has none for each dimension. The placeholder is
 * what it says without a category, where that is an answer as well ("from none").
 */
export class CustomerCategoryBadge extends BadgeField {
    static template = "customer_classification.CustomerCategoryBadge";
    static props = {...BadgeField.props, placeholder: {type: String, optional: true}};

    /** Which dimension, because "High" alone says little; and whose category. */
    get title() {
        const {name, record} = this.props;
        const title = _t("%(dimension)s: %(category)s", {
            dimension: record.fields[name].string,
            category: this.formattedValue,
        });
        return user.activeCompanies.length > 1
            ? `${title} · ${user.activeCompany.name}`
            : title;
    }

    get badgeClass() {
        const category = this.props.record.data[this.props.name];
        return `o_badge_color_${category.color || 0}`;
    }
}

export const customerCategoryBadge = {
    ...badgeField,
    component: CustomerCategoryBadge,
    displayName: _t("Category Badge"),
    supportedTypes: ["many2one"],
    supportedOptions: [],
    // The same alignment in lists as core's badge
    additionalClasses: ["o_field_badge"],
    relatedFields: [{name: "color", type: "integer"}],
    extractProps: ({placeholder}) => ({placeholder}),
};

registry.category("fields").add("customer_category_badge", customerCategoryBadge);
