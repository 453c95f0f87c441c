"""Twenty questions: the table, the oracle that reads free questions, rewards, and the agents."""

from __future__ import annotations

from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import Scripted, play

from turnwise.environments.games.twenty_questions import TwentyQuestions, TwentyQuestionsTask
from turnwise.environments.games.twenty_questions.oracle import oracle
from turnwise.environments.games.twenty_questions.table import table
from turnwise.environments.parts.guessing import the_question
from turnwise.errors import TaskError
from turnwise.limits import Limits
from turnwise.log import Stop
from turnwise.task import TaskSet, load_tasks

THINGS = table().things
answer, attribute_of, guessed = oracle().answer, oracle().attribute_of, oracle().guessed


def the(name: str) -> TwentyQuestionsTask:
    return TwentyQuestionsTask(id=name, object=name)


def saying(*replies: str) -> Any:
    """An agent that says these, one after the other, and the last one for ever."""
    return lambda messages: replies[min(len(messages) // 2, len(replies) - 1)]


# The table ------------------------------------------------------------------------------------------------


def test_the_table_has_158_different_objects_in_17_categories() -> None:
    assert len(THINGS) == 158
    assert len(table().categories) == 17
    assert len({thing.attributes for thing in THINGS.values()}) == 158
    names = [name for thing in THINGS.values() for name in thing.names]
    assert len(names) == len(set(names))


def test_every_attribute_tells_some_objects_from_others() -> None:
    for attribute in table().attributes:
        true = sum(attribute in thing.attributes for thing in THINGS.values())
        assert 2 <= true <= 156, attribute


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("dog", "alive pet fur legs four", "plant metal flies huge"),
        ("bicycle", "wheels metal outside", "engine alive edible"),
        ("lemon", "edible yellow plant", "sweet metal animals"),
        ("violin", "strings wood sound", "blow engine edible"),
        ("pearl", "tiny natural white", "metal huge"),
        ("submarine", "water engine", "wheels flies"),
        ("refrigerator", "cold power kitchen", "hot hand"),
    ],
)
def test_rows_of_the_table_say_what_everybody_knows(name: str, yes: str, no: str) -> None:
    assert set(yes.split()) <= THINGS[name].attributes
    assert not set(no.split()) & THINGS[name].attributes


# The oracle -----------------------------------------------------------------------------------------------


def test_each_attributes_own_question_asks_for_it() -> None:
    for attribute in table().attributes.values():
        assert attribute_of(attribute.ask) == (attribute, True), attribute.ask
        # "Is it made of paper?" ends with the object's word and has no other noun: by the rule, a guess.
        assert guessed(attribute.ask) is (THINGS["paper"] if attribute.name == "paper" else None)


def test_each_objects_names_guess_it_and_no_other() -> None:
    for thing in THINGS.values():
        for name in thing.names:
            question = f"Is it a {name}?"
            assert guessed(question) is thing, question
            right = [other.name for other in THINGS.values() if answer(question, other)]
            assert right == [thing.name], question


@pytest.mark.parametrize(
    ("question", "name", "expected"),
    [
        ("Is it alive?", "dog", True),
        ("Is it a living thing?", "rock", False),
        ("IS IT MADE OF METAL", "fork", True),
        ("Was it man-made?", "fork", True),
        ("Was it man-made?", "river", False),
        ("Does it have wheels?", "bus", True),
        ("Would it fit in a pocket?", "ring", True),
        ("Is it smaller than a breadbox?", "ring", True),
        ("Is it smaller than a breadbox?", "piano", False),
        ("Is it bigger than a person?", "dog", False),
        ("Can it fly?", "eagle", True),
        ("Does it have four legs?", "bee", False),
        ("Does it have legs?", "bee", True),
        ("Is it orange?", "carrot", True),
        ("Is it an orange?", "carrot", False),
        ("Is it light?", "sun", True),
        ("Is it a light?", "sun", False),
        ("Is it a sport?", "skis", True),
        ("Is it heavy?", "balloon", False),
        ("Is it lightweight?", "balloon", True),
        ("Was it invented by Napoleon?", "bicycle", False),
        ("What is it?", "bicycle", False),
        ("", "bicycle", False),
    ],
)
def test_free_questions_are_looked_up(question: str, name: str, expected: bool) -> None:
    assert answer(question, THINGS[name]) is expected


@pytest.mark.parametrize(
    "question",
    [
        "Is it a dog?",
        "dog",
        "The dog.",
        "Is the object a dog?",
        "Is it something called a dog?",
        "Are you thinking of a dog?!",
        "Could it be some type of dog",
        "Is it a dog?  ",
        "Is it a piece of dog?",  # a noun before "of" does not count
    ],
)
def test_these_guess_the_dog(question: str) -> None:
    assert guessed(question) is THINGS["dog"]


@pytest.mark.parametrize(
    "question",
    [
        "Is it bigger than a dog?",
        "Is it a dog or an animal?",
        "Is it a cat or a dog?",
        "Is it used by a dog?",
        "Is it a dog house?",
        "Is it a hotdog?",
        "Is it an animal?",
    ],
)
def test_these_do_not(question: str) -> None:
    assert guessed(question) is None


def test_longer_names_win() -> None:
    assert guessed("Is it a tennis racket?") is THINGS["tennis racket"]
    assert guessed("Is it a racket?") is THINGS["tennis racket"]
    assert guessed("Is it a paper clip?") is THINGS["paperclip"]
    assert guessed("Is it paper?") is THINGS["paper"]
    assert guessed("Is it a tape measure?") is THINGS["tape measure"]


def test_of_a_long_message_the_last_question_counts() -> None:
    text = "It is no animal. Is it a plant? Hmm, no.\nLet me ask this: is it made of wood? I am curious."
    assert the_question(text) == "Let me ask this: is it made of wood?"
    assert the_question("a chair") == "a chair"


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    assert answer(the_question(text), THINGS["dog"]) in (True, False)


# Episodes -------------------------------------------------------------------------------------------------


def test_each_question_costs_a_point_but_the_right_guess() -> None:
    agent = saying("Is it alive?", "Is it a cat?", "So it is a dog, I think. Is it a dog?")
    episode = play(TwentyQuestions(), the("dog"), agent=agent)
    told = [turn.text for turn in episode.turns if turn.role == "environment"]
    assert told[0].endswith("\n\nQuestions:\n")
    assert "20 questions" in told[0]
    assert told[1:] == ["Yes.", "No.", "Yes."]
    assert [(reward.value, reward.turn) for reward in episode.rewards] == [(-1, 1), (-1, 3), (0, 5)]
    assert (episode.score(), episode.detail) == (-2, "success")
    assert episode.metrics == {"questions": 3, "success": 1}


def test_after_the_last_question_it_is_over() -> None:
    episode = play(TwentyQuestions(), the("dog"), agent=saying("Is it a cat?"))
    assert (episode.score(), episode.detail) == (-20, "max_questions")
    assert episode.metrics == {"questions": 20, "success": 0}
    shorter = play(TwentyQuestions(max_questions=3), the("dog"), agent=saying("Is it a cat?"))
    assert shorter.score() == -3


def test_a_right_answer_that_is_no_guess_does_not_end_the_game() -> None:
    episode = play(TwentyQuestions(max_questions=2), the("dog"), agent=saying("Is it an animal?"))
    assert (episode.score(), episode.metrics["success"]) == (-2, 0)


def test_the_published_opening_is_one_line() -> None:
    model = Scripted(saying("Is it a dog?"))
    play(TwentyQuestions(instructions=False), the("dog"), agent=model)
    assert [message.text for message in model.seen[0]] == ["Questions:\n"]


def test_being_cut_off_scores_like_failing() -> None:
    episode = play(TwentyQuestions(), the("dog"), agent=saying("Is it a cat?"), limits=Limits(turns=4))
    assert (episode.stop, episode.score()) == (Stop.MAX_TURNS, -20)
    assert episode.metrics["success"] == 0


def test_the_halving_solver_finds_every_object_in_under_nine_questions_on_average() -> None:
    environment = TwentyQuestions()
    solver = environment.agents()["solver"]
    episodes = [play(environment, task, agent=solver) for task in environment.tasks()]
    questions = [episode.metrics["questions"] for episode in episodes]
    assert {episode.metrics["success"] for episode in episodes} == {1}
    assert all(episode.score() == 1 - asked for episode, asked in zip(episodes, questions, strict=True))
    # No strategy can do better than a balanced tree: 98 leaves at depth 7 and 60 at depth 8, 7.38 on average.
    assert 7.38 < mean(questions) < 9
    assert mean(questions) == pytest.approx(8.025, abs=0.001)
    assert max(questions) == 10


def test_the_random_agent_hardly_ever_succeeds() -> None:
    environment = TwentyQuestions()
    agent = environment.agents()["random"]
    episodes = [play(environment, the("dog"), agent=agent, seed=seed) for seed in range(40)]
    assert mean(episode.score() or 0 for episode in episodes) < -17
    assert len({episode.turns[1].text for episode in episodes}) > 10


def test_a_model_in_the_role_of_the_oracle_replaces_the_table() -> None:
    prompts: list[str] = []

    def oracle(messages: Any) -> str:
        assert len(messages) == 1  # each question stands alone, as for the published oracle
        prompts.append(messages[0].text)
        return "yes, of course" if "dog?" in messages[0].text else "Well, no."

    agent = saying("Is it alive?", "Is it a dog?")
    episode = play(TwentyQuestions(), the("dog"), agent=agent, oracle=oracle)
    said = [turn.text for turn in episode.turns if turn.role == "environment" and turn.to == ("agent",)]
    assert said[1:] == ["No.", "Yes."]
    assert (episode.score(), episode.metrics["success"]) == (-1, 1)
    assert "The object is: dog." in prompts[0]
    assert '"Is it alive?"' in prompts[0]
    assert not any("The object" in turn.text for turn in episode.turns if turn.to == ("agent",))


def test_an_oracle_that_says_no_to_the_right_guess_is_believed() -> None:
    agent = saying("Is it a dog?")
    episode = play(TwentyQuestions(max_questions=2), the("dog"), agent=agent, oracle=lambda messages: "No.")
    assert (episode.score(), episode.metrics["success"]) == (-2, 0)


def test_tasks_are_the_objects_and_others_are_refused(tmp_path: Any) -> None:
    tasks = TaskSet(TwentyQuestions().tasks())
    assert [task.object for task in tasks] == list(THINGS)
    path = tmp_path / "tasks.jsonl"
    path.write_text('{"object": "dog"}\n{"object": "doge"}\n')
    with pytest.raises(TaskError, match=r"no 'doge' in the table \(did you mean 'dog'"):
        load_tasks(path, TwentyQuestionsTask)
