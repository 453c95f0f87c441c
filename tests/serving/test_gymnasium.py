"""Our environments through Gymnasium's interface: its checker passes, and scores are those of a run."""

from __future__ import annotations

import asyncio
import random
import warnings
from pathlib import Path
from typing import Any, ClassVar

import pytest

import turnwise
from turnwise import Environment, Episode, Task, registry
from turnwise.errors import ConfigError, TaskError, TurnwiseError
from turnwise.limits import Limits
from turnwise.message import Image, Text

gymnasium = pytest.importorskip("gymnasium", reason="gymnasium is not installed")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from turnwise.serving.gymnasium import AnyText, GymEnv, register  # noqa: E402


def replies_and_scores(name: str, agent: str, folder: Path) -> list[tuple[str, int, list[str], float | None]]:
    """Task, seed, what the first role said, and its score, of some episodes of a run."""
    run = turnwise.run(name, agent, limit=4, store=folder / "s.db")
    return [
        (
            log.task["id"],
            log.seed,
            [turn.text for turn in log.turns if turn.role == log.roles[0]],
            log.score(),
        )
        for log in run.logs()
    ]


@pytest.mark.parametrize(
    ("name", "agent"),
    [("lock", "search"), ("number_guess", "solver"), ("wilt", "solver"), ("lock", "random")],
)
def test_scores_are_those_of_a_run(name: str, agent: str, tmp_path: Path) -> None:
    env = gymnasium.make(register(name, f"{name}-{agent}"))
    for task, seed, replies, score in replies_and_scores(name, agent, tmp_path):
        env.reset(options={"task": task, "seed": seed})
        total, over, cut = 0.0, False, False
        for reply in replies:
            assert (over, cut) == (False, False)
            _, reward, over, cut, info = env.step(reply)
            total += reward
        assert over or cut
        assert total == pytest.approx(score)
        assert info["score"] == score
    env.close()


@pytest.mark.parametrize("name", ["lock", "number_guess", "wilt"])
def test_its_checker_passes(name: str) -> None:
    env = gymnasium.make(register(name, f"checked-{name}"), disable_env_checker=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


class Haggle(Environment, kw_only=True, frozen=True):
    """A buyer and a seller name prices; who says the other's price closes the deal."""

    name: ClassVar[str] = "haggle_for_tests"
    roles: ClassVar[tuple[str, ...]] = ("buyer", "seller")

    limit: int = 3

    def tasks(self) -> list[Task]:
        return [Task(id="chair"), Task(id="table")]

    async def run(self, task: Task, episode: Episode) -> None:
        price = await episode.seller.respond(f"Sell the {task.id}. It cost you {episode.rng.randint(1, 9)}.")
        for _ in range(self.limit):
            offer = await episode.buyer.respond(price)
            if offer.text == price.text:
                episode.reward(10 - int(price.text), offer)
                episode.reward(int(price.text), role="seller", name="paid")
                episode.metric("price", int(price.text))
                return
            price = await episode.seller.respond(offer)
        episode.tell("buyer", "The shop closes.")
        episode.end("closed", stop=turnwise.log.Stop.MAX_TURNS)

    def agents(self) -> dict[str, Any]:
        return {"seller/firm": lambda messages: "7", "seller/soft": lambda messages: str(9 - len(messages))}

    def defaults(self) -> dict[str, str]:
        return {"seller": "firm"}


def test_either_role_can_be_played() -> None:
    buyer = GymEnv(Haggle())
    observation, info = buyer.reset(options={"task": "table"})
    assert (observation, info["task"]) == ("7", "table")
    assert buyer.step("7") == (
        "",
        3.0,
        True,
        False,
        {"stop": "completed", "detail": None, "score": 3.0, "metrics": {"price": 7.0}},
    )
    seller = GymEnv(Haggle(), "seller", agents={"buyer": lambda messages: messages[-1].text}, task="chair")
    observation, _ = seller.reset(seed=4)
    assert observation.startswith("Sell the chair. It cost you ")
    assert seller.step("5")[:4] == ("", 5.0, True, False)


def test_a_limit_truncates() -> None:
    env = GymEnv(Haggle(limit=2))
    env.reset(seed=0)
    assert env.step("1")[:4] == ("7", 0.0, False, False)
    observation, _, over, cut, info = env.step("2")
    assert (observation, over, cut, info["detail"]) == ("The shop closes.", False, True, "closed")
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        env.step("3")
    limited = GymEnv("lock", limits=Limits(turns=2))
    limited.reset(seed=0)
    limited.step("x")
    assert limited.step("x")[2:4] == (False, True)


def test_the_seed_says_it_all() -> None:
    def played(seed: int) -> list[Any]:
        env = GymEnv("number_guess")
        rng = random.Random(seed)
        told: list[Any] = [env.reset(seed=seed)]
        return told + [env.step(str(rng.randint(1, 100))) for _ in range(4)]

    assert played(3) == played(3)
    assert played(3) != played(4)


def test_several_at_once_and_given_up_in_the_middle() -> None:
    one, other = GymEnv(Haggle()), GymEnv(Haggle(), agents={"seller": "soft"})
    one.reset(seed=1)
    assert other.reset(seed=1)[0] == "8"
    one.step("1")
    assert other.step("1")[0] == "6"
    one.reset(seed=2)
    assert one.step("7")[2]
    one.close()
    other.close()


def test_it_works_where_a_loop_runs_already() -> None:
    async def notebook() -> Any:
        env = GymEnv(Haggle())
        env.reset(seed=0)
        done = env.step("7")
        env.close()
        return done

    assert asyncio.run(notebook())[1] == 3.0


def test_legal_actions_and_pictures() -> None:
    env = gymnasium.make(register("lock", "shown", settings={"horizon": 2}), render_mode="ansi")
    _, info = env.reset(seed=0)
    assert info["actions"] == ["0", "1", "2"]
    assert env.render().splitlines() == ["?.", "0 of 2 open"]
    assert GymEnv("lock").render() is None


def test_what_is_no_text_is_named() -> None:
    class Shows(Environment, kw_only=True, frozen=True):
        """Shows a picture."""

        async def run(self, task: Any, episode: Episode) -> None:
            picture = Image(media_type="image/png", data=b"x")
            await episode.agent.respond((Text(text="Look: "), picture))

    assert GymEnv(Shows()).reset()[0] == "Look: [image/png]"


def test_a_failing_environment_is_one_line() -> None:
    class Broken(Environment, kw_only=True, frozen=True):
        """Fails."""

        async def run(self, task: Any, episode: Episode) -> None:
            await episode.agent.respond("?")
            raise ZeroDivisionError("by hand")

    env = GymEnv(Broken())
    env.reset()
    with pytest.raises(TurnwiseError, match="'broken' failed: ZeroDivisionError: by hand"):
        env.step("!")


def test_what_cannot_be_served() -> None:
    with pytest.raises(ConfigError, match=r"has no role 'byer' .did you mean 'buyer'"):
        GymEnv(Haggle(), "byer")
    with pytest.raises(ConfigError, match="nobody fills the role 'buyer'"):
        GymEnv(Haggle(), "seller")
    with pytest.raises(TaskError, match="has tasks 0 to 1, not 2"):
        GymEnv(Haggle(), task=2)
    with pytest.raises(ConfigError, match="render_mode: expected None or 'ansi'"):
        GymEnv(Haggle(), render_mode="human")


def test_text_of_any_kind() -> None:
    space = AnyText(seed=1)
    assert "Ünï\u202e\n" in space
    assert "" in space
    assert 3 not in space
    words = [space.sample() for _ in range(50)]
    assert all(word in space and len(word) <= 16 for word in words)
    assert AnyText(seed=1).sample() == words[0]


def test_there_and_back_again() -> None:
    # Gymnasium's environment as ours, served as Gymnasium's: still the same rewards.
    made = registry.load("environments", "gym:CliffWalking-v1")(turns=20)
    env = GymEnv(made, task=0)
    env.reset()
    there = gymnasium.make("CliffWalking-v1")
    there.reset(seed=made.tasks()[0].seed)
    for action in (0, 1, 1, 2, 1, 0):
        assert env.step(str(action))[1] == float(there.step(action)[1])
