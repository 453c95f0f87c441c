"""Batches from tokens that a test writes down."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Batch, Turns, check


def batch_with(*rows: list[tuple[int, bool]]) -> Batch:
    """A batch of rows, each an episode of one turn for each span of sampled tokens."""
    ids = [token for row in rows for token, _ in row]
    turn, row_of, tokens, now = [], [], [], -1
    for number, row in enumerate(rows):
        before = False
        for _, sampled in row:
            if sampled and not before:
                now += 1
                row_of.append(number)
                tokens.append(0)
            if sampled:
                tokens[-1] += 1
            turn.append(now if sampled else -1)
            before = sampled
    k = len(row_of)
    zeros = np.zeros(k, dtype=np.int64)
    return check(
        Batch(
            ids=np.array(ids, dtype=np.int32),
            row_start=np.cumsum([0, *map(len, rows)]),
            sampled=np.array(turn) >= 0,
            logprobs=np.zeros(len(ids), dtype=np.float32),
            turn=np.array(turn),
            turns=Turns(
                episode=np.array(row_of),
                group=np.zeros(len(rows), dtype=np.int64),
                reward=np.zeros(k),
                index=zeros,
                role=zeros,
                tokens=np.array(tokens),
            ),
            turn_row=np.array(row_of),
            turn_version=zeros,
            outcome=np.zeros(len(rows)),
            truncated=np.zeros(len(rows), dtype=np.bool_),
        )
    )


def row(context: list[int], sampled: list[int]) -> list[tuple[int, bool]]:
    return [(token, False) for token in context] + [(token, True) for token in sampled]
