"""Every registered world of the service room: tools stand any arguments, states come again, nobody overhears.

New ones are picked up by themselves, by where they are registered. `SETTINGS` holds what is tried besides an
environment's own settings, `SECRETS` what an agent must not be shown.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import nonsense
import promises
import pytest
from nonsense import SENSIBLE
from prodder import SHAPES, Prodder, mark
from subjects import Subject
from writings import writing

import turnwise
from turnwise import registry
from turnwise.agent import Agent
from turnwise.agents.users.style import Style
from turnwise.engine.fork import prefix
from turnwise.engine.report import reasons
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.limits import Limits
from turnwise.log import EpisodeLog, Stop, Turn, as_seen
from turnwise.message import Content, Message, ToolCall, system
from turnwise.models.scripted import ScriptedModel
from turnwise.role import Role
from turnwise.store.store import Store
from turnwise.task import Task
from turnwise.tools.desk import Desk, DeskTool
from turnwise.tools.function import tool
from turnwise.tools.sql import Database

NAMES = [
    name
    for name, entry in registry.entries("environments").items()
    if entry.value.startswith("turnwise.environments.service")
]
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "bfcl": [
        {"category": "miss_func"},
        {"category": "long_context", "reward": "turns"},
        {"calls": "text"},
        {"calls": "text", "category": "miss_func"},
        {"split": "train", "count": 4},
    ],
    "bird_interact": [{"interact": "c"}],
    "crmarena_pro": [{"actions": "tools"}, {"actions": "act"}],
    "crmarena_pro_interactive": [
        {"actions": "tools"},
        {"actions": "tools", "style": Style(level="medium", protocol="verify")},
    ],
    "tau_airline": [{"version": 1}, {"user": "reflection"}],
    "tau_phone": [{"solo": True}, {"user": "verify"}],
    "tau_retail": [{"version": 1, "variant": "published"}, {"user": "react"}, {"user": "verify"}],
    "vita_delivery": [{"max_errors": 40, "user": Style(protocol="react", level="medium")}],
    "vita_instore": [{"solo": True, "max_errors": 40}],
}
CASES = [(name, {}) for name in NAMES] + [
    (name, given) for name, several in SETTINGS.items() if name in NAMES for given in several
]


def of(cases: Sequence[tuple[str, dict[str, Any]]]) -> pytest.MarkDecorator:
    """A test for each of some cases."""
    ids = [f"{name}-{'-'.join(map(str, given))}" if given else name for name, given in cases]
    return pytest.mark.parametrize(("name", "given"), cases, ids=ids)


each = of(CASES)
reading = of(
    [(name, given) for name, given in CASES if writing(registry.load("environments", name)(**given))]
)
"""Those that read calls out of words."""
LONGEST = 40
"""Turns of an episode that is replayed and forked."""
JUDGES = ("judge", "meta_judge")
"""Who is there to read what others said."""
SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n")
Texts = Callable[[Any, Any], Iterable[str]]
"""Of an environment and a task."""
SECRETS: dict[str, Texts] = {
    "bfcl": lambda _, task: [call for ask in task.asks for call in ask.calls],
    "bird_interact": lambda env, task: [
        *(part.reference for part in task.parts),
        *(one.meant for one in (*task.critical, *task.other)),
        *(env.world(task).by_id[one.knowledge].definition for one in task.masked),
    ],
    "crmarena_pro_interactive": lambda _, task: [task.persona, *task.criteria],
    "lantern": lambda _, task: [task.goal, *task.says],
    "tau_airline": lambda _, task: [task.instruction, task.persona],
    "tau_retail": lambda _, task: [task.instruction, task.persona],
    "travelbench_multi": lambda _, task: [task.profile, task.intent, *task.reveals],
    "vita": lambda _, task: [task.instructions],
}
"""What a user knows, or who checks, and the agent must be told by nobody but them."""
SHARED: dict[str, Texts] = {
    "bird_interact": lambda env, task: [env.world(task).schema],
    "travelbench": lambda _, task: [task.time, task.context],
}
"""What several are told, each for themselves."""


@cache
def subject_of(name: str, given: tuple[tuple[str, Any], ...]) -> Subject:
    return Subject(registry.load("environments", name)(**dict(given)))


def subject(name: str, given: Mapping[str, Any]) -> Subject:
    return subject_of(name, tuple(given.items()))


def nth(tasks: Sequence[Task], number: int) -> Task:
    """One of many in turn, from all over the set: a prime has no factor in common with how many they are."""
    return tasks[number * 101 % len(tasks)]


# Any arguments ----------------------------------------------------------------------------------------


@each
def test_no_arguments_whatever_make_a_tool_fail(name: str, given: dict[str, Any]) -> None:
    made, offered, number = subject(name, given), set[str](), 0
    prodder, seats = Prodder("any arguments", writing=writing(made.environment)), made.environment.seats
    while number < 6 or (missing(prodder, offered) and number < MOST):
        log = made.play(
            nth(made.tasks, number),
            {role: Agent(prodder) for role in (seats[:1] if number % 2 else seats)},
            seed=number,
            limits=Limits(turns=30),
        )
        assert_no_tool_failed(log)
        offered |= {spec.name for toolset in log.toolsets for spec in toolset} | prodder.offered
        number += 1
    if not offered:
        pytest.skip(f"{name} offers no tools")
    assert not missing(prodder, offered)


MOST = 1000
"""Episodes until each tool is called in each shape, at the very most."""


def missing(prodder: Prodder, offered: Iterable[str]) -> set[tuple[str, str]]:
    """Tools that were offered, and not called in some shape."""
    called: dict[str, set[str]] = defaultdict(set)
    for _, one, shape in prodder.made:
        called[one].add(shape)
    return {(one, shape) for one in offered for shape in SHAPES if shape not in called[one]}


def assert_no_tool_failed(log: EpisodeLog) -> None:
    calls = {call.id: call for turn in log.turns for call in turn.message.tool_calls}
    for turn in log.turns:
        if turn.role == "tool" and " failed: " in turn.text and turn.text.startswith("error: "):
            call = calls[turn.message.tool_call_id or ""]
            assert "tool_errors" not in log.metrics, f"{call.name}({call.arguments[:300]}): {turn.text[:300]}"
    assert "tool_errors" not in log.metrics, log.metrics


@reading
def test_no_text_whatever_makes_a_world_fail_that_reads_calls(name: str, given: dict[str, Any]) -> None:
    made = subject(name, given)
    for number, bend in enumerate(nonsense.ALL):
        replies = [bend, bend, SENSIBLE] if number % 2 else [SENSIBLE, bend, SENSIBLE]
        promises.takes_anything(made, nth(made.tasks, number), "agent", replies, number)


# States come again ------------------------------------------------------------------------------------


class State(NamedTuple):
    """How things stood after a call of a tool, or when a database was closed."""

    turn: int
    what: str
    key: str


class Diary:
    """What the states of an episode's desks and databases were, in the order of its events."""

    def __init__(self) -> None:
        self.states: dict[str, list[State]] = defaultdict(list)

    def tell(self, episode: Episode, what: str, key: str) -> None:
        self.states[episode.task.id].append(State(len(episode.turns), what, key))

    def taken(self) -> dict[str, list[State]]:
        """What was told since this was asked last."""
        told, self.states = dict(self.states), defaultdict(list)
        return told


class Bystander:
    """In an episode's stead: has a database asked, and writes nothing down."""

    async def effect(self, key: str, ask: Any) -> Any:
        return await ask()


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> Diary:
    """Has every call of a desk's tool told, and every database when it is closed."""
    made = Diary()
    call, close = DeskTool.call, Database.close

    async def told_call(self: DeskTool, arguments: dict[str, Any], role: Role) -> Content:
        try:
            return await call(self, arguments, role)
        finally:
            made.tell(role.episode, self._desk.name, self._desk.key())

    async def told_exit(self: Database, *_: object) -> None:
        if self._episode is not None:
            # What a copy answers that is made of what was written, not what was kept of answers.
            copy = self.copy()
            made.tell(self._episode, self.name, await copy.key(Bystander()))  # type: ignore[arg-type]
            await close(copy)
        await close(self)

    monkeypatch.setattr(DeskTool, "call", told_call)
    monkeypatch.setattr(Database, "__aexit__", told_exit)
    return made


@pytest.mark.parametrize("player", ["solver", "prodder"])
@each
def test_states_come_again_in_replays_and_in_forks(
    name: str, given: dict[str, Any], player: str, diary: Diary, tmp_path: Path
) -> None:
    made, store = subject(name, given), Store(tmp_path / "t.db")
    environment, tasks = made.environment, {task.id: task for task in made.some(2)}
    prodder = Agent(Prodder("states", writing=writing(environment)))
    objects = dict.fromkeys(environment.roles, prodder) if player == "prodder" else {}
    agents = objects or {environment.roles[0]: player}
    play = {"environment": environment, "store": store}
    run = turnwise.run(
        agents=agents, tasks=tasks.values(), seed=5, concurrency=1, limits={"turns": LONGEST}, **play
    )
    assert run.summary()["failed"] == 0
    played = diary.taken()
    changed = {log.task["id"] for log in run.logs() if any(note.name == "changes" for note in log.notes)}
    assert changed <= set(played)
    assert turnwise.replay(run.id, agents=objects, **play).diverged == 0
    assert diary.taken() == played, "a replay came to other states"
    for number, log in enumerate(run.logs()):
        then = played.get(log.task["id"], [])
        for at in places(log, then):
            fork = turnwise.fork(f"{run.id}/{number}", at, agents=objects, **play)
            assert fork.summary()["failed"] == 0
            now = diary.taken().get(log.task["id"], [])
            assert before(now, at) == before(then, at), f"a fork at {at} came to other states"
            # Nobody draws anew: what follows is as it was, too.
            past, limits = prefix(log, at), Limits(turns=LONGEST)
            again = made.play(tasks[log.task["id"]], agents, seed=log.seed, past=past, limits=limits)
            assert again.turns == log.turns, f"a copy made at {at} went elsewhere"
            assert again.rewards == log.rewards
            assert diary.taken().get(log.task["id"], []) == then, f"a copy made at {at} came to other states"


def before(states: Iterable[State], turn: int) -> list[State]:
    """Those of the turns before one."""
    return [state for state in states if state.turn < turn]


def places(log: EpisodeLog, states: Iterable[State]) -> list[int]:
    """Turns to fork at: the first, the last, and two in the middle of what changes states."""
    turns = sorted({state.turn for state in states if state.turn < len(log.turns)})
    return sorted({0, *turns[len(turns) // 3 :: max(1, len(turns) // 2)][:2], max(0, len(log.turns) - 1)})


# Nobody overhears -------------------------------------------------------------------------------------

FORMS = {
    "user": (
        "{mark}.",
        "Thought: {mark} I keep this to myself.\nUser Response: {mark} I say this.",
        "false {mark}",
        "true {mark}",
        "Reflection: {mark}\nResponse: {mark} is better.",
    ),
    "agent": (
        "{mark}.",
        "<thought> {mark} </thought><respond> {mark} is all. </respond>",
        "<execute> SELECT Id FROM Case LIMIT 1 </execute> {mark}",
    ),
}
"""What protocols make something of."""


@each
def test_nobody_is_shown_what_was_not_for_them(name: str, given: dict[str, Any]) -> None:
    made = subject(name, given)
    environment = made.environment
    for number in range(8):
        prodder = Prodder(number, calls=0.5, forms=FORMS, writing=writing(environment))
        task = nth(made.tasks, number)
        # Everybody is a model; then only those are who have no words of their own.
        filled = environment.seats if number % 2 else environment.roles[:1]
        agents = {role: Agent(prodder) for role in filled}
        log = made.play(task, agents, seed=number, limits=Limits(turns=30))
        assert overheard(log, shared(environment, task)) == []
        assert given_away(log, environment, task) == []
        # The log tells what models were shown.
        shown = {(session.partition("/")[2], n): seen for (session, n), seen in prodder.shown.items()}
        for call in log.calls:
            if call.role in filled:
                assert log.shown(call) == shown[call.role, call.n]
    for player in ("solver", "random"):
        log = made.play(made.tasks[0], {environment.roles[0]: player}, limits=Limits(turns=60))
        assert overheard(log, shared(environment, made.tasks[0])) == []
        assert given_away(log, environment, made.tasks[0]) == []


def overheard(log: EpisodeLog, shared: str = "") -> list[str]:
    """What roles were shown that was not for them; `shared` is what several may know."""
    found: list[str] = []
    private = {role: secrets_of(log, role) for role in log.roles}
    public = "\n".join(turn.text for turn in log.turns if is_public(turn, log))
    for role in log.roles:
        turns, own = shown_to(log, role)
        found += [f"{role} was shown turn {turn.index}" for turn in turns if not may_see(role, turn, log)]
        if role in JUDGES:
            continue
        told = [as_seen(turn, role).text for turn in turns if turn.role in ("environment", "tool")]
        told += [message.text for message in own if message.role != "assistant"]
        whole = "\n".join(told)
        for other in log.roles:
            if other != role:
                found += [
                    f"{role} was told what {other} alone knows: {line!r}"
                    for line in private[other]
                    if line in whole and line not in public and line not in shared
                ]
    return found


def shared(environment: Environment, task: Task) -> str:
    """What several roles may know of a task."""
    known = (texts(environment, task) for name, texts in SHARED.items() if environment.name.startswith(name))
    return "\n".join(text for texts in known for text in texts)


def shown_to(log: EpisodeLog, role: str) -> tuple[list[Turn], list[Message]]:
    """All turns that a role's models were ever shown, and all messages that were for this role alone."""
    refs = {ref for call in log.calls if call.role == role for ref in log.view(call) if isinstance(ref, int)}
    own = [
        ref for call in log.calls if call.role == role for ref in log.view(call) if isinstance(ref, Message)
    ]
    return [log.turns[ref] for ref in sorted(refs)], own


def may_see(role: str, turn: Turn, log: EpisodeLog) -> bool:
    """Whether a turn is the role's own, to it, or for everybody."""
    if turn.role == role or role in turn.to:
        return True
    return not turn.to and (len(log.roles) == 1 or is_public(turn, log))


def is_public(turn: Turn, log: EpisodeLog) -> bool:
    """Whether a role said it, to whoever listens: with calls of tools, it is the speaker at work."""
    return turn.role in log.roles and not turn.message.tool_calls


def secrets_of(log: EpisodeLog, role: str) -> set[str]:
    """What a role alone knows: what it was told and nobody else, its thoughts, and its words to tools."""
    turns = [turn for turn in log.turns if turn.to == (role,) and turn.role in ("environment", "tool")]
    _, own = shown_to(log, role)
    found = {line for message in (*(turn.message for turn in turns), *own) for line in lines(message.text)}
    if role in JUDGES:
        found = set()
    for call in log.calls:
        if call.role == role:
            found |= {mark("thought", role, call.n), mark("word", role, call.n)}
    return found


def lines(text: str) -> list[str]:
    """The lines of a text by which it can be told."""
    return [line.strip() for line in text.splitlines() if len(line.strip()) >= 30]


def given_away(log: EpisodeLog, environment: Environment, task: Task) -> list[str]:
    """Secrets of a world that its agent was shown, and that nobody had said."""
    if getattr(environment, "solo", False):
        return []
    turns, own = shown_to(log, log.roles[0])
    # What a role says, it may know; the rest is what the environment told.
    told = "\n".join(turn.text for turn in turns if turn.role in ("environment", "tool"))
    told += "\n".join(message.text for message in own if message.role != "assistant")
    said = "\n".join(turn.text for turn in log.turns if turn.role in log.roles)
    return [piece for piece in secrets(environment, task) if piece in told and piece not in said]


def secrets(environment: Environment, task: Task) -> list[str]:
    """The sentences of what `SECRETS` tells of a task."""
    known = (texts(environment, task) for name, texts in SECRETS.items() if environment.name.startswith(name))
    pieces = (piece for texts in known for text in texts for piece in SENTENCE.split(text))
    return [piece for piece in pieces if len(piece) >= 20]


@pytest.mark.parametrize("name", SECRETS)
def test_there_are_secrets_to_keep(name: str) -> None:
    for registered in NAMES:
        if registered.startswith(name):
            made = subject(registered, {})
            assert any(secrets(made.environment, task) for task in made.tasks)


# Everybody is told why ---


@each
def test_what_comes_short_tells_why_and_what_is_right_does_not(name: str, given: dict[str, Any]) -> None:
    made = subject(name, given)
    agent, short = made.environment.roles[0], 0
    for player in made.environment.agents().keys() & {"solver", "nothing", "random"}:
        for number in range(4):
            log = made.play(nth(made.tasks, number), {agent: player}, seed=number, limits=Limits(turns=200))
            if log.score() == 1.0:
                assert reasons(log) == ()
            elif log.stop is Stop.COMPLETED and log.detail not in CUT:
                assert reasons(log), f"{player} in {log.task['id']}: {log.score()}, {log.detail}"
            short += log.score() != 1.0
    assert short


CUT = {"max_turns", "max_user_turns", "max_steps", "too_many_errors", "invalid_agent_message", "wrong"}
"""Ends that say themselves why; `wrong` is InterruptBench's, where only a basket can be wrong."""


# Worlds that leak, each in one way --------------------------------------------------------------------


class Till(Desk):
    """Something to call."""

    paid: int = 0

    @tool
    def pay(self, amount: int) -> str:
        """Pay."""
        self.paid = amount
        return "The customer paid with the card that ends in 4711."

    @tool
    def refund(self, amount: int) -> float:
        """Pay back."""
        return amount / (self.paid - self.paid)


class Shop(Environment, kw_only=True, frozen=True):
    """Keeps everything to whom it is for; what leaks is changed below."""

    roles: ClassVar[tuple[str, ...]] = ("agent", "user")
    leak: str = ""

    def tasks(self) -> list[Task]:
        return [Task(id="0")]

    async def run(self, task: Task, episode: Episode) -> None:
        brief = "You want your money back, and will settle for a voucher."
        episode.tell("agent", system("Never offer more than a voucher to anybody."))
        told = episode.tell("user", system(brief))
        if self.leak == "turn":
            episode.tell("agent", told)
        if self.leak == "words":
            episode.tell("agent", f"About the customer:\n{brief}")
        said = await episode.user.respond("Good morning! What may it be today?")
        tools = [*Till().tools()][: 2 if self.leak == "crash" else 1]
        reply = await episode.agent.respond(said, tools=tools)
        if self.leak == "call":
            reply = next(turn for turn in episode.turns if turn.message.tool_calls)
        if self.leak == "result":
            reply = next(turn for turn in episode.turns if turn.role == "tool")
        if self.leak == "thought":
            reply = f"The agent thinks: {reply.message.reasoning}"
        await episode.user.respond(reply)


def shopping(leak: str, name: str = "pay") -> EpisodeLog:
    def clerk(messages: Sequence[Message]) -> Message:
        thought = mark("thought", "agent", sum(message.role == "assistant" for message in messages))
        if any(message.role == "tool" for message in messages):
            return Message(role="assistant", content="You have it back.", reasoning=thought)
        call = ToolCall(id="1", name=name, arguments='{"amount": 3}')
        return Message(role="assistant", content="Let me see.", tool_calls=(call,), reasoning=thought)

    agents = {"agent": ScriptedModel(clerk), "user": ScriptedModel(lambda messages: "My money!")}
    made = Subject(Shop(leak=leak), {"user": "nobody"})
    return made.play(made.tasks[0], {role: Agent(model) for role, model in agents.items()})


@pytest.mark.parametrize("leak", ["", "turn", "words", "call", "result", "thought"])
def test_a_leak_is_found(leak: str) -> None:
    assert bool(overheard(shopping(leak))) is bool(leak)


def test_a_tool_that_fails_is_found() -> None:
    assert_no_tool_failed(shopping("crash", "pay"))
    with pytest.raises(AssertionError, match=r"refund.*ZeroDivisionError"):
        assert_no_tool_failed(shopping("crash", "refund"))
