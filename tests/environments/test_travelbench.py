"""TravelBench: the score's arithmetic, abstention, a conversation's ends, cached tools, published rows."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import turnwise
from turnwise.agent import Agent
from turnwise.agents.users.marks import FINISH
from turnwise.environments.parts.calls import calling
from turnwise.environments.service.travelbench import (
    TravelMulti,
    TravelSingle,
    TravelTask,
    TravelUnsolvable,
    country,
    load,
    sample,
    scoring,
)
from turnwise.environments.service.travelbench.players import ANY, GO_ON
from turnwise.environments.service.travelbench.prompts import APOLOGY, conversation
from turnwise.environments.service.travelbench.scoring import UNSOLVED
from turnwise.environments.service.travelbench.tools import BY_NAME, TOOLS
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TaskError, ToolError
from turnwise.log import Turn
from turnwise.message import Message, assistant
from turnwise.models.scripted import ScriptedModel
from turnwise.tools.cached import CallCache, call_key

DATA = Path(os.environ.get("TURNWISE_DATA", "no-data"))
published = pytest.mark.skipif(
    not (DATA / load.FILES["multi"]).is_file(), reason="needs travelbench/*.jsonl: set TURNWISE_DATA"
)
ALL = (TravelSingle, TravelMulti, TravelUnsolvable)
CHARGE, FLIGHT = sample.TASKS["single"][0], sample.TASKS["single"][2]
DINNER, HOTEL, _ = sample.TASKS["multi"]
REMIND = sample.TASKS["unsolvable"][0]
WEATHER = sample.TASKS["unsolvable"][-2]
LOOK = calling("web_search", {"query": "ferries"}, 1)


def saying(*said: str | Message) -> ScriptedModel:
    """Somebody who says these things, the last one again and again."""

    def script(task: TravelTask, rng: random.Random) -> Iterator[Any]:
        yield
        for one in chain(said, repeat(said[-1])):  # noqa: UP028
            yield one

    return ScriptedModel(script)


def play(environment: Any, task: TravelTask, **models: Any) -> Episode:
    """The finished episode; who is not given plays without a model, as ever."""
    own = environment.agents()
    filled = {role: f"{role}/{name}" for role, name in environment.defaults().items()} | models
    agents = {
        role: Agent(ScriptedModel(own[model]) if isinstance(model, str) else model)
        for role, model in filled.items()
    }
    episode = Episode(environment, task, agents)
    asyncio.run(episode.play())
    assert episode.error is None, episode.error.traceback
    return episode


def said(episode: Episode, role: str) -> list[str]:
    return [turn.text for turn in episode.turns if turn.role == role]


def judgement(**ratings: str) -> str:
    inside = "".join(
        f"<{name}><reasoning>since {name}</reasoning><rating>{rating}</rating></{name}>"
        for name, rating in ratings.items()
    )
    return f"```xml\n<response>{inside}</response>\n```"


RATED = {"reasoning_planning": "good", "summarization_extraction": "优秀", "presentation": "Fair"}
SINGLE = scoring.DIMENSIONS["single"]

# The arithmetic -------------------------------------------------------------------------------------------


def test_ratings_4_5_3_make_75_then_60_then_48() -> None:
    ratings = dict(zip(SINGLE, (4, 5, 3), strict=True))
    plain = scoring.scores(ratings, calls=10, errors=0)
    assert plain.ratings["average"] == 4
    assert plain.normalised["average"] == plain.penalised["average"] == plain.final["average"] == 75
    assert [plain.normalised[name] for name in SINGLE] == [75, 100, 50]
    erring = scoring.scores(ratings, calls=10, errors=2)
    assert erring.final["average"] == pytest.approx(60)
    doubted = scoring.scores(ratings, calls=10, errors=2, meta=4)
    assert doubted.penalised["average"] == pytest.approx(60)
    assert doubted.final["average"] == pytest.approx(48)
    assert doubted.final["summarization_extraction"] == pytest.approx(100 * 0.8 * 0.8)


def test_without_calls_there_is_no_penalty_and_the_whole_is_a_mean() -> None:
    best = scoring.scores(dict.fromkeys(SINGLE, 5), calls=0, errors=0)
    worst = scoring.scores(dict.fromkeys(SINGLE, 1), calls=4, errors=1, meta=5)
    assert (best.final["average"], worst.final["average"]) == (100, 0)
    assert scoring.overall([best, worst, best, worst])["average"] == 50
    for empty in (lambda: scoring.overall([]), lambda: scoring.scores({}, calls=0, errors=0)):
        with pytest.raises(ValueError, match="TravelBench"):
            empty()


@given(
    st.fixed_dictionaries({name: st.integers(1, 5) for name in scoring.DIMENSIONS["multi"]}),
    st.integers(0, 9).flatmap(lambda calls: st.tuples(st.just(calls), st.integers(0, calls))),
    st.none() | st.integers(1, 5),
)
def test_every_step_only_takes_away(
    ratings: dict[str, float], counted: tuple[int, int], meta: float | None
) -> None:
    found = scoring.scores(ratings, calls=counted[0], errors=counted[1], meta=meta)
    for name in found.final:
        assert 0 <= found.final[name] <= found.penalised[name] <= found.normalised[name] <= 100


# What judges say ------------------------------------------------------------------------------------------


def test_a_judgement_is_read_in_either_language() -> None:
    verdict = scoring.reader(SINGLE)(f"Well.\n{judgement(**RATED)}")
    assert verdict.figures == dict(zip(SINGLE, (4, 5, 3), strict=True))
    assert verdict.score == 4
    assert verdict.reason == "\n".join(f"{name}: since {name}" for name in SINGLE)


def test_tags_left_open_do_no_harm() -> None:
    answer = "<response>" + "".join(f"<{name}><reasoning>so<rating>极差" for name in SINGLE)
    assert scoring.reader(SINGLE)(answer).figures == dict.fromkeys(SINGLE, 1)


@pytest.mark.parametrize(
    "answer",
    ["", "4 5 3", judgement(presentation="good"), judgement(**{**RATED, "presentation": "7"}), "<response>"],
)
def test_what_does_not_rate_everything_is_no_verdict(answer: str) -> None:
    verdict = scoring.reader(SINGLE)(answer)
    assert verdict.score is None
    assert verdict.missing
    assert scoring.read_meta(answer).missing


@given(st.text(max_size=60))
def test_no_answer_is_too_strange(answer: str) -> None:
    scoring.reader(SINGLE)(answer)
    scoring.read_meta(f"<meta_evaluation>{answer}")


# Judged episodes ------------------------------------------------------------------------------------------


def test_judge_and_meta_judge_make_the_score() -> None:
    meta = "<meta_evaluation><reasoning>sound</reasoning><rating>较好</rating></meta_evaluation>"
    bad = calling("weather_current_conditions", {}, 2)
    agent = saying(LOOK, LOOK, bad, LOOK, LOOK, "There is none.")
    judges = {"judge": saying(judgement(**RATED)), "meta_judge": saying(meta)}
    episode = play(TravelSingle(), CHARGE, agent=agent, **judges)
    assert (episode.metrics["tool_calls"], episode.metrics["bad_calls"]) == (5, 1)
    assert episode.metrics["rating"] == 4
    assert episode.metrics["penalised"] == pytest.approx(60)
    assert episode.metrics["average"] == pytest.approx(48)
    assert episode.score() == pytest.approx(0.48)
    alone = play(TravelSingle(), CHARGE, agent=agent, judge=saying(judgement(**RATED)))
    assert alone.score() == pytest.approx(0.6)
    shown = next(turn.text for turn in episode.turns if turn.to == ("meta_judge",))
    assert "- presentation: 3 of 5" in shown
    assert "since presentation" in shown


def test_a_judge_is_asked_up_to_ten_times() -> None:
    late = play(TravelSingle(), CHARGE, agent="solver", judge=saying(*["?"] * 9, judgement(**RATED)))
    assert late.score() == pytest.approx(0.75)
    never = play(TravelSingle(), CHARGE, agent="solver", judge=saying("?"))
    assert never.score() is None, "no verdict is no score, and not 0"
    assert len(said(never, "judge")) == 10


def test_a_judgement_that_cannot_be_weighed_is_no_score() -> None:
    judges = {"judge": saying(judgement(**RATED)), "meta_judge": saying("fine")}
    assert play(TravelSingle(), CHARGE, agent="solver", **judges).score() is None


def test_in_a_conversation_four_dimensions_are_judged() -> None:
    rated = judgement(**RATED, user_interaction="good")
    episode = play(TravelMulti(), DINNER, agent="solver", judge=saying(rated))
    assert episode.metrics["rating"] == 4
    assert "user_interaction" in next(turn.text for turn in episode.turns if turn.to == ("judge",))


def test_what_a_judge_is_shown_is_the_conversation() -> None:
    episode = play(TravelMulti(), DINNER, agent="solver")
    shown = conversation(episode.turns).splitlines()
    assert shown[0] == f"user: {DINNER.query}"
    assert shown[2] == "user: I eat vegetarian."
    assert any(line.startswith("agent call: map_search_places({") for line in shown)
    assert any(line.startswith("result of map_search_places: {") for line in shown)
    assert "stand in" not in "\n".join(shown)
    single = play(TravelSingle(), CHARGE, agent="solver")
    assert conversation(single.turns).startswith(f"user: {CHARGE.query}\nagent call: ")


# What cannot be done --------------------------------------------------------------------------------------


def transcript(*messages: Message) -> list[Turn]:
    return [Turn(index=at, role="agent", message=message) for at, message in enumerate(messages)]


def test_three_transcripts() -> None:
    at_once = transcript(assistant(f"{UNSOLVED}"))
    after_a_call = transcript(LOOK, assistant(UNSOLVED))
    answered = transcript(assistant("It is at Harbour Road 3."))
    assert [scoring.unsolved(turns) for turns in (at_once, after_a_call, answered)] == [True, False, False]
    anywhere = [scoring.unsolved(turns, anywhere=True) for turns in (at_once, after_a_call, answered)]
    assert anywhere == [True, True, False]
    assert not scoring.unsolved([])
    with_words = transcript(Message(role="assistant", content=UNSOLVED, tool_calls=LOOK.tool_calls))
    assert scoring.unsolved(with_words), "the first message counts, be it one that calls tools"


def test_accuracy() -> None:
    assert scoring.accuracy([True] * 37 + [False] * 63) == 0.37
    with pytest.raises(ValueError, match="no request"):
        scoring.accuracy([])


def test_as_published_only_the_first_message_counts() -> None:
    late = saying(LOOK, UNSOLVED)
    for variant, score in (("published", 0.0), ("corrected", 1.0)):
        environment = TravelUnsolvable(variant=variant)  # pyright: ignore[reportArgumentType]
        episode = play(environment, REMIND, agent=late)
        assert episode.score() == score
        assert episode.metrics["unsolved_first"] == 0
        assert play(environment, REMIND, agent="abstain").score() == 1.0


def test_who_always_abstains_fails_what_can_be_done(tmp_path: Path) -> None:
    scores = {
        name: [log.score() for log in turnwise.run(TravelUnsolvable(), name, store=tmp_path / "t.db").logs()]
        for name in ("solver", "abstain", "nothing")
    }
    assert scores["solver"] == [1.0] * 7
    assert scores["abstain"] == [1.0] * 5 + [0.0] * 2
    assert scores["nothing"] == [0.0] * 7


# Conversations --------------------------------------------------------------------------------------------


def test_the_user_ends_after_a_plan() -> None:
    agent = saying("What do you eat?", "And to spend?", "And music?", "Go to the Green Table, Mill Lane 8.")
    episode = play(TravelMulti(), DINNER, agent=agent)
    assert said(episode, "user") == [
        DINNER.query,
        "I eat vegetarian.",
        "Not more than 20, please.",
        ANY,
        FINISH,
    ]
    assert (episode.detail, episode.score()) == ("user_ended", 1.0)


def test_who_repeats_itself_is_left_after_two_turns_without_progress() -> None:
    episode = play(TravelMulti(), DINNER, agent=saying("I am working on it."))
    assert said(episode, "agent") == ["I am working on it."] * 3
    assert said(episode, "user")[1:] == [GO_ON, GO_ON, FINISH]
    assert (episode.detail, episode.score()) == ("user_ended", 0.0)


def test_otherwise_it_ends_after_ten_turns() -> None:
    agent = saying(*(f"{word} indeed" for word in "abcdefghijkl"))
    episode = play(TravelMulti(), DINNER, agent=agent)
    assert (len(said(episode, "agent")), episode.detail) == (10, "max_turns")
    short = play(TravelMulti(max_turns=4), DINNER, agent=agent)
    assert len(said(short, "agent")) == 4


def test_only_the_user_can_end_it() -> None:
    episode = play(TravelMulti(), DINNER, agent=saying(FINISH, "Green Table"))
    assert len(said(episode, "agent")) == 2
    assert episode.detail == "user_ended"


def test_the_first_words_are_the_users_and_their_own() -> None:
    episode = play(TravelMulti(), HOTEL, agent="solver")
    first = next(turn for turn in episode.turns if turn.role == "user")
    assert (first.text, first.calls) == (HOTEL.query, ())


def test_nobody_sees_what_is_not_theirs() -> None:
    seen: dict[str, set[str]] = {"agent": set(), "user": set()}

    def spy(role: str, inner: Any) -> Any:
        async def sample_(request: Any) -> Any:
            seen[role] |= {message.text for message in request.messages}
            return await inner.sample(request)

        model = ScriptedModel(lambda _: "")
        model.sample = sample_  # type: ignore[method-assign]
        return model

    own = TravelMulti().agents()
    episode = play(
        TravelMulti(),
        DINNER,
        agent=spy("agent", ScriptedModel(own["solver"])),
        user=spy("user", ScriptedModel(own["user/scripted"])),
    )
    results = {turn.text for turn in episode.turns if turn.role == "tool"}
    assert results <= seen["agent"]
    assert not results & seen["user"], "the user sees no results"
    assert not any(DINNER.profile in text for text in seen["agent"]), "the agent does not see who the user is"
    assert any(DINNER.profile in text for text in seen["user"])
    assert not any("call: " in text for text in seen["user"])


def test_who_calls_without_end_is_stopped_after_twenty_messages() -> None:
    episode = play(TravelSingle(), CHARGE, agent=saying(LOOK))
    assert sum(turn.role == "tool" for turn in episode.turns) == 20
    assert episode.turns[-1].text == APOLOGY
    several = msgspec.structs.replace(LOOK, tool_calls=LOOK.tool_calls * 3)
    episode = play(TravelSingle(max_calls=2), CHARGE, agent=saying(several))
    assert sum(turn.role == "tool" for turn in episode.turns) == 6, "all calls of the last message are made"
    assert play(TravelSingle(), CHARGE, agent=saying(*[LOOK] * 19, "Quay Charging")).turns[-1].text == (
        "Quay Charging"
    )


# Tools ----------------------------------------------------------------------------------------------------


def test_the_ten_tools() -> None:
    assert [made.spec.name for made in TOOLS] == [
        "map_search_places",
        "map_search_central_places",
        "map_search_along_route",
        "map_search_ranking_list",
        "map_compute_routes",
        "travel_search_flights",
        "travel_search_trains",
        "weather_current_conditions",
        "weather_forecast_days",
        "web_search",
    ]
    required = {made.spec.name: made.spec.parameters["required"] for made in TOOLS}
    assert required["map_search_central_places"] == ["query", "origins"]
    assert required["weather_forecast_days"] == ["location", "date"]


def ask(name: str, **arguments: Any) -> Any:
    return msgspec.json.decode(sample.result(name, arguments))


def test_distances_by_hand() -> None:
    # 0.0031 degrees north, 0.004 east at 54.1: 344.7 m and 260.8 m, so 432 m.
    (near, _) = ask("map_search_places", query="charging", center="54.10,10.20", sort_by="distance")["places"]
    assert (near["name"], near["distance"]) == ("Quay Charging", 432)
    north, same, other = country.Point(54, 10), country.Point(54, 10), country.Point(55, 10)
    assert country.metres(north, same) == 0
    assert country.metres(north, other) == pytest.approx(111_195)
    assert country.off_route(country.Point(54.5, 10), north, other) == pytest.approx(0, abs=1e-6)
    assert country.off_route(country.Point(53, 10), north, other) == pytest.approx(111_195)
    assert country.off_route(other, north, north) == pytest.approx(111_195)


def test_bounds_and_orders() -> None:
    names = [
        place["name"]
        for place in ask("map_search_places", query="restaurant", region="Arnsee", price_max=20)["places"]
    ]
    assert names == ["Green Table", "Noodle House Lin"]
    dear = ask("map_search_places", query="hotel", sort_by="price:d", price_category="price", limit=2)
    assert [place["price"] for place in dear["places"]] == [142, 118]
    best = ask("map_search_places", query="hotel", min_rating=9)["places"]
    assert [place["name"] for place in best] == ["Castle Hotel"]
    (ranked,) = ask("map_search_ranking_list", query="restaurant", region="Bredal", max_items=1)["lists"]
    assert (ranked["name"], ranked["places"][0]["rank"]) == ("Best restaurants of Bredal", 1)


def test_a_fare_falls_for_a_week() -> None:
    flights = ask("travel_search_flights", origin="Arnsee", destination="Corvik", date="2026-05-04", days=15)
    fares = [one["price"] for one in flights["flights"] if one["number"] == "LN214"]
    assert len(fares) == 16
    # 149 * 1.5 = 223.5, and 149 * 0.8 = 119.2 from the seventh day on.
    assert (fares[0], fares[7], fares[15]) == (224, 119, 119)
    assert ask("travel_search_flights", origin="Arnsee", destination="Bredal", date="2026-05-04") == {
        "flights": []
    }
    assert ask("travel_search_trains", origin="Arnsee", destination="Bredal", date="9999-12-31", days=15) == {
        "trains": []
    }


def test_weather_is_known_for_sixteen_days() -> None:
    shown = ask("weather_forecast_days", location="Bredal", date="2026-05-17", days=15)["days"]
    assert [day["date"] for day in shown] == ["2026-05-17", "2026-05-18", "2026-05-19"]
    assert ask("weather_current_conditions", location="in Bredal") == {
        "location": "Bredal",
        **country.weather("Bredal", country.TODAY)._asdict(),
    }
    with pytest.raises(ToolError, match="nothing is known of 2026-05-20"):
        ask("weather_forecast_days", location="Bredal", date="2026-05-20")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
SENSIBLE = st.sampled_from(
    [
        "54.1,10.2",
        "-0.1, 3",
        "Arnsee",
        "Bredal",
        "2026-05-06",
        "0000-00-00",
        "9999-12-31",
        "charging",
        0,
        15,
        1e300,
    ]
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_tools_take_any_arguments(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(BY_NAME)))
    known = BY_NAME[name].spec.parameters["properties"]
    keys = st.sampled_from(sorted(known)) | st.text(max_size=5)
    value = SENSIBLE | JSON | st.lists(SENSIBLE, max_size=3)
    arguments = data.draw(st.dictionaries(keys, value, max_size=6))
    with suppress(ToolError):
        sample.result(name, arguments)


# The cache ------------------------------------------------------------------------------------------------


def test_reference_calls_hit_but_for_the_last_request_of_each_form(tmp_path: Path) -> None:
    for kind in ALL:
        environment = kind()
        logs = list(turnwise.run(environment, "solver", store=tmp_path / "t.db").logs())
        assert [log.score() for log in logs] == [1.0] * len(logs)
        *kept, last = (log.metrics for log in logs)
        assert all(metrics["cache_hits"] == metrics["tool_calls"] for metrics in kept)
        assert (last["cache_hits"], last["cache_misses"], last["tool_calls"]) == (0, 1, 1)


def test_what_the_stand_in_says_is_what_the_tool_would(tmp_path: Path) -> None:
    scores = {
        mode: [
            [turn.text for turn in log.turns if turn.role == "tool"]
            for log in turnwise.run(TravelSingle(mode=mode), "solver", store=tmp_path / "t.db").logs()
        ]
        for mode in ("live", "record", "simulate")
    }
    assert scores["live"] == scores["record"] == scores["simulate"]


def test_recorded_once_replayed_ever_after(tmp_path: Path) -> None:
    recorded = turnwise.run(TravelSingle(mode="record"), "solver", store=tmp_path / "t.db")
    CallCache.of(recorded.logs()).write(tmp_path / "kept")
    again = TravelSingle(mode="replay", cache=str(tmp_path / "kept"))
    logs = list(turnwise.run(again, "solver", store=tmp_path / "t.db").logs())
    assert all(log.metrics["cache_hits"] == log.metrics["tool_calls"] > 0 for log in logs)
    with pytest.raises(ConfigError, match="no tool cache in"):
        # Said at once, and not by each episode.
        turnwise.run(TravelSingle(mode="replay", cache="nothing"), "solver", store=tmp_path / "t.db")


def test_a_model_that_stands_in_is_shown_similar_calls() -> None:
    heard: list[str] = []

    def stand_in(messages: Sequence[Message]) -> str:
        heard.append(messages[-1].text)
        return "Quay Charging, Harbour Road 3"

    other = calling("map_search_places", {"query": "charging", "center": "54.1001,10.2000"}, 1)
    episode = play(
        TravelSingle(examples=1), CHARGE, agent=saying(other, "ok"), simulator=ScriptedModel(stand_in)
    )
    known = sample.cache().get(
        CHARGE.calls[0].name, call_key(CHARGE.calls[0].arguments, {"time": CHARGE.time})
    )
    assert known is not None
    (question,) = heard
    assert question.count("<example>") == 1
    assert known in question
    assert episode.metrics["cache_misses"] == 1


def test_the_published_requests_have_no_live_tools() -> None:
    with pytest.raises(ConfigError, match="set mode=replay or mode=simulate"):
        TravelSingle(split="published", mode="live")


def test_an_error_penalises_and_a_miss_does_not() -> None:
    agent = saying(
        calling("nowhere", {}, 1), LOOK, calling("web_search", {"query": "Tide Festival"}, 2), "Quay Charging"
    )
    episode = play(TravelSingle(mode="replay"), CHARGE, agent=agent, judge=saying(judgement(**RATED)))
    assert episode.metrics["cache_misses"] == 2
    assert episode.metrics["bad_calls"] == 1
    assert episode.score() == pytest.approx(0.75 * 2 / 3)


# Rows -----------------------------------------------------------------------------------------------------

ROW = {
    "trace_id": "7",
    "time": "2025-10-24 10:00",
    "query": "找个充电的地方",
    "primary_intent": "a.b",
    "context": "",
    "intent": "充电",
    "missing_tool": False,
    "missing_info": True,
    "no_actionable": False,
    "user_profile": "玉溪市",
}


def test_rows_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    with pytest.raises(ConfigError, match=r"unsolve\.jsonl"):
        list(TravelUnsolvable(split="published").tasks())
    (tmp_path / "travelbench").mkdir()
    file = tmp_path / load.FILES["unsolvable"]
    file.write_bytes(msgspec.json.encode(ROW) + b"\n")
    (task,) = load.tasks("unsolvable")
    assert (task.id, task.query, task.reason, task.profile) == (
        "7",
        "找个充电的地方",
        "missing_info",
        "玉溪市",
    )
    assert play(TravelUnsolvable(split="published"), task, agent="solver").score() == 1.0
    load._tasks.cache_clear()  # pyright: ignore[reportPrivateUsage]
    file.write_bytes(msgspec.json.encode({**ROW, "missing_tool": True}))
    with pytest.raises(TaskError, match="expected one reason at most, got missing_info, missing_tool"):
        load.tasks("unsolvable")
    load._tasks.cache_clear()  # pyright: ignore[reportPrivateUsage]
    file.write_bytes(b"\n{}")
    with pytest.raises(TaskError, match=r"unsolve\.jsonl:2: no row of TravelBench"):
        load.tasks("unsolvable")


def test_a_published_cache_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    assert load.cache(None).results == {}
    key = call_key({"query": "充电"}, {"time": "2025-10-24 10:00"})
    CallCache({"map_search_places": {key: "站"}}).write(tmp_path / "travelbench" / "sandbox_cache")
    assert load.cache(None).get("map_search_places", key) == "站"


@published
def test_the_published_rows() -> None:
    counts = {form: len(load.tasks(form)) for form in load.FILES}
    assert counts == {"single": 500, "multi": 500, "unsolvable": 100}
    reasons = Counter(task.reason for task in load.tasks("unsolvable"))
    assert reasons == {"missing_info": 51, "missing_tool": 32, "no_actionable": 17}
    assert {task.reason for form in ("single", "multi") for task in load.tasks(form)} == {None}  # pyright: ignore[reportArgumentType]
    assert all(task.profile for task in load.tasks("multi"))
    assert not any(task.profile for form in ("single", "unsolvable") for task in load.tasks(form))  # pyright: ignore[reportArgumentType]
    first = load.tasks("single")[0]
    assert (first.id, first.average_calls) == ("1", 1.42)


@published
def test_the_published_rows_play() -> None:
    for task in load.tasks("multi")[:5]:
        episode = play(
            TravelMulti(split="published"), task, agent=saying("您想什么时候去？", "好的，可以去玉溪。")
        )
        assert episode.detail == "user_ended"
        assert said(episode, "user")[1:] == [task.intent, FINISH]
        assert episode.score() is None, "no facts are known of them, and nobody judges"
    accuracy = scoring.accuracy(
        [
            play(TravelUnsolvable(split="published"), task, agent="abstain").score() == 1.0
            for task in load.tasks("unsolvable")
        ]
    )
    assert accuracy == 1.0
