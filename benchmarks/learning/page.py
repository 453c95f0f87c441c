"""The page of a study, and the table of all studies: made of results, no figure is typed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import figure
from declared import Curve, Finding, Study, told

import results
from results import RESULTS, Results

HERE = Path(__file__).resolve().parent
PAGES = HERE.parents[1] / "docs" / "studies"
HELD = {"yes": "held", "no": "did not hold", "undecided": "not decided"}


def write(study: Study, found: Results, folder: Path) -> None:
    """Write a study's page and plot, and the table of all studies where they are.

    Args:
        study: Which.
        found: Its results.
        folder: Where.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figure.draw(study, found, folder / f"{study.name}.svg")
    (folder / f"{study.name}.md").write_text(text(study, found))
    index_page = folder / "index.md"
    if index_page.exists():
        partial = index_page.with_suffix(".partial")
        partial.write_text(index())
        partial.replace(index_page)


def text(study: Study, found: Results) -> str:
    """The page."""
    parts = [
        f"# {study.title}",
        f"**{study.question}**",
        study.setting,
        "\n".join(f"- **{arm.label}**: {arm.about}" for arm in study.arms.values()),
        f"![{study.title}: curves by arm]({study.name}.svg)",
        " ".join(caption(curve, found) for curve in study.curves),
        "## What held",
        "\n".join(held(study, found)),
        "## Measures",
        "\n".join(table(study, found)),
        *differences(study, found),
        "## To repeat it",
        repeat(study, found),
        "Papers: " + "; ".join(study.papers) + ".",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def seeds_of(study: Study, found: Results) -> list[int]:
    """The seeds that every arm has."""
    return sorted(set.intersection(*({one.seed for one in found.of(arm)} for arm in study.arms)))


def complete(study: Study, found: Results) -> bool:
    """Whether every arm has the same seeds, and there are some; the table of studies wants all of them."""
    seeds = seeds_of(study, found)
    return bool(seeds) and len(found.runs) == len(seeds) * len(study.arms)


def caption(curve: Curve, found: Results) -> str:
    """What a panel shows."""
    seeds = len({one.seed for one in found.runs})
    means = f", each point the mean of {curve.smooth} steps" if curve.smooth > 1 else ""
    kind = "their range" if curve.band == "range" else "the 95 % interval of that mean (Student's t)"
    return f"*{curve.title}*: mean of {seeds} seeds{means}; band: {kind}."


def held(study: Study, found: Results) -> list[str]:
    """The findings."""
    if not complete(study, found):
        asked = len(study.arms) * len(study.seeds)
        return [f"Nothing can be said yet: {len(found.runs)} of {asked} trainings are there."]
    rows = [
        f"| {finding.claim} | {finding.measured} | **{HELD[finding.held]}** |"
        for finding in study.findings(found)
    ]
    return ["| claim | measured | here |", "| --- | --- | --- |", *rows]


def table(study: Study, found: Results) -> list[str]:
    """Each arm's measures: mean over the seeds with its interval, and the counts of proportions."""
    names = [measure.label for measure in study.measures]
    lines = [f"| arm | {' | '.join(names)} | seeds |", "| --- |" + " --- |" * (len(names) + 1)]
    for arm, said in study.arms.items():
        cells: list[str] = []
        for measure in study.measures:
            cell, counts = told(found.mean(arm, measure.key), measure.digits), found.counted(arm, measure.key)
            cells.append(cell if counts is None else f"{cell} ({counts.count:,} of {counts.of:,})")
        lines.append(f"| {said.label} | {' | '.join(cells)} | {len(found.of(arm))} |")
    return [*lines, "", "Mean over the seeds [95 % interval, Student's t]."]


def differences(study: Study, found: Results) -> list[str]:
    """Each arm less the baseline."""
    if study.baseline is None or len(study.arms) < 2:
        return []
    names = [measure.label for measure in study.measures]
    base = study.arms[study.baseline].label
    lines = [f"| less {base} | {' | '.join(names)} |", "| --- |" + " --- |" * len(names)]
    for arm, said in study.arms.items():
        if arm == study.baseline:
            continue
        cells = [
            told(found.difference(arm, study.baseline, measure.key), measure.digits)
            for measure in study.measures
        ]
        lines.append(f"| {said.label} | {' | '.join(cells)} |")
    return ["\n".join(lines) + "\n\nDifferences paired by seed, mean [95 % interval, Student's t]."]


def repeat(study: Study, found: Results) -> str:
    """The command, and how long it took."""
    wall, cpu = sum(one.seconds for one in found.runs), sum(one.cpu_seconds for one in found.runs)
    versions = ", ".join(dict.fromkeys(one.turnwise for one in found.runs)) or "none"
    trainings = f"{len(found.runs)} trainings"
    return (
        f"```sh\npython benchmarks/learning/{study.name}.py\n```\n\n"
        f"It trains what is not in `benchmarks/results/learning/{study.name}.json`; `--smallest` takes "
        f"seconds. The {trainings} took {wall:,.0f} s, {cpu:,.0f} s of one core (turnwise {versions})."
    )


def index() -> str:
    """The table of all studies whose trainings are all there."""
    lines = [
        "# Studies",
        "",
        "What papers claim of their training, at a scale where one core is enough: tiny policies made from "
        "nothing, small worlds, several seeds. Each page is written by the script that ran the study, and "
        "says what was seen, whether or not it is what was published.",
        "",
        "| study | question | held | seeds | seconds of one core |",
        "| --- | --- | --- | --- | --- |",
    ]
    for path in sorted(RESULTS.glob("*.json")):
        study, found = load(HERE / f"{path.stem}.py").STUDY, results.load(path)
        if not (complete(study, found) and set(study.seeds) <= set(seeds_of(study, found))):
            continue
        cpu = sum(one.cpu_seconds for one in found.runs)
        lines.append(
            f"| [{study.title}]({study.name}.md) | {study.question} | {score(study, found)} | "
            f"{len(seeds_of(study, found))} | {cpu:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def score(study: Study, found: Results) -> str:
    """How many of a study's findings held."""
    findings: list[Finding] = study.findings(found)
    verdicts = [one.held for one in findings]
    rest = [f"{verdicts.count(one)} {HELD[one]}" for one in ("no", "undecided") if one in verdicts]
    return f"{verdicts.count('yes')} of {len(verdicts)}" + (f" ({', '.join(rest)})" if rest else "")


def load(path: Path) -> ModuleType:
    """A study's script as a module, wherever it was started from."""
    name = f"study_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
