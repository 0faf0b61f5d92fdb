"""What the file does not have: names for customers, categories for products.

All of it is made up, and made the same way every time, from the customer number or
the description of a product.
"""

# ISO codes; the file's Channel Islands are no country: Jersey is the larger one.
COUNTRY_CODES = {
    "Australia": "AU",
    "Austria": "AT",
    "Bahrain": "BH",
    "Belgium": "BE",
    "Channel Islands": "JE",
    "Cyprus": "CY",
    "Denmark": "DK",
    "Finland": "FI",
    "France": "FR",
    "Germany": "DE",
    "Italy": "IT",
    "Japan": "JP",
    "Lebanon": "LB",
    "Lithuania": "LT",
    "Norway": "NO",
    "Poland": "PL",
    "Portugal": "PT",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "United Kingdom": "GB",
}

COLOURS = (
    "Amber", "Ash", "Blue", "Bronze", "Clay", "Copper", "Coral", "Cream",
    "Crimson", "Dusky", "Green", "Grey", "Hazel", "Indigo", "Ivory", "Jade",
    "Lilac", "Ochre", "Olive", "Pearl", "Plum", "Russet", "Teal", "White",
)  # fmt: skip
ANIMALS = (
    "Badger", "Beaver", "Crane", "Curlew", "Dormouse", "Falcon", "Finch", "Fox",
    "Hare", "Hedgehog", "Heron", "Kestrel", "Lark", "Linnet", "Magpie", "Marten",
    "Otter", "Owl", "Plover", "Puffin", "Robin", "Squirrel", "Swift", "Wren",
)  # fmt: skip
TRADES = (
    "Gifts", "Home", "Interiors", "Stores", "Trading", "Emporium", "Bazaar",
    "Garden", "Party Shop", "Stationers", "Living", "Supplies",
)  # fmt: skip

SERVICES = ("POST", "C2", "M", "PADS")

# The first word found in a description decides, so the order matters: a paper lantern
# is party-ware before it is a light.
CATEGORIES = (
    ("Christmas", ("CHRISTMAS", "ADVENT", "SANTA", "REINDEER", "XMAS")),
    ("Party", ("PARTY", "BUNTING", "BALLOON", "PAPER", "CAKE CASE", "BIRTHDAY")),
    ("Bags", ("BAG", "PURSE", "SUITCASE", "LUGGAGE", "SHOPPER")),
    ("Kitchen", ("MUG", "CUP", "PLATE", "BOWL", "TEA", "CAKE", "JAR", "LUNCH", "JUG",
                 "BAKING", "CUTLERY", "KITCHEN", "BOTTLE", "COASTER", "TIN")),
    ("Lights", ("LIGHT", "LANTERN", "CANDLE", "LAMP")),
    ("Stationery", ("CARD", "PENCIL", "PEN ", "NOTEBOOK", "STICKER", "WRAP", "RIBBON")),
    ("Toys", ("TOY", "GAME", "DOLL", "JIGSAW", "PUZZLE", "SKIPPING", "CHILDREN")),
    ("Jewellery", ("NECKLACE", "BRACELET", "EARRING", "RING ", "BROOCH")),
    ("Garden", ("GARDEN", "FLOWER", "PLANT", "HERB", "BIRD")),
    ("Home", ("CLOCK", "FRAME", "HOOK", "SIGN", "CUSHION", "DRAWER", "BOX", "HEART",
              "MIRROR", "DOORMAT", "HANGER", "DECORATION")),
)  # fmt: skip


def company_name(customer):
    """Return a fictional company name, another one for each customer number.

    The number is part of the name: it tells customers apart, and that nobody real
    is meant.
    """
    # The step is prime to the number of combinations: neighbours get unlike names.
    seed = int(customer) * 3001
    seed, colour = divmod(seed, len(COLOURS))
    seed, animal = divmod(seed, len(ANIMALS))
    trade = seed % len(TRADES)
    return f"{COLOURS[colour]} {ANIMALS[animal]} {TRADES[trade]} {customer}"


def product_category(stock_code, description):
    """Return the name of a product category guessed from the description."""
    if stock_code in SERVICES:
        return "Charges"
    for name, words in CATEGORIES:
        if any(word in description for word in words):
            return name
    return "Other gifts"
