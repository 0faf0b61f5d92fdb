import {registry} from "@web/core/registry";

/**
 * A manager tries other limits of a dimension, sees who would change, and applies the
 * draft. The test opens the dimension "Value tier" and prepares "Tour Customer".
 */
registry.category("web_tour.tours").add("customer_classification_draft", {
    steps: () => [
        {
            content: "begin a draft",
            trigger: "button[name=action_try_changes]",
            run: "click",
        },
        {
            content: "nothing was compared yet",
            trigger: "div[name=matrix]:contains('Not compared yet')",
        },
        {
            content: "open the score",
            trigger: "a[name=score]",
            run: "click",
        },
        {
            content: "customers need two purchases",
            trigger: "div[name=minimum_purchases] input",
            run: "edit 2",
        },
        {
            content: "compare",
            trigger: "button[name=action_compare]:contains('Compare With Today')",
            run: "click",
        },
        {
            content: "the result is shown by itself",
            trigger: "a[name=result].active",
        },
        {
            content: "one customer would have no category any more",
            trigger:
                ".o_customer_comparison:contains('2 of 2 customers would change') td button[title*='Bronze → None']:contains('1')",
            run: "click",
        },
        {
            content: "that is the one who bought once",
            trigger: ".o_list_view .o_data_row:contains('Tour Customer')",
        },
        {
            content: "back to the draft",
            trigger: ".o_back_button",
            run: "click",
        },
        {
            content: "the other one would fall by a category",
            trigger: "td button[title*='Silver → Bronze, Down']:contains('1')",
            run: "click",
        },
        {
            content: "that is the other customer",
            trigger: ".o_list_view .o_data_row:contains('Other')",
        },
        {
            content: "back to the draft again",
            trigger: ".o_back_button",
            run: "click",
        },
        {
            content: "apply",
            trigger: "button[name=action_apply]",
            run: "click",
        },
        {
            content: "confirm",
            trigger: ".modal button.btn-primary",
            run: "click",
        },
        {
            content: "it is applied",
            trigger: ".o_arrow_button_current:contains('Applied')",
        },
        {
            content: "and says what it did",
            trigger:
                "a[name=past_result].active:contains('What Changed'), .o_customer_comparison:contains('2 of 2 customers changed')",
        },
    ],
});
