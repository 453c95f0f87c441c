"""GUI Exploration Lab: graphs, screens, the oracle, splits; random players against their Markov chain."""

from __future__ import annotations

import io
import math
import random
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import play

import turnwise
from turnwise.environments.gui_exploration_lab import (
    GuiExplorationLab,
    GuiExplorationLabKnowledge,
    GuiExplorationLabStep,
    GuiKnowledgeTask,
    GuiStepTask,
    GuiTask,
)
from turnwise.environments.gui_exploration_lab.draw import render
from turnwise.environments.gui_exploration_lab.graph import BACK, HOME, Graph, distances
from turnwise.environments.gui_exploration_lab.protocol import Act, read, write
from turnwise.environments.gui_exploration_lab.screens import (
    BAR,
    HEIGHT,
    TITLE,
    WIDTH,
    App,
    Plan,
    Shift,
    app,
    centre,
)
from turnwise.environments.gui_exploration_lab.world import GuiWorld, Rules
from turnwise.errors import ConfigError, TaskError
from turnwise.log import Stop
from turnwise.message import Image

SMALL = Plan(screens=7, branching=3, depth=2, links=2, distractors=1)

#     0
#    / \
#   1   2      and a link from 3 to 2; on 1 an icon that opens nothing.
#   |
#   3
BY_HAND = Graph(parents=(0, 0, 0, 1), icons=((1, 2), (3, None), (), (2,)))


def text_lab(**changes: Any) -> GuiExplorationLab:
    return GuiExplorationLab(observation="text", **changes)


# The graph ------------------------------------------------------------------------------------------------


def test_distances_and_best_moves_of_a_graph_worked_by_hand() -> None:
    assert distances(BY_HAND, 2) == (1, 2, 0, 1)
    assert distances(BY_HAND, 3) == (2, 1, 3, 0)
    assert distances(BY_HAND, 0) == (0, 1, 1, 1)
    assert BY_HAND.best(3, 2) == (0,)
    assert BY_HAND.best(1, 0) == (BACK, HOME)
    assert BY_HAND.best(2, 3) == (BACK, HOME)
    assert BY_HAND.best(1, 2) == (0, BACK, HOME)
    assert BY_HAND.best(3, 3) == ()
    assert BY_HAND.after(1, 1) == 1


@given(seed=st.integers(0, 10_000), popups=st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_every_screen_can_be_reached_from_every_other_within_the_depth_and_one(
    seed: int, popups: int
) -> None:
    graph = app(seed, SMALL._replace(popups=popups)).graph
    for goal in range(SMALL.screens):
        assert all(0 <= far <= SMALL.depth + 1 for far in distances(graph, goal))


# Screens --------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_boxes_are_disjoint_and_on_the_screen_and_each_click_follows_its_edge(seed: int) -> None:
    drawn = app(seed, Plan())
    for at, screen in enumerate(drawn.screens):
        for icon in screen.icons:
            left, top, right, bottom = icon.box
            assert 0 <= left < right <= WIDTH
            assert TITLE <= top < bottom <= HEIGHT - BAR
        for one, other in combinations(screen.icons, 2):
            assert (
                one.box[2] <= other.box[0]
                or other.box[2] <= one.box[0]
                or one.box[3] <= other.box[1]
                or other.box[3] <= one.box[1]
            )
        for move, icon in enumerate(screen.icons):
            left, top, right, bottom = icon.box
            for x, y in ((left, top), (right - 1, bottom - 1), centre(icon.cell)):
                assert screen.hit(x, y) == move
            assert screen.hit(left - 1, top) != move
            assert screen.hit(right, top) != move
            target = drawn.graph.icons[at][move]
            assert target is None or icon.look == drawn.screens[target].look
        assert (screen.hit(30, HEIGHT - 20), screen.hit(160, HEIGHT - 20)) == (BACK, HOME)
        assert screen.hit(WIDTH // 2, HEIGHT - 20) is None


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    show = (
        "from turnwise.environments.gui_exploration_lab.screens import Plan, app\n"
        "from turnwise.environments.gui_exploration_lab.draw import render\n"
        "print(' '.join(render(screen).digest for screen in app(5, Plan(screens=6)).screens))"
    )
    there = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout
    here = [render(screen).digest for screen in app(5, Plan(screens=6)).screens]
    assert there.split() == here
    assert len(set(here)) == 6


def test_a_screen_is_a_small_palette_png_whose_pixels_show_the_icons() -> None:
    from PIL import Image as Images

    screen = app(5, Plan()).screens[0]
    image = render(screen)
    assert image.media_type == "image/png"
    assert image.data is not None
    assert len(image.data) < 4000
    drawn = Images.open(io.BytesIO(image.data))
    assert (drawn.size, drawn.mode) == ((WIDTH, HEIGHT), "P")
    for icon in screen.icons:
        assert len(drawn.crop(icon.box).getcolors() or []) >= 3  # paper, its colour, its label
    # Every pixel of the content area that is not paper belongs to some icon's box.
    inked = [
        (x, y)
        for y in range(TITLE, HEIGHT - BAR)
        for x in range(WIDTH)
        if drawn.getpixel((x, y)) != 0 and screen.hit(x, y) is None
    ]
    assert inked == []


def test_the_words_tell_every_icon_and_its_place() -> None:
    screen = app(5, Plan()).screens[0]
    for icon in screen.icons:
        assert f"- icon {icon.label}, {icon.look.words}, at {icon.box}" in screen.words
    unlabelled = app(5, Plan(labels=False)).screens[0]
    assert f"- icon {unlabelled.icons[0].look.words}, at" in unlabelled.words


@pytest.mark.parametrize("shift", ["images", "names", "layout", "noise"])
def test_a_shift_changes_one_thing_and_leaves_the_rest(shift: Shift) -> None:
    plain, shifted = app(9, Plan()), app(9, Plan(shift=shift))

    def seen(drawn: App, what: str) -> list[Any]:
        real = [
            [icon for icon, target in zip(screen.icons, targets, strict=True) if target is not None]
            for screen, targets in zip(drawn.screens, drawn.graph.icons, strict=True)
        ]
        read_icon = {"images": lambda i: i.look, "names": lambda i: i.label, "layout": lambda i: i.box}[what]
        return [[read_icon(icon) for icon in icons] for icons in real]

    for what in ("images", "names", "layout"):
        assert (seen(plain, what) == seen(shifted, what)) == (what != shift)
    targets = [[icon for icon in icons if icon is not None] for icons in plain.graph.icons]
    assert targets == [[icon for icon in icons if icon is not None] for icons in shifted.graph.icons]
    extra = sum(map(len, shifted.graph.icons)) - sum(map(len, plain.graph.icons))
    assert extra == (3 * 30 if shift == "noise" else 0)


# Actions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "act"),
    [
        ("click(10, 20)", Act("click", 10, 20)),
        ("I see the icon.\nAction: CLICK( 10 ,20 ).", Act("click", 10, 20)),
        ("back()", Act("back")),
        ("Home", Act("home")),
        ("I am there.\n\ncomplete()\n", Act("complete")),
        ("click(256, 20)", None),
        ("click(10, 448)", None),
        ("click(-1, 20)", None),
        ("click(１, ２)", None),
        ("click(" + "9" * 9999 + ", 1)", None),
        ("back()\nor not", None),
        ("click(1)", None),
        ("", None),
    ],
)
def test_the_last_line_is_the_action(reply: str, act: Act | None) -> None:
    assert read(reply) == act


@given(reply=st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_reply_takes_an_action_and_gives_an_observation(reply: str) -> None:
    game = GuiWorld(app(1, SMALL), 0, 5, Rules(observation="text"))
    game.step(reply)
    assert game.over or game.left == game.budget - 1
    assert isinstance(game.observe(), str)


# The game -------------------------------------------------------------------------------------------------


def by_hand(**changes: Any) -> GuiWorld:
    """From 0 to 3 of the graph worked by hand, with looks of some app of four screens."""
    looks = app(0, Plan(screens=4, branching=2, depth=2, links=0, distractors=0)).screens
    return GuiWorld(App(BY_HAND, looks), 0, 3, Rules(observation="text", **changes))


def test_rewards_and_budget_of_the_way_worked_by_hand() -> None:
    game = by_hand()
    # Two moves and the declaration: 3; twice that and 2 more: 8.
    assert (game.shortest, game.budget) == (3, 8)
    game.at = 3
    done = game.step("complete()")
    assert ([tuple(gain)[:2] for gain in done.gains], game.over, game.outcome) == (
        [(1.0, "success")],
        True,
        "reached",
    )
    assert game.metrics()["efficiency"] == 3.0
    assert by_hand(declare=False).budget == 6


def test_declaring_on_the_wrong_screen_ends_without_reward() -> None:
    game = by_hand()
    assert game.step("complete()").gains == ()
    assert (game.over, game.outcome, game.metrics()["success"]) == (True, "wrong screen", 0.0)
    assert "efficiency" not in game.metrics()


def test_malformed_replies_cost_an_action_and_the_penalty_until_none_is_left() -> None:
    game = by_hand()
    steps = [game.step("hm") for _ in range(8)]
    assert [step.gains[0][:2] for step in steps] == [(-0.1, "format")] * 8
    assert not any(step.valid for step in steps)
    assert (game.over, game.outcome) == (True, "out of actions")


def test_clicks_beside_icons_and_back_at_home_do_nothing() -> None:
    game = by_hand()
    for reply in (f"click({WIDTH // 2}, {HEIGHT - 5})", "back()", "home()"):
        assert game.step(reply).valid
        assert game.at == 0
        assert str(game.observe()).startswith("Nothing happened.")
    assert game.metrics()["detours"] == 3


def test_without_a_declaration_reaching_is_enough() -> None:
    game = by_hand(declare=False)
    # Icon positions are the app's, edges those of the graph worked by hand.
    game.at = 1
    assert game.step(write(game.screen, 0).words).gains[0][:2] == (1.0, "success")
    assert game.outcome == "reached"


def test_a_slip_leads_astray_and_the_solver_recovers() -> None:
    lab = text_lab(slip=True, graphs=3)
    for task in list(lab.tasks())[:30]:
        plain = distances(lab.app(task).graph, task.goal)[task.start]
        episode = play(lab, task, agent=lab.agents()["solver"])
        assert episode.metrics["success"] == episode.metrics["efficiency"] == 1
        if episode.metrics["slipped"]:
            assert episode.metrics["shortest"] >= plain + 1
            assert "was a mistake" in episode.turns[0].text


def test_popups_lead_to_the_trap() -> None:
    trapped = app(2, SMALL._replace(popups=2))
    trap = trapped.graph.trap
    assert trap == 7
    at = next(screen for screen, icons in enumerate(trapped.graph.icons) if trap in icons)
    goal = next(screen for screen in range(1, 7) if screen != at)
    game = GuiWorld(trapped, at, goal, Rules(observation="text"))
    game.step(write(game.screen, trapped.graph.icons[at].index(trap)).words)
    assert (game.at, game.metrics()["trapped"]) == (7, 1)
    assert game.screen.name == "Free!"
    game.step("back()")
    assert game.at == 0


# The whole ------------------------------------------------------------------------------------------------


def test_the_oracle_always_succeeds_by_a_shortest_way_whatever_it_is_shown(tmp_path: Path) -> None:
    for form in ("image", "text", "both"):
        lab = GuiExplorationLab(observation=form, graphs=2)
        run = turnwise.run(lab, "solver", store=tmp_path / "t.db", limit=20)
        assert run.score.mean == 1.0
        assert all(log.metrics["efficiency"] == 1.0 for log in run.logs())


def test_the_oracle_finds_its_way_back_from_wherever_it_is_put(tmp_path: Path) -> None:
    lab = GuiExplorationLab(graphs=1, spare=10)
    run = turnwise.run(lab, lambda _: "home()", store=tmp_path / "t.db", limit=3)
    for number in range(3):
        forked = turnwise.fork(
            f"{run.id}/{number}", 4, store=tmp_path / "t.db", agents={"agent": "solver"}, environment=lab
        )
        assert forked.score.mean == 1.0


def test_images_are_parts_of_the_messages_and_the_text_form_has_none() -> None:
    lab = GuiExplorationLab(graphs=1)
    task = next(iter(lab.tasks()))
    for form, images in (("image", 1), ("both", 1), ("text", 0)):
        shown = GuiExplorationLab(graphs=1, observation=form)
        episode = play(shown, task, agent=shown.agents()["solver"])
        content = episode.turns[0].message.content
        found = [part for part in content if isinstance(part, Image)] if not isinstance(content, str) else []
        assert len(found) == images
        assert ("Boxes are" in episode.turns[0].text) == (form != "image")


def test_the_text_form_needs_no_pillow(tmp_path: Path) -> None:
    blocked = (
        "import sys; sys.modules['PIL'] = None\n"
        "import turnwise\n"
        "from turnwise.environments.gui_exploration_lab import GuiExplorationLab as Lab\n"
        f"run = turnwise.run(Lab(observation='text'), 'solver', store={str(tmp_path / 't.db')!r}, limit=2)\n"
        "assert run.score.mean == 1.0\n"
        "world = Lab(observation='text').world(next(iter(Lab().tasks())), None)\n"
        "assert isinstance(world.picture(), str)\n"
        "try: Lab().world(next(iter(Lab().tasks())), None).observe()\n"
        "except turnwise.errors.ConfigError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=False)
    assert "install turnwise[worlds]" in done.stdout, done.stderr


def chance_of_success(graph: Graph, start: int, goal: int, actions: int, *, declare: bool) -> float:
    """Of a player that draws its icons, back, home (and the declaration) alike, from the chain's matrix."""
    size = len(graph.icons)
    chain = np.zeros((size + 2, size + 2))
    won, lost = size, size + 1
    chain[won, won] = chain[lost, lost] = 1
    for screen in range(size):
        targets = [screen if icon is None else icon for icon in graph.icons[screen]]
        targets += [graph.parents[screen], 0]
        if declare:
            targets.append(won if screen == goal else lost)
        for target in targets:
            chain[screen, won if not declare and target == goal else target] += 1 / len(targets)
    assert np.allclose(chain.sum(axis=1), 1)
    return float(np.linalg.matrix_power(chain, actions)[start, won])


@pytest.mark.parametrize("declare", [True, False])
def test_random_players_succeed_as_often_as_the_markov_chain_says(declare: bool, tmp_path: Path) -> None:
    lab = text_lab(
        screens=7, branching=3, depth=2, links=2, distractors=1, declare=declare, spare=10, graphs=1
    )
    epochs = 1000
    task = next(iter(lab.tasks()))
    game = lab.world(task, random.Random(0))
    assert isinstance(game, GuiWorld)
    exact = chance_of_success(game.app.graph, task.start, task.goal, game.budget, declare=declare)
    run = turnwise.run(lab, "random", tasks=[task], epochs=epochs, store=tmp_path / "t.db")
    seen = sum(log.metrics["success"] for log in run.logs()) / epochs
    error = math.sqrt(exact * (1 - exact) / epochs)
    assert 0.02 < exact < 0.98
    assert abs(seen - exact) < 4 * error


def test_splits_share_no_app_and_pairs_no_way() -> None:
    def ways(**changes: Any) -> set[tuple[int, int, int]]:
        lab = text_lab(count=2000, graphs=2, min_distance=1, **changes)
        return {(task.seed, task.start, task.goal) for task in lab.tasks()}

    train, test = ways(split="train"), ways(split="test")
    assert {seed for seed, *_ in train} & {seed for seed, *_ in test} == set()
    seen, unseen = ways(split="train", pairs="seen"), ways(split="train", pairs="unseen")
    assert seen & unseen == set()
    assert seen | unseen == train
    assert len(train) == 2 * 30 * 29
    # Every edge is seen: neighbours are never held out.
    lab = text_lab(split="train", graphs=2)
    for seed, start, goal in unseen:
        graph = lab.app(GuiTask(id="t", seed=seed, start=start, goal=goal)).graph
        assert distances(graph, goal)[start] > 1


def test_distances_asked_for_are_kept() -> None:
    lab = text_lab(min_distance=3, max_distance=3)
    for task in lab.tasks():
        assert distances(lab.app(task).graph, task.goal)[task.start] == 3


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"screens": 30, "branching": 2, "depth": 3}, "at most 15, not 30"),
        ({"screens": 1}, "expected screens 2-400"),
        ({"distractors": 15}, "do not fit"),
        ({"factor": 0.5}, "expected factor 1-100"),
        ({"popups": -1}, "must not be negative"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        GuiExplorationLab(**changes)


def test_distances_that_do_not_occur_are_refused() -> None:
    with pytest.raises(ConfigError, match="no all pair of screens is 9 to inf moves apart"):
        list(GuiExplorationLab(min_distance=9).tasks())


# One step -------------------------------------------------------------------------------------------------


def step_reward(task: GuiStepTask, reply: str, lab: GuiExplorationLabStep) -> list[float | None]:
    episode = play(lab, task, agent=lambda _: reply)
    assert episode.stop == Stop.COMPLETED
    return [reward.value for reward in episode.rewards]


def test_the_three_terms_of_one_step() -> None:
    lab = GuiExplorationLabStep(observation="text", graphs=1)
    for task in list(lab.tasks())[:20]:
        graph, screens = lab.app(task)
        at = task.start
        for _ in range(task.done):
            at = graph.after(at, graph.best(at, task.goal)[0])
        right = graph.best(at, task.goal)
        if not right:
            assert step_reward(task, "complete()", lab) == [1, 1, 1]
            assert step_reward(task, "back()", lab) == [1, 0, 0]
            continue
        assert step_reward(task, write(screens[at], right[0]).words, lab) == [1, 1, 1]
        assert step_reward(task, "complete()", lab) == [1, 0, 0]
        assert step_reward(task, "what?", lab) == [0, 0, 0]
        if all(move >= 0 for move in right):
            assert step_reward(task, f"click({WIDTH // 2}, {HEIGHT - 5})", lab) == [1, 1, 0]
        if BACK in right:
            # The drawn button does what the system action does; its type counts as that action's.
            assert step_reward(task, f"click(30, {HEIGHT - 20})", lab) == [1, 1, 1]


def test_one_step_tells_what_was_done_and_its_solver_is_always_right(tmp_path: Path) -> None:
    lab = GuiExplorationLabStep(observation="text", graphs=2)
    run = turnwise.run(lab, "solver", store=tmp_path / "t.db")
    assert run.score.mean == 3.0
    first, second = (run.episode(number).turns[0].text for number in (0, 1))
    assert "Actions so far: none." in first
    assert f"Actions so far: {run.episode(0).turns[1].text}. What is the next one?" in second


# What is known --------------------------------------------------------------------------------------------


def asked(ask: str, reply: str, number: int = 0, **changes: Any) -> float | None:
    lab = GuiExplorationLabKnowledge(observation="text", graphs=1, ask=ask, **changes)
    return play(lab, list(lab.tasks())[number], agent=lambda _: reply).score()


def test_answers_about_icons_worked_by_hand_from_what_is_shown() -> None:
    lab = GuiExplorationLabKnowledge(observation="text", graphs=1, ask="ground")
    task = next(iter(lab.tasks()))
    drawn = app(task.seed, lab.plan)
    icon = drawn.screens[task.screen].icons[task.icon]
    left, top, right, _ = icon.box
    assert asked("ground", f"There.\nclick({left}, {top})") == 1
    assert asked("ground", f"click({right}, {top})") == 0
    assert asked("ground", "back()") == 0
    colour, shape, *_ = icon.look.words.split()
    assert asked("name", f"{colour} {shape} {icon.look.glyph}") == 1
    assert asked("name", f" {colour.upper()} {shape} {icon.look.glyph}. ") == 1
    assert asked("name", f"{colour} {shape}") == 0
    target = drawn.graph.icons[task.screen][task.icon]
    assert asked("edge", "nothing" if target is None else drawn.screens[target].name) == 1
    assert asked("edge", drawn.screens[task.screen].name) == 0


def test_edges_are_asked_from_memory_and_places_with_the_screen() -> None:
    lab = GuiExplorationLabKnowledge(graphs=1)
    for task in list(lab.tasks())[:6]:
        content = play(lab, task, agent=lambda _: "").turns[0].message.content
        assert isinstance(content, str) == (task.ask == "edge")


def test_a_solver_knows_every_answer_and_guessing_knows_few(tmp_path: Path) -> None:
    lab = GuiExplorationLabKnowledge(observation="text", count=120)
    assert len({(t.seed, t.ask, t.screen, t.icon) for t in lab.tasks()}) == 120
    means = [turnwise.run(lab, agent, store=tmp_path / "t.db").score.mean for agent in ("solver", "random")]
    assert means[0] == 1.0
    assert (means[1] or 0.0) < 0.25


def test_tasks_of_another_app_are_refused() -> None:
    lab = text_lab()
    with pytest.raises(TaskError, match="two different screens from 0 to 29, got 3 and 30"):
        lab.world(GuiTask(id="t", seed=0, start=3, goal=30), random.Random(0))
    with pytest.raises(TaskError, match="no screen 99 with an icon 0"):
        GuiExplorationLabKnowledge().world(
            GuiKnowledgeTask(id="t", seed=0, ask="edge", screen=99, icon=0), random.Random(0)
        )
