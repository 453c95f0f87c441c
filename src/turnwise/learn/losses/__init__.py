"""Losses over sampled tokens only: one file a published loss, each a plain function of flat tensors.

A policy loss is a function `loss(logprobs, *, old, advantages, weights, ...) -> scalar` of arrays `[M]`, one
entry for each sampled token, whichever row, turn or episode it is in. What is special to a loss (its clip,
its ratio) is in its file; how tokens are added up is one vector of weights (`aggregation.py`); what a stale
or foreign sampler costs is another (`tis.py`, `icepop.py`, `rejection.py`), multiplied in. So every loss goes
with every aggregation and every correction, a micro-batch is a slice of the same vectors, and nothing is
padded.

`get("gspo")` is the function of that name; torch is loaded then, not before.
"""

from turnwise.learn.losses.registry import get, inputs, names, published_mode

__all__ = ["get", "inputs", "names", "published_mode"]
