"""Builds MT-Eval's dialogues and their single-turn twins from its raw rows, draw for draw as its script does.

Pure functions: rows in, tasks out, no files. Every draw comes from a generator seeded with 111, so the same
documents meet in the same dialogues in the same order as in the published sets; only the words of the opening
instructions are ours (see `prompts`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from turnwise.environments.dialogue.mt_eval import prompts
from turnwise.environments.dialogue.mt_eval.checkers import PUBLISHED
from turnwise.environments.dialogue.mt_eval.rows import MTEvalTask
from turnwise.environments.parts.scripted import Line

SEED = 111
_REFINED = ("sum", "qa", "ner", "rewrite")
"""Task types whose instruction is refined; the others appear in expansion dialogues only."""


class Document(NamedTuple):
    """A document as numbered from 1, without its title."""

    number: int
    text: str
    topic: str

    @property
    def head(self) -> list[str]:
        """Its paragraphs without the last three, which would give the class away or wind up."""
        return self.text.split("\n\n")[:-3]


class Built(NamedTuple):
    """Dialogues, and the stand-alone twins their lines name."""

    multi: list[MTEvalTask]
    single: list[MTEvalTask]


def documents(rows: Iterable[dict[str, Any]]) -> list[Document]:
    """The documents of `documents.jsonl`: the paragraph before the first empty line is the title."""
    return [
        Document(number, row["gen_resp"].split("\n\n", 1)[1], row["topic"])
        for number, row in enumerate(rows, start=1)
    ]


def recollection_labels(docs: Sequence[Document]) -> Built:
    """Ten dialogues of ten documents to classify by a label list that is given once, at the beginning."""
    docs = list(docs)
    random.Random(SEED).shuffle(docs)
    built = Built([], [])
    for session in range(1, 11):
        lines = [Line(id="instruction", user=prompts.CLASSIFY_ALL, reference="OK", scored=False)]
        for doc in docs[(session - 1) * 10 : session * 10]:
            text = _single_spaced("\n\n".join(doc.head))
            line, task = str(doc.number), f"recollection_cls_single/{session}#{doc.number}"
            lines.append(Line(id=line, user=text, reference=doc.topic, needs="instruction", twin=task))
            alone = Line(id=line, user=prompts.classify_one(text), reference=doc.topic)
            built.single.append(
                MTEvalTask(id=task, lines=(alone,), kind="recollection", scorer="label", form="single")
            )
        built.multi.append(
            MTEvalTask(
                id=f"recollection_cls/{session}", lines=tuple(lines), kind="recollection", scorer="label"
            )
        )
    return built


def recollection_instructions(rows: Iterable[dict[str, Any]]) -> Built:
    """Two dialogues for each of fourteen instructions, said once and never repeated in ten queries."""
    queries: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        for name in row["instructions"]:
            if name in PUBLISHED:
                queries.setdefault(name, []).append(row)
    draw = random.Random(SEED)
    built = Built([], [])
    for number, (name, pool) in enumerate(queries.items(), start=1):
        for half, instruction in enumerate(PUBLISHED[name]):
            session = 2 * number - 1 + half
            said = f"{instruction.say()} {prompts.SHORT}"
            lines = [Line(id="instruction", user=said, reference="ok.", scored=False)]
            for _ in range(10):
                row = pool.pop(pool.index(draw.choice(pool)))
                line = f"{number}-{row['id']}"
                task = f"recollection_global_inst_single/{session}_{line}"
                lines.append(Line(id=line, user=row["query"], needs="instruction", twin=task))
                alone = Line(id=line, user=f"Instruction: {said}\nQuestion: {row['query']}")
                built.single.append(
                    MTEvalTask(
                        id=task,
                        lines=(alone,),
                        kind="recollection",
                        scorer="instruction",
                        form="single",
                        instruction=instruction,
                    )
                )
            built.multi.append(
                MTEvalTask(
                    id=f"recollection_global_inst/{session}",
                    lines=tuple(lines),
                    kind="recollection",
                    scorer="instruction",
                    instruction=instruction,
                )
            )
    return built


def expansion(sessions: Iterable[Sequence[dict[str, str]]], docs: Sequence[Document]) -> Built:
    """Ten dialogues that put seven different tasks about one document, which only the first turn brings."""
    draw = random.Random(SEED)
    first: dict[str, dict[str, dict[str, str]]] = {}
    for session in sessions:
        number, task_type, _ = session[0]["id"].split("_")
        first.setdefault(number, {})[task_type] = session[0]
    built = Built([], [])
    for dialogue, (number, types) in enumerate(first.items(), start=1):
        doc = docs[int(number) - 1]
        # The short questions stand for the long ones; the order of the types decides the shuffle.
        types.pop("qa")
        types["qa"] = types.pop("short-qa")
        classify = types["qa"]["user"].split("Instruction")[0] + f"Instruction: {prompts.CLASSIFY_LATER}"
        types["cls"] = {"user": classify, "sys": doc.topic, "id": f"{number}_cls_1"}
        order = [task_type for task_type in types if task_type != "rewrite"]
        draw.shuffle(order)
        lines: list[Line] = []
        for row in (types[task_type] for task_type in order):
            task = f"expansion_single/{dialogue}#{row['id']}"
            text = prompts.instruction_in(row["user"]) if lines else row["user"]
            needs = lines[0].id if lines else None
            lines.append(Line(id=row["id"], user=text, reference=row["sys"], needs=needs, twin=task))
            alone = Line(id=row["id"], user=row["user"], reference=row["sys"])
            built.single.append(_rated(task, "expansion", [alone], doc.text, form="single"))
        built.multi.append(_rated(f"expansion/{dialogue}", "expansion", lines, doc.text))
    return built


def refinement(
    sessions: Iterable[Sequence[dict[str, str]]],
    merged: Iterable[Sequence[dict[str, str]]],
    docs: Sequence[Document],
) -> Built:
    """Forty dialogues of two tasks about one document, each made stricter in six steps.

    The twin of step k (from 2) says all constraints so far in one; step 1 is not asked alone. Each task comes
    in two dialogues, once first and once second, so two lines share a twin. The published twins have no
    stored answer; here they get that of the step they merge.
    """
    draw = random.Random(SEED)
    by_number: dict[str, dict[str, Sequence[dict[str, str]]]] = {}
    for session in sessions:
        number, task_type, _ = session[0]["id"].split("_")
        if task_type in _REFINED:
            by_number.setdefault(number, {})[task_type] = session
    built = Built([], [])
    for number, types in by_number.items():
        order = list(types)
        draw.shuffle(order)
        for first, second in zip(order, order[1:] + order[:1], strict=True):
            name = f"refinement/{len(built.multi) + 1}_{first}_{second}"
            lines: list[Line] = []
            for row in (*types[first], *types[second]):
                lines.append(_step(row, opening=lines[0].id if lines else None))
            built.multi.append(_rated(name, "refinement", lines, docs[int(number) - 1].text))
    answers = {line.twin: line.reference for task in built.multi for line in task.lines}
    for session in merged:
        row = session[0]
        text = docs[int(row["id"].split("_")[0]) - 1].text
        answer = answers[f"refinement_single/{row['id']}"]
        line = Line(id=row["id"], user=prompts.with_content(text, row["user"]), reference=answer)
        built.single.append(
            _rated(f"refinement_single/{row['id']}", "refinement", [line], text, form="single")
        )
    return built


def follow_up(rows: Iterable[dict[str, Any]]) -> Built:
    """Eighty dialogues of MT-Bench, extended: two turns with stored answers, three that are scored."""
    built = Built([], [])
    for row in rows:
        lines: list[Line] = []
        for turn in row["conversation"]:
            line = str(int(turn["id"].split("_")[1]) + 1)
            needs = lines[-1].id if lines else None
            lines.append(
                Line(id=line, user=turn["user"], reference=turn["sys"], scored=len(lines) > 1, needs=needs)
            )
        task = _rated(f"follow_up/{row['conversation'][0]['id'].split('_')[0]}", "follow_up", lines, "")
        built.multi.append(task)
    return built


def irrelevant(rows: Iterable[dict[str, Any]], position: str, docs: Sequence[Document]) -> list[MTEvalTask]:
    """The published refinement dialogues with 1, 3 or 6 distractor turns (`front` or `between`)."""
    built: list[MTEvalTask] = []
    for row in rows:
        turns = row["conv"]
        opening = next((turn["id"] for turn in turns if turn["user"].startswith("Content: ")), turns[0]["id"])
        number = next(turn["id"] for turn in turns if turn["do_inference"]).split("_")[0]
        lines: list[Line] = []
        for turn in turns:
            known = any(line.id == opening for line in lines)
            lines.append(
                Line(
                    id=turn["id"],
                    user=turn["user"],
                    reference=turn["sys"],
                    scored=turn["do_inference"],
                    needs=opening if known and turn["do_inference"] else None,
                )
            )
        text = docs[int(number) - 1].text
        name = f"refinement_irrelevant_{position}/{row['id']}"
        built.append(_rated(name, "refinement", lines, text, distractors=row["n_distracts"]))
    return built


def apart(task: MTEvalTask) -> MTEvalTask:
    """`task` with the document in a turn of its own (answered "OK"), so that turns can come in between."""
    opening = task.lines[0]
    if not opening.scored or "\n\nInstruction: " not in opening.user:
        return task
    content = opening.user.rsplit("\n\nInstruction: ", 1)[0]
    bring = Line(id="content", user=f"{content}\n\n{prompts.READ}", reference="OK", scored=False)
    lines = [
        Line(
            id=line.id,
            user=prompts.instruction_in(line.user),
            reference=line.reference,
            scored=line.scored,
            needs="content" if line is opening or line.needs == opening.id else line.needs,
            twin=line.twin,
        )
        for line in task.lines
    ]
    return _rated(task.id, task.kind, [bring, *lines], task.document, form=task.form)


def _step(row: dict[str, str], opening: str | None) -> Line:
    """One step of a refinement; only the dialogue's opening turn brings the document."""
    number, task_type, step = row["id"].split("_")
    twin = f"refinement_single/{number}_{task_type}_{int(step) - 1}" if int(step) > 1 else None
    text = row["user"] if opening is None else prompts.instruction_in(row["user"])
    return Line(id=row["id"], user=text, reference=row["sys"], needs=opening, twin=twin)


def _rated(name: str, kind: Any, lines: Sequence[Line], document: str, **fields: Any) -> MTEvalTask:
    return MTEvalTask(id=name, lines=tuple(lines), kind=kind, scorer="judge", document=document, **fields)


def _single_spaced(text: str) -> str:
    while "\n\n" in text:
        text = text.replace("\n\n", "\n")
    return text
