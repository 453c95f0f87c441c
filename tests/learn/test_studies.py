"""The studies: each runs at its smallest, and its page is what its results give."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers", "matplotlib"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn,plot]'")

from turnwise.catalogue import catalogue  # noqa: E402
from turnwise.metrics import Estimate  # noqa: E402

HERE = Path(__file__).resolve().parents[2]
FOLDER = HERE / "benchmarks" / "learning"
PAGES = HERE / "docs" / "studies"
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if "study.main(STUDY)" in path.read_text())
MADE = [path for path in SCRIPTS if (PAGES / f"{path.stem}.md").exists()]


@pytest.fixture(autouse=True)
def _imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Scripts import what lies beside them; what they import is nobody else's."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def loaded(path: Path) -> Any:
    import page

    return page.load(path).STUDY


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_study_runs_at_its_smallest(path: Path, tmp_path: Path) -> None:
    import study

    declared = loaded(path)
    assert declared.name == path.stem
    assert len(declared.seeds) >= 3
    result = tmp_path / "results.json"
    words = ["--smallest", "--seeds", "0", "--result", str(result)]
    found = study.main(declared, words)
    assert [(one.arm, one.seed) for one in found.runs] == [(arm, 0) for arm in declared.arms]
    for one in found.runs:
        assert {measure.key for measure in declared.measures} <= set(one.measures)
        assert {curve.key for curve in declared.curves} <= set(one.curves)
    text = (tmp_path / f"{declared.name}.md").read_text()
    assert all(arm.label in text for arm in declared.arms.values())
    assert (tmp_path / f"{declared.name}.svg").stat().st_size > 1000
    # What is in the results is not run again, and gives the same page.
    assert study.main(declared, words) == found
    assert (tmp_path / f"{declared.name}.md").read_text() == text


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_a_page_is_what_its_results_give(path: Path, tmp_path: Path) -> None:
    import matplotlib as mpl
    import study

    declared = loaded(path)
    found = study.main(declared, ["--page", "--pages", str(tmp_path)])
    for arm in declared.arms:
        assert len(found.of(arm)) >= 3
    name = declared.name
    assert (tmp_path / f"{name}.md").read_text() == (PAGES / f"{name}.md").read_text()
    plot = (PAGES / f"{name}.svg").read_text()
    # Every version of the drawer draws a little differently.
    if f"Matplotlib v{mpl.__version__}," in plot:
        assert (tmp_path / f"{name}.svg").read_text() == plot


def test_the_table_of_studies_is_what_the_results_give() -> None:
    import page

    assert page.index() == (PAGES / "index.md").read_text()


def test_the_catalogue_lists_every_study() -> None:
    listed = {line.split()[-1] for system in catalogue().values() for line in system.study}
    assert listed == {f"benchmarks/learning/{path.name}" for path in SCRIPTS}


@pytest.mark.parametrize(
    ("bounds", "held", "said"),
    [
        ((0.1, 0.3), "yes", "0.2 [0.1, 0.3]"),
        ((-0.1, 0.3), "undecided", "0.1 [−0.1, 0.3]"),
        ((-0.4, -0.001), "no", "−0.2 [−0.4, 0.0]"),
    ],
)
def test_a_claim_holds_where_its_interval_says_so(bounds: tuple[float, float], held: str, said: str) -> None:
    import declared

    estimate = Estimate(sum(bounds) / 2, *bounds, 3, 3, 0, "t")
    assert declared.judged(estimate) == declared.within(estimate, 0.05, 1.0) == held
    assert declared.told(estimate, 1) == said


def test_differences_are_paired_by_seed_and_curves_aligned() -> None:
    import results

    def training(arm: str, seed: int, right: int, points: list[Any]) -> Any:
        measures = {"solved": results.Share(right, 10)}
        times = {"seconds": 1, "cpu_seconds": 1}
        curves = {"c": points}
        return results.Training(arm=arm, seed=seed, turnwise="0", measures=measures, curves=curves, **times)

    found = results.Results(
        study="s",
        size={},
        runs=[
            training("b", 1, 9, [(10, 1.0), (20, 3.0)]),
            training("a", 0, 2, [0.5, None]),
            training("b", 0, 6, [(10, 0.0), (20, 1.0), (30, 1.0)]),
            training("a", 1, 3, [1.5, 2.5]),
        ],
    )
    difference = found.difference("b", "a", "solved")
    # 0.4 and 0.6: mean 0.5, standard error 0.1, t(1, 97.5 %) = 12.706.
    assert difference.mean == pytest.approx(0.5)
    assert difference.low == pytest.approx(0.5 - 1.2706, abs=1e-3)
    assert found.counted("b", "solved") == results.Share(15, 20)
    x, ys = found.curves("b", "c")
    assert (x.tolist(), ys.tolist()) == ([10, 20], [[0, 1], [1, 3]])
    assert found.curves("a", "c")[0].tolist() == [1, 2]
