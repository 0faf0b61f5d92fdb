import {registry} from "@web/core/registry";

/**
 * A person selects contacts in the list, classifies them in bulk after a look at the
 * preview, and takes it all back. The test prepares
 * the customers "Tour bulk 0" to "Tour bulk 3".
 */
registry.category("web_tour.tours").add("customer_bulk", {
    steps: () => [
        {
            content: "show the contacts as a list",
            trigger: ".o_switch_view.o_list",
            run: "click",
        },
        {
            content: "search for the customers",
            trigger: ".o_list_view:has(.o_data_row) .o_searchview_input",
            run: "edit Tour bulk",
        },
        {
            content: "by their name",
            trigger:
                ".o_searchview_autocomplete .o-dropdown-item:contains('Tour bulk'):first",
            run: "click",
        },
        {
            content: "they are found; select them all",
            trigger:
                ".o_list_view:has(.o_facet_value):not(:has(.o_data_row:eq(4))) thead .o_list_record_selector input",
            run: "click",
        },
        {
            content: "open the actions",
            trigger: ".o_cp_action_menus .dropdown-toggle:has(.fa-cog)",
            run: "click",
        },
        {
            content: "classify in bulk",
            trigger: ".o-dropdown--menu .dropdown-item:contains('Classify in Bulk')",
            run: "click",
        },
        {
            content: "four contacts are chosen",
            trigger: "button[name=action_open_targets]:contains('4')",
        },
        {
            content: "give the reason",
            trigger: ".o_field_widget[name=reason] input",
            run: "edit Trade fair",
        },
        {
            content: "add a decision",
            trigger: ".o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "choose the dimension",
            trigger: ".o_selected_row [name=dimension_id] input",
            run: "edit Value",
        },
        {
            content: "the value tier",
            trigger: ".o-autocomplete--dropdown-item a:contains('Value tier')",
            run: "click",
        },
        {
            content: "choose the category",
            trigger: ".o_selected_row [name=category_id] input",
            run: "edit Gold",
        },
        {
            content: "gold",
            trigger: ".o-autocomplete--dropdown-item a:contains('Gold')",
            run: "click",
        },
        {
            content: "look at the preview",
            trigger: "button[name=action_preview]",
            run: "click",
        },
        {
            content: "four would change to gold; apply it",
            trigger:
                ".o_form_view:has([name=change_cell_ids] .o_data_row:contains('Gold'):contains('4')) button[name=action_apply]",
            run: "click",
        },
        {
            content: "it is done; undo it",
            trigger:
                ".o_form_view:has(.o_arrow_button_current:contains('Done')) button[name=action_undo]",
            run: "click",
        },
        {
            content: "the undo shows what it would do; apply it",
            trigger:
                ".o_form_view:has([name=undo_of_id]):has([name=change_cell_ids] .o_data_row:contains('Gold')) button[name=action_apply]",
            run: "click",
        },
        {
            content: "it is done",
            trigger:
                ".o_form_view:has([name=undo_of_id]):has(.o_arrow_button_current:contains('Done'))",
        },
    ],
});
