"""The pytest plug-in: tasks as tests, the whole as one, what is played, and what is refused."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

import turnwise
from turnwise.engine.report import report

pytest_plugins = ["pytester"]

SHOP = """
from turnwise import Environment, Task


class Shop(Environment, frozen=True, kw_only=True):
    count: int = 4

    def tasks(self):
        return [Task(id=f"t{n}") for n in range(self.count)]

    async def run(self, task, episode):
        reply = await episode.agent.respond(task.id)
        if reply.text == "crash":
            raise ValueError("it broke")
        episode.metric("long", len(reply.text))
        if reply.text != task.id:
            episode.note([f"said {reply.text}"], name="reasons")
        episode.reward(float(reply.text == task.id))

    def agents(self):
        return {
            "echo": lambda messages: messages[-1].text,
            "most": lambda messages: "no" if messages[-1].text == "t2" else messages[-1].text,
            "crash": lambda messages: "crash" if messages[-1].text == "t1" else messages[-1].text,
        }
"""


@pytest.fixture(scope="module", autouse=True)
def _loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """All that a run needs is loaded: modules that a session within this one loads are forgotten after it."""
    store = tmp_path_factory.mktemp("loaded") / "t.db"
    report(turnwise.run("number_guess", "solver", limit=2, store=store))


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:asyncio -p no:xdist")
    pytester.makepyfile(shop=SHOP)
    return pytester


def runs(suite: pytest.Pytester) -> list[turnwise.Run]:
    return turnwise.runs(suite.path / ".pytest_cache" / "d" / "turnwise" / "runs.db")


def written(suite: pytest.Pytester, body: str) -> None:
    suite.makepyfile(test_shop="import pytest\nfrom shop import Shop\n" + textwrap.dedent(body))


def test_each_task_is_a_test(suite: pytest.Pytester) -> None:
    written(suite, "@pytest.mark.turnwise(Shop, agent='most')\ndef test_it(): ...")
    done = suite.runpytest("-v")
    done.assert_outcomes(passed=3, failed=1)
    done.stdout.fnmatch_lines(
        [
            "*test_it?t0? PASSED*",
            "*test_it?t2? FAILED*",
            "t2: score 0 is under 1",
            "  shop-*/2: said no",
            "0.750 * turnwise show shop-* --store *runs.db",
        ]
    )
    (run,) = runs(suite)
    assert len(run.episodes()) == 4


def test_only_what_is_selected_is_played_and_what_failed_again(suite: pytest.Pytester) -> None:
    written(suite, "@pytest.mark.turnwise('shop:Shop', agent='most', each=0.5, epochs=2)\ndef test_it(): ...")
    suite.runpytest("-k", "t1 or t2").assert_outcomes(passed=1, failed=1, deselected=2)
    suite.runpytest("--lf").assert_outcomes(failed=1)
    last, first = runs(suite)
    assert [row.task for row in last.episodes()] == ["t2", "t2"]
    assert [row.task for row in first.episodes()] == ["t1", "t2", "t1", "t2"]


def test_nothing_is_played_for_counting_or_skipping(suite: pytest.Pytester) -> None:
    body = """
    @pytest.mark.turnwise(Shop, agent='echo')
    def test_each(): ...

    @pytest.mark.skipif(True, reason='no')
    @pytest.mark.turnwise(Shop, agent=None, at_least=1)
    def test_whole(): ...
    """
    written(suite, body)
    suite.runpytest("--collect-only", "-q").stdout.fnmatch_lines(["*test_each?t3?", "*test_whole"])
    suite.runpytest("-k", "whole").assert_outcomes(skipped=1, deselected=4)
    assert not (suite.path / ".pytest_cache" / "d" / "turnwise").exists()


def test_the_whole_is_one_test(suite: pytest.Pytester) -> None:
    body = """
    @pytest.mark.turnwise(environment=Shop, agent='most', at_least=0.75)
    def test_enough(): ...

    @pytest.mark.turnwise(Shop, agent='most', at_least={'score': 0.8, 'long': 2})
    def test_too_little(): ...

    @pytest.mark.turnwise(Shop, agent='echo', at_least={'lang': 2})
    def test_no_such_metric(): ...
    """
    written(suite, body)
    done = suite.runpytest()
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines(
        ["score 0.750 * is under 0.8", "  shop-*/2: said no", "no episode has a lang (did you mean 'long'?)"]
    )


def test_a_function_that_takes_a_fixture_judges_by_itself(suite: pytest.Pytester) -> None:
    body = """
    @pytest.mark.turnwise(Shop, agent='most')
    def test_run(turnwise_run):
        assert turnwise_run.score.mean == 0.75

    @pytest.mark.turnwise(Shop, agent='most', settings={})
    def test_task(turnwise_task):
        assert (turnwise_task.score == 1) == (turnwise_task.task != 't2')

    @pytest.mark.turnwise(Shop, agent='echo', each=1)
    def test_both(turnwise_task):
        assert turnwise_task.tries[0].score == 2
    """
    written(suite, body.replace(", settings={}", ""))
    suite.runpytest().assert_outcomes(passed=5, failed=4)


def test_an_episode_that_broke_is_a_failure_and_a_run_that_cannot_be_an_error(suite: pytest.Pytester) -> None:
    body = """
    @pytest.mark.turnwise(Shop, agent='crash')
    def test_it(): ...

    @pytest.mark.turnwise(Shop, agent='ecko', at_least=1)
    def test_nobody(): ...

    @pytest.mark.turnwise(Shop, agent='crash', max_errors=0, at_least=1)
    def test_stopped(): ...
    """
    written(suite, body)
    done = suite.runpytest()
    done.assert_outcomes(passed=3, failed=1, errors=2)
    done.stdout.fnmatch_lines(
        ["*unknown agent 'ecko'*did you mean 'echo'*", "*go on with: turnwise resume*"], consecutive=False
    )
    done.stdout.fnmatch_lines(["t1: no score", "  shop-*/1: ValueError: it broke"])


@pytest.mark.parametrize(
    ("mark", "takes", "words"),
    [
        ("agent='echo'", "", "expected one environment"),
        ("Shop, Shop", "", "expected one environment"),
        ("Shop, each=1, at_least=1", "", "give one of the two"),
        ("Shop, at_least=1", "turnwise_task", "are of the whole"),
        ("'shop:Shap'", "", "has no 'Shap' (did you mean 'Shop'?)"),
        ("Shop, limit=0", "", "limit: expected at least 1"),
        ("Shop, ids=['t9']", "", "has no task 't9'"),
    ],
)
def test_what_cannot_be_is_told_when_it_is_collected(
    suite: pytest.Pytester, mark: str, takes: str, words: str
) -> None:
    written(suite, f"@pytest.mark.turnwise({mark})\ndef test_it({takes}): ...")
    done = suite.runpytest()
    done.assert_outcomes(errors=1)
    assert words in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_a_fixture_without_the_marker(suite: pytest.Pytester) -> None:
    written(suite, "def test_it(turnwise_run): ...")
    done = suite.runpytest()
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*test_it takes turnwise_run: mark it*"])


def test_a_file_beside_the_test_and_a_store_by_name(suite: pytest.Pytester) -> None:
    folder = suite.mkdir("inner")
    (suite.path / "shop.py").rename(folder / "place.py")
    (folder / "test_place.py").write_text(
        "import pytest\n"
        "@pytest.mark.turnwise('place.py:Shop', agent='echo', settings={'count': 2})\n"
        "def test_it(): ...\n"
    )
    suite.runpytest("--turnwise-store", "mine.db", "--strict-markers").assert_outcomes(passed=2)
    (run,) = turnwise.runs(suite.path / "mine.db")
    assert run.config.settings == {"count": 2}
    suite.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=2)
    assert (suite.path / "turnwise.db").exists()


def test_a_config_file_with_what_else_is_said_on_top(suite: pytest.Pytester) -> None:
    (suite.path / "suite.toml").write_text(
        'environment = "shop:Shop"\nepochs = 2\n[settings]\ncount = 1\n'
        '[agents]\nagent = {use = "echo", window = 3}\n'
    )
    body = """
    @pytest.mark.turnwise(config='suite.toml')
    def test_as_it_is(): ...

    @pytest.mark.turnwise(config='suite.toml', agent='most', epochs=3, at_least=1)
    def test_otherwise(): ...
    """
    written(suite, body)
    suite.runpytest().assert_outcomes(passed=2)
    last, first = (run.config for run in runs(suite))
    assert (first.epochs, first.agents["agent"].window, first.agents["agent"].use) == (2, 3, "echo")
    assert (last.epochs, last.agents["agent"].use) == (3, "most")
    written(suite, "@pytest.mark.turnwise(config='nowhere.toml')\ndef test_it(): ...")
    assert "cannot read the config" in suite.runpytest().stdout.str()


def test_each_process_plays_its_own_tasks(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xdist")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:asyncio")
    written(suite, "@pytest.mark.turnwise(Shop, agent='most')\ndef test_it(): ...")
    suite.runpytest_subprocess("-n", "2").assert_outcomes(passed=3, failed=1)
    assert sorted(row.task for run in runs(suite) for row in run.episodes()) == ["t0", "t1", "t2", "t3"]


def test_nothing_is_imported_before_it_is_used(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_plain="""
        import sys

        def test_it():
            assert "pytest_turnwise" in sys.modules
            assert "turnwise" not in sys.modules
        """
    )
    suite.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_plug_in_is_one_file() -> None:
    import pytest_turnwise

    assert [path.name for path in Path(pytest_turnwise.__file__).parent.glob("*.py")] == ["__init__.py"]
