"""What goes on: events, forks, plays of one and of two people, and what happens when things go away."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from served import Client, serving

import turnwise
from turnwise.agent import Agent
from turnwise.errors import ModelError
from turnwise.models.scripted import ScriptedModel
from turnwise.store.store import Store


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "t.db"


@contextmanager
def events(client: Client, query: str = "") -> Iterator[Callable[[Callable[[Any], bool]], Any]]:
    """The stream of events; what it gives waits for the first event that fits."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=20)
    connection.request("GET", f"/api/events{query}")
    response = connection.getresponse()
    assert response.getheader("content-type", "").startswith("text/event-stream")

    def wait(fits: Callable[[Any], bool]) -> Any:
        while line := response.readline():
            if line.startswith(b"data: ") and fits(found := json.loads(line[6:])):
                return found
        raise AssertionError("the stream ended")

    assert wait(lambda one: True)["kind"] == "hello"
    try:
        yield wait
    finally:
        connection.close()


def until(true: Callable[[], Any], seconds: float = 10.0) -> Any:
    over = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < over, "it did not come about"
        time.sleep(0.02)
    return found


SLOW = """
import asyncio, sys, turnwise
from turnwise.agent import Agent
from turnwise.models.scripted import ScriptedModel

async def slow(messages):
    await asyncio.sleep(0.05)
    return "50"

turnwise.run("number_guess", Agent(ScriptedModel(slow, "slow")), store=sys.argv[1], limit=8, concurrency=2)
"""


def test_a_run_of_another_process_is_told_while_it_happens(place: Path) -> None:
    Store(place).close()
    with serving(place) as client, events(client) as wait:
        other = subprocess.Popen([sys.executable, "-c", SLOW, str(place)])
        try:
            first = wait(lambda one: one["kind"] == "run")
            assert (first["status"], first["of"]) == ("running", 8)
            run = first["run"]
            assert client.get("/runs", status="running")["rows"][0]["id"] == run
            some = wait(lambda one: one["run"] == run and 0 < one["done"] < 8)
            assert some["status"] == "running"
            page = client.get(f"/runs/{run}")
            assert page["run"]["begun"] >= page["run"]["done"] > 0
            going = [row["number"] for row in client.get(f"/runs/{run}/episodes", stop="running")["rows"]]
            if going:
                assert client.get(f"/runs/{run}/episodes/{going[0]}")["turns"]
            last = wait(lambda one: one["run"] == run and one["status"] == "done")
            assert (last["done"], last["failed"]) == (8, 0)
        finally:
            other.wait(20)


def test_an_episode_that_is_watched_grows(place: Path) -> None:
    with serving(place) as client:
        play = client.post("/plays", environment="maze", roles=["agent"], seed="1").json
        key = play["seats"][0]["key"]
        with events(client, f"?episode={play['run']}/0") as wait:
            state = until(
                lambda: (s := client.get(f"/plays/{play['play']}", seat=key))["state"] == "yours" and s
            )
            # A look before the move, so that there is something to differ from.
            time.sleep(0.5)
            client.post(f"/plays/{play['play']}/moves", seat=key, ordinal=state["ordinal"], text="move up")
            told = wait(lambda one: one["kind"] == "episode")
            assert (told["run"], told["episode"]) == (play["run"], 0)
        assert len(client.get(f"/runs/{play['run']}/episodes/0")["turns"]) >= 2


def test_a_run_that_is_deleted_while_it_is_watched_is_a_clear_line(place: Path) -> None:
    run = turnwise.run("maze", "solver", store=place, limit=2)
    with serving(place) as client, events(client) as wait:
        assert client.get(f"/runs/{run.id}/episodes/0/turns")["total"]
        time.sleep(0.5)
        Store(place).delete(run.row.number)
        assert wait(lambda one: one["kind"] == "gone")["run"] == run.id
        for path in (
            "",
            "/episodes",
            "/episodes/0",
            "/episodes/0/turns",
            "/episodes/0/frames",
            "/episodes/0/tree",
        ):
            assert client.problem(f"/runs/{run.id}{path}", 404) == (
                f"there is no run '{run.id}' in this store; it may have been deleted"
            )
        assert client.get("/runs")["rows"] == []
        assert client.get("/search", q="maze")["hits"] == []


def test_a_run_that_takes_a_deleted_ones_number_is_not_taken_for_it(place: Path) -> None:
    first = turnwise.run("maze", "solver", store=place, limit=1)
    with serving(place) as client:
        assert client.get(f"/runs/{first.id}")["run"]["agents"] == {"agent": "solver"}
        assert client.get(f"/runs/{first.id}/episodes/0")["environment"] == "maze"
        Store(place).delete(first.row.number)
        second = turnwise.run("number_guess", "random", store=place, limit=1)
        assert second.row.number == first.row.number
        (line,) = client.get("/runs")["rows"]
        assert (line["id"], line["agents"], line["score"]["mean"]) == (
            second.id,
            {"agent": "random"},
            second.score.mean,
        )
        assert client.get(f"/runs/{second.id}")["config"]["environment"] == "number_guess"
        assert client.get(f"/runs/{second.id}/episodes/0")["environment"] == "number_guess"


def test_an_episode_that_is_tried_again_is_shown_as_it_is_now(place: Path) -> None:
    says = ["no number"]

    def moody(messages: Any) -> str:
        if says[0] == "fail":
            raise ModelError("down", kind="server")
        return says[0]

    says[0] = "fail"
    agent = Agent(ScriptedModel(moody, "moody"))
    run = turnwise.run("number_guess", agent, store=place, limit=1)
    with serving(place) as client:
        path = f"/runs/{run.id}/episodes/0"
        assert client.get(path)["failure"]["type"] == "ModelError"
        says[0] = "50"
        turnwise.resume(run.id, store=place, agents={"agent": agent})
        page = client.get(path)
        assert page["failure"] is None
        assert page["line"]["stop"] == "max_turns"
        assert len(client.get(f"{path}/turns", count=200)["turns"]) == len(page["turns"]) > 2
        assert client.get("/runs")["rows"][0]["failed"] == 0


def test_a_label_is_told(place: Path) -> None:
    run = turnwise.run("maze", "solver", store=place, limit=1)
    with serving(place) as client, events(client) as wait:
        time.sleep(0.5)
        client.post("/labels", kind="tag", target=run.id, annotator="ana", name="x")
        assert wait(lambda one: one["kind"] == "labels")


def test_a_fork_goes_another_way_and_stands_in_the_tree(place: Path) -> None:
    run = turnwise.run("maze", "solver", store=place, limit=2)
    episode = f"{run.id}/1"
    at = next(turn.index for turn in run.episode(1).turns if turn.role == "agent")
    with serving(place) as client:
        started = client.post("/forks", episode=episode, at=at, agents={"agent": "random"}, count=2, seed="7")
        assert started.status == 201
        other = started.json["run"]
        until(lambda: client.get(f"/runs/{other}")["run"]["status"] == "done")
        said = client.post("/forks", episode=episode, at=at, says="move nowhere <b>").json["run"]
        until(lambda: client.get(f"/runs/{said}")["run"]["status"] == "done")
        again = client.post("/forks", episode=f"{other}/0", at=at + 2, agents={"agent": "solver"}).json["run"]
        until(lambda: client.get(f"/runs/{again}")["run"]["status"] == "done")
        nodes = {node["episode"]: node for node in client.get(f"/runs/{again}/episodes/0/tree")["nodes"]}
        assert set(nodes) == {episode, f"{other}/0", f"{other}/1", f"{said}/0", f"{again}/0"}
        assert nodes[episode]["parent"] is None
        assert nodes[f"{again}/0"]["parent"] == f"{other}/0"
        assert (nodes[f"{other}/0"]["at"], nodes[f"{other}/0"]["edited"]) == (at, False)
        assert (nodes[f"{said}/0"]["at"], nodes[f"{said}/0"]["edited"]) == (at, True)
        assert nodes[f"{said}/0"]["says"] == "move nowhere <b>"
        turns = client.get(f"/runs/{said}/episodes/0/turns")["turns"]
        assert turns[at]["message"]["parts"][0]["text"] == "move nowhere <b>"
        rows = client.get("/align", a=episode, b=f"{said}/0")
        assert rows["shared"] == at
        assert rows["rows"][at] == {"a": at, "b": at, "same": False}
        assert client.get(f"/runs/{run.id}/episodes/1")["forks"] == 2
        # The original stays as it is, and the forks replay.
        assert turnwise.replay(run.id, store=place).replayed == 2
        assert turnwise.replay(said, store=place).replayed == 1


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"at": 999}, "none can be made at 999"),
        ({"at": 0, "says": "x"}, "cannot be edited"),
        ({"at": 1, "agents": {"agent": "somewhere.py:evil"}}, "unknown agent"),
        ({"at": 1, "agents": {"agent": "human"}}, "unknown agent"),
        ({"at": 1, "agents": {"agnt": "solver"}}, "did you mean 'agent'"),
        ({"at": 1, "seed": "1e9"}, "expected a number"),
        ({"at": 1, "episode": "nothing"}, "expected RUN/NUMBER"),
        ({"at": 1, "count": 17}, "$.count"),
    ],
)
def test_a_fork_that_cannot_be_is_refused(
    house: Any, client: Client, asked: dict[str, Any], why: str
) -> None:
    before = client.get("/runs")["all"]
    answer = client.post("/forks", **{"episode": f"{house.solved}/2", **asked})
    assert answer.status == 400
    assert why in answer.json["message"]
    assert client.get("/runs")["all"] == before


def test_one_plays_against_an_agent(place: Path) -> None:
    with serving(place) as client:
        made = client.get("/environments/tic_tac_toe")
        seats = {seat["role"]: seat for seat in made["seats"]}
        assert seats["opponent"]["default"] == "solver"
        assert "random" in {agent["name"] for agent in seats["opponent"]["agents"]}
        answer = client.post(
            "/plays", environment="tic_tac_toe", roles=["agent"], agents={"opponent": "random"}
        )
        play, (seat,) = answer.json["play"], answer.json["seats"]
        path, key = f"/plays/{play}", seat["key"]
        for _ in range(9):
            state = until(lambda: (s := client.get(path, seat=key))["state"] in ("yours", "ended") and s)
            if state["state"] == "ended":
                break
            choice = state["choices"][0]
            assert choice["label"] in state["messages"][-1]["parts"][0]["text"]
            client.post(f"{path}/moves", seat=key, ordinal=state["ordinal"], action=choice["id"])
        assert state["state"] == "ended"
        run = turnwise.open_run(answer.json["run"], store=place)
        log = run.episode(0)
        assert (state["stop"], state["score"]) == ("completed", log.score())
        assert log.agents == {"agent": "human", "opponent": "random"}
        assert turnwise.replay(run.id, store=place).replayed == 1
        assert client.ask("GET", state["picture"]).headers["content-type"] == "image/svg+xml"


def test_two_people_take_two_roles(place: Path) -> None:
    with serving(place) as client:
        answer = client.post("/plays", environment="tic_tac_toe", roles=["agent", "opponent"]).json
        path = f"/plays/{answer['play']}"
        first, second = (seat["key"] for seat in answer["seats"])
        until(lambda: client.get(path, seat=first)["state"] == "yours")
        assert client.get(path, seat=second)["state"] in ("starting", "waiting")
        assert client.get(path, seat=second)["people"] == {"agent": True, "opponent": True}
        refused = client.post(f"{path}/moves", seat=second, ordinal=0, text="<answer><O(0,0)></answer>")
        assert (refused.status, refused.json["message"]) == (409, "it is not your move")
        client.post(f"{path}/moves", seat=first, ordinal=0, text="<answer><X(0,0)></answer>")
        until(lambda: client.get(path, seat=second)["state"] == "yours")
        late = client.post(f"{path}/moves", seat=first, ordinal=0, text="<answer><X(1,1)></answer>")
        assert late.status == 409
        # Each sees what their own role is told.
        mine, theirs = (client.get(path, seat=key)["messages"] for key in (first, second))
        assert "mark X" in mine[0]["parts"][0]["text"]
        assert "mark O" in theirs[0]["parts"][0]["text"]
        assert client.ask("GET", f"/api{path}?seat=nonsense").status == 404
        left = client.post(f"{path}/leave", seat=second).json
        until(lambda: client.get(path, seat=first)["state"] == "ended")
        assert left["role"] == "opponent"
        assert client.get(path, seat=first)["failure"] == "the person left"


def test_moves_by_id_and_what_is_no_move(place: Path) -> None:
    with serving(place) as client:
        answer = client.post("/plays", environment="maze", roles=["agent"], task="test-3", seed="5").json
        path, key = f"/plays/{answer['play']}", answer["seats"][0]["key"]
        state = until(lambda: (s := client.get(path, seat=key))["state"] == "yours" and s)
        assert {choice["text"] for choice in state["choices"]} == {
            "move up",
            "move down",
            "move left",
            "move right",
        }
        for said in ({"text": "a", "action": 1}, {}, {"action": 99}, {"tool": "x"}):
            refused = client.post(f"{path}/moves", seat=key, ordinal=0, **said)
            assert refused.status == 400, said
        up = next(choice["id"] for choice in state["choices"] if choice["text"] == "move up")
        after = client.post(f"{path}/moves", seat=key, ordinal=0, action=up).json
        assert after["ordinal"] == 1
        turns = f"/runs/{answer['run']}/episodes/0/turns"
        said = until(lambda: client.get(turns)["turns"][1:])[0]
        assert said["message"]["parts"][0]["text"] == "move up"
        assert client.get(f"/runs/{answer['run']}")["run"]["here"]
        assert client.get(f"/runs/{answer['run']}/episodes/0")["task"]["id"] == "test-3"
        assert client.post(f"/runs/{answer['run']}/stop").json == {"run": answer["run"], "stopped": True}
        until(lambda: client.get(f"/runs/{answer['run']}")["run"]["status"] == "stopped")
        # What was played is kept.
        assert client.get(f"/runs/{answer['run']}/episodes/0/turns")["total"] >= 3
        assert client.post(f"/runs/{answer['run']}/stop").json["stopped"] is False


def test_what_is_played_is_stopped_with_the_server_and_can_be_resumed(place: Path) -> None:
    with serving(place) as client:
        answer = client.post("/plays", environment="maze", roles=["agent"], seed="5").json
        path, key = f"/plays/{answer['play']}", answer["seats"][0]["key"]
        until(lambda: client.get(path, seat=key)["state"] == "yours")
        client.post(f"{path}/moves", seat=key, ordinal=0, text="move up")
    run = turnwise.open_run(answer["run"], store=place)
    assert run.status == "stopped"
    before = [turn.text for turn in run.episode(0).turns]
    turnwise.resume(run.id, store=place, agents={"agent": lambda messages: "move down"})
    after = [turn.text for turn in run.refresh().episode(0).turns]
    assert run.status == "done"
    assert after[: len(before)] == before


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"environment": "mazee"}, "did you mean 'maze'"),
        ({"environment": "somewhere.py:Evil"}, "unknown environment"),
        ({"roles": []}, "expected a role"),
        ({"roles": ["queen"]}, "no role 'queen'"),
        ({"task": "nothing"}, "no task 'nothing'"),
        ({"settings": {"max_steps": "many"}}, "max_steps"),
        ({"settings": {"size": 3}}, "no setting 'size'"),
        ({"settings": {"judge": ["/tmp/evil.py:Judge"]}}, "names code"),
        ({"settings": {"judge": "os.path:join"}}, "names code"),
        ({"environment": "tic_tac_toe", "agents": {"opponent": "a.py:b"}}, "unknown agent"),
        ({"seed": "x"}, "expected a number"),
    ],
)
def test_a_play_that_cannot_be_is_refused(client: Client, asked: dict[str, Any], why: str) -> None:
    answer = client.post("/plays", **{"environment": "maze", "roles": ["agent"], **asked})
    assert answer.status == 400
    assert why in answer.json["message"]


def test_all_that_can_be_played_is_listed(client: Client) -> None:
    rows = {row["name"]: row for row in client.get("/environments")["rows"]}
    assert {"maze", "tic_tac_toe", "wilt", "twenty_questions"} <= set(rows)
    assert rows["maze"]["pictures"]
    assert not rows["wilt"]["pictures"]
    tasks = client.get("/environments/maze/tasks", text="test-1", limit=2)
    assert [task["id"] for task in tasks["rows"]] == ["test-1", "test-10"]
    assert client.get("/environments/maze")["tasks"] >= tasks["total"] > 2
    choices = {one["name"]: one["choices"] for one in client.get("/environments/maze")["settings"]}
    assert "fully" in choices["observed"]
    assert "no environment" in client.problem("/environments/nothing", 404)
