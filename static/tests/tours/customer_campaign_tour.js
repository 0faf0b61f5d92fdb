import {registry} from "@web/core/registry";

/**
 * A marketer makes a campaign from an audience, with a message from a template, and
 * approves it. As it reaches most of the contacts, it is asked about once more. The
 * test prepares the audience "Tour audience" of six customers.
 */
registry.category("web_tour.tours").add("customer_campaign", {
    steps: () => [
        {
            content: "begin a campaign",
            trigger: ".o_list_view button:contains('New Campaign')",
            run: "click",
        },
        {
            content: "choose whom it is about",
            trigger: ".modal .o_field_widget[name=audience_id] input",
            run: "edit Tour",
        },
        {
            content: "the audience of the test",
            trigger: ".o-autocomplete--dropdown-item a:contains('Tour audience')",
            run: "click",
        },
        {
            content: "a hint at the aim",
            trigger: ".modal .o_field_widget[name=purpose] textarea",
            run: "edit They order again",
        },
        {
            content: "go on to the message",
            trigger: ".modal button[name=action_next]",
            run: "click",
        },
        {
            content: "it begins with a template",
            trigger:
                ".modal .o_field_widget[name=message_preview]:contains('Unsubscribe')",
        },
        {
            content: "go on to the sending",
            trigger: ".modal button[name=action_next]",
            run: "click",
        },
        {
            content: "nobody is held out",
            trigger: ".modal .o_field_widget[name=holdout_share] input",
            run: "edit 0 && press Tab",
        },
        {
            content: "six customers would be written to",
            trigger: ".modal .o_field_widget[name=preview] tr:contains('6')",
        },
        {
            content: "make the draft",
            trigger: ".modal button[name=action_create]",
            run: "click",
        },
        {
            content: "approve it",
            trigger: "button[name=action_approve]",
            run: "click",
        },
        {
            content: "yes, freeze them",
            trigger: ".modal .modal-footer button.btn-primary",
            run: "click",
        },
        {
            content: "six of ten contacts is much: the second question",
            trigger:
                ".modal:contains('6 of 10 contacts'):contains('60.0 %') button[name=action_confirm]",
            run: "click",
        },
        {
            content: "the message waits in the queue",
            trigger: "button[name=action_edit_message]:contains('In Queue')",
        },
        {
            content: "approved",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains('Approved')",
        },
    ],
});
