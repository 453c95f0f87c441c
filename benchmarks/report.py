"""Write `docs/performance.md` from the results, so that the page cannot say anything else."""

from __future__ import annotations

import json
import statistics
from itertools import product
from pathlib import Path
from typing import Any

from common import HERE, RESULTS
from turnwise import metrics

PAGE = HERE.parent / "docs" / "performance.md"


def read(name: str) -> dict[str, Any]:
    """One result."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def line(what: str, target: str, found: str, *, met: bool) -> str:
    """One row of the table."""
    return f"| {what} | {target} | {found} | {'yes' if met else '**no**'} |"


def targets() -> list[str]:
    """The table of targets."""
    overhead, flight, turns = read("overhead"), read("in_flight"), read("turns")
    store, footprint = read("store"), read("footprint")
    less = overhead["times_less_than"]
    stored = min(value for name, value in less.items() if name.endswith("stored"))
    best = min(less.values())
    ours = overhead["peak_mb"]
    growth = ours["turnwise, stored, 5 times the episodes"] - ours["turnwise, stored"]
    few, many, base = flight["200"], flight["2000"], footprint["turnwise"]
    flat = turns["growth_10_to_160"]["turnwise"]
    measured = [
        ("CPU a turn, all stored, below the best peer that stores", 25, stored, "{:.0f} x"),
        ("CPU a turn, all stored, below the best peer, which stores nothing", 25, best, "{:.0f} x"),
        ("masked GAE, whitened, faster than verl's", 100, _faster("gae, whitened"), "{:.0f} x"),
        ("bi-level GAE, faster than RAGEN's", 1000, _faster("bi_level_gae"), "{:,.0f} x"),
        ("REINFORCE++, faster than verl's", 50, _faster("reinforce_plus_plus"), "{:.0f} x"),
        ("GiGPO, faster than verl-agent's", 10, _faster("gigpo"), "{:,.0f} x"),
        ("PPO loss, forward and backward, faster than padded", 8, min(_losses().values()), "{:.1f} x"),
        (
            "16 samples of 64 tokens, faster than TRL",
            1.7,
            _learn("generation", "faster_than_trl"),
            "{:.2f} x",
        ),
        ("8 turns, faster than TRL", 3, _learn("turns", "faster_than_trl"), "{:.2f} x"),
        ("a step of training, faster than TRL", 1.6, _learn("step", "faster_than_trl"), "{:.2f} x"),
        (
            "16 completions of a 512-token prompt, faster than rows",
            5,
            _trees("group, prompt 512"),
            "{:.1f} x",
        ),
        ("the same, a 2,048-token prompt", 9, _trees("group, prompt 2048"), "{:.1f} x"),
    ]
    limited = [
        ("memory of 10,000 episodes above that of 2,000", 40, growth, "{:.0f} MB"),
        ("200 in flight, wall time over the ideal", 1.05, few["over_ideal"], "{:.3f} x"),
        ("200 in flight, wall time over bare asyncio", 1.02, few["over_asyncio"], "{:.3f} x"),
        ("2,000 in flight, wall time over the ideal", 1.10, many["over_ideal"], "{:.3f} x"),
        ("a turn of 160 over a turn of 10", 1.15, flat, "{:.2f} x"),
        ("fork of a 200-turn episode, stored", 5, turns["fork_ms"], "{:.1f} ms"),
        ("resume of a 10,000-episode run, the whole command", 2, store["resume_10000_s"], "{:.2f} s"),
        ("`show` on 100,000 episodes", 0.5, store["show_100000_s"], "{:.2f} s"),
        ("`ls` on 100,000 episodes", 0.5, store["ls_100000_s"], "{:.2f} s"),
        ("what a turn adds to a step of the bare world, at most", 20, max(_added("memory")), "{:.0f} µs"),
        ("the same, median", 20, statistics.median(_added("memory")), "{:.0f} µs"),
        ("the same, median, every turn on disk", 20, statistics.median(_added("stored")), "{:.0f} µs"),
        ("1,000 levels of Sokoban", 10, max(read("worlds")["levels_per_1000_s"].values()), "{:.1f} s"),
        (
            "generation of 16 x 64 tokens over plain torch",
            1.25,
            _learn("generation", "over_limit"),
            "{:.2f} x",
        ),
        ("8 turns over plain torch that keeps the cache", 1.25, _learn("turns", "over_limit"), "{:.2f} x"),
        (
            "a turn of 16 over a turn of 8, against plain torch's own growth",
            1.05,
            read("learn")["growth_8_to_16_turns"]["over_limit"],
            "{:.2f} x",
        ),
        ("viewer, 100,000 episodes: the table of runs, server time", 300, _page("runs"), "{:.0f} ms"),
        ("viewer: the page of a run of 90,000", 500, _page("run"), "{:.0f} ms"),
        ("viewer: an episode", 200, _page("episode"), "{:.1f} ms"),
        ("viewer: an episode of 10,000 turns", 1000, _page("10,000 turns"), "{:.0f} ms"),
        ("viewer: full-text search", 500, max(map(_page, _searches())), "{:.1f} ms"),
        (
            "viewer: runs, a run, the grid, a search over plain SQL for the same rows",
            3,
            _over_sql(),
            "{:.1f} x",
        ),
        (
            "viewer: an episode over the least server that tells its rows by plain SQL",
            3,
            read("view")["pages"]["episode"]["over_served"],
            "{:.1f} x",
        ),
        ("base install, distributions", 30, base["distributions"], "{}"),
        ("base install, size", 150, base["mb"], "{:.0f} MB"),
        ("`import turnwise`", 150, base["import_s"] * 1000, "{:.0f} ms"),
        ("`turnwise --help`", 0.3, base["help_s"], "{:.2f} s"),
    ]
    rows = [
        *(
            line(what, f"at least {to} x", form.format(got), met=got >= to)
            for what, to, got, form in measured
        ),
        *(line(what, f"at most {to}", form.format(got), met=got <= to) for what, to, got, form in limited),
    ]
    return ["| what | target | measured | met |", "| --- | --- | --- | --- |", *rows]


def engines() -> list[str]:
    """CPU a turn and memory, for each engine."""
    overhead = read("overhead")
    rows = [
        f"| {name} | {cost:.1f} | {overhead['peak_mb'][name]:.0f} |"
        for name, cost in sorted(overhead["cpu_us_per_turn"].items(), key=lambda item: item[1])
    ]
    return ["| engine | CPU µs a turn | peak MB |", "| --- | --- | --- |", *rows]


def lengths() -> list[str]:
    """How the cost of a turn grows with the length of an episode."""
    turns = read("turns")
    rows = [f"| {name} | {value:.2f} x |" for name, value in sorted(turns["growth_10_to_160"].items())]
    return ["| engine | a turn of 160, against a turn of 10 |", "| --- | --- |", *rows]


def worlds() -> list[str]:
    """Steps a second of each world, what an episode adds to a turn, and the same game elsewhere."""
    measured = read("worlds")
    rows: list[str] = []
    for name, row in measured["worlds"].items():
        steps, added = row.get("steps_per_s"), row.get("added_us_memory")
        peer = f"{row['peer_steps_per_s']:,.0f} ({row['peer']})" if "peer" in row else ""
        bare = "" if steps is None else f"{steps:,.0f}"
        more = "" if added is None else f"{added:.0f}"
        kept = "" if added is None else f"{row['added_us_stored']:.0f}"
        rows.append(f"| {name} | {bare} | {row['turns_per_s']:,.0f} | {more} | {kept} | {peer} |")
    levels = ", ".join(f"{seconds:.1f} s ({kind})" for kind, seconds in measured["levels_per_1000_s"].items())
    head = [
        "| world | bare steps/s | turns/s | added, µs a turn | added where stored | elsewhere, steps/s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return [*head, *rows, "", f"1,000 levels of Sokoban, made and solved: {levels}."]


def _added(way: str) -> list[float]:
    """What an episode (in `memory`, or `stored`) adds to a turn of each world, in µs."""
    key, rows = f"added_us_{way}", read("worlds")["worlds"].values()
    return [row[key] for row in rows if key in row]


def _faster(method: str) -> float:
    """How much faster a credit method is than the published code, on one core."""
    return read("learn_credit")["figures"]["1 cores"][method]["official_ratio"]


def _losses() -> dict[str, float]:
    """How much faster the PPO loss with its statistics is than a padded one, by threads."""
    figures = read("learn_losses")["figures"]
    return {threads: row["ratio_with_statistics"] for threads, row in figures.items()}


def _learn(what: str, ratio: str) -> float:
    """Generation, turns and a step beside TRL and beside plain torch."""
    return read("learn")["figures"][what][ratio]


def _turns() -> str:
    """What plain torch's own turns say of the targets for ours."""
    learn = read("learn")
    growth, turns = learn["growth_8_to_16_turns"], learn["figures"]["turns"]
    most = turns["faster_than_trl"] * turns["over_limit"]
    return (
        "torch's own attention, that knows all lengths beforehand; its 8 turns are "
        f"{most:.2f} times as fast as\nTRL's. A turn of 16 takes us {growth['turnwise']:.2f} times as long "
        f"as one of 8, plain torch {growth['limit']:.2f} times:\nattention looks at twice as much."
    )


def _page(name: str) -> float:
    """Milliseconds of a page of the viewer, when it is asked for the first time."""
    return read("view")["pages"][name]["first_ms"]


def _searches() -> list[str]:
    return [name for name in read("view")["pages"] if name.startswith("search")]


def _over_sql(only: str | None = None) -> float:
    """The most that a page takes over a bare query: of one page, or of those told from many rows."""
    pages = read("view")["pages"]
    return max(
        page.get("over_sql", 0.0)
        for name, page in pages.items()
        if (name == only if only else name != "episode")
    )


def _indexing() -> str:
    """What the search index takes."""
    measured = read("view")
    return (
        f"The search index is made in the background, at\n{measured['episodes'] / measured['index_s']:,.0f} "
        f"episodes a second here, and takes {measured['index_mb']:.0f} MB beside the store's "
        f"{measured['store_mb']:.0f}."
    )


def _served() -> str:
    page = read("view")["pages"]["episode"]
    return (
        f"It takes {page['served_ms']:.2f} ms, the episode's page {page['new_ms']:.2f}: "
        f"{page['over_served']:.1f} x; over the query alone the page takes {page['over_sql']:.0f} x."
    )


def viewer() -> list[str]:
    """Milliseconds of each page of the viewer."""
    measured = read("view")
    rows: list[str] = []
    for name, page in measured["pages"].items():
        sql = f"{page['sql_ms']:.2f} | {page['over_sql']:.1f} x" if "sql_ms" in page else " | "
        size = page["bytes"] / 1000
        rows.append(f"| {name} | {page['first_ms']:.1f} | {page['again_ms']:.1f} | {sql} | {size:,.0f} |")
    head = ["| page | first, ms | again, ms | SQL, ms | over SQL | kB |", "| --- " * 6 + "|"]
    return [*head, *rows]


def generation() -> list[str]:
    """Milliseconds of generation and of a step."""
    best = read("learn")["best_ms"]
    names = {"limit": "plain torch", "turnwise": "Turnwise", "trl": "TRL 1.16"}
    keys = ("generate_ms", "one_turn_ms", "turns_ms", "twice_the_turns_ms", "step_ms")
    rows = [
        f"| {names[name]} | " + " | ".join(f"{row[key]:,.0f}" if key in row else "" for key in keys) + " |"
        for name, row in best.items()
    ]
    head = [
        "| | 16 x 64 tokens | one turn | 8 turns | 16 turns | a step of training |",
        "| --- " * 6 + "|",
    ]
    return [*head, *rows]


def climbs() -> list[str]:
    """How far small policies got, by world and method."""
    runs = read("learn_worlds")["runs"]
    rows: list[str] = []
    for world, method in dict.fromkeys((run["world"], run["method"]) for run in runs):
        mine = [run for run in runs if (run["world"], run["method"]) == (world, method)]
        before = ", ".join(f"{run['before']['mean']:.2f}" for run in mine)
        after = ", ".join(
            f"{run['after']['mean']:.2f} [{run['after']['low']:.2f}, {run['after']['high']:.2f}]"
            for run in mine
        )
        climbed = sum(run["climbed"] for run in mine)
        rows.append(f"| {world} | {method} | {before} | {after} | {climbed} of {len(mine)} |")
    head = ["| world | method | before | after, three seeds [95 %] | climbed |", "| --- " * 5 + "|"]
    return [*head, *rows]


def calls() -> list[str]:
    """What the check of each turn of BFCL taught, by reward and by how replies are chosen."""
    found = read("learn_bfcl")
    rows: list[str] = []
    rewards = dict.fromkeys(one["reward"] for one in found)
    for reward, how, what in product(rewards, ("sampled", "greedy"), ("turns", "entries")):
        mine = [one[how][what] for one in found if one["reward"] == reward]
        before = ", ".join(f"{one['before']['mean']:.2f}" for one in mine)
        after = ", ".join(_bounded(**one["after"]) for one in mine)
        gain = metrics.mean([one["gain"]["mean"] for one in mine])
        told = _bounded(gain.mean, gain.low, gain.high)
        rows.append(f"| {reward} | {how} | {what} | {before} | {after} | {told} |")
    head = [
        "| reward | replies | right | before | after, three seeds [95 %] | gain, over the seeds [95 %] |",
        "| --- " * 6 + "|",
    ]
    return [*head, *rows]


def _bounded(mean: float, low: float, high: float) -> str:
    """A mean with its interval."""
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"


def _trees(shape: str) -> float:
    """How much faster rows that begin alike train as a tree."""
    return read("learn_trees")["figures"][shape]["ratio"]


def trees() -> list[str]:
    """Rows that begin alike, as rows and as trees."""
    rows = [
        f"| {name} | {row['rows_ms']:,.0f} | {row['trees_ms']:,.0f} | {row['ratio']:.1f} x | "
        f"{row['ratio_of_tokens']:.1f} x | {row['difference_gradient']:.0e} |"
        for name, row in read("learn_trees")["figures"].items()
    ]
    head = ["| shape | rows, ms | trees, ms | | of tokens | gradients differ by |", "| --- " * 6 + "|"]
    return [*head, *rows]


def credit() -> list[str]:
    """Credit methods beside the published code."""
    rows: list[str] = []
    for name, row in read("learn_credit")["figures"]["1 cores"].items():
        official = f"{row['official_ms']:,.1f}" if "official_ms" in row else ""
        ratio = f"{row['official_ratio']:,.0f} x" if "official_ratio" in row else ""
        rows.append(f"| {name} | {row['ours_ms']:.2f} | {official} | {ratio} |")
    return ["| method | ours, ms | published code, ms | |", "| --- | --- | --- | --- |", *rows]


def weights() -> list[str]:
    """Installations side by side."""
    rows = [
        f"| {name} | {row['distributions']} | {row['mb']:.0f} | {row['import_s'] * 1000:.0f} |"
        for name, row in read("footprint").items()
        if name != "machine"
    ]
    head = ["| package | distributions | MB | import, ms |", "| --- | --- | --- | --- |"]
    return [*head, *rows]


def main() -> None:
    """Write the page."""
    machine = read("overhead")["machine"]
    text = [
        "# Performance",
        "",
        "Made by `benchmarks/report.py` from `benchmarks/results/`; run the benchmarks again to change it.",
        "Each ratio comes from one run of one script on one machine, with all engines measured in turn,",
        f"several times. This one had {machine['cores']} cores ({machine['machine']}), Python "
        f"{machine['python']}, {machine['date']}.",
        "",
        *targets(),
        "",
        "## The engines",
        "",
        "2,000 episodes of 10 turns (500 for the slow ones), 200 at a time, a model that answers at once:",
        "`stored` means that every episode is on disk at the end; Turnwise writes every turn as it is made.",
        "",
        *engines(),
        "",
        "## Long episodes",
        "",
        *lengths(),
        "",
        "## The viewer",
        "",
        "A store of 100,000 episodes of ten turns, 90,000 of them in one run. Server time of the whole",
        "application without the network, with nothing read before (`first`) and asked once more (`again`).",
        "`SQL` is a bare query by Python's `sqlite3` for the rows that a page is told from; a search is",
        "compared as it is asked `again`, and so is an episode, whose three rows SQL has at once. An empty",
        "answer by HTTP (`nothing`) takes longer than these do; so an episode, of another number each time,",
        "is also compared with the least server that tells these rows: Starlette, three queries, JSON.",
        _served(),
        _indexing(),
        "",
        *viewer(),
        "",
        "## Worlds",
        "",
        "Steps and turns a second of one core; the player says again what a random one said. A step of",
        "a world with several actions a reply (`sokoban`, `taxi`, `wmact_maze`) is the whole reply. What an",
        "episode adds to a turn is measured in the same process as the bare world's step.",
        "",
        *worlds(),
        "",
        "## Learning",
        "",
        "Credit on 1,024 trajectories of 4,096 tokens, 8 turns, on one core; the published code is verl's,",
        "RAGEN's and verl-agent's, run unchanged, and the numbers agree to 1e-5. Bi-level GAE is theirs on 8",
        "trajectories, scaled. The PPO loss is measured beside a padded one, with clip and KL statistics: "
        + ", ".join(f"{ratio:.1f} x on {threads}" for threads, ratio in _losses().items())
        + ".",
        "",
        *credit(),
        "",
        "A policy of 0.49 M parameters on two threads, ms: 16 samples of 64 tokens; conversations of 32",
        "sampled and 32 observed tokens a turn, 16 at once; a step of training on 16 x 64 tokens (ours with",
        "every episode stored). Plain torch is a bare loop over the same network with",
        _turns(),
        "",
        *generation(),
        "",
        "Small policies with random weights (2 layers of width 64), cloned for seconds, then trained on one",
        "core for half a minute, evaluated on tasks they were not trained on; all methods of a world share",
        "all settings. Three seeds show that each climbs, not which is better.",
        "",
        *climbs(),
        "",
        "The same policy on BFCL's entries over TicketAPI and MathAPI that are made by seed: cloned from",
        "a player that meets two requests in five and lets the others pass, then trained by its own",
        "episodes, 128 a step for 60 steps, rewarded for each turn whose check passes (`turns`), or for",
        "entries whose turns are all right (`entry`). Right turns and right entries of 200 of the other",
        "split, with replies that are sampled as in training, and with the likeliest. Three seeds show that",
        "both climb, not which is better.",
        "",
        *calls(),
        "",
        "Rows that begin alike, forward and backward, each by itself and with what they share computed once",
        "(0.49 M parameters, two threads): 16 completions of a prompt; 64 episodes forked 4 ways at 3 turns;",
        "an 8-turn episode with 4 forks at each turn.",
        "",
        *trees(),
        "",
        "## Installations",
        "",
        *weights(),
        "",
        "## Running them",
        "",
        "See `benchmarks/README.md`.",
        "",
    ]
    Path(PAGE).write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
