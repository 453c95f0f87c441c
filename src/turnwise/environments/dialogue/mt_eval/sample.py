"""A small set of our own, of MT-Eval's four kinds, so that the environment runs with no download.

Six dialogues and the twins of their turns: one of labels, two of instructions, one each of expansion,
refinement and follow-up (which has no twins).
"""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.environments.dialogue.mt_eval import prompts
from turnwise.environments.dialogue.mt_eval.build import Built
from turnwise.environments.dialogue.mt_eval.checkers import PUBLISHED, Instruction
from turnwise.environments.dialogue.mt_eval.rows import MTEvalTask
from turnwise.environments.parts.scripted import Line
from turnwise.environments.parts.twin import stand_alone

_DOCUMENTS = (
    (
        "sports",
        "The relay ended in the last metre. Ines leaned over the line a hand's width before her rival.",
    ),
    ("sports", "Rain had left the pitch heavy, and the keeper let the ball slip twice before half-time."),
    ("music", "The second movement begins with a single oboe; only after forty bars do the strings come in."),
    ("music", "She tuned the lowest string down a tone, and the old guitar filled the whole chapel."),
    ("food", "Let the dough rest overnight, brush it with egg and bake it until the crust sounds hollow."),
    ("food", "The cook roasted cumin and fennel dry in the pan before she added onions and lentils."),
)
_QUESTIONS = (
    "Is a walk in the rain a good idea?",
    "Should one keep a diary?",
    "Are small towns friendlier than large ones?",
    "Can a garden on a balcony feed a family?",
    "Is it wise to learn two languages at once?",
    "Do old maps still teach us something?",
)
_ARTICLE = (
    "The harbour of Vessel Point froze in the winter of 1891. For nine weeks no ship came in. Marta "
    "Lindqvist, who kept the lighthouse, walked across the ice to the mainland every third day and brought "
    "back flour, lamp oil and letters. When the thaw came in March, the first boat found all forty people of "
    "the Point alive. The council paid her twelve crowns and named the pier after her."
)
_EXPANSION = (
    ("sum", "Summarise the content in one sentence.",
     "In the frozen winter of 1891 the lighthouse keeper Marta Lindqvist kept Vessel Point alive on foot."),
    ("ner", "List the persons and places that are named in the content.",
     "Person: Marta Lindqvist; Place: Vessel Point"),
    ("qa", "How often did she walk to the mainland?", "Every third day."),
    ("trans", "Translate the first sentence of the content into French.",
     "Le port de Vessel Point gela pendant l'hiver 1891."),
)  # fmt: skip
_REFINEMENT = (
    ("sum_1", "Write a short summary of the content.",
     "In 1891 the harbour froze for nine weeks, and Marta Lindqvist fetched supplies over the ice.", None),
    ("sum_2", "Use at most twelve words.",
     "In 1891 Marta Lindqvist fetched supplies over the ice for Vessel Point.",
     "Write a summary of the content in at most twelve words."),
    ("sum_3", "Do not name her.", "In 1891 the keeper fetched supplies over the ice for Vessel Point.",
     "Write a summary of the content in at most twelve words, without naming the lighthouse keeper."),
    ("ner_1", "List everything she brought back.", "flour, lamp oil, letters", None),
    ("ner_2", "Put each on a line of its own.", "flour\nlamp oil\nletters",
     "List everything that the lighthouse keeper brought back, each on a line of its own."),
    ("ner_3", "Order them by the alphabet, the last first.", "letters\nlamp oil\nflour",
     "List everything that the lighthouse keeper brought back, each on a line of its own, in reverse "
     "alphabetical order."),
)  # fmt: skip
_FOLLOW_UP = (
    ("Suggest a name for a small bicycle repair shop.", "The Patient Spoke"),
    ("Make it shorter.", "Spoke"),
    ("Write a slogan for it in at most eight words.", "Bring it bent. Ride it home straight."),
    ("My customers are mostly commuters. Can the slogan speak to them?", "Late for work? Not on our wheels."),
    ("Which of your two slogans would you print on the door, and why?",
     "The second: it names the worry my commuters have every morning."),
)  # fmt: skip


def sample() -> Built:
    """The dialogues and the twins of their turns."""
    built = Built([], [])
    _add_labels(built)
    _add_instruction(built, "lowercase", PUBLISHED["change_case:lowercase"][0])
    _add_instruction(built, "two_responses", PUBLISHED["combination:two_responses"][0])
    _add_expansion(built)
    _add_refinement(built)
    lines = [
        Line(id=str(at), user=user, reference=answer, scored=at > 2, needs=str(at - 1) if at > 1 else None)
        for at, (user, answer) in enumerate(_FOLLOW_UP, start=1)
    ]
    built.multi.append(
        MTEvalTask(id="sample/follow_up", lines=tuple(lines), kind="follow_up", scorer="judge")
    )
    return built


def _add_labels(built: Built) -> None:
    name = "sample/labels"
    lines = [Line(id="instruction", user=prompts.CLASSIFY_ALL, reference="OK", scored=False)]
    for number, (topic, text) in enumerate(_DOCUMENTS, start=1):
        twin = f"{name}#{number}"
        lines.append(Line(id=str(number), user=text, reference=topic, needs="instruction", twin=twin))
        alone = Line(id=str(number), user=prompts.classify_one(text), reference=topic)
        built.single.append(
            MTEvalTask(id=twin, lines=(alone,), kind="recollection", scorer="label", form="single")
        )
    built.multi.append(MTEvalTask(id=name, lines=tuple(lines), kind="recollection", scorer="label"))


def _add_instruction(built: Built, name: str, instruction: Instruction) -> None:
    name = f"sample/{name}"
    said = f"{instruction.say()} {prompts.SHORT}"
    lines = [Line(id="instruction", user=said, reference="ok.", scored=False)]
    for number, question in enumerate(_QUESTIONS, start=1):
        lines.append(Line(id=str(number), user=question, needs="instruction", twin=f"{name}#{number}"))
    task = MTEvalTask(
        id=name, lines=tuple(lines), kind="recollection", scorer="instruction", instruction=instruction
    )
    built.multi.append(task)
    for line in lines[1:]:
        alone = stand_alone(task, line, lambda rule, query: f"Instruction: {rule}\nQuestion: {query}")
        built.single.append(
            MTEvalTask(
                id=f"{name}#{line.id}",
                lines=(alone,),
                kind="recollection",
                scorer="instruction",
                form="single",
                instruction=instruction,
            )
        )


def _add_expansion(built: Built) -> None:
    name = "sample/expansion"
    lines: list[Line] = []
    for task_type, query, answer in _EXPANSION:
        line, twin = f"1_{task_type}_1", f"{name}#1_{task_type}_1"
        alone = prompts.with_content(_ARTICLE, query)
        needs = lines[0].id if lines else None
        lines.append(Line(id=line, user=query if lines else alone, reference=answer, needs=needs, twin=twin))
        built.single.append(
            _judged(twin, "expansion", [Line(id=line, user=alone, reference=answer)], "single")
        )
    built.multi.append(_judged(name, "expansion", lines))


def _add_refinement(built: Built) -> None:
    name = "sample/refinement"
    lines: list[Line] = []
    for step, query, answer, merged in _REFINEMENT:
        line = f"1_{step}"
        twin = None if merged is None else f"{name}#{line}"
        text = query if lines else prompts.with_content(_ARTICLE, query)
        needs = lines[0].id if lines else None
        lines.append(Line(id=line, user=text, reference=answer, needs=needs, twin=twin))
        if merged is not None:
            alone = Line(id=line, user=prompts.with_content(_ARTICLE, merged), reference=answer)
            built.single.append(_judged(f"{name}#{line}", "refinement", [alone], "single"))
    built.multi.append(_judged(name, "refinement", lines))


def _judged(name: str, kind: str, lines: Sequence[Line], form: str = "multi") -> MTEvalTask:
    return MTEvalTask(
        id=name,
        lines=tuple(lines),
        kind="expansion" if kind == "expansion" else "refinement",
        scorer="judge",
        form="single" if form == "single" else "multi",
        document=_ARTICLE,
    )
