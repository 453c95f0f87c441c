"""MINT: protocol, counters and stop reasons, answer checks, feedback, replay, data, and the official logs."""

from __future__ import annotations

import ast
import asyncio
import json
import os
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import Scripted, play

from turnwise.agent import Agent
from turnwise.environments.mint import Mint, MintTask, agents, program, protocol
from turnwise.environments.mint.build import options
from turnwise.environments.mint.environment import BUDGETS
from turnwise.environments.mint.expression import UnreadableError, evaluate
from turnwise.environments.mint.load import read
from turnwise.environments.mint.rows import CODE, SOURCES, Source
from turnwise.environments.mint.scoring import is_right, numbers
from turnwise.episode import Episode
from turnwise.errors import ModelError, SandboxError, TaskError
from turnwise.limits import Limits
from turnwise.log import EpisodeLog, Stop
from turnwise.message import assistant
from turnwise.model import Request, Sample
from turnwise.recording import Recording
from turnwise.tools import cells
from turnwise.tools.sandbox import Execution, run_program

DATA = Path(os.environ.get("TURNWISE_DATA", "no-data")) / "mint"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs MINT's files: set TURNWISE_DATA")


@pytest.fixture(scope="module")
def sandbox() -> None:
    """Skip, saying what to install, where no sandbox can run."""
    try:
        asyncio.run(run_program("pass"))
    except SandboxError as error:
        pytest.skip(str(error))


def sums(reference: str = "7", source: Source = "gsm8k", **fields: Any) -> MintTask:
    return MintTask(id="t", source=source, prompt="3 + 4?", reference=reference, solution="7", **fields)


def says(*turns: str) -> Callable[..., Any]:
    """An agent that says these things, the last one again and again."""

    def script(task: MintTask, rng: Any) -> Iterator[Any]:
        lines = chain(turns, repeat(turns[-1]))
        yield
        while True:
            yield next(lines)

    return script


WRONG = "<solution>8</solution>"
RIGHT = "<solution>7</solution>"


def counts(episode: Episode) -> tuple[int, int, int]:
    """Proposals, cells and unreadable actions."""
    return tuple(  # pyright: ignore[reportReturnType]
        int(episode.metrics[name]) for name in ("propose_solution", "use_tool", "invalid_action")
    )


# The protocol -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "content"),
    [
        ("<thought>x</thought><execute> print(1) </execute>", "execute", "print(1)"),
        ("<execute>a = 1</execute> and <execute>\nb = 2\n</execute>", "execute", "a = 1\nb = 2"),
        ("It is <solution> A </solution>, or <solution>B</solution>.", "propose", "A\nB"),
        ("<execute>x</execute> <solution>A</solution>", "propose", "A"),
        ("<execute>x</execute> <solution>A", "propose", None),
        ("<solution>  </solution>", "propose", None),
        ("<execute></execute>", "execute", None),
        ("I think so.", "execute", None),
        ("", "execute", None),
    ],
)
def test_an_action_proposes_where_a_solution_tag_stands_anywhere(
    text: str, kind: str, content: str | None
) -> None:
    assert protocol.read_action(text) == (kind, content)


def test_a_cell_is_shown_as_a_notebook_shows_it() -> None:
    show = protocol.show_execution
    assert show(Execution(), 1) == "[Executed Successfully with No Output]"
    assert show(Execution(output="1\n2\n"), 1) == "1\n2"
    assert show(Execution(output="\n"), 1) == ""
    assert show(Execution(output="hi\n", result_repr="3"), 4) == "hi\nOut[4]: 3"
    assert show(Execution(result_repr="a\nb"), 2) == "Out[2]: \na\nb"
    assert show(Execution(output="hi\n", error="NameError: x"), 1) == "hi\nNameError: x"
    long = show(Execution(output="x" * 2001), 1)
    assert long == "x" * 2000 + "...\n[Output Truncated]"
    assert show(Execution(output="x" * 2000), 1) == "x" * 2000
    assert "earlier variables are gone" in show(Execution(output="1", state_lost=True), 3)


def test_an_observation_counts_down_and_calls_for_the_last_step() -> None:
    assert protocol.observation("Your answer is wrong.", (2, 1)) == (
        "Observation:\nYour answer is wrong.\nYou have 2 steps left and 1 chances to propose solution left.\n"
    )
    assert protocol.observation("5", (1, 2)).endswith(
        "left.\nYou should take the last step to propose a solution.\n"
    )
    assert protocol.observation("5", None) == "Observation:\n5\n"


def test_the_first_message_has_three_blocks_and_names_only_tools_that_are_there() -> None:
    model = Scripted(says(RIGHT))
    play(Mint(max_steps=4, max_proposals=2), sums(), agent=model)
    rules, example, task = model.seen[0][0].text.split("\n---\n")
    assert "You have 4 chances" in rules
    assert "propose a solution 2 times" in rules
    assert "<execute>" in rules
    assert "wikipedia" not in rules + example
    assert "Expert feedback" not in example
    assert task == "\nTask:\n3 + 4?\n"
    play(Mint(tools=False), sums(), agent=(model := Scripted(says(RIGHT))))
    assert "<execute>" not in model.seen[0][0].text


# Budgets, counters, reasons ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("turns", "settings", "reason", "counted"),
    [
        ((RIGHT,), {}, "task_success", (1, 0, 0)),
        ((WRONG, RIGHT), {}, "task_success", (2, 0, 0)),
        ((WRONG, WRONG, RIGHT), {}, "max_propose_steps", (2, 0, 0)),
        (("hm",), {}, "max_steps", (0, 0, 5)),
        (("hm", "<solution>7", RIGHT), {}, "task_success", (2, 0, 1)),
        # An unreadable proposal costs a chance and is no invalid action.
        (("<solution>7", "<solution></solution>", RIGHT), {}, "max_propose_steps", (2, 0, 0)),
        # Success counts even with the last of both budgets, and proposals are the reason where both end.
        ((RIGHT,), {"max_steps": 1, "max_proposals": 1}, "task_success", (1, 0, 0)),
        ((WRONG,), {"max_steps": 1, "max_proposals": 1}, "max_propose_steps", (1, 0, 0)),
        (("hm", WRONG, RIGHT), {"max_steps": 2}, "max_steps", (1, 0, 1)),
        # Without a session, code is not understood.
        (("<execute>1</execute>", RIGHT), {"tools": False}, "task_success", (1, 0, 1)),
    ],
)
def test_counters_and_reasons(
    turns: tuple[str, ...], settings: dict[str, Any], reason: str, counted: tuple[int, int, int]
) -> None:
    episode = play(Mint(**settings), sums(), agent=says(*turns))
    assert (episode.stop, episode.detail) == (Stop.COMPLETED, reason)
    assert counts(episode) == counted
    assert episode.score() == (reason == "task_success")


def test_what_the_agent_is_told_after_each_kind_of_action() -> None:
    episode = play(Mint(), sums(), agent=says("hm", WRONG, "<solution>", RIGHT))
    told = [turn.text for turn in episode.turns if turn.role == "environment"][1:]
    assert told[0].startswith("Observation:\nI don't understand your input. \n")
    assert told[0].endswith("\n\nYou have 4 steps left and 2 chances to propose solution left.\n")
    assert told[1] == (
        "Observation:\nYour answer is wrong.\nYou have 3 steps left and 1 chances to propose solution left.\n"
    )
    assert episode.detail == "max_propose_steps"
    silent = play(Mint(count_down=False), sums(), agent=says(WRONG, RIGHT))
    assert silent.turns[2].text == "Observation:\nYour answer is wrong.\n"


class Failing:
    """A model that fails from its second call on."""

    remote = False
    name = "failing"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    async def sample(self, request: Request) -> Sample:
        if request.ordinal:
            raise ModelError("it failed", kind=self.kind)
        return Sample(message=assistant("hm"))

    async def close(self) -> None:
        pass


def ended(environment: Mint, model: Any, **options: Any) -> Episode:
    episode = Episode(environment, sums(), {"agent": Agent(model)}, **options)
    asyncio.run(episode.play())
    return episode


def test_outgrowing_the_context_is_a_failure_and_any_other_model_error_is_not_a_score() -> None:
    full = ended(Mint(), Failing("context_length"))
    assert (full.stop, full.detail, full.score()) == (Stop.COMPLETED, "error", 0.0)
    assert counts(full) == (0, 0, 1)
    down = ended(Mint(), Failing("server"))
    assert (down.stop, down.score()) == (Stop.ERROR, None)


def test_a_limit_of_the_run_scores_zero() -> None:
    episode = ended(Mint(), Scripted(says("hm")), limits=Limits(turns=2))
    assert (episode.stop, episode.score()) == (Stop.MAX_TURNS, 0.0)


def test_the_sweep_has_the_official_budgets() -> None:
    assert [(each.max_steps, each.max_proposals) for each in Mint(subset="math").sweep()] == list(BUDGETS)
    assert BUDGETS == ((1, 1), (2, 2), (3, 2), (4, 2), (5, 2))
    assert {each.subset for each in Mint(subset="math").sweep()} == {"math"}


# The Python session -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("sandbox")
def test_variables_live_on_and_errors_are_observations() -> None:
    cells = ("x = 3", "x + 4", "print(x); y", "print(x * 2)")
    turns = [f"<execute>\n{cell}\n</execute>" for cell in cells]
    episode = play(Mint(), sums(), agent=says(*turns, RIGHT))
    told = [turn.text.split("\nYou have")[0] for turn in episode.turns if turn.role == "environment"][1:]
    assert told[0] == "Observation:\n[Executed Successfully with No Output]"
    assert told[1] == "Observation:\nOut[2]: 7"
    assert told[2].startswith("Observation:\n3\nTraceback")
    assert told[2].endswith("NameError: name 'y' is not defined")
    assert told[3] == "Observation:\n6"
    assert (episode.detail, counts(episode)) == ("task_success", (1, 4, 0))


@pytest.mark.usefixtures("sandbox")
def test_four_cells_and_an_answer_take_five_steps_and_not_four() -> None:
    five = play(Mint(max_steps=5), sums(), agent=agents.tool_user)
    assert (five.detail, counts(five), five.score()) == ("task_success", (1, 4, 0), 1.0)
    assert "Out[4]: 3" in five.turns[-2].text
    four = play(Mint(max_steps=4), sums(), agent=agents.tool_user)
    assert (four.detail, counts(four), four.score()) == ("max_steps", (0, 4, 0), 0.0)


def cut(log: EpisodeLog, calls: int) -> EpisodeLog:
    """The log as a killed run leaves it: so many calls, and what had been said and run before the next."""
    end = len(log.turns)
    if calls < len(log.calls):
        end = next(turn.index for turn in log.turns if turn.calls == (calls,)) - 1
    return msgspec.structs.replace(
        log,
        calls=log.calls[:calls],
        turns=log.turns[:end],
        effects=tuple(effect for effect in log.effects if effect.at <= end),
        stop=None,
    )


@pytest.mark.usefixtures("sandbox")
def test_a_replay_runs_no_code_and_a_resumed_episode_has_its_variables_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment, task = Mint(), sums()
    whole = play(environment, task, agent=agents.tool_user, seed=3).log()

    def again(log: EpisodeLog, *, live: bool) -> Episode:
        recording = Recording(log, live=live, stored=False)
        agent = {"agent": Agent(Scripted(agents.tool_user))}
        episode = Episode(environment, task, agent, seed=3, recording=recording)
        asyncio.run(episode.play())
        return episode

    # Resumed after two cells: the third counts on, so the first two must have been run again.
    turns = iter(["<execute>\ncount += 1\ncount\n</execute>"] * 2 + [agents.propose("7")])
    rest = Scripted(lambda messages: next(turns))
    recording = Recording(cut(whole, 2), live=True, stored=False)
    resumed = Episode(environment, task, {"agent": Agent(rest)}, seed=3, recording=recording)
    asyncio.run(resumed.play())
    assert resumed.error is None
    assert resumed.log().effects == whole.effects

    class NoSession:
        def __init__(self, **settings: Any) -> None:
            raise AssertionError("a replay started a sandbox")

    monkeypatch.setattr(cells, "PythonSession", NoSession)
    assert again(whole, live=False).log().to_json() == whole.to_json()


# Programs ---------------------------------------------------------------------------------------------


def code_task(tests: str = "assert double(4) == 8") -> MintTask:
    return MintTask(id="c", source="mbpp", prompt="Double.", reference=tests, solution="")


def proposing(source: str) -> Callable[..., Any]:
    return says(f"<solution>\n{source}\n</solution>")


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("source", "right", "failed"),
    [
        ("def double(n):\n    return 2 * n", True, None),
        ("def double(n):\n    return n", False, "tests"),
        ("def double(n) return 2 * n", False, "syntax"),
        ("raise SystemExit(0)", False, "tests"),
        ("import os\nos._exit(0)", False, "tests"),
        ("print('passed')\nexit(0)", False, "tests"),
    ],
)
def test_a_program_passes_where_it_runs_through_its_tests(
    source: str, right: bool, failed: str | None
) -> None:
    episode = play(Mint(max_steps=1, max_proposals=1), code_task(), agent=proposing(source))
    assert episode.score() == right
    assert [note.value["failed"] for note in episode.notes if note.name == "tests"] == (
        [] if right else [failed]
    )


@pytest.mark.usefixtures("sandbox")
def test_a_program_that_does_not_end_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = msgspec.structs.replace(program.LIMITS, wall_seconds=0.5)
    monkeypatch.setattr(program, "LIMITS", quick)
    environment = Mint(max_steps=1, max_proposals=1)
    assert play(environment, code_task(), agent=proposing("while True: pass")).score() == 0


# Answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "answer", "published", "corrected"),
    [
        ("100", "104.9", True, False),
        ("100", "105.1", False, False),
        ("-100", "-104.9", True, False),
        ("-100", "-95", True, False),
        ("0.0", "0", True, True),
        ("0.0", "0.001", False, False),
        ("6", "16", False, False),
        ("6", "16 miles", True, False),
        ("6", "6 miles", True, True),
        ("6", "it is 6, or 7", True, False),
        ("15.0", "the sum is 15", False, True),
        ("15.0", "a + b = 3 + 12 = 15", False, True),
        ("0.63", "0.6286", True, True),
        ("0.63", "0.62", True, False),
        ("0.63", "22/35", False, True),
        ("0.63", "\\frac{22}{35}", False, True),
        ("130000", "$130,000", False, True),
        ("7", "seven", False, False),
        ("yes", "yes, both", True, True),
        ("yes", "Yes.", True, True),
        ("no", "I do not know", True, False),
        ("no", "No, it is not", True, True),
        ("the late 12th century", "late 12th century", False, True),
        ("george cayley", "Sir George Cayley", True, True),
        ("venice", "venicette", True, False),
    ],
)
def test_text_and_numbers(reference: str, answer: str, published: bool, corrected: bool) -> None:
    source: Source = "hotpotqa" if reference.strip("-.0123456789") else "gsm8k"
    task = sums(reference, source)
    assert is_right(task, answer, published=True) is published
    assert is_right(task, answer, published=False) is corrected


CHOICE = "What is it?\nOptions: A ) 20 , B ) 34 , C ) \\sqrt{40} , D ) f(x) or (g(x))"


@pytest.mark.parametrize(
    ("reference", "answer", "published", "corrected"),
    [
        ("b", "B", True, True),
        ("b", "(b)", True, True),
        ("b", "B) 34", True, True),
        ("b", "b) 20", True, True),
        ("b", "Option B is right", True, True),
        ("b", "34", True, True),
        ("b", "33", True, False),  # within 5 % of the option, as the official check has it
        ("b", "C", False, False),
        ("b", "B) or C)", True, False),
        ("a", "None of the above", True, False),  # holds the letter a
        ("a", "a) 20", True, True),
        ("b", "a) 34", False, False),
        ("c", "C) \\sqrt{40}", True, True),
        ("d", "A or D", True, False),
        ("d", "f(x) or (g(x))", True, True),
    ],
)
def test_multiple_choice(reference: str, answer: str, published: bool, corrected: bool) -> None:
    task = MintTask(
        id="m",
        source="mmlu",
        prompt=CHOICE,
        reference=reference,
        options=options(CHOICE),
        solution="",
    )
    assert is_right(task, answer, published=True) is published
    assert is_right(task, answer, published=False) is corrected


@pytest.mark.parametrize(
    ("reference", "kind", "answer", "published", "corrected"),
    [
        (5.65, "float", "5.656", True, True),
        (1.0, "float", "1.039", True, True),
        (1.0, "float", "1.041", False, False),
        (-0.166, "float", "approximately -0.16", True, True),
        (442.02, "float", "$442.02 m", True, True),
        (0.5, "float", "1/2", True, True),
        (0.5, "float", "x = 1/2", True, True),
        (1000.0, "float", "10^3", False, True),  # the official module never imports math
        (3.0, "float", "1.5 x 2", True, True),
        (1.4142, "float", "np.sqrt(2)", True, True),
        (20, "integer", "20", True, True),
        (20, "integer", "19.6", True, True),
        (6000, "integer", "6,000", True, True),
        (1, "integer", "True", True, False),
        (20, "integer", "inf", False, False),
        (20, "integer", "np.inf", False, False),
        (False, "bool", "False", True, True),
        (False, "bool", "no", True, True),
        (True, "bool", "False", False, False),
        (False, "bool", "0", True, False),
        ("c", "option", "c) $\\theta$", True, True),
        ("c", "option", "c) 0.5", False, True),  # officially read as a number with a unit
        ("c", "option", "c) or d)", True, False),
        ("c", "option", "C", True, True),
        ("c", "option", "b", False, False),
        ([0, 5], "list of integer", "[5, 0]", True, True),
        ([0, 5], "list of integer", "(0, 5)", True, True),
        ([0, 5], "list of integer", "{0, 5}", True, True),
        ([1, 0], "list of integer", "[True, False]", False, False),
        ([0, 5], "list of integer", "[0, 5, 5]", False, False),
        ([0, 5], "list of integer", "()", False, False),
        ([0, 5], "list of integer", "nonsense", False, False),
        (2.0, "float", "__import__('os').getpid()", False, False),
    ],
)
def test_theorems(reference: Any, kind: str, answer: str, published: bool, corrected: bool) -> None:
    task = MintTask(
        id="q", source="theoremqa", prompt="?", reference=reference, answer_type=kind, solution=""
    )
    assert is_right(task, answer, published=True) is published
    assert is_right(task, answer, published=False) is corrected


def test_the_strict_check_finds_all_numbers() -> None:
    assert numbers("-1.5, 2e3 and 1,200.5 of x2; 3/4, \\frac{1}{8} .") == [-1.5, 2000, 1200.5, 0.75, 0.125]
    assert numbers("no number") == []


SMALL = st.recursive(
    st.integers(-99, 99).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
)


@given(SMALL)
def test_arithmetic_comes_out_as_python_has_it(text: str) -> None:
    assert evaluate(text) == eval(text)  # of digits, brackets and +-* only


@given(st.text(max_size=60) | st.text("0123456789+-*/^%()[]{},.= einfapx", max_size=60))
def test_any_text_is_worked_out_or_unreadable(text: str) -> None:
    try:
        evaluate(text)
    except UnreadableError:
        return
    ast.parse(text.strip(" \t"), mode="eval")


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9",
        "[0] * 10**9",
        "([0] * 900) * 900",
        "b'x' * 10**9",
        "'x' * 10**9",
        "__import__('os')",
        "().__class__",
        "(lambda: 1)()",
        "[x for x in (1,)]",
        "open('f')",
        "(" * 900,
        "-" * 1900 + "1",
        "1" * 3000,
        "f'{1}'",
    ],
)
def test_nothing_dear_or_dangerous_is_worked_out(text: str) -> None:
    with pytest.raises(UnreadableError):
        evaluate(text)


# Feedback ---------------------------------------------------------------------------------------------


def critic(*words: str) -> Scripted:
    return Scripted(says(*words))


def test_the_expert_comments_on_every_action_that_did_not_end_the_episode() -> None:
    expert = critic("Think again.", "Almost.")
    episode = play(Mint(feedback="textual"), sums(), agent=says(WRONG, "hm", RIGHT), feedback=expert)
    assert len(expert.seen) == 2
    told = [turn.text for turn in episode.turns if turn.role == "environment" and turn.to == ("agent",)]
    assert told[1].endswith("left.\n\nExpert feedback:\nThink again.\n")
    assert told[2].endswith("\n\nExpert feedback:\nAlmost.\n")
    second = expert.seen[1][-1].text
    assert len(expert.seen[1]) == 1  # each question stands alone
    transcript = second[second.rindex("Task:\n3 + 4?") : second.index("\n\nCorrect solution")]
    assert transcript == (
        "Task:\n3 + 4?\n\nAssistant:\n<solution>8</solution>\n\n"
        f"{told[1]}\nAssistant:\nhm\n\n{told[2].partition(chr(10) + 'Expert feedback')[0]}"
    )


@pytest.mark.parametrize(("ground_truth", "shown"), [(True, "): 7\n"), (False, "): NOT GIVEN\n")])
def test_the_expert_knows_the_answer_only_where_it_may(ground_truth: bool, shown: str) -> None:
    expert = critic("No.")
    play(
        Mint(feedback="textual", ground_truth=ground_truth),
        sums(),
        agent=says(WRONG, RIGHT),
        feedback=expert,
    )
    assert shown in expert.seen[0][-1].text


@pytest.mark.parametrize(
    ("words", "passed_on"),
    [
        ("This is BAD. The answer is 7.", "This is BAD."),
        ("I find this GOOD so far. BAD luck.", "This is GOOD."),
        ("Hm. BAD.", None),
        ("BAD", None),
    ],
)
def test_binary_feedback_passes_on_one_word(words: str, passed_on: str | None) -> None:
    episode = play(Mint(feedback="binary"), sums(), agent=says(WRONG, RIGHT), feedback=critic(words))
    told = [turn.text for turn in episode.turns if turn.to == ("agent",)][1]
    assert told.partition("Expert feedback:\n")[2].strip() == (passed_on or "")


def test_an_agent_that_listens_gains_from_an_expert_that_knows() -> None:
    def score(**settings: Any) -> float | None:
        environment = Mint(**settings)
        others = {} if environment.feedback == "none" else {"feedback": agents.oracle}
        return play(environment, sums(), agent=agents.listener, **others).score()

    assert score() == 0
    assert score(feedback="textual") == 0
    assert score(feedback="textual", ground_truth=True) == 1
    assert score(feedback="binary", ground_truth=True) == 0


def test_the_oracle_calls_a_wrong_answer_bad_and_work_good() -> None:
    episode = play(Mint(feedback="textual"), sums(), agent=says("hm", WRONG, RIGHT), feedback=agents.oracle)
    assert [turn.text for turn in episode.turns if turn.role == "feedback"] == [
        "This is GOOD.",
        "This is BAD.",
    ]


def test_feedback_that_nobody_gives_is_one_clear_line() -> None:
    episode = ended(Mint(feedback="textual"), Scripted(says(RIGHT)))
    assert episode.error is not None
    assert episode.error.message == (
        "mint: feedback='textual' needs somebody in the role 'feedback'; "
        "give it an agent, e.g. feedback=oracle"
    )


# Tasks ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("variant", ["published", "corrected"])
def test_the_solver_solves_all_of_the_sample_at_once(variant: Any) -> None:
    environment = Mint(variant=variant, max_steps=1, max_proposals=1)
    tasks = list(environment.tasks())
    assert {task.source for task in tasks} == set(SOURCES)  # pyright: ignore[reportAttributeAccessIssue]
    assert [play(environment, task, agent=agents.solver).score() for task in tasks] == [1] * 13


@pytest.mark.usefixtures("sandbox")
def test_the_random_agent_plays_the_same_game_twice() -> None:
    task = next(iter(Mint().tasks()))
    first, second = (play(Mint(), task, agent=agents.random_agent, seed=5) for _ in range(2))
    assert first.log().to_json() == second.log().to_json()


def test_the_references_of_the_sample_are_right() -> None:
    def prime(n: int) -> bool:
        return n > 1 and all(n % d for d in range(2, n))

    worked = {
        "sample/1-gsm8k": 14 * 12 * 3 // 4 - 50,
        "sample/2-gsm8k": next(d for d in range(1, 99) if sum(18 + 5 * i for i in range(d)) >= 250),
        "sample/3-math": sum((n % 6 == 0) != (n % 8 == 0) for n in range(1, 1001)),
        "sample/4-math": sum(p for p in range(100) if prime(p) and prime(p + 2)),
        "sample/9-theoremqa": sum(6 / faces for faces in range(1, 7)),
    }
    tasks = {task.id: task for task in Mint().tasks()}
    for name, value in worked.items():
        assert float(tasks[name].reference) == pytest.approx(value)  # pyright: ignore
    assert tasks["sample/7-mmlu"].options[tasks["sample/7-mmlu"].reference] == str(pow(7, 2026, 100))  # pyright: ignore
    assert tasks["sample/11-theoremqa"].reference == [x for x in range(20) if x * x % 20 == 1]  # pyright: ignore


def test_raw_rows_become_tasks(tmp_path: Path) -> None:
    rows: dict[Source, dict[str, Any]] = {
        "gsm8k": {"id": 0, "prompt": " How many? ", "reference": "36"},
        "hotpotqa": {"id": 1, "prompt": "Who?", "reference": "George Harrison"},
        "mmlu": {"id": 2, "prompt": CHOICE, "reference": "D"},
        "theoremqa": {"id": 3, "prompt": "x?", "reference": "a", "answer_type": "option"},
        "mbpp": {"id": 4, "prompt": '"""\nDo it.\n"""\n', "reference": "assert f()", "code": "x\r\ny"},
        "humaneval": {"id": 5, "prompt": "def f():", "reference": "f()", "canonical_solution": "    pass"},
    }
    built: dict[str, MintTask] = {}
    for source, row in rows.items():
        (tmp_path / source).write_text(json.dumps(row) + "\n\n")
        (built[source],) = read(tmp_path / source, source)
    assert [task.id for task in built.values()] == [
        "gsm8k/0",
        "hotpotqa/1",
        "mmlu/2",
        "theoremqa/3",
        "mbpp/4",
        "humaneval/5",
    ]
    assert (built["gsm8k"].prompt, built["gsm8k"].solution) == ("How many?", "36")
    assert (built["hotpotqa"].reference, built["hotpotqa"].solution) == ("george harrison", "George Harrison")
    assert built["mmlu"].options == {"a": "20", "b": "34", "c": "\\sqrt{40}", "d": "f(x) or (g(x))"}
    assert built["mmlu"].solution == "D) f(x) or (g(x))"
    assert built["theoremqa"].solution == "(a)"
    assert (built["mbpp"].prompt, built["mbpp"].solution) == ("Do it.", "x\ny")
    assert built["humaneval"].prompt == "Complete the following code:\n\ndef f():"
    assert built["humaneval"].solution == "def f():\n    pass"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": 0, "prompt": "x"}', "rows:2: the field 'reference' is missing"),
        ("[1]", "rows:2: Expected `object`, got `array`; expected one JSON object a line"),
        ("{", "rows:2: Input data was truncated; expected one JSON object a line"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "rows").write_text('{"id": 0, "prompt": "x", "reference": "1"}\n' + line)
    with pytest.raises(TaskError) as caught:
        read(tmp_path / "rows", "gsm8k")
    assert str(caught.value).endswith(message)


@needs_data
def test_the_official_sets_have_their_sizes_and_the_solver_solves_the_reasoning() -> None:
    assert len(list(Mint(subset="reasoning").tasks())) == 316
    assert len(list(Mint(subset="code").tasks())) == 136
    for variant in ("published", "corrected"):
        environment = Mint(subset="reasoning", variant=variant, max_steps=1, max_proposals=1)
        lost = [
            task.id
            for task in environment.tasks()
            if play(environment, task, agent=agents.solver).score() != 1
        ]
        assert lost == []


@needs_data
@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("source", CODE)
def test_official_programs_pass_their_official_tests(source: Source) -> None:
    environment = Mint(subset=source, max_steps=1, max_proposals=1)
    tasks = list(environment.tasks())[::9]
    assert [play(environment, task, agent=agents.solver).score() for task in tasks] == [1] * len(tasks)


# The search function ----------------------------------------------------------------------------------

ASKED: list[str] = []


def find(query: str) -> str:
    """Stands for a search engine: the settings name it by its import path."""
    ASKED.append(query)
    return f"Page: {query}"


SEARCH = f"{__name__}:find"
SEARCHING = (
    "n = 0\nn += 1",
    "n += 1\nfirst = wikipedia_search('Li Bai')\nprint(first, n)",
    "try:\n    print(wikipedia_search('Du Fu'), wikipedia_search('Li Bai'))\nexcept Exception:\n    pass",
    "n += 1\nprint(first, n)",
)


@pytest.mark.usefixtures("sandbox")
def test_a_session_can_search_where_a_function_is_given() -> None:
    ASKED.clear()
    environment = Mint(search=SEARCH)
    model = Scripted(says(*(f"<execute>{cell}</execute>" for cell in SEARCHING), RIGHT))
    episode = play(environment, sums(), agent=model)
    assert "[1] wikipedia_search(query: str) -> str" in model.seen[0][0].text
    told = [turn.text.split("\n")[1] for turn in episode.turns if turn.role == "environment"][1:]
    assert told[1:] == ["Page: Li Bai 2", "Page: Du Fu Page: Li Bai", "Page: Li Bai 3"]
    assert ASKED == ["Li Bai", "Du Fu"]  # each is looked up once, also where the code hides the failure
    # A resumed episode runs the recorded cells again over the recorded answers.
    ASKED.clear()
    rest = Scripted(says("<execute>print(first, n)</execute>", RIGHT))
    recording = Recording(cut(episode.log(), 3), live=True, stored=False)
    resumed = Episode(environment, sums(), {"agent": Agent(rest)}, recording=recording)
    asyncio.run(resumed.play())
    assert resumed.error is None
    assert "Page: Li Bai 2" in resumed.turns[-2].text
    assert ASKED == []


def test_a_search_function_that_is_not_there_is_one_clear_line() -> None:
    episode = ended(Mint(search="no_such_module:find"), Scripted(says(RIGHT)))
    assert episode.error is not None
    assert episode.error.message == (
        "mint: search='no_such_module:find' cannot be imported (No module named 'no_such_module'); "
        "expected 'module:function'"
    )
