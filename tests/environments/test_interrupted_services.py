"""InterruptBench over services: rows bring changes of mind, told in the middle and measured as published."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import turnwise
from turnwise import wire
from turnwise.agent import Agent
from turnwise.agents.users.interruption import Update, interrupted, point, scheduled
from turnwise.agents.users.marks import STOP
from turnwise.environment import Environment
from turnwise.environments.parts.calls import calling
from turnwise.environments.service.bird_interact import BirdInteract
from turnwise.environments.service.crmarena_pro import CrmArenaProInteractive
from turnwise.environments.service.lantern import Lantern
from turnwise.environments.service.tau_bench import TauPhone, TauRetail
from turnwise.environments.service.tau_bench.rows import Action, TauTask
from turnwise.environments.service.travelbench import TravelMulti
from turnwise.environments.service.vitabench import VitaDelivery
from turnwise.errors import TaskError
from turnwise.log import EpisodeLog
from turnwise.message import Message
from turnwise.metrics.interrupt import interrupt_report, measured
from turnwise.model import Request, Sample, Usage
from turnwise.models.scripted import ScriptedModel
from turnwise.task import Task

# A customer of the sample shop, and an agent who heeds what it hears ----------------------------------

ME = "I am Ada Brook, ada.brook@example.com."
MOVED = "Order #W1000001 should go to {} Hill Road, please."
BACK = "The lamp of order #W1000002 goes back."
KEEP = "I will keep the lamp after all."
WAY: dict[str, Any] = {"city": "Ashford", "state": "GA", "country": "USA", "zip": "30309", "address2": ""}


def moving(number: int) -> Action:
    arguments = {"order_id": "#W1000001", "address1": f"{number} Hill Road", **WAY}
    return Action(name="modify_pending_order_address", arguments=arguments)


RETURN = Action(
    name="return_delivered_order_items",
    arguments={"order_id": "#W1000002", "item_ids": ["8102"], "payment_method_id": "gift_card_2222"},
)


def case(name: str, *says: str, actions: Iterable[Action]) -> TauTask:
    return TauTask(id=name, instruction=" ".join(says), says=says, actions=tuple(actions))


WHOLE = (
    case("addition", ME, MOVED.format(9), BACK, actions=(moving(9), RETURN)),
    case("revision", ME, MOVED.format(9), actions=[moving(9)]),
    case("retraction", ME, MOVED.format(9), KEEP, actions=[moving(9)]),
)
"""All that is wanted in the end, said at once."""


def changing(at: int) -> list[TauTask]:
    """The same, where part of it is said at first, and the rest after so many actions of the agent."""
    first = {
        "addition": (ME, MOVED.format(9)),
        "revision": (ME, MOVED.format(7)),
        "retraction": (ME, MOVED.format(9), BACK),
    }
    then = {"addition": BACK, "revision": MOVED.format(9), "retraction": KEEP}
    return [
        interrupted(
            msgspec.structs.replace(row, says=first[row.id], instruction=" ".join(first[row.id])),
            [Update(kind=row.id, text=then[row.id], at=at)],
        )
        for row in WHOLE
    ]


class Clerk:
    """Notes what is wanted, and does it once the customer has told all; tells how many words it says.

    Args:
        ears: How many things said it takes in.
    """

    name = "clerk"
    remote = False

    def __init__(self, ears: int = 100) -> None:
        self.ears = ears

    async def sample(self, request: Request) -> Sample:
        message = self.reply(request.messages)
        words = len(message.text.split()) + 5 * len(message.tool_calls)
        return Sample(message=message, usage=Usage(input=1, output=words))

    def reply(self, messages: Iterable[Message]) -> Message:
        said = list(messages)
        heard = [message.text for message in said if message.role == "user"][: self.ears]
        wanted = wishes(heard)
        made = [call.arguments for message in said for call in message.tool_calls]
        left = [one for one in wanted if wire.encode(one.arguments).decode() not in made]
        if said[-1].role == "user" and "all I know" not in said[-1].text:
            return Message(role="assistant", content="Noted. Anything else?")
        if left:
            return calling(left[0].name, left[0].arguments, len(made))
        return Message(role="assistant", content="It is done.")

    async def close(self) -> None:
        pass


def wishes(heard: Iterable[str]) -> list[Action]:
    """What is wanted by now."""
    moved, back = list[Action](), list[Action]()
    for text in "\n".join(heard).splitlines():
        if found := re.search(r"(\d+) Hill Road", text):
            moved = [moving(int(found[1]))]
        back = [RETURN] if "goes back" in text else [] if "will keep" in text else back
    return [*moved, *back]


def served(folder: Path, rows: Iterable[Task], ears: int = 100, **settings: Any) -> list[EpisodeLog]:
    made, agents = TauRetail(**settings), {"agent": Agent(Clerk(ears))}
    run = turnwise.run(made, agents=agents, tasks=list(rows), store=folder / "t.db")
    assert run.summary()["failed"] == 0
    assert turnwise.replay(run.id, store=folder / "t.db", environment=made, agents=agents).diverged == 0
    return list(run.logs())


def scores(logs: Iterable[EpisodeLog]) -> list[float | None]:
    return [log.score() for log in logs]


@pytest.mark.parametrize("version", [1, 2])
def test_who_listens_serves_all_and_who_is_deaf_none(version: Any, tmp_path: Path) -> None:
    assert scores(served(tmp_path, WHOLE, version=version)) == [1.0, 1.0, 1.0]
    logs = served(tmp_path, changing(3), version=version)
    assert scores(logs) == [1.0, 1.0, 1.0]
    for row, log in zip(changing(3), logs, strict=True):
        (note,) = [note for note in log.notes if note.name == "interrupt"]
        assert note.value["kind"] == row.id
        assert note.value["actions"] >= 3
        turn = log.turns[note.turn or 0]
        assert turn.role == "user"
        assert scheduled(row)[0].text in turn.text
        # The agent hears of it nowhere before.
        told = "\n".join(before.text for before in log.turns[: turn.index])
        assert scheduled(row)[0].text not in told
    assert scores(served(tmp_path, changing(3), 2 if version == 2 else 3, version=version))[:2] == [0.0, 0.0]


def test_what_was_done_already_cannot_be_taken_back(tmp_path: Path) -> None:
    early, late = served(tmp_path, changing(3)), served(tmp_path, changing(40))
    assert scores(early) == [1.0, 1.0, 1.0]
    # An order can be sent elsewhere twice, but what was sent back is gone; a goodbye waits for the update.
    assert scores(late) == [1.0, 1.0, 0.0]


def test_the_measures_are_those_of_interruptbench(tmp_path: Path) -> None:
    report = interrupt_report(served(tmp_path, WHOLE), served(tmp_path, changing(3)))
    assert (report.plain.mean, report.interrupted.mean) == (1.0, 1.0)
    # At once: a note for each thing said (3, 2, 3), the calls (2, 1, 1), and "It is done". After the update:
    # two calls and the end; a call and the end; and of the retraction a note before them.
    assert report.actions.plain == pytest.approx((6 + 4 + 5) / 3)
    assert report.actions.interrupted == pytest.approx((3 + 2 + 3) / 3)
    assert report.actions.difference.mean == pytest.approx(-7 / 3)
    assert [one.mean for one in report.by_steps[:4]] == [0.0, pytest.approx(1 / 3), 1.0, 1.0]
    # Three words for a note and for the end, five for a call.
    assert report.tokens.plain == pytest.approx((22 + 14 + 17) / 3)
    assert report.tokens.interrupted == pytest.approx((13 + 8 + 11) / 3)
    assert set(report.tokens.by_outcome) == {"both"}


def test_a_share_of_the_baseline_tells_when(tmp_path: Path) -> None:
    baseline = served(tmp_path, [interrupted(row, ()) for row in changing(0)])
    found = [one.actions for log in baseline if (one := measured(log)) is not None]
    assert found == [4, 4, 6]
    rows = [
        interrupted(row, [msgspec.structs.replace(scheduled(row)[0], at=point(done, 0.5))])
        for row, done in zip(changing(0), found, strict=True)
    ]
    assert [scheduled(row)[0].at for row in rows] == [2, 2, 3]
    assert scores(served(tmp_path, rows)) == [1.0, 1.0, 1.0]
    deaf = interrupt_report(served(tmp_path, WHOLE), served(tmp_path, rows, ears=1))
    assert set(deaf.actions.by_outcome) == {"plain_only"}


# Any service ------------------------------------------------------------------------------------------

TWICE = (
    Update(kind="addition", text="And please tell me the time.", at=1),
    Update(kind="retraction", text="Never mind the time.", at=2),
)


@pytest.mark.parametrize("made", [Lantern(), TauPhone(), TauRetail(version=1), VitaDelivery()])
def test_rows_of_any_service_bring_changes_of_mind(made: Environment, tmp_path: Path) -> None:
    rows = [interrupted(row, TWICE) for row in list(made.tasks())[:3]]
    store = tmp_path / "t.db"
    tasks = tmp_path / "rows.jsonl"
    tasks.write_bytes(b"".join(wire.encode(row) + b"\n" for row in rows))
    run = turnwise.run(made, "solver", tasks=tasks, store=store)
    assert run.summary()["failed"] == 0
    for number, log in enumerate(run.logs()):
        notes = [note for note in log.notes if note.name == "interrupt"]
        assert [note.value["kind"] for note in notes] == ["addition", "retraction"]
        for note, update in zip(notes, TWICE, strict=True):
            assert update.text in log.turns[note.turn or 0].text
            assert STOP not in log.turns[note.turn or 0].text
        # What it was told besides does not keep the solver from what the row asks for.
        assert log.score() == 1.0
        fork = turnwise.fork(f"{run.id}/{number}", notes[1].turn or 0, store=store, environment=made)
        again = [note.value for note in fork.episode(0).notes if note.name == "interrupt"]
        assert again[0] == notes[0].value
    assert turnwise.replay(run.id, store=store, environment=made).diverged == 0


@pytest.mark.parametrize("user", ["llm", "react", "verify", "reflection"])
def test_a_model_changes_its_mind_in_any_protocol(user: Any, tmp_path: Path) -> None:
    agents = {
        "agent": ScriptedModel(lambda messages: "I see. Is that true?"),
        "user": ScriptedModel(lambda messages: f"It is true. {STOP}" if len(messages) > 9 else "It is true."),
    }
    row = interrupted(WHOLE[0], TWICE)
    run = turnwise.run(
        TauRetail(user=user, max_steps=20), agents=agents, tasks=[row], store=tmp_path / "t.db"
    )
    log = run.episode(0)
    assert log.error is None
    said = [turn.text for turn in log.turns if turn.role == "user"]
    assert [sum(update.text in text for text in said) for update in TWICE] == [1, 1]


@pytest.mark.parametrize(
    ("updates", "why"),
    [
        ([{"kind": "whim", "text": "x", "at": 1}], "Invalid enum value 'whim'"),
        ([{"kind": "addition", "text": " ", "at": 1}], "needs a text"),
        ([{"kind": "addition", "text": "x", "at": n} for n in (2, 1)], "in the order of their points"),
        ("later", "Expected `array`"),
    ],
)
def test_what_is_no_schedule_is_refused(updates: Any, why: str) -> None:
    with pytest.raises(TaskError, match=rf"task 'x', meta.updates: .*{why}"):
        scheduled(Task(id="x", meta={"updates": updates}))


@pytest.mark.parametrize(
    "world", [BirdInteract(), CrmArenaProInteractive(), TravelMulti()], ids=lambda world: world.name
)
def test_questions_and_requests_change_in_the_middle(world: Environment, tmp_path: Path) -> None:
    row = next(iter(world.tasks()))
    changed = interrupted(row, [Update(kind="addition", text="One more thing: be brief.", at=1)])
    run = turnwise.run(
        world, "solver", tasks=[row, msgspec.structs.replace(changed, id="changed")], store=tmp_path / "t.db"
    )
    plain, log = run.logs()
    assert not [note for note in plain.notes if note.name == "interrupt"]
    (note,) = [note for note in log.notes if note.name == "interrupt"]
    assert note.turn is not None
    said = log.turns[note.turn]
    assert said.role == "user"
    assert said.text.endswith("One more thing: be brief.")
    assert turnwise.replay(run.id, store=tmp_path / "t.db").diverged == 0
