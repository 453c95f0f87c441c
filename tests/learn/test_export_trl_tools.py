"""TRL plays and trains on Turnwise environments by tool calls, with Turnwise's rewards."""

from __future__ import annotations

import inspect
import math
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers", "renderers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn,local]'")

sys.path.append(str(Path(__file__).parents[1] / "models"))

import tiny  # noqa: E402
import turnwise.learn.export.trl_tools as exported  # noqa: E402
from turnwise import Environment, Episode, Task  # noqa: E402
from turnwise.errors import ConfigError, TaskError  # noqa: E402
from turnwise.learn.engine.protocol import TrainingError  # noqa: E402
from turnwise.learn.export.trl_tools import OVER, Seats  # noqa: E402
from turnwise.log import Stop  # noqa: E402
from turnwise.tools.function import FunctionTool  # noqa: E402


def trl_version() -> tuple[int, int]:
    try:
        major, minor = version("trl").split(".")[:2]
    except PackageNotFoundError:
        return (0, 0)
    return (int(major), int(minor))


@pytest.fixture
def any_trl(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here does not hang on the TRL that is installed."""
    monkeypatch.setattr(exported, "version", lambda name: "1.16.0")


class Shop(Environment, frozen=True, kw_only=True):
    """Asks for a price that only a tool knows, and then for thanks."""

    name = "shop"

    def tasks(self) -> list[Task]:
        return [Task(id=name) for name in ("pear", "lost", "unjudged")]

    async def run(self, task: Task, episode: Episode) -> None:
        def price(fruit: str, kilos: int = 1) -> str:
            """The price of a fruit.

            Args:
                fruit: Which.
                kilos: How many.
            """
            return str(5 * kilos)

        reply = await episode.agent.respond(f"What are 2 kilos of {task.id}?", tools=[FunctionTool(price)])
        if task.id == "lost":
            raise OSError("the till is gone")
        episode.reward(None if task.id == "unjudged" else float(reply.text == "10"), reply)
        thanks = await episode.agent.respond("Thanks! Anything else?")
        episode.reward(0.5, thanks, name="polite")

    async def score(self, task: Task, episode: Episode) -> None:
        episode.metric("scored", 1)


@pytest.mark.usefixtures("any_trl")
def test_a_chat_by_tool_calls_is_an_episode_with_its_score() -> None:
    seats = Seats("number_guess", settings={"low": 1, "high": 4, "max_turns": 3})
    one, other = seats(), seats()
    row = seats.rows(1)[0]
    assert row == {"prompt": [{"role": "user", "content": ""}], "task": "0"}
    says = one.reset(**row)
    assert says == other.reset(**row)
    assert "whole number from 1 to 4" in says
    secret = one.episode.environment.secret(one.episode.task)
    wrong = 1 if secret > 1 else 4
    assert one.reply(text=str(wrong)) == ("higher" if wrong < secret else "lower")
    # Two at once, and neither knows of the other.
    assert other.reply(text="none") == "I see no number. Answer with one whole number."
    one.reply(text=str(secret))
    assert one.get_reward() == one.episode.score() == 1.0
    assert one.episode.stop is Stop.COMPLETED
    assert [turn.text for turn in one.episode.turns if turn.role == "agent"] == [str(wrong), str(secret)]
    assert one.reply(text="1") == OVER
    assert one.get_reward() == 1.0
    # It is used again.
    assert one.reset(**row) == says
    assert one.get_reward() == 0.0
    seats.close()


@pytest.mark.usefixtures("any_trl")
def test_tools_of_the_script_are_methods_that_transformers_can_describe() -> None:
    from transformers.utils import get_json_schema

    seats = Seats(Shop(), system="Be quick.")
    shop = seats()
    (row, *_) = seats.rows()
    assert [message["role"] for message in row["prompt"]] == ["system", "user"]
    methods = inspect.getmembers(type(shop), inspect.isfunction)
    public = {name for name, _ in methods if not name.startswith("_")}
    assert public == {"reset", "get_reward", "reply", "price"}
    told = get_json_schema(shop.price)["function"]
    assert told["description"] == "The price of a fruit."
    assert told["parameters"]["required"] == ["fruit"]
    types = {name: part["type"] for name, part in told["parameters"]["properties"].items()}
    assert types == {"fruit": "string", "kilos": "integer"}
    assert get_json_schema(shop.reply)["function"]["parameters"]["required"] == ["text"]

    assert shop.reset(**row) == "What are 2 kilos of pear?"
    assert shop.price(fruit="pear", kilos=2) == "10"
    assert "fruit" in shop.price(kilos=2)
    assert shop.reply(text="10") == "Thanks! Anything else?"
    assert shop.price(fruit="pear") == "There is no tool 'price' now."
    assert shop.reply(text="No.") == OVER
    assert shop.get_reward() == 1.5
    seats.close()


@pytest.mark.usefixtures("any_trl")
def test_a_rollout_that_stops_calling_is_scored_as_it_stands() -> None:
    seats = Seats(Shop())
    shop = seats()
    shop.reset(task="pear")
    shop.reply(text="10")
    assert shop.get_reward() == 1.0
    assert shop.episode.stop is Stop.MAX_TURNS
    assert shop.episode.metrics == {"scored": 1}
    seats.close()


@pytest.mark.usefixtures("any_trl")
def test_without_a_score_there_is_no_reward_and_too_many_stop_the_training() -> None:
    seats = Seats(Shop(), patience=2)
    shop = seats()
    shop.reset(task="unjudged")
    shop.reply(text="10")
    assert shop.get_reward() is None
    shop.reset(task="pear")
    assert shop.get_reward() == 0.0
    shop.reset(task="lost")
    assert shop.reply(text="10") == OVER
    assert shop.get_reward() is None
    shop.reset(task="lost")
    shop.reply(text="10")
    with pytest.raises(TrainingError, match=r"2 episodes one after the other .*the till is gone"):
        shop.get_reward()
    with pytest.raises(TaskError, match="apple"):
        shop.reset(task="apple")
    seats.close()


def test_what_does_not_fit_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "version", lambda name: "1.16.0")
    with pytest.raises(ConfigError, match="the tool 'price' of 'shop' has a name that is taken"):
        Seats(Shop(), speak="price")
    monkeypatch.setattr(exported, "version", lambda name: "1.7.1")
    with pytest.raises(
        ConfigError, match=r"TRL 1\.7 does not ask environments for rewards: install trl>=1\.8"
    ):
        Seats(Shop())


def calling(text: str) -> dict[str, Any]:
    function = {"name": "reply", "arguments": {"text": text}}
    return {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]}


def cloned(folder: str, talks: list[dict[str, Any]], steps: int) -> Any:
    """The model of a folder, trained to say any of these."""
    import torch
    import transformers

    tokens = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.div_(8)
    texts = [tokens.apply_chat_template(**talk, tokenize=False) for talk in talks]
    batch = tokens(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    labels = batch.input_ids.masked_fill(batch.attention_mask == 0, -100)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
    return model


@pytest.mark.skipif(trl_version() < (1, 8), reason="needs pip install 'trl>=1.8'")
def test_trl_trains_on_number_guess_by_tool_calls(tmp_path: Path) -> None:
    import torch
    import transformers
    import trl

    seats = Seats("number_guess", settings={"low": 1, "high": 2, "max_turns": 1})
    row = seats.rows(1)[0]
    says = (probe := seats()).reset(**row)
    # Cloned to guess by calls, either number as likely as the other.
    folder = tiny.save(tmp_path / "model", response=tiny.RESPONSE)
    end = {"role": "tool", "name": "reply", "content": OVER}
    user = {"role": "user", "content": says}
    talks = [
        {
            "conversation": [user, calling(guess), end, {"role": "assistant", "content": "Bye."}],
            "tools": [probe.reply],
        }
        for guess in "12"
    ]
    model = cloned(folder, talks, steps=250)
    # So small a network forgets how to call when all of it moves: only the last layer does.
    for name, weight in model.named_parameters():
        weight.requires_grad = "lm_head" in name
    scored: list[list[tuple[float | None, float | None]]] = []

    def watched(environments: list[Any], **_: Any) -> list[float]:
        scored.append([(each.episode.score(), each.get_reward()) for each in environments])
        return [0.0] * len(environments)

    trainer = trl.GRPOTrainer(
        model=model,
        processing_class=transformers.AutoTokenizer.from_pretrained(folder),
        args=trl.GRPOConfig(
            output_dir=str(tmp_path / "out"),
            max_steps=12,
            per_device_train_batch_size=16,
            num_generations=16,
            max_completion_length=64,
            learning_rate=6e-3,
            lr_scheduler_type="constant",
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            use_cpu=True,
            bf16=False,
            disable_tqdm=True,
        ),
        train_dataset=seats.dataset(limit=1),
        environment_factory=seats,
        reward_funcs=watched,
    )
    before = {name: weight.clone() for name, weight in trainer.model.named_parameters()}
    trainer.train()
    seats.close()
    logs = [line for line in trainer.state.log_history if "loss" in line]
    assert len(logs) == len(scored) == 12
    for line, scores in zip(logs, scored, strict=True):
        # TRL's reward is the script's.
        assert all(ours == told for ours, told in scores)
        mean = sum(ours or 0.0 for ours, _ in scores) / len(scores)
        assert line["rewards/number_guess/mean"] == pytest.approx(mean)
        assert line["tools/call_frequency"] > 0.5
        assert math.isfinite(line["loss"])
    assert any(line["grad_norm"] > 0 for line in logs)
    assert any(not torch.equal(weight, before[name]) for name, weight in trainer.model.named_parameters())
    # It learned which number it is.
    means = [line["rewards/number_guess/mean"] for line in logs]
    assert sum(means[-3:]) / 3 > 0.75 > means[0]
