"""Names and words that records are made of; nobody and nothing of these is real."""

from __future__ import annotations

FIRST = (
    *("Ada", "Bela", "Cyril", "Dorte", "Emil", "Fenna", "Goran", "Hedda", "Ivo", "Jonna", "Kuno", "Lioba"),
    *("Milan", "Nele", "Oskar", "Pia", "Quirin", "Runa", "Silas", "Tilda", "Urs", "Vera", "Wanja", "Xenia"),
    *("Yorick", "Zita", "Anselm", "Birte", "Caspar", "Dunja"),
)
LAST = (
    *(
        "Aldwin",
        "Barsk",
        "Corvey",
        "Drum",
        "Eskil",
        "Farrow",
        "Gellert",
        "Harke",
        "Imhof",
        "Jessop",
        "Kestrel",
    ),
    *("Lomax", "Marrow", "Nordin", "Oakes", "Pelham", "Quist", "Ravn", "Sedge", "Thorne", "Umber", "Vasko"),
    *("Wickham", "Yarrow", "Zander", "Ashby", "Brook", "Calder", "Dunmore", "Elstow"),
)
FIRMS = (
    *(
        "Amber Quay",
        "Birchfold",
        "Copperline",
        "Dovetail",
        "Eastmere",
        "Fallow & Finch",
        "Greyhaven",
        "Hollin",
    ),
    *(
        "Inkwell",
        "Juniper Yard",
        "Kettlebrook",
        "Larkspur",
        "Millrace",
        "Northlight",
        "Otterburn",
        "Pinecrest",
    ),
    *("Quarryside", "Redwing", "Saltmarsh", "Tanglewood", "Underhill", "Vellum", "Westering", "Yewdale"),
)
FIRM_KINDS = ("Works", "Foundry", "Logistics", "Foods")
INDUSTRIES = {"Works": "Machinery", "Foundry": "Metals", "Logistics": "Transport", "Foods": "Food"}

TERRITORIES = {
    "Coast West": ("CA", "OR", "WA", "NV"),
    "Mountain": ("CO", "UT", "AZ", "MT"),
    "Prairie": ("KS", "NE", "MN", "MO"),
    "Lakes": ("MI", "OH", "WI", "IL"),
    "Coast East": ("NY", "NJ", "MA", "VA"),
}
CITIES = {
    "CA": "Fresno", "OR": "Salem", "WA": "Tacoma", "NV": "Reno", "CO": "Pueblo", "UT": "Provo", "AZ": "Mesa",
    "MT": "Helena", "KS": "Topeka", "NE": "Lincoln", "MN": "Duluth", "MO": "Joplin", "MI": "Flint",
    "OH": "Dayton", "WI": "Racine", "IL": "Peoria", "NY": "Utica", "NJ": "Trenton", "MA": "Lowell",
    "VA": "Roanoke",
}  # fmt: skip

PRODUCTS = {
    "b2b": {
        "Controllers": (("Tern Controller", 2400), ("Heron Controller", 3900), ("Plover Controller", 1500)),
        "Gateways": (("Delta Gateway", 1800), ("Estuary Gateway", 2900), ("Fjord Gateway", 4200)),
        "Sensors": (("Pebble Sensor", 120), ("Slate Sensor", 260), ("Marl Sensor", 410)),
        "Drives": (("Otter Drive", 5200), ("Badger Drive", 7600), ("Marten Drive", 9800)),
    },
    "b2c": {
        "Lamps": (("Wick Lamp", 60), ("Ember Lamp", 95), ("Beacon Lamp", 140)),
        "Bicycles": (("Swallow Bicycle", 640), ("Swift Bicycle", 980), ("Martin Bicycle", 1450)),
        "Helmets": (("Acorn Helmet", 55), ("Walnut Helmet", 85), ("Hazel Helmet", 120)),
        "Batteries": (("Brook Battery", 180), ("River Battery", 290), ("Lake Battery", 430)),
    },
}
"""By organisation and category: names and prices."""

ISSUES = {
    "b2b": (
        ("Does not start", "The device shows no sign of life after it was switched on."),
        ("Loses its settings", "Settings are gone after the power was off."),
        ("Wrong readings", "What is measured is far from what it should be."),
        ("Overheats", "The case grows too hot to touch under load."),
        ("Late delivery", "Goods came later than was promised, or have not come yet."),
        ("Wrong invoice", "The invoice does not fit the order."),
    ),
    "b2c": (
        ("Does not charge", "The battery stays empty however long it is charged."),
        ("Broken on arrival", "It was broken when it came out of the box."),
        ("Wrong size", "It does not fit, though the size is the one that was ordered."),
        ("Rattles", "Something is loose and makes noise."),
        ("Late delivery", "Goods came later than was promised, or have not come yet."),
        ("Wrong charge", "More was charged than the order says."),
    ),
}
RIVALS = ("Osprey Systems", "Bluff & Sons", "Tarn Industries", "Copse Trading", "Wold Brothers")
REASONS = (
    "their price is lower",
    "they deliver within a week",
    "their warranty lasts longer",
    "they send somebody who sets it up",
    "their support speaks German",
)
PERSONAS = (
    "You are patient and exact, and write in whole sentences.",
    "You are in a hurry and write as little as you can.",
    "You are friendly and talk about the weather before you come to the point.",
    "You are not used to such systems and need to be asked for details.",
    "You are doubtful and want to hear it twice before you believe it.",
)
STAGES = ("Qualification", "Discovery", "Quote", "Negotiation", "Closed")
STAGE_TASKS = {
    "Qualification": ("Ask for the budget", "Find out who decides", "Check the need"),
    "Discovery": ("Visit the site", "Write down requirements", "Show the product"),
    "Quote": ("Work out the price", "Write the quote", "Have the quote checked"),
    "Negotiation": ("Talk about discounts", "Agree on delivery dates", "Settle the terms"),
    "Closed": ("Have the contract signed", "Hand over to delivery", "Send a letter of thanks"),
}
"""What is done in each stage."""
