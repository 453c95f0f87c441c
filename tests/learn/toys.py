"""Toy servers whose log-probabilities tell what they were fed: what the tests of rows share.

The policy of a toy gives each token a log-probability that is a hash of the token and of every token before
it. So a row is right if, and only if, the policy gives its sampled tokens the log-probabilities on record.
"""

from __future__ import annotations

import asyncio
import random
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from turnwise.agent import Agent, Entry
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.learn.batch import Batch, check
from turnwise.log import EpisodeLog
from turnwise.message import Message, user
from turnwise.model import Request, Sample
from turnwise.models.hf.chat import Memory
from turnwise.models.hf.options import HFOptions
from turnwise.models.hf.template import TemplateChat
from turnwise.recording import Recording
from turnwise.task import Task

sys.path.append(str(Path(__file__).parents[1] / "models"))

import tiny

NEWLINE = tiny.CHATML
"""Writes a newline behind each end token, which no model samples."""
PLAIN = NEWLINE.replace("<|im_end|>\n", "<|im_end|>")
FORGETFUL = NEWLINE.replace(
    "{{ message.content }}",
    "{{ '<think>' ~ message.reasoning_content ~ '</think>' if loop.last and message.reasoning_content }}"
    "{{ message.content }}",
)
"""Drops the thoughts of all messages but the last."""
BARE = "{%- for message in messages %}{{ message.content }}{% endfor %}"
"""Only texts, one behind the other."""


@cache
def tokenizer(template: str = NEWLINE) -> Any:
    return tiny.tokenizer(template)


START, END = tokenizer().convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])


def encode(text: str) -> list[int]:
    return list(tokenizer().encode(text, add_special_tokens=False))


def letters(text: str) -> list[int]:
    """A text in the smallest tokens there are, which the tokenizer itself would never choose."""
    return [token for letter in text for token in encode(letter)]


def logprob(before: Sequence[int], token: int) -> float:
    """What the policy of all toys gives `token` after exactly these tokens."""
    return -10 * zlib.crc32(np.array([*before, token], dtype=np.int32).tobytes()) / 2**32


class Toy:
    """A model behind a server.

    Args:
        says: Token ids of each sample, in order; or a function of the request that makes them up.
        template: The chat template.
        client: `tokens` puts what is new behind what was fed and sampled; `text` renders all of it anew.
        feed: Changes the prompt's ids before they are fed.
    """

    remote = False
    name = "toy"

    def __init__(
        self,
        says: Sequence[Sequence[int]] | Callable[[Request], Sequence[int]],
        *,
        template: str = NEWLINE,
        client: Literal["tokens", "text"] = "tokens",
        feed: Callable[[list[int]], list[int]] = list,
    ) -> None:
        self.says = says
        self.feed = feed
        self.chat = TemplateChat(tokenizer(template), HFOptions(), frozenset({END}))
        self.memory = Memory(self.chat) if client == "tokens" else None

    async def sample(self, request: Request) -> Sample:
        messages = list(request.messages)
        prompt = self.feed(self._prompt(request, messages))
        said = self.says(request) if callable(self.says) else self.says[request.ordinal]
        sampled = list(said)
        message = self.chat.read(prompt, sampled, request)
        if self.memory is not None:
            self.memory.keep(request.session, messages, request.tools, message, prompt, sampled)
        whole = prompt + sampled
        logprobs = [logprob(whole[:place], whole[place]) for place in range(len(prompt), len(whole))]
        finish = "stop" if sampled and sampled[-1] == END else "length"
        return Sample(
            message=message, finish=finish, prompt_ids=prompt, sampled_ids=sampled, logprobs=logprobs
        )

    def _prompt(self, request: Request, messages: list[Message]) -> list[int]:
        if self.memory is None:
            return self.chat.render(messages, request.tools)
        return self.memory.prompt(request.session, messages, request.tools)

    def replayed(self, request: Request, message: Message, sampled_ids: Sequence[int] | None = None) -> None:
        if self.memory is not None and sampled_ids is not None:
            messages = list(request.messages)
            prompt = self.feed(self._prompt(request, messages))
            self.memory.keep(request.session, messages, request.tools, message, prompt, list(sampled_ids))

    def forget(self, session: str) -> None:
        if self.memory is not None:
            self.memory.forget(session)

    async def close(self) -> None:
        pass


class Script(Environment, frozen=True, kw_only=True):
    """A conversation that is a function of the episode."""

    name = "script"
    roles = ("agent",)
    optional_roles = ("user",)


def play(
    script: Callable[[Episode], Any],
    agents: Mapping[str, Agent] | Agent | Toy,
    *,
    past: EpisodeLog | None = None,
    task: str = "0",
    seed: int = 0,
) -> EpisodeLog:
    """The log of one episode."""

    class Scripted(Script, frozen=True, kw_only=True):
        name = "script"

        async def run(self, task: Task, episode: Episode) -> None:
            await script(episode)

    if isinstance(agents, Toy):
        agents = Agent(agents)
    everybody = {"agent": agents} if isinstance(agents, Agent) else dict(agents)
    episode = Episode(
        Scripted(),
        Task(id=task),
        everybody,
        seed=seed,
        recording=None if past is None else Recording(past, live=True, stored=False),
        branches=() if past is None else past.branches,
    )
    asyncio.run(episode.play())
    if episode.failure is not None:
        raise episode.failure
    return episode.log()


def talk(*lines: str, reward: float = 1.0) -> Callable[[Episode], Any]:
    """A script that says lines to the agent, hears an answer to each, and gives a reward at the end."""

    async def script(episode: Episode) -> None:
        for line in lines:
            await episode.agent.respond(line)
        episode.reward(reward)

    return script


def rows(batch: Batch) -> list[list[tuple[int, bool]]]:
    """Each row as tokens with whether they are learned from."""
    pairs = list(zip(batch.ids.tolist(), batch.sampled.tolist(), strict=True))
    return [pairs[begin:end] for begin, end in zip(batch.row_start[:-1], batch.row_start[1:], strict=True)]


def learned(batch: Batch) -> list[list[int]]:
    """Token ids of each turn."""
    return [batch.ids[batch.turn == turn].tolist() for turn in range(len(batch.turn_row))]


def faithful(batch: Batch) -> bool:
    """Whether every sampled token stands behind exactly the tokens that it was sampled behind."""
    check(batch)
    place = 0
    for row in rows(batch):
        ids = [token for token, _ in row]
        for at, (token, sampled) in enumerate(row):
            told = batch.logprobs[place]
            if sampled and abs(told - logprob(ids[:at], token)) > 1e-5:
                return False
            if not sampled and told != 0:
                return False
            place += 1
    return True


def babble(request: Request) -> list[int]:
    """Any tokens at all, an end token behind most."""
    rng = random.Random(f"{request.rng_seed}/{request.ordinal}")
    said = [rng.randrange(END + 2, len(tokenizer())) for _ in range(rng.randrange(5))]
    return [*said, END] if rng.random() < 0.8 or not said else said


def wild(seed: int, length: int) -> Any:
    """A script of anything that a script and a scaffold can do."""

    async def script(episode: Episode) -> None:
        rng = random.Random(seed)
        for number in range(length):
            role = episode.roles[rng.choice(["agent", "agent", "user"])]
            match rng.randrange(6):
                case 0:
                    role.tell(rng.choice(["The quick", " brown", "\nfox", "<think>"]))
                case 1:
                    question = user(f"Aside {number}.")
                    await role.sample([Entry(question, question)])
                case 2:
                    role.tell("which?")
                    calls = [await role.sample() for _ in range(3)]
                    role.post(rng.choice(calls))
                case 3:
                    role.tell("so?")
                    role.post("because it does")
                case _:
                    turn = await role.respond(rng.choice(["Is it 50?", " lower", "10"]))
                    episode.reward(float(rng.randrange(3)), turn, role=role.name)
        await episode.agent.respond("And now?")
        await episode.user.respond("And now?")

    return script
