"""Credit assignment: from the rewards of turns to what each turn, or token, is worth learning from.

One file a published estimator, found by its name; all are pure functions of `Turns` (`learn/batch.py`) and of
plain arrays, with these axes:

- `[K]` turns, sorted by (episode, time); `[E]` episodes; `[M]` sampled tokens, turn after turn, nothing else.
- A *chain* `[C]` is what one role did in one episode. Rewards of one role are never credited to another.

A method gives one number a turn wherever it knows no more than that (`np.repeat(credit, turns.tokens)`
spreads it), and one number a sampled token where it does.

    from turnwise.learn import credit
    method = credit.get("gigpo")        # a wrong name is answered with the nearest ones
    method.require(environment)         # refuses an environment that declares no state keys
    advantage = method(turns, gamma=0.95)

`group.relative` is the general comparison with peers; most names are one call of it.
"""

from turnwise.learn.credit.registry import Method, get, method, names

__all__ = ["Method", "get", "method", "names"]
