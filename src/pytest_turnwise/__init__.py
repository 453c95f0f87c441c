"""The pytest plug-in of Turnwise: a marked function plays an environment, and its tasks are tests.

    @pytest.mark.turnwise(Shop, agent="solver", each=1)
    def test_every_task_can_be_done() -> None: ...

    @pytest.mark.turnwise("shop:Shop", agent="http://localhost:8080/chat", epochs=3, at_least=0.8)
    def test_the_assistant() -> None: ...

With `each`, every task is a test of its own (`test_…[cancel]`), whose mean score must reach it; so `-k`,
`--lf` and reports speak of tasks, and only the tasks that are selected are played: all at once, when the
first is due. With `at_least` (a number for the mean score, or `{metric: number}`) the run as a whole is one
test. A function that takes the fixture `turnwise_task` (what became of its task) or `turnwise_run` judges by
itself, unless it says one of the two as well; without any of them `each` is 1. With `config`, a file as of
`turnwise run --config` says what is not said here. All other keywords go to `turnwise.run`.

Why a marker: what is played is then known when tests are collected, before anything is, as pytest wants it
for selecting, counting and sharing tests among processes. Under xdist each process plays its own tasks.

Nothing of `turnwise` is imported before a marked function is collected.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest

if TYPE_CHECKING:
    from turnwise import Run
    from turnwise.engine.report import Played, Report

_MOST = 10
"""Lines on what went wrong."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where runs are kept."""
    parser.getgroup("turnwise").addoption(
        "--turnwise-store",
        metavar="STORE",
        help="Where runs of marked tests are kept; by default in pytest's cache folder.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "turnwise(environment, agent=None, each=1, at_least=None, **options): play an environment; each task "
        "must reach `each`, or the mean `at_least`.",
    )


class Suite:
    """What one marked function plays.

    Args:
        config: Pytest's.
        mark: The marker.
        fixtures: What the function takes.
        folder: Of its file; places of environments are sought there, too.
    """

    def __init__(
        self, config: pytest.Config, mark: pytest.Mark, fixtures: Sequence[str], folder: Path
    ) -> None:
        self.config = config
        self.options = _with_config(dict(mark.kwargs), folder)
        named = (*mark.args, self.options.pop("environment", None))
        if len(mark.args) > 1 or named[0] is None:
            _refuse("expected one environment: turnwise(Shop, …) or turnwise('shop:Shop', …)")
        self.environment: Any = _near(named[0], folder)
        self.each: float | None = self.options.pop("each", None)
        self.at_least: Any = self.options.pop("at_least", None)
        if self.each is not None and self.at_least is not None:
            _refuse("each asks something of every task, at_least of the whole: give one of the two")
        self.whole = self.at_least is not None or "turnwise_run" in fixtures
        if not self.whole and self.each is None and "turnwise_task" not in fixtures:
            self.each = 1.0
        if self.whole and (self.each is not None or "turnwise_task" in fixtures):
            _refuse("turnwise_run and at_least are of the whole, turnwise_task and each of one task")
        self.selected: list[str] = []
        """Tasks that are due in this session."""
        self._runs: dict[tuple[str, ...], tuple[Run, Report]] = {}

    def tasks(self) -> list[str]:
        """The ids of all tasks."""
        from turnwise.engine import resolve
        from turnwise.engine.config import parse
        from turnwise.errors import TurnwiseError

        given = self.environment
        made = given() if isinstance(given, type) else given
        picked = {name: self.options[name] for name in _PICK if name in self.options}
        try:
            config = parse({**picked, "environment": made if isinstance(made, str) else made.name})
            if isinstance(made, str):
                made = resolve.environment(config)
            return [task.id for task in resolve.tasks(config, made)]
        except TurnwiseError as error:
            _refuse(str(error))

    def run(self, *ids: str) -> tuple[Run, Report]:
        """Play tasks, or all; what was played is not played again."""
        if ids not in self._runs:
            self._runs[ids] = self._play(ids)
        return self._runs[ids]

    def task(self, name: str) -> Played:
        """What became of a task: of all that are due, it is played among them."""
        shared = not hasattr(self.config, "workerinput") and name in self.selected
        _, report = self.run(*(self.selected if shared else [name]))
        return next(played for played in report.tasks if played.task == name)

    def runs(self) -> list[Run]:
        """What was played."""
        return [run for run, _ in self._runs.values()]

    def _play(self, ids: tuple[str, ...]) -> tuple[Run, Report]:
        from turnwise import RunStopped, run
        from turnwise.engine.report import report
        from turnwise.errors import TurnwiseError

        chosen = {"ids": ids} if ids else {}
        try:
            played = run(self.environment, **{**self.options, **chosen, "store": _store(self.config)})
        except RunStopped as stopped:
            pytest.fail(f"{stopped} {stopped.__cause__ or ''}".strip(), pytrace=False)
        except TurnwiseError as error:
            pytest.fail(str(error), pytrace=False)
        return played, report(played, solved=0.5 if self.each is None else self.each)


_PICK = ("tasks", "limit", "offset", "ids", "settings")
"""Options that say which tasks there are."""
_SUITES = pytest.StashKey[dict[str, Suite]]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each task, or one for the whole."""
    suite = _suite(metafunc.definition, metafunc.fixturenames)
    if suite is None or suite.whole:
        return
    if "turnwise_task" not in metafunc.fixturenames:
        metafunc.fixturenames.append("turnwise_task")
    names = suite.tasks()
    metafunc.parametrize("turnwise_task", names, ids=names, indirect=True)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which tasks are due."""
    for item in session.items:
        name = _task_of(item)
        suite = None if name is None else _suite(item)
        if suite is not None and name not in suite.selected:
            suite.selected.append(cast("str", name))


@pytest.fixture
def turnwise_run(request: pytest.FixtureRequest) -> Run:
    """The run that the marked function plays."""
    return _of(request).run()[0]


@pytest.fixture
def turnwise_task(request: pytest.FixtureRequest) -> Played:
    """What became of one task of the marked function: its score, and each try with its reasons."""
    return _of(request).task(request.param)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Play what is due; where that cannot be done, the test is an error, no failure."""
    suite = _suite(item)
    if suite is None:
        return
    name = _task_of(item)
    if name is None:
        item.user_properties.append(("turnwise_run", suite.run()[0].id))
    else:
        episodes = [("turnwise_episode", one.episode) for one in suite.task(name).tries]
        item.user_properties.extend(episodes)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """What the marker asks for, before what the function asserts."""
    suite = _suite(pyfuncitem)
    name = _task_of(pyfuncitem)
    if suite is not None and suite.at_least is not None:
        _whole(suite)
    elif suite is not None and suite.each is not None and name is not None:
        _each(suite.each, suite.task(name))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Which runs were played, and how to read them."""
    played = _played(config)
    if played:
        terminalreporter.section("turnwise", sep="-")
    for run in played:
        terminalreporter.write_line(f"{run.score}  turnwise show {run.id} --store {run.store.shown}")


def _each(least: float, played: Played) -> None:
    """Fail where one task has not reached what is asked of each."""
    if played.score is not None and played.score >= least:
        return
    tries = f" over {len(played.tries)} episodes" if len(played.tries) > 1 else ""
    if played.score is None:
        said = f"no score{tries}"
    else:
        said = f"score {played.score:.3g}{tries} is under {least:g}"
    told = [f"{one.episode}: {line}" for one in played.tries for line in one.reasons]
    pytest.fail("\n".join([f"{played.task}: {said}", *_some(told)]), pytrace=False)


def _whole(suite: Suite) -> None:
    """Fail where a mean has not reached what is asked of it."""
    from turnwise.engine.report import Threshold, at_least

    run, report = suite.run()
    asked = cast("dict[str, float] | float", suite.at_least)
    wanted = asked if isinstance(asked, dict) else {"score": asked}
    checks = [at_least(run, Threshold(of=of, least=float(least))) for of, least in wanted.items()]
    failed = [check.line for check in checks if not check.passed]
    if failed:
        short = [(one, line) for played in report.tasks for one in played.tries for line in one.reasons[:1]]
        told = [f"{one.episode}: {line}" for one, line in short]
        pytest.fail("\n".join([*failed, *_some(told)]), pytrace=False)


def _some(lines: Sequence[str]) -> list[str]:
    left = len(lines) - _MOST
    return [*(f"  {line}" for line in lines[:_MOST]), *([f"  … {left} more"] if left > 0 else [])]


def _suite(node: Any, fixtures: Sequence[str] | None = None) -> Suite | None:
    """What a function plays; None where it is not marked."""
    mark = node.get_closest_marker("turnwise")
    if mark is None:
        return None
    known = node.config.stash.setdefault(_SUITES, {})
    name = f"{node.parent.nodeid}::{getattr(node, 'originalname', None) or node.name}"
    if name not in known:
        taken = node.fixturenames if fixtures is None else fixtures
        known[name] = Suite(node.config, mark, taken, node.path.parent)
    return known[name]


def _of(request: pytest.FixtureRequest) -> Suite:
    suite = _suite(request.node)
    if suite is None:
        _refuse(
            f"{request.node.name} takes {request.fixturename}: mark it @pytest.mark.turnwise(environment, …)"
        )
    return suite


def _task_of(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get("turnwise_task")


def _with_config(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The marker's keywords on top of those of a config file, where one is named."""
    if "config" not in options:
        return options
    from turnwise.engine.config import parse, read_config
    from turnwise.engine.resolve import environment_type
    from turnwise.errors import TurnwiseError

    named = Path(options.pop("config"))
    path = folder / named if (folder / named).exists() else named
    try:
        raw = read_config(path)
        agents: dict[str, Any] = dict(parse(raw, where=str(path)).agents)
        named_here = "agent" in options and "environment" in raw
        first = environment_type(raw["environment"]).roles[0] if named_here else ""
    except TurnwiseError as error:
        _refuse(str(error))
    agents |= options.pop("agents", {})
    if first:
        agents[first] = options.pop("agent")
    return {**raw, **options, "agents": agents}


def _near(environment: Any, folder: Path) -> Any:
    """`file.py:Class` beside the test, where there is such a file."""
    if isinstance(environment, str):
        file, colon, name = environment.rpartition(":")
        if colon and file.endswith(".py") and (folder / file).is_file():
            return f"{folder / file}:{name}"
    return environment


def _store(config: pytest.Config) -> Any:
    named = config.getoption("--turnwise-store")
    if named:
        return named
    cache = getattr(config, "cache", None)
    if cache is None:
        return config.rootpath / "turnwise.db"
    return cast("Path", cache.mkdir("turnwise")) / "runs.db"


def _refuse(why: str) -> NoReturn:
    """End with one line.

    Raises:
        pytest.fail.Exception: always.
    """
    pytest.fail(f"turnwise: {why}", pytrace=False)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the stores."""
    for run in _played(config):
        run.store.close()


def _played(config: pytest.Config) -> list[Run]:
    """All runs of the session."""
    suites = config.stash.get(_SUITES, None) or {}
    return [run for suite in suites.values() for run in suite.runs()]
