import {registry} from "@web/core/registry";

/**
 * A person finds a customer by the tier, reads why, decides otherwise, and takes the
 * decision back. The test prepares the customer "Tour Customer" with tier Bronze.
 */
registry.category("web_tour.tours").add("customer_classification_by_hand", {
    steps: () => [
        {
            content: "the list shows the tier as a badge",
            trigger:
                ".o_data_row:contains('Tour Customer') .o_field_badge .badge:contains('Bronze')",
        },
        {
            content: "open the filters",
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "filter by the tier",
            trigger: ".o_filter_menu .dropdown-item:contains('Value tier: Bronze')",
            run: "click",
        },
        {
            content: "group by the tier",
            trigger: ".o_group_by_menu .dropdown-item:contains('Value tier')",
            run: "click",
        },
        {
            content: "close the filters",
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "unfold the group",
            trigger: ".o_group_header:contains('Bronze')",
            run: "click",
        },
        {
            content: "open the customer",
            trigger: ".o_data_row:contains('Tour Customer') td[name=complete_name]",
            run: "click",
        },
        {
            content: "the form shows the tier",
            trigger:
                "div[name=customer_classification_badges] .badge:contains('Bronze')",
        },
        {
            content: "open the page of the classification",
            trigger: ".nav-link[name=customer_classification]",
            run: "click",
        },
        {
            content: "it says why",
            trigger: ".o_customer_cards:contains('Score'):contains('of 5')",
        },
        {
            content: "decide by hand",
            trigger: "button[name=action_set_customer_category]",
            run: "click",
        },
        {
            content: "choose the category",
            trigger: ".modal .o_field_widget[name=category_id] input",
            run: "edit Gold",
        },
        {
            content: "take it from the list",
            trigger:
                ".modal .o_field_widget[name=category_id] .dropdown-item:contains('Gold')",
            run: "click",
        },
        {
            content: "give the reason",
            trigger: ".modal .o_field_widget[name=reason] input",
            run: "edit Framework contract",
        },
        {
            content: "save",
            trigger: ".modal .modal-footer button:contains('Save')",
            run: "click",
        },
        {
            content: "the badge shows the decision, the page both",
            trigger:
                "body:not(:has(.modal)) div[name=customer_classification_badges] .badge:contains('Gold')",
        },
        {
            content: "the computed category is still visible",
            trigger:
                ".o_customer_cards:contains('overruled by hand') .badge:contains('Bronze')",
        },
        {
            content: "the reason is visible",
            trigger: ".o_customer_cards:contains('Framework contract')",
        },
        {
            content: "change the decision",
            trigger: ".o_customer_cards button[name=action_change]",
            run: "click",
        },
        {
            content: "withdraw it",
            trigger: ".modal button[name=action_withdraw]",
            run: "click",
        },
        {
            content: "the computed category shows again",
            trigger:
                "body:not(:has(.modal)) div[name=customer_classification_badges] .badge:contains('Bronze')",
        },
    ],
});

/** A manager changes a limit, sees that it waits, and asks for a computation. */
registry.category("web_tour.tours").add("customer_classification_configure", {
    steps: () => [
        {
            content: "the categories and their limits",
            trigger:
                ".o_field_widget[name=all_category_ids] .o_data_row:contains('Platinum')",
        },
        {
            content: "edit a limit",
            trigger:
                ".o_field_widget[name=all_category_ids] .o_data_row:contains('Gold') td[name=minimum_score]",
            run: "click",
        },
        {
            content: "enter it",
            trigger: ".o_field_widget[name=minimum_score] input",
            run: "edit 3.75",
        },
        {
            content: "save",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "the page says when it takes effect",
            trigger: ".alert:contains('with the next one')",
        },
        {
            content: "ask for a computation",
            trigger: "button:contains('Recompute Now')",
            run: "click",
        },
        {
            content: "it is on its way",
            trigger: ".o_notification:contains('in the background')",
        },
    ],
});
