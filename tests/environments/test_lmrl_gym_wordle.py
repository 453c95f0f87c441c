"""LMRL-Gym's Wordle: its feedback rule, rewards, and what its players score."""

from __future__ import annotations

import os
import random
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import play

import turnwise
from turnwise.environments.lmrl_gym.wordle import Wordle
from turnwise.environments.lmrl_gym.wordle_game import Words, feedback, read, vocabulary
from turnwise.environments.parts.world import WorldTask
from turnwise.errors import ConfigError

DATA = Path(os.environ.get("TURNWISE_DATA", "no-data"), "lmrl_gym", "wordle_official_400.txt")
needs_data = pytest.mark.skipif(not DATA.is_file(), reason="needs LMRL-Gym's words: set TURNWISE_DATA")

SAMPLE = vocabulary("sample")
some_word = st.sampled_from(SAMPLE.words)


def hiding(word: str) -> WorldTask:
    """The task whose word this is."""
    return WorldTask(id=word, seed=SAMPLE.numbers[word])


def saying(*replies: str) -> Any:
    """An agent that says these, and then the last one on and on."""
    return lambda messages: replies[min(len(messages) // 2, len(replies) - 1)]


def told(episode: Any) -> list[str]:
    return [turn.text for turn in episode.turns if turn.role == "environment"]


def values(episode: Any) -> list[float]:
    return [reward.value for reward in episode.rewards]


@pytest.mark.parametrize(
    ("guess", "word", "said"),
    [
        ("speed", "abide", "bbyyy"),
        ("eerie", "there", "yyybg"),
        ("geese", "there", "bygbg"),
        ("allow", "hello", "bygyb"),
        ("sassy", "class", "yyygb"),
    ],
)
def test_feedback_is_the_official_one(guess: str, word: str, said: str) -> None:
    assert feedback(guess, word) == said


@given(some_word, some_word)
def test_feedback_tells_where_and_whether(guess: str, word: str) -> None:
    for place, mark in enumerate(feedback(guess, word)):
        assert (mark == "g") == (guess[place] == word[place])
        assert (mark == "b") == (guess[place] not in word)


@given(some_word, st.lists(some_word, max_size=5))
def test_what_is_left_is_what_would_have_been_told_the_same(word: str, guesses: list[str]) -> None:
    left = SAMPLE.all
    for guess in guesses:
        left = SAMPLE.after(left, guess, feedback(guess, word))
    same = [
        number
        for number, other in enumerate(SAMPLE.words)
        if all(feedback(guess, other) == feedback(guess, word) for guess in guesses)
    ]
    assert list(left) == same
    assert SAMPLE.numbers[word] in left


def test_a_game_as_published() -> None:
    episode = play(
        Wordle(rules=False), hiding("stone"), agent=saying("onion", "t e e t h\n", "cigar!", "stone")
    )
    # onion against stone: o and n are in it, but not there; the letters are not counted.
    assert told(episode) == ["Wordle:\n", "y y b y y\n", "y y y y b\n", "\n", "g g g g g\n"]
    assert values(episode) == [-1, -1, -10, 0]
    assert (episode.detail, episode.metrics["success"], episode.metrics["invalid"]) == ("found", 1, 1)


def test_six_tries_are_all() -> None:
    episode = play(Wordle(), hiding("stone"), agent=saying("plant", "", "PLANT", "plants", "zzzzz", "train"))
    assert values(episode) == [-1, -10, -10, -10, -10, -1]
    assert (episode.detail, episode.metrics["success"], episode.metrics["tries"]) == ("not found", 0, 6)
    assert told(episode)[-1] == "y b b b y\n"


@given(st.text())
def test_any_reply_is_told_something(reply: str) -> None:
    episode = play(Wordle(invalid_reward=-1.0), hiding("stone"), agent=saying(reply, "stone"))
    assert episode.score() == -1
    assert "Not in the list" in told(episode)[1]


def test_the_rules_say_what_a_bad_guess_costs() -> None:
    episode = play(Wordle(invalid_reward=-2.5), hiding("stone"), agent=saying("stone"))
    assert "not in the list costs 2.5." in told(episode)[0]
    assert told(episode)[0].endswith("\n\nWordle:\n")
    with pytest.raises(ConfigError, match="0 or below"):
        Wordle(invalid_reward=1.0)


def test_equal_knowledge_has_equal_keys() -> None:
    def keys(*guesses: str) -> list[str]:
        world = Wordle().world(hiding("stone"), random.Random(0))
        for guess in guesses:
            world.step(guess)
        return [world.key()]

    assert keys("plant", "plant", "train") == keys("train", "plant", "plant")
    assert keys("plant", "train") != keys("plant", "train", "train")


def test_a_word_drawn_anew_fits_what_was_told() -> None:
    environment = Wordle(hidden="resampled")
    for seed in range(20):
        episode = play(environment, hiding("stone"), agent=saying(*SAMPLE.words[seed : seed + 6]), seed=seed)
        said = [text.replace(" ", "").strip() for text in told(episode)[1:]]
        guesses = SAMPLE.words[seed : seed + 6][: len(said)]
        assert any(
            all(feedback(guess, word) == mark for guess, mark in zip(guesses, said, strict=True))
            for word in SAMPLE.words
        )


def test_drawing_the_word_anew_changes_no_expectation() -> None:
    """Exact, by going through every outcome: mean return of the solver on six words."""
    words = Words(["train", "plant", "paint", "panda", "grain", "brain"])

    def resampled(left: tuple[int, ...], tries: int) -> float:
        guess = words.words[words.best(left)]
        outcomes = [feedback(guess, words.words[number]) for number in left]
        return mean(
            0.0
            if said == "ggggg"
            else -1 + (resampled(words.after(left, guess, said), tries - 1) if tries > 1 else 0)
            for said in outcomes
        )

    def fixed(word: str) -> float:
        left, cost = words.all, 0
        while (guess := words.words[words.best(left)]) != word:
            left, cost = words.after(left, guess, feedback(guess, word)), cost - 1
        return cost

    assert resampled(words.all, 6) == pytest.approx(mean(map(fixed, words.words)))


def scores(agent: str, path: Path, environment: Wordle | None = None, **options: Any) -> list[float]:
    environment = environment or Wordle(count=len(SAMPLE))
    run = turnwise.run(environment, agent, store=path / "runs.db", seed=5, **options)
    return [episode.score for episode in run.episodes()]


def test_more_skill_scores_more(tmp_path: Path) -> None:
    players = ("wrong", "random", "skill25", "skill50", "skill75", "consistent", "solver")
    means = [mean(scores(player, tmp_path)) for player in players]
    assert means[0] < -5.9  # only its first guess, when all are possible, can be right
    assert means == sorted(means)
    assert min(scores("mixed", tmp_path)) == -6
    assert means[1] < mean(scores("mixed", tmp_path)) < means[-1]


def test_repeating_a_guess_finds_nothing_new(tmp_path: Path) -> None:
    assert set(scores("repeat", tmp_path)) == {-6, 0}


@needs_data
def test_the_solver_scores_as_published_on_seeds_0_to_29() -> None:
    """With the official game's own draws: `random.Random(seed).choice` of the words left, each turn."""
    environment = Wordle(words="official", hidden="resampled", rules=False)
    words = vocabulary("official")
    assert len(words) == 431
    returns: list[float] = []
    for seed in range(30):
        world = environment.world(WorldTask(id="0", seed=0), random.Random(seed))
        total = 0.0
        while not world.over:
            total += world.step(words.words[words.best(world.left)]).gains[0].value
        returns.append(total)
    assert round(mean(returns), 2) == -2.03


@needs_data
def test_the_solver_finds_every_official_word(tmp_path: Path) -> None:
    """Exact over all 431 words: -1.95, and never more than six tries; -2.03 on 30 draws is near."""
    every = scores("solver", tmp_path, Wordle(words="official", count=431))
    assert (len(every), min(every) > -6) == (431, True)
    assert mean(every) == pytest.approx(-1.95, abs=0.03)


def test_no_words_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("Apple\nfour\n")
    with pytest.raises(ConfigError, match="five small letters"):
        read(tmp_path / "words.txt")


def test_the_picture_is_coloured_as_told() -> None:
    world = Wordle().world(hiding("stone"), random.Random(0))
    world.step("onion")
    board = world.picture()
    assert (len(board.rows), "".join(cell.text for cell in board.rows[0])) == (6, "ONION")
    assert len({cell.paper for cell in board.rows[0]}) == 2
