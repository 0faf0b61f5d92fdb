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
            content: "choose the tier in the panel",
            trigger:
                ".o_search_panel_filter_value:has(.o_search_panel_counter):contains('Bronze') input",
            run: "click",
        },
        {
            content: "the customer has it",
            trigger:
                ".o_content:has(.o_search_panel input:checked) .o_data_row:contains('Tour Customer')",
        },
        {
            content: "open the filters",
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "filter by the tier",
            trigger: ".o_filter_menu .dropdown-item:contains('Bronze (Value tier)')",
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
            content: "ask why",
            trigger: "[data-code=value_tier] .o_customer_profile_why",
            run: "click",
        },
        {
            content: "it says why",
            trigger: "[data-code=value_tier]:contains('by score'):contains('of 5')",
        },
        {
            content: "decide by hand",
            trigger: "[data-code=value_tier] .o_customer_profile_edit",
            run: "click",
        },
        {
            content: "choose the category",
            trigger: ".o_customer_profile_editor .o-autocomplete input",
            run: "edit Gold",
        },
        {
            content: "take it from the list",
            trigger: ".o_customer_profile_editor .dropdown-item:contains('Gold')",
            run: "click",
        },
        {
            content: "give the reason",
            trigger: ".o_customer_profile_editor input[id^=customer_profile_reason]",
            run: "edit Framework contract",
        },
        {
            content: "save",
            trigger: ".o_customer_profile_editor .btn-primary",
            run: "click",
        },
        {
            content: "the badge shows the decision",
            trigger: "div[name=customer_classification_badges] .badge:contains('Gold')",
        },
        {
            content: "so does the page",
            trigger:
                "[data-code=value_tier]:contains('by hand') .o_customer_profile_chip:contains('Gold')",
        },
        {
            content: "the computed category and the reason are visible",
            trigger:
                "[data-code=value_tier]:contains('Framework contract'):contains('Without this decision') .badge:contains('Bronze')",
        },
        {
            content: "the history shows it",
            trigger: ".o_customer_timeline_entry:contains('Framework contract')",
        },
        {
            content: "change the decision",
            trigger: "[data-code=value_tier] .o_customer_profile_edit",
            run: "click",
        },
        {
            content: "take it back",
            trigger: ".o_customer_profile_withdraw",
            run: "click",
        },
        {
            content: "the computed category shows again",
            trigger:
                "div[name=customer_classification_badges] .badge:contains('Bronze')",
        },
        {
            content: "on the page, too",
            trigger:
                "[data-code=value_tier]:contains('by score') .o_customer_profile_chip:contains('Bronze')",
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
