"""Pairs: both orders, Amulet's acts and maxims, and juries that vote."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pytest
from talk import Judge, log_of, wait

from turnwise.errors import ConfigError
from turnwise.judges import amulet
from turnwise.judges.amulet import MAXIMS, AmuletActs, AmuletMaxims, intent_change_rate, separability
from turnwise.judges.jury import Jury, score_vote, vote
from turnwise.judges.kinds import made
from turnwise.judges.pairwise import Pairwise, pair_of, read_winner
from turnwise.log import EpisodeLog
from turnwise.metrics.bias import pair_accuracy, position_bias
from turnwise.verdict import Bench, Verdict, no_verdict

A, B = Verdict(score=1.0, label="A"), Verdict(score=0.0, label="B")

SHORT = log_of("Where?", "In Paris.")
LONG = log_of("Where?", "It is in Paris, the capital of France; see https://paris.fr for more.")


def responses(prompt: str) -> tuple[str, str]:
    found = re.search(r"Response A:\n(.*?)\n\nResponse B:\n(.*?)\n\n", prompt, re.DOTALL)
    assert found is not None
    return found[1], found[2]


def winner(one: float, other: float) -> str:
    return "A" if one > other else "B" if other > one else "tie"


def of_length(prompt: str) -> str:
    return f"[[{winner(*map(len, responses(prompt))).replace('tie', 'C')}]]"


def of_the_first(prompt: str) -> str:
    return "[[A]]"


def by_maxims(prompt: str) -> str:
    """Length is Quantity, a link is Transparency; the rest both keep."""
    one, other = responses(prompt)
    told = dict.fromkeys(MAXIMS, "both")
    told["quantity 1"] = winner(len(one), len(other)).replace("tie", "both")
    told["transparency 1"] = winner("http" in one, "http" in other).replace("tie", "both")
    said = {name: {"winner": who, "reason": "so"} for name, who in told.items()}
    whole = winner(list(told.values()).count("A"), list(told.values()).count("B"))
    return json.dumps({"maxims": said, "verdict": whole, "confidence": 0.8})


def by_acts(prompt: str) -> str:
    one, other = responses(prompt)
    acts = {"history": [["task:question"]], "A": ["task:inform"], "B": ["task:inform"]}
    for name, text in (("A", one), ("B", other)):
        if "see" in text:
            acts[name] = ["task:inform", "task:suggest"]
    return json.dumps({"acts": acts, "verdict": winner(len(acts["A"]), len(acts["B"])), "confidence": 0.6})


def judged(kind, a: EpisodeLog, b: EpisodeLog, ask) -> Verdict:
    return kind.reduce(wait(kind.compared(a, b, ask)))


# Pairs


def test_what_two_episodes_share_is_the_history() -> None:
    one = log_of("Hi", "Hello", "And?", "First.")
    other = log_of("Hi", "Hello", "And?", "Second.")
    pair = pair_of(one, other)
    assert pair.history == "[0] user: Hi\n[1] agent: Hello\n[2] user: And?"
    assert (pair.first, pair.second) == ("[3] agent: First.", "[3] agent: Second.")


@pytest.mark.parametrize(
    ("kind", "by"), [(Pairwise(), of_length), (AmuletMaxims(), by_maxims), (AmuletActs(), by_acts)]
)
def test_the_planted_better_response_wins_and_swapping_flips_it(kind, by) -> None:
    there = judged(kind, LONG, SHORT, Judge(by=by))
    back = judged(kind, SHORT, LONG, Judge(by=by))
    assert (there.label, there.score, back.label, back.score) == ("A", 1.0, "B", 0.0)
    assert there.figures["consistent"] == 1.0
    same = judged(kind, LONG, LONG, Judge(by=by))
    assert (same.label, same.score) == ("tie", 0.5)


def test_a_judge_of_the_first_place_is_caught() -> None:
    forward, backward = [], []
    for a, b in [(LONG, SHORT), (SHORT, LONG)] * 3:
        verdicts = wait(Pairwise().compared(a, b, Judge(by=of_the_first)))
        # The first place is A in the first order, and B in the second.
        assert [verdict.label for verdict in verdicts] == ["A", "B"]
        whole = Pairwise().reduce(verdicts)
        assert (whole.label, whole.figures["consistent"]) == ("tie", 0.0)
        places = {1.0: "first", -1.0: "second", 0.0: "tie"}
        forward.append(places[verdicts[0].figures["first"]])
        backward.append(places[verdicts[1].figures["first"]])
    assert position_bias(forward, backward).bias.mean == 1.0
    found = pair_accuracy(forward, backward, ["A", "B"] * 3)
    assert (found.mean.mean, found.consistent.mean) == (0.5, 0.0)


def test_one_order_alone_may_be_asked() -> None:
    ask = Judge(by=of_the_first)
    assert judged(Pairwise(swap=False), SHORT, LONG, ask).label == "A"
    assert len(ask.asked) == 1


def test_a_pair_is_missing_where_one_order_is() -> None:
    verdict = judged(Pairwise(), LONG, SHORT, Judge("[[A]]", "I like both"))
    assert verdict.score is None
    assert verdict.missing == "none of [[A]], [[B]] and [[C]]"


def test_the_last_brackets_count() -> None:
    assert read_winner("Not [[A]] but [[B]]").label == "B"
    assert read_winner("[[C]]").label == "tie"
    assert read_winner("[A]").missing


# Amulet


def test_what_was_said_on_the_way_is_kept() -> None:
    verdict = judged(AmuletMaxims(), LONG, SHORT, Judge(by=by_maxims))
    assert verdict.confidence == pytest.approx(0.8)
    assert verdict.read["maxims"]["transparency 1"] == "A"
    acts = judged(AmuletActs(), LONG, SHORT, Judge(by=by_acts))
    assert acts.read["acts"]["B"] == ["task:inform"]


def test_a_maxim_left_out_is_no_verdict() -> None:
    half = json.dumps({"maxims": {"quality 1": {"winner": "A"}}, "verdict": "A"})
    assert "quantity 1" in (amulet.read_maxims(half, MAXIMS).missing or "")
    odd = json.dumps({"maxims": dict.fromkeys(MAXIMS, "A"), "verdict": "the first"})
    assert "not A, B or tie" in (amulet.read_maxims(odd, MAXIMS).missing or "")
    assert amulet.read_acts('{"acts": {"A": ["task:inform"]}, "verdict": "A"}').missing
    assert amulet.read_acts("A").missing


def test_maxims_are_a_table() -> None:
    mine = {"cheer": "is cheerful"}
    ask = Judge('{"maxims": {"cheer": {"winner": "B"}}, "verdict": "B"}')
    verdict = judged(AmuletMaxims(maxims=mine, swap=False), LONG, SHORT, ask)
    assert verdict.label == "B"
    assert "- cheer: is cheerful" in ask.asked[0]
    assert len(MAXIMS) == 12


def test_how_often_intents_change() -> None:
    assert intent_change_rate([["q"], ["q"], ["thanks"], ["request"]]) == pytest.approx(2 / 3)
    assert intent_change_rate([["q", "r"], ["r", "q"]]) == 0.0
    assert intent_change_rate([["q"]]) is None


def test_which_pairs_can_be_told_apart() -> None:
    same = {"acts": {"A": ["x"], "B": ["x"]}}
    other = {"acts": {"A": ["x"], "B": ["x", "y"]}}
    both, one = {"maxims": {"m": "both", "n": "neither"}}, {"maxims": {"m": "both", "n": "B"}}
    # By neither, by acts, by maxims, by both: three of four.
    assert separability([[same, both], [other, both], [same, one], [other, one]]) == 0.75
    assert separability([[{}]]) is None


# Juries


def test_the_table_of_votes() -> None:
    assert vote([A, A, B]).label == "A"
    assert vote([A, A, B]).figures == {"votes.A": 2, "votes.B": 1}
    assert vote([A, B]).missing == "a tie of 'A' and 'B'"
    assert vote([A, B], tie=1).label == "B"
    # Abstentions are no votes; and who decides a tie must be one of those tied.
    assert vote([A, no_verdict("mute"), B, B]).label == "B"
    assert vote([A, B, no_verdict("mute")], tie=2).missing
    assert vote([no_verdict("mute")]).missing == "nobody gave a verdict"
    assert vote([Verdict(label="safe", score=1.0)] * 2).label == "safe"


def test_a_reward_model_votes_by_its_scores() -> None:
    assert score_vote(1.2, 0.7).label == "A"
    assert score_vote(0.7, 0.7).label == "tie"
    assert score_vote(None, 0.7).missing
    assert score_vote(float("nan"), 0.7).missing


def test_condorcet() -> None:
    # Three independent jurors of accuracy .7: .7³ + 3 · .7² · .3 = .784; three that are one: .7.
    draw = np.random.default_rng(0)
    right = draw.random((20_000, 3)) < 0.7
    table = {
        votes: vote([A if one else B for one in votes]).label == "A"
        for votes in itertools.product([True, False], repeat=3)
    }
    assert np.mean([table[tuple(map(bool, row))] for row in right]) == pytest.approx(0.784, abs=0.01)
    assert np.mean([table[(bool(row[0]),) * 3] for row in right]) == pytest.approx(0.7, abs=0.01)


def test_amulets_jury_of_three() -> None:
    def by(prompt: str) -> str:
        if "[[A]]" in prompt:
            return of_the_first(prompt)
        return by_maxims(prompt) if '"maxims"' in prompt else by_acts(prompt)

    ask = Judge(by=by)
    jury = Jury()
    verdicts = wait(jury.compared(LONG, SHORT, ask))
    # The plain judge goes by the place: over both orders that is a tie; the other two see the difference.
    assert [verdict.label for verdict in verdicts] == ["tie", "A", "A"]
    whole = jury.reduce(verdicts)
    assert (whole.label, whole.score, whole.confidence) == ("A", 1.0, pytest.approx(2 / 3))
    assert len(ask.asked) == 6


def test_jurors_may_sit_in_several_seats() -> None:
    jury = Jury(members=({"use": "pairwise"}, {"use": "pairwise", "seat": 1, "swap": False}), tie="pairwise")
    first, second = Judge(by=of_length), Judge(by=lambda prompt: "[[B]]")
    assert judged(jury, LONG, SHORT, Bench(first, second)).label == "A"
    assert (len(first.asked), len(second.asked)) == (2, 1)
    with pytest.raises(ConfigError, match="asks seat 1, but 1 are filled"):
        judged(jury, LONG, SHORT, first)


def test_who_cannot_sit_on_a_jury() -> None:
    with pytest.raises(ConfigError, match="judges no pairs"):
        Jury(members=({"use": "rubric"},))
    with pytest.raises(ConfigError, match="none of pairwise"):
        Jury(members=({"use": "pairwise"},), tie="rubric")
    with pytest.raises(ConfigError, match="members"):
        made("jury", {"members": []})
    for seat in ("x", 1.5, -1, True):
        with pytest.raises(ConfigError, match="jury: 'pairwise': seat: expected a whole number from 0, got"):
            made("jury", {"members": [{"use": "pairwise", "seat": seat}]})
