"""What a campaign should come to, in plain Python."""

import hashlib


def get_chance(seed, customer_id):
    """Return a customer's number from 0 to less than 1: 52 bits of SHA-256."""
    digest = hashlib.sha256(f"{seed}:{customer_id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 12) / 2**52


def get_mixed_seed(customer_ids, share):
    """Return the first seed with which chance holds out some customers, not all.

    The seeds of campaigns are random; of a handful of customers one in some hundreds
    would hold out everybody, and a campaign that writes to nobody is refused.
    """
    for number in range(1000):
        seed = f"{number:032x}"
        held = [get_chance(seed, id_) < share / 100 for id_ in customer_ids]
        if any(held) and not all(held):
            return seed
    raise ValueError(f"No seed splits {len(customer_ids)} customers.")


def get_roles(
    customer_ids, seed, share, control_seed=None, control_share=0, excluded=()
):
    """Return the role of each customer by its id.

    :param excluded: customers who cannot be written to, with the reason
    """
    excluded = dict(excluded)
    roles = {}
    for customer_id in customer_ids:
        if customer_id in excluded:
            roles[customer_id] = ("excluded", excluded[customer_id])
        elif control_share and get_chance(control_seed, customer_id) < (
            control_share / 100
        ):
            roles[customer_id] = ("control", None)
        elif get_chance(seed, customer_id) < share / 100:
            roles[customer_id] = ("holdout", None)
        else:
            roles[customer_id] = ("target", None)
    return roles
