"""One episode: outline, turns, what each role saw, tokens, credit, pictures, media."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import numpy as np
import pytest
from clerks import png
from house import House
from hypothesis import given
from hypothesis import strategies as st
from served import Client, serving

import turnwise
from turnwise.agent import Agent, Entry
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.engine.judging import judge
from turnwise.learn import credit
from turnwise.learn.rows import batch_of
from turnwise.message import Message
from turnwise.models.scripted import ScriptedModel
from turnwise.role import Role
from turnwise.view.reading.views import difference


def test_the_outline_tells_a_line_a_turn(client: Client, house: House) -> None:
    log = turnwise.open_run(house.desk, store=house.place).episode(0)
    page = client.get(f"/runs/{house.desk}/episodes/0")
    assert [line["role"] for line in page["turns"]] == [turn.role for turn in log.turns]
    assert [line["size"] for line in page["turns"]] == [len(turn.text) for turn in log.turns]
    lines = {line["index"]: line for line in page["turns"]}
    assert [lines[n]["kind"] for n in range(5)] == ["observation", "reply", "reply", "tool", "reply"]
    assert (lines[2]["tools"], lines[3]["tools"]) == (["price"], ["price"])
    assert (lines[4]["reward"], lines[1]["reward"]) == (0.25, None)
    assert lines[6]["media"] == 1
    assert [lines[n]["calls"] for n in (1, 2, 4)] == [[0], [0], [1]]
    assert all(lines[n]["model"] is not None and lines[n]["wait"] >= 0 for n in (1, 2, 4))
    assert page["verdicts"] == [
        {
            "name": "judge",
            "by": None,
            "turn": None,
            "score": 0.8,
            "label": "pass",
            "reason": "polite throughout",
            "evidence": [1, 3],
            "missing": None,
        }
    ]
    assert page["notes"] == [{"name": "note", "turn": 9, "value": {"mood": "calm"}}]
    assert (page["previous"], page["next"], page["live"], page["forks"]) == (None, 1, False, 0)
    roles = {role["name"]: role for role in page["roles"]}
    assert roles["clerk"]["system"]
    assert roles["clerk"]["rewritten"]
    assert not roles["customer"]["rewritten"]
    assert roles["clerk"]["score"] == log.score() == page["line"]["score"]


def test_a_failed_episode_says_why(client: Client, house: House) -> None:
    page = client.get(f"/runs/{house.desk}/episodes/2")
    assert page["failure"]["type"] == "RuntimeError"
    assert page["failure"]["message"] == "the till is stuck"
    assert "clerks.py" in page["failure"]["traceback"]
    assert page["line"]["error"] == "RuntimeError: the till is stuck"


def test_turns_come_by_range_with_calls_and_thoughts(client: Client, house: House) -> None:
    page = client.get(f"/runs/{house.desk}/episodes/0/turns", start=2, count=3)
    assert (page["start"], page["total"], [turn["index"] for turn in page["turns"]]) == (2, 11, [2, 3, 4])
    asked, answered, said = page["turns"]
    assert asked["message"]["reasoning"] == "I should look it up."
    assert asked["message"]["tool_calls"] == [
        {"id": "c1", "name": "price", "arguments": '{"item": "lamp"}', "size": 16, "valid": True}
    ]
    assert answered["message"]["parts"][0]["text"] == "lamp: 12 crowns"
    assert asked["calls"][0]["tools"] == ["price"]
    assert (asked["editable"], answered["editable"]) == (True, False)
    assert said["rewards"] == [{"name": "polite", "role": "clerk", "value": 0.25, "turn": 4}]


def test_a_role_is_shown_as_it_saw_it(client: Client, house: House) -> None:
    log = turnwise.open_run(house.desk, store=house.place).episode(0)
    path = f"/runs/{house.desk}/episodes/0/views/clerk"
    for call in [call for call in log.calls if call.role == "clerk"]:
        page = client.get(path, call=call.n)
        shown = [entry for entry in page["entries"] if entry["state"] in ("shown", "private")]
        wanted = [(message.role, message.text) for message in log.shown(call)]
        said = [
            (e["message"]["role"], "".join(part["text"] or "" for part in e["message"]["parts"]))
            for e in shown
        ]
        assert said == wanted
        assert page["call"]["shown"] == len(wanted)
    # The last call: a window of three, so that four turns were hidden, in their places.
    assert [(entry["state"], entry["turn"]) for entry in page["entries"]] == [
        ("private", None),
        ("hidden", 1),
        ("hidden", 2),
        ("hidden", 3),
        ("hidden", 4),
        ("shown", 6),
        ("shown", 7),
        ("shown", 8),
    ]
    part = client.get(path, call=call.n, start=5, count=1)
    assert (part["total"], [entry["turn"] for entry in part["entries"]]) == (8, [6])


def test_two_roles_side_by_side(client: Client, house: House) -> None:
    rows = client.get(f"/runs/{house.desk}/episodes/0/difference", a="clerk", b="customer")["rows"]
    knows = {row["turn"]: (row["a"], row["b"]) for row in rows}
    assert knows[None] == ("private", "unseen")
    assert knows[0] == ("unseen", "told")
    assert knows[1] == ("told", "said")
    assert knows[3] == ("told", "unseen")
    assert knows[4] == ("said", "told")
    assert knows[5] == ("unseen", "said")


def test_tokens_are_those_that_were_sampled(client: Client, house: House) -> None:
    log = turnwise.open_run(house.game, store=house.place).episode(1)
    turn = next(turn for turn in log.turns if turn.role == "agent")
    call = log.calls[0]
    page = client.get(f"/runs/{house.game}/episodes/1/turns/{turn.index}/tokens", prompt="true")
    sampled = [token for token in page["tokens"] if token["sampled"]]
    assert [token["id"] for token in sampled] == list(call.sampled_ids or ())
    assert [token["logprob"] for token in sampled] == pytest.approx(list(call.logprobs or ()))
    assert [token["id"] for token in page["tokens"] if not token["sampled"]] == list(call.added_ids or ())
    assert page["tokenizer"] == "tiny/sprout"
    assert "".join(token["text"] for token in sampled).startswith(turn.text)
    assert page["prompt"] == len(log.prompt_ids(call) or ())
    for token in sampled:
        others = token["alternatives"]
        assert len(others) == 3
        assert [other["logprob"] for other in others] == sorted(
            (other["logprob"] for other in others), reverse=True
        )
        mine = [other["logprob"] for other in others if other["text"] == token["text"]]
        assert mine == [] or mine == pytest.approx([token["logprob"]])


def test_tokens_that_a_provider_told_as_texts(client: Client, house: House) -> None:
    place = f"/runs/{house.told}/episodes/0"
    page = client.get(f"{place}/turns/1/tokens", credit="turn_grpo")
    first, second = page["tokens"]
    assert [(token["id"], token["text"], token["logprob"]) for token in (first, second)] == [
        (None, "50", -0.5),
        (None, "!", -1.0),
    ]
    assert first["alternatives"] == [{"text": "50", "logprob": -0.5}, {"text": "25", "logprob": -1.5}]
    assert first["credit"] == second["credit"]
    assert (page["total"], page["tokenizer"]) == (2, None)
    (role,) = client.get(place)["roles"]
    assert role["tokens"]


@pytest.mark.parametrize("method", ["grpo", "turn_grpo", "rloo", "mt_grpo", "gigpo", "turn_baseline"])
def test_credit_is_that_of_the_library(client: Client, house: House, method: str) -> None:
    run = turnwise.open_run(house.game, store=house.place)
    numbers = [row.number for row in run.episodes() if row.task == run.episodes()[1].task]
    page = client.get(f"/runs/{house.game}/episodes/1/credit", method=method)
    chosen = credit.get(method)
    batch = batch_of([run.episode(number) for number in numbers]).batch
    values = np.asarray(chosen(batch.turns))
    mine = values[batch.turns.episode == numbers.index(1)]
    assert [turn["value"] for turn in page["turns"]] == pytest.approx(list(mine))
    assert page["group"] == numbers
    said = page["turns"][0]["turn"]
    tokens = client.get(f"/runs/{house.game}/episodes/1/turns/{said}/tokens", credit=method)["tokens"]
    assert [token["credit"] for token in tokens] == pytest.approx([mine[0]] * len(tokens))


def test_credit_needs_no_tokens(client: Client, house: House) -> None:
    page = client.get(f"/runs/{house.lost}/episodes/0/credit", method="turn_grpo")
    assert page["problem"] is None
    assert len(page["turns"]) == sum(
        turn.role == "agent" for turn in turnwise.open_run(house.lost, store=house.place).episode(0).turns
    )
    assert "state keys" in client.get(f"/runs/{house.desk}/episodes/0/credit", method="gigpo")["problem"]
    assert "'values'" in client.get(f"/runs/{house.lost}/episodes/0/credit", method="gae")["problem"]
    assert "did you mean" in client.get(f"/runs/{house.lost}/episodes/0/credit", method="grpoo")["problem"]


def test_pictures_are_those_of_the_replay(client: Client, house: House) -> None:
    page = client.get(f"/runs/{house.lost}/episodes/1/frames")
    turns = client.get(f"/runs/{house.lost}/episodes/1")["turns"]
    assert len(page["frames"]) == sum(line["kind"] == "reply" for line in turns) + 1
    assert [frame["turn"] for frame in page["frames"]][:2] == [0, 2]
    first, second = (client.ask("GET", frame["url"]) for frame in page["frames"][:2])
    assert first.headers["content-type"] == "image/svg+xml"
    assert first.data.startswith(b"<svg ")
    assert first.data != second.data
    assert "sandbox" in first.headers["content-security-policy"]
    assert client.get(f"/runs/{house.desk}/episodes/0/frames")["problem"].endswith("shows no pictures")
    assert "none at 9999" in client.problem(f"/runs/{house.solved}/episodes/1/frames/9999", 404)


def test_media_come_by_the_hash_of_their_content(client: Client, house: House) -> None:
    turn = client.get(f"/runs/{house.desk}/episodes/0/turns", start=6, count=1)["turns"][0]
    part = turn["message"]["parts"][1]
    data = png()
    assert (part["kind"], part["size"]) == ("image", len(data))
    assert part["sha256"] == hashlib.sha256(data).hexdigest()
    answer = client.ask("GET", part["url"])
    assert answer.data == data
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    piece = client.ask("GET", part["url"], headers={"Range": "bytes=2-5"})
    assert (piece.status, piece.data) == (206, data[2:6])
    assert piece.headers["content-range"] == f"bytes 2-5/{len(data)}"
    client.problem(f"/runs/{house.desk}/episodes/0/media/{'0' * 64}", 404)


def test_the_whole_log_can_be_had(client: Client, house: House) -> None:
    answer = client.ask("GET", f"/api/runs/{house.desk}/episodes/0/log")
    assert answer.data == turnwise.open_run(house.desk, store=house.place).episode(0).to_json()
    assert answer.headers["content-disposition"].startswith("attachment")


def test_what_is_not_there_is_said_in_a_line(client: Client, house: House) -> None:
    run = f"/runs/{house.desk}"
    assert "may have been deleted" in client.problem("/runs/desk-zzzzz", 404)
    assert client.problem(f"{run}/episodes/4", 404).endswith("it has 0 to 3")
    assert "has no role 'waiter'" in client.problem(f"{run}/episodes/0/views/waiter", 404)
    assert "no call 99" in client.problem(f"{run}/episodes/0/views/clerk?call=99", 404)
    assert "has no turn 99" in client.problem(f"{run}/episodes/0/turns/99/tokens", 404)
    assert "said by no model" in client.problem(f"{run}/episodes/0/turns/0/tokens", 404)
    assert "expected a number" in client.problem(f"{run}/episodes/x", 400)
    assert "unknown field `colour`" in client.problem("/runs?colour=red", 400)
    assert "$.limit" in client.problem("/runs?limit=501", 400)
    assert "$.numbers" in client.problem(f"{run}/episodes?numbers=1;2", 400)


def test_what_a_judge_said_later_stands_with_the_episode(tmp_path: Path) -> None:
    place = tmp_path / "t.db"
    run = turnwise.run("number_guess", "solver", store=place, limit=3)
    settings = {"judge": "question", "config": {"question": 'Is "higher" said?'}}
    config = RunConfig(environment="judging", settings=settings, agents={"judge": AgentConfig(use="solver")})
    judged = asyncio.run(judge(run, config))
    with serving(place) as client:
        found = client.get(f"/runs/{run.id}/episodes/1")["verdicts"]
        assert {line["by"] for line in found} == {f"{judged.id}/1"}
        assert {line["name"] for line in found} == {"verdict", "judgement"}
        whole = next(line for line in found if line["name"] == "judgement")
        assert whole["score"] == judged.episode(1).metrics["verdict"]
        assert [child["id"] for child in client.get(f"/runs/{run.id}")["children"]] == [judged.id]
        # In the judge's own episode they are its own.
        assert {line["by"] for line in client.get(f"/runs/{judged.id}/episodes/1")["verdicts"]} == {None}


class _Shortened:
    """Shows old observations by their first words alone."""

    async def view(self, role: Role) -> list[Entry]:
        shown: list[Entry] = []
        for entry in role.history[:-1]:
            said = entry.message
            if said.role == "user":
                said = Message(role="user", content=" ".join(said.text.split()[:6]) + " and so on")
                shown.append(Entry(said, said))
            else:
                shown.append(entry)
        return [*shown, role.history[-1]]


def test_what_a_policy_said_in_other_words_stands_beside_what_happened(tmp_path: Path) -> None:
    place = tmp_path / "t.db"
    agent = Agent(ScriptedModel(lambda messages: "move up", "up"), context=_Shortened())
    run = turnwise.run("maze", agent, store=place, limit=1, limits={"turns": 4})
    log = run.episode(0)
    with serving(place) as client:
        path = f"/runs/{run.id}/episodes/0"
        assert client.get(path)["roles"][0]["rewritten"]
        page = client.get(f"{path}/views/agent", call=2)
        assert [(entry["state"], entry["turn"]) for entry in page["entries"]] == [
            ("rewritten", 0),
            ("shown", 1),
            ("rewritten", 2),
            ("shown", 3),
            ("shown", 4),
        ]
        assert (page["call"]["shown"], page["call"]["hidden"], page["call"]["private"]) == (5, 2, 2)
        for entry in page["entries"]:
            if entry["state"] != "rewritten":
                assert entry["diff"] == []
                continue
            pieces = [(piece["op"], piece["text"]) for piece in entry["diff"]]
            shown = entry["message"]["parts"][0]["text"]
            assert "".join(text for op, text in pieces if op != "new") == log.turns[entry["turn"]].text
            assert "".join(text for op, text in pieces if op != "cut") == shown
            assert shown.endswith("and so on")


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_difference_is_both_texts(before: str, after: str) -> None:
    pieces = difference(before, after)
    assert "".join(piece.text for piece in pieces if piece.op != "new") == before
    assert "".join(piece.text for piece in pieces if piece.op != "cut") == after
