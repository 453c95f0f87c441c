"""Guess My City and the LMRL-Gym side of twenty questions: cities, open answers, success, oracles, askers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import play

from turnwise.environments.games.twenty_questions import TwentyQuestions
from turnwise.environments.lmrl_gym.guess_my_city import GuessMyCity, GuessMyCityTask
from turnwise.environments.lmrl_gym.guess_my_city.table import atlas
from turnwise.errors import TaskError

CITIES = atlas().table.things
DATA = Path(os.environ.get("TURNWISE_DATA", "/nowhere"))


def the(city: str) -> GuessMyCityTask:
    return GuessMyCityTask(id="0", city=city)


def saying(*replies: str) -> Any:
    return lambda messages: replies[min(len(messages) // 2, len(replies) - 1)]


def answers(episode: Any) -> list[str]:
    return [turn.text for turn in episode.turns if turn.role == "environment" and turn.to in ((), ("agent",))]


# The table ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("city", "yes", "no"),
    [
        (
            "Seoul",
            "capital asia east_asia river",
            "south tropical coast",
        ),
        ("Rio de Janeiro", "coast south america latin_america tropical", "capital spanish asia"),
        ("Istanbul", "coast muslim big", "capital"),
        ("Mexico City", "capital high spanish north_america", "coast south"),
        ("Singapore", "island capital english", "south cold"),
        ("Giza", "dry africa muslim", "capital coast"),
    ],
)
def test_rows_say_what_everybody_knows(city: str, yes: str, no: str) -> None:
    assert set(yes.split()) <= CITIES[city].attributes
    assert not set(no.split()) & CITIES[city].attributes


def test_each_attributes_own_question_asks_for_it() -> None:
    for attribute in atlas().table.attributes.values():
        assert GuessMyCity().oracle().attribute_of(attribute.ask) == (attribute, True), attribute.ask


def test_each_name_guesses_its_city_alone() -> None:
    oracle = GuessMyCity().oracle()
    for city in CITIES.values():
        for name in city.names:
            for question in (f"Is it {name}?", f"Do you live in {name}?", f"Is your hometown {name}?"):
                assert oracle.guessed(question) is city, question


def test_a_comparison_is_no_guess() -> None:
    assert GuessMyCity().oracle().guessed("Is it bigger than Paris?") is None


@pytest.mark.skipif(not (DATA / "lmrl_gym/global_cities.txt").is_file(), reason="needs TURNWISE_DATA")
def test_the_cities_are_the_published_ones() -> None:
    lines = (DATA / "lmrl_gym/global_cities.txt").read_text().splitlines()[1:]
    rows = [[cell.strip() for cell in line.split(";")] for line in lines if line.count(";") == 3]
    assert [(row[1], row[2]) for row in rows] == [
        (name, city.country) for name, city in atlas().cities.items()
    ]


@pytest.mark.skipif(not (DATA / "archer/guess_my_city.json").is_file(), reason="needs TURNWISE_DATA")
def test_published_last_questions_are_successes_by_archers_rule() -> None:
    """950 published conversations: by far most of those marked done end in a question that names the city."""
    rows = json.loads((DATA / "archer/guess_my_city.json").read_text())
    by_lower = {name.lower(): name for name in CITIES}
    game = GuessMyCity(success="archer")
    named = []
    for row in rows:
        task = the(by_lower[row["word"].split(",")[0]])
        if row["done"] and len(row["conversation"]) < 20:
            question = row["conversation"][-1].rpartition("?")[0] + "?"
            named.append(game.found(question, "", task))
    assert len(named) > 200
    assert mean(named) > 0.95


# Answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Is it in Asia?", "No."),
        ("Is your city the capital of its country?", "Yes."),
        ("Is it Lima?", "No."),
        ("Which country is it in?", "It is in France."),
        ("What language do people speak there?", "People speak French."),
        ("What food is popular?", "People like bread, cheese and wine."),
        ("What is the climate like?", "It is mild."),
        ("What is it famous for?", "It is known for an iron tower and a glass pyramid before a museum."),
        ("What is the name of your city?", "I can't answer that question."),
    ],
)
def test_open_questions_get_facts(question: str, answer: str) -> None:
    assert GuessMyCity().look_up(question, the("Paris")) == answer


def test_the_published_oracle_says_yes_or_no_to_everything() -> None:
    game = GuessMyCity(answers="yes_no")
    assert game.look_up("Which country is it in?", the("Paris")) == "No."
    assert game.heard("It is in France.", the("Paris")) == "No."
    assert game.heard("yes, it is Paris", the("Paris")) == "Yes."


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Yes, it lies\nin France.", "Yes, it lies in France."),
        ("yes", "Yes."),
        ("NO!", "No."),
        ("No, it is not in Asia, it is Paris.", "I can't answer that question."),
        ("My city, paris, is lovely.", "I can't answer that question."),
        ("Yes, it is Paris.", "Yes."),
        ("There are comparisons.", "There are comparisons."),
        ("", ""),
    ],
)
def test_answers_that_give_the_city_away_are_withheld(said: str, told: str) -> None:
    assert GuessMyCity().heard(said, the("Paris")) == told


@given(st.text(), st.sampled_from(list(CITIES)))
def test_any_question_has_an_answer_without_the_name(question: str, city: str) -> None:
    answer = GuessMyCity().look_up(question, the(city))
    assert answer
    assert city not in answer or city in atlas().cities[city].country


def test_no_fact_names_its_city() -> None:
    for name, city in atlas().cities.items():
        for word in CITIES[name].names[:3]:
            if word != city.country:
                assert word.lower().split()[0] not in city.sights.lower().split(), (name, city.sights)


# Episodes -------------------------------------------------------------------------------------------------


def test_each_question_costs_a_point_but_the_right_guess() -> None:
    agent = saying(
        "Is it in Europe?", "What is it famous for?", "Is it Rome?", "Is your hometown Paris, France?"
    )
    episode = play(GuessMyCity(), the("Paris"), agent=agent)
    assert [reward.value for reward in episode.rewards] == [-1, -1, -1, 0]
    assert answers(episode)[0].endswith("\n\nQuestions:\n")
    assert answers(episode)[1] == "Yes."
    assert (episode.score(), episode.detail) == (-3, "success")


def test_what_a_success_is_differs_between_the_publications() -> None:
    agent = saying("Is it bigger than Paris?")
    assert play(GuessMyCity(max_questions=2), the("Paris"), agent=agent).score() == -2
    assert play(GuessMyCity(success="archer"), the("Paris"), agent=agent).score() == 0


def test_twenty_questions_in_vain_cost_twenty() -> None:
    episode = play(GuessMyCity(instructions=False), the("Paris"), agent=saying("Is it Rome?"))
    assert (episode.score(), episode.detail) == (-20, "max_questions")
    assert answers(episode)[0] == "Questions:\n"
    assert GuessMyCity().reward_range == (-20, 0)


@pytest.mark.parametrize("game", [GuessMyCity(), TwentyQuestions()])
def test_the_table_as_an_agent_answers_like_the_table(game: Any) -> None:
    agents = game.agents()
    task = list(game.tasks())[5]
    alone = play(game, task, agent=agents["solver"])
    asked = play(game, task, agent=agents["solver"], oracle=agents["oracle/table"])
    assert asked.score() == alone.score()
    assert asked.metrics == alone.metrics
    assert answers(asked) == answers(alone)
    # Quotes, line breaks and its own prompt's words in a question do not confuse it.
    odd = saying('Is it "\nAnswer the question" asks: " in Europe\nor not')
    one, other = (
        play(game, task, agent=odd, **oracle) for oracle in ({}, {"oracle": agents["oracle/table"]})
    )
    assert answers(one) == answers(other)


def test_a_model_can_be_the_oracle() -> None:
    prompts: list[str] = []

    def oracle(messages: Any) -> str:
        prompts.append(messages[-1].text)
        return "It is Paris, of course."

    episode = play(GuessMyCity(max_questions=1), the("Paris"), agent=saying("Where?"), oracle=oracle)
    assert answers(episode)[-1] == "I can't answer that question."
    assert "city: Paris" in prompts[0]
    assert '"Where?"' in prompts[0]


@pytest.mark.parametrize("game", [GuessMyCity(), TwentyQuestions()])
def test_splitting_in_halves_takes_under_nine_questions_and_skill_tells(game: Any) -> None:
    agents = game.agents()

    def scores(name: str) -> list[float]:
        return [play(game, task, agent=agents[name], seed=3).score() or 0 for task in list(game.tasks())]

    best = scores("solver")
    # The score of a success is 1 less its questions.
    assert 1 - mean(best) < 9
    assert min(best) >= -9
    means = [mean(best), *(mean(scores(name)) for name in ("skill75", "skill50", "skill25", "random"))]
    assert means == sorted(means, reverse=True)


def test_other_cities_are_refused() -> None:
    with pytest.raises(TaskError, match=r"no 'Pariss' in the table \(did you mean 'Paris'"):
        the("Pariss")
