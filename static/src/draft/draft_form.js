import {FormController} from "@web/views/form/form_controller";
import {formView} from "@web/views/form/form_view";
import {registry} from "@web/core/registry";

/**
 * Shows the result as soon as a draft was compared or applied, whatever page was edited.
 */
export class CustomerDraftFormController extends FormController {
    async afterExecuteActionButton(clickParams) {
        await super.afterExecuteActionButton(clickParams);
        if (["action_apply", "action_compare"].includes(clickParams.name)) {
            const tabs = this.rootRef.el?.querySelectorAll(
                ".o_notebook a[name=result], .o_notebook a[name=past_result]"
            );
            tabs?.[0]?.click();
        }
    }
}

registry.category("views").add("customer_draft_form", {
    ...formView,
    Controller: CustomerDraftFormController,
});
