"""Rewards, states, groups and forks: what belongs to the turns of a batch besides their tokens."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import (
    BARE,
    END,
    FORGETFUL,
    NEWLINE,
    PLAIN,
    Script,
    Toy,
    babble,
    encode,
    faithful,
    learned,
    play,
    talk,
    tokenizer,
    wild,
)

import turnwise
from turnwise.agent import Agent, Entry
from turnwise.engine.fork import edited, prefix
from turnwise.episode import Episode
from turnwise.errors import CapabilityError, ConfigError, ModelError, StoreError
from turnwise.learn.render import Renderer
from turnwise.learn.rows import Why, batch_of
from turnwise.learn.tables import concat, load, save, select_episodes, select_rows
from turnwise.log import EpisodeLog, Stop
from turnwise.message import user
from turnwise.model import Request, Sample
from turnwise.models.scripted import ScriptedModel
from turnwise.role import Role

YES, NO = [*encode("yes"), END], [*encode("no"), END]


def says(*texts: str) -> Toy:
    return Toy([[*encode(text), END] for text in texts])


# Rewards ----------------------------------------------------------------------------------------------


def test_a_reward_goes_to_the_call_that_said_the_turn_it_names() -> None:
    async def script(episode: Episode) -> None:
        first = await episode.agent.respond("a")
        await episode.agent.respond("b")
        observation = episode.tell("agent", "c")
        await episode.agent.respond()
        episode.reward(1.0, first)
        episode.reward(0.25, first, name="form")
        # For a turn of the environment's: the agent's last before.
        episode.reward(10.0, observation)
        # For the whole episode.
        episode.reward(100.0)

    batch = batch_of(play(script, says("0", "1", "2"))).batch
    assert batch.turns.reward.tolist() == [1.25, 10.0, 100.0]
    assert batch.outcome.tolist() == [111.25]
    assert batch.turns.index.tolist() == [0, 1, 2]


def test_a_reward_for_something_before_the_first_turn_goes_to_that() -> None:
    async def script(episode: Episode) -> None:
        said = episode.tell("agent", "a")
        await episode.agent.respond("b")
        await episode.agent.respond("c")
        episode.reward(1.0, said)

    assert batch_of(play(script, says("0", "1"))).batch.turns.reward.tolist() == [1.0, 0.0]


def test_what_was_sampled_and_not_chosen_gets_nothing() -> None:
    async def script(episode: Episode) -> None:
        role = episode.agent
        role.tell("a")
        chosen = await role.sample()
        await role.sample()
        turn = role.post(chosen)
        episode.reward(1.0, turn)
        episode.reward(10.0)

    batch = batch_of(play(script, says("0", "1"))).batch
    assert batch.turns.reward.tolist() == [11.0, 0.0]
    assert batch.turn_at is not None
    assert batch.turn_at.tolist() == [1, -1]


def test_samples_that_are_said_in_another_order_stay_in_the_order_they_were_made() -> None:
    async def script(episode: Episode) -> None:
        role = episode.agent
        role.tell("a")
        calls = [await role.sample() for _ in range(2)]
        for call, reward in zip(reversed(calls), (1.0, 10.0), strict=True):
            episode.reward(reward, role.post(call))

    batch = batch_of(play(script, says("0", "1"))).batch
    assert learned(batch) == [[*encode("0"), END], [*encode("1"), END]]
    assert batch.turns.index.tolist() == [0, 1]
    assert batch.turns.reward.tolist() == [10.0, 1.0]


def test_a_call_that_failed_and_one_that_said_nothing_are_no_turns() -> None:
    class Flaky(Toy):
        async def sample(self, request: Request) -> Sample:
            if request.ordinal == 1:
                raise ModelError("no", kind="timeout")
            return await super().sample(request)

    async def script(episode: Episode) -> None:
        await episode.agent.respond("a")
        with pytest.raises(ModelError):
            await episode.agent.respond("b")
        nothing = await episode.agent.respond("c")
        await episode.agent.respond("d")
        episode.reward(1.0, nothing)

    batch = batch_of(play(script, Flaky([YES, [], [], NO]))).batch
    assert faithful(batch)
    assert (batch.rows, learned(batch)) == (1, [YES, NO])
    # What was said without a token was the doing of the turn before.
    assert batch.turns.reward.tolist() == [1.0, 0.0]


# Left out ---------------------------------------------------------------------------------------------


def test_episodes_without_a_score_are_left_out_and_counted() -> None:
    good = play(talk("a"), says("0"))

    async def unjudged(episode: Episode) -> None:
        await episode.agent.respond("a")
        episode.reward(1.0)
        episode.reward(None, name="verdict")

    async def silent(episode: Episode) -> None:
        episode.reward(1.0)

    logs = [
        good,
        play(unjudged, says("0")),
        msgspec.structs.replace(good, stop=Stop.ERROR),
        msgspec.structs.replace(good, stop=None),
        play(silent, says("0")),
        msgspec.structs.replace(good, stop=Stop.MAX_TOKENS),
    ]
    batch, report = batch_of(logs)
    assert batch.names == ("0", "5")
    assert batch.truncated.tolist() == [False, True]
    assert report.left_out == {
        Why.UNJUDGED: ["1"],
        Why.FAILED: ["2"],
        Why.UNFINISHED: ["3"],
        Why.SILENT: ["4"],
    }
    assert str(report) == "2 of 6 episodes; 1 unjudged; 1 failed; 1 unfinished; 1 silent"
    empty = batch_of(logs[1:5])
    assert (empty.batch.rows, len(empty.batch.outcome), len(empty.batch.turns.reward)) == (0, 0, 0)


def test_another_role_s_missing_verdict_leaves_nothing_out() -> None:
    async def script(episode: Episode) -> None:
        await episode.user.respond(await episode.agent.respond("a"))
        episode.reward(None, role="user")
        episode.reward(1.0)

    log = play(script, {"agent": Agent(says("0")), "user": Agent(says("1"))})
    assert batch_of(log).batch.outcome.tolist() == [1.0]
    assert batch_of(log, roles=["agent", "user"]).report.left_out == {Why.UNJUDGED: ["0"]}


# Refused ----------------------------------------------------------------------------------------------


def test_bad_records_are_told_in_one_line() -> None:
    log = play(talk("a"), says("0"))
    (call,) = log.calls

    def changed(**fields: Any) -> EpisodeLog:
        return msgspec.structs.replace(log, calls=(msgspec.structs.replace(call, **fields),))

    with pytest.raises(CapabilityError, match="call 0 of 'agent' has no token ids, only text"):
        batch_of(changed(added_ids=None))
    with pytest.raises(CapabilityError, match="call 0 of 'agent' has no log-probabilities"):
        batch_of(changed(logprobs=None))
    with pytest.raises(StoreError, match="has 2 sampled tokens, but 1 log-probabilities"):
        batch_of(changed(logprobs=(-1.0,)))
    with pytest.raises(StoreError, match="call 0 of 'agent' has no prompt on record"):
        batch_of(changed(added_ids=()))
    with pytest.raises(ConfigError, match="has no role 'agnt'"):
        batch_of(log, roles="agnt")
    with pytest.raises(ConfigError, match="needs a renderer"):
        batch_of(log, text="render")
    reward = msgspec.structs.replace(log.rewards[0], value=float("nan"))
    with pytest.raises(ConfigError, match="episode 0: the reward 'reward' is nan"):
        batch_of(msgspec.structs.replace(log, rewards=(reward,)))
    unknown = batch_of(changed(logprobs=None), logprobs=False).batch
    assert np.isnan(unknown.logprobs[unknown.sampled]).all()
    assert not unknown.logprobs[~unknown.sampled].any()


def test_text_is_rendered_where_that_is_asked_for() -> None:
    async def script(episode: Episode) -> None:
        await episode.agent.respond("a")
        await episode.agent.respond("b")

    log = play(script, Agent(ScriptedModel(lambda messages: "yes")))
    old = "{{ '...' if message.role == 'assistant' and not loop.last else message.content }}"
    curt = NEWLINE.replace("{{ message.content }}", old)
    for template, count in ((NEWLINE, 1), (PLAIN, 1), (curt, 2)):
        renderer = Renderer(tokenizer(template))
        with pytest.warns(UserWarning, match="2 calls were rendered"):
            batch, report = batch_of(log, text="render", renderer=renderer)
        assert (batch.rows, learned(batch), report.rendered) == (count, [YES, YES], 2)
    odd = Renderer(tokenizer(NEWLINE.replace("assistant\n", "assistant\n<think>\n")))
    with pytest.raises(CapabilityError, match="call 0 of 'agent': the chat template does not write"):
        batch_of(log, text="render", renderer=odd)


# States, groups, roles --------------------------------------------------------------------------------


def test_states_are_numbers_that_are_equal_where_the_keys_of_one_task_are() -> None:
    async def script(episode: Episode) -> None:
        for key in ("start", "middle", None, "start"):
            turn = await episode.agent.respond("a")
            if key is not None:
                episode.note(key, turn, name="state")

    logs = [play(script, says("0", "1", "2", "3"), task=task) for task in ("x", "x", "y")]
    state = batch_of(logs).batch.turns.state
    assert state is not None
    a, b, c = state.reshape(3, 4).tolist()
    assert a[0] == a[3] == b[0] == b[3] != c[0] == c[3]
    assert (a[1], a[1] == c[1]) == (b[1], False)
    # Where there is no key, nothing is known to be equal.
    assert len({a[2], b[2], c[2]}) == 3
    assert batch_of(play(talk("a"), says("0"))).batch.turns.state is None


def test_groups_are_the_episodes_of_a_task_within_a_run(tmp_path: Path) -> None:
    toy = Toy(babble)
    runs = [
        turnwise.run(Script2(), Agent(toy), limit=2, epochs=3, seed=seed, store=tmp_path / "runs.db")
        for seed in (0, 1)
    ]
    batch, report = batch_of(runs)
    assert faithful(batch)
    assert batch.turns.group.tolist() == [0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3]
    assert batch.names[7] == f"{runs[1].id}/1"
    assert report.read == 12
    # Logs without their runs are one group by task.
    loose = batch_of(log for run in runs for log in run.logs()).batch
    assert loose.turns.group.tolist() == [0, 1] * 6


def test_forks_are_a_group_and_learn_from_what_is_their_own(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    run = turnwise.run(Script2(), Agent(Toy(babble)), limit=1, store=store)
    parent = run.episode(0)
    at = parent.turns[3].index
    forks = [
        turnwise.fork(
            f"{run.id}/0",
            at,
            count=count,
            seed=seed,
            store=store,
            environment=Script2(),
            agents={"agent": Agent(Toy(babble))},
        )
        for count, seed in ((2, 1), (1, 2))
    ]
    batch = batch_of([run, *forks]).batch
    assert faithful(batch)
    assert batch.turns.group.tolist() == [0, 1, 1, 1]
    assert np.bincount(batch.turns.episode).tolist() == [4, 3, 3, 3]
    # The reward of the first turn stays with the parent, which is where it can be learned from.
    assert batch.turns.reward.tolist() == [1, 2, 3, 4, *[2, 3, 4] * 3]
    assert batch.outcome.tolist() == [10.0] * 4
    # Logs know their siblings, too.
    loose = batch_of([parent, *(log for fork in forks for log in fork.logs())]).batch
    assert loose.turns.group.tolist() == [0, 1, 1, 1]
    whole = batch_of(forks, shared=True).batch
    assert faithful(whole)
    assert whole.turns.reward.tolist() == [1, 2, 3, 4] * 3


class Script2(Script, frozen=True, kw_only=True):
    """Four turns, which bring 1, 2, 3 and 4."""

    name = "script2"

    def tasks(self) -> Any:
        return [turnwise.Task(id=str(number)) for number in range(4)]

    async def run(self, task: Any, episode: Episode) -> None:
        for number in range(4):
            turn = await episode.agent.respond(f"{task.id}: {number}")
            episode.reward(number + 1.0, turn)


def test_words_put_into_a_mouth_are_not_learned_from() -> None:
    async def script(episode: Episode) -> None:
        for line in "abc":
            await episode.agent.respond(line)

    parent = play(script, says("0", "1", "2"))
    known = edited(parent, 3, "something else")
    log = play(script, says("0", "1", "2"), past=prefix(known, 4))
    assert [turn.text for turn in log.turns] == ["a", "0", "b", "something else", "c", "2"]
    batch = batch_of(log).batch
    assert learned(batch) == [[*encode("2"), END]]
    assert "something else" in tokenizer().decode(batch.ids.tolist())


def test_two_roles_have_rows_of_their_own_and_one_time() -> None:
    async def script(episode: Episode) -> None:
        turn = await episode.agent.respond("a")
        for _ in range(2):
            turn = await episode.user.respond(turn)
            episode.reward(1.0, turn, role="user")
            turn = await episode.agent.respond(turn)
        episode.reward(5.0)
        episode.reward(7.0, role="user")

    log = play(script, {"agent": Agent(says("0", "1", "2")), "user": Agent(says("3", "4"))})
    batch = batch_of(log, roles=("agent", "user")).batch
    assert faithful(batch)
    assert batch.roles == ("agent", "user")
    assert batch.turns.role.tolist() == [0, 1, 0, 1, 0]
    assert batch.turns.index.tolist() == [0, 0, 1, 1, 2]
    assert batch.turn_row.tolist() == [0, 1, 0, 1, 0]
    assert batch.turns.reward.tolist() == [0, 1, 0, 8, 5]
    assert batch.outcome.tolist() == [5.0]
    assert [tokenizer().decode(ids[:-1]) for ids in learned(batch)] == ["0", "3", "1", "4", "2"]
    other = batch_of(log, roles="user").batch
    assert (other.roles, other.outcome.tolist()) == (("user",), [9.0])


def test_versions_of_the_policy() -> None:
    log = play(talk("a", "b", "c"), says("0", "1", "2"))
    calls = [
        msgspec.structs.replace(call, version=version)
        for call, version in zip(log.calls, ("3", None, "a1"), strict=True)
    ]
    batch = batch_of(msgspec.structs.replace(log, calls=tuple(calls))).batch
    assert batch.turn_version.tolist() == [3, -1, -1]


# Any episode ------------------------------------------------------------------------------------------


class Anything:
    """A context policy that shows some of the history, or a summary of its own instead."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    async def view(self, role: Role) -> Sequence[Entry]:
        rng = random.Random(f"{self.seed}/{len(role.history)}")
        history = role.history
        match rng.randrange(4):
            case 0 if len(history) > 2:
                start = rng.randrange(len(history) - 1)
                return history[start:]
            case 1 if len(history) > 2:
                question = user("Sum up.")
                call = await role.sample([*history, Entry(question, question)])
                summary = user(f"Before: {call.message.text if call.message else ''}")
                return [Entry(summary, summary), history[-1]]
            case 2:
                return [entry for entry in history[:-1] if rng.random() < 0.7] + history[-1:]
            case _:
                return history


@settings(deadline=None, max_examples=200)
@given(
    seed=st.integers(0, 10**6),
    length=st.integers(0, 7),
    template=st.sampled_from([NEWLINE, PLAIN, BARE, FORGETFUL]),
    client=st.sampled_from(["tokens", "text"]),
    policy=st.booleans(),
    at=st.lists(st.floats(0, 1), max_size=2),
)
def test_every_sampled_token_is_learned_from_once_behind_its_own_prompt(
    seed: int, length: int, template: str, client: Any, policy: bool, at: list[float]
) -> None:
    def agents() -> dict[str, Agent]:
        context = Anything(seed) if policy else None
        return {
            role: Agent(Toy(babble, template=template, client=client), context=context)
            for role in ("agent", "user")
        }

    script = wild(seed, length)
    logs = [play(script, agents(), seed=seed)]
    for number, share in enumerate(at):
        past = prefix(logs[-1], int(share * len(logs[-1].turns)), seed=number)
        logs.append(play(script, agents(), past=past, seed=seed))
    roles = ("agent", "user")
    batch = batch_of(logs, roles=roles).batch
    assert faithful(batch)
    # Over a family of forks, each sample is somebody's own, once: what is new in each log.
    expected: Counter[tuple[int, str, tuple[int, ...]]] = Counter()
    for number, log in enumerate(logs):
        shared = () if number == 0 else {(call.role, call.n) for call in prefix_of(log).calls}
        for call in log.calls:
            if (call.role, call.n) not in shared:
                expected[number, call.role, call.sampled_ids or ()] += 1
    found = Counter(
        (int(names), roles[role], tuple(ids))
        for names, role, ids in zip(
            (batch.names[episode] for episode in batch.turns.episode),
            batch.turns.role,
            learned(batch),
            strict=True,
        )
    )
    assert found == expected
    whole = batch_of(logs, roles=roles, shared=True).batch
    assert faithful(whole)
    assert len(learned(whole)) == sum(len(log.calls) for log in logs)
    for role in roles:
        given_to = whole.turns.reward[whole.turns.role == roles.index(role)].sum()
        assert given_to == sum(log.score(role) or 0.0 for log in logs)


def prefix_of(log: EpisodeLog) -> EpisodeLog:
    return prefix(log, log.branches[-1].turns)


# Tables -----------------------------------------------------------------------------------------------


def family(seed: int = 0) -> list[EpisodeLog]:
    agents = {role: Agent(Toy(babble, client="text")) for role in ("agent", "user")}
    return [play(wild(seed + number, 6), agents, task=str(number % 2), seed=number) for number in range(5)]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, msgspec.Struct):
        return all(same(getattr(one, name), getattr(other, name)) for name in one.__struct_fields__)
    if one is None or other is None:
        return one is other
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return one == other


def test_a_batch_is_on_disk_as_it_is(tmp_path: Path) -> None:
    batch = batch_of(family(), roles=("agent", "user")).batch
    save(batch, tmp_path / "one.npz")
    assert same(load(tmp_path / "one.npz"), batch)
    assert [path.name for path in tmp_path.iterdir()] == ["one.npz"]
    empty = batch_of([]).batch
    save(empty, tmp_path / "none.npz")
    assert same(load(tmp_path / "none.npz"), empty)
    # Nothing is padded: little more than what the arrays themselves take.
    assert (tmp_path / "one.npz").stat().st_size < 25 * len(batch.ids) + 200 * len(batch.turn_row) + 10_000


def test_what_is_no_batch_is_told(tmp_path: Path) -> None:
    batch = batch_of(family()).batch
    (tmp_path / "text.npz").write_text("no")
    np.savez(tmp_path / "other.npz", a=np.zeros(1))
    save(msgspec.structs.replace(batch, sampled=~batch.sampled), tmp_path / "wrong.npz")
    for name, told in (
        ("none.npz", "cannot read .*none.npz: No such file"),
        ("text.npz", "cannot read .*text.npz: expected a batch"),
        ("other.npz", "it is no batch, 'ids' is missing"),
        ("wrong.npz", "expected a turn for each sampled token"),
    ):
        with pytest.raises(ConfigError, match=told):
            load(tmp_path / name)


def test_parts_of_a_batch_are_those_of_its_episodes() -> None:
    logs = family()
    batch = batch_of(logs, roles=("agent", "user")).batch
    for keep in ([0, 3], [4], list(range(5))):
        part = select_episodes(batch, np.array(keep))
        alone = batch_of([logs[number] for number in keep], roles=("agent", "user")).batch
        assert same(msgspec.structs.replace(part, names=()), msgspec.structs.replace(alone, names=())), keep
        assert part.names == tuple(str(number) for number in keep)
    row = select_rows(batch, np.array([2]))
    assert faithful(row)
    assert row.ids.tolist() == batch.ids[batch.row_start[2] : batch.row_start[3]].tolist()


async def keys(episode: Episode) -> None:
    for _ in range(2):
        episode.note("here", await episode.agent.respond("a"), name="state")


def test_batches_join_to_the_batch_of_all() -> None:
    logs = family()
    whole = batch_of(logs, roles=("agent", "user")).batch
    parts = [batch_of(log, roles=("agent", "user")).batch for log in logs]
    joined = concat(parts)
    assert faithful(joined)
    # Groups and states of batches that were made apart stay apart.
    assert joined.turns.group.tolist() == [0, 1, 2, 3, 4]
    twice = concat([whole, parts[0], whole]).turns.group.tolist()
    assert twice == [0, 1, 0, 1, 0, 2, 3, 4, 3, 4, 3]
    alike = msgspec.structs.replace(joined.turns, group=whole.turns.group)
    assert same(msgspec.structs.replace(joined, turns=alike, names=whole.names), whole)
    keyed = [play(keys, says("0", "1"), task="x") for _ in range(2)]
    apart = concat([batch_of(log).batch for log in [*keyed, logs[0]]]).turns.state
    assert apart is not None
    assert apart[0] == apart[1] != apart[2] == apart[3]
    # The third has no keys: each of its states is like no other.
    assert len(set(apart.tolist())) == 2 + len(apart[4:])
    users = batch_of(logs[0], roles="user").batch
    both = concat([batch_of(logs[0]).batch, users])
    assert both.roles == ("agent", "user")
    assert set(both.turns.role[both.turns.episode == 1]) == {1}
    with pytest.raises(ConfigError, match="no batches to join"):
        concat([])
