"""InterruptBench (Zou et al. 2026, arXiv 2604.00892): a task is changed while it is being done.

The published tasks are WebArena's, on web sites that take tens of gigabytes; here the same protocol runs on
errands in a street of stalls, made from seeds (`street`). Six scenarios, as published: `1update` and
`2update` (the errand at first lacks what is added), `2modification` (it says wrong things, which are
corrected), `1retraction` and `2retraction` (it asks for more than is wanted), `3mixed` (one of each). The
initial errand with all its updates is the intent, and success is always judged by the intent.

How a run goes:

1. The baseline: `turnwise run interruptbench --set interrupt=false` plays the initial errand.
2. `python -m turnwise.synth.interruptbench RUN --share 0.6 --to stage.jsonl` cuts each of its episodes after
   that share of its actions: floor(share * N). `--chain` cuts half-way through what followed the
   interruption before, and brings the next update alone.
3. `turnwise run interruptbench --tasks stage.jsonl` replays these actions, says the update and goes on.

Without a baseline, `at` interrupts every episode after so many actions. `metrics.interrupt` has the measures.
The published rows (165 in each of six files) are read by `rows.published`, for those who have the web sites.

Differences: the agent is shown all that was replayed, actions and what came of them (published: the last
action only); the limit of 50 actions holds for those that are not replayed; and there
are no typed actions, so early stopping counts equal actions in a row.
"""

from turnwise.environments.service.interruptbench.environment import InterruptBench
from turnwise.environments.service.interruptbench.rows import Errand, Step, published
from turnwise.environments.service.interruptbench.stages import chained, staged

__all__ = ["Errand", "InterruptBench", "Step", "chained", "published", "staged"]
