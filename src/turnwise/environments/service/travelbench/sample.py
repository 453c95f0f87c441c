"""Requests made here, in the country made here: what they need, what can be said, who asks."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from turnwise.environments.service.travelbench.rows import Form, Reason, ToolUse, TravelTask
from turnwise.environments.service.travelbench.tools import BY_NAME
from turnwise.tools.cached import CallCache, call_key

TIME = "2026-05-04 09:00"
_AT = {
    "arnsee": "Position: 54.1000,10.2000 (Arnsee)",
    "bredal": "Position: 54.3200,10.6100 (Bredal)",
    "road": "Position: 54.1000,10.2000 (Arnsee)\nNavigating to: Bredal, 54.3200,10.6100; 43 km to go",
}


def _use(name: str, **arguments: Any) -> ToolUse:
    return ToolUse(name=name, arguments=arguments)


def _task(name: str, query: str, at: str, intent: str, **more: Any) -> TravelTask:
    return TravelTask(id=name, query=query, time=TIME, context=_AT[at], intent=intent, **more)


_SINGLE = (
    _task(
        "charge",
        "I'm falling asleep here. Find me the nearest place to charge, I'll nap while it loads.",
        "arnsee",
        "Find the nearest charging station",
        label="places.nearby",
        calls=(
            _use(
                "map_search_places", query="charging", center="54.1000,10.2000", sort_by="distance", limit=3
            ),
        ),
        answer="The nearest is Quay Charging, Harbour Road 3, 432 m away: open day and night.",
        facts=("Quay Charging", "Harbour Road 3"),
    ),
    _task(
        "on_the_way",
        "Is there somewhere to charge roughly half-way to Bredal?",
        "road",
        "Find a charging station on the way to Bredal, about half-way",
        label="places.route",
        calls=(
            _use(
                "map_search_along_route",
                query="charging",
                origin="54.1000,10.2000",
                destination="54.3200,10.6100",
            ),
        ),
        answer="Halfway Charging, Lindal Road km 23, is 28 m off your route.",
        facts=("Halfway Charging",),
    ),
    _task(
        "cheapest_flight",
        "I have to be in Corvik between the 6th and the 8th. What's the cheapest flight?",
        "arnsee",
        "Find the cheapest flight from Arnsee to Corvik from 6 to 8 May",
        label="travel.flights",
        calls=(
            _use("travel_search_flights", origin="Arnsee", destination="Corvik", date="2026-05-06", days=2),
        ),
        answer="LN214 on 8 May, 18:40 to 19:50, for 164.",
        facts=("LN214", "164"),
    ),
    _task(
        "meet",
        "I'm in Arnsee, my sister is at Halfway Charging. Where do we eat, so that nobody goes too far?",
        "arnsee",
        "Find a restaurant between the two positions, with the longer way as short as possible",
        label="places.meeting",
        calls=(
            _use("map_search_places", query="halfway charging"),
            _use(
                "map_search_central_places",
                query="restaurant",
                origins=["54.1000,10.2000", "54.2200,10.4230"],
                radius=20000,
                sort_by="min_max_distance",
            ),
        ),
        answer="At Lake Inn, Lake Shore 2: 18 km for you and 1.6 km for your sister.",
        facts=("Lake Inn",),
    ),
    _task(
        "toll",
        "How long do I need to Bredal if I don't want to pay for the road?",
        "road",
        "Drive time to Bredal without tolls",
        label="routes.preference",
        calls=(
            _use(
                "map_compute_routes",
                origin="54.1000,10.2000",
                destination="54.3200,10.6100",
                preference="avoid_tolls",
            ),
        ),
        answer="56 minutes by the free road (52.1 km).",
        facts=("56 min",),
    ),
)
_MULTI = (
    _task(
        "dinner",
        "Find me something for dinner round here.",
        "arnsee",
        "Find a restaurant for tonight",
        label="places.food",
        profile="Lives in Arnsee. Eats vegetarian. Spends at most 20 on a meal. Likes it quiet.",
        calls=(
            _use(
                "map_search_places",
                query="vegetarian restaurant",
                region="Arnsee",
                price_max=20,
                price_category="average_cost",
            ),
        ),
        answer="Green Table, Mill Lane 8: vegetarian, quiet, about 18 a head, open until 22:00.",
        facts=("Green Table",),
        reveals=("I eat vegetarian.", "Not more than 20, please."),
    ),
    _task(
        "hotel",
        "I'll need a bed for the night.",
        "arnsee",
        "Find a hotel in Arnsee for tonight",
        label="places.hotels",
        profile="Travels for work, pays for it alone: as cheap as it gets. Wants breakfast.",
        calls=(
            _use(
                "map_search_places",
                query="hotel",
                region="Arnsee",
                sort_by="price:a",
                price_category="price",
            ),
        ),
        answer="Pension Anker, Mill Lane 20, is the cheapest at 64, with breakfast.",
        facts=("Pension Anker", "64"),
        reveals=("As cheap as it gets.", "Breakfast would be good."),
    ),
    _task(
        "train",
        "How do I get to Bredal tomorrow?",
        "arnsee",
        "Find a train to Bredal tomorrow after work",
        label="travel.trains",
        profile="Has no car. Works until four in the afternoon. Would rather be quick than save money.",
        calls=(_use("travel_search_trains", origin="Arnsee", destination="Bredal", date="2026-05-05"),),
        answer="Take E5 at 17:02; you are in Bredal at 17:31. It costs 27.",
        facts=("E5", "17:02"),
        reveals=("I work until four.", "I'd rather be quick."),
    ),
)


def _unsolvable(name: str, query: str, intent: str, reason: Reason) -> TravelTask:
    return _task(name, query, "road", intent, reason=reason, label="unsolvable")


_UNSOLVABLE = (
    _unsolvable("remind", "Tell me when the jam ahead is gone, will you?", "Be told later", "missing_tool"),
    _unsolvable("lights", "Switch the hazard lights on.", "Operate the car", "missing_tool"),
    _unsolvable(
        "there", "Take me to where we were with Ida.", "Go somewhere that is not known", "missing_info"
    ),
    _unsolvable("that_one", "Book the second one after that.", "It is not said what", "missing_info"),
    _unsolvable(
        "chat", "Yes yes, I'm almost there, put the kettle on!", "Talks to somebody else", "no_actionable"
    ),
    _task(
        "weather_now",
        "What's the weather like in Corvik?",
        "arnsee",
        "Weather in Corvik now: a request that can be met",
        label="weather.now",
        calls=(_use("weather_current_conditions", location="Corvik"),),
        answer="Corvik is clear, 11 to 16 degrees.",
        facts=("clear",),
    ),
    _task(
        "ferry",
        "Which ferry do I take to Corvik?",
        "arnsee",
        "Ferries to Corvik: a request that can be met",
        label="web.rules",
        calls=(_use("web_search", query="ferry to Corvik"),),
        answer="There is no ferry in 2026, since the harbour is being rebuilt; flights go three times a day.",
        facts=("no ferry",),
    ),
)
TASKS: dict[Form, tuple[TravelTask, ...]] = {
    "single": _SINGLE,
    "multi": _MULTI,
    "unsolvable": _UNSOLVABLE,
}


@lru_cache(maxsize=1)
def cache() -> CallCache:
    """Results of the reference calls of most requests; those of the last of each form are left out."""
    made = CallCache()
    for tasks in TASKS.values():
        for task in tasks[:-1]:
            for use in task.calls:
                key = call_key(use.arguments, {"time": task.time})
                made.put(use.name, key, result(use.name, use.arguments))
    return made


def result(name: str, arguments: dict[str, Any]) -> str:
    """What a tool of the country made here says.

    Raises:
        ToolError: it refuses.
    """
    made = BY_NAME[name]
    return msgspec.json.encode(made(**made.values(arguments))).decode()
