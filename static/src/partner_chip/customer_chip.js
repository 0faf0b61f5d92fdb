import {Component, onMounted, onWillUpdateProps, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";

/** The customer's main category, beside the name; why it holds, on hover. */
export class CustomerChip extends Component {
    static template = "customer_classification.CustomerChip";
    static props = {partnerId: Number};

    setup() {
        this.chips = useService("customer_chip");
        this.state = useState({chip: false});
        // Not awaited: the form never waits for the chip
        onMounted(() => {
            this.load(this.props.partnerId);
        });
        onWillUpdateProps(({partnerId}) => {
            if (partnerId !== this.props.partnerId) {
                this.state.chip = false;
                this.load(partnerId);
            }
        });
    }

    get title() {
        const {dimension, name, company, why} = this.state.chip;
        const title = _t("%(dimension)s: %(category)s", {dimension, category: name});
        return [title, company, why].filter(Boolean).join(" · ");
    }

    async load(partnerId) {
        this.partnerId = partnerId;
        const chip = await this.chips.get(partnerId);
        if (partnerId === this.partnerId) {
            this.state.chip = chip;
        }
    }
}
