"""Environments of the verifiers library, made as its documentation says, played here and there alike."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import turnwise
from turnwise.errors import ConfigError
from turnwise.message import Message, ToolCall

vf = pytest.importorskip("verifiers", reason="verifiers is not installed")

SUMS = """
    import verifiers as vf
    from datasets import Dataset

    def load_environment(count: int = 4):
        rows = [{"question": f"{n} + {n} = ?", "answer": str(2 * n)} for n in range(count)]

        def right(completion, answer):
            return 1.0 if completion[-1]["content"].strip() == answer else 0.0

        def brief(completion):
            return 1.0 / (1 + len(completion[-1]["content"]))

        rubric = vf.Rubric(funcs=[right, brief], weights=[1.0, 0.5])
        return vf.SingleTurnEnv(dataset=Dataset.from_list(rows), system_prompt="Be brief.", rubric=rubric)
"""
HOTTER = """
    import verifiers as vf
    from datasets import Dataset

    class Hotter(vf.MultiTurnEnv):
        async def setup_state(self, state):
            state["low"] = 0

        async def env_response(self, messages, state, **kwargs):
            said = messages[-1].content.strip()
            secret = int(state["answer"])
            if said == str(secret):
                state["final_env_response"] = [{"role": "user", "content": "Right."}]
                return state["final_env_response"]
            state["low"] += said.isdigit() and int(said) < secret
            word = "higher" if said.isdigit() and int(said) < secret else "lower"
            return [{"role": "user", "content": word}]

    def found(state):
        return 1.0 if state.get("final_env_response") else 0.0

    async def low(state):
        return float(state["low"])

    def load_environment():
        rows = [{"prompt": [{"role": "user", "content": "Guess 0-9."}], "answer": str(n)} for n in (7, 3)]
        rubric = vf.Rubric(funcs=[found], weights=[1.0])
        rubric.add_metric(low)
        return Hotter(dataset=Dataset.from_list(rows), rubric=rubric, max_turns=5)
"""
STOCK = """
    import verifiers as vf
    from datasets import Dataset

    PRICES = {"apple": 3, "pear": 5}

    async def price(fruit: str) -> int:
        '''The price of a fruit.

        Args:
            fruit: Its name.
        '''
        return PRICES[fruit]

    def right(completion, answer):
        return 1.0 if completion[-1]["content"] == answer else 0.0

    def load_environment():
        rows = [{"question": "What is an apple and a pear?", "answer": "8"}]
        return vf.ToolEnv(dataset=Dataset.from_list(rows), tools=[price], rubric=vf.Rubric(funcs=[right]))
"""


@pytest.fixture(autouse=True, scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("installed")
    for name, source in {"tw_sums": SUMS, "tw_hotter": HOTTER, "tw_stock": STOCK}.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source))
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The library takes over Ctrl-C with every environment it makes."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def doubles(messages: Sequence[Message]) -> str:
    """Right but for the last row."""
    number = int(messages[-1].text.split()[0])
    return str(2 * number if number < 3 else 5)


def halves(messages: Sequence[Message]) -> str:
    """Binary search from what was said."""
    low, high = 0, 9
    for said, answer in zip(messages[1::2], messages[2::2], strict=False):
        guess = int(said.text)
        low, high = (guess + 1, high) if answer.text == "higher" else (low, guess - 1)
    return str((low + high) // 2)


def shopper(messages: Sequence[Message]) -> Message | str:
    """Ask both prices, one that is not there, and add up."""
    results = [message for message in messages if message.role == "tool"]
    if not results:
        calls = [("a", "apple"), ("b", "pear"), ("c", "plum")]
        return Message(
            role="assistant",
            tool_calls=tuple(ToolCall(id=i, name="price", arguments=f'{{"fruit": "{f}"}}') for i, f in calls),
        )
    assert [message.tool_call_id for message in results] == ["a", "b", "c"]
    assert "plum" in results[2].text
    return str(int(results[0].text) + int(results[1].text))


def own_scores(name: str, agent: Any) -> list[tuple[float, dict[str, float]]]:
    """What the library itself makes of its environment, with `agent` as its model."""
    from verifiers.clients import Client
    from verifiers.types import Response, ResponseMessage

    from turnwise.environments.adapters import vf_messages

    class Scripted(Client):  # type: ignore[misc]
        def setup_client(self, config: Any) -> Any: ...

        async def to_native_tool(self, tool: Any) -> Any:
            return tool

        async def to_native_prompt(self, messages: Any) -> Any:
            return messages, {}

        async def get_native_response(self, prompt: Any, *args: Any, **kwargs: Any) -> Any:
            said = agent([vf_messages.message(message) for message in prompt])
            return Message(role="assistant", content=said) if isinstance(said, str) else said

        async def raise_from_native_response(self, response: Any) -> None: ...

        async def from_native_response(self, response: Message) -> Any:
            calls = [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in response.tool_calls]
            message = ResponseMessage.model_validate(
                {
                    "content": response.text,
                    "tool_calls": calls,
                    "finish_reason": "stop",
                    "is_truncated": False,
                }
            )
            return Response(id="x", created=0, model="m", message=message)

        async def close(self) -> None: ...

    environment = vf.load_environment(name)

    async def all_rows() -> list[tuple[float, dict[str, float]]]:
        rows = environment.get_eval_dataset().to_list()
        outputs = [await environment.run_rollout(row, Scripted(None), "m", {}) for row in rows]
        return [(output["reward"], dict(output["metrics"])) for output in outputs]

    return asyncio.run(all_rows())


@pytest.mark.parametrize(
    ("name", "agent", "rewards"),
    [
        ("tw_sums", doubles, [1.25, 1.25, 1.25, 0.25]),
        ("tw_hotter", halves, [1.0, 1.0]),
        ("tw_stock", shopper, [1.0]),
    ],
)
def test_its_own_scores_agree_and_the_record_replays(
    name: str, agent: Any, rewards: list[float], tmp_path: Path
) -> None:
    run = turnwise.run(f"verifiers:{name}", agent, store=tmp_path / "s.db")
    logs = sorted(run.logs(), key=lambda log: log.task["id"])
    theirs = own_scores(name, agent)
    assert [log.score() for log in logs] == [reward for reward, _ in theirs] == pytest.approx(rewards)
    for log, (_, metrics) in zip(logs, theirs, strict=True):
        assert {key: log.metrics[key] for key in metrics} == metrics
    replayed = turnwise.replay(run.id, store=tmp_path / "s.db")
    assert (replayed.replayed, replayed.diverged) == (len(rewards), 0)


def test_tools_are_offered_and_run_by_the_library(tmp_path: Path) -> None:
    log = turnwise.run("verifiers:tw_stock", shopper, store=tmp_path / "s.db").episode(0)
    assert [spec.name for spec in log.toolsets[0]] == ["price"]
    assert [turn.message.role for turn in log.turns] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "tool",
        "assistant",
    ]
    assert log.metrics["price_calls"] == 3
    assert log.detail == "no_tools_called"


def test_its_limit_is_a_stop_of_ours(tmp_path: Path) -> None:
    log = turnwise.run("verifiers:tw_hotter", lambda _: "9", limit=1, store=tmp_path / "s.db").episode(0)
    assert (log.stop, log.detail, log.score()) == ("max_turns", "max_turns_reached", 0.0)
    assert [turn.text for turn in log.turns] == ["Guess 0-9.", *["9", "lower"] * 4, "9"]


def test_a_fork_goes_on_after_playing_the_record_again(tmp_path: Path) -> None:
    run = turnwise.run("verifiers:tw_hotter", lambda _: "9", limit=1, store=tmp_path / "s.db")
    fork = turnwise.fork(f"{run.id}/0", 3, agents={"agent": lambda _: "7"}, store=tmp_path / "s.db")
    log = fork.episode(0)
    assert [turn.text for turn in log.turns] == ["Guess 0-9.", "9", "lower", "7", "Right."]
    assert log.score() == 1.0


def test_a_replay_needs_neither_library_nor_environment(tmp_path: Path, examples: Path) -> None:
    turnwise.run("verifiers:tw_sums", doubles, store=tmp_path / "s.db")
    code = (
        "import sys, turnwise\n"
        "done = turnwise.replay('last', store=sys.argv[1])\n"
        "print(done.replayed, done.diverged, 'verifiers' in sys.modules, 'tw_sums' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s.db")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["4", "0", "False", "False"]


def test_ctrl_c_stays_with_the_run(examples: Path) -> None:
    (examples / "tw_again.py").write_text(textwrap.dedent(SUMS))
    before = signal.getsignal(signal.SIGINT)
    assert len(list(turnwise.registry.load("environments", "verifiers:tw_again")().tasks())) == 4
    assert signal.getsignal(signal.SIGINT) is before


def test_settings_reach_load_environment(tmp_path: Path) -> None:
    run = turnwise.run("verifiers:tw_sums", doubles, settings={"args": {"count": 2}}, store=tmp_path / "s.db")
    assert len(run.episodes()) == 2


def test_what_is_not_installed_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"verifiers:tw_none: Could not import 'tw_none'"):
        turnwise.run("verifiers:tw_none", doubles, store=tmp_path / "s.db")


def test_a_conversation_that_is_rewritten_is_shown_as_it_is(tmp_path: Path, examples: Path) -> None:
    (examples / "tw_short.py").write_text(
        textwrap.dedent(
            """
            import verifiers as vf
            from datasets import Dataset

            class Short(vf.MultiTurnEnv):
                async def env_response(self, messages, state, **kwargs):
                    return []

                async def get_prompt_messages(self, state):
                    turn = len(state["trajectory"])
                    return state["prompt"] if not turn else [vf.UserMessage(content=f"Only this: {turn}")]

            def load_environment():
                rows = [{"question": "All of this."}]
                rubric = vf.Rubric(funcs=[lambda completion: float(len(completion))])
                return Short(dataset=Dataset.from_list(rows), rubric=rubric, max_turns=3)
            """
        )
    )
    shown: list[list[str]] = []

    def agent(messages: Sequence[Message]) -> str:
        shown.append([message.text for message in messages])
        return "yes"

    run = turnwise.run("verifiers:tw_short", agent, store=tmp_path / "s.db")
    assert shown == [["All of this."], ["Only this: 1"], ["Only this: 2"]]
    assert turnwise.replay(run.id, store=tmp_path / "s.db").errors == {}
