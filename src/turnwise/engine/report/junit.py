"""A report as JUnit XML, which every CI reads: a test case a task, and one for each check of the whole."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from turnwise.engine.report.outcome import Played, Report, Tried

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for."""


def junit(report: Report) -> str:
    """The XML.

    A task is one case: a failure where its mean score is too low, an error where it has none. Each check is a
    case of the class `ENVIRONMENT.checks`.
    """
    suite = ET.Element("testsuite", name=_text(report.environment))
    for played in report.tasks:
        suite.append(_case(report, played))
    for check in report.checks:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_text(f"{report.environment}.checks"),
            name=_text(check.name),
            time="0",
        )
        if not check.passed:
            ET.SubElement(case, "failure", message=_text(check.line))
    results = [played.result for played in report.tasks]
    counts = {
        "tests": len(results) + len(report.checks),
        "failures": results.count("failed") + sum(not check.passed for check in report.checks),
        "errors": results.count("error"),
        "skipped": 0,
    }
    for name, count in counts.items():
        suite.set(name, str(count))
    suite.set("time", f"{sum(played.seconds for played in report.tasks):.3f}")
    suite.set("timestamp", datetime.fromtimestamp(report.created, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    properties = ET.Element("properties")
    told = {"run": report.run, "seed": str(report.seed)} | {f"agent.{k}": v for k, v in report.agents.items()}
    for name, value in told.items():
        ET.SubElement(properties, "property", name=_text(name), value=_text(value))
    suite.insert(0, properties)
    whole = ET.Element("testsuites")
    whole.append(suite)
    ET.indent(whole)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(whole, encoding="unicode") + "\n"


def _case(report: Report, played: Played) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=_text(report.environment),
        name=_text(played.task),
        time=f"{played.seconds:.3f}",
    )
    if played.result != "passed":
        kind, message = (
            ("error", "no score") if played.score is None else ("failure", f"score {played.score:.3g}")
        )
        reason = next((line for one in played.tries for line in one.reasons), "")
        shown = ET.SubElement(case, kind, message=_text(f"{message}: {reason}" if reason else message))
        shown.text = _text("\n".join(line for one in played.tries for line in _told(one)))
    ET.SubElement(case, "system-out").text = _text(
        "\n".join(f"{one.episode}  {_score(one)}  turnwise show {one.episode}" for one in played.tries)
    )
    return case


def _told(one: Tried) -> list[str]:
    return [f"{one.episode}: {line}" for line in one.reasons]


def _score(one: Tried) -> str:
    return "no score" if one.score is None else f"score {one.score:.3g}"


def _text(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
