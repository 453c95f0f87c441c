"""MT-Eval: the sets are rebuilt exactly, the checkers check, scripted agents move the right measures."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import Scripted, play

from turnwise.environments.dialogue.mt_eval import MTEval, MTEvalTask, Row, agents, prompts
from turnwise.environments.dialogue.mt_eval.checkers import (
    PUBLISHED,
    BulletList,
    CapitalLetter,
    ConstrainedResponse,
    EndPhrase,
    Instruction,
    JsonFormat,
    KeywordExistence,
    LowerCase,
    NoComma,
    NumberSentences,
    PlaceHolder,
    ResponseLanguage,
    StartChar,
    StartEmoji,
    TwoResponses,
)
from turnwise.environments.dialogue.mt_eval.language import LANGUAGES, language_of
from turnwise.environments.dialogue.mt_eval.scoring import constraints_until, judge_prompt, names_label
from turnwise.environments.dialogue.mt_eval.text import count_sentences
from turnwise.environments.parts.scripted import exchanges, scored
from turnwise.environments.parts.twin import pairs
from turnwise.errors import ConfigError, TaskError
from turnwise.limits import Limits
from turnwise.log import Stop
from turnwise.metrics import mt_eval as metrics
from turnwise.wire import decode, encode

DATA = Path(os.environ.get("TURNWISE_DATA", "/nowhere"), "mt_eval", "documents.jsonl")
needs_data = pytest.mark.skipif(not DATA.exists(), reason="MT-Eval's files are not under $TURNWISE_DATA")


def tasks(**settings: Any) -> list[MTEvalTask]:
    return list(MTEval(**settings).tasks())  # pyright: ignore


def rows(settings: dict[str, Any], script: Any, only: str = "", **models: Any) -> list[Row]:
    """The scored turns of all (matching) tasks, as the script plays them."""
    environment = MTEval(**settings)
    return [
        row
        for task in environment.tasks()
        if only in task.id
        for row in metrics.rows_of(play(environment, task, agent=script, **models).notes)
    ]


def scores(settings: dict[str, Any], script: Any, only: str = "", **models: Any) -> list[float | None]:
    return [row.score for row in rows(settings, script, only, **models)]


# The published sets. The digests are of the official script's own output (commit bfe3a46): ids, which turns
# are scored, stored answers, and the words of all turns but the opening instructions, which are ours.

COUNTS = {"recollection": (38, 380), "expansion": (10, 70), "refinement": (40, 480), "follow_up": (80, 240)}
DIGESTS = {
    "recollection_cls": "f3df3b3775404d2e",
    "recollection_global_inst": "74385a4c7908466e",
    "expansion": "e97e75f13f94c728",
    "refinement": "01a328488e4aa9df",
    "follow_up": "06f21b1ff039009c",
    "cls_gold": "7f8db8b3544bbb7d",
    "cls_dgc": "cafc663619065973",
    "cls_sgc": "7b3cf731335184ad",
    "cls_rc": "0eca30995108e721",
}


def digest(found: Sequence[MTEvalTask]) -> str:
    def words(line: Any) -> str:
        return "" if line.id == "instruction" or "_cls_" in line.id else line.user

    content = [[[line.id, line.scored, line.reference, words(line)] for line in task.lines] for task in found]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


@needs_data
@pytest.mark.parametrize("kind", COUNTS)
def test_each_kind_has_the_published_size(kind: str) -> None:
    found = tasks(kind=kind)
    assert (len(found), sum(len(scored(task.lines)) for task in found)) == COUNTS[kind]
    assert {task.kind for task in found} == {kind}


@needs_data
def test_all_is_168_dialogues_and_1170_turns_with_distinct_ids() -> None:
    found = tasks(kind="all")
    assert len({task.id for task in found}) == len(found) == 168
    assert sum(len(scored(task.lines)) for task in found) == 1170


@needs_data
@pytest.mark.parametrize("name", DIGESTS)
def test_the_sets_are_those_of_the_official_script(name: str) -> None:
    kind = "recollection" if name.startswith("recollection") else name
    found = [task for task in tasks(kind=kind, variant="published") if task.id.startswith(f"{name}/")]
    assert digest(found) == DIGESTS[name]


@needs_data
def test_every_twin_is_there_and_refinement_has_the_published_200() -> None:
    linked = pairs(tasks(kind="all"), tasks(kind="all", form="single"))
    by_kind = {kind: [pair for pair in linked if pair.dialogue.id.startswith(kind)] for kind in COUNTS}
    # Refinement: of 480 steps the 80 first ones are not asked alone; each task stands in two dialogues.
    assert {kind: len(found) for kind, found in by_kind.items()} == {
        "recollection": 380,
        "expansion": 70,
        "refinement": 400,
        "follow_up": 0,
    }
    singles = tasks(kind="refinement", form="single")
    assert len(singles) == 200
    content = [[task.lines[0].id, task.lines[0].user] for task in singles]
    assert hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16] == "67125a2f37502f3c"


@needs_data
def test_single_and_multi_of_a_pair_are_about_the_same() -> None:
    for pair in pairs(tasks(kind="recollection"), tasks(kind="recollection", form="single")):
        assert pair.line.user.replace("\n", "") in pair.twin.lines[0].user.replace("\n", "")
        assert pair.twin.lines[0].reference == pair.line.reference
    for pair in pairs(tasks(kind="expansion"), tasks(kind="expansion", form="single")):
        assert prompts.instruction_in(pair.twin.lines[0].user) == prompts.instruction_in(pair.line.user)


@needs_data
def test_the_single_class_context_avoids_the_target_only_when_corrected() -> None:
    def own_class(found: list[MTEvalTask]) -> int:
        return sum(task.lines[1].reference == task.lines[-1].reference for task in found)

    assert own_class(tasks(kind="cls_sgc", variant="published")) == 5
    assert own_class(tasks(kind="cls_sgc")) == 0
    for task in (*tasks(kind="cls_sgc"), *tasks(kind="cls_sgc", variant="published")):
        assert len({line.reference for line in task.lines[1:-1]}) == 1


@needs_data
def test_context_labels_are_right_in_gold_and_wrong_in_rc() -> None:
    topics = [json.loads(line)["topic"] for line in DATA.read_text().splitlines()]

    def right(kind: str, variant: str = "corrected") -> list[bool]:
        return [
            line.reference == topics[int(line.id) - 1]
            for task in tasks(kind=kind, variant=variant)
            for line in task.lines[1:-1]
        ]

    assert len(right("cls_gold")) == 50 * 4 + 50 * 9
    assert all(right("cls_gold"))
    assert not any(right("cls_rc"))
    assert all(
        line.reference != task.lines[-1].reference
        for task in tasks(kind="cls_dgc")
        for line in task.lines[1:-1]
    )
    assert [len(scored(task.lines)) for task in tasks(kind="cls_gold")] == [1] * 100


@needs_data
def test_irrelevant_turns_at_the_front_leave_the_distance() -> None:
    found = tasks(kind="irrelevant_front")
    assert [task.distractors for task in found] == [1, 3, 6] * 40
    for task in found:
        assert len(scored(task.lines)) == 6
        assert len(task.lines) == 6 + task.distractors
        at = range(task.distractors, len(task.lines))
        assert [task.distance(index) for index in at] == [0, 1, 2, 3, 4, 5]
        assert task.document[:25] in task.lines[task.distractors].user


@needs_data
def test_distractors_of_our_own_part_the_document_from_its_questions() -> None:
    (plain, *_), (apart, *_) = tasks(kind="refinement"), tasks(kind="refinement", distractors=3)
    assert [plain.distance(at) for at in range(12)] == list(range(12))
    assert [apart.distance(at) for at in range(4, 16)] == list(range(4, 16))
    assert apart.document in apart.lines[0].user
    assert not apart.lines[0].scored
    assert [line.user for line in scored(apart.lines)[1:]] == [line.user for line in plain.lines[1:]]
    (front, *_) = tasks(kind="refinement", distractors=3, position="front")
    assert [front.distance(at) for at in range(3, 15)] == list(range(12))


@needs_data
def test_the_solver_gets_ten_on_all_that_a_rule_scores() -> None:
    assert scores({"kind": "recollection"}, agents.solver) == [10.0] * 380


@needs_data
def test_a_forgetful_agent_makes_a_step_in_the_published_dialogues_too() -> None:
    curve = metrics.turn_curve(rows({"kind": "recollection"}, agents.forgetful(10), only="_cls/"))
    assert {turn: mean.mean for turn, mean in curve.items()} == {
        turn: 10.0 if turn < 5 else 0.0 for turn in range(1, 11)
    }


@pytest.fixture
def small_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hand-made raw files of the published form: 100 documents, tasks on one, 20 queries, a follow-up."""
    topics = ("music", "food", "art", "sports")
    documents = [
        {"gen_resp": f"Title {n}\n\nText {n}.\n\nMore.\n\nx\n\ny\n\nz", "topic": topics[n % 4]}
        for n in range(100)
    ]
    head = "Content: Text.\n\nInstruction: "

    def session(task_type: str, steps: int) -> list[dict[str, str]]:
        return [
            {
                "user": f"{head if n == 1 else ''}{task_type} {n}",
                "sys": f"{task_type}! {n}",
                "id": f"1_{task_type}_{n}",
            }
            for n in range(1, steps + 1)
        ]

    types = {"sum": 3, "qa": 3, "pos": 1, "ner": 3, "rel": 1, "rewrite": 3, "trans": 1, "short-qa": 1}
    front = {"user": "Red?", "sys": "Yes.", "id": "abc", "do_inference": False}
    asked = [{**turn, "do_inference": True} for turn in session("sum", 3)]
    files = {
        "documents": documents,
        "global_inst": [{"id": n, "query": f"Q{n}?", "instructions": list(PUBLISHED)} for n in range(20)],
        "refinement_multi_inst": [session(name, steps) for name, steps in types.items()],
        "refinement_single_inst": [
            [{"user": f"{name} merged {n}", "sys": "", "id": f"1_{name}_{n}"}]
            for name in ("sum", "qa", "ner", "rewrite")
            for n in (1, 2)
        ],
        "mt-bench_extended": [
            {"conversation": [{"user": f"u{n}", "sys": f"s{n}", "id": f"81_{n}"} for n in range(5)]}
        ],
        "refinement_ablation_irrelevant-front": [{"id": "1", "n_distracts": 1, "conv": [front, *asked]}],
    }
    (tmp_path / "mt_eval").mkdir()
    for name, content in files.items():
        text = "".join(json.dumps(one) + "\n" for one in content)
        (tmp_path / "mt_eval" / f"{name}.jsonl").write_text(text)
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    return tmp_path / "mt_eval"


@pytest.mark.usefixtures("small_files")
def test_small_files_of_the_published_form_are_built_by_the_same_rules() -> None:
    found = tasks(kind="all")
    sizes = {kind: [len(scored(task.lines)) for task in found if task.kind == kind] for kind in COUNTS}
    assert sizes == {"recollection": [10] * 38, "expansion": [7], "refinement": [6] * 4, "follow_up": [3]}
    assert len(pairs(found, tasks(kind="all", form="single"))) == 380 + 7 + 4 * 4
    labels = next(task for task in found if task.id == "recollection_cls/1")
    assert {line.user.split(" ")[0] + line.user[-6:] for line in labels.lines[1:]} == {"Text\nMore."}
    refined = [task for task in found if task.kind == "refinement"]
    for task in refined:
        assert [line.user.startswith("Content: ") for line in task.lines] == [True] + [False] * 5
    steps = [line for task in refined for line in task.lines if line.id.startswith("1_sum_")]
    assert [line.twin for line in steps] == [
        None,
        "refinement_single/1_sum_1",
        "refinement_single/1_sum_2",
    ] * 2
    assert [len(tasks(kind=f"cls_{context}")) for context in ("gold", "dgc", "sgc", "rc")] == [100] * 4
    (front,) = tasks(kind="irrelevant_front")
    assert [front.distance(at) for at in range(4)] == [0, 0, 1, 2]
    assert [line.scored for line in front.lines] == [False, True, True, True]


def test_a_broken_file_is_named_with_its_line(small_files: Path) -> None:
    (small_files / "global_inst.jsonl").write_text('{"id": 1, "query": "Q", "instructions": []}\n{"id"\n')
    with pytest.raises(TaskError, match=r"global_inst\.jsonl:2: not JSON"):
        tasks(kind="recollection")


def test_without_the_files_one_line_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    with pytest.raises(ConfigError) as caught:
        tasks(kind="expansion")
    assert "\n" not in str(caught.value)


# Our own sample


def test_the_default_set_needs_no_files_and_has_all_kinds() -> None:
    found = tasks()
    assert [task.kind for task in found] == ["recollection"] * 3 + ["expansion", "refinement", "follow_up"]
    assert len(pairs(found, tasks(form="single"))) == 18 + 4 + 4
    assert [decode(encode(task), MTEvalTask) for task in found] == found


def test_what_has_no_single_form_or_no_room_for_distractors_is_refused() -> None:
    with pytest.raises(ConfigError, match="distractors need a dialogue"):
        tasks(form="single", distractors=1)


@needs_data
@pytest.mark.parametrize("kind", ["follow_up", "cls_gold", "irrelevant_front"])
def test_kinds_without_twins_have_no_single_form(kind: str) -> None:
    with pytest.raises(ConfigError, match=f"kind='{kind}' has no single-turn form"):
        tasks(kind=kind, form="single")


# Rules

SAYS_YES: list[tuple[Instruction, list[str], list[str]]] = [
    (StartChar(letter="o"), ["Oh yes", "  oh"], ["No", "", '"Oh"']),
    (StartEmoji(), ["🙂 yes", "  ☀️ sun", "🇫🇷 oui", "1️⃣ first"], ["yes 🙂", "", "1 first", "**🙂**"]),
    (EndPhrase(end_phrase="Any other questions?"), ["Yes. any other questions?", "'Any other questions?'"],
     ["Any other questions? No.", ""]),
    (ResponseLanguage(lang="Bulgarian"), ["Да, това е добър въпрос."],
     ["Yes.", "Да, это хороший вопрос.", "", "42"]),
    (ResponseLanguage(lang="Punjabi"), ["ਹਾਂ, ਇਹ ਚੰਗਾ ਹੈ।"], ["हाँ, यह अच्छा है।", "🙂"]),
    (JsonFormat(), ['{"a": 1}', '```json\n{"a": 1}\n```', "```\n[1]\n```", "3"],
     ["{'a': 1}", "", "yes", '{"a": 1} ok']),
    (BulletList(num_bullets=2), ["* a\n* b", "- a\n  * b", "Two:\n* a\n* b"],
     ["* a", "* a\n* b\n* c", "**a**\n**b**"]),
    (BulletList(num_bullets=0), ["* a", "- a\n- b\n- c"], ["a", "1. a"]),
    (NumberSentences(num_sentences=3), ["One. Two.", "Dr. Li met Ms. Fo at 3.5 p.m. today. Good!", ""],
     ["One. Two. Three.", "One! Two? Three"]),
    (KeywordExistence(keywords=("hat", "county")), ["A Hat in the COUNTY"], ["A hat", ""]),
    (CapitalLetter(), ["YES, 3 TIMES"], ["Yes", "123", ""]),
    (LowerCase(), ["yes, 3 times"], ["Yes", "123", ""]),
    (NoComma(), ["Yes and no", ""], ["Yes, and no"]),
    (TwoResponses(), ["a****** b", "******a******b******"],
     ["a", "a******a", "a******b******c", "a************b"]),
    (PlaceHolder(num_placeholder=2), ["[a] [b] [c]"], ["[a]", "[a", ""]),
    (ConstrainedResponse(), ["My answer is no.", "Well. My answer is yes."], ["Yes.", "my answer is yes."]),
]  # fmt: skip


@pytest.mark.parametrize(("instruction", "obeying", "others"), SAYS_YES)
def test_checkers_on_hand_cases(instruction: Instruction, obeying: list[str], others: list[str]) -> None:
    assert [response for response in obeying if not instruction.follows(response)] == []
    assert [response for response in others if instruction.follows(response)] == []


def test_there_are_fourteen_instructions_and_the_hand_cases_cover_them() -> None:
    assert len(PUBLISHED) == 14
    assert {type(instruction) for instruction, _, _ in SAYS_YES} == {
        type(instruction) for both in PUBLISHED.values() for instruction in both
    }


@given(
    st.text(
        alphabet=st.characters(codec="ascii", exclude_characters=".!?,*[]\n\r\x0b\x0c\x1c\x1d\x1e"),
        min_size=1,
    )
)
def test_an_obeying_response_is_always_found_to_obey(words: str) -> None:
    words = f"I say {words}"
    for both in PUBLISHED.values():
        for instruction in both:
            assert instruction.follows(instruction.obey(words)), instruction
            assert instruction.follows(instruction.obey(words), published=True), instruction


def test_published_errors_of_checkers_are_kept_apart() -> None:
    assert not StartEmoji().follows("🇫🇷 oui", published=True)
    assert StartEmoji().follows("☀ sun", published=True)
    assert not StartEmoji().follows("", published=True)
    assert ResponseLanguage(lang="Bulgarian").follows("42", published=True)
    assert not ResponseLanguage(lang="Bulgarian").follows(" ", published=True)


def test_a_label_is_a_substring_as_published_and_the_only_word_when_corrected() -> None:
    def both(response: str, label: str) -> tuple[bool, bool]:
        return names_label(response, label, published=True), names_label(response, label)

    assert both("Art.", "art") == (True, True)
    assert both("**Category:** ART", "art") == (True, True)
    assert both("A party for Martha", "art") == (True, False)
    assert both("art, music or sports", "art") == (True, False)
    assert both("music", "art") == (False, False)
    assert both("", "art") == (False, False)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("no mark at all", 1),
        ("One. Two! Three? Four", 4),
        ("Really?! Yes...", 2),
        ("It costs 3.50 euros, e.g. for tea at 5 p.m. on Mondays.", 1),
        ("J. S. Bach and Mr. Smith wrote it.", 1),
        ("1. First point.\n2. Second point.", 2),
        ('He said "Go." Then he went.', 2),
        ("你好。再见！", 2),
    ],
)
def test_sentences_are_counted_as_people_do(text: str, count: int) -> None:
    assert count_sentences(text) == count


SAMPLES = {
    "Arabic": "يغادر القطار عند الظهر ويمكن شراء التذاكر من المحطة في كل يوم.",
    "Bengali": "ট্রেন দুপুরে ছাড়ে এবং টিকিট স্টেশনে পাওয়া যায়।",
    "Bulgarian": "Влакът тръгва на обяд и билетите се купуват на гарата.",
    "English": "The train leaves at noon, and you can buy your ticket on board.",
    "Finnish": "Juna lähtee keskipäivällä, ja liput voi ostaa asemalta tai junasta.",
    "French": "Le train part à midi et vous pouvez acheter les billets dans la gare.",
    "German": "Der Zug fährt um zwölf ab, und die Karten kauft man am Bahnhof.",
    "Gujarati": "ટ્રેન બપોરે ઉપડે છે.",
    "Hebrew": "הרכבת יוצאת בצהריים ואפשר לקנות כרטיסים בתחנה.",
    "Hindi": "ट्रेन दोपहर में निकलती है और आप टिकट स्टेशन पर खरीद सकते हैं।",
    "Italian": "Il treno parte a mezzogiorno e i biglietti si comprano alla stazione, anche con la carta.",
    "Japanese": "電車は正午に出発します。切符は駅で買えます。",
    "Kannada": "ರೈಲು ಮಧ್ಯಾಹ್ನ ಹೊರಡುತ್ತದೆ.",
    "Korean": "기차는 정오에 출발하고 표는 역에서 살 수 있습니다.",
    "Malayalam": "ട്രെയിൻ ഉച്ചയ്ക്ക് പുറപ്പെടും.",
    "Marathi": "गाडी दुपारी सुटते आणि तिकिटे स्थानकावर मिळतात, पण ती महाग आहेत.",
    "Nepali": "रेल दिउँसो छुट्छ र टिकट स्टेशनमा किन्न सकिन्छ भने पनि सस्तो छ।",
    "Persian": "قطار ظهر حرکت می‌کند و بلیت را می‌توان در ایستگاه خرید.",
    "Polish": "Pociąg odjeżdża w południe, a bilety można kupić na dworcu.",
    "Portuguese": "O trem sai ao meio-dia e você pode comprar as passagens na estação.",
    "Punjabi": "ਰੇਲਗੱਡੀ ਦੁਪਹਿਰ ਨੂੰ ਚੱਲਦੀ ਹੈ।",
    "Russian": "Поезд отправляется в полдень, и вы можете купить билеты на вокзале.",
    "Spanish": "El tren sale al mediodía y los billetes se compran en la estación.",
    "Swahili": "Treni huondoka saa sita mchana na tiketi hununuliwa katika kituo cha reli.",
    "Tamil": "ரயில் நண்பகலில் புறப்படுகிறது.",
    "Telugu": "రైలు మధ్యాహ్నం బయలుదేరుతుంది.",
    "Thai": "รถไฟออกตอนเที่ยงและซื้อตั๋วได้ที่สถานี",
    "Ukrainian": "Потяг вирушає опівдні, і квитки можна купити на вокзалі.",
    "Urdu": "ٹرین دوپہر کو نکلتی ہے اور ٹکٹ سٹیشن سے ملتے ہیں۔",
    "Vietnamese": "Tàu rời ga vào buổi trưa và bạn có thể mua vé ở nhà ga.",
}


def test_thirty_languages_are_told_apart() -> None:
    assert {name: language_of(text) for name, text in SAMPLES.items()} == {name: name for name in SAMPLES}
    assert set(SAMPLES) == set(LANGUAGES)


@pytest.mark.parametrize("text", ["", "42 + 1", "🙂", "xqz"])
def test_what_is_in_no_language_is_told(text: str) -> None:
    assert language_of(text) is None


# Scores, rewards and what is missing


def test_the_score_is_the_mean_over_turns_with_a_verdict() -> None:
    task = tasks()[0]
    episode = play(MTEval(), task, agent=agents.copycat)
    assert [row.score for row in metrics.rows_of(episode.notes)] == [10, 10, 0, 0, 0, 0]
    assert episode.score() == pytest.approx(20 / 6)
    assert {reward.name for reward in episode.rewards} == {"recollection"}
    assert [reward.turn for reward in episode.rewards] == [
        one.reply.index for one in exchanges(task, episode.turns)
    ]


def test_a_turn_that_needs_a_judge_is_missing_without_one_never_zero() -> None:
    task = tasks()[3]
    episode = play(MTEval(), task, agent=agents.solver)
    assert episode.score() is None
    assert [reward.value for reward in episode.rewards] == [None] * 4
    assert episode.metrics["missing_verdicts"] == 4
    assert {row.missing for row in metrics.rows_of(episode.notes)} == {
        "it takes a judge, and nobody fills that role"
    }


def test_a_judges_answer_that_cannot_be_read_is_missing_and_not_counted() -> None:
    answers = iter(['{"Score": 4}', "no idea", 'Well: {"Score": 8}', '{"Score": 0}'])
    judge = Scripted(lambda messages: next(answers))
    episode = play(MTEval(), tasks()[3], agent=agents.solver, judge=judge)
    assert [row.score for row in metrics.rows_of(episode.notes)] == [4, None, 8, None]
    assert episode.score() == pytest.approx(6)
    assert episode.metrics["missing_verdicts"] == 2


def test_as_published_only_bare_json_counts_and_any_number_does() -> None:
    answers = iter(['{"Score": 4}', "no idea", 'Well: {"Score": 8}', '{"Score": 0}'])
    judge = Scripted(lambda messages: next(answers))
    episode = play(MTEval(variant="published"), tasks()[3], agent=agents.solver, judge=judge)
    assert [row.score for row in metrics.rows_of(episode.notes)] == [4, None, None, 0]
    assert episode.score() == pytest.approx(2)


def test_a_judge_can_be_asked_again() -> None:
    answers = iter(["no idea", '{"Score": 4}'] * 4)
    judge = Scripted(lambda messages: next(answers))
    episode = play(MTEval(ask_again=1), tasks()[3], agent=agents.solver, judge=judge)
    assert [row.score for row in metrics.rows_of(episode.notes)] == [4] * 4


def test_a_dialogue_that_a_limit_ends_is_scored_as_far_as_it_came() -> None:
    episode = play(MTEval(), tasks()[0], limits=Limits(turns=4), agent=agents.solver)
    assert episode.stop is Stop.MAX_TURNS
    assert [row.score for row in metrics.rows_of(episode.notes)] == [10, 10, 10]
    assert episode.score() == pytest.approx(10)


def test_the_judge_is_asked_each_turn_on_its_own() -> None:
    judge = Scripted(lambda messages: '{"Score": 5}')
    play(MTEval(), tasks()[4], agent=agents.solver, judge=judge)
    assert [len(seen) for seen in judge.seen] == [1] * 6


def test_constraints_add_up_within_a_task_and_begin_anew_with_the_next() -> None:
    task = tasks()[4]
    assert [len(constraints_until(task, index)) for index in range(6)] == [1, 2, 3, 1, 2, 3]
    assert constraints_until(task, 2) == [
        "Write a short summary of the content.",
        "Use at most twelve words.",
        "Do not name her.",
    ]
    judge = Scripted(lambda messages: '{"Score": 5}')
    play(MTEval(), task, agent=agents.solver, judge=judge)
    prompt = judge.seen[2][0].text
    assert "3. Do not name her." in prompt
    assert task.document in prompt
    assert "Number of words in the response: 12\nNumber of sentences in the response: 1" in prompt
    assert "1. List everything she brought back.\n" in judge.seen[3][0].text


def test_constraints_count_across_distractors() -> None:
    task = tasks(distractors=2)[4]
    assert [len(constraints_until(task, index)) for index in range(3, 9)] == [1, 2, 3, 1, 2, 3]


def test_the_single_form_shows_the_merged_constraint_alone() -> None:
    task = next(task for task in tasks(form="single") if task.id == "sample/refinement#1_sum_3")
    judge = Scripted(lambda messages: '{"Score": 5}')
    play(MTEval(form="single"), task, agent=agents.solver, judge=judge)
    (prompt,) = (seen[0].text for seen in judge.seen)
    assert "Constraints:\nWrite a summary of the content in at most twelve words, without" in prompt
    assert "later constraint" not in prompt


@pytest.mark.parametrize(
    ("variant", "history", "shown"),
    [
        ("corrected", "own", "I said 0"),
        ("corrected", "gold", "Bring it bent."),
        ("published", "own", "Bring it bent."),
        ("published", "gold", "Bring it bent."),
    ],
)
def test_the_follow_up_judge_sees_what_the_agent_remembers(variant: Any, history: Any, shown: str) -> None:
    task = tasks()[5]
    count = iter(range(9))
    environment = MTEval(variant=variant, history=history)
    episode = play(environment, task, agent=lambda messages: f"I said {next(count)}")
    second = exchanges(task, episode.turns)[1]
    prompt = judge_prompt(task, second, history, published=variant == "published")
    assert f"User: {task.lines[2].user}\nAssistant: {shown}" in prompt
    assert f"User: {task.lines[3].user}\nAssistant: I said 1" in prompt


def test_the_follow_up_judge_looks_past_distractors() -> None:
    environment = MTEval(distractors=2)
    task = tasks(distractors=2)[5]
    judge = Scripted(lambda messages: '{"Score": 5}')
    play(environment, task, agent=lambda messages: "My slogan.", judge=judge)
    assert f"Conversation:\nUser: {task.lines[1].user}\nAssistant: Spoke\nUser: " in judge.seen[0][0].text
    assert [line.id for line in task.lines[:5]] == ["1", "2", "distractor-1", "distractor-2", "3"]


def test_each_dialogue_begins_with_the_system_message_unless_told_not_to() -> None:
    for system, first in ((prompts.SYSTEM, "system"), ("", "user")):
        model = Scripted(lambda messages: "x")
        play(MTEval(system=system), tasks()[5], agent=model)
        assert model.seen[0][0].role == first


# Scripted agents and what they show


@pytest.mark.parametrize("form", ["multi", "single"])
@pytest.mark.parametrize("history", ["own", "gold"])
def test_the_solver_gets_ten_everywhere(form: str, history: str) -> None:
    found = rows({"form": form, "history": history}, agents.solver, judge=agents.overlap_judge)
    assert {row.score for row in found} == {10.0}
    assert len(found) == (18 + 4 + 6 + 3 if form == "multi" else 18 + 4 + 4)


def test_the_random_agent_is_bad_and_the_overlap_judge_says_so() -> None:
    found = metrics.by_kind(rows({}, agents.random_agent, judge=agents.overlap_judge))
    assert all(mean.mean is not None and mean.mean < 5 for mean in found.values())


@pytest.mark.parametrize("window", [4, 6, 10])
def test_forgetting_is_a_step_at_half_the_window_in_conversation_and_none_alone(window: int) -> None:
    curve = metrics.turn_curve(rows({}, agents.forgetful(window), only="labels"))
    assert [mean.mean for mean in curve.values()] == [10.0 if turn < window / 2 else 0.0 for turn in curve]
    assert set(scores({"form": "single"}, agents.forgetful(window), only="labels")) == {10.0}


def test_forgetting_an_instruction_makes_the_same_step() -> None:
    curve = metrics.turn_curve(rows({}, agents.forgetful(6), only="case"))
    assert [mean.mean for mean in curve.values()] == [10, 10, 0, 0, 0, 0]
    assert set(scores({"form": "single"}, agents.forgetful(6), only="case")) == {10.0}


def test_distractors_move_the_step_between_and_not_at_the_front() -> None:
    def curve(position: str) -> list[float | None]:
        return scores({"distractors": 2, "position": position}, agents.forgetful(10), only="labels")

    plain = scores({}, agents.forgetful(10), only="labels")
    assert plain == [10, 10, 10, 10, 0, 0]
    assert curve("front") == plain
    assert curve("between") == [10, 10, 0, 0, 0, 0]


def test_a_copied_label_goes_wrong_for_good_unless_history_is_gold() -> None:
    # The stored labels are sports, sports, music, music, food, food; the first guess is sports.
    assert scores({}, agents.copycat, only="labels") == [10, 10, 0, 0, 0, 0]
    assert scores({"history": "gold"}, agents.copycat, only="labels") == [10, 10, 0, 10, 0, 10]


# Analysis, on numbers worked by hand


def row(score: float | None, **fields: Any) -> Row:
    given = {
        "dialogue": "d",
        "line": "1",
        "kind": "recollection",
        "scorer": "judge",
        "position": 1,
        "distance": 1,
    }
    return Row(**{**given, **fields}, score=score)  # pyright: ignore


def test_group_means_pool_turns_and_the_average_pools_groups() -> None:
    found = [
        row(10, scorer="label"),
        row(0, scorer="label"),
        row(5, scorer="instruction"),
        row(None),
        row(6, kind="expansion"),
        row(8, kind="refinement"),
        row(9, kind="follow_up"),
    ]
    means = metrics.by_kind(found)
    assert means["recollection"] == metrics.Mean(5.0, 3, 1)
    assert metrics.average(found) == pytest.approx((5 + 6 + 8 + 9) / 4)
    assert metrics.mean(found) == metrics.Mean(pytest.approx(38 / 6), 6, 1)


def test_an_average_over_a_group_without_scores_is_missing() -> None:
    assert metrics.average([row(5), row(None, kind="expansion")]) is None
    assert metrics.average([]) is None


def test_gaps_pair_each_turn_with_its_twin() -> None:
    multi = [
        row(4, line="1", twin="d#1", distance=1),
        row(6, line="2", twin="d#2", distance=2),
        row(None, line="3", twin="d#3", distance=2),
        row(0, line="4", twin="gone", distance=3),
        row(2, line="5", distance=3),
    ]
    single = [row(8, dialogue="d#1"), row(7, dialogue="d#2"), row(10, dialogue="d#3")]
    gaps = metrics.gap_by_kind(multi, single)
    assert gaps == {"recollection": metrics.Gap(7.5, 5.0, 2)}
    assert gaps["recollection"].loss == 2.5
    by_distance = metrics.gap_by_distance(multi, single)
    assert {distance: gap.loss for distance, gap in by_distance.items()} == {1: 4.0, 2: 1.0}
    # The paper's table takes every turn of each side: (8 + 7 + 10) / 3 against (4 + 6 + 0 + 2) / 4.
    table = metrics.published_gap(multi, single)["recollection"]
    assert (table.baseline, table.mean, table.n) == (pytest.approx(25 / 3), 3.0, 4)


def test_epochs_pair_in_order() -> None:
    multi = [row(1, twin="t"), row(2, twin="t")]
    single = [row(5, dialogue="t"), row(8, dialogue="t")]
    assert [(one.score, two.score) for one, two in metrics.twin_pairs(multi, single)] == [(1, 5), (2, 8)]


def test_what_own_errors_cost_and_the_curves() -> None:
    own = [row(2, line="1", position=1, distance=3), row(4, line="2", position=2, distractors=1)]
    gold = [row(8, line="2", position=2), row(3, line="1", position=1)]
    assert metrics.history_gap(own, gold)["recollection"].loss == pytest.approx(2.5)
    assert [mean.mean for mean in metrics.turn_curve(reversed(own)).values()] == [2, 4]
    assert {key: mean.mean for key, mean in metrics.distance_curve(own).items()} == {1: 4, 3: 2}
    assert {key: mean.mean for key, mean in metrics.distractor_curve(own).items()} == {0: 2, 1: 4}


def test_the_sample_shows_the_gap_of_a_forgetful_agent_by_kind_and_distance() -> None:
    forgetful = agents.forgetful(4)
    judge = agents.overlap_judge
    multi, single = rows({}, forgetful, judge=judge), rows({"form": "single"}, forgetful, judge=judge)
    gaps = metrics.gap_by_kind(multi, single)
    assert set(gaps) == {"recollection", "expansion", "refinement"}
    assert all(gap.loss > 0 and gap.baseline == 10 for gap in gaps.values())
    by_distance = metrics.gap_by_distance(multi, single)
    assert by_distance[0].loss == by_distance[1].loss == 0
    assert all(by_distance[distance].loss > 0 for distance in range(2, 7))


def test_rows_are_read_back_from_a_stored_episode() -> None:
    episode = play(MTEval(), tasks()[0], agent=agents.solver)
    found = metrics.rows_of(episode.notes)
    log = decode(encode(episode.log()), type(episode.log()))
    assert metrics.rows([log]) == found
    assert [(one.position, one.distance, one.twin) for one in found][:2] == [
        (1, 1, "sample/labels#1"),
        (2, 2, "sample/labels#2"),
    ]
