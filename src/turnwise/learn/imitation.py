"""Learning to say what was said: supervised training of an engine's policy on episodes.

The episodes of a scripted player have no tokens, so they are rendered by the policy's own chat template
(`batch_of(..., text="render")`). What is learned is what the trained role said, and when to stop; what it was
told is context.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from turnwise.engine.results import Run
from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch
from turnwise.learn.engine.protocol import Engine
from turnwise.learn.render import Renderer
from turnwise.learn.rows import batch_of
from turnwise.learn.tables import select_rows
from turnwise.log import EpisodeLog


def demonstrations(
    source: Run | EpisodeLog | Iterable[Run | EpisodeLog], tokenizer: object, *, roles: str | None = None
) -> Batch:
    """Episodes of any player as a batch to imitate.

    Args:
        source: Runs or logs of episodes.
        tokenizer: The policy's.
        roles: Whose words to learn; by default the first role's.
    """
    import warnings

    with warnings.catch_warnings():
        # That they are rendered is what was asked for.
        warnings.simplefilter("ignore")
        return batch_of(
            source, roles=roles, text="render", renderer=Renderer(tokenizer), logprobs=False
        ).batch


def imitate(
    engine: Engine, batch: Batch, *, steps: int, lr: float, rows: int = 32, clip: float = 1.0, seed: int = 0
) -> list[float]:
    """Train on `rows` random rows of a batch in each of `steps` steps.

    Args:
        engine: Whose policy learns.
        batch: What was said; see `demonstrations`.
        steps: Updates.
        lr: Learning rate.
        rows: Rows of an update.
        clip: Greatest norm of a gradient.
        seed: Of the choice of rows.

    Returns:
        The mean loss of a token before each step, in nats.

    Raises:
        ConfigError: there is nothing to imitate.
        TrainingError: a loss is no finite number.
    """
    from turnwise.learn.objective import imitation_loss

    if not batch.rows:
        raise ConfigError("there is nothing to imitate: none of the episodes has a word of the trained role")
    draw = np.random.default_rng(seed)
    found: list[float] = []
    for _ in range(steps):
        chosen = draw.choice(batch.rows, size=min(rows, batch.rows), replace=False)
        part = select_rows(batch, chosen)
        found.append(engine.forward_backward(part, imitation_loss(part)).loss)
        engine.optim_step(lr=lr, clip=clip)
    return found
