"""Turnwise environments under trainers people already run.

| trainer | what it is given | module |
|---|---|---|
| TRL's `GRPOTrainer` | a `rollout_func` | `trl` |
| the same | an `environment_factory`: tool calls alone | `trl_tools` |
| verl | an agent loop | `verl` |
| SkyRL | a generator | `skyrl` |
| whatever trains on `verifiers` | an environment of that library | `turnwise.serving.verifiers` |

All but `trl_tools`, where TRL itself plays, play whole episodes with the trainer's own policy, as a run does:
the environment's script, the other roles, the limits. What the trainer gets is exactly what was sampled:
token ids, a mask that has 1 where the policy sampled and 0 where the environment spoke, log-probabilities,
and the rewards the script gave. None of it is read from a text or from a message's role
(`turnwise.learn.rows`).
"""
