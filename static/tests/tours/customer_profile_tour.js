import {formatDate} from "@web/core/l10n/dates";
import {registry} from "@web/core/registry";

const PAGE = ".nav-link[name=customer_classification]";
const TIER = "[data-code=value_tier]";
const NEEDS = "[data-code=test_needs]";

/** As somebody who came there by the Tab key. */
async function focusAndPressEnter({anchor, press}) {
    anchor.focus();
    await press("Enter");
}

/**
 * Without the mouse. The test prepares a customer of tier Bronze and opens the form;
 * the reason "refuse me" is refused by the server.
 */
registry.category("web_tour.tours").add("customer_profile_keyboard", {
    steps: () => [
        {content: "open the page", trigger: PAGE, run: "click"},
        {
            content: "Enter on the chip opens the editor",
            trigger: `${TIER} button.o_customer_profile_chip:contains('Bronze')`,
            run: focusAndPressEnter,
        },
        {
            content: "the category has the focus: type a part of another",
            trigger: `${TIER} .o-autocomplete input:focus`,
            run: "edit sil",
        },
        {
            content: "the list narrows",
            trigger: `${TIER} .dropdown-item.ui-state-active:contains('Silver')`,
        },
        {
            content: "Enter takes it",
            trigger: `${TIER} .o-autocomplete input`,
            run: "press Enter",
        },
        {
            content: "Enter saves, but the reason is missing and gets the focus",
            trigger: `${TIER} .o-autocomplete:not(:has(.dropdown-item)) input:value(Silver)`,
            run: "press Enter",
        },
        {
            content: "a reason that the server refuses",
            trigger: `${TIER} .o_field_invalid input:focus`,
            run: "edit refuse me",
        },
        {
            content: "Enter saves",
            trigger: `${TIER} input[id^=customer_profile_reason]`,
            run: "press Enter",
        },
        {
            content: "the server says why not",
            trigger: ".o_notification:contains('not this reason')",
        },
        {
            content: "what was typed is still there; better it",
            trigger: `${TIER}:has(input:value(Silver)) input:value(refuse me)`,
            run: "edit Agreed by phone",
        },
        {
            content: "Enter saves",
            trigger: `${TIER} input[id^=customer_profile_reason]`,
            run: "press Enter",
        },
        {
            content: "the decision shows and the focus is back in the row",
            trigger: `${TIER}:not(:has(.o_customer_profile_editor)):has(.o_customer_profile_edit:focus) .o_customer_profile_chip:contains('Silver')`,
        },
        {
            content: "open the editor again",
            trigger: `${TIER} .o_customer_profile_edit:focus`,
            run: "press Enter",
        },
        {
            content: "type something",
            trigger: `${TIER} input[id^=customer_profile_reason]`,
            run: "edit Never mind",
        },
        {
            content: "Escape gives up",
            trigger: `${TIER} input[id^=customer_profile_reason]`,
            run: "press Escape",
        },
        {
            content: "nothing changed and the focus is back",
            trigger: `${TIER}:not(:has(.o_customer_profile_editor)) .o_customer_profile_edit:focus`,
            run: "press Enter",
        },
        {
            content: "explicitly none",
            trigger: `${TIER} .o_customer_profile_none`,
            run: "click",
        },
        {
            content: "the reason has the focus",
            trigger: `${TIER}:has(input:value(Explicitly none)) input[id^=customer_profile_reason]:focus`,
            run: "press Enter",
        },
        {
            content: "none it is; back to the computed category",
            trigger: `${TIER}:not(:has(.o_customer_profile_editor)) .o_customer_profile_chip:contains('Explicitly none')`,
            run: focusAndPressEnter,
        },
        {
            content: "withdraw",
            trigger: `${TIER} .o_customer_profile_withdraw`,
            run: "click",
        },
        {
            content: "the score says Bronze again",
            trigger: `${TIER}:contains('by score') .o_customer_profile_chip:contains('Bronze')`,
        },
    ],
});

/** A dimension that allows several categories: two are added, one is taken back. */
registry.category("web_tour.tours").add("customer_profile_several", {
    steps: () => [
        {content: "open the page", trigger: PAGE, run: "click"},
        {
            content: "dimensions without category are folded away",
            trigger: `.o_customer_profile:not(:has(${NEEDS})) .o_customer_profile_fold`,
            run: "click",
        },
        ...["Product", "Service"].flatMap((name) => [
            {
                content: `add ${name}`,
                trigger: `${NEEDS}:not(:has(.o_customer_profile_editor)) .o_customer_profile_edit`,
                run: "click",
            },
            {
                content: "choose it",
                trigger: `${NEEDS} .o-autocomplete input`,
                run: `edit ${name}`,
            },
            {
                content: "take it from the list",
                trigger: `${NEEDS} .dropdown-item:contains('${name}')`,
                run: "click",
            },
            {
                content: "save; no reason needed",
                trigger: `${NEEDS} .btn-primary`,
                run: "click",
            },
            {
                content: "it shows",
                trigger: `${NEEDS}:not(:has(.o_customer_profile_editor)) .o_customer_profile_chip:contains('${name}')`,
            },
        ]),
        {
            content: "open the first",
            trigger: `${NEEDS} .o_customer_profile_chip:contains('Product')`,
            run: "click",
        },
        {
            content: "withdraw it",
            trigger: `${NEEDS} .o_customer_profile_withdraw`,
            run: "click",
        },
        {
            content: "the other is left",
            trigger: `${NEEDS}:not(:contains('Product')) .o_customer_profile_chip:contains('Service')`,
        },
    ],
});

/** The chip of the main dimension beside the customer of an invoice. */
registry.category("web_tour.tours").add("customer_chip_on_invoice", {
    steps: () => [
        {
            content: "the customer's tier",
            trigger: "[name=partner_id] .o_customer_chip:contains('Bronze')",
        },
    ],
});

/** The form of before, for who sees no categories or where the chip fails. */
registry.category("web_tour.tours").add("customer_chip_absent", {
    steps: () => [
        {
            content: "the customer without a chip",
            trigger:
                "[name=partner_id]:contains('Tour Customer'):not(:has(.o_customer_chip))",
        },
        {
            content: "another page of the form",
            trigger: ".nav-link[name=other_info]",
            run: "click",
        },
        {
            content: "shows, and no error does",
            trigger:
                "body:not(:has(.o_error_dialog, .o_notification)) .tab-pane.active",
        },
    ],
});

/** The story of the categories, and what was shown a day ago. */
registry.category("web_tour.tours").add("customer_timeline", {
    steps: () => [
        {content: "open the page", trigger: PAGE, run: "click"},
        {
            content: "the first category with its origin",
            trigger:
                ".o_customer_timeline_entry:contains('First category'):contains('Bronze')",
        },
        {
            content: "a decision by hand with its reason",
            trigger:
                ".o_customer_timeline_entry:contains('Framework contract'):contains('Gold')",
        },
        {
            content: "a past day",
            trigger: ".o_customer_timeline_day input",
            run: ({anchor}) => {
                const yesterday = luxon.DateTime.now().minus({days: 1});
                anchor.value = formatDate(yesterday);
                anchor.dispatchEvent(new Event("change", {bubbles: true}));
            },
        },
        {
            content: "what was shown then",
            trigger:
                ".o_customer_timeline_shown:contains('Silver'):contains('by hand')",
        },
        {
            content: "back to the present",
            trigger: ".o_customer_timeline_past button:contains('Close')",
            run: "click",
        },
        {
            content: "only the story is left",
            trigger: ".o_customer_timeline:not(:has(.o_customer_timeline_shown))",
        },
    ],
});

/**
 * The documents behind a figure, and what would change the category: an invoice of 100.00
 * and a credit note of 30.00 were posted.
 */
registry.category("web_tour.tours").add("customer_profile_receipt", {
    steps: () => [
        {content: "open the page", trigger: PAGE, run: "click"},
        {
            content: "on which day the category ends is on the page",
            trigger: `${TIER} .o_customer_profile_outlook:contains('unless')`,
        },
        {
            content: "ask why",
            trigger: `${TIER} .o_customer_profile_why`,
            run: "click",
        },
        {
            content: "and for the documents",
            trigger: `${TIER} .o_customer_profile_receipt`,
            run: "click",
        },
        {
            content: "what is to come is said",
            trigger: ".o_customer_receipt_outlook li:contains('if nothing happens')",
        },
        {
            content: "open the documents of the revenue as it is today",
            trigger:
                ".o_customer_receipt_criteria [data-code=revenue_window] td:nth-child(3) button:contains('70.00')",
            run: "click",
        },
        {
            content: "both are listed",
            trigger:
                ".o_customer_receipt_rows tbody:has(tr:nth-child(2)):contains('100.00'):contains('-30.00')",
        },
        {
            content: "and come to what is shown",
            trigger: ".o_customer_receipt_total:contains('70.00')",
        },
        {content: "close", trigger: ".modal .btn-close", run: "click"},
        {content: "closed", trigger: "body:not(:has(.modal))"},
    ],
});
