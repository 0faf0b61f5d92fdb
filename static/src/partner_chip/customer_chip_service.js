import {registry} from "@web/core/registry";
import {user} from "@web/core/user";
import {Cache} from "@web/core/utils/cache";

const USER_GROUP = "customer_classification.group_customer_classification_user";

/**
 * The main category of customers: one small request a customer and page load, and
 * none at all for who may not see categories. It never fails: where something is
 * wrong, the customer has no chip.
 */
export const customerChipService = {
    dependencies: ["orm"],
    start(env, {orm}) {
        const chips = new Cache(
            async (partnerId) => {
                try {
                    return await orm.silent.call("res.partner", "get_customer_chip", [
                        [partnerId],
                    ]);
                } catch {
                    return false;
                }
            },
            (partnerId) => partnerId
        );
        return {
            async get(partnerId) {
                return (await user.hasGroup(USER_GROUP)) && chips.read(partnerId);
            },
            clear() {
                chips.invalidate();
            },
        };
    },
};

registry.category("services").add("customer_chip", customerChipService);
